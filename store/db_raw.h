#ifndef SETT_DB_RAW_H
#define SETT_DB_RAW_H
/*
 * The narrow way from the store's own files to LMDB: bytes by key, one neighbour at a time, and the
 * life of transactions. db.c implements it and is the only file that knows LMDB. Tests use it too,
 * to damage what they then want found.
 */
#include <pthread.h>
#include <sys/types.h>
#include "buf.h"
#include "commit.h"
#include "db.h"
#include "key.h"

#define DB_RAW_PATH 4096

struct MDB_env;
struct MDB_txn;
struct MDB_cursor;

/*
 * One LMDB environment of this process. LMDB's file locks belong to the process, so a data file is
 * opened once and stays open until the process ends: whoever opens it again gets the same one.
 */
struct db_raw_env {
    struct MDB_env *lmdb;
    dev_t device; /* which data file */
    ino_t inode;
    struct db_raw_env *next;
    pthread_mutex_t gate; /* counts transactions, so that the map can be set when there are none */
    pthread_cond_t gate_moved;
    unsigned open_txns;
    bool resizing;
    pthread_mutex_t last_lock;
    struct MDB_txn *last;       /* db_last_txn's own reader, asleep between its calls */
    _Atomic bool settled;       /* not on trial; it never comes to be again */
    struct commit_queue *queue; /* of changes waiting for the writer; commit.c's own */
    struct db *handles;         /* all that were given out */
};

struct db {
    struct db_raw_env *env;
    const struct schema *schema;
    struct db *next; /* of the environment's handles */
    char folder[DB_RAW_PATH];
    bool silent; /* what is written is no news: no row of the feed */
};

struct txn {
    struct db *db;
    struct MDB_txn *lmdb;
    struct MDB_cursor *cursor; /* one, for all walks; closed before anything is written */
    bool writing;
    bool wrote;       /* something was written since the flag was last cleared */
    bool long_reader; /* a check or a dump: may take its time */
    int64_t time_ms, began_ms;
    struct err failed; /* a write transaction's first error */
    struct buf value;  /* for building one */
    void *old;         /* for the record that is about to be replaced */
    size_t old_size;
    struct feed_noted *noted; /* feed.c's: what it was told already */
};

struct db_raw_pair {
    const uint8_t *key, *value; /* in the map: until the transaction writes or ends */
    size_t key_len, value_len;
};

/** db_raw_env_create(folder, env, err): a new environment in an empty folder, with the right modes.
 */
int db_raw_env_create(const char *folder, struct db_raw_env **env, struct err *err);

/** db_raw_env_open(folder, env, err): an existing one, checked for being whole and local. */
int db_raw_env_open(const char *folder, struct db_raw_env **env, struct err *err);

/** db_raw_handle(env, folder, schema, err): a handle for the environment, or NULL. */
struct db *db_raw_handle(struct db_raw_env *env, const char *folder, const struct schema *schema,
                         struct err *err);

/** db_raw_release(db): free the handle; the environment stays open. NULL is fine. */
void db_raw_release(struct db *db);

/** db_raw_open(folder, schema, db, err): db_open without a look at the schema's version. 0 or -1.
 */
int db_raw_open(const char *folder, const struct schema *schema, struct db **db, struct err *err);

/** db_raw_begin(db, writing, txn, err): begin; ${txn} is the caller's. A writing one waits for the
 * write lock without limit. Return 0 or -1. */
int db_raw_begin(struct db *db, bool writing, struct txn *txn, struct err *err);

/** db_raw_abort(txn): end it without a trace. */
void db_raw_abort(struct txn *txn);

/** db_raw_commit(txn, err): make it durable and end it. ERR_FULL leaves the store as it was and
 * usable. When the system can no longer tell what is on the disk (EIO), the process is aborted. */
int db_raw_commit(struct txn *txn, struct err *err);

/** db_raw_fail(txn, err): what every function of records does with an error it returns: remember it
 * in a write transaction. Return -1. */
int db_raw_fail(struct txn *txn, const struct err *err);

/** db_raw_get(txn, key, len, pair, err): Return 1, 0 if there is none, -1. */
int db_raw_get(struct txn *txn, const void *key, size_t len, struct db_raw_pair *pair,
               struct err *err);

/** db_raw_put(txn, key, len, value, value_len, err): insert or replace. Return 0 or -1. */
int db_raw_put(struct txn *txn, const void *key, size_t len, const void *value, size_t value_len,
               struct err *err);

/** db_raw_delete(txn, key, len, err): Return 1, 0 if there was none, -1. */
int db_raw_delete(struct txn *txn, const void *key, size_t len, struct err *err);

enum db_raw_where { DB_RAW_FROM, DB_RAW_AFTER, DB_RAW_BEFORE };

/** db_raw_near(txn, where, key, len, pair, err): the first pair not before the key, the first
 * behind it, or the last before it. Return 1, 0 if there is none, -1. */
int db_raw_near(struct txn *txn, enum db_raw_where where, const void *key, size_t len,
                struct db_raw_pair *pair, struct err *err);

/* The store's own numbers, below the byte 255. */
#define DB_RAW_OWN     255
#define DB_RAW_FORMAT  1
#define DB_RAW_SCHEMA  's'
#define DB_RAW_COUNT   'n'
#define DB_RAW_COUNTER 'c'
#define DB_RAW_EQUAL   'i'
#define DB_RAW_LEVEL   'l'

/** db_raw_own_key(key, kind, name, len): the key of one of the store's own records. */
void db_raw_own_key(struct key *key, char kind, const void *name, size_t len);

/** db_raw_number(txn, key, n, err): a count or counter; 0 if there is none. Return 0 or -1. */
int db_raw_number(struct txn *txn, const struct key *key, uint64_t *n, struct err *err);

/** db_raw_set_number(txn, key, n, err): store it. Return 0 or -1. */
int db_raw_set_number(struct txn *txn, const struct key *key, uint64_t n, struct err *err);

/** db_raw_schema(txn, version, err): the schema's version. ERR_CORRUPT if it is not a store's. */
int db_raw_schema(struct txn *txn, uint32_t *version, struct err *err);

/** db_raw_set_schema(txn, version, err): store it. Return 0 or -1. */
int db_raw_set_schema(struct txn *txn, uint32_t version, struct err *err);

/** db_raw_level(txn, level, err): schema_level of the newest program that wrote to the store; 0 if
 * none has said. Return 0 or -1. */
int db_raw_level(struct txn *txn, uint64_t *level, struct err *err);

/** db_raw_set_level(txn, level, err): store it. Return 0 or -1. */
int db_raw_set_level(struct txn *txn, uint64_t level, struct err *err);

/** db_raw_newer(theirs, mine, level, my_level, err): that the store is newer than this program,
 * and what can be done: ERR_PRECONDITION "store_newer". Return -1. */
int db_raw_newer(uint32_t theirs, uint32_t mine, uint64_t level, uint64_t my_level,
                 struct err *err);

/** db_raw_fill(aside, schema, db, err): make a store in a folder made by db_raw_aside: its first
 * commit. The handle is the caller's to release. Return 0 or -1. */
int db_raw_fill(const char *aside, const struct schema *schema, struct db **db, struct err *err);

/** db_raw_publish(aside, folder, err): rename a finished store into place and sync the folder
 * above. ERR_CONFLICT if something stands there. Return 0 or -1. */
int db_raw_publish(const char *aside, const char *folder, struct err *err);

/** db_raw_aside(folder, aside, err): make a fresh folder beside ${folder}, with its group if it is
 * there already. Return 0 or -1. */
int db_raw_aside(const char *folder, char aside[DB_RAW_PATH], struct err *err);

#endif
