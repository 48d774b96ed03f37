/*
 * A restore of the whole box, as far as the worker has a part in it: it says what there is to
 * restore from, and hands the wish over to who may do it. The secret passes through, and is wiped.
 */
#include "answer_asked.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "arrivals.h"
#include "asked.h"
#include "enc.h"
#include "file.h"
#include "json_out.h"
#include "sign.h"
#include "signer.h"
#include "str.h"
#include "vault_open.h"

#define SHOWN   60 /* headers are read one by one */
#define WAIT_MS 20000

static void show_header(const struct seal_header *h, const char *keys, struct json_out *j)
{
    char hex[2 * SEAL_HASH + 1];
    bool passphrase = false;

    for (uint32_t i = 0; i < h->recipient_count; i++)
        passphrase = passphrase || h->recipients[i].kind == SEAL_TO_PASSPHRASE;
    json_out_key_text(j, "box_id", h->box_id);
    json_out_key_u64(j, "number", h->number);
    json_out_key_time(j, "created_at", h->created_at);
    json_out_key_text(j, "scope", h->scope);
    json_out_key_bool(j, "incremental", h->incremental);
    json_out_key_text(j, "made_by", h->made_by);
    json_out_key_bool(j, "passphrase", passphrase);
    json_out_key_bool(j, "own", signer_of_box(h, keys));
    enc_hex(hex, h->signer, sizeof h->signer);
    json_out_key_text(j, "signer", hex);
    json_out_key(j, "fault");
    json_out_null(j);
}

static void show_file(const struct arrivals *a, const struct place_file *file, const char *keys,
                      struct json_out *j)
{
    struct seal_header *h = calloc(1, sizeof *h);
    struct err why = {0};

    json_out_object(j);
    json_out_key_text(j, "object", "vault_file");
    json_out_key_text(j, "file", file->name);
    json_out_key_u64(j, "bytes", file->bytes);
    if (h != NULL && arrivals_header(a, file->name, h, &why) == 0)
        show_header(h, keys, j);
    else
        json_out_key_text(j, "fault", h == NULL ? "no memory" : why.text);
    json_out_end_object(j);
    free(h);
}

int answer_contents(const struct answer_setup *s, const struct kv *params, struct buf *out,
                    struct err *err)
{
    struct place place = {0};
    struct arrivals a = {0};
    struct json_out j;
    int rc = -1;

    if (vault_open_id(s->context, kv_get_or(params, "vault_id", ""), &place, err) == 0 &&
        arrivals_list(&a, &place, err) == 0) {
        json_out_init(&j, out);
        json_out_object(&j);
        json_out_key_text(&j, "object", "list");
        json_out_key(&j, "data");
        json_out_array(&j);
        for (size_t i = 0; i < a.count && i < SHOWN; i++)
            show_file(&a, &a.at[i], s->context->paths.keys, &j);
        json_out_end_array(&j);
        json_out_key_bool(&j, "has_more", a.count > SHOWN || a.more);
        json_out_end_object(&j);
        rc = 0;
    }
    if (rc == -1 && err->kind == ERR_INTERNAL) /* a folder that is not there is to be told */
        err->kind = ERR_UNAVAILABLE;
    arrivals_free(&a);
    place_free(&place);
    return rc;
}

/* A name that nobody guesses: whoever has it reads how the restore goes, while no box answers. */
static void name_progress(char out[64])
{
    uint8_t bytes[16];
    char hex[2 * sizeof bytes + 1];

    randombytes_buf(bytes, sizeof bytes);
    enc_hex(hex, bytes, sizeof bytes);
    (void)str_format(out, 64, "%s%s.json", ASKED_PROGRESS, hex);
}

int answer_box_restore(const struct answer_setup *s, const struct kv *params, struct buf *out,
                       struct err *err)
{
    static const char begun[] = "{\"object\":\"box_restore\",\"state\":\"asked\"}\n";
    const struct paths *paths = &s->context->paths;
    char name[64], path[PATHS_SIZE + 64];
    struct kv request;
    struct json_out j;

    asked_fetched(paths, path);
    if (!file_exists(path)) {
        (void)err_set(err, ERR_PRECONDITION, "nothing_fetched", "no snapshot was fetched yet");
        return err_hint(err, "POST /api/box/restore/fetch comes first");
    }
    kv_clear(&request);
    name_progress(name);
    if (kv_set(&request, ASKED_NAME, name) == -1 ||
        kv_set(&request, ASKED_CHECK, kv_get_or(params, "check", "0")) == -1 ||
        kv_set(&request, ASKED_SIGNER, kv_get_or(params, "signer", "")) == -1)
        return err_set(err, ERR_TOO_LARGE, "too_long", "the request is too long");
    if (file_mkdirs(paths->status, 0755, err) == -1 ||
        asked_progress(paths, &request, path, err) == -1 ||
        file_write_soon(path, begun, strlen(begun), 0644, err) == -1 ||
        asked_hand_over(paths, &request, kv_get_or(params, "recovery", ""), WAIT_MS, err) == -1)
        return -1;
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "box_restore");
    (void)str_format(path, sizeof path, "/status/%s", name);
    json_out_key_text(&j, "progress", path);
    json_out_end_object(&j);
    return 0;
}
