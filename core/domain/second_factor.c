/*
 * Second factors. Apart from passwords because they are the other half: what somebody has, not
 * what they know. Everything that decides is one transaction; only the hashing of recovery codes,
 * slow on purpose, happens before.
 */
#include "second_factor.h"

#include <sodium.h>
#include <string.h>

#include "str.h"

#define HASH_BYTES 32
#define CODE_BYTES 10

static const struct field rows[] = {
    FIELD(struct second_factor, user_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "us"),
    FIELD(struct second_factor, secret, FIELD_SEALED, .flags = FIELD_HIDDEN),
    FIELD(struct second_factor, next, FIELD_SEALED, .flags = FIELD_HIDDEN),
    FIELD(struct second_factor, last_step, FIELD_U64, .flags = FIELD_HIDDEN),
    FIELD(struct second_factor, salt, FIELD_BYTES, .flags = FIELD_HIDDEN),
    FIELD(struct second_factor, codes, FIELD_BYTES, .flags = FIELD_HIDDEN),
    FIELD(struct second_factor, codes_mib, FIELD_U32, .flags = FIELD_HIDDEN),
    FIELD(struct second_factor, codes_passes, FIELD_U32, .flags = FIELD_HIDDEN),
    FIELD(struct second_factor, codes_left, FIELD_U32, .help = "recovery codes not used yet"),
    FIELD(struct second_factor, tries, FIELD_U32, .flags = FIELD_HIDDEN),
    FIELD(struct second_factor, tries_at, FIELD_TIME, .flags = FIELD_HIDDEN),
    FIELD(struct second_factor, begun_at, FIELD_TIME, .help = "an app that waits for its code"),
    FIELD(struct second_factor, confirmed_at, FIELD_TIME, .help = "the app in use, since"),
};

const struct table second_factor_table = {
    .name = "second_factors",
    .noun = "second_factor",
    .id = 80,
    .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct second_factor)},
    .key = {"user_id"},
};

int second_factor_get(struct txn *txn, const char *user_id, struct second_factor *factor,
                      struct err *err)
{
    memset(factor, 0, sizeof *factor);
    if (user_id[0] == '\0')
        return 0;
    (void)str_copy(factor->user_id, sizeof factor->user_id, user_id);
    return record_get(txn, &second_factor_table, factor, err);
}

static int put(struct txn *txn, const struct second_factor *factor, struct err *err)
{
    return record_put(txn, &second_factor_table, factor, err);
}

/* ---- tries ---- */

static int wrong(struct err *err)
{
    return err_field(err, "code", "code_wrong", "the code is wrong, over, or was used before");
}

/* Whether one more try is allowed; -1 (ERR_RATE) if not. */
static int try_allowed(const struct second_factor *factor, int64_t now, struct err *err)
{
    int64_t over = factor->tries_at + SECOND_FACTOR_TRIES_MS;

    if (factor->tries < SECOND_FACTOR_TRIES || over <= now || factor->tries_at > now)
        return 0;
    (void)err_set(err, ERR_RATE, "too_many_tries", "too many wrong codes");
    if (err != NULL)
        err->retry_after_s = (uint32_t)((over - now + 999) / 1000);
    return -1;
}

/* Count a wrong one. 1, or -1. */
static int try_failed(struct txn *txn, struct second_factor *factor, struct err *err)
{
    int64_t now = txn_time_ms(txn);

    if (factor->tries == 0 || factor->tries_at > now ||
        factor->tries_at + SECOND_FACTOR_TRIES_MS <= now) {
        factor->tries = 0;
        factor->tries_at = now;
    }
    factor->tries++;
    if (put(txn, factor, err) != 0)
        return -1;
    (void)wrong(err);
    return 1;
}

/* ---- the app ---- */

static int secret_seal(const struct web_key *key, const struct second_factor *factor,
                       const uint8_t secret[TOTP_SECRET_BYTES], struct sealed *out, struct err *err)
{
    return web_key_seal(key, second_factor_table.name, factor->user_id, "secret", secret,
                        TOTP_SECRET_BYTES, out, err);
}

/* Whether the code is the app's. 1, 0 or -1. */
static int app_check(struct txn *txn, const struct web_key *key, const struct second_factor *factor,
                     const struct sealed *sealed, const char *code, uint64_t *step, struct err *err)
{
    struct buf secret;
    int right = -1;

    buf_init(&secret, TOTP_SECRET_BYTES);
    if (web_key_open(key, second_factor_table.name, factor->user_id, "secret", sealed, &secret,
                     err) == 0) {
        if (secret.len == TOTP_SECRET_BYTES)
            right =
                totp_check((const uint8_t *)secret.data, txn_time_ms(txn) / 1000, code, step, err);
        else
            (void)err_set(err, ERR_CORRUPT, "totp_secret", "the app's secret is not one");
    }
    if (secret.data != NULL)
        sodium_memzero(secret.data, secret.cap);
    buf_free(&secret);
    return right;
}

int second_factor_begin(struct txn *txn, const struct web_key *key, const struct user *user,
                        const char *issuer, struct second_factor_offer *offer, struct err *err)
{
    uint8_t secret[TOTP_SECRET_BYTES];
    struct second_factor factor;
    int result = -1;

    if (second_factor_get(txn, user->id, &factor, err) < 0)
        return -1;
    totp_secret_new(secret);
    factor.begun_at = txn_time_ms(txn);
    if (totp_secret_text(secret, offer->secret, err) == 0 &&
        totp_uri(secret, issuer, user->name, offer->uri, err) == 0 &&
        secret_seal(key, &factor, secret, &factor.next, err) == 0)
        result = put(txn, &factor, err);
    sodium_memzero(secret, sizeof secret);
    return result;
}

int second_factor_right(struct txn *txn, const struct web_key *key, const char *user_id,
                        const char *code, struct err *err)
{
    struct second_factor factor;
    uint64_t step;
    int found = second_factor_get(txn, user_id, &factor, err);

    if (found <= 0 || factor.next.len == 0)
        return found < 0 ? -1 : 0;
    if (try_allowed(&factor, txn_time_ms(txn), err) != 0)
        return -1;
    return app_check(txn, key, &factor, &factor.next, code, &step, err);
}

static void take_codes(struct second_factor *factor, const struct second_factor_batch *batch)
{
    memcpy(factor->salt, batch->salt, sizeof factor->salt);
    memcpy(factor->codes, batch->hash, sizeof factor->codes);
    factor->codes_mib = batch->mib;
    factor->codes_passes = batch->passes;
    factor->codes_left = SECOND_FACTOR_CODES;
}

int second_factor_confirm(struct txn *txn, const struct web_key *key, struct user *user,
                          const char *code, const struct second_factor_batch *batch,
                          struct err *err)
{
    struct second_factor factor;
    uint64_t step = 0;
    int found = second_factor_get(txn, user->id, &factor, err), right;

    if (found < 0)
        return -1;
    if (found == 0 || factor.next.len == 0) {
        (void)err_set(err, ERR_CONFLICT, "nothing_begun", "no app was begun to be entered");
        return err_hint(err, "POST /api/users/me/second-factor, or: sett second-factor begin");
    }
    if (try_allowed(&factor, txn_time_ms(txn), err) != 0)
        return -1;
    if ((right = app_check(txn, key, &factor, &factor.next, code, &step, err)) < 0)
        return -1;
    if (right == 0)
        return try_failed(txn, &factor, err);
    factor.secret = factor.next;
    memset(&factor.next, 0, sizeof factor.next);
    factor.last_step = step;
    factor.tries = 0;
    factor.begun_at = 0;
    factor.confirmed_at = txn_time_ms(txn);
    take_codes(&factor, batch);
    user->second_factor_at = user->updated_at = factor.confirmed_at;
    return put(txn, &factor, err) != 0 || record_put(txn, &user_table, user, err) != 0 ? -1 : 0;
}

/* ---- recovery codes ---- */

/* Base32 of RFC 4648 in small letters: no 0, 1, 8 or 9 to be taken for a letter. */
static void code_text(const uint8_t bytes[CODE_BYTES], char out[SECOND_FACTOR_CODE_SIZE])
{
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
    size_t n = 0;

    for (unsigned i = 0; i < CODE_BYTES * 8 / 5; i++) {
        unsigned bit = i * 5;
        unsigned pair =
            (unsigned)bytes[bit / 8] << 8 | (bit / 8 + 1 < CODE_BYTES ? bytes[bit / 8 + 1] : 0u);

        if (i > 0 && i % 4 == 0)
            out[n++] = '-';
        out[n++] = digits[pair >> (11 - bit % 8) & 31];
    }
    out[n] = '\0';
}

/* As it is hashed: small letters and digits alone. */
static void code_plain(const char *text, char out[64])
{
    size_t n = 0;

    for (; *text != '\0' && n < 63; text++)
        if (strchr("- \t", *text) == NULL)
            out[n++] = *text;
    out[n] = '\0';
    str_lower(out);
}

int second_factor_batch(struct auth_gate *gate, const struct auth_terms *terms,
                        struct second_factor_batch *batch, struct err *err)
{
    uint8_t bytes[CODE_BYTES];
    char plain[64];
    int result = 0;

    batch->mib = terms->argon2_mib;
    batch->passes = terms->argon2_passes;
    randombytes_buf(batch->salt, sizeof batch->salt);
    for (size_t i = 0; result == 0 && i < SECOND_FACTOR_CODES; i++) {
        randombytes_buf(bytes, sizeof bytes);
        code_text(bytes, batch->text[i]);
        code_plain(batch->text[i], plain);
        result = auth_code_hash(gate, batch->mib, batch->passes, plain, batch->salt,
                                batch->hash + i * HASH_BYTES, err);
    }
    sodium_memzero(bytes, sizeof bytes);
    sodium_memzero(plain, sizeof plain);
    return result;
}

int second_factor_codes_set(struct txn *txn, const char *user_id,
                            const struct second_factor_batch *batch, struct err *err)
{
    struct second_factor factor;
    int found = second_factor_get(txn, user_id, &factor, err);

    if (found < 0)
        return -1;
    if (found == 0 || factor.secret.len == 0)
        return err_set(err, ERR_CONFLICT, "no_second_factor", "there is no second factor");
    take_codes(&factor, batch);
    return put(txn, &factor, err);
}

int second_factor_read(struct auth_gate *gate, struct db *db, const char *user_id, const char *text,
                       struct second_factor_proof *proof, struct err *err)
{
    struct second_factor factor;
    struct txn *txn;
    int found;

    memset(proof, 0, sizeof *proof);
    code_plain(text, proof->code);
    proof->recovery =
        strlen(proof->code) != TOTP_DIGITS || strspn(proof->code, "0123456789") != TOTP_DIGITS;
    if (!proof->recovery)
        return 0;
    if (db_read(&txn, db, err) != 0)
        return -1;
    found = second_factor_get(txn, user_id, &factor, err);
    if (found == 1 && try_allowed(&factor, txn_time_ms(txn), err) != 0)
        found = -1;
    db_read_end(txn);
    if (found != 1 || factor.codes_left == 0)
        return found < 0 ? -1 : 0; /* nothing to compare with: the hash stays zero, which is none */
    return auth_code_hash(gate, factor.codes_mib, factor.codes_passes, proof->code, factor.salt,
                          proof->hash, err);
}

/* Which recovery code it is, all of them looked at; -1: none. */
static int code_find(const struct second_factor *factor, const uint8_t hash[HASH_BYTES])
{
    int found = -1;

    for (int i = 0; i < SECOND_FACTOR_CODES; i++)
        if (sodium_memcmp(factor->codes + i * HASH_BYTES, hash, HASH_BYTES) == 0)
            found = i;
    return sodium_is_zero(hash, HASH_BYTES) ? -1 : found;
}

int second_factor_use(struct txn *txn, const struct web_key *key, const char *user_id,
                      const struct second_factor_proof *proof, struct err *err)
{
    struct second_factor factor;
    uint64_t step = 0;
    int found = second_factor_get(txn, user_id, &factor, err), which, right;

    if (found < 0)
        return -1;
    if (found == 0 || factor.secret.len == 0)
        return err_set(err, ERR_CONFLICT, "no_second_factor", "there is no second factor");
    if (try_allowed(&factor, txn_time_ms(txn), err) != 0)
        return -1;
    if (proof->recovery) {
        if ((which = code_find(&factor, proof->hash)) < 0)
            return try_failed(txn, &factor, err);
        sodium_memzero(factor.codes + which * HASH_BYTES, HASH_BYTES);
        factor.codes_left--;
    } else {
        if ((right = app_check(txn, key, &factor, &factor.secret, proof->code, &step, err)) < 0)
            return -1;
        if (right == 0 || step <= factor.last_step)
            return try_failed(txn, &factor, err);
        factor.last_step = step;
    }
    factor.tries = 0;
    return put(txn, &factor, err);
}

/* ---- ends ---- */

int second_factor_remove(struct txn *txn, struct user *user, struct err *err)
{
    struct second_factor factor;
    int found = second_factor_get(txn, user->id, &factor, err);

    if (found <= 0)
        return found;
    if (record_delete(txn, &second_factor_table, &factor, err) < 0)
        return -1;
    user->second_factor_at = 0;
    user->updated_at = txn_time_ms(txn);
    return record_put(txn, &user_table, user, err) != 0 ? -1 : 1;
}

int second_factor_spend(struct txn *txn, struct err *err)
{
    struct second_factor factor = {0};
    uint64_t now = (uint64_t)txn_time_ms(txn) / 1000 / TOTP_STEP_S;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &second_factor_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &factor, err)) == 1) {
        if (factor.last_step < now)
            factor.last_step = now;
        if (put(txn, &factor, err) != 0)
            return -1;
    }
    return got;
}
