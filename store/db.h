#ifndef SETT_DB_H
#define SETT_DB_H
/*
 * The store: one LMDB environment behind one file. Readers never block; writers share commits.
 * The rules of use: no transaction is open across anything that can wait; nothing
 * that a transaction gave out is used after its end (records are copies, so this comes free).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"
#include "table.h"

struct db;  /* the environment, one per process, for the life of the process */
struct txn; /* a transaction; its first error is sticky and decides its end */

#define DB_MAP_BYTES     (UINT64_C(16) << 30)
#define DB_READERS       256
#define DB_WRITE_WAIT_MS 2000

/** db_create(folder, schema, err): make a new store: in a folder beside ${folder}, with its schema
 * record, synced, then renamed into place. ERR_CONFLICT if ${folder} has a store already. 0 or -1.
 */
int db_create(const char *folder, const struct schema *schema, struct err *err);

/** db_open(db, folder, schema, err): open an existing store. A missing, short or foreign file is an
 * error, never a reason to create one; ERR_PRECONDITION if its schema is newer than ${schema} or
 * has migrations waiting (db_migrate). The store must lie on a local file system. There is no
 * close: a process that has opened a store ends by exiting. Return 0 or -1. */
int db_open(struct db **db, const char *folder, const struct schema *schema, struct err *err);

/* A change to be made in a write transaction. It must only use ${txn} and ${arg}: it may be run
 * twice when a commit that it shared had to be repeated, so it must not change ${arg} in a way that
 * a second run would not overwrite. It returns 0 to commit, -1 with ${err} to leave everything as
 * it was. It runs on the store's writer thread. */
typedef int db_change(struct txn *txn, void *arg, struct err *err);

/** db_write(db, change, arg, err): run ${change} in a write transaction and make it durable.
 * Changes of many threads share one commit; each sees those before it, and one that fails leaves no
 * trace and does not disturb its neighbours. Waits at most DB_WRITE_WAIT_MS for its turn
 * (ERR_UNAVAILABLE, nothing done). ERR_FULL when disk or map are full. Return 0 only when the
 * change is on the disk. */
int db_write(struct db *db, db_change *change, void *arg, struct err *err);

/** db_on_trial(db): whether the store takes no change yet (stage.h): db_write then fails with
 * ERR_UNAVAILABLE "store_on_trial", nothing done. */
bool db_on_trial(struct db *db);

/** db_read(txn, db, err): begin a read transaction (a snapshot). Return 0 or -1. */
int db_read(struct txn **txn, struct db *db, struct err *err);

/** db_read_end(txn): end it. NULL is fine. */
void db_read_end(struct txn *txn);

/** txn_number(txn): LMDB's transaction id: of the snapshot read, or of the change under way. */
uint64_t txn_number(const struct txn *txn);

/** txn_time_ms(txn): one wall time for the whole change. */
int64_t txn_time_ms(const struct txn *txn);

/** db_last_txn(db): the newest committed transaction's number, without a transaction. */
uint64_t db_last_txn(struct db *db);

/** db_write_held_ms(db): how long this process has had the write lock by now, for which everybody
 * else waits; 0 when it has not. A change and its commit take some ms. */
int64_t db_write_held_ms(const struct db *db);

/* Longer than that: its watchdog is no longer fed, and bites before 15 s are over. */
#define DB_HELD_MOST_MS 4000

/** db_check_readers(db): free the slots of dead readers; the number freed. At start, then each 10
 * s. */
int db_check_readers(struct db *db);

struct db_figures {
    uint64_t map_bytes, used_bytes, free_bytes; /* used: pages in use; free: on the free list */
    uint64_t last_txn, oldest_reader_txn;
    uint32_t readers, readers_max;
    uint64_t disk_free_bytes;
};
/** db_version(): the library's own words: "LMDB 0.9.24: (July 24, 2019)". */
const char *db_version(void);

/** db_figures(db, out, err): for /metrics and doctor. Return 0 or -1. */
int db_figures(struct db *db, struct db_figures *out, struct err *err);

/* One slot of the list of readers. An idle one holds no page. */
struct db_reader {
    uint64_t pid, txn; /* txn: of its snapshot */
    bool idle;
};

/** db_readers(db, out, most, err): who has taken a slot, of all processes. Return how many, at most
 * ${most}, or -1. */
int db_readers(struct db *db, struct db_reader *out, size_t most, struct err *err);

#define DB_ROOM_DISK_BYTES  (UINT64_C(256) << 20)
#define DB_ROOM_MAP_PERCENT 80

/** db_room(db, err): whether there is room for something new: at least DB_ROOM_DISK_BYTES free on
 * the disk and at most DB_ROOM_MAP_PERCENT of the map in use. For those who create things; changes
 * and removals need not ask. Return 0, or -1 with ERR_FULL. */
int db_room(struct db *db, struct err *err);

/** db_copy(db, fd, err): a compact consistent copy of the data file written to ${fd}. 0 or -1. */
int db_copy(struct db *db, int fd, struct err *err);

/*
 * Records. ${record} is always a struct of the table's fields.struct_size; its key fields
 * must be set. All return -1 with ${err} on error. A write transaction remembers its first error,
 * refuses all that follows with the same error, and ends without a trace whatever the change
 * returns.
 */

/** record_get(txn, table, record, err): fill ${record} from its key fields. Return 1 if found, 0 if
 * there is none (${record} unchanged), -1 on error (ERR_CORRUPT: quarantined; what ${record} then
 * holds is not to be used). */
int record_get(struct txn *txn, const struct table *table, void *record, struct err *err);

/** record_find(txn, table, index, record, err): by a unique index, from the fields it names.
 * Returns as record_get. */
int record_find(struct txn *txn, const struct table *table, const char *index, void *record,
                struct err *err);

/** record_insert(txn, table, record, err): a new record. ERR_CONFLICT (code "<noun>_exists", field:
 * the unique index's first field) if its key or a unique value is there. Return 0 or -1. */
int record_insert(struct txn *txn, const struct table *table, const void *record, struct err *err);

/** record_put(txn, table, record, err): insert or replace, indexes following. Conflicts as above.
 */
int record_put(struct txn *txn, const struct table *table, const void *record, struct err *err);

/** record_delete(txn, table, record, err): by key. Return 1 if it was there, 0 if not, -1. */
int record_delete(struct txn *txn, const struct table *table, const void *record, struct err *err);

/** record_count(txn, table, err): how many; kept as a number, not counted. -1 on error. */
int64_t record_count(struct txn *txn, const struct table *table, struct err *err);

/** record_count_equal(txn, table, index, match, err): how many records have all the values of a
 * counted index as ${match} has them; kept, not counted. -1 on error. */
int64_t record_count_equal(struct txn *txn, const struct table *table, const char *index,
                           const void *match, struct err *err);

/** record_next_number(txn, name, err): the next of a counter that never goes back, from 1; 0 on
 * error. */
uint64_t record_next_number(struct txn *txn, const char *name, struct err *err);

/** record_last_number(txn, name, number, err): the number that was given out last; 0: none. 0 or
 * -1. */
int record_last_number(struct txn *txn, const char *name, uint64_t *number, struct err *err);

/** record_raise_number(txn, name, least, err): the next one is above ${least}. Return 0 or -1. */
int record_raise_number(struct txn *txn, const char *name, uint64_t least, struct err *err);

/* A walk in the order of the key or of an index. Lives on the caller's stack; needs no end. It may
 * be used in a write transaction, and records may be changed on the way: each step looks up its
 * place again. */
struct scan {
    struct txn *txn;
    const struct table *table;
    const struct index *index; /* NULL: by key */
    bool backward;
    bool nothing;   /* what was asked for cannot be in any key */
    bool inclusive; /* forward, before the first step: `at` itself counts */
    uint16_t prefix_len, at_len;
    uint8_t prefix[512], at[512]; /* where all keys of the walk begin, and where it stands */
};

/** scan_start(s, txn, table, index, match, fields, backward, err): walk the records whose first
 * ${fields} fields of the key (${index} NULL) or of the named index equal those of ${match} (which
 * may be NULL when ${fields} is 0). Return 0 or -1. */
int scan_start(struct scan *s, struct txn *txn, const struct table *table, const char *index,
               const void *match, unsigned fields, bool backward, struct err *err);

/** scan_after(s, record, err): start behind the place of ${record} in this order (it
 * need not exist any more). Before the first scan_next. Return 0 or -1. */
int scan_after(struct scan *s, const void *record, struct err *err);

/** scan_from(s, record, fields, err): start at the first whose leading ${fields} fields are not
 * less (backward: not greater) than those of ${record}. Before the first scan_next. Return 0 or -1.
 */
int scan_from(struct scan *s, const void *record, unsigned fields, struct err *err);

/** scan_next(s, record, err): Return 1 with the next record, 0 at the end, -1 on error. In a read
 * transaction the walk can go on behind a record that was ERR_CORRUPT. */
int scan_next(struct scan *s, void *record, struct err *err);

/** scan_words(s, txn, table, index, prefix, err): walk, by an index of words, the records that have
 * a word which begins so, in the order of the words; a record comes once for each. For scan_skim
 * and scan_next. Return 0 or -1. */
int scan_words(struct scan *s, struct txn *txn, const struct table *table, const char *index,
               const char *prefix, struct err *err);

/** scan_skim(s, record, err): as scan_next, but only the key's fields of ${record} are filled: the
 * record itself is not read, which costs a fraction. Return 1, 0 or -1. */
int scan_skim(struct scan *s, void *record, struct err *err);

/** scan_count(s, err): walk to the end without reading the records, and say how many there were.
 * Costs a fraction of a microsecond each. -1 on error. */
int64_t scan_count(struct scan *s, struct err *err);

#endif
