/* The words by which a tenant is found follow whatever they are made of. */
#include "ops_world.h"

#include "custom_domain.h"
#include "fold.h"
#include "maintain.h"
#include "tenant_text.h"

static void text_is_folded(void **state)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"M\xc3\xbcller & S\xc3\xb6hne", "mueller soehne"},
        {"ann.smith@Example.com", "ann smith example com"},
        {"a-b a_b A", "a b"},
        {"  ", ""},
        {"", ""},
        {"\xd0\x9c\xd0\xbe\xd1\x81\xd0\xba\xd0\xb2\xd0\xb0",
         "\xd0\xbc\xd0\xbe\xd1\x81\xd0\xba\xd0\xb2\xd0\xb0"},
        {"\xce\x91\xce\xb2", "\xce\xb1\xce\xb2"},
        {"\xf0\x9f\x8d\x8e fruit", "\xf0\x9f\x8d\x8e fruit"},
        {"u\xcc\x88"
         "ber",
         "uber"},
        {"\xff\xfe", ""},
        {"abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghijklmnopqrstuvwxyz012345"},
    };
    char out[256];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        out[0] = '\0';
        fold_words(out, sizeof out, cases[i].text);
        assert_string_equal(out, cases[i].words);
    }
    out[0] = '\0';
    fold_words(out, 8, "four five six");
    assert_string_equal(out, "four"); /* what does not fit is left out, the rest is not */
    fold_words(out, 8, "go");
    assert_string_equal(out, "four go");
    assert_true(fold_has("one two", "tw"));
    assert_true(fold_has("one two", ""));
    assert_false(fold_has("one two", "wo"));
    assert_false(fold_has("", "o"));
}

static void words_of(struct ops_world *w, const char *id, struct tenant_text *text)
{
    struct txn *txn;

    memset(text, 0, sizeof *text);
    (void)str_copy(text->tenant_id, sizeof text->tenant_id, id);
    assert_int_equal(db_read(&txn, w->box.db, &w->err), 0);
    assert_int_equal(record_get(txn, &tenant_text_table, text, &w->err), 1);
    db_read_end(txn);
}

static int add_domain(struct txn *txn, void *arg, struct err *err)
{
    return custom_domain_new(txn, arg, err);
}

static int remove_domain(struct txn *txn, void *arg, struct err *err)
{
    return custom_domain_removed(txn, arg, "by a test", err);
}

static void words_follow(void **state)
{
    struct ops_world *w = *state;
    struct custom_domain d = {.name = "xn--bcher-kva.example",
                              .unicode = "b\xc3\xbc"
                                         "cher.example"};
    struct tenant_text text;
    char customer[ID_SIZE], id[ID_SIZE];

    ops_plan(w);
    ops_ok(w, 201, "customer.create", ROLE_OPERATOR,
           "{\"name\":\"Ann Smith\",\"email\":\"ann@shop.example\"}");
    ops_keep(w, "id", customer, sizeof customer);
    ops_ok(w, 202, "tenant.create", ROLE_OPERATOR,
           "{\"name\":\"Zum Adler\",\"plan\":\"demo\",\"customer_id\":\"%s\"}", customer);
    ops_keep(w, "id", id, sizeof id);
    words_of(w, id, &text);
    assert_string_equal(text.words, "zum adler 1 ann smith shop example");
    assert_string_equal(text.name_key, "zum adler");
    ops_ok(w, 200, "customer.update", ROLE_OPERATOR, "{\"id\":\"%s\",\"name\":\"Anna\"}", customer);
    words_of(w, id, &text);
    assert_string_equal(text.words, "zum adler 1 anna ann shop example");
    (void)str_copy(d.tenant_id, sizeof d.tenant_id, id);
    (void)str_copy(d.registrable, sizeof d.registrable, d.name);
    assert_int_equal(db_write(w->box.db, add_domain, &d, &w->err), 0);
    words_of(w, id, &text);
    assert_true(fold_has(text.words, "buecher"));
    assert_true(fold_has(text.words, "bcher"));
    assert_int_equal(db_write(w->box.db, remove_domain, &d, &w->err), 0);
    words_of(w, id, &text);
    assert_false(fold_has(text.words, "buecher"));
    assert_int_equal(db_fsck(w->box.db, NULL, NULL, &w->err), 0);
}

static int forget(struct txn *txn, void *arg, struct err *err)
{
    struct tenant_text text = {.words = ""};

    (void)str_copy(text.tenant_id, sizeof text.tenant_id, arg);
    return record_delete(txn, &tenant_text_table, &text, err) == 1 ? 0 : -1;
}

static int remake(struct txn *txn, void *arg, struct err *err)
{
    (void)arg;
    return sett_migrations[0].run(txn, err);
}

/* A store of before, which has tenants and no words; nothing else of it changes. */
static void what_is_missing_is_made(void **state)
{
    struct ops_world *w = *state;
    struct tenant_text text;
    char ids[3][ID_SIZE], etag[40];

    ops_plan(w);
    for (unsigned i = 0; i < 3; i++) {
        ops_ok(w, 202, "tenant.create", ROLE_OPERATOR, "{\"name\":\"T %u\",\"plan\":\"demo\"}", i);
        ops_keep(w, "id", ids[i], sizeof ids[i]);
    }
    ops_ok(w, 200, "tenant.show", ROLE_VIEWER, "{\"id\":\"%s\"}", ids[1]);
    (void)str_copy(etag, sizeof etag, w->call.etag);
    assert_int_equal(db_write(w->box.db, forget, ids[1], &w->err), 0);
    ops_ok(w, 200, "tenant.list", ROLE_VIEWER, "{\"q\":\"t 2\"}");
    assert_int_equal(json_size(w->answer, "data"), 1); /* T 2, but not T 1 with the number 2 */
    assert_int_equal(db_write(w->box.db, remake, NULL, &w->err), 0);
    words_of(w, ids[1], &text);
    assert_string_equal(text.words, "t 1 2");
    ops_ok(w, 200, "tenant.show", ROLE_VIEWER, "{\"id\":\"%s\"}", ids[1]);
    assert_string_equal(w->call.etag, etag);
    assert_int_equal(db_fsck(w->box.db, NULL, NULL, &w->err), 0);
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
        cmocka_unit_test(text_is_folded),
        cmocka_unit_test_setup_teardown(words_follow, open_world, close_world),
        cmocka_unit_test_setup_teardown(what_is_missing_is_made, open_world, close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
