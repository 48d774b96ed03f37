/* What came of a drill, into the records. Apart from the drill, which holds no transaction. */
#include "drill.h"

#include <string.h>

#include "notice.h"
#include "str.h"

struct note {
    const struct drill *drill;
    bool corrupt;
};

static int note_copy(struct txn *txn, const struct note *n, int64_t now, struct err *err)
{
    struct snapshot_copy copy = {0};
    int found;

    (void)str_copy(copy.snapshot_id, sizeof copy.snapshot_id, n->drill->snapshot_id);
    (void)str_copy(copy.vault_id, sizeof copy.vault_id, n->drill->vault_id);
    if ((found = record_get(txn, &snapshot_copy_table, &copy, err)) != 1)
        return found;
    if (n->drill->passed) {
        copy.proven_at = copy.checked_at = now;
        copy.problem[0] = '\0';
    } else if (n->corrupt) {
        (void)str_copy(copy.problem, sizeof copy.problem, n->drill->problem);
    }
    return record_put(txn, &snapshot_copy_table, &copy, err);
}

static int tell(struct txn *txn, const struct drill *drill, struct err *err)
{
    struct vault_place vault = {0};
    char text[400];
    int got;

    (void)str_copy(vault.id, sizeof vault.id, drill->vault_id);
    if ((got = record_get(txn, &vault_place_table, &vault, err)) != 1)
        return got;
    if (drill->passed)
        return notice_clear(txn, "backup.drill", vault.name, err);
    (void)str_format(text, sizeof text, "snapshot %llu in vault %s did not restore: %s",
                     (unsigned long long)drill->number, vault.name, drill->problem);
    return notice_raise(txn, "backup.drill", vault.name, NOTICE_USUAL, text, err);
}

static int note(struct txn *txn, void *arg, struct err *err)
{
    const struct note *n = arg;
    struct drill drill = *n->drill;
    struct snapshot s;
    int found;

    id_make(drill.id, drill_table.prefix);
    if (record_insert(txn, &drill_table, &drill, err) == -1 ||
        note_copy(txn, n, txn_time_ms(txn), err) == -1 || tell(txn, &drill, err) == -1 ||
        (found = snapshot_resolve(txn, drill.snapshot_id, &s, err)) == -1)
        return -1;
    if (found == 0 || !drill.passed)
        return 0;
    s.proven_at = txn_time_ms(txn);
    return snapshot_put(txn, &s, err);
}

int drill_note(const struct saga_context *context, const struct drill *drill, bool corrupt,
               struct err *err)
{
    struct note n = {drill, corrupt};

    return db_write(context->db, note, &n, err);
}
