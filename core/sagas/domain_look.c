/*
 * Looking at a domain from all sides. Apart from the steps of sagas and from the rounds, which both
 * look, and from the records, which only take what was seen.
 */
#include "domain_look.h"

#include <stdlib.h>
#include <string.h>

#include "blueprint.h"
#include "cloudflare_zone.h"
#include "dns.h"
#include "setting.h"
#include "steps.h"
#include "str.h"
#include "tenant.h"

/* ---- what is to be known ---- */

int domain_terms_read(struct txn *txn, const struct conf *conf, const struct custom_domain *d,
                      struct domain_terms *terms, struct err *err)
{
    struct tenant tenant = {0};
    int64_t often;

    memset(terms, 0, sizeof *terms);
    memcpy(terms->id, d->id, sizeof terms->id);
    memcpy(terms->name, d->name, sizeof terms->name);
    memcpy(terms->cf_id, d->cf_id, sizeof terms->cf_id);
    memcpy(terms->challenge, d->challenge, sizeof terms->challenge);
    memcpy(terms->name_servers, d->name_servers, sizeof terms->name_servers);
    terms->via = d->via;
    terms->www = d->www;
    terms->zone_status = d->zone_status;
    terms->door = d->state == DOMAIN_VERIFYING;
    terms->local = d->via == DOMAIN_VIA_LOCAL;
    often = (int64_t)setting_u64(txn, conf, "domains.activation_minutes") * 60000;
    terms->activate = (d->via == DOMAIN_VIA_HOSTNAME || d->state == DOMAIN_PENDING) &&
                      d->activation_at + often <= txn_time_ms(txn);
    (void)str_copy(tenant.id, sizeof tenant.id, d->tenant_id);
    if (tenant.id[0] != '\0' && record_get(txn, &tenant_table, &tenant, err) == -1)
        return -1;
    memcpy(terms->blueprint, tenant.blueprint, sizeof terms->blueprint);
    if (tenant.subdomain[0] != '\0' && tenant_hostname(txn, conf, tenant.subdomain, terms->origin,
                                                       sizeof terms->origin, err) == -1)
        return -1;
    if (setting_text(txn, conf, "dns.server", terms->server, sizeof terms->server, err) == -1 ||
        setting_text(txn, conf, "domains.addresses", terms->addresses, sizeof terms->addresses,
                     err) == -1 ||
        custom_domain_target(txn, conf, d->via, terms->target, sizeof terms->target, err) == -1)
        return -1;
    return tenant_front_door(txn, conf, d->name, terms->url, sizeof terms->url, err);
}

/* ---- the provider ---- */

static void trouble(struct domain_seen *seen, const struct err *err)
{
    if (seen->trouble[0] == '\0')
        (void)snprintf(seen->trouble, sizeof seen->trouble, "%.290s", err->text);
}

static int look_zone(struct cloudflare *c, const struct domain_terms *terms,
                     struct domain_seen *seen, struct err *err)
{
    struct cloudflare_domain zone;
    struct err why = {0};
    int found = cloudflare_domain_get(c, terms->cf_id, &zone, err);

    if (found == -1)
        return -1;
    seen->provider = true;
    seen->gone = found == 0;
    if (found == 0)
        return 0;
    seen->zone_status = custom_domain_zone_status(zone.status);
    memcpy(seen->name_servers, zone.name_servers, sizeof seen->name_servers);
    /* To ask before the DNS says it would only use up the hour. */
    if (!terms->activate || seen->zone_status == DOMAIN_ZONE_ACTIVE ||
        !custom_domain_same(seen->name_servers_seen, zone.name_servers))
        return 0;
    seen->activation = true;
    if (cloudflare_domain_check(c, terms->cf_id, &why) == -1 &&
        !str_equal(why.code, "cloudflare_activation"))
        seen->activation = false;
    return 0;
}

/* A certificate's validation that has given up is begun anew. */
static bool gave_up(const char *ssl_status)
{
    return str_ends(ssl_status, "_timed_out") || str_equal(ssl_status, "expired");
}

static int look_hostname(struct cloudflare *c, const struct domain_terms *terms,
                         struct domain_seen *seen, struct err *err)
{
    struct cloudflare_hostname *h = calloc(1, sizeof *h);
    int found;

    if (h == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a custom hostname");
    found = cloudflare_hostname_get(c, terms->cf_id, h, err);
    if (found == 1 && terms->activate && terms->origin[0] != '\0' && gave_up(h->ssl_status)) {
        seen->activation = true;
        if (cloudflare_hostname_again(c, h->id, terms->origin, "http", h, err) == -1)
            found = -1;
    }
    if (found != -1) {
        seen->provider = true;
        seen->gone = found == 0;
        memcpy(seen->hostname_status, h->status, sizeof seen->hostname_status);
        memcpy(seen->ssl_status, h->ssl_status, sizeof seen->ssl_status);
        memcpy(seen->records, h->records, sizeof seen->records);
        if (found == 1 && h->trouble[0] != '\0')
            (void)str_format(seen->trouble, sizeof seen->trouble, "Cloudflare says: %s",
                             h->trouble);
    }
    free(h);
    return found == -1 ? -1 : 0;
}

static void look_provider(struct outside *outside, const struct domain_terms *terms,
                          struct domain_seen *seen)
{
    struct providers *p;
    struct err err = {0};
    int result;

    if (terms->via == DOMAIN_VIA_LOCAL || terms->cf_id[0] == '\0')
        return;
    p = outside_use(outside);
    if (!p->cloudflare_set) {
        err = p->cloudflare_why;
        result = -1;
    } else if (terms->via == DOMAIN_VIA_ZONE) {
        result = look_zone(&p->cloudflare, terms, seen, &err);
    } else {
        result = look_hostname(&p->cloudflare, terms, seen, &err);
    }
    outside_done(outside, p);
    if (result == -1)
        trouble(seen, &err);
}

/* ---- the DNS ---- */

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Names in the order of the alphabet, blanks between. */
static void join(const struct dns_answer *answer, char *out, size_t size)
{
    char sorted[DNS_VALUES_MAX][DNS_VALUE_SIZE];

    memcpy(sorted, answer->values, sizeof sorted);
    qsort(sorted, answer->count, sizeof sorted[0], compare);
    out[0] = '\0';
    for (unsigned i = 0; i < answer->count; i++) {
        size_t len = strlen(out);
        if (str_format(out + len, size - len, "%s%s", len == 0 ? "" : " ", sorted[i]) == -1)
            return;
    }
}

static void look_servers(const struct domain_terms *terms, struct domain_seen *seen)
{
    struct dns_answer *answer = calloc(1, sizeof *answer);
    struct err err = {0};

    if (answer == NULL || terms->via != DOMAIN_VIA_ZONE) {
        free(answer);
        return;
    }
    if (dns_ask(terms->server, terms->name, DNS_NS, answer, &err) == 0) {
        seen->servers = true;
        join(answer, seen->name_servers_seen, sizeof seen->name_servers_seen);
    }
    free(answer);
}

int domain_look_txt(const char *server, const char *name, const char *challenge, bool *proved,
                    struct err *err)
{
    struct dns_answer *answer = calloc(1, sizeof *answer);
    char asked[DNS_NAME_SIZE + 20], wanted[100];
    int result;

    *proved = false;
    if (answer == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for an answer of the DNS");
    (void)str_format(asked, sizeof asked, DOMAIN_CHALLENGE_LABEL ".%s", name);
    (void)str_format(wanted, sizeof wanted, DOMAIN_CHALLENGE_PREFIX "%s", challenge);
    if ((result = dns_ask(server, asked, DNS_TXT, answer, err)) == 0)
        *proved = challenge[0] != '\0' && dns_has(answer, wanted);
    free(answer);
    return result;
}

/* Whether one of the addresses is one of those. */
static bool among(const struct dns_answer *answer, const char *list)
{
    char one[64];

    for (const char *at = list; *at != '\0'; at += strspn(at, " ,")) {
        size_t len = strcspn(at, " ,");
        if (str_copy_n(one, sizeof one, at, len) == 0 && dns_has(answer, one))
            return true;
        at += len;
    }
    return false;
}

static void look_address(const struct domain_terms *terms, enum dns_type type,
                         struct domain_seen *seen)
{
    struct dns_answer *own = calloc(1, sizeof *own), *answer = calloc(1, sizeof *answer);
    char here[512];
    struct err err = {0};

    if (own == NULL || answer == NULL ||
        dns_ask(terms->server, terms->name, type, answer, &err) == -1) {
        if (err.text[0] != '\0')
            trouble(seen, &err);
        goto out;
    }
    seen->where = true;
    if (answer->count > 0)
        (void)str_copy(seen->address, sizeof seen->address, answer->values[0]);
    else if (seen->address[0] == '\0' && answer->alias[0] != '\0')
        (void)str_copy(seen->address, sizeof seen->address, answer->alias);
    (void)str_copy(here, sizeof here, terms->addresses);
    if (here[0] == '\0' && dns_ask(terms->server, terms->target, type, own, &err) == 0)
        join(own, here, sizeof here);
    seen->points =
        seen->points || among(answer, here) || str_equal_nocase(answer->alias, terms->target);
out:
    free(own);
    free(answer);
}

static void look_dns(const struct domain_terms *terms, struct domain_seen *seen)
{
    struct err err = {0};

    look_servers(terms, seen);
    if (terms->via == DOMAIN_VIA_ZONE)
        return;
    if (domain_look_txt(terms->server, terms->name, terms->challenge, &seen->proved, &err) == 0)
        seen->txt = true;
    else
        trouble(seen, &err);
    if (terms->via != DOMAIN_VIA_LOCAL)
        return;
    look_address(terms, DNS_A, seen);
    if (!seen->points)
        look_address(terms, DNS_AAAA, seen);
}

/* ---- the front door ---- */

static void look_door(const struct saga_context *context, struct outside *outside,
                      const struct domain_terms *terms, struct domain_seen *seen)
{
    struct blueprint *b = calloc(1, sizeof *b);
    struct err err = {0};

    if (b == NULL)
        return;
    if (blueprint_load(b, context->paths.blueprints, terms->blueprint, &err) == 0) {
        seen->door = true;
        seen->answers =
            steps_door_ask(outside, terms->url, b->health_path,
                           terms->local ? STEPS_DOOR_OWN : STEPS_DOOR_CUSTOMERS, &err) == 0;
    }
    if (!seen->answers)
        trouble(seen, &err);
    free(b);
}

void domain_look(const struct saga_context *context, struct outside *outside,
                 const struct domain_terms *terms, struct domain_seen *seen)
{
    memset(seen, 0, sizeof *seen);
    look_dns(terms, seen); /* first: what it says decides whether the provider is to look */
    look_provider(outside, terms, seen);
    if (terms->door)
        look_door(context, outside, terms, seen);
}
