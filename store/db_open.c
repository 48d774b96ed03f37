/*
 * Stores come into being and are found again. Apart from db.c because this is about folders, modes
 * and names on the disk: a store is made aside and renamed, so that there is never half of one.
 */
#include "db_raw.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "crash.h"
#include "enc.h"
#include "file.h"
#include "str.h"
#include "value.h"

#define FOLDER_MODE 02770 /* the group shares the store, and owns what is made in it */
#define FILE_MODE   0660

/* File systems on which LMDB's locks or its memory map cannot be trusted: statfs(2)'s f_type. */
static const struct {
    uint32_t magic;
    const char *name;
} unfit[] = {
    {0x00006969, "NFS"},  {0x0000517b, "SMB"}, {0xff534d42, "CIFS"},  {0xfe534d42, "SMB2"},
    {0x65735546, "FUSE"}, {0x01021997, "9p"},  {0x00c36400, "Ceph"},  {0x5346414f, "AFS"},
    {0x73757245, "Coda"}, {0x0000564c, "NCP"}, {0x19830326, "FhGFS"},
};

static int check_file_system(const char *folder, struct err *err)
{
    struct statfs fs;

    if (statfs(folder, &fs) == -1 && errno == ENOENT)
        return err_set(err, ERR_NOT_FOUND, "store_missing", "there is no folder %s", folder);
    if (statfs(folder, &fs) == -1)
        return err_sys(err, "store_open", errno, folder);
    for (size_t i = 0; i < sizeof unfit / sizeof unfit[0]; i++)
        if ((uint32_t)fs.f_type == unfit[i].magic)
            return err_set(err, ERR_UNAVAILABLE, "store_not_local",
                           "%s lies on %s; the store needs a local file system", folder,
                           unfit[i].name);
    return 0;
}

void db_raw_own_key(struct key *key, char kind, const void *name, size_t len)
{
    key->data[0] = DB_RAW_OWN;
    key->data[1] = (uint8_t)kind;
    key->len = 2;
    if (len > KEY_MAX - key->len)
        len = KEY_MAX - key->len;
    memcpy(key->data + key->len, name, len);
    key->len += len;
}

/* One of the store's own records, whose payload is ${len} bytes. Return 1, 0 or -1. */
static int own_get(struct txn *txn, const struct key *key, uint8_t *payload, size_t len,
                   struct err *err)
{
    struct db_raw_pair pair;
    const uint8_t *found;
    const char *wrong;
    size_t found_len;
    uint8_t version;
    char name[KEY_TEXT_SIZE];
    struct err mine;
    int got = db_raw_get(txn, key->data, key->len, &pair, err);

    if (got != 1)
        return got;
    wrong =
        value_open(key->data, key->len, pair.value, pair.value_len, &version, &found, &found_len);
    if (wrong == NULL && (version != 1 || found_len != len))
        wrong = "a value of a wrong shape";
    if (wrong == NULL) {
        memcpy(payload, found, len);
        return 1;
    }
    key_text(NULL, key->data, key->len, name);
    (void)err_set(&mine, ERR_CORRUPT, "record_corrupt", "the store's own record %s: %s", name,
                  wrong);
    if (err != NULL)
        *err = mine;
    return db_raw_fail(txn, &mine);
}

static int own_put(struct txn *txn, const struct key *key, const uint8_t *payload, size_t len,
                   struct err *err)
{
    struct err mine;

    value_begin(&txn->value, 1);
    (void)buf_add(&txn->value, payload, len);
    if (value_end(&txn->value, key->data, key->len) == -1) {
        (void)err_set(&mine, ERR_UNAVAILABLE, "out_of_memory", "out of memory");
        if (err != NULL)
            *err = mine;
        return db_raw_fail(txn, &mine);
    }
    return db_raw_put(txn, key->data, key->len, txn->value.data, txn->value.len, err);
}

int db_raw_number(struct txn *txn, const struct key *key, uint64_t *n, struct err *err)
{
    uint8_t payload[8] = {0};

    if (own_get(txn, key, payload, sizeof payload, err) == -1)
        return -1;
    *n = enc_get64(payload);
    return 0;
}

int db_raw_set_number(struct txn *txn, const struct key *key, uint64_t n, struct err *err)
{
    uint8_t payload[8];

    enc_put64(payload, n);
    return own_put(txn, key, payload, sizeof payload, err);
}

int db_raw_schema(struct txn *txn, uint32_t *version, struct err *err)
{
    uint8_t payload[8];
    struct key key;
    int got;

    db_raw_own_key(&key, DB_RAW_SCHEMA, "", 0);
    if ((got = own_get(txn, &key, payload, sizeof payload, err)) == -1)
        return -1;
    if (got == 0 || enc_get32(payload) != DB_RAW_FORMAT)
        return err_set(err, ERR_CORRUPT, "store_foreign",
                       "the file is LMDB's, but not a store of this program");
    *version = enc_get32(payload + 4);
    return 0;
}

int db_raw_set_schema(struct txn *txn, uint32_t version, struct err *err)
{
    uint8_t payload[8];
    struct key key;

    db_raw_own_key(&key, DB_RAW_SCHEMA, "", 0);
    enc_put32(payload, DB_RAW_FORMAT);
    enc_put32(payload + 4, version);
    return own_put(txn, &key, payload, sizeof payload, err);
}

int db_raw_level(struct txn *txn, uint64_t *level, struct err *err)
{
    struct key key;

    db_raw_own_key(&key, DB_RAW_LEVEL, "", 0);
    return db_raw_number(txn, &key, level, err);
}

int db_raw_set_level(struct txn *txn, uint64_t level, struct err *err)
{
    struct key key;

    db_raw_own_key(&key, DB_RAW_LEVEL, "", 0);
    return db_raw_set_number(txn, &key, level, err);
}

int db_raw_newer(uint32_t theirs, uint32_t mine, uint64_t level, uint64_t my_level, struct err *err)
{
    if (theirs != mine)
        (void)err_set(err, ERR_PRECONDITION, "store_newer",
                      "the store is of version %u and this program knows up to %u",
                      (unsigned)theirs, (unsigned)mine);
    else
        (void)err_set(err, ERR_PRECONDITION, "store_newer",
                      "a newer program has written to the store (level %llu, this one knows %llu)",
                      (unsigned long long)level, (unsigned long long)my_level);
    return err_hint(err, "install the newer program again; or go back to the store from before, "
                         "without what came since: sett db copies, sett db back");
}

struct db *db_raw_handle(struct db_raw_env *env, const char *folder, const struct schema *schema,
                         struct err *err)
{
    struct db *db = calloc(1, sizeof *db);

    if (db == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "out_of_memory", "%s: out of memory", folder);
        return NULL;
    }
    db->env = env;
    db->schema = schema;
    if (str_copy(db->folder, sizeof db->folder, folder) == -1) {
        (void)err_sys(err, "store_open", ENAMETOOLONG, folder);
        free(db);
        return NULL;
    }
    env->settled = false; /* the folder may have another name by now */
    (void)pthread_mutex_lock(&env->gate);
    db->next = env->handles;
    env->handles = db;
    (void)pthread_mutex_unlock(&env->gate);
    return db;
}

void db_raw_release(struct db *db)
{
    struct db_raw_env *env;
    struct db **at;

    if (db == NULL)
        return;
    env = db->env;
    (void)pthread_mutex_lock(&env->gate);
    for (at = &env->handles; *at != NULL; at = &(*at)->next)
        if (*at == db) {
            *at = db->next;
            break;
        }
    (void)pthread_mutex_unlock(&env->gate);
    free(db);
}

static int set_mode(const char *folder, const char *name, mode_t mode, struct err *err)
{
    char path[DB_RAW_PATH];

    if (str_format(path, sizeof path, "%s%s", folder, name) == -1)
        return err_sys(err, "store_create", ENAMETOOLONG, folder);
    if (chmod(path, mode) == 0)
        return 0;
    /* Behind walls that forbid set-group-id it does without: who makes it is of that group. */
    if (errno == EPERM && (mode & S_ISGID) != 0 && chmod(path, mode & 0777) == 0)
        return 0;
    return err_sys(err, "store_create", errno, path);
}

int db_raw_aside(const char *folder, char aside[DB_RAW_PATH], struct err *err)
{
    char plain[DB_RAW_PATH];
    struct stat st;
    size_t len = strlen(folder);

    while (len > 1 && folder[len - 1] == '/')
        len--;
    if (str_copy_n(plain, sizeof plain, folder, len) == -1 ||
        str_format(aside, DB_RAW_PATH, "%s.new-XXXXXX", plain) == -1)
        return err_sys(err, "store_create", ENAMETOOLONG, folder);
    if (mkdtemp(aside) == NULL)
        return err_sys(err, "store_create", errno, aside);
    if (stat(folder, &st) == 0 && chown(aside, (uid_t)-1, st.st_gid) == -1 && errno != EPERM)
        return err_sys(err, "store_create", errno, aside);
    return set_mode(aside, "", FOLDER_MODE, err);
}

int db_raw_publish(const char *aside, const char *folder, struct err *err)
{
    char above[DB_RAW_PATH];

    if (set_mode(aside, "/data.mdb", FILE_MODE, err) == -1 ||
        set_mode(aside, "/lock.mdb", FILE_MODE, err) == -1 || file_sync_folder(aside, err) == -1)
        return -1;
    CP("store.create.aside");
    if (rename(aside, folder) ==
        -1) { /* it replaces an empty folder; one that holds anything stays */
        if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR)
            return err_set(err, ERR_CONFLICT, "store_exists", "something stands at %s already",
                           folder);
        return err_sys(err, "store_create", errno, folder);
    }
    CP("store.create.renamed");
    if (str_format(above, sizeof above, "%s/..", folder) == -1)
        return err_sys(err, "store_create", ENAMETOOLONG, folder);
    return file_sync_folder(above, err);
}

int db_raw_fill(const char *aside, const struct schema *schema, struct db **out, struct err *err)
{
    struct db_raw_env *env;
    struct txn txn;
    struct db *db;

    if (check_file_system(aside, err) == -1 || db_raw_env_create(aside, &env, err) == -1)
        return -1;
    if ((db = db_raw_handle(env, aside, schema, err)) == NULL)
        return -1;
    if (db_raw_begin(db, true, &txn, err) == -1)
        goto failed;
    if (db_raw_set_schema(&txn, schema->version, err) == -1 ||
        db_raw_set_level(&txn, schema_level(schema), err) == -1) {
        db_raw_abort(&txn);
        goto failed;
    }
    if (db_raw_commit(&txn, err) == -1)
        goto failed;
    *out = db;
    return 0;
failed:
    db_raw_release(db);
    return -1;
}

int db_create(const char *folder, const struct schema *schema, struct err *err)
{
    char aside[DB_RAW_PATH], path[DB_RAW_PATH];
    struct db *db = NULL;
    int result;

    if (schema_check(schema, err) == -1)
        return -1;
    if (str_format(path, sizeof path, "%s/data.mdb", folder) == -1)
        return err_sys(err, "store_create", ENAMETOOLONG, folder);
    if (file_exists(path))
        return err_set(err, ERR_CONFLICT, "store_exists", "there is a store in %s already", folder);
    if (db_raw_aside(folder, aside, err) == -1)
        return -1;
    result = db_raw_fill(aside, schema, &db, err);
    if (result == 0)
        result = db_raw_publish(aside, folder, err);
    db_raw_release(db);
    if (result == -1)
        (void)file_remove_tree(aside, NULL);
    return result;
}

static int raise_level(struct txn *txn, void *arg, struct err *err)
{
    const uint64_t *mine = arg;
    uint64_t level;

    if (db_raw_level(txn, &level, err) == -1)
        return -1;
    return level < *mine ? db_raw_set_level(txn, *mine, err) : 0;
}

/* Before this program may write what an older one cannot read, the store says so. On a full disk it
 * will not write such a thing either. */
static int note_level(struct db *db, uint64_t mine, struct err *err)
{
    struct err why;

    if (db_write(db, raise_level, &mine, &why) == 0 || why.kind == ERR_FULL ||
        str_equal(why.code, "store_on_trial"))
        return 0;
    if (err != NULL)
        *err = why;
    return -1;
}

static int check_version(struct db *db, struct err *err)
{
    uint64_t level = 0, my_level = schema_level(db->schema);
    uint32_t mine = db->schema->version, theirs = 0;
    struct txn txn;
    int result;

    if (db_raw_begin(db, false, &txn, err) == -1)
        return -1;
    result = db_raw_schema(&txn, &theirs, err);
    if (result == 0)
        result = db_raw_level(&txn, &level, err);
    db_raw_abort(&txn);
    if (result == -1)
        return -1;
    if (theirs > mine || (theirs == mine && level > my_level))
        return db_raw_newer(theirs, mine, level, my_level, err);
    if (theirs == mine)
        return level < my_level ? note_level(db, my_level, err) : 0;
    (void)err_set(err, ERR_PRECONDITION, "store_needs_migration",
                  "the store is of version %u and this program needs %u", (unsigned)theirs,
                  (unsigned)mine);
    return err_hint(err, "run its migrations first: sett db migrate");
}

int db_raw_open(const char *folder, const struct schema *schema, struct db **out, struct err *err)
{
    struct db_raw_env *env;

    if (schema_check(schema, err) == -1 || check_file_system(folder, err) == -1 ||
        db_raw_env_open(folder, &env, err) == -1)
        return -1;
    /* The lock file is made by whoever comes first; the others of the group must be able to open it
     * whatever that one's umask was. Only its owner can do this, and need. */
    (void)set_mode(folder, "/lock.mdb", FILE_MODE, NULL);
    *out = db_raw_handle(env, folder, schema, err);
    return *out == NULL ? -1 : 0;
}

int db_open(struct db **out, const char *folder, const struct schema *schema, struct err *err)
{
    struct db *db;

    *out = NULL;
    if (db_raw_open(folder, schema, &db, err) == -1)
        return -1;
    if (check_version(db, err) == -1) {
        db_raw_release(db);
        return -1;
    }
    (void)db_check_readers(db);
    *out = db;
    return 0;
}
