#ifndef SETT_HEALTH_H
#define SETT_HEALTH_H
/*
 * How a tenant or a tunnel is: one record for each that is looked at, written only when something
 * changes. The figures of every minute are in the history.
 */
#include "tenant.h"

struct health {
    char subject[ID_SIZE]; /* the tenant's or the tunnel's id */
    uint32_t state;        /* enum tenant_health */
    int64_t since;
    char reason[240]; /* why it is not healthy; "" otherwise */
    /* Of its parts, unknown where nothing is looked at: the program on its port (of a tunnel: its
     * connector), its tunnel's connector, and the way from outside. */
    uint32_t program, connector, outside;
    uint32_t restarts; /* by the health rounds, within the present window */
    int64_t restarts_since, restarted_at;
    int64_t given_up_at; /* restarted too often and left alone since; 0: not */
    int64_t updated_at;
};
extern const struct table health_table; /* key subject */

/** health_get(txn, subject, health, err): the record, or one that knows nothing. Return 1, 0 or -1.
 */
int health_get(struct txn *txn, const char *subject, struct health *health, struct err *err);

/** health_put(txn, health, err): store it; updated_at is set here. Return 0 or -1. */
int health_put(struct txn *txn, struct health *health, struct err *err);

#endif
