/*
 * Who wrote the files of a snapshot, and whether a secret opens them: what a restore must know
 * before anything is written.
 */
#include "restore.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enc.h"
#include "signer.h"

void restore_fingerprint(const struct chain *s, char out[65])
{
    enc_hex(out, s->files[0].header.signer, 32);
}

int restore_signer(const struct chain *s, const char *expected, const char *keys, struct err *err)
{
    const struct seal_header *h = &s->files[0].header;
    char hex[65];

    /* What it builds on is held by the hashes in it. */
    if (expected == NULL ? signer_of_box(h, keys) : signer_is(h, expected))
        return 0;
    enc_hex(hex, h->signer, 32);
    (void)err_set(err, ERR_FORBIDDEN, "unknown_signer",
                  "%s was signed by %s, which this box does not know", s->files[0].path, hex);
    return err_hint(err, "if the recovery kit names that key: --signer %.16s", hex);
}

/* What its end says of the file that ${file_key} opens. */
static int read_sizes(struct chain_file *f, const uint8_t file_key[SEAL_KEY], struct err *err)
{
    uint8_t trailer[SEAL_TRAILER];
    struct seal_keys keys;
    int rc;

    if (f->size < SEAL_TRAILER ||
        pread(f->fd, trailer, sizeof trailer, (off_t)(f->size - SEAL_TRAILER)) != SEAL_TRAILER)
        return err_set(err, ERR_CORRUPT, "snapshot_cut", "%s is cut off", f->path);
    seal_keys(file_key, f->header.id, &keys);
    rc = seal_trailer_sizes(&f->header, f->size - SEAL_TRAILER, trailer, &keys, &f->sizes, err);
    sodium_memzero(&keys, sizeof keys);
    return rc;
}

int restore_unlock(struct chain *s, const struct restore_secret *secret, struct err *err)
{
    uint8_t file_key[SEAL_KEY], *data;
    size_t size;
    int rc = 0;

    for (size_t i = 0; i < s->count && rc == 0; i++) {
        struct chain_file *f = &s->files[i];

        if ((data = chain_header(f, &size, err)) == NULL)
            return -1;
        rc = seal_header_open(data, size, &f->header, secret->has_key ? secret->key : NULL,
                              secret->has_key ? NULL : secret->passphrase, file_key, err);
        free(data);
        if (rc == 0)
            rc = read_sizes(f, file_key, err);
    }
    sodium_memzero(file_key, sizeof file_key);
    return rc;
}
