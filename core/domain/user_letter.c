/*
 * Letters with links to users. Apart from those to customers because the link exists before the
 * letter: what the worker makes there at the first attempt comes sealed here.
 */
#include "user_letter.h"

#include <sodium.h>
#include <string.h>

#include "clock.h"
#include "customer.h"
#include "letter.h"
#include "mail.h"
#include "password_reset.h"
#include "setting.h"
#include "str.h"

bool user_letter_possible(struct txn *txn, const struct conf *conf)
{
    char url[512], from[512];
    struct err err;

    return setting_text(txn, conf, "smtp.url", url, sizeof url, &err) >= 0 && url[0] != '\0' &&
           setting_text(txn, conf, "mail.from", from, sizeof from, &err) >= 0 && from[0] != '\0';
}

static int seal_token(const struct vault *vault, struct message *m, const char *token,
                      struct err *err)
{
    return vault_seal(vault, message_table.name, m->id, "secret", token, strlen(token), &m->secret,
                      err);
}

int user_letter_queue(struct txn *txn, const struct vault *vault, const struct user_letter *letter,
                      struct err *err)
{
    struct message m;

    memset(&m, 0, sizeof m);
    m.audience = MESSAGE_USER;
    m.params = *letter->params;
    m.give_up_at = letter->until_ms;
    id_make(m.id, message_table.prefix);
    if (str_copy(m.kind, sizeof m.kind, letter->kind) != 0 ||
        str_copy(m.recipient, sizeof m.recipient, letter->email) != 0 ||
        str_copy(m.language, sizeof m.language, letter->language) != 0 ||
        letter_kind_find(letter->kind) == NULL)
        return err_set(err, ERR_INTERNAL, "letter_kind", "a letter %s cannot be written",
                       letter->kind);
    if (letter->token != NULL && seal_token(vault, &m, letter->token, err) != 0)
        return -1;
    return message_new(txn, &m, err) < 0 ? -1 : 0;
}

int user_letter_tell(struct txn *txn, const struct conf *conf, const struct user *user,
                     const char *kind, struct err *err)
{
    struct message m;

    memset(&m, 0, sizeof m);
    m.audience = MESSAGE_USER;
    if (!user_letter_possible(txn, conf))
        return 0;
    if (user_letter_address(txn, user, m.recipient, err) != 0)
        return -1;
    if (m.recipient[0] == '\0')
        return 0;
    if (str_copy(m.kind, sizeof m.kind, kind) != 0 || letter_kind_find(kind) == NULL ||
        str_copy(m.language, sizeof m.language, user->language) != 0)
        return err_set(err, ERR_INTERNAL, "letter_kind", "a letter %s cannot be written", kind);
    return message_new(txn, &m, err) < 0 ? -1 : 0;
}

int user_letter_fill(struct txn *txn, const struct vault *vault, int64_t life_ms,
                     struct message *message, struct err *err)
{
    int64_t now = txn_time_ms(txn);
    char token[LINK_TOKEN_SIZE], until[40];
    struct user user;
    int rc;

    memset(&user, 0, sizeof user);
    (void)str_copy(user.name, sizeof user.name, kv_get_or(&message->params, "name", ""));
    if ((rc = record_find(txn, &user_table, "name", &user, err)) != 1)
        return rc;
    if (user.disabled || user.password[0] == '\0')
        return 0;
    if (user_letter_address(txn, &user, message->recipient, err) != 0 ||
        (rc = password_reset_welcome(txn, user.id, err)) < 0)
        return -1;
    if (message->recipient[0] == '\0' || rc == 0)
        return 0;
    (void)str_copy(message->language, sizeof message->language, user.language);
    message->give_up_at = now + life_ms;
    clock_text(until, message->give_up_at);
    if (password_reset_new(txn, &user, life_ms, "", kv_get_or(&message->params, "from", ""), token,
                           err) != 0)
        return -1;
    kv_unset(&message->params, "from");
    rc = kv_set(&message->params, "until", until) == -1
             ? err_set(err, ERR_INTERNAL, "letter_too_large", "a letter's values are too long")
             : seal_token(vault, message, token, err);
    sodium_memzero(token, sizeof token);
    return rc == 0 ? 1 : -1;
}

int user_letter_address(struct txn *txn, const struct user *user, char out[256], struct err *err)
{
    struct customer customer;
    int found;

    (void)str_copy(out, 256,
                   user->email[0] != '\0'     ? user->email
                   : mail_address(user->name) ? user->name
                                              : "");
    if (out[0] != '\0' || user->customer_id[0] == '\0')
        return 0;
    memset(&customer, 0, sizeof customer);
    (void)str_copy(customer.id, sizeof customer.id, user->customer_id);
    if ((found = record_get(txn, &customer_table, &customer, err)) < 0)
        return -1;
    if (found == 1 && mail_address(customer.email))
        (void)str_copy(out, 256, customer.email);
    return 0;
}
