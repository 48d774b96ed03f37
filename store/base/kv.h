#ifndef SETT_KV_H
#define SETT_KV_H
/*
 * A small bounded list of names with values: a job's arguments and facts, a container's
 * variables, an object's metadata. It holds its text by value, so it can be copied, stored and
 * thrown away without being freed. Kept as name NUL value NUL …, in the order of insertion.
 */
#include <stddef.h>
#include <stdint.h>
#include "err.h"

#define KV_SIZE     3072
#define KV_NAME_MAX 64

struct kv {
    uint16_t len; /* bytes used of data */
    char data[KV_SIZE];
};

/** kv_clear(kv): an empty list. */
void kv_clear(struct kv *kv);

/** kv_set(kv, name, value): add or replace. Return 0, or -1 (unchanged) if it does not fit or the
 * name is empty or too long. */
int kv_set(struct kv *kv, const char *name, const char *value);

/** kv_set_u64(kv, name, value): likewise, as decimal digits. */
int kv_set_u64(struct kv *kv, const char *name, uint64_t value);

/** kv_get(kv, name): the value, or NULL; valid until the list changes. */
const char *kv_get(const struct kv *kv, const char *name);

/** kv_get_or(kv, name, otherwise): the value, or ${otherwise}. */
const char *kv_get_or(const struct kv *kv, const char *name, const char *otherwise);

/** kv_get_u64(kv, name, otherwise): the value as a number, or ${otherwise}. */
uint64_t kv_get_u64(const struct kv *kv, const char *name, uint64_t otherwise);

/** kv_unset(kv, name): take it out if it is there. */
void kv_unset(struct kv *kv, const char *name);

/** kv_merge(to, from): set all of ${from} in ${to}. Return 0, or -1 if it does not fit. */
int kv_merge(struct kv *to, const struct kv *from);

/** kv_next(kv, at, name, value): walk: start with *${at} = 0; return 1 with the pair, or 0. */
int kv_next(const struct kv *kv, size_t *at, const char **name, const char **value);

/** kv_load(kv, data, len): from stored bytes, checked. Return 0 or -1. */
int kv_load(struct kv *kv, const void *data, size_t len);

#endif
