#ifndef SETT_VAULT_H
#define SETT_VAULT_H
/*
 * Sealed values. Each is XChaCha20-Poly1305 under a fresh key, with table, key and field as
 * associated data; that fresh key alone is sealed (crypto_box_seal) to the box's vault key. Whoever
 * has only the public half can write a secret and never read one back.
 */
#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "err.h"
#include "field.h"

#define VAULT_PATH 512

struct vault {
    bool can_open, has_former;
    uint8_t public_key[32], secret_key[32];
    uint8_t former[32];      /* the secret key before, while values are sealed anew */
    char folder[VAULT_PATH]; /* where it came from: what was rotated since is found there */
};

/** vault_create(folder, err): make vault.key (0400) and vault.pub (0444) in ${folder}; ERR_CONFLICT
 * if they are there. A creation that was interrupted is completed. 0 or -1. */
int vault_create(const char *folder, struct err *err);

/** vault_load(v, folder, open, err): the public half, and with ${open} the secret one. 0 or -1. */
int vault_load(struct vault *v, const char *folder, bool open, struct err *err);

/** vault_seal(v, table, key, field, data, len, out, err): to the public key that lies in v->folder
 * now, so whoever seals in a transaction seals to a key that is not given up before it commits.
 * Return 0, or -1 (too long). */
int vault_seal(const struct vault *v, const char *table, const char *key, const char *field,
               const void *data, size_t len, struct sealed *out, struct err *err);

/** vault_open(v, table, key, field, in, out, err): append the plain bytes. ERR_CORRUPT when it was
 * not sealed for this place or was changed; ERR_FORBIDDEN without the secret half. Keys that were
 * rotated since ${v} was loaded are looked up. 0 or -1. */
int vault_open(const struct vault *v, const char *table, const char *key, const char *field,
               const struct sealed *in, struct buf *out, struct err *err);

/* ---- rotation: vault.former opens what is not sealed anew yet ---- */

/** vault_public(folder, out, err): the public half in hex. Return 0 or -1. */
int vault_public(const char *folder, char out[65], struct err *err);

/** vault_rotate(folder, before, err): a new pair in the place of the one whose public half is
 * ${before}, in hex; that one becomes vault.former. What was cut short is finished, what was done
 * stays. Return 0 or -1. */
int vault_rotate(const char *folder, const char *before, struct err *err);

/** vault_rewrap(v, sealed, err): a value that was sealed to the former key is made to open to the
 * present one, wherever it is kept; ${v} was loaded, open, after vault_rotate. One of web.key's is
 * left alone. ERR_CORRUPT: it opens to neither. Return 1 if it was changed, 0 or -1. */
int vault_rewrap(const struct vault *v, struct sealed *sealed, struct err *err);

/** vault_forget(folder, err): the former key goes, for good. Return 0 or -1. */
int vault_forget(const char *folder, struct err *err);

/* web.key: what the front may know: 32 bytes each for sessions, CSRF tokens, JWTs, sealing of
 * TOTP seeds and webhook secrets, derived from one file by crypto_kdf. */
struct web_key {
    uint8_t csrf[32], token[32], seal[32];
    bool has_former;
    uint8_t former[32];      /* the one before it, from which its three are derived */
    int64_t former_until_ms; /* wall: what it has signed is honoured until then */
    char folder[VAULT_PATH]; /* where it came from: what was rotated since is found there */
};

/* Twelve hours: auth.session_hours, as it is unless set. */
#define WEB_KEY_HONOURED_MS INT64_C(43200000)

/** web_key_create(folder, err): make web.key (0440) in ${folder}; ERR_CONFLICT if it is there. 0 or
 * -1. */
int web_key_create(const char *folder, struct err *err);

/** web_key_load(k, folder, err): read it; ERR_FORBIDDEN if others than owner and group may. 0 or
 * -1. */
int web_key_load(struct web_key *k, const char *folder, struct err *err);

/** web_key_former(k, out): the key before ${k}, if what it has signed is still honoured: whoever
 * checks a token or a mark tries it second. */
bool web_key_former(const struct web_key *k, struct web_key *out);

/** web_key_mark(folder, out, err): which key it is, without telling it: 16 digits. 0 or -1. */
int web_key_mark(const char *folder, char out[17], struct err *err);

/** web_key_rotate(folder, before, err): a new key in the place of the one with the mark ${before},
 * which becomes web.former. What was cut short is finished, what was done stays. Return 0 or -1. */
int web_key_rotate(const char *folder, const char *before, struct err *err);

/** web_key_reseal(k, table, key, field, sealed, err): a value of web.key's that opens to the former
 * key alone is sealed anew. ERR_CORRUPT: it opens to neither. Return 1 if it was changed, 0 or -1.
 */
int web_key_reseal(const struct web_key *k, const char *table, const char *key, const char *field,
                   struct sealed *sealed, struct err *err);

/** web_key_forget(folder, at_once, err): the former key goes, if it is not honoured any more, or
 * ${at_once}. Return 0 or -1. */
int web_key_forget(const char *folder, bool at_once, struct err *err);

/** web_key_seal(k, table, key, field, data, len, out, err): as vault_seal with the symmetric seal
 * key of the web.key that lies in k->folder now, for webhook secrets. 0 or -1. */
int web_key_seal(const struct web_key *k, const char *table, const char *key, const char *field,
                 const void *data, size_t len, struct sealed *out, struct err *err);

/** web_key_open(k, table, key, field, in, out, err): as vault_open, for those. 0 or -1. */
int web_key_open(const struct web_key *k, const char *table, const char *key, const char *field,
                 const struct sealed *in, struct buf *out, struct err *err);

#endif
