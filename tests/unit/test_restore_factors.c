/* A restored box beside the one that it replaces: of two states of what proves who somebody is, the
 * stricter holds. */
#include "domain_world.h"

#include <sodium.h>

#include "auth.h"
#include "passkey.h"
#include "restore_factors.h"
#include "second_factor.h"

/* Two stores that were one: the restored one, and the one that went on. */
struct two {
    struct world *restored, *live;
    struct user ann;
    struct passkey kept, revoked;
};

static int add_user(struct txn *txn, void *arg, struct err *err)
{
    return record_put(txn, &user_table, arg, err);
}

static int add_passkey(struct txn *txn, void *arg, struct err *err)
{
    return record_put(txn, &passkey_table, arg, err);
}

static int add_factor(struct txn *txn, void *arg, struct err *err)
{
    return record_put(txn, &second_factor_table, arg, err);
}

static int follow(struct txn *txn, void *arg, struct err *err)
{
    return restore_factors(txn, arg, err);
}

static struct passkey passkey_of(const struct user *user, uint8_t which, uint32_t counter)
{
    struct passkey p = {.counter = counter, .key_len = 32, .algorithm = WEBAUTHN_EDDSA};

    id_make(p.id, "pk");
    memcpy(p.user_id, user->id, sizeof p.user_id);
    p.credential_hash[0] = which;
    return p;
}

static struct second_factor factor_of(const struct user *user, int64_t at, uint32_t left)
{
    struct second_factor f = {.confirmed_at = at, .codes_left = left};

    memcpy(f.user_id, user->id, sizeof f.user_id);
    return f;
}

static int set_up(void **state)
{
    struct two *two = calloc(1, sizeof *two);

    assert_non_null(two);
    assert_true(sodium_init() >= 0);
    two->restored = world_new();
    two->live = world_new();
    id_make(two->ann.id, "us");
    (void)str_copy(two->ann.name, sizeof two->ann.name, "ann");
    two->ann.role = ROLE_ADMIN;
    two->kept = passkey_of(&two->ann, 1, 4);
    two->revoked = passkey_of(&two->ann, 2, 1);
    must_write(two->restored, add_user, &two->ann);
    must_write(two->live, add_user, &two->ann);
    must_write(two->restored, add_passkey, &two->kept);
    must_write(two->restored, add_passkey, &two->revoked);
    two->kept.counter = 9;
    must_write(two->live, add_passkey, &two->kept);
    *state = two;
    return 0;
}

static int tear_down(void **state)
{
    struct two *two = *state;

    world_end(two->restored);
    world_end(two->live);
    free(two);
    return 0;
}

static void go(struct two *two)
{
    struct txn *live = must_read(two->live);

    must_write(two->restored, follow, live);
    db_read_end(live);
}

static void passkeys_stay_revoked(void **state)
{
    struct two *two = *state;
    struct passkey added = passkey_of(&two->ann, 3, 1);
    struct err err;

    must_write(two->live, add_passkey, &added); /* since: whose doing is not known */
    go(two);
    struct txn *txn = must_read(two->restored);
    assert_int_equal(record_get(txn, &passkey_table, &two->revoked, &err), 0);
    assert_int_equal(record_get(txn, &passkey_table, &added, &err), 0);
    assert_int_equal(record_get(txn, &passkey_table, &two->kept, &err), 1);
    assert_int_equal(two->kept.counter, 9);
    db_read_end(txn);
}

static void the_newer_app_holds(void **state)
{
    struct two *two = *state;
    struct second_factor old = factor_of(&two->ann, 1000, 10), new = factor_of(&two->ann, 2000, 7);
    struct user user = two->ann;
    struct err err;

    must_write(two->restored, add_factor, &old);
    must_write(two->live, add_factor, &new);
    go(two);
    struct txn *txn = must_read(two->restored);
    assert_int_equal(second_factor_get(txn, user.id, &old, &err), 1);
    assert_int_equal(old.confirmed_at, 2000);
    assert_int_equal(old.codes_left, 7);
    assert_int_equal(record_get(txn, &user_table, &user, &err), 1);
    assert_int_equal(user.second_factor_at, 2000);
    db_read_end(txn);
}

static void one_that_was_switched_off_since_is_on(void **state)
{
    struct two *two = *state;
    struct second_factor factor = factor_of(&two->ann, 1000, 10);
    struct err err;

    must_write(two->restored, add_factor, &factor);
    go(two);
    struct txn *txn = must_read(two->restored);
    assert_int_equal(second_factor_get(txn, two->ann.id, &factor, &err), 1);
    assert_int_equal(factor.confirmed_at, 1000);
    db_read_end(txn);
}

static int add_key(struct txn *txn, void *arg, struct err *err)
{
    return record_put(txn, &api_key_table, arg, err);
}

/* One that was rotated because it had leaked must not live for ever again. */
static void keys_stay_narrow(void **state)
{
    struct two *two = *state;
    struct api_key was = {.role = ROLE_ADMIN}, key, free_key;
    struct err err;

    id_make(was.id, "key");
    memcpy(was.user_id, two->ann.id, sizeof was.user_id);
    was.hash[0] = 1;
    free_key = key = was;
    must_write(two->restored, add_key, &was);
    key.expires_at = 5000;
    (void)str_copy(key.scopes, sizeof key.scopes, "tenant:read");
    (void)str_copy(key.networks, sizeof key.networks, "192.0.2.0/28");
    must_write(two->live, add_key, &key);
    id_make(free_key.id, "key");
    free_key.hash[0] = 2;
    must_write(two->live, add_key, &free_key);
    free_key.expires_at = 4000;
    must_write(two->restored, add_key, &free_key);
    go(two);
    struct txn *txn = must_read(two->restored);
    assert_int_equal(record_get(txn, &api_key_table, &was, &err), 1);
    assert_int_equal(was.expires_at, 5000);
    assert_string_equal(was.scopes, "tenant:read");
    assert_string_equal(was.networks, "192.0.2.0/28");
    assert_int_equal(record_get(txn, &api_key_table, &free_key, &err), 1);
    assert_int_equal(free_key.expires_at, 4000); /* what was made wider since is not */
    db_read_end(txn);
}

#define CASE(name_) cmocka_unit_test_setup_teardown(name_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(passkeys_stay_revoked),
        CASE(the_newer_app_holds),
        CASE(one_that_was_switched_off_since_is_on),
        CASE(keys_stay_narrow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
