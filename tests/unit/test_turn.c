/* TURN: what of an answer goes to a browser, how long a credential may live, how many are made. */
#include "saga_world.h"

#include "cloudflare_turn.h"
#include "turn.h"

static char username[256];

static int servers(const char *text, struct buf *out)
{
    struct err err;

    buf_init(out, 4096);
    return cloudflare_rtc_servers(text, strlen(text), out, username, &err);
}

static void test_servers(void **state)
{
    static const struct {
        const char *in, *out;
    } good[] = {
        {"{\"iceServers\":[{\"urls\":[\"stun:s:3478\",\"stun:s:53\"]},{\"urls\":[\"turn:t:53?"
         "transport=udp\",\"turns:t:5349?transport=tcp\"],\"username\":\"u\",\"credential\":\"c\"}]"
         "}",
         "[{\"urls\":[\"stun:s:3478\"]},{\"urls\":[\"turns:t:5349?transport=tcp\"],\"username\":"
         "\"u\",\"credential\":\"c\"}]"},
        /* The older form, and one address that is no list. */
        {"{\"iceServers\":{\"urls\":\"turn:t:443\",\"username\":\"u\",\"credential\":\"c\"}}",
         "[{\"urls\":[\"turn:t:443\"],\"username\":\"u\",\"credential\":\"c\"}]"},
        /* A server of which nothing is left is left out. */
        {"{\"iceServers\":[{\"urls\":[\"stun:s:53\"]},{\"urls\":[\"turn:t:530\"],\"username\":"
         "\"u\",\"credential\":\"c\"}]}",
         "[{\"urls\":[\"turn:t:530\"],\"username\":\"u\",\"credential\":\"c\"}]"},
    };
    static const char *const bad[] = {"",
                                      "<html>",
                                      "{}",
                                      "{\"iceServers\":[]}",
                                      "{\"iceServers\":[{\"urls\":[\"stun:s:3478\"]}]}",
                                      "{\"iceServers\":7}"};
    struct buf out;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(servers(good[i].in, &out), 0);
        assert_string_equal(buf_string(&out), good[i].out);
        assert_string_equal(username, "u");
        buf_free(&out);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(servers(bad[i], &out), -1);
        buf_free(&out);
    }
}

static void test_ttl(void **state)
{
    static const struct {
        const char *text;
        uint32_t seconds;
    } good[] = {{"60", 60},   {"60s", 60},     {"1m", 60},     {"90m", 5400},
                {"1h", 3600}, {"48h", 172800}, {"2d", 172800}, {"172800", 172800}};
    static const char *const bad[] = {
        "",  "0",  "59", "59s", "49h", "3d",  "172801",
        "h", "1x", "-1", "1 h", "01h", "1hh", "99999999999999999999d"};
    struct err err;
    uint32_t s;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(turn_ttl(good[i].text, &s, &err), 0);
        assert_int_equal(s, good[i].seconds);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(turn_ttl(bad[i], &s, &err), -1);
        assert_string_equal(err.field, "ttl");
    }
}

static void test_gate(void **state)
{
    struct box *b = *state;
    char key[ID_SIZE];
    uint32_t wait_s;

    for (int i = 0; i < 5; i++)
        assert_int_equal(outside_gate(b->outside, "turn_a", 5), 0);
    wait_s = outside_gate(b->outside, "turn_a", 5);
    assert_true(wait_s > 0 && wait_s <= 60);
    assert_int_equal(outside_gate(b->outside, "turn_b", 5), 0); /* each its own */
    assert_true(outside_gate(b->outside, "turn_a", 5) > 0);
    for (int i = 0; i < 2 * OUTSIDE_GATES; i++) { /* more keys than there are places */
        (void)str_format(key, sizeof key, "turn_%d", i);
        assert_int_equal(outside_gate(b->outside, key, 5), 0);
    }
}

struct made {
    struct turn_key key, other;
};

static int make(struct txn *txn, void *arg, struct err *err)
{
    struct made *m = arg;

    memset(m, 0, sizeof *m);
    (void)str_copy(m->key.owner, sizeof m->key.owner, TURN_BOX);
    if (turn_new(txn, &m->key, "box-1", err) == -1)
        return -1;
    m->other = m->key;
    assert_int_equal(turn_new(txn, &m->other, "box-1", err), -1); /* one for each owner */
    assert_string_equal(err->code, "turn_exists");
    err_clear(err);
    assert_int_equal(turn_find(txn, "tn_x", &m->other, err), 0);
    assert_int_equal(turn_move(txn, &m->key, TURN_DELETED, NULL, err), 0);
    assert_true(m->key.deleted_at > 0);
    assert_int_equal(turn_find(txn, TURN_BOX, &m->other, err), 0);
    return 0;
}

/* What a customer gives as a user name becomes a part of a path. */
static void test_revoke(void **state)
{
    const struct cloudflare_rtc rtc = {
        .api = "https://127.0.0.1:1", .ca_file = "", .uid = "uid", .key = "key"};
    static const char *const bad[] = {"", ".", "..", "..."};
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        err_clear(&err);
        assert_int_equal(cloudflare_rtc_revoke(&rtc, bad[i], &err), -1);
        assert_string_equal(err.code, "username_invalid");
    }
}

static void test_keys(void **state)
{
    struct box *b = *state;
    struct err err = {0};
    struct made m;

    if (db_write(b->context.db, make, &m, &err) == -1)
        fail_msg("%s", err.text);
    assert_true(str_starts(m.key.mark, "sett box-1 turn_"));
}

static int set_up(void **state)
{
    *state = box_new();
    return 0;
}

static int tear_down(void **state)
{
    box_end(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_servers),
        cmocka_unit_test(test_ttl),
        cmocka_unit_test(test_revoke),
        cmocka_unit_test_setup_teardown(test_gate, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_keys, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
