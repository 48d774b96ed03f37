/* Keys: the part of store/FORMAT that makes LMDB's order of bytes the order of fields. Apart from
 * records so that checks and dumps read keys with the same code that made them. */
#include "key.h"

#include <string.h>

#include "enc.h"
#include "id.h"
#include "str.h"

#define SIGN_BIT (UINT64_C(1) << 63)

unsigned key_fields(const char *const *names, unsigned max)
{
    unsigned n = 0;

    while (n < max && names[n] != NULL)
        n++;
    return n;
}

/* Fixed sizes; 0 for what ends by a NUL or cannot be in a key. */
static size_t fixed_size(const struct field *f)
{
    switch (f->type) {
    case FIELD_BOOL:
        return 1;
    case FIELD_U32:
    case FIELD_ENUM:
        return 4;
    case FIELD_U64:
    case FIELD_I64:
    case FIELD_TIME:
        return 8;
    case FIELD_ID:
        return f->ref_prefix == NULL ? 0 : ID_BYTES;
    case FIELD_BYTES:
        return f->size;
    default:
        return 0;
    }
}

static bool ends_by_nul(const struct field *f)
{
    return f->type == FIELD_TEXT || (f->type == FIELD_ID && f->ref_prefix == NULL);
}

size_t key_size(const struct field *f)
{
    return ends_by_nul(f) ? f->size : fixed_size(f);
}

static int append(struct key *key, const void *data, size_t len)
{
    if (len > KEY_MAX - key->len)
        return -1;
    memcpy(key->data + key->len, data, len);
    key->len += len;
    return 0;
}

static int append_number(struct key *key, const struct field *f, const void *record)
{
    uint64_t n = fields_get_u64(f, record);
    uint8_t raw[8];
    size_t size = fixed_size(f);

    if (f->type == FIELD_I64 || f->type == FIELD_TIME)
        n ^= SIGN_BIT;
    enc_put64(raw, n);
    return append(key, raw + sizeof raw - size, size);
}

static int append_field(struct key *key, const struct field *f, const void *record)
{
    const char *from = (const char *)record + f->offset;
    uint8_t id[ID_BYTES] = {0};
    size_t len;

    if (ends_by_nul(f)) {
        len = strnlen(from, f->size);
        return len == f->size ? -1 : append(key, from, len + 1);
    }
    switch (f->type) {
    case FIELD_ID:
        if (from[0] != '\0' && id_bytes(from, f->ref_prefix, id) == -1)
            return -1;
        return append(key, id, sizeof id);
    case FIELD_BYTES:
        return append(key, from, f->size);
    case FIELD_KV:
    case FIELD_SEALED:
        return -1;
    default:
        return append_number(key, f, record);
    }
}

/* Fields by name; a name that is none cannot pass schema_check. */
static int append_named(struct key *key, const struct table *table, const void *record,
                        const char *const *names, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct field *f = fields_find(&table->fields, names[i]);
        if (f == NULL || append_field(key, f, record) == -1)
            return -1;
    }
    return 0;
}

int key_leading(const struct table *table, const struct index *index, const void *record,
                unsigned fields, struct key *key)
{
    unsigned own = index == NULL ? 0 : key_fields(index->fields, INDEX_FIELDS);
    unsigned primary = key_fields(table->key, TABLE_KEY_FIELDS);

    key->len = 1;
    key->data[0] = index == NULL ? table->id : index->id;
    if (own > 0 &&
        append_named(key, table, record, index->fields, fields < own ? fields : own) == -1)
        return -1;
    if (fields <= own)
        return 0;
    fields -= own;
    return append_named(key, table, record, table->key, fields < primary ? fields : primary);
}

int key_record(const struct table *table, const void *record, struct key *key)
{
    return key_leading(table, NULL, record, TABLE_KEY_FIELDS, key);
}

/* Whether a sparse index leaves the record out: its first field says nothing. */
static bool left_out(const struct table *table, const struct index *index, const void *record)
{
    const struct field *f = fields_find(&table->fields, index->fields[0]);
    const char *from = (const char *)record + (f == NULL ? 0 : f->offset);

    if (!index->sparse || f == NULL)
        return false;
    if (f->type == FIELD_TEXT || f->type == FIELD_ID)
        return from[0] == '\0';
    for (size_t i = 0; i < f->size; i++)
        if (from[i] != 0)
            return false;
    return true;
}

int key_entry(const struct table *table, const struct index *index, const void *record,
              struct key *key, size_t *values_len)
{
    if (left_out(table, index, record))
        return 0;
    key->len = 1;
    key->data[0] = index->id;
    if (append_named(key, table, record, index->fields, key_fields(index->fields, INDEX_FIELDS)) ==
        -1)
        return -1;
    *values_len = key->len;
    if (append_named(key, table, record, table->key, key_fields(table->key, TABLE_KEY_FIELDS)) ==
        -1)
        return -1;
    return 1;
}

/* The nth word of a text, parted by blanks, that is short enough to have an entry. */
static const char *nth_word(const char *text, unsigned nth, size_t *len)
{
    for (text += strspn(text, " "); *text != '\0'; text += strspn(text, " ")) {
        *len = strcspn(text, " ");
        if (*len <= INDEX_WORD_MAX && nth-- == 0)
            return text;
        text += *len;
    }
    return NULL;
}

int key_entry_nth(const struct table *table, const struct index *index, const void *record,
                  unsigned nth, struct key *key, size_t *values_len)
{
    const struct field *f = fields_find(&table->fields, index->fields[0]);
    const char *word;
    size_t len = 0;

    if (!index->words)
        return nth == 0 ? key_entry(table, index, record, key, values_len) : 0;
    if (f == NULL || memchr((const char *)record + f->offset, 0, f->size) == NULL)
        return -1;
    if ((word = nth_word((const char *)record + f->offset, nth, &len)) == NULL)
        return 0;
    key->len = 1;
    key->data[0] = index->id;
    if (append(key, word, len) == -1 || append(key, "", 1) == -1)
        return -1;
    *values_len = key->len;
    return append_named(key, table, record, table->key, key_fields(table->key, TABLE_KEY_FIELDS)) ==
                   -1
               ? -1
               : 1;
}

/* Step over one field in a key. Return its length, or 0 if it is not whole. */
static size_t field_len(const struct field *f, const uint8_t *data, size_t len)
{
    const uint8_t *nul;
    size_t size = fixed_size(f);

    if (!ends_by_nul(f))
        return size <= len ? size : 0;
    nul = len == 0 ? NULL : memchr(data, 0, len);
    return nul == NULL ? 0 : (size_t)(nul - data) + 1;
}

int key_values_len(const struct table *table, const struct index *index, const uint8_t *data,
                   size_t len, size_t *values_len)
{
    size_t at = 1;

    if (len < 1 || data[0] != index->id)
        return -1;
    for (unsigned i = 0; i < INDEX_FIELDS && index->fields[i] != NULL; i++) {
        const struct field *f = fields_find(&table->fields, index->fields[i]);
        size_t size = f == NULL ? 0 : field_len(f, data + at, len - at);
        if (size == 0)
            return -1;
        at += size;
    }
    *values_len = at;
    return at < len ? 0 : -1;
}

int key_behind(struct key *key)
{
    while (key->len > 0 && key->data[key->len - 1] == 0xff)
        key->len--;
    if (key->len == 0)
        return -1;
    key->data[key->len - 1]++;
    return 0;
}

static void number_text(const struct field *f, const uint8_t *data, size_t len, char *out,
                        size_t size)
{
    uint64_t n = 0;

    for (size_t i = 0; i < len; i++)
        n = n << 8 | data[i];
    if (f->type == FIELD_I64 || f->type == FIELD_TIME)
        (void)str_format(out, size, "%lld", (long long)(n ^ SIGN_BIT));
    else
        (void)str_format(out, size, "%llu", (unsigned long long)n);
}

static void field_text(const struct field *f, const uint8_t *data, size_t len, char *out,
                       size_t size)
{
    char id[ID_SIZE];

    out[0] = '\0';
    if (ends_by_nul(f)) {
        (void)str_format(out, size, "%.*s", (int)len, (const char *)data);
    } else if (f->type == FIELD_ID) {
        id_text(id, f->ref_prefix, data);
        (void)str_copy(out, size, id);
    } else if (f->type == FIELD_BYTES) {
        if (2 * len < size)
            enc_hex(out, data, len);
    } else {
        number_text(f, data, len, out, size);
    }
}

/* Return 0, or -1 if the bytes are no key of the table or the text does not fit. */
static int pretty(const struct table *table, const uint8_t *data, size_t len,
                  char out[KEY_TEXT_SIZE])
{
    size_t at = 1, used = 0;

    if (table == NULL || len < 1 || data[0] != table->id)
        return -1;
    for (unsigned i = 0; i < TABLE_KEY_FIELDS && table->key[i] != NULL; i++) {
        const struct field *f = fields_find(&table->fields, table->key[i]);
        size_t size = f == NULL ? 0 : field_len(f, data + at, len - at);
        if (size == 0 || used + 2 >= KEY_TEXT_SIZE)
            return -1;
        if (i > 0)
            out[used++] = '/';
        field_text(f, data + at, size, out + used, KEY_TEXT_SIZE - used);
        used += strlen(out + used);
        at += size;
    }
    return at == len ? 0 : -1;
}

void key_text(const struct table *table, const uint8_t *data, size_t len, char out[KEY_TEXT_SIZE])
{
    const size_t most = (KEY_TEXT_SIZE - 1) / 2;

    if (pretty(table, data, len, out) == 0)
        return;
    enc_hex(out, data, len < most ? len : most);
}

/* One field's value out of a key. */
static int read_field(const struct field *f, const uint8_t *data, size_t len, void *record)
{
    char *to = (char *)record + f->offset;
    uint64_t n = 0;

    if (ends_by_nul(f) || f->type == FIELD_BYTES) {
        if (len > f->size)
            return -1;
        memcpy(to, data, len);
        return 0;
    }
    if (f->type == FIELD_ID) {
        for (size_t i = 0; i < len && n == 0; i++)
            n = data[i];
        to[0] = '\0';
        if (n != 0)
            id_text(to, f->ref_prefix, data);
        return 0;
    }
    for (size_t i = 0; i < len; i++)
        n = n << 8 | data[i];
    if (f->type == FIELD_I64 || f->type == FIELD_TIME)
        n ^= SIGN_BIT;
    if (f->size == sizeof(uint64_t))
        memcpy(to, &n, sizeof n);
    else if (f->size == sizeof(uint32_t))
        memcpy(to, &(uint32_t){(uint32_t)n}, sizeof(uint32_t));
    else
        *(bool *)to = n != 0;
    return 0;
}

int key_read(const struct table *table, const uint8_t *data, size_t len, void *record)
{
    size_t at = 1;

    if (len < 1 || data[0] != table->id)
        return -1;
    for (unsigned i = 0; i < TABLE_KEY_FIELDS && table->key[i] != NULL; i++) {
        const struct field *f = fields_find(&table->fields, table->key[i]);
        size_t size = f == NULL ? 0 : field_len(f, data + at, len - at);
        if (size == 0 || read_field(f, data + at, size, record) == -1)
            return -1;
        at += size;
    }
    return at == len ? 0 : -1;
}
