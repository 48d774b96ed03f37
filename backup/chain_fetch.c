/*
 * Fetching and unpacking what the box has the file keys of. Apart from the drill and the restore of
 * a tenant, which differ only in what becomes of it.
 */
#include "chain_fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "crash.h"
#include "file.h"
#include "room.h"
#include "str.h"
#include "unpack.h"
#include "verify.h"

int chain_fetch_begin(struct chain_fetch *f, const struct paths *paths, const char *name,
                      struct err *err)
{
    char live[PATHS_SIZE + 192];

    f->parent = f->folder = f->control = f->data = -1;
    (void)str_copy(f->name, sizeof f->name, name);
    (void)str_format(f->path, sizeof f->path, "%s/%s", paths->snapshots, name);
    (void)str_format(live, sizeof live, "%s/root/var/lib/sett/live", f->path);
    if (file_mkdirs(paths->snapshots, 0700, err) == -1)
        return -1;
    if ((f->parent = open(paths->snapshots, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
        return err_sys(err, "fetch_folder", errno, paths->snapshots);
    if (beneath_remove(f->parent, name, err) == -1 ||
        beneath_folder(f->parent, name, false, err) == -1)
        return -1;
    if ((f->folder = openat(f->parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 ||
        mkdirat(f->folder, "data", 0700) == -1 ||
        (f->data = openat(f->folder, "data", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1)
        return err_sys(err, "fetch_folder", errno, f->path);
    if (f->store && (file_mkdirs(live, 0700, err) == -1 ||
                     (f->control = open(live, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1))
        return err_sys(err, "fetch_folder", errno, live);
    return 0;
}

static int fetch(struct chain_fetch *f, const struct snapshot *s, struct err *err)
{
    int fd = openat(f->folder, "file", O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct stat st;

    if (fd == -1)
        return err_sys(err, "fetch", errno, f->path);
    if (f->place->get(f->place->self, s->file, 0, fd, err) == 0) {
        if (fstat(fd, &st) == 0 && (uint64_t)st.st_size == s->bytes &&
            lseek(fd, 0, SEEK_SET) == 0) {
            f->bytes += s->bytes;
            return fd;
        }
        (void)err_set(err, ERR_CORRUPT, "fetch_length", "%s has another length in the vault",
                      s->file);
    }
    (void)close(fd);
    return -1;
}

static FILE *spool(const struct chain_fetch *f)
{
    int fd = open(f->path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    return fd == -1 ? NULL : fdopen(fd, "w+");
}

/* Both sections of one open file; of older ones only the volumes are of use. */
static int unpack_file(struct chain_fetch *f, size_t i, struct chunk_reader *r, FILE *manifest,
                       struct unpack_setup *setup, struct err *err)
{
    struct unpack_figures control = {0}, data = {0};
    struct unpack_setup first = *setup;
    FILE *names = spool(f);
    uint64_t length = 0;
    int rc = -1;

    first.folder = i == 0 ? f->control : -1;
    first.only = NULL;
    first.chain = false;
    setup->chain = i + 1 < f->chain->count;
    if (names == NULL)
        return err_sys(err, "fetch_spool", errno, f->path);
    if (unpack_section(r, &first, names, &control, err) == 0 &&
        unpack_section(r, setup, manifest, &data, err) == 0 &&
        unpack_finish(r, setup, &length, err) == 0)
        rc = i == 0 && f->chain->count > 1 ? unpack_settle(setup, manifest, &data, err) : 0;
    if (i == 0)
        f->files = control.files + data.files + data.kept;
    (void)fclose(names);
    return rc;
}

static int open_file(struct chain_fetch *f, size_t i, int *fd, FILE *manifest, struct err *err)
{
    const struct kept_link *link = &f->chain->at[i];
    struct seal_sizes most, got = {0};
    struct unpack_setup setup = {.folder = f->data,
                                 .only = f->only,
                                 .most = &most,
                                 .got = &got,
                                 .progress = f->progress,
                                 .arg = f->arg};
    struct chunk_reader *r = NULL;
    struct chunk_source source;
    int rc = -1;

    verify_source(&source, fd);
    if (chunk_reader_new(&r, &source, err) == 0) {
        if (memcmp(chunk_reader_header(r)->hash, link->s.hash, sizeof link->s.hash) != 0)
            (void)err_set(err, ERR_CORRUPT, "fetch_another", "%s is another snapshot",
                          link->s.file);
        else if (chunk_reader_open_key(r, link->key, err) == 0 &&
                 chunk_reader_ahead(r, *fd, &most, err) == 0)
            rc = unpack_file(f, i, r, manifest, &setup, err);
    }
    chunk_reader_free(r);
    return rc;
}

static int one_file(struct chain_fetch *f, size_t i, struct err *err)
{
    int fd = fetch(f, &f->chain->at[i].s, err), rc;
    FILE *manifest;

    if (fd == -1)
        return -1;
    CP("fetch.file");
    if ((manifest = spool(f)) == NULL) {
        (void)close(fd);
        return err_sys(err, "fetch_spool", errno, f->path);
    }
    rc = open_file(f, i, &fd, manifest, err);
    (void)close(fd);
    (void)unlinkat(f->folder, "file", 0);
    if (rc == 0 && i == 0)
        f->manifest = manifest;
    else
        (void)fclose(manifest);
    return rc;
}

/* One file of the chain at once, and what was read for the newest. */
static int check_room(const struct chain_fetch *f, struct err *err)
{
    uint64_t file = 0, unpacked = 0;

    for (size_t i = 0; i < f->chain->count; i++) {
        const struct snapshot *s = &f->chain->at[i].s;
        file = s->bytes > file ? s->bytes : file;
        if (f->only == NULL && s->source_bytes > unpacked)
            unpacked = s->source_bytes;
    }
    return room_check_fd(f->folder, f->path, file + unpacked, "what is fetched of a snapshot", err);
}

int chain_fetch(struct chain_fetch *f, struct err *err)
{
    if (check_room(f, err) == -1)
        return -1;
    for (size_t i = f->chain->count; i-- > 0;)
        if (one_file(f, i, err) == -1)
            return -1;
    return 0;
}

void chain_fetch_end(struct chain_fetch *f)
{
    struct err ignored = {0};

    if (f->manifest != NULL)
        (void)fclose(f->manifest);
    if (f->parent != -1)
        (void)beneath_remove(f->parent, f->name, &ignored);
    if (f->data != -1)
        (void)close(f->data);
    if (f->control != -1)
        (void)close(f->control);
    if (f->folder != -1)
        (void)close(f->folder);
    if (f->parent != -1)
        (void)close(f->parent);
    f->manifest = NULL;
    f->parent = f->folder = f->control = f->data = -1;
}
