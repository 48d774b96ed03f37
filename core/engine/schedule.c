/*
 * The look for due jobs. Apart from the engine's threads because it is a pure reading: one
 * snapshot, one walk that ends at the first job whose time has not come.
 */
#include "schedule.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "str.h"

#define JUMP_MS 5000

/* The verdict about a lease, remembered for the length of a walk: a dead worker leaves many jobs.
 */
struct verdict {
    char lease[LEASE_SIZE];
    bool alive;
};

static bool held(const struct schedule *s, const struct job *job, struct verdict *v)
{
    if (job->worker[0] == '\0' || str_equal(job->worker, s->lease))
        return false;
    if (!str_equal(v->lease, job->worker)) {
        memcpy(v->lease, job->worker, sizeof v->lease);
        v->alive = lease_alive(job->worker);
    }
    return v->alive;
}

/* Whether the clock was set since the last look. */
static bool jumped(struct schedule *s, int64_t now_ms)
{
    int64_t offset_ms = now_ms - clock_mono_ms(), moved_ms = offset_ms - s->offset_ms;

    if (moved_ms > -JUMP_MS && moved_ms < JUMP_MS)
        return false;
    s->offset_ms = offset_ms;
    return true;
}

static int walk(struct schedule *s, struct txn *txn, struct job *job,
                bool (*busy)(void *arg, const char *id), void *arg, struct schedule_found *found,
                struct err *err)
{
    int64_t now_ms = clock_wall_ms();
    bool all = jumped(s, now_ms);
    struct verdict verdict = {0};
    struct scan scan;
    int got;

    job->live = true;
    if (scan_start(&scan, txn, &job_table, "by_wake", job, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, job, err)) == 1) {
        bool future = job->wake_at > now_ms;

        if (future && found->next_ms == 0)
            found->next_ms = job->wake_at;
        if (future && !all)
            break;
        if (future && job->updated_at <= now_ms + JUMP_MS)
            continue;
        if (s->may != NULL && !s->may(s->may_context, job->saga))
            continue;
        if (busy(arg, job->id) || held(s, job, &verdict))
            continue;
        if (found->count == SCHEDULE_BATCH) {
            found->more = true;
            break;
        }
        memcpy(found->ids[found->count++], job->id, ID_SIZE);
    }
    return got == -1 ? -1 : 0;
}

int schedule_look(struct schedule *s, bool (*busy)(void *arg, const char *id), void *arg,
                  struct schedule_found *found, struct err *err)
{
    struct txn *txn;
    struct job *job;
    int result;

    found->count = 0;
    found->more = false;
    found->next_ms = 0;
    if ((job = calloc(1, sizeof *job)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to look for jobs");
    if (db_read(&txn, s->db, err) == -1) {
        free(job);
        return -1;
    }
    result = walk(s, txn, job, busy, arg, found, err);
    db_read_end(txn);
    free(job);
    return result;
}
