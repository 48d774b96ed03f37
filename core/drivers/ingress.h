#ifndef SETT_INGRESS_H
#define SETT_INGRESS_H
/* The ingress driver: how requests for a host name reach a service. Each stage is a step of a
 * saga; a stage that a driver does not need answers OK at once. */
#include "id.h"
#include "kv.h"
#include <stdbool.h>
#include "outcome.h"

/* A fact that the stage INGRESS_DNS may set: "1": the name's DNS is at another provider. */
#define INGRESS_FACT_DNS_ELSEWHERE "dns_elsewhere"

enum ingress_stage {
    INGRESS_TUNNEL,    /* cloudflare: the tunnel exists at the provider */
    INGRESS_RULES,     /* hostname -> service is configured (local: the web server's map) */
    INGRESS_CONNECTOR, /* cloudflare: the unit that runs cloudflared */
    INGRESS_DNS,       /* cloudflare: the proxied CNAME */
    INGRESS_STAGES
};
enum ingress_verb { INGRESS_CHECK, INGRESS_MAKE, INGRESS_UNDO };

struct ingress_route {
    uint64_t number; /* of the tunnel object; names its unit and files */
    char name[96];   /* of the tunnel at the provider */
    char mark[96];   /* put on every outside object: box id and job id */
    char tunnel_id[ID_SIZE], job_id[ID_SIZE];
    char hostname[256], path[160], service[160];
    bool no_tls_verify;
    bool local_config; /* its rules are files of this box: the provider has none */
    bool maintenance;  /* visitors get 503 instead of the service, which is kept in mind */
    char cf_account[64], cf_zone[64], cf_tunnel[64], cf_record[64]; /* "" until known */
    /* All that is to be configured, this route among it: cloudflared's JSON (cloudflared.h), which
     * lives as long as the call; NULL: this route alone. */
    const char *rules;
};

struct ingress {
    const char *name;
    void *self;
    /* Facts that became known (cf_tunnel, cf_record, cf_version, …) are set in ${facts}. ${secret}:
     * base64 tunnel secret, made before, for INGRESS_TUNNEL; may be NULL. */
    enum outcome (*stage)(void *self, enum ingress_stage stage, enum ingress_verb verb,
                          const struct ingress_route *r, const char *secret, struct kv *facts,
                          struct err *err);
};

#endif
