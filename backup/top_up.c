/*
 * Vaults brought up to date. Apart from the sending of a snapshot that was just made, which has its
 * file here: this one has to fetch it first, and does not hurry.
 */
#include "top_up.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "notice.h"
#include "room.h"
#include "snapshot.h"
#include "str.h"
#include "vault_open.h"
#include "verify.h"

#define VAULTS_MAX 64

/* One snapshot, and what its vaults have of it. */
struct wanted {
    struct snapshot s;
    char to[ID_SIZE];               /* the vault that lacks it */
    bool damaged;                   /* what it has is to be replaced */
    char from[VAULTS_MAX][ID_SIZE]; /* those that have it */
    size_t from_count;
};

struct topping {
    const struct saga_context *context;
    struct vault_place vaults[VAULTS_MAX];
    bool away[VAULTS_MAX]; /* tried in this pass, and not reached */
    size_t count;
    struct wanted wanted;
    uint64_t below; /* only older ones are still to be looked at; and of that one no vault before */
    size_t vault;
};

static int read_vaults(struct topping *t, struct txn *txn, struct err *err)
{
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &vault_place_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while (t->count < VAULTS_MAX && (got = scan_next(&scan, &t->vaults[t->count], err)) != 0) {
        if (got == -1)
            return -1;
        t->count += t->vaults[t->count].enabled;
    }
    return 0;
}

/* Vaults with a whole copy into from; whether vault ${k} is to have one and has none. 1, 0, -1. */
static int lacks(struct topping *t, struct txn *txn, const struct snapshot *s, size_t k,
                 struct err *err)
{
    struct wanted *w = &t->wanted;
    bool there = false, damaged = false;

    w->from_count = 0;
    for (size_t i = 0; i < t->count; i++) {
        struct snapshot_copy copy = {0};
        int got;
        (void)str_copy(copy.snapshot_id, sizeof copy.snapshot_id, s->id);
        (void)str_copy(copy.vault_id, sizeof copy.vault_id, t->vaults[i].id);
        if ((got = record_get(txn, &snapshot_copy_table, &copy, err)) == -1)
            return -1;
        if (i == k) {
            there = got == 1;
            damaged = got == 1 && copy.problem[0] != '\0';
        } else if (got == 1 && copy.problem[0] == '\0' && !t->away[i]) {
            (void)str_copy(w->from[w->from_count++], ID_SIZE, t->vaults[i].id);
        }
    }
    w->damaged = damaged;
    if (w->from_count == 0 || t->away[k] || (damaged && t->vaults[k].append_only))
        return 0;
    return damaged || (!there && s->missed && t->vaults[k].created_at <= s->created_at);
}

/* The next that is wanted: into t->wanted. 1, 0 or -1. */
static int next(struct topping *t, struct err *err)
{
    struct snapshot s;
    struct scan scan;
    struct txn *txn;
    int got;

    if (db_read(&txn, t->context->db, err) == -1)
        return -1;
    if ((got = scan_start(&scan, txn, &snapshot_table, "number", NULL, 0, true, err)) == 0)
        while ((got = scan_next(&scan, &s, err)) == 1) {
            if (s.state != SNAPSHOT_DONE || (t->below != 0 && s.number > t->below))
                continue;
            for (size_t k = s.number == t->below ? t->vault : 0; k < t->count; k++) {
                if ((got = lacks(t, txn, &s, k, err)) == 0)
                    continue;
                t->wanted.s = s;
                (void)str_copy(t->wanted.to, ID_SIZE, t->vaults[k].id);
                t->below = s.number;
                t->vault = k + 1;
                db_read_end(txn);
                return got;
            }
        }
    db_read_end(txn);
    return got;
}

/* ---- fetching and sending ---- */

/* A whole file of it without a name, or -1. */
static int fetch(const struct topping *t, const char *vault_id, struct err *err)
{
    const struct snapshot *s = &t->wanted.s;
    const char *folder = t->context->paths.snapshots;
    struct verify_keys none = {NULL, NULL, NULL};
    struct verify_report report;
    struct place place = {0};
    struct stat st;
    int fd, rc = -1;

    if (room_check(folder, s->bytes, "a snapshot that is fetched for another vault", err) == -1)
        return -1;
    if ((fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)) == -1)
        return err_sys(err, "top_up", errno, folder);
    if (vault_open_id(t->context, vault_id, &place, err) == 0 &&
        place.get(place.self, s->file, 0, fd, err) == 0) {
        if (fstat(fd, &st) == -1 || (uint64_t)st.st_size != s->bytes ||
            lseek(fd, 0, SEEK_SET) == -1)
            (void)err_set(err, ERR_CORRUPT, "top_up", "%s has another length there", s->file);
        else if (verify_file(fd, &none, NULL, &report, NULL, NULL, err) == 0)
            rc = memcmp(report.header.hash, s->hash, sizeof s->hash) == 0
                     ? 0
                     : err_set(err, ERR_CORRUPT, "top_up", "%s is another snapshot", s->file);
    }
    place_free(&place);
    if (rc == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static int fetch_any(const struct topping *t, struct err *err)
{
    int fd = -1;

    for (size_t i = 0; fd == -1 && i < t->wanted.from_count; i++)
        fd = fetch(t, t->wanted.from[i], err);
    return fd;
}

static int send(struct topping *t, int fd, struct err *err)
{
    const struct wanted *w = &t->wanted;
    struct place place = {0};
    int rc = vault_open_id(t->context, w->to, &place, err);

    /* What is there under its name and as long would be taken for it. */
    if (rc == 0 && w->damaged)
        rc = place.remove(place.self, w->s.file, err);
    if (rc == 0)
        rc = place.put(place.self, w->s.file, fd, w->s.bytes, NULL, NULL, err);
    place_free(&place);
    return rc;
}

/* ---- noting ---- */

/* How many copies in a vault are known to be wrong. -1 on error. */
static int count_wrong(struct txn *txn, const char *vault_id, struct err *err)
{
    struct snapshot_copy match = {0}, copy;
    struct scan scan;
    int got, wrong = 0;

    (void)str_copy(match.vault_id, sizeof match.vault_id, vault_id);
    if (scan_start(&scan, txn, &snapshot_copy_table, "vault_id", &match, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &copy, err)) == 1)
        wrong += copy.problem[0] != '\0';
    return got == -1 ? -1 : wrong;
}

static int note_sent(struct txn *txn, void *arg, struct err *err)
{
    const struct wanted *w = arg;
    struct snapshot_copy copy = {.bytes = w->s.bytes};
    struct vault_place vault = {0};
    struct snapshot s;
    int found = snapshot_resolve(txn, w->s.id, &s, err), wrong;

    (void)str_copy(vault.id, sizeof vault.id, w->to);
    if (found != 1 || s.state != SNAPSHOT_DONE ||
        (found = record_get(txn, &vault_place_table, &vault, err)) != 1)
        return found == -1 ? -1 : 0;
    (void)str_copy(copy.snapshot_id, sizeof copy.snapshot_id, s.id);
    (void)str_copy(copy.vault_id, sizeof copy.vault_id, w->to);
    copy.stored_at = copy.checked_at = vault.used_at = txn_time_ms(txn);
    vault.problem[0] = '\0';
    if (record_put(txn, &snapshot_copy_table, &copy, err) == -1 ||
        record_put(txn, &vault_place_table, &vault, err) == -1 ||
        (wrong = count_wrong(txn, w->to, err)) == -1)
        return -1;
    return wrong == 0 ? notice_clear(txn, "backup.copy", vault.name, err) : 0;
}

struct away {
    const char *id;
    const struct err *why;
};

static int note_away(struct txn *txn, void *arg, struct err *err)
{
    const struct away *a = arg;
    struct vault_place vault = {0};
    char text[sizeof vault.problem];
    int found;

    (void)str_copy(vault.id, sizeof vault.id, a->id);
    if ((found = record_get(txn, &vault_place_table, &vault, err)) != 1)
        return found;
    (void)str_format(text, sizeof text, "%.230s", a->why->text);
    if (str_equal(text, vault.problem))
        return 0;
    (void)str_copy(vault.problem, sizeof vault.problem, text);
    vault.failed_at = txn_time_ms(txn);
    return record_put(txn, &vault_place_table, &vault, err);
}

static int bring(struct topping *t, struct err *err)
{
    struct away away = {t->wanted.to, err};
    struct err ignored = {0};
    int fd = fetch_any(t, err), rc;

    if (fd == -1)
        return -1;
    rc = send(t, fd, err);
    (void)close(fd);
    if (rc == 0)
        return db_write(t->context->db, note_sent, &t->wanted, err);
    t->away[t->vault - 1] = true;
    (void)db_write(t->context->db, note_away, &away, &ignored);
    return -1;
}

int top_up(const struct saga_context *context, unsigned most, struct err *err)
{
    struct topping *t = calloc(1, sizeof *t);
    struct err why = {0};
    struct txn *txn;
    int got = -1, sent = 0;
    bool failed = false;

    if (t == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to bring vaults up to date");
    t->context = context;
    if (db_read(&txn, context->db, err) == 0) {
        got = read_vaults(t, txn, err) == 0 ? 1 : -1;
        db_read_end(txn);
    }
    while (got == 1 && (unsigned)sent < most && (got = next(t, err)) == 1) {
        err_clear(&why);
        if (bring(t, &why) == 0) {
            log_info("%s is in vault %s, too", t->wanted.s.file, t->vaults[t->vault - 1].name);
            sent++;
        } else if (!failed) {
            failed = true;
            *err = why;
        }
    }
    free(t);
    return got == -1 || failed ? -1 : sent;
}
