/*
 * The pool of local ports. Apart because two tenants on one port would be the worst mix-up that a
 * box can make: one record a port, in the transaction of the tenant, and no other book of it.
 */
#include "port.h"
#include "port_map.h"

#include "str.h"

#include <sodium.h>
#include <string.h>

static const struct field rows[] = {
    FIELD(struct port, port, FIELD_U32, .help = "port on 127.0.0.1"),
    FIELD(struct port, tenant_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "tn",
          .help = "tenant that owns it"),
    FIELD(struct port, foreign, FIELD_TEXT, .help = "what else was found there"),
    FIELD(struct port, until, FIELD_TIME, .help = "foreign: tried again from then on"),
    FIELD(struct port, created_at, FIELD_TIME, .help = "taken at"),
    FIELD_SINCE(struct port, reserved, FIELD_BOOL, 2, .help = "kept free by a person"),
};

static const struct index indexes[] = {
    {.name = "tenant_id", .id = 158, .sparse = true, .fields = {"tenant_id"}},
};

const struct table port_table = {
    .name = "ports",
    .noun = "port",
    .id = 7,
    .version = 2,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct port)},
    .key = {"port"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "port", .about = "tenant_id"},
};

static const struct field hint_rows[] = {
    FIELD(struct port_hint, id, FIELD_U32),
    FIELD(struct port_hint, next, FIELD_U32, .help = "no port below it is free"),
    FIELD(struct port_hint, retry_at, FIELD_TIME, .help = "unless a foreign one has gone by then"),
    FIELD(struct port_hint, ranges, FIELD_BYTES, .help = "digest of the ranges that hold for it"),
};

const struct table port_hint_table = {
    .name = "port_hint",
    .noun = "port_hint",
    .id = 22,
    .version = 1,
    .fields = {hint_rows, sizeof hint_rows / sizeof hint_rows[0], sizeof(struct port_hint)},
    .key = {"id"},
};

/* The lowest free port from `start` on, walking the records rather than asking for each port. A
 * foreign one whose time is over counts as free; the others' earliest time goes into *retry_at.
 * Return 1, 0 if there is none, -1. */
static int lowest(struct txn *txn, const struct port_ranges *r, uint32_t start, uint32_t *port,
                  int64_t *retry_at, struct err *err)
{
    int64_t now = txn_time_ms(txn);

    for (uint32_t i = 0; i < r->count; i++) {
        uint32_t want = r->at[i].low > start ? r->at[i].low : start;
        struct port taken = {.port = want};
        struct scan scan;
        int got = 0;

        if (want > r->at[i].high)
            continue;
        if (scan_start(&scan, txn, &port_table, NULL, NULL, 0, false, err) != 0 ||
            scan_from(&scan, &taken, 1, err) != 0)
            return -1;
        while (want <= r->at[i].high && (got = scan_next(&scan, &taken, err)) == 1 &&
               taken.port == want) {
            if (taken.tenant_id[0] == '\0' && !taken.reserved) {
                if (taken.until <= now)
                    break;
                if (*retry_at == 0 || taken.until < *retry_at)
                    *retry_at = taken.until;
            }
            want++;
        }
        if (got < 0)
            return -1;
        if (want <= r->at[i].high) {
            *port = want;
            return 1;
        }
    }
    return 0;
}

/* Where to begin: behind what the last search found taken, if that still holds. */
static int hint_get(struct txn *txn, const char *ranges, struct port_hint *hint, struct err *err)
{
    uint8_t digest[32];

    memset(hint, 0, sizeof *hint);
    hint->id = 1;
    crypto_generichash(digest, sizeof digest, (const uint8_t *)ranges, strlen(ranges), NULL, 0);
    if (record_get(txn, &port_hint_table, hint, err) < 0)
        return -1;
    if (sodium_memcmp(digest, hint->ranges, sizeof digest) != 0 ||
        (hint->retry_at != 0 && hint->retry_at <= txn_time_ms(txn))) {
        memcpy(hint->ranges, digest, sizeof digest);
        hint->next = 0;
        hint->retry_at = 0;
    }
    return 0;
}

/* The port that a tenant has. Return 1, 0 or -1. */
static int port_of(struct txn *txn, const char *tenant_id, struct port *port, struct err *err)
{
    struct scan scan;

    memset(port, 0, sizeof *port);
    (void)str_copy(port->tenant_id, sizeof port->tenant_id, tenant_id);
    if (scan_start(&scan, txn, &port_table, "tenant_id", port, 1, false, err) != 0)
        return -1;
    return scan_next(&scan, port, err);
}

int port_reserve_another(struct txn *txn, const char *ranges, const char *tenant_id, uint32_t *port,
                         struct err *err)
{
    struct port_ranges r;
    struct port_hint hint;
    struct port record = {0};
    int found;

    if (port_ranges_read(&r, ranges, err) != 0 || hint_get(txn, ranges, &hint, err) != 0)
        return -1;
    found = lowest(txn, &r, hint.next, &record.port, &hint.retry_at, err);
    if (found < 0)
        return -1;
    if (found == 0) {
        (void)err_set(err, ERR_QUOTA, "ports_exhausted", "all %u ports of the pool %s are taken",
                      r.total, ranges);
        (void)err_hint(err, "add a range to the setting ports.ranges, or delete a tenant");
        return -1;
    }
    (void)str_copy(record.tenant_id, sizeof record.tenant_id, tenant_id);
    record.created_at = txn_time_ms(txn);
    hint.next = record.port + 1;
    *port = record.port;
    if (record_put(txn, &port_table, &record, err) != 0)
        return -1;
    return record_put(txn, &port_hint_table, &hint, err);
}

int port_reserve(struct txn *txn, const char *ranges, const char *tenant_id, uint32_t *port,
                 struct err *err)
{
    struct port_ranges r;
    struct port record;
    int found;

    if (port_ranges_read(&r, ranges, err) != 0)
        return -1;
    found = port_of(txn, tenant_id, &record, err);
    if (found == 0)
        return port_reserve_another(txn, ranges, tenant_id, port, err);
    if (found > 0)
        *port = record.port;
    return found < 0 ? -1 : 0;
}

/* Take the record out; the search for a free port may begin at it. */
static int give_back(struct txn *txn, const struct port *record, struct err *err)
{
    struct port_hint hint = {.id = 1};

    if (record_delete(txn, &port_table, record, err) < 0 ||
        record_get(txn, &port_hint_table, &hint, err) < 0)
        return -1;
    if (hint.next <= record->port)
        return 0;
    hint.next = record->port;
    return record_put(txn, &port_hint_table, &hint, err);
}

int port_give(struct txn *txn, uint32_t port, const char *tenant_id, struct err *err)
{
    struct port record = {.port = port};
    int found = port == 0 ? 0 : record_get(txn, &port_table, &record, err);

    if (found <= 0)
        return found;
    return str_equal(record.tenant_id, tenant_id) ? give_back(txn, &record, err) : 0;
}

int port_free(struct txn *txn, const char *tenant_id, struct err *err)
{
    struct port record;
    int found;

    while ((found = port_of(txn, tenant_id, &record, err)) == 1)
        if (give_back(txn, &record, err) == -1)
            return -1;
    return found;
}

/* Return 1 with the port's record, 0 if it has none, -1; ERR_CONFLICT if a tenant has it. */
static int of_no_tenant(struct txn *txn, uint32_t port, struct port *record, struct err *err)
{
    int found;

    memset(record, 0, sizeof *record);
    record->port = port;
    if ((found = record_get(txn, &port_table, record, err)) == 1 && record->tenant_id[0] != '\0') {
        (void)err_set(err, ERR_CONFLICT, "port_taken", "port %u is the tenant's %s", port,
                      record->tenant_id);
        return -1;
    }
    return found;
}

int port_keep(struct txn *txn, uint32_t port, const char *note, struct err *err)
{
    struct port record;
    int found = of_no_tenant(txn, port, &record, err);

    if (found == -1)
        return -1;
    if (found == 0)
        record.created_at = txn_time_ms(txn);
    record.reserved = true;
    record.until = 0;
    str_cut(record.foreign, sizeof record.foreign, note);
    return record_put(txn, &port_table, &record, err);
}

int port_let_go(struct txn *txn, uint32_t port, struct err *err)
{
    struct port record;
    int found = of_no_tenant(txn, port, &record, err);

    if (found != 1)
        return found;
    return give_back(txn, &record, err) == -1 ? -1 : 1;
}

int port_foreign(struct txn *txn, uint32_t port, const char *owner, int64_t until, struct err *err)
{
    struct port record;
    struct port_hint hint = {.id = 1};

    memset(&record, 0, sizeof record);
    record.port = port;
    record.until = until;
    record.created_at = txn_time_ms(txn);
    if (str_copy(record.foreign, sizeof record.foreign, owner) != 0 || owner[0] == '\0')
        (void)str_copy(record.foreign, sizeof record.foreign, "something else");
    if (record_put(txn, &port_table, &record, err) != 0 ||
        record_get(txn, &port_hint_table, &hint, err) < 0)
        return -1;
    if (hint.next > port && (hint.retry_at == 0 || until < hint.retry_at)) {
        hint.retry_at = until;
        return record_put(txn, &port_hint_table, &hint, err);
    }
    return 0;
}
