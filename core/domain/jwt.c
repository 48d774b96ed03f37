/*
 * Access tokens. Apart from auth because it knows no store: a token in, claims out. Whatever was
 * parsed is written again and must come out byte for byte, so there is no second spelling of
 * anything that could mean something else to somebody else.
 */
#include "jwt.h"

#include "buf.h"
#include "enc.h"
#include "json_in.h"
#include "json_out.h"
#include "str.h"

#include <sodium.h>
#include <string.h>

/* {"alg":"HS256","typ":"JWT"} in base64url: the only header there is. */
#define HEADER     "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
#define HEADER_LEN (sizeof HEADER - 1)
#define MAC_TEXT   43 /* 32 bytes in base64url */

static int payload_write(const struct jwt_claims *claims, struct buf *out)
{
    struct json_out j;

    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "iss", claims->iss);
    json_out_key_text(&j, "aud", claims->aud);
    json_out_key_text(&j, "sub", claims->sub);
    json_out_key_text(&j, "sid", claims->sid);
    json_out_key_text(&j, "jti", claims->jti);
    json_out_key_text(&j, "role", claims->role);
    json_out_key_u64(&j, "epoch", claims->epoch);
    json_out_key_i64(&j, "iat", claims->iat);
    json_out_key_i64(&j, "nbf", claims->nbf);
    json_out_key_i64(&j, "exp", claims->exp);
    json_out_end_object(&j);
    return out->failed ? -1 : 0;
}

static void mac(const uint8_t key[32], const char *text, size_t len, char out[MAC_TEXT + 1])
{
    uint8_t tag[crypto_auth_hmacsha256_BYTES];

    crypto_auth_hmacsha256(tag, (const uint8_t *)text, len, key);
    (void)enc_base64url(out, MAC_TEXT + 1, tag, sizeof tag);
}

int jwt_make(const uint8_t key[32], const struct jwt_claims *claims, char *out, size_t size,
             struct err *err)
{
    char text[JWT_MAX + 1];
    char tag[MAC_TEXT + 1];
    struct buf payload;
    int len = -1;

    buf_init(&payload, JWT_MAX);
    if (payload_write(claims, &payload) == 0)
        len = enc_base64url(text, sizeof text, payload.data, payload.len);
    buf_free(&payload);
    if (len < 0 || str_format(out, size, "%s.%s", HEADER, text) != 0)
        return err_set(err, ERR_TOO_LARGE, "token_too_large", "the token does not fit");
    mac(key, out, strlen(out), tag);
    if (str_format(out, size, "%s.%s.%s", HEADER, text, tag) != 0 || strlen(out) > JWT_MAX)
        return err_set(err, ERR_TOO_LARGE, "token_too_large", "the token does not fit");
    return 0;
}

static int invalid(struct err *err)
{
    return err_set(err, ERR_UNAUTHENTICATED, "token_invalid", "the access token is not valid");
}

/* The claims of a payload whose signature was right. */
static int payload_read(const char *text, size_t len, struct jwt_claims *claims)
{
    struct cJSON *json = json_parse(text, len, &json_limits_api, NULL);
    struct buf again;
    int64_t epoch = 0;
    int result = -1;

    if (json == NULL)
        return -1;
    memset(claims, 0, sizeof *claims);
    epoch = json_i64(json, "epoch", -1);
    claims->epoch = (uint32_t)epoch;
    claims->iat = json_i64(json, "iat", -1);
    claims->nbf = json_i64(json, "nbf", -1);
    claims->exp = json_i64(json, "exp", -1);
    buf_init(&again, JWT_MAX);
    if (str_copy(claims->iss, sizeof claims->iss, json_text(json, "iss", "")) == 0 &&
        str_copy(claims->aud, sizeof claims->aud, json_text(json, "aud", "")) == 0 &&
        str_copy(claims->sub, sizeof claims->sub, json_text(json, "sub", "")) == 0 &&
        str_copy(claims->sid, sizeof claims->sid, json_text(json, "sid", "")) == 0 &&
        str_copy(claims->jti, sizeof claims->jti, json_text(json, "jti", "")) == 0 &&
        str_copy(claims->role, sizeof claims->role, json_text(json, "role", "")) == 0 &&
        epoch >= 0 && epoch <= UINT32_MAX && claims->iat >= 0 && claims->nbf >= 0 &&
        claims->exp >= 0 && payload_write(claims, &again) == 0 && again.len == len &&
        memcmp(again.data, text, len) == 0)
        result = 0;
    buf_free(&again);
    json_free(json);
    return result;
}

int jwt_read(const uint8_t key[32], const char *iss, const char *aud, int64_t now_s,
             const char *token, struct jwt_claims *claims, struct err *err)
{
    size_t len = strnlen(token, JWT_MAX + 1);
    char tag[MAC_TEXT + 1];
    char payload[JWT_MAX];
    const char *last = NULL;
    int got = 0;

    if (len > JWT_MAX || len < HEADER_LEN + 1 + 1 + MAC_TEXT + 1 ||
        memcmp(token, HEADER ".", HEADER_LEN + 1) != 0)
        return invalid(err);
    last = token + len - MAC_TEXT - 1;
    if (*last != '.' ||
        memchr(token + HEADER_LEN + 1, '.', (size_t)(last - token) - HEADER_LEN - 1) != NULL)
        return invalid(err);
    mac(key, token, (size_t)(last - token), tag);
    if (sodium_memcmp(tag, last + 1, MAC_TEXT) != 0)
        return invalid(err);
    got = enc_unbase64url(payload, sizeof payload, token + HEADER_LEN + 1,
                          (size_t)(last - token) - HEADER_LEN - 1);
    if (got <= 0 || payload_read(payload, (size_t)got, claims) != 0)
        return invalid(err);
    if (!str_equal(claims->iss, iss) || !str_equal(claims->aud, aud) ||
        claims->nbf > now_s + JWT_SKEW_S || claims->iat > now_s + JWT_SKEW_S)
        return invalid(err);
    if (claims->exp + JWT_SKEW_S <= now_s)
        return err_set(err, ERR_UNAUTHENTICATED, "token_expired", "the access token is over");
    return 0;
}
