/*
 * A restored box lives in a world that went on without it. What follows from that is written into
 * its store before it becomes the box's, in one change: so there is no moment at which it is back
 * and does not know.
 */
#include "restore.h"

#include <dirent.h>
#include <errno.h>
#include <pwd.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit.h"
#include "box_move.h"
#include "file.h"
#include "invitation.h"
#include "job_start.h"
#include "letter.h"
#include "port.h"
#include "restore_factors.h"
#include "schema.h"
#include "second_factor.h"
#include "second_step.h"
#include "sign_link.h"
#include "setting.h"
#include "snapshot.h"
#include "str.h"
#include "tenant.h"
#include "user.h"

#define PORT_REST_MS (INT64_C(24) * 3600 * 1000)

struct age {
    const char *staging;
    struct restore_record *record;
    struct db *live; /* NULL: there is none */
};

/* ---- people ---- */

static int sign_out(struct txn *txn, struct err *err)
{
    struct user user = {0};
    struct session session = {0};
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &user_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &user, err)) == 1) {
        user.epoch++;
        if (record_put(txn, &user_table, &user, err) == -1)
            return -1;
    }
    if (got == -1 || scan_start(&scan, txn, &session_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &session, err)) == 1)
        if (record_delete(txn, &session_table, &session, err) == -1)
            return -1;
    return got == -1 || second_step_drop(txn, NULL, err) == -1 || sign_link_drop(txn, err) == -1
               ? -1
               : second_factor_spend(txn, err);
}

/* Links that were out have been used since, or lie in a mailbox: whoever is still wanted is invited
 * again. Resets are over with their user's epoch. */
static int invite_anew(struct txn *txn, struct err *err)
{
    struct invitation i = {0};
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &invitation_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &i, err)) == 1) {
        if (invitation_state(&i, txn_time_ms(txn)) != INVITATION_OPEN)
            continue;
        i.revoked_at = txn_time_ms(txn);
        if (record_put(txn, &invitation_table, &i, err) == -1)
            return -1;
    }
    return got;
}

/* What was taken away from somebody since stays taken away. */
static int revoke_again(struct txn *txn, struct txn *live, struct err *err)
{
    struct api_key key = {0}, old;
    struct user user = {0}, known;
    struct scan scan;
    int got;

    if (scan_start(&scan, live, &api_key_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &key, err)) == 1) {
        old = key;
        if (key.revoked_at == 0 || record_get(txn, &api_key_table, &old, err) != 1)
            continue;
        old.revoked_at = key.revoked_at;
        if (record_put(txn, &api_key_table, &old, err) == -1)
            return -1;
    }
    if (got == -1 || scan_start(&scan, live, &user_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &user, err)) == 1) {
        known = user;
        if (record_get(txn, &user_table, &known, err) != 1)
            continue;
        known.epoch = user.epoch >= known.epoch ? user.epoch + 1 : known.epoch;
        known.disabled = known.disabled || user.disabled;
        if (record_put(txn, &user_table, &known, err) == -1)
            return -1;
    }
    return got;
}

/* Letters that were waiting have been sent since, or say what is not so any more. */
static int keep_silent(struct txn *txn, struct err *err)
{
    struct message message = {0};
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &message_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &message, err)) == 1)
        if (message.state == MESSAGE_QUEUED &&
            message_end(txn, &message, MESSAGE_FAILED, err) == -1)
            return -1;
    return got;
}

/* ---- what was given out since ---- */

static int raise_number(struct txn *txn, struct txn *live, const char *name, struct err *err)
{
    uint64_t number;

    return record_last_number(live, name, &number, err) == -1
               ? -1
               : record_raise_number(txn, name, number, err);
}

static int raise_numbers(struct txn *txn, struct txn *live, struct err *err)
{
    for (size_t i = 0; i < sett_schema.table_count; i++)
        if (raise_number(txn, live, sett_schema.tables[i]->name, err) == -1)
            return -1;
    return raise_number(txn, live, SNAPSHOT_NUMBERS, err);
}

/* A port that somebody got since may still be listened on: it rests for a day. */
static int rest_ports(struct txn *txn, struct txn *live, struct err *err)
{
    struct port port = {0}, ours;
    char owner[96];
    struct scan scan;
    int got;

    if (scan_start(&scan, live, &port_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &port, err)) == 1) {
        ours = port;
        if (port.tenant_id[0] == '\0' || (got = record_get(txn, &port_table, &ours, err)) == 1)
            continue;
        (void)str_format(owner, sizeof owner, "%s, from after the snapshot", port.tenant_id);
        if (got == -1 ||
            port_foreign(txn, port.port, owner, txn_time_ms(txn) + PORT_REST_MS, err) == -1)
            return -1;
    }
    return got;
}

/* Snapshots made since exist; so do their copies. The one that is restored was not finished when
 * its store was copied. */
static int keep_snapshots(struct txn *txn, struct txn *live, struct err *err)
{
    struct snapshot snapshot = {0};
    struct snapshot_copy copy = {0};
    struct scan scan;
    int got;

    if (scan_start(&scan, live, &snapshot_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &snapshot, err)) == 1)
        if (record_put(txn, &snapshot_table, &snapshot, err) == -1 ||
            record_raise_number(txn, SNAPSHOT_NUMBERS, snapshot.number, err) == -1)
            return -1;
    if (got == -1 || scan_start(&scan, live, &snapshot_copy_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &copy, err)) == 1)
        if (record_put(txn, &snapshot_copy_table, &copy, err) == -1)
            return -1;
    return got;
}

/* Snapshots that were being made when the store was copied are over, this one among them. */
static int end_snapshots(struct txn *txn, struct err *err)
{
    struct job job = {0};
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &job_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &job, err)) == 1) {
        if (!job.live || !str_starts(job.saga, "snapshot."))
            continue;
        job.live = job.intent = false;
        job.state = JOB_DONE;
        job.ended_at = job.updated_at = txn_time_ms(txn);
        job.worker[0] = '\0';
        (void)str_copy(job.cause, sizeof job.cause, "the box was restored from this snapshot");
        if (job_release(txn, &job, err) == -1 || record_put(txn, &job_table, &job, err) == -1)
            return -1;
    }
    return got;
}

/* What nobody goes on with stays no snapshot of this box: not even of the one that was restored is
 * a copy known, where there was no box that knew of it. */
static int drop_unfinished(struct txn *txn, struct err *err)
{
    struct snapshot snapshot = {0};
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &snapshot_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &snapshot, err)) == 1) {
        if (snapshot.state != SNAPSHOT_WRITING && snapshot.state != SNAPSHOT_SENDING)
            continue;
        snapshot.state = SNAPSHOT_GONE;
        (void)str_copy(snapshot.state_reason, sizeof snapshot.state_reason,
                       "the box was restored before its end was noted here");
        if (record_put(txn, &snapshot_table, &snapshot, err) == -1)
            return -1;
    }
    return got;
}

/* ---- databases ---- */

/* Each dump that came along goes into a database before anything else goes on. */
static int want_databases(struct txn *txn, const char *staging, struct err *err)
{
    char path[PATHS_SIZE + 16];
    struct tenant tenant;
    struct dirent *d;
    uint64_t number;
    int rc = 0;
    DIR *dir;

    (void)str_format(path, sizeof path, "%s/databases", staging);
    if ((dir = opendir(path)) == NULL)
        return 0;
    while (rc != -1 && (d = readdir(dir)) != NULL) {
        if (str_u64(d->d_name, 1, UINT64_MAX, &number) == -1)
            continue;
        if ((rc = tenant_resolve(txn, d->d_name, &tenant, err)) == 1)
            rc = restore_database_wanted(txn, &tenant, err);
    }
    (void)closedir(dir);
    return rc == -1 ? -1 : 0;
}

static int sweep(struct txn *txn, void *arg, struct err *err)
{
    (void)arg;
    return restore_database_swept(txn, false, err);
}

void restore_unwanted(const struct paths *paths, const char *before)
{
    char folder[PATHS_SIZE + 128];
    struct err err = {0};
    struct db *db;

    if (!file_exists(paths->databases))
        return;
    (void)str_format(folder, sizeof folder, "%s%s/db", paths->live, before + strlen("live"));
    if (db_open(&db, folder, &sett_schema, &err) == -1 || db_write(db, sweep, NULL, &err) == -1)
        fprintf(stderr, "Databases that the restore made may be left in the server: %s\n",
                err.text);
}

/* ---- all of it ---- */

static int note(struct txn *txn, struct restore_record *record, struct err *err)
{
    struct audit entry = {0};
    struct drift_scan scan;
    struct audit_head head = {.id = 1};
    int got = record_get(txn, &audit_head_table, &head, err);

    if (got == -1 || drift_scan_get(txn, &scan, err) == -1)
        return -1;
    record->chain_head = got == 1 ? head.number : 0;
    scan.state = DRIFT_SCAN_IDLE; /* one that ran then does not */
    record->scan = scan.number;
    record->restored_at = txn_time_ms(txn);
    (void)str_copy(entry.actor, sizeof entry.actor, record->actor);
    (void)str_copy(entry.actor_kind, sizeof entry.actor_kind, "cli");
    (void)str_copy(entry.action, sizeof entry.action, "restore.box");
    (void)str_copy(entry.object, sizeof entry.object, record->id);
    (void)str_copy(entry.result, sizeof entry.result, "ok");
    (void)str_format(entry.reason, sizeof entry.reason,
                     "restored from snapshot %llu of %s; the audit before it ends with %llu",
                     (unsigned long long)record->snapshot_number, record->box_id,
                     (unsigned long long)record->chain_head);
    audit_digest(&restore_table, record, entry.after);
    return record_put(txn, &drift_scan_table, &scan, err) == -1 ||
                   drift_scan_want(txn, record->actor, &scan, err) == -1 ||
                   restore_put(txn, record, err) == -1
               ? -1
               : audit_add(txn, &entry, err);
}

/* A box that stood down, to come here, does so no longer. */
static int arrive(struct txn *txn, struct err *err)
{
    struct restore_record old = {0};
    struct box_move move;
    int got;

    /* A wait that the snapshot caught the box in is over: this restore is what is waited for. */
    while ((got = restore_paused(txn, &old, err)) == 1) {
        old.state = RESTORE_RESUMED;
        old.resumed_at = txn_time_ms(txn);
        if (restore_put(txn, &old, err) == -1)
            return -1;
    }
    if (got == -1 || box_move_get(txn, &move, err) == -1)
        return -1;
    if (move.place == BOX_HERE && move.machine[0] == '\0')
        return 0;
    move.machine[0] = '\0'; /* the machine that it is on was chosen: it takes that one */
    move.copied_at = 0;
    if (move.place == BOX_HERE)
        return box_move_put(txn, &move, err);
    move.place = BOX_HERE;
    move.moves++;
    move.came_at = txn_time_ms(txn);
    return box_move_put(txn, &move, err);
}

static int change(struct txn *txn, void *arg, struct err *err)
{
    struct age *age = arg;
    struct txn *live = NULL;
    int rc = -1;

    if (age->live != NULL && db_read(&live, age->live, err) == -1)
        return -1;
    if (sign_out(txn, err) == 0 && invite_anew(txn, err) == 0 && keep_silent(txn, err) == 0 &&
        end_snapshots(txn, err) == 0 &&
        (live == NULL ||
         (revoke_again(txn, live, err) == 0 && restore_factors(txn, live, err) == 0 &&
          raise_numbers(txn, live, err) == 0 && rest_ports(txn, live, err) == 0 &&
          keep_snapshots(txn, live, err) == 0)) &&
        drop_unfinished(txn, err) == 0 && arrive(txn, err) == 0)
        rc = want_databases(txn, age->staging, err) == -1 ? -1 : note(txn, age->record, err);
    db_read_end(live);
    return rc;
}

/* The store that is there, if it is one of the same box. */
static struct db *present(const struct paths *live, const char *box_id)
{
    char path[PATHS_SIZE + 16], id[ID_SIZE] = "";
    struct db *db = NULL;
    struct txn *txn;
    struct err why;

    (void)str_format(path, sizeof path, "%s/data.mdb", live->db);
    if (!file_exists(path) || db_open(&db, live->db, &sett_schema, &why) == -1 ||
        db_read(&txn, db, &why) == -1)
        return NULL;
    (void)setting_text(txn, NULL, "box.id", id, sizeof id, &why);
    db_read_end(txn);
    return str_equal(id, box_id) ? db : NULL;
}

int restore_age(const char *staging, const struct paths *live, struct restore_record *record,
                struct err *err)
{
    struct age age = {.staging = staging, .record = record, .live = present(live, record->box_id)};
    char folder[PATHS_SIZE + 8];
    struct db *db;

    (void)str_format(folder, sizeof folder, "%s/db", staging);
    return db_open(&db, folder, &sett_schema, err) == -1 ? -1 : db_write(db, change, &age, err);
}
