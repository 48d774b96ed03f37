#ifndef SETT_QUIET_HOURS_H
#define SETT_QUIET_HOURS_H
/* The hours in which only what is critical may wake somebody. */
#include <stdbool.h>
#include <stdint.h>
#include "err.h"

struct quiet_hours {
    bool set;
    uint32_t from_minute, until_minute; /* of the day; from > until goes over midnight */
};

/** quiet_hours_parse(text, quiet, err): "22:00-07:00", or "" for none. ERR_INVALID. 0 or -1. */
int quiet_hours_parse(const char *text, struct quiet_hours *quiet, struct err *err);

/** quiet_hours_end(quiet, zone, at_ms): if that time, in the named zone, is quiet: when the quiet
 * ends; else 0. A zone that is not there counts as UTC. */
int64_t quiet_hours_end(const struct quiet_hours *quiet, const char *zone, int64_t at_ms);

#endif
