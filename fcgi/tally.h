#ifndef SETT_TALLY_H
#define SETT_TALLY_H
/* What the front has answered since its start, for /metrics: requests by route and status, and how
 * long they took. */
#include <stddef.h>
#include <stdint.h>
#include "buf.h"
#include "op.h"

struct tally; /* thread-safe, counters only */

#define TALLY_NO_ROUTE SIZE_MAX

/** tally_new(): for the routes of ${table}, which must outlive it; NULL without memory. */
struct tally *tally_new(const struct op_route *table, size_t count);

/** tally_count(t, route, status, took_us): one answer. ${route}: index, or TALLY_NO_ROUTE. */
void tally_count(struct tally *t, size_t route, unsigned status, uint64_t took_us);

/** tally_streams(t, change): event streams that are open: +1, -1; 0 asks. The number after that. */
int64_t tally_streams(struct tally *t, int change);

/** tally_text(t, out): append in Prometheus' text form,
 * https://prometheus.io/docs/instrumenting/exposition_formats/. */
void tally_text(const struct tally *t, struct buf *out);

#endif
