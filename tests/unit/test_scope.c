/* What an API key is for and where it may come from: the two lists that narrow one down. */
#include "ops_world.h"

#include "network.h"
#include "scope.h"

static const char *networks(const char *text)
{
    static char out[AUTH_NETWORKS_SIZE];
    struct err err = {0};

    return network_list(text, out, sizeof out, &err) == 0 ? out : err.code;
}

static void networks_are_read(void **state)
{
    (void)state;
    assert_string_equal(networks(""), "");
    assert_string_equal(networks(" 192.0.2.0/24,2001:db8::/32\n"), "192.0.2.0/24 2001:db8::/32");
    assert_string_equal(networks("192.0.2.7 2001:DB8:0::1"), "192.0.2.7 2001:db8::1");
    assert_string_equal(networks("::ffff:192.0.2.7"), "192.0.2.7");
    assert_string_equal(networks("0.0.0.0/0 ::/0"), "0.0.0.0/0 ::/0");
    assert_string_equal(networks("192.0.2.1/24"), "network_invalid");
    assert_string_equal(networks("192.0.2.0/33"), "network_invalid");
    assert_string_equal(networks("192.0.2.0/"), "network_invalid");
    assert_string_equal(networks("192.0.2/24"), "network_invalid");
    assert_string_equal(networks("2001:db8::1/64"), "network_invalid");
    assert_string_equal(networks("::ffff:192.0.2.0/120"), "network_invalid");
    assert_string_equal(networks("example.com"), "network_invalid");
    assert_string_equal(networks("1.0.0.1 1.0.0.2 1.0.0.3 1.0.0.4 1.0.0.5 1.0.0.6 1.0.0.7 1.0.0.8 "
                                 "1.0.0.9 1.0.0.10 1.0.0.11 1.0.0.12 1.0.0.13 1.0.0.14 1.0.0.15 "
                                 "1.0.0.16 1.0.0.17"),
                        "too_many_networks");
}

static void an_address_is_found_in_them(void **state)
{
    (void)state;
    assert_true(network_list_has("", "192.0.2.7"));
    assert_true(network_list_has("", "nonsense"));
    assert_true(network_list_has("192.0.2.0/24", "192.0.2.255"));
    assert_false(network_list_has("192.0.2.0/24", "192.0.3.0"));
    assert_true(network_list_has("192.0.2.128/25", "192.0.2.128"));
    assert_false(network_list_has("192.0.2.128/25", "192.0.2.127"));
    assert_true(network_list_has("192.0.2.0/24", "::ffff:192.0.2.9"));
    assert_true(network_list_has("10.0.0.0/8 2001:db8::/32", "2001:db8:ffff::1"));
    assert_false(network_list_has("10.0.0.0/8 2001:db8::/32", "2001:db9::1"));
    assert_false(network_list_has("0.0.0.0/0", "2001:db8::1"));
    assert_true(network_list_has("0.0.0.0/0", "203.0.113.1"));
    assert_false(network_list_has("0.0.0.0/0 ::/0", "nonsense"));
    assert_false(network_list_has("0.0.0.0/0 ::/0", ""));
}

static const char *scopes(const char *text)
{
    static char out[AUTH_SCOPES_SIZE];
    struct err err = {0};

    return scope_list(text, out, &err) == 0 ? out : err.code;
}

static void scopes_are_of_the_closed_list(void **state)
{
    (void)state;
    assert_string_equal(scopes(""), "");
    assert_string_equal(scopes("snapshot:write tenant:read,tenant:read"),
                        "tenant:read snapshot:write");
    assert_string_equal(scopes("*:read"), "*:read");
    assert_string_equal(scopes("tenant"), "scope_unknown");
    assert_string_equal(scopes("tenant:"), "scope_unknown");
    assert_string_equal(scopes("tenant:delete"), "scope_unknown");
    assert_string_equal(scopes("tenants:read"), "scope_unknown");
    assert_string_equal(scopes("*"), "scope_unknown");
    assert_string_equal(scopes("tenant:read;"), "scope_unknown");
    assert_string_equal(scopes("tenant:readtenant:write"), "scope_unknown");
}

/* By an own look at the names and flags, for every operation there is. */
static void every_operation_asks_for_its_scope(void **state)
{
    unsigned seen = 0;

    (void)state;
    for (const struct op *op = op_next(NULL); op != NULL; op = op_next(op)) {
        struct actor actor = ops_actor(ROLE_ADMIN);
        bool write = (op->flags & (OP_WRITE | OP_AUDIT | OP_SECRET)) != 0;
        char scope[48];
        struct err err;

        scope_of(op, scope);
        if (op->role == ROLE_PUBLIC || str_equal(op->name, "auth.me")) {
            assert_string_equal(scope, "");
            (void)str_copy(actor.scopes, sizeof actor.scopes, "port:read");
            assert_int_equal(op_allowed(op, &actor, &err), 0);
            continue;
        }
        seen++;
        assert_true(str_ends(scope, write ? ":write" : ":read"));
        assert_true(str_starts(op->name, "health") || strchr(op->name, '.') != NULL);
        assert_int_equal(strncmp(scope, op->name, strcspn(op->name, ".")), 0);
        (void)str_copy(actor.scopes, sizeof actor.scopes, scope);
        assert_int_equal(op_allowed(op, &actor, &err), 0);
        (void)str_copy(actor.scopes, sizeof actor.scopes, write ? "*:write" : "*:read");
        assert_int_equal(op_allowed(op, &actor, &err), 0);
        (void)str_copy(actor.scopes, sizeof actor.scopes, write ? "*:read" : "*:write");
        assert_int_equal(op_allowed(op, &actor, &err), -1);
        assert_string_equal(err.code, "scope_missing");
        /* A scope is no role. */
        actor.role = ROLE_CUSTOMER;
        (void)str_copy(actor.scopes, sizeof actor.scopes, "*:read *:write");
        (void)str_copy(actor.customer_id, sizeof actor.customer_id, "cu_x");
        assert_int_equal(op_allowed(op, &actor, &err), op->role == ROLE_CUSTOMER ? 0 : -1);
    }
    assert_true(seen > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_are_read),
        cmocka_unit_test(an_address_is_found_in_them),
        cmocka_unit_test(scopes_are_of_the_closed_list),
        cmocka_unit_test(every_operation_asks_for_its_scope),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
