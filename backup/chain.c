/*
 * Finding the files of a chain, and reading their headers. Apart from whatever is done with them:
 * all of this is answered by headers alone, before anything else of a file is read.
 */
#include "chain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "enc.h"
#include "str.h"

#define FILES_MOST 100000 /* looked at in one folder */

static int read_exactly(int fd, void *data, size_t len, uint64_t at, const char *path,
                        struct err *err)
{
    size_t got = 0;

    while (got < len) {
        ssize_t n = pread(fd, (char *)data + got, len - got, (off_t)(at + got));

        if (n == -1 && errno == EINTR)
            continue;
        if (n == -1)
            return err_sys(err, "snapshot_read", errno, path);
        if (n == 0)
            return err_set(err, ERR_CORRUPT, "snapshot_cut", "%s is cut off", path);
        got += (size_t)n;
    }
    return 0;
}

uint8_t *chain_header(const struct chain_file *f, size_t *size, struct err *err)
{
    uint8_t prefix[SEAL_PREFIX], *data;

    if (read_exactly(f->fd, prefix, sizeof prefix, 0, f->path, err) == -1 ||
        (*size = seal_header_size(prefix, sizeof prefix, err)) == 0)
        return NULL;
    if ((data = malloc(*size)) == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a header");
        return NULL;
    }
    if (read_exactly(f->fd, data, *size, 0, f->path, err) == 0)
        return data;
    free(data);
    return NULL;
}

static void close_file(struct chain_file *f)
{
    (void)close(f->fd);
    f->fd = -1;
}

static int open_file(struct chain_file *f, const char *path, struct err *err)
{
    struct stat st;
    uint8_t *data;
    size_t size;
    int rc;

    if (str_copy(f->path, sizeof f->path, path) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%.80s… is too long", path);
    if ((f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)) == -1)
        return errno == ENOENT
                   ? err_set(err, ERR_NOT_FOUND, "no_snapshot", "there is no file %s", path)
                   : err_sys(err, "snapshot_open", errno, path);
    if (fstat(f->fd, &st) == -1 || !S_ISREG(st.st_mode)) {
        close_file(f);
        return err_set(err, ERR_INVALID, "no_file", "%s is no file", path);
    }
    f->size = (uint64_t)st.st_size;
    if ((data = chain_header(f, &size, err)) == NULL) {
        close_file(f);
        return -1;
    }
    rc = seal_header_read(data, size, &f->header, err);
    free(data);
    if (rc == -1)
        close_file(f);
    return rc;
}

/* ---- what it builds on ---- */

static bool is_base(const struct chain_file *f, const struct seal_header *of)
{
    return memcmp(f->header.id, of->base_id, SEAL_ID) == 0 &&
           memcmp(f->header.hash, of->base_hash, SEAL_HASH) == 0;
}

/* Whether the file at ${path} is the one that ${of} builds on; then it is open. */
static bool try_file(struct chain_file *f, const char *path, const struct seal_header *of)
{
    struct err why;

    if (open_file(f, path, &why) == -1)
        return false;
    if (is_base(f, of))
        return true;
    close_file(f);
    return false;
}

static bool try_folder(struct chain_file *f, const char *folder, const struct seal_header *of)
{
    DIR *dir = opendir(folder);
    struct dirent *d;
    char path[sizeof f->path];
    bool found = false;
    unsigned seen = 0;

    if (dir == NULL)
        return false;
    while (!found && (d = readdir(dir)) != NULL && seen++ < FILES_MOST)
        found = str_ends(d->d_name, ".sett") &&
                str_format(path, sizeof path, "%s/%s", folder, d->d_name) == 0 &&
                try_file(f, path, of);
    (void)closedir(dir);
    return found;
}

static bool try_beside(struct chain_file *f, const char *path, const struct seal_header *of)
{
    char folder[sizeof f->path], *slash;

    (void)str_copy(folder, sizeof folder, path);
    if ((slash = strrchr(folder, '/')) == NULL)
        (void)str_copy(folder, sizeof folder, ".");
    else
        slash[slash == folder] = '\0';
    return try_folder(f, folder, of);
}

/* What the last of ${s} builds on: named, beside it, or beside the newest. */
static bool find_base(const struct chain *c, struct chain_file *f, const char *const *more,
                      size_t more_count)
{
    const struct chain_file *of = &c->files[c->count - 1];

    for (size_t i = 0; i < more_count; i++)
        if (try_file(f, more[i], &of->header) || try_folder(f, more[i], &of->header))
            return true;
    return try_beside(f, of->path, &of->header) || try_beside(f, c->files[0].path, &of->header);
}

int chain_open(struct chain *c, const char *path, bool alone, const char *const *more,
               size_t more_count, struct err *err)
{
    struct chain_file *f = &c->files[0];

    memset(c, 0, sizeof *c);
    if (open_file(f, path, err) == -1)
        return -1;
    for (c->count = 1; !alone && f->header.incremental; f = &c->files[c->count++]) {
        char id[2 * SEAL_ID + 1];

        enc_hex(id, f->header.base_id, SEAL_ID);
        if (c->count == CHAIN_MOST)
            return err_set(err, ERR_TOO_LARGE, "chain_too_long", "%s builds on more than %d files",
                           path, CHAIN_MOST);
        if (!find_base(c, &c->files[c->count], more, more_count)) {
            (void)err_set(err, ERR_NOT_FOUND, "chain_broken",
                          "%s builds on snapshot %s, whose file is not here", f->path, id);
            return err_hint(err, "put it beside that file (sett snapshot export), or name it: "
                                 "--base FILE");
        }
    }
    return 0;
}

void chain_close(struct chain *c)
{
    for (size_t i = 0; i < c->count; i++)
        close_file(&c->files[i]);
    c->count = 0;
}
