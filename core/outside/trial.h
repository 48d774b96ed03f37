#ifndef SETT_TRIAL_H
#define SETT_TRIAL_H
/* Trying a provider: what a credential leads to and may do, found by reading alone. Each try tells
 * its facts and its checks as it goes; what is missing is a check that failed and no error. */
#include <stdbool.h>
#include "err.h"

struct trial {
    /* What was found: "account", "Acme GmbH (acct_1…)". */
    void (*fact)(void *arg, const char *name, const char *value);
    /* Whether something that is needed (or, ${needed} false, of use to some) is there; ${fix}: what
     * to do if not. */
    void (*check)(void *arg, const char *name, bool ok, bool needed, const char *what,
                  const char *fix);
    void *arg;
};

/** trial_result(t, name, needed, result, err, fine): a check from a call's outcome: ${fine} when
 * ${result} is 0, else the error's text and hint. */
void trial_result(const struct trial *t, const char *name, bool needed, int result,
                  const struct err *err, const char *fine);

#endif
