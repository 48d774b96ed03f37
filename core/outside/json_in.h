#ifndef SETT_JSON_IN_H
#define SETT_JSON_IN_H
/*
 * JSON from outside: a strict scanner (RFC 8259: UTF-8, no NUL, no duplicate keys, bounded depth
 * and members, no trailing bytes) in front of cJSON, which then reads what passed. Only this file
 * and json_in.c include cJSON.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"

struct cJSON;

struct json_limits {
    size_t bytes;
    unsigned members, depth; /* members: all values inside arrays and objects together */
    bool exact;              /* refuse integers beyond 2^53 - 1, which a double would change */
};
extern const struct json_limits json_limits_api;      /* 64 KiB, 1,000 members, depth 16 */
extern const struct json_limits json_limits_webhook;  /* 512 KiB, 20,000, 32 */
extern const struct json_limits json_limits_provider; /* 4 MiB, 200,000, 64 */

/** json_check(text, len, limits, err): the scanner alone, in time linear to ${len} and without
 * recursion. ERR_MALFORMED with the offset and, in err->field, the last member's name before it;
 * ERR_TOO_LARGE for too many bytes or members. 0 or -1. */
int json_check(const char *text, size_t len, const struct json_limits *limits, struct err *err);

/** json_parse(text, len, limits, err): checked, then parsed; to be freed with json_free. NULL on
 * error. */
struct cJSON *json_parse(const char *text, size_t len, const struct json_limits *limits,
                         struct err *err);

/** json_free(json): NULL is fine. */
void json_free(struct cJSON *json);

/* Reading, case-sensitive. A path is names with dots and [i]: "data.object.items.data[0].price.id".
 * Missing members, nulls and members of another type give the otherwise value (NULL for json_at).
 * The path "" is ${json} itself, which may be NULL everywhere. What is returned belongs to the
 * tree. */

/** json_at(json, path): what is there, of any type. */
const struct cJSON *json_at(const struct cJSON *json, const char *path);

/** json_text(json, path, otherwise): a string. */
const char *json_text(const struct cJSON *json, const char *path, const char *otherwise);

/** json_i64(json, path, otherwise): an integer. */
int64_t json_i64(const struct cJSON *json, const char *path, int64_t otherwise);

/** json_loose(json, path, otherwise): a number, a text that is one, or true and false as 1 and 0:
 * some APIs are not strict about it. */
double json_loose(const struct cJSON *json, const char *path, double otherwise);

/** json_bool(json, path, otherwise): true or false. */
bool json_bool(const struct cJSON *json, const char *path, bool otherwise);

/** json_size(json, path): the number of an array's or object's items; 0 for anything else. */
int json_size(const struct cJSON *json, const char *path);

/** json_next(parent, at): walk an array or object: NULL first; NULL at the end. */
const struct cJSON *json_next(const struct cJSON *parent, const struct cJSON *at);

/** json_name(item): a member's name; "" for an array's item. */
const char *json_name(const struct cJSON *item);

/* Exact numbers: integers beyond 2^53 are refused by the scanner for API bodies. */
enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

/** json_type(item): what it is; NULL is JSON_NULL. */
enum json_type json_type(const struct cJSON *item);

/** json_integer(item, negative, n): whether it is an integer, and which (|n| <= 2^53). */
bool json_integer(const struct cJSON *item, bool *negative, uint64_t *n);

struct buf;

/** json_print(json, out): append it as compact text. Return 0, or -1 if it does not fit. */
int json_print(const struct cJSON *json, struct buf *out);

#endif
