/* The audit chain: every edit, deletion, insertion, reordering and truncation shows. */
#include "domain_world.h"

#include "audit.h"
#include "tenant.h"

#define ENTRIES 40

static struct world *w;

static int add(struct txn *txn, void *arg, struct err *err)
{
    struct audit entry;

    memset(&entry, 0, sizeof entry);
    (void)str_copy(entry.actor, sizeof entry.actor, "cli:root");
    (void)str_copy(entry.action, sizeof entry.action, "tenant.create");
    (void)str_format(entry.object, sizeof entry.object, "tn_%d", *(int *)arg);
    return audit_add(txn, &entry, err);
}

static int set_up(void **state)
{
    (void)state;
    w = world_new();
    for (int i = 0; i < ENTRIES; i++)
        must_write(w, add, &i);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_end(w);
    return 0;
}

/* Return 0 when the chain is whole, else -1 with what was said. */
static int verify(uint64_t *count, struct err *err)
{
    struct txn *txn = must_read(w);
    int result = audit_verify(txn, count, err);

    db_read_end(txn);
    return result;
}

/* A change behind the chain's back, made and taken back: between the two it must show. */
struct tamper {
    enum { EDIT, REMOVE, SWAP, TRUNCATE, INSERT, HEAD } how;
    uint64_t number;
    const char *member;
};

static int get(struct txn *txn, uint64_t number, struct audit *entry, struct err *err)
{
    memset(entry, 0, sizeof *entry);
    entry->number = number;
    return record_get(txn, &audit_table, entry, err) == 1 ? 0 : -1;
}

static int tamper(struct txn *txn, void *arg, struct err *err)
{
    const struct tamper *t = arg;
    const struct field *field = NULL;
    struct audit entry;
    struct audit other;
    struct audit_head head = {.id = 1};

    if (t->how != INSERT && t->how != HEAD && get(txn, t->number, &entry, err) != 0)
        return -1;
    switch (t->how) {
    case EDIT:
        field = fields_find(&audit_table.fields, t->member);
        if (field->type == FIELD_ID)
            id_make((char *)&entry + field->offset, "job");
        else if (field->type == FIELD_TEXT)
            (void)str_copy((char *)&entry + field->offset, field->size, "forged");
        else
            ((uint8_t *)&entry)[field->offset] ^= 1;
        return record_put(txn, &audit_table, &entry, err);
    case REMOVE:
        return record_delete(txn, &audit_table, &entry, err) == 1 ? 0 : -1;
    case SWAP:
        if (get(txn, t->number + 1, &other, err) != 0)
            return -1;
        entry.number = t->number + 1;
        other.number = t->number;
        return record_put(txn, &audit_table, &entry, err) != 0 ||
                       record_put(txn, &audit_table, &other, err) != 0
                   ? -1
                   : 0;
    case TRUNCATE:
        for (uint64_t n = t->number; n <= ENTRIES; n++)
            if (get(txn, n, &entry, err) != 0 || record_delete(txn, &audit_table, &entry, err) != 1)
                return -1;
        return 0;
    case INSERT: /* one more at the end, and one whose successors are moved on */
        for (uint64_t n = ENTRIES; n >= t->number; n--) {
            if (get(txn, n, &entry, err) != 0)
                return -1;
            entry.number = n + 1;
            if (record_put(txn, &audit_table, &entry, err) != 0)
                return -1;
        }
        if (get(txn, 1, &entry, err) != 0)
            return -1;
        entry.number = t->number;
        return record_put(txn, &audit_table, &entry, err);
    case HEAD:
        if (record_get(txn, &audit_head_table, &head, err) != 1)
            return -1;
        head.number -= 1;
        return record_put(txn, &audit_head_table, &head, err);
    }
    return -1;
}

static void whole(void **state)
{
    uint64_t count = 0;
    struct err err;

    (void)state;
    assert_int_equal(verify(&count, &err), 0);
    assert_int_equal(count, ENTRIES);
    world_sound(w);
}

static int keep(struct txn *txn, void *arg, struct err *err)
{
    struct audit *all = arg;

    for (uint64_t n = 1; n <= ENTRIES; n++)
        if (get(txn, n, &all[n - 1], err) != 0)
            return -1;
    return 0;
}

static int put_back(struct txn *txn, void *arg, struct err *err)
{
    struct audit *all = arg;
    struct audit entry = {.number = ENTRIES + 1};
    struct audit_head head = {.id = 1, .number = ENTRIES};

    if (record_delete(txn, &audit_table, &entry, err) < 0)
        return -1;
    for (uint64_t n = 1; n <= ENTRIES; n++)
        if (record_put(txn, &audit_table, &all[n - 1], err) != 0)
            return -1;
    memcpy(head.hash, all[ENTRIES - 1].hash, sizeof head.hash);
    return record_put(txn, &audit_head_table, &head, err);
}

static void must_show(struct audit *all, struct tamper t)
{
    uint64_t count = 0;
    struct err err = {0};

    must_write(w, tamper, &t);
    assert_int_equal(verify(&count, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
    assert_true(strcmp(err.code, "audit_gap") == 0 || strcmp(err.code, "audit_changed") == 0 ||
                strcmp(err.code, "audit_truncated") == 0);
    must_write(w, put_back, all);
    assert_int_equal(verify(&count, &err), 0);
}

static void every_change_shows(void **state)
{
    static const uint64_t places[] = {1, 2, 17, ENTRIES - 1, ENTRIES};
    static struct audit all[ENTRIES];

    (void)state;
    must_write(w, keep, all);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        for (size_t f = 1; f < audit_table.fields.count; f++)
            must_show(all, (struct tamper){EDIT, places[i], audit_table.fields.at[f].name});
        must_show(all, (struct tamper){REMOVE, places[i], NULL});
        if (places[i] < ENTRIES)
            must_show(all, (struct tamper){SWAP, places[i], NULL});
        must_show(all, (struct tamper){TRUNCATE, places[i], NULL});
        must_show(all, (struct tamper){INSERT, places[i], NULL});
    }
    must_show(all, (struct tamper){HEAD, 0, NULL});
}

static int add_and_fail(struct txn *txn, void *arg, struct err *err)
{
    if (add(txn, arg, err) != 0)
        return -1;
    return err_set(err, ERR_CONFLICT, "no", "no");
}

static void part_of_its_change(void **state)
{
    uint64_t count = 0;
    int n = 7;
    struct err err;

    (void)state;
    refuse_write(w, add_and_fail, &n, "no");
    assert_int_equal(verify(&count, &err), 0);
    assert_int_equal(count, ENTRIES);
    must_write(w, add, &n);
    assert_int_equal(verify(&count, &err), 0);
    assert_int_equal(count, ENTRIES + 1);
}

static void digests(void **state)
{
    static const uint8_t none[32];
    struct tenant tenant = {.number = 1};
    uint8_t one[32];
    uint8_t two[32];

    (void)state;
    audit_digest(&tenant_table, NULL, one);
    assert_memory_equal(one, none, 32);
    audit_digest(&tenant_table, &tenant, one);
    audit_digest(&tenant_table, &tenant, two);
    assert_memory_equal(one, two, 32);
    assert_memory_not_equal(one, none, 32);
    tenant.port = 3100;
    audit_digest(&tenant_table, &tenant, two);
    assert_memory_not_equal(one, two, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_change_shows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(part_of_its_change, set_up, tear_down),
        cmocka_unit_test(digests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
