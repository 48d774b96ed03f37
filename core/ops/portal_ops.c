/*
 * A customer's way in: a link by mail in place of a password, and a password for those who want
 * one. What anybody may ask here is answered alike whoever is named, and costs the same commit.
 */
#include "sign_link.h"

#include "auth_show.h"
#include "clock.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "str.h"
#include "user_letter.h"

#include <sodium.h>
#include <string.h>

#define LETTER         "sign_in"
#define CUSTOMERS_MOST 5 /* that one address may stand for */

struct link_params {
    char email[256];
};
static const struct field link_rows[] = {
    FIELD(struct link_params, email, FIELD_TEXT, .flags = FIELD_REQUIRED, .min = 3,
          .help = "address that something was paid with"),
};

struct enter_params {
    char token[LINK_TOKEN_SIZE + 16];
};
static const struct field enter_rows[] = {
    FIELD(struct enter_params, token, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .help = "the part of the link behind the #"),
};

struct password_params {
    char password[260];
};
static const struct field password_rows[] = {
    FIELD(struct password_params, password, FIELD_TEXT,
          .flags = FIELD_REQUIRED | FIELD_SECRET | FIELD_FREE, .help = "8 to 256 bytes"),
};

static const struct field taken_rows[] = {
    {.name = "accepted",
     .type = FIELD_BOOL,
     .size = 1,
     .help = "true, whether or not there is such a customer"},
    {.name = "minutes", .type = FIELD_U32, .size = 4, .help = "for which the link is good"},
};
static const struct fields taken = {taken_rows, sizeof taken_rows / sizeof taken_rows[0], 0};

static const struct field entered_rows[] = {
    {.name = "second_factor",
     .type = FIELD_TEXT,
     .size = 16,
     .help = "needed: there is step_token alone, for POST /api/auth/second"},
    {.name = "csrf_token",
     .type = FIELD_TEXT,
     .size = AUTH_CSRF_SIZE,
     .help = "to be sent as X-CSRF with each change under the cookie"},
    {.name = "user", .type = FIELD_KV, .help = "who signed in"},
};
static const struct fields entered = {entered_rows, sizeof entered_rows / sizeof entered_rows[0],
                                      0};

/* ---- asked for ---- */

static int write_letter(struct op_call *call, const struct customer *customer,
                        const struct user *user, const char *token, struct err *err)
{
    int64_t until_ms = txn_time_ms(call->txn) + SIGN_LINK_MS;
    struct kv params;
    struct user_letter letter = {.kind = LETTER,
                                 .email = customer->email,
                                 .language = user->language,
                                 .params = &params,
                                 .token = token,
                                 .until_ms = until_ms};
    char until[CLOCK_TEXT_SIZE];

    clock_text(until, until_ms);
    kv_clear(&params);
    if (kv_set(&params, "name", customer->name[0] != '\0' ? customer->name : customer->email) !=
            0 ||
        kv_set(&params, "until", until) != 0)
        return err_set(err, ERR_INTERNAL, "letter_too_large", "a letter's values are too long");
    return user_letter_queue(call->txn, &call->box->vault, &letter, err);
}

/* A link to one customer, unless its user may not sign in or one was sent a moment ago. */
static int send_one(struct op_call *call, const struct customer *customer, struct err *err)
{
    char token[LINK_TOKEN_SIZE];
    struct user user = {0};
    int found = sign_link_user(call->txn, customer, &user, err), r;

    if (found < 0)
        return -1;
    if (found == 0 && user.id[0] != '\0')
        return 0;
    if (found == 0)
        (void)str_copy_n(user.language, sizeof user.language, customer->locale,
                         strnlen(customer->locale, 2));
    r = sign_link_new(call->txn, customer, call->actor.address, token, err);
    if (r == 1) {
        (void)str_copy(call->audit.object, sizeof call->audit.object, customer->id);
        r = write_letter(call, customer, &user, token, err);
    }
    sodium_memzero(token, sizeof token);
    return r < 0 ? -1 : 0;
}

static int send_links(struct op_call *call, const char *email, struct err *err)
{
    struct customer customers[CUSTOMERS_MOST], match = {0};
    struct scan scan;
    int count = 0, got = 1;

    (void)str_copy(match.email, sizeof match.email, email);
    if (scan_start(&scan, call->txn, &customer_table, "email", &match, 1, true, err) != 0)
        return -1;
    while (count < CUSTOMERS_MOST && (got = scan_next(&scan, &customers[count], err)) == 1)
        count++;
    if (got < 0)
        return -1;
    for (int i = 0; i < count; i++)
        if (send_one(call, &customers[i], err) != 0)
            return -1;
    return 0;
}

static int portal_link(struct op_call *call, struct err *err)
{
    const struct link_params *p = call->params;
    struct json_out *j = call->out;
    char lower[sizeof p->email];

    if (params_email("email", p->email, err) != 0)
        return -1;
    if (!user_letter_possible(call->txn, &call->box->conf)) {
        (void)err_set(err, ERR_CONFLICT, "mail_not_set", "this box cannot send mail");
        return err_hint(err, "sign in with a password, or ask the operator for an invitation");
    }
    (void)str_copy(lower, sizeof lower, p->email);
    str_lower(lower);
    if (send_links(call, p->email, err) != 0 ||
        (!str_equal(lower, p->email) && send_links(call, lower, err) != 0))
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "sign_in_link");
    json_out_key_bool(j, "accepted", true);
    json_out_key_u64(j, "minutes", SIGN_LINK_MS / 60000);
    json_out_end_object(j);
    return 0;
}

/* ---- used ---- */

struct entering {
    struct auth_terms terms;
    struct user user;
    struct auth_grant grant;
};

/* The user of the link's customer, made when nobody has come before. */
static int user_of(struct op_call *call, const struct customer *customer, struct user *user,
                   struct err *err)
{
    int found = sign_link_user(call->txn, customer, user, err);

    if (found == 0 && user->id[0] != '\0') {
        (void)err_set(err, ERR_NOT_FOUND, "link_gone", "this link was used before or is over");
        return -1;
    }
    if (found == 0)
        return sign_link_user_new(call->txn, customer, user, err);
    return found < 0 ? -1 : 0;
}

static int portal_enter(struct op_call *call, struct err *err)
{
    const struct enter_params *p = call->params;
    struct entering *in = call->scratch;
    struct json_out *j = call->out;
    struct customer customer;

    memset(&in->user, 0, sizeof in->user);
    if (auth_terms(call->txn, &call->box->conf, &in->terms, err) != 0 ||
        sign_link_take(call->txn, p->token, &customer, err) != 0 ||
        user_of(call, &customer, &in->user, err) != 0)
        return -1;
    if (in->user.second_factor_at != 0)
        return auth_first_step(call, &in->user, "link", err);
    if (auth_sign_in(call->txn, &in->terms, &call->box->web_key, &in->user, call->actor.address,
                     call->actor.agent, &in->grant, err) != 0)
        return -1;
    (void)str_copy(call->audit.actor, sizeof call->audit.actor, in->user.id);
    (void)str_copy(call->audit.actor_kind, sizeof call->audit.actor_kind, "link");
    (void)str_copy(call->audit.object, sizeof call->audit.object, in->grant.session_id);
    auth_cookie_header(&in->terms, in->grant.cookie, call->cookie);
    json_out_object(j);
    json_out_key_text(j, "object", "sign_in");
    json_out_key_text(j, "csrf_token", in->grant.csrf);
    json_out_key(j, "user");
    if (view_object(call, &view_user, &in->user, err) != 0)
        return -1;
    json_out_end_object(j);
    return 0;
}

/* ---- a password, for who came without ---- */

struct choosing {
    struct user user;
    char password[160];
};

static int without_password(struct op_call *call, struct txn *txn, struct user *user,
                            struct err *err)
{
    int found;

    (void)str_copy(user->id, sizeof user->id, call->actor.user_id);
    if ((found = user->id[0] == '\0' ? 0 : record_get(txn, &user_table, user, err)) < 0)
        return -1;
    if (found == 0)
        return err_set(err, ERR_CONFLICT, "no_user", "only a user can have a password");
    return user->password[0] == '\0'
               ? 0
               : err_set(err, ERR_CONFLICT, "password_there", "there is a password: change that");
}

static int password_slow(struct op_call *call, struct err *err)
{
    const struct password_params *p = call->params;
    struct choosing *c = call->scratch;
    struct auth_terms terms;
    struct txn *txn;
    int r;

    if (db_read(&txn, call->box->db, err) != 0)
        return -1;
    r = without_password(call, txn, &c->user, err) != 0 ||
                auth_terms(txn, &call->box->conf, &terms, err) != 0
            ? -1
            : 0;
    db_read_end(txn);
    return r != 0 || auth_password_rules(p->password, c->user.name, err) != 0
               ? -1
               : auth_password_hash(call->box->gate, &terms, p->password, c->password, err);
}

static int portal_password(struct op_call *call, struct err *err)
{
    struct choosing *c = call->scratch;
    struct user user = {0};

    if (without_password(call, call->txn, &user, err) != 0)
        return -1;
    object_before(call, &user_table, &user);
    if (auth_password_set(call->txn, user.id, c->password, call->actor.session_id, err) != 0 ||
        record_get(call->txn, &user_table, &user, err) < 0)
        return -1;
    object_after(call, &user_table, &user);
    return object_reply(call, &view_user, &user, err);
}

const struct op portal_ops[] = {
    {.name = "portal.link",
     .role = ROLE_PUBLIC,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(link_rows, struct link_params),
     .help = "Send a customer a link to sign in with, good once for 15 minutes",
     .example = "ann@example.com",
     .result = &taken,
     .run = portal_link},
    {.name = "portal.enter",
     .role = ROLE_PUBLIC,
     .flags = OP_WRITE | OP_AUDIT | OP_SECRET,
     .params = PARAMS(enter_rows, struct enter_params),
     .help = "Sign in with the link: a cookie, and an account when there was none",
     .example = "--token-file token",
     .result = &entered,
     .scratch_size = sizeof(struct entering),
     .run = portal_enter},
    {.name = "portal.password",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH,
     .params = PARAMS(password_rows, struct password_params),
     .help = "Choose a password, for who has signed in by links alone",
     .example = "--password-file password",
     .result = &user_table.fields,
     .scratch_size = sizeof(struct choosing),
     .slow = password_slow,
     .run = portal_password},
    {.name = NULL},
};
