/*
 * Findings of drift and their life. Apart from the looking, which is the worker's and takes
 * minutes: here is what a person decides about a finding, and what a later scan makes of that
 * decision.
 */
#include "drift.h"

#include <string.h>

#include "job_start.h"
#include "str.h"

#define GONE_KEEP_MS (INT64_C(7) * 24 * 3600 * 1000)

const char *const drift_kind_names[] = {"tunnel", "rules",   "dns",    "connector",
                                        "route",  "runtime", "folder", NULL};
const char *const drift_verdict_names[] = {"missing", "differs", "orphan", NULL};
const char *const drift_state_names[] = {"open", "ignored", "accepted", "reverting", "gone", NULL};
const char *const drift_scan_state_names[] = {"idle", "wanted", "running", NULL};

static const struct field rows[] = {
    FIELD(struct drift, id, FIELD_ID, .ref_prefix = "drf", .help = "the finding"),
    FIELD(struct drift, kind, FIELD_ENUM, .names = drift_kind_names, .help = "kind of object"),
    FIELD(struct drift, verdict, FIELD_ENUM, .names = drift_verdict_names,
          .help = "missing, differs, or an orphan that no record wants"),
    FIELD(struct drift, state, FIELD_ENUM, .names = drift_state_names, .help = "where it stands"),
    FIELD(struct drift, thing, FIELD_TEXT, .help = "what it is outside"),
    FIELD(struct drift, name, FIELD_TEXT, .help = "its name for people"),
    FIELD(struct drift, tenant_id, FIELD_ID, .ref_prefix = "tn", .help = "tenant whose it is"),
    FIELD(struct drift, tunnel_id, FIELD_ID, .ref_prefix = "tun", .help = "tunnel whose it is"),
    FIELD(struct drift, domain_id, FIELD_ID, .ref_prefix = "dom", .help = "domain whose it is"),
    FIELD(struct drift, desired, FIELD_TEXT, .help = "what the records want"),
    FIELD(struct drift, recorded, FIELD_TEXT, .help = "what was noted when it was last made"),
    FIELD(struct drift, actual, FIELD_TEXT, .help = "what is there"),
    FIELD(struct drift, remedy, FIELD_TEXT, .help = "what a revert does"),
    FIELD(struct drift, reason, FIELD_TEXT, .help = "why it was accepted or is ignored"),
    FIELD(struct drift, job_id, FIELD_ID, .ref_prefix = "job", .help = "job that reverts it"),
    FIELD(struct drift, scan, FIELD_U64, .help = "number of the scan that saw it last"),
    FIELD(struct drift, ignore_until, FIELD_TIME, .help = "ignored until"),
    FIELD(struct drift, first_seen_at, FIELD_TIME, .help = "first seen at"),
    FIELD(struct drift, seen_at, FIELD_TIME, .help = "last seen at"),
    FIELD(struct drift, updated_at, FIELD_TIME, .help = "changed at"),
};

static const struct index indexes[] = {
    {.name = "place", .id = 231, .unique = true, .fields = {"kind", "thing"}},
    {.name = "state", .id = 232, .fields = {"state"}},
    {.name = "tenant_id", .id = 233, .sparse = true, .fields = {"tenant_id"}},
};

const struct table drift_table = {
    .name = "drift_items",
    .noun = "drift",
    .id = 50,
    .version = 1,
    .prefix = "drf",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct drift)},
    .key = {"id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "drift", .beside = {"scan", "seen_at", "updated_at"}},
};

static const struct field scan_rows[] = {
    FIELD(struct drift_scan, id, FIELD_U32, .flags = FIELD_HIDDEN),
    FIELD(struct drift_scan, state, FIELD_ENUM, .names = drift_scan_state_names,
          .help = "idle, wanted or running"),
    FIELD(struct drift_scan, number, FIELD_U64, .help = "number of the scan"),
    FIELD(struct drift_scan, actor, FIELD_TEXT, .help = "who wanted it; empty: the clock"),
    FIELD(struct drift_scan, looked, FIELD_U32, .help = "tenants and tunnels compared"),
    FIELD(struct drift_scan, found, FIELD_U32, .help = "differences seen"),
    FIELD(struct drift_scan, open, FIELD_U32, .help = "findings that wait for somebody"),
    FIELD(struct drift_scan, unread, FIELD_TEXT,
          .help = "what could not be looked at; nothing is concluded from it"),
    FIELD(struct drift_scan, wanted_at, FIELD_TIME, .help = "asked for at"),
    FIELD(struct drift_scan, started_at, FIELD_TIME, .help = "begun at"),
    FIELD(struct drift_scan, ended_at, FIELD_TIME, .help = "ended at"),
    FIELD_SINCE(struct drift_scan, held, FIELD_U32, 2,
                .help = "passed over, since a job holds them or they changed meanwhile"),
    FIELD_SINCE(struct drift_scan, held_why, FIELD_TEXT, 2,
                .help = "the first of those, and what holds them"),
    FIELD_SINCE(struct drift_scan, tunnel_most, FIELD_U64, 3, .flags = FIELD_HIDDEN),
};

const struct table drift_scan_table = {
    .name = "drift_scans",
    .noun = "drift_scan",
    .id = 51,
    .version = 3,
    .fields = {scan_rows, sizeof scan_rows / sizeof scan_rows[0], sizeof(struct drift_scan)},
    .key = {"id"},
    .feed = {.object = "drift_scan"},
};

int drift_scan_get(struct txn *txn, struct drift_scan *scan, struct err *err)
{
    memset(scan, 0, sizeof *scan);
    scan->id = 1;
    return record_get(txn, &drift_scan_table, scan, err) == -1 ? -1 : 0;
}

int drift_scan_want(struct txn *txn, const char *actor, struct drift_scan *scan, struct err *err)
{
    if (drift_scan_get(txn, scan, err) == -1)
        return -1;
    if (scan->state != DRIFT_SCAN_IDLE)
        return 0;
    scan->state = DRIFT_SCAN_WANTED;
    scan->wanted_at = txn_time_ms(txn);
    (void)str_copy(scan->actor, sizeof scan->actor, actor);
    return record_put(txn, &drift_scan_table, scan, err);
}

int drift_put(struct txn *txn, struct drift *item, struct err *err)
{
    item->updated_at = txn_time_ms(txn);
    return record_put(txn, &drift_table, item, err);
}

/* Whether the job that reverts it has not ended yet. 1, 0 or -1. */
static int at_work(struct txn *txn, const struct drift *item, struct err *err)
{
    struct job job;
    int found;

    memset(&job, 0, sizeof job);
    memcpy(job.id, item->job_id, sizeof job.id);
    if ((found = record_get(txn, &job_table, &job, err)) != 1)
        return found;
    return job.live || job.state == JOB_STUCK;
}

/* What becomes of a decision when the finding is seen again, as ${found} this time; ${busy}: a job
 * is at work on it. */
static uint32_t state_again(const struct drift *known, const struct drift *found, bool busy,
                            int64_t now)
{
    switch (known->state) {
    case DRIFT_ACCEPTED:
        return known->verdict == found->verdict && str_equal(known->actual, found->actual)
                   ? DRIFT_ACCEPTED
                   : DRIFT_OPEN;
    case DRIFT_IGNORED:
        return known->ignore_until > now ? DRIFT_IGNORED : DRIFT_OPEN;
    case DRIFT_REVERTING:
        return busy ? DRIFT_REVERTING : DRIFT_OPEN;
    default:
        return DRIFT_OPEN;
    }
}

int drift_note(struct txn *txn, const struct drift *found, struct err *err)
{
    struct drift item = *found, known = *found;
    int64_t now = txn_time_ms(txn);
    int got = record_find(txn, &drift_table, "place", &known, err), busy = 0;

    if (got == 1 && known.state == DRIFT_REVERTING)
        busy = at_work(txn, &known, err);
    if (got == -1 || busy == -1)
        return -1;
    item.seen_at = now;
    if (got == 0) {
        id_make(item.id, "drf");
        item.first_seen_at = now;
        item.state = DRIFT_OPEN;
        return drift_put(txn, &item, err);
    }
    memcpy(item.id, known.id, sizeof item.id);
    memcpy(item.job_id, known.job_id, sizeof item.job_id);
    item.state = state_again(&known, found, busy == 1, now);
    item.first_seen_at = known.state == DRIFT_GONE ? now : known.first_seen_at;
    item.ignore_until = item.state == DRIFT_IGNORED ? known.ignore_until : 0;
    if (item.state == DRIFT_IGNORED || item.state == DRIFT_ACCEPTED)
        memcpy(item.reason, known.reason, sizeof item.reason);
    return drift_put(txn, &item, err);
}

/* Whether a finding that the scan did not see is to be changed: 1 to be noted as gone, 2 to be
 * deleted, 0 to stay; or -1. */
static int fate(struct txn *txn, const struct drift *item, uint64_t scan, unsigned kinds,
                struct err *err)
{
    int64_t now = txn_time_ms(txn);
    int busy;

    if (item->scan >= scan || (kinds & 1u << item->kind) == 0)
        return 0;
    if (item->state == DRIFT_REVERTING && (busy = at_work(txn, item, err)) != 0)
        return busy == -1 ? -1 : 0;
    if (item->state != DRIFT_GONE)
        return 1;
    return item->updated_at + GONE_KEEP_MS < now ? 2 : 0;
}

int drift_settle(struct txn *txn, uint64_t scan, unsigned kinds, int bite, struct err *err)
{
    struct drift item = {0};
    struct scan walk;
    int got, changed = 0, what;

    if (scan_start(&walk, txn, &drift_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while (changed < bite && (got = scan_next(&walk, &item, err)) != 0) {
        if (got == -1)
            return -1;
        if ((what = fate(txn, &item, scan, kinds, err)) == 0)
            continue;
        if (what == -1)
            return -1;
        changed++;
        item.state = DRIFT_GONE;
        if ((what == 1 ? drift_put(txn, &item, err)
                       : record_delete(txn, &drift_table, &item, err)) == -1)
            return -1;
    }
    return changed;
}

int64_t drift_count_open(struct txn *txn, struct err *err)
{
    struct drift match = {.state = DRIFT_OPEN};
    struct scan walk;

    if (scan_start(&walk, txn, &drift_table, "state", &match, 1, false, err) == -1)
        return -1;
    return scan_count(&walk, err);
}

static void arg(struct job *job, const char *name, const char *value)
{
    if (value[0] != '\0')
        (void)kv_set(&job->args, name, value);
}

void drift_job(const struct drift *item, struct job *job)
{
    arg(job, "drift_id", item->id);
    arg(job, "thing", item->thing);
    arg(job, "name", item->name);
    if (item->verdict == DRIFT_ORPHAN) {
        (void)str_copy(job->saga, sizeof job->saga, "drift.remove");
        job_subject(job->subjects[0], "drift", item->id);
    } else if (item->kind == DRIFT_RUNTIME) {
        (void)str_copy(job->saga, sizeof job->saga, "drift.mend");
        arg(job, "tenant_id", item->tenant_id);
        job_subject(job->subjects[0], "tenant", item->tenant_id);
    } else {
        (void)str_copy(job->saga, sizeof job->saga, "drift.lead");
        arg(job, "tunnel_id", item->tunnel_id);
        arg(job, "tenant_id", item->tenant_id);
        job_subject(job->subjects[0], "tunnel", item->tunnel_id);
    }
}
