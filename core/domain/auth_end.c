/*
 * How what was granted is taken back: sessions that end, passwords and roles that change, users
 * that go. Apart from the granting, because each of these must work at once and leave nothing over.
 */
#include "auth.h"

#include "passkey.h"
#include "second_factor.h"
#include "second_step.h"
#include "str.h"

#include <string.h>

int auth_session_end(struct txn *txn, const char *session_id, struct err *err)
{
    struct session session;

    memset(&session, 0, sizeof session);
    if (session_id[0] == '\0' || str_copy(session.id, sizeof session.id, session_id) != 0)
        return 0;
    return record_delete(txn, &session_table, &session, err);
}

/* The first session of a user that is not the one spared. Return 1, 0 or -1. */
static int session_other(struct txn *txn, const char *user_id, const char *but,
                         struct session *session, struct err *err)
{
    struct scan scan;
    int got = 0;

    memset(session, 0, sizeof *session);
    (void)str_copy(session->user_id, sizeof session->user_id, user_id);
    if (scan_start(&scan, txn, &session_table, "user_id", session, 1, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, session, err)) == 1)
        if (but == NULL || !str_equal(session->id, but))
            return 1;
    return got;
}

int auth_sessions_end(struct txn *txn, const char *user_id, const char *but, struct err *err)
{
    struct session session;
    int ended = 0;

    for (;;) {
        int found = session_other(txn, user_id, but, &session, err);
        if (found <= 0)
            return found < 0 ? -1 : ended;
        if (record_delete(txn, &session_table, &session, err) < 0)
            return -1;
        ended++;
    }
}

int auth_sessions_prune(struct txn *txn, unsigned most, struct err *err)
{
    struct session session;
    struct scan scan;
    unsigned removed = 0;

    while (removed < most) {
        if (scan_start(&scan, txn, &session_table, "expires_at", NULL, 0, false, err) != 0)
            return -1;
        int got = scan_next(&scan, &session, err);
        if (got < 0)
            return -1;
        if (got == 0 || session.expires_at > txn_time_ms(txn))
            break;
        if (record_delete(txn, &session_table, &session, err) < 0)
            return -1;
        removed++;
    }
    return (int)removed;
}

static int user_get(struct txn *txn, const char *user_id, struct user *user, struct err *err)
{
    memset(user, 0, sizeof *user);
    int found = 0;
    if (user_id[0] != '\0' && str_copy(user->id, sizeof user->id, user_id) == 0)
        found = record_get(txn, &user_table, user, err);
    if (found < 0)
        return -1;
    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, "user_not_found", "there is no user %s", user_id);
    return 0;
}

int auth_password_set(struct txn *txn, const char *user_id, const char *hash, const char *but,
                      struct err *err)
{
    struct user user;
    struct session session;

    if (user_get(txn, user_id, &user, err) != 0)
        return -1;
    if (str_copy(user.password, sizeof user.password, hash) != 0)
        return err_set(err, ERR_INTERNAL, "hash_too_long", "the password's hash does not fit");
    user.epoch++;
    user.password_once = false;
    user.password_at = user.updated_at = txn_time_ms(txn);
    if (record_put(txn, &user_table, &user, err) != 0 ||
        auth_sessions_end(txn, user_id, but, err) < 0)
        return -1;
    memset(&session, 0, sizeof session);
    if (but == NULL || but[0] == '\0' || str_copy(session.id, sizeof session.id, but) != 0)
        return 0;
    int found = record_get(txn, &session_table, &session, err);
    if (found <= 0 || !str_equal(session.user_id, user_id))
        return found < 0 ? -1 : 0;
    session.epoch = user.epoch;
    session.fresh_at = session.seen_at = user.password_at;
    return record_put(txn, &session_table, &session, err);
}

/* Whether there is an enabled admin besides this user. Return 1, 0 or -1. */
static int other_admin(struct txn *txn, const char *user_id, struct err *err)
{
    struct user user;
    struct scan scan;
    int got = 0;

    if (scan_start(&scan, txn, &user_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &user, err)) == 1)
        if (user.role == ROLE_ADMIN && !user.disabled && !str_equal(user.id, user_id))
            return 1;
    return got;
}

/* That somebody is left who may do everything, once this user no longer does. */
static int keep_admin(struct txn *txn, const struct user *was, struct err *err)
{
    if (was->role != ROLE_ADMIN || was->disabled)
        return 0;
    int other = other_admin(txn, was->id, err);
    if (other < 0)
        return -1;
    if (other == 0)
        return err_set(err, ERR_CONFLICT, "last_admin", "%s is the last admin of this box",
                       was->name);
    return 0;
}

int auth_user_put(struct txn *txn, struct user *user, struct err *err)
{
    struct user was;

    if (user_get(txn, user->id, &was, err) != 0)
        return -1;
    if (user->role <= ROLE_PUBLIC || user->role > ROLE_ADMIN)
        return err_field(err, "role", "role_invalid", "a user needs a role");
    if ((user->role == ROLE_CUSTOMER) != (user->customer_id[0] != '\0'))
        return err_field(err, "customer_id", "customer_id_invalid",
                         "customer_id goes with the role customer, and with no other");
    if ((user->role != ROLE_ADMIN || user->disabled) && keep_admin(txn, &was, err) != 0)
        return -1;
    str_lower(user->name);
    user->epoch = was.epoch;
    user->updated_at = txn_time_ms(txn);
    if (user->role != was.role || user->disabled != was.disabled ||
        !str_equal(user->customer_id, was.customer_id)) {
        user->epoch++;
        if (auth_sessions_end(txn, user->id, NULL, err) < 0)
            return -1;
    }
    return record_put(txn, &user_table, user, err);
}

int auth_user_delete(struct txn *txn, const char *user_id, struct err *err)
{
    struct user user;
    struct api_key key;
    struct scan scan;

    if (user_get(txn, user_id, &user, err) != 0 || keep_admin(txn, &user, err) != 0 ||
        auth_sessions_end(txn, user_id, NULL, err) < 0 ||
        second_factor_remove(txn, &user, err) < 0 || second_step_drop(txn, user_id, err) != 0 ||
        passkeys_drop(txn, user_id, err) != 0)
        return -1;
    for (;;) {
        memset(&key, 0, sizeof key);
        (void)str_copy(key.user_id, sizeof key.user_id, user_id);
        if (scan_start(&scan, txn, &api_key_table, "user_id", &key, 1, false, err) != 0)
            return -1;
        int got = scan_next(&scan, &key, err);
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        if (record_delete(txn, &api_key_table, &key, err) < 0)
            return -1;
    }
    return record_delete(txn, &user_table, &user, err) < 0 ? -1 : 0;
}
