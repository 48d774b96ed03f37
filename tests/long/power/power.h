#ifndef SETT_POWER_H
#define SETT_POWER_H
/* The small schema that writer and checker of the power cuts share. */
#include <stddef.h>
#include <stdint.h>
#include "db.h"

struct drop {
    uint64_t number;
    char text[256];
};

static const struct field drop_fields[] = {
    FIELD(struct drop, number, FIELD_U64, .help = "which"),
    FIELD(struct drop, text, FIELD_TEXT, .help = "something to carry"),
};
static const struct index drop_indexes[] = {{.name = "text", .id = 130, .fields = {"text"}}};
static const struct table drop_table = {
    .name = "drops",
    .noun = "drop",
    .id = 1,
    .version = 1,
    .fields = {drop_fields, 2, sizeof(struct drop)},
    .key = {"number"},
    .indexes = drop_indexes,
    .index_count = 1,
};
static const struct table *const drop_tables[] = {&drop_table};
static const struct schema drop_schema = {.tables = drop_tables, .table_count = 1, .version = 1};

#endif
