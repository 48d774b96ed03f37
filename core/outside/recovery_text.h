#ifndef SETT_RECOVERY_TEXT_H
#define SETT_RECOVERY_TEXT_H
/* A recovery secret, or shares of one, as people have them: on a printed kit, in a file, typed. */
#include <stdbool.h>
#include "identity.h"

/* What people have of a secret: all of it, or shares. To be wiped. */
struct recovery_found {
    struct identity_share shares[IDENTITY_SHARES_MOST];
    unsigned count;
    uint8_t secret[32];
    bool whole; /* ${secret} is known */
};

/** recovery_take(text, found, err): add whatever secret and shares stand in ${text}: a kit, a file,
 * a line that was typed. What else it says is passed over. Return 0 or -1. */
int recovery_take(const char *text, struct recovery_found *found, struct err *err);

/** recovery_join(found, err): put the secret together, unless it is whole. Return 0 or -1. */
int recovery_join(struct recovery_found *found, struct err *err);

#endif
