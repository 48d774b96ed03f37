#ifndef SETT_RESTORE_AFTER_H
#define SETT_RESTORE_AFTER_H
/* sett restore status, rollback, commit. */
#include "cli.h"

/** restore_after_is(word): whether it is one of these. */
bool restore_after_is(const char *word);

/** restore_after(cli, word, err): do it. Return the exit code, or -1. */
int restore_after(struct cli *cli, const char *word, struct err *err);

/** restore_after_healthy(cli, err): until the box answers, at most a minute or --timeout. 0 or -1.
 */
int restore_after_healthy(const struct cli *cli, struct err *err);

#endif
