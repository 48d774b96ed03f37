#ifndef SETT_STEPS_H
#define SETT_STEPS_H
/*
 * The functions that sagas are put together from. One family per file; what each does is said with
 * its family, once: a saga's table says when. All outside functions read their facts from
 * call->facts (facts.h) and are fine to be called again.
 */
#include "hands.h"
#include "step.h"
#include "tenant.h"

struct tenant;
struct tunnel;

/* ---- store: steps_tenant.c ---- */

/* Provision: read the tenant, reserve its port, give it its tunnel. Revert: the port is free again,
 * noted as foreign when that is why. */
step_store steps_tenant_reserve, steps_tenant_unreserve;
/* Provision: the tenant is active, its tunnel too. */
step_store steps_tenant_active;
/* Suspend, resume, restart: read what the steps need; ERR_CONFLICT if the tenant is not one that
 * can be (deleted, being made). */
step_store steps_tenant_read, steps_tenant_read_running;
/* The end of a suspension, of a resumption, of a restart or update. */
step_store steps_tenant_suspended, steps_tenant_resumed, steps_tenant_restarted;
/* Delete: the tenant is being deleted; from here on there is no way back. */
step_store steps_tenant_deleting;
/* Delete: port, name and tunnel go back, the tenant is deleted. */
step_store steps_tenant_deleted;
/* Hooks of the sagas. */
step_store steps_tenant_provision_begun, steps_tenant_provision_ended, steps_tenant_job_begun,
    steps_tenant_job_ended;

/** steps_tenant_up(txn, tenant, err): store a tenant that runs as what it then is: past due if its
 * subscription is, else active; a cause of an earlier failure goes. Return 0 or -1. */
int steps_tenant_up(struct txn *txn, struct tenant *tenant, struct err *err);

/* ---- store: steps_update.c ---- */

/* Update: take the new plan and name; revert: the old ones. Then the end: the old name rests. */
step_store steps_tenant_change, steps_tenant_unchange, steps_tenant_changed;
/* Hook: once maintenance has been switched, the tenant's further tunnels follow. */
step_store steps_tenant_update_ended;

/* What an update need not do: answers for struct step.needless, from the job's arguments and facts.
 */

/** steps_update_without_runtime(job): its limits and its blueprint stay as they are. */
bool steps_update_without_runtime(const struct job *job);

/** steps_update_without_running(job): it is suspended. */
bool steps_update_without_running(const struct job *job);

/** steps_update_without_answer(job): it is suspended or in maintenance. */
bool steps_update_without_answer(const struct job *job);

/** steps_update_without_maintenance(job): it is not switched, or by the new name's route, or there
 * is no route to switch. */
bool steps_update_without_maintenance(const struct job *job);

/** steps_update_without_route(job): it is suspended, or its name stays. */
bool steps_update_without_route(const struct job *job);

/** steps_update_without_name(job): its name stays, or has no ingress. */
bool steps_update_without_name(const struct job *job);

/** steps_update_without_tunnel_name(job): so it does, or the ingress is local. */
bool steps_update_without_tunnel_name(const struct job *job);

/* ---- store: steps_tunnel.c ---- */

step_store steps_tunnel_read, steps_tunnel_active, steps_tunnel_deleting, steps_tunnel_deleted,
    steps_tunnel_job_begun, steps_tunnel_job_ended;
/* Reroute: a cause of an earlier failure goes. */
step_store steps_tunnel_rerouted;

/* Adopt, turned round; release: the record ends, and the tunnel stays as it is at its provider. */
step_store steps_tunnel_releasing, steps_tunnel_adopt_ended;
/* Configure: the end, refused or not. */
step_store steps_tunnel_configured;

/** steps_tunnel_follow(txn, job, err): at the end of a job that held a tunnel: if its rules were
 * changed meanwhile, the job tunnel.configure is started, as ${job}'s actor. Return 0 or -1. */
int steps_tunnel_follow(struct txn *txn, const struct job *job, struct err *err);

/** steps_tunnel_start(txn, job, tunnel, saga, err): start a job about a tunnel, as ${job}'s actor.
 * It must be free. Return 0 or -1. */
int steps_tunnel_start(struct txn *txn, const struct job *job, const struct tunnel *tunnel,
                       const char *saga, struct err *err);

/** steps_tunnel_reroute(txn, job, tunnel, err): start the job tunnel.reroute, as ${job}'s actor,
 * for an active tunnel at which no job is at work; one that is looks itself, at its end, whether
 * the tenant's maintenance was switched meanwhile. Return 0 or -1. */
int steps_tunnel_reroute(struct txn *txn, const struct job *job, const struct tunnel *tunnel,
                         struct err *err);
/* What was brought to the provider is in force; nothing of it is any more. */
step_store steps_rules_settle, steps_rules_unsettle;
/* Facts that a provider gave (cf_tunnel, cf_record) into the tunnel's record, and out of it. */
step_store steps_tunnel_settle, steps_tunnel_unsettle, steps_tunnel_unsettle_record;

/* ---- outside: steps_runtime.c ---- */

/** steps_blueprint(call, err): what the tenant's blueprint says, as facts (health path, runtime,
 * database). It belongs to root; the worker only reads it. Nothing without a tenant. 0 or -1. */
int steps_blueprint(struct step_call *call, struct err *err);

/** steps_runtime_ask(call, verb, flag, timeout_ms, reply, err): a verb about the job's tenant, to
 * whoever runs it as the facts say. */
enum outcome steps_runtime_ask(struct step_call *call, enum hands_verb verb, bool flag,
                               int timeout_ms, struct hands_reply *reply, struct err *err);

/* Try the port; what foreign sits there is named. */
step_outside steps_port_make;

/** steps_port_settle(txn, job, context, err): note in its record on which engine of another machine
 * it is to be. Return 0 or -1. */
int steps_port_settle(struct txn *txn, struct job *job, void *context, struct err *err);

/** steps_port_fall_back(job, err): the step to go back to after a failure of steps_port_make, so
 * that another port is reserved; NULL: none. */
const char *steps_port_fall_back(const struct job *job, const struct err *err);

step_outside steps_runtime_check, steps_runtime_make,
    steps_runtime_remove; /* remove: with its data */
step_outside steps_runtime_start, steps_runtime_stop, steps_runtime_restart, steps_runtime_recreate;
step_outside steps_runtime_remove_asked; /* with its data unless argument data is "0" */
step_outside steps_init_make;

/* In the commit of whatever started it: where it is, into its record and its way in. */
step_store steps_runtime_settle;

/* ---- tenants on other machines: steps_guest.c ---- */

/** steps_without_guest(job): its runtime is none that has other machines. */
bool steps_without_guest(const struct job *job);

/** steps_address_kept(job): what leads to it need not be told anew. */
bool steps_address_kept(const struct job *job);

/* Choose a machine; then, in the same commit, a number and an address. */
step_outside steps_guest_place;
step_store steps_guest_reserve, steps_guest_release;

/** steps_guest_fall_back(job, err): the step to go back to when its number is somebody else's. */
const char *steps_guest_fall_back(const struct job *job, const struct err *err);

/* ---- outside: steps_health.c ---- */

step_outside steps_healthy_make, steps_reachable_make;

/** steps_resolve_here(url, front_door, out, size): "http://acme.localhost:4443/" ->
 * "acme.localhost:4443:127.0.0.1", which sends a request to that address whatever the name resolves
 * to. Return 0 or -1. */
int steps_resolve_here(const char *url, const char *front_door, char *out, size_t size);

enum steps_door {
    STEPS_DOOR_OWN,      /* the box's own web server */
    STEPS_DOOR_EDGE,     /* the provider's, for names of ours */
    STEPS_DOOR_CUSTOMERS /* likewise, for a name that its owner may lead anywhere: public addresses
                            only */
};

/** steps_door_ask(o, base, path, door, err): ask for ${path} at the front door ${base}, as a
 * visitor would, whatever its name resolves to where the box has a front door of its own. Return 0
 * when it answers, -1 with why not. */
int steps_door_ask(struct outside *o, const char *base, const char *path, enum steps_door door,
                   struct err *err);

/* ---- outside: steps_database.c ---- */

step_outside steps_database_check, steps_database_make, steps_database_undo;
step_outside steps_database_drop; /* all that the tenant ever had, when there is one at all */

#define STEPS_DATABASE_MARK 96

/** steps_database_mark(call, mark): the comment that the tenant's roles have. */
void steps_database_mark(const struct step_call *call, char mark[STEPS_DATABASE_MARK]);

/** steps_database_generation(facts, fact): the number in ${fact}; without one, 1. */
uint32_t steps_database_generation(const struct kv *facts, const char *fact);

/** steps_database_outcome(err): what an error of the server's means for a step. */
enum outcome steps_database_outcome(const struct err *err);

/** steps_database_password(secrets): what steps_database_recall put there, or NULL. */
const char *steps_database_password(const struct kv *secrets);

/* ---- a database out of a dump: steps_database_back.c ----
 * The dump is ${paths.databases}/.restored-N, or N where argument dump is "box". */

/** steps_database_back_facts(txn, job, tenant, err): fact database, when the tenant has one that
 * this job is to exchange: with argument back, one that was put aside. Return 0 or -1. */
int steps_database_back_facts(struct txn *txn, struct job *job, const struct tenant *tenant,
                              struct err *err);

/** steps_database_unfilled(job): its database is not made from a dump: there is none, or the way
 * goes back. */
bool steps_database_unfilled(const struct job *job);

/** steps_database_unchanged_back(job): no database was taken back. */
bool steps_database_unchanged_back(const struct job *job);

/* The facts of a tenant whatever its state. */
step_store steps_database_back_read;
/* Choose the generation: one that nobody has. */
step_outside steps_database_choose;
/* Make it, and put the dump into it; as often as it takes, from the beginning each time. */
step_outside steps_database_fill, steps_database_unfill;
/* From now on the tenant uses it. */
step_store steps_database_swap, steps_database_unswap;
/* What a restore put aside is not kept any more. */
step_store steps_database_forget;
/* Drop those of the tenant that it neither uses nor keeps. */
step_outside steps_database_sweep;
/* Remove the dump. */
step_outside steps_database_tidy;

/** steps_database_prepare(txn, job, context, secrets, err): put the password among the step's
 * secrets; made once for the tenant's life. Return 0 or -1. */
int steps_database_prepare(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                           struct err *err);

/* ---- steps_credentials.c ---- */

struct blueprint;
struct saga_context;

/** steps_credentials_facts(call, blueprint): note what it wants generated and shown. 0 or -1. */
int steps_credentials_facts(struct step_call *call, const struct blueprint *blueprint);

/** steps_credentials_prepare(txn, job, context, secrets, err): as steps_database_recall, with what
 * the blueprint wants generated, made now unless it is kept already. Return 0 or -1. */
int steps_credentials_prepare(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                              struct err *err);

/** steps_credentials_recall(txn, job, context, secrets, err): what was generated, if anything. 0 or
 * -1. */
int steps_credentials_recall(struct txn *txn, const struct job *job,
                             const struct saga_context *context, struct kv *secrets,
                             struct err *err);

/** steps_credentials_variables(call, env, err): as variables of the tenant. Return 0 or -1. */
int steps_credentials_variables(const struct step_call *call, struct kv *env, struct err *err);

/** steps_credentials_keep(txn, job, context, tenant, err): seal what the customer will be shown.
 * Return 1, 0 if the blueprint shows nothing, -1. */
int steps_credentials_keep(struct txn *txn, const struct job *job,
                           const struct saga_context *context, const struct tenant *tenant,
                           struct err *err);

/** steps_credentials_forget(txn, tenant_id, err): the tenant is no more. Return 0 or -1. */
int steps_credentials_forget(struct txn *txn, const char *tenant_id, struct err *err);

/* ---- steps_letters.c: what its customer is told, in the commit that it tells of ---- */

/** steps_letter_ready(txn, tenant, credentials, err): once for each tenant. 0 or -1. */
int steps_letter_ready(struct txn *txn, const struct tenant *tenant, bool credentials,
                       struct err *err);

/** steps_letter_suspended(txn, tenant, err): why depends on its subscription: not paid,
 * ended and soon deleted, or somebody's wish. Return 0 or -1. */
int steps_letter_suspended(struct txn *txn, const struct tenant *tenant, struct err *err);

/** steps_letter(txn, kind, tenant, err): a letter without parameters. Return 0 or -1. */
int steps_letter(struct txn *txn, const char *kind, const struct tenant *tenant, struct err *err);

/** steps_database_recall(txn, job, context, secrets, err): likewise, if there is one. 0 or -1. */
int steps_database_recall(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                          struct err *err);

/* The password goes with the database. */
step_store steps_database_unsettle;

/** steps_database_variables(call, env, err): DB_HOST, DB_PORT, DB_NAME, DB_USER, DB_PASSWORD, if
 * the job's tenant has a database. Return 0 or -1. */
int steps_database_variables(const struct step_call *call, struct kv *env, struct err *err);

/** steps_without_database(job): the blueprint wants none. */
bool steps_without_database(const struct job *job);

/* ---- a shared tunnel's routes: steps_share.c ---- */

/* Wait until the shared tunnel is there. */
step_store steps_carrier_await;
/* The route is carried, or not any more, or again as it was before; it is in force later. */
step_store steps_share_on, steps_share_off, steps_share_back;
/* Wait until it is: until the shared tunnel's configuration has the change. */
step_store steps_share_await;

/** steps_share_facts(txn, job, route, err): what steps must know of a route's carrier, if it has
 * one. Return 0 or -1. */
int steps_share_facts(struct txn *txn, struct job *job, const struct tunnel *route,
                      struct err *err);

/** steps_share_again(txn, job, err): a job that is taken up again has the carrier's rules sent once
 * more if they were refused. Return 0 or -1. */
int steps_share_again(struct txn *txn, struct job *job, struct err *err);

/** steps_share_refresh(txn, job, err): something about a carried route has changed. 0 or -1. */
int steps_share_refresh(struct txn *txn, struct job *job, struct err *err);

/** steps_share_leave(txn, job, route, err): a route that ends gives its place back; the caller
 * stores it. Return 0 or -1. */
int steps_share_leave(struct txn *txn, const struct job *job, struct tunnel *route,
                      struct err *err);

/** steps_carried(job): its route goes by a shared tunnel. */
bool steps_carried(const struct job *job);

/** steps_uncarried(job): the opposite. */
bool steps_uncarried(const struct job *job);

/** steps_without_rules(job): there is no ingress, or the route is carried. */
bool steps_without_rules(const struct job *job);

/** steps_without_record(job): no DNS record is needed: the ingress is local, or a wildcard answers.
 */
bool steps_without_record(const struct job *job);

/** steps_update_without_share(job): not carried, or nothing of it changes. */
bool steps_update_without_share(const struct job *job);

/* ---- from a tunnel of one's own to a shared one, and back: steps_remode.c ---- */

/* Take a place in a carrier; give it back; wait for it; read what is there on the way back. */
step_store steps_remode_join, steps_remode_unjoin, steps_remode_carrier, steps_remode_read;
/* Note the new mode; forget the secret of the tunnel that is gone. */
step_store steps_remode_shared, steps_remode_own, steps_remode_cleared;
/* The name leads to the carrier; the own tunnel has a connection. */
step_outside steps_remode_dns, steps_remode_connected;

/* ---- outside: steps_ingress.c ---- */

step_outside steps_tunnel_check, steps_tunnel_make, steps_tunnel_undo;
step_outside steps_rules_check, steps_rules_make, steps_rules_undo, steps_rules_undo_old,
    steps_rules_make_old;

/** steps_rules_prepare(txn, job, context, secrets, err): the tunnel's secret, where its rules are
 * files of this box that go with it. Return 0 or -1. */
int steps_rules_prepare(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                        struct err *err);

/** steps_rules_bring(txn, job, context, out, err): the tunnel's whole configuration, for
 * steps_rules_make and _check: its own route as the job's facts have it, its rules as the store has
 * them. Nothing where the box's own web server leads. Return 0 or -1. */
int steps_rules_bring(struct txn *txn, struct job *job, void *context, struct buf *out,
                      struct err *err);

/** steps_rules_bring_old(txn, job, context, out, err): likewise; on the way back as it was before
 * the job. Return 0 or -1. */
int steps_rules_bring_old(struct txn *txn, struct job *job, void *context, struct buf *out,
                          struct err *err);

step_outside steps_connector_check, steps_connector_make, steps_connector_undo,
    steps_connector_restart;
step_outside steps_dns_check, steps_dns_make, steps_dns_undo, steps_dns_undo_old,
    steps_dns_make_old;

/* Wait until its name is entered in somebody else's DNS; steps_elsewhere.c. */
step_outside steps_elsewhere_make;

/** steps_here(job): its name lies in our own zone, or needs no record. */
bool steps_here(const struct job *job);

/** steps_tunnel_prepare(txn, job, context, secrets, err): put the tunnel's secret among the step's
 * secrets; made once for its life. Return 0 or -1. */
int steps_tunnel_prepare(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                         struct err *err);

/** steps_tunnel_recall(txn, job, context, secrets, err): likewise, if there is one. 0 or -1. */
int steps_tunnel_recall(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                        struct err *err);

/* Adopt: that the tunnel is there, and whose rules are the provider's; nothing is made. */
step_outside steps_adopt_look;

/** steps_without_connector(job): without tunnel, or its connector runs elsewhere. */
bool steps_without_connector(const struct job *job);

/** steps_without_tunnel(job): the ingress is local, or a shared tunnel carries the route: no tunnel
 * and no connector of its own. */
bool steps_without_tunnel(const struct job *job);

/** steps_without_ingress(job): there is no tunnel object at all. */
bool steps_without_ingress(const struct job *job);

/** steps_in_maintenance(job): nobody is led to it, so nobody waits for it. */
bool steps_in_maintenance(const struct job *job);

/** steps_without_front_door(job): without ingress, or in maintenance. */
bool steps_without_front_door(const struct job *job);

/* ---- who may come in: steps_access.c ---- */

/* Read what the steps need, and the tenant's host names. */
step_store steps_guard_read;

/** steps_access_prepare(txn, job, context, secrets, err): put who may come in among the step's
 * secrets. Return 0 or -1. */
int steps_access_prepare(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                         struct err *err);

/* Before the job's own host name; before the one that it had. */
step_outside steps_access_check, steps_access_make, steps_access_undo;
step_outside steps_access_make_old, steps_access_undo_old;
/* Before all of the tenant's. undo_first: only if there was nothing before. */
step_outside steps_access_check_all, steps_access_make_all, steps_access_undo_all,
    steps_access_undo_first,
    steps_access_undo_hosts; /* undo_hosts: only of the hosts that make_all is about */
step_store steps_access_applied, steps_access_removed;

/* What the tenant's connectors ask visitors for (steps_doors.c): noted with the application of one
 * or all host names, forgotten with it, and told to the tunnels. open is for what needs no token
 * any more, before it comes; opened and told wait until the tunnels go by it. */
step_store steps_access_settle, steps_access_settle_old, steps_access_settle_all;
step_store steps_access_forget, steps_access_forget_old, steps_access_forget_all;
step_store steps_access_take_back; /* of access.apply: what undo_first has taken away */
step_store steps_access_open, steps_access_opened, steps_access_tell, steps_access_told;

/** steps_access_unopened(job): its own tunnel is not to be told to ask for no token. */
bool steps_access_unopened(const struct job *job);

/** steps_access_untold(job): nor to ask for one. */
bool steps_access_untold(const struct job *job);

/** steps_guard_leave(call, outcome, err): what an undo of either comes to: one that is refused, or
 * fails too often, leaves what is there and notes it in the facts; it does not hold the tenant. */
enum outcome steps_guard_leave(struct step_call *call, enum outcome outcome, struct err *err);

/** steps_guard_why(job, stands, reason, reason_size, remedy, remedy_size): why a job has ended
 * badly, and what can be done, for the record; ${stands}: something of it holds. */
void steps_guard_why(const struct job *job, bool stands, char *reason, size_t reason_size,
                     char *remedy, size_t remedy_size);

/* Hook. */
step_store steps_access_ended;

/** steps_without_access(job): everybody may come in. */
bool steps_without_access(const struct job *job);

/** steps_update_without_access(job): so it is, or the name stays. */
bool steps_update_without_access(const struct job *job);

/* ---- how often one may ask: steps_limit.c ---- */

/** steps_limit_prepare(txn, job, context, secrets, err): the figures and the tenant's host names,
 * as facts. Return 0 or -1. */
int steps_limit_prepare(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                        struct err *err);

step_outside steps_limit_check, steps_limit_make, steps_limit_undo, steps_limit_remove;
step_store steps_limit_applied, steps_limit_removed;
/* Hook. */
step_store steps_limit_ended;

/** steps_without_limit(job): it has none. */
bool steps_without_limit(const struct job *job);

/** steps_limit_follow(txn, job, tenant_id, err): the tenant's host names have changed: if it has a
 * limit, a job brings its rule to them, as ${job}'s actor. Return 0 or -1. */
int steps_limit_follow(struct txn *txn, const struct job *job, const char *tenant_id,
                       struct err *err);

/* ---- TURN keys: steps_turn.c ---- */

step_store steps_turn_read, steps_turn_settle, steps_turn_unsettle, steps_turn_active,
    steps_turn_deleting, steps_turn_deleted, steps_turn_job_ended;
/* Undo: all that bear the key's name go. */
step_outside steps_turn_make, steps_turn_undo;

/** steps_turn_release(txn, job, owner, err): the owner goes: start the job that deletes its TURN
 * key, as ${job}'s actor, or turn the one round that is making it. Return 0 or -1. */
int steps_turn_release(struct txn *txn, const struct job *job, const char *owner, struct err *err);

/** steps_plan_turn(job, out, size): the key by its name. Return 0 or -1. */
int steps_plan_turn(const struct job *job, char *out, size_t size);

/* ---- plans: steps_plan.c ---- */

/* What a step would touch, in one line of ${size} bytes. Each: return 0, or -1 when it does not
 * fit. */

/** steps_plan_reserve(job, out, size): the name and the port that it would take. */
int steps_plan_reserve(const struct job *job, char *out, size_t size);

/** steps_plan_port(job, out, size): the port that would be tried. */
int steps_plan_port(const struct job *job, char *out, size_t size);

/** steps_plan_database(job, out, size): role and database. */
int steps_plan_database(const struct job *job, char *out, size_t size);

/** steps_plan_runtime(job, out, size): the container or process. */
int steps_plan_runtime(const struct job *job, char *out, size_t size);

/** steps_plan_healthy(job, out, size): the address that would be asked. */
int steps_plan_healthy(const struct job *job, char *out, size_t size);

/** steps_plan_tunnel(job, out, size): the tunnel by its name. */
int steps_plan_tunnel(const struct job *job, char *out, size_t size);

/** steps_plan_rules(job, out, size): host name and port. */
int steps_plan_rules(const struct job *job, char *out, size_t size);

/** steps_plan_configure(job, out, size): how many rules. */
int steps_plan_configure(const struct job *job, char *out, size_t size);

/** steps_plan_connector(job, out, size): the unit that runs it. */
int steps_plan_connector(const struct job *job, char *out, size_t size);

/** steps_plan_dns(job, out, size): the record. */
int steps_plan_dns(const struct job *job, char *out, size_t size);

/** steps_plan_access(job, out, size): the Access applications. */
int steps_plan_access(const struct job *job, char *out, size_t size);

/** steps_plan_doors(job, out, size): what the connectors ask visitors for. */
int steps_plan_doors(const struct job *job, char *out, size_t size);

/** steps_plan_limit(job, out, size): the rate-limiting rule. */
int steps_plan_limit(const struct job *job, char *out, size_t size);

/** steps_plan_elsewhere(job, out, size): the record that a person is to enter. */
int steps_plan_elsewhere(const struct job *job, char *out, size_t size);

/** steps_plan_reachable(job, out, size): the address at the front door. */
int steps_plan_reachable(const struct job *job, char *out, size_t size);

/** steps_plan_remove(job, out, size): what would be removed for good. */
int steps_plan_remove(const struct job *job, char *out, size_t size);

/** steps_plan_target(job, out, size): tenant.move: from where to where. */
int steps_plan_target(const struct job *job, char *out, size_t size);

/** steps_plan_new(job, out, size): tenant.move: what would be made beside what runs. */
int steps_plan_new(const struct job *job, char *out, size_t size);

/** steps_plan_old(job, out, size): tenant.move: what runs now. */
int steps_plan_old(const struct job *job, char *out, size_t size);

/** steps_plan_pause(job, out, size): tenant.move: its host name and the page. */
int steps_plan_pause(const struct job *job, char *out, size_t size);

/** steps_plan_free(job, out, size): name and port that would be free again. */
int steps_plan_free(const struct job *job, char *out, size_t size);

#endif
