/*
 * Links to sign in with. Apart from invitations because nobody has to be invited to what was paid
 * for: the account is made when its customer first comes for it.
 */
#include "sign_link.h"

#include "str.h"

#include <string.h>

#define HOUR_MS (INT64_C(3600) * 1000)

static const struct field rows[] = {
    FIELD(struct sign_link, customer_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "cu"),
    FIELD(struct sign_link, token_hash, FIELD_BYTES, .flags = FIELD_HIDDEN),
    FIELD(struct sign_link, email, FIELD_TEXT, .help = "where it was sent"),
    FIELD(struct sign_link, address, FIELD_TEXT, .help = "from where it was asked for"),
    FIELD(struct sign_link, expires_at, FIELD_TIME, .help = "worth nothing from"),
    FIELD(struct sign_link, created_at, FIELD_TIME, .help = "made at"),
    FIELD_SINCE(struct sign_link, sent, FIELD_U32, 2, .help = "so many were sent"),
    FIELD_SINCE(struct sign_link, since, FIELD_TIME, 2, .help = "since then"),
};

static const struct index indexes[] = {
    {.name = "token_hash", .id = 235, .unique = true, .fields = {"token_hash"}},
};

const struct table sign_link_table = {
    .name = "sign_links",
    .noun = "sign_link",
    .id = 93,
    .version = 2,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct sign_link)},
    .key = {"customer_id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
};

int sign_link_new(struct txn *txn, const struct customer *customer, const char *address,
                  char token[LINK_TOKEN_SIZE], struct err *err)
{
    struct sign_link link;
    int64_t now = txn_time_ms(txn);
    int found;

    memset(&link, 0, sizeof link);
    (void)str_copy(link.customer_id, sizeof link.customer_id, customer->id);
    if ((found = record_get(txn, &sign_link_table, &link, err)) < 0)
        return -1;
    if (link.since > now || link.since + HOUR_MS <= now) {
        link.since = now;
        link.sent = 0;
    }
    if (found == 1 && ((link.created_at <= now && link.created_at + SIGN_LINK_PAUSE_MS > now) ||
                       link.sent >= SIGN_LINK_HOUR))
        return 0;
    link.sent++;
    link_token_make(token, link.token_hash);
    (void)str_copy(link.email, sizeof link.email, customer->email);
    (void)str_copy(link.address, sizeof link.address, address);
    link.created_at = now;
    link.expires_at = now + SIGN_LINK_MS;
    return record_put(txn, &sign_link_table, &link, err) == 0 ? 1 : -1;
}

static int gone(struct err *err)
{
    (void)err_set(err, ERR_NOT_FOUND, "link_gone", "this link was used before or is over");
    return err_hint(err, "ask for a new one");
}

int sign_link_take(struct txn *txn, const char *token, struct customer *customer, struct err *err)
{
    struct sign_link link;
    int found;

    memset(&link, 0, sizeof link);
    memset(customer, 0, sizeof *customer);
    if (link_token_hash(token, link.token_hash) != 0)
        return gone(err);
    if ((found = record_find(txn, &sign_link_table, "token_hash", &link, err)) < 0)
        return -1;
    if (found == 0 || link.expires_at <= txn_time_ms(txn))
        return gone(err);
    (void)str_copy(customer->id, sizeof customer->id, link.customer_id);
    if ((found = record_get(txn, &customer_table, customer, err)) < 0)
        return -1;
    if (found == 0 || !str_equal(customer->email, link.email))
        return gone(err);
    return record_delete(txn, &sign_link_table, &link, err) < 0 ? -1 : 0;
}

/* How well a user fits a customer's address; 0: not at all. */
static int fit(const struct user *user, const struct customer *customer)
{
    char email[sizeof customer->email];

    (void)str_copy(email, sizeof email, customer->email);
    str_lower(email);
    if (user->disabled || user->role != ROLE_CUSTOMER)
        return 0;
    return str_equal(user->name, email) ? 3 : str_equal_nocase(user->email, email) ? 2 : 1;
}

int sign_link_user(struct txn *txn, const struct customer *customer, struct user *user,
                   struct err *err)
{
    struct user match, found;
    struct scan scan;
    int got, best = 0;

    memset(&match, 0, sizeof match);
    (void)str_copy(match.customer_id, sizeof match.customer_id, customer->id);
    if (scan_start(&scan, txn, &user_table, "customer_id", &match, 1, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &found, err)) == 1) {
        int fits = fit(&found, customer);

        if (fits > best) {
            *user = found;
            best = fits;
        } else if (fits == 0 && best == 0) {
            *user = found; /* for the caller to see that there is one who may not */
        }
    }
    return got < 0 ? -1 : best > 0;
}

int sign_link_user_new(struct txn *txn, const struct customer *customer, struct user *user,
                       struct err *err)
{
    struct user taken;
    int found;

    memset(user, 0, sizeof *user);
    memset(&taken, 0, sizeof taken);
    user->role = ROLE_CUSTOMER;
    (void)str_copy(user->customer_id, sizeof user->customer_id, customer->id);
    (void)str_copy_n(user->language, sizeof user->language, customer->locale,
                     strnlen(customer->locale, 2));
    str_lower(user->language);
    if (str_copy(user->name, sizeof user->name, customer->email) != 0)
        return err_set(err, ERR_INVALID, "user_name_invalid", "the address is too long for a name");
    str_lower(user->name);
    (void)str_copy(taken.name, sizeof taken.name, user->name);
    if ((found = record_find(txn, &user_table, "name", &taken, err)) < 0)
        return -1;
    /* Somebody who has bought twice under one address is two customers with an account each. */
    if (found == 1 && str_format(user->name, sizeof user->name, "%s#%llu", taken.name,
                                 (unsigned long long)customer->number) != 0)
        return err_set(err, ERR_INVALID, "user_name_invalid", "the address is too long for a name");
    (void)str_copy(user->email, sizeof user->email, customer->email);
    return user_new(txn, user, err);
}

int sign_link_drop(struct txn *txn, struct err *err)
{
    struct sign_link link;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &sign_link_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &link, err)) == 1)
        if (record_delete(txn, &sign_link_table, &link, err) < 0)
            return -1;
    return got;
}
