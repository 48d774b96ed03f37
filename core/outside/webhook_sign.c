/* How our webhooks prove that they are ours. Apart so that it can be checked against the
 * description's own example, with nothing around it. */
#include "webhook_sign.h"

#include <sodium.h>
#include <string.h>

#include "enc.h"
#include "str.h"

#define PREFIX    "whsec_"
#define KEY_BYTES 32
#define KEY_MOST  64 /* the description asks for 24 to 64 */
#define KEY_LEAST 24

void webhook_secret(char out[WEBHOOK_SECRET_SIZE])
{
    uint8_t key[KEY_BYTES];
    char text[48];

    randombytes_buf(key, sizeof key);
    (void)enc_base64(text, sizeof text, key, sizeof key);
    (void)str_format(out, WEBHOOK_SECRET_SIZE, PREFIX "%s", text);
    sodium_memzero(key, sizeof key);
    sodium_memzero(text, sizeof text);
}

static int sign(char *out, size_t size, const char *secret, const char *before, const void *body,
                size_t len, struct err *err)
{
    crypto_auth_hmacsha256_state state;
    uint8_t key[KEY_MOST], mac[crypto_auth_hmacsha256_BYTES];
    char text[48];
    size_t key_len = 0;
    int result;

    if (!str_starts(secret, PREFIX) ||
        sodium_base642bin(key, sizeof key, secret + strlen(PREFIX), strlen(secret) - strlen(PREFIX),
                          NULL, &key_len, NULL, sodium_base64_VARIANT_ORIGINAL) != 0 ||
        key_len < KEY_LEAST)
        return err_set(err, ERR_INVALID, "webhook_secret", "that is not a secret of a webhook");
    (void)crypto_auth_hmacsha256_init(&state, key, key_len);
    (void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)before, strlen(before));
    (void)crypto_auth_hmacsha256_update(&state, body, len);
    (void)crypto_auth_hmacsha256_final(&state, mac);
    (void)enc_base64(text, sizeof text, mac, sizeof mac);
    result = str_format(out, size, "v1,%s", text);
    sodium_memzero(key, sizeof key);
    sodium_memzero(&state, sizeof state);
    return result;
}

int webhook_sign(char out[WEBHOOK_SIGNATURE_SIZE], const char *secret, const char *previous,
                 const char *id, int64_t timestamp_s, const void *body, size_t len, struct err *err)
{
    char before[128];
    size_t at;

    if (str_format(before, sizeof before, "%s.%lld.", id, (long long)timestamp_s) != 0)
        return err_set(err, ERR_INVALID, "webhook_id", "the id of a webhook is too long");
    if (sign(out, WEBHOOK_SIGNATURE_SIZE, secret, before, body, len, err) != 0)
        return -1;
    if (previous == NULL || previous[0] == '\0')
        return 0;
    at = strlen(out);
    out[at++] = ' ';
    return sign(out + at, WEBHOOK_SIGNATURE_SIZE - at, previous, before, body, len, err);
}
