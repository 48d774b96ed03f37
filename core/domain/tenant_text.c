/*
 * The words of tenants. Apart from tenants because they are made of three tables: whoever changes
 * one of those says so here, within its own change, so that a search never finds what is not so.
 */
#include "tenant_text.h"

#include "custom_domain.h"
#include "customer.h"
#include "fold.h"
#include "str.h"

#include <string.h>

static const struct field rows[] = {
    FIELD(struct tenant_text, tenant_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "tn"),
    FIELD(struct tenant_text, name_key, FIELD_TEXT),
    FIELD(struct tenant_text, words, FIELD_TEXT),
    FIELD_SINCE(struct tenant_text, updated_at, FIELD_TIME, 2),
    FIELD_SINCE(struct tenant_text, health, FIELD_ENUM, 2, .names = tenant_health_names),
    FIELD_SINCE(struct tenant_text, runtime, FIELD_TEXT, 2),
};

static const struct index indexes[] = {
    {.name = "words", .id = 205, .words = true, .fields = {"words"}},
    {.name = "name_key", .id = 206, .fields = {"name_key"}},
    {.name = "updated_at", .id = 207, .fields = {"updated_at"}},
    {.name = "health", .id = 208, .fields = {"health"}},
    {.name = "runtime", .id = 209, .sparse = true, .fields = {"runtime"}},
};

const struct table tenant_text_table = {
    .name = "tenant_texts",
    .noun = "tenant_text",
    .id = 88,
    .version = 2,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct tenant_text)},
    .key = {"tenant_id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
};

void tenant_text_key(const char *name, char out[TENANT_NAME_KEY])
{
    out[0] = '\0';
    fold_words(out, TENANT_NAME_KEY, name);
}

static int add_domains(struct txn *txn, struct tenant_text *text, struct err *err)
{
    struct custom_domain d = {0};
    struct scan scan;
    int found;

    (void)str_copy(d.tenant_id, sizeof d.tenant_id, text->tenant_id);
    if (scan_start(&scan, txn, &custom_domain_table, "tenant_id", &d, 1, false, err) != 0)
        return -1;
    while ((found = scan_next(&scan, &d, err)) == 1) {
        if (d.state == DOMAIN_REMOVED)
            continue;
        fold_words(text->words, sizeof text->words, d.name);
        fold_words(text->words, sizeof text->words, d.unicode);
    }
    return found;
}

int tenant_text_note(struct txn *txn, const struct tenant *tenant, struct err *err)
{
    struct tenant_text text = {.words = ""};
    struct customer customer = {0};
    char number[24];

    (void)str_copy(text.tenant_id, sizeof text.tenant_id, tenant->id);
    (void)str_format(number, sizeof number, "%llu", (unsigned long long)tenant->number);
    (void)str_copy(customer.id, sizeof customer.id, tenant->customer_id);
    if (customer.id[0] != '\0' && record_get(txn, &customer_table, &customer, err) < 0)
        return -1;
    text.updated_at = tenant->updated_at;
    text.health = tenant->health;
    (void)str_copy(text.runtime, sizeof text.runtime, tenant->runtime);
    tenant_text_key(tenant->name, text.name_key);
    fold_words(text.words, sizeof text.words, tenant->name);
    fold_words(text.words, sizeof text.words, tenant->subdomain);
    fold_words(text.words, sizeof text.words, number);
    fold_words(text.words, sizeof text.words, customer.name);
    fold_words(text.words, sizeof text.words, customer.email);
    if (add_domains(txn, &text, err) != 0)
        return -1;
    return record_put(txn, &tenant_text_table, &text, err);
}

int tenant_text_note_id(struct txn *txn, const char *tenant_id, struct err *err)
{
    struct tenant tenant = {0};
    int found = 0;

    if (tenant_id[0] != '\0' && str_copy(tenant.id, sizeof tenant.id, tenant_id) == 0)
        found = record_get(txn, &tenant_table, &tenant, err);
    return found == 1 ? tenant_text_note(txn, &tenant, err) : found;
}

int tenant_text_note_customer(struct txn *txn, const char *customer_id, struct err *err)
{
    struct tenant tenant = {0};
    struct scan scan;
    int found;

    (void)str_copy(tenant.customer_id, sizeof tenant.customer_id, customer_id);
    if (scan_start(&scan, txn, &tenant_table, "customer_id", &tenant, 1, false, err) != 0)
        return -1;
    while ((found = scan_next(&scan, &tenant, err)) == 1)
        if (tenant_text_note(txn, &tenant, err) != 0)
            return -1;
    return found;
}

int tenant_text_remake(struct txn *txn, struct err *err)
{
    struct tenant tenant;
    struct scan scan;
    int found = -1;

    if (scan_start(&scan, txn, &tenant_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((found = scan_next(&scan, &tenant, err)) == 1)
        if (tenant_text_note(txn, &tenant, err) != 0)
            return -1;
    return found;
}
