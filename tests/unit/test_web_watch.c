/* The worker asks for a web server's configuration that fits the settings: once for each change,
 * and for nothing where there is no web server of ours. */
#include "domain_world.h"

#include "setting.h"
#include "web_watch.h"

#define NOTE "[web]\nkind = nginx\nfor.box.url = http://localhost:4443\nfor.web.listen = *\n"

static struct world *w;
static struct saga_context context;
static struct web_watch watch;

static int set_up(void **state)
{
    (void)state;
    w = world_new();
    memset(&context, 0, sizeof context);
    memset(&watch, 0, sizeof watch);
    context.db = w->db;
    (void)str_format(context.paths.web_note, sizeof context.paths.web_note, "%s/server.conf",
                     w->folder);
    (void)str_format(context.paths.web_request, sizeof context.paths.web_request, "%s/request",
                     w->folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_end(w);
    return 0;
}

static void note(void)
{
    struct err err;

    assert_int_equal(file_write(context.paths.web_note, NOTE, strlen(NOTE), 0644, &err), 0);
}

struct change {
    const char *name, *value;
};

static int set(struct txn *txn, void *arg, struct err *err)
{
    const struct change *c = arg;

    return setting_set(txn, c->name, c->value, "test", err);
}

/* Whether it asks at that second, and has left a request then. */
static bool asks(int64_t second)
{
    struct err err = {0};
    int rc = web_watch_look(&watch, &context, second * 1000, &err);
    bool there = file_exists(context.paths.web_request);

    if (rc == -1)
        fail_msg("%s", err.text);
    (void)unlink(context.paths.web_request);
    assert_int_equal(rc, there);
    return there;
}

static void it_asks_once_for_each_change(void **state)
{
    struct change url = {"box.url", "https://box.example.org"},
                  listen = {"web.listen", "192.0.2.7"};

    (void)state;
    note();
    assert_false(asks(10));
    must_write(w, set, &url);
    assert_true(asks(20));
    assert_false(asks(30)); /* root does not take it, say: nothing else has changed */
    must_write(w, set, &listen);
    assert_true(asks(40));
    assert_false(asks(41)); /* it looks every few seconds only */
    assert_true(asks(40 + 3600));
    listen.value = "*";
    url.value = "http://localhost:4443";
    must_write(w, set, &url);
    must_write(w, set, &listen);
    assert_false(asks(40 + 7200)); /* as it was made for */
}

static void it_asks_nobody_where_the_web_server_is_not_ours(void **state)
{
    struct change url = {"box.url", "https://box.example.org"};

    (void)state;
    must_write(w, set, &url);
    assert_false(asks(10));
    note();
    assert_true(asks(11));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_asks_once_for_each_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_asks_nobody_where_the_web_server_is_not_ours, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
