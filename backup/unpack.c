/*
 * Unpacking. Apart from reading (chunk_read.c) and from the archive's form (pack.c): this is the
 * only place where a snapshot's names become files.
 */
#include "unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "beneath.h"
#include "digest.h"
#include "file.h"
#include "str.h"

#define BLOCK (256u * 1024u)

struct unpack {
    const struct unpack_setup *setup;
    struct unpack_figures *figures;
    struct chunk_reader *reader;
    struct pack_reader *pack;
    struct digest *hash;
    struct pack_entry entry;
    FILE *manifest, *done,
        *later;                  /* done: what was written; later: links and folders, a line each */
    struct seal_sizes *got, own; /* got: the caller's, or own */
    uint64_t done_lines, later_lines;
    char last[PACK_NAME_MAX + 1]; /* the name before: the next one sorts behind it */
    struct manifest_entry line, other;
    struct manifest_reader lines, others;
    char block[BLOCK];
};

static int corrupt(struct err *err, const char *what, const char *name)
{
    return err_set(err, ERR_CORRUPT, "snapshot_corrupt", "the snapshot is not sound: %s%s%.160s",
                   what, name[0] == '\0' ? "" : ": ", name);
}

static int from_reader(void *arg, const void **data, size_t *len, struct err *err)
{
    return chunk_reader_next(arg, data, len, err);
}

static FILE *spool(const char *folder, struct err *err)
{
    int fd = folder == NULL ? -1 : open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    FILE *out = folder == NULL ? tmpfile() : fd == -1 ? NULL : fdopen(fd, "w+");

    if (out == NULL)
        (void)err_sys(err, "spool", errno, "a temporary file");
    return out;
}

/* Whether a name is asked for. */
static bool wanted(const struct unpack *u, const char *name)
{
    return manifest_within(name, u->setup->only);
}

static int write_at(int fd, const char *data, size_t len, uint64_t at)
{
    while (len > 0) {
        ssize_t n = pwrite(fd, data, len, (off_t)at);

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return -1;
        data += n;
        len -= (size_t)n;
        at += (uint64_t)n;
    }
    return 0;
}

/* ---- one member ---- */

static void line_of(struct unpack *u)
{
    const struct pack_entry *e = &u->entry;
    struct manifest_entry *m = &u->line;

    memset(m, 0, offsetof(struct manifest_entry, name));
    (void)str_copy(m->name, sizeof m->name, e->name);
    m->target[0] = '\0';
    if (e->target != NULL)
        (void)str_copy(m->target, sizeof m->target, e->target);
    m->type = (char)e->type;
    m->mode = e->mode;
    m->uid = e->uid;
    m->gid = e->gid;
    m->mtime_s = e->mtime_s;
    m->mtime_ns = e->mtime_ns;
    m->size = e->size;
    m->here = true;
}

/* ${count} more of something than there were; there may be no more than ${most}. */
static int count_on(struct unpack *u, uint64_t *got, uint64_t most, uint64_t count, struct err *err)
{
    *got += count;
    return u->setup->most == NULL || *got <= most
               ? 0
               : corrupt(err, "it holds more than it says", u->entry.name);
}

#define COUNT(u, what, count, err)                                                                 \
    count_on(u, &(u)->got->what, (u)->setup->most == NULL ? 0 : (u)->setup->most->what, count, err)

/* Pieces of zeros are left as a hole. */
static int put_block(struct unpack *u, int fd, uint64_t at, size_t len, struct err *err)
{
    size_t from = 0, room = 0;

    for (size_t to = 0; to < len; to += SEAL_PIECE) {
        size_t n = len - to < SEAL_PIECE ? len - to : SEAL_PIECE;
        size_t full = seal_room(u->block + to, n);

        room += full;
        if (full == 0) {
            if (fd != -1 && to > from && write_at(fd, u->block + from, to - from, at + from) == -1)
                return err_sys(err, "restore_write", errno, u->entry.name);
            from = to + n;
        }
    }
    if (fd != -1 && len > from && write_at(fd, u->block + from, len - from, at + from) == -1)
        return err_sys(err, "restore_write", errno, u->entry.name);
    return COUNT(u, room, room, err);
}

static int put_content(struct unpack *u, int fd, struct err *err)
{
    uint64_t size = 0;
    long n;

    while ((n = pack_reader_data(u->pack, u->block, BLOCK, err)) > 0) {
        u->figures->bytes += (uint64_t)n;
        if (COUNT(u, bytes, (uint64_t)n, err) == -1)
            return -1;
        digest_add(u->hash, u->block, (size_t)n);
        if (put_block(u, fd, size, (size_t)n, err) == -1)
            return -1;
        size += (uint64_t)n;
        if (u->setup->progress != NULL && u->setup->progress(u->setup->arg, (uint64_t)n, err) == -1)
            return -1;
    }
    if (n < 0)
        return -1;
    if (size != u->entry.size)
        return corrupt(err, "a file is not as long as it says", u->entry.name);
    if (fd != -1 && ftruncate(fd, (off_t)size) == -1)
        return err_sys(err, "restore_write", errno, u->entry.name);
    u->line.has_hash = true;
    return digest_end(u->hash, u->line.hash, err);
}

static int put_file(struct unpack *u, struct err *err)
{
    int fd, rc;

    u->figures->files++;
    if (u->setup->folder == -1)
        return put_content(u, -1, err);
    if (u->setup->chain && beneath_remove(u->setup->folder, u->entry.name, err) == -1)
        return -1;
    if ((fd = beneath_create(u->setup->folder, u->entry.name, err)) == -1)
        return -1;
    rc = put_content(u, fd, err);
    if (rc == 0)
        rc = beneath_dress(fd, &u->line, u->setup->own, err);
    (void)close(fd);
    return rc;
}

static int put_folder(struct unpack *u, struct err *err)
{
    u->figures->folders++;
    if (u->setup->folder == -1)
        return 0;
    return beneath_folder(u->setup->folder, u->entry.name, u->setup->chain, err);
}

/* Links, and how folders are dressed, come when all names are there. */
static int put_off(struct unpack *u, struct err *err)
{
    u->later_lines++;
    return manifest_write(u->later, &u->line, err);
}

static int put_member(struct unpack *u, struct err *err)
{
    int rc;

    switch (u->entry.type) {
    case PACK_FILE:
        rc = put_file(u, err);
        break;
    case PACK_FOLDER:
        rc = put_folder(u, err) == 0 ? put_off(u, err) : -1;
        break;
    default:
        u->figures->links++;
        if (u->setup->folder != -1 && u->setup->chain &&
            beneath_remove(u->setup->folder, u->entry.name, err) == -1)
            return -1;
        rc = put_off(u, err);
        break;
    }
    if (rc == -1)
        return -1;
    u->done_lines++;
    return manifest_write(u->done, &u->line, err);
}

/* The manifest's own text, into the caller's file. */
static int take_manifest(struct unpack *u, struct err *err)
{
    uint64_t size = 0;
    long n;

    while ((n = pack_reader_data(u->pack, u->block, BLOCK, err)) > 0) {
        size += (uint64_t)n;
        if (COUNT(u, lists, (uint64_t)n, err) == -1)
            return -1;
        if (fwrite(u->block, 1, (size_t)n, u->manifest) != (size_t)n)
            return err_sys(err, "spool", errno, "the manifest");
    }
    if (n < 0 || fflush(u->manifest) != 0)
        return n < 0 ? -1 : err_sys(err, "spool", errno, "the manifest");
    return size == u->entry.size ? 0 : corrupt(err, "its manifest is cut off", "");
}

static int skip_content(struct unpack *u, struct err *err)
{
    long n;

    while ((n = pack_reader_data(u->pack, u->block, BLOCK, err)) > 0)
        continue;
    return n < 0 ? -1 : 0;
}

/* All members, from INDEX to MANIFEST. */
static int take_members(struct unpack *u, struct err *err)
{
    int got = pack_reader_entry(u->pack, &u->entry, err);

    if (got != 1 || u->entry.type != PACK_FILE || !str_equal(u->entry.name, "INDEX"))
        return got == -1 ? -1 : corrupt(err, "it does not begin with an index", "");
    if (skip_content(u, err) == -1)
        return -1;
    while ((got = pack_reader_entry(u->pack, &u->entry, err)) == 1) {
        if (u->entry.type == PACK_FILE && str_equal(u->entry.name, "MANIFEST")) {
            if (take_manifest(u, err) == -1)
                return -1;
            got = pack_reader_entry(u->pack, &u->entry, err);
            return got == 0    ? 0
                   : got == -1 ? -1
                               : corrupt(err, "something follows its manifest", "");
        }
        if (u->last[0] != '\0' && manifest_order(u->last, u->entry.name) >= 0)
            return corrupt(err, "a name comes twice or out of its order", u->entry.name);
        if (COUNT(u, members, 1, err) == -1)
            return -1;
        (void)str_copy(u->last, sizeof u->last, u->entry.name);
        if (!wanted(u, u->entry.name))
            continue; /* the archive passes over its content by itself */
        line_of(u);
        if (put_member(u, err) == -1)
            return -1;
    }
    return got == -1 ? -1 : corrupt(err, "its manifest is missing", "");
}

/* ---- when all names are there ---- */

static int rewind_lines(struct manifest_reader *r, FILE *in, struct err *err)
{
    if (fflush(in) != 0 || fseek(in, 0, SEEK_SET) == -1)
        return err_sys(err, "spool", errno, "a list of entries");
    return manifest_open(r, in, err);
}

/* Links first, hard ones before symbolic ones; then folders, which get their times last. */
static int make_later(struct unpack *u, struct err *err)
{
    static const char order[] = "hld";
    int got = 0;

    for (const char *type = order; *type != '\0'; type++) {
        if (rewind_lines(&u->others, u->later, err) == -1)
            return -1;
        while ((got = manifest_next(&u->others, &u->other, err)) == 1) {
            int rc = 0;

            if (u->other.type != *type)
                continue;
            if (*type == 'h')
                rc = wanted(u, u->other.target)
                         ? beneath_link(u->setup->folder, u->other.target, u->other.name, err)
                         : corrupt(err, "a link to a file that was not asked for", u->other.name);
            else if (*type == 'l')
                rc = beneath_symlink(u->setup->folder, &u->other, u->setup->own, err);
            else
                rc = beneath_dress_folder(u->setup->folder, &u->other, u->setup->own, err);
            if (rc == -1)
                return -1;
        }
        if (got == -1)
            return -1;
    }
    return 0;
}

static bool same(const struct manifest_entry *a, const struct manifest_entry *b)
{
    return a->type == b->type && a->mode == b->mode && a->uid == b->uid && a->gid == b->gid &&
           a->mtime_s == b->mtime_s && a->mtime_ns == b->mtime_ns && a->size == b->size &&
           a->has_hash == b->has_hash && (!a->has_hash || memcmp(a->hash, b->hash, 32) == 0) &&
           str_equal(a->name, b->name) && str_equal(a->target, b->target);
}

/* What was written is what the manifest says, and nothing else. */
static int compare(struct unpack *u, struct err *err)
{
    char last[PACK_NAME_MAX + 1] = "";
    int got, other;

    if (rewind_lines(&u->lines, u->manifest, err) == -1 ||
        rewind_lines(&u->others, u->done, err) == -1)
        return -1;
    while ((got = manifest_next(&u->lines, &u->line, err)) == 1) {
        if (last[0] != '\0' && manifest_order(last, u->line.name) >= 0)
            return corrupt(err, "its manifest is out of order", u->line.name);
        memcpy(last, u->line.name, sizeof last);
        if (u->line.type == 's' || !wanted(u, u->line.name)) {
            u->figures->skipped += u->line.type == 's';
            continue;
        }
        if (!u->line.here) {
            u->figures->kept++;
            u->figures->kept_bytes += u->line.size;
            continue;
        }
        if ((other = manifest_next(&u->others, &u->other, err)) == -1)
            return -1;
        if (other == 0 || !same(&u->line, &u->other))
            return corrupt(err, "a file is not what its manifest says", u->line.name);
    }
    if (got == -1)
        return -1;
    if ((other = manifest_next(&u->others, &u->other, err)) == 1)
        return corrupt(err, "its manifest does not name", u->other.name);
    return other;
}

static int unpack(struct unpack *u, struct err *err)
{
    const void *rest;
    size_t len;
    int got;

    if (manifest_begin(u->done, err) == -1 || manifest_begin(u->later, err) == -1 ||
        chunk_reader_section(u->reader, err) == -1 ||
        pack_reader_new(&u->pack, from_reader, u->reader, err) == -1 || take_members(u, err) == -1)
        return -1;
    while ((got = chunk_reader_next(u->reader, &rest, &len, err)) == 1)
        continue; /* padding, to the section's proven end */
    if (got == -1 || manifest_end(u->done, u->done_lines, err) == -1 ||
        manifest_end(u->later, u->later_lines, err) == -1)
        return -1;
    if (u->setup->folder != -1 && make_later(u, err) == -1)
        return -1;
    return compare(u, err);
}

int unpack_section(struct chunk_reader *r, const struct unpack_setup *setup, FILE *manifest,
                   struct unpack_figures *figures, struct err *err)
{
    struct unpack *u = calloc(1, sizeof *u);
    int rc = -1;

    if (u == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to unpack");
    u->setup = setup;
    u->got = setup->got == NULL ? &u->own : setup->got;
    u->figures = figures;
    u->reader = r;
    u->manifest = manifest;
    if (digest_new(&u->hash, DIGEST_CONTENT, err) == 0 &&
        (u->done = spool(setup->scratch, err)) != NULL &&
        (u->later = spool(setup->scratch, err)) != NULL)
        rc = unpack(u, err);
    pack_reader_free(u->pack);
    digest_free(u->hash);
    if (u->done != NULL)
        (void)fclose(u->done);
    if (u->later != NULL)
        (void)fclose(u->later);
    free(u);
    return rc;
}

int unpack_finish(struct chunk_reader *r, const struct unpack_setup *setup, uint64_t *length,
                  struct err *err)
{
    struct seal_sizes said;

    if (chunk_reader_finish(r, length, &said, err) == -1)
        return -1;
    return setup->only != NULL || memcmp(&said, setup->got, sizeof said) == 0
               ? 0
               : corrupt(err, "it does not hold as much as it says", "");
}

/* ---- the end of a chain ---- */

static int check_kept(struct unpack *u, struct err *err)
{
    uint8_t hash[32];
    int fd = beneath_open(u->setup->folder, u->line.name, err), rc;

    if (fd == -1)
        return err->kind == ERR_NOT_FOUND ? corrupt(err, "no file of the chain has", u->line.name)
                                          : -1;
    rc = beneath_hash(fd, u->line.size, u->hash, hash, u->block, BLOCK, err);
    if (rc == 0 && memcmp(hash, u->line.hash, 32) != 0)
        rc = corrupt(err, "an older file of the chain has another content of", u->line.name);
    if (rc == 0)
        rc = beneath_dress(fd, &u->line, u->setup->own, err);
    (void)close(fd);
    return rc;
}

int unpack_settle(const struct unpack_setup *setup, FILE *manifest, struct unpack_figures *figures,
                  struct err *err)
{
    struct unpack *u = calloc(1, sizeof *u);
    int got = -1;

    if (u == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to unpack");
    u->setup = setup;
    u->figures = figures;
    if (digest_new(&u->hash, DIGEST_CONTENT, err) == 0 &&
        rewind_lines(&u->lines, manifest, err) == 0) {
        while ((got = manifest_next(&u->lines, &u->line, err)) == 1)
            if (u->line.type == 'f' && !u->line.here && wanted(u, u->line.name) &&
                check_kept(u, err) == -1)
                break;
        if (got == 1)
            got = -1;
    }
    if (got == 0 && rewind_lines(&u->lines, manifest, err) == 0)
        got = beneath_prune(setup->folder, setup->only, &u->lines, err);
    if (got == 0 && rewind_lines(&u->lines, manifest, err) == 0) {
        while ((got = manifest_next(&u->lines, &u->line, err)) == 1)
            if (u->line.type == 'd' && wanted(u, u->line.name) &&
                beneath_dress_folder(setup->folder, &u->line, setup->own, err) == -1)
                break;
        if (got == 1)
            got = -1;
    }
    digest_free(u->hash);
    free(u);
    return got == 0 ? 0 : -1;
}
