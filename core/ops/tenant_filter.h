#ifndef SETT_TENANT_FILTER_H
#define SETT_TENANT_FILTER_H
/* Which tenants are meant: the parameters by which lists, exports and acts on many choose, and what
 * they say of one tenant. */
#include "find.h"
#include "params.h"
#include "tenant.h"

/* The member `wish` of their parameters. All that is given must hold. */
struct tenant_wish {
    char q[160], state[96], health[80], plan[96], customer_id[96], runtime[16], subdomain[64];
    bool attention, deleted;
};

#define TENANT_WISH_FIELD(t, member_, kind_, ...)                                                  \
    {                                                                                              \
        .name = #member_, .type = kind_, .offset = offsetof(t, wish.member_),                      \
        .size = sizeof(((t *)0)->wish.member_), .since = 1, __VA_ARGS__                            \
    }

/* Its rows, for the field table of a struct ${t} that has it as `wish`. */
#define TENANT_WISH_FIELDS(t)                                                                      \
    TENANT_WISH_FIELD(t, q, FIELD_TEXT,                                                            \
                      .help = "with these words, or beginnings of them, in name, subdomain, "      \
                              "number, customer or domains; or an id"),                            \
        TENANT_WISH_FIELD(t, state, FIELD_TEXT,                                                    \
                          .help = "only in this state, or these, parted by commas"),               \
        TENANT_WISH_FIELD(t, health, FIELD_TEXT,                                                   \
                          .help = "only of this health, or these, parted by commas"),              \
        TENANT_WISH_FIELD(t, plan, FIELD_TEXT, .help = "only with this plan"),                     \
        TENANT_WISH_FIELD(t, customer_id, FIELD_TEXT, .flags = FIELD_NUMBERED,                     \
                          .help = "only of this customer"),                                        \
        TENANT_WISH_FIELD(t, runtime, FIELD_TEXT, .help = "only with this runtime"),               \
        TENANT_WISH_FIELD(t, subdomain, FIELD_TEXT, .help = "only with this subdomain"),           \
        TENANT_WISH_FIELD(t, attention, FIELD_BOOL,                                                \
                          .help = "only those that a person should look at: failed, past due, "    \
                                  "not healthy, or with a job that is stuck"),                     \
        TENANT_WISH_FIELD(t, deleted, FIELD_BOOL, .help = "also those that are deleted")

/* What a person should look at, a bit for each. */
#define TENANT_FLAGGED_STATES (1u << TENANT_FAILED | 1u << TENANT_PAST_DUE)
#define TENANT_FLAGGED_HEALTHS                                                                     \
    (1u << HEALTH_DEGRADED | 1u << HEALTH_UNHEALTHY | 1u << HEALTH_UNREACHABLE)

/* A wish with its names looked up. */
struct tenant_filter {
    uint32_t states, healths; /* a bit for each; 0: any */
    char plan_id[ID_SIZE], customer_id[ID_SIZE], runtime[16], subdomain[64];
    char id[ID_SIZE]; /* q is the id of one */
    struct find_words words;
    bool attention, deleted;
};

/** tenant_filter_read(call, wish, filter, err): look up what is named; a customer's own filter is
 * always their id. ERR_INVALID naming the parameter. Return 0 or -1. */
int tenant_filter_read(struct op_call *call, const struct tenant_wish *wish,
                       struct tenant_filter *filter, struct err *err);

/** tenant_filter_fits(filter, tenant): whether it is meant, as far as its own record says: words
 * and stuck jobs are not looked at. */
bool tenant_filter_fits(const struct tenant_filter *filter, const struct tenant *tenant);

/** tenant_filter_flagged(tenant): whether by its own record a person should look at it. */
bool tenant_filter_flagged(const struct tenant *tenant);

#endif
