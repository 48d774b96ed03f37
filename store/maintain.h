#ifndef SETT_MAINTAIN_H
#define SETT_MAINTAIN_H
/* What is done to a whole store: checked, dumped as text and loaded, migrated. */
#include <stdio.h>
#include "db.h"

/* Called for each finding of a check. */
typedef void fsck_found(void *arg, const char *table, const char *key, const char *what);

/** db_fsck(db, found, arg, err): walk everything from one snapshot: each value's tag and shape,
 * each index against its records and each record against its indexes, unique values, references
 * (FIELD_KEY), counts. Return the number of findings, or -1 if the walk could not be made. */
int64_t db_fsck(struct db *db, fsck_found *found, void *arg, struct err *err);

/** db_dump(db, out, err): all records as text in the order of their keys: see store/FORMAT. 0 or
 * -1. */
int db_dump(struct db *db, FILE *out, struct err *err);

/** db_load(folder, schema, in, err): make a new store from a dump. A line that is not what db_dump
 * would write is refused with its number. The dump of the result is byte-identical. 0 or -1. */
int db_load(const char *folder, const struct schema *schema, FILE *in, struct err *err);

/* A numbered migration: brings a store from version number - 1 to number in one transaction. */
struct migration {
    uint32_t number;
    const char *what;
    int (*run)(struct txn *txn, struct err *err);
};

/** record_reindex(txn, table, index, err): for migrations that declare a new index: make all its
 * entries anew. Return 0 or -1. */
int record_reindex(struct txn *txn, const struct table *table, const char *index, struct err *err);

/** db_migrate(folder, schema, migrations, count, err): bring a store to ${schema}'s version, in
 * place and in one transaction: for what is a copy already (stage.h makes one). Return how many
 * ran, or -1 (store as before). */
int db_migrate(const char *folder, const struct schema *schema, const struct migration *migrations,
               size_t count, struct err *err);

#endif
