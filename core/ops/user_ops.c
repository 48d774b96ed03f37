/* Users: people who sign in. Hashing a password takes a tenth of a second on purpose, so it is done
 * before the transaction. */
#include "auth_show.h"

#include <sodium.h>

#include "user_letter.h"
#include "customer.h"
#include "letter_text.h"
#include "list.h"
#include "mail.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "password_reset.h"
#include "str.h"

#include <string.h>

struct user_list_params {
    struct list_params list;
    char customer_id[96], name[128];
    uint32_t role;
    bool disabled;
};
static const struct field user_list_rows[] = {
    LIST_FIELDS(struct user_list_params),
    FIELD(struct user_list_params, customer_id, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "only those of this customer"),
    FIELD(struct user_list_params, name, FIELD_TEXT, .help = "only those with this in their name"),
    FIELD(struct user_list_params, role, FIELD_ENUM, .names = role_names,
          .help = "only those of this role"),
    FIELD(struct user_list_params, disabled, FIELD_BOOL,
          .help = "only those who may not sign in, or only those who may"),
};

struct user_params {
    char id[96];
    char name[128];
    uint32_t role;
    char customer_id[96], password[260], email[256], language[8];
    bool disabled, password_once;
};
#define USER_ROWS                                                                                  \
    FIELD(struct user_params, customer_id, FIELD_TEXT, .flags = FIELD_NUMBERED,                    \
          .help = "role customer: whose tenants it sees"),                                         \
        FIELD(struct user_params, email, FIELD_TEXT, .help = "where it can be written to"),        \
        FIELD(struct user_params, language, FIELD_TEXT, .max = 2,                                  \
              .help = "of letters to it: en, es or de"),                                           \
        FIELD(struct user_params, password_once, FIELD_BOOL,                                       \
              .help = "the password has to be changed before anything else"),                      \
        FIELD(struct user_params, password, FIELD_TEXT, .flags = FIELD_SECRET | FIELD_FREE,        \
              .help = "8 to 256 bytes; without one nobody can sign in")
static const struct field user_create_rows[] = {
    FIELD(struct user_params, name, FIELD_TEXT, .flags = FIELD_REQUIRED, .max = 120,
          .help = "name to sign in with"),
    FIELD(struct user_params, role, FIELD_ENUM, .flags = FIELD_REQUIRED, .names = role_names,
          .help = "what it may do: customer, viewer, operator or admin"),
    USER_ROWS,
};
static const struct field user_update_rows[] = {
    ID_FIELD(struct user_params),
    FIELD(struct user_params, name, FIELD_TEXT, .min = 1, .max = 120,
          .help = "name to sign in with"),
    FIELD(struct user_params, role, FIELD_ENUM, .names = role_names,
          .help = "what it may do: customer, viewer, operator or admin"),
    FIELD(struct user_params, disabled, FIELD_BOOL, .help = "may not sign in"),
    USER_ROWS,
};

struct password_params {
    char current_password[260], new_password[260];
};
static const struct field password_rows[] = {
    FIELD(struct password_params, current_password, FIELD_TEXT,
          .flags = FIELD_REQUIRED | FIELD_SECRET | FIELD_FREE, .help = "the password until now"),
    FIELD(struct password_params, new_password, FIELD_TEXT,
          .flags = FIELD_REQUIRED | FIELD_SECRET | FIELD_FREE, .help = "8 to 256 bytes"),
};

struct hashed {
    struct user user;
    struct auth_terms terms;
    char password[160];
};

static bool keep(const struct op_call *call, const void *record)
{
    const struct user_list_params *p = call->params;
    const struct user *user = record;

    return (!op_given(call, "role") || user->role == p->role) &&
           (!op_given(call, "disabled") || user->disabled == p->disabled) &&
           (p->name[0] == '\0' || strcasestr(user->name, p->name) != NULL);
}

static int user_list(struct op_call *call, struct err *err)
{
    const struct user_list_params *p = call->params;
    struct customer customer = {0};
    struct user match = {0};
    struct list list = {.view = &view_user, .url = "/api/users", .match = &match, .keep = keep};

    if (op_given(call, "customer_id")) {
        if (object_refer(call, &customer_table, "customer_id", p->customer_id, &customer, err) != 0)
            return -1;
        (void)str_copy(match.customer_id, sizeof match.customer_id, customer.id);
        list.index = "customer_id";
        list.fields = 1;
    }
    return list_reply(call, &p->list, &list, err);
}

static int user_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct user user = {0};

    if (object_get(call, &user_table, p->id, &user, err) != 0)
        return -1;
    return object_reply(call, &view_user, &user, err);
}

static int hash(struct op_call *call, const char *password, const char *name, struct err *err)
{
    struct hashed *h = call->scratch;

    if (str_starts(password, AUTH_HASH_PREFIX) && str_equal(call->actor.kind, "cli"))
        return auth_password_take(password, h->password, err);
    if (auth_password_rules(password, name, err) != 0)
        return -1;
    return auth_password_hash(call->box->gate, &h->terms, password, h->password, err);
}

static int user_slow(struct op_call *call, struct err *err)
{
    const struct user_params *p = call->params;
    struct hashed *h = call->scratch;
    struct txn *txn;
    int r;

    if (op_given(call, "role") && p->role == ROLE_PUBLIC)
        return err_field(err, "role", "unknown_word",
                         "role must be one of: customer, viewer, operator, admin");
    if (!op_given(call, "password") || p->password[0] == '\0')
        return 0;
    if (db_read(&txn, call->box->db, err) != 0)
        return -1;
    r = auth_terms(txn, &call->box->conf, &h->terms, err);
    db_read_end(txn);
    return r != 0 ? -1 : hash(call, p->password, p->name, err);
}

/* Where and in which language it is written to; the customer by id or number, "" taking it away. */
static int set_more(const struct op_call *call, struct user *user, struct err *err)
{
    const struct user_params *p = call->params;
    struct customer customer = {0};

    if (op_given(call, "email")) {
        if (p->email[0] != '\0' && !mail_address(p->email))
            return err_field(err, "email", "email_invalid", "email is no e-mail address");
        (void)str_copy(user->email, sizeof user->email, p->email);
    }
    if (op_given(call, "language")) {
        if (p->language[0] != '\0' && !str_equal(letter_language(p->language, NULL), p->language))
            return err_field(err, "language", "language_unknown", "language is en, es or de");
        (void)str_copy(user->language, sizeof user->language, p->language);
    }

    if (!op_given(call, "customer_id"))
        return 0;
    if (p->customer_id[0] != '\0' &&
        object_refer(call, &customer_table, "customer_id", p->customer_id, &customer, err) != 0)
        return -1;
    (void)str_copy(user->customer_id, sizeof user->customer_id, customer.id);
    return 0;
}

static int user_create(struct op_call *call, struct err *err)
{
    const struct user_params *p = call->params;
    const struct hashed *h = call->scratch;
    struct user user = {.role = p->role};

    (void)str_copy(user.name, sizeof user.name, p->name);
    (void)str_copy(user.password, sizeof user.password, h->password);
    user.password_once = p->password_once;
    if (set_more(call, &user, err) != 0 || user_new(call->txn, &user, err) != 0)
        return -1;
    object_after(call, &user_table, &user);
    (void)str_format(call->location, sizeof call->location, "/api/users/%s", user.id);
    return object_reply(call, &view_user, &user, err);
}

static int user_update(struct op_call *call, struct err *err)
{
    const struct user_params *p = call->params;
    const struct hashed *h = call->scratch;
    struct user user = {0};

    if (object_get(call, &user_table, p->id, &user, err) != 0 ||
        object_match(call, &user_table, &user, err) != 0)
        return -1;
    object_before(call, &user_table, &user);
    if (op_given(call, "name")) {
        (void)str_copy(user.name, sizeof user.name, p->name);
        str_lower(user.name);
    }
    if (op_given(call, "role"))
        user.role = p->role;
    if (op_given(call, "disabled"))
        user.disabled = p->disabled;
    if (set_more(call, &user, err) != 0)
        return -1;
    if ((user.role == ROLE_CUSTOMER) != (user.customer_id[0] != '\0'))
        return err_field(err, "customer_id", "customer_and_role",
                         "a user has a customer if and only if its role is customer");
    if (auth_user_put(call->txn, &user, err) != 0)
        return -1;
    if (h->password[0] != '\0' &&
        (auth_password_set(call->txn, user.id, h->password, NULL, err) != 0 ||
         user_letter_tell(call->txn, &call->box->conf, &user, "password_changed", err) != 0))
        return -1;
    if (record_get(call->txn, &user_table, &user, err) < 0)
        return -1;
    if (op_given(call, "password_once") && user.password_once != p->password_once) {
        user.password_once = p->password_once;
        if (record_put(call->txn, &user_table, &user, err) != 0)
            return -1;
    }
    object_after(call, &user_table, &user);
    return object_reply(call, &view_user, &user, err);
}

static int user_delete(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct user user = {0};

    if (object_get(call, &user_table, p->id, &user, err) != 0 ||
        object_match(call, &user_table, &user, err) != 0)
        return -1;
    object_before(call, &user_table, &user);
    if (auth_user_delete(call->txn, user.id, err) != 0 ||
        password_reset_forget(call->txn, user.id, err) != 0)
        return -1;
    return object_removed(call, &view_user, user.id);
}

static int read_self(struct op_call *call, struct hashed *h, struct err *err)
{
    struct txn *txn;
    int found = -1;

    (void)str_copy(h->user.id, sizeof h->user.id, call->actor.user_id);
    if (h->user.id[0] == '\0') {
        err_set(err, ERR_CONFLICT, "no_user", "%s is no user with a password", call->actor.id);
        return err_hint(err, "change a user's password with: sett user update NAME "
                             "--password-file FILE");
    }
    if (db_read(&txn, call->box->db, err) != 0)
        return -1;
    if (auth_terms(txn, &call->box->conf, &h->terms, err) == 0)
        found = record_get(txn, &user_table, &h->user, err);
    db_read_end(txn);
    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "user_not_found", "this user is gone");
    return found < 0 ? -1 : 0;
}

static int password_slow(struct op_call *call, struct err *err)
{
    const struct password_params *p = call->params;
    struct hashed *h = call->scratch;
    int right;

    if (read_self(call, h, err) != 0)
        return -1;
    right =
        auth_password_check(call->box->gate, &h->terms, h->user.password, p->current_password, err);
    if (right < 0)
        return -1;
    if (right == 0) {
        call->audit_refusal = true;
        (void)str_copy(call->audit.object, sizeof call->audit.object, h->user.id);
        return err_field(err, "current_password", "password_wrong",
                         "current_password is not the password");
    }
    if (h->user.password_once && str_equal(p->new_password, p->current_password))
        return err_field(err, "new_password", "password_same", "another one has to be chosen");
    if (hash(call, p->new_password, h->user.name, err) == 0)
        return 0;
    if (str_equal(err->field, "password"))
        (void)str_copy(err->field, sizeof err->field, "new_password");
    return -1;
}

/* The session goes on under another id, with new tokens: who had got hold of the old ones has
 * nothing. */
static int user_password(struct op_call *call, struct err *err)
{
    struct hashed *h = call->scratch;
    struct json_out *j = call->out;
    const char *session = call->actor.session_id;
    struct user user = h->user;
    struct auth_grant grant = {0};

    object_before(call, &user_table, &user);
    if (auth_password_set(call->txn, user.id, h->password, session, err) != 0 ||
        user_letter_tell(call->txn, &call->box->conf, &user, "password_changed", err) != 0 ||
        record_get(call->txn, &user_table, &user, err) < 0 ||
        (session[0] != '\0' &&
         auth_session_renew(call->txn, &h->terms, &call->box->web_key, session, &grant, err) != 0))
        return -1;
    object_after(call, &user_table, &user);
    json_out_object(j);
    json_out_key_text(j, "object", view_user.object);
    fields_json(&user_table.fields, &user, j);
    if (session[0] != '\0')
        auth_show_grant(call, &h->terms, &grant);
    json_out_end_object(j);
    sodium_memzero(&grant, sizeof grant);
    return 0;
}

const struct op user_ops[] = {
    {.name = "user.list",
     .role = ROLE_ADMIN,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(user_list_rows, struct user_list_params),
     .help = "List users, newest first",
     .example = "",
     .result = &user_table.fields,
     .run = user_list},
    {.name = "user.show",
     .role = ROLE_ADMIN,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show a user",
     .example = "admin",
     .result = &user_table.fields,
     .run = user_show},
    {.name = "user.create",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH | OP_CREATE,
     .params = PARAMS(user_create_rows, struct user_params),
     .help = "Make a user",
     .example = "ann operator --password-file password",
     .result = &user_table.fields,
     .scratch_size = sizeof(struct hashed),
     .slow = user_slow,
     .run = user_create},
    {.name = "user.update",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH,
     .params = PARAMS(user_update_rows, struct user_params),
     .help = "Change a user; a new role or password ends its sessions",
     .example = "ann --role viewer",
     .result = &user_table.fields,
     .scratch_size = sizeof(struct hashed),
     .slow = user_slow,
     .run = user_update},
    {.name = "user.delete",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH,
     .params = &object_id,
     .help = "Delete a user with its sessions and keys",
     .example = "ann",
     .run = user_delete},
    {.name = "user.password",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT | OP_SECRET | OP_ENROL,
     .params = PARAMS(password_rows, struct password_params),
     .help = "Change one's own password; this session gets new tokens, all others end",
     .example = "--current-password-file old --new-password-file new",
     .result = &user_table.fields,
     .more = &auth_grant_fields,
     .scratch_size = sizeof(struct hashed),
     .slow = password_slow,
     .run = user_password},
    {.name = NULL},
};
