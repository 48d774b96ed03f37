/*
 * Invitations: made by an admin, taken up by whoever holds the link. Taking one up hashes a
 * password, so it is looked at twice: before, so that no stranger makes us work, and in the change
 * itself, so that it happens once.
 */
#include "invitation.h"

#include "auth.h"
#include "clock.h"
#include "customer.h"
#include "letter_text.h"
#include "link_reply.h"
#include "list.h"
#include "mail.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "setting.h"
#include "str.h"
#include "user_letter.h"

#include <sodium.h>
#include <string.h>

#define HOUR_MS (INT64_C(3600) * 1000)
#define LETTER  "invitation"

struct list_wish {
    struct list_params list;
    uint32_t state;
};
static const struct field list_rows[] = {
    LIST_FIELDS(struct list_wish),
    FIELD(struct list_wish, state, FIELD_ENUM, .names = invitation_state_names,
          .help = "only in this state: open, accepted, revoked or over"),
};

struct create_params {
    char name[128], email[256], customer_id[96], language[8];
    uint32_t role, hours;
    bool mail;
};
#define HOW(t)                                                                                     \
    FIELD(t, hours, FIELD_U32, .min = 1, .max = 720,                                               \
          .help = "life of the link (auth.invitation_hours)"),                                     \
        FIELD(t, mail, FIELD_BOOL,                                                                 \
              .help = "whether the link goes by mail (yes, where it can); else it is shown")
static const struct field create_rows[] = {
    FIELD(struct create_params, name, FIELD_TEXT, .flags = FIELD_REQUIRED, .max = 120,
          .help = "name to sign in with, as a rule the e-mail address"),
    FIELD(struct create_params, role, FIELD_ENUM, .flags = FIELD_REQUIRED, .names = role_names,
          .help = "what it may do: customer, viewer, operator or admin"),
    FIELD(struct create_params, email, FIELD_TEXT,
          .help = "where the link goes (the name, if that is an address)"),
    FIELD(struct create_params, customer_id, FIELD_TEXT, .flags = FIELD_NUMBERED,
          .help = "role customer: whose tenants it sees"),
    FIELD(struct create_params, language, FIELD_TEXT, .max = 2,
          .help = "of the letter: en, es or de"),
    HOW(struct create_params),
};

struct resend_params {
    char id[96];
    uint32_t hours;
    bool mail;
};
static const struct field resend_rows[] = {
    ID_FIELD(struct resend_params),
    HOW(struct resend_params),
};

struct accept_params {
    char token[LINK_TOKEN_SIZE + 16], password[260];
};
static const struct field look_rows[] = {
    FIELD(struct accept_params, token, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .help = "the part of the link behind the #"),
};
static const struct field accept_rows[] = {
    FIELD(struct accept_params, token, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .help = "the part of the link behind the #"),
    FIELD(struct accept_params, password, FIELD_TEXT,
          .flags = FIELD_REQUIRED | FIELD_SECRET | FIELD_FREE, .help = "8 to 256 bytes"),
};

static const struct field state_rows[] = {
    {.name = "state",
     .type = FIELD_ENUM,
     .size = 4,
     .names = invitation_state_names,
     .help = "what has become of it"},
};
static const struct fields state_more = {state_rows, 1, 0};

static const struct field seen_rows[] = {
    {.name = "name", .type = FIELD_TEXT, .size = 128, .help = "name to sign in with"},
    {.name = "role", .type = FIELD_ENUM, .size = 4, .names = role_names, .help = "what it may do"},
    {.name = "box", .type = FIELD_TEXT, .size = 512, .help = "of which box"},
    {.name = "language", .type = FIELD_TEXT, .size = 8, .help = "of the letter"},
    {.name = "expires_at", .type = FIELD_TIME, .size = 8, .help = "good until"},
};
static const struct fields seen = {seen_rows, sizeof seen_rows / sizeof seen_rows[0], 0};

static const struct field grant_rows[] = {
    {.name = "access_token",
     .type = FIELD_TEXT,
     .size = AUTH_TOKEN_SIZE,
     .help = "bearer token (RFC 6750)"},
    {.name = "expires_in", .type = FIELD_U64, .size = 8, .help = "seconds that the token lives"},
    {.name = "refresh_token",
     .type = FIELD_TEXT,
     .size = AUTH_SECRET_SIZE,
     .help = "good once, for the next token"},
    {.name = "csrf_token",
     .type = FIELD_TEXT,
     .size = AUTH_CSRF_SIZE,
     .help = "to be sent as X-CSRF with each change under the cookie"},
    {.name = "user", .type = FIELD_KV, .help = "who came to be"},
};
static const struct fields grant = {grant_rows, sizeof grant_rows / sizeof grant_rows[0], 0};

static int members(struct op_call *call, const void *record, struct json_out *j, struct err *err)
{
    const struct invitation *i = record;

    (void)err;
    json_out_key_text(j, "state",
                      invitation_state_names[invitation_state(i, txn_time_ms(call->txn))]);
    fields_json(&invitation_table.fields, i, j);
    return 0;
}

static const struct view view_invitation = {"invitation", &invitation_table, members};

static bool keep(const struct op_call *call, const void *record)
{
    const struct list_wish *p = call->params;

    return !op_given(call, "state") || invitation_state(record, txn_time_ms(call->txn)) == p->state;
}

static int invitation_list(struct op_call *call, struct err *err)
{
    const struct list_wish *p = call->params;
    struct list list = {.view = &view_invitation, .url = "/api/invitations", .keep = keep};

    return list_reply(call, &p->list, &list, err);
}

static int invitation_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct invitation i = {0};

    if (object_get(call, &invitation_table, p->id, &i, err) != 0)
        return -1;
    return object_reply(call, &view_invitation, &i, err);
}

static int64_t life_ms(const struct op_call *call, uint32_t hours)
{
    return (op_given(call, "hours")
                ? (int64_t)hours
                : (int64_t)setting_u64(call->txn, &call->box->conf, "auth.invitation_hours")) *
           HOUR_MS;
}

/* Whether a letter is to go out, and can. Return 1, 0 or -1. */
static int wants_mail(const struct op_call *call, const struct invitation *i, bool mail,
                      struct err *err)
{
    bool can = i->email[0] != '\0' && user_letter_possible(call->txn, &call->box->conf);

    if (!op_given(call, "mail"))
        return can;
    if (!mail || can)
        return mail;
    if (i->email[0] == '\0')
        return err_field(err, "email", "no_address", "there is no address to write to");
    (void)err_set(err, ERR_CONFLICT, "mail_not_set", "this box cannot send mail");
    return err_hint(err, "set smtp.url and mail.from (sett setting set); or hand over the link yourself");
}

/* Who invites, as a person would say it. */
static int inviter(struct op_call *call, char out[128], struct err *err)
{
    struct user user = {0};
    int found = 0;

    (void)str_copy(user.id, sizeof user.id, call->actor.user_id);
    if (user.id[0] != '\0' && (found = record_get(call->txn, &user_table, &user, err)) < 0)
        return -1;
    (void)str_copy(out, 128, found == 1 ? user.name : "admin");
    return 0;
}

static int write_letter(struct op_call *call, struct invitation *i, const char *token,
                        struct err *err)
{
    struct kv params;
    struct user_letter letter = {.kind = LETTER,
                                 .email = i->email,
                                 .language = i->language,
                                 .params = &params,
                                 .token = token,
                                 .until_ms = i->expires_at};
    char by[128], until[40];

    if (inviter(call, by, err) != 0)
        return -1;
    clock_text(until, i->expires_at);
    kv_clear(&params);
    if (kv_set(&params, "name", i->name) != 0 || kv_set(&params, "by", by) != 0 ||
        kv_set(&params, "until", until) != 0)
        return err_set(err, ERR_INTERNAL, "letter_too_large", "a letter's values are too long");
    i->mailed_at = txn_time_ms(call->txn);
    return user_letter_queue(call->txn, &call->box->vault, &letter, err);
}

static int reply(struct op_call *call, const struct invitation *i, const char *token,
                 struct err *err)
{
    struct json_out *j = call->out;

    json_out_object(j);
    json_out_key_text(j, "object", view_invitation.object);
    if (members(call, i, j, err) != 0 ||
        link_members(call, LETTER, token, i->mailed_at != 0, err) != 0)
        return -1;
    json_out_end_object(j);
    return 0;
}

static int fill(struct op_call *call, struct invitation *i, struct err *err)
{
    const struct create_params *p = call->params;
    struct customer customer = {0};

    (void)str_copy(i->name, sizeof i->name, p->name);
    str_lower(i->name);
    (void)str_copy(i->email, sizeof i->email,
                   p->email[0] != '\0'     ? p->email
                   : mail_address(i->name) ? i->name
                                           : "");
    if (i->email[0] != '\0' && !mail_address(i->email))
        return err_field(err, "email", "email_invalid", "email is no e-mail address");
    if (p->language[0] != '\0' && !str_equal(letter_language(p->language, NULL), p->language))
        return err_field(err, "language", "language_unknown", "language is en, es or de");
    (void)str_copy(i->language, sizeof i->language, p->language);
    (void)str_copy(i->invited_by, sizeof i->invited_by, call->actor.id);
    i->role = p->role;
    if (p->customer_id[0] == '\0')
        return 0;
    if (object_refer(call, &customer_table, "customer_id", p->customer_id, &customer, err) != 0)
        return -1;
    (void)str_copy(i->customer_id, sizeof i->customer_id, customer.id);
    return 0;
}

static int invitation_create(struct op_call *call, struct err *err)
{
    const struct create_params *p = call->params;
    struct invitation i = {0};
    char token[LINK_TOKEN_SIZE];
    int mail;

    if (fill(call, &i, err) != 0 || (mail = wants_mail(call, &i, p->mail, err)) < 0 ||
        invitation_new(call->txn, &i, life_ms(call, p->hours), token, err) != 0)
        return -1;
    if (mail && (write_letter(call, &i, token, err) != 0 ||
                 record_put(call->txn, &invitation_table, &i, err) != 0))
        return -1;
    object_after(call, &invitation_table, &i);
    (void)str_format(call->location, sizeof call->location, "/api/invitations/%s", i.id);
    return reply(call, &i, token, err);
}

static int invitation_resend(struct op_call *call, struct err *err)
{
    const struct resend_params *p = call->params;
    struct invitation i = {0};
    char token[LINK_TOKEN_SIZE];
    int mail;

    if (object_get(call, &invitation_table, p->id, &i, err) != 0 ||
        (mail = wants_mail(call, &i, p->mail, err)) < 0)
        return -1;
    object_before(call, &invitation_table, &i);
    if (invitation_renew(call->txn, &i, life_ms(call, p->hours), token, err) != 0 ||
        (mail && write_letter(call, &i, token, err) != 0) ||
        record_put(call->txn, &invitation_table, &i, err) != 0)
        return -1;
    object_after(call, &invitation_table, &i);
    return reply(call, &i, token, err);
}

static int invitation_revoke(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct invitation i = {0};

    if (object_get(call, &invitation_table, p->id, &i, err) != 0)
        return -1;
    if (i.accepted_at != 0) {
        (void)err_set(err, ERR_CONFLICT, "invitation_ended", "%s has accepted the invitation",
                      i.name);
        return err_hint(err, "sett user update %s --disabled true, or sett user delete", i.name);
    }
    object_before(call, &invitation_table, &i);
    if (i.revoked_at == 0)
        i.revoked_at = txn_time_ms(call->txn);
    if (record_put(call->txn, &invitation_table, &i, err) != 0)
        return -1;
    object_after(call, &invitation_table, &i);
    return object_reply(call, &view_invitation, &i, err);
}

/* ---- for whoever holds the link ---- */

static int invitation_look(struct op_call *call, struct err *err)
{
    const struct accept_params *p = call->params;
    struct json_out *j = call->out;
    struct invitation i;
    char box[512];

    if (invitation_by_token(call->txn, p->token, &i, err) != 0 ||
        setting_text(call->txn, &call->box->conf, "box.name", box, sizeof box, err) < 0)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "invitation_seen");
    json_out_key_text(j, "name", i.name);
    json_out_key_text(j, "role", role_names[i.role]);
    json_out_key_text(j, "box", box);
    json_out_key_text(j, "language", i.language);
    json_out_key_time(j, "expires_at", i.expires_at);
    json_out_end_object(j);
    return 0;
}

struct accepting {
    struct auth_terms terms;
    char password[160];
    struct user user;
    struct auth_grant grant;
};

static int accept_slow(struct op_call *call, struct err *err)
{
    const struct accept_params *p = call->params;
    struct accepting *a = call->scratch;
    struct invitation i;
    struct txn *txn;
    int rc;

    if (db_read(&txn, call->box->db, err) != 0)
        return -1;
    rc = invitation_by_token(txn, p->token, &i, err) != 0 ||
                 auth_terms(txn, &call->box->conf, &a->terms, err) != 0
             ? -1
             : 0;
    db_read_end(txn);
    return rc != 0 || auth_password_rules(p->password, i.name, err) != 0
               ? -1
               : auth_password_hash(call->box->gate, &a->terms, p->password, a->password, err);
}

static int invitation_accepted(struct op_call *call, struct err *err)
{
    const struct accept_params *p = call->params;
    struct accepting *a = call->scratch;
    struct json_out *j = call->out;
    struct invitation i;

    if (invitation_by_token(call->txn, p->token, &i, err) != 0 ||
        invitation_accept(call->txn, &i, a->password, &a->user, err) != 0 ||
        auth_sign_in(call->txn, &a->terms, &call->box->web_key, &a->user, call->actor.address,
                     call->actor.agent, &a->grant, err) != 0)
        return -1;
    (void)str_copy(call->audit.actor, sizeof call->audit.actor, a->user.id);
    (void)str_copy(call->audit.actor_kind, sizeof call->audit.actor_kind, "invitation");
    (void)str_copy(call->audit.reason, sizeof call->audit.reason, i.id);
    object_after(call, &user_table, &a->user);
    auth_cookie_header(&a->terms, a->grant.cookie, call->cookie);
    json_out_object(j);
    json_out_key_text(j, "object", "grant");
    json_out_key_text(j, "access_token", a->grant.access_token);
    json_out_key_text(j, "token_type", "Bearer");
    json_out_key_u64(j, "expires_in", a->grant.expires_in_s);
    json_out_key_text(j, "refresh_token", a->grant.refresh_token);
    json_out_key_text(j, "csrf_token", a->grant.csrf);
    json_out_key(j, "user");
    if (view_object(call, &view_user, &a->user, err) != 0)
        return -1;
    json_out_end_object(j);
    return 0;
}

const struct op invitation_ops[] = {
    {.name = "invitation.list",
     .role = ROLE_ADMIN,
     .flags = OP_READ | OP_LIST | OP_BARE,
     .params = PARAMS(list_rows, struct list_wish),
     .help = "List invitations, newest first",
     .example = "--state open",
     .result = &invitation_table.fields,
     .more = &state_more,
     .run = invitation_list},
    {.name = "invitation.show",
     .role = ROLE_ADMIN,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show an invitation, but for its link",
     .example = "inv_01jd3v7q2c0000000000000000",
     .result = &invitation_table.fields,
     .more = &state_more,
     .run = invitation_show},
    {.name = "invitation.create",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH | OP_CREATE | OP_SECRET,
     .params = PARAMS(create_rows, struct create_params),
     .help = "Invite somebody by a one-time link, which goes by mail or is shown once",
     .example = "ann@example.com operator",
     .result = &invitation_table.fields,
     .more = &link_more,
     .run = invitation_create},
    {.name = "invitation.resend",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH | OP_SECRET,
     .params = PARAMS(resend_rows, struct resend_params),
     .help = "Make a new link for an invitation; the one before is dead",
     .example = "inv_01jd3v7q2c0000000000000000",
     .result = &invitation_table.fields,
     .more = &link_more,
     .run = invitation_resend},
    {.name = "invitation.revoke",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT,
     .params = &object_id,
     .help = "Take back an invitation; its link is dead at once",
     .example = "inv_01jd3v7q2c0000000000000000",
     .result = &invitation_table.fields,
     .more = &state_more,
     .run = invitation_revoke},
    {.name = "invitation.look",
     .role = ROLE_PUBLIC,
     .flags = OP_READ,
     .params = PARAMS(look_rows, struct accept_params),
     .help = "Say what an invitation's link is for, to whoever holds it",
     .example = "--token-file token",
     .result = &seen,
     .run = invitation_look},
    {.name = "invitation.accept",
     .role = ROLE_PUBLIC,
     .flags = OP_WRITE | OP_AUDIT | OP_SECRET,
     .params = PARAMS(accept_rows, struct accept_params),
     .help = "Accept an invitation: choose the password, and be signed in",
     .example = "--token-file token --password-file password",
     .result = &grant,
     .scratch_size = sizeof(struct accepting),
     .slow = accept_slow,
     .run = invitation_accepted},
    {.name = NULL},
};
