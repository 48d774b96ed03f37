/* Finding tunnels: whatever is asked for, in whatever order, all pages together show what a model
 * says, each once and in order, forward and backward, whether they are few or many; and how many
 * there are of what. */
#include "ops_world.h"

#include "custom_domain.h"
#include "tenant_text.h"
#include "tunnel.h"

#define COUNT 2300 /* more than are gathered at once */

struct model {
    struct tunnel at[COUNT];
    struct tenant tenants[2];
};

static const char *const hosts[] = {"zebra", "alpha", "pbx", "mail", "beta-two"};

static void shape(struct model *m, unsigned i)
{
    struct tunnel *t = &m->at[i];

    memset(t, 0, sizeof *t);
    (void)str_format(t->name, sizeof t->name, "tun-%u", i * 7919 % COUNT);
    if (i % 50 != 3)
        (void)str_format(t->hostname, sizeof t->hostname, "%s%u.example.com", hosts[i % 5], i % 11);
    t->shared = i % 50 == 3;
    t->adopted = i % 400 == 5;
    if (!t->shared && i % 10 == 0)
        memcpy(t->tenant_id, m->tenants[i % 100 == 0].id, ID_SIZE);
    (void)str_copy(t->ingress, sizeof t->ingress, "cloudflare");
    (void)str_format(t->cf_tunnel, sizeof t->cf_tunnel, "%08x-faa1", i);
    if (i % 70 == 1)
        (void)str_copy(t->rules_reason, sizeof t->rules_reason, "refused");
    t->health = i % 90 == 2 ? HEALTH_UNHEALTHY : HEALTH_HEALTHY;
}

static int fill(struct txn *txn, void *arg, struct err *err)
{
    struct model *m = arg;

    for (unsigned i = 0; i < 2; i++) {
        struct tenant *t = &m->tenants[i];
        id_make(t->id, "tn");
        t->number = i + 1;
        (void)str_copy(t->name, sizeof t->name, i == 0 ? "Many M\xc3\xbcller" : "Fewer GmbH");
        if (record_insert(txn, &tenant_table, t, err) != 0 || tenant_text_note(txn, t, err) != 0)
            return -1;
    }
    for (unsigned i = 0; i < COUNT; i++) {
        shape(m, i);
        if (tunnel_new(txn, &m->at[i], err) != 0 ||
            tunnel_move(txn, &m->at[i], i % 20 == 0 ? i / 20 % 6 : TUNNEL_ACTIVE, "", err) != 0)
            return -1;
    }
    return 0;
}

/* What a question means, said a second time. */
struct question {
    const char *json; /* its filters, with a comma behind */
    const char *host; /* begins the host name; NULL: any */
    int tenant;       /* from 1; 0: any */
    uint32_t states;
    bool trouble, shared, deleted;
};

static bool meant(const struct model *m, const struct question *q, unsigned i)
{
    const struct tunnel *t = &m->at[i];
    bool bad = t->state == TUNNEL_FAILED ||
               (t->state == TUNNEL_ACTIVE &&
                (t->rules_reason[0] != '\0' || t->health == HEALTH_UNHEALTHY));

    return (q->states == 0 ? q->deleted || t->state != TUNNEL_DELETED
                           : (q->states >> t->state & 1) != 0) &&
           (q->host == NULL || str_starts(t->hostname, q->host)) &&
           (q->tenant == 0 || str_equal(t->tenant_id, m->tenants[q->tenant - 1].id)) &&
           (!q->trouble || bad) && (!q->shared || t->shared);
}

static const struct model *sorting;
static char order;

static int by_order(const void *a, const void *b)
{
    const struct tunnel *x = &sorting->at[*(const unsigned *)a];
    const struct tunnel *y = &sorting->at[*(const unsigned *)b];
    int r = order == 'n'   ? strcmp(x->name, y->name)
            : order == 'h' ? strcmp(x->hostname, y->hostname)
            : order == 's' ? (int)x->state - (int)y->state
                           : 0;

    return r != 0 ? r : strcmp(x->id, y->id);
}

static unsigned expect(const struct model *m, const struct question *q, const char *sort,
                       unsigned *out)
{
    unsigned n = 0;

    for (unsigned i = 0; i < COUNT; i++)
        if (meant(m, q, i))
            out[n++] = i;
    sorting = m;
    order = sort[sort[0] == '-'];
    qsort(out, n, sizeof *out, by_order);
    if (sort[0] == '-')
        for (unsigned i = 0; i < n / 2; i++) {
            unsigned swap = out[i];
            out[i] = out[n - 1 - i];
            out[n - 1 - i] = swap;
        }
    return n;
}

/* All pages, forward by "next", then backward by "previous". */
static void walk(struct ops_world *w, const struct model *m, const struct question *q,
                 const char *sort)
{
    static unsigned want[COUNT];
    unsigned n = expect(m, q, sort, want), at = 0;
    char cursor[128] = "", previous[128] = "";
    const struct cJSON *item;

    for (unsigned pages = 0; pages < 100; pages++) {
        ops_ok(w, 200, "tunnel.list", ROLE_VIEWER, "{%s\"sort\":\"%s\",\"limit\":97%s%s%s}",
               q->json, sort, cursor[0] == '\0' ? "" : ",\"starting_after\":\"", cursor,
               cursor[0] == '\0' ? "" : "\"");
        item = NULL;
        while ((item = json_next(json_at(w->answer, "data"), item)) != NULL)
            if (at >= n || !str_equal(json_text(item, "id", ""), m->at[want[at++]].id))
                fail_msg("%s sorted by %s: place %u is wrong", q->json, sort, at);
        if (json_bool(w->answer, "total_exact", false))
            assert_int_equal(json_i64(w->answer, "total", -1), n);
        (void)str_copy(previous, sizeof previous, ops_text(w, "previous"));
        (void)str_copy(cursor, sizeof cursor, ops_text(w, "next"));
        assert_int_equal(json_bool(w->answer, "has_more", false), cursor[0] != '\0');
        if (cursor[0] == '\0')
            break;
    }
    assert_int_equal(at, n);
    at -= n % 97 == 0 && n > 0 ? 97 : n % 97; /* where the last page begins */
    for (unsigned pages = 0; previous[0] != '\0' && pages < 100; pages++) {
        unsigned count = 0;
        ops_ok(w, 200, "tunnel.list", ROLE_VIEWER,
               "{%s\"sort\":\"%s\",\"limit\":50,\"ending_before\":\"%s\"}", q->json, sort,
               previous);
        item = NULL;
        while ((item = json_next(json_at(w->answer, "data"), item)) != NULL)
            count++;
        at -= count;
        item = NULL;
        for (unsigned i = 0; (item = json_next(json_at(w->answer, "data"), item)) != NULL; i++)
            if (!str_equal(json_text(item, "id", ""), m->at[want[at + i]].id))
                fail_msg("%s sorted by %s: place %u is wrong on the way back", q->json, sort,
                         at + i);
        (void)str_copy(previous, sizeof previous, ops_text(w, "previous"));
    }
    assert_int_equal(at, 0);
}

static void test_all(void **state)
{
    static const struct question questions[] = {
        {.json = ""},
        {.json = "\"deleted\":true,", .deleted = true},
        {.json = "\"q\":\"pbx\",", .host = "pbx"},
        {.json = "\"q\":\"ALPHA3\",", .host = "alpha3"},
        {.json = "\"q\":\"https://mail7.example.com/x?y\",", .host = "mail7"},
        {.json = "\"q\":\"beta two5\",", .host = "beta-two5"},
        {.json = "\"q\":\"mueller\",", .tenant = 1},
        {.json = "\"q\":\"fewer gm\",", .tenant = 2},
        {.json = "\"tenant_id\":2,", .tenant = 2},
        {.json = "\"state\":\"failed\",", .states = 1u << TUNNEL_FAILED},
        {.json = "\"trouble\":true,", .trouble = true},
        {.json = "\"kind\":\"shared\",", .shared = true},
        {.json = "\"q\":\"nobody\",", .host = "nobody"},
    };
    static const char *const sorts[] = {"-created", "created", "name",  "-hostname",
                                        "hostname", "state",   "-state"};
    struct model *m = calloc(1, sizeof *m);
    struct ops_world w;

    (void)state;
    ops_world_open(&w);
    assert_int_equal(db_write(w.box.db, fill, m, &w.err), 0);
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++)
        for (size_t k = 0; k < sizeof sorts / sizeof sorts[0]; k++)
            walk(&w, m, &questions[i], sorts[k]);
    ops_no(&w, 422, "bad_cursor", "tunnel.list", ROLE_VIEWER, "{\"starting_after\":\"x\"}");
    ops_no(&w, 422, "unknown_word", "tunnel.list", ROLE_VIEWER, "{\"state\":\"well\"}");
    free(m);
    ops_world_close(&w);
}

static void test_totals(void **state)
{
    struct question bad = {.json = "", .trouble = true}, all = {.json = ""};
    struct model *m = calloc(1, sizeof *m);
    static unsigned room[COUNT];
    struct ops_world w;

    (void)state;
    ops_world_open(&w);
    assert_int_equal(db_write(w.box.db, fill, m, &w.err), 0);
    ops_ok(&w, 200, "tunnel.list", ROLE_VIEWER, "{\"limit\":1,\"totals\":true}");
    assert_int_equal(json_i64(w.answer, "totals.all", 0), expect(m, &all, "name", room));
    assert_int_equal(json_i64(w.answer, "totals.errors", 0), expect(m, &bad, "name", room));
    all.states = 1u << TUNNEL_ACTIVE;
    assert_int_equal(json_i64(w.answer, "totals.active", 0), expect(m, &all, "name", room));
    all.states = 1u << TUNNEL_PROVISIONING;
    assert_int_equal(json_i64(w.answer, "totals.provisioning", 0), expect(m, &all, "name", room));
    /* the beginning of Cloudflare's id, and its number */
    ops_ok(&w, 200, "tunnel.list", ROLE_VIEWER, "{\"q\":\"00000010\"}");
    assert_int_equal(json_i64(w.answer, "total", 0), 1);
    free(m);
    ops_world_close(&w);
}

/* ---- domains ---- */

static int fill_domains(struct txn *txn, void *arg, struct err *err)
{
    static const struct {
        const char *name, *unicode;
        uint32_t state;
        int64_t deadline_at;
    } some[] = {{"acme.de", "acme.de", DOMAIN_ACTIVE, 0},
                {"globex.org", "globex.org", DOMAIN_PENDING, 9000},
                {"xn--mller-kva.de", "m\xc3\xbcller.de", DOMAIN_PENDING, 3000},
                {"initech.com", "initech.com", DOMAIN_MOVED, 5000},
                {"old.com", "old.com", DOMAIN_REMOVED, 0}};
    struct tenant tenant = {.number = 1, .name = "Umbrella"};

    (void)arg;
    id_make(tenant.id, "tn");
    if (record_insert(txn, &tenant_table, &tenant, err) != 0)
        return -1;
    for (size_t i = 0; i < sizeof some / sizeof some[0]; i++) {
        struct custom_domain d = {.state = some[i].state, .deadline_at = some[i].deadline_at};
        id_make(d.id, custom_domain_table.prefix);
        (void)str_copy(d.name, sizeof d.name, some[i].name);
        (void)str_copy(d.unicode, sizeof d.unicode, some[i].unicode);
        memcpy(d.tenant_id, tenant.id, sizeof d.tenant_id);
        if (record_insert(txn, &custom_domain_table, &d, err) != 0)
            return -1;
    }
    return tenant_text_note(txn, &tenant, err);
}

static const char *domains(struct ops_world *w, const char *params)
{
    static char out[400];
    const struct cJSON *item = NULL;
    size_t len = 0;

    ops_ok(w, 200, "domain.list", ROLE_VIEWER, "{%s}", params);
    out[0] = '\0';
    while ((item = json_next(json_at(w->answer, "data"), item)) != NULL) {
        assert_int_equal(
            str_format(out + len, sizeof out - len, "%s ", json_text(item, "name", "")), 0);
        len += strlen(out + len);
    }
    return out;
}

static void test_domains(void **state)
{
    struct ops_world w;

    (void)state;
    ops_world_open(&w);
    assert_int_equal(db_write(w.box.db, fill_domains, NULL, &w.err), 0);
    assert_string_equal(domains(&w, "\"sort\":\"name\""),
                        "acme.de globex.org initech.com xn--mller-kva.de ");
    assert_string_equal(domains(&w, "\"sort\":\"deadline\""),
                        "xn--mller-kva.de initech.com globex.org ");
    assert_string_equal(domains(&w, "\"trouble\":true"), "initech.com ");
    assert_string_equal(domains(&w, "\"q\":\"M\xc3\xbcller\""), "xn--mller-kva.de ");
    assert_string_equal(domains(&w, "\"q\":\"umbrella\",\"state\":\"pending\",\"sort\":\"name\""),
                        "globex.org xn--mller-kva.de ");
    assert_string_equal(domains(&w, "\"q\":\"old\",\"deleted\":true"), "old.com ");
    assert_string_equal(domains(&w, "\"limit\":1,\"totals\":true,\"sort\":\"name\""), "acme.de ");
    assert_int_equal(json_i64(w.answer, "total", 0), 4);
    assert_int_equal(json_i64(w.answer, "totals.all", 0), 4);
    assert_int_equal(json_i64(w.answer, "totals.waiting", 0), 2);
    assert_int_equal(json_i64(w.answer, "totals.errors", 0), 1);
    assert_int_equal(json_i64(w.answer, "totals.active", 0), 1);
    ops_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all),
        cmocka_unit_test(test_totals),
        cmocka_unit_test(test_domains),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
