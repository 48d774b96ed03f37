/* The box's own half of fsck: each disagreement between tables is found, and a sound box has none.
 */
#include "billing_world.h"

#include "audit.h"
#include "domain_check.h"
#include "port.h"

static void count_finding(void *arg, const char *table, const char *key, const char *what)
{
    (void)key;
    (void)what;
    (void)str_copy(arg, 64, table);
}

static int64_t findings(char table[64])
{
    struct txn *txn = must_read(w);
    struct err err = {0};

    table[0] = '\0';
    int64_t n = domain_check(txn, count_finding, table, &err);
    db_read_end(txn);
    return n;
}

static int give_port(struct txn *txn, void *arg, struct err *err)
{
    struct tenant tenant;

    if (tenant_resolve(txn, arg, &tenant, err) != 1 ||
        port_reserve(txn, "3100-3999", tenant.id, &tenant.port, err) != 0)
        return -1;
    return tenant_put(txn, &tenant, err);
}

static int add_audit(struct txn *txn, void *arg, struct err *err)
{
    struct audit entry = {.action = "test"};

    (void)arg;
    return audit_add(txn, &entry, err);
}

enum damage {
    NAME_GONE,
    NAME_OTHER,
    PORT_GONE,
    PORT_OTHER,
    TENANT_GONE,
    SUBJECT_GONE,
    SUBJECT_LEFT,
    JOB_LIVE,
    AUDIT_GONE,
    DAMAGES
};

struct harm {
    enum damage what;
    char tenant_id[ID_SIZE];
};

static int harm(struct txn *txn, void *arg, struct err *err)
{
    const struct harm *h = arg;
    struct name name = {.label = "acme"};
    struct port port = {.port = 3100};
    struct audit entry = {.number = 1};
    struct subject subject;
    struct tenant tenant;
    struct job job;

    memset(&subject, 0, sizeof subject);
    if (tenant_resolve(txn, h->tenant_id, &tenant, err) != 1)
        return -1;
    switch (h->what) {
    case NAME_GONE:
        return record_delete(txn, &name_table, &name, err) == 1 ? 0 : -1;
    case NAME_OTHER:
        if (record_get(txn, &name_table, &name, err) != 1)
            return -1;
        (void)str_copy(name.owner_id, sizeof name.owner_id, "tn_nobody");
        return record_put(txn, &name_table, &name, err);
    case PORT_GONE:
        return record_delete(txn, &port_table, &port, err) == 1 ? 0 : -1;
    case PORT_OTHER:
        tenant.port = 3101;
        return tenant_put(txn, &tenant, err);
    case TENANT_GONE:
        tenant.state = TENANT_DELETED;
        return tenant_put(txn, &tenant, err);
    case SUBJECT_GONE:
    case SUBJECT_LEFT:
        memset(&job, 0, sizeof job);
        (void)str_copy(job.saga, sizeof job.saga, "tenant.restart");
        job_subject(job.subjects[0], "tenant", tenant.id);
        if (job_start(txn, &job, err) != 0)
            return -1;
        if (h->what == SUBJECT_GONE)
            return job_release(txn, &job, err);
        job.state = JOB_DONE;
        job.live = false;
        return record_put(txn, &job_table, &job, err);
    case JOB_LIVE:
        memset(&job, 0, sizeof job);
        (void)str_copy(job.saga, sizeof job.saga, "tenant.restart");
        if (job_start(txn, &job, err) != 0)
            return -1;
        job.live = false;
        return record_put(txn, &job_table, &job, err);
    case AUDIT_GONE:
        return record_delete(txn, &audit_table, &entry, err) == 1 ? 0 : -1;
    default:
        return -1;
    }
}

static void each_disagreement(void **state)
{
    struct harm h = {.what = NAME_GONE};
    char table[64];

    for (; h.what < DAMAGES; h.what++) {
        struct billing_facts f = checkout("a", clock_wall_ms(), "paid", "Acme");

        (void)str_copy(f.wanted_plan, sizeof f.wanted_plan, "demo");
        apply_now(f);
        must_write(w, finish_all, NULL);
        (void)str_copy(h.tenant_id, sizeof h.tenant_id, tenant_of("a").id);
        must_write(w, give_port, h.tenant_id);
        must_write(w, add_audit, NULL);
        must_write(w, add_audit, NULL);
        assert_int_equal(findings(table), 0);
        must_write(w, harm, &h);
        if (findings(table) < 1)
            fail_msg("damage %d was not found", (int)h.what);
        assert_string_not_equal(table, "");
        tear_down(state);
        set_up(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_disagreement),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
