/* What is told of snapshots at a glance: the matrix of tenants and days, and the summary. */
#include "ops_world.h"

#include "clock.h"
#include "snapshot.h"
#include "snapshot_round.h"
#include "tenant.h"

#define DAY_MS (INT64_C(86400) * 1000)

struct world {
    struct ops_world ops;
    char acme[ID_SIZE], late[ID_SIZE];
    int64_t midnight; /* when today began, UTC */
    char last[32];    /* the last id, without its prefix */
};

/* Ids of one millisecond are in no order: here each is behind the one before. */
static void next_id(struct world *w, char id[ID_SIZE], const char *prefix)
{
    do
        id_make(id, prefix);
    while (strcmp(strchr(id, '_'), w->last) <= 0);
    (void)str_copy(w->last, sizeof w->last, strchr(id, '_'));
}

struct put {
    const struct table *table;
    const void *record;
};

static int put_one(struct txn *txn, void *arg, struct err *err)
{
    const struct put *p = arg;

    return record_put(txn, p->table, p->record, err);
}

static void put(struct world *w, const struct table *table, const void *record)
{
    struct put p = {table, record};

    if (db_write(w->ops.box.db, put_one, &p, &w->ops.err) != 0)
        fail_msg("%s", w->ops.err.text);
}

static void tenant(struct world *w, uint64_t number, const char *name, int64_t created_at,
                   char id[ID_SIZE])
{
    struct tenant t = {.number = number, .state = TENANT_ACTIVE, .created_at = created_at};

    next_id(w, t.id, tenant_table.prefix);
    (void)str_copy(t.name, sizeof t.name, name);
    (void)str_copy(t.subdomain, sizeof t.subdomain, name);
    put(w, &tenant_table, &t);
    (void)str_copy(id, ID_SIZE, t.id);
}

/* ${days} ago, at noon. */
static void snapshot(struct world *w, uint64_t number, const char *tenant_id, int days,
                     enum snapshot_state state, bool proven)
{
    struct snapshot s = {.number = number, .state = state, .verified = state == SNAPSHOT_DONE};
    struct snapshot_copy copy = {.bytes = 1000};

    next_id(w, s.id, snapshot_table.prefix);
    (void)str_copy(s.tenant_id, sizeof s.tenant_id, tenant_id);
    s.created_at = w->midnight - days * DAY_MS + DAY_MS / 2;
    s.done_at = s.verified_at = s.created_at;
    s.bytes = 1000;
    s.proven_at = proven ? s.created_at : 0;
    put(w, &snapshot_table, &s);
    (void)str_copy(copy.snapshot_id, sizeof copy.snapshot_id, s.id);
    (void)str_copy(copy.vault_id, sizeof copy.vault_id, "vlt_00000000000000000000000001");
    if (state == SNAPSHOT_DONE)
        put(w, &snapshot_copy_table, &copy);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    int64_t now = clock_wall_ms();

    assert_non_null(w);
    ops_world_open(&w->ops);
    w->midnight = now - now % DAY_MS;
    tenant(w, 1, "acme", w->midnight - 9 * DAY_MS, w->acme);
    tenant(w, 2, "late", w->midnight - 2 * DAY_MS + 1, w->late);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    ops_world_close(&w->ops);
    free(w);
    return 0;
}

static const struct cJSON *data(const struct world *w, int at)
{
    const struct cJSON *item = NULL, *list = json_at(w->ops.answer, "data");

    for (int i = 0; i <= at; i++)
        item = json_next(list, item);
    return item;
}

static void matrix_tells_the_best_of_each_day(void **state)
{
    struct world *w = *state;

    snapshot(w, 1, "", 6, SNAPSHOT_GONE, false);
    snapshot(w, 2, "", 4, SNAPSHOT_DONE, true);
    snapshot(w, 3, "", 3, SNAPSHOT_FAILED, false);
    snapshot(w, 4, w->acme, 3, SNAPSHOT_DONE, false);
    snapshot(w, 5, "", 2, SNAPSHOT_DONE, false);
    snapshot(w, 6, w->acme, 2, SNAPSHOT_DONE, false);
    snapshot(w, 7, "", 1, SNAPSHOT_FAILED, false);
    snapshot(w, 8, "", 0, SNAPSHOT_WRITING, false);
    ops_ok(&w->ops, 200, "snapshot.matrix", ROLE_VIEWER, "{\"days\":8}");
    assert_string_equal(json_text(data(w, 0), "name", ""), "late");
    assert_string_equal(json_text(data(w, 0), "marks", ""), "RFv     ");
    assert_string_equal(json_text(data(w, 1), "name", ""), "acme");
    assert_string_equal(json_text(data(w, 1), "marks", ""), "RFvvp-x-");
    assert_string_equal(ops_text(&w->ops, "days[7].box.state"), "none");
    assert_string_equal(ops_text(&w->ops, "days[4].box.state"), "proven");
    assert_string_equal(json_text(data(w, 1), "cells[2].scope", ""), "both");
    assert_string_equal(json_text(data(w, 1), "cells[3].scope", ""), "own");
    assert_int_equal(json_i64(data(w, 1), "cells[3].failed", 0), 1);
    assert_string_equal(json_text(data(w, 1), "cells[4].scope", ""), "box");
    assert_int_equal(json_i64(data(w, 1), "cells[4].number", 0), 2);
}

static void matrix_finds_who_is_not_covered(void **state)
{
    struct world *w = *state;

    for (int day = 8; day >= 0; day--)
        snapshot(w, (uint64_t)(9 - day), day == 5 ? w->late : "", day, SNAPSHOT_DONE, false);
    ops_ok(&w->ops, 200, "snapshot.matrix", ROLE_VIEWER, "{\"days\":8,\"uncovered\":true}");
    assert_string_equal(json_text(data(w, 0), "name", ""), "acme");
    assert_null(data(w, 1));
    ops_ok(&w->ops, 200, "snapshot.matrix", ROLE_VIEWER, "{\"days\":4,\"uncovered\":true}");
    assert_null(data(w, 0));
    ops_ok(&w->ops, 200, "snapshot.matrix", ROLE_VIEWER, "{\"text\":\"LAT\"}");
    assert_string_equal(json_text(data(w, 0), "name", ""), "late");
    assert_null(data(w, 1));
    ops_ok(&w->ops, 200, "snapshot.matrix", ROLE_VIEWER, "{\"tenant_id\":\"1\"}");
    assert_string_equal(json_text(data(w, 0), "name", ""), "acme");
    assert_null(data(w, 1));
}

/* In a zone whose clocks go forward a day has 23 hours, and its name is the zone's. */
static void matrix_has_the_days_of_the_zone(void **state)
{
    struct world *w = *state;

    ops_ok(&w->ops, 200, "setting.set", ROLE_ADMIN,
           "{\"name\":\"box.time_zone\",\"value\":\"Europe/Berlin\"}");
    ops_ok(&w->ops, 200, "snapshot.matrix", ROLE_VIEWER,
           "{\"days\":2,\"until\":\"2026-03-29T12:00:00Z\"}");
    assert_string_equal(ops_text(&w->ops, "days[0].date"), "2026-03-29");
    assert_string_equal(ops_text(&w->ops, "days[0].from"), "2026-03-28T23:00:00.000Z");
    assert_string_equal(ops_text(&w->ops, "days[0].to"), "2026-03-29T22:00:00.000Z");
    assert_string_equal(ops_text(&w->ops, "days[1].date"), "2026-03-28");
}

static void summary_tells_how_it_stands(void **state)
{
    struct world *w = *state;
    struct vault_place vault = {.enabled = true};
    struct snapshot_copy copy = {.bytes = 1000, .stored_at = w->midnight};
    struct drill failed = {.number = 5}, passed = {.number = 5, .passed = true, .took_ms = 4200};

    ops_ok(&w->ops, 200, "snapshot.summary", ROLE_VIEWER, "{}");
    assert_true(json_type(json_at(w->ops.answer, "last_backup_at")) == JSON_NULL);
    assert_true(json_type(json_at(w->ops.answer, "newest")) == JSON_NULL);
    assert_true(json_type(json_at(w->ops.answer, "proven")) == JSON_NULL);
    assert_string_equal(ops_text(&w->ops, "next[0].what"), "box");

    snapshot(w, 4, "", 1, SNAPSHOT_DONE, true);
    snapshot(w, 5, w->acme, 0, SNAPSHOT_DONE, false);
    snapshot(w, 6, "", 0, SNAPSHOT_SENDING, false);
    next_id(w, vault.id, vault_place_table.prefix);
    (void)str_copy(vault.name, sizeof vault.name, "local");
    put(w, &vault_place_table, &vault);
    next_id(w, copy.snapshot_id, snapshot_table.prefix);
    (void)str_copy(copy.vault_id, sizeof copy.vault_id, vault.id);
    put(w, &snapshot_copy_table, &copy);
    next_id(w, passed.id, drill_table.prefix);
    put(w, &drill_table, &passed);
    next_id(w, failed.id, drill_table.prefix);
    put(w, &drill_table, &failed);
    ops_ok(&w->ops, 200, "snapshot.summary", ROLE_VIEWER, "{}");
    assert_int_equal(json_i64(w->ops.answer, "newest.number", 0), 4);
    assert_int_equal(json_i64(w->ops.answer, "proven.took_ms", 0), 4200);
    assert_false(json_bool(w->ops.answer, "drill.passed", true));
    assert_int_equal(json_i64(w->ops.answer, "running[0].number", 0), 6);
    assert_int_equal(json_i64(w->ops.answer, "snapshots", 0), 2);
    assert_int_equal(json_i64(w->ops.answer, "vaults[0].copies", 0), 1);
    assert_int_equal(json_i64(w->ops.answer, "vaults[0].bytes", 0), 1000);
}

/* Rules are tried out on a plan, and nowhere else. */
static void rules_are_tried_out(void **state)
{
    struct world *w = *state;
    struct actor admin = ops_actor(ROLE_ADMIN);
    struct ops_extra plan = {.plan = true};

    for (int day = 8; day >= 0; day--)
        snapshot(w, (uint64_t)(9 - day), "", day, SNAPSHOT_DONE, false);
    assert_int_equal(ops_call(&w->ops, "snapshot.prune", &admin, &plan, "{}"), 200);
    assert_int_equal(json_i64(w->ops.answer, "removed", -1), 0);
    assert_int_equal(json_i64(w->ops.answer, "kept", -1), 9);
    assert_int_equal(
        ops_call(&w->ops, "snapshot.prune", &admin, &plan, "{\"keep_daily\":2,\"keep_last\":4}"),
        200);
    assert_int_equal(json_i64(w->ops.answer, "removed", -1), 5);
    assert_int_equal(json_i64(w->ops.answer, "removed_bytes", -1), 5000);
    ops_no(&w->ops, 422, "plan_only", "snapshot.prune", ROLE_ADMIN, "{\"keep_daily\":2}");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(matrix_tells_the_best_of_each_day), TEST(matrix_finds_who_is_not_covered),
        TEST(matrix_has_the_days_of_the_zone),   TEST(rules_are_tried_out),
        TEST(summary_tells_how_it_stands),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
