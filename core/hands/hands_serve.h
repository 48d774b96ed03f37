#ifndef SETT_HANDS_SERVE_H
#define SETT_HANDS_SERVE_H
/*
 * The answering side of the hands' socket: a thread for each connection, at most 64; one request
 * each. A peer that is neither root nor the worker's user, or that sends anything that is not a
 * request, is cut off and logged.
 */
#include <sys/types.h>
#include "hands_world.h"

struct hands_serve;

#define HANDS_CONNECTIONS 64

/** hands_serve_new(out, world, worker, err): listen at world->paths->hands_sock (0600, owned by
 * ${worker} when we are root). Return 0 or -1. */
int hands_serve_new(struct hands_serve **out, struct hands_world *world, uid_t worker,
                    struct err *err);

/** hands_serve_fd(s): the listening socket, to be polled; -1 while all connections are taken. */
int hands_serve_fd(struct hands_serve *s);

/** hands_serve_accept(s): take one connection, after poll said that there is one. */
void hands_serve_accept(struct hands_serve *s);

/** hands_serve_end(s, wait_ms): listen no more and wait for the requests at work. Return 0 and free
 * ${s}; or -1 when some are still at work: then nothing they use may be freed. */
int hands_serve_end(struct hands_serve *s, int wait_ms);

#endif
