/*
 * The drill itself. Apart from its clock (backup_watch.c), and from a restore, which replaces what
 * runs: here all is thrown away again.
 */
#include "drill.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "clock.h"
#include "drill_fsck.h"
#include "enc.h"
#include "file.h"
#include "setting.h"
#include "steps_snapshot.h"
#include "str.h"
#include "unpack.h"
#include "vault_open.h"
#include "verify.h"

#define FOLDER "drill"

struct link { /* of the chain */
    struct snapshot s;
    uint8_t key[32];
};

struct drilling {
    struct backup_world *world;
    struct drill *drill;
    struct place place;
    struct link chain[SNAP_CHAIN + 1]; /* the newest first */
    size_t count;
    int parent, folder, control, data;
    char path[PATHS_SIZE + 32]; /* of the folder */
};

/* ---- which ---- */

static int read_key(struct txn *txn, const struct saga_context *c, struct link *link,
                    struct err *err)
{
    struct buf text;
    char name[96];
    int got;

    buf_init(&text, 256);
    (void)str_format(name, sizeof name, "snapshot:%s", link->s.id);
    got = secret_get(txn, &c->vault, name, &text, err);
    if (got == 1 && enc_unhex(link->key, sizeof link->key, buf_string(&text)) == -1)
        got = 0;
    if (text.data != NULL)
        sodium_memzero(text.data, text.cap);
    buf_free(&text);
    if (got == 0)
        return err_set(err, ERR_PRECONDITION, "drill_key",
                       "the file key of snapshot %llu is not kept any more; the next one's will be",
                       (unsigned long long)link->s.number);
    return got == 1 ? 0 : -1;
}

/* The newest of the box that this vault has. 1, 0 or -1. */
static int newest(struct txn *txn, const char *vault_id, struct snapshot *out, struct err *err)
{
    struct snapshot_copy match = {0}, copy;
    struct snapshot s;
    struct scan scan;
    int got;

    memset(out, 0, sizeof *out);
    (void)str_copy(match.vault_id, sizeof match.vault_id, vault_id);
    if (scan_start(&scan, txn, &snapshot_copy_table, "vault_id", &match, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &copy, err)) == 1) {
        if (snapshot_resolve(txn, copy.snapshot_id, &s, err) == -1)
            return -1;
        if (s.state == SNAPSHOT_DONE && s.tenant_id[0] == '\0' && s.number > out->number)
            *out = s;
    }
    return got == -1 ? -1 : out->number != 0;
}

static int read_chain(struct drilling *d, struct txn *txn, const char *vault_id, struct err *err)
{
    struct snapshot s;
    int got = newest(txn, vault_id, &s, err);

    while (got == 1) {
        char base[ID_SIZE];
        if (d->count == sizeof d->chain / sizeof d->chain[0])
            return err_set(err, ERR_CORRUPT, "chain_long", "the chain of snapshots is too long");
        d->chain[d->count].s = s;
        if (read_key(txn, d->world->context, &d->chain[d->count++], err) == -1)
            return -1;
        if (s.base_id[0] == '\0')
            return 1;
        (void)str_copy(base, sizeof base, s.base_id);
        if ((got = snapshot_resolve(txn, base, &s, err)) == 0)
            return err_set(err, ERR_CORRUPT, "chain_broken",
                           "snapshot %llu builds on one that is not known",
                           (unsigned long long)d->chain[d->count - 1].s.number);
    }
    return got;
}

/* ---- fetching and unpacking ---- */

static int open_folders(struct drilling *d, struct err *err)
{
    const struct paths *paths = &d->world->context->paths;
    char live[PATHS_SIZE + 96];

    (void)str_format(live, sizeof live, "%s/" FOLDER "/root/var/lib/sett/live", paths->snapshots);
    (void)str_format(d->path, sizeof d->path, "%s/" FOLDER, paths->snapshots);
    if (file_mkdirs(paths->snapshots, 0700, err) == -1)
        return -1;
    if ((d->parent = open(paths->snapshots, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
        return err_sys(err, "drill_folder", errno, paths->snapshots);
    if (beneath_remove(d->parent, FOLDER, err) == -1 ||
        beneath_folder(d->parent, FOLDER, false, err) == -1)
        return -1;
    if ((d->folder = openat(d->parent, FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
        mkdirat(d->folder, "data", 0700) == -1 || file_mkdirs(live, 0700, err) == -1 ||
        (d->control = open(live, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
        (d->data = openat(d->folder, "data", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
        return err_sys(err, "drill_folder", errno, d->path);
    return 0;
}

static int fetch(struct drilling *d, const struct snapshot *s, struct err *err)
{
    int fd = openat(d->folder, "file", O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct stat st;

    if (fd == -1)
        return err_sys(err, "drill_fetch", errno, d->path);
    if (d->place.get(d->place.self, s->file, 0, fd, err) == 0) {
        if (fstat(fd, &st) == 0 && (uint64_t)st.st_size == s->bytes &&
            lseek(fd, 0, SEEK_SET) == 0) {
            d->drill->bytes += s->bytes;
            return fd;
        }
        (void)err_set(err, ERR_CORRUPT, "drill_length", "%s has another length in the vault",
                      s->file);
    }
    (void)close(fd);
    return -1;
}

static FILE *spool(const struct drilling *d)
{
    int fd = open(d->path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    return fd == -1 ? NULL : fdopen(fd, "w+");
}

/* Both sections of one open file; of older ones only the volumes are of use. */
static int unpack_file(struct drilling *d, size_t i, struct chunk_reader *r, FILE *manifest,
                       struct unpack_setup *setup, struct err *err)
{
    struct unpack_figures control = {0}, data = {0};
    struct unpack_setup first = *setup;
    FILE *names = spool(d);
    uint64_t length = 0;
    int rc = -1;

    first.folder = i == 0 ? d->control : -1;
    first.chain = false;
    setup->chain = i + 1 < d->count;
    if (names == NULL)
        return err_sys(err, "drill_spool", errno, d->path);
    if (unpack_section(r, &first, names, &control, err) == 0 &&
        unpack_section(r, setup, manifest, &data, err) == 0 &&
        unpack_finish(r, setup, &length, err) == 0)
        rc = i == 0 && d->count > 1 ? unpack_settle(setup, manifest, &data, err) : 0;
    if (i == 0)
        d->drill->files = control.files + data.files + data.kept;
    (void)fclose(names);
    return rc;
}

static int one_file(struct drilling *d, size_t i, struct err *err)
{
    const struct link *link = &d->chain[i];
    struct seal_sizes most, got = {0};
    struct unpack_setup setup = {.folder = d->data, .most = &most, .got = &got};
    struct chunk_reader *r = NULL;
    struct chunk_source source;
    FILE *manifest;
    int fd = fetch(d, &link->s, err), rc = -1;

    if (fd == -1)
        return -1;
    if ((manifest = spool(d)) == NULL) {
        (void)close(fd);
        return err_sys(err, "drill_spool", errno, d->path);
    }
    verify_source(&source, &fd);
    if (chunk_reader_new(&r, &source, err) == 0) {
        if (memcmp(chunk_reader_header(r)->hash, link->s.hash, sizeof link->s.hash) != 0)
            (void)err_set(err, ERR_CORRUPT, "drill_another", "%s is another snapshot",
                          link->s.file);
        else if (chunk_reader_open_key(r, link->key, err) == 0 &&
                 chunk_reader_ahead(r, fd, &most, err) == 0)
            rc = unpack_file(d, i, r, manifest, &setup, err);
    }
    chunk_reader_free(r);
    (void)fclose(manifest);
    (void)close(fd);
    return rc;
}

/* ---- the store ---- */

static int check_store(struct drilling *d, struct err *err)
{
    char root[PATHS_SIZE + 64];

    (void)str_format(root, sizeof root, "%s/root", d->path);
    return drill_fsck(root, &d->drill->entries, err);
}

/* ---- all of it ---- */

static int drill_chain(struct drilling *d, const struct vault_place *vault, struct err *err)
{
    if (vault_open_id(d->world->context, vault->id, &d->place, err) == -1 ||
        open_folders(d, err) == -1)
        return -1;
    backup_progress_begin(d->world, "", "drill", 0);
    for (size_t i = d->count; i-- > 0;)
        if (one_file(d, i, err) == -1)
            return -1;
    return check_store(d, err);
}

static void close_all(struct drilling *d)
{
    struct err ignored = {0};

    if (d->parent != -1)
        (void)beneath_remove(d->parent, FOLDER, &ignored);
    if (d->data != -1)
        (void)close(d->data);
    if (d->control != -1)
        (void)close(d->control);
    if (d->folder != -1)
        (void)close(d->folder);
    if (d->parent != -1)
        (void)close(d->parent);
    place_free(&d->place);
    sodium_memzero(d->chain, sizeof d->chain);
}

int drill_vault(struct backup_world *world, const struct vault_place *vault, struct drill *drill,
                struct err *err)
{
    struct drilling d = {
        .world = world, .drill = drill, .parent = -1, .folder = -1, .control = -1, .data = -1};
    int64_t began_ms = clock_mono_ms();
    struct txn *txn;
    int rc;

    *drill = (struct drill){.started_at = clock_wall_ms()};
    (void)str_copy(drill->vault_id, sizeof drill->vault_id, vault->id);
    if (db_read(&txn, world->context->db, err) == -1)
        return -1;
    rc = read_chain(&d, txn, vault->id, err);
    db_read_end(txn);
    if (d.count > 0) {
        (void)str_copy(drill->snapshot_id, sizeof drill->snapshot_id, d.chain[0].s.id);
        drill->number = d.chain[0].s.number;
        drill->tenants = d.chain[0].s.tenants;
        drill->chain = (uint32_t)d.count;
    }
    if (rc == 1 && drill_chain(&d, vault, err) == -1)
        rc = -1;
    close_all(&d);
    drill->took_ms = clock_mono_ms() - began_ms;
    drill->passed = rc == 1;
    if (rc == -1)
        (void)str_format(drill->problem, sizeof drill->problem, "%.230s", err->text);
    return rc;
}
