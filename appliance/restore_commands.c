/*
 * `sett restore`: the order of a restore, and what a person is shown and asked on the way. What
 * each stage does is backup/restore.h's affair.
 */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "cli.h"
#include "clock.h"
#include "conf.h"
#include "file.h"
#include "json_out.h"
#include "restore.h"
#include "restore_after.h"
#include "restore_secret.h"
#include "restore_tenant.h"
#include "schema.h"
#include "setting.h"
#include "str.h"

#define BASES_MOST 64
#define STOP_MS    60000
#define RESERVE    (UINT64_C(256) << 20)

struct restoring {
    struct cli *cli;
    const char *file, *signer;
    struct restore_tenants which;
    const char *bases[BASES_MOST];
    size_t base_count;
    struct restore_given given;
    bool onto_empty, auto_resume;
    struct chain source;
    struct restore_secret secret;
    struct restore_plan plan;
    struct restore_record record;
    struct unpack_figures figures;
    char staging[PATHS_SIZE], kit_signer[65], name[64];
    int64_t shown_ms, began_ms;
};

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
        else if (str_equal(argv[i], "--auto-resume"))
            r->auto_resume = true;
        else if (str_starts(argv[i], "--") || r->file != NULL)
            return err_field(err, "argument", "usage", "sett restore does not know %s", argv[i]);
        else
            r->file = argv[i];
    }
    if (r->file == NULL) {
        (void)err_field(err, "file", "usage", "which snapshot is it to be?");
        return err_hint(err, "sett restore FILE; sett restore status, rollback, commit, resume");
    }
    return 0;
}

/* ---- before anything is written ---- */

static int open_source(struct restoring *r, struct err *err)
{
    const struct paths *p = &r->cli->paths;
    char own[65];
    const char *pinned = r->signer;

    if (chain_open(&r->source, r->file, false, r->bases, r->base_count, err) == -1 ||
        restore_secret_find(&r->given, &r->source, &r->secret, r->kit_signer, err) == -1)
        return -1;
    if (pinned == NULL && restore_secret_signer(p->keys, own) == 0 &&
        restore_signer(&r->source, own, err) == 0)
        pinned = own;
    if (pinned == NULL && r->kit_signer[0] != '\0')
        pinned = r->kit_signer;
    if (restore_signer(&r->source, pinned, err) == -1)
        return -1;
    err_clear(err);
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

static void show_progress(void *arg, uint64_t bytes, uint64_t total)
{
    struct restoring *r = arg;
    int64_t now_ms = clock_mono_ms(), took_ms = now_ms - r->began_ms;

    if (r->cli->quiet || r->cli->output == CLI_JSON || !isatty(STDERR_FILENO) ||
        now_ms - r->shown_ms < 200 || took_ms < 1 || total == 0)
        return;
    r->shown_ms = now_ms;
    fprintf(stderr, "\runpacking and checking  %3llu %%  %llu MiB/s ",
            (unsigned long long)(bytes * 100 / total),
            (unsigned long long)(bytes * 1000 / (uint64_t)took_ms >> 20));
}

static int unpack(struct restoring *r, struct err *err)
{
    const struct paths *p = &r->cli->paths;
    struct restore_stage stage = {.folder = r->staging,
                                  .own = geteuid() == 0,
                                  .user = p->root[0] == '\0' ? "sett-restore" : NULL,
                                  .reserve = RESERVE,
                                  .progress = show_progress,
                                  .arg = r};
    int rc;

    if (restore_staging(p, r->staging, err) == -1)
        return -1;
    r->began_ms = clock_mono_ms();
    rc = restore_stage(&r->source, &r->secret, &stage, &r->figures, err);
    sodium_memzero(&r->secret, sizeof r->secret);
    if (r->shown_ms != 0)
        fputs("\r\033[K", stderr);
    if (rc == -1 || restore_fit(r->staging, p, r->onto_empty, err) == -1)
        return -1;
    return restore_look(r->staging, p, &r->plan, err);
}

/* ---- what is shown and asked ---- */

static void when(int64_t ms, char out[32])
{
    time_t at = (time_t)(ms / 1000);
    struct tm tm;

    if (gmtime_r(&at, &tm) == NULL || strftime(out, 32, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
        (void)str_copy(out, 32, "?");
}

/* What came after the snapshot, as one sentence; "" if nothing. */
static void say_lost(const struct restore_plan *plan, char *out, size_t size)
{
    const struct restore_lost *l = &plan->lost;

    out[0] = '\0';
    if (!plan->present || l->audit + l->tenants + l->customers + l->orders + l->events == 0)
        return;
    (void)str_format(out, size,
                     "%u tenants, %u customers, %u orders, %u events, %u users and %llu audit "
                     "records came after it%s%s%s%s",
                     l->tenants, l->customers, l->orders, l->events, l->users,
                     (unsigned long long)l->audit, l->names[0][0] == '\0' ? "" : ": ", l->names[0],
                     l->names[1][0] == '\0' ? "" : ", ", l->names[1]);
}

static void show_json(const struct restoring *r, const char *state)
{
    const struct seal_header *h = &r->source.files[0].header;
    char lost[400], signer[65];
    struct json_out j;
    struct buf b;

    buf_init(&b, 65536);
    json_out_init(&j, &b);
    say_lost(&r->plan, lost, sizeof lost);
    restore_fingerprint(&r->source, signer);
    json_out_object(&j);
    json_out_key_text(&j, "object", "restore");
    json_out_key_text(&j, "state", state);
    json_out_key_text(&j, "id", r->record.id);
    json_out_key_text(&j, "box", r->plan.box_id);
    json_out_key_u64(&j, "snapshot", h->number);
    json_out_key_text(&j, "signer", signer);
    json_out_key_u64(&j, "files", r->figures.files);
    json_out_key_u64(&j, "bytes", r->figures.bytes);
    json_out_key_u64(&j, "tenants", r->plan.tenants);
    json_out_key_text(&j, "lost", lost);
    json_out_key_u64(&j, "lost_tenants", r->plan.lost.tenants);
    json_out_key_u64(&j, "lost_events", r->plan.lost.events);
    json_out_key_u64(&j, "databases", r->plan.databases);
    json_out_key_text(&j, "before", r->record.before);
    json_out_key(&j, "configuration_differs");
    json_out_array(&j);
    for (size_t i = 0; r->plan.conf[i][0] != '\0'; i++)
        json_out_text(&j, r->plan.conf[i]);
    json_out_end_array(&j);
    json_out_end_object(&j);
    printf("%s\n", buf_string(&b));
    buf_free(&b);
}

static void show_plan(const struct restoring *r)
{
    const struct seal_header *h = &r->source.files[0].header;
    char at[32], lost[400];
    FILE *out = stderr;

    when(h->created_at, at);
    say_lost(&r->plan, lost, sizeof lost);
    fprintf(out, "Snapshot %llu of box %s, made %s\n", (unsigned long long)h->number, h->box_id,
            at);
    fprintf(out, "  %u tenants, %llu files, %llu MiB; whole, signed and checked\n", r->plan.tenants,
            (unsigned long long)r->figures.files, (unsigned long long)(r->figures.bytes >> 20));
    if (r->plan.migrated > 0)
        fprintf(out, "  its store was of an older version; %u migrations ran on the copy\n",
                r->plan.migrated);
    if (r->plan.foreign)
        fprintf(out, "  IT IS ANOTHER BOX'S: this one's store goes altogether\n");
    if (r->onto_empty)
        fprintf(out, "  the box that it was must be off: two would fight for the same tunnels\n");
    if (r->plan.present)
        fprintf(out, "  lost: %s\n", lost[0] == '\0' ? "nothing; nothing came after it" : lost);
    if (r->plan.databases > 0)
        fprintf(out,
                "  %u databases: their dumps are laid into live/databases, for pg_restore, before "
                "it is resumed\n",
                r->plan.databases);
    for (size_t i = 0; r->plan.conf[i][0] != '\0'; i++)
        fprintf(out, "  /etc/sett/%s differs, and stays as it is (the snapshot's: live/etc)\n",
                r->plan.conf[i]);
}

/* The word YES, or the name of the box. */
static int confirm(struct restoring *r, struct err *err)
{
    const struct cli *cli = r->cli;
    char line[64];

    if (cli->confirm != NULL)
        return str_equal(cli->confirm, r->name) || str_equal(cli->confirm, "YES")
                   ? 0
                   : err_field(err, "confirm", "not_confirmed",
                               "--confirm=%.60s is not the name of the box, %s", cli->confirm,
                               r->name);
    if (cli->no_input || !isatty(STDIN_FILENO)) {
        (void)err_field(err, "confirm", "not_confirmed", "a restore replaces the box");
        return err_hint(err, "add --confirm=%s to do it without being asked", r->name);
    }
    fprintf(stderr, "Type YES to put it in the place of what is there: ");
    if (fgets(line, sizeof line, stdin) == NULL)
        line[0] = '\0';
    line[strcspn(line, "\r\n")] = '\0';
    return str_equal(line, "YES")
               ? 0
               : err_field(err, "confirm", "not_confirmed", "nothing was changed");
}

/* How the box is called: of the restored store, or of sett.conf. */
static void find_name(struct restoring *r)
{
    static struct conf conf;
    struct err why;
    char folder[PATHS_SIZE + 8];
    struct txn *txn;
    struct db *db;

    (void)str_copy(r->name, sizeof r->name, "sett");
    (void)conf_read(&conf, r->cli->paths.conf, &why);
    (void)str_format(folder, sizeof folder, "%s/db", r->staging);
    if (db_open(&db, folder, &sett_schema, &why) == -1 || db_read(&txn, db, &why) == -1)
        return;
    (void)setting_text(txn, &conf, "box.name", r->name, sizeof r->name, &why);
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
    d->auto_resume = r->auto_resume && r->plan.databases == 0;
    say_lost(&r->plan, d->lost, sizeof d->lost);
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
    if (hold_take(p, &hold, STOP_MS, &others, err) == -1)
        return err_hint(err, "try: sett restore rollback");
    if (restore_back(p, r->record.before, err) == -1) {
        hold_release(&hold);
        return -1;
    }
    hold_release(&hold);
    if (restore_after_healthy(r->cli, err) == 0)
        (void)restore_halt(p, true, err);
    (void)err_set(err, ERR_UNAVAILABLE, "restore_unhealthy",
                  "the restored box did not come up, and is gone again: %.200s", why.text);
    return err_hint(err, "the box is as it was before");
}

static int put_in_place(struct restoring *r, struct err *err)
{
    const struct paths *p = &r->cli->paths;
    struct hold hold;
    bool others = false;
    struct err why;
    int rc;

    if (!r->cli->quiet && r->cli->output != CLI_JSON)
        fprintf(stderr, "Waiting for the box's programs to end\n");
    if (restore_halt(p, false, err) == -1)
        return -1;
    if (hold_take(p, &hold, STOP_MS, &others, err) == -1) {
        (void)restore_halt(p, true, &why);
        return -1;
    }
    rc = restore_age(r->staging, p, &r->record, err) == -1 ||
                 restore_ready(p, r->record.before, err) == -1
             ? -1
             : restore_exchange(p, r->record.before, err);
    hold_release(&hold);
    if (rc == -1 || !others)
        return rc;
    return restore_after_healthy(r->cli, err) == 0 ? 0 : go_back(r, err);
}

static void tell_next(const struct restoring *r)
{
    const char *root = r->cli->root[0] == '\0' ? "" : " --root ";

    if (r->cli->output == CLI_JSON) {
        show_json(r, "restored");
        return;
    }
    printf("Restored. Sagas are paused while it is seen what is outside.\n"
           "  sett%s%s restore list      how far that is\n"
           "  sett%s%s drift list        what differs\n"
           "  sett%s%s restore resume    go on; nothing outside is deleted by that\n",
           root, r->cli->root, root, r->cli->root, root, r->cli->root);
    if (!r->onto_empty)
        printf("  sett%s%s restore rollback  back to what was, kept until: sett restore commit\n",
               root, r->cli->root);
}

static int restore_file(struct restoring *r, struct err *err)
{
    const struct paths *p = &r->cli->paths;

    if (take_rights(r, err) == -1 || check_place(r, err) == -1 || open_source(r, err) == -1 ||
        make_folders(p, err) == -1)
        return -1;
    if (r->which.tenant != NULL || r->which.customer != NULL)
        return restore_tenants(r->cli, &r->source, &r->secret, &r->which, err);
    if (!str_equal(r->source.files[0].header.scope, "box"))
        return err_set(err, ERR_INVALID, "not_a_box", "this is a snapshot of %s alone",
                       r->source.files[0].header.scope);
    if (unpack(r, err) == -1)
        return -1;
    find_name(r);
    fill_record(r);
    if (!r->cli->quiet && r->cli->output != CLI_JSON)
        show_plan(r);
    if (r->cli->dry_run) {
        if (r->cli->output == CLI_JSON)
            show_json(r, "checked");
        return 0;
    }
    if (confirm(r, err) == -1 || put_in_place(r, err) == -1)
        return -1;
    tell_next(r);
    return 0;
}

int cli_restore(struct cli *cli, int argc, char **argv, struct err *err)
{
    static struct restoring r; /* headers of a whole chain */
    struct err why;
    int rc;

    if (argc == 3 && str_equal(argv[1], "--tenant") &&
        (str_equal(argv[0], "commit") || str_equal(argv[0], "rollback"))) {
        r.cli = cli;
        if (take_rights(&r, err) == -1)
            return -1;
        return str_equal(argv[0], "commit") ? restore_tenant_commit(cli, argv[2], err)
                                            : restore_tenant_back(cli, argv[2], err);
    }
    if (argc == 1 && restore_after_is(argv[0])) {
        r.cli = cli;
        if (!str_equal(argv[0], "status") && take_rights(&r, err) == -1)
            return -1;
        return restore_after(cli, argv[0], err);
    }
    r.cli = cli;
    r.given.ask = !cli->no_input && isatty(STDIN_FILENO) != 0;
    if (read_options(&r, argc, argv, err) == -1)
        return -1;
    rc = restore_file(&r, err);
    sodium_memzero(&r.secret, sizeof r.secret);
    chain_close(&r.source);
    if (r.staging[0] != '\0')
        (void)restore_tidy(&cli->paths, &why);
    return rc;
}
