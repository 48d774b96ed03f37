#ifndef SETT_WEBAUTHN_H
#define SETT_WEBAUTHN_H
/*
 * Passkeys: Web Authentication (W3C WebAuthn Level 2) as the side that relies on it. What a browser
 * and an authenticator have signed is judged here; challenges, counters and whose key it is are the
 * caller's. Attestation is not asked for ("none"): who made an authenticator does not matter here.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"

#define WEBAUTHN_ID_MAX     512  /* bytes of a credential id; 1023 are allowed, 16 to 64 usual */
#define WEBAUTHN_KEY_MAX    259  /* RSA: modulus of 2048 bits and exponent */
#define WEBAUTHN_CLIENT_MAX 1024 /* of client data */
#define WEBAUTHN_DATA_MAX   2048 /* of authenticator data */
#define WEBAUTHN_SIGN_MAX   512

/* COSE algorithms (RFC 9053, RFC 8812) that are asked for, the best first. */
#define WEBAUTHN_EDDSA (-8)
#define WEBAUTHN_ES256 (-7)
#define WEBAUTHN_RS256 (-257)

/* To whom a passkey belongs on this side. */
struct webauthn_site {
    char origin[192]; /* "https://box.example:4443", as browsers write it */
    char rp_id[128];  /* its host */
};

struct webauthn_key {
    uint8_t id[WEBAUTHN_ID_MAX], key[WEBAUTHN_KEY_MAX];
    size_t id_len, key_len;
    int algorithm;
    uint32_t counter;
    bool synced; /* it may be on more than one device */
};

/* What a browser sent. */
struct webauthn_answer {
    const char *client_data; /* JSON */
    size_t client_len;
    const uint8_t *data, *signature; /* authenticator data as it was signed */
    size_t data_len, signature_len;
};

/* The judging, as a table: only the program that faces browsers links the library. */
struct webauthn {
    /** make(site, challenge, answer, key, err): of navigator.credentials.create: a new key. */
    int (*make)(const struct webauthn_site *site, const char *challenge,
                const struct webauthn_answer *answer, struct webauthn_key *key, struct err *err);
    /** use(site, challenge, answer, key, counter, err): of navigator.credentials.get, by ${key}:
     * the signature is right and the person was verified; ${counter} is the authenticator's. */
    int (*use)(const struct webauthn_site *site, const char *challenge,
               const struct webauthn_answer *answer, const struct webauthn_key *key,
               uint32_t *counter, struct err *err);
};

/** webauthn_site_of(url, site, err): from the box's own address. An IP address can have no
 * passkeys: ERR_CONFLICT "passkeys_impossible". Return 0 or -1. */
int webauthn_site_of(const char *url, struct webauthn_site *site, struct err *err);

/** webauthn_client(site, type, challenge, text, len, err): that client data are of this kind
 * ("webauthn.create", "webauthn.get"), for this challenge (base64url), from a page of this very
 * origin and not from within a foreign one. ERR_UNAUTHENTICATED "passkey_refused". 0 or -1. */
int webauthn_client(const struct webauthn_site *site, const char *type, const char *challenge,
                    const char *text, size_t len, struct err *err);

/* By libfido2, and what it refuses is ERR_UNAUTHENTICATED "passkey_refused". */
extern const struct webauthn webauthn_fido;

#endif
