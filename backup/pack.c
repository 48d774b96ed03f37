/*
 * libarchive, as far as snapshots need it: pax, four kinds of members, names as bytes.
 * Apart so that it can be replaced here, and so that what of its many formats is let in stands in
 * one place.
 */
#include "pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "squeeze.h"
#include "str.h"

#define BLOCK    (256 * 1024)
#define REST_MAX (1024u * 1024u) /* zeros behind the archive's end */

int pack_name_check(const char *name, struct err *err)
{
    size_t part = 0, len = 0;

    for (const char *c = name;; c++, len++) {
        if (*c == '/' || *c == '\0') {
            if (part == 0 || part > PACK_PART_MAX || (part == 1 && c[-1] == '.') ||
                (part == 2 && c[-1] == '.' && c[-2] == '.'))
                break;
            if (*c == '\0')
                return len <= PACK_NAME_MAX ? 0
                                            : err_set(err, ERR_CORRUPT, "member_name",
                                                      "a member's name is too long");
            part = 0;
        } else if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            break;
        } else {
            part++;
        }
    }
    return err_set(err, ERR_CORRUPT, "member_name", "a member is called \"%.200s\"", name);
}

/* ---- writing ---- */

struct pack_writer {
    struct archive *archive;
    struct archive_entry *entry;
    struct squeeze *squeeze;
    struct err why; /* of what the archive was handed on to */
};

static la_ssize_t on_write(struct archive *a, void *arg, const void *data, size_t len)
{
    struct pack_writer *w = arg;

    if (squeeze_add(w->squeeze, data, len, &w->why) == 0)
        return (la_ssize_t)len;
    archive_set_error(a, EIO, "%s", w->why.text);
    return -1;
}

static int failed(struct pack_writer *w, struct err *err)
{
    if (w->why.kind == ERR_NONE)
        return err_set(err, ERR_INTERNAL, "pack", "cannot pack: %s",
                       archive_error_string(w->archive));
    if (err != NULL)
        *err = w->why;
    return -1;
}

int pack_writer_new(struct pack_writer **out,
                    int (*write)(void *arg, const void *data, size_t len, struct err *err),
                    void *arg, int level, unsigned threads, struct err *err)
{
    struct pack_writer *w = calloc(1, sizeof *w);

    if (w == NULL || (w->archive = archive_write_new()) == NULL ||
        (w->entry = archive_entry_new()) == NULL) {
        pack_writer_free(w);
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to pack");
    }
    if (squeeze_new(&w->squeeze, write, arg, level, threads, err) == -1) {
        pack_writer_free(w);
        return -1;
    }
    if (archive_write_set_format_pax(w->archive) != ARCHIVE_OK ||
        archive_write_set_format_option(w->archive, "pax", "hdrcharset", "BINARY") != ARCHIVE_OK ||
        archive_write_set_bytes_per_block(w->archive, BLOCK) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(w->archive, 1) != ARCHIVE_OK ||
        archive_write_open(w->archive, w, NULL, on_write, NULL) != ARCHIVE_OK) {
        (void)failed(w, err);
        pack_writer_free(w);
        return -1;
    }
    *out = w;
    return 0;
}

void pack_writer_far(struct pack_writer *w)
{
    squeeze_far(w->squeeze);
}

int pack_writer_entry(struct pack_writer *w, const struct pack_entry *e, struct err *err)
{
    struct archive_entry *a = archive_entry_clear(w->entry);

    if (pack_name_check(e->name, err) == -1)
        return -1;
    archive_entry_set_pathname(a, e->name);
    archive_entry_set_perm(a, (mode_t)e->mode);
    archive_entry_set_uid(a, e->uid);
    archive_entry_set_gid(a, e->gid);
    archive_entry_set_mtime(a, (time_t)e->mtime_s, (long)e->mtime_ns);
    archive_entry_set_size(a, e->type == PACK_FILE ? (la_int64_t)e->size : 0);
    archive_entry_set_filetype(a, e->type == PACK_FOLDER    ? AE_IFDIR
                                  : e->type == PACK_SYMLINK ? AE_IFLNK
                                                            : AE_IFREG);
    if (e->type == PACK_SYMLINK)
        archive_entry_set_symlink(a, e->target);
    else if (e->type == PACK_HARDLINK)
        archive_entry_set_hardlink(a, e->target);
    return archive_write_header(w->archive, a) == ARCHIVE_OK ? 0 : failed(w, err);
}

int pack_writer_data(struct pack_writer *w, const void *data, size_t len, struct err *err)
{
    la_ssize_t n = archive_write_data(w->archive, data, len);

    return n >= 0 && (size_t)n == len ? 0 : failed(w, err);
}

int pack_writer_finish(struct pack_writer *w, struct err *err)
{
    if (archive_write_close(w->archive) != ARCHIVE_OK)
        return failed(w, err);
    return squeeze_end(w->squeeze, err);
}

void pack_writer_free(struct pack_writer *w)
{
    if (w == NULL)
        return;
    if (w->archive != NULL) {
        (void)archive_write_fail(w->archive); /* nothing more is written, finished or not */
        (void)archive_write_free(w->archive);
    }
    archive_entry_free(w->entry);
    squeeze_free(w->squeeze);
    free(w);
}

/* ---- reading ---- */

struct pack_reader {
    struct archive *archive;
    struct unsqueeze *unsqueeze;
    const char *block; /* the last that the archive was handed, and how much until its end */
    size_t block_len;
    int64_t handed;
    struct err why; /* of what the archive comes from */
};

static la_ssize_t on_read(struct archive *a, void *arg, const void **data)
{
    struct pack_reader *r = arg;
    size_t len = 0;
    int got = unsqueeze_next(r->unsqueeze, data, &len, &r->why);

    if (got == 1) {
        r->block = *data;
        r->block_len = len;
        r->handed += (int64_t)len;
    }
    if (got != -1)
        return got == 0 ? 0 : (la_ssize_t)len;
    archive_set_error(a, EIO, "%s", r->why.text);
    return -1;
}

static int unread(struct pack_reader *r, struct err *err)
{
    const char *why = archive_error_string(r->archive);

    if (r->why.kind == ERR_NONE)
        return err_set(err, ERR_CORRUPT, "snapshot_corrupt",
                       "the snapshot's archive cannot be read: %s", why == NULL ? "?" : why);
    if (err != NULL)
        *err = r->why;
    return -1;
}

int pack_reader_new(struct pack_reader **out,
                    int (*next)(void *arg, const void **data, size_t *len, struct err *err),
                    void *arg, struct err *err)
{
    struct pack_reader *r = calloc(1, sizeof *r);

    if (r == NULL || (r->archive = archive_read_new()) == NULL) {
        pack_reader_free(r);
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to unpack");
    }
    if (unsqueeze_new(&r->unsqueeze, next, arg, err) == -1) {
        pack_reader_free(r);
        return -1;
    }
    if (archive_read_support_format_tar(r->archive) != ARCHIVE_OK ||
        archive_read_open(r->archive, r, NULL, on_read, NULL) != ARCHIVE_OK) {
        (void)unread(r, err);
        pack_reader_free(r);
        return -1;
    }
    *out = r;
    return 0;
}

/* Which of the four it is; 0 for anything else. */
static int type_of(struct archive_entry *a)
{
    if (archive_entry_hardlink(a) != NULL)
        return PACK_HARDLINK;
    switch (archive_entry_filetype(a)) {
    case AE_IFREG:
        return PACK_FILE;
    case AE_IFDIR:
        return PACK_FOLDER;
    case AE_IFLNK:
        return PACK_SYMLINK;
    default:
        return 0;
    }
}

/* What a member of ours never has. */
static bool has_more(struct archive_entry *a)
{
    return archive_entry_xattr_count(a) != 0 || archive_entry_acl_types(a) != 0 ||
           archive_entry_sparse_count(a) != 0 || archive_entry_fflags_text(a) != NULL;
}

static bool zeros(const char *at, size_t len)
{
    return len == 0 || (at[0] == '\0' && memcmp(at, at + 1, len - 1) == 0);
}

/* What is behind the archive's end: a few zeros, which fill its last block. */
static int take_rest(struct pack_reader *r, struct err *err)
{
    int64_t left = r->handed - archive_filter_bytes(r->archive, 0);
    size_t len = left < 0 ? 0 : (size_t)left, sum = 0;
    const void *data;
    int got = 1;

    if (len > r->block_len)
        len = r->block_len;
    data = r->block == NULL ? "" : r->block + r->block_len - len;
    while (got == 1) {
        sum += len;
        if (sum > REST_MAX || !zeros(data, len))
            return err_set(err, ERR_CORRUPT, "snapshot_corrupt",
                           "something follows the end of the snapshot's archive");
        got = unsqueeze_next(r->unsqueeze, &data, &len, err);
    }
    return got;
}

int pack_reader_entry(struct pack_reader *r, struct pack_entry *e, struct err *err)
{
    struct archive_entry *a;
    char *name;
    size_t len;
    int got = archive_read_next_header(r->archive, &a);

    memset(e, 0, sizeof *e);
    if (got == ARCHIVE_EOF)
        return take_rest(r, err);
    if (got != ARCHIVE_OK)
        return unread(r, err);
    e->type = (enum pack_type)type_of(a);
    e->name = archive_entry_pathname(a);
    e->target = e->type == PACK_HARDLINK ? archive_entry_hardlink(a) : archive_entry_symlink(a);
    if (e->type == 0 || e->name == NULL || has_more(a) ||
        (e->target == NULL) != (e->type == PACK_FILE || e->type == PACK_FOLDER))
        return err_set(err, ERR_CORRUPT, "member_kind",
                       "the snapshot has a member of a kind that it must not have");
    /* A folder's name ends with a slash in the archive. */
    len = strlen(e->name);
    if (e->type == PACK_FOLDER && len > 1 && e->name[len - 1] == '/') {
        name = strndup(e->name, len - 1);
        if (name == NULL)
            return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to unpack");
        archive_entry_set_pathname(a, name);
        free(name);
        e->name = archive_entry_pathname(a);
    }
    if (pack_name_check(e->name, err) == -1 ||
        (e->type == PACK_HARDLINK && pack_name_check(e->target, err) == -1))
        return -1;
    e->mode = (uint32_t)archive_entry_perm(a) & (e->type == PACK_FOLDER ? 01777u : 0777u);
    if (archive_entry_uid(a) < 0 || archive_entry_uid(a) >= UINT32_MAX ||
        archive_entry_gid(a) < 0 || archive_entry_gid(a) >= UINT32_MAX || archive_entry_size(a) < 0)
        return err_set(err, ERR_CORRUPT, "member_kind", "a member's owner or size is impossible");
    e->uid = (uint32_t)archive_entry_uid(a);
    e->gid = (uint32_t)archive_entry_gid(a);
    e->mtime_s = archive_entry_mtime(a);
    e->mtime_ns = (uint32_t)archive_entry_mtime_nsec(a);
    e->size = e->type == PACK_FILE ? (uint64_t)archive_entry_size(a) : 0;
    return 1;
}

long pack_reader_data(struct pack_reader *r, void *data, size_t len, struct err *err)
{
    la_ssize_t n = archive_read_data(r->archive, data, len);

    return n < 0 ? unread(r, err) : (long)n;
}

void pack_reader_free(struct pack_reader *r)
{
    if (r == NULL)
        return;
    if (r->archive != NULL)
        (void)archive_read_free(r->archive);
    unsqueeze_free(r->unsqueeze);
    free(r);
}
