/*
 * The feed of changes. Apart from record.c because a row of it is a record itself: it is written by
 * what it is told by, and read by those who know nothing of records.
 */
#include "feed.h"

#include <stdlib.h>
#include <string.h>

#include "db_raw.h"
#include "record.h"
#include "str.h"

#define COUNTER "changes"
#define NOTED                                                                                      \
    64 /* rows that a transaction remembers, so as not to tell of the same thing twice             \
        */

const char *const feed_change_names[] = {"put", "deleted", NULL};

static const struct field rows[] = {
    FIELD(struct feed_row, slot, FIELD_U32, .help = "place in the ring"),
    FIELD(struct feed_row, number, FIELD_U64, .help = "number of the change, from 1"),
    FIELD(struct feed_row, object, FIELD_TEXT, .help = "what kind of object: tenant, job, tunnel"),
    FIELD(struct feed_row, id, FIELD_TEXT, .help = "the object's id, name or number"),
    FIELD(struct feed_row, about, FIELD_TEXT, .help = "id of what it belongs to"),
    FIELD(struct feed_row, customer_id, FIELD_ID, .ref_prefix = "cu"),
    FIELD(struct feed_row, change, FIELD_ENUM, .names = feed_change_names,
          .help = "made or changed, or deleted"),
    FIELD(struct feed_row, at, FIELD_TIME, .help = "changed at"),
};

const struct table feed_table = {
    .name = "changes",
    .noun = "change",
    .id = 90,
    .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct feed_row)},
    .key = {"slot"},
};

struct feed_noted {
    unsigned next; /* which one is forgotten next */
    struct {
        uint64_t mark, number;
    } at[NOTED];
};

/* ---- reading ---- */

static int row_get(struct txn *txn, uint64_t number, struct feed_row *row, struct err *err)
{
    memset(row, 0, sizeof *row);
    row->slot = (uint32_t)(number % FEED_KEPT);
    return record_get(txn, &feed_table, row, err);
}

int feed_now(struct txn *txn, struct feed_place *place, struct err *err)
{
    struct feed_row row;
    int got;

    place->at = 0;
    if (record_last_number(txn, COUNTER, &place->number, err) == -1)
        return -1;
    if (place->number == 0 || (got = row_get(txn, place->number, &row, err)) == 0)
        return 0;
    place->at = row.at;
    return got == 1 ? 0 : -1;
}

int feed_known(struct txn *txn, const struct feed_place *place, uint64_t *behind, struct err *err)
{
    struct feed_row row;
    uint64_t last;
    int got;

    *behind = 0;
    if (record_last_number(txn, COUNTER, &last, err) == -1)
        return -1;
    if (place->number > last || last - place->number >= FEED_KEPT)
        return 0;
    *behind = last - place->number;
    if (place->number == 0)
        return place->at == 0;
    if ((got = row_get(txn, place->number, &row, err)) != 1)
        return got;
    return row.number == place->number && row.at == place->at;
}

int feed_next(struct txn *txn, struct feed_place *place, struct feed_row *row, struct err *err)
{
    int got = row_get(txn, place->number + 1, row, err);

    if (got != 1)
        return got;
    if (row->number != place->number + 1)
        return 0;
    place->number = row->number;
    place->at = row->at;
    return 1;
}

void feed_place_text(const struct feed_place *place, char out[FEED_PLACE_SIZE])
{
    (void)str_format(out, FEED_PLACE_SIZE, "%llu.%llu", (unsigned long long)place->number,
                     (unsigned long long)place->at);
}

int feed_place_read(const char *text, struct feed_place *place)
{
    const char *dot = strchr(text, '.');
    char number[24];
    uint64_t at;

    if (dot == NULL || str_copy_n(number, sizeof number, text, (size_t)(dot - text)) == -1 ||
        str_u64(number, 0, UINT64_MAX - 1, &place->number) == -1 ||
        str_u64(dot + 1, 0, INT64_MAX, &at) == -1)
        return -1;
    place->at = (int64_t)at;
    return 0;
}

/* ---- writing ---- */

/* The value of a field as the feed shows it; "" for none. */
static void value_of(const struct table *table, const char *name, const void *record, char *out,
                     size_t size)
{
    const struct field *f = name == NULL ? NULL : fields_find(&table->fields, name);

    out[0] = '\0';
    if (f == NULL)
        return;
    if (f->type == FIELD_ID || f->type == FIELD_TEXT)
        str_cut(out, size, (const char *)record + f->offset);
    else
        (void)str_format(out, size, "%llu", (unsigned long long)fields_get_u64(f, record));
}

/* What a table's records are told as: what it says, or what the id says that it is. */
static const char *object_of(const struct txn *txn, const struct table *table, const char *id)
{
    const struct schema *schema = txn->db->schema;

    if (table->feed.object[0] != '\0')
        return table->feed.object;
    for (size_t i = 0; i < schema->table_count; i++) {
        const struct table *t = schema->tables[i];
        size_t len = t->prefix == NULL ? 0 : strlen(t->prefix);
        if (len > 0 && strncmp(id, t->prefix, len) == 0 && id[len] == '_')
            return t->feed.object == NULL ? t->noun : t->feed.object;
    }
    return table->noun;
}

static void describe(const struct txn *txn, const struct table *table, const void *record,
                     struct feed_row *row)
{
    const struct table_feed *feed = &table->feed;
    char about[96], *colon;

    memset(row, 0, sizeof *row);
    value_of(table, feed->id == NULL ? table->key[0] : feed->id, record, row->id, sizeof row->id);
    str_cut(row->object, sizeof row->object, object_of(txn, table, row->id));
    value_of(table, feed->about, record, about, sizeof about);
    colon = strchr(about, ':'); /* "tenant:tn_…": a job's subject */
    str_cut(row->about, sizeof row->about, colon == NULL ? about : colon + 1);
    value_of(table, feed->customer, record, row->customer_id, sizeof row->customer_id);
}

/* FNV-1a over what is told of. */
static uint64_t mark_of(const struct feed_row *row)
{
    uint64_t h = UINT64_C(14695981039346656037);

    for (const char *s = row->object; *s != '\0'; s++)
        h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
    for (const char *s = row->id; *s != '\0'; s++)
        h = (h ^ (unsigned char)*s) * UINT64_C(1099511628211);
    return h;
}

/* The row of this transaction that tells of the same, into ${was}. Return 1, 0 or -1. */
static int told_before(struct txn *txn, const struct feed_row *row, uint64_t mark,
                       struct feed_row *was, struct err *err)
{
    const struct feed_noted *noted = txn->noted;

    for (unsigned i = 0; noted != NULL && i < NOTED; i++) {
        int got;
        if (noted->at[i].number == 0 || noted->at[i].mark != mark)
            continue;
        if ((got = row_get(txn, noted->at[i].number, was, err)) == -1)
            return -1;
        if (got == 1 && was->number == noted->at[i].number && str_equal(was->id, row->id) &&
            str_equal(was->object, row->object))
            return 1;
    }
    return 0;
}

/* Without memory for it, the same thing is told twice. */
static void remember(struct txn *txn, uint64_t mark, uint64_t number)
{
    struct feed_noted *noted = txn->noted;

    if (noted == NULL && (noted = txn->noted = calloc(1, sizeof *noted)) == NULL)
        return;
    noted->at[noted->next].mark = mark;
    noted->at[noted->next].number = number;
    noted->next = (noted->next + 1) % NOTED;
}

int feed_note(struct txn *txn, const struct table *table, const void *old, const void *new,
              struct err *err)
{
    struct feed_row row, was;
    uint64_t mark;
    int told;

    if (table->feed.object == NULL || !txn->db->schema->feed || txn->db->silent)
        return 0;
    if (old != NULL && new != NULL &&
        fields_equal_beside(&table->fields, old, new, table->feed.beside, FEED_BESIDE))
        return 0;
    describe(txn, table, new != NULL ? new : old, &row);
    row.change = new != NULL ? FEED_PUT : FEED_DELETED;
    mark = mark_of(&row);
    if ((told = told_before(txn, &row, mark, &was, err)) == -1)
        return -1;
    if (told == 1) {
        was.change = row.change;
        return record_put(txn, &feed_table, &was, err);
    }
    if ((row.number = record_next_number(txn, COUNTER, err)) == 0)
        return -1;
    row.slot = (uint32_t)(row.number % FEED_KEPT);
    row.at = txn_time_ms(txn);
    remember(txn, mark, row.number);
    return record_put(txn, &feed_table, &row, err);
}
