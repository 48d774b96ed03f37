/*
 * Finding the files of a chain. A file's name is of no meaning here: its header says what it is,
 * and the newer one's header says which it must be.
 */
#include "chain.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "enc.h"
#include "str.h"
#include "verify.h"

/* Open and read its header. 0 or -1; f->fd then stands at its start. */
static int open_file(struct chain_file *f, const char *path, struct err *err)
{
    struct chunk_source source;
    struct chunk_reader *r = NULL;

    if ((f->fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) == -1)
        return errno == ENOENT ? err_set(err, ERR_NOT_FOUND, "file_missing", "there is no %s", path)
                               : err_sys(err, "snapshot_read", errno, path);
    verify_source(&source, &f->fd);
    if (chunk_reader_new(&r, &source, err) == 0) {
        f->header = *chunk_reader_header(r);
        chunk_reader_free(r);
        if (str_copy(f->path, sizeof f->path, path) == 0 && lseek(f->fd, 0, SEEK_SET) == 0)
            return 0;
        (void)err_sys(err, "snapshot_read", errno, path);
    }
    (void)close(f->fd);
    f->fd = -1;
    return -1;
}

/* The file on which ${of} builds, in the folder of ${of}. */
static int find_base(struct chain_file *out, const struct chain_file *of, struct err *err)
{
    char folder[600], path[900], id[2 * SEAL_ID + 1];
    char *slash;
    struct dirent *d;
    DIR *dir;
    int rc = -1;

    (void)str_copy(folder, sizeof folder, of->path);
    if ((slash = strrchr(folder, '/')) != NULL)
        slash[slash == folder] = '\0';
    else
        (void)str_copy(folder, sizeof folder, ".");
    if ((dir = opendir(folder)) == NULL)
        return err_sys(err, "folder_read", errno, folder);
    while (rc == -1 && (d = readdir(dir)) != NULL) {
        struct err ignored = {0};
        if (!str_ends(d->d_name, ".sett") ||
            str_format(path, sizeof path, "%s/%s", folder, d->d_name) == -1 ||
            open_file(out, path, &ignored) == -1)
            continue;
        if (memcmp(out->header.id, of->header.base_id, SEAL_ID) == 0 &&
            memcmp(out->header.hash, of->header.base_hash, SEAL_HASH) == 0)
            rc = 0;
        else
            (void)close(out->fd);
    }
    (void)closedir(dir);
    if (rc == 0)
        return 0;
    out->fd = -1;
    enc_hex(id, of->header.base_id, SEAL_ID);
    (void)err_set(err, ERR_NOT_FOUND, "chain_broken",
                  "snapshot %llu builds on the one with id %s, which is not in %s",
                  (unsigned long long)of->header.number, id, folder);
    return err_hint(err, "put all files of the chain into one folder: sett snapshot export");
}

int chain_open(struct chain *c, const char *path, bool alone, struct err *err)
{
    memset(c, 0, sizeof *c);
    if (open_file(&c->files[0], path, err) == -1)
        return -1;
    c->count = 1;
    while (!alone && c->files[c->count - 1].header.incremental) {
        if (c->count == CHAIN_MOST)
            return err_set(err, ERR_CORRUPT, "chain_long", "the chain has too many files");
        if (find_base(&c->files[c->count], &c->files[c->count - 1], err) == -1)
            return -1;
        c->count++;
    }
    return 0;
}

void chain_close(struct chain *c)
{
    for (unsigned i = 0; i < c->count; i++)
        (void)close(c->files[i].fd);
    c->count = 0;
}
