/* Settings and secrets: what can be set, what holds and who said so. A secret goes in and never
 * comes back out. */
#include "setting.h"

#include "list.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "str.h"

#include <string.h>

struct set_params {
    char name[96], value[4000];
};
static const struct field setting_set_rows[] = {
    FIELD(struct set_params, name, FIELD_TEXT, .flags = FIELD_PATH | FIELD_REQUIRED,
          .help = "which, as in ports.ranges"),
    {.name = "value",
     .type = FIELD_TEXT,
     .offset = offsetof(struct set_params, value),
     .size = 512,
     .since = 1,
     .flags = FIELD_NUMBERED,
     .help = "the value; none takes it back"},
};
static const struct field secret_set_rows[] = {
    FIELD(struct set_params, name, FIELD_TEXT, .flags = FIELD_PATH | FIELD_REQUIRED,
          .help = "which, as in stripe.secret_key"),
    FIELD(struct set_params, value, FIELD_TEXT, .flags = FIELD_SECRET | FIELD_FREE,
          .help = "the secret; none removes it"),
};

/* What a setting's list shows of each. */
struct setting_shape {
    char name[64], value[512], origin[8], otherwise[512], help[200], actor[64];
    int64_t updated_at;
    uint32_t type;
    uint64_t min, max;
    char unit[8], group[16];
    bool fixed;
};
static const char *const type_names[] = {"text", "number", "flag", "choice", NULL};
enum setting_type { TYPE_TEXT, TYPE_NUMBER, TYPE_FLAG, TYPE_CHOICE };
static const struct field setting_shape_rows[] = {
    FIELD(struct setting_shape, name, FIELD_TEXT, .help = "name"),
    FIELD(struct setting_shape, value, FIELD_TEXT, .help = "the value that holds"),
    FIELD(struct setting_shape, origin, FIELD_TEXT, .help = "who said so: default, conf or store"),
    {.name = "default",
     .type = FIELD_TEXT,
     .size = 512,
     .since = 1,
     .help = "what holds otherwise"},
    FIELD(struct setting_shape, help, FIELD_TEXT, .help = "what it is for"),
    FIELD(struct setting_shape, actor, FIELD_TEXT, .help = "who set it in the store"),
    FIELD(struct setting_shape, updated_at, FIELD_TIME, .help = "when"),
    FIELD(struct setting_shape, type, FIELD_ENUM, .names = type_names,
          .help = "what its value is; choice: one of choices"),
    FIELD(struct setting_shape, min, FIELD_U64, .help = "number: the least"),
    FIELD(struct setting_shape, max, FIELD_U64, .help = "number: the most"),
    FIELD(struct setting_shape, unit, FIELD_TEXT, .help = "number: what it counts: s, days, …"),
    FIELD(struct setting_shape, group, FIELD_TEXT, .help = "what it belongs to, as in mail"),
    FIELD(struct setting_shape, fixed, FIELD_BOOL, .help = "it cannot be set"),
};
static const struct fields setting_shape = {
    setting_shape_rows, sizeof setting_shape_rows / sizeof setting_shape_rows[0],
    sizeof(struct setting_shape)};
static const struct field secret_shape_rows[] = {
    {.name = "name", .type = FIELD_TEXT, .size = 96, .since = 1, .help = "name"},
    {.name = "set", .type = FIELD_BOOL, .size = 1, .since = 1, .help = "whether there is one"},
    {.name = "help", .type = FIELD_TEXT, .size = 200, .since = 1, .help = "what it is for"},
    {.name = "updated_at", .type = FIELD_TIME, .size = 8, .since = 1, .help = "when it was set"},
    {.name = "group", .type = FIELD_TEXT, .size = 16, .since = 1, .help = "what it belongs to"},
};
static const struct fields secret_shape = {
    secret_shape_rows, sizeof secret_shape_rows / sizeof secret_shape_rows[0], 0};

/* What the box has noted of itself: all that it makes is known by its id. */
static bool is_fixed(const struct setting_row *row)
{
    return str_equal(row->name, "box.id") || str_equal(row->name, "box.set_up_at");
}

/* What decides who gets in, where links and letters lead, and to whom secrets are sent: as good as
 * the secrets themselves, so not for a session that somebody left open, and not for keys. */
static bool is_guarded(const struct setting_row *row)
{
    static const char *const guarded[] = {
        "auth.",           "limits.login",   "box.url",         "box.trusted_proxies",
        "smtp.",           "mail.from",      "stripe.api",      "cloudflare.api",
        "turn.api",        "proxmox.url",    "proxmox.ca_file", "proxmox.fingerprint",
        "outside.ca_file", "database.admin", "dns.server",      "alerts.private_targets"};

    for (size_t i = 0; i < sizeof guarded / sizeof guarded[0]; i++)
        if (str_starts(row->name, guarded[i]))
            return true;
    return false;
}

static enum setting_type type_of(const struct setting_row *row)
{
    if (row->type == FIELD_U64)
        return TYPE_NUMBER;
    if (row->type == FIELD_BOOL)
        return TYPE_FLAG;
    return row->choices != NULL ? TYPE_CHOICE : TYPE_TEXT;
}

/* What a form needs to know of it. */
static void form_members(struct json_out *j, const struct setting_row *row)
{
    enum setting_type type = type_of(row);

    json_out_key_text(j, "type", type_names[type]);
    if (type == TYPE_NUMBER) {
        json_out_key_u64(j, "min", row->min);
        json_out_key_u64(j, "max", row->max);
    }
    if (type == TYPE_CHOICE) {
        json_out_key(j, "choices");
        json_out_array(j);
        for (const char *at = row->choices; *at != '\0';) {
            size_t len = strcspn(at, ",");
            json_out_text_n(j, at, len);
            at += len + (at[len] == ',');
        }
        json_out_end_array(j);
    }
    json_out_key_text(j, "unit", setting_unit(row));
    json_out_key_text(j, "group", setting_group(row->name));
    json_out_key_bool(j, "fixed", is_fixed(row));
}

static int setting_members(struct op_call *call, const struct setting_row *row, struct err *err)
{
    struct json_out *j = call->out;
    struct setting setting = {0};
    char value[512];
    int origin = setting_text(call->txn, &call->box->conf, row->name, value, sizeof value, err);

    (void)str_copy(setting.name, sizeof setting.name, row->name);
    if (origin < 0 || record_get(call->txn, &setting_table, &setting, err) < 0)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "setting");
    json_out_key_text(j, "name", row->name);
    json_out_key_text(j, "value", value);
    json_out_key_text(j, "origin", setting_origin_names[origin]);
    json_out_key_text(j, "default", row->otherwise);
    json_out_key_text(j, "help", row->help);
    json_out_key_text(j, "actor", setting.actor);
    json_out_key_time(j, "updated_at", setting.updated_at);
    form_members(j, row);
    json_out_end_object(j);
    return 0;
}

static void list_end(struct json_out *j, const char *url)
{
    json_out_end_array(j);
    json_out_key_bool(j, "has_more", false);
    json_out_key_text(j, "url", url);
    json_out_end_object(j);
}

static void list_begin(struct json_out *j)
{
    json_out_object(j);
    json_out_key_text(j, "object", "list");
    json_out_key(j, "data");
    json_out_array(j);
}

/* All of them: they are a table of the program, not of the store. */
static int setting_list(struct op_call *call, struct err *err)
{
    list_begin(call->out);
    for (size_t i = 0; i < setting_row_count; i++)
        if (setting_members(call, &setting_rows[i], err) != 0)
            return -1;
    list_end(call->out, "/api/settings");
    return 0;
}

static int set_setting(struct op_call *call, struct err *err)
{
    const struct set_params *p = call->params;
    const struct setting_row *row = setting_row_find(p->name);
    struct setting setting = {0};
    int found;

    if (row == NULL) {
        err_set(err, ERR_NOT_FOUND, "setting_not_found", "there is no setting %.80s", p->name);
        return err_hint(err, "sett config show lists them");
    }
    if (is_fixed(row))
        return err_field(err, "name", "setting_fixed",
                         "%s was made with the box, and is not to be changed", row->name);
    if (is_guarded(row) && op_fresh(call, err) != 0)
        return -1;
    (void)str_copy(setting.name, sizeof setting.name, row->name);
    if ((found = record_get(call->txn, &setting_table, &setting, err)) < 0)
        return -1;
    object_before(call, &setting_table, found ? &setting : NULL);
    if (setting_set(call->txn, row->name, p->value, call->actor.id, err) != 0 ||
        (found = record_get(call->txn, &setting_table, &setting, err)) < 0)
        return -1;
    object_after(call, &setting_table, found ? &setting : NULL);
    (void)str_copy(call->audit.object, sizeof call->audit.object, row->name);
    call->wake = true;
    return setting_members(call, row, err);
}

static int secret_members(struct op_call *call, const struct secret_row *row, struct err *err)
{
    struct json_out *j = call->out;
    struct secret secret = {0};
    int found;

    (void)str_copy(secret.name, sizeof secret.name, row->name);
    if ((found = record_get(call->txn, &secret_table, &secret, err)) < 0)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "secret");
    json_out_key_text(j, "name", row->name);
    json_out_key_bool(j, "set", found == 1);
    json_out_key_text(j, "help", row->help);
    json_out_key_time(j, "updated_at", secret.updated_at);
    json_out_key_text(j, "group", setting_group(row->name));
    json_out_end_object(j);
    return 0;
}

static int secret_list(struct op_call *call, struct err *err)
{
    list_begin(call->out);
    for (size_t i = 0; i < secret_row_count; i++)
        if (secret_members(call, &secret_rows[i], err) != 0)
            return -1;
    list_end(call->out, "/api/secrets");
    return 0;
}

/* The audit notes that it was set, not a digest: of a short secret that would be a hint. */
static int set_secret(struct op_call *call, struct err *err)
{
    const struct set_params *p = call->params;
    const struct secret_row *row = secret_row_find(p->name);
    int r;

    if (row == NULL) {
        err_set(err, ERR_NOT_FOUND, "secret_not_found", "there is no secret %.80s", p->name);
        return err_hint(err, "sett secret list shows their names");
    }
    r = row->web
            ? secret_set_web(call->txn, &call->box->web_key, row->name, p->value, strlen(p->value),
                             err)
            : secret_set(call->txn, &call->box->vault, row->name, p->value, strlen(p->value), err);
    if (r != 0)
        return -1;
    (void)str_copy(call->audit.object, sizeof call->audit.object, row->name);
    (void)str_copy(call->audit.reason, sizeof call->audit.reason,
                   p->value[0] == '\0' ? "removed" : "set");
    call->wake = true;
    return secret_members(call, row, err);
}

const struct op setting_ops[] = {
    {.name = "setting.list",
     .role = ROLE_ADMIN,
     .flags = OP_READ | OP_LIST,
     .help = "List what can be set, what holds and who said so",
     .example = "",
     .result = &setting_shape,
     .run = setting_list},
    {.name = "setting.set",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(setting_set_rows, struct set_params),
     .help = "Set a value in the store, or take it back",
     .example = "ports.ranges --value 3100-3999,5000-5100",
     .result = &setting_shape,
     .run = set_setting},
    {.name = NULL},
};

const struct op secret_ops[] = {
    {.name = "secret.list",
     .role = ROLE_ADMIN,
     .flags = OP_READ | OP_LIST,
     .help = "List the secrets that can be set, and which are",
     .example = "",
     .result = &secret_shape,
     .run = secret_list},
    {.name = "secret.set",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH,
     .params = PARAMS(secret_set_rows, struct set_params),
     .help = "Set a secret; it is sealed and never shown",
     .example = "stripe.secret_key --value-file key",
     .result = &secret_shape,
     .run = set_secret},
    {.name = NULL},
};
