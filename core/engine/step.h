#ifndef SETT_STEP_H
#define SETT_STEP_H
/*
 * Steps and sagas. A saga is a const table of steps. A step's name is never reused. Two kinds: a
 * store step (apply, revert) runs inside the engine's own commit and may not wait; an outside step
 * (check, make, undo) never sees the store.
 */
#include "buf.h"
#include "db.h"
#include "job.h"
#include "outcome.h"

struct outside; /* the drivers and providers of this worker; opaque to the engine */

/* What an outside step works with. */
struct step_call {
    const struct job *job;   /* a copy: id, args */
    struct kv *facts;        /* small named outputs; what is set here is committed with the result,
                                also with that of a failure */
    const struct kv *secret; /* what prepare put there, opened */
    const char *text;        /* what bring put there; NULL: the step has none */
    struct outside *outside;
    uint32_t attempt;   /* from 1 */
    int64_t elapsed_ms; /* since the step was first begun, over crashes and waits */
    uint32_t wait_ms;   /* AGAIN: ask again after so long; 0: the class's own backoff */
    char note[400];     /* for the journal: what was made or found */
};

typedef enum outcome step_outside(struct step_call *call, struct err *err);

/* The store's side of a step, inside the engine's commit, so it may be run twice (db_change) and
 * may not wait. It may change job->args, job->facts and any record but jobs' own. ${context}: as
 * given to the engine. ERR_CONFLICT with code "busy" means: wait for another job and try again.
 * Return 0 or -1. */
typedef int step_store(struct txn *txn, struct job *job, void *context, struct err *err);

#define STEP_PIVOT 0x1u /* once it is done there is no way back: only forward */
#define STEP_QUIET                                                                                 \
    0x2u /* no journal row when there is nothing to do (a store step's, an undo's)                 \
          */

struct step {
    const char *name;
    const char *title; /* for people: "Start the container" */
    unsigned flags;
    /* Whether this job does not need the step: it is then passed over both ways, without a row. May
     * be NULL. It must give the same answer as long as the step is done. */
    bool (*needless)(const struct job *job);
    /* Store step. revert NULL: nothing to take back. */
    step_store *apply, *revert;
    /* Outside step. check NULL: make is asked again after a crash. undo NULL: nothing to undo. */
    step_outside *check, *make, *undo;
    /* In the commit of the intent: read from the store what make will need (into job->facts),
     * generate what cannot be read back (into ${secrets}: kept sealed with the job until its end,
     * and handed to every later prepare and make of it). May be NULL. */
    int (*prepare)(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                   struct err *err);
    /* In the commit that begins the step, its undo, or takes either up again: what is too long for
     * a fact, read from the store into ${out}, an empty buffer of at most STEP_TEXT_MAX bytes. It
     * is not kept: after a crash it is what the store then says. May set facts. May be NULL. */
    int (*bring)(struct txn *txn, struct job *job, void *context, struct buf *out, struct err *err);
    /* In the commit of the result, after make or check said OK: facts into records. May be NULL. */
    step_store *settle;
    /* Likewise after undo said OK. May be NULL. */
    step_store *unsettle;
    /* Where to go when it FAILs so: name of an earlier step, which is undone with its successors
     * and then begun anew; NULL: nowhere. */
    const char *(*fall_back)(const struct job *job, const struct err *err);
    uint32_t attempts;  /* AGAINs before it counts as failed; 0: 12 */
    uint32_t timeout_s; /* over all attempts; 0: none */
    /* For plans: what it would touch, one line. Optional, else title. Return 0 or -1. */
    int (*plan)(const struct job *job, char *out, size_t size);
};

#define STEP_ATTEMPTS_ENDLESS UINT32_MAX
#define STEP_TEXT_MAX         (1024u * 1024u)

struct saga {
    const char *name; /* "tenant.provision" */
    const char *title;
    const char *subject; /* kind of subjects[0]: "tenant" */
    const struct step *steps;
    uint32_t step_count;
    /* In the commit that begins the job, takes it up again after it was stuck, or turns it round
     * (job->undo). May be NULL. */
    step_store *begun;
    /* In the commit of the end; job->state: JOB_DONE, JOB_UNDONE or JOB_STUCK. Subjects are free by
     * then unless it is stuck, so it may start another job. May be NULL. */
    step_store *ended;
    bool keep_on_fail; /* a failure leaves what was made and the job stuck; else it is undone */
};

#endif
