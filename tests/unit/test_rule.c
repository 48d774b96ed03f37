/* Rules of a tunnel: where a new one goes, what is refused, what they mean together with the
 * tunnel's own route, and how a configuration longer than a record is kept. */
#include "domain_world.h"

#include "rule.h"

static struct world *w;

static int tear_down(void **state)
{
    (void)state;
    world_end(w);
    return 0;
}

/* What a test changes: run against the tunnel as it is stored. */
struct act {
    struct tunnel tunnel;
    struct rule rule;
    struct job job;
    uint32_t place;
};

static int make_tunnel(struct txn *txn, void *arg, struct err *err)
{
    struct act *a = arg;

    if (tunnel_new(txn, &a->tunnel, err) == -1)
        return -1;
    return tunnel_move(txn, &a->tunnel, TUNNEL_ACTIVE, "", err);
}

static int load(struct txn *txn, struct act *a, struct err *err)
{
    return record_get(txn, &tunnel_table, &a->tunnel, err) == 1 ? 0 : -1;
}

static int add(struct txn *txn, void *arg, struct err *err)
{
    struct act *a = arg;

    memset(&a->job, 0, sizeof a->job);
    return load(txn, a, err) == -1 || rule_check(&a->rule, err) == -1 ||
                   rule_new(txn, &a->tunnel, &a->rule, a->place, err) == -1
               ? -1
               : rule_changed(txn, &a->tunnel, &a->job, err);
}

static int shift(struct txn *txn, void *arg, struct err *err)
{
    struct act *a = arg;

    return load(txn, a, err) == -1 || rule_move(txn, &a->tunnel, &a->rule, a->place, err) == -1
               ? -1
               : tunnel_put(txn, &a->tunnel, err);
}

static int drop(struct txn *txn, void *arg, struct err *err)
{
    struct act *a = arg;

    return rule_delete_all(txn, a->tunnel.id, err);
}

static struct act *begin(const char *hostname)
{
    static struct act a;

    w = world_new();
    memset(&a, 0, sizeof a);
    (void)str_copy(a.tunnel.hostname, sizeof a.tunnel.hostname, hostname);
    (void)str_copy(a.tunnel.service, sizeof a.tunnel.service, "http://127.0.0.1:3100");
    (void)str_copy(a.tunnel.ingress, sizeof a.tunnel.ingress, "cloudflare");
    must_write(w, make_tunnel, &a);
    a.place = RULE_PLACE_END;
    return &a;
}

static void say(struct act *a, const char *hostname, const char *path, const char *service)
{
    memset(&a->rule, 0, sizeof a->rule);
    (void)str_copy(a->rule.is.hostname, sizeof a->rule.is.hostname, hostname);
    (void)str_copy(a->rule.is.path, sizeof a->rule.is.path, path);
    (void)str_copy(a->rule.is.service, sizeof a->rule.is.service, service);
}

/* "host path>service " of all that is to be configured. */
static const char *meaning(struct act *a, bool maintenance)
{
    static char out[2000];
    struct cloudflared_config config = {0};
    struct rule_list list;
    struct txn *txn = must_read(w);
    struct err err = {0};
    size_t len = 0;

    assert_int_equal(load(txn, a, &err), 0);
    assert_int_equal(rule_list(txn, &a->tunnel, &list, &err), 0);
    assert_int_equal(rule_config(&list, &a->tunnel, maintenance, &config, &err), 0);
    assert_int_equal(cloudflared_check(&config, &err), 0);
    for (uint32_t i = 0; i < config.count; i++, len += strlen(out + len))
        assert_int_equal(str_format(out + len, sizeof out - len, "%s%s>%s ",
                                    config.rules[i].hostname, config.rules[i].path,
                                    strrchr(config.rules[i].service, ':') + 1),
                         0);
    rule_list_free(&list);
    cloudflared_free(&config);
    db_read_end(txn);
    return out;
}

static void test_order(void **state)
{
    struct act *a = begin("acme.example.com");
    struct rule ws;

    (void)state;
    assert_string_equal(meaning(a, false), "acme.example.com>3100 >404 ");
    say(a, "b.example.com", "", "http://127.0.0.1:2");
    must_write(w, add, a);
    assert_string_equal(a->job.saga, "tunnel.configure");
    assert_true(str_starts(a->job.subjects[0], "tunnel:tun_"));
    /* a path of the tunnel's own host name would be met in vain behind the own route */
    say(a, "acme.example.com", "^/ws", "https://127.0.0.1:8089");
    must_write(w, add, a);
    assert_string_equal(a->job.saga, "tunnel.configure"); /* the one that holds it already */
    ws = a->rule;
    assert_string_equal(meaning(a, false),
                        "acme.example.com^/ws>8089 acme.example.com>3100 b.example.com>2 >404 ");
    say(a, "*.example.com", "", "");
    must_write(w, add, a);
    say(a, "c.example.com", "", "tcp://127.0.0.1:22");
    must_write(w, add, a);
    assert_string_equal(meaning(a, false),
                        "acme.example.com^/ws>8089 acme.example.com>3100 b.example.com>2 "
                        "c.example.com>22 *.example.com>3100 >404 ");
    assert_int_equal(a->tunnel.rules_wanted, 4);
    /* what leads to the tenant's program is answered by the page; the rest goes on */
    assert_string_equal(meaning(a, true),
                        "acme.example.com^/ws>8089 acme.example.com>503 b.example.com>2 "
                        "c.example.com>22 *.example.com>503 >404 ");
    a->rule = ws;
    a->place = 3;
    must_write(w, shift, a);
    assert_string_equal(meaning(a, false),
                        "acme.example.com>3100 b.example.com>2 acme.example.com^/ws>8089 "
                        "c.example.com>22 *.example.com>3100 >404 ");
    a->place = 1;
    must_write(w, shift, a);
    a->place = 99;
    must_write(w, shift, a);
    assert_string_equal(meaning(a, false), "acme.example.com>3100 b.example.com>2 c.example.com>22 "
                                           "*.example.com>3100 acme.example.com^/ws>8089 >404 ");
    a->place = 1;
    say(a, "first.example.com", "", "http_status:418");
    must_write(w, add, a);
    assert_true(str_starts(meaning(a, false), "first.example.com>418 acme.example.com>3100 "));
    must_write(w, drop, a);
    assert_string_equal(meaning(a, false), "acme.example.com>3100 >404 ");
    world_sound(w);
}

static void test_refused(void **state)
{
    static const struct {
        const char *hostname, *path, *service, *code;
    } bad[] = {
        {"acme.example.com", "", "http://127.0.0.1:1", "rule_exists"},
        {"", "", "http://127.0.0.1:1", "required"},
        {"a.example.com", "(", "http://127.0.0.1:1", "bad_regex"},
        {"a.example.com:80", "", "http://127.0.0.1:1", "bad_hostname"},
        {"a.*.example.com", "", "http://127.0.0.1:1", "bad_hostname"},
        {"*example.com", "", "http://127.0.0.1:1", "bad_hostname"},
        {"a..example.com", "", "http://127.0.0.1:1", "bad_hostname"},
        {"a.example.com", "", "localhost:1", "bad_service"},
        {"a.example.com", "", "http://127.0.0.1:1/", "bad_service"},
        {"a.example.com", "", "ftp://127.0.0.1:1", "bad_scheme"},
        {"a.example.com", "", "http_status:99", "bad_service"},
    };
    static const char *const good[] = {
        "unix:/run/a.sock", "unix+tls:/run/a.sock", "http_status:204",  "hello_world",
        "bastion",          "socks-proxy",          "wss://[::1]:8089", "rdp://10.0.0.1:3389",
        "smb://nas:445",    "ssh://localhost:22"};
    struct act *a = begin("acme.example.com");

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        say(a, bad[i].hostname, bad[i].path, bad[i].service);
        refuse_write(w, add, a, bad[i].code);
    }
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char host[64];
        (void)str_format(host, sizeof host, "h%zu.example.com", i);
        say(a, host, "", good[i]);
        must_write(w, add, a);
    }
    say(a, "h0.example.com", "", "hello_world");
    refuse_write(w, add, a, "rule_exists");
    world_sound(w);
}

struct text {
    struct act *a;
    struct buf *text;
};

static int keep(struct txn *txn, void *arg, struct err *err)
{
    struct text *t = arg;

    return rule_text_keep(txn, t->a->tunnel.id, RULE_TEXT_SENT, buf_string(t->text), t->text->len,
                          err);
}

static void test_text(void **state)
{
    struct act *a = begin("acme.example.com");
    struct buf out, back;
    struct text t = {a, &out};
    struct err err = {0};

    (void)state;
    buf_init(&out, CLOUDFLARED_TEXT_MAX);
    buf_init(&back, CLOUDFLARED_TEXT_MAX);
    for (int round = 0; round < 2; round++) { /* the second, shorter one leaves nothing behind */
        struct txn *txn;
        buf_reset(&out);
        buf_reset(&back);
        for (int i = 0; i < (round == 0 ? 20000 : 9); i++)
            (void)buf_text(&out, "bücher ");
        must_write(w, keep, &t);
        txn = must_read(w);
        assert_int_equal(rule_text_read(txn, a->tunnel.id, RULE_TEXT_SENT, &back, &err), 0);
        assert_string_equal(buf_string(&back), buf_string(&out));
        db_read_end(txn);
    }
    buf_free(&out);
    buf_free(&back);
    world_sound(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_order, tear_down),
        cmocka_unit_test_teardown(test_refused, tear_down),
        cmocka_unit_test_teardown(test_text, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
