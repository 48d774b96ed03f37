#ifndef SETT_NOUN_H
#define SETT_NOUN_H
/* The nouns of the command line: what each is about, and which of them a parameter names. For the
 * manual and for completions; what can be done with one follows from the operations' rows. */
#include "op.h"

struct noun_row {
    const char *noun;
    const char *about; /* "tenants: make, change, move and remove them" */
    const char *shown; /* member of a list's items by which people name one; NULL: it has none */
    const char *more;  /* and what tells two of them apart: a member, or NULL */
};
extern const struct noun_row noun_rows[]; /* ended by one without noun */

/** noun_find(noun): its row, or NULL. */
const struct noun_row *noun_find(const char *noun);

/** noun_named(op, field): the noun of which this parameter names one ("tenant" of --tenant-id, of
 * the id of tenant.show), if those that there are can be listed; else NULL. */
const char *noun_named(const struct op *op, const struct field *field);

#endif
