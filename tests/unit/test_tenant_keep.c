/* A deletion taken back in its days of grace: without that it comes, with it it does not. */
#include "ops_world.h"

#include "billing.h"
#include "job.h"
#include "subscription.h"
#include "tenant.h"

#define DAY_MS (INT64_C(86400) * 1000)

struct sale {
    char tenant_id[ID_SIZE], sub_id[ID_SIZE];
    bool ended;
};

/* Suspended because its subscription has ended long ago; nothing is at work on it. */
static int sell(struct txn *txn, void *arg, struct err *err)
{
    struct sale *s = arg;
    struct subscription sub = {.provisioned = true};
    struct subject subject = {0};
    struct tenant t = {0};

    (void)str_copy(t.id, sizeof t.id, s->tenant_id);
    (void)str_format(subject.name, sizeof subject.name, "tenant:%s", s->tenant_id);
    if (record_get(txn, &tenant_table, &t, err) != 1 ||
        record_delete(txn, &subject_table, &subject, err) != 1)
        return -1;
    (void)str_copy(sub.tenant_id, sizeof sub.tenant_id, t.id);
    (void)str_copy(sub.plan_id, sizeof sub.plan_id, t.plan_id);
    (void)str_copy(sub.plan_met_id, sizeof sub.plan_met_id, t.plan_id);
    sub.status = sub.object_status = s->ended ? SUBSCRIPTION_CANCELED : SUBSCRIPTION_PAST_DUE;
    sub.object_at = txn_time_ms(txn) - 100 * DAY_MS;
    sub.ended_at = s->ended ? txn_time_ms(txn) - 90 * DAY_MS : 0;
    sub.wanted = sub.wanted_met = SUBSCRIPTION_WANTS_SUSPENDED;
    sub.delete_at = s->ended ? txn_time_ms(txn) - DAY_MS : 0;
    (void)str_copy(sub.object_event, sizeof sub.object_event, "evt_1");
    if (subscription_new(txn, &sub, err) != 0)
        return -1;
    (void)str_copy(s->sub_id, sizeof s->sub_id, sub.id);
    (void)str_copy(t.subscription_id, sizeof t.subscription_id, sub.id);
    return tenant_move(txn, &t, TENANT_SUSPENDED, "canceled", err);
}

static int tick(struct txn *txn, void *arg, struct err *err)
{
    const struct conf *conf = arg;
    bool wake = false;

    return billing_tick(txn, conf, 10, &wake, err) < 0 ? -1 : 0;
}

static void sold(struct ops_world *w, struct sale *s, const char *name)
{
    ops_ok(w, 202, "tenant.create", ROLE_OPERATOR, "{\"name\":\"%s\",\"plan\":\"demo\"}", name);
    ops_keep(w, "id", s->tenant_id, sizeof s->tenant_id);
    assert_int_equal(db_write(w->box.db, sell, s, &w->err), 0);
}

static void saga_is(struct ops_world *w, const struct sale *s, const char *saga)
{
    ops_ok(w, 200, "job.list", ROLE_VIEWER, "{\"tenant_id\":\"%s\",\"limit\":1}", s->tenant_id);
    assert_string_equal(ops_text(w, "data[0].saga"), saga);
}

static void it_stays(void **state)
{
    struct ops_world *w = *state;
    struct sale gone = {.ended = true}, kept = {.ended = true}, alive = {.ended = false};
    char json[128];
    struct actor actor = ops_actor(ROLE_OPERATOR);

    ops_plan(w);
    sold(w, &gone, "Gone");
    sold(w, &kept, "Kept");
    sold(w, &alive, "Alive");
    ops_no(w, 409, "nothing_to_undo", "tenant.keep", ROLE_OPERATOR, "{\"id\":\"%s\"}",
           alive.tenant_id);
    ops_no(w, 403, "role_too_low", "tenant.keep", ROLE_VIEWER, "{\"id\":\"%s\"}", kept.tenant_id);
    (void)str_format(json, sizeof json, "{\"id\":\"%s\",\"reason\":\"invoice\"}", kept.tenant_id);
    assert_int_equal(ops_call(w, "tenant.keep", &actor, NULL, json), 202);
    assert_string_equal(ops_text(w, "subscription_id"), "");
    saga_is(w, &kept, "tenant.resume");
    assert_int_equal(db_write(w->box.db, tick, &w->box.conf, &w->err), 0);
    saga_is(w, &gone, "tenant.delete");
    saga_is(w, &kept, "tenant.resume");
    ops_ok(w, 200, "subscription.show", ROLE_VIEWER, "{\"id\":\"%s\"}", kept.sub_id);
    assert_string_equal(ops_text(w, "tenant_id"), "");
    assert_string_equal(ops_text(w, "delete_at"), "");
    ops_no(w, 409, "nothing_to_undo", "tenant.keep", ROLE_OPERATOR, "{\"id\":\"%s\"}",
           kept.tenant_id);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_stays, open_world, close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
