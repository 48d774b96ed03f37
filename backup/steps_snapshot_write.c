/*
 * The outside's side of a snapshot as far as this machine goes: it is written beside the vaults,
 * read back as whoever restores it would, and cleared away once it is in them.
 */
#include "steps_snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"
#include "crash.h"
#include "create.h"
#include "dump_tenant.h"
#include "enc.h"
#include "file.h"
#include "identity.h"
#include "quiet_tenant.h"
#include "room.h"
#include "schema.h"
#include "sign.h"
#include "snapshot.h"
#include "str.h"
#include "tenant.h"
#include "tenant_records.h"
#include "verify.h"

#define LIST_FIRST 256
#define NICE       10 /* of who makes it */

struct writing {
    struct step_call *call;
    struct backup_world *world;
    const struct paths *paths;
    struct seal_header header;
    uint8_t file_key[32], sign_key[64];
    char path[PATHS_SIZE + 160], catalog_path[PATHS_SIZE + 160];
    struct catalog *base;
    FILE *base_file, *catalog;
    int fd;
    struct quiet_tenant quiet;
    struct create_figures figures;
};

enum outcome steps_snapshot_outcome(const struct err *err)
{
    switch (err->kind) {
    case ERR_NETWORK:
    case ERR_TIMEOUT:
    case ERR_UNAVAILABLE:
        return OUTCOME_AGAIN;
    default:
        return OUTCOME_FAIL;
    }
}

void steps_snapshot_path(char out[PATHS_SIZE + 160], const struct paths *paths,
                         const struct kv *facts, const char *end)
{
    (void)str_format(out, PATHS_SIZE + 160, "%s/%s%s", paths->snapshots,
                     kv_get_or(facts, SNAP_FILE, "-"), end);
}

/* The catalog of one that is on its way: it becomes the catalog when all vaults have it. */
static void catalog_part(char out[PATHS_SIZE + 160], const struct paths *paths,
                         const struct kv *facts)
{
    (void)str_format(out, PATHS_SIZE + 160, "%s/%s.part", paths->catalog,
                     kv_get_or(facts, SNAP_FILE, "-"));
}

void steps_snapshot_catalog(char out[PATHS_SIZE + 64], const struct paths *paths,
                            const char *tenant_id)
{
    (void)str_format(out, PATHS_SIZE + 64, "%s/%s", paths->catalog,
                     tenant_id[0] == '\0' ? "box" : tenant_id);
}

/* ---- the header ---- */

static int read_recipients(struct txn *txn, struct seal_header *h, struct err *err)
{
    struct seal_recipient *to;
    struct recipient r;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &recipient_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &r, err)) == 1) {
        if (h->recipient_count == SEAL_RECIPIENTS)
            return err_set(err, ERR_QUOTA, "too_many_recipients",
                           "a snapshot has at most %d recovery keys", SEAL_RECIPIENTS);
        to = &h->recipients[h->recipient_count++];
        to->kind = r.passes == 0 ? SEAL_TO_KEY : SEAL_TO_PASSPHRASE;
        memcpy(to->salt, r.salt, sizeof to->salt);
        to->passes = r.passes;
        to->memory_kib = r.memory_kib;
        if (identity_public_parse(r.key, to->public_key, err) == -1)
            return -1;
    }
    if (got == 0 && h->recipient_count == 0)
        return err_set(err, ERR_PRECONDITION, "no_recovery_key", "there is no recovery key");
    return got;
}

/* Of the facts; what it builds on is decided where the catalog is seen. */
static int fill_header(struct writing *w, struct err *err)
{
    const struct kv *f = w->call->facts;
    const char *tenant = kv_get_or(&w->call->job->args, "tenant_id", "");
    const char *previous = kv_get(f, SNAP_PREVIOUS);
    struct seal_header *h = &w->header;
    struct txn *txn;
    int rc;

    h->number = kv_get_u64(f, SNAP_NUMBER, 0);
    h->created_at = (int64_t)kv_get_u64(f, SNAP_CREATED, 0);
    h->chunk = SEAL_CHUNK;
    h->schema = sett_schema.version;
    h->layout = 1;
    (void)str_copy(h->made_by, sizeof h->made_by, "sett " SETT_VERSION);
    if (tenant[0] == '\0')
        (void)str_copy(h->scope, sizeof h->scope, "box");
    else
        (void)str_format(h->scope, sizeof h->scope, "tenant %s", tenant);
    h->has_previous = previous != NULL;
    if (enc_unhex(h->id, sizeof h->id, kv_get_or(f, SNAP_UID, "")) == -1 ||
        str_copy(h->box_id, sizeof h->box_id, kv_get_or(f, SNAP_BOX, "")) == -1 ||
        (previous != NULL && enc_unhex(h->previous, sizeof h->previous, previous) == -1))
        return err_set(err, ERR_INTERNAL, "snapshot_facts", "the snapshot's facts are not whole");
    if (enc_unhex(w->file_key, sizeof w->file_key, kv_get_or(w->call->secret, SNAP_SECRET, "")) ==
        -1)
        return err_set(err, ERR_INTERNAL, "snapshot_key", "the snapshot's key is not there");
    if (db_read(&txn, w->world->context->db, err) == -1)
        return -1;
    rc = read_recipients(txn, h, err);
    db_read_end(txn);
    return rc;
}

/* The catalog of what it is to build on, if there is one and it is that one's. */
static int open_base(struct writing *w, struct err *err)
{
    const struct kv *f = w->call->facts;
    struct seal_header *h = &w->header;
    char path[PATHS_SIZE + 64];

    if (kv_get(f, SNAP_BASE) == NULL ||
        enc_unhex(h->base_id, sizeof h->base_id, kv_get_or(f, SNAP_BASE_UID, "")) == -1 ||
        enc_unhex(h->base_hash, sizeof h->base_hash, kv_get_or(f, SNAP_BASE_HASH, "")) == -1)
        return 0;
    steps_snapshot_catalog(path, w->paths, kv_get_or(&w->call->job->args, "tenant_id", ""));
    if ((w->base_file = fopen(path, "re")) == NULL)
        return 0;
    if ((w->base = calloc(1, sizeof *w->base)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the catalog");
    if (catalog_open(w->base, w->base_file, err) == -1) {
        free(w->base); /* it may be lost, so it may be damaged: then this one is whole */
        w->base = NULL;
        err_clear(err);
        return 0;
    }
    h->incremental = memcmp(w->base->id, h->base_id, sizeof h->base_id) == 0 &&
                     memcmp(w->base->hash, h->base_hash, sizeof h->base_hash) == 0;
    if (!h->incremental) {
        free(w->base);
        w->base = NULL;
    }
    return 0;
}

/* ---- what goes in ---- */

/* Numbers of the tenants that there are now. */
static int list_tenants(void *arg, uint64_t **numbers, size_t *count, struct err *err)
{
    struct writing *w = arg;
    const char *only = kv_get_or(&w->call->job->args, "tenant_id", "");
    struct tenant tenant;
    struct scan scan;
    struct txn *txn;
    size_t room = 0;
    int got;

    *count = 0;
    if (db_read(&txn, w->world->context->db, err) == -1)
        return -1;
    if ((got = scan_start(&scan, txn, &tenant_table, NULL, NULL, 0, false, err)) == 0)
        while ((got = scan_next(&scan, &tenant, err)) == 1) {
            uint64_t *more;
            if (tenant.state == TENANT_DELETED || (only[0] != '\0' && !str_equal(tenant.id, only)))
                continue;
            if (*count == room) {
                room = room == 0 ? LIST_FIRST : 2 * room;
                if ((more = reallocarray(*numbers, room, sizeof **numbers)) == NULL) {
                    got = err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for tenants");
                    break;
                }
                *numbers = more;
            }
            (*numbers)[(*count)++] = tenant.number;
        }
    db_read_end(txn);
    return got;
}

static int dump(void *arg, uint64_t number, int fd, struct err *err)
{
    const struct writing *w = arg;

    return dump_tenant(w->world, number, fd, err);
}

static int records(void *arg, int fd, char blueprint[32], struct err *err)
{
    const struct writing *w = arg;

    return tenant_records(w->world, kv_get_or(&w->call->job->args, "tenant_id", ""), fd, blueprint,
                          err);
}

static int leave_out(void *arg, uint64_t number, char blueprint[32], struct err *err)
{
    struct writing *w = arg;

    return quiet_tenant_blueprint(&w->quiet, number, blueprint, err);
}

static int quiet(void *arg, uint64_t number, bool begin, struct err *err)
{
    struct writing *w = arg;
    int rc = begin ? quiet_tenant_begin(&w->quiet, number, err) : quiet_tenant_end(&w->quiet, err);

    CP("snapshot.quiet");
    return rc;
}

static int tell(void *arg, uint64_t bytes, struct err *err)
{
    const struct writing *w = arg;

    CP("snapshot.block");
    return backup_progress_add(w->world, bytes, err);
}

/* As much as the one before took; of an increment that says nothing. */
static int check_room(const struct writing *w, struct err *err)
{
    uint64_t want = w->header.incremental ? 0 : kv_get_u64(w->call->facts, SNAP_ROOM, 0);
    struct db_figures store;

    if (db_figures(w->world->context->db, &store, err) == -1)
        return -1;
    return room_check(w->paths->snapshots, want + store.used_bytes, "a snapshot", err);
}

static int make(struct writing *w, struct err *err)
{
    struct chunk_file file = {.fd = w->fd, .path = w->path};
    struct chunk_sink to;
    struct create_order order = {
        .db = w->world->context->db,
        .paths = w->paths,
        .header = &w->header,
        .file_key = w->file_key,
        .signing_key = w->sign_key,
        .sink = &to,
        .list = list_tenants,
        .scratch = w->paths->snapshots,
        .base = w->base,
        .catalog = w->catalog,
        .dump = dump,
        .records = kv_get(&w->call->job->args, "tenant_id") == NULL ? NULL : records,
        .blueprint = leave_out,
        .quiet = quiet,
        .progress = tell,
        .arg = w,
    };

    chunk_sink_file(&to, &file);
    backup_progress_begin(w->world, w->call->job->id, "write",
                          kv_get_u64(w->call->facts, SNAP_ESTIMATE, 0));
    if (create_snapshot(&order, &w->figures, err) == -1)
        return -1;
    CP("snapshot.written");
    return fsync(w->fd) == 0 ? 0 : err_sys(err, "snapshot_write", errno, w->path);
}

/* As a restore would, with the key that is still in memory. */
static int read_back(struct writing *w, struct err *err)
{
    const struct section_figures *t = &w->figures.tenants, *c = &w->figures.control;
    struct verify_keys keys = {.file_key = w->file_key};
    struct verify_report r;

    if (lseek(w->fd, 0, SEEK_SET) == -1)
        return err_sys(err, "snapshot_read", errno, w->path);
    backup_progress_begin(w->world, w->call->job->id, "verify", c->bytes + t->bytes);
    if (verify_file(w->fd, &keys, NULL, &r, tell, w, err) == -1)
        return -1;
    if (memcmp(r.header.hash, w->header.hash, SEAL_HASH) != 0 || r.length != w->figures.length ||
        r.control.files + r.control.links != c->files + c->links ||
        r.tenants.files + r.tenants.kept + r.tenants.links != t->files + t->links)
        return err_set(err, ERR_CORRUPT, "snapshot_differs",
                       "what was read back of the snapshot is not what was written");
    CP("snapshot.verified");
    return 0;
}

static int note_figures(struct writing *w, int64_t took_ms, struct err *err)
{
    const struct section_figures *c = &w->figures.control, *t = &w->figures.tenants;
    struct kv *f = w->call->facts;
    char hash[2 * SEAL_HASH + 1];

    enc_hex(hash, w->header.hash, SEAL_HASH);
    kv_unset(f, SNAP_BUILT);
    kv_unset(f, SNAP_TROUBLED);
    if (kv_set(f, SNAP_HASH, hash) == -1 || kv_set_u64(f, SNAP_BYTES, w->figures.length) == -1 ||
        kv_set_u64(f, SNAP_FILES, c->files + t->files) == -1 ||
        kv_set_u64(f, SNAP_KEPT, t->kept) == -1 ||
        kv_set_u64(f, SNAP_CHANGED, c->changed + t->changed) == -1 ||
        kv_set_u64(f, SNAP_SKIPPED, c->skipped + t->skipped) == -1 ||
        kv_set_u64(f, SNAP_SOURCE, c->bytes + t->bytes) == -1 ||
        kv_set_u64(f, SNAP_TENANTS, w->figures.tenant_count) == -1 ||
        kv_set_u64(f, SNAP_TOOK, (uint64_t)took_ms) == -1 ||
        (w->quiet.troubled > 0 && (kv_set_u64(f, SNAP_TROUBLED, w->quiet.troubled) == -1 ||
                                   kv_set(f, SNAP_TROUBLE, w->quiet.trouble) == -1)) ||
        (w->header.incremental && kv_set(f, SNAP_BUILT, "1") == -1))
        return err_set(err, ERR_TOO_LARGE, "facts_full", "the job's facts are full");
    (void)str_format(w->call->note, sizeof w->call->note,
                     "%s: %llu files, %llu of them as before, %llu bytes%s%s",
                     w->header.incremental ? "incremental" : "whole",
                     (unsigned long long)c->files + t->files, (unsigned long long)t->kept,
                     (unsigned long long)w->figures.length,
                     t->changed == 0 ? "" : "; some changed while they were read",
                     t->copies == 0 ? "" : "; some hard links became copies");
    return 0;
}

static int publish(struct writing *w, struct err *err)
{
    char path[PATHS_SIZE + 160];

    steps_snapshot_path(path, w->paths, w->call->facts, "");
    return rename(w->path, path) == 0 ? file_sync_folder(w->paths->snapshots, err)
                                      : err_sys(err, "snapshot_write", errno, path);
}

struct aside {
    struct writing *w;
    int rc;
    struct err err;
};

static void *aside_main(void *arg)
{
    struct aside *a = arg;

    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE); /* of this thread and what it starts */
    a->rc = make(a->w, &a->err) == 0 ? read_back(a->w, &a->err) : -1;
    return NULL;
}

/* Whoever writes to the store meanwhile goes first: all that takes the processor for long is done
 * by a thread that is nicer than they, and by those that it starts. */
static int make_aside(struct writing *w, struct err *err)
{
    struct aside a = {.w = w, .rc = -1};
    pthread_t thread;

    if (pthread_create(&thread, NULL, aside_main, &a) != 0)
        return err_set(err, ERR_UNAVAILABLE, "no_thread", "no thread to write a snapshot");
    (void)pthread_join(thread, NULL);
    if (a.rc == -1)
        *err = a.err;
    return a.rc;
}

static int write_all(struct writing *w, struct err *err)
{
    int64_t began_ms = clock_mono_ms();

    if (file_mkdirs(w->paths->snapshots, 0700, err) == -1 ||
        file_mkdirs(w->paths->catalog, 0700, err) == -1 || fill_header(w, err) == -1 ||
        sign_key_load(w->paths->keys, w->sign_key, err) == -1 ||
        succession_load(w->paths->keys, &w->header.signers, err) == -1 || open_base(w, err) == -1 ||
        check_room(w, err) == -1)
        return -1;
    steps_snapshot_path(w->path, w->paths, w->call->facts, ".part");
    catalog_part(w->catalog_path, w->paths, w->call->facts);
    w->fd = open(w->path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (w->fd == -1)
        return err_sys(err, "snapshot_write", errno, w->path);
    if ((w->catalog = fopen(w->catalog_path, "we")) == NULL)
        return err_sys(err, "catalog_write", errno, w->catalog_path);
    if (make_aside(w, err) == -1 || publish(w, err) == -1)
        return -1;
    return note_figures(w, clock_mono_ms() - began_ms, err);
}

enum outcome steps_snapshot_write(struct step_call *call, struct err *err)
{
    struct writing *w = calloc(1, sizeof *w);
    enum outcome outcome = OUTCOME_OK;

    if (w == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a snapshot");
        return OUTCOME_AGAIN;
    }
    w->call = call;
    w->world = call->outside->backup;
    w->paths = &call->outside->paths;
    w->quiet = (struct quiet_tenant){.world = w->world, .job_id = call->job->id, .fd = -1};
    w->fd = -1;
    if (write_all(w, err) == -1) {
        outcome = steps_snapshot_outcome(err);
        if (w->path[0] != '\0')
            (void)unlink(w->path);
        if (w->catalog_path[0] != '\0')
            (void)unlink(w->catalog_path);
    }
    backup_progress_begin(w->world, "", "", 0);
    if (w->fd != -1)
        (void)close(w->fd);
    if (w->catalog != NULL)
        (void)fclose(w->catalog);
    if (w->base_file != NULL)
        (void)fclose(w->base_file);
    free(w->base);
    sodium_memzero(w, sizeof *w);
    free(w);
    return outcome;
}

/* What is here under the snapshot's name. */
static enum outcome remove_here(struct step_call *call, struct err *err)
{
    static const char *const ends[] = {"", ".part", NULL};
    const struct paths *paths = &call->outside->paths;
    char path[PATHS_SIZE + 160];
    bool found = false;

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (ends[i] == NULL)
            catalog_part(path, paths, call->facts);
        else
            steps_snapshot_path(path, paths, call->facts, ends[i]);
        if (unlink(path) == 0) {
            found = true;
        } else if (errno != ENOENT) {
            (void)err_sys(err, "snapshot_remove", errno, path);
            return OUTCOME_FAIL;
        }
    }
    return found ? OUTCOME_OK : OUTCOME_ABSENT;
}

enum outcome steps_snapshot_unwrite(struct step_call *call, struct err *err)
{
    return remove_here(call, err);
}

enum outcome steps_snapshot_clear(struct step_call *call, struct err *err)
{
    const struct paths *paths = &call->outside->paths;
    char from[PATHS_SIZE + 160], to[PATHS_SIZE + 64];
    enum outcome outcome;

    catalog_part(from, paths, call->facts);
    steps_snapshot_catalog(to, paths, kv_get_or(&call->job->args, "tenant_id", ""));
    /* Only what all vaults have can be built on. */
    if (kv_get(call->facts, SNAP_EVERYWHERE) != NULL && kv_get(call->facts, SNAP_MISSED) == NULL &&
        rename(from, to) == -1 && errno != ENOENT) {
        (void)err_sys(err, "catalog_write", errno, to);
        return OUTCOME_AGAIN;
    }
    outcome = remove_here(call, err);
    return outcome == OUTCOME_ABSENT ? OUTCOME_OK : outcome;
}
