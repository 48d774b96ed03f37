/*
 * Steps that ask a tenant over HTTP: at its own port, and at its front door as a visitor would.
 * Apart because they prove what the others only did.
 */
#include "facts.h"
#include "outside.h"
#include "steps.h"

#include <string.h>

#include "clock.h"
#include "str.h"

#define PROBE_BODY_MAX   65536
#define PROBE_TIMEOUT_S  5
#define HEALTH_DEFAULT_S 60
#define REACH_S          120
#define FIRST_WAIT_MS    100
#define LAST_WAIT_MS     1000
#define RELOAD_MS        120 /* nginx lets its old workers answer for 100 ms beside the new ones */
#define LOOK_EACH        10  /* attempts between looks at the runtime */
#define LOOK_MS          10000

/* The program itself said something: any answer but "broken" and "not here". */
static bool good(long status)
{
    return (status >= 200 && status < 400) || status == 401 || status == 403;
}

static enum outcome again(struct step_call *call)
{
    uint64_t wait_ms = FIRST_WAIT_MS;

    for (uint32_t i = 1; i < call->attempt && wait_ms < LAST_WAIT_MS; i++)
        wait_ms += wait_ms / 4;
    call->wait_ms = (uint32_t)(wait_ms < LAST_WAIT_MS ? wait_ms : LAST_WAIT_MS);
    return OUTCOME_AGAIN;
}

/* One request, over a connection of its own. Return 0 when its answer is good, -1 with why not. */
static int probe(struct outside *o, const char *url, const char *resolve, bool no_verify,
                 bool public_only, struct err *err)
{
    static const char *const headers[] = {"Connection: close", NULL};
    struct http_request request = {
        .profile = HTTP_PROBE,
        .method = "GET",
        .url = url,
        .resolve = resolve,
        .no_verify = no_verify,
        .public_only = public_only,
        .timeout_s = PROBE_TIMEOUT_S,
        .headers = headers,
    };
    struct http_answer answer;
    int result;

    http_answer_init(&answer, PROBE_BODY_MAX);
    result = http_call(o->probe, &request, &answer, err);
    if (result == -1 && err->kind == ERR_TOO_LARGE && good(answer.status))
        result = 0; /* a long page is a page */
    else if (result == 0 && !good(answer.status))
        result = err_set(err, ERR_NETWORK, "bad_status", "%s answers %ld", url, answer.status);
    http_answer_free(&answer);
    return result;
}

/* Why wait for what has ended? 1 when the runtime says that the program is not running. */
static int has_ended(struct step_call *call, struct err *err)
{
    struct hands_reply reply;
    struct err ignored = {0};

    if (steps_runtime_ask(call, HANDS_RUNTIME_INSPECT, false, LOOK_MS, &reply, &ignored) !=
        OUTCOME_OK)
        return 0;
    if (reply.status.state != RUNTIME_STOPPED && reply.status.state != RUNTIME_FAILED)
        return 0;
    (void)err_set(err, ERR_INTERNAL, "program_ended", "the program has ended with status %d%s%s",
                  (int)reply.status.exit_code, reply.status.detail[0] == '\0' ? "" : ": ",
                  reply.status.detail);
    return 1;
}

static void hint_logs(const struct step_call *call, struct err *err)
{
    (void)err_hint(err, "sett tenant logs %s tells what it says; then sett job retry %s",
                   kv_get_or(&call->job->args, "tenant_id", ""), call->job->id);
}

enum outcome steps_healthy_make(struct step_call *call, struct err *err)
{
    uint64_t limit_s;
    char url[256], origin[TENANT_ORIGIN_SIZE];

    if (steps_blueprint(call, err) == -1)
        return err->kind == ERR_UNAVAILABLE ? OUTCOME_AGAIN : OUTCOME_FAIL;
    limit_s = kv_get_u64(call->facts, FACT_HEALTH_S, HEALTH_DEFAULT_S);
    facts_origin(call->facts, origin);
    if (str_format(url, sizeof url, "http://%s%s", origin,
                   kv_get_or(call->facts, FACT_HEALTH_PATH, "/")) == -1) {
        (void)err_set(err, ERR_INVALID, "health_path", "the health path is too long");
        return OUTCOME_FAIL;
    }
    if (probe(call->outside, url, NULL, false, false, err) == 0) {
        (void)str_format(call->note, sizeof call->note, "%s answers", url);
        return OUTCOME_OK;
    }
    if (call->elapsed_ms >= (int64_t)limit_s * 1000) {
        hint_logs(call, err);
        return OUTCOME_FAIL;
    }
    if (call->attempt % LOOK_EACH == 0 && has_ended(call, err) == 1) {
        hint_logs(call, err);
        return OUTCOME_FAIL;
    }
    return again(call);
}

#define OWN_DOOR "127.0.0.1" /* where the box's own web server listens */

int steps_resolve_here(const char *url, const char *front_door, char *out, size_t size)
{
    const char *host = strstr(url, "://");
    bool tls = str_starts(url, "https://");
    int len;

    if (host == NULL)
        return -1;
    host += 3;
    len = (int)strcspn(host, "/");
    if (memchr(host, ':', (size_t)len) != NULL)
        return str_format(out, size, "%.*s:%s", len, host, front_door);
    return str_format(out, size, "%.*s:%d:%s", len, host, tls ? 443 : 80, front_door);
}

/* A web server that was told to read its map anew answers for a moment with its old workers, too.
 * The first good answer shows that the new ones are there; the old have been told to go by the time
 * of the second, which must be good as well. */
static int reached(struct outside *o, const char *url, const char *resolve, enum steps_door door,
                   struct err *err)
{
    bool local = door == STEPS_DOOR_OWN;
    bool theirs = door == STEPS_DOOR_CUSTOMERS && resolve == NULL;

    if (probe(o, url, resolve, local, theirs, err) == -1)
        return -1;
    if (!local)
        return 0;
    clock_sleep_ms(RELOAD_MS);
    return probe(o, url, resolve, local, theirs, err);
}

int steps_door_ask(struct outside *o, const char *base, const char *path, enum steps_door door,
                   struct err *err)
{
    const char *at = door == STEPS_DOOR_OWN && o->front_door[0] == '\0' ? OWN_DOOR : o->front_door;
    char url[512], resolve[400] = "";

    if (str_format(url, sizeof url, "%s%s", base,
                   str_ends(base, "/") && *path == '/' ? path + 1 : path) == -1 ||
        (at[0] != '\0' && steps_resolve_here(base, at, resolve, sizeof resolve) == -1))
        return err_set(err, ERR_INVALID, "url_invalid", "%s cannot be asked", base);
    return reached(o, url, resolve[0] != '\0' ? resolve : NULL, door, err);
}

enum outcome steps_reachable_make(struct step_call *call, struct err *err)
{
    bool local = str_equal(kv_get_or(call->facts, FACT_INGRESS, "local"), "local");
    const char *base;

    if (steps_blueprint(call, err) == -1) /* which sets facts, and so moves the others */
        return err->kind == ERR_UNAVAILABLE ? OUTCOME_AGAIN : OUTCOME_FAIL;
    base = kv_get_or(call->facts, FACT_URL, "");
    if (steps_door_ask(call->outside, base, kv_get_or(call->facts, FACT_HEALTH_PATH, "/"),
                       local ? STEPS_DOOR_OWN : STEPS_DOOR_EDGE, err) == 0) {
        (void)str_format(call->note, sizeof call->note, "%s answers", base);
        return OUTCOME_OK;
    }
    if (str_equal(err->code, "url_invalid"))
        return OUTCOME_FAIL;
    if (call->elapsed_ms >= REACH_S * 1000) {
        (void)err_hint(err, local ? "Does the web server include the generated map, and does it "
                                    "run? sett doctor says"
                                  : "Is the zone active, and does the connector run? sett tunnel "
                                    "status says");
        return OUTCOME_FAIL;
    }
    return again(call);
}
