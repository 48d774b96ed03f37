#ifndef SETT_MAIL_H
#define SETT_MAIL_H
/*
 * A mail as bytes: RFC 5322 with a text and an HTML part (RFC 2045, 2046), headers in UTF-8 by RFC
 * 2047, marked as written by a program (RFC 3834). Nothing that goes into it can begin a header of
 * its own: every value is checked or encoded.
 */
#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "err.h"

struct mail {
    const char *from_name, *from; /* name for people (may be ""), address */
    const char *to;
    const char *reply_to;    /* or NULL */
    const char *id, *domain; /* Message-ID: <id@domain>: the same whenever it is sent again */
    const char *language;    /* "de", or NULL */
    const char *subject;
    const char *text, *html; /* UTF-8, lines ended by \n; html may be NULL */
    int64_t at_ms;
};

#define MAIL_MAX (256u * 1024u)

/** mail_address(address): whether it is one that this file takes: local@domain in printable ASCII
 * without blanks, quotes, brackets, commas; at most 254 characters. */
bool mail_address(const char *address);

/** mail_compose(mail, out, err): append the whole of it, lines ended by CRLF. ERR_INVALID for what
 * cannot stand in a header, ERR_TOO_LARGE. Return 0 or -1. */
int mail_compose(const struct mail *mail, struct buf *out, struct err *err);

#endif
