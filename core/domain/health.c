/* The table of health records. Apart from tenants because it is written by the rounds alone, and
 * tunnels have one, too. */
#include "health.h"

#include <string.h>

#include "str.h"

static const struct field rows[] = {
    FIELD(struct health, subject, FIELD_TEXT, .help = "id of the tenant or tunnel"),
    FIELD(struct health, state, FIELD_ENUM, .names = tenant_health_names, .help = "how it is"),
    FIELD(struct health, since, FIELD_TIME, .help = "since when"),
    FIELD(struct health, reason, FIELD_TEXT, .help = "why it is not healthy"),
    FIELD(struct health, program, FIELD_ENUM, .names = tenant_health_names,
          .help = "its program, on its own port"),
    FIELD(struct health, connector, FIELD_ENUM, .names = tenant_health_names,
          .help = "its tunnel's connector"),
    FIELD(struct health, outside, FIELD_ENUM, .names = tenant_health_names,
          .help = "its front door"),
    FIELD(struct health, restarts, FIELD_U32, .help = "restarts in the present window"),
    FIELD(struct health, restarts_since, FIELD_TIME, .help = "when that window began"),
    FIELD(struct health, restarted_at, FIELD_TIME, .help = "the newest restart"),
    FIELD(struct health, given_up_at, FIELD_TIME, .help = "restarted too often, left alone since"),
    FIELD(struct health, updated_at, FIELD_TIME, .help = "changed at"),
};

const struct table health_table = {
    .name = "health",
    .noun = "health",
    .id = 36,
    .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct health)},
    .key = {"subject"},
    .feed = {.object = ""},
};

int health_get(struct txn *txn, const char *subject, struct health *health, struct err *err)
{
    memset(health, 0, sizeof *health);
    (void)str_copy(health->subject, sizeof health->subject, subject);
    return record_get(txn, &health_table, health, err);
}

int health_put(struct txn *txn, struct health *health, struct err *err)
{
    health->updated_at = txn_time_ms(txn);
    return record_put(txn, &health_table, health, err);
}
