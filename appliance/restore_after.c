/*
 * What comes after a restore: where it stands, the way back, and the end of the way back. Apart
 * from the restore because these need no snapshot and no secret.
 */
#include "restore_after.h"

#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "interrupt.h"
#include "restore.h"
#include "str.h"

#define STOP_MS    60000
#define HEALTHY_MS 60000

int restore_after_healthy(const struct cli *cli, struct err *err)
{
    return restore_healthy(&cli->paths, cli->wait_s == 0 ? HEALTHY_MS : (int)cli->wait_s * 1000,
                           interrupt_seen, err);
}

static int no_before(struct err *err, const char *text)
{
    (void)err_set(err, ERR_NOT_FOUND, "nothing_before", "%s", text);
    return err_hint(err, "no tree from before a restore is kept beside the live one");
}

/* Neither can be taken back: rollback loses what came since, commit the way back. Somebody at a
 * terminal says YES, a script --confirm=VERB. */
static int confirmed(const struct cli *cli, const char *verb, const char *what, struct err *err)
{
    char line[64] = "";

    if (cli->confirm != NULL && str_equal(cli->confirm, verb))
        return 0;
    if (cli->confirm == NULL && !cli->no_input && isatty(STDIN_FILENO) != 0) {
        fprintf(stderr, "%s Type YES: ", what);
        (void)fflush(stderr);
        if (interrupt_line(line, sizeof line) == 0 && str_equal(line, "YES"))
            return 0;
    }
    (void)err_field(err, "confirm", "not_confirmed", "%s Nothing was changed", what);
    return err_hint(err, "if that is meant: sett restore %s --confirm=%s", verb, verb);
}

static int rollback(struct cli *cli, struct err *err)
{
    const struct paths *p = &cli->paths;
    char before[RESTORE_BEFORE];
    struct hold hold;
    struct err why;
    bool others;
    int got = restore_before(p, before, err);

    if (got == 0)
        return no_before(err, "there is no restore to take back");
    if (got == -1 ||
        confirmed(cli, "rollback", "What the box did since the restore will be lost.", err) == -1)
        return -1;
    if (cli->output != CLI_JSON && !cli->quiet)
        fprintf(stderr, "Waiting for the box's programs to end\n");
    interrupt_hold();
    if (restore_halt(p, false, err) == -1)
        return -1;
    if (hold_take(p, &hold, HOLD_LIVE, STOP_MS, interrupt_seen, &others, err) == -1) {
        (void)restore_halt(p, true, &why);
        return -1;
    }
    interrupt_deaf();
    restore_unwanted(p, before);
    got = restore_back(p, before, err);
    hold_release(&hold);
    if (got == -1)
        return -1;
    if (others && restore_after_healthy(cli, err) == -1) {
        if (str_equal(err->code, "interrupted"))
            (void)err_set(err, ERR_CONFLICT, "interrupted",
                          "interrupted while the box of before starts; it is in place again");
        return err_hint(err, "sett doctor tells how it is");
    }
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
    return restore_put(txn, record, err) == -1 || restore_database_swept(txn, true, err) == -1
               ? -1
               : audit_add(txn, &entry, err);
}

/* As long as databases are on their way back, nobody knows what they are to take the place of. */
static int see_databases(struct cli *cli, struct err *err)
{
    struct restore_databases databases;
    struct txn *txn;
    int rc;

    if (cli_open(cli, err) == -1 || db_read(&txn, cli->box.db, err) == -1)
        return -1;
    rc = restore_databases(txn, &databases, err);
    db_read_end(txn);
    if (rc == -1 || databases.waiting + databases.stuck == 0)
        return rc;
    (void)err_set(err, ERR_CONFLICT, "databases_waiting",
                  "%u databases are being put back, and %u could not be", databases.waiting,
                  databases.stuck);
    return err_hint(err, "sett job list --state %s", databases.stuck > 0 ? "stuck" : "running");
}

static int commit(struct cli *cli, struct err *err)
{
    struct restore_record record;
    char before[RESTORE_BEFORE];
    int got = restore_before(&cli->paths, before, err);

    if (got == -1)
        return -1;
    if (got == 0)
        return no_before(err, "there is nothing to commit");
    if (confirmed(cli, "commit", "What was before the restore will be gone for good.", err) == -1)
        return -1;
    if (see_databases(cli, err) == -1 || restore_commit(&cli->paths, err) == -1 ||
        db_write(cli->box.db, note_commit, &record, err) == -1)
        return -1;
    printf("What was before the restore is gone.\n");
    return 0;
}

static void tell_status(const struct cli *cli, const struct restore_record *r, const char *before)
{
    const char *root = cli->root[0] == '\0' ? "" : " --root ", *at = cli->root;
    char when[CLOCK_TEXT_SIZE];

    clock_text(when, r->snapshot_at);
    printf("%s: from snapshot %llu of %s, made %.19sZ; %s\n", r->id,
           (unsigned long long)r->snapshot_number, r->box_id, when, restore_state_names[r->state]);
    if (r->lost[0] != '\0')
        printf("  lost: %s\n", r->lost);
    if (r->state == RESTORE_RECONCILING) {
        printf("  sagas are paused; %s\n",
               r->problem[0] != '\0' ? r->problem
               : r->events_read      ? "what is outside is being looked at"
                                     : "Stripe's events since the snapshot are not read yet");
        printf("    sett%s%s drift list        what differs outside\n"
               "    sett%s%s restore resume    go on; nothing outside is deleted by that\n",
               root, at, root, at);
    }
    if (r->events > 0)
        printf("  %u of Stripe's events came after it and were read again\n", r->events);
    if (before[0] != '\0')
        printf("  what was before is kept as %s\n"
               "    sett%s%s restore rollback  back to it; what came since is lost\n"
               "    sett%s%s restore commit    it goes; there is no way back then\n",
               before, root, at, root, at);
}

static int status(struct cli *cli, struct err *err)
{
    struct restore_record record;
    char before[RESTORE_BEFORE] = "";
    struct txn *txn;
    int kept = restore_before(&cli->paths, before, err), got;

    if (kept == -1 || cli_open(cli, err) == -1 || db_read(&txn, cli->box.db, err) == -1)
        return -1;
    if (kept == 0)
        before[0] = '\0';
    got = restore_newest(txn, &record, err);
    db_read_end(txn);
    if (got == -1)
        return -1;
    if (cli->output == CLI_JSON)
        printf("{\"object\":\"restore_status\",\"id\":\"%s\",\"state\":\"%s\",\"before\":\"%s\"}\n",
               got == 1 ? record.id : "", got == 1 ? restore_state_names[record.state] : "none",
               before);
    else if (got == 0)
        printf("This box was never restored; of its tenants: sett restore list\n");
    else
        tell_status(cli, &record, before);
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
    if (cli->dry_run)
        return err_field(err, "dry-run", "no_plan", "sett restore %s has no plan to show", word);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (str_equal(word, verbs[i].word))
            return verbs[i].run(cli, err);
    return err_set(err, ERR_INVALID, "unknown_command", "sett restore does not know %s", word);
}
