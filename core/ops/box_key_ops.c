/*
 * The box's own keys: which there are, and new ones in their place. Apart from API keys, which are
 * its users', and from recovery keys, whose secrets it never had.
 */
#include "nouns.h"

#include "enc.h"
#include "job_start.h"
#include "object.h"
#include "params.h"
#include "setting.h"
#include "sign.h"
#include "str.h"
#include "succession.h"

enum { KEY_SIGNING, KEY_VAULT, KEY_WEB };
static const char *const which_names[] = {"signing", "vault", "web", NULL};
static const char *const which_sagas[] = {"key.signing", "key.vault", "key.web"};

struct rotate_params {
    uint32_t which;
    bool lost;
};
static const struct field rotate_rows[] = {
    FIELD(struct rotate_params, which, FIELD_ENUM, .flags = FIELD_REQUIRED, .names = which_names,
          .help =
              "signing: signs snapshots; vault: provider tokens and passwords are sealed to it; "
              "web: signs sessions, seals second factors and webhook secrets"),
    FIELD(struct rotate_params, lost, FIELD_BOOL,
          .help =
              "somebody else may have the old one: it vouches for nothing; web: everybody signs "
              "in again"),
};

static const struct field key_rows[] = {
    {.name = "which", .type = FIELD_TEXT, .size = 16, .help = "signing, vault or web"},
    {.name = "key",
     .type = FIELD_TEXT,
     .size = SIGN_TEXT,
     .help = "its public half, in hex; web has none"},
    {.name = "what_for", .type = FIELD_TEXT, .size = 200, .help = "what it is for"},
    {.name = "since", .type = FIELD_TIME, .help = "when it came; null: with the box"},
    {.name = "former",
     .type = FIELD_TEXT,
     .size = SIGN_TEXT,
     .help = "signing: those before it; they vouch for it unless they were given up as lost"},
};
static const struct fields keys = {key_rows, sizeof key_rows / sizeof key_rows[0], 0};

static void former(struct json_out *j, const struct succession *line)
{
    char hex[SIGN_TEXT];

    json_out_key(j, "since");
    if (line->count == 0)
        json_out_null(j);
    else
        json_out_time(j, line->links[line->count - 1].at);
    json_out_key(j, "former");
    json_out_array(j);
    for (unsigned i = 0; i < line->count; i++) {
        enc_hex(hex, line->links[i].before, 32);
        json_out_object(j);
        json_out_key_text(j, "key", hex);
        json_out_key_time(j, "until", line->links[i].at);
        json_out_key_bool(j, "vouched", line->links[i].vouched);
        json_out_end_object(j);
    }
    json_out_end_array(j);
}

static void key_json(struct json_out *j, const char *which, const char *key, const char *what_for)
{
    json_out_object(j);
    json_out_key_text(j, "object", "box_key");
    json_out_key_text(j, "which", which);
    json_out_key(j, "key");
    if (key[0] == '\0')
        json_out_null(j);
    else
        json_out_text(j, key);
    json_out_key_text(j, "what_for", what_for);
}

static int key_box(struct op_call *call, struct err *err)
{
    const char *folder = call->box->paths.keys;
    char signing[SIGN_TEXT] = "", vault[65];
    struct json_out *j = call->out;
    struct succession line;

    if (vault_public(folder, vault, err) != 0 || succession_load(folder, &line, err) != 0)
        return -1;
    if (sign_public_load(folder, signing, err) != 0) {
        if (err->kind != ERR_NOT_FOUND)
            return -1;
        err_clear(err);
    }
    json_out_object(j);
    json_out_key_text(j, "object", "list");
    json_out_key(j, "data");
    json_out_array(j);
    key_json(j, "signing", signing, "signs the box's snapshots");
    former(j, &line);
    json_out_end_object(j);
    key_json(j, "vault", vault, "provider tokens, tunnel secrets and passwords are sealed to it");
    json_out_end_object(j);
    key_json(j, "web", "", "signs sessions and tokens, seals second factors and webhook secrets");
    json_out_end_object(j);
    json_out_end_array(j);
    json_out_end_object(j);
    return 0;
}

static int key_rotate(struct op_call *call, struct err *err)
{
    const struct rotate_params *p = call->params;
    char signing[SIGN_TEXT];
    struct job job = {0};

    if (p->which == KEY_SIGNING && sign_public_load(call->box->paths.keys, signing, err) != 0)
        return -1;
    (void)str_copy(job.saga, sizeof job.saga, which_sagas[p->which]);
    (void)str_copy(call->audit.object, sizeof call->audit.object, which_names[p->which]);
    if (p->lost)
        (void)kv_set(&job.args, "lost", "1");
    /* No snapshot is written with the store of before and the keys of after. */
    job_subject(job.subjects[0], "snapshots", "box");
    if (object_job(call, &job, err) != 0)
        return -1;
    json_out_object(call->out);
    json_out_key_text(call->out, "object", "box_key");
    json_out_key_text(call->out, "which", which_names[p->which]);
    json_out_key_text(call->out, "job", job.id);
    json_out_end_object(call->out);
    return 0;
}

static const struct field no_rows[1];
static const struct fields none = {no_rows, 0, 1};

const struct op box_key_ops[] = {
    {.name = "key.box",
     .role = ROLE_ADMIN,
     .flags = OP_READ,
     .params = &none,
     .help = "Show the box's own keys, their public halves",
     .example = "",
     .result = &keys,
     .run = key_box},
    {.name = "key.rotate",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH | OP_JOB,
     .params = PARAMS(rotate_rows, struct rotate_params),
     .help = "Put a new key of the box in the place of one",
     .example = "signing",
     .result = &keys,
     .run = key_rotate},
    {.name = NULL},
};
