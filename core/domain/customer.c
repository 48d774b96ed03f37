/*
 * Customers: their table, and the few ways to find or make one. Apart because everything that is
 * sold points here, and nothing here knows of what is sold.
 */
#include "customer.h"

#include "fold.h"
#include "str.h"
#include "tenant_text.h"

#include <string.h>

static const struct field rows[] = {
    FIELD(struct customer, id, FIELD_ID, .ref_prefix = "cu"),
    FIELD(struct customer, number, FIELD_U64, .help = "short number, never reused"),
    FIELD(struct customer, name, FIELD_TEXT, .help = "name of the person or company"),
    FIELD(struct customer, email, FIELD_TEXT, .help = "e-mail address"),
    FIELD(struct customer, stripe_customer, FIELD_TEXT, .help = "Stripe's id of the customer"),
    FIELD(struct customer, locale, FIELD_TEXT, .help = "preferred language, as in \"de-CH\""),
    FIELD(struct customer, note, FIELD_TEXT, .flags = FIELD_FREE, .help = "note of the operator"),
    FIELD(struct customer, name_stamp, FIELD_U64, .flags = FIELD_HIDDEN),
    FIELD(struct customer, email_stamp, FIELD_U64, .flags = FIELD_HIDDEN),
    FIELD(struct customer, locale_stamp, FIELD_U64, .flags = FIELD_HIDDEN),
    FIELD(struct customer, refunded_at, FIELD_TIME, .help = "newest full refund"),
    FIELD(struct customer, part_refunded_at, FIELD_TIME, .help = "newest partial refund"),
    FIELD(struct customer, created_at, FIELD_TIME, .help = "made at"),
    FIELD(struct customer, updated_at, FIELD_TIME, .help = "changed at"),
    FIELD_SINCE(struct customer, words, FIELD_TEXT, 2, .flags = FIELD_HIDDEN),
};

static const struct index indexes[] = {
    {.name = "number", .id = 128, .unique = true, .fields = {"number"}},
    {.name = "stripe_customer",
     .id = 129,
     .unique = true,
     .sparse = true,
     .fields = {"stripe_customer"}},
    {.name = "email", .id = 130, .sparse = true, .fields = {"email"}},
    {.name = "words", .id = 223, .words = true, .fields = {"words"}},
};

const struct table customer_table = {
    .name = "customers",
    .noun = "customer",
    .id = 1,
    .version = 2,
    .prefix = "cu",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct customer)},
    .key = {"id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "customer", .customer = "id"},
};

static void note_words(struct customer *c)
{
    c->words[0] = '\0';
    fold_words(c->words, sizeof c->words, c->name);
    fold_words(c->words, sizeof c->words, c->email);
}

int customer_new(struct txn *txn, struct customer *customer, struct err *err)
{
    id_make(customer->id, customer_table.prefix);
    customer->number = record_next_number(txn, customer_table.name, err);
    if (customer->number == 0)
        return -1;
    customer->created_at = customer->updated_at = txn_time_ms(txn);
    note_words(customer);
    return record_insert(txn, &customer_table, customer, err);
}

int customer_put(struct txn *txn, struct customer *customer, struct err *err)
{
    customer->updated_at = txn_time_ms(txn);
    note_words(customer);
    return record_put(txn, &customer_table, customer, err) != 0
               ? -1
               : tenant_text_note_customer(txn, customer->id, err);
}

int customer_remake(struct txn *txn, struct err *err)
{
    struct customer c;
    struct scan scan;
    int found = -1;

    if (scan_start(&scan, txn, &customer_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((found = scan_next(&scan, &c, err)) == 1) {
        note_words(&c);
        if (record_put(txn, &customer_table, &c, err) != 0)
            return -1;
    }
    return found;
}
