/*
 * What a restore of one tenant's data takes away, told from what the box knows: the audit since the
 * snapshot, and what the last look outside found. Apart from the operations, which decide.
 */
#include "restore_show.h"

#include "audit.h"
#include "drift.h"
#include "str.h"

#define TOLD_MOST   10
#define PREVIEW_MAX (256u * 1024u)
#define LOOKED_MOST 10000

const struct view view_restore = {"restore", &restore_table, NULL};

/* Changes of the tenant since the snapshot, newest first: how many there are; the first few of them
 * into ${j}, unless that is NULL. */
static uint64_t tell_changes(struct txn *txn, const char *tenant_id, int64_t since,
                             struct json_out *j)
{
    struct audit match = {0}, entry;
    struct err ignored;
    struct scan scan;
    uint64_t count = 0;

    (void)str_copy(match.object, sizeof match.object, tenant_id);
    if (scan_start(&scan, txn, &audit_table, "object", &match, 1, true, &ignored) == -1)
        return 0;
    while (count < LOOKED_MOST && scan_next(&scan, &entry, &ignored) == 1 && entry.at > since) {
        if (!str_equal(entry.result, "ok"))
            continue;
        if (j != NULL && count < TOLD_MOST) {
            json_out_object(j);
            json_out_key_time(j, "at", entry.at);
            json_out_key_text(j, "action", entry.action);
            json_out_key_text(j, "actor", entry.actor);
            json_out_end_object(j);
        }
        count++;
    }
    return count;
}

/* What differs outside and concerns it, as the last look found it. */
static void tell_drift(struct txn *txn, const char *tenant_id, struct json_out *j)
{
    struct drift match = {0}, item;
    struct err ignored;
    struct scan scan;
    unsigned told = 0;

    (void)str_copy(match.tenant_id, sizeof match.tenant_id, tenant_id);
    if (scan_start(&scan, txn, &drift_table, "tenant_id", &match, 1, false, &ignored) == -1)
        return;
    while (told < TOLD_MOST && scan_next(&scan, &item, &ignored) == 1) {
        if (item.state != DRIFT_OPEN)
            continue;
        json_out_object(j);
        json_out_key_text(j, "id", item.id);
        json_out_key_text(j, "thing", item.thing);
        json_out_key_text(j, "desired", item.desired);
        json_out_key_text(j, "actual", item.actual);
        json_out_end_object(j);
        told++;
    }
}

void restore_show_lost(struct txn *txn, struct restore_record *record, const struct tenant *tenant)
{
    int64_t gap_ms = txn_time_ms(txn) - record->snapshot_at;
    uint64_t changes = tell_changes(txn, tenant->id, record->snapshot_at, NULL);

    if (!str_equal(record->tenant_id, record->of_id)) {
        (void)str_copy(record->lost, sizeof record->lost, "nothing: it goes into a new tenant");
        return;
    }
    (void)str_format(record->lost, sizeof record->lost,
                     "all that %.64s wrote in the %lld h %lld min since the snapshot; its records "
                     "changed %llu time%s since and stay as they are",
                     tenant->subdomain, (long long)(gap_ms / 3600000),
                     (long long)(gap_ms / 60000 % 60), (unsigned long long)changes,
                     changes == 1 ? "" : "s");
}

/* ${all}: also what is the box's affair: who changed what, what differs outside. */
static void tell_one(struct txn *txn, const struct restore_record *r, const struct tenant *t,
                     bool all, struct json_out *j)
{
    uint64_t changes;

    json_out_object(j);
    json_out_key_text(j, "of_id", t->id);
    json_out_key_text(j, "of", t->subdomain);
    json_out_key_text(j, "into_id", r->tenant_id);
    json_out_key_u64(j, "snapshot", r->snapshot_number);
    json_out_key_time(j, "snapshot_at", r->snapshot_at);
    json_out_key_text(j, "lost", r->lost);
    json_out_key(j, "changes");
    json_out_array(j);
    changes = tell_changes(txn, t->id, r->snapshot_at, all ? j : NULL);
    json_out_end_array(j);
    json_out_key_u64(j, "changes_count", changes);
    json_out_key(j, "differs_outside");
    json_out_array(j);
    if (all)
        tell_drift(txn, t->id, j);
    json_out_end_array(j);
    json_out_end_object(j);
}

int restore_show_plan(struct op_call *call, const struct restore_record *made,
                      const struct tenant *tenants, size_t count, bool kept, struct err *err)
{
    struct json_out j;

    if (call->preview.max == 0)
        buf_init(&call->preview, PREVIEW_MAX);
    buf_reset(&call->preview);
    (void)buf_format(&call->preview,
                     "\"recovery_needed\":%s,\"restores\":", kept ? "false" : "true");
    json_out_init(&j, &call->preview);
    json_out_array(&j);
    for (size_t i = 0; i < count; i++)
        tell_one(call->txn, &made[i], &tenants[i], call->actor.role > ROLE_CUSTOMER, &j);
    json_out_end_array(&j);
    return call->preview.failed
               ? err_set(err, ERR_TOO_LARGE, "plan_too_large", "the plan is too long")
               : 0;
}
