#ifndef SETT_VERIFY_H
#define SETT_VERIFY_H
/* Reading a snapshot that is a file, without writing anything: what it says, whether it is whole,
 * whether all in it is as its manifests say. */
#include "chunk.h"
#include "unpack.h"

/* How much was checked. */
struct verify_report {
    struct seal_header header;
    uint64_t length;
    bool opened; /* with a key: everything was read, hashed and compared; else only form and
                    signature */
    struct unpack_figures control, tenants;
};

/* With what: all NULL: without a key. The first that is not NULL is taken. */
struct verify_keys {
    const uint8_t *file_key, *secret_key;
    const char *passphrase;
};

/** verify_source(source, fd): the bytes of ${fd} from where it stands; ${fd} must live as long. */
void verify_source(struct chunk_source *source, int *fd);

/** verify_file(fd, keys, manifest, report, progress, arg, err): from where ${fd} stands to its end.
 * ${manifest}: gets that of section 2 (NULL: nobody wants it); ${progress} hears of plain bytes of
 * files, may be NULL. ERR_CORRUPT. Return 0 or -1. */
int verify_file(int fd, const struct verify_keys *keys, FILE *manifest,
                struct verify_report *report,
                int (*progress)(void *arg, uint64_t bytes, struct err *err), void *arg,
                struct err *err);

#endif
