/*
 * Access and rate limits before a tenant's door, against the stateful fake: who comes in, what of
 * others stays, what a plan has, and every fault of the provider at every call.
 */
#include "cloudflare_world.h"

#include "cloudflare_limit.h"
#include "guard_cloudflare.h"

#define MARK "sett box_test tn_7"

static void access_init(struct guard_access *a)
{
    memset(a, 0, sizeof *a);
    (void)str_copy(a->mark, sizeof a->mark, MARK);
    (void)str_format(a->hosts, sizeof a->hosts, "acme.%s,shop.%s", domain, domain);
    (void)str_copy(a->emails, sizeof a->emails, "ann@example.com,bob@example.com");
    (void)str_copy(a->domains, sizeof a->domains, "example.org");
}

static void limit_init(struct guard_limit *l)
{
    memset(l, 0, sizeof *l);
    (void)str_copy(l->mark, sizeof l->mark, MARK);
    (void)str_format(l->hosts, sizeof l->hosts, "acme.%s", domain);
    l->requests = 100;
    l->period_s = 10;
    l->block_s = 10;
}

/* What a visitor of acme meets: "none" when nothing stands there. */
static void assert_verdict(const char *address, const char *email, const char *expected)
{
    char body[300];
    struct cJSON *said;

    (void)str_format(body, sizeof body,
                     "{\"host\":\"acme.%s\",\"address\":\"%s\",\"email\":\"%s\"}", domain, address,
                     email);
    said = tell("verdict", body);
    assert_string_equal(json_text(said, "verdict", "none"), expected);
    json_free(said);
}

static int count_of(const char *what)
{
    struct cJSON *state = tell("state", NULL);
    int size = json_size(state, what);

    json_free(state);
    return size;
}

enum verb { CHECK, MAKE, UNDO };

/* Asked until it answers something else than AGAIN. */
static enum outcome access_drive(enum verb verb, const struct guard_access *a, struct err *err)
{
    enum outcome outcome = OUTCOME_AGAIN;
    struct kv facts;

    for (int i = 0; i < 8 && outcome == OUTCOME_AGAIN; i++) {
        kv_clear(&facts);
        err_clear(err);
        outcome = verb == CHECK  ? guard_access_check(&cf, a, &facts, err)
                  : verb == MAKE ? guard_access_make(&cf, a, &facts, err)
                                 : guard_access_undo(&cf, a, err);
        if (outcome == OUTCOME_AGAIN && err->kind == ERR_RATE)
            clock_sleep_ms(1100);
    }
    if (outcome == OUTCOME_OK && verb != UNDO)
        assert_int_equal(strlen(kv_get_or(&facts, "access_aud", "")), 64);
    return outcome;
}

static enum outcome limit_drive(enum verb verb, const struct guard_limit *l, struct err *err)
{
    enum outcome outcome = OUTCOME_AGAIN;

    for (int i = 0; i < 8 && outcome == OUTCOME_AGAIN; i++) {
        err_clear(err);
        outcome = verb == CHECK  ? guard_limit_check(&cf, l, err)
                  : verb == MAKE ? guard_limit_make(&cf, l, err)
                                 : guard_limit_undo(&cf, l->mark, err);
        if (outcome == OUTCOME_AGAIN && err->kind == ERR_RATE)
            clock_sleep_ms(1100);
    }
    return outcome;
}

#define expect_access(outcome_, verb_, a_)                                                         \
    do {                                                                                           \
        struct err why;                                                                            \
        if (access_drive(verb_, a_, &why) != (outcome_))                                           \
            fail_msg("%s: %s", why.code, why.text);                                                \
    } while (0)
#define expect_limit(outcome_, verb_, l_)                                                          \
    do {                                                                                           \
        struct err why;                                                                            \
        if (limit_drive(verb_, l_, &why) != (outcome_))                                            \
            fail_msg("%s: %s", why.code, why.text);                                                \
    } while (0)

static void test_access_life(void **state)
{
    struct guard_access a;

    (void)state;
    world_begin();
    access_init(&a);
    assert_verdict("203.0.113.9", "", "none");
    expect_access(OUTCOME_ABSENT, CHECK, &a);
    expect_access(OUTCOME_OK, MAKE, &a);
    expect_access(OUTCOME_OK, CHECK, &a);
    assert_int_equal(count_of("apps"), 2);
    assert_verdict("203.0.113.9", "", "login");
    assert_verdict("203.0.113.9", "ann@example.com", "allow");
    assert_verdict("203.0.113.9", "eve@example.com", "deny");
    assert_verdict("203.0.113.9", "carl@example.org", "allow");

    /* Another wish: the check says so, and the old policies go. */
    (void)str_copy(a.emails, sizeof a.emails, "eve@example.com");
    expect_access(OUTCOME_ABSENT, CHECK, &a);
    expect_access(OUTCOME_OK, MAKE, &a);
    assert_verdict("203.0.113.9", "ann@example.com", "deny");
    assert_verdict("203.0.113.9", "eve@example.com", "allow");

    /* One host name's goes alone, then all that carries the mark. */
    (void)str_format(a.hosts, sizeof a.hosts, "shop.%s", domain);
    expect_access(OUTCOME_OK, UNDO, &a);
    assert_int_equal(count_of("apps"), 1);
    a.hosts[0] = '\0';
    expect_access(OUTCOME_OK, UNDO, &a);
    assert_int_equal(count_of("apps"), 0);
    world_end();
}

static void test_access_addresses(void **state)
{
    struct guard_access a;

    (void)state;
    world_begin();
    access_init(&a);
    a.emails[0] = a.domains[0] = '\0';
    (void)str_copy(a.ips, sizeof a.ips, "198.51.100.0/24,2001:db8::/32");
    expect_access(OUTCOME_OK, MAKE, &a);
    assert_verdict("198.51.100.7", "", "allow");
    assert_verdict("2001:db8::7", "", "allow");
    assert_verdict("203.0.113.9", "ann@example.com", "deny");

    /* From such an address, and signed in besides. */
    a.login = true;
    expect_access(OUTCOME_OK, MAKE, &a);
    assert_verdict("198.51.100.7", "", "login");
    assert_verdict("198.51.100.7", "anybody@example.net", "allow");
    assert_verdict("203.0.113.9", "anybody@example.net", "deny");

    /* From such an address, or signed in. */
    a.ips_suffice = true;
    expect_access(OUTCOME_OK, MAKE, &a);
    assert_verdict("198.51.100.7", "", "allow");
    assert_verdict("203.0.113.9", "", "login");
    assert_verdict("203.0.113.9", "anybody@example.net", "allow");
    a.hosts[0] = '\0';
    expect_access(OUTCOME_OK, UNDO, &a);
    world_end();
}

static void test_access_foreign(void **state)
{
    struct guard_access a, other;
    char body[500];
    struct err err;

    (void)state;
    world_begin();
    access_init(&a);
    (void)str_format(body, sizeof body,
                     "{\"method\":\"POST\",\"path\":\"accounts/%s/access/apps\",\"body\":{\"name\":"
                     "\"Their wiki\",\"type\":\"self_hosted\",\"domain\":\"shop.%s\"}}",
                     account, domain);
    json_free(tell("provider", body));
    assert_int_equal(access_drive(MAKE, &a, &err), OUTCOME_FAIL);
    assert_string_equal(err.code, "access_app_foreign");
    assert_non_null(strstr(err.text, "Their wiki"));
    expect_access(OUTCOME_ABSENT, CHECK, &a);
    expect_access(OUTCOME_OK, UNDO, &a);
    assert_int_equal(count_of("apps"), 1);

    /* Another tenant's mark that begins alike is another's. */
    (void)str_format(a.hosts, sizeof a.hosts, "acme.%s", domain);
    expect_access(OUTCOME_OK, MAKE, &a);
    access_init(&other);
    (void)str_copy(other.mark, sizeof other.mark, "x" MARK);
    other.hosts[0] = '\0';
    expect_access(OUTCOME_OK, UNDO, &other);
    assert_int_equal(count_of("apps"), 2);
    world_end();
}

static const char *const faults[] = {"refuse", "lose", "409", "429", "500", "garbage", "truncate"};

/* Each 429 costs a second, each lost deletion two. */
static int calls_of(size_t fault, int all)
{
    return strcmp(faults[fault], "429") == 0 ? 1 : all;
}

static const char *undo_fault(size_t fault, int call)
{
    return call == 1 && fault < 2 ? faults[fault] : "409";
}

/* Every fault at every call of what is made: it ends in what was wanted, once. */
static void test_access_faults(void **state)
{
    char plan[300];
    struct guard_access a;

    (void)state;
    for (size_t f = 0; f < sizeof faults / sizeof faults[0]; f++)
        for (int call = 1; call <= calls_of(f, 5); call++) {
            world_begin();
            access_init(&a);
            (void)str_format(a.hosts, sizeof a.hosts, "acme.%s", domain);
            (void)str_copy(a.ips, sizeof a.ips, "198.51.100.0/24");
            (void)str_format(
                plan, sizeof plan,
                "[{\"match\":\"* /accounts/*/access/*\",\"from\":%d,\"fault\":\"%s\"}]", call,
                faults[f]);
            json_free(tell("faults", plan));
            expect_access(OUTCOME_OK, MAKE, &a);
            expect_access(OUTCOME_OK, CHECK, &a);
            assert_int_equal(count_of("apps"), 1);
            assert_verdict("198.51.100.7", "ann@example.com", "allow");
            assert_verdict("203.0.113.9", "ann@example.com", "deny");
            (void)str_format(plan, sizeof plan,
                             "[{\"match\":\"DELETE /accounts/*/access/*\",\"fault\":\"%s\"}]",
                             undo_fault(f, call));
            json_free(tell("faults", plan));
            expect_access(OUTCOME_OK, UNDO, &a);
            assert_int_equal(count_of("apps"), 0);
            world_end();
        }
}

static void set_plan(const char *plan)
{
    char body[64];

    (void)str_format(body, sizeof body, "{\"plan\":\"%s\"}", plan);
    json_free(tell("cloudflare", body));
}

static void test_limit_life(void **state)
{
    struct cloudflare_limit have;
    struct guard_limit l;
    struct err err;
    uint32_t count;

    (void)state;
    world_begin();
    set_plan("pro");
    limit_init(&l);
    expect_limit(OUTCOME_ABSENT, CHECK, &l);
    expect_limit(OUTCOME_OK, MAKE, &l);
    expect_limit(OUTCOME_OK, CHECK, &l);
    assert_int_equal(cloudflare_limit_find(&cf, MARK, &have, &count, &err), 1);
    assert_string_equal(have.expression, "http.host in {\"acme.sett.test\"}");
    assert_int_equal(have.requests, 100);
    assert_int_equal(count, 1);

    l.requests = 50;
    (void)str_format(l.hosts, sizeof l.hosts, "acme.%s,shop.%s", domain, domain);
    expect_limit(OUTCOME_ABSENT, CHECK, &l);
    expect_limit(OUTCOME_OK, MAKE, &l);
    assert_int_equal(cloudflare_limit_find(&cf, MARK, &have, &count, &err), 1);
    assert_string_equal(have.expression, "http.host in {\"acme.sett.test\" \"shop.sett.test\"}");
    assert_int_equal(count, 1);
    expect_limit(OUTCOME_OK, UNDO, &l);
    expect_limit(OUTCOME_OK, UNDO, &l);
    assert_int_equal(count_of("limits"), 0);
    world_end();
}

static void test_limit_plans(void **state)
{
    struct guard_limit l, other;
    struct err err;

    (void)state;
    world_begin();
    limit_init(&l);
    assert_int_equal(limit_drive(MAKE, &l, &err), OUTCOME_FAIL);
    assert_string_equal(err.code, "limit_plan");
    assert_int_equal(err.kind, ERR_QUOTA);

    set_plan("pro");
    l.period_s = l.block_s = 120;
    assert_int_equal(limit_drive(MAKE, &l, &err), OUTCOME_FAIL);
    assert_string_equal(err.code, "limit_period");
    l.period_s = l.block_s = 60;
    expect_limit(OUTCOME_OK, MAKE, &l);
    other = l;
    (void)str_copy(other.mark, sizeof other.mark, "somebody else's rule");
    expect_limit(OUTCOME_OK, MAKE, &other);
    (void)str_copy(other.mark, sizeof other.mark, "a third");
    assert_int_equal(limit_drive(MAKE, &other, &err), OUTCOME_FAIL);
    assert_string_equal(err.code, "limit_rules");
    assert_non_null(strstr(err.text, "2 of the 2"));
    expect_limit(OUTCOME_OK, UNDO, &l);
    assert_int_equal(count_of("limits"), 1); /* the other's stays */
    world_end();
}

static void test_limit_faults(void **state)
{
    char plan[300];
    struct guard_limit l;

    (void)state;
    for (size_t f = 0; f < sizeof faults / sizeof faults[0]; f++)
        for (int call = 1; call <= calls_of(f, 3); call++) {
            world_begin();
            set_plan("business");
            limit_init(&l);
            (void)str_format(plan, sizeof plan,
                             "[{\"match\":\"* /zones/*\",\"from\":%d,\"fault\":\"%s\"}]", call,
                             faults[f]);
            json_free(tell("faults", plan));
            expect_limit(OUTCOME_OK, MAKE, &l);
            expect_limit(OUTCOME_OK, CHECK, &l);
            assert_int_equal(count_of("limits"), 1);
            (void)str_format(plan, sizeof plan,
                             "[{\"match\":\"DELETE /zones/*\",\"fault\":\"%s\"}]",
                             undo_fault(f, call));
            json_free(tell("faults", plan));
            expect_limit(OUTCOME_OK, UNDO, &l);
            assert_int_equal(count_of("limits"), 0);
            world_end();
        }
}

static void test_limit_hosts(void **state)
{
    char out[200];
    struct err err;

    (void)state;
    assert_int_equal(cloudflare_limit_expression("a.b", out, sizeof out, &err), 0);
    assert_string_equal(out, "http.host in {\"a.b\"}");
    assert_int_equal(cloudflare_limit_expression("", out, sizeof out, &err), -1);
    assert_int_equal(cloudflare_limit_expression("a\"} or {", out, sizeof out, &err), -1);
    assert_int_equal(cloudflare_limit_expression("a.b,c.d", out, 20, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_access_life),    cmocka_unit_test(test_access_addresses),
        cmocka_unit_test(test_access_foreign), cmocka_unit_test(test_access_faults),
        cmocka_unit_test(test_limit_life),     cmocka_unit_test(test_limit_plans),
        cmocka_unit_test(test_limit_faults),   cmocka_unit_test(test_limit_hosts),
    };

    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
