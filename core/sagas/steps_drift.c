/*
 * Steps about findings of drift. Apart from the other families because here the question is first
 * whether a finding of some minutes or days ago still holds: only then is anything touched.
 */
#include "steps_drift.h"

#include <string.h>

#include "drift.h"
#include "facts.h"
#include "ingress_cloudflare.h"
#include "job_start.h"
#include "outside.h"
#include "setting.h"
#include "steps.h"
#include "str.h"

#define HANDS_MS 120000

#define FACT_KIND       "drift_kind"
#define FACT_OBJECT     "drift_object" /* runtime, host name or the provider's id */
#define FACT_ITS_NUMBER "drift_number"
#define FACT_OWNER_ID   "drift_tenant"

static int load(struct txn *txn, const struct job *job, struct drift *item, struct err *err)
{
    const char *id = kv_get_or(&job->args, "drift_id", "");
    int found;

    memset(item, 0, sizeof *item);
    (void)str_copy(item->id, sizeof item->id, id);
    if ((found = record_get(txn, &drift_table, item, err)) == 0)
        return err_set(err, ERR_NOT_FOUND, "drift_not_found", "there is no finding %s", id);
    return found == 1 ? 0 : -1;
}

int steps_drift_read_tenant(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct tenant tenant;

    if (steps_tenant_read(txn, job, context, err) == -1 ||
        facts_load_tenant(txn, job, &tenant, err) == -1)
        return -1;
    return facts_set(job, FACT_SUSPENDED, tenant.state == TENANT_SUSPENDED ? "1" : "", err);
}

bool steps_drift_without_start(const struct job *job)
{
    return kv_get(&job->facts, FACT_SUSPENDED) != NULL;
}

bool steps_drift_without_stop(const struct job *job)
{
    return !steps_drift_without_start(job);
}

bool steps_drift_without_answer(const struct job *job)
{
    return steps_drift_without_start(job) || steps_in_maintenance(job);
}

int steps_drift_mended(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct drift item;

    (void)context;
    if (load(txn, job, &item, err) == -1)
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    item.state = DRIFT_GONE;
    return drift_put(txn, &item, err);
}

int steps_drift_ended(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct drift item;

    (void)context;
    if (job->state != JOB_UNDONE)
        return 0;
    if (load(txn, job, &item, err) == -1)
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    item.state = DRIFT_OPEN;
    return drift_put(txn, &item, err);
}

/* ---- orphans ---- */

static int wanted(const struct drift *item, const char *by, struct err *err)
{
    (void)err_set(err, ERR_CONFLICT, "drift_wanted", "%s is wanted by %s now", item->thing, by);
    return err_hint(err, "nothing was touched; sett drift scan looks again");
}

/* An object in its words: "docker 12", "route 7 acme.example.com", "record 372e…". */
struct object {
    char word[48]; /* the runtime's name, for one of those */
    char rest[192];
    uint64_t number; /* 0: the second word is none */
    const char *host;
};

static int split_object(const struct drift *item, struct object *o, struct err *err)
{
    const char *blank = strchr(item->thing, ' ');
    char digits[24];
    size_t len;

    memset(o, 0, sizeof *o);
    if (blank == NULL ||
        str_copy_n(o->word, sizeof o->word, item->thing, (size_t)(blank - item->thing)) == -1)
        return err_set(err, ERR_CORRUPT, "drift_object", "a finding about \"%s\"", item->thing);
    (void)str_copy(o->rest, sizeof o->rest, blank + 1);
    len = strcspn(o->rest, " ");
    if (str_copy_n(digits, sizeof digits, o->rest, len) == 0)
        (void)str_u64(digits, 1, UINT64_MAX, &o->number);
    o->host = o->rest + len + (o->rest[len] == ' ');
    return 0;
}

static int free_of_tenant(struct txn *txn, const struct drift *item, const char *runtime,
                          uint64_t number, struct err *err)
{
    struct tenant tenant = {.number = number};
    char runs_in[TENANT_RUNS_SIZE];
    struct job other;
    int found = record_find(txn, &tenant_table, "number", &tenant, err);

    if (found != 1 || tenant.state == TENANT_DELETED)
        return found == -1 ? -1 : 0;
    /* Of a tenant that lives, only what is in another runtime than its own. */
    tenant_runs_in(&tenant, runs_in);
    if (item->kind != DRIFT_RUNTIME || str_equal(runs_in, runtime) || tenant.runtime[0] == '\0')
        return wanted(item, tenant.id, err);
    if ((found = job_of_subject(txn, "tenant", tenant.id, &other, err)) == 0)
        return 0;
    return found == -1 ? -1 : wanted(item, other.id, err);
}

static int free_of_tunnel(const struct drift *item, const struct tunnel *tunnel, int found,
                          struct err *err)
{
    if (found != 1 || tunnel->state == TUNNEL_DELETED)
        return found == -1 ? -1 : 0;
    return wanted(item, tunnel->id, err);
}

/* Whether still nobody wants it, by kind. */
static int still_unwanted(struct txn *txn, const struct drift *item, const char *runtime,
                          uint64_t number, struct err *err)
{
    struct tunnel tunnel = {.number = number};

    switch (item->kind) {
    case DRIFT_RUNTIME:
    case DRIFT_FOLDER:
        return free_of_tenant(txn, item, runtime, number, err);
    case DRIFT_CONNECTOR:
    case DRIFT_ROUTE:
        return free_of_tunnel(item, &tunnel,
                              record_find(txn, &tunnel_table, "number", &tunnel, err), err);
    default:
        if (item->tunnel_id[0] == '\0' && item->kind == DRIFT_TUNNEL) {
            (void)str_copy(tunnel.name, sizeof tunnel.name, item->name);
            return free_of_tunnel(item, &tunnel,
                                  record_find(txn, &tunnel_table, "name", &tunnel, err), err);
        }
        if (item->tunnel_id[0] == '\0')
            return 0;
        memcpy(tunnel.id, item->tunnel_id, sizeof tunnel.id);
        return free_of_tunnel(item, &tunnel, record_get(txn, &tunnel_table, &tunnel, err), err);
    }
}

int steps_drift_read_orphan(struct txn *txn, struct job *job, void *context, struct err *err)
{
    const struct saga_context *c = context;
    char box[ID_SIZE];
    struct object o;
    struct drift item;

    if (load(txn, job, &item, err) == -1 || split_object(&item, &o, err) == -1)
        return -1;
    if (item.verdict != DRIFT_ORPHAN)
        return err_set(err, ERR_CONFLICT, "drift_wanted", "%s is wanted", item.thing);
    if (still_unwanted(txn, &item, o.word, o.number, err) == -1 ||
        setting_text(txn, &c->conf, "box.id", box, sizeof box, err) == -1 ||
        facts_set(job, FACT_BOX, box, err) == -1 ||
        facts_set_u64(job, FACT_KIND, item.kind, err) == -1 ||
        facts_set(job, FACT_OBJECT,
                  item.kind == DRIFT_RUNTIME ? o.word
                  : item.kind == DRIFT_ROUTE ? o.host
                                             : o.rest,
                  err) == -1 ||
        facts_set(job, FACT_OWNER_ID, item.tenant_id, err) == -1)
        return -1;
    return facts_set_u64(job, FACT_ITS_NUMBER, o.number, err);
}

/* A verb of the hands about the object. */
static enum outcome by_hands(struct step_call *call, uint32_t kind, struct err *err)
{
    struct hands_request request = {.number = kv_get_u64(call->facts, FACT_ITS_NUMBER, 0)};
    struct outside_where where = {.runtime = "docker"};
    struct hands_reply reply;
    enum outcome outcome;

    (void)str_copy(request.job_id, sizeof request.job_id, call->job->id);
    (void)str_copy(request.box_id, sizeof request.box_id, kv_get_or(call->facts, FACT_BOX, ""));
    switch (kind) {
    case DRIFT_CONNECTOR:
        request.verb = HANDS_CONNECTOR_STOP;
        break;
    case DRIFT_ROUTE:
        request.verb = HANDS_ROUTE_UNSET;
        (void)str_copy(request.hostname, sizeof request.hostname,
                       kv_get_or(call->facts, FACT_OBJECT, ""));
        break;
    default:
        request.verb = HANDS_RUNTIME_REMOVE;
        request.flag = kind == DRIFT_FOLDER;
        if (str_starts(kv_get_or(call->facts, FACT_OBJECT, ""), "docker@"))
            (void)str_copy(where.node, sizeof where.node,
                           kv_get(call->facts, FACT_OBJECT) + strlen("docker@"));
        (void)str_copy(request.tenant_id, sizeof request.tenant_id,
                       kv_get_or(call->facts, FACT_OWNER_ID, ""));
        (void)str_copy(request.runtime, sizeof request.runtime,
                       kind == DRIFT_FOLDER ? "process" : kv_get_or(call->facts, FACT_OBJECT, ""));
        break;
    }
    if (where.node[0] != '\0')
        outcome = outside_engine(call->outside, &where, &request, NULL, &reply, err);
    else
        outcome = outside_hands(call->outside, &request, HANDS_MS, &reply, NULL, err);
    return outcome == OUTCOME_ABSENT ? OUTCOME_OK : outcome;
}

struct look {
    const char *id;
    bool found;
};

static int is_it(void *arg, const struct cloudflare_record *record, struct err *err)
{
    struct look *look = arg;

    (void)err;
    look->found = look->found || str_equal(record->id, look->id);
    return 0;
}

/* The record, if it bears our mark still. */
static int remove_record(struct cloudflare *c, const char *id, const char *box, struct err *err)
{
    struct look look = {.id = id};
    char mark[ID_SIZE + 16];

    (void)str_format(mark, sizeof mark, "sett %s ", box);
    if (cloudflare_dns_list_marked(c, mark, is_it, &look, err) == -1)
        return -1;
    return look.found ? cloudflare_dns_delete(c, id, err) : 0;
}

static enum outcome at_cloudflare(struct step_call *call, uint32_t kind, struct err *err)
{
    const char *id = kv_get_or(call->facts, FACT_OBJECT, "");
    struct providers *p = outside_use(call->outside);
    enum outcome outcome = OUTCOME_FAIL;
    int rc;

    if (p->cloudflare_set) {
        rc = kind == DRIFT_DNS
                 ? remove_record(&p->cloudflare, id, kv_get_or(call->facts, FACT_BOX, "-"), err)
                 : cloudflare_tunnel_delete(&p->cloudflare, id, err);
        outcome = rc == 0 ? OUTCOME_OK : ingress_cloudflare_outcome(err);
    } else {
        *err = p->cloudflare_why;
    }
    outside_done(call->outside, p);
    return outcome;
}

enum outcome steps_drift_remove(struct step_call *call, struct err *err)
{
    /* A fact of 0 is one that is left out, and the first kind is a tunnel. */
    uint32_t kind = (uint32_t)kv_get_u64(call->facts, FACT_KIND, DRIFT_TUNNEL);

    if (kv_get_or(call->facts, FACT_OBJECT, "")[0] == '\0' && kind == DRIFT_TUNNEL) {
        (void)err_set(err, ERR_INTERNAL, "drift_object", "it is not known what is to be removed");
        return OUTCOME_FAIL;
    }
    switch (kind) {
    case DRIFT_RUNTIME:
    case DRIFT_FOLDER:
    case DRIFT_CONNECTOR:
    case DRIFT_ROUTE:
        return by_hands(call, kind, err);
    case DRIFT_DNS:
    case DRIFT_TUNNEL:
        return at_cloudflare(call, kind, err);
    default:
        (void)err_set(err, ERR_INTERNAL, "drift_kind", "a finding of kind %u is not removed", kind);
        return OUTCOME_FAIL;
    }
}

int steps_plan_drift_remove(const struct job *job, char *out, size_t size)
{
    return str_format(out, size, "%s (%s)", kv_get_or(&job->args, "thing", "what was found"),
                      kv_get_or(&job->args, "name", ""));
}
