/*
 * Who wrote the files of a snapshot, and whether a secret opens them: what a restore must know
 * before anything is written.
 */
#include "restore.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "enc.h"
#include "str.h"

#define SIGNER_DIGITS 16 /* of a fingerprint, at least */

void restore_fingerprint(const struct chain *s, char out[65])
{
    enc_hex(out, s->files[0].header.signer, 32);
}

int restore_signer(const struct chain *s, const char *pinned, struct err *err)
{
    char hex[65];

    for (size_t i = 0; i < s->count; i++) {
        enc_hex(hex, s->files[i].header.signer, 32);
        if (pinned != NULL && strlen(pinned) >= SIGNER_DIGITS && str_starts(hex, pinned))
            continue;
        (void)err_set(err, ERR_FORBIDDEN, "unknown_signer",
                      "%s was signed by %s, which this box does not know", s->files[i].path, hex);
        return err_hint(err, "if the recovery kit names that key: --signer %.16s", hex);
    }
    return 0;
}

int restore_unlock(const struct chain *s, const struct restore_secret *secret, struct err *err)
{
    uint8_t file_key[SEAL_KEY], *data;
    size_t size;
    int rc = 0;

    for (size_t i = 0; i < s->count && rc == 0; i++) {
        const struct chain_file *f = &s->files[i];

        if ((data = chain_header(f, &size, err)) == NULL)
            return -1;
        rc = seal_header_open(data, size, &f->header, secret->has_key ? secret->key : NULL,
                              secret->has_key ? NULL : secret->passphrase, file_key, err);
        free(data);
    }
    sodium_memzero(file_key, sizeof file_key);
    return rc;
}
