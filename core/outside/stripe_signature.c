/* The signature of Stripe's webhooks: what stands between the internet and the order book. Apart so
 * that the front links it without anything that could open a connection. */
#include "stripe.h"

#include <sodium.h>
#include <string.h>

#include "enc.h"
#include "str.h"

#define HEX_LEN    (2 * crypto_auth_hmacsha256_BYTES)
#define V1_MAX     16
#define HEADER_MAX 4096

struct parsed {
    char time[24];
    int64_t time_s;
    const char *v1[V1_MAX]; /* HEX_LEN characters each, in the header */
    size_t count;
};

static int malformed(struct err *err)
{
    return err_set(err, ERR_MALFORMED, "signature_malformed",
                   "the Stripe-Signature header cannot be read");
}

static int parse_item(struct parsed *p, const char *item, size_t len, struct err *err)
{
    uint64_t time_s;

    if (len > 2 && memcmp(item, "t=", 2) == 0) {
        if (p->time[0] != '\0' || str_copy_n(p->time, sizeof p->time, item + 2, len - 2) == -1 ||
            str_u64(p->time, 1, INT64_MAX, &time_s) == -1)
            return malformed(err);
        p->time_s = (int64_t)time_s;
    }
    if (len == 3 + HEX_LEN && memcmp(item, "v1=", 3) == 0 && p->count < V1_MAX)
        p->v1[p->count++] = item + 3;
    return 0;
}

static int parse(struct parsed *p, const char *header, struct err *err)
{
    memset(p, 0, sizeof *p);
    if (header == NULL || header[0] == '\0')
        return err_set(err, ERR_MALFORMED, "signature_missing",
                       "there is no Stripe-Signature header");
    if (strlen(header) > HEADER_MAX)
        return malformed(err);
    for (const char *item = header;;) {
        size_t len = strcspn(item, ",");
        if (parse_item(p, item, len, err) == -1)
            return -1;
        if (item[len] == '\0')
            break;
        item += len + 1;
    }
    return p->time[0] == '\0' || p->count == 0 ? malformed(err) : 0;
}

/* HMAC-SHA256(secret, time "." body) in lower-case hex. */
static void sign(char out[HEX_LEN + 1], const char *secret, const char *time, const void *body,
                 size_t len)
{
    crypto_auth_hmacsha256_state state;
    uint8_t mac[crypto_auth_hmacsha256_BYTES];

    (void)crypto_auth_hmacsha256_init(&state, (const uint8_t *)secret, strlen(secret));
    (void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)time, strlen(time));
    (void)crypto_auth_hmacsha256_update(&state, (const uint8_t *)".", 1);
    (void)crypto_auth_hmacsha256_update(&state, body, len);
    (void)crypto_auth_hmacsha256_final(&state, mac);
    enc_hex(out, mac, sizeof mac);
    sodium_memzero(&state, sizeof state);
}

int stripe_signature_check(const char *header, const void *body, size_t len,
                           const char *const *secrets, size_t count, int64_t now_s,
                           int64_t tolerance_s, struct err *err)
{
    struct parsed p;
    char hex[HEX_LEN + 1];
    int matched = 0;

    if (sodium_init() == -1)
        return err_set(err, ERR_INTERNAL, "sodium", "libsodium does not start");
    if (parse(&p, header, err) == -1)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (secrets[i] == NULL || secrets[i][0] == '\0')
            continue;
        sign(hex, secrets[i], p.time, body, len);
        for (size_t j = 0; j < p.count; j++)
            matched |= sodium_memcmp(hex, p.v1[j], HEX_LEN) == 0;
    }
    sodium_memzero(hex, sizeof hex);
    if (!matched)
        return err_set(err, ERR_MALFORMED, "signature_wrong",
                       "the Stripe-Signature header is not of this body and a secret known here");
    if (p.time_s < now_s ? now_s - p.time_s > tolerance_s : p.time_s - now_s > tolerance_s)
        return err_set(err, ERR_MALFORMED, "signature_stale", "the signature was made %lld s %s",
                       (long long)(p.time_s < now_s ? now_s - p.time_s : p.time_s - now_s),
                       p.time_s < now_s ? "ago" : "in the future");
    return 0;
}

void stripe_signature_make(char out[STRIPE_SIGNATURE_SIZE], const char *secret, int64_t at_s,
                           const void *body, size_t len)
{
    char time[24], hex[HEX_LEN + 1];

    (void)str_format(time, sizeof time, "%lld", (long long)at_s);
    sign(hex, secret, time, body, len);
    (void)str_format(out, STRIPE_SIGNATURE_SIZE, "t=%s,v1=%s", time, hex);
}
