/*
 * What the command line says of itself: the commands by noun, and what a mistyped one may have
 * meant. Apart from running them; what it says of operations is core/ops/help.h's.
 */
#include <string.h>

#include "cli.h"
#include "help.h"
#include "str.h"

#define WORD_MAX 64
#define PAGE_MAX (1u << 20)

/* Levenshtein's distance, bounded: what is longer than WORD_MAX is far from everything. */
static size_t distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1], n = strlen(a), m = strlen(b);

    if (n > WORD_MAX || m > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[m];
}

static void consider(char *out, size_t size, size_t *best, const char *typed, const char *known)
{
    size_t d = distance(typed, known);

    if (d < *best && d <= 3) {
        *best = d;
        (void)str_copy(out, size, known);
    }
}

void cli_suggest(const struct cli *cli, char *out, size_t size, const char *noun, const char *verb)
{
    char typed[2 * WORD_MAX], known[2 * WORD_MAX];
    size_t best = WORD_MAX;

    out[0] = '\0';
    if (str_format(typed, sizeof typed, "%s%s%s", noun, verb ? " " : "", verb ? verb : "") == -1)
        return;
    for (const struct cli_command *c = cli->commands; c->noun != NULL; c++)
        if (str_format(known, sizeof known, "%s%s%s", c->noun, c->verb ? " " : "",
                       c->verb ? c->verb : "") == 0)
            consider(out, size, &best, typed, known);
    for (const struct op *op = op_next(NULL); op != NULL; op = op_next(op)) {
        help_words(op, known, sizeof known);
        if (known[0] != '\0')
            consider(out, size, &best, typed, known);
    }
}

bool cli_noun(const struct cli *cli, const char *noun)
{
    size_t len = strlen(noun);

    for (const struct cli_command *c = cli->commands; c->noun != NULL; c++)
        if (str_equal(c->noun, noun))
            return true;
    for (const struct op *op = op_next(NULL); op != NULL; op = op_next(op))
        if (strncmp(op->name, noun, len) == 0 && op->name[len] == '.')
            return true;
    return false;
}

/* Whether a command stands before the operation of these words. */
static bool shadowed(const struct cli *cli, const char *words)
{
    char own[WORD_MAX];

    for (const struct cli_command *c = cli->commands; c->noun != NULL; c++)
        if (str_format(own, sizeof own, "%s %s", c->noun, c->verb ? c->verb : "") == 0 &&
            str_equal(own, words))
            return true;
    return false;
}

/* The commands of one noun: the program's own, then the operations. */
static void usage_of(const struct cli *cli, FILE *out, const char *noun, size_t len)
{
    char words[WORD_MAX];

    for (const struct cli_command *c = cli->commands; c->noun != NULL; c++)
        if (strlen(c->noun) == len && strncmp(c->noun, noun, len) == 0) {
            (void)str_format(words, sizeof words, "%s %s", c->noun, c->verb ? c->verb : "");
            fprintf(out, "  %-24s %s\n", words, c->help);
        }
    for (const struct op *op = op_next(NULL); op != NULL; op = op_next(op))
        if (strncmp(op->name, noun, len) == 0 && op->name[len] == '.') {
            help_words(op, words, sizeof words);
            if (words[0] != '\0' && !shadowed(cli, words))
                fprintf(out, "  %-24s %s\n", words, op->help);
        }
}

/* Whether this command's or operation's noun was met before it, in the order of usage_all(). */
static bool met_before(const struct cli *cli, const void *this, const char *noun, size_t len)
{
    for (const struct cli_command *c = cli->commands; c->noun != NULL && c != this; c++)
        if (strlen(c->noun) == len && strncmp(c->noun, noun, len) == 0)
            return true;
    for (const struct cli_command *c = cli->commands; c->noun != NULL; c++)
        if (c == this)
            return false;
    for (const struct op *op = op_next(NULL); op != NULL && op != this; op = op_next(op))
        if (strncmp(op->name, noun, len) == 0 && op->name[len] == '.')
            return true;
    return false;
}

/* All commands, those of a noun together. */
static void usage_all(const struct cli *cli, FILE *out)
{
    for (const struct cli_command *c = cli->commands; c->noun != NULL; c++)
        if (!met_before(cli, c, c->noun, strlen(c->noun)))
            usage_of(cli, out, c->noun, strlen(c->noun));
    for (const struct op *op = op_next(NULL); op != NULL; op = op_next(op))
        if (!met_before(cli, op, op->name, strcspn(op->name, ".")))
            usage_of(cli, out, op->name, strcspn(op->name, "."));
}

void cli_usage(const struct cli *cli, FILE *out, const char *noun)
{
    if (noun == NULL) {
        fprintf(out,
                "sett %s: one box that sells and runs software\n\n"
                "Usage: sett [--root FOLDER] NOUN VERB [ARGUMENTS]\n\n",
                SETT_VERSION);
        usage_all(cli, out);
    } else
        usage_of(cli, out, noun, strlen(noun));
    fprintf(out, "\nOptions everywhere: --json, -o table|json|plain, --quiet, --dry-run, --wait, "
                 "--no-wait,\n  --timeout SECONDS, --confirm=NAME, --no-input, --no-color, --help. "
                 "Exit: 0 ok, 1 failed,\n  2 usage, 3 not found, 4 not allowed, 5 conflict, "
                 "6 timed out waiting, 130 interrupted.\n");
}

void cli_help(const struct op *op)
{
    struct buf b;

    buf_init(&b, PAGE_MAX);
    help_text(op, &b);
    (void)fputs(buf_string(&b), stdout);
    buf_free(&b);
}
