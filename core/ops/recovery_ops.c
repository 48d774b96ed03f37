/*
 * Recovery keys: to whom the box's snapshots are sealed. Only public halves come here; the secret
 * ones are made and shown by the command line (appliance/recovery.c) and kept by nobody on the box.
 */
#include "nouns.h"

#include <sodium.h>

#include "enc.h"
#include "identity.h"
#include "list.h"
#include "object.h"
#include "params.h"
#include "qr.h"
#include "recovery_text.h"
#include "setting.h"
#include "sign.h"
#include "snapshot.h"
#include "str.h"
#include "succession.h"

#define RECIPIENTS_MOST 8 /* that fit into a snapshot's header */

struct add_params {
    char name[64], key[96];
    uint32_t shares, needed, passes, memory_kib;
    char salt[40];
    bool replace;
};
static const struct field add_rows[] = {
    FIELD(struct add_params, name, FIELD_TEXT, .flags = FIELD_REQUIRED | FIELD_SLUG,
          .help = "its name for people: recovery, escrow"),
    FIELD(struct add_params, key, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "its public half: settrec1..."),
    FIELD(struct add_params, shares, FIELD_U32, .max = IDENTITY_SHARES_MOST,
          .help = "in how many shares the secret was given out"),
    FIELD(struct add_params, needed, FIELD_U32, .max = IDENTITY_SHARES_MOST,
          .help = "how many of them open a snapshot"),
    FIELD(struct add_params, salt, FIELD_TEXT,
          .help = "if the secret follows from a passphrase: the salt, 32 hex digits"),
    FIELD(struct add_params, passes, FIELD_U32, .max = 16, .help = "argon2id's passes"),
    FIELD(struct add_params, memory_kib, FIELD_U32, .max = 1048576, .help = "argon2id's memory"),
    FIELD(struct add_params, replace, FIELD_BOOL,
          .help = "in the place of the one that has this name"),
};

static const struct view view_recipient = {"recipient", &recipient_table, NULL};

static int recovery_list(struct op_call *call, struct err *err)
{
    struct list list = {.view = &view_recipient, .url = "/api/recovery/keys"};

    return list_reply(call, call->params, &list, err);
}

static int recovery_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct recipient recipient = {0};

    if (object_get(call, &recipient_table, p->id, &recipient, err) != 0)
        return -1;
    return object_reply(call, &view_recipient, &recipient, err);
}

/* The one that has the name goes in the commit in which another takes its place: at no moment are
 * snapshots sealed to nobody. */
static int take_out(struct op_call *call, const char *name, struct err *err)
{
    struct recipient old = {0};

    if (object_refer(call, &recipient_table, "name", name, &old, err) != 0)
        return -1;
    object_before(call, &recipient_table, &old);
    return record_delete(call->txn, &recipient_table, &old, err) < 0 ? -1 : 0;
}

static int recovery_add(struct op_call *call, struct err *err)
{
    const struct add_params *p = call->params;
    struct recipient recipient = {
        .shares = p->shares,
        .needed = p->needed,
        .passes = p->passes,
        .memory_kib = p->memory_kib,
        .created_at = txn_time_ms(call->txn),
    };
    uint8_t key[32];
    int64_t count;

    if (p->replace && take_out(call, p->name, err) != 0)
        return -1;
    if ((count = recipient_count(call->txn, err)) < 0 ||
        identity_public_parse(p->key, key, err) != 0)
        return -1;
    if (count >= RECIPIENTS_MOST)
        return err_set(err, ERR_CONFLICT, "too_many_recipients",
                       "a snapshot is sealed to at most %d recovery keys", RECIPIENTS_MOST);
    if (p->needed > p->shares)
        return err_field(err, "needed", "needed", "more shares are needed than there are");
    if (p->salt[0] == '\0' ? p->passes != 0 || p->memory_kib != 0
                           : enc_unhex(recipient.salt, sizeof recipient.salt, p->salt) == -1 ||
                                 p->passes == 0 || p->memory_kib < 8)
        return err_field(err, "salt", "passphrase_cost",
                         "a passphrase has a salt of 32 hex digits, passes and at least 8 KiB");
    id_make(recipient.id, recipient_table.prefix);
    (void)str_copy(recipient.name, sizeof recipient.name, p->name);
    identity_public_text(key, recipient.key);
    if (record_insert(call->txn, &recipient_table, &recipient, err) != 0)
        return -1;
    object_after(call, &recipient_table, &recipient);
    return object_reply(call, &view_recipient, &recipient, err);
}

static int recovery_remove(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct recipient recipient = {0};

    if (object_get(call, &recipient_table, p->id, &recipient, err) != 0)
        return -1;
    object_before(call, &recipient_table, &recipient);
    if (record_delete(call->txn, &recipient_table, &recipient, err) < 0)
        return -1;
    object_after(call, &recipient_table, NULL);
    return object_removed(call, &view_recipient, recipient.id);
}

static int proven(struct op_call *call, struct recipient *recipient, struct err *err)
{
    object_before(call, &recipient_table, recipient);
    recipient->proven = true;
    recipient->proven_at = txn_time_ms(call->txn);
    if (record_put(call->txn, &recipient_table, recipient, err) != 0)
        return -1;
    object_after(call, &recipient_table, recipient);
    return object_reply(call, &view_recipient, recipient, err);
}

/* What the command line says once the secret, or a part of it, was asked back and was right. */
static int recovery_proven(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct recipient recipient = {0};

    if (object_get(call, &recipient_table, p->id, &recipient, err) != 0)
        return -1;
    return proven(call, &recipient, err);
}

/* ---- one made here, for a page to show ---- */

struct generate_params {
    uint32_t shares, needed;
};
static const struct field generate_rows[] = {
    FIELD(struct generate_params, shares, FIELD_U32, .min = 2, .max = IDENTITY_SHARES_MOST,
          .help = "in how many shares the secret is given out (none)"),
    FIELD(struct generate_params, needed, FIELD_U32, .min = 2, .max = IDENTITY_SHARES_MOST,
          .help = "how many of them open a snapshot"),
};
static const struct field generated_rows[] = {
    {.name = "key", .type = FIELD_TEXT, .size = IDENTITY_TEXT, .help = "its public half"},
    {.name = "secret",
     .type = FIELD_TEXT,
     .size = IDENTITY_TEXT,
     .help = "its secret half, shown this once and kept nowhere; null: in shares"},
    {.name = "shares", .type = FIELD_TEXT, .size = IDENTITY_TEXT, .help = "the shares, likewise"},
    {.name = "qr", .type = FIELD_TEXT, .size = 8192, .help = "the secret as an SVG of a QR code"},
};
static const struct fields generated = {generated_rows,
                                        sizeof generated_rows / sizeof generated_rows[0], 0};

struct generating {
    uint8_t secret[32], key[32];
    struct identity_share shares[IDENTITY_SHARES_MOST];
    char text[IDENTITY_TEXT];
};

/* The secret for a camera; the picture is wiped as the secret is. */
static int picture(const char *text, struct json_out *j, struct err *err)
{
    struct buf svg;
    int rc;

    buf_init(&svg, 65536);
    if ((rc = qr_svg(&svg, text, err)) == 0)
        json_out_key_text(j, "qr", buf_string(&svg));
    if (svg.data != NULL)
        sodium_memzero(svg.data, svg.cap);
    buf_free(&svg);
    return rc;
}

static int recovery_generate(struct op_call *call, struct err *err)
{
    const struct generate_params *p = call->params;
    struct generating *g = call->scratch; /* wiped behind us */
    struct json_out *j = call->out;

    if ((p->shares == 0) != (p->needed == 0) || p->needed > p->shares)
        return err_field(err, "needed", "needed", "shares and needed go together: 3 of 5");
    identity_new(g->secret, g->key);
    if (p->shares > 0 && identity_split(g->secret, p->needed, p->shares, g->shares, err) != 0)
        return -1;
    identity_public_text(g->key, g->text);
    json_out_object(j);
    json_out_key_text(j, "object", "recovery_secret");
    json_out_key_text(j, "key", g->text);
    json_out_key(j, "secret");
    identity_secret_text(g->secret, g->text);
    if (p->shares > 0)
        json_out_null(j);
    else
        json_out_text(j, g->text);
    if (p->shares == 0 && picture(g->text, j, err) != 0)
        return -1;
    json_out_key(j, "shares");
    json_out_array(j);
    for (uint32_t i = 0; i < p->shares; i++) {
        identity_share_text(&g->shares[i], g->text);
        json_out_text(j, g->text);
    }
    json_out_end_array(j);
    json_out_end_object(j);
    return 0;
}

struct prove_params {
    char recovery[2048];
};
static const struct field prove_rows[] = {
    FIELD(struct prove_params, recovery, FIELD_TEXT,
          .flags = FIELD_REQUIRED | FIELD_SECRET | FIELD_FREE,
          .help = "the recovery secret, or shares of it"),
};

/* The key whose secret this is. */
static int recovery_prove(struct op_call *call, struct err *err)
{
    const struct prove_params *p = call->params;
    struct recovery_found *found = call->scratch;
    struct recipient recipient = {0};
    uint8_t key[32];
    int there;

    memset(found, 0, sizeof *found);
    if (recovery_take(p->recovery, found, err) != 0)
        return -1;
    if (!found->whole && found->count == 0)
        return err_field(err, "recovery", "no_recovery_secret",
                         "that is neither a recovery secret nor shares of one");
    if (recovery_join(found, err) != 0)
        return -1;
    identity_public(found->secret, key);
    identity_public_text(key, recipient.key);
    if ((there = record_find(call->txn, &recipient_table, "key", &recipient, err)) < 0)
        return -1;
    if (there == 0)
        return err_field(err, "recovery", "other_secret",
                         "that is a recovery secret, but none that this box seals to");
    return proven(call, &recipient, err);
}

/* ---- the kit ---- */

static const struct field kit_rows[] = {
    {.name = "box_id", .type = FIELD_TEXT, .size = 64, .help = "whose snapshots"},
    {.name = "signer",
     .type = FIELD_TEXT,
     .size = SIGN_TEXT,
     .help = "public key that signs them; null: none was made yet"},
    {.name = "former_signers",
     .type = FIELD_TEXT,
     .size = SIGN_TEXT,
     .help = "keys that signed before it and vouched for it"},
    {.name = "how", .type = FIELD_TEXT, .size = 2048, .help = "how to restore, for people"},
};
static const struct fields kit = {kit_rows, sizeof kit_rows / sizeof kit_rows[0], 0};

static const char how[] =
    "A snapshot is one file, sett-BOX-NUMBER-DATE.sett, in each of the box's vaults. To restore: "
    "install sett on a machine, fetch the newest file (and, if it is incremental, those that it "
    "builds on: sett snapshot show FILE names them), and run sett restore FILE with the recovery "
    "secret in a private file or typed in. Compare the signer above with the one that it shows. "
    "Without sett: backup/FORMAT in its sources says how such a file is read.";

static int kit_recipients(struct op_call *call, struct err *err)
{
    struct json_out *j = call->out;
    struct recipient recipient;
    struct scan scan;
    int got;

    json_out_key(j, "recipients");
    json_out_array(j);
    if (scan_start(&scan, call->txn, &recipient_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &recipient, err)) == 1) {
        json_out_object(j);
        json_out_key_text(j, "name", recipient.name);
        json_out_key_text(j, "key", recipient.key);
        json_out_end_object(j);
    }
    json_out_end_array(j);
    return got;
}

/* Snapshots that they signed may be the newest that is left. */
static int kit_former(struct op_call *call, const char *signer, struct err *err)
{
    struct json_out *j = call->out;
    struct succession line;
    char hex[SIGN_TEXT];
    uint8_t key[32];

    if (succession_load(call->box->paths.keys, &line, err) != 0)
        return -1;
    json_out_key(j, "former_signers");
    json_out_array(j);
    for (unsigned i = 0; i < line.count && enc_unhex(key, sizeof key, signer) == 0; i++) {
        enc_hex(hex, line.links[i].before, 32);
        if (succession_leads(&line, line.links[i].before, key))
            json_out_text(j, hex);
    }
    json_out_end_array(j);
    return 0;
}

static int recovery_kit(struct op_call *call, struct err *err)
{
    char box_id[512], signer[SIGN_TEXT] = "";
    struct json_out *j = call->out;

    if (setting_text(call->txn, &call->box->conf, "box.id", box_id, sizeof box_id, err) == -1)
        return -1;
    if (sign_public_load(call->box->paths.keys, signer, err) != 0) {
        if (err->kind != ERR_NOT_FOUND)
            return -1;
        err_clear(err);
    }
    json_out_object(j);
    json_out_key_text(j, "object", "recovery_kit");
    json_out_key_text(j, "box_id", box_id);
    json_out_key(j, "signer");
    if (signer[0] == '\0')
        json_out_null(j);
    else
        json_out_text(j, signer);
    if (kit_former(call, signer, err) != 0 || kit_recipients(call, err) != 0)
        return -1;
    json_out_key_text(j, "how", how);
    json_out_end_object(j);
    return 0;
}

struct only_list {
    struct list_params list;
};
static const struct field list_rows[] = {LIST_FIELDS(struct only_list)};

const struct op recovery_ops[] = {
    {.name = "recovery.list",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST | OP_BARE,
     .params = PARAMS(list_rows, struct only_list),
     .help = "List the recovery keys that snapshots are sealed to",
     .example = "",
     .result = &recipient_table.fields,
     .run = recovery_list},
    {.name = "recovery.show",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show a recovery key, its public half",
     .example = "recovery",
     .result = &recipient_table.fields,
     .run = recovery_show},
    {.name = "recovery.add",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_CREATE | OP_FRESH,
     .params = PARAMS(add_rows, struct add_params),
     .help = "Seal snapshots from now on to one more recovery key",
     .example = "escrow settrec1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnzs23v9ccrydpk8qarc0jqscdmzu",
     .result = &recipient_table.fields,
     .run = recovery_add},
    {.name = "recovery.remove",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH,
     .params = &object_id,
     .help = "Seal no more snapshots to a recovery key; it still opens those that there are",
     .example = "escrow",
     .result = &recipient_table.fields,
     .run = recovery_remove},
    {.name = "recovery.proven",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_LOCAL,
     .params = &object_id,
     .help = "Note that a recovery secret was asked back and was right",
     .example = "recovery",
     .result = &recipient_table.fields,
     .run = recovery_proven},
    {.name = "recovery.generate",
     .role = ROLE_ADMIN,
     .flags = OP_READ | OP_FRESH | OP_SECRET,
     .params = PARAMS(generate_rows, struct generate_params),
     .help = "Make a recovery secret, show it once and keep nothing of it",
     .example = "--shares 5 --needed 3",
     .result = &generated,
     .scratch_size = sizeof(struct generating),
     .run = recovery_generate},
    {.name = "recovery.prove",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH,
     .params = PARAMS(prove_rows, struct prove_params),
     .help = "Show that you have a recovery secret: it is compared and forgotten",
     .example = "--recovery-file kit.txt",
     .result = &recipient_table.fields,
     .scratch_size = sizeof(struct recovery_found),
     .run = recovery_prove},
    {.name = "recovery.kit",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .help = "What to print and keep beside the recovery secret: whose snapshots, who signs them, "
             "how to restore",
     .example = "",
     .result = &kit,
     .run = recovery_kit},
    {.name = NULL},
};
