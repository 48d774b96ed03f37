#ifndef SETT_CHILD_H
#define SETT_CHILD_H
/* Programs that a command about the machine runs: systemctl, ssh-keygen, and sett itself, for what
 * gives up root. */
#include "cli.h"

#define CHILD_WORDS 32

/** child_run(argv, timeout_s, out, err): run ${argv}, whose end is NULL, and collect what it says.
 * A code other than 0 is an error with its last words. Return 0 or -1. */
int child_run(const char *const *argv, uint32_t timeout_s, struct buf *out, struct err *err);

/** child_quiet(argv, timeout_s, err): the same, what it says being thrown away. Return 0 or -1. */
int child_quiet(const char *const *argv, uint32_t timeout_s, struct err *err);

/** child_sett(cli, words, timeout_s, out, err): this program with other words, about the same box.
 * Return 0 or -1. */
int child_sett(const struct cli *cli, const char *const *words, uint32_t timeout_s, struct buf *out,
               struct err *err);

/** child_knows(cli, noun, verb): whether this program has that command. */
bool child_knows(const struct cli *cli, const char *noun, const char *verb);

#endif
