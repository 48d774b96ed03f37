/*
 * Passkeys' signatures. The only file that knows libfido2, which was made for the other side but
 * verifies on this one: it reads authenticator data (CBOR, COSE keys) and checks the signature;
 * what the specification wants checked besides is done here.
 */
#include "webauthn.h"

#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/rs256.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Authenticator data (WebAuthn 6.1): the hash of the RP id, flags, counter. */
#define DATA_HASH     32
#define DATA_FLAGS    32
#define DATA_LEAST    37
#define FLAG_PRESENT  0x01
#define FLAG_VERIFIED 0x04
#define FLAG_SYNCABLE 0x08
#define FLAG_KEY      0x40

static int refused(struct err *err, const char *why)
{
    return err_set(err, ERR_UNAUTHENTICATED, "passkey_refused",
                   "the passkey's answer is no good: %s", why);
}

static int refused_by(struct err *err, int code)
{
    return refused(err, fido_strerr(code));
}

/* For this site, by a person who was there and who proved to the device who they are. */
static int check_data(const struct webauthn_site *site, const struct webauthn_answer *answer,
                      uint8_t flags, struct err *err)
{
    uint8_t hash[crypto_hash_sha256_BYTES];

    if (answer->data_len < DATA_LEAST || answer->data_len > WEBAUTHN_DATA_MAX)
        return refused(err, "its data have another length");
    crypto_hash_sha256(hash, (const uint8_t *)site->rp_id, strlen(site->rp_id));
    if (sodium_memcmp(hash, answer->data, DATA_HASH) != 0)
        return refused(err, "it is for another site");
    if ((answer->data[DATA_FLAGS] & flags) != flags)
        return refused(err, "the device did not make sure who uses it");
    return 0;
}

static int take_key(const fido_cred_t *cred, const struct webauthn_answer *answer,
                    struct webauthn_key *key, struct err *err)
{
    memset(key, 0, sizeof *key);
    key->algorithm = fido_cred_type(cred);
    key->id_len = fido_cred_id_len(cred);
    key->key_len = fido_cred_pubkey_len(cred);
    key->counter = fido_cred_sigcount(cred);
    key->synced = (answer->data[DATA_FLAGS] & FLAG_SYNCABLE) != 0;
    if (key->id_len == 0 || key->id_len > sizeof key->id || key->key_len == 0 ||
        key->key_len > sizeof key->key)
        return refused(err, "its id or key is too long");
    memcpy(key->id, fido_cred_id_ptr(cred), key->id_len);
    memcpy(key->key, fido_cred_pubkey_ptr(cred), key->key_len);
    /* A key of small order, as the point 1, takes signatures that nobody has made. */
    if (key->algorithm == WEBAUTHN_EDDSA && (key->key_len != crypto_core_ed25519_BYTES ||
                                             !crypto_core_ed25519_is_valid_point(key->key)))
        return refused(err, "its key is none");
    return 0;
}

/* The library wants to be told which algorithm it is to find; it is one of those asked for. */
static int read_key(fido_cred_t *cred, int algorithm, const struct webauthn_answer *answer)
{
    int rc = fido_cred_set_type(cred, algorithm);

    return rc != FIDO_OK ? rc : fido_cred_set_authdata_raw(cred, answer->data, answer->data_len);
}

static int make(const struct webauthn_site *site, const char *challenge,
                const struct webauthn_answer *answer, struct webauthn_key *key, struct err *err)
{
    static const int algorithms[] = {WEBAUTHN_ES256, WEBAUTHN_EDDSA, WEBAUTHN_RS256};
    int rc = FIDO_ERR_INTERNAL, result = -1;

    if (webauthn_client(site, "webauthn.create", challenge, answer->client_data, answer->client_len,
                        err) != 0 ||
        check_data(site, answer, FLAG_PRESENT | FLAG_VERIFIED | FLAG_KEY, err) != 0)
        return -1;
    for (size_t i = 0; rc != FIDO_OK && i < sizeof algorithms / sizeof algorithms[0]; i++) {
        fido_cred_t *cred = fido_cred_new();

        if (cred == NULL)
            return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a passkey");
        if ((rc = read_key(cred, algorithms[i], answer)) == FIDO_OK)
            result = take_key(cred, answer, key, err);
        fido_cred_free(&cred);
    }
    return rc == FIDO_OK ? result : refused_by(err, rc);
}

/* The key in the library's own form, or NULL; to be freed by key_free. */
static void *key_of(const struct webauthn_key *key)
{
    void *pk = key->algorithm == WEBAUTHN_ES256   ? (void *)es256_pk_new()
               : key->algorithm == WEBAUTHN_EDDSA ? (void *)eddsa_pk_new()
               : key->algorithm == WEBAUTHN_RS256 ? (void *)rs256_pk_new()
                                                  : NULL;
    int rc = pk == NULL                         ? FIDO_ERR_INTERNAL
             : key->algorithm == WEBAUTHN_ES256 ? es256_pk_from_ptr(pk, key->key, key->key_len)
             : key->algorithm == WEBAUTHN_EDDSA ? eddsa_pk_from_ptr(pk, key->key, key->key_len)
                                                : rs256_pk_from_ptr(pk, key->key, key->key_len);

    if (rc == FIDO_OK)
        return pk;
    free(pk);
    return NULL;
}

static void key_free(const struct webauthn_key *key, void *pk)
{
    if (key->algorithm == WEBAUTHN_ES256)
        es256_pk_free((es256_pk_t **)&pk);
    else if (key->algorithm == WEBAUTHN_EDDSA)
        eddsa_pk_free((eddsa_pk_t **)&pk);
    else
        rs256_pk_free((rs256_pk_t **)&pk);
}

static int verify(fido_assert_t *assertion, const struct webauthn_site *site,
                  const struct webauthn_answer *answer, const struct webauthn_key *key,
                  const void *pk)
{
    int rc = fido_assert_set_clientdata(assertion, (const unsigned char *)answer->client_data,
                                        answer->client_len);

    if (rc == FIDO_OK)
        rc = fido_assert_set_rp(assertion, site->rp_id);
    if (rc == FIDO_OK)
        rc = fido_assert_set_count(assertion, 1);
    if (rc == FIDO_OK)
        rc = fido_assert_set_authdata_raw(assertion, 0, answer->data, answer->data_len);
    if (rc == FIDO_OK)
        rc = fido_assert_set_sig(assertion, 0, answer->signature, answer->signature_len);
    if (rc == FIDO_OK)
        rc = fido_assert_set_up(assertion, FIDO_OPT_TRUE);
    if (rc == FIDO_OK)
        rc = fido_assert_set_uv(assertion, FIDO_OPT_TRUE);
    return rc == FIDO_OK ? fido_assert_verify(assertion, 0, key->algorithm, pk) : rc;
}

static int use(const struct webauthn_site *site, const char *challenge,
               const struct webauthn_answer *answer, const struct webauthn_key *key,
               uint32_t *counter, struct err *err)
{
    fido_assert_t *assertion = NULL;
    void *pk = NULL;
    int rc;

    if (webauthn_client(site, "webauthn.get", challenge, answer->client_data, answer->client_len,
                        err) != 0 ||
        check_data(site, answer, FLAG_PRESENT | FLAG_VERIFIED, err) != 0)
        return -1;
    if (answer->signature_len == 0 || answer->signature_len > WEBAUTHN_SIGN_MAX)
        return refused(err, "its signature has another length");
    if ((pk = key_of(key)) == NULL || (assertion = fido_assert_new()) == NULL) {
        if (pk != NULL)
            key_free(key, pk);
        return err_set(err, ERR_CORRUPT, "passkey", "the passkey that is kept is none");
    }
    rc = verify(assertion, site, answer, key, pk);
    *counter = rc == FIDO_OK ? fido_assert_sigcount(assertion, 0) : 0;
    fido_assert_free(&assertion);
    key_free(key, pk);
    return rc == FIDO_OK ? 0 : refused_by(err, rc);
}

const struct webauthn webauthn_fido = {.make = make, .use = use};
