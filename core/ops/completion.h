#ifndef SETT_COMPLETION_H
#define SETT_COMPLETION_H
/*
 * What a shell completes, from the rows: the nouns, their verbs, and what each command takes. The
 * scripts around it are files (appliance/completions); here is what is put into them.
 */
#include "help.h"

/** completion_rows(shell, part, more, out, err): append what stands in the place of ${part} in the
 * script for ${shell} ("bash", "zsh", "fish"): "NOUNS", "VERBS" or "TAKES". ${more}: commands that
 * are no operations. ERR_INVALID for another shell or part, ERR_TOO_LARGE. Return 0 or -1. */
int completion_rows(const char *shell, const char *part, const struct help_command *more,
                    struct buf *out, struct err *err);

#endif
