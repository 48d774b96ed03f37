/*
 * Fetching a snapshot of the box from its vaults. Apart from what is done with the file then, which
 * works where there is no box.
 */
#include "snapshot_fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "snapshot.h"
#include "str.h"
#include "vault_open.h"

/* The ids of the vaults that have it. */
struct where {
    char vaults[16][ID_SIZE];
    unsigned count;
};

static int find_copies(struct txn *txn, const struct snapshot *s, struct where *w, struct err *err)
{
    struct snapshot_copy match = {0}, copy;
    struct scan scan;
    int got;

    w->count = 0;
    (void)str_copy(match.snapshot_id, sizeof match.snapshot_id, s->id);
    if (scan_start(&scan, txn, &snapshot_copy_table, NULL, &match, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &copy, err)) == 1 &&
           w->count < sizeof w->vaults / sizeof w->vaults[0])
        (void)str_copy(w->vaults[w->count++], ID_SIZE, copy.vault_id);
    return got == -1 ? -1 : 0;
}

static int look_up(struct cli *cli, const char *what, struct snapshot *s, struct where *w,
                   struct err *err)
{
    struct txn *txn;
    int found;

    if (db_read(&txn, cli->box.db, err) == -1)
        return -1;
    if ((found = snapshot_resolve(txn, what, s, err)) == 1)
        found = find_copies(txn, s, w, err) == 0 ? 1 : -1;
    db_read_end(txn);
    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "snapshot_not_found",
                       "there is no file and no snapshot %.80s", what);
    if (found == 1 && w->count == 0)
        return err_set(err, ERR_NOT_FOUND, "snapshot_nowhere", "snapshot %llu is in no vault",
                       (unsigned long long)s->number);
    return found == 1 ? 0 : -1;
}

/* From the first vault that gives it. */
static int fetch_one(const struct saga_context *context, const struct snapshot *s,
                     const struct where *w, const char *folder, struct snapshot_fetched *out,
                     struct err *err)
{
    int fd, rc = -1;

    if (str_format(out->path, sizeof out->path, "%s/%s", folder, s->file) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", folder);
    fd = open(out->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd == -1)
        return err_sys(err, "snapshot_fetch", errno, out->path);
    for (unsigned i = 0; rc == -1 && i < w->count; i++) {
        struct place place = {0};

        if (ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0 &&
            vault_open_id(context, w->vaults[i], &place, err) == 0)
            rc = place.get(place.self, s->file, 0, fd, err);
        place_free(&place);
    }
    (void)close(fd);
    if (rc == -1)
        (void)unlink(out->path);
    return rc;
}

int snapshot_fetch_into(struct cli *cli, const char *what, bool chain, const char *folder,
                        struct snapshot_fetched *out, struct err *err)
{
    static struct saga_context context; /* large: it holds the box's configuration */
    char newest[sizeof out->path], next[ID_SIZE];
    struct snapshot s;
    struct where w;

    if (cli_open(cli, err) == -1 || vault_load(&context.vault, cli->paths.keys, true, err) == -1 ||
        look_up(cli, what, &s, &w, err) == -1)
        return -1;
    context.db = cli->box.db;
    context.paths = cli->paths;
    context.conf = cli->box.conf;
    if (fetch_one(&context, &s, &w, folder, out, err) == -1)
        return -1;
    (void)str_copy(newest, sizeof newest, out->path);
    while (chain && s.base_id[0] != '\0') {
        (void)str_copy(next, sizeof next, s.base_id);
        if (look_up(cli, next, &s, &w, err) == -1 ||
            fetch_one(&context, &s, &w, folder, out, err) == -1)
            return -1;
    }
    return str_copy(out->path, sizeof out->path, newest);
}

int snapshot_fetch(struct cli *cli, const char *what, bool chain, struct snapshot_fetched *out,
                   struct err *err)
{
    memset(out, 0, sizeof *out);
    if (file_exists(what))
        return str_copy(out->path, sizeof out->path, what) == 0
                   ? 0
                   : err_set(err, ERR_INVALID, "path_too_long", "%.80s... is too long", what);
    if (strchr(what, '/') != NULL)
        return err_set(err, ERR_NOT_FOUND, "file_missing", "there is no %s", what);
    if (cli_open(cli, err) == -1)
        return -1;
    if (str_format(out->folder, sizeof out->folder, "%s/fetch-XXXXXX", cli->paths.snapshots) ==
            -1 ||
        file_mkdirs(cli->paths.snapshots, 0700, err) == -1)
        return -1;
    if (mkdtemp(out->folder) == NULL) {
        out->folder[0] = '\0';
        return err_sys(err, "snapshot_fetch", errno, cli->paths.snapshots);
    }
    return snapshot_fetch_into(cli, what, chain, out->folder, out, err);
}

void snapshot_fetched_remove(struct snapshot_fetched *f)
{
    if (f->folder[0] != '\0')
        (void)file_remove_tree(f->folder, NULL);
}
