/*
 * Settings: the table of what was set in the store, and the layering of store, file and default.
 * The rows of what can be set stand in setting_rows.c.
 */
#include "setting.h"

#include "str.h"

#include <string.h>

const char *const setting_origin_names[] = {"default", "conf", "store", NULL};

static const struct field rows[] = {
    FIELD(struct setting, name, FIELD_TEXT, .help = "as in ports.ranges"),
    FIELD(struct setting, value, FIELD_TEXT, .help = "what was set"),
    FIELD(struct setting, actor, FIELD_TEXT, .help = "who set it"),
    FIELD(struct setting, updated_at, FIELD_TIME, .help = "set at"),
};

const struct table setting_table = {
    .name = "settings",
    .noun = "setting",
    .id = 19,
    .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct setting)},
    .key = {"name"},
    .feed = {.object = "setting"},
};

const struct setting_row *setting_row_find(const char *name)
{
    for (size_t i = 0; i < setting_row_count; i++)
        if (str_equal(setting_rows[i].name, name))
            return &setting_rows[i];
    return NULL;
}

/* Whether a value is one that a row takes. */
static int value_check(const struct setting_row *row, const char *value, struct err *err)
{
    uint64_t n = 0;

    switch (row->type) {
    case FIELD_U64:
        if (str_u64(value, row->min, row->max, &n) != 0)
            return err_field(err, "value", "setting_invalid",
                             "%s is a number from %llu to %llu, not \"%s\"", row->name,
                             (unsigned long long)row->min, (unsigned long long)row->max, value);
        return 0;
    case FIELD_BOOL:
        if (!str_equal(value, "true") && !str_equal(value, "false"))
            return err_field(err, "value", "setting_invalid", "%s is true or false, not \"%s\"",
                             row->name, value);
        return 0;
    default:
        if (strlen(value) >= sizeof((struct setting *)0)->value)
            return err_field(err, "value", "setting_invalid", "%s is too long", row->name);
        if (!str_utf8(value, strlen(value)))
            return err_field(err, "value", "setting_invalid", "%s is not UTF-8", row->name);
        for (const char *p = value; *p != '\0'; p++)
            if ((unsigned char)*p < 0x20 || *p == 0x7f)
                return err_field(err, "value", "setting_invalid",
                                 "%s must not have control characters", row->name);
        return row->check != NULL ? row->check(value, err) : 0;
    }
}

/* The value of sett.conf: "a.b" is b in section [a]. NULL if it is not there. */
static const char *conf_value(const struct conf *conf, const char *name)
{
    char section[32];
    const char *dot = strchr(name, '.');

    if (conf == NULL || dot == NULL ||
        str_copy_n(section, sizeof section, name, (size_t)(dot - name)) != 0)
        return NULL;
    return conf_get(conf, section, dot + 1);
}

int setting_text(struct txn *txn, const struct conf *conf, const char *name, char *out, size_t size,
                 struct err *err)
{
    const struct setting_row *row = setting_row_find(name);
    struct setting stored;
    const char *value = NULL;
    int origin = SETTING_DEFAULT;
    int found = 0;

    if (row == NULL)
        return err_set(err, ERR_INTERNAL, "setting_unknown", "there is no setting %s", name);
    memset(&stored, 0, sizeof stored);
    if (txn != NULL) {
        (void)str_copy(stored.name, sizeof stored.name, name);
        found = record_get(txn, &setting_table, &stored, err);
        if (found < 0)
            return -1;
    }
    if (found > 0) {
        value = stored.value;
        origin = SETTING_STORE;
    } else {
        value = conf_value(conf, name);
        if (value != NULL)
            origin = SETTING_CONF;
        else
            value = row->otherwise;
    }
    if (str_copy(out, size, value) != 0)
        return err_set(err, ERR_INTERNAL, "setting_too_long", "the setting %s is too long", name);
    return origin;
}

uint64_t setting_u64(struct txn *txn, const struct conf *conf, const char *name)
{
    const struct setting_row *row = setting_row_find(name);
    char text[512];
    uint64_t n = 0;

    if (row == NULL)
        return 0;
    if (setting_text(txn, conf, name, text, sizeof text, NULL) >= 0 &&
        str_u64(text, row->min, row->max, &n) == 0)
        return n;
    (void)str_u64(row->otherwise, 0, UINT64_MAX, &n);
    return n;
}

int setting_check(const char *name, const char *value, struct err *err)
{
    const struct setting_row *row = setting_row_find(name);

    if (row == NULL)
        return err_set(err, ERR_NOT_FOUND, "setting_not_found", "there is no setting %s", name);
    return value_check(row, value, err);
}

int setting_set(struct txn *txn, const char *name, const char *value, const char *actor,
                struct err *err)
{
    const struct setting_row *row = setting_row_find(name);
    struct setting stored;

    if (row == NULL)
        return err_set(err, ERR_NOT_FOUND, "setting_not_found", "there is no setting %s", name);
    memset(&stored, 0, sizeof stored);
    (void)str_copy(stored.name, sizeof stored.name, name);
    if (value[0] == '\0')
        return record_delete(txn, &setting_table, &stored, err) < 0 ? -1 : 0;
    if (value_check(row, value, err) != 0)
        return -1;
    (void)str_copy(stored.value, sizeof stored.value, value);
    (void)str_copy(stored.actor, sizeof stored.actor, actor);
    stored.updated_at = txn_time_ms(txn);
    return record_put(txn, &setting_table, &stored, err);
}

/* Sections of sett.conf that programs read for themselves, before there is a store. */
static bool section_elsewhere(const char *section)
{
    static const char *const sections[] = {"front", "hands", "outside", "web"};

    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (str_equal(section, sections[i]))
            return true;
    return false;
}

int setting_conf_check(const struct conf *conf, struct err *err)
{
    for (uint32_t i = 0; i < conf->count; i++) {
        const struct conf_row *line = &conf->rows[i];
        const struct setting_row *row = NULL;
        struct err cause;
        char name[128];

        if (str_format(name, sizeof name, "%s.%s", line->section, line->name) == 0)
            row = setting_row_find(name);
        if (row == NULL && section_elsewhere(line->section))
            continue;
        if (row == NULL)
            return err_set(err, ERR_INVALID, "conf_unknown",
                           "line %d: there is no setting %s in [%s]", line->line, line->name,
                           line->section);
        if (value_check(row, line->value, &cause) != 0)
            return err_set(err, ERR_INVALID, "conf_invalid", "line %d: %s", line->line, cause.text);
    }
    return 0;
}
