#ifndef SETT_VALUE_H
#define SETT_VALUE_H
/* The envelope of a stored value: version, flags, length, payload, tag, as store/FORMAT lays it
 * out. For the store's own files. */
#include <stddef.h>
#include <stdint.h>
#include "buf.h"
#include "table.h"

#define VALUE_HEAD 6
#define VALUE_TAG  16
#define VALUE_MAX  ((size_t)1 << 20)

/** value_begin(out, version): empty ${out} and write the head; the payload is then appended. */
void value_begin(struct buf *out, uint8_t version);

/** value_end(out, key, key_len): fill in length and tag. Return 0, or -1 if the buffer failed. */
int value_end(struct buf *out, const uint8_t *key, size_t key_len);

/** value_open(key, key_len, data, len, version, payload, payload_len): check shape and tag.
 * ${payload} points into ${data}. Return NULL, or words for what is wrong. */
const char *value_open(const uint8_t *key, size_t key_len, const uint8_t *data, size_t len,
                       uint8_t *version, const uint8_t **payload, size_t *payload_len);

/** value_read(table, key, key_len, data, len, record, why): check a stored record and fill
 * ${record}. Return NULL, or words for what is wrong, which may lie in ${why}. */
const char *value_read(const struct table *table, const uint8_t *key, size_t key_len,
                       const uint8_t *data, size_t len, void *record, struct err *why);

/** value_decode(table, key, key_len, data, len, record, err): the same with an error:
 * ERR_CORRUPT names table and key. Return 0 or -1. */
int value_decode(const struct table *table, const uint8_t *key, size_t key_len, const uint8_t *data,
                 size_t len, void *record, struct err *err);

#endif
