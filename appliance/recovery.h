#ifndef SETT_RECOVERY_H
#define SETT_RECOVERY_H
/* Recovery secrets at the command line. */
#include <stdint.h>
#include "cli.h"

/** recovery_read(path, secret, err): from a file that only its owner can read, or "-": standard
 * input. It has the secret's text, or that of enough shares, a line each; other lines are passed
 * over. Return 0 or -1. */
int recovery_read(const char *path, uint8_t secret[32], struct err *err);

/** recovery_keep(cli, name, path, err): make an identity, write its secret into a new private file
 * ${path}, and note its public half as ${name}. Return 0 or -1. */
int recovery_keep(struct cli *cli, const char *name, const char *path, struct err *err);

/** recovery_call(cli, op, words, err): run an operation of recovery keys, with parameters as name,
 * value, ... NULL; its answer is thrown away. Return 0 or -1. */
int recovery_call(struct cli *cli, const char *op, const char *const *words, struct err *err);

#endif
