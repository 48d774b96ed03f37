/*
 * The verbs: one row each with what it needs and what it does. Apart so that all that the one
 * privileged process can be made to do stands in one table.
 */
#include "hands_verb.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "crash.h"
#include "log.h"
#include "route_list.h"
#include "str.h"

#define NEED_NUMBER    0x01u
#define NEED_BLUEPRINT 0x02u
#define NEED_PORT      0x04u
#define NEED_HOST      0x08u
#define NEED_SECRET    0x10u
#define NEED_LINES     0x20u
#define NEED_TENANT    0x40u
#define ALONE          0x100u /* one at a time about the same number */
#define TUNNEL         0x200u /* the number is a tunnel's */

#define TENANT (NEED_NUMBER | NEED_BLUEPRINT | NEED_TENANT)

static hands_work ping, retire, route_set, route_unset, route_show;

static const struct {
    unsigned flags;
    hands_work *work;
} verbs[HANDS_VERBS] = {
    [HANDS_PING] = {0, ping},
    [HANDS_PORT_PROBE] = {NEED_PORT, hands_port_probe},
    [HANDS_RUNTIME_CREATE] = {TENANT | NEED_PORT | ALONE, hands_runtime_create},
    [HANDS_RUNTIME_START] = {TENANT | NEED_PORT | ALONE, hands_runtime_start},
    [HANDS_RUNTIME_STOP] = {TENANT | ALONE, hands_runtime_stop},
    [HANDS_RUNTIME_RESTART] = {TENANT | NEED_PORT | ALONE, hands_runtime_restart},
    [HANDS_RUNTIME_REMOVE] = {TENANT | ALONE, hands_runtime_remove},
    [HANDS_RUNTIME_INSPECT] = {TENANT, hands_runtime_inspect},
    [HANDS_RUNTIME_LOGS] = {TENANT | NEED_LINES, hands_runtime_logs},
    [HANDS_RUNTIME_STATS] = {TENANT, hands_runtime_stats},
    [HANDS_RUNTIME_INIT] = {TENANT | NEED_PORT | ALONE, hands_runtime_init},
    [HANDS_RUNTIME_FIT] = {TENANT, hands_runtime_fit},
    [HANDS_ROUTE_SET] = {NEED_NUMBER | NEED_HOST | NEED_PORT | ALONE | TUNNEL, route_set},
    [HANDS_ROUTE_UNSET] = {NEED_NUMBER | NEED_HOST | ALONE | TUNNEL, route_unset},
    [HANDS_ROUTE_SHOW] = {NEED_HOST, route_show},
    [HANDS_CONNECTOR_START] = {NEED_NUMBER | NEED_SECRET | ALONE | TUNNEL, hands_connector_start},
    [HANDS_CONNECTOR_STOP] = {NEED_NUMBER | ALONE | TUNNEL, hands_connector_stop},
    [HANDS_CONNECTOR_RESTART] = {NEED_NUMBER | ALONE | TUNNEL, hands_connector_restart},
    [HANDS_CONNECTOR_STATUS] = {NEED_NUMBER | TUNNEL, hands_connector_status},
    [HANDS_CONNECTOR_LOGS] = {NEED_NUMBER | NEED_LINES | TUNNEL, hands_connector_logs},
    [HANDS_INVENTORY] = {0, hands_inventory},
    [HANDS_SURVEY] = {0, hands_survey},
    [HANDS_RETIRE] = {0, retire},
    [HANDS_VOLUMES] = {0, hands_volumes},
    [HANDS_QUIET] = {TENANT | NEED_PORT | ALONE, hands_quiet},
    [HANDS_EXCHANGE] = {NEED_NUMBER | NEED_TENANT | ALONE, hands_exchange},
    [HANDS_RECEIVE] = {NEED_NUMBER | NEED_TENANT | ALONE, hands_receive},
    [HANDS_DISCARD] = {NEED_NUMBER | NEED_TENANT | ALONE, hands_discard},
    [HANDS_JOURNAL] = {NEED_LINES, hands_journal},
    [HANDS_PROGRAMS] = {0, hands_programs},
    [HANDS_LINK_START] = {NEED_NUMBER | NEED_SECRET | ALONE | TUNNEL, hands_link_start},
    [HANDS_LINK_STOP] = {NEED_NUMBER | ALONE | TUNNEL, hands_link_stop},
    [HANDS_LINK_STATUS] = {NEED_NUMBER, hands_link_status},
    [HANDS_LINK_LOGS] = {NEED_NUMBER | NEED_LINES, hands_link_logs},
    [HANDS_LINK_PORT] = {NEED_NUMBER | NEED_PORT | ALONE | TUNNEL, hands_link_port},
    [HANDS_ENGINE_LOCAL] = {0, hands_engine_local},
};

/* --- the check ------------------------------------------------------------------------------ */

static bool made_of(const char *s, const char *characters)
{
    return s[strspn(s, characters)] == '\0';
}

#define LETTERS  "abcdefghijklmnopqrstuvwxyz"
#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS   "0123456789"

static bool clean_text(const char *s)
{
    for (const char *p = s; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return false;
    return str_utf8(s, strlen(s));
}

static bool clean_env(const struct kv *env)
{
    const char *name, *value;
    struct kv copy;
    size_t at = 0;

    if (kv_load(&copy, env->data, env->len) == -1)
        return false;
    while (kv_next(&copy, &at, &name, &value) == 1)
        if (!blueprint_variable_name(name) || !clean_text(value))
            return false;
    return true;
}

static bool clean_limits(const struct limits *l)
{
    return l->memory_bytes <= 1ull << 50 && l->storage_bytes <= 1ull << 50 &&
           l->cpu_millis <= 1000000 && l->pids <= 4194304 && l->nofile <= 1048576;
}

static int refuse(struct err *err, const char *what)
{
    return err_set(err, ERR_MALFORMED, "request_refused", "a request whose %s is not acceptable",
                   what);
}

/* The shape of every member, whether the verb needs it or not. */
static int check_shapes(const struct hands_request *q, struct err *err)
{
    if (q->verb >= HANDS_VERBS)
        return refuse(err, "verb");
    if (!made_of(q->tenant_id, LETTERS DIGITS "_") || !made_of(q->job_id, LETTERS DIGITS "_"))
        return refuse(err, "id");
    if (!made_of(q->box_id, LETTERS CAPITALS DIGITS "_-."))
        return refuse(err, "box");
    if (!made_of(q->runtime, LETTERS))
        return refuse(err, "runtime");
    if (!made_of(q->blueprint, LETTERS DIGITS "-"))
        return refuse(err, "blueprint");
    if (q->port > 65535 || q->lines > HANDS_LINES_MAX)
        return refuse(err, "port or number of lines");
    if (q->number > UINT32_MAX)
        return refuse(err, "number");
    if (q->hostname[0] != '\0' && !route_list_hostname(q->hostname))
        return refuse(err, "host name");
    if (!clean_text(q->service))
        return refuse(err, "service");
    if (!clean_text(q->rules))
        return refuse(err, "rules");
    if (!made_of(q->secret, LETTERS CAPITALS DIGITS "+/=_-."))
        return refuse(err, "secret");
    if (!clean_limits(&q->limits))
        return refuse(err, "limits");
    if (!clean_env(&q->env))
        return refuse(err, "environment");
    return 0;
}

int hands_check(const struct hands_request *q, struct err *err)
{
    unsigned flags;

    if (check_shapes(q, err) == -1)
        return -1;
    flags = verbs[q->verb].flags;
    if (q->verb == HANDS_RUNTIME_REMOVE && q->runtime[0] != '\0')
        flags &= ~(NEED_BLUEPRINT | NEED_TENANT);
    if ((flags & NEED_NUMBER) != 0 && q->number == 0)
        return refuse(err, "number is missing and therefore");
    if ((flags & NEED_TENANT) != 0 && q->tenant_id[0] == '\0')
        return refuse(err, "tenant is missing and therefore");
    if ((flags & NEED_BLUEPRINT) != 0 && q->blueprint[0] == '\0')
        return refuse(err, "blueprint is missing and therefore");
    if ((flags & NEED_PORT) != 0 && q->port == 0)
        return refuse(err, "port is missing and therefore");
    if ((flags & NEED_HOST) != 0 && q->hostname[0] == '\0')
        return refuse(err, "host name is missing and therefore");
    if ((flags & NEED_SECRET) != 0 && q->secret[0] == '\0')
        return refuse(err, "secret is missing and therefore");
    if ((flags & NEED_LINES) != 0 && q->lines == 0)
        return refuse(err, "number of lines is missing and therefore");
    return 0;
}

bool hands_alone(uint32_t verb, bool *of_tunnel)
{
    *of_tunnel = (verbs[verb].flags & TUNNEL) != 0;
    return (verbs[verb].flags & ALONE) != 0;
}

/* --- verbs too small for a file of their own ------------------------------------------------ */

static enum outcome ping(struct hands_job *job, struct err *err)
{
    (void)job;
    (void)err;
    return OUTCOME_OK;
}

/* The signal that ends the hands and leaves the tenants running. */
static enum outcome retire(struct hands_job *job, struct err *err)
{
    (void)job;
    if (kill(getpid(), SIGTERM) == 0)
        return OUTCOME_OK;
    (void)err_sys(err, "signal", errno, "the hands");
    return OUTCOME_FAIL;
}

static enum outcome route_set(struct hands_job *job, struct err *err)
{
    const struct hands_request *q = job->request;

    return hands_outcome(route_map_set_at(job->world->routes, q->hostname, q->address, q->port,
                                          q->number, q->flag, err),
                         err);
}

static enum outcome route_unset(struct hands_job *job, struct err *err)
{
    const struct hands_request *q = job->request;

    return hands_outcome(route_map_unset(job->world->routes, q->hostname, q->number, err), err);
}

static enum outcome route_show(struct hands_job *job, struct err *err)
{
    struct hands_reply *reply = job->reply;

    (void)err;
    reply->present = route_map_show(job->world->routes, job->request->hostname, &reply->port,
                                    &reply->number, &reply->maintenance) == 1;
    reply->address = route_map_address(job->world->routes, job->request->hostname);
    return reply->present ? OUTCOME_OK : OUTCOME_ABSENT;
}

void hands_run(struct hands_world *world, const struct hands_request *request, int connection,
               struct hands_reply *reply, struct buf *stream)
{
    struct hands_job job = {world, request, reply, stream, connection};
    struct err err;

    err_clear(&err);
    memset(reply, 0, sizeof *reply);
    reply->outcome = verbs[request->verb].work(&job, &err);
    if (reply->outcome == OUTCOME_OK || reply->outcome == OUTCOME_ABSENT)
        return;
    reply->err_kind = err.kind;
    reply->retry_after_s = err.retry_after_s;
    (void)str_copy(reply->err_code, sizeof reply->err_code, err.code);
    (void)str_copy(reply->err_text, sizeof reply->err_text, err.text);
    (void)str_copy(reply->err_hint, sizeof reply->err_hint, err.hint);
    log_warning("%s of %llu: %s", hands_verb_names[request->verb],
                (unsigned long long)request->number, err.text);
}
