/* What becomes of snapshots: which may go, and drills. Apart from making them. */
#include "nouns.h"

#include <stdlib.h>
#include <string.h>

#include "figures.h"
#include "list.h"
#include "object.h"
#include "params.h"
#include "retention.h"
#include "snapshot.h"
#include "snapshot_keep_ops.h"
#include "snapshot_round.h"
#include "str.h"

#define TOLD_MOST 1000 /* snapshots of one answer; all are counted */

static void item_json(const struct retention_item *item, struct json_out *j)
{
    json_out_object(j);
    json_out_key_text(j, "object", "retention");
    json_out_key_text(j, "snapshot_id", item->id);
    json_out_key_u64(j, "number", item->number);
    json_out_key_time(j, "created_at", item->created_at);
    json_out_key_u64(j, "bytes", item->bytes);
    json_out_key_text(j, "tenant_id", item->tenant_id);
    json_out_key_bool(j, "verified", item->verified);
    json_out_key_bool(j, "keep", item->keep);
    json_out_key_text(j, "reason", item->reason);
    json_out_end_object(j);
}

static int want(struct op_call *call, bool prune, struct err *err)
{
    struct snapshot_round round;

    if (snapshot_round_get(call->txn, &round, err) == -1)
        return -1;
    round.prune_wanted = round.prune_wanted || prune;
    round.drill_wanted = round.drill_wanted || !prune;
    (void)str_copy(round.actor, sizeof round.actor, call->actor.id);
    return snapshot_round_put(call->txn, &round, err);
}

/* Rules to try out, on a plan alone: those that are not given are as they are set. */
struct prune_params {
    uint32_t keep_last, keep_daily, keep_weekly, keep_monthly;
    uint32_t tenant_keep_last, tenant_keep_daily, tenant_keep_weekly, tenant_keep_monthly;
};
#define RULE(member_, most_, help_)                                                                \
    FIELD(struct prune_params, member_, FIELD_U32, .max = (most_), .help = (help_))
static const struct field prune_rows[] = {
    RULE(keep_last, 10000, "with plan: as if so many newest stayed"),
    RULE(keep_daily, 3650, "with plan: as if the newest of so many days did"),
    RULE(keep_weekly, 520, "of so many weeks"),
    RULE(keep_monthly, 240, "of so many months"),
    RULE(tenant_keep_last, 10000, "with plan: of each tenant's own, so many newest"),
    RULE(tenant_keep_daily, 3650, "of so many days"),
    RULE(tenant_keep_weekly, 520, "of so many weeks"),
    RULE(tenant_keep_monthly, 240, "of so many months"),
};

static int try_out(const struct op_call *call, struct retention_rules *rules, struct err *err)
{
    const struct prune_params *p = call->params;
    const struct {
        const uint32_t *from;
        uint32_t *to;
    } members[] = {
        {&p->keep_last, &rules->box.last},
        {&p->keep_daily, &rules->box.daily},
        {&p->keep_weekly, &rules->box.weekly},
        {&p->keep_monthly, &rules->box.monthly},
        {&p->tenant_keep_last, &rules->tenant.last},
        {&p->tenant_keep_daily, &rules->tenant.daily},
        {&p->tenant_keep_weekly, &rules->tenant.weekly},
        {&p->tenant_keep_monthly, &rules->tenant.monthly},
    };

    if (call->given != 0 && !call->plan) {
        (void)err_field(err, "plan", "plan_only",
                        "rules are tried out on a plan; what removes goes by the settings");
        return err_hint(err, "sett setting set snapshot.keep_daily 30");
    }
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (call->given >> i & 1)
            *members[i].to = *members[i].from;
    return 0;
}

/* What may go and what stays, each with its reason; the worker then removes them one by one. */
static int prune(struct op_call *call, struct err *err)
{
    struct retention_item *items = NULL;
    struct retention_rules rules;
    struct json_out *j = call->out;
    size_t count = 0, told = 0;
    uint64_t bytes = 0;
    int go;

    retention_rules_read(call->txn, &call->box->conf, &rules);
    if (try_out(call, &rules, err) == -1 || retention_read(call->txn, &items, &count, err) == -1)
        return -1;
    go = retention_decide(items, count, &rules, err);
    if (go != -1 && !call->plan && go > 0 && want(call, true, err) == -1)
        go = -1;
    if (go != -1) {
        call->unchanged = go == 0;
        call->status = go > 0 && !call->plan ? 202 : 200;
        json_out_object(j);
        json_out_key_text(j, "object", "list");
        json_out_key_bool(j, "dry_run", call->plan);
        json_out_key_u64(j, "removed", (uint64_t)go);
        for (size_t i = 0; i < count; i++)
            bytes += items[i].keep ? 0 : items[i].bytes;
        json_out_key_u64(j, "removed_bytes", bytes);
        json_out_key_u64(j, "kept", count - (uint64_t)go);
        json_out_key(j, "data");
        json_out_array(j);
        for (size_t i = count; i-- > 0 && told < TOLD_MOST; told++)
            item_json(&items[i], j);
        json_out_end_array(j);
        json_out_key_bool(j, "has_more", told < count);
        json_out_end_object(j);
    }
    free(items);
    return go == -1 ? -1 : 0;
}

static int drill_now(struct op_call *call, struct err *err)
{
    struct snapshot_round round;

    if (want(call, false, err) == -1 || snapshot_round_get(call->txn, &round, err) == -1)
        return -1;
    call->status = 202;
    json_out_object(call->out);
    json_out_key_text(call->out, "object", "snapshot_round");
    fields_json(&snapshot_round_table.fields, &round, call->out);
    json_out_end_object(call->out);
    return 0;
}

static int rounds(struct op_call *call, struct err *err)
{
    struct snapshot_round round;

    if (snapshot_round_get(call->txn, &round, err) == -1)
        return -1;
    json_out_object(call->out);
    json_out_key_text(call->out, "object", "snapshot_round");
    fields_json(&snapshot_round_table.fields, &round, call->out);
    json_out_end_object(call->out);
    return 0;
}

struct drill_list_params {
    struct list_params list;
    char vault[96];
    bool passed;
};
static const struct field drill_list_rows[] = {
    LIST_FIELDS(struct drill_list_params),
    FIELD(struct drill_list_params, vault, FIELD_TEXT, .help = "only out of this vault"),
    FIELD(struct drill_list_params, passed, FIELD_BOOL, .help = "only what passed, or did not"),
};

static bool keep_drill(const struct op_call *call, const void *record)
{
    const struct drill_list_params *p = call->params;
    const struct vault_place *vault = call->scratch;
    const struct drill *d = record;

    return (vault->id[0] == '\0' || str_equal(d->vault_id, vault->id)) &&
           (!op_given(call, "passed") || d->passed == p->passed);
}

static const struct view view_drill = {"drill", &drill_table, NULL};

static int drill_list(struct op_call *call, struct err *err)
{
    const struct drill_list_params *p = call->params;
    struct list list = {.view = &view_drill, .url = "/api/drills", .keep = keep_drill};

    if (p->vault[0] != '\0' &&
        object_refer(call, &vault_place_table, "vault", p->vault, call->scratch, err) == -1)
        return -1;
    return list_reply(call, &p->list, &list, err);
}

static int drill_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct drill d = {0};

    if (object_get(call, &drill_table, p->id, &d, err) != 0)
        return -1;
    return object_reply(call, &view_drill, &d, err);
}

/* ---- for Prometheus ---- */

static void stamp(struct buf *b, const char *name, const char *help, int64_t at)
{
    (void)buf_format(b, "# HELP %s %s\n# TYPE %s gauge\n%s %lld.%03lld\n", name, help, name, name,
                     (long long)(at / 1000), (long long)(at % 1000));
}

/* Of the newest drill that had a tenant's program to try. */
static void program_metrics(struct op_call *call, struct buf *b)
{
    struct err ignored = {0};
    struct drill d = {0};
    struct scan scan;

    if (scan_start(&scan, call->txn, &drill_table, NULL, NULL, 0, true, &ignored) == -1)
        return;
    while (scan_next(&scan, &d, &ignored) == 1)
        if (d.program != DRILL_PROGRAM_NONE)
            break;
    if (d.program == DRILL_PROGRAM_NONE)
        return;
    (void)buf_format(
        b,
        "# HELP sett_backup_drill_program_answered Whether a tenant's program, started "
        "on what the newest drill restored, answered.\n"
        "# TYPE sett_backup_drill_program_answered gauge\n"
        "sett_backup_drill_program_answered %d\n"
        "# HELP sett_backup_drill_program_seconds From its files to its answer.\n"
        "# TYPE sett_backup_drill_program_seconds gauge\n"
        "sett_backup_drill_program_seconds %lld.%03lld\n",
        d.program == DRILL_PROGRAM_ANSWERED, (long long)(d.program_ms / 1000),
        (long long)(d.program_ms % 1000));
}

/* Along the box's own alone: tenants may have made a million of theirs. */
int snapshot_times(struct txn *txn, struct snapshot_times *t, struct err *err)
{
    struct snapshot match = {0}, s;
    struct scan scan;
    int got;

    memset(t, 0, sizeof *t);
    if (scan_start(&scan, txn, &snapshot_table, "tenant_id", &match, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &s, err)) == 1) {
        if (s.state != SNAPSHOT_DONE)
            continue;
        t->done = s.done_at > t->done ? s.done_at : t->done;
        t->verified = s.verified && s.verified_at > t->verified ? s.verified_at : t->verified;
        t->proven = s.proven_at > t->proven ? s.proven_at : t->proven;
    }
    return got;
}

void snapshot_times_members(struct op_call *call)
{
    struct snapshot_times t = {0};
    struct err ignored = {0};
    const struct {
        const char *name;
        const int64_t *at;
    } members[] = {{"last_backup_at", &t.done},
                   {"last_verified_at", &t.verified},
                   {"last_proven_at", &t.proven}};

    (void)snapshot_times(call->txn, &t, &ignored);
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        if (*members[i].at == 0)
            json_out_key_null(call->out, members[i].name);
        else
            json_out_key_time(call->out, members[i].name, *members[i].at);
    }
}

void snapshot_metrics(struct op_call *call, struct buf *b)
{
    struct snapshot_times t = {0};
    struct err ignored = {0};
    struct figures f;

    if (snapshot_times(call->txn, &t, &ignored) == -1 || figures_read(call, &f, &ignored) == -1)
        return;
    (void)buf_format(b,
                     "# HELP sett_backup_snapshots Snapshots that are kept.\n"
                     "# TYPE sett_backup_snapshots gauge\nsett_backup_snapshots %llu\n"
                     "# HELP sett_backup_bytes Bytes of their files, once each.\n"
                     "# TYPE sett_backup_bytes gauge\nsett_backup_bytes %llu\n",
                     (unsigned long long)f.snapshots, (unsigned long long)f.snapshot_bytes);
    stamp(b, "sett_backup_last_success_timestamp_seconds",
          "When the newest snapshot of the box was in its vaults; 0: never.", t.done);
    stamp(b, "sett_backup_last_verified_timestamp_seconds", "When one was last verified; 0: never.",
          t.verified);
    stamp(b, "sett_backup_last_proven_timestamp_seconds",
          "When one was last restored in a drill; 0: never.", t.proven);
    program_metrics(call, b);
}

const struct op snapshot_keep_ops[] = {
    {.name = "snapshot.prune",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_PREVIEW,
     .params = PARAMS(prune_rows, struct prune_params),
     .help = "Remove the snapshots that no rule keeps; say of each why it stays or goes",
     .example = "--dry-run",
     .run = prune},
    {.name = "snapshot.drill",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT,
     .help = "Restore the newest snapshot of each vault aside now, and compare",
     .example = "",
     .result = &snapshot_round_table.fields,
     .run = drill_now},
    {.name = "snapshot.rounds",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .help = "When snapshots were last made, pruned, looked at and drilled by the clock",
     .example = "",
     .result = &snapshot_round_table.fields,
     .run = rounds},
    {.name = "drill.list",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST | OP_BARE,
     .params = PARAMS(drill_list_rows, struct drill_list_params),
     .help = "List drills: snapshots restored aside, and what came of it",
     .example = "",
     .scratch_size = sizeof(struct vault_place),
     .result = &drill_table.fields,
     .run = drill_list},
    {.name = "drill.show",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show a drill",
     .example = "drl_01jd3v7q2c0000000000000000",
     .result = &drill_table.fields,
     .run = drill_show},
    {.name = NULL},
};
