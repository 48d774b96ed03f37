#ifndef SETT_HANDS_VERB_H
#define SETT_HANDS_VERB_H
/* The closed table of what can be asked of the hands, and the check of every value that came. */
#include "hands_world.h"

/** hands_check(request, err): whether every value has its shape and all that the verb needs is
 * there. A -1 here means that the peer is not our worker, or is broken. Return 0 or -1. */
int hands_check(const struct hands_request *request, struct err *err);

/** hands_alone(verb): whether no other verb about the same number may run at the same time. Verbs
 * about tenants and about tunnels do not disturb each other; *${of_tunnel} says which it is. */
bool hands_alone(uint32_t verb, bool *of_tunnel);

/** hands_run(world, request, connection, reply, stream): do it; ${request} was checked. The outcome
 * and the error are put into ${reply}. */
void hands_run(struct hands_world *world, const struct hands_request *request, int connection,
               struct hands_reply *reply, struct buf *stream);

#endif
