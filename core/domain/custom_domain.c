/*
 * Customers' domains: their table, and who has which. Apart from tunnels because a domain is
 * wanted, proved and waited for long before anything leads to a tenant, and may be claimed by
 * another.
 */
#include "custom_domain.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "enc.h"
#include "notice.h"
#include "setting.h"
#include "str.h"
#include "tenant_text.h"

const char *const domain_via_names[] = {"zone", "hostname", "local", NULL};
const char *const domain_state_names[] = {"adding",  "pending", "routing", "verifying",
                                          "active",  "moved",   "lost",    "removing",
                                          "removed", "failed",  NULL};
const char *const domain_proof_names[] = {"none", "txt", "delegation", NULL};
const char *const domain_zone_status_names[] = {"none",  "initializing", "pending", "active",
                                                "moved", "deleted",      NULL};

static const struct field rows[] = {
    FIELD(struct custom_domain, id, FIELD_ID, .ref_prefix = "dom"),
    FIELD(struct custom_domain, name, FIELD_TEXT, .help = "the domain, as the DNS spells it"),
    FIELD(struct custom_domain, unicode, FIELD_TEXT, .help = "as people read it"),
    FIELD(struct custom_domain, registrable, FIELD_TEXT, .help = "the domain that is registered"),
    FIELD(struct custom_domain, live, FIELD_TEXT, .flags = FIELD_HIDDEN),
    FIELD(struct custom_domain, tenant_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "tn",
          .help = "tenant that it leads to"),
    FIELD(struct custom_domain, customer_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "cu"),
    FIELD(struct custom_domain, via, FIELD_ENUM, .names = domain_via_names,
          .help = "zone: its name servers; hostname: a custom hostname; local: this box itself"),
    FIELD(struct custom_domain, state, FIELD_ENUM, .names = domain_state_names,
          .help = "where it stands"),
    FIELD(struct custom_domain, state_reason, FIELD_TEXT,
          .help = "what it waits for, or why it failed"),
    FIELD(struct custom_domain, www, FIELD_BOOL, .help = "www. of it leads there as well"),
    FIELD(struct custom_domain, lookalike, FIELD_BOOL,
          .help = "of another script, and reads like Latin"),
    FIELD(struct custom_domain, adopt, FIELD_BOOL,
          .help = "what was at the provider already is used"),
    FIELD(struct custom_domain, challenge, FIELD_TEXT,
          .help = "what the TXT record _sett-challenge must say behind \"sett-challenge=\""),
    FIELD(struct custom_domain, proof, FIELD_ENUM, .names = domain_proof_names,
          .help = "how it was shown to be the customer's"),
    FIELD(struct custom_domain, proved_at, FIELD_TIME, .help = "shown at"),
    FIELD(struct custom_domain, proof_lost_at, FIELD_TIME, .help = "no longer shown since"),
    FIELD(struct custom_domain, cf_id, FIELD_TEXT,
          .help = "Cloudflare's id of the zone or custom hostname"),
    FIELD(struct custom_domain, cf_made, FIELD_BOOL, .help = "it was made by this box"),
    FIELD(struct custom_domain, zone_status, FIELD_ENUM, .names = domain_zone_status_names,
          .help = "what Cloudflare says of the zone"),
    FIELD(struct custom_domain, name_servers, FIELD_TEXT,
          .help = "name servers that were assigned"),
    FIELD(struct custom_domain, name_servers_seen, FIELD_TEXT,
          .help = "name servers that the DNS says"),
    FIELD(struct custom_domain, hostname_status, FIELD_TEXT,
          .help = "what Cloudflare says of the custom hostname"),
    FIELD(struct custom_domain, ssl_status, FIELD_TEXT, .help = "and of its certificate"),
    FIELD(struct custom_domain, records, FIELD_TEXT, .flags = FIELD_HIDDEN | FIELD_FREE),
    FIELD(struct custom_domain, address, FIELD_TEXT, .help = "what the DNS says that it leads to"),
    FIELD(struct custom_domain, points, FIELD_BOOL, .help = "that is here"),
    FIELD(struct custom_domain, routed_to, FIELD_ID, .ref_prefix = "tun",
          .help = "tunnel that leads it to the tenant"),
    FIELD(struct custom_domain, pending_at, FIELD_TIME, .help = "waiting since"),
    FIELD(struct custom_domain, moved_at, FIELD_TIME, .help = "led away since"),
    FIELD(struct custom_domain, lost_at, FIELD_TIME, .help = "its zone is gone since"),
    FIELD(struct custom_domain, active_at, FIELD_TIME, .help = "seen to answer at"),
    FIELD(struct custom_domain, deadline_at, FIELD_TIME,
          .help = "when the provider gives it up for good"),
    FIELD(struct custom_domain, activation_at, FIELD_TIME,
          .help = "the provider was asked to look at the name servers"),
    FIELD(struct custom_domain, reminded_days, FIELD_U32,
          .help = "days that were left at the last reminder"),
    FIELD(struct custom_domain, misses, FIELD_U32, .flags = FIELD_HIDDEN),
    FIELD(struct custom_domain, checked_at, FIELD_TIME, .help = "last looked at"),
    FIELD(struct custom_domain, due_at, FIELD_TIME, .help = "to be looked at"),
    FIELD(struct custom_domain, job_id, FIELD_ID, .ref_prefix = "job",
          .help = "newest job about it"),
    FIELD(struct custom_domain, removed_at, FIELD_TIME, .help = "removed at"),
    FIELD(struct custom_domain, created_at, FIELD_TIME, .help = "added at"),
    FIELD(struct custom_domain, updated_at, FIELD_TIME, .help = "changed at"),
};

static const struct index indexes[] = {
    {.name = "live", .id = 198, .unique = true, .sparse = true, .fields = {"live"}},
    {.name = "name", .id = 199, .fields = {"name"}},
    {.name = "tenant_id", .id = 200, .sparse = true, .fields = {"tenant_id"}},
    {.name = "customer_id", .id = 201, .sparse = true, .fields = {"customer_id"}},
    {.name = "state", .id = 202, .fields = {"state"}},
    {.name = "due_at", .id = 203, .sparse = true, .fields = {"due_at"}},
};

const struct table custom_domain_table = {
    .name = "domains",
    .noun = "domain",
    .id = 32,
    .version = 1,
    .prefix = "dom",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct custom_domain)},
    .key = {"id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "domain",
             .about = "tenant_id",
             .customer = "customer_id",
             .beside = {"checked_at", "due_at", "updated_at"}},
};

static const struct field claim_rows[] = {
    FIELD(struct domain_claim, id, FIELD_ID, .ref_prefix = "dcl"),
    FIELD(struct domain_claim, domain_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "dom"),
    FIELD(struct domain_claim, tenant_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "tn",
          .help = "tenant that it is to lead to"),
    FIELD(struct domain_claim, customer_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "cu"),
    FIELD(struct domain_claim, challenge, FIELD_TEXT,
          .help = "what the TXT record _sett-challenge must say behind \"sett-challenge=\""),
    FIELD(struct domain_claim, created_at, FIELD_TIME, .help = "claimed at"),
};

static const struct index claim_indexes[] = {
    {.name = "domain_id", .id = 204, .unique = true, .fields = {"domain_id", "tenant_id"}},
};

const struct table domain_claim_table = {
    .name = "domain_claims",
    .noun = "domain_claim",
    .id = 33,
    .version = 1,
    .prefix = "dcl",
    .fields = {claim_rows, sizeof claim_rows / sizeof claim_rows[0], sizeof(struct domain_claim)},
    .key = {"id"},
    .indexes = claim_indexes,
    .index_count = sizeof claim_indexes / sizeof claim_indexes[0],
    .feed = {.object = "domain_claim", .about = "tenant_id", .customer = "customer_id"},
};

void custom_domain_challenge(char out[64])
{
    uint8_t bytes[16];

    randombytes_buf(bytes, sizeof bytes);
    enc_hex(out, bytes, sizeof bytes);
}

int custom_domain_get(struct txn *txn, const char *id, struct custom_domain *domain,
                      struct err *err)
{
    char wanted[ID_SIZE]; /* the id may lie in the record itself */

    if (str_copy(wanted, sizeof wanted, id) == -1 || wanted[0] == '\0')
        return 0;
    memset(domain, 0, sizeof *domain);
    memcpy(domain->id, wanted, sizeof domain->id);
    return record_get(txn, &custom_domain_table, domain, err);
}

int custom_domain_serving(struct txn *txn, const char *host, struct custom_domain *domain,
                          struct err *err)
{
    char wanted[256];
    int found;

    if (str_copy(wanted, sizeof wanted, host) == -1)
        return 0;
    memset(domain, 0, sizeof *domain);
    memcpy(domain->live, wanted, sizeof domain->live);
    found = record_find(txn, &custom_domain_table, "live", domain, err);
    if (found != 0 || !str_starts(wanted, "www."))
        return found;
    memset(domain, 0, sizeof *domain);
    (void)str_copy(domain->live, sizeof domain->live, wanted + 4);
    if ((found = record_find(txn, &custom_domain_table, "live", domain, err)) != 1)
        return found;
    return domain->www;
}

int custom_domain_free(struct txn *txn, const char *host, const char *tenant_id, struct err *err)
{
    struct custom_domain *d = calloc(1, sizeof *d);
    int found;

    if (d == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a domain");
    if ((found = custom_domain_serving(txn, host, d, err)) == 1) {
        found = 0;
        if (!str_equal(d->tenant_id, tenant_id)) {
            found =
                err_set(err, ERR_CONFLICT, "hostname_taken",
                        "%s belongs to the domain %s of tenant %s", host, d->name, d->tenant_id);
            (void)str_copy(err->field, sizeof err->field, "hostname");
        }
    }
    free(d);
    return found;
}

static int taken(const struct custom_domain *other, const struct custom_domain *domain,
                 const char *host, struct err *err)
{
    (void)err_set(err, ERR_CONFLICT, "domain_taken", "%s leads to tenant %s already (%s)", host,
                  other->tenant_id, other->id);
    (void)str_copy(err->field, sizeof err->field, "name");
    if (other->tenant_id[0] != '\0' && str_equal(other->tenant_id, domain->tenant_id))
        return err_hint(err, "Where it stands: sett domain show %s", other->name);
    return err_hint(err,
                    "Whoever can enter a TXT record for it may take it over: sett domain claim "
                    "%s --tenant TENANT",
                    other->name);
}

int custom_domain_new(struct txn *txn, struct custom_domain *domain, struct err *err)
{
    struct custom_domain other;
    char www[300];
    int found = custom_domain_serving(txn, domain->name, &other, err);

    if (found == 1)
        return taken(&other, domain, domain->name, err);
    if (found == 0 && domain->www && str_format(www, sizeof www, "www.%s", domain->name) == 0 &&
        (found = custom_domain_serving(txn, www, &other, err)) == 1)
        return taken(&other, domain, www, err);
    if (found == -1)
        return -1;
    id_make(domain->id, custom_domain_table.prefix);
    memcpy(domain->live, domain->name, sizeof domain->live);
    custom_domain_challenge(domain->challenge);
    domain->state = DOMAIN_ADDING;
    domain->created_at = domain->updated_at = txn_time_ms(txn);
    return record_insert(txn, &custom_domain_table, domain, err) != 0
               ? -1
               : tenant_text_note_id(txn, domain->tenant_id, err);
}

int custom_domain_put(struct txn *txn, struct custom_domain *domain, struct err *err)
{
    domain->updated_at = txn_time_ms(txn);
    return record_put(txn, &custom_domain_table, domain, err) != 0
               ? -1
               : tenant_text_note_id(txn, domain->tenant_id, err);
}

uint32_t custom_domain_zone_status(const char *word)
{
    int at = enum_find(domain_zone_status_names, word);

    return at > DOMAIN_ZONE_NONE ? (uint32_t)at : DOMAIN_ZONE_PENDING;
}

void custom_domain_reason(struct custom_domain *domain, const char *text)
{
    str_cut(domain->state_reason, sizeof domain->state_reason, text);
}

static int drop_claims(struct txn *txn, const char *domain_id, struct err *err)
{
    struct domain_claim claim = {0};
    struct scan scan;
    int got;

    (void)str_copy(claim.domain_id, sizeof claim.domain_id, domain_id);
    if (scan_start(&scan, txn, &domain_claim_table, "domain_id", &claim, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &claim, err)) == 1)
        if (record_delete(txn, &domain_claim_table, &claim, err) == -1)
            return -1;
    return got;
}

int custom_domain_removed(struct txn *txn, struct custom_domain *domain, const char *reason,
                          struct err *err)
{
    domain->state = DOMAIN_REMOVED;
    custom_domain_reason(domain, reason);
    domain->live[0] = domain->routed_to[0] = '\0';
    domain->due_at = domain->deadline_at = 0;
    domain->removed_at = txn_time_ms(txn);
    if (drop_claims(txn, domain->id, err) == -1 ||
        notice_clear_subject(txn, "domain", domain->id, err) == -1)
        return -1;
    return custom_domain_put(txn, domain, err);
}

int custom_domain_claim(struct txn *txn, const char *domain_id, const char *tenant_id,
                        struct domain_claim *claim, struct err *err)
{
    memset(claim, 0, sizeof *claim);
    if (str_copy(claim->domain_id, sizeof claim->domain_id, domain_id) == -1 ||
        str_copy(claim->tenant_id, sizeof claim->tenant_id, tenant_id) == -1)
        return 0;
    return record_find(txn, &domain_claim_table, "domain_id", claim, err);
}

static unsigned words_in(const char *a, const char *b, unsigned *count)
{
    unsigned found = 0;

    *count = 0;
    for (const char *at = a; *at != '\0'; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        bool there = false;

        for (const char *other = b; *other != '\0' && !there; other += strspn(other, " ")) {
            size_t other_len = strcspn(other, " ");
            there = other_len == len && strncmp(other, at, len) == 0;
            other += other_len;
        }
        found += there;
        ++*count;
        at += len;
    }
    return found;
}

bool custom_domain_same(const char *a, const char *b)
{
    unsigned in_a, in_b, found = words_in(a, b, &in_a);

    return found == in_a && words_in(b, a, &in_b) == in_b && in_a == in_b;
}

int custom_domain_target(struct txn *txn, const struct conf *conf, uint32_t via, char *out,
                         size_t size, struct err *err)
{
    char set[512], domain[512];

    if (setting_text(txn, conf, "domains.target", set, sizeof set, err) == -1 ||
        setting_text(txn, conf, "box.domain", domain, sizeof domain, err) == -1)
        return -1;
    if (set[0] != '\0')
        return str_copy(out, size, set);
    return str_format(out, size, "%s%s", via == DOMAIN_VIA_LOCAL ? "" : "customers.", domain);
}

int custom_domain_count(struct txn *txn, const char *tenant_id, struct err *err)
{
    struct custom_domain *domain = calloc(1, sizeof *domain);
    struct scan scan;
    int got = -1, count = 0;

    if (domain == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a domain");
    (void)str_copy(domain->tenant_id, sizeof domain->tenant_id, tenant_id);
    if (scan_start(&scan, txn, &custom_domain_table, "tenant_id", domain, 1, false, err) == 0)
        while ((got = scan_next(&scan, domain, err)) == 1)
            count += domain->live[0] != '\0';
    free(domain);
    return got == -1 ? -1 : count;
}
