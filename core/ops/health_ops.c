/*
 * How tenants and the box are, and how they were: what the health rounds left in the store and in
 * the history. Nothing here asks anybody: it answers just the same when the worker is down.
 */
#include "health_ops.h"

#include <stddef.h>
#include <string.h>

#include "clock.h"
#include "health.h"
#include "history.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "schema.h"
#include "setting.h"
#include "str.h"
#include "tunnel.h"

struct health_params {
    char id[96];
    uint32_t range;
};
static const struct field health_rows[] = {
    ID_FIELD(struct health_params),
    FIELD(struct health_params, range, FIELD_ENUM, .names = history_range_names,
          .help = "with the figures of so long: each minute, ten minutes, hour"),
};

struct range_params {
    uint32_t range;
};
static const struct field range_rows[] = {
    FIELD(struct range_params, range, FIELD_ENUM, .names = history_range_names,
          .help = "with the figures of so long: each minute, ten minutes, hour"),
};

/* Room for one range, and for the days. */
struct tenant_room {
    struct history_tenant points[HISTORY_POINTS], days[HISTORY_DAYS];
};
struct box_room {
    struct history_box points[HISTORY_POINTS];
};

/* The process's reader, or one for this call; a store whose history cannot be read answers without
 * it. */
static struct history *history_take(struct op_call *call)
{
    struct err ignored = {0};

    return call->box->history != NULL ? call->box->history
                                      : history_new(call->box->paths.history, &ignored);
}

static void history_give(struct op_call *call, struct history *h)
{
    if (h != call->box->history)
        history_free(h);
}

/* Points as rows below one list of columns: a chart's figures without their names a thousand times.
 */
static void points_members(struct json_out *j, const struct history_kind *kind,
                           enum history_step step, const void *points, int count)
{
    json_out_key_u64(j, "step_s", (uint64_t)history_spans[step].step_ms / 1000);
    json_out_key(j, "columns");
    json_out_array(j);
    json_out_text(j, "at");
    for (size_t i = 0; i < kind->count; i++)
        json_out_text(j, kind->columns[i].name);
    json_out_end_array(j);
    json_out_key(j, "points");
    json_out_array(j);
    for (int i = 0; i < count; i++) {
        const char *row = (const char *)points + (size_t)i * kind->struct_size;
        int64_t at;
        memcpy(&at, row, sizeof at);
        json_out_array(j);
        json_out_time(j, at);
        for (size_t k = 0; k < kind->count; k++) {
            uint64_t n;
            memcpy(&n, row + kind->columns[k].offset, sizeof n);
            json_out_u64(j, n);
        }
        json_out_end_array(j);
    }
    json_out_end_array(j);
}

static void last_member(struct json_out *j, const struct history_kind *kind, const void *row,
                        int found)
{
    int64_t at;

    json_out_key(j, "last");
    if (found != 1) {
        json_out_null(j);
        return;
    }
    memcpy(&at, row, sizeof at);
    json_out_object(j);
    json_out_key_time(j, "at", at);
    history_row_json(kind, row, j);
    json_out_end_object(j);
}

/* "2026-11-26" and the share of the measured time in which it answered, in thousandths. */
static void days_member(struct json_out *j, const struct history_tenant *days, int count)
{
    json_out_key(j, "days");
    json_out_array(j);
    for (int i = 0; i < count; i++) {
        int up = history_up_millis(&days[i]);
        char date[CLOCK_TEXT_SIZE];
        clock_text(date, days[i].at);
        date[10] = '\0';
        json_out_object(j);
        json_out_key_text(j, "date", date);
        json_out_key(j, "up_millis");
        if (up == -1)
            json_out_null(j);
        else
            json_out_i64(j, up);
        json_out_key_u64(j, "down_minutes", days[i].unhealthy + days[i].unreachable);
        json_out_key_u64(j, "maintenance_minutes", days[i].maintenance);
        json_out_end_object(j);
    }
    json_out_end_array(j);
}

static void parts_member(struct json_out *j, const struct health *health)
{
    json_out_key(j, "parts");
    json_out_object(j);
    json_out_key_text(j, "program", tenant_health_names[health->program]);
    json_out_key_text(j, "connector", tenant_health_names[health->connector]);
    json_out_key_text(j, "outside", tenant_health_names[health->outside]);
    json_out_end_object(j);
}

/* The address of its public page, null if it has none. */
static int page_member(struct op_call *call, const struct tenant *tenant, struct err *err)
{
    char box[512], url[640];

    json_out_key(call->out, "status_page");
    if (!tenant->status_page) {
        json_out_null(call->out);
        return 0;
    }
    if (setting_text(call->txn, &call->box->conf, "box.url", box, sizeof box, err) == -1)
        return -1;
    (void)str_format(url, sizeof url, "%s%sstatus/%s/", box, str_ends(box, "/") ? "" : "/",
                     tenant->subdomain);
    json_out_text(call->out, url);
    return 0;
}

static int tenant_past(struct op_call *call, const struct tenant *tenant, struct err *err)
{
    const struct health_params *p = call->params;
    enum history_step step = history_range_steps[p->range];
    struct tenant_room *room = call->scratch;
    struct history *h = history_take(call);
    struct history_tenant last;
    int64_t now = clock_wall_ms();
    int found = -1, count = 0, days = 0;

    if (h != NULL) {
        found = history_tenant_last(h, tenant->number, now, &last, err);
        if (op_given(call, "range")) {
            count = history_tenant_points(h, tenant->number, step, now, room->points,
                                          HISTORY_POINTS, err);
            days = history_tenant_points(h, tenant->number, HISTORY_DAY, now, room->days,
                                         HISTORY_DAYS, err);
        }
    }
    history_give(call, h);
    last_member(call->out, &history_tenant_kind, &last, found);
    if (op_given(call, "range")) {
        json_out_key_text(call->out, "range", history_range_names[p->range]);
        points_members(call->out, &history_tenant_kind, step, room->points, count);
        days_member(call->out, room->days, days);
    }
    err_clear(err);
    return 0;
}

static int tenant_health(struct op_call *call, struct err *err)
{
    const struct health_params *p = call->params;
    struct json_out *j = call->out;
    struct tenant tenant = {0};
    struct health health;

    if (object_get(call, &tenant_table, p->id, &tenant, err) != 0 ||
        health_get(call->txn, tenant.id, &health, err) == -1)
        return -1;
    if (tenant.health == HEALTH_UNKNOWN || health.state != tenant.health) { /* not noted yet */
        health.since = 0;
        health.reason[0] = '\0';
        health.program = health.connector = health.outside = HEALTH_UNKNOWN;
    }
    json_out_object(j);
    json_out_key_text(j, "object", "tenant_health");
    json_out_key_text(j, "tenant_id", tenant.id);
    json_out_key_text(j, "health", tenant_health_names[tenant.health]);
    json_out_key_time(j, "since", health.since);
    json_out_key_text(j, "reason", health.reason);
    parts_member(j, &health);
    json_out_key_u64(j, "restarts", health.restarts);
    json_out_key_time(j, "restarted_at", health.restarted_at);
    json_out_key_time(j, "given_up_at", health.given_up_at);
    json_out_key_text(j, "state", tenant_state_names[tenant.state]);
    json_out_key_text(j, "state_reason", tenant.state_reason);
    json_out_key_text(j, "url", tenant.url);
    json_out_key_bool(j, "maintenance", tenant.maintenance);
    if (page_member(call, &tenant, err) == -1 || tenant_past(call, &tenant, err) == -1)
        return -1;
    json_out_end_object(j);
    return 0;
}

/* What the rounds know of a tunnel's connector; of a local route they know nothing. */
static int tunnel_health(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct json_out *j = call->out;
    struct tunnel tunnel = {0};
    struct health health;

    if (object_get(call, &tunnel_table, p->id, &tunnel, err) != 0 ||
        health_get(call->txn, tunnel.id, &health, err) == -1)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "tunnel_health");
    json_out_key_text(j, "tunnel_id", tunnel.id);
    json_out_key_text(j, "health", tenant_health_names[health.state]);
    json_out_key_time(j, "since", health.since);
    json_out_key_text(j, "reason", health.reason);
    json_out_key_u64(j, "restarts", health.restarts);
    json_out_key_time(j, "restarted_at", health.restarted_at);
    json_out_key_time(j, "given_up_at", health.given_up_at);
    json_out_key_text(j, "state", tunnel_state_names[tunnel.state]);
    json_out_end_object(j);
    return 0;
}

/* The box's newest minute, and a range if one is asked for. */
static int system_stats(struct op_call *call, struct err *err)
{
    const struct range_params *p = call->params;
    enum history_step step = history_range_steps[p->range];
    struct box_room *room = call->scratch;
    struct history *h = history_take(call);
    int64_t now = clock_wall_ms();
    struct json_out *j = call->out;
    struct history_box last;
    int found = -1, count = 0;

    if (h != NULL) {
        found = history_box_last(h, now, &last, err);
        if (op_given(call, "range"))
            count = history_box_points(h, step, now, room->points, HISTORY_POINTS, err);
    }
    history_give(call, h);
    err_clear(err);
    json_out_object(j);
    json_out_key_text(j, "object", "system_stats");
    last_member(j, &history_box_kind, &last, found);
    if (op_given(call, "range")) {
        json_out_key_text(j, "range", history_range_names[p->range]);
        points_members(j, &history_box_kind, step, room->points, count);
    }
    json_out_end_object(j);
    return 0;
}

/* Used, there, and promised to tenants by their limits; null where nothing is said. */
static void resource_member(struct json_out *j, const char *key, uint64_t used, uint64_t total,
                            uint64_t tenants, uint64_t promised)
{
    json_out_key(j, key);
    json_out_object(j);
    json_out_key_u64(j, "used", used);
    json_out_key_u64(j, "total", total);
    json_out_key_u64(j, "tenants", tenants);
    json_out_key_u64(j, "promised", promised);
    json_out_key(j, "promised_percent");
    if (total == 0)
        json_out_null(j);
    else
        json_out_u64(j, promised * 100 / total);
    json_out_end_object(j);
}

static int system_resources(struct op_call *call, struct err *err)
{
    static const char *const up[] = {"none", "up", "down"};
    struct history *h = history_take(call);
    struct json_out *j = call->out;
    struct history_box b = {0};
    int found = h == NULL ? -1 : history_box_last(h, clock_wall_ms(), &b, err);

    history_give(call, h);
    err_clear(err);
    if (found != 1) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_figures",
                      "nothing was measured in the last five minutes");
        err->retry_after_s = 60;
        return err_hint(err, "Is sett-worker running? sett system health says");
    }
    json_out_object(j);
    json_out_key_text(j, "object", "system_resources");
    json_out_key_time(j, "at", b.at);
    resource_member(j, "cpu_millis", b.cpu_millis, b.cores * 1000, b.tenants_cpu_millis,
                    b.promised_cpu_millis);
    resource_member(j, "memory_bytes", b.memory_bytes, b.memory_total_bytes, b.tenants_memory_bytes,
                    b.promised_memory_bytes);
    resource_member(j, "disk_bytes", b.disk_bytes, b.disk_total_bytes, b.tenants_storage_bytes,
                    b.promised_storage_bytes);
    json_out_key_u64(j, "cores", b.cores);
    json_out_key_u64(j, "load_millis", b.load_millis);
    json_out_key_u64(j, "tenants", b.tenants);
    json_out_key_u64(j, "tenants_bad", b.tenants_bad);
    json_out_key_text(j, "hands", up[b.hands < 3 ? b.hands : 0]);
    json_out_key_text(j, "engine", up[b.engine < 3 ? b.engine : 0]);
    json_out_end_object(j);
    return 0;
}

/* ---- the two environments ---- */

struct database_room {
    struct db_figures store, history;
    struct db_reader readers[2][DB_READERS];
    int reader_count[2];
    bool has_history;
};

static int environment_look(struct database_room *room, struct db *db, int which, struct err *err)
{
    if (db_figures(db, which == 0 ? &room->store : &room->history, err) == -1)
        return -1;
    room->reader_count[which] = db_readers(db, room->readers[which], DB_READERS, err);
    return room->reader_count[which] == -1 ? -1 : 0;
}

static int database_slow(struct op_call *call, struct err *err)
{
    struct database_room *room = call->scratch;
    struct history *h = history_take(call);
    struct err ignored = {0};
    struct db *db;

    if (h != NULL && history_db(h, &db, &ignored) == 1)
        room->has_history = environment_look(room, db, 1, &ignored) == 0;
    history_give(call, h);
    return environment_look(room, call->box->db, 0, err);
}

static void environment_members(struct json_out *j, const struct db_figures *f,
                                const struct db_reader *readers, int count)
{
    json_out_key_u64(j, "map_bytes", f->map_bytes);
    json_out_key_u64(j, "used_bytes", f->used_bytes);
    json_out_key_u64(j, "free_bytes", f->free_bytes);
    json_out_key_u64(j, "used_permille",
                     f->map_bytes == 0 ? 0 : f->used_bytes * 1000 / f->map_bytes);
    json_out_key_u64(j, "last_txn", f->last_txn);
    json_out_key_u64(j, "oldest_reader_lag",
                     f->oldest_reader_txn == 0 || f->oldest_reader_txn > f->last_txn
                         ? 0
                         : f->last_txn - f->oldest_reader_txn);
    json_out_key_u64(j, "readers_max", f->readers_max);
    json_out_key_u64(j, "disk_free_bytes", f->disk_free_bytes);
    json_out_key(j, "readers");
    json_out_array(j);
    for (int i = 0; i < count; i++) {
        const struct db_reader *r = &readers[i];
        json_out_object(j);
        json_out_key_u64(j, "pid", r->pid);
        json_out_key_bool(j, "idle", r->idle);
        json_out_key(j, "lag");
        if (r->idle)
            json_out_null(j);
        else
            json_out_u64(j, r->txn > f->last_txn ? 0 : f->last_txn - r->txn);
        json_out_end_object(j);
    }
    json_out_end_array(j);
}

static int system_database(struct op_call *call, struct err *err)
{
    const struct database_room *room = call->scratch;
    struct json_out *j = call->out;

    json_out_object(j);
    json_out_key_text(j, "object", "system_database");
    environment_members(j, &room->store, room->readers[0], room->reader_count[0]);
    json_out_key_u64(j, "snapshot", txn_number(call->txn));
    json_out_key(j, "tables");
    json_out_object(j);
    for (size_t i = 0; i < sett_schema.table_count; i++) {
        int64_t count = record_count(call->txn, sett_schema.tables[i], err);
        if (count == -1)
            return -1;
        json_out_key_u64(j, sett_schema.tables[i]->name, (uint64_t)count);
    }
    json_out_end_object(j);
    json_out_key(j, "history");
    if (room->has_history) {
        json_out_object(j);
        environment_members(j, &room->history, room->readers[1], room->reader_count[1]);
        json_out_end_object(j);
    } else {
        json_out_null(j);
    }
    json_out_end_object(j);
    return 0;
}

#define M(name_, member_, millis_, help_)                                                          \
    {                                                                                              \
        (name_), offsetof(struct history_box, member_), (millis_), (help_)                         \
    }
static const struct {
    const char *name;
    size_t offset;
    bool millis; /* thousandths of the unit */
    const char *help;
} metric_rows[] = {
    M("sett_box_load1", load_millis, true, "Load of the machine over one minute."),
    M("sett_box_cpu_cores_used", cpu_millis, true, "Processors in use on the machine."),
    M("sett_box_cpu_cores", cores, false, "Processors of the machine."),
    M("sett_box_memory_used_bytes", memory_bytes, false, "Memory in use on the machine."),
    M("sett_box_memory_bytes", memory_total_bytes, false, "Memory of the machine."),
    M("sett_box_disk_used_bytes", disk_bytes, false, "Bytes used on the tenants' disk."),
    M("sett_box_disk_bytes", disk_total_bytes, false, "Size of the tenants' disk."),
    M("sett_tenants_watched", tenants, false, "Tenants that should answer."),
    M("sett_tenants_bad", tenants_bad, false, "Tenants that are unhealthy or unreachable."),
    M("sett_tenants_cpu_cores_used", tenants_cpu_millis, true, "Processors that tenants use."),
    M("sett_tenants_memory_used_bytes", tenants_memory_bytes, false, "Memory that tenants use."),
    M("sett_tenants_storage_used_bytes", tenants_storage_bytes, false, "Storage of all tenants."),
    M("sett_promised_memory_bytes", promised_memory_bytes, false, "Memory limits of all tenants."),
    M("sett_health_checks_minute", checks, false, "Health checks in the last minute."),
    M("sett_health_checks_failed_minute", checks_failed, false, "Those without a good answer."),
    M("sett_events_minute", events, false, "Webhook events in the last minute."),
};

void health_metrics(struct op_call *call, struct buf *b)
{
    struct history *h = history_take(call);
    struct history_box row;
    struct err ignored = {0};
    int found = h == NULL ? -1 : history_box_last(h, clock_wall_ms(), &row, &ignored);

    history_give(call, h);
    for (size_t i = 0; found == 1 && i < sizeof metric_rows / sizeof metric_rows[0]; i++) {
        const char *name = metric_rows[i].name;
        unsigned long long n;
        uint64_t value;
        memcpy(&value, (const char *)&row + metric_rows[i].offset, sizeof value);
        n = value;
        (void)buf_format(b, "# HELP %s %s\n# TYPE %s gauge\n", name, metric_rows[i].help, name);
        if (metric_rows[i].millis)
            (void)buf_format(b, "%s %llu.%03llu\n", name, n / 1000, n % 1000);
        else
            (void)buf_format(b, "%s %llu\n", name, n);
    }
}

const struct op health_ops[] = {
    {.name = "tenant.health",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ,
     .params = PARAMS(health_rows, struct health_params),
     .help = "How a tenant is, since when and why; with a range, how it was",
     .example = "1 --range 2d",
     .scratch_size = sizeof(struct tenant_room),
     .run = tenant_health},
    {.name = "tunnel.health",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "How a tunnel's connector is, since when and why, and its restarts",
     .example = "1",
     .run = tunnel_health},
    {.name = "system.stats",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = PARAMS(range_rows, struct range_params),
     .help =
         "How busy the box is: load, processors, memory, disk, checks; with a range, how it was",
     .example = "--range 2h",
     .scratch_size = sizeof(struct box_room),
     .run = system_stats},
    {.name = "system.resources",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .help = "What the box has, what is used, and what tenants were promised",
     .example = "",
     .run = system_resources},
    {.name = "system.database",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .help = "The store and the history: sizes, readers, records of each table",
     .example = "",
     .scratch_size = sizeof(struct database_room),
     .slow = database_slow,
     .run = system_database},
    {.name = NULL},
};
