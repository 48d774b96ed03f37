#ifndef SETT_CHECK_COPIES_H
#define SETT_CHECK_COPIES_H
/* Looking at the copies of snapshots where they are kept, without a key. */
#include "saga_context.h"

/** check_copies(context, whole, err): each copy is there and as long as it was; of those in folders
 * also that the file ends with its trailer. ${whole}: besides, the copy that was looked at longest
 * ago is read from front to back: order, completeness, signature. What is wrong is noted with the
 * copy, a vault that cannot be reached with the vault, each with an alert. Return 0 or -1. */
int check_copies(const struct saga_context *context, bool whole, struct err *err);

#endif
