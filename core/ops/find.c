/*
 * Pages of what is found. Apart from plain lists, which are walks along one index, because here one
 * of several indexes is chosen by what it leaves, and an order may be another one's.
 */
#include "find.h"

#include "enc.h"
#include "object.h"
#include "str.h"

#define LOOK_AT_MOST 4000
#define FEW          64 /* then no further way is tried */
#define CURSOR_SIZE  sizeof(((struct list_params *)0)->starting_after)
#define VALUE_MOST   48 /* bytes of a text that a cursor has room for */

struct hunt {
    struct op_call *call;
    const struct find *find;
    const struct table *table;
    const struct field *key, *field; /* the id; by which it is sorted, NULL: by the id */
    const char *index;
    bool down, back; /* the order; towards its beginning */
    unsigned limit;
    void *cursor; /* NULL: from the end that is asked for */
    char *page;   /* room for limit + 1 records */
    unsigned count, looked;
    bool has_more, gave_up, before; /* before: there is something before the page */
    void *last;                     /* that was looked at */
    int64_t total;
};

static const char *id_of(const struct hunt *h, const void *record)
{
    return (const char *)record + h->key->offset;
}

/* As the list goes: less than 0 when ${a} comes first. */
static int compare(const struct hunt *h, const void *a, const void *b)
{
    int order = 0;

    if (h->field != NULL && h->field->type == FIELD_TEXT) {
        order = strcmp((const char *)a + h->field->offset, (const char *)b + h->field->offset);
    } else if (h->field != NULL) {
        uint64_t x = fields_get_u64(h->field, a), y = fields_get_u64(h->field, b);
        order = x < y ? -1 : x > y;
    }
    if (order == 0)
        order = strcmp(id_of(h, a), id_of(h, b));
    return h->down ? -order : order;
}

/* ---- cursors ---- */

static void say_cursor(const struct hunt *h, const char *name, const void *record)
{
    const char *text = (const char *)record + (h->field == NULL ? 0 : h->field->offset);
    bool is_text = h->field != NULL && h->field->type == FIELD_TEXT;
    char out[CURSOR_SIZE], value[CURSOR_SIZE - ID_SIZE - 1];

    if (h->field == NULL || (is_text && strlen(text) > VALUE_MOST)) {
        json_out_key_text(h->call->out, name, id_of(h, record)); /* it is looked up again */
        return;
    }
    if (is_text)
        (void)enc_base64url(value, sizeof value, text, strlen(text));
    else
        (void)str_format(value, sizeof value, "%llu",
                         (unsigned long long)fields_get_u64(h->field, record));
    (void)str_format(out, sizeof out, "%s.%s", id_of(h, record), value);
    json_out_key_text(h->call->out, name, out);
}

static int read_value(struct hunt *h, const char *value)
{
    char *to = (char *)h->cursor + h->field->offset;
    uint64_t n;
    int len;

    if (h->field->type == FIELD_TEXT) {
        len = enc_unbase64url(to, h->field->size - 1, value, strlen(value));
        to[len < 0 ? 0 : len] = '\0';
        return len < 0 || strlen(to) != (size_t)len ? -1 : 0;
    }
    if (str_u64(value, 0, UINT64_MAX, &n) != 0)
        return -1;
    if (h->field->size == sizeof n)
        memcpy(to, &n, sizeof n);
    else if (h->field->size == sizeof(uint32_t))
        memcpy(to, &(uint32_t){(uint32_t)n}, sizeof(uint32_t));
    else
        return -1;
    return 0;
}

static int read_cursor(struct hunt *h, const char *name, const char *text, struct err *err)
{
    char *id = (char *)h->cursor + h->key->offset;
    size_t len = strcspn(text, ".");
    uint8_t bytes[ID_BYTES];
    int found = 1;

    if (str_copy_n(id, ID_SIZE, text, len) != 0 || id_bytes(id, h->table->prefix, bytes) != 0)
        found = 0;
    else if (text[len] == '.')
        found = h->field != NULL && read_value(h, text + len + 1) == 0;
    else if (h->field != NULL && (found = record_get(h->call->txn, h->table, h->cursor, err)) < 0)
        return -1;
    return found ? 0 : err_field(err, name, "bad_cursor", "%s is not a place in this list", name);
}

/* ---- gathering ---- */

/* The way that leaves fewest, in ${best}, which is over if there is none. Return 0 or -1. */
static int gather(struct hunt *h, struct find_ids *best, struct find_ids *other, struct err *err)
{
    const struct find *f = h->find;
    int found = 1;

    best->over = true;
    for (unsigned nth = 0; found == 1 && (best->over || best->count > FEW); nth++) {
        struct find_ids swap = *best;
        other->count = 0;
        other->over = false;
        if ((found = f->way(h->call, f->filter, nth, other, err)) != 1 || other->over)
            continue;
        find_settle(other);
        if (!best->over && best->count <= other->count)
            continue;
        *best = *other;
        *other = swap;
    }
    return found < 0 ? -1 : 0;
}

/* ---- what was gathered ---- */

struct entry {
    const struct hunt *hunt;
    const char *record;
};

static int by_order(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return compare(x->hunt, x->record, y->record);
}

/* Those that fit, read and sorted. Return how many, or -1. */
static int64_t read_all(struct hunt *h, const struct find_ids *ids, char *room,
                        struct entry *entries, struct err *err)
{
    size_t size = h->table->fields.struct_size;
    unsigned kept = 0;

    for (unsigned i = 0; i < ids->count; i++) {
        char *record = room + kept * size;
        int fits;

        memset(record, 0, size);
        id_text(record + h->key->offset, h->table->prefix, ids->at[i]);
        if ((fits = record_get(h->call->txn, h->table, record, err)) == 1)
            fits = h->find->fits(h->call, h->find->filter, record, err);
        if (fits < 0)
            return -1;
        if (fits == 1)
            entries[kept++] = (struct entry){h, record};
    }
    qsort(entries, kept, sizeof *entries, by_order);
    return kept;
}

static void cut_page(struct hunt *h, const struct entry *entries, unsigned count)
{
    size_t size = h->table->fields.struct_size;
    unsigned from = 0, end = count;

    if (h->cursor != NULL && !h->back)
        while (from < count && compare(h, entries[from].record, h->cursor) <= 0)
            from++;
    if (h->cursor != NULL && h->back)
        while (end > 0 && compare(h, entries[end - 1].record, h->cursor) >= 0)
            end--;
    if (h->back && end > h->limit)
        from = end - h->limit;
    if (!h->back && end - from > h->limit)
        end = from + h->limit;
    for (unsigned i = from; i < end; i++)
        memcpy(h->page + (i - from) * size, entries[i].record, size);
    h->count = end - from;
    h->before = from > 0;
    h->has_more = h->back ? from > 0 : end < count;
    h->total = count;
}

static int take_gathered(struct hunt *h, const struct find_ids *ids, struct err *err)
{
    char *room = malloc((ids->count + 1) * h->table->fields.struct_size);
    struct entry *entries = malloc((ids->count + 1) * sizeof *entries);
    int64_t count = -1;

    if (room == NULL || entries == NULL)
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a search");
    else if ((count = read_all(h, ids, room, entries, err)) >= 0)
        cut_page(h, entries, (unsigned)count);
    free(room);
    free(entries);
    return count < 0 ? -1 : 0;
}

/* ---- walking ---- */

/* Towards the beginning the nearest come first: put them the right way round. The last place of
 * the page's memory is free. */
static void turn(struct hunt *h)
{
    size_t size = h->table->fields.struct_size;
    char *spare = h->page + h->limit * size;

    for (unsigned i = 0, k = h->count; i + 1 < k; i++) {
        k--;
        memcpy(spare, h->page + i * size, size);
        memcpy(h->page + i * size, h->page + k * size, size);
        memcpy(h->page + k * size, spare, size);
    }
}

static int walk(struct hunt *h, struct err *err)
{
    size_t size = h->table->fields.struct_size;
    struct scan scan;
    int found = 0, fits;

    if (scan_start(&scan, h->call->txn, h->table, h->index, NULL, 0, h->down != h->back, err) != 0)
        return -1;
    if (h->cursor != NULL && scan_after(&scan, h->cursor, err) != 0)
        return -1;
    while (h->count <= h->limit && !h->gave_up &&
           (found = scan_next(&scan, h->page + h->count * size, err)) == 1) {
        if ((fits = h->find->fits(h->call, h->find->filter, h->page + h->count * size, err)) < 0)
            return -1;
        h->count += (unsigned)fits;
        if (!fits && ++h->looked >= LOOK_AT_MOST) {
            memcpy(h->last, h->page + h->count * size, size);
            h->gave_up = true;
        }
    }
    if (found < 0)
        return -1;
    h->has_more = h->count > h->limit || h->gave_up;
    h->before = h->back ? h->has_more : h->cursor != NULL;
    if (h->count > h->limit) {
        h->count = h->limit;
        h->gave_up = false;
    }
    if (h->back)
        turn(h);
    h->total = h->find->all;
    return 0;
}

/* ---- the answer ---- */

static int write_page(struct hunt *h, struct err *err)
{
    size_t size = h->table->fields.struct_size;
    bool behind = h->back ? h->cursor != NULL : h->has_more;
    struct json_out *j = h->call->out;

    json_out_object(j);
    json_out_key_text(j, "object", "list");
    json_out_key(j, "data");
    json_out_array(j);
    for (unsigned i = 0; i < h->count; i++)
        if (view_object(h->call, h->find->view, h->page + i * size, err) != 0)
            return -1;
    json_out_end_array(j);
    json_out_key_bool(j, "has_more", h->has_more);
    json_out_key_text(j, "url", h->find->url);
    if (h->gave_up)
        say_cursor(h, h->back ? "previous" : "next", h->last);
    else if (h->count > 0 && behind)
        say_cursor(h, "next", h->page + (h->count - 1) * size);
    if (h->count > 0 && h->before && !(h->gave_up && h->back))
        say_cursor(h, "previous", h->page);
    json_out_key(j, "total");
    if (h->total < 0)
        json_out_null(j);
    else
        json_out_i64(j, h->total);
    json_out_key_bool(j, "total_exact", h->total >= 0);
    if (h->find->more != NULL && h->find->more(h->call, h->find->filter, err) != 0)
        return -1;
    json_out_end_object(j);
    return 0;
}

static int fill(struct hunt *h, struct err *err)
{
    struct find_ids best = {.prefix = h->table->prefix, .most = FIND_GATHER_MOST}, other = best;
    int result = -1;

    best.at = malloc((size_t)FIND_GATHER_MOST * ID_BYTES);
    other.at = malloc((size_t)FIND_GATHER_MOST * ID_BYTES);
    if (best.at == NULL || other.at == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a search");
    } else if (gather(h, &best, &other, err) == 0) {
        if (!best.over)
            result = take_gathered(h, &best, err);
        else if (h->field != NULL && h->index == NULL)
            (void)err_field(err, "sort", "too_many", "more than %d cannot be put in that order",
                            FIND_GATHER_MOST);
        else
            result = walk(h, err);
    }
    free(best.at);
    free(other.at);
    return result;
}

static int run(struct hunt *h, const struct list_params *p, struct err *err)
{
    const char *cursor = h->back ? p->ending_before : p->starting_after;

    if (h->back && p->starting_after[0] != '\0')
        return err_field(err, "ending_before", "two_cursors",
                         "give starting_after or ending_before, not both");
    if (cursor[0] != '\0' &&
        read_cursor(h, h->back ? "ending_before" : "starting_after", cursor, err) != 0)
        return -1;
    if (fill(h, err) != 0)
        return -1;
    return write_page(h, err);
}

int find_reply(struct op_call *call, const struct list_params *params, const struct find *find,
               struct err *err)
{
    const struct find_sort *sort = &find->sorts[find->sort / 2];
    const struct table *table = find->view->table;
    struct hunt h = {.call = call,
                     .find = find,
                     .table = table,
                     .key = fields_find(&table->fields, table->key[0]),
                     .field = sort->field == NULL ? NULL : fields_find(&table->fields, sort->field),
                     .index = sort->index,
                     .down = find->sort_names[find->sort][0] == '-',
                     .back = params->ending_before[0] != '\0',
                     .limit = params->limit == 0 ? LIST_DEFAULT : params->limit,
                     .total = -1};
    size_t size = table->fields.struct_size;
    void *cursor = calloc(1, size);
    int result = -1;

    h.page = calloc(h.limit + 1, size);
    h.last = calloc(1, size);
    h.cursor = params->starting_after[0] != '\0' || h.back ? cursor : NULL;
    if (cursor == NULL || h.page == NULL || h.last == NULL)
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a list");
    else
        result = run(&h, params, err);
    free(cursor);
    free(h.page);
    free(h.last);
    return result;
}
