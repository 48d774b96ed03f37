#ifndef SETT_FIELD_H
#define SETT_FIELD_H
/*
 * The field table: one declaration of a struct's members from which everything else follows:
 * binary encoding and decoding, JSON out, JSON and form input with validation, CSV, the text dump,
 * the OpenAPI schema. Structs described by a field table are plain: bounded arrays and numbers, no
 * pointers. Fields are only ever appended. This file knows nothing of LMDB.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"
#include "json_out.h"
#include "kv.h"

enum field_type {
    FIELD_BOOL,  /* bool */
    FIELD_U32,   /* uint32_t */
    FIELD_U64,   /* uint64_t */
    FIELD_I64,   /* int64_t */
    FIELD_TIME,  /* int64_t, milliseconds since 1970; 0 means never and renders as null */
    FIELD_ENUM,  /* uint32_t, an index into names; stored as its number, shown as its word */
    FIELD_TEXT,  /* char[size], UTF-8, NUL-terminated, stored with its length */
    FIELD_ID,    /* char[ID_SIZE], prefix of the table it points to; "" renders as null */
    FIELD_BYTES, /* uint8_t[size], exactly size bytes; rendered as hex */
    FIELD_KV,    /* struct kv; rendered as an object of strings */
    FIELD_SEALED /* struct sealed (a vault box); renders as null whether set or not */
};

/* A sealed value as it is stored: opaque bytes that only the holder of a key can open. */
#define SEALED_MAX 4096
struct sealed {
    uint16_t len; /* 0: nothing set */
    uint8_t data[SEALED_MAX];
};

/* What a field is allowed and shown to be. */
#define FIELD_REQUIRED 0x01u /* input must have it */
#define FIELD_HIDDEN   0x02u /* stored, never rendered as JSON (password hashes) */
#define FIELD_KEY      0x04u /* reference to another table: fsck checks that it exists (ref_prefix) */
#define FIELD_SLUG     0x08u /* input: must be a slug: see fields_set_text */
#define FIELD_PATH                                                                                 \
    0x10u /* input: this parameter comes from the path of the URL (CLI: positional) */
#define FIELD_SECRET                                                                               \
    0x20u /* input: never echoed, never logged; the CLI reads it from --x-file or stdin */
#define FIELD_INTERNAL 0x40u /* input: cannot be given from outside */
#define FIELD_FREE     0x80u /* text: may have line breaks and tabs; other control characters never */
#define FIELD_WORD     0x800u /* input: the CLI takes a bare word for it */
#define FIELD_OPEN     0x400u /* FIELD_U32: UINT32_MAX means that nothing is said; renders as null */

struct field {
    const char *name;
    enum field_type type;
    uint32_t offset, size; /* place and size of the member */
    uint8_t since;         /* version of the table in which it came */
    uint32_t flags;
    const char *const *names; /* FIELD_ENUM: words, ended by NULL */
    const char *ref_prefix;   /* FIELD_ID: id prefix; with FIELD_KEY the table referred to */
    uint64_t min, max;        /* numbers: bounds for input (0,0: none); text: bounds of length */
    const char *help;         /* one line for people: CLI help, man page, OpenAPI */
};

/* FIELD(struct tenant, name, FIELD_TEXT, .flags = …): a row of a field table. */
#define FIELD(type_, member_, kind_, ...) FIELD_SINCE(type_, member_, kind_, 1, __VA_ARGS__)

/* The same for one that came with version ${since_} of its table. */
#define FIELD_SINCE(type_, member_, kind_, since_, ...)                                            \
    {                                                                                              \
        .name = #member_, .type = kind_, .offset = offsetof(type_, member_),                       \
        .size = sizeof(((type_ *)0)->member_), .since = since_, __VA_ARGS__                        \
    }

struct fields {
    const struct field *at;
    size_t count;
    size_t struct_size;
};

/** fields_encode(f, record, out): append the payload of ${record}, fields in order. The layout is
 * in store/FORMAT. Return 0, or -1 if the buffer failed. */
int fields_encode(const struct fields *f, const void *record, struct buf *out);

/** fields_decode(f, version, data, len, record, err): fill ${record} from a payload that was
 * written by table version ${version}; fields that came later get zero. ERR_CORRUPT if it does
 * not fit the table. Return 0 or -1. */
int fields_decode(const struct fields *f, uint8_t version, const uint8_t *data, size_t len,
                  void *record, struct err *err);

/** fields_json(f, record, j): the members of the JSON object (the caller opens and closes it).
 * FIELD_HIDDEN is left out, FIELD_SEALED is null. */
void fields_json(const struct fields *f, const void *record, struct json_out *j);

/** fields_json_one(field, record, j): the value of one field alone, without its key. */
void fields_json_one(const struct field *field, const void *record, struct json_out *j);

/** fields_find(f, name): the field, or NULL. */
const struct field *fields_find(const struct fields *f, const char *name);

/** fields_set_text(field, record, value, err): set a member from text as it stands in a form, a
 * query, an argument of the CLI: typed, bounded. Bounds of text count characters. A FIELD_SLUG is 1
 * to 30 small letters, digits and single hyphens between them, a letter first, not "xn--…". A
 * FIELD_KV takes lines of name=value and adds them; a time is RFC 3339 or "". ERR_INVALID naming
 * the field and never repeating the value. Return 0 or -1, the member then being as it was, but for
 * a FIELD_KV. */
int fields_set_text(const struct field *field, void *record, const char *value, struct err *err);

/** fields_set_number(field, record, negative, n, err): the same from a JSON integer. */
int fields_set_number(const struct field *field, void *record, bool negative, uint64_t n,
                      struct err *err);

/** fields_set_bool(field, record, value, err): the same from a JSON boolean. */
int fields_set_bool(const struct field *field, void *record, bool value, struct err *err);

/** fields_get_u64(field, record): a number, time, bool or enum as u64. */
uint64_t fields_get_u64(const struct field *field, const void *record);

/** fields_equal(f, a, b): whether two records have the same values. */
bool fields_equal(const struct fields *f, const void *a, const void *b);

/** fields_equal_beside(f, a, b, names, count): the same, whatever the fields of these names hold;
 * NULL is no name. */
bool fields_equal_beside(const struct fields *f, const void *a, const void *b,
                         const char *const *names, size_t count);

/** enum_find(names, word): the index of ${word}, or -1. */
int enum_find(const char *const *names, const char *word);

#endif
