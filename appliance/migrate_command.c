/*
 * The store of an older program, brought to this one, and the way back. Apart from the other
 * commands of the store because these alone put one store in the place of another, for which
 * everybody else has to leave it.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"
#include "domain_check.h"
#include "file.h"
#include "hold.h"
#include "interrupt.h"
#include "json_out.h"
#include "schema.h"
#include "stage.h"
#include "str.h"

#define LEAVE_MS 60000

struct wanted {
    bool held;  /* whoever started this has the box alone */
    bool trial; /* and goes on with the trial */
    const char *from;
};

static int options(struct wanted *w, int argc, char **argv, struct err *err)
{
    *w = (struct wanted){.from = ""};
    for (int i = 0; i < argc; i++) {
        if (str_equal(argv[i], "--held"))
            w->held = true;
        else if (str_equal(argv[i], "--trial"))
            w->trial = true;
        else if (str_equal(argv[i], "--from") && i + 1 < argc)
            w->from = argv[++i];
        else
            return err_field(err, "argument", "usage",
                             "usage: sett db migrate [--dry-run] [--from VERSION], sett db keep");
    }
    return 0;
}

/* Everything that sett fsck looks at. */
static int is_sound(struct db *db, void *arg, struct err *err)
{
    char text[DOMAIN_FAULT_SIZE];
    int64_t n = domain_faults(db, text, err);

    (void)arg;
    if (n <= 0)
        return (int)n;
    (void)err_set(err, ERR_CORRUPT, "migrated_store", "the migrated copy has %lld faults: %s",
                  (long long)n, text);
    return err_hint(err, "nothing was changed; sett fsck tells whether they were there before");
}

static void report_json(const struct stage_report *r, bool due, bool rehearsed)
{
    struct json_out j;
    struct buf b;

    buf_init(&b, 4096);
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_key_text(&j, "object", "migration");
    json_out_key_bool(&j, "due", due);
    json_out_key_bool(&j, "done", due && !rehearsed);
    json_out_key_u64(&j, "from", r->from);
    json_out_key_u64(&j, "to", r->to);
    json_out_key_u64(&j, "level_from", r->level_from);
    json_out_key_u64(&j, "level_to", r->level_to);
    json_out_key_u64(&j, "bytes", r->bytes);
    json_out_key_u64(&j, "copy_bytes", r->copy_bytes);
    json_out_key_i64(&j, "copy_ms", r->copy_ms);
    json_out_key_i64(&j, "migrate_ms", r->run_ms);
    json_out_key_i64(&j, "check_ms", r->check_ms);
    if (r->kept[0] != '\0')
        json_out_key_text(&j, "kept", r->kept);
    json_out_end_object(&j);
    printf("%s\n", buf_string(&b));
    buf_free(&b);
}

static void tell(const struct cli *cli, const struct stage_report *r, bool due, bool rehearsed)
{
    if (cli->output == CLI_JSON) {
        report_json(r, due, rehearsed);
        return;
    }
    if (!due)
        printf("nothing to do: the store is of version %u\n", r->from);
    if (rehearsed)
        printf("a copy was made (%llu KiB, %lld ms), migrated (%lld ms) and checked (%lld ms): "
               "sound\n",
               (unsigned long long)(r->copy_bytes >> 10), (long long)r->copy_ms,
               (long long)r->run_ms, (long long)r->check_ms);
    else if (due)
        printf("the store is of version %u now%s%s\n", r->to,
               r->kept[0] == '\0' ? "" : "; what was before is kept as ", r->kept);
}

static int take(const struct cli *cli, struct hold *hold, struct err *err)
{
    bool others;

    return hold_take(&cli->paths, hold, HOLD_STORE, LEAVE_MS, interrupt_seen, &others, err);
}

int cli_migrate(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct stage stage = {.folder = cli->paths.db,
                          .schema = &sett_schema,
                          .migrations = sett_migrations,
                          .count = sett_migration_count,
                          .check = is_sound,
                          .rehearse = cli->dry_run};
    struct hold hold = HOLD_NONE;
    struct stage_report report;
    struct wanted w;
    int due;

    if (options(&w, argc, argv, err) == -1 || cli_drop(cli, err) == -1 ||
        (due = stage_due(cli->paths.db, &sett_schema, &report, err)) == -1)
        return -1;
    stage.trial = w.trial;
    stage.program = w.from;
    if (due == 1 && !cli->dry_run && !w.held && take(cli, &hold, err) == -1)
        return -1;
    if (due == 1 || cli->dry_run)
        due = stage_upgrade(&stage, &report, err) == -1 ? -1 : due;
    hold_release(&hold);
    if (due == -1)
        return -1;
    tell(cli, &report, due == 1, cli->dry_run);
    return 0;
}

/* Pages that were once used stay in the file; a copy has none of them. */
int cli_compact(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct stage stage = {.folder = cli->paths.db,
                          .schema = &sett_schema,
                          .migrations = sett_migrations,
                          .count = sett_migration_count,
                          .check = is_sound,
                          .always = true,
                          .program = SETT_VERSION};
    struct hold hold = HOLD_NONE;
    struct stage_report report;
    int rc;

    (void)argv;
    if (argc > 0)
        return err_field(err, "argument", "usage", "sett db compact takes no arguments");
    if (cli_drop(cli, err) == -1 || take(cli, &hold, err) == -1)
        return -1;
    rc = stage_upgrade(&stage, &report, err);
    hold_release(&hold);
    if (rc == -1)
        return -1;
    if (cli->output == CLI_JSON)
        report_json(&report, true, false);
    else
        printf("the store's file had %llu KiB and has %llu; the larger one is kept as %s\n",
               (unsigned long long)(report.bytes >> 10),
               (unsigned long long)(report.copy_bytes >> 10), report.kept);
    return 0;
}

int cli_keep(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct hold hold = HOLD_NONE;
    char kept[STAGE_NAME_SIZE];
    struct wanted w;
    int rc;

    if (options(&w, argc, argv, err) == -1 || cli_drop(cli, err) == -1 ||
        (!w.held && hold_try(&cli->paths, &hold, err) == -1))
        return -1;
    rc = stage_keep(cli->paths.db, &sett_schema, w.from[0] == '\0' ? SETT_VERSION : w.from, kept,
                    err);
    hold_release(&hold);
    if (rc == -1)
        return -1;
    if (cli->output == CLI_JSON)
        printf("{\"object\":\"store_copy\",\"name\":\"%s\"}\n", kept);
    else
        printf("a copy of the store is kept as %s\n", kept);
    return 0;
}

static void copy_json(const struct stage_copy *c)
{
    struct json_out j;
    struct buf b;

    buf_init(&b, 4096);
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_key_text(&j, "object", "store_copy");
    json_out_key_text(&j, "name", c->name);
    json_out_key_text(&j, "program", c->program);
    json_out_key_u64(&j, "schema", c->schema);
    json_out_key_u64(&j, "level", c->level);
    json_out_key_u64(&j, "bytes", c->bytes);
    json_out_end_object(&j);
    printf("%s\n", buf_string(&b));
    buf_free(&b);
}

int cli_copies(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct stage_copy copies[16];
    size_t n;

    (void)argv;
    if (argc > 0)
        return err_field(err, "argument", "usage", "sett db copies takes no arguments");
    if (cli_drop(cli, err) == -1)
        return -1;
    n = stage_copies(cli->paths.db, copies, sizeof copies / sizeof copies[0]);
    for (size_t i = 0; i < n; i++) {
        const struct stage_copy *c = &copies[i];

        if (cli->output == CLI_JSON)
            copy_json(c);
        else
            printf("%s\tof sett %s, version %u, %llu KiB\n", c->name,
                   c->program[0] == '\0' ? "unknown" : c->program, c->schema,
                   (unsigned long long)(c->bytes >> 10));
    }
    if (n == 0 && cli->output != CLI_JSON)
        fprintf(stderr, "none is kept: a migration or sett upgrade makes one\n");
    return 0;
}

static int confirmed(const struct cli *cli, const char *name, struct err *err)
{
    char line[STAGE_NAME_SIZE + 8] = "";

    if (cli->confirm != NULL && str_equal(cli->confirm, name))
        return 0;
    if (cli->confirm == NULL && !cli->no_input && isatty(STDIN_FILENO) != 0) {
        fprintf(stderr,
                "What was done since that store ceased to be live is not in it. Type its name: ");
        (void)fflush(stderr);
        if (interrupt_line(line, sizeof line) == 0 && str_equal(line, name))
            return 0;
    }
    (void)err_field(err, "confirm", "not_confirmed", "nothing was changed");
    return err_hint(err, "if that is meant: sett db back %s --confirm=%s", name, name);
}

int cli_back(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct hold hold = HOLD_NONE;
    struct stage_copy newest = {.name = ""};
    const char *name = NULL;
    bool held = false;
    int rc;

    for (int i = 0; i < argc; i++) {
        if (str_equal(argv[i], "--held"))
            held = true;
        else if (name == NULL)
            name = argv[i];
        else
            return err_field(err, "argument", "usage", "usage: sett db back [NAME]");
    }
    if (cli_drop(cli, err) == -1)
        return -1;
    if (name == NULL && stage_copies(cli->paths.db, &newest, 1) == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "copy_not_found", "no store is kept from before");
        return err_hint(err, "restore a snapshot: sett restore --help");
    }
    if (name == NULL)
        name = newest.name;
    if (confirmed(cli, name, err) == -1 || (!held && take(cli, &hold, err) == -1))
        return -1;
    rc = stage_return(cli->paths.db, &sett_schema, "", name, err);
    hold_release(&hold);
    if (rc == -1)
        return -1;
    printf("the store is %s again; the other is kept in turn: sett db copies\n", name);
    return 0;
}
