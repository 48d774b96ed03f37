/*
 * Tunnels left behind by a store that was younger: those made after the snapshot which the box was
 * restored from. Apart from the comparing because they are known by no record of their own: a
 * tunnel has a name and nothing else that could be a mark, so it takes two signs.
 */
#include "drift_left.h"

#include <stdlib.h>
#include <string.h>

#include "str.h"
#include "tunnel.h"

#define PREFIX "sett-tun"
#define TARGET ".cfargotunnel.com"
#define SLICE  256

/* "sett-tun000123": 123. 0: not a name that we give. */
static uint64_t number_of(const char *name)
{
    uint64_t number;

    if (!str_starts(name, PREFIX))
        return 0;
    name += strlen(PREFIX);
    name += strspn(name, "0");
    return str_u64(name, 1, UINT32_MAX, &number) == 0 ? number : 0;
}

/* Mark those that a record knows by the provider's id. */
static int mark_known(bool *known, const struct drift_actual *a, struct db *db, struct err *err)
{
    const struct cloudflare_tunnel *at;
    struct tunnel tunnel = {0};
    struct scan scan;
    struct txn *txn;
    int got = 1;

    for (bool first = true; got == 1; first = false) {
        if (db_read(&txn, db, err) == -1)
            return -1;
        if (scan_start(&scan, txn, &tunnel_table, NULL, NULL, 0, false, err) == -1 ||
            (!first && scan_after(&scan, &tunnel, err) == -1))
            got = -1;
        for (int i = 0; i < SLICE && got == 1; i++)
            if ((got = scan_next(&scan, &tunnel, err)) == 1 && tunnel.cf_tunnel[0] != '\0' &&
                (at = drift_actual_tunnel(a, tunnel.cf_tunnel)) != NULL)
                known[at - a->tunnels] = true;
        db_read_end(txn);
    }
    return got;
}

/* Mark those that a record of ours in the zone leads to. */
static void mark_led_to(bool *led_to, const struct drift_actual *a)
{
    const struct cloudflare_tunnel *at;
    char id[CLOUDFLARE_ID_SIZE];

    for (size_t i = 0; i < a->record_count; i++) {
        const char *content = a->records[i].content, *end = strstr(content, TARGET);
        if (end != NULL && str_copy_n(id, sizeof id, content, (size_t)(end - content)) == 0 &&
            (at = drift_actual_tunnel(a, id)) != NULL)
            led_to[at - a->tunnels] = true;
    }
}

/* Whether it is nobody's by its name either (one that is being made has no id in its record yet),
 * and ours by one of the signs. 1, 0 or -1. */
static int is_left(struct txn *txn, const struct cloudflare_tunnel *at, bool led_to,
                   struct err *err)
{
    struct tunnel tunnel = {0};
    struct drift noted = {.kind = DRIFT_TUNNEL};
    int found;

    (void)str_copy(tunnel.name, sizeof tunnel.name, at->name);
    if ((found = record_find(txn, &tunnel_table, "name", &tunnel, err)) == -1)
        return -1;
    if (found == 1 && tunnel.state != TUNNEL_DELETED)
        return 0;
    if (led_to)
        return 1;
    (void)str_format(noted.thing, sizeof noted.thing, "tunnel %s", at->id);
    if ((found = record_find(txn, &drift_table, "place", &noted, err)) != 1)
        return found;
    return noted.verdict == DRIFT_ORPHAN && noted.state != DRIFT_GONE;
}

static void note(struct drift_found *out, const struct cloudflare_tunnel *at)
{
    struct drift *d = drift_finding(out, DRIFT_TUNNEL, DRIFT_ORPHAN);

    if (d == NULL)
        return;
    (void)str_format(d->thing, sizeof d->thing, "tunnel %s", at->id);
    (void)str_format(d->name, sizeof d->name, "%.100s", at->name);
    (void)str_format(d->desired, sizeof d->desired, "not there");
    (void)str_format(d->recorded, sizeof d->recorded,
                     "there is no such tunnel; our records in the zone lead to it");
    (void)str_format(d->actual, sizeof d->actual, "%.100s, %.30s", at->name, at->status);
    (void)str_format(d->remedy, sizeof d->remedy, "delete the tunnel at Cloudflare");
}

int drift_left(struct drift_found *out, const struct drift_actual *a, struct db *db, uint64_t *most,
               struct err *err)
{
    bool *known, *led_to;
    struct txn *txn;
    int rc = 0;

    *most = 0;
    if (!a->cloudflare_read || a->tunnel_count == 0)
        return 0;
    if ((known = calloc(a->tunnel_count * 2, sizeof *known)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for comparing");
    led_to = known + a->tunnel_count;
    mark_led_to(led_to, a);
    rc = mark_known(known, a, db, err);
    for (size_t i = 0; rc != -1 && i < a->tunnel_count; i++) {
        const struct cloudflare_tunnel *at = &a->tunnels[i];
        uint64_t number = at->deleted ? 0 : number_of(at->name);
        if (number > *most)
            *most = number;
        if (number == 0 || known[i])
            continue;
        if ((rc = db_read(&txn, db, err)) == -1)
            break;
        rc = is_left(txn, at, led_to[i], err);
        db_read_end(txn);
        if (rc == 1)
            note(out, at);
    }
    free(known);
    return rc == -1 ? -1 : 0;
}
