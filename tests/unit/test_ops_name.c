/* Whether a name can be had: what nobody signed in is told, and what never. */
#include "ops_world.h"

#include "name.h"
#include "tenant.h"

static void is(struct ops_world *w, const char *name, const char *state, const char *code)
{
    ops_ok(w, 200, "name.check", ROLE_PUBLIC, "{\"name\":\"%s\"}", name);
    assert_string_equal(ops_text(w, "object"), "name");
    assert_string_equal(ops_text(w, "state"), state);
    assert_string_equal(ops_text(w, "code"), code);
    assert_int_equal(json_bool(w->answer, "available", false), str_equal(state, "available"));
    assert_int_equal(ops_text(w, "reason")[0] == '\0', str_equal(state, "available"));
}

static void a_name_stands_somehow(void **state)
{
    struct ops_world *w = *state;
    char id[ID_SIZE];

    ops_plan(w);
    is(w, "acme", "available", "");
    assert_non_null(strstr(ops_text(w, "url"), "//acme."));
    assert_int_equal(json_size(w->answer, "suggestions"), 0);
    is(w, "admin", "reserved", "reserved");
    is(w, "Acme", "invalid", "first_letter");
    assert_string_equal(ops_text(w, "suggestions[0]"), "acme");
    is(w, "M\xc3\xbcller & S\xc3\xb6hne", "invalid", "first_letter");
    assert_string_equal(ops_text(w, "suggestions[0]"), "mueller-soehne");
    is(w, "a--b", "invalid", "two_hyphens");
    is(w, "xn--a", "invalid", "punycode");
    is(w, "ab-", "invalid", "last_hyphen");
    is(w, "a_b", "invalid", "characters");
    is(w, "abcdefghijklmnopqrstuvwxyzabcde", "invalid", "too_long");
    ops_ok(w, 202, "tenant.create", ROLE_OPERATOR, "{\"name\":\"Acme\",\"plan\":\"demo\"}");
    ops_keep(w, "id", id, sizeof id);
    is(w, "acme", "taken", "taken");
    assert_null(strstr(buf_string(&w->out), id)); /* never whose */
    assert_string_equal(ops_text(w, "suggestions[0]"), "acme-2");
    assert_int_equal(json_size(w->answer, "suggestions"), 3);
    ops_ok(w, 202, "tenant.create", ROLE_OPERATOR, "{\"name\":\"Acme 2\",\"plan\":\"demo\"}");
    is(w, "acme", "taken", "taken");
    assert_string_equal(ops_text(w, "suggestions[0]"), "acme-online");
}

static void a_plan_must_be_on_offer(void **state)
{
    struct ops_world *w = *state;

    ops_plan(w);
    ops_ok(w, 200, "name.check", ROLE_PUBLIC, "{\"name\":\"acme\",\"plan\":\"demo\"}");
    ops_no(w, 422, "plan_not_found", "name.check", ROLE_PUBLIC,
           "{\"name\":\"acme\",\"plan\":\"none\"}");
    ops_ok(w, 200, "plan.update", ROLE_ADMIN, "{\"id\":\"demo\",\"offered\":false}");
    ops_no(w, 422, "plan_not_found", "name.check", ROLE_PUBLIC,
           "{\"name\":\"acme\",\"plan\":\"demo\"}");
    ops_ok(w, 200, "name.check", ROLE_VIEWER, "{\"name\":\"acme\",\"plan\":\"demo\"}");
}

/* Shortening never gives what is no name. */
static void long_names_are_shortened(void **state)
{
    struct ops_world *w = *state;
    static const char *const names[] = {"a-b-c-d-e-f-g-h-i-j-k-l-m-n-o-p", "9", "---",
                                        "\xe6\x97\xa5"};
    char path[32];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        is(w, names[i], "invalid", i == 0 ? "too_long" : "first_letter");
        assert_int_equal(json_size(w->answer, "suggestions"), 3);
        for (unsigned n = 0; n < 3; n++) {
            (void)str_format(path, sizeof path, "suggestions[%u]", n);
            assert_null(name_fault(ops_text(w, path)));
        }
    }
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
        cmocka_unit_test_setup_teardown(a_name_stands_somehow, open_world, close_world),
        cmocka_unit_test_setup_teardown(a_plan_must_be_on_offer, open_world, close_world),
        cmocka_unit_test_setup_teardown(long_names_are_shortened, open_world, close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
