/*
 * libcrypto's hashes. Apart, so that no other file knows it; in a context of their own, so that
 * what a machine's openssl.cnf says is neither read nor heeded.
 */
#include "digest.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>

struct digest {
    OSSL_LIB_CTX *library;
    EVP_MD *kind;
    EVP_MD_CTX *state;
    bool failed;
};

static int unavailable(struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "no_hash", "libcrypto does not hash: is it whole?");
}

int digest_new(struct digest **out, size_t size, struct err *err)
{
    const char *name = size == DIGEST_CONTENT ? "SHA2-256" : "BLAKE2B-512";
    struct digest *d = calloc(1, sizeof *d);

    if (d == NULL || (d->library = OSSL_LIB_CTX_new()) == NULL ||
        (d->kind = EVP_MD_fetch(d->library, name, NULL)) == NULL ||
        (d->state = EVP_MD_CTX_new()) == NULL || (size_t)EVP_MD_get_size(d->kind) != size ||
        EVP_DigestInit_ex2(d->state, d->kind, NULL) != 1) {
        digest_free(d);
        return unavailable(err);
    }
    *out = d;
    return 0;
}

void digest_add(struct digest *d, const void *data, size_t len)
{
    d->failed = EVP_DigestUpdate(d->state, data, len) != 1 || d->failed;
}

int digest_end(struct digest *d, uint8_t *out, struct err *err)
{
    bool done = EVP_DigestFinal_ex(d->state, out, NULL) == 1 && !d->failed;

    d->failed = EVP_DigestInit_ex2(d->state, NULL, NULL) != 1;
    return done && !d->failed ? 0 : unavailable(err);
}

void digest_free(struct digest *d)
{
    if (d == NULL)
        return;
    EVP_MD_CTX_free(d->state);
    EVP_MD_free(d->kind);
    OSSL_LIB_CTX_free(d->library);
    free(d);
}
