/*
 * Invitations. Apart from users because most of their rules are about what is not there yet: a name
 * that is held for nobody, a link that is worth something for three days.
 */
#include "invitation.h"

#include <string.h>

#include "str.h"

#define KEEP_MS (INT64_C(30) * 86400 * 1000)

const char *const invitation_state_names[] = {"open", "accepted", "revoked", "over", NULL};

static const struct field rows[] = {
    FIELD(struct invitation, id, FIELD_ID, .ref_prefix = "inv"),
    FIELD(struct invitation, name, FIELD_TEXT, .help = "name to sign in with"),
    FIELD(struct invitation, email, FIELD_TEXT, .help = "where the link goes"),
    FIELD(struct invitation, role, FIELD_ENUM, .names = role_names, .help = "what it may do"),
    FIELD(struct invitation, customer_id, FIELD_ID, .ref_prefix = "cu",
          .help = "role customer: whose tenants it sees"),
    FIELD(struct invitation, language, FIELD_TEXT, .help = "of the letter: en, es or de"),
    FIELD(struct invitation, token_hash, FIELD_BYTES, .flags = FIELD_HIDDEN),
    FIELD(struct invitation, invited_by, FIELD_TEXT, .help = "who invited"),
    FIELD(struct invitation, user_id, FIELD_ID, .ref_prefix = "us", .help = "who it became"),
    FIELD(struct invitation, mailed_at, FIELD_TIME,
          .help = "a letter with the link was queued at; null: the link was shown"),
    FIELD(struct invitation, expires_at, FIELD_TIME, .help = "the link is worth nothing from"),
    FIELD(struct invitation, accepted_at, FIELD_TIME, .help = "accepted at"),
    FIELD(struct invitation, revoked_at, FIELD_TIME, .help = "taken back at"),
    FIELD(struct invitation, created_at, FIELD_TIME, .help = "made at"),
};

static const struct index indexes[] = {
    {.name = "token_hash", .id = 192, .unique = true, .fields = {"token_hash"}},
    {.name = "name", .id = 193, .fields = {"name"}},
};

const struct table invitation_table = {
    .name = "invitations",
    .noun = "invitation",
    .id = 83,
    .version = 1,
    .prefix = "inv",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct invitation)},
    .key = {"id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "invitation"},
};

enum invitation_state invitation_state(const struct invitation *i, int64_t now_ms)
{
    return i->accepted_at != 0      ? INVITATION_ACCEPTED
           : i->revoked_at != 0     ? INVITATION_REVOKED
           : i->expires_at > now_ms ? INVITATION_OPEN
                                    : INVITATION_OVER;
}

/* That the name is nobody's and nobody else is invited by it. */
static int name_is_free(struct txn *txn, const char *name, struct err *err)
{
    struct invitation match, other;
    struct user user;
    struct scan scan;
    int got;

    memset(&user, 0, sizeof user);
    (void)str_copy(user.name, sizeof user.name, name);
    if ((got = record_find(txn, &user_table, "name", &user, err)) < 0)
        return -1;
    if (got == 1)
        return err_field(err, "name", "user_exists", "there is a user %s already", name);
    memset(&match, 0, sizeof match);
    (void)str_copy(match.name, sizeof match.name, name);
    if (scan_start(&scan, txn, &invitation_table, "name", &match, 1, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &other, err)) == 1)
        if (invitation_state(&other, txn_time_ms(txn)) == INVITATION_OPEN) {
            (void)err_set(err, ERR_CONFLICT, "invitation_open", "%s is invited already", name);
            return err_hint(err, "sett invitation resend %s; or revoke it first", other.id);
        }
    return got;
}

int invitation_new(struct txn *txn, struct invitation *i, int64_t life_ms,
                   char token[LINK_TOKEN_SIZE], struct err *err)
{
    struct user user;

    memset(&user, 0, sizeof user);
    (void)str_copy(user.name, sizeof user.name, i->name);
    user.role = i->role;
    (void)str_copy(user.customer_id, sizeof user.customer_id, i->customer_id);
    if (user_check(&user, err) != 0)
        return -1;
    (void)str_copy(i->name, sizeof i->name, user.name);
    if (name_is_free(txn, i->name, err) != 0)
        return -1;
    id_make(i->id, invitation_table.prefix);
    link_token_make(token, i->token_hash);
    i->created_at = txn_time_ms(txn);
    i->expires_at = i->created_at + life_ms;
    return record_insert(txn, &invitation_table, i, err);
}

int invitation_renew(struct txn *txn, struct invitation *i, int64_t life_ms,
                     char token[LINK_TOKEN_SIZE], struct err *err)
{
    enum invitation_state state = invitation_state(i, txn_time_ms(txn));

    if (state == INVITATION_ACCEPTED || state == INVITATION_REVOKED)
        return err_set(err, ERR_CONFLICT, "invitation_ended", "the invitation of %s is %s", i->name,
                       invitation_state_names[state]);
    if (state == INVITATION_OVER && name_is_free(txn, i->name, err) != 0)
        return -1;
    link_token_make(token, i->token_hash);
    i->mailed_at = 0;
    i->expires_at = txn_time_ms(txn) + life_ms;
    return 0;
}

static int gone(struct err *err)
{
    (void)err_set(err, ERR_NOT_FOUND, "link_gone", "this link was used before or is over");
    return err_hint(err, "ask for a new one");
}

int invitation_by_token(struct txn *txn, const char *token, struct invitation *i, struct err *err)
{
    int found;

    memset(i, 0, sizeof *i);
    if (link_token_hash(token, i->token_hash) != 0)
        return gone(err);
    if ((found = record_find(txn, &invitation_table, "token_hash", i, err)) < 0)
        return -1;
    return found == 1 && invitation_state(i, txn_time_ms(txn)) == INVITATION_OPEN ? 0 : gone(err);
}

int invitation_accept(struct txn *txn, struct invitation *i, const char *password_hash,
                      struct user *user, struct err *err)
{
    memset(user, 0, sizeof *user);
    user->role = i->role;
    (void)str_copy(user->name, sizeof user->name, i->name);
    (void)str_copy(user->customer_id, sizeof user->customer_id, i->customer_id);
    (void)str_copy(user->email, sizeof user->email, i->email);
    (void)str_copy(user->language, sizeof user->language, i->language);
    if (str_copy(user->password, sizeof user->password, password_hash) != 0)
        return err_set(err, ERR_INTERNAL, "hash_too_long", "the password's hash does not fit");
    if (user_new(txn, user, err) != 0)
        return -1;
    (void)str_copy(i->user_id, sizeof i->user_id, user->id);
    i->accepted_at = txn_time_ms(txn);
    return record_put(txn, &invitation_table, i, err);
}

int invitation_prune(struct txn *txn, unsigned most, struct err *err)
{
    int64_t before = txn_time_ms(txn) - KEEP_MS;
    struct invitation i;
    struct scan scan;
    unsigned removed = 0;
    int got;

    if (scan_start(&scan, txn, &invitation_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while (removed < most && (got = scan_next(&scan, &i, err)) != 0) {
        if (got < 0)
            return -1;
        if (i.created_at > before) /* they are in the order of their making */
            break;
        if (i.expires_at > before)
            continue;
        if (record_delete(txn, &invitation_table, &i, err) < 0)
            return -1;
        removed++;
    }
    return (int)removed;
}
