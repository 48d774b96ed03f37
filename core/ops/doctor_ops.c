/* How the box itself is, asked of the worker: findings, programs, versions, certificates. Apart
 * from the doctor's checks, which the command line makes without anybody's help. */
#include "ask.h"
#include "enquire.h"
#include "nouns.h"

#include <stdlib.h>
#include <string.h>

#define WAIT_MS 60000

static const struct field rows[] = {
    {.name = "fine", .type = FIELD_BOOL, .size = 1, .help = "nothing is broken"},
    {.name = "checks",
     .type = FIELD_KV,
     .help = "list of name, ok, finding (ok, warning, broken, skipped), what was found, the fix"},
    {.name = "at", .type = FIELD_TIME, .size = 8, .help = "when it was looked"},
};
static const struct fields shape = {rows, sizeof rows / sizeof rows[0], 0};

static const struct field program_rows[] = {
    {.name = "programs",
     .type = FIELD_KV,
     .help = "list of name, running, pid, pss_bytes, started_at, restarts, beat_at"},
    {.name = "connectors", .type = FIELD_KV, .help = "the same of connectors, by their tunnel"},
    {.name = "disks",
     .type = FIELD_KV,
     .help = "list of name, path, total_bytes, free_bytes, inodes, inodes_free"},
    {.name = "at", .type = FIELD_TIME, .size = 8, .help = "when it was looked"},
};
static const struct fields programs_shape = {program_rows,
                                             sizeof program_rows / sizeof program_rows[0], 0};
static const struct field version_rows[] = {
    {.name = "name", .type = FIELD_TEXT, .size = 32, .help = "what, as in cloudflared"},
    {.name = "kind", .type = FIELD_TEXT, .size = 16, .help = "sett, program, library or system"},
    {.name = "version", .type = FIELD_TEXT, .size = 220, .help = "as it says itself"},
};
static const struct fields versions_shape = {version_rows,
                                             sizeof version_rows / sizeof version_rows[0], 0};
static const struct field certificate_rows[] = {
    {.name = "host",
     .type = FIELD_TEXT,
     .size = 300,
     .help = "who shows it; of kind file: its path"},
    {.name = "kind",
     .type = FIELD_TEXT,
     .size = 16,
     .help = "box, file (the web server's own), watched (alerts.certificates), tenants or domain"},
    {.name = "subject_id", .type = FIELD_TEXT, .size = 32, .help = "domain or tenant"},
    {.name = "expires_at", .type = FIELD_TIME, .size = 8, .help = "until when it is good"},
    {.name = "days", .type = FIELD_I64, .size = 8, .help = "days left; null: not known"},
    {.name = "problem", .type = FIELD_TEXT, .size = 400, .help = "what is wrong, or empty"},
};
static const struct fields certificates_shape = {
    certificate_rows, sizeof certificate_rows / sizeof certificate_rows[0], 0};

/* The question is the last word of the operation's name. */
static int ask_slow(struct op_call *call, struct err *err)
{
    struct kv params;

    kv_clear(&params);
    return ask(call->box->paths.ask_sock, strchr(call->op->name, '.') + 1, &params, WAIT_MS,
               &call->answer, err);
}

static int bundle_slow(struct op_call *call, struct err *err)
{
    struct kv params;

    kv_clear(&params);
    (void)kv_set_u64(&params, "from", call->from);
    if ((call->file = calloc(1, sizeof *call->file)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a file");
    if (ask_for_file(call->box->paths.ask_sock, "support_bundle", &params, WAIT_MS, call->file,
                     err) == 0)
        return 0;
    free(call->file);
    call->file = NULL;
    return -1;
}

/* Who took it away is in the audit. */
static int bundle_run(struct op_call *call, struct err *err)
{
    (void)err;
    json_out_object(call->out);
    json_out_end_object(call->out);
    return 0;
}

#define LOOK(name_, flags_, help_, shape_)                                                         \
    {                                                                                              \
        .name = (name_), .role = ROLE_VIEWER, .flags = OP_READ | OP_ASK | (flags_),                \
        .help = (help_), .example = "", .result = (shape_), .slow = ask_slow,                      \
        .run = enquire_reply_json                                                                  \
    }

const struct op doctor_ops[] = {
    LOOK("system.doctor", OP_VERDICT,
         "What is wrong with this box as the worker sees it, and what to do about each", &shape),
    LOOK("system.programs", 0,
         "What runs of this box: memory, restarts, last sign of life; and its disks",
         &programs_shape),
    LOOK("system.versions", OP_LIST, "Versions of sett, its libraries and what it works with",
         &versions_shape),
    LOOK("system.certificates", OP_LIST, "Until when certificates of box and domains are good",
         &certificates_shape),
    {.name = "system.bundle",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT | OP_FRESH | OP_ASK | OP_FILE,
     .help = "Take a support bundle away: findings, versions, settings, logs, no secrets",
     .example = "",
     .slow = bundle_slow,
     .run = bundle_run},
    {.name = NULL},
};
