/*
 * How it stands with this box's snapshots, in one answer: how old the newest is, what was proven
 * last and how long that took, what comes next and when. Apart from the lists, each of which knows
 * a part of it. Nothing here asks anybody, so it is told when the worker is down, too.
 */
#include "nouns.h"

#include <string.h>

#include "enquire.h"
#include "figures.h"
#include "object.h"
#include "plan.h"
#include "setting.h"
#include "snapshot.h"
#include "snapshot_keep_ops.h"
#include "snapshot_round.h"
#include "snapshot_schedule.h"
#include "str.h"

#define PLANS_MOST 50 /* with times of their own that are told */
#define DRILLS     50 /* that are looked at for one that passed */

static void time_member(struct json_out *j, const char *name, int64_t at)
{
    if (at == 0)
        json_out_key_null(j, name);
    else
        json_out_key_time(j, name, at);
}

static int newest_member(struct op_call *call, struct err *err)
{
    struct json_out *j = call->out;
    struct snapshot s;
    int got = snapshot_newest(call->txn, "", &s, err);

    if (got == -1)
        return -1;
    json_out_key(j, "newest");
    if (got == 0) {
        json_out_null(j);
        return 0;
    }
    json_out_object(j);
    fields_json(&snapshot_table.fields, &s, j);
    json_out_end_object(j);
    return 0;
}

/* What is under way, oldest first. */
static int running_member(struct op_call *call, struct err *err)
{
    static const uint32_t states[] = {SNAPSHOT_SENDING, SNAPSHOT_WRITING};
    struct json_out *j = call->out;
    int got = 0;

    json_out_key(j, "running");
    json_out_array(j);
    for (size_t i = 0; i < sizeof states / sizeof states[0] && got != -1; i++) {
        struct snapshot match = {.state = states[i]}, s;
        struct scan scan;
        if (scan_start(&scan, call->txn, &snapshot_table, "state", &match, 1, false, err) == -1)
            return -1;
        while ((got = scan_next(&scan, &s, err)) == 1) {
            json_out_object(j);
            json_out_key_text(j, "id", s.id);
            json_out_key_u64(j, "number", s.number);
            json_out_key_text(j, "state", snapshot_state_names[s.state]);
            json_out_key_text(j, "tenant_id", s.tenant_id);
            json_out_key_text(j, "job_id", s.job_id);
            json_out_key_time(j, "created_at", s.created_at);
            json_out_end_object(j);
        }
    }
    json_out_end_array(j);
    return got;
}

static void drill_member(struct json_out *j, const char *name, const struct drill *d)
{
    json_out_key(j, name);
    if (d->id[0] == '\0') {
        json_out_null(j);
        return;
    }
    json_out_object(j);
    fields_json(&drill_table.fields, d, j);
    json_out_end_object(j);
}

/* The newest drill, and the newest that passed: the last proven restore. */
static int drill_members(struct op_call *call, struct err *err)
{
    struct drill d, newest = {0}, passed = {0};
    struct scan scan;
    int got = 0;

    if (scan_start(&scan, call->txn, &drill_table, NULL, NULL, 0, true, err) == -1)
        return -1;
    for (unsigned i = 0; i < DRILLS && passed.id[0] == '\0'; i++) {
        if ((got = scan_next(&scan, &d, err)) != 1)
            break;
        if (newest.id[0] == '\0')
            newest = d;
        if (d.passed)
            passed = d;
    }
    if (got == -1)
        return -1;
    drill_member(call->out, "drill", &newest);
    drill_member(call->out, "proven", &passed);
    return 0;
}

/* ---- what comes next ---- */

static void next_json(struct json_out *j, const char *what, const struct plan *plan,
                      const char *schedule, int64_t at)
{
    json_out_object(j);
    json_out_key_text(j, "what", what);
    json_out_key_text(j, "schedule", schedule);
    time_member(j, "at", at);
    if (plan != NULL) {
        json_out_key_text(j, "plan_id", plan->id);
        json_out_key_text(j, "plan", plan->name);
    }
    json_out_end_object(j);
}

static int plans_next(struct op_call *call, const char *zone, struct err *err)
{
    int64_t now = txn_time_ms(call->txn);
    unsigned told = 0;
    struct plan plan;
    struct scan scan;
    int got;

    if (scan_start(&scan, call->txn, &plan_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while (told < PLANS_MOST && (got = scan_next(&scan, &plan, err)) != 0) {
        int64_t at;
        if (got == -1)
            return -1;
        if ((at = snapshot_schedule_next(plan.backup_at, zone, now)) == 0)
            continue;
        next_json(call->out, "plan", &plan, plan.backup_at, at);
        told++;
    }
    return 0;
}

/* As backup_watch.c decides. */
static int64_t drill_next(const char *at, const char *zone, const struct snapshot_round *r,
                          int64_t now)
{
    int64_t after = r->drilled_at + DRILL_EVERY_MS;

    if (r->drill_wanted)
        return now;
    return snapshot_schedule_next(at, zone, r->drilled_at != 0 && after > now ? after : now);
}

static int next_member(struct op_call *call, const struct snapshot_round *round, struct err *err)
{
    const struct conf *conf = &call->box->conf;
    int64_t now = txn_time_ms(call->txn);
    char at[512], drill_at[512], zone[512];
    struct json_out *j = call->out;

    if (setting_text(call->txn, conf, "snapshot.at", at, sizeof at, err) == -1 ||
        setting_text(call->txn, conf, "snapshot.drill_at", drill_at, sizeof drill_at, err) == -1 ||
        setting_text(call->txn, conf, "box.time_zone", zone, sizeof zone, err) == -1)
        return -1;
    json_out_key_text(j, "zone", zone);
    json_out_key(j, "next");
    json_out_array(j);
    next_json(j, "box", NULL, at, snapshot_schedule_next(at, zone, now));
    next_json(j, "drill", NULL, drill_at, drill_next(drill_at, zone, round, now));
    if (plans_next(call, zone, err) == -1)
        return -1;
    json_out_end_array(j);
    return 0;
}

/* ---- where they are ---- */

static void copies_members(struct json_out *j, const struct figures *f, const char *vault_id)
{
    struct figures_vault none = {0};
    const struct figures_vault *v = &none;

    for (uint32_t i = 0; i < f->vaults; i++)
        if (str_equal(f->vault[i].id, vault_id))
            v = &f->vault[i];
    json_out_key_u64(j, "copies", v->copies);
    json_out_key_u64(j, "bytes", v->bytes);
    time_member(j, "newest_at", v->newest_at);
}

static int vaults_member(struct op_call *call, const struct figures *f, struct err *err)
{
    struct json_out *j = call->out;
    struct vault_place vault;
    struct scan scan;
    int got;

    json_out_key(j, "vaults");
    json_out_array(j);
    if (scan_start(&scan, call->txn, &vault_place_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &vault, err)) == 1) {
        json_out_object(j);
        fields_json(&vault_place_table.fields, &vault, j);
        copies_members(j, f, vault.id);
        json_out_end_object(j);
    }
    json_out_end_array(j);
    return got;
}

/* Without a key nothing is made; without a proven one nobody knows whether it opens anything. */
static int keys_member(struct op_call *call, struct err *err)
{
    struct json_out *j = call->out;
    uint64_t count = 0, proven = 0;
    struct recipient recipient;
    struct scan scan;
    int got;

    if (scan_start(&scan, call->txn, &recipient_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &recipient, err)) == 1) {
        count++;
        proven += recipient.proven;
    }
    json_out_key_u64(j, "recovery_keys", count);
    json_out_key_u64(j, "recovery_keys_proven", proven);
    return got;
}

static int summary(struct op_call *call, struct err *err)
{
    struct json_out *j = call->out;
    struct snapshot_round round;
    struct figures f;

    if (snapshot_round_get(call->txn, &round, err) == -1 || figures_read(call, &f, err) == -1)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "snapshot_summary");
    snapshot_times_members(call);
    json_out_key_text(j, "problem", round.problem);
    json_out_key_bool(j, "drill_wanted", round.drill_wanted);
    json_out_key_bool(j, "prune_wanted", round.prune_wanted);
    json_out_key_u64(j, "snapshots", f.snapshots);
    json_out_key_u64(j, "bytes", f.snapshot_bytes);
    if (keys_member(call, err) == -1 || newest_member(call, err) == -1 ||
        drill_members(call, err) == -1 || running_member(call, err) == -1 ||
        next_member(call, &round, err) == -1 || vaults_member(call, &f, err) == -1)
        return -1;
    json_out_end_object(j);
    return 0;
}

/* ---- how far the one under way is ---- */

static int progress_slow(struct op_call *call, struct err *err)
{
    struct kv params;

    kv_clear(&params);
    return enquire_ask(call, "progress", &params, 0, err);
}

static int progress(struct op_call *call, struct err *err)
{
    return enquire_reply_json(call, err);
}

static const struct field progress_rows[] = {
    {.name = "job_id", .type = FIELD_TEXT, .size = ID_SIZE, .help = "its job; \"\": none is made"},
    {.name = "phase", .type = FIELD_TEXT, .size = 64, .help = "what is done to it"},
    {.name = "done", .type = FIELD_U64, .size = 8, .help = "bytes"},
    {.name = "total", .type = FIELD_U64, .size = 8, .help = "of about so many; 0: not known"},
    {.name = "elapsed_ms", .type = FIELD_U64, .size = 8, .help = "since it began"},
};
static const struct fields going = {progress_rows, sizeof progress_rows / sizeof progress_rows[0],
                                    0};

static const struct field summary_rows[] = {
    {.name = "last_backup_at", .type = FIELD_TIME, .size = 8, .help = "the newest was made at"},
    {.name = "last_verified_at", .type = FIELD_TIME, .size = 8, .help = "one was last verified at"},
    {.name = "last_proven_at",
     .type = FIELD_TIME,
     .size = 8,
     .help = "one was last restored in a drill at"},
    {.name = "problem", .type = FIELD_TEXT, .size = 240, .help = "why the last was not begun"},
    {.name = "drill_wanted", .type = FIELD_BOOL, .size = 1, .help = "a drill was asked for"},
    {.name = "prune_wanted", .type = FIELD_BOOL, .size = 1, .help = "so was a removal"},
    {.name = "snapshots", .type = FIELD_U64, .size = 8, .help = "how many are kept"},
    {.name = "bytes", .type = FIELD_U64, .size = 8, .help = "of so many bytes, each once"},
    {.name = "recovery_keys", .type = FIELD_U64, .size = 8, .help = "keys they are sealed to"},
    {.name = "recovery_keys_proven",
     .type = FIELD_U64,
     .size = 8,
     .help = "whose secret was asked back and was right"},
    {.name = "zone", .type = FIELD_TEXT, .size = 512, .help = "time zone of the schedules"},
};
static const struct fields result = {summary_rows, sizeof summary_rows / sizeof summary_rows[0], 0};

const struct op backup_summary_ops[] = {
    {.name = "snapshot.summary",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .help = "Show how old the newest snapshot is, what was proven last, and what comes next",
     .example = "",
     .result = &result,
     .run = summary},
    {.name = "snapshot.progress",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_ASK,
     .help = "Show how far the snapshot or restore under way is",
     .example = "",
     .result = &going,
     .slow = progress_slow,
     .run = progress},
    {.name = NULL},
};
