#ifndef SETT_ZONE_H
#define SETT_ZONE_H
/* Time zones by name, from the system's files (TZif, RFC 8536), without the process-wide TZ of the
 * C library, which threads cannot share. */
#include <stdint.h>
#include "err.h"

/** zone_offset(name, at_ms, offset_s, err): seconds east of UTC that "Europe/Berlin" has at that
 * time. "" and "UTC" are 0. Beyond the last change that the file lists, the last one holds on.
 * ERR_INVALID for a name that is none. Return 0 or -1. */
int zone_offset(const char *name, int64_t at_ms, int32_t *offset_s, struct err *err);

#endif
