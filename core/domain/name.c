/*
 * Labels below the box's domain. Apart because a name outlives the tenant that had it: it may be
 * held by an order that is not paid yet, and it rests after its tenant is gone.
 */
#include "name.h"

const char *const name_state_names[] = {"held", "resting", NULL};

static const struct field rows[] = {
    FIELD(struct name, label, FIELD_TEXT, .help = "label below the box's domain"),
    FIELD(struct name, state, FIELD_ENUM, .names = name_state_names, .help = "held or resting"),
    FIELD(struct name, owner_id, FIELD_TEXT, .help = "tenant or order that has or had it"),
    FIELD(struct name, until, FIELD_TIME, .help = "free again from then on"),
    FIELD(struct name, created_at, FIELD_TIME, .help = "taken at"),
};

static const struct index indexes[] = {
    {.name = "owner_id", .id = 159, .sparse = true, .fields = {"owner_id"}},
};

const struct table name_table = {
    .name = "names", .noun = "name", .id = 8, .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct name)},
    .key = {"label"},
    .indexes = indexes, .index_count = sizeof indexes / sizeof indexes[0],
};
