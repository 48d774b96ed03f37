#ifndef SETT_HEAD_H
#define SETT_HEAD_H
/*
 * The one writer of response headers. Every answer of ours gets the same security headers; a value
 * with CR, LF or NUL never reaches the wire.
 */
#include <stdbool.h>
#include "buf.h"

struct head {
    unsigned status;
    const char *content_type; /* NULL: no body */
    const char *request_id;
    const char *etag, *location, *cookie, *allow, *authenticate; /* NULL or "": none */
    const char *prefix;                                          /* of our Location; NULL: none */
    const char *disposition;                                     /* Content-Disposition, likewise */
    size_t content_length;
    unsigned retry_after_s;    /* 0: none */
    bool hsts;                 /* the box is reached over https */
    const char *content_range; /* of a part of a file, likewise */
    bool file;                 /* of a known length, and not to be buffered */
    bool stream;               /* an event stream: not to be buffered, of unknown length */
    bool replayed;             /* kept for this Idempotency-Key */
};

/** head_write(out, a): append status line and headers as FastCGI wants them (RFC 3875, 6.2), with
 * the empty line. Return 0, or -1 (nothing appended) when a value is not clean. */
int head_write(struct buf *out, const struct head *a);

#endif
