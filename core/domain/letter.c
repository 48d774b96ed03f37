/*
 * The outbox: its table, and how a letter to a customer gets into it. Apart from the sending, so
 * that a letter is a part of the commit that it tells of: there is never one without the other.
 */
#include "letter.h"

#include "customer.h"
#include "mail.h"
#include "str.h"

#include <string.h>

const char *const message_audience_names[] = {"customer", "operator", "user", NULL};
const char *const message_state_names[] = {"queued", "sent", "failed", NULL};

static const struct field rows[] = {
    FIELD(struct message, id, FIELD_ID, .ref_prefix = "msg"),
    FIELD(struct message, audience, FIELD_ENUM, .names = message_audience_names,
          .help = "to a customer, to operators, or to a user"),
    FIELD(struct message, state, FIELD_ENUM, .names = message_state_names,
          .help = "where it stands"),
    FIELD(struct message, kind, FIELD_TEXT, .help = "as in payment_failed or tenant.unreachable"),
    FIELD(struct message, channel_id, FIELD_ID, .ref_prefix = "ch", .help = "channel it goes over"),
    FIELD(struct message, notice_id, FIELD_ID, .ref_prefix = "al", .help = "alert it tells of"),
    FIELD(struct message, customer_id, FIELD_ID, .ref_prefix = "cu", .help = "customer it is for"),
    FIELD(struct message, tenant_id, FIELD_ID, .ref_prefix = "tn", .help = "tenant it is about"),
    FIELD(struct message, mailing_id, FIELD_ID, .ref_prefix = "ml", .help = "letter to many"),
    FIELD(struct message, recipient, FIELD_TEXT, .help = "address it goes to"),
    FIELD(struct message, language, FIELD_TEXT, .help = "en, es or de"),
    FIELD(struct message, subject, FIELD_TEXT, .help = "as it was sent"),
    FIELD(struct message, once, FIELD_TEXT, .flags = FIELD_HIDDEN),
    FIELD(struct message, params, FIELD_KV, .help = "what the text speaks of"),
    FIELD(struct message, secret, FIELD_SEALED, .flags = FIELD_HIDDEN),
    FIELD(struct message, attempts, FIELD_U32, .help = "attempts begun"),
    FIELD(struct message, cause, FIELD_TEXT, .help = "why it was not sent"),
    FIELD(struct message, answer, FIELD_TEXT, .help = "what the other side said"),
    FIELD(struct message, due_at, FIELD_TIME, .help = "next attempt; done: forgotten at"),
    FIELD(struct message, give_up_at, FIELD_TIME, .help = "tried until"),
    FIELD(struct message, created_at, FIELD_TIME, .help = "queued at"),
    FIELD(struct message, ended_at, FIELD_TIME, .help = "sent or given up at"),
};

static const struct index indexes[] = {
    {.name = "due_at", .id = 216, .sparse = true, .fields = {"due_at"}},
    {.name = "once", .id = 217, .unique = true, .sparse = true, .fields = {"once"}},
    {.name = "customer_id", .id = 218, .sparse = true, .fields = {"customer_id"}},
    {.name = "notice_id", .id = 219, .sparse = true, .fields = {"notice_id"}},
    {.name = "audience", .id = 220, .fields = {"audience"}},
};

const struct table message_table = {
    .name = "outbox",
    .noun = "message",
    .id = 42,
    .version = 1,
    .prefix = "msg",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct message)},
    .key = {"id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "message", .about = "tenant_id"},
};

int message_end(struct txn *txn, struct message *message, enum message_state state, struct err *err)
{
    memset(&message->secret, 0, sizeof message->secret);
    message->state = state;
    message->ended_at = txn_time_ms(txn);
    message->due_at = message->ended_at + MESSAGE_KEEP_MS;
    return record_put(txn, &message_table, message, err);
}

int message_new(struct txn *txn, struct message *message, struct err *err)
{
    if (message->once[0] != '\0') {
        struct message same;

        memset(&same, 0, sizeof same);
        memcpy(same.once, message->once, sizeof same.once);
        int found = record_find(txn, &message_table, "once", &same, err);
        if (found != 0)
            return found < 0 ? -1 : 0;
    }
    if (message->id[0] == '\0')
        id_make(message->id, message_table.prefix);
    message->created_at = message->due_at = txn_time_ms(txn);
    if (message->give_up_at == 0)
        message->give_up_at = message->created_at + MESSAGE_TRY_MS;
    return record_insert(txn, &message_table, message, err) != 0 ? -1 : 1;
}

/* That the parameters are those of the kind, no less and no more. */
static int check_params(const struct letter_kind *kind, const struct letter *letter,
                        struct err *err)
{
    const char *name, *value;
    size_t at = 0, i, wanted = 0;

    if (str_equal(kind->name, "message") != (letter->mailing_id != NULL))
        return err_set(err, ERR_INTERNAL, "letter_param", "a letter %s %s a mailing", kind->name,
                       letter->mailing_id == NULL ? "needs" : "knows no");
    for (; wanted < LETTER_PARAMS && kind->params[wanted] != NULL; wanted++)
        if (letter->params == NULL || kv_get(letter->params, kind->params[wanted]) == NULL)
            return err_set(err, ERR_INTERNAL, "letter_param", "a letter %s needs %s", kind->name,
                           kind->params[wanted]);
    while (letter->params != NULL && kv_next(letter->params, &at, &name, &value) == 1) {
        for (i = 0; i < wanted && !str_equal(kind->params[i], name); i++)
            ;
        if (i == wanted)
            return err_set(err, ERR_INTERNAL, "letter_param", "a letter %s knows no %s", kind->name,
                           name);
    }
    return 0;
}

static int fill(struct message *m, const struct letter *letter, struct err *err)
{
    m->audience = MESSAGE_CUSTOMER;
    if (str_copy(m->kind, sizeof m->kind, letter->kind) != 0 ||
        str_copy(m->customer_id, sizeof m->customer_id, letter->customer_id) != 0 ||
        (letter->tenant_id != NULL &&
         str_copy(m->tenant_id, sizeof m->tenant_id, letter->tenant_id) != 0) ||
        (letter->mailing_id != NULL &&
         str_copy(m->mailing_id, sizeof m->mailing_id, letter->mailing_id) != 0) ||
        (letter->once != NULL && str_copy(m->once, sizeof m->once, letter->once) != 0))
        return err_set(err, ERR_INTERNAL, "letter_too_long", "a letter %s has too long a name",
                       letter->kind);
    if (letter->params != NULL)
        m->params = *letter->params;
    return 0;
}

int letter_queue(struct txn *txn, const struct letter *letter, struct err *err)
{
    const struct letter_kind *kind = letter_kind_find(letter->kind);
    struct customer customer;
    struct message m;
    int got;

    if (kind == NULL)
        return err_set(err, ERR_INTERNAL, "letter_kind", "there is no letter of the kind %s",
                       letter->kind);
    if (check_params(kind, letter, err) != 0)
        return -1;
    if (letter->customer_id == NULL || letter->customer_id[0] == '\0')
        return 0;
    memset(&m, 0, sizeof m);
    memset(&customer, 0, sizeof customer);
    if (fill(&m, letter, err) != 0)
        return -1;
    (void)str_copy(customer.id, sizeof customer.id, letter->customer_id);
    if ((got = record_get(txn, &customer_table, &customer, err)) < 0)
        return -1;
    if (got == 0)
        return 0;
    (void)str_copy(m.recipient, sizeof m.recipient, customer.email);
    (void)str_copy_n(m.language, sizeof m.language, customer.locale,
                     strcspn(customer.locale, "-_"));
    str_lower(m.language);
    if ((got = message_new(txn, &m, err)) <= 0 || mail_address(customer.email))
        return got < 0 ? -1 : 0;
    (void)str_copy(m.cause, sizeof m.cause, "the customer has no e-mail address");
    return message_end(txn, &m, MESSAGE_FAILED, err);
}
