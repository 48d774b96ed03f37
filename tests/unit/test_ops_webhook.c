/* The webhook: signed bytes in one commit with their job, once; everything else is refused and
 * leaves one record at most. */
#include "ops_world.h"

#include "audit.h"
#include "clock.h"
#include "event.h"
#include "job.h"
#include "setting.h"
#include "stripe.h"

#define SECRET "whsec_test_of_the_box"

static void body_of(char *out, size_t size, const char *id, const char *version)
{
    (void)str_format(
        out, size,
        "{\"id\":\"%s\",\"object\":\"event\",\"api_version\":\"%s\",\"created\":1700000000,"
        "\"livemode\":false,\"type\":\"customer.subscription.updated\",\"data\":{\"object\":"
        "{\"id\":\"sub_1\",\"object\":\"subscription\",\"status\":\"active\","
        "\"customer\":\"cus_1\",\"created\":1700000000,\"metadata\":{}}}}",
        id, version);
}

static int deliver(struct ops_world *w, const char *body, const char *secret, int64_t age_s,
                   bool quiet)
{
    char header[STRIPE_SIGNATURE_SIZE];
    struct actor nobody = ops_actor(ROLE_PUBLIC);
    struct ops_extra extra = {.header = header, .quiet = quiet};

    stripe_signature_make(header, secret, clock_wall_ms() / 1000 - age_s, body, strlen(body));
    return ops_call(w, "stripe.webhook", &nobody, &extra, body);
}

static int open_world(void **state)
{
    struct ops_world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    ops_world_open(w);
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    ops_world_close(*state);
    free(*state);
    return 0;
}

static void without_a_secret_it_comes_again(void **state)
{
    struct ops_world *w = *state;
    char body[1024];

    body_of(body, sizeof body, "evt_1", "2026-07-29.dahlia");
    assert_int_equal(deliver(w, body, SECRET, 0, false), -503);
    assert_string_equal(w->err.code, "webhook_secret_missing");
}

static void an_event_is_stored_once(void **state)
{
    static const char *const versions[] = {"2020-08-27", "2025-02-24.acacia", "2025-03-31.basil",
                                           "2026-07-29.dahlia"};
    struct ops_world *w = *state;
    char body[1024], id[32];
    int64_t audits;

    ops_ok(w, 200, "secret.set", ROLE_ADMIN,
           "{\"name\":\"stripe.webhook_secret\",\"value\":\"" SECRET "\"}");
    for (size_t i = 0; i < 4; i++) {
        (void)str_format(id, sizeof id, "evt_%zu", i);
        body_of(body, sizeof body, id, versions[i]);
        audits = ops_count(w, &audit_table);
        assert_int_equal(deliver(w, body, SECRET, 0, false), 200);
        assert_false(json_bool(w->answer, "duplicate", true));
        assert_true(w->call.wake);
        assert_int_equal(ops_count(w, &event_table), i + 1);
        assert_int_equal(ops_count(w, &job_table), i + 1);
        assert_int_equal(ops_count(w, &audit_table), audits + 1);
        /* Again, with a new time as Stripe does it: known, and nothing else. */
        assert_int_equal(deliver(w, body, SECRET, 5, false), 200);
        assert_true(json_bool(w->answer, "duplicate", false));
        assert_int_equal(ops_count(w, &event_table), i + 1);
        assert_int_equal(ops_count(w, &job_table), i + 1);
        assert_int_equal(ops_count(w, &audit_table), audits + 1);
    }
    ops_ok(w, 200, "event.show", ROLE_OPERATOR, "{\"id\":\"evt_1\"}");
    assert_string_equal(ops_text(w, "api_version"), "2025-02-24.acacia");
    assert_string_equal(ops_text(w, "body.data.object.id"), "sub_1");
    ops_ok(w, 200, "event.list", ROLE_OPERATOR, "{\"state\":\"stored\",\"limit\":3}");
    assert_int_equal(json_size(w->answer, "data"), 3);
    ops_ok(w, 200, "audit.list", ROLE_ADMIN, "{\"limit\":1}");
    assert_string_equal(ops_text(w, "data[0].actor"), "stripe");
    assert_string_equal(ops_text(w, "data[0].actor_kind"), "webhook");
    assert_string_equal(ops_text(w, "data[0].object_id"), "evt_3");
    assert_true(str_starts(ops_text(w, "data[0].job_id"), "job_"));
    assert_int_equal(ops_do(w, "event.replay", ROLE_OPERATOR, "{\"id\":\"evt_1\"}"), -409);
}

static void old_and_new_secret_both_hold(void **state)
{
    struct ops_world *w = *state;
    char body[1024];

    ops_ok(w, 200, "secret.set", ROLE_ADMIN,
           "{\"name\":\"stripe.webhook_secret\",\"value\":\"" SECRET "\"}");
    ops_ok(w, 200, "secret.set", ROLE_ADMIN,
           "{\"name\":\"stripe.webhook_secret_previous\",\"value\":\"whsec_before\"}");
    body_of(body, sizeof body, "evt_a", "2026-07-29.dahlia");
    assert_int_equal(deliver(w, body, "whsec_before", 0, false), 200);
    ops_ok(w, 200, "secret.set", ROLE_ADMIN, "{\"name\":\"stripe.webhook_secret_previous\"}");
    body_of(body, sizeof body, "evt_b", "2026-07-29.dahlia");
    assert_int_equal(deliver(w, body, "whsec_before", 0, false), -400);
}

static void forgeries_are_refused(void **state)
{
    struct ops_world *w = *state;
    struct actor nobody = ops_actor(ROLE_PUBLIC);
    struct ops_extra extra = {0};
    char body[1024], header[STRIPE_SIGNATURE_SIZE];
    int64_t audits;

    ops_ok(w, 200, "secret.set", ROLE_ADMIN,
           "{\"name\":\"stripe.webhook_secret\",\"value\":\"" SECRET "\"}");
    audits = ops_count(w, &audit_table);
    body_of(body, sizeof body, "evt_x", "2026-07-29.dahlia");
    assert_int_equal(deliver(w, body, "whsec_wrong", 0, false), -400);
    assert_string_equal(w->err.code, "signature_wrong");
    assert_int_equal(ops_count(w, &audit_table), audits + 1);
    ops_ok(w, 200, "audit.list", ROLE_ADMIN, "{\"limit\":1}");
    assert_string_equal(ops_text(w, "data[0].result"), "malformed");
    assert_string_equal(ops_text(w, "data[0].actor"), "");
    /* The front has seen too many of them: refused all the same, without a word in the store. */
    assert_int_equal(deliver(w, body, "whsec_wrong", 0, true), -400);
    assert_int_equal(deliver(w, body, SECRET, 301, true), -400);
    assert_string_equal(w->err.code, "signature_stale");
    assert_int_equal(deliver(w, body, SECRET, -400, true), -400);
    assert_int_equal(ops_call(w, "stripe.webhook", &nobody, &extra, body), -400);
    extra.quiet = true;
    assert_int_equal(ops_count(w, &audit_table), audits + 2);
    /* One bit of the body, under a signature that was right. */
    stripe_signature_make(header, SECRET, clock_wall_ms() / 1000, body, strlen(body));
    extra.header = header;
    for (size_t i = 0; i < strlen(body); i++) {
        body[i] = (char)(body[i] ^ 1);
        assert_int_equal(ops_call(w, "stripe.webhook", &nobody, &extra, body), -400);
        body[i] = (char)(body[i] ^ 1);
    }
    /* Signed, and not an event. */
    assert_int_equal(deliver(w, "{\"id\":\"evt_x\",\"id\":\"evt_y\"}", SECRET, 0, true), -400);
    assert_int_equal(deliver(w, "[]", SECRET, 0, true), -400);
    assert_int_equal(deliver(w, "{\"id\":\"ch_1\",\"object\":\"charge\"}", SECRET, 0, true), -400);
    assert_int_equal(ops_count(w, &event_table), 0);
    assert_int_equal(ops_count(w, &job_table), 0);
    assert_int_equal(ops_count(w, &audit_table), audits + 2);
}

static void secrets_do_not_come_back(void **state)
{
    struct ops_world *w = *state;
    struct actor admin = ops_actor(ROLE_ADMIN);

    ops_ok(w, 200, "secret.set", ROLE_ADMIN,
           "{\"name\":\"stripe.secret_key\",\"value\":\"sk_canary_5c3\"}");
    assert_null(strstr(buf_string(&w->out), "canary"));
    assert_true(json_bool(w->answer, "set", false));
    ops_ok(w, 200, "secret.list", ROLE_ADMIN, "{}");
    assert_null(strstr(buf_string(&w->out), "canary"));
    ops_ok(w, 200, "audit.list", ROLE_ADMIN, "{}");
    assert_null(strstr(buf_string(&w->out), "canary"));
    ops_no(w, 404, "secret_not_found", "secret.set", ROLE_ADMIN,
           "{\"name\":\"my.own\",\"value\":\"x\"}");
    (void)str_copy(admin.kind, sizeof admin.kind, "cookie");
    assert_int_equal(
        ops_call(w, "secret.set", &admin, NULL, "{\"name\":\"stripe.secret_key\",\"value\":\"x\"}"),
        -403);
    assert_string_equal(w->err.code, "password_needed");
    admin.fresh_at = clock_wall_ms() - 1000;
    assert_int_equal(
        ops_call(w, "secret.set", &admin, NULL, "{\"name\":\"stripe.secret_key\",\"value\":\"x\"}"),
        200);
    admin.fresh_at = clock_wall_ms() - 16 * 60 * 1000;
    assert_int_equal(
        ops_call(w, "secret.set", &admin, NULL, "{\"name\":\"stripe.secret_key\",\"value\":\"x\"}"),
        -403);
}

static void settings_layer(void **state)
{
    struct ops_world *w = *state;

    ops_ok(w, 200, "setting.set", ROLE_ADMIN, "{\"name\":\"tenants.failed_days\",\"value\":3}");
    assert_string_equal(ops_text(w, "value"), "3");
    assert_string_equal(ops_text(w, "origin"), "store");
    assert_int_equal(ops_do(w, "setting.set", ROLE_ADMIN,
                            "{\"name\":\"tenants.failed_days\",\"value\":\"many\"}"),
                     -422);
    assert_int_equal(
        ops_do(w, "setting.set", ROLE_ADMIN, "{\"name\":\"ports.ranges\",\"value\":\"99999\"}"),
        -422);
    ops_no(w, 422, "setting_fixed", "setting.set", ROLE_ADMIN,
           "{\"name\":\"box.id\",\"value\":\"x\"}");
    ops_ok(w, 200, "setting.set", ROLE_ADMIN, "{\"name\":\"tenants.failed_days\"}");
    assert_string_equal(ops_text(w, "value"), "7");
    assert_string_equal(ops_text(w, "origin"), "default");
    ops_no(w, 404, "setting_not_found", "setting.set", ROLE_ADMIN,
           "{\"name\":\"box.colour\",\"value\":\"red\"}");
}

int main(void)
{
#define TEST(f_) cmocka_unit_test_setup_teardown(f_, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(without_a_secret_it_comes_again), TEST(an_event_is_stored_once),
        TEST(old_and_new_secret_both_hold),    TEST(forgeries_are_refused),
        TEST(secrets_do_not_come_back),        TEST(settings_layer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
