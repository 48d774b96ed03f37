/* Limits laid over one another: blueprint, plan, tenant. Apart because all three floors do it. */
#include "resource_limits.h"

void limits_over(struct limits *out, const struct limits *above)
{
    if (above->memory_bytes != 0)
        out->memory_bytes = above->memory_bytes;
    if (above->cpu_millis != 0)
        out->cpu_millis = above->cpu_millis;
    if (above->pids != 0)
        out->pids = above->pids;
    if (above->nofile != 0)
        out->nofile = above->nofile;
    if (above->storage_bytes != 0)
        out->storage_bytes = above->storage_bytes;
    if (above->max_users != 0)
        out->max_users = above->max_users;
}
