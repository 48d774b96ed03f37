/*
 * Letters to many. Apart from the outbox because the text is stored once and not in each of the
 * thousand messages, and because these come into being in small bites: no commit may take so long
 * that others wait for it.
 */
#include "mailing.h"

#include "letter.h"
#include "str.h"
#include "tenant.h"

#include <string.h>

#define OPEN_MOST 100

static const struct field rows[] = {
    FIELD(struct mailing, id, FIELD_ID, .ref_prefix = "ml"),
    FIELD(struct mailing, kind, FIELD_TEXT, .help = "message or maintenance"),
    FIELD(struct mailing, subject, FIELD_TEXT, .help = "subject"),
    FIELD(struct mailing, text, FIELD_TEXT, .flags = FIELD_FREE, .help = "text"),
    FIELD(struct mailing, params, FIELD_KV, .help = "what is announced"),
    FIELD(struct mailing, by_state, FIELD_BOOL, .help = "only tenants in one state"),
    FIELD(struct mailing, state, FIELD_ENUM, .names = tenant_state_names, .help = "which"),
    FIELD(struct mailing, plan_id, FIELD_ID, .ref_prefix = "pl", .help = "only of this plan"),
    FIELD(struct mailing, customer_id, FIELD_ID, .ref_prefix = "cu", .help = "only this customer"),
    FIELD(struct mailing, per_tenant, FIELD_BOOL, .help = "a letter for each tenant"),
    FIELD(struct mailing, actor, FIELD_TEXT, .help = "who sent it"),
    FIELD(struct mailing, letters, FIELD_U32, .help = "letters queued"),
    FIELD(struct mailing, done, FIELD_BOOL, .help = "all of them are"),
    FIELD(struct mailing, at, FIELD_ID, .flags = FIELD_HIDDEN, .ref_prefix = "tn"),
    FIELD(struct mailing, created_at, FIELD_TIME, .help = "sent at"),
    FIELD(struct mailing, ended_at, FIELD_TIME, .help = "all queued at"),
};

const struct table mailing_table = {
    .name = "mailings",
    .noun = "mailing",
    .id = 45,
    .version = 1,
    .prefix = "ml",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct mailing)},
    .key = {"id"},
};

bool mailing_means(const struct mailing *m, const struct tenant *tenant)
{
    return (m->by_state ? tenant->state == m->state : tenant->state != TENANT_DELETED) &&
           tenant->customer_id[0] != '\0' &&
           (m->plan_id[0] == '\0' || str_equal(m->plan_id, tenant->plan_id)) &&
           (m->customer_id[0] == '\0' || str_equal(m->customer_id, tenant->customer_id));
}

int mailing_new(struct txn *txn, struct mailing *mailing, struct err *err)
{
    id_make(mailing->id, mailing_table.prefix);
    mailing->created_at = txn_time_ms(txn);
    return record_insert(txn, &mailing_table, mailing, err);
}

int mailing_open(struct txn *txn, struct mailing *mailing, struct err *err)
{
    struct mailing found;
    struct scan scan;
    unsigned looked = 0;
    int got, open = 0;

    if (scan_start(&scan, txn, &mailing_table, NULL, NULL, 0, true, err) != 0)
        return -1;
    while (looked++ < OPEN_MOST && (got = scan_next(&scan, &found, err)) != 0) {
        if (got < 0)
            return -1;
        if (found.done)
            continue;
        *mailing = found;
        open = 1;
    }
    return open;
}

/* The letter for one tenant, or for its customer if that has none of this mailing yet. */
static int write_one(struct txn *txn, struct mailing *m, const struct tenant *tenant,
                     struct err *err)
{
    bool own = str_equal(m->kind, "message");
    char once[160];
    struct letter letter = {.kind = m->kind,
                            .customer_id = tenant->customer_id,
                            .tenant_id = tenant->id,
                            .params = own ? NULL : &m->params,
                            .once = once,
                            .mailing_id = own ? m->id : NULL};
    struct message same = {0};
    int found;

    (void)str_format(once, sizeof once, "%s %s", m->id,
                     m->per_tenant ? tenant->id : tenant->customer_id);
    (void)str_copy(same.once, sizeof same.once, once);
    if ((found = record_find(txn, &message_table, "once", &same, err)) != 0)
        return found < 0 ? -1 : 0;
    if (letter_queue(txn, &letter, err) != 0)
        return -1;
    m->letters++;
    return 0;
}

int mailing_expand(struct txn *txn, unsigned most, struct err *err)
{
    struct tenant tenant = {0};
    struct mailing m;
    struct scan scan;
    unsigned looked = 0;
    int got = mailing_open(txn, &m, err);

    if (got <= 0)
        return got;
    if (scan_start(&scan, txn, &tenant_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    (void)str_copy(tenant.id, sizeof tenant.id, m.at);
    if (m.at[0] != '\0' && scan_after(&scan, &tenant, err) != 0)
        return -1;
    while (looked < most && (got = scan_next(&scan, &tenant, err)) == 1) {
        looked++;
        (void)str_copy(m.at, sizeof m.at, tenant.id);
        if (mailing_means(&m, &tenant) && write_one(txn, &m, &tenant, err) != 0)
            return -1;
    }
    if (got < 0)
        return -1;
    if (got == 0) {
        m.done = true;
        m.ended_at = txn_time_ms(txn);
    }
    return record_put(txn, &mailing_table, &m, err) != 0 ? -1 : (int)looked + 1;
}
