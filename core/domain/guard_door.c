/*
 * Host names whose visitors a connector asks for a token of Access. Apart from who may come in
 * because that is a wish, and this is what Cloudflare has answered: without the tag that it gave,
 * no connector could tell one token from another.
 */
#include "guard.h"

#include <string.h>

#include "str.h"

static const struct field rows[] = {
    FIELD(struct access_door, tenant_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "tn"),
    FIELD(struct access_door, hostname, FIELD_TEXT, .help = "it is of"),
    FIELD(struct access_door, team, FIELD_TEXT, .help = "whose tokens are asked for"),
    FIELD(struct access_door, aud, FIELD_TEXT, .help = "audience tag that they must bear"),
    FIELD(struct access_door, created_at, FIELD_TIME, .help = "made at"),
};

const struct table access_door_table = {
    .name = "access_doors",
    .noun = "access_door",
    .id = 78,
    .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct access_door)},
    .key = {"tenant_id", "hostname"},
    .feed = {.object = ""},
};

int guard_door_put(struct txn *txn, struct access_door *door, struct err *err)
{
    door->created_at = txn_time_ms(txn);
    return record_put(txn, &access_door_table, door, err);
}

static int get(struct txn *txn, const char *tenant_id, const char *hostname,
               struct access_door *door, struct err *err)
{
    memset(door, 0, sizeof *door);
    if (tenant_id[0] == '\0' || hostname[0] == '\0' ||
        str_copy(door->tenant_id, sizeof door->tenant_id, tenant_id) == -1 ||
        str_copy(door->hostname, sizeof door->hostname, hostname) == -1)
        return 0;
    return record_get(txn, &access_door_table, door, err);
}

int guard_door_drop(struct txn *txn, const char *tenant_id, const char *hostname, struct err *err)
{
    struct access_door door = {0};
    struct scan scan;
    int got, count = 0;

    if (hostname[0] != '\0') {
        if ((got = get(txn, tenant_id, hostname, &door, err)) != 1)
            return got;
        return record_delete(txn, &access_door_table, &door, err) == -1 ? -1 : 1;
    }
    (void)str_copy(door.tenant_id, sizeof door.tenant_id, tenant_id);
    if (scan_start(&scan, txn, &access_door_table, NULL, &door, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &door, err)) == 1) {
        if (record_delete(txn, &access_door_table, &door, err) == -1)
            return -1;
        count++;
    }
    return got == -1 ? -1 : count;
}

static bool says_itself(const struct cloudflared_origin *is)
{
    return is->access_required || is->access_team[0] != '\0' || is->access_audiences[0] != '\0';
}

int guard_doors(struct txn *txn, const char *tenant_id, struct cloudflared_config *config,
                uint32_t from, struct err *err)
{
    struct access_door door;

    for (uint32_t i = from; i < config->count; i++) {
        struct cloudflared_rule *is = &config->rules[i];
        int found = says_itself(&is->origin) ? 0 : get(txn, tenant_id, is->hostname, &door, err);

        if (found == -1)
            return -1;
        if (found == 0)
            continue;
        is->origin.access_required = true;
        (void)str_copy(is->origin.access_team, sizeof is->origin.access_team, door.team);
        (void)str_copy(is->origin.access_audiences, sizeof is->origin.access_audiences, door.aud);
    }
    return 0;
}
