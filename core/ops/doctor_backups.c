/*
 * What the doctor says of snapshots and restores: whether there is anything to come back from, and
 * whether anybody could. Apart from the other checks because it is about what the box is not yet.
 */
#include "doctor.h"

#include "clock.h"
#include "restore_record.h"
#include "snapshot.h"
#include "snapshot_keep_ops.h"

#define HOUR_MS    (INT64_C(3600) * 1000)
#define OLD_H      26 /* as the alert */
#define PROVEN_H   (8 * 24)
#define KEY_HINT   "sett recovery init"
#define PLACE_HINT "sett vault add NAME folder /var/backups/sett"

/* How many there are of what is enabled, or of what is there. -1 on error. */
static int64_t vaults(struct txn *txn, struct err *err)
{
    struct vault_place vault;
    struct scan scan;
    int64_t count = 0;
    int got;

    if (scan_start(&scan, txn, &vault_place_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &vault, err)) == 1)
        count += vault.enabled;
    return got == -1 ? -1 : count;
}

static enum finding say_times(struct look *l, const struct snapshot_times *t)
{
    int64_t now = clock_wall_ms();
    long long verified = (now - t->verified) / HOUR_MS, proven = (now - t->proven) / HOUR_MS;

    if (t->verified == 0)
        return doctor_say(l, WARNING, "sett snapshot create", "there is no verified snapshot");
    if (verified >= OLD_H)
        return doctor_say(l, BROKEN, "sett snapshot create; sett alert list names the cause",
                          "the newest verified snapshot is %lld h old", verified);
    if (t->proven == 0)
        return doctor_say(l, WARNING, "sett snapshot drill",
                          "verified %lld h ago, and none was ever restored in a drill", verified);
    if (proven >= PROVEN_H)
        return doctor_say(l, WARNING, "sett snapshot drill; sett drill list",
                          "verified %lld h ago; the last proven restore is %lld days old", verified,
                          proven / 24);
    return doctor_say(l, FINE, "", "verified %lld h ago, last proven restore %lld h ago", verified,
                      proven);
}

enum finding doctor_backups(struct look *l)
{
    struct restore_record restore = {0};
    struct snapshot_times times;
    struct err err = {0};
    struct txn *txn;
    int64_t keys, places = 0;
    int paused = 0, rc;

    if (db_read(&txn, l->box->db, &err) == -1)
        return doctor_say(l, BROKEN, "", "%s", err.text);
    rc = (keys = record_count(txn, &recipient_table, &err)) == -1 ||
                 (places = vaults(txn, &err)) == -1 || snapshot_times(txn, &times, &err) == -1 ||
                 (paused = restore_paused(txn, &restore, &err)) == -1
             ? -1
             : 0;
    db_read_end(txn);
    if (rc == -1)
        return doctor_say(l, BROKEN, "", "%s", err.text);
    if (paused == 1)
        return doctor_say(l, WARNING, "sett restore status",
                          "sagas are paused since the restore from snapshot %llu",
                          (unsigned long long)restore.snapshot_number);
    if (keys == 0)
        return doctor_say(l, WARNING, KEY_HINT, "no recovery key: nobody could open a snapshot");
    if (places == 0)
        return doctor_say(l, WARNING, PLACE_HINT, "no vault to keep snapshots in");
    return say_times(l, &times);
}
