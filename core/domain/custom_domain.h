#ifndef SETT_CUSTOM_DOMAIN_H
#define SETT_CUSTOM_DOMAIN_H
/*
 * A domain of a customer that leads to a tenant. Three ways: a zone of its own at Cloudflare, which
 * the customer points their name servers at; a custom hostname, for customers who keep their DNS;
 * and none at all, where the box's own web server answers (ingress local).
 *
 *   adding ─► pending ─► routing ─► verifying ─► active      removing ─► removed
 *                ▲           │           └──────────┐
 *                └───────────┴── moved, lost ◄──────┘        failed: its job is stuck
 */
#include "db.h"
#include "id.h"

enum domain_via { DOMAIN_VIA_ZONE, DOMAIN_VIA_HOSTNAME, DOMAIN_VIA_LOCAL };
extern const char *const domain_via_names[];

enum domain_state {
    DOMAIN_ADDING,    /* a job makes what is needed at the provider */
    DOMAIN_PENDING,   /* the customer has something to do */
    DOMAIN_ROUTING,   /* proved; a job leads it to the tenant */
    DOMAIN_VERIFYING, /* led, and not yet seen to answer */
    DOMAIN_ACTIVE,
    DOMAIN_MOVED, /* its name servers were changed away */
    DOMAIN_LOST,  /* its zone is gone at the provider */
    DOMAIN_REMOVING,
    DOMAIN_REMOVED,
    DOMAIN_FAILED /* its job is stuck; state_reason says why */
};
extern const char *const domain_state_names[];

/* How the customer has shown that the domain is theirs. */
enum domain_proof {
    DOMAIN_PROOF_NONE,
    DOMAIN_PROOF_TXT, /* the record _sett-challenge.NAME */
    /* Its registry delegates it to the name servers that were assigned to our account's zone. Only
     * who holds the domain can do that, and only we can have told them which. */
    DOMAIN_PROOF_DELEGATION
};
extern const char *const domain_proof_names[];

enum domain_zone_status {
    DOMAIN_ZONE_NONE,
    DOMAIN_ZONE_INITIALIZING,
    DOMAIN_ZONE_PENDING,
    DOMAIN_ZONE_ACTIVE,
    DOMAIN_ZONE_MOVED,
    DOMAIN_ZONE_DELETED
};
extern const char *const domain_zone_status_names[];

#define DOMAIN_CHALLENGE_LABEL  "_sett-challenge"
#define DOMAIN_CHALLENGE_PREFIX "sett-challenge="

struct custom_domain {
    char id[ID_SIZE];
    char name[256];        /* A-labels */
    char unicode[512];     /* as people read it */
    char registrable[256]; /* the domain that is registered: name itself, or above it */
    char live[256];        /* name until it is removed: unique */
    char tenant_id[ID_SIZE], customer_id[ID_SIZE];
    uint32_t via, state;
    char state_reason[400]; /* what it waits for, why it failed */
    bool www;               /* www.NAME leads there as well */
    bool lookalike;         /* of another script, and reads like Latin */
    bool adopt;             /* use what is at the provider already */
    char challenge[64];     /* value of the TXT record, behind its prefix */
    uint32_t proof;
    int64_t proved_at, proof_lost_at;
    char cf_id[64]; /* of the zone, or of the custom hostname */
    bool cf_made;   /* by us */
    uint32_t zone_status;
    char name_servers[400];      /* those that were assigned, blanks between */
    char name_servers_seen[400]; /* those that the DNS says */
    char hostname_status[32], ssl_status[32];
    char records[1536];      /* custom hostname: a line each: "TXT name value", "HTTP url body" */
    char address[256];       /* what the DNS says that it leads to */
    bool points;             /* which is here */
    char routed_to[ID_SIZE]; /* tunnel that leads it to the tenant, "" none */
    int64_t pending_at, moved_at, lost_at, active_at;
    int64_t deadline_at;    /* when the provider deletes the zone, or what is deleted for good */
    int64_t activation_at;  /* the provider was asked to look at the name servers */
    uint32_t reminded_days; /* the reminder that was sent last; 0: none */
    uint32_t misses;        /* looks in a row that did not find it at the provider */
    int64_t checked_at, due_at; /* looked at, and to be looked at; 0: never again */
    char job_id[ID_SIZE];       /* newest job about it */
    int64_t removed_at, created_at, updated_at;
};
extern const struct table custom_domain_table; /* key id; unique: live; index: name, tenant_id,
                                                  customer_id, state, due_at */

/* Somebody else's wish for a domain that is taken: whoever proves it may have it. */
struct domain_claim {
    char id[ID_SIZE];
    char domain_id[ID_SIZE], tenant_id[ID_SIZE], customer_id[ID_SIZE];
    char challenge[64];
    int64_t created_at;
};
extern const struct table domain_claim_table; /* key id; unique: {domain_id, tenant_id} */

/** custom_domain_challenge(out): 128 random bits for a TXT record. */
void custom_domain_challenge(char out[64]);

/** custom_domain_serving(txn, host, domain, err): the live domain that serves ${host}: by its name
 * or as www of it. Return 1, 0 or -1. */
int custom_domain_serving(struct txn *txn, const char *host, struct custom_domain *domain,
                          struct err *err);

/** custom_domain_free(txn, host, tenant_id, err): that ${host} is not the domain of another tenant
 * than ${tenant_id}. ERR_CONFLICT hostname_taken, field hostname. Return 0 or -1. */
int custom_domain_free(struct txn *txn, const char *host, const char *tenant_id, struct err *err);

/** custom_domain_new(txn, domain, err): insert one that is being added. The caller has set name,
 * unicode, registrable, tenant_id, customer_id, via, www, lookalike, adopt. ERR_CONFLICT
 * domain_taken naming who has it. Return 0 or -1. */
int custom_domain_new(struct txn *txn, struct custom_domain *domain, struct err *err);

/** custom_domain_put(txn, domain, err): store a changed one; updated_at is set here. 0 or -1. */
int custom_domain_put(struct txn *txn, struct custom_domain *domain, struct err *err);

/** custom_domain_get(txn, id, domain, err): Return 1, 0 or -1. */
int custom_domain_get(struct txn *txn, const char *id, struct custom_domain *domain,
                      struct err *err);

/** custom_domain_zone_status(word): what the provider calls a zone's status as one of ours; a word
 * that is unknown is one of waiting. */
uint32_t custom_domain_zone_status(const char *word);

/** custom_domain_reason(domain, text): set state_reason, cut at a whole character. */
void custom_domain_reason(struct custom_domain *domain, const char *text);

/** custom_domain_removed(txn, domain, reason, err): it is over: its name is free, its claims and
 * notices go. Return 0 or -1. */
int custom_domain_removed(struct txn *txn, struct custom_domain *domain, const char *reason,
                          struct err *err);

/** custom_domain_claim(txn, domain_id, tenant_id, claim, err): Return 1, 0 or -1. */
int custom_domain_claim(struct txn *txn, const char *domain_id, const char *tenant_id,
                        struct domain_claim *claim, struct err *err);

/** custom_domain_same(a, b): whether two lists with blanks between have the same words. */
bool custom_domain_same(const char *a, const char *b);

struct conf;

/** custom_domain_target(txn, conf, via, out, size, err): the name that customers' CNAMEs lead to. 0
 * or -1. */
int custom_domain_target(struct txn *txn, const struct conf *conf, uint32_t via, char *out,
                         size_t size, struct err *err);

/** custom_domain_count(txn, tenant_id, err): how many live ones a tenant has; -1. */
int custom_domain_count(struct txn *txn, const char *tenant_id, struct err *err);

#endif
