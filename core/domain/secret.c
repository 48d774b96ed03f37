/* Secrets by name, sealed. Apart from settings because they are written by one program and
 * read by another, and never shown. */
#include "setting.h"

static const struct field rows[] = {
    FIELD(struct secret, name, FIELD_TEXT, .help = "as in cloudflare.token"),
    FIELD(struct secret, value, FIELD_SEALED, .help = "never shown"),
    FIELD(struct secret, updated_at, FIELD_TIME, .help = "set at"),
};

const struct table secret_table = {
    .name = "secrets", .noun = "secret", .id = 20, .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct secret)},
    .key = {"name"},
};
