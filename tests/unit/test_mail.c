/* Mails as bytes, signatures of webhooks, local time and quiet hours: what has a description
 * outside to be held against. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <sodium.h>

#include "clock.h"
#include "mail.h"
#include "quiet_hours.h"
#include "smtp.h"
#include "str.h"
#include "webhook_sign.h"
#include "zone.h"

static struct mail sample(void)
{
    return (struct mail){.from_name = "Büro \"Nord\"",
                         .from = "box@example.com",
                         .to = "anna@example.org",
                         .id = "msg_01hw3v7q2c0000000000000000",
                         .domain = "example.com",
                         .language = "de",
                         .subject = "Müller & Söhne ist bereit",
                         .text = "Grüße\n.\nEin Satz mit = und Ende \n",
                         .html = "<p>Grüße</p>",
                         .at_ms = INT64_C(1764177122000)};
}

static void a_mail_is_written_as_the_rfcs_say(void **state)
{
    struct mail mail = sample();
    struct buf out;
    struct err err;

    (void)state;
    buf_init(&out, MAIL_MAX);
    assert_int_equal(mail_compose(&mail, &out, &err), 0);
    assert_non_null(strstr(out.data, "Date: Wed, 26 Nov 2025 17:12:02 +0000\r\n"));
    assert_non_null(
        strstr(out.data, "Message-ID: <msg_01hw3v7q2c0000000000000000@example.com>\r\n"));
    assert_non_null(strstr(out.data, "Auto-Submitted: auto-generated\r\n"));
    assert_non_null(
        strstr(out.data, "Subject: =?UTF-8?B?TcO8bGxlciAmIFPDtmhuZSBpc3QgYmVyZWl0?=\r\n"));
    assert_non_null(strstr(out.data, "Gr=C3=BC=C3=9Fe\r\n.\r\nEin Satz mit =3D und Ende=20\r\n"));
    for (size_t i = 0, column = 0; i < out.len; i++, column++) {
        assert_true((unsigned char)out.data[i] < 0x80);
        if (out.data[i] == '\n') {
            assert_true(i > 0 && out.data[i - 1] == '\r');
            assert_true(column <= 78);
            column = SIZE_MAX;
        }
    }
    buf_free(&out);
}

static void nothing_can_begin_a_header(void **state)
{
    static const char *const subjects[] = {"a\r\nBcc: x@y.example", "a\nBcc: x@y.example",
                                           "=?utf-8?q?Bcc?=", "\r\n\r\nbody", " lead"};
    static const char *const addresses[] = {"a@b.example\r\nBcc: c@d.example",
                                            "a@b>,<c@d.example",
                                            "a b@c.example",
                                            "a@b@c.example",
                                            "",
                                            "a@",
                                            "@b",
                                            "a@.b",
                                            "ä@b.example"};
    struct mail mail;
    struct buf out;
    struct err err;

    (void)state;
    buf_init(&out, MAIL_MAX);
    for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
        mail = sample();
        mail.subject = mail.from_name = subjects[i];
        buf_reset(&out);
        assert_int_equal(mail_compose(&mail, &out, &err), 0);
        assert_null(strstr(out.data, "\nBcc"));
        assert_non_null(strstr(out.data, "Subject: =?UTF-8?B?"));
        assert_null(
            memmem(out.data, (size_t)(strstr(out.data, "MIME-Version") - out.data), "\r\n\r\n", 4));
    }
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        mail = sample();
        mail.to = addresses[i];
        assert_int_equal(mail_compose(&mail, &out, &err), -1);
        mail = sample();
        mail.from = addresses[i];
        assert_int_equal(mail_compose(&mail, &out, &err), -1);
    }
    mail = sample();
    mail.domain = "x\r\ny";
    assert_int_equal(mail_compose(&mail, &out, &err), -1);
    mail = sample();
    mail.subject = "\xff";
    assert_int_equal(mail_compose(&mail, &out, &err), -1);
    buf_free(&out);
}

static void long_subjects_are_folded_between_characters(void **state)
{
    char subject[601] = "";
    struct mail mail = sample();
    struct buf out;
    struct err err;

    (void)state;
    for (size_t i = 0; i + 3 < sizeof subject; i += 3)
        memcpy(subject + i, "\xe2\x82\xac", 3);
    mail.subject = subject;
    buf_init(&out, MAIL_MAX);
    assert_int_equal(mail_compose(&mail, &out, &err), 0);
    assert_non_null(strstr(out.data, "?=\r\n =?UTF-8?B?"));
    buf_free(&out);
}

/* The example of the description, https://github.com/standard-webhooks. */
static void a_webhook_is_signed_as_described(void **state)
{
    static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    static const char body[] = "{\"test\": 2432232314}";
    char out[WEBHOOK_SIGNATURE_SIZE], fresh[WEBHOOK_SECRET_SIZE];
    struct err err;

    (void)state;
    assert_int_equal(webhook_sign(out, secret, NULL, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                                  body, sizeof body - 1, &err),
                     0);
    assert_string_equal(out, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    webhook_secret(fresh);
    assert_int_equal(webhook_sign(out, fresh, secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
                                  body, sizeof body - 1, &err),
                     0);
    assert_non_null(strstr(out, " v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
    assert_int_equal(webhook_sign(out, "whsec_c2hvcnQ=", NULL, "m", 1, "", 0, &err), -1);
    assert_int_equal(webhook_sign(out, "nonsense", NULL, "m", 1, "", 0, &err), -1);
}

static int32_t offset(const char *zone, const char *at)
{
    int32_t offset_s = -1;
    struct err err;
    int64_t ms;

    assert_int_equal(clock_parse(at, &ms), 0);
    assert_int_equal(zone_offset(zone, ms, &offset_s, &err), 0);
    return offset_s;
}

static void zones_have_their_changes(void **state)
{
    int32_t offset_s;
    struct err err;

    (void)state;
    assert_int_equal(offset("Europe/Berlin", "2026-03-29T00:59:59Z"), 3600);
    assert_int_equal(offset("Europe/Berlin", "2026-03-29T01:00:00Z"), 7200);
    assert_int_equal(offset("Europe/Berlin", "2026-10-25T01:00:00Z"), 3600);
    assert_int_equal(offset("America/Bogota", "2026-07-01T00:00:00Z"), -18000);
    assert_int_equal(offset("Asia/Kathmandu", "2026-07-01T00:00:00Z"), 20700);
    assert_int_equal(offset("UTC", "2026-07-01T00:00:00Z"), 0);
    assert_int_equal(zone_offset("Europe/Nowhere", 0, &offset_s, &err), -1);
    assert_int_equal(zone_offset("../../etc/passwd", 0, &offset_s, &err), -1);
    assert_int_equal(zone_offset("/etc/passwd", 0, &offset_s, &err), -1);
}

static void quiet(const char *hours, const char *at, const char *end)
{
    struct quiet_hours q;
    struct err err;
    int64_t at_ms, end_ms = 0;

    assert_int_equal(quiet_hours_parse(hours, &q, &err), 0);
    assert_int_equal(clock_parse(at, &at_ms), 0);
    if (end != NULL)
        assert_int_equal(clock_parse(end, &end_ms), 0);
    assert_int_equal(quiet_hours_end(&q, "Europe/Berlin", at_ms), end_ms);
}

static void quiet_hours_end_by_the_clock_on_the_wall(void **state)
{
    static const char *const bad[] = {"22:00",     "22:00-24:00", "22:60-07:00",
                                      "2200-0700", "22:00-22:00", "22:00-07:0x"};
    struct quiet_hours q;
    struct err err;

    (void)state;
    quiet("22:00-07:00", "2026-11-26T20:59:59Z", NULL);
    quiet("22:00-07:00", "2026-11-26T21:00:00Z", "2026-11-27T06:00:00Z");
    quiet("22:00-07:00", "2026-11-27T05:59:00Z", "2026-11-27T06:00:00Z");
    quiet("22:00-07:00", "2026-11-27T06:00:00Z", NULL);
    quiet("12:00-13:00", "2026-07-01T10:30:00Z", "2026-07-01T11:00:00Z");
    /* The night in which an hour is missing, and the one that has it twice. */
    quiet("22:00-07:00", "2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z");
    quiet("22:00-07:00", "2026-10-24T21:00:00Z", "2026-10-25T06:00:00Z");
    quiet("", "2026-11-26T23:00:00Z", NULL);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(quiet_hours_parse(bad[i], &q, &err), -1);
}

static void mail_servers_are_named_without_users(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(smtp_url("smtp://mail.example.com", &err), 0);
    assert_int_equal(smtp_url("smtps://mail.example.com:465", &err), 0);
    assert_int_equal(smtp_url("smtp://", &err), -1);
    assert_int_equal(smtp_url("http://mail.example.com", &err), -1);
    assert_int_equal(smtp_url("smtp://user:pw@mail.example.com", &err), -1);
    assert_int_equal(smtp_url("smtp://mail.example.com\r\nX", &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_is_written_as_the_rfcs_say),
        cmocka_unit_test(nothing_can_begin_a_header),
        cmocka_unit_test(long_subjects_are_folded_between_characters),
        cmocka_unit_test(a_webhook_is_signed_as_described),
        cmocka_unit_test(zones_have_their_changes),
        cmocka_unit_test(quiet_hours_end_by_the_clock_on_the_wall),
        cmocka_unit_test(mail_servers_are_named_without_users),
    };

    if (sodium_init() == -1)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
