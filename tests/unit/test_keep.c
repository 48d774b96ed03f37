/* What is over is remembered for a while, and then cleared away; what is not over stays. */
#include "domain_world.h"

#include "conf.h"
#include "custom_domain.h"
#include "keep.h"
#include "mailing.h"
#include "setting.h"

#define DAY_S 86400

static struct world *w;
static struct conf conf;

struct change {
    const struct table *table;
    void *record;
};

static int store(struct txn *txn, void *arg, struct err *err)
{
    const struct change *c = arg;

    return record_put(txn, c->table, c->record, err);
}

static void put(const struct table *table, void *record)
{
    must_write(w, store, &(struct change){table, record});
}

static bool there(const struct table *table, void *record)
{
    struct txn *txn = must_read(w);
    struct err err;
    int found = record_get(txn, table, record, &err);

    db_read_end(txn);
    assert_true(found >= 0);
    return found == 1;
}

static int prune(struct txn *txn, void *arg, struct err *err)
{
    int *done = arg;

    *done = keep_prune(txn, &conf, 100, err);
    return *done == -1 ? -1 : 0;
}

static int pruned(void)
{
    int done = 0;

    must_write(w, prune, &done);
    return done;
}

static int set(struct txn *txn, void *arg, struct err *err)
{
    return setting_set(txn, "records.keep_days", arg, "cli:root", err);
}

static void mailings_and_domains(void **state)
{
    static struct mailing sent = {.done = true}, open = {.done = false};
    static struct custom_domain removed = {.state = DOMAIN_REMOVED, .name = "gone.example"},
                                live = {.state = DOMAIN_ACTIVE, .name = "here.example"};
    struct domain_claim claim = {0};

    (void)state;
    w = world_new();
    sent.created_at = open.created_at = removed.removed_at = clock_wall_ms();
    id_make(sent.id, "ml");
    id_make(open.id, "ml");
    id_make(removed.id, "dom");
    id_make(live.id, "dom");
    id_make(claim.id, "dcl");
    memcpy(claim.domain_id, removed.id, sizeof claim.domain_id);
    put(&mailing_table, &sent);
    put(&mailing_table, &open);
    put(&custom_domain_table, &removed);
    put(&custom_domain_table, &live);
    put(&domain_claim_table, &claim);
    assert_int_equal(pruned(), 0);
    world_wait(w, 364 * DAY_S);
    assert_int_equal(pruned(), 0);
    world_wait(w, 2 * DAY_S);
    must_write(w, set, (char[]){"0"});
    assert_int_equal(pruned(), 0); /* for ever */
    must_write(w, set, (char[]){"365"});
    assert_int_equal(pruned(), 2);
    assert_false(there(&mailing_table, &sent));
    assert_true(there(&mailing_table, &open)); /* not all of its letters are queued */
    assert_false(there(&custom_domain_table, &removed));
    assert_true(there(&custom_domain_table, &live));
    assert_false(there(&domain_claim_table, &claim));
    assert_int_equal(pruned(), 0);
    world_end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(mailings_and_domains)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
