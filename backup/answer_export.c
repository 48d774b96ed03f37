/*
 * A snapshot's file for somebody who wants to take it away over the API. The bytes go through a
 * pipe, from whatever kind of vault it is, as fast as they are taken: nothing of it is laid down
 * here.
 */
#include "answer_export.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backup.h"
#include "json_out.h"
#include "place.h"
#include "snapshot.h"
#include "str.h"
#include "vault_open.h"

#define VAULTS_MOST 16

/* Where it is. Return how many, or -1. */
static int find(const struct saga_context *c, const char *id, struct snapshot *s,
                char vaults[VAULTS_MOST][ID_SIZE], struct err *err)
{
    struct snapshot_copy match = {0}, copy;
    struct scan scan;
    struct txn *txn;
    int got, count = 0;

    if (db_read(&txn, c->db, err) == -1)
        return -1;
    if ((got = snapshot_resolve(txn, id, s, err)) == 1) {
        (void)str_copy(match.snapshot_id, sizeof match.snapshot_id, s->id);
        got = scan_start(&scan, txn, &snapshot_copy_table, NULL, &match, 1, false, err);
        while (got != -1 && count < VAULTS_MOST && (got = scan_next(&scan, &copy, err)) == 1)
            if (copy.problem[0] == '\0')
                (void)str_copy(vaults[count++], ID_SIZE, copy.vault_id);
    }
    db_read_end(txn);
    if (got != -1 && count == 0)
        return err_set(err, ERR_NOT_FOUND, "no_copy", "no vault has this snapshot");
    return got == -1 ? -1 : count;
}

/* The first vault whose copy can be opened: its first byte was seen. 0 or -1. */
static int open_vault(const struct saga_context *c, const struct snapshot *s,
                      char vaults[VAULTS_MOST][ID_SIZE], int count, struct place *place,
                      struct err *err)
{
    uint8_t byte;

    for (int i = 0; i < count; i++) {
        struct place_head head = {.data = &byte, .len = 1};
        if (vault_open_id(c, vaults[i], place, err) == 0 &&
            place->head(place->self, s->file, &head, err) == 0) {
            if (head.got == 1)
                return 0;
            (void)err_set(err, ERR_CORRUPT, "snapshot_cut", "%s is empty in a vault", s->file);
        }
        place_free(place);
    }
    return -1;
}

static int hand_out(const struct answer_setup *a, const struct snapshot *s,
                    const struct place *place, uint64_t from, struct buf *out, struct err *err)
{
    struct json_out j;
    int ends[2], rc;

    if (pipe2(ends, O_CLOEXEC) == -1)
        return err_sys(err, "pipe", errno, s->file);
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "name", s->file);
    json_out_key_u64(&j, "bytes", s->bytes);
    json_out_end_object(&j);
    rc = a->file(a->progress_arg, out, ends[0]) == 0
             ? 0
             : err_set(err, ERR_UNAVAILABLE, "peer_gone", "who asked is gone");
    (void)close(ends[0]);
    if (rc == 0)
        rc = place->get(place->self, s->file, from, ends[1], err);
    (void)close(ends[1]);
    return rc;
}

int answer_export(const struct answer_setup *a, const struct kv *params, struct buf *out,
                  struct err *err)
{
    struct backup_world *world = a->outside->backup;
    uint64_t from = kv_get_u64(params, "from", 0);
    char vaults[VAULTS_MOST][ID_SIZE];
    struct place place = {0};
    struct snapshot s = {0};
    int count = find(a->context, kv_get_or(params, "snapshot_id", ""), &s, vaults, err), rc = -1;

    if (count == -1)
        return -1;
    if (a->file == NULL || from >= s.bytes)
        return err_set(err, ERR_INVALID, "range", "there is nothing behind that");
    if (atomic_fetch_add(&world->exports, 1) >= EXPORTS_AT_ONCE) {
        (void)err_set(err, ERR_UNAVAILABLE, "busy", "%d snapshots are being taken away already",
                      EXPORTS_AT_ONCE);
        err->retry_after_s = 30;
    } else if (open_vault(a->context, &s, vaults, count, &place, err) == 0) {
        rc = hand_out(a, &s, &place, from, out, err);
    }
    atomic_fetch_sub(&world->exports, 1);
    place_free(&place);
    return rc;
}
