/* What the command line says of itself: the commands by noun, and what a mistyped one may have meant. */
#include <string.h>

#include "cli.h"
#include "str.h"

#define WORD_MAX 64

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
        char *dot;
        if (str_copy(known, sizeof known, op->name) == -1)
            continue;
        if ((dot = strchr(known, '.')) != NULL)
            *dot = ' ';
        consider(out, size, &best, typed, known);
    }
}

/* "tenant create" of "tenant.create", or NULL for an operation that is only an HTTP endpoint. */
static bool command_words(char *out, size_t size, const struct op *op)
{
    char *dot;

    if (str_copy(out, size, op->name) == -1 || (dot = strchr(out, '.')) == NULL)
        return false;
    *dot = ' ';
    return !(op->flags & OP_RAW) && !str_starts(op->name, "auth.");
}

void cli_usage(const struct cli *cli, FILE *out, const char *noun)
{
    char words[WORD_MAX];
    size_t len = noun == NULL ? 0 : strlen(noun);

    if (noun == NULL)
        fprintf(out, "sett %s: one box that sells and runs software\n\n"
                     "Usage: sett [--root FOLDER] NOUN VERB [ARGUMENTS]\n\n", SETT_VERSION);
    for (const struct cli_command *c = cli->commands; c->noun != NULL; c++)
        if (noun == NULL || str_equal(c->noun, noun)) {
            (void)str_format(words, sizeof words, "%s %s", c->noun, c->verb ? c->verb : "");
            fprintf(out, "  %-24s %s\n", words, c->help);
        }
    for (const struct op *op = op_next(NULL); op != NULL; op = op_next(op))
        if (command_words(words, sizeof words, op) &&
            (noun == NULL || (strncmp(op->name, noun, len) == 0 && op->name[len] == '.')))
            fprintf(out, "  %-24s %s\n", words, op->help);
    fprintf(out, "\nOptions everywhere: --json, -o table|json|plain, --quiet, --dry-run, --wait, "
                 "--no-wait,\n  --timeout SECONDS, --confirm=NAME, --no-input, --no-color, --help. "
                 "Exit: 0 ok, 1 failed,\n  2 usage, 3 not found, 4 not allowed, 5 conflict, "
                 "6 timed out waiting.\n");
}
