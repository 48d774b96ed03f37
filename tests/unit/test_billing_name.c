/* Orders and names: who gets which, and what becomes of those who do not. */
#include "billing_world.h"

static void names_in_their_order(void **state)
{
    int64_t t = clock_wall_ms();
    struct billing_facts f = checkout("a", t, "paid", "Acme");

    (void)state;
    (void)str_copy(f.wanted_plan, sizeof f.wanted_plan, "demo");
    (void)str_copy(f.custom_name, sizeof f.custom_name, "My Shop");
    apply_now(f);
    settle_down();
    assert_string_equal(tenant_of("a").subdomain, "my-shop");
    for (int i = 0; i < 3; i++) {
        char sub[8];

        (void)str_format(sub, sizeof sub, "n%d", i);
        f = checkout(sub, t, "paid", i == 2 ? "Admin" : "Acme");
        (void)str_copy(f.wanted_plan, sizeof f.wanted_plan, "demo");
        apply_now(f);
    }
    assert_string_equal(tenant_of("n0").subdomain, "acme");
    assert_string_equal(tenant_of("n1").subdomain, "acme-2");
    assert_string_equal(tenant_of("n2").subdomain, "admin-2"); /* "admin" is reserved */
    f = checkout("m", t, "paid", "Acme");
    (void)str_copy(f.wanted_plan, sizeof f.wanted_plan, "demo");
    (void)str_copy(f.wanted_name, sizeof f.wanted_name, "acme");
    struct billing_result r = apply_now(f);
    assert_int_equal(r.state, EVENT_FAILED);
    assert_non_null(strstr(r.note, "acme is taken by tn_"));
    assert_non_null(strstr(subscription_of("m").flag, "acme is taken by tn_"));
    assert_string_equal(subscription_of("m").tenant_id, "");
    world_sound(w);
}

static int add_order(struct txn *txn, void *arg, struct err *err)
{
    return order_new(txn, arg, err);
}

static struct order make_order(const char *name, const char *subdomain)
{
    struct order order;

    memset(&order, 0, sizeof order);
    (void)str_copy(order.name, sizeof order.name, name);
    (void)str_copy(order.subdomain, sizeof order.subdomain, subdomain);
    (void)str_copy(order.plan_id, sizeof order.plan_id, demo.id);
    order.expires_at = clock_wall_ms() + 3600 * 1000;
    must_write(w, add_order, &order);
    return order;
}

static struct order order_now(const char *id)
{
    struct order order;
    struct txn *txn = must_read(w);
    struct err err;

    memset(&order, 0, sizeof order);
    (void)str_copy(order.id, sizeof order.id, id);
    assert_int_equal(record_get(txn, &order_table, &order, &err), 1);
    db_read_end(txn);
    return order;
}

static void orders(void **state)
{
    int64_t t = clock_wall_ms();
    struct order first = make_order("Acme", "acme");
    struct order second = make_order("Bolt", "bolt");
    struct billing_facts f = checkout("one", t, "paid", "Acme Holding");

    (void)state;
    struct order taken = {.subdomain = "acme"};
    taken.expires_at = t + 1000000;
    refuse_write(w, add_order, &taken, "name_taken");
    (void)str_copy(f.order_id, sizeof f.order_id, first.id);
    struct billing_result r = apply_now(f);
    assert_string_equal(r.order_id, first.id);
    settle_down();
    assert_string_equal(tenant_of("one").subdomain, "acme");
    assert_int_equal(order_now(first.id).state, ORDER_DONE);
    assert_string_equal(order_now(first.id).tenant_id, tenant_of("one").id);
    /* One that expires gives its name back; Stripe's word and the clock both do it. */
    f = checkout("two", t, "unpaid", "Bolt");
    (void)str_copy(f.type, sizeof f.type, "checkout.session.expired");
    (void)str_copy(f.order_id, sizeof f.order_id, second.id);
    f.stripe_subscription[0] = '\0';
    apply_now(f);
    assert_int_equal(order_now(second.id).state, ORDER_EXPIRED);
    struct order third = make_order("Bolt", "bolt");
    world_wait(w, 3700);
    settle_down();
    assert_int_equal(order_now(third.id).state, ORDER_EXPIRED);
    /* It was paid in the last second after all, but somebody else has the name by now. */
    f = checkout("four", clock_wall_ms(), "paid", "Bolt Two");
    (void)str_copy(f.wanted_plan, sizeof f.wanted_plan, "demo");
    (void)str_copy(f.wanted_name, sizeof f.wanted_name, "bolt");
    apply_now(f);
    f = checkout("three", t, "paid", "Bolt");
    (void)str_copy(f.order_id, sizeof f.order_id, third.id);
    r = apply_now(f);
    assert_int_equal(r.state, EVENT_FAILED);
    assert_int_equal(order_now(third.id).state, ORDER_FLAGGED);
    assert_non_null(strstr(order_now(third.id).flag, "bolt is taken by tn_"));
    /* Paid, but no subscription came of it: it is not lost. */
    struct order fourth = make_order("Coil", "coil");
    f = checkout("five", t, "paid", "Coil");
    (void)str_copy(f.order_id, sizeof f.order_id, fourth.id);
    f.stripe_subscription[0] = '\0';
    r = apply_now(f);
    assert_int_equal(r.state, EVENT_FAILED);
    assert_int_equal(order_now(fourth.id).state, ORDER_FLAGGED);
    world_sound(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(names_in_their_order),
        CASE(orders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
