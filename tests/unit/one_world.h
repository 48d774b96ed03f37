#ifndef SETT_ONE_WORLD_H
#define SETT_ONE_WORLD_H
/* The one world of a test program, made anew for each case. */
#include "domain_world.h"

static struct world *w;

static inline int set_up(void **state)
{
    (void)state;
    w = world_new();
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    world_end(w);
    return 0;
}

#endif
