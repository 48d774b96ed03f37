/* Names: their shape, the reserved ones, who holds which, and labels made from customers' names. */
#include "one_world.h"

#include "name.h"
#include "name_reserved.h"

struct take {
    const char *label, *owner;
    int64_t until;
};

static int take(struct txn *txn, void *arg, struct err *err)
{
    const struct take *t = arg;
    return name_take(txn, t->label, t->owner, t->until, err);
}

static int give(struct txn *txn, void *arg, struct err *err)
{
    const struct take *t = arg;
    return name_give(txn, t->label, t->owner, t->until, err);
}

static void shapes(void **state)
{
    static const char *const good[] = {"a",     "acme", "a1",   "a-b",
                                       "a-b-c", "t-42", "x9-y", "abcdefghijklmnopqrstuvwxyz0123"};
    static const char *const bad[] = {
        "",    "-a",  "a-",      "a--b",  "1a",  "A",   "Acme",
        "a_b", "a.b", "xn--abc", "ä",     "a b", "a\n", "abcdefghijklmnopqrstuvwxyz01234",
        "a/b", "..",  "_acme",   "a\x7f",
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(name_check(good[i], &err), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(name_check(bad[i], &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
        assert_string_equal(err.field, "subdomain");
        assert_string_equal(err.code, "name_invalid");
    }
}

static void reserved(void **state)
{
    static const char *const some[] = {"www",  "mail",    "admin",      "api",       "autodiscover",
                                       "wpad", "mta-sts", "autoconfig", "localhost", "sett"};
    struct err err;

    (void)state;
    assert_true(name_reserved_count >= 300);
    for (size_t i = 0; i < name_reserved_count; i++) {
        if (i > 0)
            assert_true(strcmp(name_reserved[i - 1], name_reserved[i]) < 0);
        assert_null(name_shape(name_reserved[i]));
        assert_int_equal(name_check(name_reserved[i], &err), -1);
        assert_string_equal(err.code, "name_reserved");
    }
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++)
        assert_true(name_is_reserved(some[i]));
    assert_false(name_is_reserved("acme"));
}

static void held_and_given_back(void **state)
{
    struct take first = {"acme", "tn_a", 0};
    struct take second = {"acme", "tn_b", 0};
    char owner[ID_SIZE];
    struct err err;

    (void)state;
    must_write(w, take, &first);
    must_write(w, take, &first); /* its own */
    refuse_write(w, take, &second, "name_taken");
    assert_int_equal(db_write(w->db, take, &second, &err), -1);
    assert_non_null(strstr(err.text, "tn_a"));
    must_write(w, give, &second); /* not its own: nothing happens */
    refuse_write(w, take, &second, "name_taken");
    must_write(w, give, &first);
    must_write(w, take, &second);
    struct txn *txn = must_read(w);
    assert_int_equal(name_owner(txn, "acme", owner, &err), 1);
    assert_string_equal(owner, "tn_b");
    assert_int_equal(name_owner(txn, "other", owner, &err), 0);
    db_read_end(txn);
    must_write(w, give, &second);
    world_sound(w);
}

static void rest_and_expiry(void **state)
{
    int64_t now = clock_wall_ms();
    struct take first = {"acme", "tn_a", 0};
    struct take rest = {"acme", "tn_a", now + 3600 * 1000};
    struct take second = {"acme", "tn_b", 0};
    struct take order = {"shopper", "ord_a", now + 1800 * 1000};
    struct take other = {"shopper", "ord_b", now + 1800 * 1000};

    (void)state;
    must_write(w, take, &first);
    must_write(w, give, &rest);
    refuse_write(w, take, &second, "name_taken"); /* it rests */
    must_write(w, take, &first);                  /* whose it was may have it again */
    must_write(w, give, &rest);
    must_write(w, take, &order);
    refuse_write(w, take, &other, "name_taken");
    world_wait(w, 1801);
    must_write(w, take, &other); /* the order's hold is over */
    refuse_write(w, take, &second, "name_taken");
    world_wait(w, 1800);
    must_write(w, take, &second); /* the rest is over */
}

static void made_from_names(void **state)
{
    static const char *const pairs[][2] = {
        {"Müller & Söhne", "mueller-soehne"},
        {"Acme", "acme"},
        {"ACME Inc.", "acme-inc"},
        {"Straße 7", "strasse-7"},
        {"Ærøskøbing", "aeroeskoebing"},
        {"Łódź", "lodz"},
        {"Čeští přátelé", "cesti-pratele"},
        {"O'Neill", "oneill"},
        {"3M", "t3m"},
        {"", "t"},
        {"株式会社", "t"},
        {"--a--", "a"},
        {"  x  y ", "x-y"},
        {"Mu\xcc\x88ller", "mueller"},
        {"A.G.", "ag"},
        {"Ångström", "angstroem"},
        {"\xff\xfe", "t"},
        {"\xe2\x82", "t"},
        {"Zażółć gęślą jaźń bardzo długa nazwa", "zazolc-gesla-jazn-bardzo-dluga"},
    };
    char out[64];
    char small[4];

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        name_from(out, sizeof out, pairs[i][0]);
        assert_string_equal(out, pairs[i][1]);
        assert_null(name_shape(out));
    }
    name_from(small, sizeof small, "ab cd");
    assert_string_equal(small, "ab");
}

static void made_from_noise(void **state)
{
    char text[64];
    char out[64];

    (void)state;
    srand(7);
    for (int i = 0; i < 20000; i++) {
        size_t len = (size_t)rand() % (sizeof text - 1);

        for (size_t k = 0; k < len; k++)
            text[k] = (char)(rand() % 255 + 1);
        text[len] = '\0';
        name_from(out, sizeof out, text);
        assert_null(name_shape(out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes),
        cmocka_unit_test(reserved),
        cmocka_unit_test_setup_teardown(held_and_given_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rest_and_expiry, set_up, tear_down),
        cmocka_unit_test(made_from_names),
        cmocka_unit_test(made_from_noise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
