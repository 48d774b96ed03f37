/*
 * Who was backed up on which day: a row for each tenant, a cell for each day. Apart from the lists,
 * since a cell is put together from the box's snapshots, which are read once for all rows, and from
 * the few of the tenant alone. Nothing is counted beforehand, so a page costs the same however many
 * tenants there are.
 */
#include "nouns.h"

#include <string.h>

#include "clock.h"
#include "list.h"
#include "object.h"
#include "params.h"
#include "plan.h"
#include "setting.h"
#include "snapshot.h"
#include "snapshot_schedule.h"
#include "str.h"
#include "tenant.h"
#include "zone.h"

#define DAYS_USUAL 14
#define DAYS_MOST  62
#define OF_A_DAY   48 /* more than a schedule has times: so many are read for each day, at most */

/* What is told of a day is the best that there is of it. */
enum cell_state {
    CELL_ABSENT,  /* the tenant was not there yet */
    CELL_NONE,    /* nothing was made */
    CELL_GONE,    /* it was, and is kept no more */
    CELL_FAILED,  /* it was tried */
    CELL_RUNNING, /* it is under way */
    CELL_MADE,    /* it is there, and something was found wrong with it since */
    CELL_VERIFIED,
    CELL_PROVEN /* restored in a drill */
};
static const char cell_marks[] = " -xFRmvp"; /* one each, for a line of text */
static const char *const cell_names[] = {"absent",  "none", "gone",     "failed",
                                         "running", "made", "verified", "proven"};

struct cell {
    enum cell_state state;
    uint64_t number; /* of the best */
    char id[ID_SIZE];
    uint32_t kept, failed; /* how many are there, and were tried in vain */
};

struct day {
    int64_t from, to; /* wall, ms */
    char date[16];    /* in the box's time zone */
    struct cell box;
};

struct matrix {
    struct day days[DAYS_MOST]; /* newest first */
    uint32_t count;
    char zone[512];
    char plan_id[ID_SIZE]; /* the plan that was looked up last, */
    int64_t plan_next;     /* and when the next one of its tenants is due */
};

struct matrix_params {
    struct list_params list;
    uint32_t days;
    int64_t until;
    char tenant_id[96], text[64];
    bool uncovered;
};
static const struct field matrix_rows[] = {
    LIST_FIELDS(struct matrix_params),
    FIELD(struct matrix_params, days, FIELD_U32, .min = 1, .max = DAYS_MOST,
          .help = "so many days, 1 to 62 (14)"),
    FIELD(struct matrix_params, until, FIELD_TIME,
          .help = "the day of this time is the last (now)"),
    FIELD(struct matrix_params, tenant_id, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "only this tenant"),
    FIELD(struct matrix_params, text, FIELD_TEXT, .help = "only those whose name has this in it"),
    FIELD(struct matrix_params, uncovered, FIELD_BOOL,
          .help = "only those that lack a good one on a day that is over"),
};

/* ---- days ---- */

static void name_day(const char *zone, struct day *day)
{
    int64_t noon = day->from + INT64_C(12) * 3600 * 1000;
    struct err ignored = {0};
    char text[CLOCK_TEXT_SIZE];
    int32_t offset_s = 0;

    (void)zone_offset(zone, noon, &offset_s, &ignored);
    clock_text(text, noon + (int64_t)offset_s * 1000);
    (void)str_copy_n(day->date, sizeof day->date, text, 10);
}

/* Days begin when clocks of the zone show midnight, so some have 23 hours, or 25. */
static void make_days(struct matrix *m, int64_t until, uint32_t count)
{
    int64_t to = snapshot_schedule_next("00:00", m->zone, until);

    for (m->count = 0; m->count < count; m->count++) {
        struct day *day = &m->days[m->count];
        day->to = to;
        day->from = snapshot_schedule_latest("00:00", m->zone, to - 1);
        name_day(m->zone, day);
        to = day->from;
    }
}

static struct day *find_day(struct matrix *m, int64_t at)
{
    for (uint32_t i = 0; i < m->count; i++)
        if (at >= m->days[i].from && at < m->days[i].to)
            return &m->days[i];
    return NULL;
}

/* ---- cells ---- */

static enum cell_state state_of(const struct snapshot *s)
{
    switch ((enum snapshot_state)s->state) {
    case SNAPSHOT_WRITING:
    case SNAPSHOT_SENDING:
        return CELL_RUNNING;
    case SNAPSHOT_DONE:
        return s->proven_at != 0 ? CELL_PROVEN : s->verified ? CELL_VERIFIED : CELL_MADE;
    case SNAPSHOT_FAILED:
        return CELL_FAILED;
    case SNAPSHOT_GONE:
        return CELL_GONE;
    default:
        return CELL_NONE;
    }
}

static void add(struct cell *cell, const struct snapshot *s)
{
    enum cell_state state = state_of(s);

    cell->kept += state >= CELL_MADE;
    cell->failed += state == CELL_FAILED;
    if (state <= cell->state)
        return;
    cell->state = state;
    cell->number = s->number;
    (void)str_copy(cell->id, sizeof cell->id, s->id);
}

/* All snapshots of the box, or of one tenant alone, that were begun on those days: each into its
 * day's cell, the first of which is ${cells}, ${stride} bytes apart. */
static int read_snapshots(struct txn *txn, struct matrix *m, const char *tenant_id, char *cells,
                          size_t stride, struct err *err)
{
    struct snapshot match = {0}, s;
    unsigned most = m->count * OF_A_DAY;
    int64_t oldest = m->days[m->count - 1].from;
    struct scan scan;
    int got = 0;

    (void)str_copy(match.tenant_id, sizeof match.tenant_id, tenant_id);
    if (scan_start(&scan, txn, &snapshot_table, "tenant_id", &match, 1, true, err) == -1)
        return -1;
    while (most > 0 && (got = scan_next(&scan, &s, err)) == 1 && s.created_at >= oldest) {
        struct day *day = find_day(m, s.created_at);
        if (day == NULL)
            continue; /* of a later day than was asked for */
        add((struct cell *)(void *)(cells + (size_t)(day - m->days) * stride), &s);
        most--;
    }
    return got == -1 ? -1 : 0;
}

/* What the box's snapshots and the tenant's own come to. */
static int read_cells(struct op_call *call, const struct tenant *tenant, struct cell own[DAYS_MOST],
                      struct cell all[DAYS_MOST], struct err *err)
{
    struct matrix *m = call->scratch;

    memset(own, 0, sizeof(struct cell) * DAYS_MOST);
    memset(all, 0, sizeof(struct cell) * DAYS_MOST);
    if (read_snapshots(call->txn, m, tenant->id, (char *)own, sizeof own[0], err) == -1)
        return -1;
    for (uint32_t i = 0; i < m->count; i++) {
        const struct cell *box = &m->days[i].box;
        if (tenant->created_at >= m->days[i].to)
            continue;
        all[i] = box->state > own[i].state ? *box : own[i];
        all[i].kept = own[i].kept + box->kept;
        all[i].failed = own[i].failed + box->failed;
        if (all[i].state == CELL_ABSENT)
            all[i].state = CELL_NONE;
    }
    return 0;
}

static void cell_json(struct json_out *j, const struct cell *cell, const struct cell *own)
{
    json_out_object(j);
    json_out_key_text(j, "state", cell_names[cell->state]);
    if (cell->number != 0) {
        json_out_key_text(j, "snapshot_id", cell->id);
        json_out_key_u64(j, "number", cell->number);
    }
    if (cell->kept > 0)
        json_out_key_u64(j, "kept", cell->kept);
    if (cell->failed > 0)
        json_out_key_u64(j, "failed", cell->failed);
    if (own != NULL && cell->kept > 0)
        json_out_key_text(j, "scope",
                          own->kept == 0            ? "box"
                          : own->kept == cell->kept ? "own"
                                                    : "both");
    json_out_end_object(j);
}

/* When the next one of it alone is due: 0: it has none. -1 on error. */
static int64_t next_of(struct op_call *call, const struct tenant *tenant, struct err *err)
{
    struct matrix *m = call->scratch;

    if (tenant->backup_at[0] != '\0')
        return snapshot_schedule_next(tenant->backup_at, m->zone, txn_time_ms(call->txn));
    if (!str_equal(m->plan_id, tenant->plan_id)) {
        struct plan plan = {0};
        if (tenant->plan_id[0] != '\0' &&
            plan_resolve(call->txn, tenant->plan_id, &plan, err) == -1)
            return -1;
        (void)str_copy(m->plan_id, sizeof m->plan_id, tenant->plan_id);
        m->plan_next = snapshot_schedule_next(plan.backup_at, m->zone, txn_time_ms(call->txn));
    }
    return m->plan_next;
}

static int members(struct op_call *call, const void *record, struct json_out *j, struct err *err)
{
    const struct matrix *m = call->scratch;
    const struct tenant *tenant = record;
    struct cell own[DAYS_MOST], all[DAYS_MOST];
    char marks[DAYS_MOST + 1] = "";
    int64_t next;

    if (read_cells(call, tenant, own, all, err) == -1 || (next = next_of(call, tenant, err)) == -1)
        return -1;
    for (uint32_t i = 0; i < m->count; i++)
        marks[i] = cell_marks[all[i].state];
    json_out_key_text(j, "id", tenant->id);
    json_out_key_u64(j, "number", tenant->number);
    json_out_key_text(j, "name", tenant->name);
    json_out_key_text(j, "subdomain", tenant->subdomain);
    json_out_key_text(j, "state", tenant_state_names[tenant->state]);
    if (next == 0)
        json_out_key_null(j, "next_at");
    else
        json_out_key_time(j, "next_at", next);
    json_out_key_text(j, "marks", marks);
    json_out_key(j, "cells");
    json_out_array(j);
    for (uint32_t i = 0; i < m->count; i++)
        cell_json(j, &all[i], &own[i]);
    json_out_end_array(j);
    return 0;
}

static const struct view view_row = {"backup_row", &tenant_table, members};

/* Whether a day that is over, and on which it was there all the time, has nothing good. */
static bool uncovered(const struct op_call *call, const struct tenant *tenant)
{
    struct op_call asking = *call;
    const struct matrix *m = call->scratch;
    struct cell own[DAYS_MOST], all[DAYS_MOST];
    struct err ignored = {0};

    if (read_cells(&asking, tenant, own, all, &ignored) == -1)
        return true;
    for (uint32_t i = 0; i < m->count; i++)
        if (m->days[i].to <= txn_time_ms(call->txn) && tenant->created_at < m->days[i].from &&
            all[i].state < CELL_MADE && all[i].state != CELL_GONE)
            return true;
    return false;
}

static bool keep(const struct op_call *call, const void *record)
{
    const struct matrix_params *p = call->params;
    const struct tenant *tenant = record;

    return tenant->state != TENANT_DELETED &&
           (str_has(tenant->name, p->text) || str_has(tenant->subdomain, p->text)) &&
           (!p->uncovered || uncovered(call, tenant));
}

static int days_members(struct op_call *call, struct err *err)
{
    const struct matrix *m = call->scratch;
    struct json_out *j = call->out;

    (void)err;
    json_out_key(j, "days");
    json_out_array(j);
    for (uint32_t i = 0; i < m->count; i++) {
        json_out_object(j);
        json_out_key_text(j, "date", m->days[i].date);
        json_out_key_time(j, "from", m->days[i].from);
        json_out_key_time(j, "to", m->days[i].to);
        json_out_key(j, "box");
        cell_json(j, &m->days[i].box, NULL);
        json_out_end_object(j);
    }
    json_out_end_array(j);
    return 0;
}

static int matrix(struct op_call *call, struct err *err)
{
    const struct matrix_params *p = call->params;
    struct matrix *m = call->scratch;
    struct tenant tenant = {0};
    struct list list = {.view = &view_row,
                        .url = "/api/snapshots/matrix",
                        .match = &tenant,
                        .keep = keep,
                        .also = days_members};

    if (setting_text(call->txn, &call->box->conf, "box.time_zone", m->zone, sizeof m->zone, err) ==
        -1)
        return -1;
    make_days(m, p->until == 0 ? txn_time_ms(call->txn) : p->until,
              p->days == 0 ? DAYS_USUAL : p->days);
    for (uint32_t i = 0; i < m->count; i++)
        m->days[i].box.state = CELL_NONE;
    if (read_snapshots(call->txn, m, "", (char *)&m->days[0].box, sizeof m->days[0], err) == -1)
        return -1;
    if (p->tenant_id[0] != '\0') {
        if (object_refer(call, &tenant_table, "tenant_id", p->tenant_id, &tenant, err) == -1)
            return -1;
        list.fields = 1;
    }
    return list_reply(call, &p->list, &list, err);
}

static const struct field row_rows[] = {
    {.name = "id", .type = FIELD_TEXT, .size = ID_SIZE, .help = "the tenant"},
    {.name = "number", .type = FIELD_U64, .size = 8, .help = "its number"},
    {.name = "name", .type = FIELD_TEXT, .size = 128, .help = "its name"},
    {.name = "subdomain", .type = FIELD_TEXT, .size = 64, .help = "its name in its address"},
    {.name = "state", .type = FIELD_TEXT, .size = 16, .help = "how it is"},
    {.name = "next_at",
     .type = FIELD_TIME,
     .size = 8,
     .help = "the next one of it alone is due at"},
    {.name = "marks",
     .type = FIELD_TEXT,
     .size = DAYS_MOST + 1,
     .help = "a mark for each day, newest first: p proven, v verified, m made, R running, F "
             "failed, x gone, - none"},
    {.name = "cells",
     .type = FIELD_TEXT,
     .size = 1,
     .help = "of each of the list's \"days\", newest first: state (absent, none, gone, failed, "
             "running, made, verified, proven), scope (own, box, both), the best snapshot"},
};
static const struct fields row = {row_rows, sizeof row_rows / sizeof row_rows[0], 0};

const struct op snapshot_matrix_ops[] = {
    {.name = "snapshot.matrix",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(matrix_rows, struct matrix_params),
     .help = "Show who was backed up on which day, and how good that is",
     .example = "--days 30 --uncovered true",
     .result = &row,
     .scratch_size = sizeof(struct matrix),
     .run = matrix},
    {.name = NULL},
};
