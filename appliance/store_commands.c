/* Commands about the store as a whole: checked, dumped, loaded. What puts another in its place is
 * in migrate_command.c. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit.h"
#include "cli.h"
#include "domain_check.h"
#include "file.h"
#include "json_out.h"
#include "schema.h"
#include "str.h"

#define LINE_MAX_BYTES (64u << 10)

struct report {
    const struct cli *cli;
    unsigned shown;
};

static void found(void *arg, const char *table, const char *key, const char *what)
{
    struct report *r = arg;

    r->shown++;
    if (r->cli->output == CLI_JSON) {
        struct buf b;
        struct json_out j;
        buf_init(&b, LINE_MAX_BYTES);
        json_out_init(&j, &b);
        json_out_object(&j);
        json_out_key_text(&j, "object", "finding");
        json_out_key_text(&j, "table", table);
        json_out_key_text(&j, "key", key);
        json_out_key_text(&j, "text", what);
        json_out_end_object(&j);
        printf("%s\n", buf_string(&b));
        buf_free(&b);
    } else
        printf("%s\t%s\t%s\n", table, key, what);
}

/* The last line: how many findings, and how long the audit chain that was checked is. */
static void summary(const struct cli *cli, int64_t findings, uint64_t chain)
{
    if (cli->output == CLI_JSON)
        printf("{\"object\":\"fsck\",\"clean\":%s,\"findings\":%lld,\"audit_entries\":%llu}\n",
               findings == 0 ? "true" : "false", (long long)findings, (unsigned long long)chain);
    else if (findings == 0)
        fprintf(stderr,
                "clean: every value, index and reference, and an audit chain of %llu records\n",
                (unsigned long long)chain);
    else
        fprintf(stderr, "%lld finding%s\n", (long long)findings, findings == 1 ? "" : "s");
}

/* The store is not opened: on a disk that is full that could fail, and it is not needed. */
int cli_unstick(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct stat st;

    (void)argv;
    if (argc > 0)
        return err_field(err, "argument", "usage", "sett unstick takes no arguments");
    if (stat(cli->paths.ballast, &st) == -1) {
        (void)err_set(err, ERR_NOT_FOUND, "no_ballast", "%s is not there: it was thrown already",
                      cli->paths.ballast);
        return err_hint(err, "the worker makes it again when there is plenty of room");
    }
    if (unlink(cli->paths.ballast) == -1)
        return err_sys(err, "ballast", errno, cli->paths.ballast);
    if (cli->output == CLI_JSON)
        printf("{\"object\":\"unstick\",\"freed_bytes\":%lld}\n", (long long)st.st_blocks * 512);
    else
        fprintf(stderr, "%lld MiB are free again; now delete what must go\n",
                (long long)st.st_blocks * 512 >> 20);
    return 0;
}

int cli_fsck(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct report r = {.cli = cli};
    struct txn *txn;
    int64_t n;
    uint64_t chain = 0;
    int64_t more;

    (void)argv;
    if (argc > 0)
        return err_field(err, "argument", "usage", "sett fsck takes no arguments");
    if (cli_open(cli, err) == -1 || (n = db_fsck(cli->box.db, found, &r, err)) == -1 ||
        db_read(&txn, cli->box.db, err) == -1)
        return -1;
    more = domain_check(txn, found, &r, err);
    if (more == 0 && audit_verify(txn, &chain, err) == -1)
        more = -1;
    db_read_end(txn);
    if (more == -1)
        return -1;
    n += more;
    summary(cli, n, chain);
    return n == 0 ? 0 : 1;
}

int cli_dump(struct cli *cli, int argc, char **argv, struct err *err)
{
    (void)argv;
    if (argc > 0)
        return err_field(err, "argument", "usage", "sett db dump writes to standard output");
    if (cli_open(cli, err) == -1 || db_dump(cli->box.db, stdout, err) == -1)
        return -1;
    if (fflush(stdout) != 0)
        return err_sys(err, "write", errno, "standard output");
    return 0;
}

int cli_load(struct cli *cli, int argc, char **argv, struct err *err)
{
    (void)argv;
    if (argc > 0)
        return err_field(err, "argument", "usage", "sett db load reads from standard input");
    if (cli_drop(cli, err) == -1 || file_mkdirs(cli->paths.live, 0750, err) == -1)
        return -1;
    if (db_load(cli->paths.db, &sett_schema, stdin, err) == 0) {
        fprintf(stderr,
                "loaded; next: sett setup, which adds what a dump does not hold, then sett fsck\n");
        return 0;
    }
    return err->kind == ERR_CONFLICT
               ? err_hint(err, "stop the box and move that folder away first: mv %s %s.old",
                          cli->paths.db, cli->paths.db)
               : -1;
}
