/* Codes of authenticator apps against the RFC's own, and what an app is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "qr.h"
#include "str.h"
#include "totp.h"

static void codes_as_the_rfc_has_them(void **state)
{
    static const struct {
        int64_t at;
        const char *code;
    } vectors[] = {{59, "287082"},         {1111111109, "081804"}, {1111111111, "050471"},
                   {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
    const uint8_t *secret = (const uint8_t *)"12345678901234567890";
    uint64_t step = 0;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        int64_t at = vectors[i].at;
        const char *code = vectors[i].code;

        assert_int_equal(totp_check(secret, at, code, &step, &err), 1);
        assert_int_equal(step, at / 30);
        assert_int_equal(totp_check(secret, at + 30, code, &step, &err), 1); /* one step late */
        assert_int_equal(step, at / 30);
        assert_int_equal(totp_check(secret, at + 60, code, &step, &err), 0);
        assert_int_equal(totp_check(secret, at - 30, code, &step, &err), 0); /* never early */
    }
    assert_int_equal(totp_check(secret, 59, "28708", &step, &err), 0);
    assert_int_equal(totp_check(secret, 59, "2870822", &step, &err), 0);
    assert_int_equal(totp_check(secret, 59, "", &step, &err), 0);
    assert_int_equal(totp_check(secret, 59, "28708x", &step, &err), 0);
    assert_int_equal(totp_check(secret, 0, "287082", &step, &err), 0);
}

static void an_app_reads_the_picture(void **state)
{
    const uint8_t *secret = (const uint8_t *)"12345678901234567890";
    char uri[TOTP_URI_SIZE];
    struct buf svg;
    struct err err;

    (void)state;
    assert_int_equal(totp_uri(secret, "My box & co", "ann@example.com", uri, &err), 0);
    assert_string_equal(uri, "otpauth://totp/My%20box%20%26%20co:ann@example.com"
                             "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=My%20box%20%26%20co"
                             "&algorithm=SHA1&digits=6&period=30");
    buf_init(&svg, 65536);
    assert_int_equal(qr_svg(&svg, uri, &err), 0);
    assert_true(str_starts(buf_string(&svg), "<svg xmlns=\"http://www.w3.org/2000/svg\""));
    assert_true(str_ends(buf_string(&svg), "\"/></svg>"));
    buf_free(&svg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_as_the_rfc_has_them),
        cmocka_unit_test(an_app_reads_the_picture),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
