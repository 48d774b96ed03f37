/* Who sent a request that came through proxies, and where on its host a box lives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "prefix.h"
#include "request.h"
#include "sender.h"
#include "site.h"
#include "str.h"

static void is_sent_by(const char *trusted, const char *peer, const char *forwarded,
                       const char *cloudflare, const char *who)
{
    char networks[SENDER_TRUSTED_SIZE], out[SENDER_ADDRESS_SIZE];
    struct err err;

    assert_int_equal(sender_trusted(trusted, networks, sizeof networks, &err), 0);
    sender_find(networks, peer, forwarded, cloudflare, out);
    assert_string_equal(out, who);
}

static void strangers_say_what_they_like(void **state)
{
    (void)state;
    is_sent_by("loopback", "203.0.113.9", "192.0.2.1", "192.0.2.2", "203.0.113.9");
    is_sent_by("", "127.0.0.1", "192.0.2.1", "", "127.0.0.1");
    is_sent_by("10.0.0.0/8", "::1", "192.0.2.1", "", "::1");
}

static void trusted_ones_are_believed(void **state)
{
    (void)state;
    is_sent_by("loopback", "127.0.0.1", "192.0.2.1", "", "192.0.2.1");
    is_sent_by("loopback", "::ffff:127.0.0.1", "2001:db8::7", "", "2001:db8::7");
    is_sent_by("loopback", "unix:", "192.0.2.1", "", "192.0.2.1");
    is_sent_by("loopback", "::1", "", "192.0.2.1", "192.0.2.1");
    is_sent_by("cloudflare", "2606:4700::1", "192.0.2.1", "", "192.0.2.1");
    is_sent_by("10.1.0.0/16, loopback", "10.1.2.3", "192.0.2.1:4711", "", "192.0.2.1");
    is_sent_by("loopback", "127.0.0.1", "[2001:db8::7]:80", "", "2001:db8::7");
}

static void only_what_a_trusted_one_added_counts(void **state)
{
    (void)state;
    is_sent_by("loopback", "127.0.0.1", "6.6.6.6, 192.0.2.1", "7.7.7.7", "192.0.2.1");
    is_sent_by("loopback 10.0.0.0/8", "127.0.0.1", "6.6.6.6,192.0.2.1, 10.0.0.4", "", "192.0.2.1");
    is_sent_by("loopback", "127.0.0.1", "6.6.6.6, unknown", "", "127.0.0.1");
    is_sent_by("loopback 10.0.0.0/8", "127.0.0.1", "6.6.6.6, <x>, 10.0.0.4", "", "10.0.0.4");
    is_sent_by("loopback", "127.0.0.1", "", "not an address", "127.0.0.1");
    is_sent_by("loopback", "127.0.0.1", ",", "", "127.0.0.1");
}

static void lists_are_checked(void **state)
{
    char networks[SENDER_TRUSTED_SIZE];
    struct err err;

    (void)state;
    assert_int_equal(sender_trusted("10.0.0.1/8", networks, sizeof networks, &err), -1);
    assert_int_equal(sender_trusted("everybody", networks, sizeof networks, &err), -1);
    assert_int_equal(sender_trusted(" \t,", networks, sizeof networks, &err), 0);
    assert_string_equal(networks, "");
    assert_int_equal(sender_trusted("cloudflare,loopback", networks, sizeof networks, &err), 0);
}

static void many_headers_leave_the_last(void **state)
{
    static struct request r;
    char longest[400];
    struct err err;
    const char *params[] = {"REQUEST_METHOD=GET",
                            "REQUEST_URI=/",
                            "HTTP_HOST=box.example",
                            "REMOTE_ADDR=127.0.0.1",
                            longest,
                            "HTTP_X_FORWARDED_FOR=192.0.2.1, 192.0.2.2",
                            "HTTP_X_FORWARDED_FOR=192.0.2.3",
                            NULL};

    (void)state;
    (void)str_copy(longest, sizeof longest, "HTTP_X_FORWARDED_FOR=");
    for (size_t at = strlen(longest); at < sizeof longest; at++)
        longest[at] = at + 1 == sizeof longest ? '\0' : at % 5 == 0 ? '\x01' : '9';
    assert_int_equal(request_parse(&r, params, &err), 0);
    assert_true(str_ends(r.forwarded, "9,192.0.2.1, 192.0.2.2,192.0.2.3"));
    assert_int_equal(strlen(r.forwarded), sizeof r.forwarded - 1);
    assert_null(strchr(r.forwarded, '\x01'));
}

static void paths_of_a_box(void **state)
{
    static const char *const bad[] = {
        "https://a/sett?x", "https://a/api",   "https://a/api/x", "https://a/a//b",
        "https://a/..",     "https://a/a/./b", "https://a/a%20b", "https://a/.well-known",
        "https://a/x#y",    "https://a/ä",     "https://a/x;",    "a"};
    char out[PREFIX_SIZE];
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(prefix_check(bad[i], &err), -1);
        prefix_of(bad[i], out);
        assert_string_equal(out, "");
    }
    prefix_of("https://a.example:8443/sett/", out);
    assert_string_equal(out, "/sett");
    prefix_of("https://a/x/y", out);
    assert_string_equal(out, "/x/y");
    prefix_of("https://a/apiary", out);
    assert_string_equal(out, "/apiary");
    prefix_of("http://a/", out);
    assert_string_equal(out, "");
    assert_int_equal(prefix_check("http://localhost:4443", &err), 0);
}

static void kept_or_stripped(void **state)
{
    static struct site s;
    static struct request r;

    (void)state;
    (void)str_copy(s.prefix, sizeof s.prefix, "/sett");
    const char *const pairs[][2] = {
        {"/sett/api/x", "/api/x"}, {"/api/x", "/api/x"}, {"/sett", "/"},
        {"/settle", "/settle"},    {"/sett/", "/"},      {"/sett/sett", "/sett"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        (void)str_copy(r.path, sizeof r.path, pairs[i][0]);
        site_take(&s, &r);
        assert_string_equal(r.path, pairs[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strangers_say_what_they_like),
        cmocka_unit_test(trusted_ones_are_believed),
        cmocka_unit_test(only_what_a_trusted_one_added_counts),
        cmocka_unit_test(lists_are_checked),
        cmocka_unit_test(many_headers_leave_the_last),
        cmocka_unit_test(paths_of_a_box),
        cmocka_unit_test(kept_or_stripped),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
