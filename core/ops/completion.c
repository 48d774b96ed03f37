/*
 * Rows for the three shells' scripts. Each writes its own language's quoting and nothing else; what
 * there is to say is command.h's.
 */
#include "completion.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "noun.h"
#include "str.h"

typedef void rows_fn(const struct help_command *more, struct buf *out);

/* Text between '…': in sh a quote ends it, stands by itself and begins it again. */
static void quoted(struct buf *out, const char *text, const char *quote)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            (void)buf_text(out, quote);
        else
            (void)buf_byte(out, *text);
    }
}

#define SH_QUOTE   "'\\''"
#define FISH_QUOTE "\\'"

static const char *about(const char *noun, const struct command *c)
{
    const struct noun_row *row = noun_find(noun);

    return row != NULL ? row->about : c->help;
}

/* "tenant" 'tenants: made, …' of each noun. */
static void sh_nouns(const struct help_command *more, struct buf *out)
{
    struct command c;

    for (size_t i = 0; command_at(more, i, &c); i++) {
        if (!command_first(more, i))
            continue;
        (void)buf_format(out, "        '%s:", c.noun);
        quoted(out, about(c.noun, &c), SH_QUOTE);
        (void)buf_text(out, "'\n");
    }
}

/* The verbs of each noun, as branches of a case: verbs=('show:Show a tenant' …). */
static void sh_verbs(const struct help_command *more, struct buf *out)
{
    struct command c, verb;

    for (size_t i = 0; command_at(more, i, &c); i++) {
        if (!command_first(more, i))
            continue;
        (void)buf_format(out, "    %s) verbs=(", c.noun);
        for (size_t j = i; command_at(more, j, &verb); j++)
            if (str_equal(verb.noun, c.noun) && verb.verb[0] != '\0') {
                (void)buf_format(out, "\n        '%s:", verb.verb);
                quoted(out, verb.help, SH_QUOTE);
                (void)buf_text(out, "'");
            }
        (void)buf_text(out, ") ;;\n");
    }
}

/* Options of the program that are worth offering with this command. */
static const char *globals(const struct command *c)
{
    if (c->op == NULL)
        return "";
    if (c->op->flags & OP_JOB)
        return " --dry-run:! --wait:! --no-wait:! --timeout:-";
    return c->op->flags & OP_PREVIEW ? " --dry-run:!" : "";
}

/* "tenant create") at='- @plan' options='--subdomain:- …' ;; */
static void bash_takes(const struct help_command *more, struct buf *out)
{
    struct command_slot *slots = calloc(COMMAND_SLOTS, sizeof *slots);
    struct command c;

    for (size_t i = 0; slots != NULL && command_at(more, i, &c); i++) {
        size_t n = command_slots(&c, slots);
        (void)buf_format(out, "    '%s') at='", c.words);
        for (size_t k = 0; k < n; k++)
            if (!slots[k].option)
                (void)buf_format(out, "%s ", slots[k].kind);
        (void)buf_text(out, "' options='");
        for (size_t k = 0; k < n; k++)
            if (slots[k].option)
                (void)buf_format(out, "%s:%s ", slots[k].name, slots[k].kind);
        (void)buf_format(out, "--help:!%s' ;;\n", globals(&c));
    }
    free(slots);
}

/* What zsh's _arguments does at a place of this kind: ":message:action". */
static void zsh_action(const struct command_slot *slot, struct buf *out)
{
    (void)buf_format(out, ":%s:", slot->option ? slot->value : slot->name);
    if (slot->kind[0] == '%') {
        (void)buf_text(out, "_files");
    } else if (slot->kind[0] == '@') {
        (void)buf_format(out, " _sett_names %s", slot->kind + 1);
    } else if (slot->kind[0] != '-') {
        (void)buf_text(out, "(");
        for (const char *p = slot->kind; *p != '\0'; p++)
            (void)buf_byte(out, *p == ',' ? ' ' : *p);
        (void)buf_text(out, ")");
    }
}

/* A description stands in brackets there. */
static void zsh_help(const char *text, struct buf *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '[' || *text == ']' || *text == ':' || *text == '\\')
            (void)buf_byte(out, '\\');
        if (*text == '\'')
            (void)buf_text(out, SH_QUOTE);
        else
            (void)buf_byte(out, *text);
    }
}

static void zsh_takes(const struct help_command *more, struct buf *out)
{
    struct command_slot *slots = calloc(COMMAND_SLOTS, sizeof *slots);
    struct command c;

    for (size_t i = 0; slots != NULL && command_at(more, i, &c); i++) {
        size_t n = command_slots(&c, slots);
        (void)buf_format(out, "    '%s') takes=(", c.words);
        for (size_t k = 0; k < n; k++) {
            (void)buf_text(out, "\n        '");
            if (slots[k].option) {
                bool flag = slots[k].kind[0] == '!';
                (void)buf_format(out, "%s%s[", slots[k].name, flag ? "" : "=");
                zsh_help(slots[k].help, out);
                (void)buf_text(out, "]");
                if (!flag)
                    zsh_action(&slots[k], out);
            } else {
                (void)buf_text(out, slots[k].required ? "" : ":");
                zsh_action(&slots[k], out);
            }
            (void)buf_text(out, "'");
        }
        if (c.op != NULL && (c.op->flags & (OP_JOB | OP_PREVIEW)))
            (void)buf_text(out, "\n        '--dry-run[say what would be done]'");
        if (c.op != NULL && (c.op->flags & OP_JOB))
            (void)buf_text(out, "\n        '--wait[watch the steps]' '--no-wait[only begin]'"
                                "\n        '--timeout=[most seconds to wait]:SECONDS:'");
        (void)buf_text(out, ") ;;\n");
    }
    free(slots);
}

/* A candidate and what it is, as fish takes them. */
static void fish_described(struct buf *out, const char *word, const char *help)
{
    (void)buf_format(out, "        printf '%%s\\t%%s\\n' '%s' '", word);
    quoted(out, help, FISH_QUOTE);
    (void)buf_text(out, "'\n");
}

static void fish_nouns(const struct help_command *more, struct buf *out)
{
    struct command c;

    for (size_t i = 0; command_at(more, i, &c); i++)
        if (command_first(more, i))
            fish_described(out, c.noun, about(c.noun, &c));
}

static void fish_verbs(const struct help_command *more, struct buf *out)
{
    struct command c, verb;

    for (size_t i = 0; command_at(more, i, &c); i++) {
        if (!command_first(more, i))
            continue;
        (void)buf_format(out, "    case %s\n", c.noun);
        for (size_t j = i; command_at(more, j, &verb); j++)
            if (str_equal(verb.noun, c.noun) && verb.verb[0] != '\0')
                fish_described(out, verb.verb, verb.help);
    }
}

/* '--subdomain:-:label below …' */
static void fish_option(struct buf *out, const char *name, const char *kind, const char *help)
{
    (void)buf_format(out, " '%s:%s:", name, kind);
    quoted(out, help, FISH_QUOTE);
    (void)buf_text(out, "'");
}

static void fish_takes(const struct help_command *more, struct buf *out)
{
    struct command_slot *slots = calloc(COMMAND_SLOTS, sizeof *slots);
    struct command c;

    for (size_t i = 0; slots != NULL && command_at(more, i, &c); i++) {
        size_t n = command_slots(&c, slots);
        (void)buf_format(out, "    case '%s'\n        set at", c.words);
        for (size_t k = 0; k < n; k++)
            if (!slots[k].option)
                (void)buf_format(out, " '%s'", slots[k].kind);
        (void)buf_text(out, "\n        set options");
        for (size_t k = 0; k < n; k++)
            if (slots[k].option)
                fish_option(out, slots[k].name, slots[k].kind, slots[k].help);
        if (c.op != NULL && (c.op->flags & (OP_JOB | OP_PREVIEW)))
            fish_option(out, "--dry-run", "!", "say what would be done");
        if (c.op != NULL && (c.op->flags & OP_JOB)) {
            fish_option(out, "--wait", "!", "watch the steps");
            fish_option(out, "--no-wait", "!", "only begin");
        }
        (void)buf_text(out, "\n");
    }
    free(slots);
}

int completion_rows(const char *shell, const char *part, const struct help_command *more,
                    struct buf *out, struct err *err)
{
    static const struct {
        const char *shell, *part;
        rows_fn *rows;
    } table[] = {
        {"bash", "NOUNS", sh_nouns},   {"bash", "VERBS", sh_verbs},   {"bash", "TAKES", bash_takes},
        {"zsh", "NOUNS", sh_nouns},    {"zsh", "VERBS", sh_verbs},    {"zsh", "TAKES", zsh_takes},
        {"fish", "NOUNS", fish_nouns}, {"fish", "VERBS", fish_verbs}, {"fish", "TAKES", fish_takes},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (str_equal(table[i].shell, shell) && str_equal(table[i].part, part)) {
            table[i].rows(more, out);
            return out->failed ? err_set(err, ERR_TOO_LARGE, "too_large", "the script is too long")
                               : 0;
        }
    return err_field(err, "shell", "unknown_word", "the shell must be one of: bash, zsh, fish");
}
