#ifndef SETT_STEPS_H
#define SETT_STEPS_H
/*
 * The functions that sagas are put together from. One family per file; what each does is said with
 * its family, once: a saga's table says when. All outside functions read their facts from
 * call->facts (facts.h) and are fine to be called again.
 */
#include "step.h"

struct tenant;
struct tunnel;

/* ---- store: steps_tenant.c ---- */

/* Provision: read the tenant, reserve its port, give it its tunnel. Revert: the port is free again,
 * noted as foreign when that is why. */
step_store tenant_reserve, tenant_unreserve;
/* Provision: the tenant is active, its tunnel too. */
step_store tenant_active;
/* Suspend, resume, restart: read what the steps need; ERR_CONFLICT if the tenant is not one that can
 * be (deleted, being made). */
step_store tenant_read, tenant_read_running;
/* The end of a suspension, of a resumption, of a restart or update. */
step_store tenant_suspended, tenant_resumed, tenant_restarted;
/* Delete: the tenant is being deleted; from here on there is no way back. */
step_store tenant_deleting;
/* Delete: port, name and tunnel go back, the tenant is deleted. */
step_store tenant_deleted;
/* Hooks of the sagas. */
step_store tenant_provision_begun, tenant_provision_ended, tenant_job_begun, tenant_job_ended;

/** steps_tenant_up(txn, tenant, err): store a tenant that runs as what it then is: past due if its
 * subscription is, else active; a cause of an earlier failure goes. Return 0 or -1. */
int steps_tenant_up(struct txn *txn, struct tenant *tenant, struct err *err);

/* ---- store: steps_update.c ---- */

/* Update: take the new plan and name; revert: the old ones. Then the end: the old name rests. */
step_store tenant_change, tenant_unchange, tenant_changed;
/* Hook: once maintenance has been switched, the tenant's further tunnels follow. */
step_store tenant_update_ended;
bool update_without_runtime(const struct job *job);
bool update_without_running(const struct job *job);
bool update_without_answer(const struct job *job);      /* nor in maintenance */
bool update_without_maintenance(const struct job *job); /* not switched, or with the name's route */
bool update_without_route(const struct job *job);
bool update_without_name(const struct job *job);
bool update_without_tunnel_name(const struct job *job);

/* ---- store: steps_tunnel.c ---- */

step_store tunnel_read, tunnel_active, tunnel_deleting, tunnel_deleted, tunnel_job_begun,
    tunnel_job_ended;
/* Reroute: a cause of an earlier failure goes. */
step_store tunnel_rerouted;

/** steps_tunnel_start(txn, job, tunnel, saga, err): start a job about a tunnel, as ${job}'s actor. It
 * must be free. Return 0 or -1. */
int steps_tunnel_start(struct txn *txn, const struct job *job, const struct tunnel *tunnel,
                       const char *saga, struct err *err);

/** steps_tunnel_reroute(txn, job, tunnel, err): start the job tunnel.reroute, as ${job}'s actor, for an
 * active tunnel at which no job is at work; one that is looks itself, at its end, whether the
 * tenant's maintenance was switched meanwhile. Return 0 or -1. */
int steps_tunnel_reroute(struct txn *txn, const struct job *job, const struct tunnel *tunnel,
                         struct err *err);
/* Facts that a provider gave (cf_tunnel, cf_record) into the tunnel's record, and out of it. */
step_store tunnel_settle, tunnel_unsettle, tunnel_unsettle_record;

/* ---- outside: steps_runtime.c ---- */

/** steps_blueprint(call, err): what the tenant's blueprint says, as facts (health path, runtime,
 * database). It belongs to root; the worker only reads it. Nothing without a tenant. 0 or -1. */
int steps_blueprint(struct step_call *call, struct err *err);
step_outside port_make;
const char *port_fall_back(const struct job *job, const struct err *err);
step_outside runtime_check, runtime_make, runtime_remove; /* remove: with its data */
step_outside runtime_start, runtime_stop, runtime_restart, runtime_recreate;
step_outside runtime_remove_asked; /* with its data unless argument data is "0" */
step_outside init_make;

/* ---- outside: steps_health.c ---- */

step_outside healthy_make, reachable_make;

/* ---- outside: steps_database.c ---- */

step_outside database_check, database_make, database_undo;
step_outside database_drop; /* undo, when there is one at all */
/* prepare: makes the password, once for the tenant's life; recall: only finds it. */
int database_prepare(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                     struct err *err);
int database_recall(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                    struct err *err);
step_store database_unsettle;
/** database_variables(call, env, err): DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD, if the job's
 * tenant has a database. Return 0 or -1. */
int database_variables(const struct step_call *call, struct kv *env, struct err *err);
bool without_database(const struct job *job);

/* ---- outside: steps_ingress.c ---- */

step_outside tunnel_check, tunnel_make, tunnel_undo;
step_outside rules_check, rules_make, rules_undo, rules_undo_old, rules_make_old;
step_outside connector_check, connector_make, connector_undo, connector_restart;
step_outside dns_check, dns_make, dns_undo, dns_undo_old;
/* prepare: makes the tunnel's secret, once for its life; recall: only finds it. */
int tunnel_recall(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                  struct err *err);
int tunnel_prepare(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                   struct err *err);
bool without_tunnel(const struct job *job);   /* the ingress is local: no provider, no connector */
bool without_ingress(const struct job *job);  /* there is no tunnel object at all */
bool in_maintenance(const struct job *job);   /* nobody is led to it, so nobody waits for it */
bool without_front_door(const struct job *job); /* either of the two */

/* ---- plans: steps_plan.c ---- */

/** steps_plan_…(job, out, size): what the step would touch, in one line. 0 or -1. */
int plan_reserve(const struct job *job, char *out, size_t size);
int plan_port(const struct job *job, char *out, size_t size);
int plan_database(const struct job *job, char *out, size_t size);
int plan_runtime(const struct job *job, char *out, size_t size);
int plan_healthy(const struct job *job, char *out, size_t size);
int plan_tunnel(const struct job *job, char *out, size_t size);
int plan_rules(const struct job *job, char *out, size_t size);
int plan_connector(const struct job *job, char *out, size_t size);
int plan_dns(const struct job *job, char *out, size_t size);
int plan_reachable(const struct job *job, char *out, size_t size);
int plan_remove(const struct job *job, char *out, size_t size);
int plan_free(const struct job *job, char *out, size_t size);

#endif
