#ifndef SETT_JSON_OUT_H
#define SETT_JSON_OUT_H
/*
 * A bounded JSON writer (RFC 8259): it puts text into a struct buf as it goes and never builds a
 * tree. Commas and nesting are its own affair; a failure is the buffer's (`buf.failed`).
 */
#include <stdbool.h>
#include <stdint.h>
#include "buf.h"

#define JSON_OUT_DEPTH 16

struct json_out {
    struct buf *buf;
    unsigned depth;
    bool after[JSON_OUT_DEPTH + 1]; /* something stands at this depth: a comma comes first */
    bool keyed;                     /* a key was written, its value is due */
};

/** json_out_init(j, buf): write to ${buf}, which the caller owns. */
void json_out_init(struct json_out *j, struct buf *buf);

/** json_out_object(j): begin an object. Deeper than JSON_OUT_DEPTH fails the buffer. */
void json_out_object(struct json_out *j);

/** json_out_array(j): begin an array; likewise. */
void json_out_array(struct json_out *j);

/** json_out_end_object(j): end what was begun last, which must be an object. */
void json_out_end_object(struct json_out *j);

/** json_out_end_array(j): end what was begun last, which must be an array. */
void json_out_end_array(struct json_out *j);

/** json_out_key(j, key): a member's name; exactly one value must follow. */
void json_out_key(struct json_out *j, const char *key);

/** json_out_text(j, s): a string, escaped; bytes that are not UTF-8 become U+FFFD. */
void json_out_text(struct json_out *j, const char *s);

/** json_out_text_n(j, s, len): likewise the first ${len} bytes of ${s}, which may hold NUL. */
void json_out_text_n(struct json_out *j, const char *s, size_t len);

/** json_out_u64(j, n): a whole number, all its digits. */
void json_out_u64(struct json_out *j, uint64_t n);

/** json_out_i64(j, n): likewise, with its sign. */
void json_out_i64(struct json_out *j, int64_t n);

/** json_out_bool(j, value): true or false. */
void json_out_bool(struct json_out *j, bool value);

/** json_out_null(j): null. */
void json_out_null(struct json_out *j);

/** json_out_time(j, ms): milliseconds since 1970 as RFC 3339 text in UTC; 0 becomes null. */
void json_out_time(struct json_out *j, int64_t ms);

/** json_out_raw(j, json, len): text that already is one JSON value, taken as it is. */
void json_out_raw(struct json_out *j, const char *json, size_t len);

/* A key and its value at once. */

/** json_out_key_text(j, key, s): json_out_key, then json_out_text. */
void json_out_key_text(struct json_out *j, const char *key, const char *s);

/** json_out_key_u64(j, key, n): json_out_key, then json_out_u64. */
void json_out_key_u64(struct json_out *j, const char *key, uint64_t n);

/** json_out_key_i64(j, key, n): json_out_key, then json_out_i64. */
void json_out_key_i64(struct json_out *j, const char *key, int64_t n);

/** json_out_key_bool(j, key, value): json_out_key, then json_out_bool. */
void json_out_key_bool(struct json_out *j, const char *key, bool value);

/** json_out_key_null(j, key): json_out_key, then json_out_null. */
void json_out_key_null(struct json_out *j, const char *key);

/** json_out_key_time(j, key, ms): json_out_key, then json_out_time. */
void json_out_key_time(struct json_out *j, const char *key, int64_t ms);

#endif
