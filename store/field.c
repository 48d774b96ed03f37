/*
 * Field tables at work: payloads in and out, JSON out, comparison. Apart from the store because
 * operations use the same tables for their parameters; what comes from people is field_input.c.
 */
#include "field.h"

#include <string.h>

#include "enc.h"
#include "id.h"
#include "str.h"

#define BYTES_SHOWN_MAX 256 /* a field of bytes longer than this has no text form */

/* A record's members are reached by memcpy: a table may describe a struct of any layout. */
static const void *member(const struct field *f, const void *record)
{
    return (const char *)record + f->offset;
}

static uint32_t get32(const struct field *f, const void *record)
{
    uint32_t n;

    memcpy(&n, member(f, record), sizeof n);
    return n;
}

static uint64_t get64(const struct field *f, const void *record)
{
    uint64_t n;

    memcpy(&n, member(f, record), sizeof n);
    return n;
}

static bool get_bool(const struct field *f, const void *record)
{
    bool value;

    memcpy(&value, member(f, record), sizeof value);
    return value;
}

uint64_t fields_get_u64(const struct field *f, const void *record)
{
    switch (f->type) {
    case FIELD_BOOL:
        return get_bool(f, record);
    case FIELD_U32:
    case FIELD_ENUM:
        return get32(f, record);
    case FIELD_U64:
    case FIELD_I64:
    case FIELD_TIME:
        return get64(f, record);
    default:
        return 0;
    }
}

static void put32(struct buf *out, uint32_t n)
{
    uint8_t raw[4];

    enc_put32(raw, n);
    (void)buf_add(out, raw, sizeof raw);
}

static void put64(struct buf *out, uint64_t n)
{
    uint8_t raw[8];

    enc_put64(raw, n);
    (void)buf_add(out, raw, sizeof raw);
}

/* A length and so many bytes; one that its member cannot hold fails the buffer. */
static void put_long(struct buf *out, const void *data, size_t len, size_t max)
{
    if (len > max) {
        out->failed = true;
        return;
    }
    put32(out, (uint32_t)len);
    (void)buf_add(out, data, len);
}

static void put_id(struct buf *out, const struct field *f, const char *id)
{
    uint8_t raw[1 + ID_BYTES] = {1};

    if (id[0] == '\0')
        (void)buf_byte(out, 0);
    else if (memchr(id, '\0', f->size) == NULL || id_bytes(id, f->ref_prefix, raw + 1) == -1)
        out->failed = true;
    else
        (void)buf_add(out, raw, sizeof raw);
}

static void encode_one(const struct field *f, const void *record, struct buf *out)
{
    const char *text = member(f, record);
    const struct kv *kv = member(f, record);
    const struct sealed *sealed = member(f, record);

    switch (f->type) {
    case FIELD_BOOL:
        (void)buf_byte(out, get_bool(f, record) ? 1 : 0);
        break;
    case FIELD_U32:
    case FIELD_ENUM:
        put32(out, get32(f, record));
        break;
    case FIELD_U64:
    case FIELD_I64:
    case FIELD_TIME:
        put64(out, get64(f, record));
        break;
    case FIELD_ID:
        if (f->ref_prefix != NULL) {
            put_id(out, f, text);
            break;
        }
        /* fall through - an id of no one table is text */
    case FIELD_TEXT:
        put_long(out, text, strnlen(text, f->size), f->size - 1);
        break;
    case FIELD_BYTES:
        (void)buf_add(out, text, f->size);
        break;
    case FIELD_KV:
        put_long(out, kv->data, kv->len, KV_SIZE);
        break;
    case FIELD_SEALED:
        put_long(out, sealed->data, sealed->len, SEALED_MAX);
        break;
    }
}

int fields_encode(const struct fields *f, const void *record, struct buf *out)
{
    for (size_t i = 0; i < f->count; i++)
        encode_one(&f->at[i], record, out);
    return out->failed ? -1 : 0;
}

/* What is left of a payload. */
struct input {
    const uint8_t *at;
    size_t left;
};

/* The next ${len} bytes, or NULL if there are fewer. */
static const uint8_t *take(struct input *in, size_t len)
{
    const uint8_t *at = in->at;

    if (in->left < len)
        return NULL;
    in->at += len;
    in->left -= len;
    return at;
}

/* A length of at most ${max} and so many bytes, or NULL. */
static const uint8_t *take_long(struct input *in, size_t max, size_t *len)
{
    const uint8_t *p = take(in, 4);

    if (p == NULL || (*len = enc_get32(p)) > max)
        return NULL;
    return take(in, *len);
}

static int decode_text(const struct field *f, struct input *in, char *to)
{
    size_t len;
    const uint8_t *p = take_long(in, f->size - 1, &len);

    if (p == NULL)
        return -1;
    return str_copy_n(to, f->size, (const char *)p, len);
}

static int decode_id(const struct field *f, struct input *in, char *to)
{
    const uint8_t *p = take(in, 1);

    if (f->size < ID_SIZE || p == NULL || *p > 1)
        return -1;
    if (*p == 0)
        return 0;
    if ((p = take(in, ID_BYTES)) == NULL)
        return -1;
    id_text(to, f->ref_prefix, p);
    return 0;
}

static int decode_number(const struct field *f, struct input *in, void *to)
{
    bool wide = f->type != FIELD_U32 && f->type != FIELD_ENUM;
    const uint8_t *p = take(in, wide ? 8 : 4);
    uint64_t n64;
    uint32_t n32;

    if (p == NULL)
        return -1;
    if (wide) {
        n64 = enc_get64(p);
        memcpy(to, &n64, sizeof n64);
    } else {
        n32 = enc_get32(p);
        memcpy(to, &n32, sizeof n32);
    }
    return 0;
}

static int decode_sealed(struct input *in, struct sealed *to)
{
    size_t len;
    const uint8_t *p = take_long(in, SEALED_MAX, &len);

    if (p == NULL)
        return -1;
    memcpy(to->data, p, len);
    to->len = (uint16_t)len;
    return 0;
}

static int decode_one(const struct field *f, struct input *in, void *record)
{
    void *to = (char *)record + f->offset;
    const uint8_t *p;
    size_t len;
    bool value;

    switch (f->type) {
    case FIELD_BOOL:
        if ((p = take(in, 1)) == NULL || *p > 1)
            return -1;
        value = *p == 1;
        memcpy(to, &value, sizeof value);
        return 0;
    case FIELD_U32:
    case FIELD_ENUM:
    case FIELD_U64:
    case FIELD_I64:
    case FIELD_TIME:
        return decode_number(f, in, to);
    case FIELD_TEXT:
        return decode_text(f, in, to);
    case FIELD_ID:
        return f->ref_prefix == NULL ? decode_text(f, in, to) : decode_id(f, in, to);
    case FIELD_BYTES:
        if ((p = take(in, f->size)) == NULL)
            return -1;
        memcpy(to, p, f->size);
        return 0;
    case FIELD_KV:
        if ((p = take_long(in, KV_SIZE, &len)) == NULL)
            return -1;
        return kv_load(to, p, len);
    case FIELD_SEALED:
        return decode_sealed(in, to);
    }
    return -1;
}

int fields_decode(const struct fields *f, uint8_t version, const uint8_t *data, size_t len,
                  void *record, struct err *err)
{
    struct input in = {data, len};

    memset(record, 0, f->struct_size);
    for (size_t i = 0; i < f->count; i++) {
        if (f->at[i].since > version)
            continue;
        if (decode_one(&f->at[i], &in, record) == -1)
            return err_set(err, ERR_CORRUPT, "bad_payload",
                           "stored field %s does not fit its table", f->at[i].name);
    }
    if (in.left > 0)
        return err_set(err, ERR_CORRUPT, "bad_payload",
                       "%zu bytes too many after the last stored field", in.left);
    return 0;
}

static void json_kv(const struct kv *kv, struct json_out *j)
{
    const char *name, *value;
    size_t at = 0;

    json_out_object(j);
    while (kv_next(kv, &at, &name, &value))
        json_out_key_text(j, name, value);
    json_out_end_object(j);
}

static void json_bytes(const struct field *f, const void *record, struct json_out *j)
{
    char hex[2 * BYTES_SHOWN_MAX + 1];

    if (f->size > BYTES_SHOWN_MAX) {
        json_out_null(j);
        return;
    }
    enc_hex(hex, member(f, record), f->size);
    json_out_text(j, hex);
}

static void json_enum(const struct field *f, uint32_t n, struct json_out *j)
{
    for (uint32_t i = 0; f->names != NULL && f->names[i] != NULL; i++)
        if (i == n) {
            json_out_text(j, f->names[i]);
            return;
        }
    json_out_null(j);
}

void fields_json_one(const struct field *f, const void *record, struct json_out *j)
{
    const char *text = member(f, record);

    if ((f->flags & FIELD_SECRET) != 0) {
        json_out_null(j);
        return;
    }
    switch (f->type) {
    case FIELD_BOOL:
        json_out_bool(j, get_bool(f, record));
        break;
    case FIELD_U32:
        if ((f->flags & FIELD_OPEN) != 0 && get32(f, record) == UINT32_MAX) {
            json_out_null(j);
            break;
        }
        /* fall through - a number like any other */
    case FIELD_U64:
        json_out_u64(j, fields_get_u64(f, record));
        break;
    case FIELD_I64:
        json_out_i64(j, (int64_t)get64(f, record));
        break;
    case FIELD_TIME:
        json_out_time(j, (int64_t)get64(f, record));
        break;
    case FIELD_ENUM:
        json_enum(f, get32(f, record), j);
        break;
    case FIELD_ID:
        if (text[0] == '\0') {
            json_out_null(j);
            break;
        }
        /* fall through - an id is shown as its text */
    case FIELD_TEXT:
        json_out_text_n(j, text, strnlen(text, f->size));
        break;
    case FIELD_BYTES:
        json_bytes(f, record, j);
        break;
    case FIELD_KV:
        json_kv(member(f, record), j);
        break;
    case FIELD_SEALED:
        json_out_null(j);
        break;
    }
}

void fields_json(const struct fields *f, const void *record, struct json_out *j)
{
    for (size_t i = 0; i < f->count; i++) {
        if ((f->at[i].flags & FIELD_HIDDEN) != 0)
            continue;
        json_out_key(j, f->at[i].name);
        fields_json_one(&f->at[i], record, j);
    }
}

const struct field *fields_find(const struct fields *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (str_equal(f->at[i].name, name))
            return &f->at[i];
    return NULL;
}

static bool equal_one(const struct field *f, const void *a, const void *b)
{
    const struct kv *kv_a = a, *kv_b = b;
    const struct sealed *sealed_a = a, *sealed_b = b;

    switch (f->type) {
    case FIELD_TEXT:
    case FIELD_ID:
        return strncmp(a, b, f->size) == 0;
    case FIELD_KV:
        return kv_a->len == kv_b->len && memcmp(kv_a->data, kv_b->data, kv_a->len) == 0;
    case FIELD_SEALED:
        return sealed_a->len == sealed_b->len &&
               memcmp(sealed_a->data, sealed_b->data, sealed_a->len) == 0;
    default:
        return memcmp(a, b, f->size) == 0;
    }
}

bool fields_equal(const struct fields *f, const void *a, const void *b)
{
    for (size_t i = 0; i < f->count; i++)
        if (!equal_one(&f->at[i], member(&f->at[i], a), member(&f->at[i], b)))
            return false;
    return true;
}

static bool is_named(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (names[i] != NULL && strcmp(names[i], name) == 0)
            return true;
    return false;
}

bool fields_equal_beside(const struct fields *f, const void *a, const void *b,
                         const char *const *names, size_t count)
{
    for (size_t i = 0; i < f->count; i++)
        if (!equal_one(&f->at[i], member(&f->at[i], a), member(&f->at[i], b)) &&
            !is_named(f->at[i].name, names, count))
            return false;
    return true;
}

int enum_find(const char *const *names, const char *word)
{
    for (int i = 0; names[i] != NULL; i++)
        if (str_equal(names[i], word))
            return i;
    return -1;
}
