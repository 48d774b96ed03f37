#ifndef SETT_STEP_H
#define SETT_STEP_H
/*
 * Steps and sagas. A saga is a const table of steps. A step's name is never reused. Two kinds: a
 * store step (apply, revert) runs inside the engine's own commit and may not wait; an outside step
 * (check, make, undo) never sees the store.
 */
#include "db.h"
#include "job.h"
#include "outcome.h"

struct outside; /* the drivers and providers of this worker; opaque to the engine */

/* What an outside step works with. */
struct step_call {
    const struct job *job;  /* a copy: id, args */
    struct kv *facts;       /* small named outputs; what is set here is committed with the result */
    const struct kv *secret; /* opened secrets that prepare sealed with the intent */
    struct outside *outside;
    uint32_t attempt;
    uint32_t wait_ms;       /* AGAIN: ask again after so long; 0: the class's own backoff */
    char note[400];         /* for the journal: what was made or found */
};

typedef enum outcome step_outside(struct step_call *call, struct err *err);

#define STEP_PIVOT 0x1u /* once it is done there is no way back: only forward */
#define STEP_QUIET 0x2u /* no journal row of its own when there was nothing to do */

struct step {
    const char *name;
    const char *title;  /* for people: "Start the container" */
    unsigned flags;
    /* Store step: both in the engine's commit; may change job->args, job->facts, records. */
    int (*apply)(struct txn *txn, struct job *job, struct err *err);
    int (*revert)(struct txn *txn, struct job *job, struct err *err);
    /* Outside step. */
    step_outside *check, *make, *undo;
    /* In the commit of the intent: read from the store what make will need (into job->facts),
     * generate what cannot be read back (into secrets, sealed). May be NULL. */
    int (*prepare)(struct txn *txn, struct job *job, void *context, struct err *err);
    /* In the commit of the result, after make or check said OK: facts into records. May be NULL. */
    int (*settle)(struct txn *txn, struct job *job, struct err *err);
    /* Likewise after undo said OK. May be NULL. */
    int (*unsettle)(struct txn *txn, struct job *job, struct err *err);
    /* Where to go when it FAILs with this error kind: name of an earlier step, whose successors are
     * undone first; NULL: nowhere, the job is stuck. */
    const char *(*fall_back)(const struct job *job, const struct err *err);
    uint32_t attempts;  /* AGAINs before it counts as failed; 0: 12 */
    uint32_t timeout_s; /* over all attempts; 0: none */
    /* For plans: what it would touch, one line appended to ${out}. Optional, else title. */
    int (*plan)(const struct job *job, char *out, size_t size);
};

struct saga {
    const char *name;    /* "tenant.provision" */
    const char *title;
    const char *subject; /* kind of subjects[0]: "tenant" */
    const struct step *steps;
    uint32_t step_count;
    /* In the commit of the end. state: JOB_DONE, JOB_UNDONE or JOB_STUCK. May be NULL. */
    int (*ended)(struct txn *txn, struct job *job, enum job_state state, struct err *err);
    bool keep_on_fail; /* a failure leaves what was made and the job stuck; else it is undone */
};

#endif
