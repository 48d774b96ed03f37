/*
 * The proxmox runtime, called by itself, on a cluster that is played (tests/fake/world.py): the
 * questions that every runtime is asked (conformance.h), as far as they need no shell inside, and
 * what is its own: tasks that go on, locks, warnings, answers that are lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "canned.h"
#include "clock.h"
#include "http.h"
#include "json_in.h"
#include "runtime_proxmox.h"

static struct canned world;
static struct http_client *client;
static struct proxmox api;
static struct runtime runtime;
static struct blueprint blueprint;
static char base[64];
static unsigned last = 100;

/* Tell the world something; its answer is forgotten. */
static void tell(const char *what, const char *said)
{
    struct http_request r = {.profile = HTTP_PROVIDER, .method = "POST"};
    struct http_answer a;
    struct err err = {0};
    char url[160];

    (void)str_format(url, sizeof url, "%s/_world/%s", base, what);
    r.url = url;
    r.body = said;
    r.body_len = strlen(said);
    r.content_type = "application/json";
    http_answer_init(&a, 0);
    if (http_call(client, &r, &a, &err) == -1 || a.status != 200)
        fail_msg("%s: %s", what, err.text);
    http_answer_free(&a);
}

/* What the world says of the container: NULL there is none. To be freed. */
static char *told(const char *what)
{
    struct http_request r = {.profile = HTTP_PROVIDER, .method = "GET"};
    struct http_answer a;
    struct err err = {0};
    char url[160], *text;

    (void)str_format(url, sizeof url, "%s/_world/%s", base, what);
    r.url = url;
    http_answer_init(&a, 0);
    assert_int_equal(http_call(client, &r, &a, &err), 0);
    text = strdup(buf_string(&a.body));
    http_answer_free(&a);
    return text;
}

static bool there(const struct runtime_order *o, const char *words)
{
    char *all = told("pve"), key[24];
    struct cJSON *json;
    const struct cJSON *guest;
    bool yes;

    for (char *at = all; (at = strstr(at, "\\u0000")) != NULL;) /* an environment's */
        at[5] = '1';
    json = json_parse(all, strlen(all), &json_limits_provider, NULL);
    assert_non_null(json);
    (void)str_format(key, sizeof key, "%u", o->guest);
    guest = json_at(json, key);
    yes = guest != NULL && (words == NULL || str_equal(json_text(guest, "status", ""), words) ||
                            str_equal(json_text(guest, "config.hostname", ""), words));
    json_free(json);
    free(all);
    return yes;
}

static struct runtime_order order(void)
{
    struct runtime_order o = {.number = ++last, .guest = 5000 + last};

    (void)str_format(o.mark, sizeof o.mark, "sett-t%06u", last);
    (void)str_format(o.tenant_id, sizeof o.tenant_id, "tn_%026u", last);
    (void)str_copy(o.job_id, sizeof o.job_id, "job_x");
    (void)str_copy(o.box_id, sizeof o.box_id, "box_x");
    (void)str_copy(o.node, sizeof o.node, "pve1");
    (void)str_format(o.inside, sizeof o.inside, "127.9.%u.7/8", last);
    return o;
}

#define OK(call_)                                                                                  \
    do {                                                                                           \
        err_clear(&err);                                                                           \
        if ((call_) != 0)                                                                          \
            fail_msg("%s: %s (%s)", #call_, err.text, err.code);                                   \
    } while (0)
#define CREATE(o_) runtime.create(runtime.self, (o_), &blueprint, &status, &err)
#define START(o_)  runtime.start(runtime.self, (o_), &blueprint, &status, &err)
#define REMOVE(o_) runtime.remove(runtime.self, (o_), true, &err)

/* Asked again for as long as it says that it goes on. */
static int patiently(int (*verb)(struct runtime_order *o, struct err *err), struct runtime_order *o,
                     struct err *err)
{
    int64_t until = clock_mono_ms() + 10000;

    for (;;) {
        err_clear(err);
        if (verb(o, err) == 0)
            return 0;
        if ((err->kind != ERR_UNAVAILABLE && err->kind != ERR_TIMEOUT &&
             err->kind != ERR_NETWORK) ||
            clock_mono_ms() > until)
            return -1;
        clock_sleep_ms(30);
    }
}

static int create_verb(struct runtime_order *o, struct err *err)
{
    struct runtime_status status;

    return runtime.create(runtime.self, o, &blueprint, &status, err);
}

static int remove_verb(struct runtime_order *o, struct err *err)
{
    return runtime.remove(runtime.self, o, true, err);
}

static void absent(void **state)
{
    struct runtime_order o = order();
    struct runtime_status status;
    struct runtime_stats stats;
    struct err err;
    struct buf out;

    (void)state;
    OK(runtime.inspect(runtime.self, &o, &status, &err));
    assert_int_equal(status.state, RUNTIME_ABSENT);
    OK(runtime.stop(runtime.self, &o, &err));
    OK(REMOVE(&o));
    assert_int_equal(START(&o), -1);
    assert_string_equal(err.code, "guest_missing");
    assert_int_equal(runtime.stats(runtime.self, &o, &stats, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    buf_init(&out, 1000);
    assert_int_equal(runtime.logs(runtime.self, &o, 5, &out, &err), -1);
    buf_free(&out);
}

static void verbs_may_be_repeated(void **state)
{
    struct runtime_order o = order();
    struct runtime_status status;
    struct err err;

    (void)state;
    for (int i = 0; i < 2; i++) {
        OK(CREATE(&o));
        assert_int_equal(status.state, RUNTIME_STOPPED);
    }
    for (int i = 0; i < 2; i++) {
        OK(START(&o));
        assert_int_equal(status.state, RUNTIME_RUNNING);
        assert_true(str_ends(status.address, ".7:8080"));
        assert_string_equal(status.node, "pve1");
    }
    OK(CREATE(&o)); /* what runs goes on running */
    assert_int_equal(status.state, RUNTIME_RUNNING);
    OK(runtime.restart(runtime.self, &o, &blueprint, &status, &err));
    for (int i = 0; i < 2; i++)
        OK(runtime.stop(runtime.self, &o, &err));
    assert_true(there(&o, "stopped"));
    OK(runtime.remove(runtime.self, &o, false, &err)); /* its disk is its data */
    assert_true(there(&o, NULL));
    for (int i = 0; i < 2; i++)
        OK(REMOVE(&o));
    assert_false(there(&o, NULL));
}

static void foreign_is_refused_and_left(void **state)
{
    struct runtime_order o = order();
    struct runtime_status status;
    struct err err;
    char said[32];

    (void)state;
    (void)str_format(said, sizeof said, "{\"vmid\":%u}", o.guest);
    tell("pve-foreign", said);
    assert_int_equal(CREATE(&o), -1);
    assert_string_equal(err.code, "guest_foreign");
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_non_null(strstr(err.text, "theirs on pve1"));
    assert_int_equal(START(&o), -1);
    assert_int_equal(runtime.stop(runtime.self, &o, &err), -1);
    assert_int_equal(runtime.inspect(runtime.self, &o, &status, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    OK(REMOVE(&o)); /* ours is gone: its number is somebody else's */
    assert_true(there(&o, "theirs"));
}

/* An answer that was lost, a lock, a warning, an answer that is not the API's. */
static void goes_on_after_trouble(void **state)
{
    static const char *const faults[] = {"lose", "drop", "429", "500", "409", "garbage"};
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct runtime_order o = order();
        char plan[200];

        (void)str_format(plan, sizeof plan,
                         "[{\"match\":\"POST /nodes/*\",\"fault\":\"%s\"},{\"match\":\"DELETE "
                         "/nodes/*\",\"fault\":\"%s\"}]",
                         faults[i], faults[i]);
        tell("faults", plan);
        assert_int_equal(patiently(create_verb, &o, &err), 0);
        assert_true(there(&o, o.mark));
        assert_int_equal(patiently(remove_verb, &o, &err), 0);
        assert_false(there(&o, NULL));
    }
    tell("faults", "[]");
}

static void task_that_fails_says_why(void **state)
{
    struct runtime_order o = order();
    struct runtime_status status;
    struct err err;

    (void)state;
    tell("pve-plan", "{\"fail\":{\"vzcreate\":\"unable to create CT - no space left\"}}");
    assert_int_equal(CREATE(&o), -1);
    assert_string_equal(err.code, "proxmox_task_failed");
    assert_non_null(strstr(err.text, "no space left"));
    assert_false(there(&o, NULL));
    tell("pve-plan", "{\"warn\":true}"); /* warnings are success */
    OK(CREATE(&o));
    tell("pve-plan", "{\"warn\":false}");
    OK(REMOVE(&o));
}

/* Somebody moved it by hand: it is found where it is. */
static void is_found_elsewhere(void **state)
{
    struct runtime_order o = order();
    struct runtime_status status;
    struct err err;

    (void)state;
    OK(CREATE(&o));
    OK(runtime_proxmox_migrate(&runtime, &o, &blueprint, "pve2", &status, &err));
    OK(runtime_proxmox_migrate(&runtime, &o, &blueprint, "pve2", &status, &err));
    OK(runtime.inspect(runtime.self, &o, &status, &err)); /* the order says pve1 */
    assert_string_equal(status.node, "pve2");
    assert_int_equal(status.state, RUNTIME_RUNNING);
    OK(REMOVE(&o));
}

struct sought {
    uint64_t number;
    unsigned found, all;
};

static int seek(void *arg, const struct runtime_found *found, struct err *err)
{
    struct sought *s = arg;

    (void)err;
    s->all++;
    s->found += found->number == s->number && str_starts(found->tenant_id, "tn_") &&
                found->state == RUNTIME_STOPPED;
    return 0;
}

static void is_listed(void **state)
{
    struct runtime_order o = order(), other = order();
    struct sought sought = {.number = o.number};
    struct runtime_status status;
    struct err err;

    (void)state;
    OK(CREATE(&o));
    (void)str_copy(other.box_id, sizeof other.box_id, "box_y");
    OK(CREATE(&other));
    OK(runtime.list(runtime.self, "box_x", seek, &sought, &err));
    assert_int_equal(sought.found, 1);
    assert_int_equal(sought.all, 1); /* another box's are not ours */
    OK(REMOVE(&o));
    OK(REMOVE(&other));
}

static void says_what_it_cannot(void **state)
{
    struct runtime_order o = order();
    struct blueprint_command command = {.count = 1};
    struct err err;
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(runtime.exec(runtime.self, &o, &blueprint, &command, 5, &out, &err), -1);
    assert_string_equal(err.code, "exec_not_possible");
    assert_non_null(strstr(err.hint, "first boot"));
    buf_free(&out);
}

static void as_described(void **state)
{
    char *breaches = told("breaches");

    (void)state;
    assert_string_equal(breaches, "[]");
    free(breaches);
}

static int setup(void **state)
{
    struct runtime_proxmox_setup terms = {.api = &api, .storage = "local-lvm", .bridge = "vmbr0"};
    char *argv[] = {(char[]){"python3"}, (char[]){"tests/fake/world.py"}, world.folder, NULL};
    char line[1024];
    struct cJSON *facts;
    struct err err = {0};

    (void)state;
    if (canned_folder(&world) == -1 || canned_spawn(&world, argv, line, sizeof line) == -1 ||
        (facts = json_parse(line, strlen(str_trim(line)), &json_limits_api, &err)) == NULL)
        return -1;
    (void)str_format(base, sizeof base, "https://localhost:%u",
                     (unsigned)json_i64(facts, "port", 0));
    if (http_init(&err) == -1 || http_client_new(&client, &err) == -1 ||
        http_client_set_ca(client, json_text(facts, "ca", "")) == -1 ||
        proxmox_init(&api, base, json_text(facts, "pve_token_id", ""),
                     json_text(facts, "pve_token", ""), client, &err) == -1 ||
        runtime_proxmox_new(&runtime, &terms, &err) == -1)
        return -1;
    json_free(facts);
    (void)str_copy(blueprint.name, sizeof blueprint.name, "pve");
    (void)str_copy(blueprint.runtime, sizeof blueprint.runtime, "proxmox");
    (void)str_copy(blueprint.image, sizeof blueprint.image, "local:vztmpl/site_1_amd64.tar.zst");
    blueprint.inner_port = 8080;
    blueprint.limits.memory_bytes = 64u << 20;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    runtime_proxmox_free(&runtime);
    proxmox_free(&api);
    http_client_free(client);
    canned_stop(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent),
        cmocka_unit_test(verbs_may_be_repeated),
        cmocka_unit_test(foreign_is_refused_and_left),
        cmocka_unit_test(goes_on_after_trouble),
        cmocka_unit_test(task_that_fails_says_why),
        cmocka_unit_test(is_found_elsewhere),
        cmocka_unit_test(is_listed),
        cmocka_unit_test(says_what_it_cannot),
        cmocka_unit_test(as_described),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
