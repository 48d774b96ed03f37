/*
 * `sett restore`: the order of a restore, and what a person is shown and asked on the way. What
 * each stage does is backup/restore.h's affair.
 */
#include <pwd.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "box_move.h"
#include "clock.h"
#include "conf.h"
#include "file.h"
#include "interrupt.h"
#include "restore_after.h"
#include "restore_asked.h"
#include "restoring.h"
#include "schema.h"
#include "setting.h"
#include "signer.h"
#include "str.h"

#define STOP_MS 60000
#define RESERVE (UINT64_C(256) << 20)

/* ---- options ---- */

/* An option with a value: where it goes. NULL: it is none. */
static const char **place_of(struct restoring *r, const char *word)
{
    if (str_equal(word, "--recovery-file"))
        return &r->given.recovery_file;
    if (str_equal(word, "--passphrase-file"))
        return &r->given.passphrase_file;
    if (str_equal(word, "--signer"))
        return &r->signer;
    if (str_equal(word, "--vault"))
        return &r->vault.address;
    if (str_equal(word, "--region"))
        return &r->vault.region;
    if (str_equal(word, "--access-key"))
        return &r->vault.access_key;
    if (str_equal(word, "--host-key"))
        return &r->vault.host_key;
    if (str_equal(word, "--secret-file"))
        return &r->vault.secret_file;
    if (str_equal(word, "--tenant"))
        return &r->which.tenant;
    if (str_equal(word, "--customer"))
        return &r->which.customer;
    if (str_equal(word, "--as"))
        return &r->which.as;
    if (str_equal(word, "--share") && r->given.share_count < SECRET_SHARES)
        return &r->given.shares[r->given.share_count++];
    if (str_equal(word, "--base") && r->base_count < BASES_MOST)
        return &r->bases[r->base_count++];
    return NULL;
}

static int read_options(struct restoring *r, int argc, char **argv, struct err *err)
{
    for (int i = 0; i < argc; i++) {
        const char **place = place_of(r, argv[i]);

        if (place != NULL && i + 1 == argc)
            return err_field(err, argv[i] + 2, "option_value", "%s needs a value", argv[i]);
        if (place != NULL)
            *place = argv[++i];
        else if (str_equal(argv[i], "--onto-empty"))
            r->onto_empty = true;
        else if (str_equal(argv[i], "--old-box-is-off"))
            r->old_off = true;
        else if (str_equal(argv[i], "--auto-resume"))
            r->auto_resume = true;
        else if (str_starts(argv[i], "--") || r->file != NULL)
            return err_field(err, "argument", "usage", "sett restore does not know %s", argv[i]);
        else
            r->file = argv[i];
    }
    if (r->file == NULL && r->vault.address == NULL) {
        (void)err_field(err, "file", "usage", "which snapshot is it to be?");
        return err_hint(err, "sett restore FILE; sett restore status, rollback, commit, resume");
    }
    return 0;
}

/* ---- before anything is written ---- */

static int open_source(struct restoring *r, struct err *err)
{
    const struct paths *p = &r->cli->paths;
    const char *expected = r->signer;

    if (chain_open(&r->source, r->file, false, r->bases, r->base_count, err) == -1 ||
        restore_version(&r->source.files[0].header, &sett_schema, err) == -1 ||
        restore_secret_find(&r->given, &r->source, &r->secret, r->kit_signer, err) == -1)
        return -1;
    if (expected == NULL && r->kit_signer[0] != '\0' && restore_asked_strangers(r) &&
        !signer_of_box(&r->source.files[0].header, p->keys))
        expected = r->kit_signer;
    if (restore_signer(&r->source, expected, p->keys, err) == -1)
        return -1;
    return restore_unlock(&r->source, &r->secret, err);
}

/* Whether there may be a box, or may be none. */
static int check_place(struct restoring *r, struct err *err)
{
    const struct paths *p = &r->cli->paths;
    char path[PATHS_SIZE + 16], before[RESTORE_BEFORE];
    bool there;
    int got;

    (void)str_format(path, sizeof path, "%s/data.mdb", p->db);
    there = file_exists(path);
    if (there && r->onto_empty)
        return err_set(err, ERR_CONFLICT, "not_empty", "there is a box at %s already", p->live);
    if (!there && !r->onto_empty) {
        (void)err_set(err, ERR_NOT_FOUND, "no_box", "there is no box at %s", p->live);
        return err_hint(err, "to make it from the snapshot: --onto-empty; the box that it was "
                             "must be off");
    }
    if ((got = restore_before(p, before, err)) != 0) {
        if (got == -1)
            return -1;
        (void)err_set(err, ERR_CONFLICT, "not_committed",
                      "the restore before this one is neither committed nor rolled back");
        return err_hint(err, "sett restore commit, or sett restore rollback; then again");
    }
    return 0;
}

static int make_folders(const struct paths *p, struct err *err)
{
    char above[PATHS_SIZE], *slash;

    (void)str_copy(above, sizeof above, p->live);
    if ((slash = strrchr(above, '/')) != NULL)
        *slash = '\0';
    return file_mkdirs(above, 0755, err) == -1 || file_mkdirs(p->blueprints, 0755, err) == -1 ||
                   file_mkdirs(p->run, 0755, err) == -1 || file_mkdirs(p->backups, 0700, err) == -1
               ? -1
               : 0;
}

/* With --root as the owner of that folder, as all programs of such a box; else as root, who alone
 * can give files to their owners. */
static int take_rights(struct restoring *r, struct err *err)
{
    const struct paths *p = &r->cli->paths;

    if (p->root[0] != '\0') {
        if (!file_exists(p->root) && file_mkdirs(p->root, 0755, err) == -1)
            return -1;
        return cli_drop(r->cli, err);
    }
    if (geteuid() == 0)
        return 0;
    (void)err_set(err, ERR_FORBIDDEN, "needs_root", "a restore gives files to their owners");
    return err_hint(err, "run it as root");
}

/* ---- the pass ---- */

static int unpack(struct restoring *r, struct err *err)
{
    const struct paths *p = &r->cli->paths;
    const struct restore_program program = restore_this_program();
    struct restore_line line = {.cli = r->cli, .began_ms = clock_mono_ms()};
    struct restore_stage stage = {.folder = r->staging,
                                  .own = geteuid() == 0,
                                  .user = p->root[0] == '\0' ? "sett-restore" : NULL,
                                  .reserve = RESERVE,
                                  .progress = restore_line_draw,
                                  .arg = &line};
    int rc;

    if (r->asked != NULL) {
        stage.progress = restore_asked_draw;
        stage.arg = r;
    }
    if (restore_staging(p, r->staging, err) == -1)
        return -1;
    rc = restore_stage(&r->source, &r->secret, &stage, &r->figures, err);
    sodium_memzero(&r->secret, sizeof r->secret);
    progress_clear(&line.line);
    if (interrupt_seen())
        return restoring_interrupted(r, err);
    if (rc == -1 || restore_fit(r->staging, p, r->onto_empty, err) == -1)
        return -1;
    return restore_look(&program, r->staging, p, &r->plan, err);
}

/* How the box is called: by the store in ${folder}, or by sett.conf. "" if that cannot be read. */
static void find_name(struct restoring *r, const char *folder)
{
    static struct conf conf;
    struct err why;
    struct txn *txn;
    struct db *db;

    (void)conf_read(&conf, r->cli->paths.conf, &why);
    if (db_open(&db, folder, &sett_schema, &why) == -1 || db_read(&txn, db, &why) == -1)
        return;
    if (setting_text(txn, &conf, "box.name", r->name, sizeof r->name, &why) == -1)
        r->name[0] = '\0';
    db_read_end(txn);
}

/* ---- the exchange ---- */

static void fill_record(struct restoring *r)
{
    const struct seal_header *h = &r->source.files[0].header;
    struct restore_record *d = &r->record;
    const struct passwd *user = getpwuid(getuid());
    const char *sudo = getenv("SUDO_USER");
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm tm;

    id_make(d->id, "rst");
    d->state = RESTORE_RECONCILING;
    (void)str_copy(d->scope, sizeof d->scope, h->scope);
    if (str_copy(d->file, sizeof d->file, r->file) == -1)
        (void)str_copy(d->file, sizeof d->file, "(a long path)");
    (void)str_copy(d->box_id, sizeof d->box_id, r->plan.box_id);
    d->snapshot_number = h->number;
    d->snapshot_at = h->created_at;
    memcpy(d->snapshot_uid, h->id, sizeof d->snapshot_uid);
    memcpy(d->snapshot_digest, h->hash, sizeof d->snapshot_digest);
    d->auto_resume = r->auto_resume;
    restoring_lost(&r->plan, d->lost, sizeof d->lost);
    (void)str_format(d->actor, sizeof d->actor, "cli:%.50s",
                     sudo != NULL   ? sudo
                     : user != NULL ? user->pw_name
                                    : "unknown");
    if (gmtime_r(&now, &tm) == NULL ||
        strftime(d->before, sizeof d->before, "live.before-%Y%m%dT%H%M%SZ", &tm) == 0)
        (void)str_copy(d->before, sizeof d->before, "live.before-restore");
}

/* It did not come up: the other way, with whatever the box was. */
static int go_back(struct restoring *r, struct err *err)
{
    const struct paths *p = &r->cli->paths;
    struct err why = *err;
    struct hold hold;
    bool others;

    fprintf(stderr, "It does not come up (%s); going back\n", why.text);
    if (hold_take(p, &hold, HOLD_LIVE, STOP_MS, NULL, &others, err) == -1)
        return err_hint(err, "try: sett restore rollback");
    restore_unwanted(p, r->record.before);
    if (restore_back(p, r->record.before, err) == -1) {
        hold_release(&hold);
        return -1;
    }
    hold_release(&hold);
    r->stage = RESTORING_BACK;
    if (restore_after_healthy(r->cli, err) == 0)
        (void)restore_halt(p, true, err);
    else if (str_equal(err->code, "interrupted"))
        return restoring_interrupted(r, err);
    (void)err_set(err, ERR_UNAVAILABLE, "restore_unhealthy",
                  "the restored box did not come up, and is gone again: %.200s", why.text);
    return err_hint(err, "the box is as it was before");
}

/* Alone with live/: the last thing that can be broken off is the wait for that. */
static int exchange(struct restoring *r, bool *others, struct err *err)
{
    const struct paths *p = &r->cli->paths;
    struct hold hold;
    int rc;

    if (hold_take(p, &hold, HOLD_LIVE, STOP_MS, interrupt_seen, others, err) == -1)
        return -1;
    rc = restore_age(r->staging, p, &r->record, err) == -1 ||
                 restore_ready(p, r->record.before, err) == -1
             ? -1
             : restore_exchange(p, r->record.before, err);
    hold_mend(p);
    hold_release(&hold);
    return rc;
}

static int put_in_place(struct restoring *r, struct err *err)
{
    const struct paths *p = &r->cli->paths;
    bool others = false;
    struct err why;

    r->stage = RESTORING_HALTS;
    if (!r->onto_empty)
        restoring_tell(r, "Waiting for the box's programs to end");
    if (restore_halt(p, false, err) == -1)
        return -1;
    if (exchange(r, &others, err) == -1) {
        (void)restore_halt(p, true, &why);
        return str_equal(err->code, "interrupted") ? restoring_interrupted(r, err) : -1;
    }
    r->stage = RESTORING_EXCHANGED;
    if (!others)
        return 0;
    restoring_tell(r, "Exchanged; waiting until the restored box answers");
    if (restore_after_healthy(r->cli, err) == 0)
        return 0;
    return str_equal(err->code, "interrupted") ? restoring_interrupted(r, err) : go_back(r, err);
}

/* Two boxes with the same tunnels and the same sagas are one too many. */
static int check_move(const struct restoring *r, struct err *err)
{
    if (!r->moving || r->old_off || r->plan.place == BOX_STILL)
        return 0;
    (void)err_set(err, ERR_CONFLICT, "box_not_still",
                  "the box of this snapshot did not stand down before it was made");
    return err_hint(err, "make it with sett box export; or, if that machine is off and stays off: "
                         "--old-box-is-off");
}

/* Out of a vault, where one was said. */
static int fetch(struct restoring *r, struct err *err)
{
    if (r->vault.address == NULL)
        return 0;
    restoring_tell(r, "Fetching the snapshot");
    if (restore_vault_fetch(&r->vault, &r->cli->paths, r->file, err) == -1)
        return -1;
    r->file = r->vault.path;
    return 0;
}

static int restore_file(struct restoring *r, struct err *err)
{
    const struct paths *p = &r->cli->paths;
    char staged[PATHS_SIZE + 8];
    bool whole;

    if (take_rights(r, err) == -1 || check_place(r, err) == -1)
        return -1;
    whole = r->which.tenant == NULL && r->which.customer == NULL;
    if (whole && !r->onto_empty)
        find_name(r, p->db);
    if ((whole && r->asked == NULL && restoring_may_ask(r, err) == -1) || fetch(r, err) == -1 ||
        open_source(r, err) == -1 || make_folders(p, err) == -1)
        return -1;
    interrupt_hold();
    if (!whole)
        return restore_tenants(r->cli, &r->source, &r->secret, &r->which, err);
    if (!str_equal(r->source.files[0].header.scope, "box"))
        return err_set(err, ERR_INVALID, "not_a_box", "this is a snapshot of %s alone",
                       r->source.files[0].header.scope);
    if (unpack(r, err) == -1 || check_move(r, err) == -1)
        return -1;
    if (r->name[0] == '\0' && str_format(staged, sizeof staged, "%s/db", r->staging) == 0)
        find_name(r, staged);
    fill_record(r);
    if (restoring_speaks(r))
        restoring_plan(r);
    if (r->asked != NULL)
        restore_asked_plan(r);
    if (r->cli->dry_run) {
        if (r->cli->output == CLI_JSON && r->asked == NULL)
            restoring_json(r, "checked");
        return 0;
    }
    if (r->asked == NULL && restoring_confirm(r, err) == -1)
        return -1;
    interrupt_deaf();
    if (put_in_place(r, err) == -1)
        return -1;
    if (r->asked == NULL)
        restoring_next(r);
    return 0;
}

int restoring_run(struct restoring *r, struct err *err)
{
    struct err why;
    int rc = restore_file(r, err);

    sodium_memzero(&r->secret, sizeof r->secret);
    chain_close(&r->source);
    restore_vault_end(&r->vault);
    if (r->staging[0] != '\0')
        (void)restore_tidy(&r->cli->paths, &why);
    return rc;
}

/* What the options have set is done. */
static int run(struct restoring *r, int argc, char **argv, struct err *err)
{
    r->given.ask = !r->cli->no_input && isatty(STDIN_FILENO) != 0;
    return read_options(r, argc, argv, err) == -1 ? -1 : restoring_run(r, err);
}

int cli_box_import(struct cli *cli, int argc, char **argv, struct err *err)
{
    static struct restoring r;

    r.cli = cli;
    r.moving = r.onto_empty = r.auto_resume = true;
    return run(&r, argc, argv, err);
}

int cli_restore(struct cli *cli, int argc, char **argv, struct err *err)
{
    static struct restoring r; /* headers of a whole chain */

    if (argc == 3 && str_equal(argv[1], "--tenant") &&
        (str_equal(argv[0], "commit") || str_equal(argv[0], "rollback"))) {
        r.cli = cli;
        if (take_rights(&r, err) == -1)
            return -1;
        return str_equal(argv[0], "commit") ? restore_tenant_commit(cli, argv[2], err)
                                            : restore_tenant_back(cli, argv[2], err);
    }
    if (argc == 1 && str_equal(argv[0], "--asked")) {
        r.cli = cli;
        return take_rights(&r, err) == -1 ? -1 : restore_asked(&r, err);
    }
    if (argc == 1 && restore_after_is(argv[0])) {
        r.cli = cli;
        if (!str_equal(argv[0], "status") && take_rights(&r, err) == -1)
            return -1;
        return restore_after(cli, argv[0], err);
    }
    r.cli = cli;
    return run(&r, argc, argv, err);
}
