/*
 * The minute: what the rounds saw becomes one record of the history. Apart from the history's own
 * writing because here is only what a minute of this box consists of.
 */
#include "watch.h"

#include <stdlib.h>
#include <string.h>

#include "box_figures.h"
#include "clock.h"
#include "event.h"
#include "history_write.h"
#include "job.h"
#include "log.h"
#include "str.h"

#define MINUTE_MS INT64_C(60000)
/* A box that has just been started shows figures soon: its first minutes are written while they
 * last, too. */
#define EARLY_MS      120000
#define EARLY_EACH_MS 4000

#define ERRORS_MOST 100000

static void state_minute(struct history_tenant *row, uint32_t state, bool paused)
{
    uint64_t *const places[] = {
        [HEALTH_UNKNOWN] = &row->unknown,         [HEALTH_HEALTHY] = &row->healthy,
        [HEALTH_DEGRADED] = &row->degraded,       [HEALTH_UNHEALTHY] = &row->unhealthy,
        [HEALTH_UNREACHABLE] = &row->unreachable,
    };

    if (paused)
        row->maintenance = 1;
    else
        *places[state] = 1;
}

static void take_tenant(const struct health_watch *w, struct watch_target *t,
                        struct history_tenant *row)
{
    row->number = t->number;
    state_minute(row, watch_whole(w, t), t->paused);
    row->latency_ms = t->asked == 0 ? 0 : t->latency_sum / t->asked;
    row->latency_max_ms = t->latency_max;
    if (!t->measured)
        return;
    row->cpu_millis = t->cpu_millis;
    row->cpu_max_millis = t->cpu_max_millis;
    row->memory_bytes = t->memory;
    row->received_bytes = t->received_minute;
    row->sent_bytes = t->sent_minute;
    row->storage_bytes = t->storage;
}

static void begin_anew(struct watch_target *t)
{
    t->asked = t->failed = t->latency_sum = t->latency_max = 0;
    t->cpu_max_millis = t->cpu_millis;
    t->received_minute = t->sent_minute = 0;
}

static void add_tenant(const struct health_watch *w, struct history_box *box,
                       const struct watch_target *t, const struct history_tenant *row)
{
    struct limits limits;

    watch_limits(w, t, &limits);
    box->tenants++;
    box->tenants_bad += row->unhealthy + row->unreachable;
    box->tenants_cpu_millis += row->cpu_millis;
    box->tenants_memory_bytes += row->memory_bytes;
    box->tenants_storage_bytes += row->storage_bytes;
    box->received_bytes += row->received_bytes;
    box->sent_bytes += row->sent_bytes;
    box->promised_cpu_millis += limits.cpu_millis;
    box->promised_memory_bytes += limits.memory_bytes;
    box->promised_storage_bytes += limits.storage_bytes;
}

/* Memory for all rows is the caller's to free. ${over}: the minute ends with this. */
static struct history_tenant *take_tenants(struct health_watch *w, struct history_minute *m,
                                           bool over)
{
    struct history_tenant *rows;

    (void)pthread_mutex_lock(&w->lock);
    rows = calloc(w->tenants.count + 1, sizeof *rows);
    for (size_t i = 0; rows != NULL && i < w->tenants.count; i++) {
        struct watch_target *t = &w->tenants.at[i];
        take_tenant(w, t, &rows[i]);
        add_tenant(w, &m->box, t, &rows[i]);
        if (over)
            begin_anew(t);
    }
    m->tenants = rows;
    m->count = w->tenants.count;
    m->box.checks = w->asked;
    m->box.checks_failed = w->failed;
    m->box.hands = w->up.hands == WATCH_DOWN ? 2 : 1;
    m->box.engine = (uint64_t)w->up.engine;
    if (over)
        w->asked = w->failed = 0;
    (void)pthread_mutex_unlock(&w->lock);
    return rows;
}

/* How many came since the minute began: the tables' counts, which shrink when old ones go. */
static uint64_t came(uint64_t *before, int64_t now, bool over)
{
    uint64_t count = now < 0 ? 0 : (uint64_t)now, more = count > *before ? count - *before : 0;

    if (over)
        *before = count;
    return more;
}

static uint64_t count_state(struct txn *txn, const struct table *table, void *match)
{
    struct err err = {0};
    struct scan scan;
    int64_t count = -1;

    if (scan_start(&scan, txn, table, "state", match, 1, false, &err) == 0)
        count = scan_count(&scan, &err);
    return count < 0 ? 0 : (uint64_t)(count < ERRORS_MOST ? count : ERRORS_MOST);
}

static void take_store(struct health_watch *w, struct history_box *box, bool over)
{
    struct event *event = calloc(1, sizeof *event);
    struct job *job = calloc(1, sizeof *job);
    struct db_figures figures;
    struct err err = {0};
    struct txn *txn;

    if (db_figures(w->context->db, &figures, &err) == 0) {
        box->map_bytes = figures.map_bytes;
        box->map_used_bytes = figures.used_bytes;
    }
    if (event != NULL && job != NULL && db_read(&txn, w->context->db, &err) == 0) {
        int64_t events = record_count(txn, &event_table, &err);
        int64_t jobs = record_count(txn, &job_table, &err);
        event->state = EVENT_FAILED;
        job->state = JOB_STUCK;
        box->errors = count_state(txn, &event_table, event) + count_state(txn, &job_table, job);
        if (w->events == 0 && w->jobs == 0) { /* the first look knows of no minute before */
            w->events = events < 0 ? 0 : (uint64_t)events;
            w->jobs = jobs < 0 ? 0 : (uint64_t)jobs;
        }
        box->events = came(&w->events, events, over);
        box->jobs = came(&w->jobs, jobs, over);
        db_read_end(txn);
    }
    free(event);
    free(job);
}

static void take_machine(struct health_watch *w, struct history_box *box, bool over)
{
    uint64_t busy = w->cpu_busy, all = w->cpu_all;
    struct box_figures f;

    box_figures(&f, w->context->paths.live, &busy, &all);
    if (over || w->cpu_all == 0) {
        w->cpu_busy = busy;
        w->cpu_all = all;
    }
    box->load_millis = box->load_max_millis = f.load_millis;
    box->cpu_millis = f.cpu_millis;
    box->cores = f.cores;
    box->memory_bytes = f.memory_bytes;
    box->memory_total_bytes = f.memory_total_bytes;
    box->disk_bytes = f.disk_bytes;
    box->disk_total_bytes = f.disk_total_bytes;
}

static void write_minute(struct health_watch *w, int64_t at, bool over)
{
    struct history_minute m = {.at = at, .box.minutes = 1};
    struct history_tenant *rows = take_tenants(w, &m, over);
    const struct paths *paths = &w->context->paths;
    struct err err = {0};

    if (rows == NULL)
        return;
    take_store(w, &m.box, over);
    take_machine(w, &m.box, over);
    if (history_write(w->history, paths->history, paths->db, &m, &err) == -1)
        log_warning("a minute of the history is lost: %s", err.text);
    free(rows);
}

void watch_minute(struct health_watch *w)
{
    int64_t now_ms = clock_wall_ms(), minute_ms = now_ms - now_ms % MINUTE_MS;

    if (w->minute_ms == 0) {
        w->minute_ms = minute_ms;
        w->early_until_ms = clock_mono_ms() + EARLY_MS;
        w->next_write_ms = clock_mono_ms() + EARLY_EACH_MS;
    }
    if (minute_ms != w->minute_ms) { /* over, or the clock was set */
        write_minute(w, w->minute_ms, true);
        w->minute_ms = minute_ms;
    } else if (clock_mono_ms() < w->early_until_ms && clock_mono_ms() >= w->next_write_ms) {
        write_minute(w, minute_ms, false);
        w->next_write_ms = clock_mono_ms() + EARLY_EACH_MS;
    }
}
