/* The box itself: is it well, and how much of what is there. */
#include "clock.h"
#include "figures.h"
#include "health_ops.h"
#include "snapshot_keep_ops.h"
#include "nouns.h"
#include "openapi.h"
#include "params.h"
#include "str.h"

/* Cheap, and the same whoever asks: nothing here is counted. */
static int health(struct op_call *call, struct err *err)
{
    struct json_out *j = call->out;
    struct figures_worker worker;

    (void)err;
    figures_worker(call->box, &worker);
    json_out_object(j);
    json_out_key_text(j, "status", worker.alive ? "ok" : "degraded");
    json_out_key_text(j, "worker", worker.alive ? "up" : "down");
    json_out_key_text(j, "version", SETT_VERSION);
    json_out_end_object(j);
    return 0;
}

static void worker_member(struct op_call *call)
{
    struct json_out *j = call->out;
    struct figures_worker worker;

    figures_worker(call->box, &worker);
    json_out_key(j, "worker");
    json_out_object(j);
    json_out_key_bool(j, "alive", worker.alive);
    json_out_key(j, "age_ms");
    if (worker.age_ms < 0)
        json_out_null(j);
    else
        json_out_i64(j, worker.age_ms);
    json_out_end_object(j);
}

static void store_member(struct json_out *j, const struct db_figures *d)
{
    json_out_key(j, "store");
    json_out_object(j);
    json_out_key_u64(j, "map_bytes", d->map_bytes);
    json_out_key_u64(j, "used_bytes", d->used_bytes);
    json_out_key_u64(j, "free_bytes", d->free_bytes);
    json_out_key_u64(j, "last_txn", d->last_txn);
    json_out_key_u64(j, "oldest_reader_txn", d->oldest_reader_txn);
    json_out_key_u64(j, "readers", d->readers);
    json_out_key_u64(j, "readers_max", d->readers_max);
    json_out_key_u64(j, "disk_free_bytes", d->disk_free_bytes);
    json_out_end_object(j);
}

/* The figures of the store are asked of its environment, not of this snapshot. */
static int store_slow(struct op_call *call, struct err *err)
{
    return db_figures(call->box->db, call->scratch, err);
}

static void problems_member(struct json_out *j, const struct figures *f, const struct db_figures *d,
                            bool worker_alive)
{
    json_out_key(j, "problems");
    json_out_array(j);
    if (!worker_alive)
        json_out_text(j, "worker_down");
    if (f->jobs[JOB_STUCK] > 0)
        json_out_text(j, "jobs_stuck");
    if (f->events[EVENT_FAILED] > 0)
        json_out_text(j, "events_failed");
    if (f->flagged > 0)
        json_out_text(j, "subscriptions_flagged");
    if (d->disk_free_bytes < DB_ROOM_DISK_BYTES)
        json_out_text(j, "disk_nearly_full");
    if (d->used_bytes > d->map_bytes / 100 * DB_ROOM_MAP_PERCENT)
        json_out_text(j, "store_nearly_full");
    if (f->ports_used >= f->ports_total)
        json_out_text(j, "ports_exhausted");
    json_out_end_array(j);
}

static int system_health(struct op_call *call, struct err *err)
{
    struct json_out *j = call->out;
    const struct db_figures *d = call->scratch;
    struct figures_worker worker;
    struct figures f;

    if (figures_read(call, &f, err) != 0)
        return -1;
    figures_worker(call->box, &worker);
    json_out_object(j);
    json_out_key_text(j, "object", "system_health");
    json_out_key_text(j, "status", worker.alive ? "ok" : "degraded");
    json_out_key_text(j, "version", SETT_VERSION);
    worker_member(call);
    store_member(j, d);
    json_out_key_u64(j, "jobs_stuck", f.jobs[JOB_STUCK]);
    json_out_key_u64(j, "events_failed", f.events[EVENT_FAILED]);
    json_out_key_u64(j, "subscriptions_flagged", f.flagged);
    snapshot_times_members(call);
    problems_member(j, &f, d, worker.alive);
    json_out_key_time(j, "at", clock_wall_ms());
    json_out_end_object(j);
    return 0;
}

static void counts_member(struct json_out *j, const char *key, const char *const *names,
                          const uint64_t *counts, size_t states)
{
    uint64_t total = 0;

    json_out_key(j, key);
    json_out_object(j);
    for (size_t i = 0; i < states; i++) {
        json_out_key_u64(j, names[i], counts[i]);
        total += counts[i];
    }
    json_out_key_u64(j, "total", total);
    json_out_end_object(j);
}

static void revenue_member(struct json_out *j, const struct figures *f)
{
    json_out_key(j, "revenue");
    json_out_array(j);
    for (uint32_t i = 0; i < f->currencies; i++) {
        json_out_object(j);
        json_out_key_text(j, "currency", f->revenue[i].currency);
        json_out_key_u64(j, "amount", f->revenue[i].amount);
        json_out_key_u64(j, "subscriptions", f->revenue[i].subscriptions);
        json_out_end_object(j);
    }
    json_out_end_array(j);
}

static int dashboard(struct op_call *call, struct err *err)
{
    struct json_out *j = call->out;
    struct figures f;

    if (figures_read(call, &f, err) != 0)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "dashboard");
    counts_member(j, "tenants", tenant_state_names, f.tenants, FIGURES_TENANT_STATES);
    counts_member(j, "jobs", job_state_names, f.jobs, FIGURES_JOB_STATES);
    counts_member(j, "subscriptions", subscription_status_names, f.subscriptions,
                  FIGURES_SUBSCRIPTIONS);
    counts_member(j, "events", event_state_names, f.events, FIGURES_EVENT_STATES);
    counts_member(j, "orders", order_state_names, f.orders, FIGURES_ORDER_STATES);
    json_out_key(j, "ports");
    json_out_object(j);
    json_out_key_u64(j, "used", f.ports_used);
    json_out_key_u64(j, "total", f.ports_total);
    json_out_end_object(j);
    json_out_key_u64(j, "customers", f.customer_count);
    json_out_key_u64(j, "tunnels", f.tunnels);
    json_out_key_u64(j, "users", f.user_count);
    json_out_key_u64(j, "flagged", f.flagged);
    revenue_member(j, &f);
    worker_member(call);
    snapshot_times_members(call);
    json_out_key_time(j, "at", clock_wall_ms());
    json_out_end_object(j);
    return 0;
}

static void family(struct buf *b, const char *name, const char *type, const char *help)
{
    (void)buf_format(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void gauge(struct buf *b, const char *name, const char *help, uint64_t value)
{
    family(b, name, "gauge", help);
    (void)buf_format(b, "%s %llu\n", name, (unsigned long long)value);
}

static void by_state(struct buf *b, const char *name, const char *help, const char *const *names,
                     const uint64_t *counts, size_t states)
{
    family(b, name, "gauge", help);
    for (size_t i = 0; i < states; i++)
        (void)buf_format(b, "%s{state=\"%s\"} %llu\n", name, names[i],
                         (unsigned long long)counts[i]);
}

static void job_metrics(struct buf *b, const struct figures *f)
{
    family(b, "sett_jobs_total", "counter", "Jobs that have ended, by kind and result.");
    for (uint32_t i = 0; i < f->sagas; i++) {
        const struct figures_saga *s = &f->saga[i];
        (void)buf_format(b, "sett_jobs_total{kind=\"%s\",result=\"done\"} %llu\n", s->saga,
                         (unsigned long long)s->done);
        (void)buf_format(b, "sett_jobs_total{kind=\"%s\",result=\"undone\"} %llu\n", s->saga,
                         (unsigned long long)s->undone);
    }
    family(b, "sett_job_duration_seconds", "histogram", "From a job's start to its end.");
    for (uint32_t i = 0; i < f->sagas; i++) {
        const struct figures_saga *s = &f->saga[i];
        uint64_t sum = 0;
        for (unsigned k = 0; k < FIGURES_BUCKETS - 1; k++) {
            sum += s->buckets[k];
            (void)buf_format(b, "sett_job_duration_seconds_bucket{kind=\"%s\",le=\"%u\"} %llu\n",
                             s->saga, job_tally_bucket_s[k], (unsigned long long)sum);
        }
        sum += s->buckets[FIGURES_BUCKETS - 1];
        (void)buf_format(b, "sett_job_duration_seconds_bucket{kind=\"%s\",le=\"+Inf\"} %llu\n",
                         s->saga, (unsigned long long)sum);
        (void)buf_format(b, "sett_job_duration_seconds_sum{kind=\"%s\"} %llu.%03llu\n", s->saga,
                         (unsigned long long)(s->total_ms / 1000),
                         (unsigned long long)(s->total_ms % 1000));
        (void)buf_format(b, "sett_job_duration_seconds_count{kind=\"%s\"} %llu\n", s->saga,
                         (unsigned long long)sum);
    }
}

/* Prometheus' text format, version 0.0.4: base units, no label that grows with the tenants. */
static int metrics(struct op_call *call, struct err *err)
{
    struct buf *b = call->out->buf;
    const struct db_figures *d = call->scratch;
    struct figures_worker worker;
    struct figures f;

    if (figures_read(call, &f, err) != 0)
        return -1;
    figures_worker(call->box, &worker);
    family(b, "sett_build_info", "gauge", "The version that runs; always 1.");
    (void)buf_format(b, "sett_build_info{version=\"%s\"} 1\n", SETT_VERSION);
    by_state(b, "sett_tenants", "Tenants by state.", tenant_state_names, f.tenants,
             FIGURES_TENANT_STATES);
    by_state(b, "sett_jobs", "Jobs by state.", job_state_names, f.jobs, FIGURES_JOB_STATES);
    by_state(b, "sett_subscriptions", "Subscriptions by status.", subscription_status_names,
             f.subscriptions, FIGURES_SUBSCRIPTIONS);
    by_state(b, "sett_events", "Webhook events by state.", event_state_names, f.events,
             FIGURES_EVENT_STATES);
    job_metrics(b, &f);
    gauge(b, "sett_ports_used", "Local ports that are taken.", f.ports_used);
    gauge(b, "sett_ports", "Local ports of the pool.", f.ports_total);
    gauge(b, "sett_worker_up", "Whether the worker is alive.", worker.alive ? 1 : 0);
    gauge(b, "sett_lmdb_map_bytes", "Size of the store's map.", d->map_bytes);
    gauge(b, "sett_lmdb_used_bytes", "Bytes in use in the store.", d->used_bytes);
    gauge(b, "sett_lmdb_oldest_reader_txns", "How many transactions the oldest reader is behind.",
          d->oldest_reader_txn == 0 || d->oldest_reader_txn > d->last_txn
              ? 0
              : d->last_txn - d->oldest_reader_txn);
    gauge(b, "sett_lmdb_readers", "Reader slots in use.", d->readers);
    gauge(b, "sett_disk_free_bytes", "Free bytes on the store's disk.", d->disk_free_bytes);
    health_metrics(call, b);
    snapshot_metrics(call, b);
    (void)str_copy(call->content_type, sizeof call->content_type, "text/plain; version=0.0.4");
    return 0;
}

const struct op system_ops[] = {
    {.name = "health",
     .role = ROLE_PUBLIC,
     .flags = OP_READ,
     .help = "Whether the box answers, cheaply",
     .example = "",
     .run = health},
    {.name = "system.health",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .help = "How the box is: store, worker, disk, stuck jobs",
     .example = "",
     .scratch_size = sizeof(struct db_figures),
     .slow = store_slow,
     .run = system_health},
    {.name = "dashboard.metrics",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .help = "How many of what there are",
     .example = "",
     .run = dashboard},
    {.name = "metrics",
     .role = ROLE_PUBLIC,
     .flags = OP_READ,
     .help = "The same for Prometheus",
     .example = "",
     .scratch_size = sizeof(struct db_figures),
     .slow = store_slow,
     .run = metrics},
    {.name = "openapi",
     .role = ROLE_PUBLIC,
     .flags = OP_READ,
     .help = "This API as an OpenAPI 3.1 document",
     .example = "",
     .run = openapi_run},
    {.name = NULL},
};
