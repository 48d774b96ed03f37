/*
 * Passkeys and the challenges that they sign. Apart from other ways of signing in because nothing
 * of them is a secret of ours: what is kept could be printed in a newspaper.
 */
#include "passkey.h"

#include <sodium.h>
#include <string.h>

#include "enc.h"
#include "str.h"

#define PRUNE_MOST 8

static const struct field rows[] = {
    FIELD(struct passkey, id, FIELD_ID, .ref_prefix = "pk"),
    FIELD(struct passkey, user_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "us"),
    FIELD(struct passkey, name, FIELD_TEXT, .help = "what its owner calls it"),
    FIELD(struct passkey, credential, FIELD_TEXT, .help = "its id, as browsers know it"),
    FIELD(struct passkey, credential_hash, FIELD_BYTES, .flags = FIELD_HIDDEN),
    FIELD(struct passkey, key, FIELD_BYTES, .flags = FIELD_HIDDEN),
    FIELD(struct passkey, key_len, FIELD_U32, .flags = FIELD_HIDDEN),
    FIELD(struct passkey, algorithm, FIELD_I64, .help = "COSE number of its algorithm"),
    FIELD(struct passkey, counter, FIELD_U32, .flags = FIELD_HIDDEN),
    FIELD(struct passkey, synced, FIELD_BOOL, .help = "it may be on more than one device"),
    FIELD(struct passkey, last_address, FIELD_TEXT, .help = "from where it was last used"),
    FIELD(struct passkey, last_used_at, FIELD_TIME, .help = "last used at"),
    FIELD(struct passkey, created_at, FIELD_TIME, .help = "added at"),
};
static const struct index indexes[] = {
    {.name = "credential_hash", .id = 196, .unique = true, .fields = {"credential_hash"}},
    {.name = "user_id", .id = 197, .fields = {"user_id"}},
};
const struct table passkey_table = {
    .name = "passkeys",
    .noun = "passkey",
    .id = 86,
    .version = 1,
    .prefix = "pk",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct passkey)},
    .key = {"id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "passkey", .about = "user_id"},
};

static const struct field spent_rows[] = {
    FIELD(struct passkey_spent, challenge, FIELD_BYTES, .flags = FIELD_HIDDEN),
    FIELD(struct passkey_spent, expires_at, FIELD_TIME, .help = "over at"),
};
static const struct index spent_indexes[] = {
    {.name = "expires_at", .id = 195, .fields = {"expires_at"}},
};
const struct table passkey_spent_table = {
    .name = "passkeys_spent",
    .noun = "passkey_spent",
    .id = 87,
    .version = 1,
    .fields = {spent_rows, sizeof spent_rows / sizeof spent_rows[0], sizeof(struct passkey_spent)},
    .key = {"challenge"},
    .indexes = spent_indexes,
    .index_count = sizeof spent_indexes / sizeof spent_indexes[0],
};

/* ---- challenges ---- */

struct challenge {
    uint8_t until[8], random[16], mark[24];
};

static void mark(const struct web_key *key, enum passkey_purpose purpose, const char *subject,
                 const struct challenge *c, uint8_t out[sizeof c->mark])
{
    crypto_auth_hmacsha256_state state;
    uint8_t tag[crypto_auth_hmacsha256_BYTES];
    const char *what = purpose == PASSKEY_MAKE ? "passkey.make:" : "passkey.use:";

    crypto_auth_hmacsha256_init(&state, key->token, sizeof key->token);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)what, strlen(what));
    crypto_auth_hmacsha256_update(&state, c->until, sizeof c->until + sizeof c->random);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)subject, strlen(subject));
    crypto_auth_hmacsha256_final(&state, tag);
    memcpy(out, tag, sizeof c->mark);
}

void passkey_challenge(const struct web_key *key, enum passkey_purpose purpose, const char *subject,
                       int64_t now_ms, char out[PASSKEY_CHALLENGE_SIZE])
{
    struct challenge c;

    enc_put64(c.until, (uint64_t)(now_ms + PASSKEY_CHALLENGE_MS));
    randombytes_buf(c.random, sizeof c.random);
    mark(key, purpose, subject, &c, c.mark);
    (void)enc_base64url(out, PASSKEY_CHALLENGE_SIZE, &c, sizeof c);
}

static int over(struct err *err)
{
    return err_set(err, ERR_UNAUTHENTICATED, "challenge_over",
                   "that took too long, or was done before: begin anew");
}

/* A few that are over go with each new one. */
static int prune(struct txn *txn, struct err *err)
{
    struct passkey_spent spent;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &passkey_spent_table, "expires_at", NULL, 0, false, err) != 0)
        return -1;
    for (unsigned i = 0; i < PRUNE_MOST && (got = scan_next(&scan, &spent, err)) != 0; i++) {
        if (got < 0)
            return -1;
        if (spent.expires_at > txn_time_ms(txn))
            break;
        if (record_delete(txn, &passkey_spent_table, &spent, err) < 0)
            return -1;
    }
    return 0;
}

int passkey_challenge_take(struct txn *txn, const struct web_key *key, enum passkey_purpose purpose,
                           const char *subject, const char *challenge, struct err *err)
{
    struct web_key former;
    struct challenge c;
    struct passkey_spent spent;
    uint8_t right[sizeof c.mark];
    int64_t until;
    int found;

    if (enc_unbase64url(&c, sizeof c, challenge, strnlen(challenge, PASSKEY_CHALLENGE_SIZE)) !=
        (int)sizeof c)
        return over(err);
    mark(key, purpose, subject, &c, right);
    if (sodium_memcmp(right, c.mark, sizeof right) != 0 && web_key_former(key, &former))
        mark(&former, purpose, subject, &c, right);
    until = (int64_t)enc_get64(c.until);
    if (sodium_memcmp(right, c.mark, sizeof right) != 0 || until <= txn_time_ms(txn))
        return over(err);
    memset(&spent, 0, sizeof spent);
    crypto_generichash(spent.challenge, sizeof spent.challenge, (const uint8_t *)&c, sizeof c, NULL,
                       0);
    if ((found = record_get(txn, &passkey_spent_table, &spent, err)) != 0)
        return found < 0 ? -1 : over(err);
    spent.expires_at = until;
    return prune(txn, err) != 0 ? -1 : record_insert(txn, &passkey_spent_table, &spent, err);
}

/* ---- keys ---- */

int passkeys_next(struct scan *scan, struct txn *txn, const char *user_id, struct passkey *passkey,
                  struct err *err)
{
    if (scan->txn == NULL) {
        memset(passkey, 0, sizeof *passkey);
        (void)str_copy(passkey->user_id, sizeof passkey->user_id, user_id);
        if (scan_start(scan, txn, &passkey_table, "user_id", passkey, 1, false, err) != 0)
            return -1;
    }
    return scan_next(scan, passkey, err);
}

static int count(struct txn *txn, const char *user_id, struct err *err)
{
    struct scan scan = {0};
    struct passkey passkey;
    int n = 0, got;

    while ((got = passkeys_next(&scan, txn, user_id, &passkey, err)) == 1)
        n++;
    return got < 0 ? -1 : n;
}

int passkey_add(struct txn *txn, const char *user_id, const char *name,
                const struct webauthn_key *made, struct passkey *passkey, struct err *err)
{
    int there = count(txn, user_id, err);

    if (there < 0)
        return -1;
    if (there >= PASSKEYS_MOST)
        return err_set(err, ERR_QUOTA, "too_many_passkeys", "a user has at most %d passkeys",
                       PASSKEYS_MOST);
    memset(passkey, 0, sizeof *passkey);
    id_make(passkey->id, passkey_table.prefix);
    (void)str_copy(passkey->user_id, sizeof passkey->user_id, user_id);
    (void)str_copy(passkey->name, sizeof passkey->name, name);
    if (enc_base64url(passkey->credential, sizeof passkey->credential, made->id, made->id_len) < 0)
        return err_set(err, ERR_TOO_LARGE, "passkey_too_long", "the passkey's id is too long");
    crypto_generichash(passkey->credential_hash, sizeof passkey->credential_hash, made->id,
                       made->id_len, NULL, 0);
    memcpy(passkey->key, made->key, made->key_len);
    passkey->key_len = (uint32_t)made->key_len;
    passkey->algorithm = made->algorithm;
    passkey->counter = made->counter;
    passkey->synced = made->synced;
    passkey->created_at = txn_time_ms(txn);
    return record_insert(txn, &passkey_table, passkey, err);
}

int passkey_find(struct txn *txn, const char *credential, struct passkey *passkey, struct err *err)
{
    uint8_t id[WEBAUTHN_ID_MAX];
    int len = enc_unbase64url(id, sizeof id, credential, strnlen(credential, PASSKEY_CREDENTIAL));

    memset(passkey, 0, sizeof *passkey);
    if (len <= 0)
        return 0;
    crypto_generichash(passkey->credential_hash, sizeof passkey->credential_hash, id, (unsigned)len,
                       NULL, 0);
    return record_find(txn, &passkey_table, "credential_hash", passkey, err);
}

int passkey_key(const struct passkey *passkey, struct webauthn_key *key)
{
    memset(key, 0, sizeof *key);
    if (passkey->key_len == 0 || passkey->key_len > sizeof key->key)
        return -1;
    key->key_len = passkey->key_len;
    memcpy(key->key, passkey->key, key->key_len);
    key->algorithm = (int)passkey->algorithm;
    key->counter = passkey->counter;
    return 0;
}

int passkey_used(struct txn *txn, struct passkey *passkey, uint32_t counter, const char *address,
                 struct err *err)
{
    if ((counter != 0 || passkey->counter != 0) && counter <= passkey->counter)
        return err_set(err, ERR_UNAUTHENTICATED, "passkey_copied",
                       "this passkey counts as if there were two of it: it is not taken");
    passkey->counter = counter;
    passkey->last_used_at = txn_time_ms(txn);
    (void)str_copy(passkey->last_address, sizeof passkey->last_address, address);
    return record_put(txn, &passkey_table, passkey, err);
}

int passkeys_drop(struct txn *txn, const char *user_id, struct err *err)
{
    struct scan scan = {0};
    struct passkey passkey;
    int got;

    while ((got = passkeys_next(&scan, txn, user_id, &passkey, err)) == 1)
        if (record_delete(txn, &passkey_table, &passkey, err) < 0)
            return -1;
    return got;
}
