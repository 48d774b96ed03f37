/*
 * Steps that the hands carry out: port, runtime, init. Apart from the hands themselves because what
 * is here is only which verb answers which question; what a container is, the hands know.
 */
#include "facts.h"
#include "outside.h"
#include "steps.h"

#include <string.h>

#include "str.h"

#define SHORT_MS  15000
#define STOP_MS   90000
#define CREATE_MS 900000 /* an image may have to be pulled */
#define INIT_MS   1800000

enum outcome steps_runtime_ask(struct step_call *call, enum hands_verb verb, bool flag,
                               int timeout_ms, struct hands_reply *reply, struct err *err)
{
    struct hands_request request;
    struct outside_where where;
    enum outcome outcome;

    memset(reply, 0, sizeof *reply);
    facts_request(call, verb, &request);
    facts_where(call->facts, &where);
    request.flag = flag;
    if (steps_database_variables(call, &request.env, err) == -1 ||
        steps_credentials_variables(call, &request.env, err) == -1)
        return OUTCOME_FAIL;
    outcome = outside_runtime(call->outside, &where, &request, timeout_ms, reply, NULL, err);
    explicit_bzero(&request.env, sizeof request.env);
    return outcome;
}

/* Where a container is to be: the plan's word, else the blueprint's, else this box. Known from its
 * record for one that is there. */
static int choose_engine(struct step_call *call, const struct blueprint *b, struct err *err)
{
    const char *wanted = kv_get_or(call->facts, FACT_ENGINE, b->engine);
    struct providers *p;
    bool known;

    if (wanted[0] == '\0' || kv_get(call->facts, FACT_NODE) != NULL)
        return 0;
    if (!str_equal(b->runtime, "docker"))
        return err_set(err, ERR_INVALID, "engine_runtime",
                       "its plan wants engine %s, and blueprint %s has runtime %s, not docker",
                       wanted, b->name, b->runtime);
    p = outside_use(call->outside);
    known = engines_find(p->engines, wanted) != NULL;
    outside_done(call->outside, p);
    if (!known) {
        (void)err_set(err, ERR_INVALID, "engine_not_found", "there is no engine %s", wanted);
        return err_hint(err, "sett engine add %s URL", wanted);
    }
    return kv_set(call->facts, FACT_NODE, wanted) == -1
               ? err_set(err, ERR_TOO_LARGE, "facts_full", "the job's facts are full")
               : 0;
}

int steps_blueprint(struct step_call *call, struct err *err)
{
    struct blueprint *b;
    int result = -1;

    /* A tenant that is reserved anew takes the fact of its runtime from a record without one. */
    if ((kv_get(call->facts, FACT_HEALTH_PATH) != NULL &&
         kv_get(call->facts, FACT_RUNTIME) != NULL) ||
        kv_get(call->facts, FACT_BLUEPRINT) == NULL)
        return 0;
    if ((b = calloc(1, sizeof *b)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a blueprint");
    if (blueprint_load(b, call->outside->paths.blueprints,
                       kv_get_or(call->facts, FACT_BLUEPRINT, ""), err) == 0) {
        result = 0;
        if (kv_set(call->facts, FACT_HEALTH_PATH, b->health_path) == -1 ||
            kv_set_u64(call->facts, FACT_HEALTH_S, b->health_timeout_s) == -1 ||
            kv_set(call->facts, FACT_RUNTIME, b->runtime) == -1 ||
            (b->database && kv_set(call->facts, FACT_DATABASE, "1") == -1) ||
            steps_credentials_facts(call, b) == -1)
            result = err_set(err, ERR_TOO_LARGE, "facts_full", "the job's facts are full");
        if (result == 0)
            result = choose_engine(call, b, err);
    }
    free(b);
    return result;
}

enum outcome steps_port_make(struct step_call *call, struct err *err)
{
    struct hands_reply reply;
    uint64_t port = kv_get_u64(call->facts, FACT_PORT, 0);
    enum outcome outcome;

    if (steps_blueprint(call, err) == -1)
        return err->kind == ERR_UNAVAILABLE ? OUTCOME_AGAIN : OUTCOME_FAIL;
    outcome = steps_runtime_ask(call, HANDS_PORT_PROBE, false, SHORT_MS, &reply, err);
    if (outcome == OUTCOME_AGAIN || (outcome == OUTCOME_FAIL && reply.owner[0] == '\0'))
        return outcome;
    if (reply.owner[0] == '\0') {
        (void)str_format(call->note, sizeof call->note, "port %llu can be bound",
                         (unsigned long long)port);
        return OUTCOME_OK;
    }
    (void)kv_set_u64(call->facts, FACT_FOREIGN, port);
    (void)kv_set(call->facts, FACT_OWNER, reply.owner);
    (void)err_set(err, ERR_CONFLICT, "port_foreign", "port %llu is held by %s",
                  (unsigned long long)port, reply.owner);
    (void)err_hint(err, "another port is taken; free this one, or take it out of ports.ranges");
    return OUTCOME_FAIL;
}

/* From here on its record says who runs it: a provision that ends half way is undone there. */
int steps_port_settle(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const char *runtime = kv_get_or(&job->facts, FACT_RUNTIME, "");
    const char *node = kv_get_or(&job->facts, FACT_NODE, "");
    struct tenant tenant;

    (void)context;
    if (node[0] == '\0' || !tenant_is_elsewhere(runtime, node))
        return 0;
    if (facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    (void)str_copy(tenant.runtime, sizeof tenant.runtime, runtime);
    (void)str_copy(tenant.node, sizeof tenant.node, node);
    return tenant_put(txn, &tenant, err);
}

const char *steps_port_fall_back(const struct job *job, const struct err *err)
{
    (void)job;
    return str_equal(err->code, "port_foreign") ? "reserve" : NULL;
}

static void note_status(struct step_call *call, const struct hands_reply *reply, const char *what)
{
    if (reply->status.address[0] != '\0')
        (void)kv_set(call->facts, FACT_ADDRESS, reply->status.address);
    if (reply->status.node[0] != '\0')
        (void)kv_set(call->facts, FACT_NODE, reply->status.node);
    if (reply->status.id[0] != '\0')
        (void)str_format(call->note, sizeof call->note, "%s: %s", what, reply->status.id);
    else
        (void)str_format(call->note, sizeof call->note, "%s", what);
}

/* The number that was reserved is somebody else's: another is to be. So is a port that on the
 * engine's own machine something else has. */
static void note_foreign(struct step_call *call, const struct err *err)
{
    char owner[64];

    if (str_equal(err->code, "port_taken") && kv_get(call->facts, FACT_NODE) != NULL) {
        (void)str_format(owner, sizeof owner, "something on engine %s",
                         kv_get_or(call->facts, FACT_NODE, ""));
        (void)kv_set_u64(call->facts, FACT_FOREIGN, kv_get_u64(call->facts, FACT_PORT, 0));
        (void)kv_set(call->facts, FACT_OWNER, owner);
    }
    if (!str_equal(err->code, "guest_foreign"))
        return;
    (void)kv_set_u64(call->facts, FACT_FOREIGN_GUEST, kv_get_u64(call->facts, FACT_GUEST, 0));
    (void)kv_set(call->facts, FACT_OWNER, "somebody else's container");
}

enum outcome steps_runtime_check(struct step_call *call, struct err *err)
{
    struct hands_reply reply;
    enum outcome outcome =
        steps_runtime_ask(call, HANDS_RUNTIME_INSPECT, false, SHORT_MS, &reply, err);

    if (outcome == OUTCOME_FAIL)
        note_foreign(call, err);
    if (outcome != OUTCOME_OK)
        return outcome;
    /* Made but not started, ended, or where we do not know: make is fine with all of them. */
    if (reply.status.state != RUNTIME_RUNNING || kv_get(call->facts, FACT_GUEST) != NULL)
        return OUTCOME_ABSENT;
    note_status(call, &reply, "running");
    return OUTCOME_OK;
}

enum outcome steps_runtime_make(struct step_call *call, struct err *err)
{
    struct hands_reply reply;
    enum outcome outcome =
        steps_runtime_ask(call, HANDS_RUNTIME_CREATE, false, CREATE_MS, &reply, err);

    if (outcome == OUTCOME_OK)
        outcome = steps_runtime_start(call, err);
    if (outcome == OUTCOME_FAIL)
        note_foreign(call, err);
    return outcome;
}

enum outcome steps_runtime_start(struct step_call *call, struct err *err)
{
    struct hands_reply reply;
    enum outcome outcome =
        steps_runtime_ask(call, HANDS_RUNTIME_START, false, CREATE_MS, &reply, err);

    if (outcome == OUTCOME_OK)
        note_status(call, &reply, "started");
    return outcome;
}

enum outcome steps_runtime_stop(struct step_call *call, struct err *err)
{
    struct hands_reply reply;

    return steps_runtime_ask(call, HANDS_RUNTIME_STOP, false, STOP_MS, &reply, err);
}

enum outcome steps_runtime_restart(struct step_call *call, struct err *err)
{
    struct hands_reply reply;
    enum outcome outcome =
        steps_runtime_ask(call, HANDS_RUNTIME_RESTART, false, STOP_MS, &reply, err);

    if (outcome == OUTCOME_OK)
        note_status(call, &reply, "restarted");
    return outcome;
}

static enum outcome removal(struct step_call *call, bool data, struct err *err)
{
    struct hands_reply reply;

    return steps_runtime_ask(call, HANDS_RUNTIME_REMOVE, data, STOP_MS, &reply, err);
}

enum outcome steps_runtime_remove(struct step_call *call, struct err *err)
{
    return removal(call, true, err);
}

enum outcome steps_runtime_remove_asked(struct step_call *call, struct err *err)
{
    return removal(call, !str_equal(kv_get_or(&call->job->args, "data", "1"), "0"), err);
}

/* New limits hold for a new container; the data stays where it is. A tenant that does not run gets
 * its new one when it is resumed. */
enum outcome steps_runtime_recreate(struct step_call *call, struct err *err)
{
    enum outcome outcome = removal(call, false, err);

    if (outcome != OUTCOME_OK && outcome != OUTCOME_ABSENT)
        return outcome;
    if (kv_get(call->facts, FACT_SUSPENDED) != NULL)
        return OUTCOME_OK;
    return steps_runtime_make(call, err);
}

enum outcome steps_init_make(struct step_call *call, struct err *err)
{
    struct hands_reply reply;

    return steps_runtime_ask(call, HANDS_RUNTIME_INIT, false, INIT_MS, &reply, err);
}
