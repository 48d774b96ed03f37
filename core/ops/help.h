#ifndef SETT_HELP_H
#define SETT_HELP_H
/* What the rows say to people: help of the command line, completions, manual. All from the table,
 * so that none of them can name what is not there. */
#include "op.h"

/** help_words(op, out, size): "tenant create" of tenant.create; "" for what is only an endpoint.
 * ${out} holds it whole: 64 bytes are enough for every row. */
void help_words(const struct op *op, char *out, size_t size);

/** help_text(op, out): append what `sett tenant create --help` shows. */
void help_text(const struct op *op, struct buf *out);

/* A command that is no operation: "db dump", "run". */
struct help_command {
    const char *words, *help;
};

/** help_completion(shell, more, out, err): a completion script for "bash", "zsh" or "fish": the
 * operations and the commands of ${more}, which ends with one without words (NULL: none).
 * ERR_INVALID for another shell, ERR_TOO_LARGE. Return 0 or -1. */
int help_completion(const char *shell, const struct help_command *more, struct buf *out,
                    struct err *err);

/** help_manual(out): append the section COMMANDS of sett(1), in man(7). */
void help_manual(struct buf *out);

#endif
