/* Questions to a name server of our own that says what it is told, and can misbehave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>

#include "canned.h"
#include "clock.h"
#include "dns.h"

static struct canned nameserver;
static char server[64];
static struct dns_answer answer;

#define COMMAND(text) (char *)(uintptr_t)(text)

static int setup(void **state)
{
    char line[32];
    char *argv[] = {
        COMMAND("python3"),
        COMMAND("tests/fake/nameserver.py"),
        COMMAND("0"),
        COMMAND("set shop.example A 192.0.2.1 192.0.2.2"),
        COMMAND("set shop.example AAAA 2001:db8::1"),
        COMMAND("set www.shop.example CNAME Shop.Example."),
        COMMAND("set alias.example CNAME www.shop.example"),
        COMMAND("set shop.example NS ADA.ns.cloudflare.com bob.ns.cloudflare.com"),
        COMMAND("set _sett-challenge.shop.example TXT sett-challenge=abc 'v=spf1 -all'"),
        COMMAND("set many.example A 192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 "
                "192.0.2.7 192.0.2.8 192.0.2.9 192.0.2.10 192.0.2.11 192.0.2.12 192.0.2.13 "
                "192.0.2.14 192.0.2.15 192.0.2.16 192.0.2.17"),
        COMMAND("set cut.example A 192.0.2.9"),
        COMMAND("fault cut.example cut"),
        COMMAND("set silent.example A 192.0.2.9"),
        COMMAND("fault silent.example silent"),
        COMMAND("set failing.example A 192.0.2.9"),
        COMMAND("fault failing.example servfail"),
        COMMAND("set refusing.example A 192.0.2.9"),
        COMMAND("fault refusing.example refused"),
        COMMAND("set garbage.example A 192.0.2.9"),
        COMMAND("fault garbage.example garbage"),
        COMMAND("set forged.example A 192.0.2.9"),
        COMMAND("fault forged.example wrong-id"),
        NULL};

    (void)state;
    if (canned_spawn(&nameserver, argv, line, sizeof line) == -1)
        return -1;
    return str_format(server, sizeof server, "127.0.0.1:%s", str_trim(line));
}

static int teardown(void **state)
{
    int status;

    (void)state;
    (void)close(nameserver.input);
    (void)waitpid(nameserver.pid, &status, 0);
    return 0;
}

static int ask(const char *name, enum dns_type type)
{
    struct err err;

    return dns_ask(server, name, type, &answer, &err) == 0 ? 0 : (int)err.kind;
}

static void test_types(void **state)
{
    (void)state;
    assert_int_equal(ask("shop.example", DNS_A), 0);
    assert_int_equal(answer.found, DNS_RECORDS);
    assert_int_equal(answer.count, 2);
    assert_string_equal(answer.values[0], "192.0.2.1");
    assert_string_equal(answer.values[1], "192.0.2.2");
    assert_int_equal(answer.ttl, 60);
    assert_string_equal(answer.alias, "");
    assert_int_equal(ask("SHOP.example.", DNS_AAAA), 0);
    assert_string_equal(answer.values[0], "2001:db8::1");
    assert_int_equal(ask("shop.example", DNS_NS), 0);
    assert_true(dns_has(&answer, "ada.ns.cloudflare.com") &&
                dns_has(&answer, "BOB.ns.cloudflare.com"));
    assert_false(dns_has(&answer, "eve.ns.cloudflare.com"));
    assert_int_equal(ask("_sett-challenge.shop.example", DNS_TXT), 0);
    assert_string_equal(answer.values[0], "sett-challenge=abc");
    assert_string_equal(answer.values[1], "v=spf1 -all");
}

/* A resolver follows aliases; where they lead is told beside what was asked for. */
static void test_aliases(void **state)
{
    (void)state;
    assert_int_equal(ask("www.shop.example", DNS_CNAME), 0);
    assert_string_equal(answer.values[0], "shop.example");
    assert_int_equal(ask("alias.example", DNS_A), 0);
    assert_int_equal(answer.count, 2);
    assert_string_equal(answer.alias, "shop.example");
}

static void test_nothing(void **state)
{
    (void)state;
    assert_int_equal(ask("shop.example", DNS_TXT), 0);
    assert_int_equal(answer.found, DNS_NONE);
    assert_int_equal(ask("nowhere.example", DNS_A), 0);
    assert_int_equal(answer.found, DNS_NO_NAME);
    assert_int_equal(answer.count, 0);
}

static void test_large(void **state)
{
    (void)state;
    assert_int_equal(ask("many.example", DNS_A), 0);
    assert_int_equal(answer.count, DNS_VALUES_MAX);
    assert_true(answer.more);
    /* Cut over UDP: asked again over TCP. */
    assert_int_equal(ask("cut.example", DNS_A), 0);
    assert_string_equal(answer.values[0], "192.0.2.9");
}

static void test_trouble(void **state)
{
    int64_t begun = clock_mono_ms();

    (void)state;
    assert_int_equal(ask("failing.example", DNS_A), ERR_NETWORK);
    assert_int_equal(ask("refusing.example", DNS_A), ERR_NETWORK);
    assert_true(clock_mono_ms() - begun < 1000);
    /* Nonsense and answers with another id are no answers. */
    assert_int_not_equal(ask("garbage.example", DNS_A), 0);
    assert_int_equal(ask("forged.example", DNS_A), ERR_TIMEOUT);
    begun = clock_mono_ms();
    assert_int_equal(ask("silent.example", DNS_A), ERR_TIMEOUT);
    assert_true(clock_mono_ms() - begun < 2 * DNS_TIMEOUT_MS);
}

static void test_names(void **state)
{
    static const char *const bad[] = {"",           ".",          ".example", "a..b", "a b.example",
                                      "münchen.de", "a/b.example"};
    char label[80] = {0};

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(ask(bad[i], DNS_A), ERR_INVALID);
    memset(label, 'a', 64);
    assert_int_equal(ask(label, DNS_A), ERR_INVALID);
}

static void test_server(void **state)
{
    static const char *const bad[] = {
        "",     "localhost", "192.0.2", "192.0.2.1:",     "192.0.2.1:0", "192.0.2.1:65536",
        "[::1", "[::1]53",   "::1:",    "[192.0.2.1]:53", "192.0.2.1 "};
    struct sockaddr_storage a;
    const struct sockaddr_in *v4 = (const void *)&a;
    const struct sockaddr_in6 *v6 = (const void *)&a;
    struct err err;

    (void)state;
    assert_int_equal(dns_server_parse("192.0.2.1", &a, &err), 0);
    assert_int_equal(a.ss_family, AF_INET);
    assert_int_equal(ntohs(v4->sin_port), 53);
    assert_int_equal(dns_server_parse("192.0.2.1:5353", &a, &err), 0);
    assert_int_equal(ntohs(v4->sin_port), 5353);
    assert_int_equal(dns_server_parse("2001:db8::1", &a, &err), 0);
    assert_int_equal(a.ss_family, AF_INET6);
    assert_int_equal(dns_server_parse("[2001:db8::1]:5353", &a, &err), 0);
    assert_int_equal(ntohs(v6->sin6_port), 5353);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(dns_server_parse(bad[i], &a, &err), -1);
        assert_string_equal(err.code, "dns_server");
    }
    assert_int_equal(dns_ask("nonsense", "shop.example", DNS_A, &answer, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    /* Nobody listens there: told at once. */
    assert_int_equal(dns_ask("127.0.0.1:9", "shop.example", DNS_A, &answer, &err), -1);
    assert_int_equal(err.kind, ERR_TIMEOUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),   cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_nothing), cmocka_unit_test(test_large),
        cmocka_unit_test(test_trouble), cmocka_unit_test(test_names),
        cmocka_unit_test(test_server),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
