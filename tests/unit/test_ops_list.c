/* Lists: whatever is inserted and deleted while somebody pages, what stays is shown exactly once
 * and in order, forward and backward, with and without filters. */
#include "ops_world.h"

#include "tenant.h"

#define MOST 400

struct model {
    char ids[MOST][ID_SIZE]; /* in the order of birth, "" where deleted */
    uint32_t states[MOST];
    unsigned count;
};

struct change {
    struct model *m;
    unsigned at;
    bool remove;
};

static int apply(struct txn *txn, void *arg, struct err *err)
{
    struct change *c = arg;
    struct tenant tenant = {0};

    (void)str_copy(tenant.id, sizeof tenant.id, c->m->ids[c->at]);
    if (c->remove)
        return record_delete(txn, &tenant_table, &tenant, err) == 1 ? 0 : -1;
    tenant.number = c->at + 1;
    tenant.state = c->m->states[c->at];
    (void)str_format(tenant.subdomain, sizeof tenant.subdomain, "t%u", c->at);
    return record_insert(txn, &tenant_table, &tenant, err);
}

static void change(struct ops_world *w, struct model *m, unsigned at, bool remove)
{
    struct change c = {m, at, remove};

    if (db_write(w->box.db, apply, &c, &w->err) != 0)
        fail_msg("%s", w->err.text);
    if (remove)
        m->ids[at][0] = '\0';
}

static void insert(struct ops_world *w, struct model *m, unsigned seed)
{
    uint8_t bytes[ID_BYTES] = {0};

    /* Ids in an order that is known, without waiting for the clock. */
    bytes[6] = (uint8_t)(m->count >> 8);
    bytes[7] = (uint8_t)m->count;
    randombytes_buf(bytes + 8, 8);
    id_text(m->ids[m->count], "tn", bytes);
    m->states[m->count] = seed % 3 == 0 ? TENANT_FAILED : TENANT_ACTIVE;
    m->count++;
    change(w, m, m->count - 1, false);
}

static int place(const struct model *m, const char *id)
{
    for (unsigned i = 0; i < m->count; i++)
        if (str_equal(m->ids[i], id))
            return (int)i;
    return -1;
}

/* A page's ids as places in the model; the cursor's own place comes along. */
struct page {
    int at[100], count;
    bool has_more;
    char first[ID_SIZE], last[ID_SIZE];
};

static void get(struct ops_world *w, const struct model *m, struct page *p, const char *filter,
                const char *cursor, const char *id, unsigned limit)
{
    const struct cJSON *data, *item = NULL;
    char place_of[128] = "";

    if (cursor != NULL)
        (void)str_format(place_of, sizeof place_of, ",\"%s\":\"%s\"", cursor, id);
    memset(p, 0, sizeof *p);
    ops_ok(w, 200, "tenant.list", ROLE_VIEWER, "{%s\"limit\":%u%s}", filter, limit, place_of);
    data = json_at(w->answer, "data");
    assert_string_equal(ops_text(w, "object"), "list");
    assert_string_equal(ops_text(w, "url"), "/api/tenants");
    while ((item = json_next(data, item)) != NULL) {
        const char *text = json_text(item, "id", "");
        assert_true(p->count < (int)limit);
        if (p->count == 0)
            (void)str_copy(p->first, sizeof p->first, text);
        (void)str_copy(p->last, sizeof p->last, text);
        p->at[p->count++] = place(m, text);
    }
    p->has_more = json_bool(w->answer, "has_more", false);
}

/* Page through everything in one direction while others insert and delete. What was there from
 * beginning to end must come exactly once, in order. */
static void walk(struct ops_world *w, struct model *m, const char *filter, bool failed_only,
                 bool back, bool disturb)
{
    unsigned begun = m->count, seen[MOST] = {0};
    const char *cursor = back ? "ending_before" : "starting_after";
    char id[ID_SIZE];
    struct page p;
    int last = back ? -1 : (int)MOST;

    if (back) { /* from behind the oldest */
        uint8_t bytes[ID_BYTES] = {0};
        id_text(id, "tn", bytes);
    }
    for (unsigned round = 0;; round++) {
        assert_true(round < 2 * MOST);
        get(w, m, &p, filter, back || round > 0 ? cursor : NULL, id, 1 + randombytes_uniform(9));
        for (int k = 0; k < p.count; k++) {
            int i = p.at[back ? p.count - 1 - k : k];
            assert_true(i >= 0);
            assert_true(back ? i > last : i < last);
            last = i;
            seen[i]++;
        }
        if (p.count == 0 || !p.has_more)
            break;
        (void)str_copy(id, sizeof id, back ? p.first : p.last);
        if (disturb && m->count < MOST) {
            unsigned victim = randombytes_uniform(m->count);
            insert(w, m, randombytes_uniform(9));
            if (m->ids[victim][0] != '\0')
                change(w, m, victim, true);
            if (randombytes_uniform(2) == 0 && place(m, id) >= 0) /* the cursor itself goes */
                change(w, m, (unsigned)place(m, id), true);
        }
    }
    for (unsigned i = 0; i < begun; i++) {
        bool wanted = !failed_only || m->states[i] == TENANT_FAILED;
        if (m->ids[i][0] != '\0' && seen[i] != (wanted ? 1 : 0))
            fail_msg("%u of %u was shown %u times", i, begun, seen[i]);
        assert_true(seen[i] <= 1);
    }
}

static void paging_is_steady(void **state)
{
    struct ops_world *w = *state;
    struct model *m = calloc(1, sizeof *m);

    assert_non_null(m);
    for (unsigned i = 0; i < 60; i++)
        insert(w, m, i);
    for (unsigned i = 0; i < 8; i++) {
        bool back = (i & 1) != 0, disturb = (i & 2) != 0, failed = (i & 4) != 0;
        walk(w, m, failed ? "\"state\":\"failed\"," : "", failed, back, disturb);
    }
    free(m);
}

static void pages_say_whether_there_is_more(void **state)
{
    struct ops_world *w = *state;
    struct model *m = calloc(1, sizeof *m);
    struct page p, q;

    assert_non_null(m);
    get(w, m, &p, "", NULL, "", 5);
    assert_int_equal(p.count, 0);
    assert_false(p.has_more);
    for (unsigned i = 0; i < 10; i++)
        insert(w, m, 1);
    get(w, m, &p, "", NULL, "", 10);
    assert_int_equal(p.count, 10);
    assert_false(p.has_more);
    get(w, m, &p, "", NULL, "", 4);
    assert_true(p.has_more);
    assert_int_equal(p.at[0], 9);
    get(w, m, &q, "", "starting_after", p.last, 4);
    assert_int_equal(q.at[0], 5);
    get(w, m, &q, "", "ending_before", q.first, 4);
    assert_string_equal(q.first, p.first);
    assert_string_equal(q.last, p.last);
    assert_false(q.has_more);
    ops_ok(w, 200, "tenant.list", ROLE_VIEWER, "{}");
    assert_int_equal(json_size(w->answer, "data"), 10);
    assert_int_equal(ops_do(w, "tenant.list", ROLE_VIEWER, "{\"limit\":0}"), -422);
    assert_int_equal(ops_do(w, "tenant.list", ROLE_VIEWER, "{\"limit\":101}"), -422);
    ops_no(w, 422, "bad_cursor", "tenant.list", ROLE_VIEWER, "{\"starting_after\":\"nonsense\"}");
    assert_string_equal(w->err.field, "starting_after");
    ops_no(w, 422, "two_cursors", "tenant.list", ROLE_VIEWER,
           "{\"starting_after\":\"%s\",\"ending_before\":\"%s\"}", p.last, p.first);
    free(m);
}

/* Every list answers an empty box, and refuses a cursor that cannot be. */
static void every_list_answers(void **state)
{
    struct ops_world *w = *state;
    const struct op *op = NULL;

    while ((op = op_next(op)) != NULL) {
        if (!(op->flags & OP_LIST) || (op->flags & OP_ASK)) /* nobody is here to be asked */
            continue;
        ops_ok(w, 200, op->name, ROLE_ADMIN, "{}");
        assert_string_equal(ops_text(w, "object"), "list");
        assert_true(json_type(json_at(w->answer, "data")) == JSON_ARRAY);
        assert_true((op->flags & OP_LOCAL) || str_starts(ops_text(w, "url"), "/api/"));
        assert_non_null(json_at(w->answer, "has_more"));
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
        cmocka_unit_test_setup_teardown(paging_is_steady, open_world, close_world),
        cmocka_unit_test_setup_teardown(pages_say_whether_there_is_more, open_world, close_world),
        cmocka_unit_test_setup_teardown(every_list_answers, open_world, close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
