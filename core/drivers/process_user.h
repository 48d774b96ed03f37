#ifndef SETT_PROCESS_USER_H
#define SETT_PROCESS_USER_H
/*
 * Which users tenants that are processes run as, on a machine and in a container that has fewer.
 */
#include <stdint.h>

#include "err.h"

#define PROCESS_USER_FIRST  200000u    /* tenant N is user 200000 + N … */
#define PROCESS_USER_INSIDE 20000u     /* … or 20000 + N where there is no such user */
#define PROCESS_USER_END    60000u     /* from here on up Debian has users of its own */
#define PROCESS_USER_DRILL  999999999u /* a drill's number, which is no tenant's, has a user, too  \
                                        */

/** process_user_first(map): what a tenant's number is added to, by ${map}, whose form is that of
 * /proc/self/uid_map (user_namespaces(7)); NULL: that one. Return PROCESS_USER_FIRST, or
 * PROCESS_USER_INSIDE in a user namespace without it, as an unprivileged container is, which
 * usually has 65536 users. */
uint32_t process_user_first(const char *map);

/** process_user(first, number, uid, err): the user of a tenant. Return 0, or -1 when there is none
 * left for it. */
int process_user(uint32_t first, uint64_t number, uint32_t *uid, struct err *err);

#endif
