#ifndef SETT_PORT_MAP_H
#define SETT_PORT_MAP_H
/* The pool of ports as people see it: its ranges, and runs of ports that are in the same state. */
#include "port.h"

#define PORT_RANGES 64

struct port_ranges {
    uint32_t count, total;
    struct {
        uint32_t low, high;
    } at[PORT_RANGES]; /* ascending, apart from each other */
};

/** port_ranges_read(ranges, text, err): "3100-3999,5000". ERR_INVALID. Return 0 or -1. */
int port_ranges_read(struct port_ranges *ranges, const char *text, struct err *err);

/** port_ranges_has(ranges, port): whether it is in the pool. */
bool port_ranges_has(const struct port_ranges *ranges, uint32_t port);

enum port_state {
    PORT_FREE,
    PORT_TENANT,
    PORT_FOREIGN, /* something else was found there, and is believed to be still */
    PORT_RESERVED
};
#define PORT_STATES 4
extern const char *const port_state_names[];

/** port_state(record, now_ms): of a port that has a record. */
enum port_state port_state(const struct port *record, int64_t now_ms);

/* Called for each run, ascending; ${in_pool} false: a port that is taken though the pool, which was
 * changed, has it no more. */
typedef void port_run(void *arg, uint32_t low, uint32_t high, enum port_state state, bool in_pool);

/** port_map(txn, ranges, on_run, arg, err): all runs of the pool, and what is taken outside of it.
 * Return 0 or -1. */
int port_map(struct txn *txn, const struct port_ranges *ranges, port_run *on_run, void *arg,
             struct err *err);

#endif
