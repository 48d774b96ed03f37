/*
 * Plans: a saga's own table read aloud, with what the store knows now. Apart from the answers about
 * what is running, because a plan is about what is not there.
 */
#include "answer_plan.h"

#include <string.h>

#include "cloudflare_quota.h"
#include "facts.h"
#include "json_out.h"
#include "plan.h"
#include "setting.h"
#include "shared.h"
#include "steps_move.h"
#include "str.h"

/* A tenant that is not there yet: what its arguments tell. */
static int imagine(struct txn *txn, struct job *job, const struct saga_context *c, struct err *err)
{
    const char *subdomain = kv_get_or(&job->args, "subdomain", "");
    struct plan plan = {0};
    char text[512];
    int mode;

    if (subdomain[0] != '\0' &&
        (facts_set(job, FACT_SUBDOMAIN, subdomain, err) == -1 ||
         tenant_hostname(txn, &c->conf, subdomain, text, sizeof text, err) == -1 ||
         facts_set(job, FACT_HOSTNAME, text, err) == -1 ||
         tenant_url(txn, &c->conf, subdomain, text, sizeof text, err) == -1 ||
         facts_set(job, FACT_URL, text, err) == -1))
        return -1;
    if (kv_get(&job->args, "plan_id") != NULL &&
        plan_resolve(txn, kv_get(&job->args, "plan_id"), &plan, err) == 1 &&
        (facts_set(job, FACT_BLUEPRINT, plan.blueprint, err) == -1 ||
         facts_set(job, FACT_ENGINE, plan.engine, err) == -1))
        return -1;
    if (setting_text(txn, &c->conf, "ingress.default", text, sizeof text, err) == -1 ||
        facts_set(job, FACT_INGRESS, text, err) == -1)
        return -1;
    mode = shared_mode(txn, &c->conf, plan.ingress_mode,
                       (uint32_t)kv_get_u64(&job->args, "ingress_mode", INGRESS_MODE_INHERIT), err);
    if (mode != INGRESS_MODE_SHARED || !str_equal(text, "cloudflare"))
        return mode == -1 ? -1 : 0;
    return facts_set(job, FACT_COVERED, "1", err) == -1
               ? -1
               : facts_set(job, FACT_CARRIER, "(new)", err);
}

/* A tunnel that is not there yet, likewise. */
static int imagine_tunnel(struct job *job, struct err *err)
{
    static const char *const facts[] = {FACT_HOSTNAME, FACT_SERVICE, FACT_INGRESS,
                                        FACT_TUNNEL_NAME};

    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++)
        if (kv_get(&job->args, facts[i]) != NULL &&
            facts_set(job, facts[i], kv_get(&job->args, facts[i]), err) == -1)
            return -1;
    return facts_set(job, FACT_TUNNEL, "(new)", err);
}

static int read_facts(struct txn *txn, struct job *job, const struct saga_context *c,
                      struct err *err)
{
    const char *tunnel_id = kv_get(&job->args, "tunnel_id");
    struct tenant tenant;
    struct tunnel tunnel;
    int found;

    if (kv_get(&job->args, "tenant_id") == NULL ||
        facts_load_tenant(txn, job, &tenant, err) == -1) {
        if (kv_get(&job->args, "tenant_id") != NULL && err->kind != ERR_NOT_FOUND)
            return -1;
        err_clear(err);
        memset(&tenant, 0, sizeof tenant);
        if (imagine(txn, job, c, err) == -1)
            return -1;
    } else if (facts_tenant(txn, job, c, &tenant, err) == -1 ||
               facts_set(job, FACT_INGRESS, tenant.ingress, err) == -1) {
        return -1;
    }
    found = facts_load_tunnel(txn, tunnel_id == NULL ? tenant.tunnel_id : tunnel_id, &tunnel, err);
    if (found == -1)
        return -1;
    if (found == 0) /* it is made on the way: there is something to lead to */
        return imagine_tunnel(job, err);
    return facts_tunnel(txn, job, c, &tunnel, err);
}

/* An update's arguments are what its steps would find changed. */
static int foresee_update(struct job *job, struct err *err)
{
    const char *subdomain = kv_get(&job->args, "subdomain");
    const char *maintenance = kv_get(&job->args, "maintenance");
    char hostname[300];

    if (!str_equal(job->saga, "tenant.update"))
        return 0;
    if ((kv_get(&job->args, "plan_id") != NULL || kv_get(&job->args, "limits") != NULL) &&
        facts_set(job, FACT_RECREATE, "1", err) == -1)
        return -1;
    if (maintenance != NULL &&
        facts_set(job, FACT_MAINTENANCE, str_equal(maintenance, "1") ? "1" : "", err) == -1)
        return -1;
    if (subdomain == NULL || str_equal(subdomain, kv_get_or(&job->facts, FACT_SUBDOMAIN, "")))
        return 0;
    (void)str_copy(hostname, sizeof hostname, kv_get_or(&job->facts, FACT_HOSTNAME, ""));
    return facts_set(job, FACT_OLD_HOSTNAME, hostname, err);
}

static void write_step(struct json_out *j, const struct step *step, const struct job *job,
                       bool way_back)
{
    char text[400] = "";

    json_out_object(j);
    json_out_key_text(j, "name", step->name);
    json_out_key_text(j, "title", step->title);
    json_out_key_bool(j, "way_back", way_back);
    if (step->plan == NULL || step->plan(job, text, sizeof text) == -1)
        (void)str_copy(text, sizeof text, step->title);
    json_out_key_text(j, "touches", text);
    json_out_end_object(j);
}

/* What is nearly used up of what a step would make one more of. */
static void write_warnings(struct json_out *j, const struct saga *saga, const struct job *job,
                           struct outside *outside)
{
    static const struct {
        const char *step;
        enum cloudflare_quota_of of;
    } takes[] = {
        {"tunnel", CLOUDFLARE_TUNNELS},
        {"dns", CLOUDFLARE_RECORDS},
        {"access", CLOUDFLARE_APPLICATIONS},
        {"limit", CLOUDFLARE_LIMIT_RULES},
    };
    struct providers *p = outside == NULL ? NULL : outside_use(outside);
    struct cloudflare_quota q;
    char text[200];

    json_out_key(j, "warnings");
    json_out_array(j);
    for (uint32_t i = 0; p != NULL && p->cloudflare_set && i < saga->step_count; i++) {
        const struct step *step = &saga->steps[i];
        for (size_t k = 0; k < sizeof takes / sizeof takes[0]; k++) {
            if (!str_equal(step->name, takes[k].step) || step->make == NULL ||
                (step->needless != NULL && step->needless(job)))
                continue;
            cloudflare_quota_lately(&p->cloudflare, takes[k].of, &q);
            if (q.unknown[0] != '\0' || q.used * 100 < q.most * CLOUDFLARE_QUOTA_WARN)
                continue;
            (void)str_format(text, sizeof text, "step %s: there are %llu %s, and no more than %llu",
                             step->name, (unsigned long long)q.used, q.title,
                             (unsigned long long)q.most);
            json_out_text(j, text);
        }
    }
    if (str_equal(job->saga, "tenant.provision") &&
        (kv_get(&job->facts, FACT_ENGINE) != NULL || kv_get(&job->facts, FACT_NODE) != NULL)) {
        (void)str_format(
            text, sizeof text, "its files will be on engine %s, in no snapshot of this box",
            kv_get_or(&job->facts, FACT_ENGINE, kv_get_or(&job->facts, FACT_NODE, "")));
        json_out_text(j, text);
    }
    json_out_end_array(j);
    if (p != NULL)
        outside_done(outside, p);
}

static void write_plan(const struct saga *saga, const struct job *job, struct outside *outside,
                       struct buf *out)
{
    struct json_out j;
    bool way_back = true;

    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "plan");
    json_out_key_text(&j, "saga", saga->name);
    json_out_key_text(&j, "title", saga->title);
    json_out_key_bool(&j, "kept_on_failure", saga->keep_on_fail);
    json_out_key(&j, "steps");
    json_out_array(&j);
    for (uint32_t i = 0; i < saga->step_count; i++) {
        const struct step *step = &saga->steps[i];

        /* A database that only the blueprint knows of is said to be possible. */
        bool unknown = str_equal(step->name, "database");
        if ((step->flags & STEP_QUIET) != 0 ||
            (!unknown && step->needless != NULL && step->needless(job)))
            continue;
        way_back = way_back && (step->flags & STEP_PIVOT) == 0;
        write_step(&j, step, job, way_back);
    }
    json_out_end_array(&j);
    write_warnings(&j, saga, job, outside);
    json_out_end_object(&j);
}

/* A move is looked at for real: whether it can be is the most that its plan can tell. */
static int foresee_move(struct job *job, struct outside *outside, struct err *err)
{
    static const char *const now[][2] = {{FACT_OLD_BLUEPRINT, FACT_BLUEPRINT},
                                         {FACT_OLD_RUNTIME, FACT_RUNTIME},
                                         {FACT_OLD_PORT, FACT_PORT},
                                         {FACT_OLD_ADDRESS, FACT_ADDRESS},
                                         {FACT_OLD_NODE, FACT_NODE}};
    struct kv facts, secret = {0};
    struct step_call call = {
        .job = job, .facts = &facts, .secret = &secret, .outside = outside, .attempt = 1};

    if (!str_equal(job->saga, "tenant.move"))
        return 0;
    for (size_t i = 0; i < sizeof now / sizeof now[0]; i++)
        if (facts_set(job, now[i][0], kv_get_or(&job->facts, now[i][1], ""), err) == -1)
            return -1;
    facts = job->facts;
    if (steps_move_target(&call, err) != OUTCOME_OK)
        return -1;
    job->facts = facts;
    kv_unset(&job->facts, FACT_PORT); /* another one */
    return facts_set(job, FACT_SERVICE, "", err);
}

int answer_plan(const struct saga_context *context, struct outside *outside,
                const struct saga *saga, const struct kv *params, struct buf *out, struct err *err)
{
    struct job *job;
    struct txn *txn;
    int result = -1;

    if ((job = calloc(1, sizeof *job)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a plan");
    job->args = *params;
    kv_unset(&job->args, "saga");
    (void)str_copy(job->saga, sizeof job->saga, saga->name);
    if (db_read(&txn, context->db, err) == 0) {
        result = read_facts(txn, job, context, err);
        db_read_end(txn);
    }
    if (result == 0 && (result = foresee_update(job, err)) == 0 &&
        (result = foresee_move(job, outside, err)) == 0)
        write_plan(saga, job, outside, out);
    free(job);
    return result;
}
