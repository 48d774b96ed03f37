/*
 * LMDB, and nothing else: environments, transactions, bytes. The only file that includes lmdb.h, so
 * that the rules for using it safely (one environment a process, never closed; default sync; no
 * cursor over a write; what a failed commit means) are kept in one place.
 */
#include "db_raw.h"

#include <errno.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "clock.h"
#include "cond.h"
#include "log.h"
#include "str.h"

#define MAIN_DBI       1 /* LMDB's number for the one database without a name */
#define FREE_DBI       0 /* and for its list of free pages */
#define RESIZE_WAIT_MS 1000

/* The environments of this process. Global because LMDB's file locks are the process's: the same
 * file opened twice and closed once would lose them for both. */
static struct db_raw_env *environments;
static pthread_mutex_t environments_lock = PTHREAD_MUTEX_INITIALIZER;

static int fail(struct err *err, int rc, const char *what)
{
    switch (rc) {
    case MDB_MAP_FULL:
        return err_set(err, ERR_FULL, "store_full", "%s: the store's map is full", what);
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return err_set(err, ERR_FULL, "disk_full", "%s: no space is left on the disk", what);
    case MDB_READERS_FULL:
        return err_set(err, ERR_UNAVAILABLE, "readers_full", "%s: all %d reader slots are taken",
                       what, DB_READERS);
    case MDB_MAP_RESIZED:
        return err_set(err, ERR_UNAVAILABLE, "map_resized",
                       "%s: the map has grown and readers are still open", what);
    case MDB_INVALID:
    case MDB_VERSION_MISMATCH:
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INCOMPATIBLE:
        return err_set(err, ERR_CORRUPT, "store_corrupt", "%s: %s", what, mdb_strerror(rc));
    case ENOMEM:
        return err_set(err, ERR_UNAVAILABLE, "out_of_memory", "%s: out of memory", what);
    default:
        return err_set(err, ERR_INTERNAL, "store_error", "%s: %s", what, mdb_strerror(rc));
    }
}

/* How many pages from ${have} to below ${want} are on the list of free pages. */
static int count_free_between(MDB_env *env, uint64_t have, uint64_t want, uint64_t *found)
{
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key, data;
    int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);

    *found = 0;
    if (rc != 0)
        return rc;
    if ((rc = mdb_cursor_open(txn, FREE_DBI, &cursor)) == 0) {
        while ((rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) == 0) {
            const size_t *list = data.mv_data; /* how many, then so many page numbers */
            size_t room = data.mv_size / sizeof *list;
            for (size_t i = 1; room > 0 && i <= list[0] && i < room; i++)
                if (list[i] >= have && list[i] < want)
                    ++*found;
        }
        mdb_cursor_close(cursor);
    }
    mdb_txn_abort(txn);
    return rc == MDB_NOTFOUND ? 0 : rc;
}

/* A missing page of the file would be a SIGBUS on its first use. A file may be a little shorter
 * than LMDB's last page says, because free pages at its end are not written; then what is missing
 * must stand on the list of free pages. The gap is filled first, so that looking there is safe, and
 * the write lock is held, so that nobody else moves the end. */
static int check_missing(MDB_env *env, int fd, uint64_t have, uint64_t want, size_t page)
{
    MDB_txn *lock;
    uint64_t found;
    int rc = mdb_txn_begin(env, NULL, 0, &lock);

    if (rc != 0)
        return rc;
    if (ftruncate(fd, (off_t)(want * page)) == -1)
        rc = errno;
    else if ((rc = count_free_between(env, have, want, &found)) == 0 && found != want - have)
        rc = MDB_CORRUPTED;
    if (rc != 0 && ftruncate(fd, (off_t)(have * page)) == -1)
        rc = errno;
    mdb_txn_abort(lock);
    return rc;
}

/* That the file has all the pages its newest meta page speaks of. */
static int check_length(MDB_env *env)
{
    MDB_envinfo info;
    MDB_stat stat;
    struct stat st;
    mdb_filehandle_t fd;
    uint64_t have, want;
    int rc;

    if ((rc = mdb_env_info(env, &info)) != 0 || (rc = mdb_env_stat(env, &stat)) != 0 ||
        (rc = mdb_env_get_fd(env, &fd)) != 0)
        return rc;
    if (fstat(fd, &st) == -1)
        return errno;
    have = (uint64_t)st.st_size / stat.ms_psize;
    want = (uint64_t)info.me_last_pgno + 1;
    return have >= want ? 0 : check_missing(env, fd, have, want, stat.ms_psize);
}

/* LMDB learns the order of the database's keys when it is opened, once for the environment. */
static int open_main(MDB_env *env)
{
    MDB_txn *txn;
    MDB_dbi dbi;
    int rc = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);

    if (rc != 0)
        return rc;
    if ((rc = mdb_dbi_open(txn, NULL, 0, &dbi)) != 0) {
        mdb_txn_abort(txn);
        return rc;
    }
    return mdb_txn_commit(txn);
}

/* LMDB in ${folder}, ready for use. Return LMDB's or the system's error. */
static int start(struct db_raw_env *env, const char *folder)
{
    mdb_filehandle_t fd;
    struct stat st;
    int rc;

    if ((rc = mdb_env_create(&env->lmdb)) != 0 ||
        (rc = mdb_env_set_mapsize(env->lmdb, DB_MAP_BYTES)) != 0 ||
        (rc = mdb_env_set_maxreaders(env->lmdb, DB_READERS)) != 0 ||
        (rc = mdb_env_open(env->lmdb, folder, MDB_NOTLS, 0660)) != 0 ||
        (rc = check_length(env->lmdb)) != 0 || (rc = open_main(env->lmdb)) != 0 ||
        (rc = mdb_env_get_fd(env->lmdb, &fd)) != 0)
        return rc;
    if (fstat(fd, &st) == -1)
        return errno;
    if ((env->queue = commit_queue_new()) == NULL)
        return ENOMEM;
    (void)pthread_mutex_init(&env->gate, NULL);
    (void)pthread_mutex_init(&env->last_lock, NULL);
    cond_init(&env->gate_moved);
    env->device = st.st_dev;
    env->inode = st.st_ino;
    return 0;
}

/* A new environment on the list, which the caller has locked. One that failed stays there too, with
 * no inode to be found by: closing it could destroy locks that other processes hold, and a process
 * that cannot open its store ends anyway. */
static int env_open(const char *folder, struct db_raw_env **out, struct err *err)
{
    struct db_raw_env *env = calloc(1, sizeof *env);
    int rc;

    if (env == NULL)
        return fail(err, ENOMEM, folder);
    env->next = environments;
    environments = env;
    if ((rc = start(env, folder)) != 0)
        return fail(err, rc, folder);
    *out = env;
    return 0;
}

int db_raw_env_create(const char *folder, struct db_raw_env **env, struct err *err)
{
    int result;

    (void)pthread_mutex_lock(&environments_lock);
    result = env_open(folder, env, err);
    (void)pthread_mutex_unlock(&environments_lock);
    return result;
}

int db_raw_env_open(const char *folder, struct db_raw_env **out, struct err *err)
{
    char path[DB_RAW_PATH];
    struct db_raw_env *env;
    struct stat st;
    int result = 0;

    if (str_format(path, sizeof path, "%s/data.mdb", folder) == -1)
        return err_sys(err, "store_open", ENAMETOOLONG, folder);
    if (stat(path, &st) == -1 && errno != ENOENT)
        return err_sys(err, "store_open", errno, path);
    if (stat(path, &st) == -1)
        return err_set(err, ERR_NOT_FOUND, "store_missing", "there is no store in %s", folder);
    if (!S_ISREG(st.st_mode) || st.st_size == 0)
        return err_set(err, ERR_CORRUPT, "store_corrupt", "%s is not a store's file", path);
    (void)pthread_mutex_lock(&environments_lock);
    for (env = environments; env != NULL; env = env->next)
        if (env->device == st.st_dev && env->inode == st.st_ino)
            break;
    if (env == NULL)
        result = env_open(folder, &env, err);
    (void)pthread_mutex_unlock(&environments_lock);
    if (result == 0)
        *out = env;
    return result;
}

static void gate_enter(struct db_raw_env *env)
{
    (void)pthread_mutex_lock(&env->gate);
    while (env->resizing)
        (void)pthread_cond_wait(&env->gate_moved, &env->gate);
    env->open_txns++;
    (void)pthread_mutex_unlock(&env->gate);
}

static void gate_leave(struct db_raw_env *env)
{
    (void)pthread_mutex_lock(&env->gate);
    env->open_txns--;
    if (env->resizing)
        (void)pthread_cond_broadcast(&env->gate_moved);
    (void)pthread_mutex_unlock(&env->gate);
}

/* Another process works with a larger map: take its size over, once this process has no transaction
 * but the one that is about to begin. */
static int take_map_size(struct db_raw_env *env)
{
    int64_t until_ms = clock_mono_ms() + RESIZE_WAIT_MS;
    int rc = MDB_MAP_RESIZED;

    (void)pthread_mutex_lock(&env->gate);
    if (env->resizing) { /* somebody else is at it: do not wait for each other */
        (void)pthread_mutex_unlock(&env->gate);
        return rc;
    }
    env->resizing = true;
    while (env->open_txns > 1)
        if (!cond_until(&env->gate_moved, &env->gate, until_ms))
            break;
    if (env->open_txns == 1)
        rc = mdb_env_set_mapsize(env->lmdb, 0);
    env->resizing = false;
    (void)pthread_cond_broadcast(&env->gate_moved);
    (void)pthread_mutex_unlock(&env->gate);
    return rc;
}

int db_raw_begin(struct db *db, bool writing, struct txn *txn, struct err *err)
{
    struct db_raw_env *env = db->env;
    unsigned flags = writing ? 0 : MDB_RDONLY;
    int rc, dead;

    memset(txn, 0, sizeof *txn);
    txn->db = db;
    txn->writing = writing;
    buf_init(&txn->value, (size_t)1 << 20);
    gate_enter(env);
    rc = mdb_txn_begin(env->lmdb, NULL, flags, &txn->lmdb);
    if (rc == MDB_MAP_RESIZED && (rc = take_map_size(env)) == 0)
        rc = mdb_txn_begin(env->lmdb, NULL, flags, &txn->lmdb);
    if (rc == MDB_READERS_FULL && mdb_reader_check(env->lmdb, &dead) == 0)
        rc = mdb_txn_begin(env->lmdb, NULL, flags, &txn->lmdb);
    if (rc != 0) {
        gate_leave(env);
        return fail(err, rc, "a transaction could not begin");
    }
    txn->began_ms = clock_mono_ms();
    txn->time_ms = clock_wall_ms();
    return 0;
}

static void drop_cursor(struct txn *txn)
{
    if (txn->cursor != NULL)
        mdb_cursor_close(txn->cursor);
    txn->cursor = NULL;
}

/* What a transaction leaves behind when LMDB's part is over. */
static void end(struct txn *txn)
{
    gate_leave(txn->db->env);
    buf_free(&txn->value);
    free(txn->old);
    free(txn->noted);
    txn->old = NULL;
    txn->noted = NULL;
    txn->lmdb = NULL;
}

void db_raw_abort(struct txn *txn)
{
    drop_cursor(txn);
    mdb_txn_abort(txn->lmdb);
    end(txn);
}

/* LMDB calls a write that was cut short EIO. On a full disk, or at a limit of the file's size, that
 * is only fullness: nothing was synced yet and the old state stands. */
static bool is_only_full(const struct db *db, int rc)
{
    const uint64_t little = 1 << 20;
    struct statvfs fs;
    struct rlimit limit;
    struct stat st;
    mdb_filehandle_t fd;

    if (rc == MDB_MAP_FULL || rc == ENOSPC || rc == EDQUOT || rc == EFBIG)
        return true;
    if (rc != EIO || mdb_env_get_fd(db->env->lmdb, &fd) != 0)
        return false;
    if (fstatvfs(fd, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < little)
        return true;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
           fstat(fd, &st) == 0 && (uint64_t)st.st_size + little > limit.rlim_cur;
}

int db_raw_commit(struct txn *txn, struct err *err)
{
    struct db *db = txn->db;
    int rc;

    drop_cursor(txn);
    rc = mdb_txn_commit(txn->lmdb); /* ends it, whatever it returns */
    end(txn);
    if (rc == 0)
        return 0;
    if (is_only_full(db, rc))
        return fail(err, rc == EIO ? ENOSPC : rc, "a change could not be written");
    if (rc == ENOMEM)
        return fail(err, rc, "a change could not be written");
    /* After a failed sync the kernel may have forgotten what it could not write, and trying again
     * would be believed. Only starting anew reads what is really on the disk. */
    log_event(LOG_STORE_BROKEN, LOG_LEVEL_ERROR,
              "the store's commit failed: %s; ending here folder=%s", mdb_strerror(rc), db->folder);
    abort();
}

/* An error of LMDB inside a transaction; in a write transaction it is the end of it. */
static int txn_fail(struct txn *txn, int rc, const char *what, struct err *err)
{
    struct err mine;

    (void)fail(&mine, rc, what);
    txn->wrote = true; /* LMDB may have begun: what others did in this transaction is over too */
    if (err != NULL)
        *err = mine;
    return db_raw_fail(txn, &mine);
}

int db_raw_get(struct txn *txn, const void *key, size_t len, struct db_raw_pair *pair,
               struct err *err)
{
    MDB_val k = {len, (void *)(uintptr_t)key}, v;
    int rc = mdb_get(txn->lmdb, MAIN_DBI, &k, &v);

    if (rc == MDB_NOTFOUND)
        return 0;
    if (rc != 0)
        return txn_fail(txn, rc, "a record could not be read", err);
    pair->key = key;
    pair->key_len = len;
    pair->value = v.mv_data;
    pair->value_len = v.mv_size;
    return 1;
}

int db_raw_put(struct txn *txn, const void *key, size_t len, const void *value, size_t value_len,
               struct err *err)
{
    MDB_val k = {len, (void *)(uintptr_t)key}, v = {value_len, (void *)(uintptr_t)value};
    int rc;

    drop_cursor(txn);
    txn->wrote = true;
    rc = mdb_put(txn->lmdb, MAIN_DBI, &k, &v, 0);
    return rc == 0 ? 0 : txn_fail(txn, rc, "a record could not be written", err);
}

int db_raw_delete(struct txn *txn, const void *key, size_t len, struct err *err)
{
    MDB_val k = {len, (void *)(uintptr_t)key};
    int rc;

    drop_cursor(txn);
    rc = mdb_del(txn->lmdb, MAIN_DBI, &k, NULL);
    if (rc == MDB_NOTFOUND)
        return 0;
    txn->wrote = true;
    return rc == 0 ? 1 : txn_fail(txn, rc, "a record could not be removed", err);
}

int db_raw_near(struct txn *txn, enum db_raw_where where, const void *key, size_t len,
                struct db_raw_pair *pair, struct err *err)
{
    MDB_val k = {len, (void *)(uintptr_t)key}, v;
    int rc = 0;

    if (txn->cursor == NULL)
        rc = mdb_cursor_open(txn->lmdb, MAIN_DBI, &txn->cursor);
    if (rc == 0)
        rc = mdb_cursor_get(txn->cursor, &k, &v, MDB_SET_RANGE);
    if (where == DB_RAW_BEFORE && (rc == 0 || rc == MDB_NOTFOUND))
        rc = mdb_cursor_get(txn->cursor, &k, &v, rc == 0 ? MDB_PREV : MDB_LAST);
    else if (where == DB_RAW_AFTER && rc == 0 && k.mv_size == len &&
             memcmp(k.mv_data, key, len) == 0)
        rc = mdb_cursor_get(txn->cursor, &k, &v, MDB_NEXT);
    if (rc == MDB_NOTFOUND)
        return 0;
    if (rc != 0)
        return txn_fail(txn, rc, "records could not be walked", err);
    pair->key = k.mv_data;
    pair->key_len = k.mv_size;
    pair->value = v.mv_data;
    pair->value_len = v.mv_size;
    return 1;
}

uint64_t txn_number(const struct txn *txn)
{
    return mdb_txn_id(txn->lmdb);
}

int64_t db_write_held_ms(const struct db *db)
{
    return commit_queue_held_ms(db->env->queue);
}

/* The number that a read begun now would see. LMDB's own mdb_env_info reads it from the newest meta
 * page, which a committing writer shows before readers may use it: who read then and remembered
 * that number would miss the commit. So a reader is kept at hand, asleep, and woken for its number.
 */
uint64_t db_last_txn(struct db *db)
{
    struct db_raw_env *env = db->env;
    uint64_t number = 0;
    int rc;

    (void)pthread_mutex_lock(&env->last_lock);
    gate_enter(env);
    if (env->last == NULL)
        rc = mdb_txn_begin(env->lmdb, NULL, MDB_RDONLY, &env->last);
    else
        rc = mdb_txn_renew(env->last);
    if (rc == 0) {
        number = mdb_txn_id(env->last);
        mdb_txn_reset(env->last);
    }
    gate_leave(env);
    (void)pthread_mutex_unlock(&env->last_lock);
    return number;
}

int db_check_readers(struct db *db)
{
    int dead = 0;

    if (mdb_reader_check(db->env->lmdb, &dead) != 0)
        return 0;
    return dead;
}

/* Pages on the free list, from one snapshot. */
static int count_free_pages(struct txn *txn, uint64_t *pages, struct err *err)
{
    MDB_cursor *cursor;
    MDB_val key, data;
    int rc = mdb_cursor_open(txn->lmdb, FREE_DBI, &cursor);

    *pages = 0;
    if (rc != 0)
        return fail(err, rc, "the free list could not be read");
    while ((rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) == 0)
        if (data.mv_size >= sizeof(size_t))
            *pages += *(const size_t *)data.mv_data;
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : fail(err, rc, "the free list could not be read");
}

struct readers {
    struct db_reader *out;
    size_t most, count;
};

/* One line of LMDB's list of readers: pid, thread in hex, then the number of its snapshot or "-".
 * The lines around the list begin with no pid. */
static int see_reader(const char *line, void *arg)
{
    struct readers *r = arg;
    struct db_reader reader = {0};
    char *at, *end;

    if ((reader.pid = strtoull(line, &at, 10)) == 0)
        return 0;
    (void)strtoull(at, &at, 16);
    reader.txn = strtoull(at, &end, 10);
    reader.idle = end == at;
    if (r->count < r->most)
        r->out[r->count] = reader;
    r->count++;
    return 0;
}

int db_readers(struct db *db, struct db_reader *out, size_t most, struct err *err)
{
    struct readers r = {.out = out, .most = most};

    if (mdb_reader_list(db->env->lmdb, see_reader, &r) < 0)
        return err_set(err, ERR_INTERNAL, "store_error", "the readers could not be listed");
    return (int)(r.count < most ? r.count : most);
}

static int disk_free(const struct db *db, uint64_t *bytes, struct err *err)
{
    struct statvfs fs;

    if (statvfs(db->folder, &fs) == -1)
        return err_sys(err, "store_figures", errno, db->folder);
    *bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    return 0;
}

const char *db_version(void)
{
    return mdb_version(NULL, NULL, NULL);
}

int db_figures(struct db *db, struct db_figures *out, struct err *err)
{
    MDB_envinfo info = {0};
    MDB_stat stat = {0};
    uint64_t pages = 0;
    struct db_reader readers[DB_READERS];
    struct txn txn;
    int rc, result, count = db_readers(db, readers, DB_READERS, err);

    memset(out, 0, sizeof *out);
    if (count == -1)
        return -1;
    out->readers = (uint32_t)count;
    for (int i = 0; i < count; i++)
        if (!readers[i].idle &&
            (out->oldest_reader_txn == 0 || readers[i].txn < out->oldest_reader_txn))
            out->oldest_reader_txn = readers[i].txn;
    if (db_raw_begin(db, false, &txn, err) == -1)
        return -1;
    result = count_free_pages(&txn, &pages, err);
    if ((rc = mdb_env_info(db->env->lmdb, &info)) != 0 ||
        (rc = mdb_env_stat(db->env->lmdb, &stat)) != 0)
        result = fail(err, rc, "the store's figures could not be read");
    db_raw_abort(&txn);
    if (result == -1)
        return -1;
    out->map_bytes = info.me_mapsize;
    out->free_bytes = pages * stat.ms_psize;
    out->used_bytes = ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize;
    out->used_bytes -= out->free_bytes < out->used_bytes ? out->free_bytes : out->used_bytes;
    out->last_txn = info.me_last_txnid;
    out->readers_max = info.me_maxreaders;
    return disk_free(db, &out->disk_free_bytes, err);
}

int db_copy(struct db *db, int fd, struct err *err)
{
    int rc;

    gate_enter(db->env); /* it opens a transaction of its own */
    rc = mdb_env_copyfd2(db->env->lmdb, fd, MDB_CP_COMPACT);
    gate_leave(db->env);
    return rc == 0 ? 0 : fail(err, rc, "the store could not be copied");
}
