/*
 * Records of restores, and when the sagas may go on. Apart from backup/, which puts the files back:
 * what becomes of a restored box is decided by people through operations, long after that.
 */
#include "restore_record.h"

#include <string.h>

#include "job_start.h"
#include "setting.h"
#include "str.h"
#include "tunnel.h"

const char *const restore_state_names[] = {"reconciling", "resumed", "committed",   "running",
                                           "restored",    "failed",  "rolled_back", NULL};

static const struct field rows[] = {
    FIELD(struct restore_record, id, FIELD_ID, .ref_prefix = "rst", .help = "the restore"),
    FIELD(struct restore_record, state, FIELD_ENUM, .names = restore_state_names,
          .help =
              "reconciling: sagas are paused; resumed; committed: what was before is gone; of one "
              "tenant: running; restored: what it had before is kept; failed; rolled_back"),
    FIELD(struct restore_record, scope, FIELD_TEXT, .help = "the box, or one tenant"),
    FIELD(struct restore_record, file, FIELD_TEXT, .help = "the snapshot's file"),
    FIELD(struct restore_record, box_id, FIELD_ID, .ref_prefix = "box",
          .help = "box that wrote the snapshot"),
    FIELD(struct restore_record, snapshot_number, FIELD_U64, .help = "its number there"),
    FIELD(struct restore_record, snapshot_uid, FIELD_BYTES, .help = "the id in its header"),
    FIELD(struct restore_record, snapshot_digest, FIELD_BYTES, .help = "hash of its header"),
    FIELD(struct restore_record, chain_head, FIELD_U64,
          .help = "number of the newest audit record in it"),
    FIELD(struct restore_record, before, FIELD_TEXT,
          .help = "folder beside live/ that holds what was there before"),
    FIELD(struct restore_record, lost, FIELD_TEXT, .help = "what came after the snapshot"),
    FIELD(struct restore_record, problem, FIELD_TEXT, .help = "why it does not go on by itself"),
    FIELD(struct restore_record, actor, FIELD_TEXT, .help = "who restored"),
    FIELD(struct restore_record, auto_resume, FIELD_BOOL,
          .help = "goes on by itself when only what the restore stopped is missing"),
    FIELD(struct restore_record, events_read, FIELD_BOOL,
          .help = "whether Stripe's events since the snapshot were read again"),
    FIELD(struct restore_record, events, FIELD_U32, .help = "how many of them were new"),
    FIELD(struct restore_record, scan, FIELD_U64, .flags = FIELD_HIDDEN),
    FIELD(struct restore_record, snapshot_at, FIELD_TIME, .help = "snapshot made at"),
    FIELD(struct restore_record, restored_at, FIELD_TIME, .help = "restored at"),
    FIELD(struct restore_record, resumed_at, FIELD_TIME, .help = "resumed at"),
    FIELD(struct restore_record, committed_at, FIELD_TIME, .help = "committed at"),
    FIELD_SINCE(struct restore_record, tenant_id, FIELD_ID, 2, .ref_prefix = "tn",
                .help = "tenant whose data was replaced; null: the whole box"),
    FIELD_SINCE(struct restore_record, of_id, FIELD_ID, 2, .ref_prefix = "tn",
                .help = "tenant whose data it is, in the snapshot"),
    FIELD_SINCE(struct restore_record, snapshot_id, FIELD_ID, 2, .ref_prefix = "snap",
                .help = "the snapshot, where this box knows it"),
    FIELD_SINCE(struct restore_record, job_id, FIELD_ID, 2, .ref_prefix = "job",
                .help = "job that carries it out"),
    FIELD_SINCE(struct restore_record, started_at, FIELD_TIME, 2, .help = "asked for at"),
};

static const struct index indexes[] = {
    {.name = "state", .id = 250, .fields = {"state"}},
};

const struct table restore_table = {
    .name = "restores",
    .noun = "restore",
    .id = 64,
    .version = 2,
    .prefix = "rst",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct restore_record)},
    .key = {"id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "restore"},
};

static bool of_box(const struct restore_record *record, const char *tenant_id)
{
    (void)tenant_id;
    return record->tenant_id[0] == '\0';
}

static bool of_tenant(const struct restore_record *record, const char *tenant_id)
{
    return str_equal(record->tenant_id, tenant_id);
}

static int next_that(struct scan *scan,
                     bool (*is)(const struct restore_record *record, const char *tenant_id),
                     const char *tenant_id, struct restore_record *record, struct err *err)
{
    int got;

    while ((got = scan_next(scan, record, err)) == 1 && !is(record, tenant_id))
        continue;
    return got;
}

int restore_newest(struct txn *txn, struct restore_record *record, struct err *err)
{
    struct scan scan;

    memset(record, 0, sizeof *record);
    if (scan_start(&scan, txn, &restore_table, NULL, NULL, 0, true, err) == -1)
        return -1;
    return next_that(&scan, of_box, NULL, record, err);
}

void restore_key_name(char out[96], const char *id)
{
    (void)str_format(out, 96, "restore:%s", id);
}

int restore_get(struct txn *txn, const char *id, struct restore_record *record, struct err *err)
{
    memset(record, 0, sizeof *record);
    if (str_copy(record->id, sizeof record->id, id) == -1)
        return 0;
    return record_get(txn, &restore_table, record, err);
}

int restore_of_tenant(struct txn *txn, const char *tenant_id, struct restore_record *record,
                      struct err *err)
{
    static const uint32_t states[] = {RESTORE_RUNNING, RESTORE_RESTORED};
    struct restore_record match = {0};
    struct scan scan;
    int got = 0;

    for (size_t i = 0; got == 0 && i < sizeof states / sizeof states[0]; i++) {
        match.state = states[i];
        if (scan_start(&scan, txn, &restore_table, "state", &match, 1, true, err) == -1)
            return -1;
        got = next_that(&scan, of_tenant, tenant_id, record, err);
    }
    return got;
}

int restore_gave_up(struct txn *txn, const struct job *job, struct err *err)
{
    const char *id = kv_get(&job->args, "restore_id");
    struct secret secret = {0};
    struct restore_record record;
    int got = id == NULL ? 0 : restore_get(txn, id, &record, err);

    if (got != 1)
        return got;
    (void)str_format(record.problem, sizeof record.problem, "%.230s", job->cause);
    if (job->state == JOB_UNDONE) {
        record.state = RESTORE_FAILED;
        restore_key_name(secret.name, id);
        if (record_delete(txn, &secret_table, &secret, err) == -1)
            return -1;
    }
    return restore_put(txn, &record, err);
}

int restore_paused(struct txn *txn, struct restore_record *record, struct err *err)
{
    struct restore_record match = {.state = RESTORE_RECONCILING};
    struct scan scan;

    if (scan_start(&scan, txn, &restore_table, "state", &match, 1, true, err) == -1)
        return -1;
    return scan_next(&scan, record, err);
}

int restore_put(struct txn *txn, const struct restore_record *record, struct err *err)
{
    return record_put(txn, &restore_table, record, err);
}

bool restore_harmless(const struct drift *item)
{
    return item->verdict != DRIFT_ORPHAN && item->remedy[0] != '\0' && item->domain_id[0] == '\0' &&
           (item->kind == DRIFT_RUNTIME || item->kind == DRIFT_CONNECTOR ||
            item->kind == DRIFT_ROUTE);
}

/* Numbers that things outside bear already: no new tenant or tunnel is to get one. */
static int raise_for(struct txn *txn, const struct drift *item, struct err *err)
{
    bool tunnel = item->kind == DRIFT_CONNECTOR || item->kind == DRIFT_ROUTE;
    const char *blank = strchr(item->thing, ' ');
    char digits[24];
    uint64_t number;

    if (blank == NULL ||
        str_copy_n(digits, sizeof digits, blank + 1, strcspn(blank + 1, " ")) == -1 ||
        str_u64(digits, 1, UINT32_MAX, &number) == -1)
        return 0;
    return record_raise_number(txn, tunnel ? tunnel_table.name : tenant_table.name, number, err);
}

int restore_raise(struct txn *txn, struct err *err)
{
    struct drift match = {.state = DRIFT_OPEN}, item;
    struct drift_scan looked;
    struct scan scan;
    int got;

    if (drift_scan_get(txn, &looked, err) == -1 ||
        (looked.tunnel_most > 0 &&
         record_raise_number(txn, tunnel_table.name, looked.tunnel_most, err) == -1) ||
        scan_start(&scan, txn, &drift_table, "state", &match, 1, false, err) == -1)
        return -1;
    memset(&item, 0, sizeof item);
    while ((got = scan_next(&scan, &item, err)) == 1)
        if (item.verdict == DRIFT_ORPHAN && raise_for(txn, &item, err) == -1)
            return -1;
    return got;
}

static int mend(struct txn *txn, struct drift *item, const char *actor, struct err *err)
{
    struct job job = {0};

    drift_job(item, &job);
    (void)str_copy(job.actor, sizeof job.actor, actor);
    if (job_start(txn, &job, err) == -1)
        return -1;
    item->state = DRIFT_REVERTING;
    (void)str_copy(item->job_id, sizeof item->job_id, job.id);
    return drift_put(txn, item, err);
}

/* Everything harmless that is open; two findings about one tenant wait for each other's job, and
 * the second is seen again by the next scan. */
static int mend_all(struct txn *txn, const char *actor, uint32_t *started, struct err *err)
{
    struct drift match = {.state = DRIFT_OPEN}, item;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &drift_table, "state", &match, 1, false, err) == -1)
        return -1;
    memset(&item, 0, sizeof item);
    while ((got = scan_next(&scan, &item, err)) == 1) {
        struct job busy;
        const char *kind = item.kind == DRIFT_RUNTIME ? "tenant" : "tunnel";
        const char *id = item.kind == DRIFT_RUNTIME ? item.tenant_id : item.tunnel_id;
        if (!restore_harmless(&item))
            continue;
        if ((got = job_of_subject(txn, kind, id, &busy, err)) == -1)
            return -1;
        if (got == 1)
            continue; /* its own saga goes on, and brings it up */
        if (mend(txn, &item, actor, err) == -1)
            return -1;
        (*started)++;
    }
    return got;
}

/* ---- databases ---- */

static int count_jobs(struct txn *txn, uint32_t state, uint32_t *count, struct err *err)
{
    struct job match = {.state = state}, job;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &job_table, "state", &match, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &job, err)) == 1)
        *count += str_equal(job.saga, "database.restore");
    return got;
}

int restore_databases(struct txn *txn, struct restore_databases *out, struct err *err)
{
    static const uint32_t under_way[] = {JOB_QUEUED, JOB_RUNNING, JOB_WAITING, JOB_UNDOING};

    *out = (struct restore_databases){0, 0};
    for (size_t i = 0; i < sizeof under_way / sizeof under_way[0]; i++)
        if (count_jobs(txn, under_way[i], &out->waiting, err) == -1)
            return -1;
    return count_jobs(txn, JOB_STUCK, &out->stuck, err);
}

static int has_database(struct txn *txn, const struct tenant *tenant, struct err *err)
{
    char name[96];

    (void)str_format(name, sizeof name, "database:%s", tenant->id);
    return tenant->state == TENANT_DELETED ? 0 : secret_exists(txn, name, err);
}

/* A job about its database, unless there is one already. */
static int start_job(struct txn *txn, const struct tenant *tenant, const char *saga,
                     const char *kind, const char *arg, const char *value, struct err *err)
{
    struct job job = {.actor = "restore"};
    int got = job_of_subject(txn, kind, tenant->id, &job, err);

    if (got != 0)
        return got == -1 ? -1 : 0;
    memset(&job, 0, sizeof job);
    (void)str_copy(job.actor, sizeof job.actor, "restore");
    (void)str_copy(job.saga, sizeof job.saga, saga);
    job_subject(job.subjects[0], kind, tenant->id);
    (void)kv_set(&job.args, "tenant_id", tenant->id);
    (void)kv_set(&job.args, arg, value);
    return job_start(txn, &job, err);
}

int restore_database_wanted(struct txn *txn, const struct tenant *tenant, struct err *err)
{
    int has = has_database(txn, tenant, err);

    return has != 1 ? has
                    : start_job(txn, tenant, "database.restore", "database", "dump", "box", err);
}

int restore_database_swept(struct txn *txn, bool kept, struct err *err)
{
    struct tenant tenant;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &tenant_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &tenant, err)) == 1) {
        int has = kept && tenant.database_kept == 0 ? 0 : has_database(txn, &tenant, err);

        if (has == -1 || (has == 1 && start_job(txn, &tenant, "database.sweep", "database",
                                                "forget", kept ? "1" : "0", err) == -1))
            return -1;
    }
    return got;
}

/* Whoever runs with a database that a restore made is made anew with it. */
static int start_all(struct txn *txn, uint32_t *started, struct err *err)
{
    struct tenant tenant;
    struct scan scan;
    int got, has;

    if (scan_start(&scan, txn, &tenant_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &tenant, err)) == 1) {
        if (tenant.database < 2 ||
            (tenant.state != TENANT_ACTIVE && tenant.state != TENANT_PAST_DUE))
            continue;
        if ((has = has_database(txn, &tenant, err)) == -1 ||
            (has == 1 &&
             start_job(txn, &tenant, "database.start", "tenant", "dump", "box", err) == -1))
            return -1;
        *started += (uint32_t)has;
    }
    return got;
}

int restore_resume(struct txn *txn, struct restore_record *record, const char *actor,
                   uint32_t *started, struct err *err)
{
    struct restore_databases databases;
    struct drift_scan scan;

    *started = 0;
    if (drift_scan_get(txn, &scan, err) == -1)
        return -1;
    if (scan.state != DRIFT_SCAN_IDLE || scan.number <= record->scan)
        return err_set(err, ERR_CONFLICT, "not_scanned",
                       "what is outside has not been looked at yet");
    if (restore_databases(txn, &databases, err) == -1)
        return -1;
    if (databases.waiting + databases.stuck > 0) {
        (void)err_set(err, ERR_CONFLICT, "databases_waiting",
                      "%u databases are being put back, and %u could not be", databases.waiting,
                      databases.stuck);
        return err_hint(err, databases.stuck == 0
                                 ? "it takes a while: sett job list --state running"
                                 : "sett job list --state stuck; then retry, or resolve --how "
                                   "undo: that tenant has no database then");
    }
    record->state = RESTORE_RESUMED;
    record->resumed_at = txn_time_ms(txn);
    record->problem[0] = '\0';
    return restore_raise(txn, err) == -1 || start_all(txn, started, err) == -1 ||
                   mend_all(txn, actor, started, err) == -1
               ? -1
               : restore_put(txn, record, err);
}
