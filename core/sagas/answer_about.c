/*
 * Answers about what runs: logs, stats, status, probe. Apart from the server because each is a look
 * outside with what the store knows, and nothing else.
 */
#include "answer_about.h"

#include <string.h>

#include "answer_parts.h"
#include "job_start.h"
#include "json_out.h"
#include "setting.h"
#include "shared.h"
#include "str.h"

#define LINES    100
#define PROBE_S  5
#define BODY_MAX 65536

/* What its job waits for that a person must do elsewhere. Return 0 or -1. */
static int read_wait(struct txn *txn, struct about *a, struct err *err)
{
    struct job job;
    int found = job_of_subject(txn, "tunnel", a->tunnel.id, &job, err);

    if (found != 1 || a->tunnel.state == TUNNEL_ACTIVE ||
        kv_get(&job.facts, FACT_DNS_ELSEWHERE) == NULL || !str_equal(job.step_name, "elsewhere"))
        return found == -1 ? -1 : 0;
    str_cut(a->waits, sizeof a->waits, job.cause);
    str_cut(a->waits_remedy, sizeof a->waits_remedy, job.remedy);
    return 0;
}

int answer_load(const struct answer_setup *s, const struct kv *params, struct about *a,
                struct err *err)
{
    const char *tunnel_id = kv_get(params, "tunnel_id"), *tenant_id = kv_get(params, "tenant_id");
    struct txn *txn;
    int found = -1;

    memset(a, 0, sizeof *a);
    a->is_tunnel = tunnel_id != NULL;
    if (tunnel_id == NULL && tenant_id == NULL)
        return err_field(err, "tenant_id", "missing", "whose?");
    if (db_read(&txn, s->context->db, err) == -1)
        return -1;
    if (a->is_tunnel) {
        found = tunnel_resolve(txn, tunnel_id, &a->tunnel, err);
        if (found == 1 && (shared_way(txn, &a->tunnel, err) == -1 || read_wait(txn, a, err) == -1))
            found = -1;
    } else {
        found = tenant_resolve(txn, tenant_id, &a->tenant, err);
        if (found == 1 && facts_where_of(txn, &a->tenant, &a->where, err) == -1)
            found = -1;
    }
    if (setting_text(txn, &s->context->conf, "box.id", a->box_id, sizeof a->box_id, err) == -1)
        found = -1;
    db_read_end(txn);
    if (found == 0)
        return err_set(err, ERR_NOT_FOUND, a->is_tunnel ? "tunnel_not_found" : "tenant_not_found",
                       "there is no %s %s", a->is_tunnel ? "tunnel" : "tenant",
                       a->is_tunnel ? tunnel_id : tenant_id);
    return found == 1 ? 0 : -1;
}

enum outcome answer_hands(const struct answer_setup *s, const struct about *a, enum hands_verb verb,
                          uint32_t lines, struct hands_reply *reply, struct buf *stream,
                          struct err *err)
{
    struct hands_request request = {.verb = (uint32_t)verb, .lines = lines};

    request.number = a->is_tunnel ? a->tunnel.number : a->tenant.number;
    request.port = a->tenant.port;
    (void)str_copy(request.tenant_id, sizeof request.tenant_id, a->tenant.id);
    (void)str_copy(request.box_id, sizeof request.box_id, a->box_id);
    (void)str_copy(request.blueprint, sizeof request.blueprint, a->tenant.blueprint);
    if (a->tunnel.hostname[0] != '*') /* of a shared tunnel; to the hands that is no host name */
        (void)str_copy(request.hostname, sizeof request.hostname, a->tunnel.hostname);
    return outside_runtime(s->outside, &a->where, &request, ANSWER_ASK_MS, reply, stream, err);
}

bool answer_connected(const struct about *a)
{
    return str_equal(a->tunnel.ingress, "cloudflare");
}

int answer_logs(const struct answer_setup *s, const struct kv *params, struct buf *out,
                struct err *err)
{
    uint32_t lines = (uint32_t)kv_get_u64(params, "lines", LINES);
    struct hands_reply reply;
    struct about a;
    enum outcome outcome;

    if (answer_load(s, params, &a, err) == -1)
        return -1;
    if (a.is_tunnel && !answer_connected(&a))
        return 0; /* a local route has no connector, and so no log of its own */
    if (lines == 0 || lines > HANDS_LINES_MAX)
        return err_field(err, "lines", "out_of_range", "lines is from 1 to %u", HANDS_LINES_MAX);
    outcome = answer_hands(s, &a, a.is_tunnel ? HANDS_CONNECTOR_LOGS : HANDS_RUNTIME_LOGS, lines,
                           &reply, out, err);
    return outcome == OUTCOME_OK || outcome == OUTCOME_ABSENT ? 0 : -1;
}

int answer_stats(const struct answer_setup *s, const struct kv *params, struct buf *out,
                 struct err *err)
{
    struct hands_reply reply;
    struct json_out j;
    struct about a;
    enum outcome outcome;

    if (answer_load(s, params, &a, err) == -1)
        return -1;
    if (a.is_tunnel)
        return err_field(err, "tunnel_id", "no_stats", "a tunnel has no stats");
    outcome = answer_hands(s, &a, HANDS_RUNTIME_STATS, 0, &reply, NULL, err);
    if (outcome == OUTCOME_ABSENT)
        return err_set(err, ERR_CONFLICT, "not_running", "tenant %s does not run", a.tenant.id);
    if (outcome != OUTCOME_OK)
        return -1;
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "tenant_stats");
    json_out_key_text(&j, "tenant_id", a.tenant.id);
    json_out_key_u64(&j, "cpu_ns", reply.stats.cpu_ns);
    json_out_key_u64(&j, "memory_bytes", reply.stats.memory_bytes);
    json_out_key_u64(&j, "memory_limit_bytes", reply.stats.memory_limit_bytes);
    json_out_key_u64(&j, "pids", reply.stats.pids);
    json_out_key_u64(&j, "received_bytes", reply.stats.received_bytes);
    json_out_key_u64(&j, "sent_bytes", reply.stats.sent_bytes);
    json_out_key_u64(&j, "storage_bytes", reply.stats.storage_bytes);
    json_out_end_object(&j);
    return 0;
}

static int tenant_status(const struct answer_setup *s, const struct about *a, struct buf *out,
                         struct err *err)
{
    struct hands_reply reply;
    struct json_out j;
    enum outcome outcome = answer_hands(s, a, HANDS_RUNTIME_INSPECT, 0, &reply, NULL, err);

    if (outcome != OUTCOME_OK && outcome != OUTCOME_ABSENT)
        return -1;
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "tenant_status");
    json_out_key_text(&j, "tenant_id", a->tenant.id);
    json_out_key_text(&j, "state", tenant_state_names[a->tenant.state]);
    json_out_key_text(
        &j, "runtime",
        runtime_state_names[outcome == OUTCOME_OK && reply.status.state <= RUNTIME_FAILED
                                ? reply.status.state
                                : RUNTIME_ABSENT]);
    json_out_key_text(&j, "runtime_id", reply.status.id);
    json_out_key_u64(&j, "restarts", reply.status.restarts);
    json_out_key_i64(&j, "exit_code", reply.status.exit_code);
    json_out_key_bool(&j, "oom_killed", reply.status.oom_killed);
    json_out_key_time(&j, "started_at", reply.status.started_at);
    json_out_key_text(&j, "detail", reply.status.detail);
    json_out_end_object(&j);
    return 0;
}

int answer_status(const struct answer_setup *s, const struct kv *params, struct buf *out,
                  struct err *err)
{
    struct about a;

    if (answer_load(s, params, &a, err) == -1)
        return -1;
    return a.is_tunnel ? answer_tunnel_status(s, &a, out, err) : tenant_status(s, &a, out, err);
}

int answer_probe(const struct answer_setup *s, const struct kv *params, struct buf *out,
                 struct err *err)
{
    struct http_request request = {.profile = HTTP_PROBE, .method = "GET", .timeout_s = PROBE_S};
    struct blueprint *b = calloc(1, sizeof *b);
    struct http_answer answer;
    struct err why = {0};
    struct json_out j;
    struct about a;
    char url[256], origin[TENANT_ORIGIN_SIZE];
    int result = -1;

    if (b == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a blueprint");
    if (answer_load(s, params, &a, err) == 0 &&
        blueprint_load(b, s->context->paths.blueprints, a.tenant.blueprint, err) == 0) {
        tenant_origin(&a.tenant, origin);
        result = str_format(url, sizeof url, "http://%s%s", origin, b->health_path);
    }
    free(b);
    if (result == -1)
        return -1;
    request.url = url;
    http_answer_init(&answer, BODY_MAX);
    result = http_call(s->outside->probe, &request, &answer, &why);
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "probe");
    json_out_key_text(&j, "tenant_id", a.tenant.id);
    json_out_key_text(&j, "url", url);
    json_out_key_i64(&j, "status", result == 0 ? answer.status : 0);
    json_out_key_text(&j, "error", why.text);
    json_out_end_object(&j);
    http_answer_free(&answer);
    return 0;
}
