/*
 * Restarting what stays bad. Apart from noting it because here is decided what must not be done:
 * nothing that is being worked on or in maintenance, nothing more often than allowed, nothing whose
 * cause lies elsewhere: a dead engine does not become alive by a thousand restarts.
 */
#include "watch.h"

#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "clock.h"
#include "health.h"
#include "job_start.h"
#include "log.h"
#include "notice.h"
#include "postgres.h"
#include "str.h"

#define CANDIDATES  16
#define CANARY_MS   60000
#define HANDS_MS    10000
#define DATABASE_MS 30000 /* until a server that is down is asked again: that may take long */
#define UP_MS       2000  /* and one that was up: what fails now may fail for its sake */
#define PING_MS     2000
#define TELL_MS     60000 /* while it lasts, with how many there are now */
#define ACTOR       "health"

/* Whose fate is shared: all, the tenants of one runtime, those with a database, the connectors. */
enum group { GROUP_PROCESS, GROUP_ENGINE, GROUP_OTHER, GROUP_DATABASE, GROUP_CONNECTOR, GROUPS };
static const char *const group_words[GROUPS] = {
    "tenants that are processes", "tenants in containers of the engine",
    "tenants of other runtimes", "tenants with a database", "connectors"};

struct candidate {
    uint64_t number;
    bool tunnel;
    char id[ID_SIZE];
    bool in_group[GROUPS];
    enum restart_verdict verdict;
    struct restart_tries tries;
    char job_id[ID_SIZE]; /* out: the restart that was begun */
};

struct picture {
    struct candidate at[CANDIDATES];
    size_t count;
    uint32_t bad[GROUPS], all[GROUPS];
    char common[400]; /* "": no cause in common */
    struct job job;   /* scratch */
    bool told;
};

static void groups_of(const struct health_watch *w, const struct watch_target *t,
                      bool in_group[GROUPS])
{
    in_group[GROUP_CONNECTOR] = t->tunnel;
    in_group[GROUP_PROCESS] = !t->tunnel && str_equal(t->runtime, "process");
    in_group[GROUP_ENGINE] = !t->tunnel && watch_on_engine(t);
    in_group[GROUP_OTHER] = !t->tunnel && !in_group[GROUP_PROCESS] && !in_group[GROUP_ENGINE];
    in_group[GROUP_DATABASE] = !t->tunnel && w->blueprints[t->blueprint].database;
}

/* Connectors come first: what they carry is asked again when they are back. */
static void look_at(struct health_watch *w, struct watch_list *list, struct picture *p,
                    int64_t now_ms)
{
    for (size_t i = 0; i < list->count; i++) {
        struct watch_target *t = &list->at[i];
        bool in_group[GROUPS], bad = health_is_bad(t->own.health.state);
        struct candidate *c = &p->at[p->count];

        if (t->paused)
            continue;
        groups_of(w, t, in_group);
        for (int g = 0; g < GROUPS; g++) {
            p->all[g] += in_group[g];
            p->bad[g] += in_group[g] && bad;
        }
        if (!bad || !health_is_bad(t->noted) || p->count == CANDIDATES ||
            (!t->tunnel && t->connector >= 0 &&
             health_is_bad(w->tunnels.at[t->connector].own.health.state)))
            continue;
        memset(c, 0, sizeof *c);
        if ((c->verdict = restart_judge(&t->tries, &w->set.restarts, now_ms)) == RESTART_WAIT)
            continue;
        c->number = t->number;
        c->tunnel = t->tunnel;
        c->tries = t->tries;
        memcpy(c->id, t->id, sizeof c->id);
        memcpy(c->in_group, in_group, sizeof in_group);
        p->count++;
    }
}

/* ---- what everything hangs on ---- */

static void see_hands(struct health_watch *w)
{
    struct hands_request request = {.verb = HANDS_PING};
    struct hands_reply reply;
    struct err err = {0};

    if (w->up.hands != WATCH_NONE && clock_mono_ms() - w->up.hands_ms < HANDS_MS)
        return;
    w->up.hands = outside_hands(w->outside, &request, PING_MS, &reply, NULL, &err) == OUTCOME_OK
                      ? WATCH_UP
                      : WATCH_DOWN;
    w->up.hands_ms = clock_mono_ms();
}

static void see_database(struct health_watch *w)
{
    int64_t known_ms = w->up.database == WATCH_DOWN ? DATABASE_MS : UP_MS;
    struct providers *p;
    struct err err = {0};

    if (w->up.database != WATCH_NONE && clock_mono_ms() - w->up.database_ms < known_ms)
        return;
    p = outside_use(w->outside);
    if (p->database_admin[0] != '\0') {
        struct postgres pg = {.admin = p->database_admin, .password = p->database_password};
        char name[POSTGRES_NAME_SIZE];
        postgres_name(name, 0, 0); /* nobody's: only whether the server answers is asked */
        w->up.database = postgres_find(&pg, name, "nobody", &err) == -1 &&
                                 (err.kind == ERR_NETWORK || err.kind == ERR_TIMEOUT)
                             ? WATCH_DOWN
                             : WATCH_UP;
    }
    outside_done(w->outside, p);
    w->up.database_ms = clock_mono_ms();
}

/* What is known to be down, in words; else a share that is too large for chance. */
static void find_common(struct health_watch *w, struct picture *p)
{
    see_hands(w);
    if (p->bad[GROUP_DATABASE] > 0)
        see_database(w);
    if (w->up.hands == WATCH_DOWN)
        (void)str_copy(p->common, sizeof p->common,
                       "sett-hands does not answer: nothing can be restarted");
    else if (w->up.engine == WATCH_DOWN && p->bad[GROUP_ENGINE] > 0)
        (void)str_format(
            p->common, sizeof p->common,
            "the container engine does not answer, and %u tenants in containers do not",
            p->bad[GROUP_ENGINE]);
    else if (w->up.database == WATCH_DOWN && p->bad[GROUP_DATABASE] > 0)
        (void)str_format(
            p->common, sizeof p->common,
            "the database server does not answer, and %u tenants with a database do not",
            p->bad[GROUP_DATABASE]);
    for (int g = 0; g < GROUPS && p->common[0] == '\0'; g++)
        if (restart_common(&w->set.restarts, p->bad[g], p->all[g]))
            (void)str_format(p->common, sizeof p->common,
                             "%u of %u %s fail at once: only one is restarted to try", p->bad[g],
                             p->all[g], group_words[g]);
}

/* Whether this one's cause is known to lie elsewhere, or there are too many like it. */
static bool held_back(const struct health_watch *w, const struct picture *p,
                      const struct candidate *c, bool *canary)
{
    *canary = false;
    if (w->up.hands == WATCH_DOWN || (c->in_group[GROUP_ENGINE] && w->up.engine == WATCH_DOWN) ||
        (c->in_group[GROUP_DATABASE] && w->up.database == WATCH_DOWN))
        return true;
    for (int g = 0; g < GROUPS; g++)
        if (c->in_group[g] && restart_common(&w->set.restarts, p->bad[g], p->all[g]))
            *canary = true;
    return *canary && clock_mono_ms() - w->canary_ms < CANARY_MS && w->canary_ms != 0;
}

/* ---- in the store ---- */

static int audit_restart(struct txn *txn, const struct candidate *c, const struct job *job,
                         struct err *err)
{
    struct audit *entry = calloc(1, sizeof *entry);
    int result;

    if (entry == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the audit");
    (void)str_copy(entry->actor, sizeof entry->actor, ACTOR);
    (void)str_copy(entry->actor_kind, sizeof entry->actor_kind, "worker");
    (void)str_copy(entry->job_id, sizeof entry->job_id, job->id);
    (void)str_copy(entry->action, sizeof entry->action, job->saga);
    (void)str_copy(entry->object, sizeof entry->object, c->id);
    (void)str_copy(entry->result, sizeof entry->result, "ok");
    (void)str_copy(entry->reason, sizeof entry->reason, "it did not answer");
    result = audit_add(txn, entry, err);
    free(entry);
    return result;
}

static int start_job(struct txn *txn, struct picture *p, struct candidate *c, struct err *err)
{
    const char *kind = c->tunnel ? "tunnel" : "tenant";
    struct job *job = &p->job;
    struct tenant tenant = {0};
    char name[32];

    memset(job, 0, sizeof *job);
    (void)str_format(job->saga, sizeof job->saga, "%s.restart", kind);
    (void)str_format(name, sizeof name, "%s_id", kind);
    (void)str_copy(job->actor, sizeof job->actor, ACTOR);
    (void)kv_set(&job->args, name, c->id);
    job_subject(job->subjects[0], kind, c->id);
    if (job_start(txn, job, err) == -1 || audit_restart(txn, c, job, err) == -1)
        return -1;
    (void)str_copy(c->job_id, sizeof c->job_id, job->id);
    if (c->tunnel)
        return 0;
    (void)str_copy(tenant.id, sizeof tenant.id, c->id);
    if (record_get(txn, &tenant_table, &tenant, err) == -1)
        return -1;
    (void)str_copy(tenant.job_id, sizeof tenant.job_id, job->id);
    return tenant_put(txn, &tenant, err);
}

static int put_tries(struct txn *txn, const struct candidate *c, struct err *err)
{
    struct health health;

    if (health_get(txn, c->id, &health, err) == -1)
        return -1;
    health.restarts = c->tries.count;
    health.restarts_since = c->tries.since;
    health.restarted_at = c->tries.last;
    health.given_up_at = c->tries.given_up_at;
    return health_put(txn, &health, err);
}

static int give_up(struct txn *txn, struct candidate *c, const char *kind, struct err *err)
{
    char text[200];

    c->tries.given_up_at = txn_time_ms(txn);
    (void)str_format(text, sizeof text,
                     "restarted %u times and it still does not answer: it is left alone now",
                     c->tries.count);
    if (notice_raise(txn, c->tunnel ? "tunnel.down" : "tenant.restarts", c->id, NOTICE_CRITICAL,
                     text, err) == -1)
        return -1;
    log_warning("%s %s: %s", kind, c->id, text);
    return put_tries(txn, c, err);
}

/* It still should run and nobody is at work on it. A restart of ours that is stuck is turned round:
 * it has nothing to undo, and the next one begins where it stood. Return 1, 0 or -1. */
static int is_free(struct txn *txn, struct picture *p, const struct candidate *c, struct err *err)
{
    const char *kind = c->tunnel ? "tunnel" : "tenant";
    struct tenant tenant = {0};
    int found;

    if (!c->tunnel) {
        (void)str_copy(tenant.id, sizeof tenant.id, c->id);
        found = record_get(txn, &tenant_table, &tenant, err);
        if (found != 1 || tenant.maintenance ||
            (tenant.state != TENANT_ACTIVE && tenant.state != TENANT_PAST_DUE))
            return found == -1 ? -1 : 0;
    }
    if ((found = job_of_subject(txn, kind, c->id, &p->job, err)) != 1)
        return found == 0 ? 1 : -1;
    if (p->job.state == JOB_STUCK && str_equal(p->job.actor, ACTOR) && c->verdict == RESTART_NOW)
        return job_resolve(txn, p->job.id, true, err) == -1 ? -1 : 0;
    return c->verdict == RESTART_GIVE_UP && p->job.state == JOB_STUCK;
}

static int act(struct txn *txn, void *arg, struct err *err)
{
    struct picture *p = arg;

    for (size_t i = 0; i < p->count; i++) {
        struct candidate *c = &p->at[i];
        struct restart_tries before = c->tries;
        int free_now;

        c->job_id[0] = '\0';
        if (c->verdict == RESTART_WAIT)
            continue;
        if ((free_now = is_free(txn, p, c, err)) == -1)
            return -1;
        if (free_now == 0)
            continue;
        if (c->verdict == RESTART_GIVE_UP) {
            if (give_up(txn, c, c->tunnel ? "tunnel" : "tenant", err) == -1)
                return -1;
            continue;
        }
        restart_note(&c->tries, txn_time_ms(txn));
        if (put_tries(txn, c, err) == -1 || start_job(txn, p, c, err) == -1)
            return -1;
        c->tries = before; /* the change may be run twice; the keeper counts it when it is done */
    }
    return 0;
}

static int tell_common(struct txn *txn, void *arg, struct err *err)
{
    const struct picture *p = arg;

    return p->common[0] == '\0'
               ? notice_clear(txn, "health.common", "", err)
               : notice_raise(txn, "health.common", "", NOTICE_USUAL, p->common, err);
}

/* ---- what is under way ---- */

static unsigned count_under_way(struct health_watch *w, struct job *job)
{
    struct txn *txn;
    unsigned under_way = 0;
    struct err err = {0};

    if (db_read(&txn, w->context->db, &err) == -1)
        return WATCH_RESTARTS;
    for (size_t i = 0; i < WATCH_RESTARTS; i++) {
        if (w->restarting[i][0] == '\0')
            continue;
        memset(job, 0, sizeof *job);
        (void)str_copy(job->id, sizeof job->id, w->restarting[i]);
        if (record_get(txn, &job_table, job, &err) != 1 || !job->live)
            w->restarting[i][0] = '\0';
        else
            under_way++;
    }
    db_read_end(txn);
    return under_way;
}

static void remember(struct health_watch *w, const struct picture *p)
{
    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < p->count; i++) {
        const struct candidate *c = &p->at[i];
        struct watch_target *t = watch_find(c->tunnel ? &w->tunnels : &w->tenants, c->number);
        if (t != NULL && c->verdict == RESTART_GIVE_UP)
            t->tries = c->tries;
        if (c->job_id[0] == '\0')
            continue;
        if (t != NULL)
            restart_note(&t->tries, clock_wall_ms());
        for (size_t k = 0; k < WATCH_RESTARTS; k++)
            if (w->restarting[k][0] == '\0') {
                (void)str_copy(w->restarting[k], ID_SIZE, c->job_id);
                break;
            }
        log_info("%s is restarted: it does not answer", c->id);
    }
    (void)pthread_mutex_unlock(&w->lock);
}

/* Leave those that may be acted on now. */
static void choose(struct health_watch *w, struct picture *p, unsigned under_way)
{
    for (size_t i = 0; i < p->count; i++) {
        struct candidate *c = &p->at[i];
        bool canary;

        if (held_back(w, p, c, &canary) ||
            (c->verdict == RESTART_NOW && under_way >= WATCH_RESTARTS) ||
            (canary && under_way > 0)) {
            c->verdict = RESTART_WAIT;
            continue;
        }
        under_way += c->verdict == RESTART_NOW;
        if (canary)
            w->canary_ms = clock_mono_ms();
    }
}

void watch_restart(struct health_watch *w)
{
    struct picture *p = calloc(1, sizeof *p);
    struct err err = {0};
    bool wanted = false;

    if (p == NULL)
        return;
    (void)pthread_mutex_lock(&w->lock);
    look_at(w, &w->tunnels, p, clock_wall_ms());
    look_at(w, &w->tenants, p, clock_wall_ms());
    (void)pthread_mutex_unlock(&w->lock);
    if (p->count > 0 || w->common)
        find_common(w, p);
    if ((p->common[0] != '\0') != w->common ||
        (w->common && clock_mono_ms() - w->common_ms >= TELL_MS)) {
        w->common = p->common[0] != '\0';
        w->common_ms = clock_mono_ms();
        if (db_write(w->context->db, tell_common, p, &err) == -1)
            log_warning("a cause in common cannot be told: %s", err.text);
    }
    if (p->count > 0)
        choose(w, p, count_under_way(w, &p->job));
    for (size_t i = 0; i < p->count; i++)
        wanted = wanted || p->at[i].verdict != RESTART_WAIT;
    if (wanted && db_write(w->context->db, act, p, &err) == -1) {
        log_warning("what does not answer cannot be restarted: %s", err.text);
    } else if (wanted) {
        remember(w, p);
        job_wake(w->context->paths.wake_sock);
    }
    free(p);
}
