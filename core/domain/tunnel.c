/* Tunnels: their table, and the ways to find, make and move one. Apart from tenants because one
 * tenant may have several ways in, or none. */
#include "tunnel.h"

#include "fold.h"
#include "rule.h"
#include "str.h"
#include "tenant.h"

#include <string.h>

#define RULES_LOOKED_AT 40

const char *const tunnel_state_names[] = {"provisioning", "active", "paused", "deleting",
                                          "deleted",      "failed", NULL};

const char *const tunnel_config_names[] = {"remote", "local", NULL};

static const struct field rows[] = {
    FIELD(struct tunnel, id, FIELD_ID, .ref_prefix = "tun"),
    FIELD(struct tunnel, number, FIELD_U64, .help = "short number, never reused"),
    FIELD(struct tunnel, name, FIELD_TEXT, .help = "its name at the provider"),
    FIELD(struct tunnel, tenant_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "tn"),
    FIELD(struct tunnel, customer_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "cu"),
    FIELD(struct tunnel, hostname, FIELD_TEXT, .help = "host name that it serves"),
    FIELD(struct tunnel, path, FIELD_TEXT, .help = "regular expression of paths, \"\": all"),
    FIELD(struct tunnel, service, FIELD_TEXT, .help = "local address that it leads to"),
    FIELD(struct tunnel, ingress, FIELD_TEXT, .help = "local or cloudflare"),
    FIELD(struct tunnel, no_tls_verify, FIELD_BOOL,
          .help = "does not check the service's certificate"),
    FIELD(struct tunnel, state, FIELD_ENUM, .names = tunnel_state_names, .help = "where it stands"),
    FIELD(struct tunnel, state_reason, FIELD_TEXT, .help = "why it is failed"),
    FIELD(struct tunnel, cf_account, FIELD_TEXT, .help = "Cloudflare's id of the account"),
    FIELD(struct tunnel, cf_zone, FIELD_TEXT, .help = "of the zone"),
    FIELD(struct tunnel, cf_tunnel, FIELD_TEXT, .help = "of the tunnel"),
    FIELD(struct tunnel, cf_record, FIELD_TEXT, .help = "of the DNS record"),
    FIELD(struct tunnel, cf_version, FIELD_U64, .help = "version of its configuration"),
    FIELD(struct tunnel, deleted_at, FIELD_TIME, .help = "deleted at"),
    FIELD(struct tunnel, created_at, FIELD_TIME, .help = "made at"),
    FIELD(struct tunnel, updated_at, FIELD_TIME, .help = "changed at"),
    FIELD_SINCE(struct tunnel, rules_wanted, FIELD_U64, 2, .help = "changes of its rules"),
    FIELD_SINCE(struct tunnel, rules_in_force, FIELD_U64, 2,
                .help = "up to which of them its connector goes by"),
    FIELD_SINCE(struct tunnel, rules_reason, FIELD_TEXT, 2,
                .help = "why its newest rules are not in force"),
    FIELD_SINCE(struct tunnel, own_position, FIELD_U32, 2, .flags = FIELD_HIDDEN),
    FIELD_SINCE(struct tunnel, catch_all, FIELD_TEXT, 2,
                .help = "what answers where no rule fits, \"\": 404"),
    FIELD_SINCE(
        struct tunnel, config, FIELD_ENUM, 2, .names = tunnel_config_names,
        .help = "remote: rules change while connections stay; local: they are files of this box"),
    FIELD_SINCE(struct tunnel, adopted, FIELD_BOOL, 2, .help = "this box did not make it"),
    FIELD_SINCE(struct tunnel, origin_server_name, FIELD_TEXT, 2,
                .help = "name that its service's certificate must bear"),
    FIELD_SINCE(struct tunnel, http_host_header, FIELD_TEXT, 2,
                .help = "Host header that its service is sent"),
    FIELD_SINCE(struct tunnel, shared, FIELD_BOOL, 3, .help = "others' routes go by it"),
    FIELD_SINCE(struct tunnel, carrier_id, FIELD_ID, 3, .flags = FIELD_KEY, .ref_prefix = "tun",
                .help = "shared tunnel that its route goes by"),
    FIELD_SINCE(struct tunnel, carried, FIELD_BOOL, 3,
                .help = "its route is among that one's rules"),
    FIELD_SINCE(struct tunnel, routes, FIELD_U32, 3, .help = "rules that go by it"),
    FIELD_SINCE(struct tunnel, elsewhere, FIELD_BOOL, 4,
                .help = "its connector is not run by this box"),
    FIELD_SINCE(struct tunnel, words, FIELD_TEXT, 5, .flags = FIELD_HIDDEN),
    FIELD_SINCE(struct tunnel, health, FIELD_ENUM, 5, .names = tenant_health_names,
                .help = "how its connector is"),
};

static const struct index indexes[] = {
    {.name = "number", .id = 153, .unique = true, .fields = {"number"}},
    {.name = "name", .id = 154, .unique = true, .fields = {"name"}},
    {.name = "tenant_id", .id = 155, .sparse = true, .fields = {"tenant_id"}},
    {.name = "state", .id = 156, .fields = {"state"}},
    {.name = "hostname", .id = 157, .sparse = true, .fields = {"hostname"}},
    {.name = "customer_id", .id = 177, .sparse = true, .fields = {"customer_id"}},
    {.name = "carrier_id", .id = 190, .sparse = true, .fields = {"carrier_id"}},
    {.name = "shared", .id = 191, .sparse = true, .fields = {"shared"}},
    {.name = "words", .id = 238, .words = true, .fields = {"words"}},
    {.name = "by_host", .id = 239, .fields = {"hostname"}},
};

const struct table tunnel_table = {
    .name = "tunnels",
    .noun = "tunnel",
    .id = 6,
    .version = 5,
    .prefix = "tun",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct tunnel)},
    .key = {"id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "tunnel", .about = "tenant_id", .customer = "customer_id"},
};

int tunnel_resolve(struct txn *txn, const char *text, struct tunnel *tunnel, struct err *err)
{
    char wanted[256]; /* the text may lie in the record itself */

    if (str_copy(wanted, sizeof wanted, text) != 0)
        return 0;
    memset(tunnel, 0, sizeof *tunnel);
    if (str_u64(wanted, 1, UINT64_MAX, &tunnel->number) == 0)
        return record_find(txn, &tunnel_table, "number", tunnel, err);
    if (str_starts(wanted, "tun_")) {
        if (str_copy(tunnel->id, sizeof tunnel->id, wanted) != 0)
            return 0;
        return record_get(txn, &tunnel_table, tunnel, err);
    }
    if (wanted[0] == '\0' || str_copy(tunnel->name, sizeof tunnel->name, wanted) != 0)
        return 0;
    return record_find(txn, &tunnel_table, "name", tunnel, err);
}

bool tunnel_troubled(const struct tunnel *tunnel)
{
    if (tunnel->state == TUNNEL_FAILED)
        return true;
    return tunnel->state == TUNNEL_ACTIVE &&
           (tunnel->rules_reason[0] != '\0' || tunnel->health == HEALTH_UNHEALTHY ||
            tunnel->health == HEALTH_UNREACHABLE);
}

/* The host names of its rules, as far as there is room. */
static int add_rules(struct txn *txn, struct tunnel *tunnel, struct err *err)
{
    struct rule rule = {0};
    struct scan scan;
    int found;

    (void)str_copy(rule.tunnel_id, sizeof rule.tunnel_id, tunnel->id);
    if (scan_start(&scan, txn, &rule_table, "by_place", &rule, 1, false, err) != 0)
        return -1;
    for (unsigned i = 0; i < RULES_LOOKED_AT && (found = scan_next(&scan, &rule, err)) != 0; i++) {
        if (found < 0)
            return -1;
        fold_words(tunnel->words, sizeof tunnel->words, rule.is.hostname);
    }
    return 0;
}

/* Its names, its number, the beginning of its id at Cloudflare, and what it is. */
static int set_words(struct txn *txn, struct tunnel *tunnel, struct err *err)
{
    char text[64];

    tunnel->words[0] = '\0';
    if (tunnel_troubled(tunnel))
        (void)str_copy(tunnel->words, sizeof tunnel->words, TUNNEL_WORD_TROUBLE);
    (void)str_format(text, sizeof text, "%llu %.8s", (unsigned long long)tunnel->number,
                     tunnel->cf_tunnel);
    fold_words(tunnel->words, sizeof tunnel->words, text);
    fold_words(tunnel->words, sizeof tunnel->words, tunnel->name);
    fold_words(tunnel->words, sizeof tunnel->words, tunnel->hostname);
    return add_rules(txn, tunnel, err);
}

/* A name is free again once its bearer is deleted, which keeps it with its number behind it. */
static int free_name(struct txn *txn, const char *name, struct err *err)
{
    struct tunnel old = {0};
    char kept[sizeof old.name];
    int found;

    if (name[0] == '\0')
        return 0;
    (void)str_copy(old.name, sizeof old.name, name);
    if ((found = record_find(txn, &tunnel_table, "name", &old, err)) != 1)
        return found;
    if (old.state != TUNNEL_DELETED ||
        str_format(kept, sizeof kept, "%.70s~%llu", name, (unsigned long long)old.number) == -1)
        return 0; /* the insertion says that it is taken */
    memcpy(old.name, kept, sizeof old.name);
    if (set_words(txn, &old, err) != 0)
        return -1;
    return record_put(txn, &tunnel_table, &old, err);
}

int tunnel_new(struct txn *txn, struct tunnel *tunnel, struct err *err)
{
    if (free_name(txn, tunnel->name, err) == -1)
        return -1;
    id_make(tunnel->id, tunnel_table.prefix);
    tunnel->number = record_next_number(txn, tunnel_table.name, err);
    if (tunnel->number == 0)
        return -1;
    if (tunnel->name[0] == '\0')
        (void)str_format(tunnel->name, sizeof tunnel->name, "sett-tun%06llu",
                         (unsigned long long)tunnel->number);
    tunnel->state = TUNNEL_PROVISIONING;
    tunnel->created_at = tunnel->updated_at = txn_time_ms(txn);
    return set_words(txn, tunnel, err) != 0 ? -1 : record_insert(txn, &tunnel_table, tunnel, err);
}

bool tunnel_routed(const struct tunnel *tunnel)
{
    return tunnel->hostname[0] != '\0';
}

int tunnel_put(struct txn *txn, struct tunnel *tunnel, struct err *err)
{
    tunnel->updated_at = txn_time_ms(txn);
    return set_words(txn, tunnel, err) != 0 ? -1 : record_put(txn, &tunnel_table, tunnel, err);
}

int tunnel_note_health(struct txn *txn, struct tunnel *tunnel, uint32_t health, struct err *err)
{
    tunnel->health = health;
    return set_words(txn, tunnel, err) != 0 ? -1 : record_put(txn, &tunnel_table, tunnel, err);
}

int tunnel_move(struct txn *txn, struct tunnel *tunnel, enum tunnel_state state, const char *reason,
                struct err *err)
{
    if (tunnel->state == TUNNEL_DELETED && state != TUNNEL_DELETED)
        return err_set(err, ERR_CONFLICT, "tunnel_deleted", "the tunnel %s was deleted",
                       tunnel->id);
    if (state == TUNNEL_DELETED && tunnel->state != TUNNEL_DELETED)
        tunnel->deleted_at = txn_time_ms(txn);
    tunnel->state = (uint32_t)state;
    str_cut(tunnel->state_reason, sizeof tunnel->state_reason, reason);
    return tunnel_put(txn, tunnel, err);
}

int tunnel_remake(struct txn *txn, struct err *err)
{
    struct tunnel tunnel;
    struct scan scan;
    int found = -1;

    if (scan_start(&scan, txn, &tunnel_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((found = scan_next(&scan, &tunnel, err)) == 1) {
        if (set_words(txn, &tunnel, err) != 0 || record_put(txn, &tunnel_table, &tunnel, err) != 0)
            return -1;
    }
    return found;
}
