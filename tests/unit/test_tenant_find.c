/* Finding tenants: whatever is asked for, in whatever order, all pages together show what a model
 * says, each once and in order, forward and backward, whether they are few or many. */
#include "ops_world.h"

#include "job_start.h"
#include "tenant_text.h"

#define COUNT 2600 /* more than are gathered at once */

struct model {
    struct tenant at[COUNT];
    char words[COUNT][256];
    char plans[3][ID_SIZE], customers[3][ID_SIZE];
    bool stuck[COUNT];
};

static const char *const names[] = {"Zebra all", "alpha All", "\xc3\x84pfel all", "beta all",
                                    "Alpha beta all"};

static int fill(struct txn *txn, void *arg, struct err *err)
{
    struct model *m = arg;

    for (unsigned i = 0; i < COUNT; i++) {
        struct tenant *t = &m->at[i];

        memset(t, 0, sizeof *t);
        id_make(t->id, "tn");
        t->number = i + 1;
        (void)str_format(t->name, sizeof t->name, "%s %u", names[i % 5], i % 7);
        (void)str_format(t->subdomain, sizeof t->subdomain, "s%u", i);
        (void)str_copy(t->customer_id, ID_SIZE, m->customers[i % 100 == 0 ? 1 : 0]);
        (void)str_copy(t->plan_id, ID_SIZE, m->plans[i % 50 == 0 ? i / 50 % 2 + 1 : 0]);
        (void)str_copy(t->runtime, sizeof t->runtime, i % 200 == 0 ? "docker" : "process");
        t->state = i % 20 == 0 ? i / 20 % 8 : TENANT_ACTIVE;
        t->health = i % 40 == 1 ? i / 40 % 5 : HEALTH_HEALTHY;
        t->updated_at = t->created_at = 1000 + (int64_t)(i * 7919 % COUNT);
        if (record_insert(txn, &tenant_table, t, err) != 0 || tenant_text_note(txn, t, err) != 0)
            return -1;
    }
    return 0;
}

static int stick(struct txn *txn, void *arg, struct err *err)
{
    struct model *m = arg;
    struct job job = {.state = JOB_STUCK};

    id_make(job.id, "job");
    (void)str_copy(job.saga, sizeof job.saga, "tenant.update");
    job_subject(job.subjects[0], "tenant", m->at[77].id);
    m->stuck[77] = true;
    return record_insert(txn, &job_table, &job, err);
}

static void read_words(struct ops_world *w, struct model *m)
{
    struct tenant_text text;
    struct txn *txn;

    assert_int_equal(db_read(&txn, w->box.db, &w->err), 0);
    for (unsigned i = 0; i < COUNT; i++) {
        memset(&text, 0, sizeof text);
        (void)str_copy(text.tenant_id, ID_SIZE, m->at[i].id);
        assert_int_equal(record_get(txn, &tenant_text_table, &text, &w->err), 1);
        (void)str_format(m->words[i], sizeof m->words[i], " %.250s", text.words);
    }
    db_read_end(txn);
}

static struct model *fill_world(struct ops_world *w)
{
    static const char *const plans[] = {"demo", "big", "alpha"};
    struct model *m = calloc(1, sizeof *m);

    assert_non_null(m);
    ops_plan(w);
    ops_keep(w, "id", m->plans[0], ID_SIZE);
    for (unsigned i = 1; i < 3; i++) {
        ops_ok(w, 201, "plan.create", ROLE_ADMIN, "{\"name\":\"%s\",\"blueprint\":\"site\"}",
               plans[i]);
        ops_keep(w, "id", m->plans[i], ID_SIZE);
    }
    for (unsigned i = 0; i < 2; i++) {
        ops_ok(w, 201, "customer.create", ROLE_ADMIN,
               "{\"name\":\"%s\",\"email\":\"c%u@shop.example\"}", i == 0 ? "Many" : "Fewer", i);
        ops_keep(w, "id", m->customers[i], ID_SIZE);
    }
    assert_int_equal(db_write(w->box.db, fill, m, &w->err), 0);
    assert_int_equal(db_write(w->box.db, stick, m, &w->err), 0);
    read_words(w, m);
    return m;
}

/* What a question means, said a second time. */
struct question {
    const char *json; /* its filters, with a comma behind */
    const char *words[3];
    uint32_t states, healths;
    int plan, customer; /* from 1; 0: any */
    const char *runtime;
    bool attention, deleted;
};

static bool meant(const struct model *m, const struct question *q, unsigned i)
{
    const struct tenant *t = &m->at[i];
    char word[40];

    for (unsigned k = 0; k < 3 && q->words[k] != NULL; k++) {
        (void)str_format(word, sizeof word, " %s", q->words[k]);
        if (strstr(m->words[i], word) == NULL)
            return false;
    }
    if (q->attention && !m->stuck[i] && t->state != TENANT_FAILED && t->state != TENANT_PAST_DUE &&
        t->health < HEALTH_DEGRADED)
        return false;
    return (q->states == 0 ? q->deleted || t->state != TENANT_DELETED
                           : (q->states >> t->state & 1) != 0) &&
           (q->healths == 0 || (q->healths >> t->health & 1) != 0) &&
           (q->plan == 0 || str_equal(t->plan_id, m->plans[q->plan - 1])) &&
           (q->customer == 0 || str_equal(t->customer_id, m->customers[q->customer - 1])) &&
           (q->runtime == NULL || str_equal(t->runtime, q->runtime));
}

static const struct model *ordering;
static const char *order;

static int plan_rank(const char *id)
{
    return str_equal(id, ordering->plans[2]) ? 0 : str_equal(id, ordering->plans[1]) ? 1 : 2;
}

static int by_order(const void *a, const void *b)
{
    const struct tenant *x = &ordering->at[*(const unsigned *)a];
    const struct tenant *y = &ordering->at[*(const unsigned *)b];
    const char *by = order + (order[0] == '-');
    char key_x[TENANT_NAME_KEY], key_y[TENANT_NAME_KEY];
    int64_t less = 0;

    tenant_text_key(x->name, key_x);
    tenant_text_key(y->name, key_y);
    if (str_equal(by, "name"))
        less = strcmp(key_x, key_y);
    else if (str_equal(by, "state"))
        less = (int64_t)x->state - (int64_t)y->state;
    else if (str_equal(by, "plan"))
        less = plan_rank(x->plan_id) - plan_rank(y->plan_id);
    else if (str_equal(by, "updated"))
        less = x->updated_at - y->updated_at;
    if (less == 0)
        less = strcmp(x->id, y->id);
    return (less < 0 ? -1 : less > 0) * (order[0] == '-' ? -1 : 1);
}

/* Read on from the answer's cursor until there is none, checking each page. */
static void pages(struct ops_world *w, const struct question *q, const unsigned *expected,
                  unsigned count, unsigned limit)
{
    char cursor[128] = "";
    unsigned at = 0;

    do { /* forward */
        ops_ok(w, 200, "tenant.list", ROLE_VIEWER, "{%s\"sort\":\"%s\",\"limit\":%u%s%s%s}",
               q->json, order, limit, cursor[0] != '\0' ? ",\"starting_after\":\"" : "", cursor,
               cursor[0] != '\0' ? "\"" : "");
        const struct cJSON *data = json_at(w->answer, "data"), *item = NULL;
        while ((item = json_next(data, item)) != NULL) {
            assert_true(at < count);
            assert_string_equal(json_text(item, "id", ""), ordering->at[expected[at++]].id);
        }
        assert_int_equal(json_bool(w->answer, "has_more", false), at < count);
        (void)str_copy(cursor, sizeof cursor, ops_text(w, "next"));
        assert_int_equal(cursor[0] != '\0', at < count);
        if (json_bool(w->answer, "total_exact", false))
            assert_int_equal(json_i64(w->answer, "total", -1), count);
    } while (cursor[0] != '\0');
    assert_int_equal(at, count);
    (void)str_copy(cursor, sizeof cursor, ops_text(w, "previous"));
    at -= (unsigned)json_size(w->answer, "data");
    while (cursor[0] != '\0') { /* and back */
        ops_ok(w, 200, "tenant.list", ROLE_VIEWER,
               "{%s\"sort\":\"%s\",\"limit\":%u,\"ending_before\":\"%s\"}", q->json, order, limit,
               cursor);
        const struct cJSON *data = json_at(w->answer, "data"), *item = NULL;
        unsigned n = (unsigned)json_size(w->answer, "data");
        assert_true(n <= at);
        at -= n;
        for (unsigned i = 0; (item = json_next(data, item)) != NULL; i++)
            assert_string_equal(json_text(item, "id", ""), ordering->at[expected[at + i]].id);
        assert_int_equal(json_bool(w->answer, "has_more", false), at > 0);
        (void)str_copy(cursor, sizeof cursor, ops_text(w, "previous"));
        assert_int_equal(cursor[0] != '\0', at > 0);
    }
    assert_int_equal(at, 0);
}

#define BIT(n_) (1u << (n_))

static const struct question questions[] = {
    {.json = ""},
    {.json = "\"deleted\":true,", .deleted = true},
    {.json = "\"q\":\"all\",", .words = {"all"}},
    {.json = "\"q\":\"Alpha\",", .words = {"alpha"}},
    {.json = "\"q\":\"al be 3\",", .words = {"al", "be", "3"}},
    {.json = "\"q\":\"all s12\",", .words = {"all", "s12"}},
    {.json = "\"q\":\"\xc3\xa4pfel\",\"state\":\"active\",",
     .words = {"aepfel"},
     .states = BIT(TENANT_ACTIVE)},
    {.json = "\"q\":\"fewer shop\",", .words = {"fewer", "shop"}},
    {.json = "\"q\":\"nothing\",", .words = {"nothing"}},
    {.json = "\"state\":\"active\",", .states = BIT(TENANT_ACTIVE)},
    {.json = "\"state\":\"failed,deleted\",", .states = BIT(TENANT_FAILED) | BIT(TENANT_DELETED)},
    {.json = "\"state\":\"active,failed,pending\",\"q\":\"all\",",
     .words = {"all"},
     .states = BIT(TENANT_ACTIVE) | BIT(TENANT_FAILED) | BIT(TENANT_PENDING)},
    {.json = "\"health\":\"healthy\",", .healths = BIT(HEALTH_HEALTHY)},
    {.json = "\"health\":\"unhealthy,degraded\",",
     .healths = BIT(HEALTH_UNHEALTHY) | BIT(HEALTH_DEGRADED)},
    {.json = "\"plan\":\"demo\",", .plan = 1},
    {.json = "\"plan\":\"big\",", .plan = 2},
    {.json = "\"plan\":\"demo\",\"runtime\":\"process\",\"health\":\"healthy\",\"q\":\"all many\",",
     .words = {"all", "many"},
     .plan = 1,
     .runtime = "process",
     .healths = BIT(HEALTH_HEALTHY)},
    {.json = "\"runtime\":\"docker\",", .runtime = "docker"},
    {.json = "\"attention\":true,", .attention = true},
    {.json = "\"attention\":true,\"q\":\"all\",", .words = {"all"}, .attention = true},
};

static const char *const sorts[] = {"-created", "created", "name",  "-name",   "state",
                                    "-state",   "plan",    "-plan", "updated", "-updated"};

static void pages_show_what_is_meant(void **state)
{
    struct ops_world *w = *state;
    struct model *m = fill_world(w);
    unsigned *expected = calloc(COUNT, sizeof *expected);

    assert_non_null(expected);
    ordering = m;
    for (size_t k = 0; k < sizeof questions / sizeof questions[0]; k++)
        for (size_t s = 0; s < sizeof sorts / sizeof sorts[0]; s++) {
            unsigned count = 0;

            order = sorts[s];
            for (unsigned i = 0; i < COUNT; i++)
                if (meant(m, &questions[k], i))
                    expected[count++] = i;
            qsort(expected, count, sizeof *expected, by_order);
            pages(w, &questions[k], expected, count, count > 300 ? 100 : count / 4 + 1);
        }
    free(expected);
    free(m);
}

/* A cursor holds the value as it was shown: one that moves meanwhile does not take the list along.
 */
static void cursors_stay(void **state)
{
    struct ops_world *w = *state;
    struct model *m = fill_world(w);
    char first[ID_SIZE], cursor[128], second[ID_SIZE];

    ops_ok(w, 200, "tenant.list", ROLE_VIEWER, "{\"sort\":\"-updated\",\"limit\":2}");
    ops_keep(w, "data[1].id", first, sizeof first);
    ops_keep(w, "next", cursor, sizeof cursor);
    ops_ok(w, 200, "tenant.list", ROLE_VIEWER,
           "{\"sort\":\"-updated\",\"limit\":2,\"starting_after\":\"%s\"}", cursor);
    ops_keep(w, "data[0].id", second, sizeof second);
    ops_ok(w, 200, "tenant.update", ROLE_OPERATOR, "{\"id\":\"%s\",\"name\":\"Moved\"}", first);
    ops_ok(w, 200, "tenant.list", ROLE_VIEWER,
           "{\"sort\":\"-updated\",\"limit\":2,\"starting_after\":\"%s\"}", cursor);
    assert_string_equal(ops_text(w, "data[0].id"), second);
    ops_ok(w, 200, "tenant.list", ROLE_VIEWER, "{\"sort\":\"-updated\",\"limit\":2}");
    assert_string_equal(ops_text(w, "data[0].id"), first);
    /* An id alone is a place, too: where it stands now. */
    ops_ok(w, 200, "tenant.list", ROLE_VIEWER,
           "{\"sort\":\"name\",\"limit\":1,\"starting_after\":\"%s\"}", first);
    assert_true(str_starts(ops_text(w, "data[0].name"), "Zebra"));
    free(m);
}

static void what_cannot_be_is_refused(void **state)
{
    struct ops_world *w = *state;

    ops_plan(w);
    ops_no(w, 422, "unknown_word", "tenant.list", ROLE_VIEWER, "{\"state\":\"active,odd\"}");
    ops_no(w, 422, "unknown_word", "tenant.list", ROLE_VIEWER, "{\"health\":\"ill\"}");
    ops_no(w, 422, "unknown_word", "tenant.list", ROLE_VIEWER, "{\"sort\":\"colour\"}");
    ops_no(w, 422, "plan_not_found", "tenant.list", ROLE_VIEWER, "{\"plan\":\"none\"}");
    ops_no(w, 422, "bad_cursor", "tenant.list", ROLE_VIEWER,
           "{\"sort\":\"name\",\"starting_after\":\"tn_00000000000000000000000000.$\"}");
    ops_no(w, 422, "bad_cursor", "tenant.list", ROLE_VIEWER,
           "{\"sort\":\"state\",\"starting_after\":\"tn_00000000000000000000000000\"}");
    ops_no(w, 422, "bad_cursor", "tenant.list", ROLE_VIEWER,
           "{\"starting_after\":\"tn_00000000000000000000000000.7\"}");
}

/* What people paste: ids, names of containers, addresses. */
static void odd_words_find(void **state)
{
    struct ops_world *w = *state;
    char id[ID_SIZE], url[256];

    ops_plan(w);
    ops_ok(w, 202, "tenant.create", ROLE_OPERATOR, "{\"name\":\"Acme Shop\",\"plan\":\"demo\"}");
    ops_keep(w, "id", id, sizeof id);
    ops_keep(w, "url", url, sizeof url);
    ops_ok(w, 202, "tenant.create", ROLE_OPERATOR, "{\"name\":\"Other\",\"plan\":\"demo\"}");
    const char *const asked[] = {id, url, "sett-t000001", "acme-shop", "SHOP acme", "ac"};
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        ops_ok(w, 200, "tenant.list", ROLE_VIEWER, "{\"q\":\"%s\"}", asked[i]);
        assert_int_equal(json_size(w->answer, "data"), 1);
        assert_string_equal(ops_text(w, "data[0].id"), id);
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
        cmocka_unit_test_setup_teardown(pages_show_what_is_meant, open_world, close_world),
        cmocka_unit_test_setup_teardown(cursors_stay, open_world, close_world),
        cmocka_unit_test_setup_teardown(what_cannot_be_is_refused, open_world, close_world),
        cmocka_unit_test_setup_teardown(odd_words_find, open_world, close_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
