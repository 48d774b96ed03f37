/*
 * A store from a dump. Apart from dump.c because it faces text of unknown making: every line is
 * parsed, written again, and taken only if that gives the same bytes, so there is no second
 * spelling to be lenient about.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "db_raw.h"
#include "dump.h"
#include "enc.h"
#include "file.h"
#include "maintain.h"
#include "str.h"

#define LOAD_BATCH 500 /* records in one commit */

struct load {
    struct db *db;
    FILE *in;
    struct buf line, again;
    uint64_t number; /* of the line, from 1 */
    uint64_t records;
    /* the batch that waits to be written */
    const struct table *table;
    char *batch;
    uint64_t first_line;
    size_t waiting, failed_at;
    struct key last; /* key or counter before, to see that they rise */
    struct err *err;
};

static int refuse(struct load *l, const char *what)
{
    return err_set(l->err, ERR_INVALID, "bad_dump", "line %llu: %s", (unsigned long long)l->number,
                   what);
}

/* The next line without its newline. Return 1, 0 at the end, -1. */
static int next_line(struct load *l)
{
    int c;

    buf_reset(&l->line);
    l->number++;
    while ((c = getc_unlocked(l->in)) != EOF && c != '\n') {
        if (c == '\0')
            return refuse(l, "a NUL");
        if (buf_byte(&l->line, (char)c) == -1)
            return refuse(l, "the line is too long");
    }
    if (c == '\n')
        return 1;
    return l->line.len == 0 ? 0 : refuse(l, "the last line has no newline");
}

/* Undo the escapes of text, in place. Return the length, or -1. */
static int unescape(char *s)
{
    char *to = s, *from = s;
    uint8_t byte;

    for (; *from != '\0'; from++) {
        char hex[3] = {0};
        if (*from != '\\') {
            *to++ = *from;
            continue;
        }
        switch (*++from) {
        case '\\':
            *to++ = '\\';
            break;
        case 't':
            *to++ = '\t';
            break;
        case 'n':
            *to++ = '\n';
            break;
        case 'r':
            *to++ = '\r';
            break;
        case 'x':
            if (from[1] == '\0' || from[2] == '\0')
                return -1;
            memcpy(hex, from + 1, 2);
            if (enc_unhex(&byte, 1, hex) == -1)
                return -1;
            *to++ = (char)byte;
            from += 2;
            break;
        default:
            return -1;
        }
    }
    return (int)(to - s);
}

static int set_signed(void *to, const char *value)
{
    bool negative = value[0] == '-';
    uint64_t n;

    if (str_u64(value + (negative ? 1 : 0), 0, (uint64_t)INT64_MAX + (negative ? 1 : 0), &n) == -1)
        return -1;
    if (negative)
        n = 0 - n;
    memcpy(to, &n, sizeof n);
    return 0;
}

static int set_time(void *to, const char *value)
{
    int64_t ms;

    if (value[0] == '\0')
        return 0;
    if (clock_parse(value, &ms) == -1)
        return set_signed(to, value);
    memcpy(to, &ms, sizeof ms);
    return 0;
}

static int set_number(const struct field *f, void *to, const char *value)
{
    uint64_t n;
    uint32_t n32;

    if (str_u64(value, 0, f->type == FIELD_U64 ? UINT64_MAX : UINT32_MAX, &n) == -1)
        return -1;
    if (f->type == FIELD_U64) {
        memcpy(to, &n, sizeof n);
    } else {
        n32 = (uint32_t)n;
        memcpy(to, &n32, sizeof n32);
    }
    return 0;
}

static int set_enum(const struct field *f, void *to, const char *value)
{
    int found = enum_find(f->names, value);
    uint32_t n = (uint32_t)found;

    if (found == -1)
        return set_number(f, to, value);
    memcpy(to, &n, sizeof n);
    return 0;
}

static int set_sealed(struct sealed *to, const char *value)
{
    size_t len = strlen(value) / 2;

    if (len > SEALED_MAX || enc_unhex(to->data, len, value) == -1)
        return -1;
    to->len = (uint16_t)len;
    return 0;
}

/* One field from its text, which is changed on the way. */
static int set_field(const struct field *f, void *record, char *value)
{
    void *to = (char *)record + f->offset;
    bool truth;
    int len;

    switch (f->type) {
    case FIELD_BOOL:
        truth = str_equal(value, "true");
        memcpy(to, &truth, sizeof truth);
        return 0;
    case FIELD_U32:
    case FIELD_U64:
        return set_number(f, to, value);
    case FIELD_I64:
        return set_signed(to, value);
    case FIELD_TIME:
        return set_time(to, value);
    case FIELD_ENUM:
        return set_enum(f, to, value);
    case FIELD_TEXT:
    case FIELD_ID:
        return (len = unescape(value)) == -1 ? -1 : str_copy_n(to, f->size, value, (size_t)len);
    case FIELD_BYTES:
        return enc_unhex(to, f->size, value);
    case FIELD_KV:
        return (len = unescape(value)) == -1 ? -1 : kv_load(to, value, (size_t)len);
    case FIELD_SEALED:
        return set_sealed(to, value);
    }
    return -1;
}

/* The line as a record; a second writing decides whether it was one. */
static int parse_record(struct load *l, void *record)
{
    char *at = l->line.data;

    memset(record, 0, l->table->fields.struct_size);
    buf_reset(&l->again);
    if (buf_add(&l->again, l->line.data, l->line.len) == -1) /* parsing changes l->line */
        return refuse(l, "out of memory");
    for (size_t i = 0; i < l->table->fields.count; i++) {
        const struct field *f = &l->table->fields.at[i];
        size_t len = strlen(f->name);
        char *tab = at == NULL ? NULL : strchr(at, '\t');
        if (at == NULL || strncmp(at, f->name, len) != 0 || at[len] != '=')
            return refuse(l, "not the fields of the table in their order");
        if (tab != NULL)
            *tab = '\0';
        if (set_field(f, record, at + len + 1) == -1)
            return refuse(l, f->name);
        at = tab == NULL ? NULL : tab + 1;
    }
    if (at != NULL)
        return refuse(l, "more fields than the table has");
    if (dump_line(l->table, record, &l->line) == -1 || l->line.len != l->again.len ||
        memcmp(l->line.data, l->again.data, l->line.len) != 0)
        return refuse(l, "not as a dump writes it");
    return 0;
}

static int write_batch(struct txn *txn, void *arg, struct err *err)
{
    struct load *l = arg;

    for (size_t i = 0; i < l->waiting; i++) {
        l->failed_at = i;
        if (record_insert(txn, l->table, l->batch + i * l->table->fields.struct_size, err) == -1)
            return -1;
    }
    return 0;
}

static int flush(struct load *l)
{
    struct err why;

    if (l->waiting == 0)
        return 0;
    if (db_write(l->db, write_batch, l, &why) == -1) {
        if (why.kind != ERR_CONFLICT)
            return err_set(l->err, why.kind, why.code, "%s", why.text);
        l->number = l->first_line + l->failed_at;
        return refuse(l, why.text);
    }
    l->records += l->waiting;
    l->waiting = 0;
    return 0;
}

static bool rises(struct load *l, const struct key *key)
{
    size_t len = key->len < l->last.len ? key->len : l->last.len;
    int order = memcmp(l->last.data, key->data, len);
    bool rising = order < 0 || (order == 0 && l->last.len < key->len);

    l->last = *key;
    return rising;
}

static int load_record(struct load *l)
{
    void *record = l->batch + l->waiting * l->table->fields.struct_size;
    struct key key;

    if (l->waiting == 0)
        l->first_line = l->number;
    if (parse_record(l, record) == -1)
        return -1;
    if (key_record(l->table, record, &key) == -1)
        return refuse(l, "a key that cannot be stored");
    if (!rises(l, &key))
        return refuse(l, "not in the order of keys");
    return ++l->waiting == LOAD_BATCH ? flush(l) : 0;
}

struct counter {
    struct key key;
    uint64_t n;
};

static int write_counter(struct txn *txn, void *arg, struct err *err)
{
    struct counter *counter = arg;

    return db_raw_set_number(txn, &counter->key, counter->n, err);
}

/* "counter NAME N" */
static int load_counter(struct load *l)
{
    struct counter counter;
    char *name = l->line.data + strlen("counter "), *space = strrchr(name, ' ');

    if (space == NULL || space == name || space - name > 255 ||
        str_u64(space + 1, 1, UINT64_MAX, &counter.n) == -1)
        return refuse(l, "not a counter");
    db_raw_own_key(&counter.key, DB_RAW_COUNTER, name, (size_t)(space - name));
    if (!rises(l, &counter.key))
        return refuse(l, "counters are not in order");
    return db_write(l->db, write_counter, &counter, l->err);
}

/* Expect exactly this line. */
static int expect(struct load *l, const char *text)
{
    int got = next_line(l);

    if (got == -1)
        return -1;
    return got == 1 && str_equal(buf_string(&l->line), text) ? 0 : refuse(l, text);
}

static int load_head(struct load *l)
{
    const char *head = "schema ";
    uint64_t version;
    int got;

    if (expect(l, "sett-dump 1") == -1 || (got = next_line(l)) == -1)
        return -1;
    if (got == 0 || !str_starts(buf_string(&l->line), head) ||
        str_u64(l->line.data + strlen(head), 1, UINT32_MAX, &version) == -1)
        return refuse(l, "not a schema's version");
    if (version == l->db->schema->version)
        return 0;
    return err_set(l->err, ERR_PRECONDITION, "dump_of_other_version",
                   "the dump is of schema version %llu, this program's is %u",
                   (unsigned long long)version, (unsigned)l->db->schema->version);
}

/* The records of one table, up to the line that begins the next, which stays in l->line. */
static int load_table(struct load *l, const struct table *table)
{
    char head[160];
    int got, result = 0;

    if (str_format(head, sizeof head, "table %s", table->name) == -1 ||
        !str_equal(buf_string(&l->line), head))
        return refuse(l, "not the table that comes next");
    l->table = table;
    l->last.len = 0;
    if ((l->batch = calloc(LOAD_BATCH, table->fields.struct_size)) == NULL)
        return err_set(l->err, ERR_UNAVAILABLE, "out_of_memory", "out of memory");
    while (result == 0 && (got = next_line(l)) == 1 &&
           memchr(l->line.data == NULL ? "" : l->line.data, '=', l->line.len) != NULL)
        result = load_record(l);
    if (result == 0)
        result = got == -1 ? -1 : flush(l);
    free(l->batch);
    l->batch = NULL;
    return result;
}

static int load_all(struct load *l)
{
    const struct table *order[DUMP_TABLES];
    size_t tables = dump_order(l->db->schema, order);
    char end[40];
    int got;

    if (load_head(l) == -1)
        return -1;
    while ((got = next_line(l)) == 1 && str_starts(buf_string(&l->line), "counter "))
        if (load_counter(l) == -1)
            return -1;
    if (got == -1)
        return -1;
    for (size_t i = 0; i < tables; i++)
        if (load_table(l, order[i]) == -1)
            return -1;
    (void)str_format(end, sizeof end, "end %llu", (unsigned long long)l->records);
    if (!str_equal(buf_string(&l->line), end))
        return refuse(l, "not the end with the right number of records: the dump is not whole");
    if ((got = next_line(l)) != 0)
        return got == -1 ? -1 : refuse(l, "something behind the end");
    return 0;
}

static int load_into(const char *aside, const struct schema *schema, FILE *in, struct err *err)
{
    struct load l = {.in = in, .err = err};
    int result;

    if (db_raw_fill(aside, schema, &l.db, err) == -1)
        return -1;
    l.db->silent = true; /* the dump has the feed as it was */
    buf_init(&l.line, DUMP_LINE_MAX);
    buf_init(&l.again, DUMP_LINE_MAX);
    result = load_all(&l);
    buf_free(&l.line);
    buf_free(&l.again);
    db_raw_release(l.db);
    return result;
}

int db_load(const char *folder, const struct schema *schema, FILE *in, struct err *err)
{
    char aside[DB_RAW_PATH], path[DB_RAW_PATH];

    if (schema_check(schema, err) == -1)
        return -1;
    if (str_format(path, sizeof path, "%s/data.mdb", folder) == -1 || file_exists(path))
        return err_set(err, ERR_CONFLICT, "store_exists", "there is a store in %s already", folder);
    if (db_raw_aside(folder, aside, err) == -1)
        return -1;
    if (load_into(aside, schema, in, err) == 0 && db_raw_publish(aside, folder, err) == 0)
        return 0;
    (void)file_remove_tree(aside, NULL);
    return -1;
}
