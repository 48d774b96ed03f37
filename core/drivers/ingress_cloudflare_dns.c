/*
 * A route's DNS record at Cloudflare. Apart from the tunnel and its rules because here the mark in
 * a comment decides what is ours, and because a name may lie in a zone that is not.
 */
#include "ingress_cloudflare_parts.h"

#include <string.h>

#include "clock.h"
#include "cloudflare_quota.h"
#include "str.h"

/* A fact that named what is gone now; another one in its place stays. */
void ingress_cloudflare_unset(struct kv *facts, const char *name, const char *id)
{
    if (facts != NULL && str_equal(kv_get_or(facts, name, ""), id))
        kv_unset(facts, name);
}

int ingress_cloudflare_set(struct kv *facts, const char *name, const char *value, struct err *err)
{
    if (facts == NULL || kv_set(facts, name, value) == 0)
        return 0;
    return err_set(err, ERR_TOO_LARGE, "facts_full", "The job's facts are full.");
}

static bool is_ours(const struct cloudflare_record *record, const struct ingress_route *r)
{
    size_t len = strlen(r->mark);

    return len > 0 && str_starts(record->comment, r->mark) &&
           (record->comment[len] == '\0' || record->comment[len] == ' ');
}

/* Made by this box for another of its tunnels, "sett BOX tun_…". Two tunnels never have one name,
 * so the other is gone: its record outlived it, or was made after the snapshot that the box is
 * from. */
static bool is_stale(const struct cloudflare_record *record, const struct ingress_route *r)
{
    const char *id = strstr(r->mark, " tun_");
    size_t len = id == NULL ? 0 : (size_t)(id - r->mark) + strlen(" tun_");

    return len > 0 && strncmp(record->comment, r->mark, len) == 0 &&
           str_equal(record->type, "CNAME") && str_ends(record->content, ".cfargotunnel.com");
}

/* What a record carries: the mark, and the job if that fits into a comment. */
static int comment_of(const struct ingress_route *r, char out[CLOUDFLARE_MARK_MAX + 1],
                      struct err *err)
{
    if (str_format(out, CLOUDFLARE_MARK_MAX + 1, "%s %s", r->mark, r->job_id) == 0 ||
        (r->mark[0] != '\0' && str_copy(out, CLOUDFLARE_MARK_MAX + 1, r->mark) == 0))
        return 0;
    return err_set(err, ERR_INVALID, "mark_too_long", "The mark \"%s\" is not one for a record.",
                   r->mark);
}

/* Leads to the route's tunnel already. */
static bool leads_here(const struct cloudflare_record *record, const struct ingress_route *r)
{
    char target[CLOUDFLARE_ID_SIZE + 32];

    return str_format(target, sizeof target, "%s.cfargotunnel.com", r->cf_tunnel) == 0 &&
           str_equal(record->type, "CNAME") && str_equal_nocase(record->content, target) &&
           record->proxied;
}

static enum outcome record_known(struct cloudflare *c, const struct cloudflare_record *record,
                                 struct kv *facts, struct err *err)
{
    if (ingress_cloudflare_set(facts, "cf_record", record->id, err) == -1 ||
        ingress_cloudflare_set(facts, "cf_zone", c->zone, err) == -1)
        return OUTCOME_FAIL;
    return OUTCOME_OK;
}

static enum outcome foreign_record(const struct cloudflare_record *record, struct err *err)
{
    (void)err_set(err, ERR_CONFLICT, "dns_record_foreign",
                  "The zone has a record %s %s to %.120s that this box did not make.", record->type,
                  record->name, record->content);
    (void)err_hint(err, "Remove it in Cloudflare's dashboard, then retry; or choose another name.");
    return OUTCOME_FAIL;
}

/* A record id is at most 32 hexadecimal digits. */
static int check_record(const struct cloudflare_record *record, struct err *err)
{
    size_t len = strspn(record->id, "0123456789abcdefABCDEF");

    if (len > 0 && len <= 32 && record->id[len] == '\0')
        return 0;
    return err_set(err, ERR_NETWORK, "cloudflare_answer",
                   "Cloudflare's answer names a record \"%s\", which is no id.", record->id);
}

/* Return 1, 0 or -1, as cloudflare_dns_find, of a record with a usable id. */
static int find_record(struct cloudflare *c, const struct ingress_route *r,
                       struct cloudflare_record *out, struct err *err)
{
    int found = cloudflare_dns_find(c, r->hostname, NULL, out, err);

    return found == 1 && check_record(out, err) == -1 ? -1 : found;
}

/* Whether the name lies in our zone. One of another zone of the account is a customer's, and made
 * by other means. Return 1, 0 or -1. */
static int lies_here(struct cloudflare *c, const struct ingress_route *r, struct err *err)
{
    struct cloudflare_zone zone;
    int here = cloudflare_zone_covers(c, r->hostname, err);

    if (here == -1 && err->kind == ERR_FORBIDDEN) {
        err_clear(err);
        return 1; /* the token may not read zones: the provider will say */
    }
    if (here != 0)
        return here;
    if ((here = cloudflare_zone_find(c, r->hostname, &zone, err)) != 1)
        return here;
    err_set(err, ERR_INVALID, "dns_other_zone",
            "%.120s lies in the zone %.120s of this account, and not in the box's own.",
            r->hostname, zone.name);
    return err_hint(err, "Add it as a customer's domain: sett domain add.");
}

/* Its DNS is somebody else's: the record is for a person to enter, and the next step waits for it.
 */
static enum outcome set_elsewhere(struct kv *facts, struct err *err)
{
    return ingress_cloudflare_set(facts, INGRESS_FACT_DNS_ELSEWHERE, "1", err) == -1 ? OUTCOME_FAIL
                                                                                     : OUTCOME_OK;
}

static enum outcome dns_make(struct cloudflare *c, const struct ingress_route *r, struct kv *facts,
                             struct err *err)
{
    char comment[CLOUDFLARE_MARK_MAX + 1];
    struct cloudflare_record record;
    int found = find_record(c, r, &record, err);

    if (found == 1 && is_ours(&record, r) && leads_here(&record, r))
        return record_known(c, &record, facts, err);
    if (found == 1 && !is_ours(&record, r) && !is_stale(&record, r))
        return foreign_record(&record, err);
    /* This box's, and of a tunnel that is no more. */
    if (found == 1 && cloudflare_dns_delete(c, record.id, err) == -1)
        found = -1;
    if (found == -1)
        return ingress_cloudflare_outcome(err);
    if ((found = lies_here(c, r, err)) != 1)
        return found == -1 ? ingress_cloudflare_outcome(err) : set_elsewhere(facts, err);
    if (comment_of(r, comment, err) == -1)
        return OUTCOME_FAIL;
    if (cloudflare_quota_room(c, CLOUDFLARE_RECORDS, err) == -1)
        return OUTCOME_FAIL;
    if (cloudflare_dns_create(c, r->hostname, r->cf_tunnel, comment, &record, err) == -1) {
        if (err->kind == ERR_CONFLICT)
            err->retry_after_s = LAG_S;
        return ingress_cloudflare_outcome(err);
    }
    cloudflare_quota_made(c, CLOUDFLARE_RECORDS, 1);
    if (check_record(&record, err) == -1)
        return OUTCOME_AGAIN;
    return record_known(c, &record, facts, err);
}

struct sweep {
    struct cloudflare *c;
    const struct ingress_route *route;
    struct cloudflare_record found[4];
    uint32_t count;
};

static int sweep_one(void *arg, const struct cloudflare_record *record, struct err *err)
{
    struct sweep *s = arg;

    if (!is_ours(record, s->route) || !str_equal_nocase(record->name, s->route->hostname))
        return 0;
    if (check_record(record, err) == -1)
        return -1;
    if (s->count < sizeof s->found / sizeof s->found[0])
        s->found[s->count++] = *record;
    return 0;
}

/* Delete what carries our mark and the route's name. Return how many, or -1. */
static int dns_sweep(struct cloudflare *c, const struct ingress_route *r, struct err *err)
{
    struct sweep s = {.c = c, .route = r};

    if (r->mark[0] == '\0')
        return 0;
    if (cloudflare_dns_list_marked(c, r->mark, sweep_one, &s, err) == -1)
        return -1;
    for (uint32_t i = 0; i < s.count; i++)
        if (cloudflare_dns_delete(c, s.found[i].id, err) == -1)
            return -1;
    return (int)s.count;
}

static enum outcome dns_undo(struct cloudflare *c, const struct ingress_route *r, struct kv *facts,
                             struct err *err)
{
    struct cloudflare_record record;
    int found = find_record(c, r, &record, err), swept;

    if (found == -1)
        return ingress_cloudflare_outcome(err);
    if (found == 1) {
        if (is_ours(&record, r) && cloudflare_dns_delete(c, record.id, err) == -1)
            return ingress_cloudflare_outcome(err);
    } else {
        if ((swept = dns_sweep(c, r, err)) == 0 && r->cf_record[0] != '\0') {
            /* Not in the lists, but we made it: gone, or not listed yet. */
            swept = cloudflare_dns_delete(c, r->cf_record, err) == -1 ? -1 : 1;
        } else if (swept == 0) {
            clock_sleep_ms(LAG_MS);
            swept = dns_sweep(c, r, err);
        }
        if (swept == -1)
            return ingress_cloudflare_outcome(err);
    }
    ingress_cloudflare_unset(facts, "cf_record", r->cf_record);
    return OUTCOME_OK;
}

enum outcome ingress_cloudflare_dns(struct cloudflare *c, enum ingress_verb verb,
                                    const struct ingress_route *r, struct kv *facts,
                                    struct err *err)
{
    struct cloudflare_record record;
    int found;

    if (r->hostname[0] == '\0') /* a route without a name has no record */
        return OUTCOME_OK;
    if (verb == INGRESS_UNDO)
        return dns_undo(c, r, facts, err);
    if (r->cf_tunnel[0] == '\0') {
        if (verb == INGRESS_CHECK)
            return OUTCOME_ABSENT;
        (void)err_set(err, ERR_INTERNAL, "tunnel_unknown", "The tunnel's id is not known.");
        return OUTCOME_FAIL;
    }
    if (verb == INGRESS_MAKE)
        return dns_make(c, r, facts, err);
    if ((found = find_record(c, r, &record, err)) == -1)
        return ingress_cloudflare_outcome(err);
    if (found == 0 || !is_ours(&record, r) || !leads_here(&record, r))
        return OUTCOME_ABSENT;
    return record_known(c, &record, facts, err);
}
