/*
 * A snapshot's file read from front to back for its own sake. Apart from restoring, which does the
 * same and writes: here nothing but memory is touched, so it can be done to any file by anybody.
 */
#include "verify.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static long read_fd(void *arg, void *data, size_t len, struct err *err)
{
    const int *fd = arg;
    ssize_t n;

    do
        n = read(*fd, data, len);
    while (n == -1 && errno == EINTR);
    return n == -1 ? err_sys(err, "snapshot_read", errno, "reading the snapshot") : (long)n;
}

void verify_source(struct chunk_source *source, int *fd)
{
    source->read = read_fd;
    source->arg = fd;
}

static int open_with(struct chunk_reader *r, const struct verify_keys *keys, struct err *err)
{
    return keys->file_key != NULL ? chunk_reader_open_key(r, keys->file_key, err)
                                  : chunk_reader_open(r, keys->secret_key, keys->passphrase, err);
}

static int read_section(struct chunk_reader *r, const struct unpack_setup *setup, FILE *manifest,
                        struct unpack_figures *figures, struct err *err)
{
    FILE *own = manifest == NULL ? tmpfile() : NULL;
    int rc;

    if (manifest == NULL && own == NULL)
        return err_sys(err, "spool", errno, "a temporary file");
    rc = unpack_section(r, setup, manifest == NULL ? own : manifest, figures, err);
    if (own != NULL)
        (void)fclose(own);
    return rc;
}

int verify_file(int fd, const struct verify_keys *keys, FILE *manifest,
                struct verify_report *report,
                int (*progress)(void *arg, uint64_t bytes, struct err *err), void *arg,
                struct err *err)
{
    struct seal_sizes got = {0};
    struct unpack_setup setup = {.folder = -1, .got = &got, .progress = progress, .arg = arg};
    struct chunk_source source;
    struct chunk_reader *r = NULL;
    int rc = -1;

    memset(report, 0, sizeof *report);
    verify_source(&source, &fd);
    if (chunk_reader_new(&r, &source, err) == -1)
        return -1;
    report->header = *chunk_reader_header(r);
    report->opened = keys->file_key != NULL || keys->secret_key != NULL || keys->passphrase != NULL;
    if (!report->opened)
        rc = chunk_reader_verify(r, &report->length, err);
    else if (open_with(r, keys, err) == 0 &&
             read_section(r, &setup, NULL, &report->control, err) == 0 &&
             read_section(r, &setup, manifest, &report->tenants, err) == 0)
        rc = unpack_finish(r, &setup, &report->length, err);
    chunk_reader_free(r);
    return rc;
}
