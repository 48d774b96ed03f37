/*
 * The pool of ports as a whole. Apart from giving ports because it is read by people, who want to
 * see who sits where, and changes nothing.
 */
#include "port_map.h"

#include "str.h"

#include <string.h>

const char *const port_state_names[] = {"free", "tenant", "foreign", "reserved", NULL};

/* One number of the text, moving on; -1 if there is none. */
static int number(const char **at, uint32_t *out)
{
    uint32_t n = 0;
    const char *p = *at;

    if (*p < '1' || *p > '9')
        return -1;
    while (*p >= '0' && *p <= '9' && n <= 65535)
        n = n * 10 + (uint32_t)(*p++ - '0');
    *at = p;
    *out = n;
    return n >= 1 && n <= 65535 ? 0 : -1;
}

/* Put a range in its place; -1 if it overlaps another or there are too many. */
static int place(struct port_ranges *r, uint32_t low, uint32_t high)
{
    uint32_t i = r->count;

    if (r->count == PORT_RANGES)
        return -1;
    while (i > 0 && r->at[i - 1].low > low) {
        r->at[i] = r->at[i - 1];
        i--;
    }
    r->at[i].low = low;
    r->at[i].high = high;
    r->count++;
    r->total += high - low + 1;
    if (i > 0 && r->at[i - 1].high >= low)
        return -1;
    return i + 1 < r->count && r->at[i + 1].low <= high ? -1 : 0;
}

int port_ranges_read(struct port_ranges *r, const char *text, struct err *err)
{
    const char *at = text;

    memset(r, 0, sizeof *r);
    for (;;) {
        uint32_t low = 0;
        uint32_t high = 0;

        at += strspn(at, " ");
        if (number(&at, &low) != 0)
            break;
        high = low;
        if (*at == '-') {
            at++;
            if (number(&at, &high) != 0)
                break;
        }
        at += strspn(at, " ");
        if (high < low || place(r, low, high) != 0)
            break;
        if (*at == '\0')
            return 0;
        if (*at++ != ',')
            break;
    }
    return err_field(err, "value", "ports_invalid",
                     "\"%s\" is not a pool of ports such as 3100-3999,5000-5100 (each from 1 to "
                     "65535, none twice)",
                     text);
}

int port_ranges_check(const char *ranges, uint32_t *total, struct err *err)
{
    struct port_ranges r;

    if (port_ranges_read(&r, ranges, err) != 0)
        return -1;
    *total = r.total;
    return 0;
}

bool port_ranges_has(const struct port_ranges *ranges, uint32_t port)
{
    for (uint32_t i = 0; i < ranges->count; i++)
        if (port >= ranges->at[i].low && port <= ranges->at[i].high)
            return true;
    return false;
}

enum port_state port_state(const struct port *record, int64_t now_ms)
{
    if (record->tenant_id[0] != '\0')
        return PORT_TENANT;
    if (record->reserved)
        return PORT_RESERVED;
    return record->until > now_ms ? PORT_FOREIGN : PORT_FREE;
}

/* A run that may grow; low 0: none. */
struct run {
    uint32_t low, high;
    enum port_state state;
    bool in_pool;
    port_run *on_run;
    void *arg;
};

static void grow(struct run *r, uint32_t low, uint32_t high, enum port_state state, bool in_pool)
{
    if (low > high)
        return;
    if (r->low != 0 && r->high + 1 == low && r->state == state && r->in_pool == in_pool) {
        r->high = high;
        return;
    }
    if (r->low != 0)
        r->on_run(r->arg, r->low, r->high, r->state, r->in_pool);
    r->low = low;
    r->high = high;
    r->state = state;
    r->in_pool = in_pool;
}

/* What of the pool lies from ${low} to ${high}, all of it free. */
static void grow_free(struct run *r, const struct port_ranges *ranges, uint32_t low, uint32_t high)
{
    for (uint32_t i = 0; i < ranges->count; i++) {
        uint32_t from = ranges->at[i].low > low ? ranges->at[i].low : low;
        uint32_t to = ranges->at[i].high < high ? ranges->at[i].high : high;
        grow(r, from, to, PORT_FREE, true);
    }
}

int port_map(struct txn *txn, const struct port_ranges *ranges, port_run *on_run, void *arg,
             struct err *err)
{
    struct run r = {.on_run = on_run, .arg = arg};
    int64_t now_ms = txn_time_ms(txn);
    uint32_t next = 1;
    struct port port;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &port_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &port, err)) == 1) {
        enum port_state state = port_state(&port, now_ms);
        bool in_pool = port_ranges_has(ranges, port.port);
        grow_free(&r, ranges, next, port.port - 1);
        if (in_pool || state != PORT_FREE)
            grow(&r, port.port, port.port, state, in_pool);
        next = port.port + 1;
    }
    if (got == -1)
        return -1;
    grow_free(&r, ranges, next, 65535);
    if (r.low != 0)
        on_run(arg, r.low, r.high, r.state, r.in_pool);
    return 0;
}
