#ifndef SETT_WIRE_H
#define SETT_WIRE_H
/* A connection as the code above FastCGI sees it: three functions. front.c fills them over libfcgi,
 * tests and fuzz targets over memory. */
#include <stddef.h>

struct wire {
    void *arg; /* handed to each of the functions */
    /** read(arg, out, max): the next bytes of the body: how many, 0 at its end, -1 when it broke.
     */
    int (*read)(void *arg, char *out, size_t max);
    /** write(arg, data, len): queue bytes of the answer. Return 0, or -1 when the peer has gone. */
    int (*write)(void *arg, const void *data, size_t len);
    /** flush(arg): send what is queued. Return 0, or -1 when the peer has gone. */
    int (*flush)(void *arg);
    int fd; /* the socket, to poll for the peer's leaving; -1: none */
};

#endif
