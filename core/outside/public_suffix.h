#ifndef SETT_PUBLIC_SUFFIX_H
#define SETT_PUBLIC_SUFFIX_H
/* Below which names people register theirs (publicsuffix.org). */
#include <stddef.h>
#include "err.h"

/** public_suffix_domain(ascii, out, size, err): the registrable domain that ${ascii} (A-labels,
 * lower case) lies in: "mustermann.de" for "shop.mustermann.de", "a.co.uk" for "www.a.co.uk". The
 * newer of the list that the library was built with and the system's (package publicsuffix) is
 * asked; the suffixes of private registries (github.io) count. ERR_INVALID, field "name",
 * domain_public_suffix when it is such a suffix itself. Return 0 or -1. */
int public_suffix_domain(const char *ascii, char *out, size_t size, struct err *err);

#endif
