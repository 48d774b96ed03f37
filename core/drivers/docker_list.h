#ifndef SETT_DOCKER_LIST_H
#define SETT_DOCKER_LIST_H
/* What an engine has of this box, whoever remembers it. */
#include "docker_api.h"
#include "runtime.h"

/** docker_list_ours(api, box_id, each, arg, err): every container labelled with this box, then
 * every network (as RUNTIME_ABSENT, also where a container of the same number was listed). What
 * bears the label without a number is passed over. As runtime.list. Return 0 or -1. */
int docker_list_ours(struct docker_api *api, const char *box_id, runtime_each *each, void *arg,
                     struct err *err);

#endif
