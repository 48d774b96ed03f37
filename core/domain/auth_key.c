/*
 * API keys: "sett_<id>_<secret>_<check>". Apart from sessions because they live by other rules: no
 * idle end, no cookie, a role of their own. The check lets a scanner, or us, tell a typing mistake
 * from a wrong key without asking the store.
 */
#include "auth.h"

#include "network.h"
#include "str.h"

#include <sodium.h>
#include <string.h>

#define SECRET_BYTES 32
#define SECRET_TEXT  43 /* 62^43 > 2^256 */
#define CHECK_TEXT   8

/* CRC-32 as in ISO 3309, bit by bit: it is only ever taken of a hundred bytes. */
static uint32_t crc32(const char *text, size_t len)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < len; i++) {
        crc ^= (uint8_t)text[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return ~crc;
}

static void base62(const uint8_t in[SECRET_BYTES], char out[SECRET_TEXT + 1])
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    uint8_t n[SECRET_BYTES];

    memcpy(n, in, sizeof n);
    for (int i = SECRET_TEXT - 1; i >= 0; i--) {
        unsigned rest = 0;

        for (size_t k = 0; k < sizeof n; k++) {
            unsigned part = rest << 8 | n[k];

            n[k] = (uint8_t)(part / 62);
            rest = part % 62;
        }
        out[i] = digits[rest];
    }
    out[SECRET_TEXT] = '\0';
    sodium_memzero(n, sizeof n);
}

static void hash_of(const char *text, uint8_t out[32])
{
    crypto_generichash(out, 32, (const uint8_t *)text, strlen(text), NULL, 0);
}

bool auth_is_key(const char *text)
{
    return str_starts(text, "sett_");
}

int auth_key_new(struct txn *txn, struct api_key *record, char text[AUTH_KEY_SIZE], struct err *err)
{
    uint8_t secret[SECRET_BYTES];
    char shown[SECRET_TEXT + 1];
    char before[AUTH_KEY_SIZE];
    struct user user;

    memset(&user, 0, sizeof user);
    (void)str_copy(user.id, sizeof user.id, record->user_id);
    int found = record_get(txn, &user_table, &user, err);
    if (found < 0)
        return -1;
    if (found == 0)
        return err_field(err, "user_id", "user_not_found", "there is no user %s", record->user_id);
    if (record->role <= ROLE_PUBLIC || record->role > user.role)
        return err_set(err, ERR_FORBIDDEN, "role_too_high",
                       "the key's role is above that of its user %s", user.name);
    id_make(record->id, api_key_table.prefix);
    randombytes_buf(secret, sizeof secret);
    base62(secret, shown);
    sodium_memzero(secret, sizeof secret);
    (void)str_format(before, sizeof before, "sett_%s_%s", record->id, shown);
    if (str_format(text, AUTH_KEY_SIZE, "%s_%08x", before, crc32(before, strlen(before))) != 0)
        return err_set(err, ERR_INTERNAL, "key_too_long", "the key does not fit");
    hash_of(text, record->hash);
    record->revoked_at = record->last_used_at = 0;
    record->last_address[0] = record->next_id[0] = '\0';
    record->created_at = txn_time_ms(txn);
    return record_insert(txn, &api_key_table, record, err);
}

int auth_key_rotate(struct txn *txn, struct api_key *old, int64_t grace_ms, struct api_key *next,
                    char text[AUTH_KEY_SIZE], struct err *err)
{
    int64_t now = txn_time_ms(txn);

    if (old->revoked_at != 0 || (old->expires_at != 0 && old->expires_at <= now))
        return err_set(err, ERR_CONFLICT, "key_over", "the key %s is over", old->id);
    if (old->next_id[0] != '\0')
        return err_set(err, ERR_CONFLICT, "key_rotated", "the key %s was rotated already: %s",
                       old->id, old->next_id);
    *next = *old;
    if (auth_key_new(txn, next, text, err) != 0)
        return -1;
    (void)str_copy(old->next_id, sizeof old->next_id, next->id);
    if (old->expires_at == 0 || old->expires_at > now + grace_ms)
        old->expires_at = now + grace_ms;
    return record_put(txn, &api_key_table, old, err);
}

static int invalid(struct err *err)
{
    return err_set(err, ERR_UNAUTHENTICATED, "key_invalid", "the API key is not valid");
}

/* Whether a text has a key's shape and its check is right. */
static bool shape_is_right(const char *text)
{
    size_t len = strnlen(text, AUTH_KEY_SIZE);
    char check[CHECK_TEXT + 1];

    if (len >= AUTH_KEY_SIZE || len < 5 + SECRET_TEXT + 1 + CHECK_TEXT || !auth_is_key(text) ||
        text[len - CHECK_TEXT - 1] != '_')
        return false;
    (void)str_format(check, sizeof check, "%08x", crc32(text, len - CHECK_TEXT - 1));
    return str_equal(check, text + len - CHECK_TEXT);
}

int auth_by_key(struct txn *txn, const char *text, const char *address, struct identity *identity,
                struct err *err)
{
    int64_t now = txn_time_ms(txn);
    struct api_key key;
    struct user user;

    if (!shape_is_right(text))
        return invalid(err);
    memset(&key, 0, sizeof key);
    hash_of(text, key.hash);
    int found = record_find(txn, &api_key_table, "hash", &key, err);
    if (found < 0)
        return -1;
    if (found == 0 || key.revoked_at != 0)
        return invalid(err);
    if (key.expires_at != 0 && key.expires_at <= now)
        return err_set(err, ERR_UNAUTHENTICATED, "key_expired", "the API key is over");
    memset(&user, 0, sizeof user);
    (void)str_copy(user.id, sizeof user.id, key.user_id);
    found = record_get(txn, &user_table, &user, err);
    if (found < 0)
        return -1;
    if (found == 0 || user.disabled)
        return invalid(err);
    if (!network_list_has(key.networks, address)) {
        (void)err_set(err, ERR_FORBIDDEN, "key_elsewhere", "this API key is not for use from %s",
                      address[0] == '\0' ? "here" : address);
        return err_hint(err, "sett key show %s tells the networks it may come from", key.id);
    }
    memset(identity, 0, sizeof *identity);
    identity->role = (enum role)(key.role < user.role ? key.role : user.role);
    (void)str_copy(identity->id, sizeof identity->id, key.id);
    (void)str_copy(identity->kind, sizeof identity->kind, "key");
    (void)str_copy(identity->user_id, sizeof identity->user_id, user.id);
    (void)str_copy(identity->user_name, sizeof identity->user_name, user.name);
    (void)str_copy(identity->customer_id, sizeof identity->customer_id, user.customer_id);
    (void)str_copy(identity->address, sizeof identity->address, address);
    (void)str_copy(identity->scopes, sizeof identity->scopes, key.scopes);
    (void)str_copy(identity->tenant_id, sizeof identity->tenant_id, key.tenant_id);
    identity->touch = now - key.last_used_at >= 60000;
    return 0;
}

int auth_key_revoke(struct txn *txn, const char *id, struct err *err)
{
    struct api_key key;

    memset(&key, 0, sizeof key);
    if (id[0] == '\0' || str_copy(key.id, sizeof key.id, id) != 0)
        return 0;
    int found = record_get(txn, &api_key_table, &key, err);
    if (found <= 0)
        return found;
    if (key.revoked_at == 0) {
        key.revoked_at = txn_time_ms(txn);
        if (record_put(txn, &api_key_table, &key, err) != 0)
            return -1;
    }
    return 1;
}
