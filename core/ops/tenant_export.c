/*
 * The list of tenants as lines for other programs. Apart from the list itself because its rows are
 * plain columns, and because it is read in parts of some thousand.
 */
#include "nouns.h"

#include <stdlib.h>
#include <string.h>

#include "csv.h"
#include "str.h"
#include "tenant_find.h"

#define EXPORT_ROWS 4000 /* what the front can hold at once, however long their texts are */
#define PAGE        500

struct export_params {
    struct tenant_wish wish;
    uint32_t sort, limit;
    char starting_after[96];
};
static const struct field export_rows[] = {
    TENANT_WISH_FIELDS(struct export_params),
    FIELD(struct export_params, sort, FIELD_ENUM, .names = tenant_sort_names,
          .help = "in which order; with - the other way round"),
    FIELD(struct export_params, limit, FIELD_U32, .min = 1, .max = EXPORT_ROWS,
          .help = "how many lines (4000)"),
    FIELD(struct export_params, starting_after, FIELD_TEXT,
          .help = "go on: the id in the last line of the part before; then without a head"),
};

static const char *const columns[] = {
    "id",     "number",       "name",       "subdomain",   "url",       "state",
    "health", "state_reason", "plan_id",    "customer_id", "runtime",   "node",
    "port",   "maintenance",  "created_at", "updated_at",  "deleted_at"};
#define COLUMNS (sizeof columns / sizeof columns[0])

static void csv_field(struct buf *out, const struct field *f, const void *record)
{
    const char *text = (const char *)record + f->offset;
    struct json_out j;

    if (f->type == FIELD_TEXT) {
        csv_text(out, text, strlen(text));
        return;
    }
    if (f->type == FIELD_ID && text[0] == '\0')
        return;
    if (f->type == FIELD_TIME && fields_get_u64(f, record) == 0)
        return;
    json_out_init(&j, out);
    fields_json_one(f, record, &j); /* numbers, true and false, words in quotes */
}

static void csv_line(struct buf *out, const struct tenant *tenant)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        if (i > 0)
            (void)buf_byte(out, ',');
        if (tenant == NULL)
            (void)buf_text(out, columns[i]);
        else
            csv_field(out, fields_find(&tenant_table.fields, columns[i]), tenant);
    }
    (void)buf_text(out, "\r\n");
}

static int export(struct op_call *call, struct err *err)
{
    const struct export_params *p = call->params;
    unsigned left = p->limit == 0 ? EXPORT_ROWS : p->limit;
    struct list_params list = {.limit = 0};
    struct tenant_filter filter;
    struct tenant_page page = {.has_more = true};

    (void)str_copy(call->content_type, sizeof call->content_type, "text/csv; charset=utf-8");
    (void)str_copy(list.starting_after, sizeof list.starting_after, p->starting_after);
    if (tenant_filter_read(call, &p->wish, &filter, err) != 0)
        return -1;
    if (p->starting_after[0] == '\0')
        csv_line(call->out->buf, NULL);
    while (left > 0 && page.has_more) {
        if (tenant_find(call, &filter, p->sort, &list, left < PAGE ? left : PAGE, &page, err) != 0)
            return -1;
        for (unsigned i = 0; i < page.count; i++)
            csv_line(call->out->buf, &page.at[i]);
        left -= page.count;
        (void)str_copy(list.starting_after, sizeof list.starting_after, page.next);
        free(page.at);
    }
    return 0;
}

const struct op tenant_export_ops[] = {
    {.name = "tenant.export",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = PARAMS(export_rows, struct export_params),
     .help = "The list of tenants as CSV, all or those that are searched for",
     .example = "--state active --sort name",
     .run = export},
    {.name = NULL},
};
