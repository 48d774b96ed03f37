#ifndef SETT_EXTRACT_H
#define SETT_EXTRACT_H
/* Some files out of a snapshot, into a folder. */
#include "chain.h"
#include "unpack.h"
#include "verify.h"

/** extract(c, keys, only, folder, figures, err): ${only} (a unit, a folder or a file, as the
 * manifest names it; NULL: all) of the chain's newest file into ${folder}, an empty folder's
 * descriptor. All files of the chain are read whole, and what does not agree is ERR_CORRUPT.
 * ERR_NOT_FOUND when nothing has that name. Return 0 or -1. */
int extract(const struct chain *c, const struct verify_keys *keys, const char *only, int folder,
            struct unpack_figures *figures, struct err *err);

#endif
