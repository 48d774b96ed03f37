#ifndef SETT_MOVE_H
#define SETT_MOVE_H
/*
 * A move: the one commit that takes a job from a state to the next. Everything the engine writes is
 * written here, on the store's writer thread, from what the store holds at that moment.
 */
#include "lease.h"
#include "step.h"
#include "vault.h"

/* What all moves of an engine have in common; constant while it runs. */
struct move_world {
    struct db *db;
    const struct saga *const *sagas;
    size_t saga_count;
    void *context;
    const struct vault *vault;
    char lease[LEASE_SIZE];
};

enum move_kind {
    MOVE_CLAIM, /* take a job that nobody alive holds, and begin its present step */
    MOVE_BEGIN, /* begin the present step of a job we hold */
    MOVE_RESULT /* what came of the present step; then begin the next */
};

/* What came of a step. */
struct move_result {
    enum outcome outcome; /* OK, AGAIN or FAIL */
    bool found;           /* check found the effect: make was not asked */
    uint32_t attempt;
    uint32_t wait_ms; /* AGAIN */
    struct kv facts;  /* as they are now, all of them */
    struct err err;   /* AGAIN, FAIL */
    char note[400];
};

struct move {
    /* Given. */
    const struct move_world *world;
    enum move_kind kind;
    char id[ID_SIZE];
    const struct move_result *result;
    bool lone;     /* as little as can be: MOVE_BEGIN goes over one store step at most, the others
                      do not begin the next step */
    bool no_hooks; /* call neither settle nor the saga's own hooks: they refuse */
    struct buf *text; /* the caller's: filled by a step's bring */
    /* What came of it; written anew by each run. */
    bool lost;    /* the job is not ours, or has ended: nothing was done */
    bool refused; /* a function of the saga said no: err is its word, nothing was done */
    bool begun;   /* an outside step is to be called now */
    bool check_first;
    uint32_t from_step; /* where the job stood before */
    bool from_undo;
    const struct saga *saga;
    struct job job; /* as committed; when refused: as it stood when the function said no */
    struct kv secrets;
};

/** move(m, err): make it. Return 0 when it is on the disk (or lost), -1 with nothing done: refused,
 * or the store's own trouble, which passes. */
int move(struct move *m, struct err *err);

/** move_step(saga, job): the step that a job stands at, in its direction, or NULL behind the last.
 */
const struct step *move_step(const struct saga *saga, const struct job *job);

/** move_saga(world, name): the saga of this name, or NULL. */
const struct saga *move_saga(const struct move_world *world, const char *name);

#endif
