/*
 * Who may come in to a tenant and how often one may ask: the two tables and what can be said in
 * them. Apart from tenants because most have neither, and a list of e-mail addresses is larger than
 * all that a tenant is.
 */
#include "guard.h"

#include "custom_domain.h"

#include "str.h"
#include "tenant.h"
#include "tunnel.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

const char *const guard_state_names[] = {"pending", "active", "failed", "removing", NULL};

static const struct field access_rows[] = {
    FIELD(struct access, tenant_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "tn"),
    FIELD(struct access, emails, FIELD_TEXT, .help = "e-mail addresses that may come in"),
    FIELD(struct access, domains, FIELD_TEXT, .help = "domains of such e-mail addresses"),
    FIELD(struct access, ips, FIELD_TEXT, .help = "addresses or ranges from which one may come"),
    FIELD(struct access, login, FIELD_BOOL, .help = "everybody who can sign in may come in"),
    FIELD(struct access, ips_suffice, FIELD_BOOL,
          .help = "from one of ips nobody need sign in; otherwise it is needed besides"),
    FIELD(struct access, session_hours, FIELD_U32, .help = "hours until one must sign in again"),
    FIELD(struct access, state, FIELD_ENUM, .names = guard_state_names, .help = "where it stands"),
    FIELD(struct access, state_reason, FIELD_TEXT, .help = "why it, or its last change, failed"),
    FIELD(struct access, aud, FIELD_TEXT, .help = "Cloudflare's audience tag of its application"),
    FIELD(struct access, created_at, FIELD_TIME, .help = "made at"),
    FIELD(struct access, updated_at, FIELD_TIME, .help = "changed at"),
    FIELD_SINCE(struct access, state_remedy, FIELD_TEXT, 2, .help = "what can be done about it"),
    FIELD_SINCE(struct access, absent, FIELD_BOOL, 2,
                .help = "it failed, and nothing of it stands at Cloudflare"),
    FIELD_SINCE(struct access, team, FIELD_TEXT, 3,
                .help = "the team whose tokens the connector asks for; empty: it asks for none"),
    FIELD_SINCE(struct access, untold, FIELD_TEXT, 3,
                .help = "why the connector asks for none, though it could"),
};

const struct table access_table = {
    .name = "accesses",
    .noun = "access",
    .id = 28,
    .version = 3,
    .fields = {access_rows, sizeof access_rows / sizeof access_rows[0], sizeof(struct access)},
    .key = {"tenant_id"},
    .feed = {.object = ""},
};

static const struct field limit_rows[] = {
    FIELD(struct rate_limit, tenant_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "tn"),
    FIELD(struct rate_limit, requests, FIELD_U32, .help = "requests of one address in a period"),
    FIELD(struct rate_limit, period_s, FIELD_U32, .help = "seconds of a period"),
    FIELD(struct rate_limit, block_s, FIELD_U32,
          .help = "seconds for which one that exceeds it is refused"),
    FIELD(struct rate_limit, state, FIELD_ENUM, .names = guard_state_names,
          .help = "where it stands"),
    FIELD(struct rate_limit, state_reason, FIELD_TEXT,
          .help = "why it, or its last change, failed"),
    FIELD(struct rate_limit, created_at, FIELD_TIME, .help = "made at"),
    FIELD(struct rate_limit, updated_at, FIELD_TIME, .help = "changed at"),
    FIELD_SINCE(struct rate_limit, state_remedy, FIELD_TEXT, 2,
                .help = "what can be done about it"),
    FIELD_SINCE(struct rate_limit, absent, FIELD_BOOL, 2,
                .help = "it failed, and nothing of it stands at Cloudflare"),
};

const struct table rate_limit_table = {
    .name = "rate_limits",
    .noun = "rate_limit",
    .id = 29,
    .version = 2,
    .fields = {limit_rows, sizeof limit_rows / sizeof limit_rows[0], sizeof(struct rate_limit)},
    .key = {"tenant_id"},
    .feed = {.object = ""},
};

int access_get(struct txn *txn, const char *tenant_id, struct access *access, struct err *err)
{
    memset(access, 0, sizeof *access);
    if (tenant_id[0] == '\0' ||
        str_copy(access->tenant_id, sizeof access->tenant_id, tenant_id) == -1)
        return 0;
    return record_get(txn, &access_table, access, err);
}

bool access_tokens(const struct access *access)
{
    bool identity = access->login || access->emails[0] != '\0' || access->domains[0] != '\0';

    return identity && (access->ips[0] == '\0' || !access->ips_suffice);
}

int access_put(struct txn *txn, struct access *access, struct err *err)
{
    access->updated_at = txn_time_ms(txn);
    if (access->created_at != 0)
        return record_put(txn, &access_table, access, err);
    access->created_at = access->updated_at;
    return record_insert(txn, &access_table, access, err);
}

int rate_limit_get(struct txn *txn, const char *tenant_id, struct rate_limit *limit,
                   struct err *err)
{
    memset(limit, 0, sizeof *limit);
    if (tenant_id[0] == '\0' ||
        str_copy(limit->tenant_id, sizeof limit->tenant_id, tenant_id) == -1)
        return 0;
    return record_get(txn, &rate_limit_table, limit, err);
}

int rate_limit_put(struct txn *txn, struct rate_limit *limit, struct err *err)
{
    limit->updated_at = txn_time_ms(txn);
    if (limit->created_at != 0)
        return record_put(txn, &rate_limit_table, limit, err);
    limit->created_at = limit->updated_at;
    return record_insert(txn, &rate_limit_table, limit, err);
}

/* ---- what can be said ---- */

static bool is_domain(const char *s)
{
    size_t label = 0, dots = 0;

    for (const char *c = s;; c++) {
        if (*c == '.' || *c == '\0') {
            if (label == 0 || label > 63 || c[-1] == '-')
                return false;
            if (*c == '\0')
                return dots > 0 && c - s <= 253;
            label = 0;
            dots++;
        } else if (isalnum((unsigned char)*c) || (*c == '-' && label > 0)) {
            label++;
        } else {
            return false;
        }
    }
}

static bool is_email(const char *s)
{
    const char *at = strrchr(s, '@');

    if (at == NULL || at == s || at - s > 64 || !is_domain(at + 1))
        return false;
    for (const char *c = s; c < at; c++)
        if (!isalnum((unsigned char)*c) && strchr("!#$%&'*+-/=?^_`{|}~.", *c) == NULL)
            return false;
    return true;
}

/* An address, or one with the length of its prefix. */
static bool is_range(const char *s)
{
    char address[64];
    unsigned char bytes[16];
    uint64_t bits = 0;
    size_t len = strcspn(s, "/");
    bool six;

    if (str_copy_n(address, sizeof address, s, len) == -1)
        return false;
    six = strchr(address, ':') != NULL;
    if (inet_pton(six ? AF_INET6 : AF_INET, address, bytes) != 1)
        return false;
    return s[len] == '\0' || str_u64(s + len + 1, 1, six ? 128 : 32, &bits) == 0;
}

/* Bring one list into its form, in place: it only becomes shorter. Return 0 or -1. */
static int tidy(char *list, const char *field, const char *what, bool (*is)(const char *),
                struct err *err)
{
    char in[GUARD_LIST_MAX + 1], item[256], *out = list;

    (void)str_copy(in, sizeof in, list);
    list[0] = '\0';
    for (const char *at = in; *at != '\0';) {
        size_t len = strcspn(at, ", \t");
        if (len > 0) {
            if (str_copy_n(item, sizeof item, at, len) == -1)
                return err_field(err, field, "bad_list", "%s has an item that is too long", field);
            for (char *c = item; *c != '\0'; c++)
                *c = (char)tolower((unsigned char)*c);
            if (!is(item))
                return err_field(err, field, "bad_list", "\"%.80s\" is not %s", item, what);
            char *found = strstr(list, item);
            if (found == NULL || (found != list && found[-1] != ',') ||
                (found[strlen(item)] != ',' && found[strlen(item)] != '\0')) {
                if (out != list)
                    *out++ = ',';
                memcpy(out, item, len + 1);
                out += len;
            }
        }
        at += len + strspn(at + len, ", \t");
    }
    return 0;
}

int access_check(struct access *access, struct err *err)
{
    if (tidy(access->emails, "emails", "an e-mail address", is_email, err) == -1 ||
        tidy(access->domains, "domains", "a domain of e-mail addresses", is_domain, err) == -1 ||
        tidy(access->ips, "ips", "an address or a range of them", is_range, err) == -1)
        return -1;
    if (strlen(access->emails) + strlen(access->domains) + strlen(access->ips) > GUARD_ALL_MAX)
        return err_field(err, "emails", "too_long", "the lists have more than %d bytes in all",
                         GUARD_ALL_MAX);
    if (!access->login && access->emails[0] == '\0' && access->domains[0] == '\0' &&
        access->ips[0] == '\0') {
        err_field(err, "emails", "nobody", "that would let nobody in");
        return err_hint(err, "give emails, domains, ips or login");
    }
    return 0;
}

/* ---- for whom ---- */

static int add_host(char *out, size_t size, const char *host, struct err *err)
{
    size_t len = strlen(out);

    if (str_format(out + len, size - len, "%s%s", len > 0 ? "," : "", host) == 0)
        return 0;
    return err_set(err, ERR_TOO_LARGE, "too_many_hosts",
                   "the tenant has more host names than fit into one rule");
}

/* And the customers' domains that are led to it. Return how many names, or -1. */
static int add_domains(struct txn *txn, const char *tenant_id, char *out, size_t size,
                       struct err *err)
{
    struct custom_domain *d = calloc(1, sizeof *d);
    char www[300];
    struct scan scan;
    int got = -1, count = 0;

    if (d == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a domain");
    (void)str_copy(d->tenant_id, sizeof d->tenant_id, tenant_id);
    if (scan_start(&scan, txn, &custom_domain_table, "tenant_id", d, 1, false, err) == 0)
        while ((got = scan_next(&scan, d, err)) == 1) {
            if (d->live[0] == '\0' || d->routed_to[0] == '\0' || d->via == DOMAIN_VIA_LOCAL)
                continue;
            (void)str_format(www, sizeof www, "www.%s", d->name);
            if (add_host(out, size, d->name, err) == -1 ||
                (d->www && add_host(out, size, www, err) == -1)) {
                got = -1;
                break;
            }
            count += d->www ? 2 : 1;
        }
    free(d);
    return got == -1 ? -1 : count;
}

int guard_hosts(struct txn *txn, const char *tenant_id, char *out, size_t size, struct err *err)
{
    struct tunnel tunnel = {0};
    struct tenant tenant = {0};
    struct scan scan;
    int got, count = 0;

    out[0] = '\0';
    (void)str_copy(tenant.id, sizeof tenant.id, tenant_id);
    if (record_get(txn, &tenant_table, &tenant, err) == -1)
        return -1;
    for (int own = 1; own >= 0; own--) { /* its own first */
        memset(&tunnel, 0, sizeof tunnel);
        (void)str_copy(tunnel.tenant_id, sizeof tunnel.tenant_id, tenant_id);
        if (scan_start(&scan, txn, &tunnel_table, "tenant_id", &tunnel, 1, false, err) == -1)
            return -1;
        while ((got = scan_next(&scan, &tunnel, err)) == 1) {
            if (str_equal(tunnel.id, tenant.tunnel_id) != (own == 1) ||
                tunnel.state == TUNNEL_DELETED || tunnel.state == TUNNEL_DELETING ||
                tunnel.hostname[0] == '\0' || !str_equal(tunnel.ingress, "cloudflare"))
                continue;
            if (add_host(out, size, tunnel.hostname, err) == -1)
                return -1;
            count++;
        }
        if (got == -1)
            return -1;
    }
    if ((got = add_domains(txn, tenant_id, out, size, err)) == -1)
        return -1;
    return count + got;
}

int guard_drop(struct txn *txn, const char *tenant_id, struct err *err)
{
    struct access access = {0};
    struct rate_limit limit = {0};

    (void)str_copy(access.tenant_id, sizeof access.tenant_id, tenant_id);
    (void)str_copy(limit.tenant_id, sizeof limit.tenant_id, tenant_id);
    if (guard_door_drop(txn, tenant_id, "", err) == -1 ||
        record_delete(txn, &access_table, &access, err) == -1)
        return -1;
    return record_delete(txn, &rate_limit_table, &limit, err) == -1 ? -1 : 0;
}
