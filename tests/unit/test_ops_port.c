/* The pool of ports as a map: runs that say all of it, what is kept from tenants and let go again,
 * what lies outside of a pool that was changed. */
#include "ops_world.h"

#include "port_map.h"
#include "tenant.h"

static int plant(struct txn *txn, void *arg, struct err *err)
{
    struct tenant tenant = {.number = 7, .state = TENANT_ACTIVE, .subdomain = "acme", .port = 3100};
    struct port port = {0};
    uint32_t got;

    (void)arg;
    id_make(tenant.id, "tn");
    if (record_insert(txn, &tenant_table, &tenant, err) != 0 ||
        port_reserve(txn, "3100-3109", tenant.id, &got, err) != 0 ||
        port_foreign(txn, 3103, "nginx (pid 812)", txn_time_ms(txn) + 60000, err) != 0 ||
        port_foreign(txn, 3104, "gone", 1, err) != 0)
        return -1;
    (void)str_copy(port.tenant_id, sizeof port.tenant_id, tenant.id);
    port.port = 4000;
    return record_put(txn, &port_table, &port, err);
}

/* "3100-3100 tenant, …" */
static const char *runs(struct ops_world *w, const char *params)
{
    static char out[1000];
    const struct cJSON *all, *item = NULL;
    size_t len = 0;

    ops_ok(w, 200, "port.map", ROLE_VIEWER, "{%s}", params);
    all = json_at(w->answer, "runs");
    out[0] = '\0';
    while ((item = json_next(all, item)) != NULL) {
        assert_int_equal(
            str_format(out + len, sizeof out - len, "%lld-%lld %s%s, ",
                       (long long)json_i64(item, "from", 0), (long long)json_i64(item, "to", 0),
                       json_text(item, "state", ""), json_bool(item, "in_pool", false) ? "" : "!"),
            0);
        len += strlen(out + len);
    }
    return out;
}

static void test_map(void **state)
{
    struct ops_world w;

    (void)state;
    ops_world_open(&w);
    ops_ok(&w, 200, "setting.set", ROLE_ADMIN,
           "{\"name\":\"ports.ranges\",\"value\":\"3100-3109,3200-3201\"}");
    assert_string_equal(runs(&w, ""), "3100-3109 free, 3200-3201 free, ");
    assert_int_equal(db_write(w.box.db, plant, NULL, &w.err), 0);
    assert_string_equal(runs(&w, ""),
                        "3100-3100 tenant, 3101-3102 free, 3103-3103 foreign, 3104-3109 free, "
                        "3200-3201 free, 4000-4000 tenant!, ");
    assert_int_equal(json_i64(w.answer, "total", 0), 12);
    assert_int_equal(json_i64(w.answer, "free", 0), 10);
    assert_int_equal(json_i64(w.answer, "outside", 0), 1);
    assert_string_equal(runs(&w, "\"from\":3102,\"to\":3105"),
                        "3102-3102 free, 3103-3103 foreign, 3104-3105 free, ");
    assert_int_equal(json_i64(w.answer, "free", 0), 10); /* of all of it */
    ops_ok(&w, 200, "port.show", ROLE_VIEWER, "{\"port\":3100}");
    assert_string_equal(ops_text(&w, "owner"), "acme");
    assert_int_equal(json_i64(w.answer, "tenant_number", 0), 7);
    ops_ok(&w, 200, "port.list", ROLE_VIEWER, "{\"from\":3101,\"to\":3199}");
    assert_string_equal(json_text(json_next(json_at(w.answer, "data"), NULL), "owner", ""),
                        "nginx (pid 812)");
    ops_world_close(&w);
}

static int take_all(struct txn *txn, void *arg, struct err *err)
{
    uint32_t port = 0;
    unsigned *count = arg;

    for (*count = 0; *count < 20; ++*count) {
        struct tenant tenant = {.number = 100 + *count};
        id_make(tenant.id, "tn");
        if (record_insert(txn, &tenant_table, &tenant, err) != 0)
            return -1;
        if (port_reserve(txn, "3100-3109", tenant.id, &port, err) != 0)
            return -1;
        assert_int_not_equal(port, 3101);
    }
    return 0;
}

static void test_reserve(void **state)
{
    struct ops_world w;
    struct err err;
    struct txn *txn;
    struct port port = {.port = 3101};
    unsigned count = 0;

    (void)state;
    ops_world_open(&w);
    ops_ok(&w, 200, "setting.set", ROLE_ADMIN,
           "{\"name\":\"ports.ranges\",\"value\":\"3100-3109\"}");
    assert_int_equal(db_write(w.box.db, plant, NULL, &w.err), 0);
    ops_no(&w, 403, "role_too_low", "port.reserve", ROLE_VIEWER, "{\"port\":3101,\"note\":\"x\"}");
    ops_no(&w, 422, "required", "port.reserve", ROLE_OPERATOR, "{\"port\":3101}");
    ops_ok(&w, 200, "port.reserve", ROLE_OPERATOR, "{\"port\":3101,\"note\":\"our wiki\"}");
    assert_string_equal(ops_text(&w, "state"), "reserved");
    assert_string_equal(ops_text(&w, "owner"), "our wiki");
    ops_no(&w, 409, "port_taken", "port.reserve", ROLE_OPERATOR, "{\"port\":3100,\"note\":\"x\"}");
    ops_no(&w, 409, "port_taken", "port.release", ROLE_OPERATOR, "{\"port\":3100}");
    /* however full the pool, no tenant gets it */
    assert_int_equal(db_write(w.box.db, take_all, &count, &err), -1);
    assert_string_equal(err.code, "ports_exhausted");
    assert_int_equal(count, 7); /* ten but the tenant's, the reserved and the foreign one */
    ops_ok(&w, 200, "port.release", ROLE_OPERATOR, "{\"port\":3101}");
    assert_string_equal(ops_text(&w, "state"), "free");
    ops_ok(&w, 200, "port.release", ROLE_OPERATOR, "{\"port\":3101}");
    assert_int_equal(db_read(&txn, w.box.db, &err), 0);
    assert_int_equal(record_get(txn, &port_table, &port, &err), 0);
    db_read_end(txn);
    ops_ok(&w, 200, "port.release", ROLE_OPERATOR, "{\"port\":3103}"); /* the foreign one */
    assert_string_equal(ops_text(&w, "state"), "free");
    ops_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_map),
        cmocka_unit_test(test_reserve),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
