/*
 * A probe's look at the DNS record that leads a host name to its tunnel. Apart from the rest of the
 * way because the name may lie in the box's own zone, in a customer's, or in one that is not at
 * Cloudflare at all and comes by a custom hostname.
 */
#include "probe.h"

#include <string.h>

#include "cloudflare_zone.h"
#include "str.h"

/* The first record of a name that says where it leads. */
static int take_first(void *arg, const struct cloudflare_record *record, struct err *err)
{
    struct cloudflare_record *out = arg;

    (void)err;
    if (out->id[0] == '\0' && (str_equal(record->type, "CNAME") || str_equal(record->type, "A") ||
                               str_equal(record->type, "AAAA")))
        *out = *record;
    return 0;
}

/* Return 1, 0 or -1. */
static int find(struct cloudflare *c, const char *zone, const char *name,
                struct cloudflare_record *out, struct err *err)
{
    memset(out, 0, sizeof *out);
    if (cloudflare_record_list(c, zone, name, take_first, out, err) == -1)
        return -1;
    return out->id[0] != '\0';
}

/* A name that a shared tunnel's wildcard record answers for has none of its own. */
static int find_covered(struct cloudflare *c, const char *zone, const char *host,
                        struct cloudflare_record *out, struct err *err)
{
    const char *below = strchr(host, '.');
    char wildcard[260];

    if (below == NULL || str_format(wildcard, sizeof wildcard, "*%s", below) == -1)
        return 0;
    return find(c, zone, wildcard, out, err);
}

static void unread(struct kv *facts, const struct probe_notes *notes, const struct err *err)
{
    probe_fact(facts, PROBE_RECORD, "unknown");
    probe_note(notes, PROBE_NOTE, "its DNS record cannot be read: %s", err->text);
}

/* The customer keeps the DNS elsewhere: the name comes by a custom hostname, or not at all. */
static void by_hostname(struct cloudflare *c, const char *host, struct kv *facts,
                        const struct probe_notes *notes)
{
    struct cloudflare_hostname *hostname = calloc(1, sizeof *hostname);
    struct err err = {0};
    int found = hostname == NULL ? 0 : cloudflare_hostname_find(c, host, hostname, &err);

    if (found == -1) {
        unread(facts, notes, &err);
    } else if (found == 0) {
        probe_fact(facts, PROBE_RECORD, "foreign");
        probe_note(notes, PROBE_NOTE, "its domain is not in this account");
    } else {
        bool active =
            str_equal(hostname->status, "active") && str_equal(hostname->ssl_status, "active");
        probe_fact(facts, PROBE_RECORD, active ? "fine" : "unproved");
        probe_fact(facts, PROBE_CONTENT, hostname->status);
        probe_note(notes, active ? PROBE_GOOD : PROBE_BAD,
                   "its custom hostname is %s, its certificate %s%s%s", hostname->status,
                   hostname->ssl_status, hostname->trouble[0] != '\0' ? ": " : "",
                   hostname->trouble);
    }
    free(hostname);
}

static void compare(const struct cloudflare_record *record, const char *tunnel, struct kv *facts,
                    const struct probe_notes *notes)
{
    char target[CLOUDFLARE_ID_SIZE + 32];
    bool here;

    (void)str_format(target, sizeof target, "%s.cfargotunnel.com", tunnel);
    here = str_equal(record->type, "CNAME") && str_equal_nocase(record->content, target);
    probe_fact(facts, PROBE_CONTENT, record->content);
    probe_fact(facts, PROBE_RECORD, !here ? "elsewhere" : record->proxied ? "fine" : "unproxied");
    probe_note(notes, here && record->proxied ? PROBE_GOOD : PROBE_BAD,
               "its DNS record is a %s to %s%s", record->type, record->content,
               record->proxied ? "" : ", not proxied");
}

/* The zone that the name lies in; a token that may not look for zones knows its own at least. 1, 0
 * or -1. */
static int zone_of(struct cloudflare *c, const char *host, struct cloudflare_zone *zone,
                   struct err *err)
{
    int found = cloudflare_zone_find(c, host, zone, err);

    if (found != -1 || err->kind != ERR_FORBIDDEN || c->zone[0] == '\0')
        return found;
    (void)str_copy(zone->id, sizeof zone->id, c->zone);
    (void)str_copy(zone->status, sizeof zone->status, "active");
    return 1;
}

void probe_record(struct cloudflare *c, const char *tunnel, struct kv *facts,
                  const struct probe_notes *notes)
{
    struct cloudflare_record record = {0};
    struct cloudflare_zone zone;
    struct err err = {0};
    char host[256];
    int found;

    (void)str_copy(host, sizeof host, kv_get_or(facts, FACT_HOSTNAME, ""));
    if ((found = zone_of(c, host, &zone, &err)) == 0) {
        by_hostname(c, host, facts, notes);
        return;
    }
    if (found == 1 && !str_equal(zone.status, "active")) {
        probe_fact(facts, PROBE_RECORD, "pending");
        probe_fact(facts, PROBE_CONTENT, zone.name);
        probe_note(notes, PROBE_BAD, "its zone %s is %s", zone.name, zone.status);
        return;
    }
    if (found == 1)
        found = find(c, zone.id, host, &record, &err);
    if (found == 0 && kv_get(facts, FACT_COVERED) != NULL)
        found = find_covered(c, zone.id, host, &record, &err);
    if (found == -1) {
        unread(facts, notes, &err);
    } else if (found == 0) {
        probe_fact(facts, PROBE_RECORD, "none");
        probe_note(notes, PROBE_BAD, "the zone has no record of this name");
    } else {
        compare(&record, tunnel, facts, notes);
    }
}
