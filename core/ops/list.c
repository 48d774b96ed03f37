/* Cursor lists over tables and their indexes. Apart so that paging is right in one place: a cursor
 * is a place in an order, not a count, so nothing is shown twice or left out when records come and
 * go. */
#include "list.h"

#include "object.h"
#include "str.h"

#define LOOK_AT_MOST 4000

struct walk {
    struct op_call *call;
    const struct list *list;
    const struct table *table;
    unsigned limit, shown, looked;
    int end; /* what beyond says where the walk is over */
    bool has_more, gave_up;
    void *record, *cursor;
    struct scan scan;
};

/* An index whose fields are all given puts its records in the order of their keys, so a cursor's
 * place is known from its key alone, even when it is gone. */
static bool place_is_known(const struct list *list, const struct table *table)
{
    const struct index *index = list->index == NULL ? NULL : index_find(table, list->index);
    unsigned n = 0;

    if (index == NULL)
        return true;
    while (n < INDEX_FIELDS && index->fields[n] != NULL)
        n++;
    return n == list->fields;
}

static int set_cursor(struct walk *w, const char *field, const char *text, struct err *err)
{
    const struct table *table = w->table;
    const struct field *key = fields_find(&table->fields, table->key[0]);
    struct err why;
    int found;

    if (w->list->match != NULL)
        memcpy(w->cursor, w->list->match, table->fields.struct_size);
    if (fields_set_text(key, w->cursor, text, &why) != 0)
        return err_field(err, field, "bad_cursor", "%s is not a place in this list", field);
    if (place_is_known(w->list, table))
        return 0;
    if ((found = record_get(w->call->txn, table, w->cursor, err)) < 0)
        return -1;
    return found ? 0 : err_field(err, field, "bad_cursor", "%s is not a place in this list", field);
}

/* 1 with the next record that is to be shown, 0 at the end or when too many were looked at, -1. */
static int next_shown(struct walk *w, void *record, struct err *err)
{
    int found;

    while ((found = scan_next(&w->scan, record, err)) == 1) {
        if (w->list->beyond != NULL && w->list->beyond(w->call, record) == w->end)
            return 0;
        if (w->list->keep == NULL || w->list->keep(w->call, record))
            return 1;
        if (++w->looked >= LOOK_AT_MOST) {
            w->gave_up = true;
            return 0;
        }
    }
    return found;
}

static int forward(struct walk *w, struct err *err)
{
    int found = 0;

    while (w->shown < w->limit && (found = next_shown(w, w->record, err)) == 1) {
        if (view_object(w->call, w->list->view, w->record, err) != 0)
            return -1;
        w->shown++;
    }
    if (found >= 0 && w->shown == w->limit && (found = next_shown(w, w->record, err)) == 1)
        w->has_more = true;
    return found < 0 ? -1 : 0;
}

/* Towards the beginning: the nearest come first, so they are kept and shown in reverse. */
static int before(struct walk *w, struct err *err)
{
    size_t size = w->table->fields.struct_size;
    char *page = calloc(w->limit, size);
    int found = 0;

    if (page == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a page");
    while (w->shown < w->limit && (found = next_shown(w, page + w->shown * size, err)) == 1)
        w->shown++;
    if (found >= 0 && w->shown == w->limit && (found = next_shown(w, w->record, err)) == 1)
        w->has_more = true;
    for (unsigned i = w->shown; found >= 0 && i > 0; i--)
        if (view_object(w->call, w->list->view, page + (i - 1) * size, err) != 0)
            found = -1;
    if (w->gave_up && found >= 0)
        memcpy(w->record, page + (w->shown < w->limit ? w->shown : w->limit - 1) * size, size);
    free(page);
    return found < 0 ? -1 : 0;
}

static int start(struct walk *w, const struct list_params *p, struct err *err)
{
    const struct list *list = w->list;
    bool back = p->ending_before[0] != '\0', backward = list->oldest_first == back;
    const char *cursor = back ? p->ending_before : p->starting_after;

    if (back && p->starting_after[0] != '\0')
        return err_field(err, "ending_before", "two_cursors",
                         "give starting_after or ending_before, not both");
    if (scan_start(&w->scan, w->call->txn, w->table, list->index, list->match, list->fields,
                   backward, err) != 0)
        return -1;
    w->end = back ? 1 : -1;
    if (cursor[0] == '\0')
        return list->start == NULL ? 0 : scan_after(&w->scan, list->start, err);
    if (set_cursor(w, back ? "ending_before" : "starting_after", cursor, err) != 0)
        return -1;
    return scan_after(&w->scan, w->cursor, err);
}

static int reply(struct walk *w, const struct list_params *p, struct err *err)
{
    struct json_out *j = w->call->out;
    char next[128];

    if (start(w, p, err) != 0)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "list");
    json_out_key(j, "data");
    json_out_array(j);
    if ((p->ending_before[0] != '\0' ? before(w, err) : forward(w, err)) != 0)
        return -1;
    json_out_end_array(j);
    json_out_key_bool(j, "has_more", w->has_more || w->gave_up);
    json_out_key_text(j, "url", w->list->url);
    if (w->gave_up) {
        object_key(w->table, w->record, next, sizeof next);
        json_out_key_text(j, "next", next);
    }
    if (w->list->also != NULL && w->list->also(w->call, err) != 0)
        return -1;
    json_out_end_object(j);
    return 0;
}

int list_reply(struct op_call *call, const struct list_params *params, const struct list *list,
               struct err *err)
{
    struct walk w = {.call = call,
                     .list = list,
                     .table = list->view->table,
                     .limit = params->limit == 0 ? LIST_DEFAULT : params->limit};
    size_t size = w.table->fields.struct_size;
    int r = -1;

    w.record = calloc(1, size);
    w.cursor = calloc(1, size);
    if (w.record == NULL || w.cursor == NULL)
        err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a list");
    else
        r = reply(&w, params, err);
    free(w.record);
    free(w.cursor);
    return r;
}
