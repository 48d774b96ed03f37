#ifndef SETT_SIGNER_H
#define SETT_SIGNER_H
/* Whether a snapshot was signed by who is believed to have signed it. */
#include "seal.h"

#define SIGNER_LIST 1200 /* of keys in hex, with blanks between */

/** signer_is(h, expected): whether one of the keys in ${expected} (in hex, or 16 or more of their
 * first digits, with blanks between) signed it, or vouched, by way of others, for the one that did.
 */
bool signer_is(const struct seal_header *h, const char *expected);

/** signer_of_box(h, keys): whether the box whose keys are in the folder ${keys} signed it: by its
 * present key, a former one, or one that came after. */
bool signer_of_box(const struct seal_header *h, const char *keys);

#endif
