/*
 * A part of a snapshot for a person who wants one file back. Apart from the restore of a box, which
 * stages, examines and exchanges: here there is only a folder.
 */
#include "extract.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "str.h"

/* Both sections of one file of the chain; the manifest of the second is left in ${manifest}. */
static int unpack_file(const struct chain_file *f, const struct verify_keys *keys,
                       struct unpack_setup *control, struct unpack_setup *tenants, FILE *manifest,
                       struct unpack_figures *figures, struct err *err)
{
    struct seal_sizes most, got = {0};
    struct chunk_source source;
    struct chunk_reader *r = NULL;
    FILE *first = tmpfile();
    uint64_t length;
    int fd = f->fd, rc = -1;

    control->most = tenants->most = &most;
    control->got = tenants->got = &got;
    verify_source(&source, &fd);
    if (first == NULL)
        (void)err_sys(err, "spool", errno, "a temporary file");
    else if (lseek(fd, 0, SEEK_SET) == 0 && chunk_reader_new(&r, &source, err) == 0 &&
             chunk_reader_open(r, keys->secret_key, keys->passphrase, err) == 0 &&
             chunk_reader_ahead(r, fd, &most, err) == 0 &&
             unpack_section(r, control, first, figures, err) == 0 &&
             unpack_section(r, tenants, manifest, figures, err) == 0)
        rc = unpack_finish(r, control->only == NULL ? tenants : control, &length, err);
    chunk_reader_free(r);
    if (first != NULL)
        (void)fclose(first);
    control->most = tenants->most = NULL; /* they were this call's */
    control->got = tenants->got = NULL;
    return rc;
}

/* Whether it is below the units of the first section. */
static bool of_control(const char *only)
{
    return only != NULL && !str_starts(only, "tenants/") && !str_starts(only, "databases/") &&
           !str_equal(only, "tenants") && !str_equal(only, "databases");
}

/* The second sections of all files, from the oldest to the newest. */
static int unpack_chain(const struct chain *c, const struct verify_keys *keys, const char *only,
                        int folder, struct unpack_figures *figures, struct err *err)
{
    struct unpack_setup control = {.folder = -1};
    int rc = 0;

    for (size_t i = c->count; rc == 0 && i-- > 0;) {
        struct unpack_setup tenants = {.folder = folder, .only = only, .chain = true};
        FILE *manifest = tmpfile();

        if (manifest == NULL)
            return err_sys(err, "spool", errno, "a temporary file");
        memset(figures, 0, sizeof *figures);
        rc = unpack_file(&c->files[i], keys, &control, &tenants, manifest, figures, err);
        if (rc == 0 && i == 0)
            rc = unpack_settle(&tenants, manifest, figures, err);
        (void)fclose(manifest);
    }
    return rc;
}

/* Of the newest file alone. ${whole}: its second section, too. */
static int unpack_newest(const struct chain *c, const struct verify_keys *keys, const char *only,
                         int folder, bool whole, struct unpack_figures *figures, struct err *err)
{
    struct unpack_setup control = {.folder = folder, .only = only};
    struct unpack_setup tenants = {.folder = whole ? folder : -1, .only = only};
    FILE *manifest = tmpfile();
    int rc;

    if (manifest == NULL)
        return err_sys(err, "spool", errno, "a temporary file");
    rc = unpack_file(&c->files[0], keys, &control, &tenants, manifest, figures, err);
    (void)fclose(manifest);
    return rc;
}

int extract(const struct chain *c, const struct verify_keys *keys, const char *only, int folder,
            struct unpack_figures *figures, struct err *err)
{
    struct unpack_figures more = {0};

    memset(figures, 0, sizeof *figures);
    if (c->count == 1 || of_control(only)) {
        if (unpack_newest(c, keys, only, folder, true, figures, err) == -1)
            return -1;
    } else if (unpack_chain(c, keys, only, folder, figures, err) == -1 ||
               (only == NULL && unpack_newest(c, keys, NULL, folder, false, &more, err) == -1)) {
        return -1;
    }
    if (only != NULL && faccessat(folder, only, F_OK, AT_SYMLINK_NOFOLLOW) == -1)
        return err_set(err, ERR_NOT_FOUND, "not_in_snapshot",
                       "the snapshot has nothing called %.200s", only);
    return 0;
}
