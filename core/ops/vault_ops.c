/*
 * Vaults: the places that snapshots are kept in. What they hold is not touched from here; the
 * worker tries them.
 */
#include "nouns.h"

#include "enquire.h"
#include "list.h"
#include "object.h"
#include "params.h"
#include "setting.h"
#include "snapshot.h"
#include "str.h"

#include <string.h>

#define TEST_WAIT_MS 120000

struct vault_params {
    char id[96], name[64], address[512], region[64], access_key[128], host_key[160], secret[4000];
    uint32_t kind;
    uint64_t bytes_per_s;
    bool enabled, append_only;
};
#define SHARED                                                                                     \
    FIELD(struct vault_params, region, FIELD_TEXT, .help = "s3: region of the bucket"),            \
        FIELD(struct vault_params, access_key, FIELD_TEXT, .help = "s3: id of the access key"),    \
        FIELD(struct vault_params, host_key, FIELD_TEXT,                                           \
              .help = "sftp: what the host must prove to be, as sha256:..."),                      \
        FIELD(struct vault_params, secret, FIELD_TEXT, .flags = FIELD_SECRET | FIELD_FREE,         \
              .help = "s3: the secret key; sftp: the private key; it is sealed"),                  \
        FIELD(struct vault_params, bytes_per_s, FIELD_U64,                                         \
              .help = "most bytes a second to send; 0: no limit"),                                 \
        FIELD(struct vault_params, append_only, FIELD_BOOL,                                        \
              .help = "the box may delete nothing there"),                                         \
        FIELD(struct vault_params, enabled, FIELD_BOOL,                                            \
              .help = "whether snapshots go there (yes)")
static const struct field add_rows[] = {
    FIELD(struct vault_params, name, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SLUG,
          .help = "its name"),
    FIELD(struct vault_params, kind, FIELD_ENUM, .flags = FIELD_REQUIRED, .names = vault_kind_names,
          .help = "folder, s3 or sftp"),
    FIELD(struct vault_params, address, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "a folder's path, https://host/bucket/prefix or https://{bucket}.host/prefix, "
                  "sftp://user@host:port/path"),
    SHARED,
};
static const struct field update_rows[] = {
    ID_FIELD(struct vault_params),
    FIELD(struct vault_params, address, FIELD_TEXT, .help = "where it is"),
    SHARED,
};

static const struct view view_vault = {"vault", &vault_place_table, NULL};

static const struct field test_rows[] = {
    {.name = "vault_id", .type = FIELD_TEXT, .size = ID_SIZE, .help = "the vault"},
    {.name = "deletes", .type = FIELD_BOOL, .size = 1, .help = "whether the box may delete there"},
    {.name = "bytes", .type = FIELD_U64, .size = 8, .help = "how much went there and back"},
    {.name = "took_ms", .type = FIELD_U64, .size = 8, .help = "how long it took"},
};
static const struct fields tested = {test_rows, sizeof test_rows / sizeof test_rows[0], 0};

/* That the address is one of its kind; what is there is seen by the test. */
static int check_address(const struct vault_place *place, struct err *err)
{
    static const char *const begins[] = {"/", "http", "sftp://"};

    if (!str_starts(place->address, begins[place->kind]) ||
        strpbrk(place->address, " \t\"'\\<>") != NULL)
        return err_field(err, "address", "address_invalid",
                         "the address of a vault of the kind %s begins with %s",
                         vault_kind_names[place->kind],
                         place->kind == VAULT_S3 ? "https://" : begins[place->kind]);
    return 0;
}

static int seal_secret(struct op_call *call, const struct vault_place *place, struct err *err)
{
    const struct vault_params *p = call->params;
    char name[96];

    if (!op_given(call, "secret"))
        return 0;
    (void)str_format(name, sizeof name, "vault:%s", place->id);
    return secret_set(call->txn, &call->box->vault, name, p->secret, strlen(p->secret), err);
}

static int vault_list(struct op_call *call, struct err *err)
{
    struct list list = {.view = &view_vault, .url = "/api/vaults"};

    return list_reply(call, call->params, &list, err);
}

static int vault_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct vault_place place = {0};

    if (object_get(call, &vault_place_table, p->id, &place, err) != 0)
        return -1;
    return object_reply(call, &view_vault, &place, err);
}

static int vault_add(struct op_call *call, struct err *err)
{
    struct vault_place place = {.enabled = true};

    object_fill(call, &vault_place_table, &place);
    id_make(place.id, vault_place_table.prefix);
    place.created_at = place.updated_at = txn_time_ms(call->txn);
    if (check_address(&place, err) != 0 || seal_secret(call, &place, err) != 0 ||
        record_insert(call->txn, &vault_place_table, &place, err) != 0)
        return -1;
    object_after(call, &vault_place_table, &place);
    return object_reply(call, &view_vault, &place, err);
}

static int vault_update(struct op_call *call, struct err *err)
{
    const struct vault_params *p = call->params;
    struct vault_place place = {0};
    char id[ID_SIZE];

    if (object_get(call, &vault_place_table, p->id, &place, err) != 0 ||
        object_match(call, &vault_place_table, &place, err) != 0)
        return -1;
    object_before(call, &vault_place_table, &place);
    (void)str_copy(id, sizeof id, place.id);
    object_fill(call, &vault_place_table, &place);
    (void)str_copy(place.id, sizeof place.id, id); /* the parameter of that name is what was said */
    place.updated_at = txn_time_ms(call->txn);
    if (check_address(&place, err) != 0 || seal_secret(call, &place, err) != 0 ||
        record_put(call->txn, &vault_place_table, &place, err) != 0)
        return -1;
    object_after(call, &vault_place_table, &place);
    return object_reply(call, &view_vault, &place, err);
}

/* The box forgets that what is there is there; nothing of it is deleted. */
static int forget_copies(struct txn *txn, const char *vault_id, struct err *err)
{
    struct snapshot_copy match = {0}, copy;
    struct scan scan;
    int got;

    (void)str_copy(match.vault_id, sizeof match.vault_id, vault_id);
    if (scan_start(&scan, txn, &snapshot_copy_table, "vault_id", &match, 1, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &copy, err)) == 1)
        if (record_delete(txn, &snapshot_copy_table, &copy, err) < 0)
            return -1;
    return got;
}

static int vault_remove(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct vault_place place = {0};
    struct secret secret = {0};

    if (object_get(call, &vault_place_table, p->id, &place, err) != 0)
        return -1;
    object_before(call, &vault_place_table, &place);
    (void)str_format(secret.name, sizeof secret.name, "vault:%s", place.id);
    if (forget_copies(call->txn, place.id, err) != 0 ||
        record_delete(call->txn, &secret_table, &secret, err) < 0 ||
        record_delete(call->txn, &vault_place_table, &place, err) < 0)
        return -1;
    object_after(call, &vault_place_table, NULL);
    return object_removed(call, &view_vault, place.id);
}

static int test_slow(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct kv params;

    kv_clear(&params);
    if (enquire_about(call, &vault_place_table, p->id, &params, err) != 0)
        return -1;
    return enquire_ask(call, "vault_test", &params, TEST_WAIT_MS, err);
}

static int vault_test(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;

    (void)str_copy(call->audit.object, sizeof call->audit.object, p->id);
    return enquire_reply_json(call, err);
}

static int room_slow(struct op_call *call, struct err *err)
{
    struct kv params;

    kv_clear(&params);
    return enquire_ask(call, "vault_room", &params, 0, err);
}

static int vault_room(struct op_call *call, struct err *err)
{
    return enquire_reply_json(call, err);
}

static const struct field room_rows[] = {
    {.name = "vault_id", .type = FIELD_TEXT, .size = ID_SIZE, .help = "the vault"},
    {.name = "name", .type = FIELD_TEXT, .size = 64, .help = "its name"},
    {.name = "free_bytes",
     .type = FIELD_U64,
     .size = 8,
     .help = "what is free there; null: it cannot be told"},
    {.name = "size_bytes", .type = FIELD_U64, .size = 8, .help = "of so many"},
    {.name = "problem", .type = FIELD_TEXT, .size = 240, .help = "why it could not be asked"},
};
static const struct fields room = {room_rows, sizeof room_rows / sizeof room_rows[0], 0};

struct only_list {
    struct list_params list;
};
static const struct field list_rows[] = {LIST_FIELDS(struct only_list)};

const struct op vault_ops[] = {
    {.name = "vault.room",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_ASK,
     .help = "Show how much room there is where snapshots are kept",
     .example = "",
     .result = &room,
     .slow = room_slow,
     .run = vault_room},
    {.name = "vault.list",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST | OP_BARE,
     .params = PARAMS(list_rows, struct only_list),
     .help = "List the places that snapshots are kept in",
     .example = "",
     .result = &vault_place_table.fields,
     .run = vault_list},
    {.name = "vault.show",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show a vault, but for its credential",
     .example = "local",
     .result = &vault_place_table.fields,
     .run = vault_show},
    {.name = "vault.add",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_CREATE | OP_FRESH,
     .params = PARAMS(add_rows, struct vault_params),
     .help = "Add a place to keep snapshots in; the next one is whole",
     .example = "local folder /var/backups/sett",
     .result = &vault_place_table.fields,
     .run = vault_add},
    {.name = "vault.update",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH,
     .params = PARAMS(update_rows, struct vault_params),
     .help = "Change where a vault is or how it is used",
     .example = "local --enabled false",
     .result = &vault_place_table.fields,
     .run = vault_update},
    {.name = "vault.remove",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH,
     .params = &object_id,
     .help = "Forget a vault; the files in it stay",
     .example = "local",
     .result = &vault_place_table.fields,
     .run = vault_remove},
    {.name = "vault.test",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_ASK,
     .params = &object_id,
     .help = "Put a small file into a vault, fetch it back, compare, remove it",
     .example = "local",
     .result = &tested,
     .slow = test_slow,
     .run = vault_test},
    {.name = NULL},
};
