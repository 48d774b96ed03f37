/*
 * Sagas where they meet payments: a tenant whose subscription is past due is shown so whatever is
 * done with it, and an event that nobody can read ends without a person.
 */
#include "saga_world.h"

#include "event.h"
#include "subscription.h"

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

/* ---- past due ---- */

static void run(struct box *b, const char *saga, const char *id, const char *args)
{
    char job_id[ID_SIZE];
    struct job job;

    box_job(b, saga, id, args, job_id);
    box_wait(b, job_id, JOB_DONE, &job);
}

static int new_subscription(struct txn *txn, void *arg, struct err *err)
{
    return subscription_new(txn, arg, err);
}

static void expect_state(struct box *b, const char *id, enum tenant_state state, const char *reason)
{
    struct tenant tenant;

    box_tenant(b, id, &tenant);
    assert_int_equal(tenant.state, state);
    assert_string_equal(tenant.state_reason, reason);
}

static void test_past_due_stays_past_due(void **state)
{
    struct box *b = *state;
    struct subscription sub = {.status = SUBSCRIPTION_PAST_DUE,
                               .wanted = SUBSCRIPTION_WANTS_GRACE,
                               .wanted_met = SUBSCRIPTION_WANTS_GRACE,
                               .provisioned = true};
    struct tenant tenant;
    struct job job;
    struct err err = {0};
    char id[ID_SIZE], job_id[ID_SIZE];

    box_provision(b, "acme", "", id, job_id);
    box_wait(b, job_id, JOB_DONE, &job);
    (void)str_copy(sub.tenant_id, sizeof sub.tenant_id, id);
    (void)str_copy(sub.stripe_subscription, sizeof sub.stripe_subscription, "sub_1");
    assert_int_equal(db_write(b->context.db, new_subscription, &sub, &err), 0);
    box_tenant(b, id, &tenant);
    (void)str_copy(tenant.subscription_id, sizeof tenant.subscription_id, sub.id);
    tenant.state = TENANT_PAST_DUE;
    (void)str_copy(tenant.state_reason, sizeof tenant.state_reason, "a payment is due");
    box_put(b, &tenant_table, &tenant);
    run(b, "tenant.restart", id, "");
    expect_state(b, id, TENANT_PAST_DUE, "a payment is due");
    run(b, "tenant.update", id, "subdomain=beta");
    expect_state(b, id, TENANT_PAST_DUE, "a payment is due");
    run(b, "tenant.suspend", id, "");
    run(b, "tenant.resume", id, "");
    expect_state(b, id, TENANT_PAST_DUE, "a payment is due");
    /* A restart that failed and then went well leaves nothing of its failure behind. */
    atomic_store(&b->fail_verb, HANDS_RUNTIME_RESTART);
    box_job(b, "tenant.restart", id, "", job_id);
    box_wait(b, job_id, JOB_STUCK, &job);
    expect_state(b, id, TENANT_PAST_DUE, "there is no such image");
    atomic_store(&b->fail_verb, HANDS_VERBS);
    box_steer(b, job_id, 'r');
    box_wait(b, job_id, JOB_DONE, &job);
    expect_state(b, id, TENANT_PAST_DUE, "a payment is due");
    /* And one that was paid again is active. */
    sub.status = SUBSCRIPTION_ACTIVE;
    box_put(b, &subscription_table, &sub);
    run(b, "tenant.suspend", id, "");
    run(b, "tenant.resume", id, "");
    expect_state(b, id, TENANT_ACTIVE, "");
}

/* ---- events ---- */

struct arrival {
    struct event event;
    const char *body;
};

static int arrive(struct txn *txn, void *arg, struct err *err)
{
    struct arrival *a = arg;
    bool fresh;

    return event_store(txn, &a->event, a->body, strlen(a->body), "req_1", &fresh, err);
}

/* An event of that type with this body, to the end of its job. */
static void take(struct box *b, const char *id, const char *type, const char *body,
                 struct event *event)
{
    struct arrival a = {.body = body};
    struct err err = {0};
    struct job job;

    (void)str_copy(a.event.id, sizeof a.event.id, id);
    (void)str_copy(a.event.type, sizeof a.event.type, type);
    assert_int_equal(db_write(b->context.db, arrive, &a, &err), 0);
    job_wake(b->context.paths.wake_sock);
    box_wait(b, a.event.job_id, JOB_DONE, &job);
    memset(event, 0, sizeof *event);
    (void)str_copy(event->id, sizeof event->id, id);
    box_get(b, &event_table, event);
}

#define EVENT(id_, type_, object_)                                                                 \
    "{\"id\":\"" id_ "\",\"object\":\"event\",\"type\":\"" type_ "\",\"created\":1760000000,"      \
    "\"livemode\":false,\"data\":{\"object\":" object_ "}}"

static void test_malformed_events_end(void **state)
{
    static const struct {
        const char *id, *type, *body, *note;
    } events[] = {
        {"evt_1", "customer.subscription.updated",
         EVENT("evt_1", "customer.subscription.updated",
               "{\"object\":\"subscription\",\"status\":\"active\"}"),
         "a subscription without a usable id"},
        {"evt_2", "customer.subscription.updated",
         EVENT("evt_2", "customer.subscription.updated",
               "{\"id\":\"in_1\",\"object\":\"invoice\"}"),
         "not a subscription of Stripe's"},
        {"evt_3", "invoice.paid",
         EVENT("evt_3", "invoice.paid", "{\"id\":\"in \\u0007\",\"object\":\"invoice\"}"),
         "a invoice with a strange id"},
        {"evt_4", "checkout.session.completed", EVENT("evt_4", "checkout.session.completed", "[]"),
         "an event without type or object"},
        {"evt_5", "customer.updated", "{\"id\":\"evt_5\",", ""},
    };
    struct box *b = *state;
    struct event event;

    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        take(b, events[i].id, events[i].type, events[i].body, &event);
        assert_int_equal(event.state, EVENT_FAILED);
        assert_true(event.applied_at > 0);
        assert_true(event.note[0] != '\0');
        if (events[i].note[0] != '\0')
            assert_string_equal(event.note, events[i].note);
    }
    take(b, "evt_6", "customer.updated",
         EVENT("evt_6", "customer.updated",
               "{\"id\":\"cus_1\",\"object\":\"customer\",\"name\":\"Acme\",\"email\":\"a@example."
               "com\"}"),
         &event);
    assert_int_equal(event.state, EVENT_APPLIED);
    assert_int_equal(box_count(b, &subscription_table), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_past_due_stays_past_due),
        TEST(test_malformed_events_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
