/* The feed of changes: what leaves a row and what does not, the ring, the place of a reader, and
 * that nothing of a change that failed is told. */
#include "domain_world.h"

#include "feed.h"
#include "job.h"
#include "key.h"
#include "maintain.h"
#include "setting.h"
#include "tenant.h"
#include "user.h"

static struct world *world;

static int set_up(void **state)
{
    (void)state;
    world = world_new();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_end(world);
    return 0;
}

static struct feed_place now(void)
{
    struct txn *txn = must_read(world);
    struct feed_place place;
    struct err err;

    assert_int_equal(feed_now(txn, &place, &err), 0);
    db_read_end(txn);
    return place;
}

/* The next row behind the place; false when there is none. */
static bool next(struct feed_place *place, struct feed_row *row)
{
    struct txn *txn = must_read(world);
    struct err err;
    int got = feed_next(txn, place, row, &err);

    db_read_end(txn);
    assert_true(got >= 0);
    return got == 1;
}

static bool known(const struct feed_place *place, uint64_t *behind)
{
    struct txn *txn = must_read(world);
    struct err err;
    int got = feed_known(txn, place, behind, &err);

    db_read_end(txn);
    assert_true(got >= 0);
    return got == 1;
}

struct wish {
    struct tenant tenant;
    int times; /* put so often, each time with another name */
    bool remove, fail;
};

static int wish(struct txn *txn, void *arg, struct err *err)
{
    struct wish *w = arg;

    for (int i = 0; i < w->times; i++) {
        (void)str_format(w->tenant.name, sizeof w->tenant.name, "name %d", i);
        if (record_put(txn, &tenant_table, &w->tenant, err) == -1)
            return -1;
    }
    if (w->remove && record_delete(txn, &tenant_table, &w->tenant, err) == -1)
        return -1;
    return w->fail ? err_set(err, ERR_CONFLICT, "no", "no") : 0;
}

static struct wish of_tenant(uint64_t number)
{
    struct wish w = {.times = 1};

    id_make(w.tenant.id, "tn");
    id_make(w.tenant.customer_id, "cu");
    w.tenant.number = number;
    return w;
}

static void one_thing_in_one_transaction_is_one_row(void **state)
{
    struct feed_place place = now();
    struct wish w = of_tenant(1);
    struct feed_row row;
    struct err err;

    (void)state;
    assert_int_equal(place.number, 0);
    w.times = 5;
    must_write(world, wish, &w);
    assert_true(next(&place, &row));
    assert_string_equal(row.object, "tenant");
    assert_string_equal(row.id, w.tenant.id);
    assert_string_equal(row.customer_id, w.tenant.customer_id);
    assert_int_equal(row.change, FEED_PUT);
    assert_false(next(&place, &row));
    w.times = 1;
    (void)str_copy(w.tenant.name, sizeof w.tenant.name, "name 0");
    must_write(world, wish, &w);
    assert_true(next(&place, &row));
    must_write(world, wish, &w); /* as it is already: nothing changes */
    assert_false(next(&place, &row));
    w.times = 2;
    w.remove = true;
    must_write(world, wish, &w);
    assert_true(next(&place, &row));
    assert_int_equal(row.change, FEED_DELETED);
    assert_false(next(&place, &row));
    w.fail = true;
    w.remove = false;
    assert_int_equal(db_write(world->db, wish, &w, &err), -1);
    assert_false(next(&place, &row));
}

static int see_session(struct txn *txn, void *arg, struct err *err)
{
    return record_put(txn, &session_table, arg, err);
}

static void what_is_no_news_leaves_no_row(void **state)
{
    struct session session = {.seen_at = 1};
    struct feed_place place = now();
    struct feed_row row;

    (void)state;
    id_make(session.id, "ses");
    id_make(session.user_id, "us");
    must_write(world, see_session, &session);
    assert_true(next(&place, &row));
    assert_string_equal(row.object, "session");
    assert_string_equal(row.about, session.user_id);
    session.seen_at = 2;
    must_write(world, see_session, &session);
    assert_false(next(&place, &row));
    session.fresh_at = 3;
    must_write(world, see_session, &session);
    assert_true(next(&place, &row));
}

static int put_job(struct txn *txn, void *arg, struct err *err)
{
    return record_put(txn, &job_table, arg, err);
}

static int put_setting(struct txn *txn, void *arg, struct err *err)
{
    return record_put(txn, &setting_table, arg, err);
}

static void a_row_says_what_it_is_about(void **state)
{
    struct feed_place place = now();
    struct setting setting = {.value = "x"};
    struct job job = {.state = JOB_QUEUED, .live = true};
    struct feed_row row;

    (void)state;
    id_make(job.id, "job");
    (void)str_copy(job.subjects[0], sizeof job.subjects[0], "tenant:tn_00000000000000000000000001");
    must_write(world, put_job, &job);
    assert_true(next(&place, &row));
    assert_string_equal(row.object, "job");
    assert_string_equal(row.about, "tn_00000000000000000000000001");
    (void)str_copy(setting.name, sizeof setting.name, "box.url");
    must_write(world, put_setting, &setting);
    assert_true(next(&place, &row));
    assert_string_equal(row.object, "setting");
    assert_string_equal(row.id, "box.url");
}

static int many(struct txn *txn, void *arg, struct err *err)
{
    uint64_t *number = arg;
    struct tenant t;

    for (int i = 0; i < 500; i++) {
        memset(&t, 0, sizeof t);
        id_make(t.id, "tn");
        t.number = ++*number;
        if (record_put(txn, &tenant_table, &t, err) == -1)
            return -1;
    }
    return 0;
}

static void finding(void *arg, const char *table, const char *key, const char *what)
{
    (void)arg;
    fail_msg("%s %s: %s", table, key, what);
}

static void the_oldest_make_room(void **state)
{
    struct feed_place first = now(), place;
    struct feed_row row;
    uint64_t number = 0, behind;
    char text[FEED_PLACE_SIZE];
    struct err err;

    (void)state;
    for (int i = 0; i < 8; i++)
        must_write(world, many, &number);
    assert_true(known(&first, &behind));
    assert_int_equal(behind, 4000);
    place = first;
    for (int i = 0; i < 300; i++)
        assert_true(next(&place, &row));
    assert_int_equal(row.number, 300);
    must_write(world, many, &number);
    assert_false(known(&first, &behind));
    assert_false(next(&first, &row));
    feed_place_text(&place, text);
    memset(&place, 0, sizeof place);
    assert_int_equal(feed_place_read(text, &place), 0);
    assert_false(known(&place, &behind)); /* 4500 - 300 are more than are kept */
    for (place.number = 500; place.number < 600; place.number++)
        if (next(&place, &row))
            break;
    assert_true(known(&place, &behind));
    place.at++; /* the same number, of another time */
    assert_false(known(&place, &behind));
    assert_int_equal(feed_place_read("12", &place), -1);
    assert_int_equal(feed_place_read("12.x", &place), -1);
    assert_int_equal(feed_place_read("", &place), -1);
    assert_int_equal(db_fsck(world->db, finding, NULL, &err), 0);
}

static void a_dump_brings_the_feed_along(void **state)
{
    struct feed_place place = {0}, there;
    struct wish w = of_tenant(1);
    char path[300], folder[300];
    struct feed_row row;
    struct err err;
    struct txn *txn;
    struct db *db;
    FILE *f;

    (void)state;
    w.tenant.customer_id[0] = '\0';
    must_write(world, wish, &w);
    place = now();
    (void)str_format(path, sizeof path, "%s/dump", world->folder);
    (void)str_format(folder, sizeof folder, "%s/again", world->folder);
    assert_non_null(f = fopen(path, "w+"));
    assert_int_equal(db_dump(world->db, f, &err), 0);
    rewind(f);
    if (db_load(folder, &sett_schema, f, &err) != 0)
        fail_msg("%s", err.text);
    (void)fclose(f);
    if (db_open(&db, folder, &sett_schema, &err) != 0 || db_read(&txn, db, &err) != 0)
        fail_msg("%s", err.text);
    assert_int_equal(feed_now(txn, &there, &err), 0);
    assert_int_equal(there.number, place.number);
    assert_int_equal(there.at, place.at);
    memset(&there, 0, sizeof there);
    assert_int_equal(feed_next(txn, &there, &row, &err), 1);
    assert_string_equal(row.id, w.tenant.id);
    assert_int_equal(feed_next(txn, &there, &row, &err), 0);
    db_read_end(txn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_thing_in_one_transaction_is_one_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_news_leaves_no_row, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_row_says_what_it_is_about, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_oldest_make_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_dump_brings_the_feed_along, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
