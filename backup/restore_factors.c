/*
 * What proves who somebody is must not go back in time: an app that was replaced because its
 * telephone was stolen, a recovery code that was used, a passkey that was taken back, a key that
 * was rotated because it had leaked. Apart from the rest of a restored box's age because the rule
 * is another one: of two states the stricter.
 */
#include "restore_factors.h"

#include <string.h>

#include "passkey.h"
#include "second_factor.h"
#include "str.h"
#include "user.h"

/* Whether the user of a record is in a store. 1, 0 or -1. */
static int user_in(struct txn *txn, const char *user_id, struct user *user, struct err *err)
{
    memset(user, 0, sizeof *user);
    memcpy(user->id, user_id, sizeof user->id);
    return record_get(txn, &user_table, user, err);
}

static int take_over(struct txn *txn, struct second_factor *factor, struct err *err)
{
    struct user user;
    int found;

    if (factor->confirmed_at == 0)
        return 0;
    if ((found = user_in(txn, factor->user_id, &user, err)) <= 0)
        return found;
    user.second_factor_at = factor->confirmed_at;
    return record_put(txn, &second_factor_table, factor, err) != 0 ||
                   record_put(txn, &user_table, &user, err) != 0
               ? -1
               : 0;
}

/* Gone there while its user is not: somebody took it back. */
static int drop_revoked(struct txn *txn, struct txn *live, struct err *err)
{
    struct passkey passkey = {0}, there;
    struct user user;
    struct scan scan;
    int got, found;

    if (scan_start(&scan, txn, &passkey_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &passkey, err)) == 1) {
        there = passkey;
        if ((found = record_get(live, &passkey_table, &there, err)) == 1)
            continue;
        if (found < 0 || (found = user_in(live, passkey.user_id, &user, err)) < 0 ||
            (found == 1 && record_delete(txn, &passkey_table, &passkey, err) < 0))
            return -1;
    }
    return got;
}

/* A device has counted on since: a copy of it must not find an older count. */
static int count_on(struct txn *txn, struct txn *live, struct err *err)
{
    struct passkey there = {0}, ours;
    struct scan scan;
    int got, found;

    if (scan_start(&scan, live, &passkey_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &there, err)) == 1) {
        ours = there;
        if ((found = record_get(txn, &passkey_table, &ours, err)) < 0)
            return -1;
        if (found == 0 || ours.counter >= there.counter)
            continue;
        ours.counter = there.counter;
        if (record_put(txn, &passkey_table, &ours, err) != 0)
            return -1;
    }
    return got;
}

/* How far a key reaches: what was made narrower since stays so, and one that was rotated ends. */
static bool narrow(struct api_key *key, const struct api_key *there)
{
    struct api_key was = *key;

    if (there->expires_at != 0 && (key->expires_at == 0 || there->expires_at < key->expires_at))
        key->expires_at = there->expires_at;
    if (key->scopes[0] == '\0')
        (void)str_copy(key->scopes, sizeof key->scopes, there->scopes);
    if (key->networks[0] == '\0')
        (void)str_copy(key->networks, sizeof key->networks, there->networks);
    return was.expires_at != key->expires_at || !str_equal(was.scopes, key->scopes) ||
           !str_equal(was.networks, key->networks);
}

static int narrow_keys(struct txn *txn, struct txn *live, struct err *err)
{
    struct api_key there = {0}, ours;
    struct scan scan;
    int got, found;

    if (scan_start(&scan, live, &api_key_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &there, err)) == 1) {
        ours = there;
        if ((found = record_get(txn, &api_key_table, &ours, err)) < 0 ||
            (found == 1 && narrow(&ours, &there) &&
             record_put(txn, &api_key_table, &ours, err) != 0))
            return -1;
    }
    return got;
}

int restore_factors(struct txn *txn, struct txn *live, struct err *err)
{
    struct second_factor factor = {0};
    struct scan scan;
    int got;

    if (scan_start(&scan, live, &second_factor_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &factor, err)) == 1)
        if (take_over(txn, &factor, err) != 0)
            return -1;
    return got != 0 || drop_revoked(txn, live, err) != 0 || count_on(txn, live, err) != 0 ||
                   narrow_keys(txn, live, err) != 0
               ? -1
               : 0;
}
