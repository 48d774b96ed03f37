/* Keys of TURN: their table, and the few ways to find, make and move one. Apart from tunnels
 * because media goes another way than pages do. */
#include "turn.h"

#include "str.h"

#include <string.h>

#define TTL_MIN_S 60u
#define TTL_MAX_S (48u * 3600)

const char *const turn_state_names[] = {"creating", "active", "deleting",
                                        "deleted",  "failed", NULL};

static const struct field rows[] = {
    FIELD(struct turn_key, id, FIELD_ID, .ref_prefix = "turn"),
    FIELD(struct turn_key, number, FIELD_U64, .help = "short number, never reused"),
    FIELD(struct turn_key, owner, FIELD_TEXT, .help = "the tenant that it is for, or box"),
    FIELD(struct turn_key, tenant_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "tn"),
    FIELD(struct turn_key, customer_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "cu"),
    FIELD(struct turn_key, mark, FIELD_TEXT, .help = "its name at the provider"),
    FIELD(struct turn_key, uid, FIELD_TEXT, .help = "the provider's id of it"),
    FIELD(struct turn_key, state, FIELD_ENUM, .names = turn_state_names, .help = "where it stands"),
    FIELD(struct turn_key, state_reason, FIELD_TEXT, .help = "why it is failed"),
    FIELD(struct turn_key, deleted_at, FIELD_TIME, .help = "deleted at"),
    FIELD(struct turn_key, created_at, FIELD_TIME, .help = "made at"),
    FIELD(struct turn_key, updated_at, FIELD_TIME, .help = "changed at"),
};

static const struct index indexes[] = {
    {.name = "number", .id = 185, .unique = true, .fields = {"number"}},
    {.name = "owner", .id = 186, .fields = {"owner"}},
    {.name = "customer_id", .id = 187, .sparse = true, .fields = {"customer_id"}},
    {.name = "state", .id = 188, .fields = {"state"}},
};

const struct table turn_table = {
    .name = "turn_keys",
    .noun = "turn_key",
    .id = 26,
    .version = 1,
    .prefix = "turn",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct turn_key)},
    .key = {"id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "turn_key", .about = "tenant_id", .customer = "customer_id"},
};

int turn_find(struct txn *txn, const char *owner, struct turn_key *key, struct err *err)
{
    struct turn_key match = {0};
    struct scan scan;
    int found;

    if (str_copy(match.owner, sizeof match.owner, owner) == -1)
        return 0;
    if (scan_start(&scan, txn, &turn_table, "owner", &match, 1, true, err) == -1)
        return -1;
    while ((found = scan_next(&scan, key, err)) == 1)
        if (key->state != TURN_DELETED)
            return 1;
    return found;
}

int turn_new(struct txn *txn, struct turn_key *key, const char *box_id, struct err *err)
{
    struct turn_key other;
    int found = turn_find(txn, key->owner, &other, err);

    if (found == 1)
        return err_set(err, ERR_CONFLICT, "turn_exists", "there is a TURN key of %s: %s",
                       key->owner, other.id);
    id_make(key->id, turn_table.prefix);
    key->number = found == -1 ? 0 : record_next_number(txn, turn_table.name, err);
    if (key->number == 0)
        return -1;
    if (str_format(key->mark, sizeof key->mark, "sett %s %s", box_id, key->id) == -1)
        return err_set(err, ERR_INTERNAL, "turn_name", "the box's id is too long");
    key->state = TURN_CREATING;
    key->created_at = key->updated_at = txn_time_ms(txn);
    return record_insert(txn, &turn_table, key, err);
}

int turn_move(struct txn *txn, struct turn_key *key, enum turn_state state, const char *reason,
              struct err *err)
{
    if (state == TURN_DELETED && key->state != TURN_DELETED)
        key->deleted_at = txn_time_ms(txn);
    key->state = (uint32_t)state;
    str_cut(key->state_reason, sizeof key->state_reason, reason);
    key->updated_at = txn_time_ms(txn);
    return record_put(txn, &turn_table, key, err);
}

void turn_secret_name(const struct turn_key *key, char out[64])
{
    (void)str_format(out, 64, "turn:%s", key->id);
}

int turn_ttl(const char *text, uint32_t *out, struct err *err)
{
    static const struct {
        char unit;
        uint64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    size_t len = strlen(text);
    uint64_t factor = 1, n = 0;
    char digits[12] = "";

    for (size_t i = 0; len > 0 && i < sizeof units / sizeof units[0]; i++)
        if (text[len - 1] == units[i].unit) {
            factor = units[i].seconds;
            len--;
            break;
        }
    if (str_copy_n(digits, sizeof digits, text, len) == -1 ||
        str_u64(digits, 1, TTL_MAX_S, &n) == -1 || n * factor < TTL_MIN_S || n * factor > TTL_MAX_S)
        return err_field(err, "ttl", "ttl_invalid",
                         "ttl is from a minute to 48 hours, as in 3600, 90m or 12h");
    *out = (uint32_t)(n * factor);
    return 0;
}
