/*
 * Whether what was stored is still there. Apart from drills, which prove more and cost more. Copies
 * are read from the store first and judged outside of any transaction, then noted vault by vault.
 */
#include "check_copies.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "enc.h"
#include "log.h"
#include "notice.h"
#include "room.h"
#include "seal.h"
#include "snapshot.h"
#include "str.h"
#include "vault_open.h"
#include "verify.h"

#define COPIES_MAX 20000
#define VAULTS_MAX 64

struct looked_at {
    struct snapshot_copy copy;
    char file[128];
    uint8_t hash[32];
    bool seen, bad;
    uint64_t bytes;
};

struct looking {
    const struct saga_context *context;
    struct vault_place vault;
    struct looked_at *at;
    size_t count, room;
    struct err why; /* the vault cannot be used */
};

/* ---- which ---- */

static int add(struct looking *l, const struct snapshot_copy *copy, const struct snapshot *s,
               struct err *err)
{
    struct looked_at *more;

    if (l->count == COPIES_MAX)
        return err_set(err, ERR_QUOTA, "too_many_copies", "there are too many copies to look at");
    if (l->count == l->room) {
        l->room = l->room == 0 ? 64 : 2 * l->room;
        if ((more = reallocarray(l->at, l->room, sizeof *l->at)) == NULL)
            return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for copies");
        l->at = more;
    }
    l->at[l->count] = (struct looked_at){.copy = *copy};
    memcpy(l->at[l->count].hash, s->hash, sizeof s->hash);
    (void)str_copy(l->at[l->count++].file, sizeof l->at->file, s->file);
    return 0;
}

static int read_copies(struct looking *l, struct err *err)
{
    struct snapshot_copy match = {0}, copy;
    struct snapshot s;
    struct scan scan;
    struct txn *txn;
    int got;

    (void)str_copy(match.vault_id, sizeof match.vault_id, l->vault.id);
    if (db_read(&txn, l->context->db, err) == -1)
        return -1;
    if ((got = scan_start(&scan, txn, &snapshot_copy_table, "vault_id", &match, 1, false, err)) ==
        0)
        while ((got = scan_next(&scan, &copy, err)) == 1)
            if ((got = snapshot_resolve(txn, copy.snapshot_id, &s, err)) == -1 ||
                (got == 1 && s.state == SNAPSHOT_DONE && (got = add(l, &copy, &s, err)) == -1))
                break;
    db_read_end(txn);
    return got == -1 ? -1 : 0;
}

/* ---- judging ---- */

static void bad(struct looked_at *c, const char *why)
{
    c->bad = true;
    (void)str_format(c->copy.problem, sizeof c->copy.problem, "%.230s", why);
}

static int seen(void *arg, const struct place_file *file, struct err *err)
{
    struct looking *l = arg;

    (void)err;
    for (size_t i = 0; i < l->count; i++)
        if (str_equal(l->at[i].file, file->name)) {
            l->at[i].seen = true;
            l->at[i].bytes = file->bytes;
        }
    return 0;
}

/* Its last bytes: a mark and the length of what stands before them (backup/FORMAT). */
static void check_trailer(struct looked_at *c, const struct place *p)
{
    uint8_t end[SEAL_TRAILER];
    int fd = memfd_create("trailer", MFD_CLOEXEC);
    struct err err = {0};

    if (fd == -1 || c->bytes < sizeof end)
        bad(c, "it is too short");
    else if (p->get(p->self, c->file, c->bytes - sizeof end, fd, &err) == -1)
        bad(c, err.text);
    else if (pread(fd, end, sizeof end, 0) != (ssize_t)sizeof end ||
             memcmp(end, "SETTEND1", 8) != 0 || enc_get64(end + 8) != c->bytes - sizeof end)
        bad(c, "it does not end with a trailer");
    if (fd != -1)
        (void)close(fd);
}

static void check_whole(struct looking *l, struct looked_at *c, const struct place *p)
{
    int fd = open(l->context->paths.snapshots, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    struct verify_keys none = {NULL, NULL, NULL};
    struct verify_report report;
    struct err err = {0};

    if (fd == -1 || room_check(l->context->paths.snapshots, c->bytes,
                               "a copy that is to be read whole", &err) == -1) {
        log_warning("%s was not read whole: %s", c->file, err.text);
        if (fd != -1)
            (void)close(fd);
        return; /* no room here says nothing about the copy */
    }
    if (p->get(p->self, c->file, 0, fd, &err) == -1 || lseek(fd, 0, SEEK_SET) == -1)
        log_warning("%s could not be fetched to be read: %s", c->file, err.text);
    else if (verify_file(fd, &none, NULL, &report, NULL, NULL, &err) == -1)
        bad(c, err.text);
    else if (memcmp(report.header.hash, c->hash, sizeof c->hash) != 0)
        bad(c, "it is another snapshot");
    (void)close(fd);
}

static void judge(struct looking *l, bool whole)
{
    struct looked_at *oldest = NULL;
    struct place p = {0};

    err_clear(&l->why);
    if (vault_open_id(l->context, l->vault.id, &p, &l->why) == 0 &&
        p.list(p.self, "sett-", seen, l, &l->why) == 0)
        for (size_t i = 0; i < l->count; i++) {
            struct looked_at *c = &l->at[i];
            c->bad = false;
            if (!c->seen)
                bad(c, "it is not there any more");
            else if (c->bytes != c->copy.bytes)
                bad(c, "it has another length");
            else if (l->vault.kind == VAULT_FOLDER)
                check_trailer(c, &p);
            if (!c->bad && (oldest == NULL || c->copy.checked_at < oldest->copy.checked_at))
                oldest = c;
        }
    if (whole && oldest != NULL)
        check_whole(l, oldest, &p);
    place_free(&p);
}

/* ---- noting ---- */

static int note_copies(struct txn *txn, struct looking *l, unsigned *wrong, struct err *err)
{
    for (size_t i = 0; i < l->count; i++) {
        struct looked_at *c = &l->at[i];
        struct snapshot_copy copy = c->copy;
        int found = record_get(txn, &snapshot_copy_table, &copy, err);
        if (found == -1)
            return -1;
        if (found == 0)
            continue; /* it was removed meanwhile */
        copy.checked_at = txn_time_ms(txn);
        (void)str_copy(copy.problem, sizeof copy.problem, c->bad ? c->copy.problem : "");
        *wrong += c->bad;
        if (record_put(txn, &snapshot_copy_table, &copy, err) == -1)
            return -1;
    }
    return 0;
}

static int note(struct txn *txn, void *arg, struct err *err)
{
    struct looking *l = arg;
    struct vault_place vault = l->vault;
    unsigned wrong = 0;
    char text[400];
    int found = record_get(txn, &vault_place_table, &vault, err);

    if (found != 1)
        return found;
    if (l->why.kind != ERR_NONE) {
        vault.failed_at = txn_time_ms(txn);
        (void)str_format(vault.problem, sizeof vault.problem, "%.230s", l->why.text);
    } else {
        vault.problem[0] = '\0';
        if (note_copies(txn, l, &wrong, err) == -1)
            return -1;
    }
    if (record_put(txn, &vault_place_table, &vault, err) == -1)
        return -1;
    if (l->why.kind != ERR_NONE)
        return 0; /* that a vault cannot be used is told from its record */
    if (wrong == 0)
        return notice_clear(txn, "backup.copy", vault.name, err);
    (void)str_format(text, sizeof text, "%u snapshots in vault %s are missing or damaged there",
                     wrong, vault.name);
    return notice_raise(txn, "backup.copy", vault.name, NOTICE_USUAL, text, err);
}

static int read_vaults(const struct saga_context *context, struct vault_place *out, size_t *count,
                       struct err *err)
{
    struct scan scan;
    struct txn *txn;
    int got;

    *count = 0;
    if (db_read(&txn, context->db, err) == -1)
        return -1;
    if ((got = scan_start(&scan, txn, &vault_place_table, NULL, NULL, 0, false, err)) == 0)
        while (*count < VAULTS_MAX && (got = scan_next(&scan, &out[*count], err)) == 1)
            *count += out[*count].enabled;
    db_read_end(txn);
    return got == -1 ? -1 : 0;
}

int check_copies(const struct saga_context *context, bool whole, struct err *err)
{
    struct vault_place *vaults = calloc(VAULTS_MAX + 1, sizeof *vaults);
    size_t count = 0;
    int rc;

    if (vaults == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for vaults");
    rc = read_vaults(context, vaults, &count, err);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct looking l = {.context = context, .vault = vaults[i]};
        if ((rc = read_copies(&l, err)) == 0) {
            judge(&l, whole);
            rc = db_write(context->db, note, &l, err);
        }
        free(l.at);
    }
    free(vaults);
    return rc;
}
