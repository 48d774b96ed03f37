/*
 * Probes: why a tunnel, or any service by its address, does not answer; answered now, or as a job
 * whose journal keeps the findings. Apart from the tunnels because nothing is changed here, and
 * because an address is a word of whoever asks: a customer may name none but public ones.
 */
#include "enquire.h"
#include "enc.h"
#include "job_start.h"
#include "nouns.h"
#include "params.h"
#include "str.h"
#include "tunnel.h"

#include <sodium.h>

#define PROBE_MS 60000 /* all that is silent answers nothing for that long in all */

struct tunnel_params {
    char id[300], path[256];
};
static const struct field tunnel_rows[] = {
    FIELD(struct tunnel_params, id, FIELD_TEXT, .flags = FIELD_PATH | FIELD_REQUIRED,
          .help = "which: its id, number, name or host name, or the address of any service"),
    FIELD(struct tunnel_params, path, FIELD_TEXT, .help = "path to ask, as in /ws (the rule's)"),
};

struct url_params {
    char url[300], path[256];
};
static const struct field url_rows[] = {
    FIELD(struct url_params, url, FIELD_TEXT, .flags = FIELD_REQUIRED,
          .help = "address of a service, as in https://localhost:8089/ws"),
    FIELD(struct url_params, path, FIELD_TEXT, .help = "path to ask instead of the address's"),
};

static bool is_customer(const struct op_call *call)
{
    return call->actor.role <= ROLE_CUSTOMER;
}

static int add_path(struct kv *params, const char *path, struct err *err)
{
    if (path[0] == '\0')
        return 0;
    if (path[0] != '/')
        return err_field(err, "path", "path_invalid", "a path begins with /");
    return kv_set(params, "path", path);
}

/* What a question or a job about a service's address is given. */
static int url_arguments(const struct op_call *call, const char *url, const char *path,
                         struct kv *params, struct err *err)
{
    if (kv_set(params, "url", url) == -1 ||
        (is_customer(call) && kv_set(params, "public", "1") == -1))
        return err_set(err, ERR_TOO_LARGE, "question_too_long", "the question is too long");
    return add_path(params, path, err);
}

static int ask_tunnel(struct op_call *call, struct err *err)
{
    const struct tunnel_params *p = call->params;
    struct kv params;

    kv_clear(&params);
    if (strstr(p->id, "://") != NULL || str_starts(p->id, "unix:")) {
        if (url_arguments(call, p->id, p->path, &params, err) == -1)
            return -1;
    } else if (enquire_about(call, &tunnel_table, p->id, &params, err) == -1 ||
               add_path(&params, p->path, err) == -1) {
        return -1;
    }
    return enquire_ask(call, "tunnel_probe", &params, PROBE_MS, err);
}

static int ask_url(struct op_call *call, struct err *err)
{
    const struct url_params *p = call->params;
    struct kv params;

    kv_clear(&params);
    if (url_arguments(call, p->url, p->path, &params, err) == -1)
        return -1;
    return enquire_ask(call, "tunnel_probe", &params, PROBE_MS, err);
}

static int start_tunnel(struct op_call *call, struct err *err)
{
    const struct tunnel_params *p = call->params;
    struct job job = {.saga = "tunnel.probe"};
    struct tunnel tunnel = {0};

    if (object_get(call, &tunnel_table, p->id, &tunnel, err) != 0 ||
        add_path(&job.args, p->path, err) == -1)
        return -1;
    (void)kv_set(&job.args, "tunnel_id", tunnel.id);
    job_subject(job.subjects[0], "probe", tunnel.id);
    if (object_job(call, &job, err) != 0)
        return -1;
    object_after(call, &tunnel_table, &tunnel);
    return object_reply(call, &view_tunnel, &tunnel, err);
}

static int start_url(struct op_call *call, struct err *err)
{
    const struct url_params *p = call->params;
    struct job job = {.saga = "tunnel.probe"};
    uint8_t digest[16];
    char name[40];

    if (url_arguments(call, p->url, p->path, &job.args, err) == -1)
        return -1;
    crypto_generichash(digest, sizeof digest, (const unsigned char *)p->url, strlen(p->url), NULL,
                       0);
    enc_hex(name, digest, sizeof digest);
    job_subject(job.subjects[0], "probe", name);
    if (object_job(call, &job, err) != 0)
        return -1;
    (void)str_copy(call->audit.object, sizeof call->audit.object, job.id);
    json_out_object(call->out);
    json_out_key_text(call->out, "object", "probe");
    json_out_key_text(call->out, "service", p->url);
    json_out_key_text(call->out, "job", call->job_id);
    json_out_end_object(call->out);
    return 0;
}

const struct op probe_ops[] = {
    {.name = "tunnel.probe",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ | OP_ASK | OP_VERDICT,
     .params = PARAMS(tunnel_rows, struct tunnel_params),
     .help = "Find out why a tunnel or a service does not answer, and what to change; exits 1 "
             "unless all is well",
     .example = "https://localhost:8089 --path /ws",
     .slow = ask_tunnel,
     .run = enquire_reply_json},
    {.name = "tunnel.examine",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = PARAMS(tunnel_rows, struct tunnel_params),
     .help = "Probe a tunnel as a job, whose journal keeps the findings",
     .example = "1 --path /ws",
     .result = &tunnel_table.fields,
     .more = &view_tunnel_more,
     .run = start_tunnel},
    {.name = "probe.show",
     .role = ROLE_CUSTOMER,
     .flags = OP_READ | OP_ASK | OP_VERDICT,
     .params = PARAMS(url_rows, struct url_params),
     .help = "Find out why the service at an address does not answer; exits 1 unless all is well",
     .example = "https://localhost:8089/ws",
     .slow = ask_url,
     .run = enquire_reply_json},
    {.name = "probe.start",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT | OP_JOB,
     .params = PARAMS(url_rows, struct url_params),
     .help = "Probe the service at an address as a job, whose journal keeps the findings",
     .example = "https://localhost:8089/ws",
     .run = start_url},
    {.name = NULL},
};
