/* Access tokens: what is not byte for byte what the box writes is refused, whoever signed it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>
#include <cmocka.h>

#include "enc.h"
#include "jwt.h"

#include <sodium.h>

static uint8_t key[32] = {1, 2, 3};

/* Sign any header and payload with the right key: all but what jwt_make writes is refused. */
static int read_forged(const char *header, const char *payload, struct err *err)
{
    char text[3000];
    uint8_t tag[32];
    struct jwt_claims claims;
    size_t len = (size_t)enc_base64url(text, sizeof text, header, strlen(header));

    text[len++] = '.';
    len += (size_t)enc_base64url(text + len, sizeof text - len, payload, strlen(payload));
    crypto_auth_hmacsha256(tag, (const uint8_t *)text, len, key);
    text[len++] = '.';
    (void)enc_base64url(text + len, sizeof text - len, tag, sizeof tag);
    return jwt_read(key, "i", "a", 1000, text, &claims, err);
}

#define PAYLOAD                                                                                    \
    "{\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"us_1\",\"sid\":\"ses_1\",\"jti\":\"at_1\","            \
    "\"role\":\"admin\",\"epoch\":1,\"iat\":1000,\"nbf\":1000,\"exp\":1600}"
#define HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static void forged_tokens(void **state)
{
    static const char *const headers[] = {
        "{\"alg\":\"none\",\"typ\":\"JWT\"}",
        "{\"alg\":\"hs256\",\"typ\":\"JWT\"}",
        "{\"typ\":\"JWT\",\"alg\":\"HS256\"}",
        "{\"alg\":\"HS256\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\" }",
        "{\"alg\":\"HS512\",\"typ\":\"JWT\"}",
        "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"1\"}",
        "{}",
        "",
    };
    static const char *const payloads[] = {
        "{}",
        "",
        "null",
        "[]",
        "{\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"us_1\",\"sid\":\"ses_1\",\"jti\":\"at_1\","
        "\"role\":\"admin\",\"epoch\":1,\"iat\":1000,\"nbf\":1000}",
        "{\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"us_1\",\"sid\":\"ses_1\",\"jti\":\"at_1\","
        "\"role\":\"admin\",\"epoch\":1,\"iat\":1000,\"nbf\":1000,\"exp\":1600,\"exp\":9999}",
        "{\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"us_1\",\"sid\":\"ses_1\",\"jti\":\"at_1\","
        "\"role\":\"admin\",\"epoch\":1,\"iat\":1000,\"nbf\":1000,\"exp\":1600,\"x\":1}",
        "{\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"us_1\",\"sid\":\"ses_1\",\"jti\":\"at_1\","
        "\"role\":\"admin\",\"epoch\":1,\"iat\":1000,\"nbf\":1000,\"exp\":1600.5}",
        "{\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"us_1\",\"sid\":\"ses_1\",\"jti\":\"at_1\","
        "\"role\":\"admin\",\"epoch\":1,\"iat\":1000,\"nbf\":1000,\"exp\":\"1600\"}",
        "{\"iss\":\"i\",\"aud\":[\"a\"],\"sub\":\"us_1\",\"sid\":\"ses_1\",\"jti\":\"at_1\","
        "\"role\":\"admin\",\"epoch\":1,\"iat\":1000,\"nbf\":1000,\"exp\":1600}",
        "{\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"us_1\",\"sid\":\"ses_1\",\"jti\":\"at_1\","
        "\"role\":\"admin\",\"epoch\":-1,\"iat\":1000,\"nbf\":1000,\"exp\":1600}",
        "{\"iss\":\"other\",\"aud\":\"a\",\"sub\":\"us_1\",\"sid\":\"ses_1\",\"jti\":\"at_1\","
        "\"role\":\"admin\",\"epoch\":1,\"iat\":1000,\"nbf\":1000,\"exp\":1600}",
        "{\"iss\":\"i\",\"aud\":\"b\",\"sub\":\"us_1\",\"sid\":\"ses_1\",\"jti\":\"at_1\","
        "\"role\":\"admin\",\"epoch\":1,\"iat\":1000,\"nbf\":1000,\"exp\":1600}",
        " " PAYLOAD,
        PAYLOAD " ",
        "{\"\\u0069ss\":\"i\"}",
    };
    struct err err;

    (void)state;
    assert_int_equal(read_forged(HEADER, PAYLOAD, &err), 0);
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        assert_int_equal(read_forged(headers[i], PAYLOAD, &err), -1);
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        assert_int_equal(read_forged(HEADER, payloads[i], &err), -1);
        assert_string_equal(err.code, "token_invalid");
    }
}

static void token_times(void **state)
{
    struct jwt_claims claims = {
        .iss = "i", .aud = "a", .epoch = 1, .iat = 1000, .nbf = 1000, .exp = 1600};
    char token[JWT_MAX + 1];
    struct err err;

    (void)state;
    assert_int_equal(jwt_make(key, &claims, token, sizeof token, &err), 0);
    assert_int_equal(jwt_read(key, "i", "a", 1000, token, &claims, &err), 0);
    assert_int_equal(jwt_read(key, "i", "a", 940, token, &claims, &err), 0);
    assert_int_equal(jwt_read(key, "i", "a", 939, token, &claims, &err), -1);
    assert_int_equal(jwt_read(key, "i", "a", 1659, token, &claims, &err), 0);
    assert_int_equal(jwt_read(key, "i", "a", 1660, token, &claims, &err), -1);
    assert_string_equal(err.code, "token_expired");
    key[0] ^= 1;
    assert_int_equal(jwt_read(key, "i", "a", 1000, token, &claims, &err), -1);
    assert_int_equal(jwt_make(key, &claims, token, 100, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forged_tokens),
        cmocka_unit_test(token_times),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
