#ifndef SETT_HELP_H
#define SETT_HELP_H
/* What the rows say to people: help of the command line, completions, manual. All from the table,
 * so that none of them can name what is not there. */
#include "op.h"

/** help_words(op, out, size): "tenant create" of tenant.create; "" for what is only an endpoint. */
void help_words(const struct op *op, char *out, size_t size);

/** help_text(op, out): what `sett tenant create --help` shows. */
void help_text(const struct op *op, struct buf *out);

/** help_completion(shell, out): a completion script for "bash", "zsh" or "fish". ERR_INVALID for
 * another one. Return 0 or -1. */
int help_completion(const char *shell, struct buf *out, struct err *err);

/** help_manual(out): the section COMMANDS of sett(1), in man(7). */
void help_manual(struct buf *out);

#endif
