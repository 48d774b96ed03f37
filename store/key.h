#ifndef SETT_KEY_H
#define SETT_KEY_H
/* Keys of records and of index entries, as store/FORMAT lays them out. For the store's own files.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "table.h"

#define KEY_MAX       511 /* LMDB's limit */
#define KEY_TEXT_SIZE 200

struct key {
    size_t len;
    uint8_t data[KEY_MAX + 1];
};

/** key_record(table, record, key): the key of ${record}. Return 0, or -1 if a key field holds what
 * cannot be a key (text that is not an id): no record can have it. */
int key_record(const struct table *table, const void *record, struct key *key);

/** key_leading(table, index, record, fields, key): the first ${fields} fields of the key (${index}
 * NULL) or of the index and then of the key behind them. Return 0 or -1 as above. */
int key_leading(const struct table *table, const struct index *index, const void *record,
                unsigned fields, struct key *key);

/** key_entry(table, index, record, key, values_len): the key of the index entry; its first
 * ${values_len} bytes are the index's own. Return 1, 0 if a sparse index has none for this record,
 * or -1 as above. */
int key_entry(const struct table *table, const struct index *index, const void *record,
              struct key *key, size_t *values_len);

/** key_entry_nth(table, index, record, nth, key, values_len): likewise the entry number ${nth},
 * from 0, where an index of words has one for each word. Return 1, 0 behind the last one, or -1. */
int key_entry_nth(const struct table *table, const struct index *index, const void *record,
                  unsigned nth, struct key *key, size_t *values_len);

/** key_read(table, data, len, record): the other way: fill the key fields of ${record} from the key
 * of a record. Return 0, or -1 if it is not the key of one. */
int key_read(const struct table *table, const uint8_t *data, size_t len, void *record);

/** key_values_len(table, index, data, len, values_len): where the primary key begins in an entry's
 * key. Return 0, or -1 if it is not the key of such an entry. */
int key_values_len(const struct table *table, const struct index *index, const uint8_t *data,
                   size_t len, size_t *values_len);

/** key_behind(key): make ${key}, taken as a prefix, the first key behind all that begin so.
 * Return 0, or -1 if there is none. */
int key_behind(struct key *key);

/** key_fields(names, max): how many names stand before the NULL. */
unsigned key_fields(const char *const *names, unsigned max);

/** key_size(field): the most bytes a field takes in a key, 0 if it cannot be part of one. */
size_t key_size(const struct field *field);

/** key_text(table, data, len, out): a record's key for people: its values with slashes, or hex when
 * it is not a key of ${table} (which may be NULL). */
void key_text(const struct table *table, const uint8_t *data, size_t len, char out[KEY_TEXT_SIZE]);

#endif
