/*
 * Measuring: what the tenants use, asked of the hands in lists; and where the connectors say how
 * they are. Apart from the asking because the hands answer one request after the other, and a slow
 * disk must not make a fast program look slow.
 */
#include "watch.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "facts.h"
#include "job_start.h"
#include "log.h"
#include "setting.h"
#include "str.h"

#define CALL_MS    60000
#define AWAY_MS    10000
#define BUDGET_MS  400 /* of each second */
#define EASE       50  /* who takes a second to measure is measured each 50 s at most */
#define STREAM_MAX 65536u
#define PORTS      16 /* connectors whose port is asked for in one turn */
#define COLUMNS    10

struct batch {
    uint64_t numbers[HANDS_SURVEY_MOST];
    size_t count;
    struct hands_request request;
};

/* Those that are due, at most as many as one request takes. */
static void choose(struct health_watch *w, struct batch *b, int64_t now_ms)
{
    char name[24], value[80];

    memset(b, 0, sizeof *b);
    b->request.verb = HANDS_SURVEY;
    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->tenants.count && b->count < HANDS_SURVEY_MOST; i++) {
        struct watch_target *t = &w->tenants.at[i];
        if (t->stats_due_ms > now_ms || t->away) /* its provider is asked, not the hands */
            continue;
        (void)str_format(name, sizeof name, "T%llu", (unsigned long long)t->number);
        (void)str_format(value, sizeof value, "%s %s", t->id, w->blueprints[t->blueprint].name);
        if (kv_set(&b->request.env, name, value) == -1)
            break; /* the list is full */
        b->numbers[b->count++] = t->number;
        t->stats_due_ms = now_ms + w->set.stats_ms;
    }
    (void)pthread_mutex_unlock(&w->lock);
}

/* Counters that began anew, with a program that was restarted, count from nothing. */
static uint64_t grown(uint64_t before, uint64_t now)
{
    return now >= before ? now - before : now;
}

static void take(struct watch_target *t, const uint64_t n[COLUMNS], int64_t now_ms,
                 int64_t stats_ms)
{
    int64_t passed_ms = now_ms - t->stats_ms;

    if (t->counted && passed_ms > 0) {
        t->cpu_millis = grown(t->cpu_ns, n[2]) / 1000 / (uint64_t)passed_ms;
        if (t->cpu_millis > t->cpu_max_millis)
            t->cpu_max_millis = t->cpu_millis;
        t->received_minute += grown(t->received, n[6]);
        t->sent_minute += grown(t->sent, n[7]);
    }
    t->cpu_ns = n[2];
    t->memory = n[3];
    t->received = n[6];
    t->sent = n[7];
    t->storage = n[8];
    t->measured = t->counted = true;
    t->stats_ms = now_ms;
    if ((int64_t)n[9] * EASE > stats_ms)
        t->stats_due_ms = now_ms + (int64_t)n[9] * EASE;
}

/* One line of the survey. Return 0, or -1 if it is none. */
static int read_line(char *line, uint64_t n[COLUMNS])
{
    for (size_t i = 0; i < COLUMNS; i++) {
        char *blank = strchr(line, ' ');
        if (blank != NULL)
            *blank = '\0';
        if (str_u64(line, 0, UINT64_MAX, &n[i]) == -1 || (blank == NULL && i + 1 < COLUMNS))
            return -1;
        line = blank == NULL ? line : blank + 1;
    }
    return 0;
}

static void take_all(struct health_watch *w, struct buf *stream)
{
    char *line = stream->data, *end;
    int64_t now_ms = clock_mono_ms();
    uint64_t n[COLUMNS];

    (void)pthread_mutex_lock(&w->lock);
    for (; line != NULL && (end = strchr(line, '\n')) != NULL; line = end + 1) {
        struct watch_target *t;
        *end = '\0';
        if (read_line(line, n) == -1 || (t = watch_find(&w->tenants, n[0])) == NULL)
            continue;
        if (n[1] == OUTCOME_OK)
            take(t, n, now_ms, w->set.stats_ms);
        else
            t->measured = t->counted = false;
        if (watch_on_engine(t)) /* an engine that is gone answers nothing: AGAIN */
            w->up.engine = n[1] == OUTCOME_AGAIN ? WATCH_DOWN : WATCH_UP;
    }
    (void)pthread_mutex_unlock(&w->lock);
}

static void survey(struct health_watch *w)
{
    int64_t until_ms = clock_mono_ms() + BUDGET_MS;
    struct batch *b = calloc(1, sizeof *b);
    struct hands_reply *reply = calloc(1, sizeof *reply);
    struct err err = {0};
    struct buf stream;

    buf_init(&stream, STREAM_MAX);
    while (b != NULL && reply != NULL && w->set.stats_ms != 0 && clock_mono_ms() < until_ms &&
           !atomic_load(&w->stopping)) {
        choose(w, b, clock_mono_ms());
        if (b->count == 0)
            break;
        buf_reset(&stream);
        (void)str_copy(b->request.box_id, sizeof b->request.box_id, w->box_id);
        if (outside_hands(w->outside, &b->request, CALL_MS, reply, &stream, &err) != OUTCOME_OK)
            break; /* they are asked again when they are due again */
        take_all(w, &stream);
    }
    buf_free(&stream);
    free(b);
    free(reply);
}

/* One that is away and due: its number, or 0. */
static uint64_t choose_away(struct health_watch *w, char id[ID_SIZE])
{
    int64_t now_ms = clock_mono_ms();
    uint64_t number = 0;

    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->tenants.count && number == 0; i++) {
        struct watch_target *t = &w->tenants.at[i];
        if (t->stats_due_ms > now_ms || !t->away)
            continue;
        t->stats_due_ms = now_ms + w->set.stats_ms;
        number = t->number;
        memcpy(id, t->id, ID_SIZE);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return number;
}

static enum outcome ask_away(struct health_watch *w, const char *id, struct hands_reply *reply)
{
    struct hands_request *request = calloc(1, sizeof *request);
    enum outcome outcome = OUTCOME_AGAIN;
    struct outside_where where = {.guest = 0};
    struct tenant tenant = {0};
    struct err err = {0};
    struct txn *txn;
    int found = -1;

    if (request == NULL)
        return OUTCOME_AGAIN;
    (void)str_copy(tenant.id, sizeof tenant.id, id);
    if (db_read(&txn, w->context->db, &err) == 0) {
        found = record_get(txn, &tenant_table, &tenant, &err);
        if (found == 1 && facts_where_of(txn, &tenant, &where, &err) == -1)
            found = -1;
        db_read_end(txn);
    }
    if (found == 1) {
        request->verb = HANDS_RUNTIME_STATS;
        request->number = tenant.number;
        (void)str_copy(request->tenant_id, sizeof request->tenant_id, tenant.id);
        (void)str_copy(request->box_id, sizeof request->box_id, w->box_id);
        (void)str_copy(request->blueprint, sizeof request->blueprint, tenant.blueprint);
        outcome = outside_runtime(w->outside, &where, request, AWAY_MS, reply, NULL, &err);
    }
    free(request);
    return outcome;
}

/* One a turn: a provider's API is asked for each. */
static void survey_away(struct health_watch *w)
{
    struct hands_reply *reply = calloc(1, sizeof *reply);
    int64_t began_ms = clock_mono_ms();
    struct watch_target *t;
    char id[ID_SIZE];
    uint64_t number;

    if (reply != NULL && w->set.stats_ms != 0 && (number = choose_away(w, id)) != 0) {
        enum outcome outcome = ask_away(w, id, reply);
        const struct runtime_stats *s = &reply->stats;
        int64_t now_ms = clock_mono_ms();
        const uint64_t n[COLUMNS] = {number,
                                     (uint64_t)outcome,
                                     s->cpu_ns,
                                     s->memory_bytes,
                                     s->memory_limit_bytes,
                                     s->pids,
                                     s->received_bytes,
                                     s->sent_bytes,
                                     s->storage_bytes,
                                     (uint64_t)(now_ms - began_ms)};
        (void)pthread_mutex_lock(&w->lock);
        if ((t = watch_find(&w->tenants, number)) != NULL && outcome == OUTCOME_OK)
            take(t, n, now_ms, w->set.stats_ms);
        else if (t != NULL)
            t->measured = t->counted = false;
        (void)pthread_mutex_unlock(&w->lock);
    }
    free(reply);
}

/* Where connectors listen that nobody knows of yet. A connector that is not there listens nowhere:
 * its supervisor starts it, and that it does not is for the rounds to see. */
static void find_ports(struct health_watch *w)
{
    uint64_t numbers[PORTS];
    struct hands_request *request = calloc(1, sizeof *request);
    struct hands_reply *reply = calloc(1, sizeof *reply);
    int64_t now_ms = clock_mono_ms();
    size_t count = 0;

    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->tunnels.count && count < PORTS; i++) {
        struct watch_target *t = &w->tunnels.at[i];
        if (t->port == 0 && !t->own.under_way && t->stats_due_ms <= now_ms) {
            t->stats_due_ms = now_ms + w->set.again_ms;
            numbers[count++] = t->number;
        }
    }
    (void)pthread_mutex_unlock(&w->lock);
    for (size_t i = 0; request != NULL && reply != NULL && i < count; i++) {
        struct watch_target *t;
        struct err err = {0};
        enum outcome outcome;

        memset(request, 0, sizeof *request);
        request->verb = HANDS_CONNECTOR_STATUS;
        request->number = numbers[i];
        outcome = outside_hands(w->outside, request, CALL_MS, reply, NULL, &err);
        (void)pthread_mutex_lock(&w->lock);
        if ((t = watch_find(&w->tunnels, numbers[i])) != NULL) {
            if (outcome == OUTCOME_OK)
                t->port = reply->port;
            if (outcome == OUTCOME_ABSENT || (outcome == OUTCOME_OK && !reply->running)) {
                t->own.end = HTTP_END_REFUSED;
                t->own.status = 0;
                (void)health_note(&t->own.health, &w->set.rules, HEALTH_MISSING);
            }
        }
        (void)pthread_mutex_unlock(&w->lock);
    }
    free(request);
    free(reply);
}

/* ---- storage that is full ---- */

struct full {
    uint64_t number;
    char id[ID_SIZE];
    uint64_t used, limit;
    struct job job;
};

static int suspend(struct txn *txn, void *arg, struct err *err)
{
    struct full *f = arg;
    struct job *job = &f->job;
    char reason[160];
    int found = job_of_subject(txn, "tenant", f->id, job, err);

    if (found != 0)
        return found == -1 ? -1 : 0;
    memset(job, 0, sizeof *job);
    (void)str_format(reason, sizeof reason, "its storage is full: %llu of %llu bytes",
                     (unsigned long long)f->used, (unsigned long long)f->limit);
    (void)str_copy(job->saga, sizeof job->saga, "tenant.suspend");
    (void)str_copy(job->actor, sizeof job->actor, "health");
    (void)kv_set(&job->args, "tenant_id", f->id);
    (void)kv_set(&job->args, "reason", reason);
    job_subject(job->subjects[0], "tenant", f->id);
    return job_start(txn, job, err);
}

/* One a turn, if the box's operator wants that at all. */
static void suspend_full(struct health_watch *w)
{
    struct full *f = calloc(1, sizeof *f);
    struct err err = {0};

    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; f != NULL && w->set.suspend_percent != 0 && i < w->tenants.count; i++) {
        const struct watch_target *t = &w->tenants.at[i];
        struct limits limits;
        watch_limits(w, t, &limits);
        if (!t->measured || t->paused || limits.storage_bytes == 0 ||
            t->storage < limits.storage_bytes / 100 * w->set.suspend_percent)
            continue;
        f->number = t->number;
        f->used = t->storage;
        f->limit = limits.storage_bytes;
        (void)str_copy(f->id, sizeof f->id, t->id);
        break;
    }
    (void)pthread_mutex_unlock(&w->lock);
    if (f != NULL && f->number != 0) {
        if (db_write(w->context->db, suspend, f, &err) == -1)
            log_warning("tenant %s cannot be suspended: %s", f->id, err.text);
        else
            job_wake(w->context->paths.wake_sock);
    }
    free(f);
}

void watch_measure(struct health_watch *w)
{
    if (w->box_id[0] == '\0') {
        struct err err = {0};
        struct txn *txn;

        if (db_read(&txn, w->context->db, &err) == -1)
            return;
        (void)setting_text(txn, &w->context->conf, "box.id", w->box_id, sizeof w->box_id, &err);
        db_read_end(txn);
    }
    find_ports(w);
    survey(w);
    survey_away(w);
    suspend_full(w);
}
