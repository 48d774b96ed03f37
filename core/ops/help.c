/* Help, completions and the manual's list of commands. Apart from the command line because they are
 * a view of the table of operations, as the OpenAPI document is. */
#include "help.h"

#include "params.h"
#include "str.h"

#include <string.h>

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
    if (op->flags & OP_PREVIEW)
        (void)buf_text(out, " --dry-run says what it would do and changes nothing.");
    (void)buf_text(out, "\n");
}

/* A command as the scripts need it, whether it is the caller's own or a row of the table. */
struct command {
    const struct op *op;     /* NULL: the caller's own */
    const char *help, *verb; /* verb: "" for a noun alone */
    char words[64], noun[64];
};

/* The i-th of all commands: first the caller's, then the rows. Return false beyond the last. */
static bool command_at(const struct help_command *more, size_t i, struct command *c)
{
    const struct op *op = NULL;
    size_t len;

    memset(c, 0, sizeof *c);
    for (; more != NULL && more->words != NULL && i > 0; more++)
        i--;
    if (more != NULL && more->words != NULL) {
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

/* Whether no command before the i-th has its noun. */
static bool first_of_noun(const struct help_command *more, size_t i)
{
    struct command c, before;

    if (!command_at(more, i, &c))
        return false;
    for (size_t j = 0; j < i; j++)
        if (command_at(more, j, &before) && str_equal(before.noun, c.noun))
            return false;
    return true;
}

/* Whether the option is offered: what the path holds is given by its place. */
static bool offered(const struct field *f)
{
    return !(f->flags & (FIELD_INTERNAL | FIELD_PATH));
}

/* The verbs of each noun, as branches of a case. */
static void bash_verbs(const struct help_command *more, struct buf *out)
{
    struct command c, verb;

    for (size_t i = 0; command_at(more, i, &c); i++) {
        if (!first_of_noun(more, i))
            continue;
        (void)buf_format(out, "        %s) words=\"", c.noun);
        for (size_t j = i; command_at(more, j, &verb); j++)
            if (str_equal(verb.noun, c.noun) && verb.verb[0] != '\0')
                (void)buf_format(out, "%s ", verb.verb);
        (void)buf_text(out, "\" ;;\n");
    }
}

/* Only what zsh's bashcompinit understands as well. */
static void bash(const struct help_command *more, struct buf *out)
{
    struct command c;
    char option[96];

    (void)buf_text(out, "_sett()\n{\n    local now=\"${COMP_WORDS[COMP_CWORD]}\" words=\"\"\n"
                        "    case \"$COMP_CWORD\" in\n    1) words=\"");
    for (size_t i = 0; command_at(more, i, &c); i++)
        if (first_of_noun(more, i))
            (void)buf_format(out, "%s ", c.noun);
    (void)buf_text(out, "\" ;;\n    2)\n        case \"${COMP_WORDS[1]}\" in\n");
    bash_verbs(more, out);
    (void)buf_text(out, "        esac ;;\n    *)\n"
                        "        case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n");
    for (size_t i = 0; command_at(more, i, &c); i++) {
        if (c.op == NULL)
            continue;
        (void)buf_format(out, "        \"%s\") words=\"--help", c.words);
        for (size_t n = 0; c.op->params != NULL && n < c.op->params->count; n++) {
            if (!offered(&c.op->params->at[n]))
                continue;
            option_name(&c.op->params->at[n], option, sizeof option);
            (void)buf_format(out, " %s", option);
        }
        (void)buf_text(out, "\" ;;\n");
    }
    (void)buf_text(out, "        esac ;;\n    esac\n"
                        "    COMPREPLY=( $(compgen -W \"$words\" -- \"$now\") )\n}\n"
                        "complete -F _sett sett\n");
}

static void fish_described(struct buf *out, const char *word, const char *help)
{
    (void)buf_format(out, " -a %s -d '", word);
    for (const char *c = help; *c != '\0'; c++)
        (void)buf_format(out, *c == '\'' || *c == '\\' ? "\\%c" : "%c", *c);
    (void)buf_text(out, "'\n");
}

static void fish(const struct help_command *more, struct buf *out)
{
    struct command c;
    char option[96];

    for (size_t i = 0; command_at(more, i, &c); i++) {
        if (c.verb[0] == '\0') {
            (void)buf_text(out, "complete -c sett -f -n __fish_use_subcommand");
            fish_described(out, c.noun, c.help);
            continue;
        }
        if (first_of_noun(more, i))
            (void)buf_format(out, "complete -c sett -f -n __fish_use_subcommand -a %s\n", c.noun);
        (void)buf_format(out, "complete -c sett -f -n '__fish_seen_subcommand_from %s'", c.noun);
        fish_described(out, c.verb, c.help);
        for (size_t n = 0; c.op != NULL && c.op->params != NULL && n < c.op->params->count; n++) {
            if (!offered(&c.op->params->at[n]))
                continue;
            option_name(&c.op->params->at[n], option, sizeof option);
            (void)buf_format(out,
                             "complete -c sett -n '__fish_seen_subcommand_from %s; and "
                             "__fish_seen_subcommand_from %s' -l %s\n",
                             c.noun, c.verb, option + 2);
        }
    }
}

int help_completion(const char *shell, const struct help_command *more, struct buf *out,
                    struct err *err)
{
    if (str_equal(shell, "bash")) {
        bash(more, out);
    } else if (str_equal(shell, "zsh")) { /* zsh reads bash's */
        (void)buf_text(out, "#compdef sett\nautoload -U +X bashcompinit && bashcompinit\n");
        bash(more, out);
    } else if (str_equal(shell, "fish")) {
        fish(more, out);
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
