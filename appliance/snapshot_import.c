/*
 * A snapshot's file from elsewhere into a vault of this box: checked as far as it can be without
 * the recovery secret, and then no longer a file that lies about.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "enc.h"
#include "recovery.h"
#include "signer.h"
#include "snapshot.h"
#include "str.h"
#include "vault_open.h"
#include "verify.h"

#define USAGE "usage: sett snapshot import FILE --to VAULT [--signer KEY]"

struct importing {
    const char *file, *vault, *signer;
    int fd;
    struct verify_report report;
    char name[128];
};

static int read_options(struct importing *i, int argc, char **argv, struct err *err)
{
    for (int n = 0; n < argc; n++)
        if (n + 1 < argc && str_equal(argv[n], "--to"))
            i->vault = argv[++n];
        else if (n + 1 < argc && str_equal(argv[n], "--signer"))
            i->signer = argv[++n];
        else if (argv[n][0] != '-' && i->file == NULL)
            i->file = argv[n];
        else
            return err_field(err, "argument", "usage", USAGE);
    return i->file != NULL && i->vault != NULL ? 0 : err_field(err, "argument", "usage", USAGE);
}

/* Whole, in order, signed, and by whom. */
static int check(struct cli *cli, struct importing *i, struct err *err)
{
    const struct seal_header *h = &i->report.header;
    struct verify_keys none = {.file_key = NULL};
    char hex[65];

    if ((i->fd = open(i->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) == -1)
        return errno == ENOENT
                   ? err_set(err, ERR_NOT_FOUND, "file_missing", "there is no file %s", i->file)
                   : err_sys(err, "snapshot_open", errno, i->file);
    if (verify_file(i->fd, &none, NULL, &i->report, NULL, NULL, err) == -1)
        return -1;
    if (i->signer == NULL ? signer_of_box(h, cli->paths.keys) : signer_is(h, i->signer))
        return 0;
    enc_hex(hex, h->signer, 32);
    (void)err_set(err, ERR_FORBIDDEN, "unknown_signer",
                  "%s was signed by %s, which this box does not know", i->file, hex);
    return err_hint(err, "if the other box's recovery kit names that key: --signer %.16s", hex);
}

/* As the box calls it, if it knows it; else by its id: a name from outside is never taken. */
static int name_it(struct cli *cli, struct importing *i, struct err *err)
{
    const struct seal_header *h = &i->report.header;
    struct snapshot match = {0}, s;
    char hex[2 * SEAL_ID + 1];
    struct scan scan;
    struct txn *txn;
    int got = -1;

    enc_hex(hex, h->id, SEAL_ID);
    (void)str_format(i->name, sizeof i->name, "sett-imported-%s.sett", hex);
    memcpy(match.uid, h->id, SEAL_ID);
    if (db_read(&txn, cli->box.db, err) == -1)
        return -1;
    if (scan_start(&scan, txn, &snapshot_table, "uid", &match, 1, false, err) == 0)
        while ((got = scan_next(&scan, &s, err)) == 1)
            if (s.state != SNAPSHOT_FAILED && memcmp(s.hash, h->hash, SEAL_HASH) == 0)
                (void)str_copy(i->name, sizeof i->name, s.file);
    db_read_end(txn);
    return got;
}

/* The vault's id, by its name. */
static int find_vault(struct cli *cli, const char *name, char id[ID_SIZE], struct err *err)
{
    struct vault_place place = {0};
    struct txn *txn;
    int found = 0;

    if (str_copy(place.name, sizeof place.name, name) == 0) {
        if (db_read(&txn, cli->box.db, err) == -1)
            return -1;
        found = record_find(txn, &vault_place_table, "name", &place, err);
        db_read_end(txn);
    }
    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "vault_not_found", "there is no vault %.64s", name);
    (void)str_copy(id, ID_SIZE, place.id);
    return found == 1 ? 0 : -1;
}

static int put(struct cli *cli, struct importing *i, struct err *err)
{
    static struct saga_context context; /* large: it holds the box's configuration */
    struct place place = {0};
    char id[ID_SIZE];
    int rc = -1;

    context.db = cli->box.db;
    context.paths = cli->paths;
    context.conf = cli->box.conf;
    if (find_vault(cli, i->vault, id, err) == 0 &&
        vault_load(&context.vault, cli->paths.keys, true, err) == 0 &&
        vault_open_id(&context, id, &place, err) == 0)
        rc = place.put(place.self, i->name, i->fd, i->report.length, NULL, NULL, err);
    place_free(&place);
    return rc;
}

static int note(struct cli *cli, const struct importing *i, struct err *err)
{
    const struct seal_header *h = &i->report.header;
    char uid[2 * SEAL_ID + 1], hash[2 * SEAL_HASH + 1], base[2 * SEAL_ID + 1] = "", bytes[24];
    char created[40], from[128];

    enc_hex(uid, h->id, SEAL_ID);
    enc_hex(hash, h->hash, SEAL_HASH);
    if (h->incremental)
        enc_hex(base, h->base_id, SEAL_ID);
    clock_text(created, h->created_at);
    (void)str_format(bytes, sizeof bytes, "%llu", (unsigned long long)i->report.length);
    (void)str_format(from, sizeof from, "number %llu of %s, %.60s", (unsigned long long)h->number,
                     h->box_id, h->scope);
    return recovery_call(cli, "snapshot.imported",
                         (const char *const[]){"uid", uid, "hash", hash, "file", i->name, "vault",
                                               i->vault, "from", from, "base", base, "bytes", bytes,
                                               "created_at", created, NULL},
                         err);
}

int cli_snapshot_import(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct importing *i = calloc(1, sizeof *i);
    int rc = -1;

    if (i == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory");
    i->fd = -1;
    if (read_options(i, argc, argv, err) == 0 && cli_open(cli, err) == 0 &&
        check(cli, i, err) == 0 && name_it(cli, i, err) == 0) {
        /* In the vault first: a record of what is not there would be worse than a file too many. */
        rc = put(cli, i, err) == -1 ? -1 : note(cli, i, err);
    }
    if (rc == 0 && !cli->quiet)
        printf("%s is in %s as %s\n", i->file, i->vault, i->name);
    if (i->fd != -1)
        (void)close(i->fd);
    free(i);
    return rc;
}
