/*
 * Settings: the table of what was set in the store, and the layering of store, file and default.
 * The rows of what can be set stand in setting_rows.c.
 */
#include "setting.h"

const char *const setting_origin_names[] = {"default", "conf", "store", NULL};

static const struct field rows[] = {
    FIELD(struct setting, name, FIELD_TEXT, .help = "as in ports.ranges"),
    FIELD(struct setting, value, FIELD_TEXT, .help = "what was set"),
    FIELD(struct setting, actor, FIELD_TEXT, .help = "who set it"),
    FIELD(struct setting, updated_at, FIELD_TIME, .help = "set at"),
};

const struct table setting_table = {
    .name = "settings", .noun = "setting", .id = 19, .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct setting)},
    .key = {"name"},
};
