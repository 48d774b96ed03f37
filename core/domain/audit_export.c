/*
 * Entries of the audit as lines. Apart from the chain itself, and below everybody who writes such
 * lines: the worker for the API, and the command line.
 */
#include "audit_export.h"

#include <string.h>

#include "enc.h"
#include "json_in.h"
#include "json_out.h"
#include "csv.h"
#include "str.h"

#define FIELD_MAX 2048 /* of one field as JSON */

const char *const audit_format_names[] = {"ndjson", "csv", NULL};

int audit_span_find(struct txn *txn, int64_t from_ms, int64_t until_ms, struct audit_span *span,
                    struct err *err)
{
    struct audit_head head = {.id = 1};
    struct audit before = {0};
    int found;

    memset(span, 0, sizeof *span);
    span->next = 1;
    if (record_get(txn, &audit_head_table, &head, err) < 0)
        return -1;
    span->last = head.number;
    if ((from_ms != 0 && audit_first(txn, from_ms, &span->next, err) != 0) ||
        (until_ms != 0 && audit_first(txn, until_ms + 1, &span->last, err) != 0))
        return -1;
    if (until_ms != 0)
        span->last--;
    before.number = span->next - 1;
    found = before.number == 0 ? 0 : record_get(txn, &audit_table, &before, err);
    if (found == 1)
        memcpy(span->previous, before.hash, sizeof span->previous);
    return found < 0 ? -1 : 0;
}

/* What an entry is about cannot be called "object" in an object that says what it is. */
static const char *name_of(const struct field *field)
{
    return str_equal(field->name, "object") ? "object_id" : field->name;
}

void audit_export_head(enum audit_format format, struct buf *out)
{
    const struct fields *f = &audit_table.fields;

    if (format != AUDIT_CSV)
        return;
    for (size_t i = 0; i < f->count; i++)
        (void)buf_format(out, "%s,", name_of(&f->at[i]));
    (void)buf_format(out, "previous\r\n");
}

static void write_json(const struct audit *entry, const char *previous, struct buf *out)
{
    const struct fields *f = &audit_table.fields;
    struct json_out j;

    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "audit_entry");
    for (size_t i = 0; i < f->count; i++) {
        json_out_key(&j, name_of(&f->at[i]));
        fields_json_one(&f->at[i], entry, &j);
    }
    json_out_key_text(&j, "previous", previous);
    json_out_end_object(&j);
    (void)buf_add(out, "\n", 1);
}

/* Text in quotes; numbers, times and hashes as they are. */
static void write_cell(const struct field *field, const struct audit *entry, struct buf *out)
{
    const char *text = (const char *)entry + field->offset;
    char value[FIELD_MAX];
    struct json_out j;
    struct buf one;
    size_t len;

    if (field->type == FIELD_TEXT || field->type == FIELD_ID) {
        csv_text(out, text, strlen(text));
        return;
    }
    buf_init(&one, sizeof value);
    json_out_init(&j, &one);
    fields_json_one(field, entry, &j);
    len = one.len;
    if (len >= 2 && one.data[0] == '"')
        (void)buf_add(out, one.data + 1, len - 2);
    else if (!str_equal(buf_string(&one), "null"))
        (void)buf_add(out, one.data, len);
    buf_free(&one);
}

static void write_csv(const struct audit *entry, const char *previous, struct buf *out)
{
    const struct fields *f = &audit_table.fields;

    for (size_t i = 0; i < f->count; i++) {
        write_cell(&f->at[i], entry, out);
        (void)buf_add(out, ",", 1);
    }
    (void)buf_format(out, "%s\r\n", previous);
}

int audit_export_some(struct txn *txn, enum audit_format format, struct audit_span *span,
                      unsigned most, struct buf *out, struct err *err)
{
    struct audit start = {.number = span->next}, entry;
    char previous[2 * sizeof span->previous + 1];
    struct scan scan;
    int got = 0;

    if (span->next > span->last)
        return 0;
    if (scan_start(&scan, txn, &audit_table, NULL, NULL, 0, false, err) != 0 ||
        scan_from(&scan, &start, 1, err) != 0)
        return -1;
    while (most-- > 0 && span->next <= span->last && (got = scan_next(&scan, &entry, err)) == 1) {
        if (entry.number > span->last)
            break;
        enc_hex(previous, span->previous, sizeof span->previous);
        (format == AUDIT_CSV ? write_csv : write_json)(&entry, previous, out);
        memcpy(span->previous, entry.hash, sizeof span->previous);
        span->next = entry.number + 1;
    }
    if (got == -1)
        return -1;
    if (got == 0)
        span->next = span->last + 1;
    return out->failed ? err_set(err, ERR_TOO_LARGE, "export_too_large", "entries are too long")
                       : 0;
}

/* ---- checking ---- */

/* A member as the field has it; null and what is missing are nothing. */
static int take(const struct cJSON *json, const struct field *field, struct audit *entry,
                struct err *err)
{
    char *to = (char *)entry + field->offset;
    const char *text = json_text(json, name_of(field), "");

    if (field->type == FIELD_U64) {
        int64_t n = json_i64(json, name_of(field), 0);
        return fields_set_number(field, entry, n < 0, (uint64_t)n, err);
    }
    if (field->type == FIELD_TEXT)
        return str_copy(to, field->size, text) == 0
                   ? 0
                   : err_set(err, ERR_INVALID, "not_an_entry", "%s is too long", field->name);
    return text[0] == '\0' ? 0 : fields_set_text(field, entry, text, err);
}

static int parse(const char *line, size_t len, struct audit *entry, char previous[65],
                 struct err *err)
{
    const struct fields *f = &audit_table.fields;
    struct cJSON *json = json_parse(line, len, &json_limits_api, err);
    int rc = json == NULL || !str_equal(json_text(json, "object", ""), "audit_entry") ? -1 : 0;

    for (size_t i = 0; rc == 0 && i < f->count; i++)
        rc = take(json, &f->at[i], entry, err);
    if (rc == 0)
        rc = str_copy(previous, 65, json_text(json, "previous", ""));
    json_free(json);
    return rc == 0 ? 0
                   : err_set(err, ERR_INVALID, "not_an_entry",
                             "a line is no entry of an audit as NDJSON has it");
}

int audit_check_line(struct audit_check *check, const char *line, size_t len, struct err *err)
{
    struct audit entry = {0};
    uint8_t previous[sizeof entry.hash];
    char said[65];
    bool intact;

    if (parse(line, len, &entry, said, err) != 0)
        return -1;
    if (check->count > 0 && entry.number != check->last + 1)
        return err_set(err, ERR_CORRUPT, "audit_gap", "entry %llu follows entry %llu",
                       (unsigned long long)entry.number, (unsigned long long)check->last);
    if (enc_unhex(previous, sizeof previous, said) != 0 ||
        (check->count > 0 && !str_equal(said, check->hash)))
        return err_set(err, ERR_CORRUPT, "audit_changed",
                       "entry %llu is not sealed to the one before it",
                       (unsigned long long)entry.number);
    if (audit_intact(&entry, previous, &intact, err) != 0)
        return -1;
    if (!intact)
        return err_set(err, ERR_CORRUPT, "audit_changed", "entry %llu was changed",
                       (unsigned long long)entry.number);
    if (check->count++ == 0)
        check->first = entry.number;
    check->last = entry.number;
    enc_hex(check->hash, entry.hash, sizeof entry.hash);
    return 0;
}
