/* The box's tables as a whole, and the helpers of tenants, tunnels, customers, plans and kept
 * answers. */
#include "one_world.h"

#include <sodium.h>

#include "customer.h"
#include "idempotency.h"
#include "name.h"
#include "plan.h"
#include "tenant.h"
#include "tunnel.h"
#include "user.h"

static void the_schema_is_sound(void **state)
{
    struct err err = {0};

    (void)state;
    if (schema_check(&sett_schema, &err) != 0)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < sett_schema.table_count; i++) {
        const struct table *table = sett_schema.tables[i];

        for (size_t k = 0; k < table->fields.count; k++) {
            const struct field *field = &table->fields.at[k];

            if (field->flags & FIELD_KEY)
                assert_non_null(table_by_prefix(&sett_schema, field->ref_prefix));
            if (strstr(field->name, "password") != NULL && field->type == FIELD_TEXT)
                assert_true(field->flags & FIELD_HIDDEN);
            if (str_ends(field->name, "_hash") && table->prefix != NULL)
                assert_true(field->flags & FIELD_HIDDEN);
        }
    }
}

struct made {
    struct plan plan;
    struct customer customer;
    struct tenant tenant;
    struct tunnel tunnel;
};

static int make(struct txn *txn, void *arg, struct err *err)
{
    struct made *m = arg;

    memset(m, 0, sizeof *m);
    (void)str_copy(m->plan.name, sizeof m->plan.name, "demo");
    (void)str_copy(m->plan.blueprint, sizeof m->plan.blueprint, "site");
    m->plan.limits.memory_bytes = 256 << 20;
    m->plan.limits.pids = 50;
    (void)str_copy(m->customer.name, sizeof m->customer.name, "Acme \"& Söhne\"");
    (void)str_copy(m->tenant.subdomain, sizeof m->tenant.subdomain, "acme");
    (void)str_copy(m->tenant.name, sizeof m->tenant.name, "Acme \"& Söhne\"");
    m->tenant.limits.pids = 70;
    if (plan_new(txn, &m->plan, err) != 0 || customer_new(txn, &m->customer, err) != 0)
        return -1;
    (void)str_copy(m->tenant.customer_id, sizeof m->tenant.customer_id, m->customer.id);
    if (tenant_new(txn, NULL, &m->plan, &m->tenant, err) != 0)
        return -1;
    (void)str_copy(m->tunnel.tenant_id, sizeof m->tunnel.tenant_id, m->tenant.id);
    (void)str_copy(m->tunnel.hostname, sizeof m->tunnel.hostname, "acme.localhost");
    return tunnel_new(txn, &m->tunnel, err);
}

static int take_again(struct txn *txn, void *arg, struct err *err)
{
    struct made *m = arg;
    struct tenant tenant;

    memset(&tenant, 0, sizeof tenant);
    (void)str_copy(tenant.subdomain, sizeof tenant.subdomain, "acme");
    return tenant_new(txn, NULL, &m->plan, &tenant, err);
}

static void made_and_found(void **state)
{
    static struct made m;
    struct tenant tenant;
    struct tunnel tunnel;
    struct plan plan;
    struct limits limits;
    char mark[TENANT_MARK_SIZE];
    struct err err;

    (void)state;
    must_write(w, make, &m);
    assert_string_equal(m.tenant.url, "http://acme.localhost:4443/");
    assert_string_equal(m.tenant.ingress, "local");
    assert_string_equal(m.tunnel.name, "sett-tun000001");
    tenant_mark(mark, 123);
    assert_string_equal(mark, "sett-t000123");
    refuse_write(w, take_again, &m, "name_taken");
    struct txn *txn = must_read(w);
    assert_int_equal(tenant_resolve(txn, "1", &tenant, &err), 1);
    assert_string_equal(tenant.id, m.tenant.id);
    assert_int_equal(tenant_resolve(txn, m.tenant.id, &tenant, &err), 1);
    assert_int_equal(tenant_resolve(txn, "2", &tenant, &err), 0);
    assert_int_equal(tenant_resolve(txn, "", &tenant, &err), 0);
    assert_int_equal(tenant_resolve(txn, "tn_nonsense", &tenant, &err), 0);
    assert_int_equal(tenant_resolve(txn, "../../etc/passwd", &tenant, &err), 0);
    assert_int_equal(tunnel_resolve(txn, "sett-tun000001", &tunnel, &err), 1);
    assert_int_equal(tunnel_resolve(txn, "1", &tunnel, &err), 1);
    assert_int_equal(tunnel_resolve(txn, m.tunnel.id, &tunnel, &err), 1);
    assert_int_equal(plan_resolve(txn, "demo", &plan, &err), 1);
    assert_int_equal(plan_resolve(txn, plan.id, &plan, &err), 1);
    assert_int_equal(plan_by_price(txn, "", &plan, &err), 0);
    assert_int_equal(tenant_limits(txn, &m.tenant, &limits, &err), 0);
    assert_int_equal(limits.memory_bytes, 256 << 20);
    assert_int_equal(limits.pids, 70);
    db_read_end(txn);
    world_sound(w);
}

static int move(struct txn *txn, void *arg, struct err *err)
{
    struct tenant tenant;

    if (tenant_resolve(txn, "1", &tenant, err) != 1)
        return -1;
    return tenant_move(txn, &tenant, *(enum tenant_state *)arg, "because", err);
}

static struct tenant moved_to(enum tenant_state to)
{
    struct tenant tenant;
    struct err err;

    must_write(w, move, &to);
    struct txn *txn = must_read(w);
    assert_int_equal(tenant_resolve(txn, "1", &tenant, &err), 1);
    db_read_end(txn);
    return tenant;
}

static void states_and_their_times(void **state)
{
    static struct made m;
    enum tenant_state back = TENANT_ACTIVE;

    (void)state;
    must_write(w, make, &m);
    assert_true(moved_to(TENANT_FAILED).failed_at > 0);
    assert_int_equal(moved_to(TENANT_ACTIVE).failed_at, 0);
    assert_true(moved_to(TENANT_SUSPENDED).suspended_at > 0);
    assert_string_equal(moved_to(TENANT_SUSPENDED).state_reason, "because");
    assert_int_equal(moved_to(TENANT_PAST_DUE).suspended_at, 0);
    assert_true(moved_to(TENANT_DELETED).deleted_at > 0);
    refuse_write(w, move, &back, "tenant_deleted");
}

static int keep(struct txn *txn, void *arg, struct err *err)
{
    return idempotency_keep(txn, arg, err);
}

static int prune(struct txn *txn, void *arg, struct err *err)
{
    *(int *)arg = idempotency_prune(txn, 10, err);
    return *(int *)arg < 0 ? -1 : 0;
}

static int find(struct idempotency *kept, const char *actor, const char *key, const char *input,
                struct err *err)
{
    struct txn *txn = must_read(w);

    memset(kept, 0, sizeof *kept);
    idempotency_hash(actor, key, kept->key_hash);
    crypto_generichash(kept->request_hash, sizeof kept->request_hash, (const uint8_t *)input,
                       strlen(input), NULL, 0);
    int found = idempotency_find(txn, kept, err);
    db_read_end(txn);
    return found;
}

static void answers_are_kept_for_a_day(void **state)
{
    static struct idempotency kept;
    struct err err;
    int pruned = 0;

    (void)state;
    assert_int_equal(find(&kept, "us_a", "k1", "{}", &err), 0);
    kept.status = 202;
    (void)str_copy(kept.body, sizeof kept.body, "{\"id\":1}");
    must_write(w, keep, &kept);
    assert_int_equal(find(&kept, "us_a", "k1", "{}", &err), 1);
    assert_int_equal(kept.status, 202);
    assert_string_equal(kept.body, "{\"id\":1}");
    assert_int_equal(find(&kept, "us_a", "k1", "{\"x\":1}", &err), -1);
    assert_string_equal(err.code, "idempotency_mismatch");
    assert_int_equal(find(&kept, "us_b", "k1", "{}", &err), 0);
    assert_int_equal(find(&kept, "us_", "ak1", "{}", &err), 0);
    must_write(w, prune, &pruned);
    assert_int_equal(pruned, 0);
    world_wait(w, 86400);
    assert_int_equal(find(&kept, "us_a", "k1", "{}", &err), 0);
    must_write(w, prune, &pruned);
    assert_int_equal(pruned, 1);
}

static int bad_user(struct txn *txn, void *arg, struct err *err)
{
    return user_new(txn, arg, err);
}

static void users_that_cannot_be(void **state)
{
    struct user user = {.name = "a b", .role = ROLE_ADMIN};

    (void)state;
    refuse_write(w, bad_user, &user, "user_name_invalid");
    (void)str_copy(user.name, sizeof user.name, "ok");
    user.role = ROLE_PUBLIC;
    refuse_write(w, bad_user, &user, "role_invalid");
    user.role = ROLE_CUSTOMER;
    refuse_write(w, bad_user, &user, "customer_id_invalid");
    user.role = ROLE_ADMIN;
    must_write(w, bad_user, &user);
    user.id[0] = '\0';
    (void)str_copy(user.name, sizeof user.name, "OK");
    refuse_write(w, bad_user, &user, "user_exists");
}

#define CASE(name_) cmocka_unit_test_setup_teardown(name_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_schema_is_sound),
        CASE(made_and_found),
        CASE(states_and_their_times),
        CASE(answers_are_kept_for_a_day),
        CASE(users_that_cannot_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
