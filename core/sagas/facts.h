#ifndef SETT_FACTS_H
#define SETT_FACTS_H
/*
 * A job's facts: what its outside steps must know of tenant, tunnel and settings, copied out of the
 * store by the first store step, and what those steps find out. The names are listed here, once.
 */
#include "hands.h"
#include "ingress.h"
#include "outside.h"
#include "saga_context.h"
#include "step.h"
#include "tenant.h"
#include "tunnel.h"

#define FACT_NUMBER          "number" /* of the tenant */
#define FACT_BLUEPRINT       "blueprint"
#define FACT_RUNTIME         "runtime"
#define FACT_PORT            "port"
#define FACT_ADDRESS         "address"     /* and port, of a program on another machine */
#define FACT_NODE            "node"        /* the machine, or engine, that it was put on */
#define FACT_ENGINE          "engine"      /* the engine that its plan wants */
#define FACT_GUEST           "guest"       /* its container's number there */
#define FACT_INSIDE          "inside"      /* the address that it was given there */
#define FACT_ADDRESS_NEW     "address_new" /* "1": its address changed under this job */
#define FACT_NAME            "name"        /* for people */
#define FACT_SUBDOMAIN       "subdomain"
#define FACT_HOSTNAME        "hostname" /* of the tunnel */
#define FACT_URL             "url"      /* its front door */
#define FACT_BOX             "box_id"
#define FACT_HEALTH_PATH     "health_path"
#define FACT_HEALTH_S        "health_timeout_s"
#define FACT_DATABASE        "database"   /* "1": the blueprint wants one */
#define FACT_GENERATION      "generation" /* of its databases: the one it uses; none: the first */
#define FACT_NEW_GENERATION  "generation_new" /* the one that it is to use */
#define FACT_OLD_GENERATION  "generation_old" /* the one that it used before */
#define FACT_GENERATED       "generated"      /* "NAME=24 …": what the blueprint wants made */
#define FACT_CREDENTIALS     "credentials"    /* lines "name=value" of the blueprint */
#define FACT_FOREIGN         "foreign_port"   /* of the port that something foreign holds */
#define FACT_OWNER           "foreign_owner"
#define FACT_FOREIGN_GUEST   "foreign_guest" /* number that something foreign holds */
#define FACT_TUNNEL          "tunnel_id"
#define FACT_TUNNEL_NUMBER   "tunnel_number"
#define FACT_TUNNEL_NAME     "tunnel_name"
#define FACT_SERVICE         "service"
#define FACT_PATH            "path"
#define FACT_INGRESS         "ingress"
#define FACT_NO_VERIFY       "no_tls_verify"
#define FACT_MAINTENANCE     "maintenance" /* "1": its visitors are not led to it */
#define FACT_CF_ACCOUNT      "cf_account"
#define FACT_CF_ZONE         "cf_zone"
#define FACT_CF_TUNNEL       "cf_tunnel"
#define FACT_CF_RECORD       "cf_record"
#define FACT_CF_VERSION      "cf_version"
#define FACT_CARRIER         "carrier_id" /* set: its route goes by a shared tunnel */
#define FACT_CARRIER_CF      "carrier_cf_tunnel"
#define FACT_DNS_SERVER      "dns_server"
#define FACT_COVERED         "covered" /* "1": that one's wildcard record answers for its name */
#define FACT_SHARE           "share_wanted" /* the count of that one's rules that has its change */
#define FACT_LOCAL           "local_config" /* "1": its rules are files of this box */
#define FACT_ADOPTED         "adopted"      /* "1": somebody else made it */
#define FACT_ELSEWHERE       "elsewhere"    /* "1": its connector is not ours to run */
#define FACT_DNS_ELSEWHERE   INGRESS_FACT_DNS_ELSEWHERE
#define FACT_RULES           "rules_wanted"   /* the count of changes that was brought */
#define FACT_ACCESS          "access"         /* "1": not everybody may come in */
#define FACT_DOORS           "doors_changed"  /* "1": its tunnels have yet to be told */
#define FACT_OPENED          "doors_opened"   /* "1": its own tunnel is to ask for no token */
#define FACT_TOLD            "doors_told"     /* "1": its own tunnel is to ask for one */
#define FACT_LIMIT           "limit_requests" /* set: it has a rate limit */
#define FACT_LIMIT_PERIOD    "limit_period_s"
#define FACT_LIMIT_BLOCK     "limit_block_s"
#define FACT_GUARD_LEFT      "guard_left"   /* what could not be taken back, in words */
#define FACT_GUARD_HOSTS     "guard_hosts"  /* the host names that both are about */
#define FACT_OLD_HOSTNAME    "old_hostname" /* tenant.update: the name it had */
#define FACT_OLD_SUBDOMAIN   "old_subdomain"
#define FACT_OLD_PLAN        "old_plan_id"
#define FACT_OLD_RECORD      "old_cf_record"
#define FACT_OLD_MAINTENANCE "old_maintenance" /* tenant.update: likewise, before */
#define FACT_OLD_BLUEPRINT   "old_blueprint"   /* tenant.move: where it was */
#define FACT_OLD_RUNTIME     "old_runtime"
#define FACT_OLD_PORT        "old_port"
#define FACT_OLD_ADDRESS     "old_address"
#define FACT_OLD_NODE        "old_node"
#define FACT_TARGET_NODE     "target_node" /* tenant.move: the machine that it goes to */
#define FACT_OLD_SERVICE     "old_service"
#define FACT_OLD_HEALTH_PATH "old_health_path"
#define FACT_OLD_SILENT      "old_silent" /* "1": it did not answer there */
#define FACT_RECREATE        "recreate"   /* "1": its limits or its blueprint change */
#define FACT_SUSPENDED       "suspended"  /* "1": it does not run */

/** facts_set(job, name, value, err): set a fact; "" takes it out. Return 0 or -1. */
int facts_set(struct job *job, const char *name, const char *value, struct err *err);

/** facts_set_u64(job, name, value, err): likewise, as decimal digits. */
int facts_set_u64(struct job *job, const char *name, uint64_t value, struct err *err);

/** facts_load_tenant(txn, job, tenant, err): the tenant that the job's argument tenant_id names.
 * ERR_NOT_FOUND. Return 0 or -1. */
int facts_load_tenant(struct txn *txn, const struct job *job, struct tenant *tenant,
                      struct err *err);

/** facts_load_tunnel(txn, id, tunnel, err): Return 1, 0 if there is none or ${id} is "", or -1. */
int facts_load_tunnel(struct txn *txn, const char *id, struct tunnel *tunnel, struct err *err);

/** facts_load_job_tunnel(txn, job, tunnel, err): the tunnel that a job is about, by its facts or
 * else its arguments. Return 1, 0 if there is none or it is deleted, or -1. */
int facts_load_job_tunnel(struct txn *txn, const struct job *job, struct tunnel *tunnel,
                          struct err *err);

/** facts_tenant(txn, job, context, tenant, err): what steps must know of a tenant. 0 or -1. */
int facts_tenant(struct txn *txn, struct job *job, const struct saga_context *context,
                 const struct tenant *tenant, struct err *err);

/** facts_tunnel(txn, job, context, tunnel, err): what steps must know of a tunnel. 0 or -1. */
int facts_tunnel(struct txn *txn, struct job *job, const struct saga_context *context,
                 const struct tunnel *tunnel, struct err *err);

/** facts_origin(facts, out): "127.0.0.1:3100": where the tenant's own program is asked. */
void facts_origin(const struct kv *facts, char out[TENANT_ORIGIN_SIZE]);

/** facts_where(facts, out): who runs the tenant, and where. */
void facts_where(const struct kv *facts, struct outside_where *out);

/** facts_where_of(txn, tenant, out, err): the same from the records. Return 0 or -1. */
int facts_where_of(struct txn *txn, const struct tenant *tenant, struct outside_where *out,
                   struct err *err);

/** facts_request(call, verb, request): a request to the hands about the job's tenant. */
void facts_request(const struct step_call *call, enum hands_verb verb,
                   struct hands_request *request);

/** facts_route(job, facts, old, route): the route of the job's tunnel; ${old}: as it was before the
 * job, under the name and with the maintenance that it had. */
void facts_route(const struct job *job, const struct kv *facts, bool old,
                 struct ingress_route *route);

#endif
