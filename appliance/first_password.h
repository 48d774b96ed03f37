#ifndef SETT_FIRST_PASSWORD_H
#define SETT_FIRST_PASSWORD_H
/* The first password of an installed box: in a file until somebody has chosen another. */
#include <stdbool.h>

#include "db.h"
#include "paths.h"

/** first_password_path(p, out): the file. ${out} has PATHS_SIZE + 32 bytes. */
void first_password_path(const struct paths *p, char out[PATHS_SIZE + 32]);

/** first_password_waits(txn): whether the admin that the setup made has still to choose another. */
bool first_password_waits(struct txn *txn);

/** first_password_tidy(p, db): once another was chosen, remove the file, and have the greetings
 * made anew. A box below a folder keeps it: there it stays good. */
void first_password_tidy(const struct paths *p, struct db *db);

#endif
