/*
 * Labels below the box's domain. Apart because a name outlives the tenant that had it: it may be
 * held by an order that is not paid yet, and it rests after its tenant is gone.
 */
#include "name.h"

#include "name_reserved.h"
#include "str.h"

#include <string.h>

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
    {.name = "until", .id = 178, .sparse = true, .fields = {"until"}},
};

const struct table name_table = {
    .name = "names",
    .noun = "name",
    .id = 8,
    .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct name)},
    .key = {"label"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
};

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

enum fault { EMPTY, TOO_LONG, FIRST, PUNYCODE, LAST, HYPHENS, CHARACTERS };
static const struct name_fault faults[] = {
    [EMPTY] = {"empty", "is empty"},
    [TOO_LONG] = {"too_long", "is longer than 30 characters"},
    [FIRST] = {"first_letter", "does not begin with a letter from a to z"},
    [PUNYCODE] = {"punycode", "begins with xn--"},
    [LAST] = {"last_hyphen", "ends with a hyphen"},
    [HYPHENS] = {"two_hyphens", "has two hyphens in a row"},
    [CHARACTERS] = {"characters", "has other characters than a to z, 0 to 9 and single hyphens"},
};

const struct name_fault *name_fault(const char *label)
{
    size_t len = strlen(label);

    if (len == 0)
        return &faults[EMPTY];
    if (len > NAME_LABEL_MAX)
        return &faults[TOO_LONG];
    if (!is_letter(label[0]))
        return &faults[FIRST];
    if (str_starts(label, "xn--"))
        return &faults[PUNYCODE];
    if (label[len - 1] == '-')
        return &faults[LAST];
    for (size_t i = 0; i < len; i++) {
        if (label[i] == '-' && label[i + 1] == '-')
            return &faults[HYPHENS];
        if (!is_letter(label[i]) && !is_digit(label[i]) && label[i] != '-')
            return &faults[CHARACTERS];
    }
    return NULL;
}

const char *name_shape(const char *label)
{
    const struct name_fault *fault = name_fault(label);

    return fault == NULL ? NULL : fault->text;
}

int name_check(const char *label, struct err *err)
{
    const char *fault = name_shape(label);

    if (fault != NULL)
        return err_field(err, "subdomain", "name_invalid", "the name \"%.64s\" %s", label, fault);
    if (name_is_reserved(label))
        return err_field(err, "subdomain", "name_reserved", "the name \"%s\" is reserved", label);
    return 0;
}

int name_take(struct txn *txn, const char *label, const char *owner_id, int64_t until,
              struct err *err)
{
    int64_t now = txn_time_ms(txn);
    struct name name;

    memset(&name, 0, sizeof name);
    if (str_copy(name.label, sizeof name.label, label) != 0)
        return name_check(label, err);
    int found = record_get(txn, &name_table, &name, err);
    if (found < 0)
        return -1;
    if (found > 0 && !str_equal(name.owner_id, owner_id) && (name.until == 0 || name.until > now)) {
        (void)err_set(err, ERR_CONFLICT, "name_taken", "the name \"%s\" is %s %s", label,
                      name.state == NAME_RESTING ? "resting, it was that of" : "taken by",
                      name.owner_id);
        if (err != NULL)
            (void)str_copy(err->field, sizeof err->field, "subdomain");
        return -1;
    }
    if (found == 0 || !str_equal(name.owner_id, owner_id))
        name.created_at = now;
    name.state = NAME_HELD;
    name.until = until;
    if (str_copy(name.owner_id, sizeof name.owner_id, owner_id) != 0)
        return err_set(err, ERR_INTERNAL, "name_owner", "the owner's id is too long");
    return record_put(txn, &name_table, &name, err);
}

int name_owner(struct txn *txn, const char *label, char owner_id[ID_SIZE], struct err *err)
{
    struct name name;

    memset(&name, 0, sizeof name);
    if (str_copy(name.label, sizeof name.label, label) != 0 || label[0] == '\0')
        return 0;
    int found = record_get(txn, &name_table, &name, err);
    if (found <= 0)
        return found;
    if (name.until != 0 && name.until <= txn_time_ms(txn))
        return 0;
    (void)str_copy(owner_id, ID_SIZE, name.owner_id);
    return 1;
}

int name_give(struct txn *txn, const char *label, const char *owner_id, int64_t rest_until,
              struct err *err)
{
    struct name name;

    memset(&name, 0, sizeof name);
    if (str_copy(name.label, sizeof name.label, label) != 0 || label[0] == '\0')
        return 0;
    int found = record_get(txn, &name_table, &name, err);
    if (found < 0)
        return -1;
    if (found == 0 || !str_equal(name.owner_id, owner_id))
        return 0;
    if (rest_until <= txn_time_ms(txn))
        return record_delete(txn, &name_table, &name, err) < 0 ? -1 : 0;
    name.state = NAME_RESTING;
    name.until = rest_until;
    return record_put(txn, &name_table, &name, err);
}
