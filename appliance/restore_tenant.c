/*
 * Tenants out of a snapshot. Apart from the restore of a box because this one runs: whatever is
 * changed, its own operations and jobs change it, started through the command line like anybody's.
 */
#include "restore_tenant.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "customer.h"
#include "file.h"
#include "folder.h"
#include "json_in.h"
#include "restore_line.h"
#include "restore_record.h"
#include "schema.h"
#include "setting.h"
#include "str.h"
#include "tenant.h"

#define TENANTS_MOST 256
#define WORDS_MOST   16
#define ANSWER_MAX   (1u << 20)
#define RESERVE      (UINT64_C(256) << 20)

extern char **environ;

struct chosen {
    struct tenant tenants[TENANTS_MOST];
    size_t count;
    bool database[TENANTS_MOST]; /* whether it has one */
    char box_id[ID_SIZE];
};

/* ---- which ---- */

static int has_database(struct txn *txn, const struct tenant *t, bool *out, struct err *err)
{
    char name[96];
    int got;

    (void)str_format(name, sizeof name, "database:%s", t->id);
    got = secret_exists(txn, name, err);
    *out = got == 1;
    return got == -1 ? -1 : 0;
}

static bool is_it(const struct tenant *t, const char *word)
{
    char number[24];

    (void)str_format(number, sizeof number, "%llu", (unsigned long long)t->number);
    return t->state != TENANT_DELETED &&
           (str_equal(t->id, word) || str_equal(number, word) || str_equal(t->subdomain, word));
}

static int customer_of(struct txn *txn, const char *word, char id[ID_SIZE], struct err *err)
{
    struct customer customer = {0};
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &customer_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &customer, err)) == 1)
        if (str_equal(customer.id, word) || str_equal(customer.name, word))
            return str_copy(id, ID_SIZE, customer.id);
    return got == -1
               ? -1
               : err_set(err, ERR_NOT_FOUND, "customer_not_found", "there is no customer %s", word);
}

static int choose_in(struct txn *txn, const struct restore_tenants *which, struct chosen *out,
                     struct err *err)
{
    struct tenant tenant = {0};
    char customer[ID_SIZE] = "";
    struct scan scan;
    int got;

    if (setting_text(txn, NULL, "box.id", out->box_id, sizeof out->box_id, err) == -1 ||
        (which->customer != NULL && customer_of(txn, which->customer, customer, err) == -1) ||
        scan_start(&scan, txn, &tenant_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &tenant, err)) == 1) {
        bool wanted = which->customer != NULL ? tenant.state != TENANT_DELETED &&
                                                    str_equal(tenant.customer_id, customer)
                                              : is_it(&tenant, which->tenant);
        if (wanted && out->count == TENANTS_MOST)
            return err_set(err, ERR_TOO_LARGE, "too_many", "more than %d tenants", TENANTS_MOST);
        if (wanted && has_database(txn, &tenant, &out->database[out->count], err) == -1)
            return -1;
        if (wanted)
            out->tenants[out->count++] = tenant;
    }
    if (got == 0 && out->count == 0)
        return err_set(err, ERR_NOT_FOUND, "tenant_not_found", "there is no such tenant here");
    return got;
}

/* The box's store is read before root is needed for anything, and its rights are kept. */
static int choose(struct cli *cli, const struct restore_tenants *which, struct chosen *out,
                  struct err *err)
{
    struct txn *txn;
    struct db *db;
    int rc;

    memset(out, 0, sizeof *out);
    if (hold_try(&cli->paths, &cli->hold, err) == -1 ||
        db_open(&db, cli->paths.db, &sett_schema, err) == -1 || db_read(&txn, db, err) == -1)
        return -1;
    rc = choose_in(txn, which, out, err);
    db_read_end(txn);
    return rc;
}

/* ---- the command line ---- */

/* Run sett with ${words}; its standard output is appended to ${out}. Return 0 or -1. */
static int sett(const struct cli *cli, const char *const *words, struct buf *out, struct err *err)
{
    char path[PATHS_SIZE + 16], block[4096], *argv[WORDS_MOST];
    posix_spawn_file_actions_t actions;
    int ends[2], n = 0, rc, status = 0;
    ssize_t got;
    pid_t pid;

    (void)str_format(path, sizeof path, "%s/sett", cli->programs);
    if (!file_exists(path))
        (void)str_copy(path, sizeof path, "/usr/bin/sett");
    argv[n++] = path;
    if (cli->paths.root[0] != '\0') {
        argv[n++] = (char *)(uintptr_t) "--root";
        argv[n++] = (char *)(uintptr_t)cli->paths.root;
    }
    for (; *words != NULL && n + 1 < WORDS_MOST; words++)
        argv[n++] = (char *)(uintptr_t)*words;
    argv[n] = NULL;
    if (pipe2(ends, O_CLOEXEC) == -1)
        return err_sys(err, "pipe", errno, path);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    rc = posix_spawn(&pid, path, &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    while (rc == 0 && (got = read(ends[0], block, sizeof block)) > 0)
        (void)buf_add(out, block, (size_t)got);
    (void)close(ends[0]);
    if (rc != 0)
        return err_sys(err, "spawn", rc, path);
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
        continue;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    return err_set(err, ERR_CONFLICT, "job_failed", "sett %s %s did not end well", words[-2],
                   words[-1]);
}

/* A job of its, from start to end: ${how} is "--back" or "--commit", each as ${yes} says. */
static int run_job(const struct cli *cli, const char *id, const char *how, bool yes,
                   struct err *err)
{
    const char *words[] = {"--wait", "tenant", "restore", how, yes ? "true" : "false", id, NULL};
    struct buf out;
    int rc;

    buf_init(&out, ANSWER_MAX);
    rc = sett(cli, words, &out, err);
    buf_free(&out);
    if (rc == -1)
        return err_hint(err, "the job went back by itself: sett job list tells why");
    return 0;
}

/* ---- a new one for the data ---- */

/* A tenant like ${like}, called ${name}, running: its id and number. */
static int create(const struct cli *cli, const struct tenant *like, const char *name,
                  char id[ID_SIZE], uint64_t *number, struct err *err)
{
    const char *make[] = {"--wait", "--quiet", "tenant",      "create",
                          name,     "--plan",  like->plan_id, NULL};
    const char *show[] = {"--json", "tenant", "show", name, NULL};
    struct cJSON *json = NULL;
    struct buf out;
    int rc;

    buf_init(&out, ANSWER_MAX);
    rc = sett(cli, make, &out, err);
    buf_reset(&out);
    if (rc == 0 && (rc = sett(cli, show, &out, err)) == 0 &&
        (json = json_parse(out.data, out.len, &json_limits_api, err)) == NULL)
        rc = -1;
    if (rc == 0) {
        *number = (uint64_t)json_i64(json, "number", 0);
        rc = str_copy(id, ID_SIZE, json_text(json, "id", ""));
    }
    json_free(json);
    buf_free(&out);
    return rc;
}

/* ---- one ---- */

static void names(const struct paths *p, uint64_t number, char place[PATHS_SIZE + 32],
                  char waiting[PATHS_SIZE + 48], char kept[PATHS_SIZE + 48])
{
    unsigned long long n = number;

    (void)str_format(place, PATHS_SIZE + 32, "%s/%llu", p->tenants, n);
    (void)str_format(waiting, PATHS_SIZE + 48, "%s/.restored-%llu", p->tenants, n);
    (void)str_format(kept, PATHS_SIZE + 48, "%s/.before-%llu", p->tenants, n);
}

/* Folder and volumes get the owner that this box gives tenant ${to}: the one of ${from} had its
 * own. What belongs to users within a container stays theirs. */
static int dress(const char *path, const char *from, const char *to, struct err *err)
{
    struct stat was, is;

    if (geteuid() != 0 || stat(from, &was) == -1 || stat(to, &is) == -1)
        return 0;
    if (chown(path, was.st_uid, was.st_gid) == -1)
        return err_sys(err, "restore_owner", errno, path);
    if (chmod(path, is.st_mode & 0777) == -1)
        return err_sys(err, "restore_owner", errno, path);
    if (was.st_uid == is.st_uid || was.st_uid == 0)
        return 0;
    return folder_give(path, is.st_uid, is.st_gid, err);
}

/* What of a tenant is in the snapshot. */
struct piece {
    struct unpack_figures figures;
    bool database; /* there is, and must be, a dump */
    uint64_t dump_bytes;
};

static void dump_names(const struct paths *p, const char *staging, uint64_t from, uint64_t to,
                       char staged[PATHS_SIZE + 96], char waiting[PATHS_SIZE + 48])
{
    (void)str_format(staged, PATHS_SIZE + 96, "%s/.data/databases/%llu", staging,
                     (unsigned long long)from);
    (void)str_format(waiting, PATHS_SIZE + 48, "%s/.restored-%llu", p->databases,
                     (unsigned long long)to);
}

/* Its database's dump to where the worker looks for it, which is the worker's alone. */
static int place_dump(const struct paths *p, const char *staged, const char *waiting,
                      struct err *err)
{
    struct stat box;

    if (file_mkdirs(p->databases, 0700, err) == -1)
        return -1;
    if (geteuid() == 0 &&
        (stat(p->db, &box) == -1 || chown(p->databases, box.st_uid, box.st_gid) == -1 ||
         chown(staged, box.st_uid, box.st_gid) == -1))
        return err_sys(err, "restore_owner", errno, staged);
    if (chmod(staged, 0600) == -1 || rename(staged, waiting) == -1)
        return err_sys(err, "restore_place", errno, waiting);
    return file_sync_folder(p->databases, err);
}

/* A tenant that keeps no files has an empty folder. */
static int need_staged(const char *staging, const char *staged, struct err *err)
{
    char above[PATHS_SIZE + 32];

    (void)str_format(above, sizeof above, "%s/.data/tenants", staging);
    return file_exists(staged)                                                           ? 0
           : file_mkdirs(above, 0700, err) == -1 || file_mkdirs(staged, 0700, err) == -1 ? -1
                                                                                         : 0;
}

/* Files without the database that they belong to are of no use, nor the other way round. */
static int check_dump(struct piece *piece, uint64_t from, const char *dump, struct err *err)
{
    struct stat st;
    bool there = stat(dump, &st) == 0;

    if (there)
        piece->dump_bytes = (uint64_t)st.st_size;
    return piece->database == there
               ? 0
               : err_set(err, ERR_CONFLICT, there ? "no_database" : "no_dump",
                         there ? "the snapshot has a dump of a database that tenant %llu has not"
                               : "tenant %llu has a database, of which the snapshot has no dump",
                         (unsigned long long)from);
}

/* Its part of the snapshot, whole and checked, to where hands and worker look for it: files and
 * dump, of one snapshot both. */
static int unpack_one(struct cli *cli, const struct chain *source,
                      const struct restore_secret *secret, uint64_t from, uint64_t to,
                      struct piece *piece, struct err *err)
{
    const struct paths *p = &cli->paths;
    char staging[PATHS_SIZE], unit[64], staged[PATHS_SIZE + 96], place[PATHS_SIZE + 32],
        waiting[PATHS_SIZE + 48], kept[PATHS_SIZE + 48], was[PATHS_SIZE + 32],
        dump[PATHS_SIZE + 96], dump_waiting[PATHS_SIZE + 48];
    struct restore_line line = {.cli = cli, .began_ms = clock_mono_ms()};
    struct restore_stage stage = {.folder = staging,
                                  .only = unit,
                                  .own = geteuid() == 0,
                                  .user = p->root[0] == '\0' ? "sett-restore" : NULL,
                                  .reserve = RESERVE,
                                  .progress = restore_line_draw,
                                  .arg = &line};
    int rc;

    names(p, from, was, waiting, kept);
    names(p, to, place, waiting, kept);
    if (file_exists(kept)) {
        (void)err_set(err, ERR_CONFLICT, "not_committed",
                      "what tenant %llu had before an earlier restore is still kept",
                      (unsigned long long)to);
        return err_hint(err, "sett restore commit --tenant %llu, or rollback",
                        (unsigned long long)to);
    }
    (void)str_format(unit, sizeof unit, "databases/%llu\ntenants/%llu", (unsigned long long)from,
                     (unsigned long long)from);
    if (restore_staging(p, staging, err) == -1)
        return -1;
    rc = restore_stage(source, secret, &stage, &piece->figures, err);
    progress_clear(&line.line);
    if (rc == -1)
        return -1;
    (void)str_format(staged, sizeof staged, "%s/.data/tenants/%llu", staging,
                     (unsigned long long)from);
    dump_names(p, staging, from, to, dump, dump_waiting);
    if (!file_exists(staged) && !file_exists(dump))
        return err_set(err, ERR_NOT_FOUND, "not_in_snapshot",
                       "the snapshot holds nothing of tenant %llu", (unsigned long long)from);
    if (check_dump(piece, from, dump, err) == -1)
        return -1;
    if (cli->dry_run)
        return 0;
    if (need_staged(staging, staged, err) == -1 || dress(staged, was, place, err) == -1 ||
        file_remove_tree(waiting, err) == -1)
        return -1;
    if (unlink(dump_waiting) == -1 && errno != ENOENT)
        return err_sys(err, "restore_place", errno, dump_waiting);
    if (piece->database && place_dump(p, dump, dump_waiting, err) == -1)
        return -1;
    return rename(staged, waiting) == 0 ? file_sync_folder(p->tenants, err)
                                        : err_sys(err, "restore_place", errno, waiting);
}

/* What it would be, had it not been --dry-run. */
static void tell_dry(const struct cli *cli, const struct tenant *tenant, const char *as,
                     const struct piece *piece)
{
    uint64_t files = piece->figures.files + piece->figures.kept;
    uint64_t bytes = piece->figures.bytes + piece->figures.kept_bytes;
    char database[160] = "";

    if (piece->database)
        (void)str_format(database, sizeof database,
                         "; its database from a dump of %.1f MiB, without what was written since",
                         (double)piece->dump_bytes / 1048576.0);
    if (cli->output == CLI_JSON)
        printf("{\"object\":\"restore\",\"state\":\"checked\",\"tenant\":\"%s\",\"files\":%llu,"
               "\"bytes\":%llu,\"databases\":%d}\n",
               tenant->id, (unsigned long long)files, (unsigned long long)bytes, piece->database);
    else if (as != NULL)
        printf("A new tenant %s would get what %s had: %llu files, %.1f MiB, whole and checked%s\n",
               as, tenant->subdomain, (unsigned long long)files, (double)bytes / 1048576.0,
               database);
    else
        printf(
            "%s would have %llu files, %.1f MiB, whole and checked, in the place of what it has%s; "
            "that is kept until committed\n",
            tenant->subdomain, (unsigned long long)files, (double)bytes / 1048576.0, database);
}

static int restore_one(struct cli *cli, const struct chain *source,
                       const struct restore_secret *secret, const struct tenant *tenant,
                       bool database, const char *as, struct err *err)
{
    uint64_t number = tenant->number;
    struct piece piece = {.database = database};
    char id[ID_SIZE];
    struct err why;
    int rc;

    (void)str_copy(id, sizeof id, tenant->id);
    if (as != NULL && !cli->dry_run && create(cli, tenant, as, id, &number, err) == -1)
        return -1;
    rc = unpack_one(cli, source, secret, tenant->number, number, &piece, err);
    (void)restore_tidy(&cli->paths, &why);
    if (rc == 0 && cli->dry_run) {
        tell_dry(cli, tenant, as, &piece);
        return 0;
    }
    if (rc == -1 || run_job(cli, id, "--back", false, err) == -1)
        return -1;
    printf("%s has what %s had in the snapshot; what it had itself is kept until:\n"
           "  sett restore commit --tenant %s   (or: rollback)\n",
           as == NULL ? tenant->subdomain : as, tenant->subdomain, id);
    return 0;
}

int restore_tenants(struct cli *cli, const struct chain *source,
                    const struct restore_secret *secret, const struct restore_tenants *which,
                    struct err *err)
{
    static struct chosen chosen;

    if (choose(cli, which, &chosen, err) == -1)
        return -1;
    if (!str_equal(source->files[0].header.box_id, chosen.box_id))
        return err_set(err, ERR_CONFLICT, "another_box",
                       "the snapshot is another box's: its tenants are not this one's");
    if (which->as != NULL && chosen.count != 1)
        return err_field(err, "as", "usage", "--as is for one tenant");
    for (size_t i = 0; i < chosen.count; i++)
        if (restore_one(cli, source, secret, &chosen.tenants[i], chosen.database[i], which->as,
                        err) == -1)
            return -1;
    return 0;
}

/* ---- afterwards ---- */

static int find(struct cli *cli, const char *tenant, struct tenant *out, struct err *err)
{
    static struct chosen chosen;
    const struct restore_tenants which = {.tenant = tenant};

    if (choose(cli, &which, &chosen, err) == -1)
        return -1;
    *out = chosen.tenants[0];
    return 0;
}

int restore_tenant_commit(struct cli *cli, const char *tenant, struct err *err)
{
    char place[PATHS_SIZE + 32], waiting[PATHS_SIZE + 48], kept[PATHS_SIZE + 48],
        dump[PATHS_SIZE + 96], dump_waiting[PATHS_SIZE + 48];
    struct tenant t;

    if (find(cli, tenant, &t, err) == -1)
        return -1;
    names(&cli->paths, t.number, place, waiting, kept);
    dump_names(&cli->paths, "", t.number, t.number, dump, dump_waiting);
    if (!file_exists(kept) && !file_exists(waiting) && t.database_kept == 0)
        return err_set(err, ERR_NOT_FOUND, "nothing_before", "there is nothing to commit");
    if (t.database_kept != 0 && run_job(cli, t.id, "--commit", true, err) == -1)
        return -1;
    (void)unlink(dump_waiting);
    if (file_remove_tree(kept, err) == -1 || file_remove_tree(waiting, err) == -1)
        return -1;
    printf("What %s had before its restore is gone.\n", t.subdomain);
    return 0;
}

int restore_tenant_back(struct cli *cli, const char *tenant, struct err *err)
{
    char place[PATHS_SIZE + 32], waiting[PATHS_SIZE + 48], kept[PATHS_SIZE + 48];
    struct tenant t;

    if (find(cli, tenant, &t, err) == -1)
        return -1;
    names(&cli->paths, t.number, place, waiting, kept);
    if (!file_exists(kept))
        return err_set(err, ERR_NOT_FOUND, "nothing_before", "there is no restore to take back");
    if (file_remove_tree(waiting, err) == -1 || run_job(cli, t.id, "--back", true, err) == -1)
        return -1;
    if (file_remove_tree(waiting, err) == -1)
        return -1;
    printf("%s has again what it had before its restore.\n", t.subdomain);
    return 0;
}
