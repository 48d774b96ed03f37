/* Links that a customer signs in with: good once, for a while, for the address that they went to.
 */
#include "ops_world.h"

#include "sign_link.h"

static int setup(void **state)
{
    static struct ops_world w;

    ops_world_open(&w);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    unsetenv("SETT_CLOCK_OFFSET_S");
    ops_world_close(*state);
    return 0;
}

static void later(int seconds)
{
    char text[16];

    (void)str_format(text, sizeof text, "%d", seconds);
    setenv("SETT_CLOCK_OFFSET_S", text, 1);
}

struct act {
    struct customer customer;
    struct user user;
    char token[LINK_TOKEN_SIZE], email[256];
    int made;
};

static int new_customer(struct txn *txn, void *arg, struct err *err)
{
    struct act *a = arg;

    memset(&a->customer, 0, sizeof a->customer);
    (void)str_copy(a->customer.name, sizeof a->customer.name, "Ann");
    (void)str_copy(a->customer.email, sizeof a->customer.email, a->email);
    (void)str_copy(a->customer.locale, sizeof a->customer.locale, "de-CH");
    return customer_new(txn, &a->customer, err);
}

static int new_link(struct txn *txn, void *arg, struct err *err)
{
    struct act *a = arg;

    return (a->made = sign_link_new(txn, &a->customer, "192.0.2.1", a->token, err)) < 0 ? -1 : 0;
}

static int take(struct txn *txn, void *arg, struct err *err)
{
    struct act *a = arg;
    struct customer customer;

    if (sign_link_take(txn, a->token, &customer, err) != 0)
        return -1;
    assert_string_equal(customer.id, a->customer.id);
    a->made = sign_link_user(txn, &customer, &a->user, err);
    return a->made == 0 && a->user.id[0] == '\0' ? sign_link_user_new(txn, &customer, &a->user, err)
                                                 : 0;
}

static int move(struct txn *txn, void *arg, struct err *err)
{
    struct act *a = arg;

    (void)str_copy(a->customer.email, sizeof a->customer.email, "other@example.com");
    return customer_put(txn, &a->customer, err);
}

static int drop(struct txn *txn, void *arg, struct err *err)
{
    (void)arg;
    return sign_link_drop(txn, err);
}

static void begin(struct ops_world *w, struct act *a, const char *email)
{
    memset(a, 0, sizeof *a);
    (void)str_copy(a->email, sizeof a->email, email);
    assert_int_equal(db_write(w->box.db, new_customer, a, &w->err), 0);
    assert_int_equal(db_write(w->box.db, new_link, a, &w->err), 0);
    assert_int_equal(a->made, 1);
}

static void gone(struct ops_world *w, struct act *a)
{
    assert_int_equal(db_write(w->box.db, take, a, &w->err), -1);
    assert_string_equal(w->err.code, "link_gone");
}

static void a_link_is_good_once_and_makes_the_account(void **state)
{
    struct ops_world *w = *state;
    struct act a, twice;

    begin(w, &a, "Ann@example.com");
    assert_int_equal(db_write(w->box.db, take, &a, &w->err), 0);
    assert_string_equal(a.user.name, "ann@example.com");
    assert_string_equal(a.user.language, "de");
    assert_int_equal(a.user.role, ROLE_CUSTOMER);
    gone(w, &a);
    /* The same address has bought once more: another customer, another account. */
    begin(w, &twice, "ann@example.com");
    assert_int_equal(db_write(w->box.db, take, &twice, &w->err), 0);
    assert_true(str_starts(twice.user.name, "ann@example.com#"));
    assert_string_not_equal(twice.user.id, a.user.id);
    /* Whoever has an account keeps it. */
    later(120);
    assert_int_equal(db_write(w->box.db, new_link, &a, &w->err), 0);
    memset(&twice.user, 0, sizeof twice.user);
    (void)str_copy(twice.token, sizeof twice.token, a.token);
    twice.customer = a.customer;
    assert_int_equal(db_write(w->box.db, take, &twice, &w->err), 0);
    assert_string_equal(twice.user.id, a.user.id);
}

static void a_link_ends(void **state)
{
    struct ops_world *w = *state;
    struct act a;

    begin(w, &a, "ann@example.com");
    later(15 * 60 + 1);
    gone(w, &a);
    later(0);
    begin(w, &a, "bob@example.com");
    assert_int_equal(db_write(w->box.db, move, &a, &w->err), 0);
    gone(w, &a); /* it went to an address that is not theirs any more */
    begin(w, &a, "cal@example.com");
    assert_int_equal(db_write(w->box.db, drop, NULL, &w->err), 0);
    gone(w, &a);
    (void)str_copy(a.token, sizeof a.token, "no token at all");
    gone(w, &a);
}

static void nobody_is_flooded(void **state)
{
    struct ops_world *w = *state;
    struct act a;

    begin(w, &a, "ann@example.com");
    assert_int_equal(db_write(w->box.db, new_link, &a, &w->err), 0);
    assert_int_equal(a.made, 0);
    for (int i = 1; i < SIGN_LINK_HOUR; i++) {
        later(i * 61);
        assert_int_equal(db_write(w->box.db, new_link, &a, &w->err), 0);
        assert_int_equal(a.made, 1);
    }
    later(SIGN_LINK_HOUR * 61);
    assert_int_equal(db_write(w->box.db, new_link, &a, &w->err), 0);
    assert_int_equal(a.made, 0);
    later(3601);
    assert_int_equal(db_write(w->box.db, new_link, &a, &w->err), 0);
    assert_int_equal(a.made, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_link_is_good_once_and_makes_the_account, setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_is_flooded, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
