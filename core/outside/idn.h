#ifndef SETT_IDN_H
#define SETT_IDN_H
/* Domain names as people write them and as the DNS knows them (IDNA2008, RFC 5890 to 5895). */
#include <stdbool.h>
#include <stddef.h>
#include "err.h"

struct idn_name {
    char ascii[256];   /* A-labels, lower case: "xn--mller-kva.de" */
    char unicode[512]; /* U-labels: "müller.de"; the same as ascii if there is nothing to tell */
    bool lookalike;    /* a label of another script that reads like Latin: "аррӏе.com" */
};

/** idn_read(text, out, err): a domain name of at least two labels, in either spelling, blanks
 * around it and a dot at its end being taken off, capitals mapped. ERR_INVALID, field "name":
 * domain_invalid (no name of a host: shape, length, what IDNA does not allow), domain_mixed_script
 * (a label mixes scripts that are not written together: UTS 39, "highly restrictive"). 0 or -1. */
int idn_read(const char *text, struct idn_name *out, struct err *err);

/** idn_unicode(ascii, out, size): how people read it; ${ascii} itself if it is no valid one. */
void idn_unicode(const char *ascii, char *out, size_t size);

#endif
