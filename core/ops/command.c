/* The commands as people see them. Apart from help, completions and manual because all three walk
 * the same list and must agree about it. */
#include "command.h"

#include <string.h>

#include "noun.h"
#include "str.h"

void command_option(const struct field *f, char *out, size_t size)
{
    (void)str_format(out, size, "--%s%s", f->name, f->flags & FIELD_SECRET ? "-file" : "");
    for (char *p = out; *p != '\0'; p++)
        if (*p == '_')
            *p = '-';
}

/* Those of the path, then what is required. */
bool command_place(const struct field *f)
{
    return (f->flags & (FIELD_PATH | FIELD_REQUIRED)) && !(f->flags & FIELD_SECRET);
}

const char *command_value(const struct field *f)
{
    switch (f->type) {
    case FIELD_BOOL:
        return "[true|false]";
    case FIELD_U32:
    case FIELD_U64:
    case FIELD_I64:
        return "NUMBER";
    case FIELD_TIME:
        return "TIME";
    case FIELD_ENUM:
        return "WORD";
    case FIELD_KV:
        return "NAME=VALUE";
    case FIELD_TEXT:
    case FIELD_ID:
    case FIELD_BYTES:
    case FIELD_SEALED:
        break;
    }
    return f->flags & FIELD_SECRET ? "FILE" : "TEXT";
}

bool command_at(const struct help_command *more, size_t i, struct command *c)
{
    const struct op *op = NULL;
    size_t len;

    memset(c, 0, sizeof *c);
    for (; more != NULL && more->words != NULL && i > 0; more++)
        i--;
    if (more != NULL && more->words != NULL) {
        c->own = more;
        c->help = more->help;
        if (str_copy(c->words, sizeof c->words, more->words) == -1)
            return false;
    }
    while (c->words[0] == '\0') {
        if ((op = op_next(op)) == NULL)
            return false;
        help_words(op, c->words, sizeof c->words);
        if (c->words[0] != '\0' && i-- > 0)
            c->words[0] = '\0';
    }
    if ((c->op = op) != NULL)
        c->help = op->help;
    len = strcspn(c->words, " ");
    (void)str_copy_n(c->noun, sizeof c->noun, c->words, len);
    c->verb = c->words + len + (c->words[len] == ' ');
    return true;
}

bool command_first(const struct help_command *more, size_t i)
{
    struct command c, before;

    if (!command_at(more, i, &c))
        return false;
    for (size_t j = 0; j < i; j++)
        if (command_at(more, j, &before) && str_equal(before.noun, c.noun))
            return false;
    return true;
}

/* "own,shared" of the words that an enumeration has. */
static void join(const char *const *names, char *out, size_t size)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; names[i] != NULL; i++) {
        if (names[i][0] == '\0' ||
            str_format(out + len, size - len, "%s%s", len == 0 ? "" : ",", names[i]) == -1)
            continue;
        len += strlen(out + len);
    }
}

static void slot_of_field(const struct op *op, const struct field *f, struct command_slot *slot)
{
    const char *noun = noun_named(op, f);

    slot->option = !command_place(f);
    slot->required = (f->flags & (FIELD_REQUIRED | FIELD_PATH)) != 0;
    slot->help = f->help == NULL ? "" : f->help;
    (void)str_copy(slot->kind, sizeof slot->kind, "-");
    if (slot->option)
        command_option(f, slot->name, sizeof slot->name);
    else
        (void)str_copy(slot->name, sizeof slot->name, f->name);
    (void)str_copy(slot->value, sizeof slot->value, command_value(f));
    if (f->type == FIELD_BOOL)
        (void)str_copy(slot->kind, sizeof slot->kind, "!");
    else if (f->type == FIELD_ENUM)
        join(f->names, slot->kind, sizeof slot->kind);
    else if (f->flags & FIELD_SECRET)
        (void)str_copy(slot->kind, sizeof slot->kind, "%");
    else if (noun != NULL)
        (void)str_format(slot->kind, sizeof slot->kind, "@%s", noun);
}

static size_t slots_of_op(const struct op *op, struct command_slot *out)
{
    size_t n = 0;

    for (unsigned round = 0; round < 2 && op->params != NULL; round++)
        for (size_t i = 0; i < op->params->count && n < COMMAND_SLOTS; i++) {
            const struct field *f = &op->params->at[i];
            if (!(f->flags & FIELD_INTERNAL) && command_place(f) == (round == 0))
                slot_of_field(op, f, &out[n++]);
        }
    return n;
}

/* What a word of a line of usage stands for: "FILE", "ID|FILE", "own|shared". ${of}: what it is the
 * id of, if it is one. */
static void kind_of_word(const char *of, const char *word, char *out, size_t size)
{
    const struct noun_row *row = noun_find(of);
    char noun[96];

    (void)str_copy(out, size, "-");
    (void)str_copy(noun, sizeof noun, word);
    str_lower(noun);
    if (row == NULL || (!str_starts(word, "ID") && word[1] != '\0'))
        row = noun_find(noun);
    if (str_ends(word, "FILE") || str_equal(word, "FOLDER")) {
        (void)str_copy(out, size, "%");
    } else if (row != NULL && row->shown != NULL) {
        (void)str_format(out, size, "@%s", row->noun);
    } else if (word[0] >= 'a' && word[0] <= 'z' && strchr(word, '|') != NULL) {
        (void)str_copy(out, size, word);
        for (char *p = out; *p != '\0'; p++)
            if (*p == '|')
                *p = ',';
    }
}

/* "--to", "--confirm=export": an option of a line of usage. Whether its value is the next word. */
static bool usage_option(const char *word, bool more, struct command_slot *slot)
{
    size_t len = strcspn(word, "=");

    slot->option = true;
    (void)str_copy_n(slot->name, sizeof slot->name, word, len);
    (void)str_copy(slot->kind, sizeof slot->kind, "!");
    if (word[len] == '\0')
        return more;
    (void)str_copy(slot->value, sizeof slot->value, word + len + 1);
    (void)str_copy(slot->kind, sizeof slot->kind, word + len + 1);
    return false;
}

static void usage_value(const char *word, struct command_slot *slot)
{
    (void)str_copy(slot->value, sizeof slot->value, word);
    kind_of_word(slot->name + 2, word, slot->kind, sizeof slot->kind);
    if (str_ends(slot->name, "-file"))
        (void)str_copy(slot->kind, sizeof slot->kind, "%");
}

static bool met(const struct command_slot *slots, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (str_equal(slots[i].name, name))
            return true;
    return false;
}

/* The slots of "FILE --to VAULT [--signer KEY] [--quick]": the value of an option stands behind it.
 * Words in small letters that are no choice are other forms of it; what follows "sett" is one, too,
 * of which only the options count. */
static size_t slots_of_usage(const struct command *c, struct command_slot *out)
{
    const char *p = c->own->usage == NULL ? "" : c->own->usage;
    struct command_slot *open = NULL; /* an option that waits for its value */
    bool later = false;
    size_t n = 0;

    while (*(p += strspn(p, " \n[.|")) != '\0' && n < COMMAND_SLOTS) {
        size_t len = strcspn(p, " \n]");
        bool ends = p[len] != ' ' || strchr("|[-", p[len + 1]) != NULL;
        bool optional = p > c->own->usage && p[-1] == '[';
        char word[96];

        if (str_copy_n(word, sizeof word, p, len) == -1)
            break;
        p += len + strspn(p + len, "]");
        later = later || str_equal(word, "sett");
        if (open != NULL) {
            usage_value(word, open);
            n += !met(out, n, open->name);
            open = NULL;
            continue;
        }
        out[n] = (struct command_slot){.required = !optional && !later, .help = ""};
        if (str_starts(word, "--")) {
            open = usage_option(word, !ends, &out[n]) ? &out[n] : NULL;
            out[n].help = help_option(c->own->options, c->words, out[n].name);
            n += open == NULL && !met(out, n, out[n].name);
        } else if (!later && ((word[0] >= 'A' && word[0] <= 'Z') || strchr(word, '|') != NULL)) {
            (void)str_copy(out[n].name, sizeof out[n].name, word);
            kind_of_word(c->noun, word, out[n].kind, sizeof out[n].kind);
            n++;
        }
    }
    return n;
}

size_t command_slots(const struct command *c, struct command_slot *out)
{
    memset(out, 0, COMMAND_SLOTS * sizeof *out);
    return c->op != NULL ? slots_of_op(c->op, out) : slots_of_usage(c, out);
}
