/* What the ways of a filter are made of: ids from indexes, up to a bound. Apart from the pages
 * because lists that have pages of their own gather likewise. */
#include "find.h"

#include <stdlib.h>
#include <string.h>

#include "customer.h"
#include "object.h"
#include "str.h"

/* ---- the filter ---- */

int find_set(const char *field, const char *const *names, const char *text, uint32_t *set,
             struct err *err)
{
    *set = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        unsigned i = 0;

        while (names[i] != NULL && (strlen(names[i]) != len || strncmp(names[i], text, len) != 0))
            i++;
        if (names[i] == NULL)
            return err_field(err, field, "unknown_word", "%s: there is no \"%.*s\"", field,
                             len < 40 ? (int)len : 40, text);
        *set |= 1u << i;
        text += len + (text[len] == ',');
    }
    return 0;
}

int find_refer(struct op_call *call, const struct table *table, const char *field, const char *text,
               char id[ID_SIZE], struct err *err)
{
    void *record;
    int r;

    id[0] = '\0';
    if (text[0] == '\0')
        return 0;
    if ((record = calloc(1, table->fields.struct_size)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a search");
    if ((r = object_refer(call, table, field, text, record, err)) == 0)
        object_key(table, record, id, ID_SIZE);
    free(record);
    return r;
}

int find_refer_customer(struct op_call *call, const char *text, char id[ID_SIZE], struct err *err)
{
    if (find_refer(call, &customer_table, "customer_id", text, id, err) != 0)
        return -1;
    if (call->actor.role == ROLE_CUSTOMER)
        (void)str_copy(id, ID_SIZE, call->actor.customer_id);
    return 0;
}

bool find_wanted(const char *want, const char *is)
{
    return want[0] == '\0' || str_equal(want, is);
}

/* ---- the ids ---- */

void find_add(struct find_ids *ids, const char *id)
{
    if (ids->count == ids->most)
        ids->over = true;
    else if (id_bytes(id, ids->prefix, ids->at[ids->count]) == 0)
        ids->count++;
}

int find_walk(struct find_ids *ids, struct scan *scan, struct err *err)
{
    const struct field *key = fields_find(&scan->table->fields, scan->table->key[0]);
    char *record = calloc(1, scan->table->fields.struct_size);
    int found = 0;

    if (record == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a search");
    while (!ids->over && (found = scan_skim(scan, record, err)) == 1)
        find_add(ids, record + key->offset);
    free(record);
    return found < 0 ? -1 : 0;
}

int find_equal(struct op_call *call, struct find_ids *ids, const struct table *table,
               const char *index, const void *match, struct err *err)
{
    struct scan scan;

    if (scan_start(&scan, call->txn, table, index, match, 1, false, err) != 0)
        return -1;
    return find_walk(ids, &scan, err);
}

int find_text(struct op_call *call, struct find_ids *ids, const struct table *table,
              const char *index, const void *match, struct err *err)
{
    const struct field *field = fields_find(&table->fields, index);

    if (((const char *)match)[field->offset] == '\0') {
        ids->over = true;
        return 0;
    }
    return find_equal(call, ids, table, index, match, err);
}

int find_states(struct op_call *call, struct find_ids *ids, const struct table *table,
                uint32_t states, struct err *err)
{
    const struct field *field = fields_find(&table->fields, "state");
    char *match = calloc(1, table->fields.struct_size);
    int r = 0;

    if (match == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a search");
    for (uint32_t i = 0; r == 0 && states >> i != 0 && !ids->over; i++) {
        memcpy(match + field->offset, &i, sizeof i);
        if (states >> i & 1)
            r = find_equal(call, ids, table, "state", match, err);
    }
    free(match);
    return r;
}

int64_t find_count_states(struct op_call *call, const struct table *table, uint32_t states,
                          struct err *err)
{
    const struct field *field = fields_find(&table->fields, "state");
    char *match = calloc(1, table->fields.struct_size);
    int64_t sum = 0, count;
    struct scan scan;

    if (match == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a count");
    for (uint32_t i = 0; sum >= 0 && states >> i != 0; i++) {
        memcpy(match + field->offset, &i, sizeof i);
        if ((states >> i & 1) == 0)
            continue;
        if (scan_start(&scan, call->txn, table, "state", match, 1, false, err) != 0 ||
            (count = scan_count(&scan, err)) < 0)
            sum = -1;
        else
            sum += count;
    }
    free(match);
    return sum;
}

int64_t find_count_but(struct op_call *call, const struct table *table, uint32_t states,
                       struct err *err)
{
    int64_t all = record_count(call->txn, table, err), of_them = 0;

    if (all < 0 || (states != 0 && (of_them = find_count_states(call, table, states, err)) < 0))
        return -1;
    return all - of_them;
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, ID_BYTES);
}

void find_settle(struct find_ids *ids)
{
    unsigned kept = 0;

    qsort(ids->at, ids->count, ID_BYTES, by_bytes);
    for (unsigned i = 0; i < ids->count; i++)
        if (kept == 0 || memcmp(ids->at[kept - 1], ids->at[i], ID_BYTES) != 0)
            memmove(ids->at[kept++], ids->at[i], ID_BYTES);
    ids->count = kept;
}
