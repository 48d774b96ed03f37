/*
 * Password resets. Apart from auth because nothing here proves who somebody is: a link lets one
 * value be replaced, and signing in is what it was before.
 */
#include "password_reset.h"

#include <string.h>

#include "str.h"

#define HOUR_MS (INT64_C(3600) * 1000)

static const struct field rows[] = {
    FIELD(struct password_reset, user_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "us",
          .help = "whose password"),
    FIELD(struct password_reset, token_hash, FIELD_BYTES, .flags = FIELD_HIDDEN),
    FIELD(struct password_reset, epoch, FIELD_U32, .flags = FIELD_HIDDEN),
    FIELD(struct password_reset, asked_by, FIELD_TEXT, .help = "who asked; empty: the user"),
    FIELD(struct password_reset, address, FIELD_TEXT, .help = "from where"),
    FIELD(struct password_reset, expires_at, FIELD_TIME, .help = "the link is worth nothing from"),
    FIELD(struct password_reset, created_at, FIELD_TIME, .help = "made at"),
    FIELD_SINCE(struct password_reset, sent, FIELD_U32, 2, .flags = FIELD_HIDDEN),
    FIELD_SINCE(struct password_reset, since, FIELD_TIME, 2, .flags = FIELD_HIDDEN),
};

static const struct index indexes[] = {
    {.name = "token_hash", .id = 194, .unique = true, .fields = {"token_hash"}},
};

const struct table password_reset_table = {
    .name = "password_resets",
    .noun = "password_reset",
    .id = 84,
    .version = 2,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct password_reset)},
    .key = {"user_id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
};

static bool hour_is_over(const struct password_reset *r, int64_t now)
{
    return r->since > now || r->since + HOUR_MS <= now;
}

int password_reset_welcome(struct txn *txn, const char *user_id, struct err *err)
{
    struct password_reset r;
    int64_t now = txn_time_ms(txn);
    int found = password_reset_get(txn, user_id, &r, err);

    if (found <= 0)
        return found < 0 ? -1 : 1;
    return (r.created_at > now || r.created_at + PASSWORD_RESET_PAUSE_MS <= now) &&
           (r.sent < PASSWORD_RESET_HOUR || hour_is_over(&r, now));
}

int password_reset_new(struct txn *txn, const struct user *user, int64_t life_ms,
                       const char *asked_by, const char *address, char token[LINK_TOKEN_SIZE],
                       struct err *err)
{
    struct password_reset r;
    int64_t now = txn_time_ms(txn);

    if (password_reset_get(txn, user->id, &r, err) < 0)
        return -1;
    if (hour_is_over(&r, now)) {
        r.since = now;
        r.sent = 0;
    }
    if (asked_by[0] == '\0')
        r.sent++;
    link_token_make(token, r.token_hash);
    r.epoch = user->epoch;
    (void)str_copy(r.asked_by, sizeof r.asked_by, asked_by);
    (void)str_copy(r.address, sizeof r.address, address);
    r.created_at = now;
    r.expires_at = r.created_at + life_ms;
    return record_put(txn, &password_reset_table, &r, err);
}

int password_reset_get(struct txn *txn, const char *user_id, struct password_reset *r,
                       struct err *err)
{
    memset(r, 0, sizeof *r);
    (void)str_copy(r->user_id, sizeof r->user_id, user_id);
    return record_get(txn, &password_reset_table, r, err);
}

static int gone(struct err *err)
{
    (void)err_set(err, ERR_NOT_FOUND, "link_gone", "this link was used before or is over");
    return err_hint(err, "ask for a new one");
}

int password_reset_user(struct txn *txn, const char *token, struct user *user, struct err *err)
{
    struct password_reset r;
    int found;

    memset(&r, 0, sizeof r);
    memset(user, 0, sizeof *user);
    if (link_token_hash(token, r.token_hash) != 0)
        return gone(err);
    if ((found = record_find(txn, &password_reset_table, "token_hash", &r, err)) < 0)
        return -1;
    if (found == 0 || r.expires_at <= txn_time_ms(txn))
        return gone(err);
    (void)str_copy(user->id, sizeof user->id, r.user_id);
    if ((found = record_get(txn, &user_table, user, err)) < 0)
        return -1;
    return found == 1 && !user->disabled && user->epoch == r.epoch ? 0 : gone(err);
}

int password_reset_forget(struct txn *txn, const char *user_id, struct err *err)
{
    struct password_reset r;

    memset(&r, 0, sizeof r);
    (void)str_copy(r.user_id, sizeof r.user_id, user_id);
    return record_delete(txn, &password_reset_table, &r, err) < 0 ? -1 : 0;
}
