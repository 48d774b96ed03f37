/*
 * The pool of local ports. Apart because two tenants on one port would be the worst mix-up that a box
 * can make: one record a port, in the transaction of the tenant, and no other book of it.
 */
#include "port.h"

static const struct field rows[] = {
    FIELD(struct port, port, FIELD_U32, .help = "port on 127.0.0.1"),
    FIELD(struct port, tenant_id, FIELD_ID, .flags = FIELD_KEY, .ref_prefix = "tn",
          .help = "tenant that owns it"),
    FIELD(struct port, foreign, FIELD_TEXT, .help = "what else was found there"),
    FIELD(struct port, until, FIELD_TIME, .help = "foreign: tried again from then on"),
    FIELD(struct port, created_at, FIELD_TIME, .help = "taken at"),
};

static const struct index indexes[] = {
    {.name = "tenant_id", .id = 158, .sparse = true, .fields = {"tenant_id"}},
};

const struct table port_table = {
    .name = "ports", .noun = "port", .id = 7, .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct port)},
    .key = {"port"},
    .indexes = indexes, .index_count = sizeof indexes / sizeof indexes[0],
};
