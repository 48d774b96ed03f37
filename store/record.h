#ifndef SETT_RECORD_H
#define SETT_RECORD_H
/* What records share with walks, checks and migrations inside the store. What everybody may use is
 * in db.h. */
#include "db_raw.h"

/** record_at(txn, table, key, record, err): the record under a key, checked and decoded straight
 * into
 * ${record}, which is undefined after an error. Return 1, 0 if there is none, -1. */
int record_at(struct txn *txn, const struct table *table, const struct key *key, void *record,
              struct err *err);

/** record_of_entry(txn, table, index, entry, record, err): the record that an index entry points
 * to. ERR_CORRUPT if it points nowhere. Return 1 or -1. */
int record_of_entry(struct txn *txn, const struct table *table, const struct index *index,
                    const struct db_raw_pair *entry, void *record, struct err *err);

/** record_clear_index(txn, index, err): remove all entries of an index. Return 0 or -1. */
int record_clear_index(struct txn *txn, const struct index *index, struct err *err);

/** record_add_entry(txn, table, index, record, err): the entry of one record, or its entries, as if
 * it were new. ERR_CONFLICT if a unique value is there. Return 0 or -1. */
int record_add_entry(struct txn *txn, const struct table *table, const struct index *index,
                     const void *record, struct err *err);

/** counted_change(txn, entry, values_len, more, err): one entry more, or less, has these values:
 * the first ${values_len} bytes of its key. Return 0 or -1. */
int counted_change(struct txn *txn, const uint8_t *entry, size_t values_len, bool more,
                   struct err *err);

/** counted_read(txn, entry, values_len, n, err): how many have them. Return 0 or -1. */
int counted_read(struct txn *txn, const uint8_t *entry, size_t values_len, uint64_t *n,
                 struct err *err);

/** counted_clear(txn, index, err): forget all numbers of an index. Return 0 or -1. */
int counted_clear(struct txn *txn, const struct index *index, struct err *err);

#endif
