/* Customers are found by words of name and address, by number and by Stripe's id, however many
 * there are. */
#include "ops_world.h"

#define MANY 2600 /* more than are gathered, or looked at for a page */

static int fill(struct txn *txn, void *arg, struct err *err)
{
    (void)arg;
    for (unsigned i = 0; i < MANY; i++) {
        struct customer c = {0};

        (void)str_format(c.name, sizeof c.name, "Customer %u", i);
        (void)str_format(c.email, sizeof c.email, "c%u@example.com", i);
        if (i == 7) {
            (void)str_copy(c.name, sizeof c.name, "Z\xc3\xbcrcher Kantonalbank");
            (void)str_copy(c.stripe_customer, sizeof c.stripe_customer, "cus_Abc");
        }
        if (customer_new(txn, &c, err) != 0)
            return -1;
    }
    return 0;
}

static void found(struct ops_world *w, const char *q, int count, const char *name)
{
    ops_ok(w, 200, "customer.list", ROLE_VIEWER, "{\"q\":\"%s\"}", q);
    if (json_size(w->answer, "data") != count)
        fail_msg("%s: %d instead of %d", q, json_size(w->answer, "data"), count);
    if (count > 0)
        assert_string_equal(ops_text(w, "data[0].name"), name);
}

static void they_are_found(void **state)
{
    struct ops_world *w = *state;

    assert_int_equal(db_write(w->box.db, fill, NULL, &w->err), 0);
    found(w, "zuercher", 1, "Z\xc3\xbcrcher Kantonalbank");
    found(w, "Z\xc3\xbcrch", 1, "Z\xc3\xbcrcher Kantonalbank");
    found(w, "kanton c7", 1, "Z\xc3\xbcrcher Kantonalbank");
    found(w, "cus_Abc", 1, "Z\xc3\xbcrcher Kantonalbank");
    found(w, "c2599@example.com", 1, "Customer 2599");
    found(w, "nobody", 0, "");
    ops_ok(w, 200, "customer.list", ROLE_VIEWER, "{\"q\":\"example\",\"limit\":100}");
    assert_int_equal(json_size(w->answer, "data"), 100);
    assert_true(json_bool(w->answer, "has_more", false));
    ops_ok(w, 200, "customer.list", ROLE_VIEWER, "{\"email\":\"c12@example.com\"}");
    assert_int_equal(json_size(w->answer, "data"), 1);
    ops_ok(w, 200, "customer.list", ROLE_VIEWER, "{\"limit\":100}");
    assert_int_equal(json_i64(w->answer, "total", -1), MANY);
    ops_ok(w, 200, "customer.list", ROLE_VIEWER, "{\"q\":\"2600\"}"); /* the number of the last */
    assert_string_equal(ops_text(w, "data[0].name"), "Customer 2599");
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
        cmocka_unit_test_setup_teardown(they_are_found, open_world, close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
