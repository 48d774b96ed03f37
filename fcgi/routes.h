#ifndef SETT_ROUTES_H
#define SETT_ROUTES_H
/* Which operation answers which method and path. Who may is the operation's own affair. */
#include "op.h"
#include "request.h"

extern const struct op_route route_table[];
extern const size_t route_count;

/* Event streams: served on their own socket by events.c. Who may follows from the named operation.
 */
extern const struct op_route route_streams[];
extern const size_t route_stream_count;

#define ROUTE_API     0x01u /* below /api */
#define ROUTE_LOGIN   0x02u /* a password is tried: its own limit of rate, forms without bearer */
#define ROUTE_FREE    0x04u /* not limited: /health, /metrics */
#define ROUTE_WEBHOOK 0x08u /* larger body; only what is refused counts */
#define ROUTE_METRICS 0x10u /* the front's own counters are appended */
#define ROUTE_SLOW    0x40u /* hashes a password: may hold a thread for a while */
#define ROUTE_NAMES   0x80u /* asked while somebody types: its own limit of rate for nobody */
#define ROUTE_GUESS   0x100u /* a password or code is tried within a session: as few as sign-ins */
#define ROUTE_STEADY                                                                               \
    0x20u /* the answer follows from snapshot, parameters, role and customer alone */

#define ROUTE_PATH_PARAMS 2
#define ROUTE_VALUE_SIZE  160

struct route_value {
    char name[32], value[ROUTE_VALUE_SIZE];
};

struct route_match {
    const struct op_route *route; /* NULL: no such path, or not this method */
    size_t index;                 /* in the table */
    unsigned flags;
    unsigned value_count;
    struct route_value values[ROUTE_PATH_PARAMS];
    char allow[64]; /* the path is known: its methods, "GET, HEAD, POST" */
};

/** route_find(table, count, method, path, match): HEAD is answered by GET's route. Return 1 when
 * found, 0 when the path is known but not with this method (match->allow), -1 when it is not known.
 */
int route_find(const struct op_route *table, size_t count, enum request_method method,
               const char *path, struct route_match *match);

/** route_flags(route): what follows from path and operation. */
unsigned route_flags(const struct op_route *route);

#endif
