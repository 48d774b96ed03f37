/*
 * Passkeys as operations: added within a session, used to sign in, listed and taken back. The
 * signatures are judged outside the transaction; which challenge was used, and how far the device
 * has counted, inside.
 */
#include "passkey.h"

#include <sodium.h>
#include <string.h>

#include "auth_show.h"
#include "enc.h"
#include "list.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "setting.h"
#include "str.h"
#include "user_letter.h"

#define CLIENT_TEXT (WEBAUTHN_CLIENT_MAX * 4 / 3 + 8) /* in base64url */
#define DATA_TEXT   (WEBAUTHN_DATA_MAX * 4 / 3 + 8)
#define SIGN_TEXT   (WEBAUTHN_SIGN_MAX * 4 / 3 + 8)

struct add_params {
    char name[96], challenge[PASSKEY_CHALLENGE_SIZE + 16];
    char client_data[CLIENT_TEXT], authenticator_data[DATA_TEXT];
};
static const struct field add_rows[] = {
    FIELD(struct add_params, name, FIELD_TEXT, .flags = FIELD_REQUIRED, .min = 1, .max = 90,
          .help = "what its owner calls it"),
    FIELD(struct add_params, challenge, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "as the options had it"),
    FIELD(struct add_params, client_data, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "clientDataJSON, in base64url"),
    FIELD(struct add_params, authenticator_data, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "getAuthenticatorData(), in base64url"),
};

struct enter_params {
    char id[PASSKEY_CREDENTIAL], challenge[PASSKEY_CHALLENGE_SIZE + 16];
    char client_data[CLIENT_TEXT], authenticator_data[DATA_TEXT], signature[SIGN_TEXT];
    char user_handle[96];
};
static const struct field enter_rows[] = {
    FIELD(struct enter_params, id, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "of the credential, in base64url"),
    FIELD(struct enter_params, challenge, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "as the options had it"),
    FIELD(struct enter_params, client_data, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "clientDataJSON, in base64url"),
    FIELD(struct enter_params, authenticator_data, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "authenticatorData, in base64url"),
    FIELD(struct enter_params, signature, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SECRET,
          .help = "signature, in base64url"),
    FIELD(struct enter_params, user_handle, FIELD_TEXT, .help = "userHandle, in base64url"),
};

struct passkey_list_params {
    struct list_params list;
    char user[128];
};
static const struct field passkey_list_rows[] = {
    LIST_FIELDS(struct passkey_list_params),
    FIELD(struct passkey_list_params, user, FIELD_TEXT, .help = "admins: those of this user"),
};

static const struct field option_rows[] = {
    {.name = "challenge",
     .type = FIELD_TEXT,
     .size = PASSKEY_CHALLENGE_SIZE,
     .help = "to be signed, in base64url; good once, for five minutes"},
    {.name = "rp_id", .type = FIELD_TEXT, .size = 128, .help = "name that the passkey is for"},
};
static const struct fields option_fields = {option_rows, 2, 0};
static const struct field new_rows[] = {
    {.name = "challenge",
     .type = FIELD_TEXT,
     .size = PASSKEY_CHALLENGE_SIZE,
     .help = "to be signed, in base64url; good once, for five minutes"},
    {.name = "rp_id", .type = FIELD_TEXT, .size = 128, .help = "name that the passkey is for"},
    {.name = "rp_name", .type = FIELD_TEXT, .size = 512, .help = "name of the box, for people"},
    {.name = "user_handle", .type = FIELD_TEXT, .size = 96, .help = "user.id, in base64url"},
    {.name = "user_name", .type = FIELD_TEXT, .size = 128, .help = "user.name"},
    {.name = "algorithms", .type = FIELD_KV, .help = "numbers of COSE, the best first"},
    {.name = "exclude", .type = FIELD_KV, .help = "ids of the passkeys there are, in base64url"},
};
static const struct fields new_fields = {new_rows, sizeof new_rows / sizeof new_rows[0], 0};

static const struct field fresh_rows[] = {
    {.name = "fresh_until",
     .type = FIELD_TIME,
     .size = 8,
     .help = "until then, acts that need the password need no more"},
};
static const struct fields fresh_fields = {fresh_rows, 1, 0};

static const struct view view_passkey = {"passkey", &passkey_table, NULL};

/* A browser's answer, decoded. */
struct answer {
    char client[WEBAUTHN_CLIENT_MAX + 1];
    uint8_t data[WEBAUTHN_DATA_MAX], signature[WEBAUTHN_SIGN_MAX];
    struct webauthn_answer is;
};

struct work {
    struct auth_terms terms;
    struct webauthn_site site;
    struct answer answer;
    struct webauthn_key key;
    struct passkey passkey;
    struct user user;
    struct auth_grant grant;
    uint32_t counter;
};

static int decode(const char *field, const char *text, void *out, size_t size, size_t *len,
                  struct err *err)
{
    int got = enc_unbase64url(out, size, text, strlen(text));

    *len = got < 0 ? 0 : (size_t)got;
    return got > 0 ? 0 : err_field(err, field, "base64", "%s is not base64url", field);
}

/* Whether this program can judge passkeys; the site that they are for. */
static int ready(struct op_call *call, struct txn *txn, struct work *w, struct err *err)
{
    if (call->box->passkeys == NULL)
        return err_set(err, ERR_CONFLICT, "only_in_browsers", "passkeys live in browsers");
    if (auth_terms(txn, &call->box->conf, &w->terms, err) != 0)
        return -1;
    return webauthn_site_of(w->terms.issuer, &w->site, err);
}

/* ---- signing in ---- */

static int passkey_options(struct op_call *call, struct err *err)
{
    struct work *w = call->scratch;
    char challenge[PASSKEY_CHALLENGE_SIZE];
    struct json_out *j = call->out;

    if (ready(call, call->txn, w, err) != 0)
        return -1;
    passkey_challenge(&call->box->web_key, PASSKEY_USE, "", txn_time_ms(call->txn), challenge);
    json_out_object(j);
    json_out_key_text(j, "object", "passkey_options");
    json_out_key_text(j, "challenge", challenge);
    json_out_key_text(j, "rp_id", w->site.rp_id);
    json_out_end_object(j);
    return 0;
}

static int unknown(struct err *err)
{
    return err_set(err, ERR_UNAUTHENTICATED, "passkey_unknown", "this passkey is not known here");
}

/* Whose it is. */
static int find(struct op_call *call, struct work *w, struct err *err)
{
    const struct enter_params *p = call->params;
    struct txn *txn;
    int found = -1;

    if (db_read(&txn, call->box->db, err) != 0)
        return -1;
    if (ready(call, txn, w, err) == 0 &&
        (found = passkey_find(txn, p->id, &w->passkey, err)) == 1) {
        (void)str_copy(w->user.id, sizeof w->user.id, w->passkey.user_id);
        found = record_get(txn, &user_table, &w->user, err);
    }
    db_read_end(txn);
    return found < 0 ? -1 : found == 0 ? unknown(err) : 0;
}

static int enter_slow(struct op_call *call, struct err *err)
{
    const struct enter_params *p = call->params;
    struct work *w = call->scratch;
    struct webauthn_answer *is = &w->answer.is;
    char handle[ID_SIZE * 2];

    if (decode("client_data", p->client_data, w->answer.client, WEBAUTHN_CLIENT_MAX,
               &is->client_len, err) != 0 ||
        decode("authenticator_data", p->authenticator_data, w->answer.data, sizeof w->answer.data,
               &is->data_len, err) != 0 ||
        decode("signature", p->signature, w->answer.signature, sizeof w->answer.signature,
               &is->signature_len, err) != 0)
        return -1;
    is->client_data = w->answer.client;
    is->data = w->answer.data;
    is->signature = w->answer.signature;
    call->audit_refusal = true;
    if (find(call, w, err) != 0)
        return -1;
    (void)str_copy(call->audit.object, sizeof call->audit.object, w->user.id);
    if (enc_base64url(handle, sizeof handle, w->user.id, strlen(w->user.id)) < 0 ||
        (p->user_handle[0] != '\0' && !str_equal(p->user_handle, handle)))
        return unknown(err);
    if (passkey_key(&w->passkey, &w->key) != 0)
        return err_set(err, ERR_CORRUPT, "passkey", "the passkey that is kept is none");
    return call->box->passkeys->use(&w->site, p->challenge, is, &w->key, &w->counter, err);
}

static int enter(struct op_call *call, struct err *err)
{
    const struct enter_params *p = call->params;
    struct work *w = call->scratch;
    int found;

    if (passkey_challenge_take(call->txn, &call->box->web_key, PASSKEY_USE, "", p->challenge,
                               err) != 0 ||
        (found = passkey_find(call->txn, p->id, &w->passkey, err)) < 0)
        return -1;
    if (found == 0)
        return unknown(err);
    if (passkey_used(call->txn, &w->passkey, w->counter, call->actor.address, err) != 0 ||
        auth_sign_in(call->txn, &w->terms, &call->box->web_key, &w->user, call->actor.address,
                     call->actor.agent, &w->grant, err) != 0)
        return -1;
    (void)str_copy(call->audit.actor, sizeof call->audit.actor, w->user.id);
    (void)str_copy(call->audit.actor_kind, sizeof call->audit.actor_kind, "passkey");
    (void)str_copy(call->audit.object, sizeof call->audit.object, w->grant.session_id);
    return auth_show_session(call, &w->terms, &w->grant, &w->user, "given", err);
}

/* Within a session: as good as the password again. */
static int again(struct op_call *call, struct err *err)
{
    const struct enter_params *p = call->params;
    struct work *w = call->scratch;
    struct json_out *j = call->out;
    int64_t until_ms;
    int found;

    if (passkey_challenge_take(call->txn, &call->box->web_key, PASSKEY_USE, "", p->challenge,
                               err) != 0 ||
        (found = passkey_find(call->txn, p->id, &w->passkey, err)) < 0)
        return -1;
    if (found == 0 || !str_equal(w->passkey.user_id, call->actor.user_id))
        return unknown(err);
    if (passkey_used(call->txn, &w->passkey, w->counter, call->actor.address, err) != 0 ||
        auth_session_fresh(call->txn, call->actor.session_id, &until_ms, err) != 0)
        return -1;
    (void)str_copy(call->audit.object, sizeof call->audit.object, call->actor.session_id);
    json_out_object(j);
    json_out_key_text(j, "object", "confirmation");
    json_out_key_time(j, "fresh_until", until_ms);
    json_out_end_object(j);
    return 0;
}

/* Whoever is signed in stays so, whatever is wrong with the passkey. */
static int again_slow(struct op_call *call, struct err *err)
{
    int result = enter_slow(call, err);

    if (result != 0 && err->kind == ERR_UNAUTHENTICATED)
        err->kind = ERR_INVALID;
    return result;
}

static int again_run(struct op_call *call, struct err *err)
{
    int result = again(call, err);

    if (result != 0 && err->kind == ERR_UNAUTHENTICATED)
        err->kind = ERR_INVALID;
    return result;
}

/* ---- a new one ---- */

static int myself(const struct op_call *call, struct txn *txn, struct user *user, struct err *err)
{
    int found;

    if (call->actor.session_id[0] == '\0')
        return err_set(err, ERR_FORBIDDEN, "no_session",
                       "a passkey is of somebody signed in with a password");
    (void)str_copy(user->id, sizeof user->id, call->actor.user_id);
    if ((found = record_get(txn, &user_table, user, err)) < 0)
        return -1;
    return found == 1 ? 0 : err_set(err, ERR_NOT_FOUND, "user_not_found", "this user is gone");
}

static int exclude(struct op_call *call, const char *user_id, struct err *err)
{
    struct scan scan = {0};
    struct passkey passkey;
    int got;

    json_out_key(call->out, "exclude");
    json_out_array(call->out);
    while ((got = passkeys_next(&scan, call->txn, user_id, &passkey, err)) == 1)
        json_out_text(call->out, passkey.credential);
    json_out_end_array(call->out);
    return got;
}

static int passkey_new(struct op_call *call, struct err *err)
{
    static const int64_t algorithms[] = {WEBAUTHN_ES256, WEBAUTHN_EDDSA, WEBAUTHN_RS256};
    struct work *w = call->scratch;
    char challenge[PASSKEY_CHALLENGE_SIZE], handle[ID_SIZE * 2], name[512];
    struct json_out *j = call->out;

    if (ready(call, call->txn, w, err) != 0 || myself(call, call->txn, &w->user, err) != 0 ||
        setting_text(call->txn, &call->box->conf, "box.name", name, sizeof name, err) < 0)
        return -1;
    passkey_challenge(&call->box->web_key, PASSKEY_MAKE, call->actor.session_id,
                      txn_time_ms(call->txn), challenge);
    (void)enc_base64url(handle, sizeof handle, w->user.id, strlen(w->user.id));
    json_out_object(j);
    json_out_key_text(j, "object", "passkey_options");
    json_out_key_text(j, "challenge", challenge);
    json_out_key_text(j, "rp_id", w->site.rp_id);
    json_out_key_text(j, "rp_name", name);
    json_out_key_text(j, "user_handle", handle);
    json_out_key_text(j, "user_name", w->user.name);
    json_out_key(j, "algorithms");
    json_out_array(j);
    for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
        json_out_i64(j, algorithms[i]);
    json_out_end_array(j);
    if (exclude(call, w->user.id, err) != 0)
        return -1;
    json_out_end_object(j);
    return 0;
}

static int add_slow(struct op_call *call, struct err *err)
{
    const struct add_params *p = call->params;
    struct work *w = call->scratch;
    struct webauthn_answer *is = &w->answer.is;
    struct txn *txn;
    int result = -1;

    if (decode("client_data", p->client_data, w->answer.client, WEBAUTHN_CLIENT_MAX,
               &is->client_len, err) != 0 ||
        decode("authenticator_data", p->authenticator_data, w->answer.data, sizeof w->answer.data,
               &is->data_len, err) != 0 ||
        db_read(&txn, call->box->db, err) != 0)
        return -1;
    if (ready(call, txn, w, err) == 0)
        result = myself(call, txn, &w->user, err);
    db_read_end(txn);
    is->client_data = w->answer.client;
    is->data = w->answer.data;
    if (result != 0)
        return -1;
    (void)str_copy(call->audit.object, sizeof call->audit.object, w->user.id);
    result = call->box->passkeys->make(&w->site, p->challenge, is, &w->key, err);
    if (result != 0 && err->kind == ERR_UNAUTHENTICATED) {
        err->kind = ERR_INVALID; /* whoever is signed in stays so */
        call->audit_refusal = true;
    }
    return result;
}

static int add(struct op_call *call, struct err *err)
{
    const struct add_params *p = call->params;
    struct work *w = call->scratch;

    if (passkey_challenge_take(call->txn, &call->box->web_key, PASSKEY_MAKE, call->actor.session_id,
                               p->challenge, err) != 0) {
        if (err->kind == ERR_UNAUTHENTICATED)
            err->kind = ERR_INVALID;
        return -1;
    }
    if (passkey_add(call->txn, w->user.id, p->name, &w->key, &w->passkey, err) != 0 ||
        user_letter_tell(call->txn, &call->box->conf, &w->user, "passkey_added", err) != 0)
        return -1;
    call->audit.object[0] = '\0';
    object_after(call, &passkey_table, &w->passkey);
    return object_reply(call, &view_passkey, &w->passkey, err);
}

/* ---- what there is ---- */

static int passkey_list(struct op_call *call, struct err *err)
{
    const struct passkey_list_params *p = call->params;
    struct user user = {0};
    struct passkey match = {0};
    struct list list = {.view = &view_passkey,
                        .url = "/api/passkeys",
                        .index = "user_id",
                        .match = &match,
                        .fields = 1};

    (void)str_copy(match.user_id, sizeof match.user_id, call->actor.user_id);
    if (op_given(call, "user")) {
        if (call->actor.role < ROLE_ADMIN)
            return err_set(err, ERR_FORBIDDEN, "role_too_low", "passkeys of others are for admins");
        if (object_refer(call, &user_table, "user", p->user, &user, err) != 0)
            return -1;
        (void)str_copy(match.user_id, sizeof match.user_id, user.id);
    }
    if (match.user_id[0] == '\0') /* an admin who is no user: all of them */
        list.index = NULL, list.fields = 0;
    return list_reply(call, &p->list, &list, err);
}

static int passkey_revoke(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct passkey passkey = {0};
    struct user user = {0};
    int found;

    if (object_get(call, &passkey_table, p->id, &passkey, err) != 0)
        return -1;
    if (call->actor.role < ROLE_ADMIN && !str_equal(passkey.user_id, call->actor.user_id))
        return err_set(err, ERR_NOT_FOUND, "passkey_not_found", "there is no passkey %.80s", p->id);
    object_before(call, &passkey_table, &passkey);
    (void)str_copy(user.id, sizeof user.id, passkey.user_id);
    if ((found = record_get(call->txn, &user_table, &user, err)) < 0 ||
        record_delete(call->txn, &passkey_table, &passkey, err) < 0 ||
        (found == 1 &&
         user_letter_tell(call->txn, &call->box->conf, &user, "passkey_removed", err) != 0))
        return -1;
    return object_removed(call, &view_passkey, passkey.id);
}

const struct op passkey_ops[] = {
    {.name = "auth.passkey-options",
     .role = ROLE_PUBLIC,
     .flags = OP_READ,
     .help = "A challenge for signing in by a passkey",
     .example = "",
     .result = &option_fields,
     .scratch_size = sizeof(struct work),
     .run = passkey_options},
    {.name = "auth.passkey",
     .role = ROLE_PUBLIC,
     .flags = OP_WRITE | OP_AUDIT | OP_SECRET,
     .params = PARAMS(enter_rows, struct enter_params),
     .help = "Sign in by a passkey: what a browser's navigator.credentials.get gave",
     .example = "--signature-file signature",
     .result = &auth_grant_fields,
     .scratch_size = sizeof(struct work),
     .slow = enter_slow,
     .run = enter},
    {.name = "auth.passkey-confirm",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(enter_rows, struct enter_params),
     .help = "Use a passkey in place of giving the password again",
     .example = "--signature-file signature",
     .result = &fresh_fields,
     .scratch_size = sizeof(struct work),
     .slow = again_slow,
     .run = again_run},
    {.name = "auth.passkey-new",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ | OP_FRESH,
     .help = "What a browser needs to make a passkey",
     .example = "",
     .result = &new_fields,
     .scratch_size = sizeof(struct work),
     .run = passkey_new},
    {.name = "auth.passkey-add",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH | OP_CREATE,
     .params = PARAMS(add_rows, struct add_params),
     .help = "Keep a passkey: what a browser's navigator.credentials.create gave",
     .example = "",
     .result = &passkey_table.fields,
     .scratch_size = sizeof(struct work),
     .slow = add_slow,
     .run = add},
    {.name = "passkey.list",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ | OP_LIST | OP_BARE,
     .params = PARAMS(passkey_list_rows, struct passkey_list_params),
     .help = "List one's passkeys, newest first",
     .example = "--user ann",
     .result = &passkey_table.fields,
     .run = passkey_list},
    {.name = "passkey.revoke",
     .role = ROLE_CUSTOMER,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH,
     .params = &object_id,
     .help = "Take back a passkey; nobody can sign in with it any more",
     .example = "pk_01jd3v7q2c0000000000000000",
     .run = passkey_revoke},
    {.name = NULL},
};
