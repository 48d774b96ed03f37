/*
 * The store as text: for people who compare, and for the day when no program of ours can read the
 * file. Apart from load.c, which judges a dump by writing it again with dump_line.
 */
#include "dump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "db_raw.h"
#include "enc.h"
#include "maintain.h"
#include "str.h"

#define YEAR_0000_MS INT64_C(-62167219200000)
#define YEAR_9999_MS INT64_C(253402300799999)

static void put_escaped(struct buf *out, const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '\\')
            (void)buf_text(out, "\\\\");
        else if (c == '\t')
            (void)buf_text(out, "\\t");
        else if (c == '\n')
            (void)buf_text(out, "\\n");
        else if (c == '\r')
            (void)buf_text(out, "\\r");
        else if (c < 0x20 || c == 0x7f)
            (void)buf_format(out, "\\x%02x", c);
        else
            (void)buf_byte(out, (char)c);
    }
}

static void put_hex(struct buf *out, const uint8_t *data, size_t len)
{
    char *to = buf_reserve(out, 2 * len);

    if (to == NULL)
        return;
    enc_hex(to, data, len);
    out->len += 2 * len;
}

static void put_time(struct buf *out, int64_t ms)
{
    char text[CLOCK_TEXT_SIZE];

    if (ms == 0)
        return;
    if (ms < YEAR_0000_MS || ms > YEAR_9999_MS) {
        (void)buf_format(out, "%lld", (long long)ms);
        return;
    }
    clock_text(text, ms);
    (void)buf_text(out, text);
}

static void put_enum(struct buf *out, const struct field *f, uint32_t n)
{
    for (uint32_t i = 0; f->names[i] != NULL; i++)
        if (i == n) {
            (void)buf_text(out, f->names[i]);
            return;
        }
    (void)buf_format(out, "%u", (unsigned)n);
}

static void put_field(struct buf *out, const struct field *f, const void *record)
{
    const char *from = (const char *)record + f->offset;
    const struct kv *kv = (const void *)from;
    const struct sealed *sealed = (const void *)from;
    uint64_t n = fields_get_u64(f, record);

    switch (f->type) {
    case FIELD_BOOL:
        (void)buf_text(out, n == 0 ? "false" : "true");
        break;
    case FIELD_U32:
    case FIELD_U64:
        (void)buf_format(out, "%llu", (unsigned long long)n);
        break;
    case FIELD_I64:
        (void)buf_format(out, "%lld", (long long)n);
        break;
    case FIELD_TIME:
        put_time(out, (int64_t)n);
        break;
    case FIELD_ENUM:
        put_enum(out, f, (uint32_t)n);
        break;
    case FIELD_TEXT:
    case FIELD_ID:
        put_escaped(out, from, strnlen(from, f->size));
        break;
    case FIELD_BYTES:
        put_hex(out, (const uint8_t *)from, f->size);
        break;
    case FIELD_KV:
        put_escaped(out, kv->data, kv->len);
        break;
    case FIELD_SEALED:
        put_hex(out, sealed->data, sealed->len);
        break;
    }
}

int dump_line(const struct table *table, const void *record, struct buf *out)
{
    buf_reset(out);
    for (size_t i = 0; i < table->fields.count; i++) {
        const struct field *f = &table->fields.at[i];
        if (i > 0)
            (void)buf_byte(out, '\t');
        (void)buf_text(out, f->name);
        (void)buf_byte(out, '=');
        put_field(out, f, record);
    }
    return out->failed ? -1 : 0;
}

size_t dump_order(const struct schema *schema, const struct table *out[DUMP_TABLES])
{
    size_t count = 0;

    for (unsigned byte = 1; byte <= DUMP_TABLES; byte++)
        for (size_t i = 0; i < schema->table_count; i++)
            if (schema->tables[i]->id == byte && count < DUMP_TABLES)
                out[count++] = schema->tables[i];
    return count;
}

static int dump_counters(struct txn *txn, FILE *out, struct err *err)
{
    struct db_raw_pair pair;
    struct key at;
    uint64_t n;
    int got;

    db_raw_own_key(&at, DB_RAW_COUNTER, "", 0);
    while ((got = db_raw_near(txn, DB_RAW_AFTER, at.data, at.len, &pair, err)) == 1 &&
           pair.key_len > 2 && pair.key_len <= KEY_MAX && pair.key[0] == DB_RAW_OWN &&
           pair.key[1] == DB_RAW_COUNTER) {
        at.len = pair.key_len;
        memcpy(at.data, pair.key, pair.key_len);
        if (db_raw_number(txn, &at, &n, err) == -1)
            return -1;
        (void)fprintf(out, "counter %.*s %llu\n", (int)(at.len - 2), (const char *)at.data + 2,
                      (unsigned long long)n);
    }
    return got == -1 ? -1 : 0;
}

/* Return how many records the table has, or -1. */
static int64_t dump_table(struct txn *txn, const struct table *table, FILE *out, struct err *err)
{
    void *record = malloc(table->fields.struct_size);
    struct buf line;
    struct scan scan;
    int64_t count = 0;
    int got = -1;

    if (record == NULL)
        return err_set(err, ERR_UNAVAILABLE, "out_of_memory", "out of memory");
    buf_init(&line, DUMP_LINE_MAX);
    (void)fprintf(out, "table %s\n", table->name);
    if (scan_start(&scan, txn, table, NULL, NULL, 0, false, err) == 0)
        while ((got = scan_next(&scan, record, err)) == 1) {
            if (dump_line(table, record, &line) == -1) {
                got = err_set(err, ERR_TOO_LARGE, "line_too_long", "a %s is too large for a dump",
                              table->noun);
                break;
            }
            (void)fwrite(line.data, 1, line.len, out);
            (void)fputc('\n', out);
            count++;
        }
    buf_free(&line);
    free(record);
    return got == -1 ? -1 : count;
}

static int dump_all(struct txn *txn, FILE *out, struct err *err)
{
    const struct table *order[DUMP_TABLES];
    size_t tables = dump_order(txn->db->schema, order);
    int64_t total = 0;

    (void)fprintf(out, "sett-dump 1\nschema %u\n", (unsigned)txn->db->schema->version);
    if (dump_counters(txn, out, err) == -1)
        return -1;
    for (size_t i = 0; i < tables; i++) {
        int64_t count = dump_table(txn, order[i], out, err);
        if (count == -1)
            return -1;
        total += count;
    }
    (void)fprintf(out, "end %lld\n", (long long)total);
    errno = 0;
    if (fflush(out) != 0 || ferror(out))
        return err_sys(err, "dump_write", errno == 0 ? EIO : errno,
                       "the dump could not be written");
    return 0;
}

int db_dump(struct db *db, FILE *out, struct err *err)
{
    struct txn *txn;
    int result;

    if (db_read(&txn, db, err) == -1)
        return -1;
    txn->long_reader = true;
    result = dump_all(txn, out, err);
    db_read_end(txn);
    return result;
}
