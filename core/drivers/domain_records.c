/* What a customer's zone is told: our sign, and the names that lead to the tenant's tunnel. Apart
 * from the zone's own life, because here foreign records are met that must stay. */
#include "domain_cloudflare.h"

#include <stdlib.h>
#include <string.h>

#include "domain_parts.h"
#include "ingress_cloudflare.h"
#include "str.h"

#define AT_NAME_MAX 8

/* The records of one name. */
struct at_name {
    struct cloudflare_record found[AT_NAME_MAX];
    unsigned count;
};

static int collect(void *arg, const struct cloudflare_record *record, struct err *err)
{
    struct at_name *n = arg;

    (void)err;
    if (n->count < AT_NAME_MAX)
        n->found[n->count++] = *record;
    return 0;
}

static bool excludes(const struct cloudflare_record *record)
{
    return str_equal(record->type, "A") || str_equal(record->type, "AAAA") ||
           str_equal(record->type, "CNAME");
}

static int foreign(const struct cloudflare_record *record, struct err *err)
{
    (void)err_set(err, ERR_CONFLICT, "dns_record_foreign",
                  "The zone has a record %s %s to %.120s that this box did not make.", record->type,
                  record->name, record->content);
    return err_hint(err,
                    "Remove it in Cloudflare's dashboard if the name is to lead to the tenant, "
                    "then sett job retry; mail (MX) and other records may stay.");
}

static bool leads_here(const struct cloudflare_record *record, const struct domain_site *site)
{
    char target[CLOUDFLARE_ID_SIZE + 32];

    return str_format(target, sizeof target, "%s.cfargotunnel.com", site->tunnel) == 0 &&
           str_equal(record->type, "CNAME") && str_equal_nocase(record->content, target) &&
           record->proxied;
}

/* What stands at a name: 1 it leads to the tunnel, 0 it is free, -1 (foreign, or not to be asked).
 * With ${sweep} what is ours and leads elsewhere is taken out. */
static int look_at(struct cloudflare *c, const struct domain_site *site, const char *name,
                   bool sweep, struct err *err)
{
    struct at_name *n = calloc(1, sizeof *n);
    int result = 0;

    if (n == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "No memory for a zone's records.");
    if (cloudflare_record_list(c, site->id, name, collect, n, err) == -1)
        result = -1;
    for (unsigned i = 0; i < n->count && result == 0; i++) {
        const struct cloudflare_record *record = &n->found[i];
        if (!excludes(record))
            continue;
        if (!domain_parts_ours(record, site->mark))
            result = foreign(record, err);
        else if (leads_here(record, site))
            result = 1;
        else if (sweep)
            result = cloudflare_record_delete(c, site->id, record->id, err);
    }
    free(n);
    return result;
}

static int lead_name(struct cloudflare *c, const struct domain_site *site, const char *name,
                     struct err *err)
{
    struct cloudflare_record record = {.type = "CNAME", .proxied = true};
    int there = look_at(c, site, name, true, err);

    if (there != 0)
        return there == 1 ? 0 : -1;
    (void)str_copy(record.name, sizeof record.name, name);
    (void)str_format(record.content, sizeof record.content, "%s.cfargotunnel.com", site->tunnel);
    domain_parts_comment(site, &record);
    if (cloudflare_record_create(c, site->id, &record, err) == 0)
        return 0;
    if (err->kind == ERR_CONFLICT)
        err->retry_after_s = DOMAIN_LAG_S; /* the next look will find whose it is */
    return -1;
}

static void www_of(const struct domain_site *site, char out[260])
{
    (void)str_format(out, 260, "www.%s", site->name);
}

enum outcome domain_zone_lead(struct cloudflare *c, const struct domain_site *site, struct err *err)
{
    char www[260];

    www_of(site, www);
    if (lead_name(c, site, site->name, err) == -1 ||
        (site->www && lead_name(c, site, www, err) == -1))
        return ingress_cloudflare_outcome(err);
    return OUTCOME_OK;
}

enum outcome domain_zone_leads(struct cloudflare *c, const struct domain_site *site,
                               struct err *err)
{
    char www[260];
    int apex = look_at(c, site, site->name, false, err), beside = 1;

    www_of(site, www);
    if (apex == 1 && site->www)
        beside = look_at(c, site, www, false, err);
    if (apex == -1 || beside == -1)
        return str_equal(err->code, "dns_record_foreign") ? OUTCOME_ABSENT
                                                          : ingress_cloudflare_outcome(err);
    return apex == 1 && beside == 1 ? OUTCOME_OK : OUTCOME_ABSENT;
}

/* "sett BOX " of "sett BOX dom_…": a sign of ours, of this domain or of an earlier record of it. */
static bool same_box(const struct cloudflare_record *record, const char *mark)
{
    const char *end = strrchr(mark, ' ');

    return end != NULL && strncmp(record->comment, mark, (size_t)(end - mark) + 1) == 0;
}

static int sign(struct cloudflare *c, const struct domain_site *site, const char *name,
                struct at_name *n, struct err *err)
{
    struct cloudflare_record record = {.type = "TXT"};

    if (cloudflare_record_list(c, site->id, name, collect, n, err) == -1)
        return -1;
    for (unsigned i = 0; i < n->count; i++) {
        const struct cloudflare_record *found = &n->found[i];
        if (!str_equal(found->type, "TXT"))
            continue;
        if (domain_parts_ours(found, site->mark))
            return 0;
        if (!same_box(found, site->mark)) {
            (void)err_set(err, ERR_CONFLICT, "zone_of_another_box",
                          "The zone %s carries the sign of another box: %.100s.", site->name,
                          found->content);
            return err_hint(err, "Remove the domain there first, or delete that record if the box "
                                 "is no more.");
        }
        if (cloudflare_record_delete(c, site->id, found->id, err) == -1)
            return -1;
    }
    (void)str_copy(record.name, sizeof record.name, name);
    (void)str_format(record.content, sizeof record.content, "\"%s\"", site->mark);
    domain_parts_comment(site, &record);
    return cloudflare_record_create(c, site->id, &record, err);
}

enum outcome domain_zone_sign(struct cloudflare *c, const struct domain_site *site, struct err *err)
{
    struct at_name *n = calloc(1, sizeof *n);
    char name[270];
    int result;

    if (n == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "No memory for a zone's records.");
        return OUTCOME_AGAIN;
    }
    (void)str_format(name, sizeof name, "_sett.%s", site->name);
    result = sign(c, site, name, n, err);
    free(n);
    return result == 0 ? OUTCOME_OK : ingress_cloudflare_outcome(err);
}
