/* Ports: pools, the lowest free one, exhaustion, what is foreign, and that none is given twice. */
#include "domain_world.h"

#include "port.h"
#include "tenant.h"

static struct world *w;

static int tear_down(void **state)
{
    (void)state;
    world_end(w);
    return 0;
}

struct reserve {
    const char *ranges;
    char tenant[ID_SIZE];
    uint32_t port;
};

static int reserve(struct txn *txn, void *arg, struct err *err)
{
    struct reserve *r = arg;
    return port_reserve(txn, r->ranges, r->tenant, &r->port, err);
}

static int reserve_another(struct txn *txn, void *arg, struct err *err)
{
    struct reserve *r = arg;
    return port_reserve_another(txn, r->ranges, r->tenant, &r->port, err);
}

static int give(struct txn *txn, void *arg, struct err *err)
{
    struct reserve *r = arg;
    return port_give(txn, r->port, r->tenant, err);
}

static int release(struct txn *txn, void *arg, struct err *err)
{
    return port_free(txn, arg, err);
}

struct foreign {
    uint32_t port;
    int64_t until;
};

static int foreign(struct txn *txn, void *arg, struct err *err)
{
    const struct foreign *f = arg;
    return port_foreign(txn, f->port, "nginx (pid 812)", f->until, err);
}

static void tenant_id(char out[ID_SIZE], int n)
{
    assert_int_equal(str_format(out, ID_SIZE, "tn_%026d", n), 0);
}

static int add_tenants(struct txn *txn, void *arg, struct err *err)
{
    struct tenant tenant;

    (void)arg;
    for (int i = 1; i <= 99; i++) {
        memset(&tenant, 0, sizeof tenant);
        tenant_id(tenant.id, i);
        tenant.number = (uint64_t)i;
        if (record_insert(txn, &tenant_table, &tenant, err) != 0)
            return -1;
    }
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    w = world_new();
    must_write(w, add_tenants, NULL);
    return 0;
}

static uint32_t reserve_for(const char *ranges, int tenant)
{
    struct reserve r = {.ranges = ranges};

    tenant_id(r.tenant, tenant);
    must_write(w, reserve, &r);
    return r.port;
}

static void release_of(int tenant)
{
    char id[ID_SIZE];

    tenant_id(id, tenant);
    must_write(w, release, id);
}

static void pools(void **state)
{
    static const char *const bad[] = {
        "",      "0",         "65536",          "3100-",
        "-3100", "3100-3000", "3100-3200,3150", "3100,3100",
        "a",     "3100;3200", "3100-3200-3300", "3100,",
        ",3100", "03100",     "99999999999",    "3100 3200",
    };
    uint32_t total = 0;
    struct err err;

    (void)state;
    assert_int_equal(port_ranges_check("3100-3999", &total, &err), 0);
    assert_int_equal(total, 900);
    assert_int_equal(port_ranges_check("3100-3999, 5000-5100 ,80", &total, &err), 0);
    assert_int_equal(total, 900 + 101 + 1);
    assert_int_equal(port_ranges_check("1-65535", &total, &err), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(port_ranges_check(bad[i], &total, &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

static void lowest_first_and_kept(void **state)
{
    (void)state;
    assert_int_equal(reserve_for("3100-3102,5000", 1), 3100);
    assert_int_equal(reserve_for("3100-3102,5000", 1), 3100); /* it keeps what it has */
    assert_int_equal(reserve_for("3100-3102,5000", 2), 3101);
    assert_int_equal(reserve_for("3100-3102,5000", 3), 3102);
    assert_int_equal(reserve_for("3100-3102,5000", 4), 5000);
    release_of(2);
    assert_int_equal(reserve_for("3100-3102,5000", 5), 3101);
    release_of(1);
    release_of(1); /* fine */
    release_of(3);
    assert_int_equal(reserve_for("3100-3102,5000", 6), 3100);
    assert_int_equal(reserve_for("3100-3102,5000", 7), 3102);
    assert_int_equal(reserve_for("3000,3100-3102,5000", 8), 3000); /* another pool */
    world_sound(w);
}

static void exhausted(void **state)
{
    struct reserve r = {.ranges = "3100-3149"};
    struct err err;

    (void)state;
    for (int i = 0; i < 50; i++)
        assert_int_equal(reserve_for("3100-3149", i + 1), 3100 + i);
    tenant_id(r.tenant, 99);
    assert_int_equal(db_write(w->db, reserve, &r, &err), -1);
    assert_int_equal(err.kind, ERR_QUOTA);
    assert_string_equal(err.code, "ports_exhausted");
    assert_non_null(strstr(err.hint, "ports.ranges"));
    release_of(20);
    assert_int_equal(reserve_for("3100-3149", 99), 3119);
}

static void foreign_is_skipped_and_tried_again(void **state)
{
    struct foreign f = {.port = 3100};

    (void)state;
    f.until = clock_wall_ms() + 600 * 1000;
    assert_int_equal(reserve_for("3100-3110", 1), 3100);
    must_write(w, foreign, &f); /* found out when it was tried */
    assert_int_equal(reserve_for("3100-3110", 1), 3101);
    assert_int_equal(reserve_for("3100-3110", 2), 3102);
    world_sound(w);
    world_wait(w, 601);
    assert_int_equal(reserve_for("3100-3110", 3), 3100);
    assert_int_equal(reserve_for("3100-3110", 4), 3103);
}

/* A tenant that is moved has two for a while; either can go back, and nobody else's. */
static void two_of_one(void **state)
{
    struct reserve r = {.ranges = "3100-3110"};

    (void)state;
    assert_int_equal(reserve_for("3100-3110", 1), 3100);
    tenant_id(r.tenant, 1);
    must_write(w, reserve_another, &r);
    assert_int_equal(r.port, 3101);
    assert_int_equal(reserve_for("3100-3110", 2), 3102);
    tenant_id(r.tenant, 2);
    must_write(w, give, &r); /* not theirs: it stays */
    assert_int_equal(reserve_for("3100-3110", 3), 3103);
    tenant_id(r.tenant, 1);
    r.port = 3100;
    must_write(w, give, &r);
    assert_int_equal(reserve_for("3100-3110", 1), 3101);
    assert_int_equal(reserve_for("3100-3110", 4), 3100);
    world_sound(w);
}

/* Against a plain model: whatever is taken and given back, the lowest free port is what one gets.
 * */
static void like_a_model(void **state)
{
    bool taken[40] = {false};
    int port_of[60];

    (void)state;
    srand(11);
    for (int i = 0; i < 60; i++)
        port_of[i] = -1;
    for (int round = 0; round < 400; round++) {
        int t = rand() % 60;

        if (port_of[t] >= 0) {
            release_of(t + 1);
            taken[port_of[t]] = false;
            port_of[t] = -1;
            continue;
        }
        struct reserve r = {.ranges = "4000-4019,4100-4119"};
        struct err err;
        int want = 0;

        while (want < 40 && taken[want])
            want++;
        tenant_id(r.tenant, t + 1);
        int result = db_write(w->db, reserve, &r, &err);
        assert_int_equal(result, want < 40 ? 0 : -1);
        if (result != 0)
            continue;
        assert_int_equal(r.port, want < 20 ? 4000 + want : 4100 + want - 20);
        taken[want] = true;
        port_of[t] = want;
    }
    world_sound(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pools),
        cmocka_unit_test_setup_teardown(lowest_first_and_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(exhausted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(foreign_is_skipped_and_tried_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_of_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(like_a_model, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
