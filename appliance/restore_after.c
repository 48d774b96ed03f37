/*
 * What comes after a restore: where it stands, the way back, and the end of the way back. Apart
 * from the restore because these need no snapshot and no secret.
 */
#include "restore_after.h"

#include <string.h>

#include "restore.h"
#include "str.h"

#define STOP_MS    60000
#define HEALTHY_MS 60000

int restore_after_healthy(const struct cli *cli, struct err *err)
{
    return restore_healthy(&cli->paths, cli->wait_s == 0 ? HEALTHY_MS : (int)cli->wait_s * 1000,
                           err);
}

static int rollback(struct cli *cli, struct err *err)
{
    const struct paths *p = &cli->paths;
    char before[RESTORE_BEFORE];
    struct hold hold;
    bool others;
    int got = restore_before(p, before, err);

    if (got == 0)
        return err_set(err, ERR_NOT_FOUND, "nothing_before", "there is no restore to take back");
    if (got == -1 || restore_halt(p, false, err) == -1 ||
        hold_take(p, &hold, STOP_MS, &others, err) == -1)
        return -1;
    got = restore_back(p, before, err);
    hold_release(&hold);
    if (got == -1 || (others && restore_after_healthy(cli, err) == -1))
        return -1;
    if (others && restore_halt(p, true, err) == -1)
        fprintf(stderr, "Not every container could be started: %s\n", err->text);
    printf("The box is as it was before the restore.\n");
    return 0;
}

static int note_commit(struct txn *txn, void *arg, struct err *err)
{
    struct restore_record *record = arg;
    struct audit entry = {.actor = "cli", .actor_kind = "cli", .action = "restore.commit"};
    int got = restore_newest(txn, record, err);

    if (got != 1)
        return got;
    record->state = record->state == RESTORE_RECONCILING ? record->state : RESTORE_COMMITTED;
    record->committed_at = txn_time_ms(txn);
    (void)str_copy(entry.object, sizeof entry.object, record->id);
    (void)str_copy(entry.result, sizeof entry.result, "ok");
    return restore_put(txn, record, err) == -1 ? -1 : audit_add(txn, &entry, err);
}

static int commit(struct cli *cli, struct err *err)
{
    struct restore_record record;
    char before[RESTORE_BEFORE];
    int got = restore_before(&cli->paths, before, err);

    if (got == -1)
        return -1;
    if (got == 0)
        return err_set(err, ERR_NOT_FOUND, "nothing_before", "there is nothing to commit");
    if (restore_commit(&cli->paths, err) == -1 || cli_open(cli, err) == -1 ||
        db_write(cli->box.db, note_commit, &record, err) == -1)
        return -1;
    printf("What was before the restore is gone.\n");
    return 0;
}

static int status(struct cli *cli, struct err *err)
{
    struct restore_record record;
    char before[RESTORE_BEFORE];
    struct txn *txn;
    int kept = restore_before(&cli->paths, before, err), got;

    if (kept == -1 || cli_open(cli, err) == -1 || db_read(&txn, cli->box.db, err) == -1)
        return -1;
    got = restore_newest(txn, &record, err);
    db_read_end(txn);
    if (got == -1)
        return -1;
    if (cli->output == CLI_JSON)
        printf("{\"object\":\"restore_status\",\"id\":\"%s\",\"state\":\"%s\",\"before\":\"%s\"}\n",
               got == 1 ? record.id : "", got == 1 ? restore_state_names[record.state] : "none",
               kept == 1 ? before : "");
    else if (got == 0)
        printf("This box was never restored.\n");
    else
        printf("%s: from snapshot %llu of %s, %s\n%s%s%s", record.id,
               (unsigned long long)record.snapshot_number, record.box_id,
               restore_state_names[record.state], kept == 1 ? "what was before is kept as " : "",
               before, kept == 1 ? "\n" : "");
    return 0;
}

static const struct {
    const char *word;
    int (*run)(struct cli *cli, struct err *err);
} verbs[] = {{"status", status}, {"rollback", rollback}, {"commit", commit}};

bool restore_after_is(const char *word)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (str_equal(word, verbs[i].word))
            return true;
    return false;
}

int restore_after(struct cli *cli, const char *word, struct err *err)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (str_equal(word, verbs[i].word))
            return verbs[i].run(cli, err);
    return err_set(err, ERR_INVALID, "unknown_command", "sett restore does not know %s", word);
}
