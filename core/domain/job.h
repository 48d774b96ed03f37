#ifndef SETT_JOB_H
#define SETT_JOB_H
/* A saga under way: its record, its journal, and the subjects it holds. */
#include "db.h"
#include "id.h"
#include "kv.h"

enum job_state {
    JOB_QUEUED,  /* not begun */
    JOB_RUNNING, /* going forward */
    JOB_WAITING, /* going forward, not before wake_at */
    JOB_UNDOING, /* going back (wake_at may lie ahead) */
    JOB_STUCK,   /* needs a person: cause and remedy say why */
    JOB_DONE,
    JOB_UNDONE
};
extern const char *const job_state_names[];

#define JOB_SUBJECTS 4
/* Facts that belong to the engine; a saga neither sets nor reads them. */
#define JOB_FACT_PIVOT       "engine.pivot"   /* the pivot step that is done */
#define JOB_FACT_CALLED_DONE "engine.done"    /* somebody called the stuck step done */
#define JOB_FACT_BACK_TO     "engine.back_to" /* undo down to this step, then forward again */
#define JOB_FACT_FALLS       "engine.falls"   /* how often that happened */
#define JOB_SUBJECT_SIZE     48

struct job {
    char id[ID_SIZE];
    char saga[32]; /* "tenant.provision" */
    uint32_t state;
    bool undo;     /* direction: it is to be undone */
    bool cancel;   /* somebody asked to turn it round; honoured at the next step boundary */
    uint32_t step; /* index of the next step forward; undoing: of the next to undo, plus 1 */
    bool intent;   /* the step's intent stands without a result: it is to be checked */
    char step_name[32];
    uint32_t attempt; /* of the present step, from 1 */
    int64_t step_at;  /* when the present step was first begun; its timeout counts from here */
    uint32_t journal; /* rows written */
    struct kv args, facts;
    char subjects[JOB_SUBJECTS][JOB_SUBJECT_SIZE]; /* sorted: "tenant:tn_…" */
    char cause_class[16];                          /* err_kind_name of the last failure, or "" */
    char cause[400], remedy[240];
    char actor[64], request_id[40];
    char next_saga[32]; /* saga to start when this one has ended well, or "" */
    bool live;          /* state is queued, running, waiting or undoing */
    int64_t wake_at;    /* not before; 0: at once */
    char worker[64];    /* lease: boot id, pid and start time of the process that runs it */
    int64_t created_at, started_at, ended_at, updated_at;
};
/* key id; index: by_wake {live, wake_at} sparse, state, by_tenant {subjects[0]} */
extern const struct table job_table;

enum step_action {
    STEP_ACTION_MAKE,
    STEP_ACTION_CHECK,
    STEP_ACTION_UNDO,
    STEP_ACTION_APPLY,
    STEP_ACTION_REVERT
};
extern const char *const step_action_names[];
enum step_outcome { STEP_BEGUN, STEP_DONE, STEP_WAS_ABSENT, STEP_TRY_AGAIN, STEP_FAILED };
extern const char *const step_outcome_names[];

struct job_step { /* one row of the journal */
    char job_id[ID_SIZE];
    uint32_t number; /* from 1 */
    char step[32];
    uint32_t action, outcome;
    uint32_t attempt;
    char text[400]; /* what was made, or the cause */
    int64_t started_at, ended_at;
};
extern const struct table job_step_table; /* key job_id, number */

struct subject {
    char name[JOB_SUBJECT_SIZE];
    char job_id[ID_SIZE];
};
extern const struct table subject_table; /* key name */

#endif
