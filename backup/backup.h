#ifndef SETT_BACKUP_H
#define SETT_BACKUP_H
/* What backup/ exports: its sagas and answers, for the worker's main to register, and what they
 * work on. */
#include <pthread.h>
#include <stdatomic.h>
#include "answer.h"
#include "outside.h"
#include "saga_context.h"
#include "step.h"

/* How far the snapshot under way is. */
struct backup_progress {
    char job_id[ID_SIZE], phase[24]; /* phase: "write", "verify", "send"; job_id "": none is made */
    uint64_t done, total;            /* bytes of this phase; total 0: not known */
    int64_t since_ms;                /* monotonic: when the phase began */
};

/* Its steps read the store outside of the engine's commits: a copy of it is what they make. */
struct backup_world {
    const struct saga_context *context;
    struct outside *outside; /* whose member `backup` this is */
    pthread_mutex_t lock;
    struct backup_progress progress; /* the lock holds it */
    atomic_uint exports;             /* snapshots that are being taken away */
};

extern const struct saga *const backup_sagas[];
extern const size_t backup_saga_count;
extern const struct answer_row backup_answers[]; /* "progress", "vault_test", "restore_keys",
                                                   "snapshot_export", "vault_contents", "box_restore" */

/** backup_world_init(world, context, outside): and outside->backup becomes ${world}. */
void backup_world_init(struct backup_world *world, const struct saga_context *context,
                       struct outside *outside);

/** backup_progress_begin(world, job_id, phase, total): a phase begins. */
void backup_progress_begin(struct backup_world *world, const char *job_id, const char *phase,
                           uint64_t total);

/** backup_progress_add(arg, bytes, err): ${arg}: the world. So many more are done. Return 0. */
int backup_progress_add(void *arg, uint64_t bytes, struct err *err);

/** backup_sweep(paths): at the start of a worker: what a crash left of snapshots being written. */
void backup_sweep(const struct paths *paths);

#endif
