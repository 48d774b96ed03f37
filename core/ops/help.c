/* Help, completions and the manual's list of commands. Apart from the command line because they are
 * a view of the table of operations, as the OpenAPI document is. */
#include "help.h"

#include "params.h"
#include "str.h"

void help_words(const struct op *op, char *out, size_t size)
{
    out[0] = '\0';
    if ((op->flags & OP_RAW) || strchr(op->name, '.') == NULL || str_starts(op->name, "auth."))
        return;
    (void)str_copy(out, size, op->name);
    for (char *p = out; *p != '\0'; p++)
        if (*p == '.')
            *p = ' ';
}

/* "--starting-after" of starting_after; a secret comes from a file. */
static void option_name(const struct field *f, char *out, size_t size)
{
    (void)str_format(out, size, "--%s%s", f->name, f->flags & FIELD_SECRET ? "-file" : "");
    for (char *p = out; *p != '\0'; p++)
        if (*p == '_')
            *p = '-';
}

/* Given by its place: those of the path, then what is required. */
static bool positional(const struct field *f)
{
    return (f->flags & (FIELD_PATH | FIELD_REQUIRED)) && !(f->flags & FIELD_SECRET);
}

static const char *value_word(const struct field *f)
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

static void usage(const struct op *op, struct buf *out)
{
    char words[64];
    bool options = false;

    help_words(op, words, sizeof words);
    (void)buf_format(out, "sett %s", words);
    for (size_t i = 0; op->params != NULL && i < op->params->count; i++) {
        const struct field *f = &op->params->at[i];
        if (positional(f))
            (void)buf_format(out, " %s", f->name);
        else if (!(f->flags & FIELD_INTERNAL))
            options = true;
    }
    if (options)
        (void)buf_text(out, " [options]");
}

static void names(const struct field *f, struct buf *out)
{
    for (size_t i = 0; f->names != NULL && f->names[i] != NULL; i++)
        (void)buf_format(out, "%s%s", i == 0 ? ": " : ", ", f->names[i]);
}

void help_text(const struct op *op, struct buf *out)
{
    char words[64], option[96];

    help_words(op, words, sizeof words);
    (void)buf_format(out, "%s.\n\nUsage: ", op->help);
    usage(op, out);
    (void)buf_text(out, "\n");
    for (size_t i = 0; op->params != NULL && i < op->params->count; i++) {
        const struct field *f = &op->params->at[i];
        if (f->flags & FIELD_INTERNAL)
            continue;
        option_name(f, option, sizeof option);
        if (positional(f))
            (void)str_copy(option, sizeof option, f->name);
        (void)buf_format(out, "  %-22s %-13s %s", option, positional(f) ? "" : value_word(f),
                         f->help);
        names(f, out);
        (void)buf_text(out, "\n");
    }
    if (op->example[0] != '\0')
        (void)buf_format(out, "\nExample:\n  sett %s %s\n", words, op->example);
    (void)buf_format(out, "\nOver the API it needs the role %s.", role_names[op->role]);
    if (op->flags & OP_JOB)
        (void)buf_text(out, " It starts a job: --dry-run shows its steps and changes nothing, "
                            "--wait watches them.");
    (void)buf_text(out, "\n");
}

/* Whether no row before this one has its noun. */
static bool first_of_noun(const struct op *op)
{
    const struct op *at = NULL;
    size_t len = strcspn(op->name, ".") + 1;

    while ((at = op_next(at)) != op)
        if (strncmp(at->name, op->name, len) == 0)
            return false;
    return true;
}

/* Each command with its options, as the shells want them. */
static void bash(struct buf *out)
{
    const struct op *op = NULL;
    char words[64], option[96];

    (void)buf_text(out, "_sett()\n{\n    local now=${COMP_WORDS[COMP_CWORD]} words=\n"
                        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words=\"");
    while ((op = op_next(op)) != NULL) {
        help_words(op, words, sizeof words);
        if (words[0] != '\0' && first_of_noun(op))
            (void)buf_format(out, "%.*s ", (int)strcspn(words, " "), words);
    }
    (void)buf_text(out, "\"\n    else\n        case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n");
    while ((op = op_next(op)) != NULL) {
        help_words(op, words, sizeof words);
        if (words[0] == '\0')
            continue;
        (void)buf_format(out, "        \"%s\") words=\"--help", words);
        for (size_t i = 0; op->params != NULL && i < op->params->count; i++) {
            if (op->params->at[i].flags & (FIELD_INTERNAL | FIELD_PATH))
                continue;
            option_name(&op->params->at[i], option, sizeof option);
            (void)buf_format(out, " %s", option);
        }
        (void)buf_text(out, "\" ;;\n");
    }
    while ((op = op_next(op)) != NULL) {
        help_words(op, words, sizeof words);
        if (words[0] != '\0')
            (void)buf_format(out, "        \"%.*s \"*) words=\"$words %s\" ;;&\n",
                             (int)strcspn(words, " "), words, words + strcspn(words, " ") + 1);
    }
    (void)buf_text(out, "        esac\n    fi\n"
                        "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$now\")\n}\n"
                        "complete -F _sett sett\n");
}

static void fish(struct buf *out)
{
    const struct op *op = NULL;
    char words[64], option[96];

    while ((op = op_next(op)) != NULL) {
        int noun;
        const char *verb;
        help_words(op, words, sizeof words);
        if (words[0] == '\0')
            continue;
        noun = (int)strcspn(words, " ");
        verb = words + noun + 1;
        if (first_of_noun(op))
            (void)buf_format(out, "complete -c sett -f -n __fish_use_subcommand -a %.*s\n", noun,
                             words);
        (void)buf_format(out,
                         "complete -c sett -f -n '__fish_seen_subcommand_from %.*s' -a %s -d '",
                         noun, words, verb);
        for (const char *c = op->help; *c != '\0'; c++)
            (void)buf_format(out, *c == '\'' ? "\\%c" : "%c", *c);
        (void)buf_text(out, "'\n");
        for (size_t i = 0; op->params != NULL && i < op->params->count; i++) {
            if (op->params->at[i].flags & (FIELD_INTERNAL | FIELD_PATH))
                continue;
            option_name(&op->params->at[i], option, sizeof option);
            (void)buf_format(out,
                             "complete -c sett -n '__fish_seen_subcommand_from %.*s; and "
                             "__fish_seen_subcommand_from %s' -l %s\n",
                             noun, words, verb, option + 2);
        }
    }
}

int help_completion(const char *shell, struct buf *out, struct err *err)
{
    if (str_equal(shell, "bash")) {
        bash(out);
    } else if (str_equal(shell, "zsh")) { /* zsh reads bash's */
        (void)buf_text(out, "#compdef sett\nautoload -U +X bashcompinit && bashcompinit\n");
        bash(out);
    } else if (str_equal(shell, "fish")) {
        fish(out);
    } else {
        return err_field(err, "shell", "unknown_word", "the shell must be one of: bash, zsh, fish");
    }
    return out->failed ? err_set(err, ERR_TOO_LARGE, "too_large", "the script is too long") : 0;
}

/* Text for man(7): a backslash, a minus and a leading dot or quote mean something there. */
static void roff(struct buf *out, const char *text)
{
    if (*text == '.' || *text == '\'')
        (void)buf_text(out, "\\&");
    for (; *text != '\0'; text++) {
        if (*text == '\\')
            (void)buf_text(out, "\\e");
        else if (*text == '-')
            (void)buf_text(out, "\\-");
        else
            (void)buf_byte(out, *text);
    }
}

void help_manual(struct buf *out)
{
    const struct op *op = NULL;
    char words[64], option[96];
    struct buf line;

    buf_init(&line, 4096);
    (void)buf_text(out, ".SH COMMANDS\n");
    while ((op = op_next(op)) != NULL) {
        help_words(op, words, sizeof words);
        if (words[0] == '\0')
            continue;
        buf_reset(&line);
        usage(op, &line);
        (void)buf_text(out, ".SS \"");
        roff(out, buf_string(&line));
        (void)buf_text(out, "\"\n");
        roff(out, op->help);
        (void)buf_text(out, ".\n");
        for (size_t i = 0; op->params != NULL && i < op->params->count; i++) {
            const struct field *f = &op->params->at[i];
            if (f->flags & FIELD_INTERNAL)
                continue;
            option_name(f, option, sizeof option);
            (void)buf_text(out, ".TP\n.B ");
            roff(out, positional(f) ? f->name : option);
            (void)buf_text(out, "\n");
            roff(out, f->help);
            buf_reset(&line);
            names(f, &line);
            roff(out, buf_string(&line));
            (void)buf_text(out, "\n");
        }
        if (op->example[0] != '\0') {
            (void)buf_format(out, ".P\n.RS\n.nf\nsett %s ", words);
            roff(out, op->example);
            (void)buf_text(out, "\n.fi\n.RE\n");
        }
    }
    buf_free(&line);
}
