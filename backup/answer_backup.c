/*
 * Questions about snapshots that the worker answers: how far one is, and whether a vault can be
 * used, which is tried with a file of no meaning.
 */
#include "backup.h"

#include "answer_asked.h"
#include "asked.h"
#include "answer_export.h"
#include "answer_restore.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "enc.h"
#include "file.h"
#include "json_out.h"
#include "steps_bring.h"
#include "str.h"
#include "vault_open.h"

#define TEST_BYTES (256u * 1024u)

static int answer_progress(const struct answer_setup *s, const struct kv *params, struct buf *out,
                           struct err *err)
{
    struct backup_world *world = s->outside->backup;
    struct backup_progress p;
    struct json_out j;

    (void)params, (void)err;
    (void)pthread_mutex_lock(&world->lock);
    p = world->progress;
    (void)pthread_mutex_unlock(&world->lock);
    if (str_equal(p.phase, BRING_PHASE)) /* a file that is on its way tells by its length */
        p.done = asked_bytes(&s->context->paths);
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "progress");
    json_out_key_text(&j, "job_id", p.job_id);
    json_out_key_text(&j, "phase", p.phase);
    json_out_key_u64(&j, "done", p.done);
    json_out_key_u64(&j, "total", p.total);
    json_out_key_u64(&j, "elapsed_ms",
                     p.job_id[0] == '\0' ? 0 : (uint64_t)(clock_mono_ms() - p.since_ms));
    json_out_end_object(&j);
    return 0;
}

/* ---- trying a vault ---- */

static int fresh_file(uint8_t data[TEST_BYTES], struct err *err)
{
    int fd = memfd_create("vault-test", MFD_CLOEXEC);

    randombytes_buf(data, TEST_BYTES);
    if (fd != -1 && file_write_all(fd, data, TEST_BYTES) == 0)
        return fd;
    (void)err_sys(err, "memfd", errno, "a file to try the vault with");
    if (fd != -1)
        (void)close(fd);
    return -1;
}

static int seen(void *arg, const struct place_file *file, struct err *err)
{
    bool *found = arg;

    (void)err;
    *found = *found || file->bytes == TEST_BYTES;
    return 0;
}

/* Put, list, get, compare, remove. ${stays}: it may not be removed there. */
static int try_vault(const struct place *p, const char *name, uint8_t *data, bool *stays,
                     struct err *err)
{
    int fd = fresh_file(data, err), back = -1, rc = -1;
    bool found = false;
    uint8_t *read_back = data + TEST_BYTES;

    if (fd == -1 || (back = memfd_create("vault-test", MFD_CLOEXEC)) == -1)
        goto done;
    if (p->put(p->self, name, fd, TEST_BYTES, NULL, NULL, err) == -1 ||
        p->list(p->self, name, seen, &found, err) == -1)
        goto done;
    if (!found) {
        (void)err_set(err, ERR_CORRUPT, "vault_lost", "what was put there is not listed");
        goto done;
    }
    if (p->get(p->self, name, 0, back, err) == -1)
        goto done;
    if (pread(back, read_back, TEST_BYTES, 0) != (ssize_t)TEST_BYTES ||
        memcmp(data, read_back, TEST_BYTES) != 0) {
        (void)err_set(err, ERR_CORRUPT, "vault_changed", "what was put there comes back changed");
        goto done;
    }
    rc = p->remove(p->self, name, err);
    if (rc == -1 && err->kind == ERR_FORBIDDEN) {
        *stays = true;
        err_clear(err);
        rc = 0;
    }
done:
    if (fd != -1)
        (void)close(fd);
    if (back != -1)
        (void)close(back);
    return rc;
}

static int answer_vault_test(const struct answer_setup *s, const struct kv *params, struct buf *out,
                             struct err *err)
{
    const char *id = kv_get_or(params, "vault_id", "");
    int64_t began_ms = clock_mono_ms();
    struct place place = {0};
    uint8_t *data = malloc((size_t)2 * TEST_BYTES);
    uint8_t nonce[8];
    char name[64], text[17];
    bool stays = false;
    struct json_out j;
    int rc = -1;

    randombytes_buf(nonce, sizeof nonce);
    enc_hex(text, nonce, sizeof nonce);
    (void)str_format(name, sizeof name, "sett-test-%s", text);
    if (data == NULL)
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to try a vault");
    else if (vault_open_id(s->context, id, &place, err) == 0)
        rc = try_vault(&place, name, data, &stays, err);
    place_free(&place);
    free(data);
    if (rc == -1) {
        /* A folder that is not there is nothing inside this box, and is to be told. */
        if (err->kind == ERR_INTERNAL)
            err->kind = ERR_UNAVAILABLE;
        return -1;
    }
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "vault_test");
    json_out_key_text(&j, "vault_id", id);
    json_out_key_bool(&j, "deletes", !stays);
    json_out_key_u64(&j, "bytes", TEST_BYTES);
    json_out_key_u64(&j, "took_ms", (uint64_t)(clock_mono_ms() - began_ms));
    json_out_end_object(&j);
    return 0;
}

/* ---- their room ---- */

#define VAULTS_MOST 64

struct vault_id {
    char id[ID_SIZE], name[64];
};

static int read_vaults(const struct saga_context *c, struct vault_id *vaults, struct err *err)
{
    struct vault_place vault;
    struct scan scan;
    struct txn *txn;
    int got, count = 0;

    if (db_read(&txn, c->db, err) == -1)
        return -1;
    got = scan_start(&scan, txn, &vault_place_table, NULL, NULL, 0, false, err);
    for (; got != -1 && count < VAULTS_MOST && (got = scan_next(&scan, &vault, err)) == 1;
         count++) {
        (void)str_copy(vaults[count].id, ID_SIZE, vault.id);
        (void)str_copy(vaults[count].name, sizeof vaults[count].name, vault.name);
    }
    db_read_end(txn);
    return got == -1 ? -1 : count;
}

/* Of each what its disk has; one that cannot be opened says why. Buckets and servers say nothing:
 * they are not asked for what they cannot tell. */
static void say_room(const struct saga_context *c, const struct vault_id *v, struct json_out *j)
{
    struct place_room room = {0};
    struct place place = {0};
    struct err why = {0};
    bool opened = vault_open_id(c, v->id, &place, &why) == 0;
    bool told = opened && place.room != NULL && place.room(place.self, &room, &why) == 0;

    json_out_object(j);
    json_out_key_text(j, "object", "vault_room");
    json_out_key_text(j, "vault_id", v->id);
    json_out_key_text(j, "name", v->name);
    json_out_key(j, "free_bytes");
    told ? json_out_u64(j, room.free_bytes) : json_out_null(j);
    json_out_key(j, "size_bytes");
    told ? json_out_u64(j, room.size_bytes) : json_out_null(j);
    json_out_key_text(j, "problem", told || (opened && place.room == NULL) ? "" : why.text);
    json_out_end_object(j);
    place_free(&place);
}

static int answer_vault_room(const struct answer_setup *s, const struct kv *params, struct buf *out,
                             struct err *err)
{
    struct vault_id vaults[VAULTS_MOST];
    int count = read_vaults(s->context, vaults, err);
    struct json_out j;

    (void)params;
    if (count == -1)
        return -1;
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "list");
    json_out_key(&j, "data");
    json_out_array(&j);
    for (int i = 0; i < count; i++)
        say_room(s->context, &vaults[i], &j);
    json_out_end_array(&j);
    json_out_end_object(&j);
    return 0;
}

const struct answer_row backup_answers[] = {
    {"vault_room", answer_vault_room},   {"progress", answer_progress},
    {"vault_test", answer_vault_test},   {"restore_keys", answer_restore_keys},
    {"snapshot_export", answer_export},  {"vault_contents", answer_contents},
    {"box_restore", answer_box_restore}, {NULL, NULL},
};
