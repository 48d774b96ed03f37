/* Finding anything: by id and its beginning, number, beginning of a name; only what one may see. */
#include "ops_world.h"

#include "job.h"
#include "tenant.h"
#include "user.h"

static struct ops_world *world;
static char first_id[ID_SIZE], customer_id[ID_SIZE], job_id[ID_SIZE];

static int fill(struct txn *txn, void *arg, struct err *err)
{
    struct customer c = {.number = 0};
    struct user user = {.role = ROLE_ADMIN};
    struct job job = {.state = JOB_DONE};
    struct tenant t;

    (void)arg;
    (void)str_copy(c.name, sizeof c.name, "Übergröße Acme Ltd");
    (void)str_copy(c.email, sizeof c.email, "ada@acme.example");
    id_make(job_id, "job");
    (void)str_copy(job.id, sizeof job.id, job_id);
    (void)str_copy(job.saga, sizeof job.saga, "tenant.provision");
    id_make(user.id, "us");
    (void)str_copy(user.name, sizeof user.name, "acme-admin");
    if (customer_new(txn, &c, err) == -1 || record_put(txn, &job_table, &job, err) == -1 ||
        record_put(txn, &user_table, &user, err) == -1)
        return -1;
    memcpy(customer_id, c.id, sizeof customer_id);
    for (uint64_t n = 1; n <= 30; n++) {
        memset(&t, 0, sizeof t);
        id_make(t.id, "tn");
        t.number = n;
        t.state = n == 3 ? TENANT_DELETED : TENANT_ACTIVE;
        (void)str_format(t.name, sizeof t.name, "Tenant %u", (unsigned)n);
        (void)str_format(t.subdomain, sizeof t.subdomain, "%s%u", n > 20 ? "acme" : "site",
                         (unsigned)n);
        if (n == 1) {
            memcpy(first_id, t.id, sizeof first_id);
            memcpy(t.customer_id, customer_id, sizeof t.customer_id);
        }
        if (record_put(txn, &tenant_table, &t, err) == -1)
            return -1;
    }
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    world = calloc(1, sizeof *world);
    assert_non_null(world);
    ops_world_open(world);
    assert_int_equal(db_write(world->box.db, fill, NULL, &world->err), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ops_world_close(world);
    free(world);
    return 0;
}

/* How many of this object are found; NULL: of all. */
static unsigned found(const struct actor *actor, const char *q, const char *object)
{
    const struct cJSON *data;
    char body[200];
    unsigned n = 0;

    (void)str_format(body, sizeof body, "{\"q\":\"%s\"}", q);
    if (ops_call(world, "system.search", actor, NULL, body) != 200)
        fail_msg("%s: %s", q, world->err.text);
    data = json_at(world->answer, "data");
    for (const struct cJSON *i = json_next(data, NULL); i != NULL; i = json_next(data, i))
        n += object == NULL || str_equal(json_text(i, "object", ""), object);
    return n;
}

static const char *first(const char *member)
{
    return json_text(json_next(json_at(world->answer, "data"), NULL), member, "");
}

static void anything_is_found_by_what_is_known_of_it(void **state)
{
    struct actor admin = ops_actor(ROLE_ADMIN);
    char text[64];

    (void)state;
    assert_int_equal(found(&admin, first_id, NULL), 1);
    assert_string_equal(first("title"), "Tenant 1");
    (void)str_format(text, sizeof text, "/admin/tenants/%s", first_id);
    assert_string_equal(first("page"), text);
    (void)str_copy(text, sizeof text, first_id);
    text[20] = '\0';
    assert_true(found(&admin, text, "tenant") >= 1);
    assert_int_equal(found(&admin, text, NULL), found(&admin, text, "tenant"));
    assert_int_equal(found(&admin, "7", "tenant"), 1);
    assert_int_equal(found(&admin, "#1", "customer"), 1);
    assert_int_equal(found(&admin, "ltd ueberg", "customer"), 1);
    assert_int_equal(found(&admin, "ltd smith", "customer"), 0);
    assert_int_equal(found(&admin, "ACME", "tenant"), 6); /* of ten: some of each kind */
    assert_int_equal(found(&admin, "acme", "user"), 1);
    assert_int_equal(found(&admin, "ada@", "customer"), 1);
    assert_int_equal(found(&admin, job_id, "job"), 1);
    assert_string_equal(first("state"), "done");
    assert_int_equal(found(&admin, "site3", "tenant"), 1); /* deleted, but named in full */
    assert_int_equal(found(&admin, "nothing-like-it", NULL), 0);
    assert_int_equal(found(&admin, "tn_zz", NULL), 0);
}

static void nobody_finds_what_is_not_theirs(void **state)
{
    struct actor customer = ops_actor(ROLE_CUSTOMER), viewer = ops_actor(ROLE_VIEWER);

    (void)state;
    (void)str_copy(customer.customer_id, sizeof customer.customer_id, customer_id);
    assert_int_equal(found(&customer, "site", NULL), 1);
    assert_string_equal(first("id"), first_id);
    assert_int_equal(found(&customer, "acme", NULL), 0);
    assert_int_equal(found(&viewer, "acme-admin", "user"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(anything_is_found_by_what_is_known_of_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nobody_finds_what_is_not_theirs, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
