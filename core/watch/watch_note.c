/*
 * Noting what changed. Apart from the asking because it waits for the disk, and from the restarts
 * because a state is noted whether or not anything is done about it.
 */
#include "watch.h"

#include <stdlib.h>
#include <string.h>

#include "health.h"
#include "job_start.h"
#include "log.h"
#include "notice.h"
#include "str.h"
#include "tunnel.h"

#define CHANGES 100 /* in one transaction */

struct change {
    uint64_t number;
    bool tunnel, busy; /* busy: a job is at work on it, and it may be silent for that */
    char id[ID_SIZE];
    uint32_t state, parts[3];
    char reason[240];
};

struct changes {
    struct change at[CHANGES];
    size_t count;
    struct job job; /* scratch */
};

static const struct {
    uint32_t state;
    const char *notice;
} tenant_notices[] = {
    {HEALTH_DEGRADED, "tenant.degraded"},
    {HEALTH_UNHEALTHY, "tenant.unhealthy"},
    {HEALTH_UNREACHABLE, "tenant.unreachable"},
};

static const char *const end_words[] = {
    [HTTP_END_ANSWERED] = "answers",
    [HTTP_END_REFUSED] = "refuses connections",
    [HTTP_END_TIMEOUT] = "does not answer in time",
    [HTTP_END_NAME] = "has no address in the DNS",
    [HTTP_END_TLS] = "has no certificate that can be trusted",
    [HTTP_END_BROKEN] = "breaks off its answer",
};

static uint32_t pack(const uint32_t parts[3])
{
    return parts[0] | parts[1] << 8 | parts[2] << 16;
}

static void say(char *out, size_t size, const char *who, const struct watch_aspect *a)
{
    if (a->end == HTTP_END_ANSWERED)
        (void)str_format(out, size, "%s answers %u", who, a->status);
    else
        (void)str_format(out, size, "%s %s", who, end_words[a->end]);
}

/* Why it is not healthy: the first of its parts that is not. */
static void explain(const struct watch_target *t, const uint32_t parts[3], uint32_t state,
                    char *out, size_t size)
{
    char who[200];

    out[0] = '\0';
    if (state == HEALTH_HEALTHY || state == HEALTH_UNKNOWN)
        return;
    if (t->tunnel && t->own.end == HTTP_END_ANSWERED && t->own.status == 503) {
        (void)str_copy(out, size, "its connector has no connection to the edge");
    } else if (t->tunnel) {
        say(out, size, "its connector", &t->own);
    } else if (parts[0] == HEALTH_DEGRADED || health_is_bad(parts[0])) {
        (void)str_format(who, sizeof who, "its program at %s", t->origin);
        say(out, size, who, &t->own);
    } else if (parts[1] == HEALTH_DEGRADED || health_is_bad(parts[1])) {
        (void)str_copy(out, size, "its tunnel's connector is not connected");
    } else {
        (void)str_format(who, sizeof who, "its front door %.150s", t->url);
        say(out, size, who, &t->outside);
    }
}

static void collect_from(const struct health_watch *w, const struct watch_list *list,
                         struct changes *c)
{
    for (size_t i = 0; i < list->count && c->count < CHANGES; i++) {
        const struct watch_target *t = &list->at[i];
        struct change *change = &c->at[c->count];
        uint32_t parts[3], state;

        watch_parts(w, t, parts);
        state = watch_whole(w, t);
        if (t->paused || (state == t->noted && pack(parts) == t->noted_parts))
            continue;
        c->count++;
        memset(change, 0, sizeof *change);
        change->number = t->number;
        change->tunnel = t->tunnel;
        change->state = state;
        memcpy(change->id, t->id, sizeof change->id);
        memcpy(change->parts, parts, sizeof change->parts);
        explain(t, parts, state, change->reason, sizeof change->reason);
    }
}

/* Whether a job that is not stuck holds it. 1, 0 or -1. */
static int at_work(struct txn *txn, struct changes *c, const struct change *change, struct err *err)
{
    int found = job_of_subject(txn, change->tunnel ? "tunnel" : "tenant", change->id, &c->job, err);

    return found == 1 ? c->job.state != JOB_STUCK : found;
}

static int note_notices(struct txn *txn, const struct change *c, struct err *err)
{
    if (c->tunnel)
        return health_is_bad(c->state)
                   ? notice_raise(txn, "tunnel.down", c->id, NOTICE_USUAL, c->reason, err)
                   : notice_clear(txn, "tunnel.down", c->id, err);
    for (size_t i = 0; i < sizeof tenant_notices / sizeof tenant_notices[0]; i++) {
        bool is = tenant_notices[i].state == c->state;
        if ((is ? notice_raise(txn, tenant_notices[i].notice, c->id, NOTICE_USUAL, c->reason, err)
                : notice_clear(txn, tenant_notices[i].notice, c->id, err)) == -1)
            return -1;
    }
    return c->state == HEALTH_HEALTHY ? notice_clear(txn, "tenant.restarts", c->id, err) : 0;
}

static int note_tenant(struct txn *txn, const struct change *c, struct err *err)
{
    struct tenant tenant;
    int found;

    memset(&tenant, 0, sizeof tenant);
    memcpy(tenant.id, c->id, sizeof tenant.id);
    if ((found = record_get(txn, &tenant_table, &tenant, err)) != 1)
        return found;
    if ((tenant.state != TENANT_ACTIVE && tenant.state != TENANT_PAST_DUE) || tenant.maintenance)
        return 0;
    if (tenant.health == c->state)
        return 1;
    tenant.health = c->state;
    return tenant_put(txn, &tenant, err) == -1 ? -1 : 1;
}

static int note_tunnel(struct txn *txn, const struct change *c, struct err *err)
{
    struct tunnel tunnel = {0};
    int found;

    memcpy(tunnel.id, c->id, sizeof tunnel.id);
    if ((found = record_get(txn, &tunnel_table, &tunnel, err)) != 1 || tunnel.health == c->state)
        return found == -1 ? -1 : 0;
    return tunnel_note_health(txn, &tunnel, c->state, err);
}

/* It is well again: a restart that did not help and waits for a person has nothing left to say. */
static int end_stuck_restart(struct txn *txn, struct changes *all, const struct change *c,
                             struct err *err)
{
    const char *kind = c->tunnel ? "tunnel" : "tenant";
    struct job *job = &all->job;
    int found = job_of_subject(txn, kind, c->id, job, err);

    if (found == 1 && job->state == JOB_STUCK && str_equal(job->actor, "health") &&
        str_ends(job->saga, ".restart"))
        return job_resolve(txn, job->id, true, err);
    return found == -1 ? -1 : 0;
}

static int note_one(struct txn *txn, struct changes *all, struct change *c, struct err *err)
{
    struct health health;
    int go_on = 1;

    c->busy = false;
    if (health_is_bad(c->state) || c->state == HEALTH_DEGRADED) {
        int working = at_work(txn, all, c, err);
        c->busy = working == 1;
        if (working != 0)
            return working == -1 ? -1 : 0;
    }
    if (!c->tunnel && (go_on = note_tenant(txn, c, err)) != 1)
        return go_on;
    if (c->tunnel && note_tunnel(txn, c, err) == -1)
        return -1;
    if (health_get(txn, c->id, &health, err) == -1)
        return -1;
    if (health.state != c->state || health.since == 0)
        health.since = txn_time_ms(txn);
    health.state = c->state;
    health.program = c->parts[0];
    health.connector = c->parts[1];
    health.outside = c->parts[2];
    (void)str_copy(health.reason, sizeof health.reason, c->reason);
    if (c->state == HEALTH_HEALTHY)
        health.given_up_at = 0;
    if (c->state == HEALTH_HEALTHY && end_stuck_restart(txn, all, c, err) == -1)
        return -1;
    if (health_put(txn, &health, err) == -1)
        return -1;
    return note_notices(txn, c, err);
}

static int note_all(struct txn *txn, void *arg, struct err *err)
{
    struct changes *c = arg;

    for (size_t i = 0; i < c->count; i++)
        if (note_one(txn, c, &c->at[i], err) == -1)
            return -1;
    return 0;
}

/* What was written is what holds; what is being worked on is asked anew. */
static void take_back(struct health_watch *w, const struct changes *c)
{
    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < c->count; i++) {
        const struct change *change = &c->at[i];
        struct watch_target *t =
            watch_find(change->tunnel ? &w->tunnels : &w->tenants, change->number);
        if (t == NULL)
            continue;
        if (change->busy) {
            watch_forget(&t->own, HEALTH_UNKNOWN);
            watch_forget(&t->outside, HEALTH_UNKNOWN);
        }
        t->noted = change->busy ? t->noted : change->state;
        t->noted_parts = pack(change->parts);
        if (change->state == HEALTH_HEALTHY)
            t->tries.given_up_at = 0;
    }
    (void)pthread_mutex_unlock(&w->lock);
}

/* ---- records of what is not looked at any more ---- */

struct sweep {
    char ids[CHANGES][ID_SIZE];
    size_t count;
};

static bool is_watched(const struct health_watch *w, const char *id)
{
    const struct watch_list *list = str_starts(id, "tun_") ? &w->tunnels : &w->tenants;

    for (size_t i = 0; i < list->count; i++)
        if (str_equal(list->at[i].id, id))
            return true;
    return false;
}

static int sweep_all(struct txn *txn, void *arg, struct err *err)
{
    static const char *const kinds[] = {"tenant.degraded", "tenant.unhealthy", "tenant.unreachable",
                                        "tenant.restarts", "tunnel.down"};
    const struct sweep *s = arg;
    struct health health;

    for (size_t i = 0; i < s->count; i++) {
        memset(&health, 0, sizeof health);
        (void)str_copy(health.subject, sizeof health.subject, s->ids[i]);
        if (record_delete(txn, &health_table, &health, err) == -1)
            return -1;
        for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++)
            if (notice_clear(txn, kinds[k], s->ids[i], err) == -1)
                return -1;
    }
    return 0;
}

/* The keeper alone changes the lists, so it may read ids without the lock. */
static int collect_stale(const struct health_watch *w, struct sweep *s, struct err *err)
{
    struct health health;
    struct txn *txn;
    struct scan scan;
    int got = -1;

    if (db_read(&txn, w->context->db, err) == -1)
        return -1;
    if (scan_start(&scan, txn, &health_table, NULL, NULL, 0, false, err) == 0)
        while (s->count < CHANGES && (got = scan_next(&scan, &health, err)) == 1)
            if (!is_watched(w, health.subject))
                (void)str_copy(s->ids[s->count++], ID_SIZE, health.subject);
    db_read_end(txn);
    return got == -1 ? -1 : 0;
}

static void sweep(struct health_watch *w)
{
    struct sweep s = {.count = 0};
    struct err err = {0};

    w->sweep = false;
    if (collect_stale(w, &s, &err) == -1 ||
        (s.count > 0 && db_write(w->context->db, sweep_all, &s, &err) == -1))
        log_warning("old health records stay: %s", err.text);
    else
        w->sweep = s.count == CHANGES; /* there may be more */
}

void watch_note(struct health_watch *w)
{
    struct changes *c = calloc(1, sizeof *c);
    struct err err = {0};

    if (c == NULL)
        return;
    (void)pthread_mutex_lock(&w->lock);
    collect_from(w, &w->tunnels, c);
    collect_from(w, &w->tenants, c);
    (void)pthread_mutex_unlock(&w->lock);
    if (c->count > 0 && db_write(w->context->db, note_all, c, &err) == -1)
        log_warning("the tenants' health cannot be noted: %s", err.text);
    else if (c->count > 0)
        take_back(w, c);
    if (c->count > 0)
        job_wake(w->context->paths.wake_sock);
    free(c);
    if (w->sweep)
        sweep(w);
}
