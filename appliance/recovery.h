#ifndef SETT_RECOVERY_H
#define SETT_RECOVERY_H
/* Recovery secrets at the command line. */
#include <stdint.h>
#include "cli.h"
#include "recovery_text.h"

/** recovery_read(path, secret, err): from a file that only its owner can read, or "-": standard
 * input, as recovery_take and recovery_join do. Return 0 or -1. */
int recovery_read(const char *path, uint8_t secret[32], struct err *err);

/** recovery_passphrase(path, out, size, err): the first line of a file that only its owner can
 * read, or "-": standard input. Return 0 or -1. */
int recovery_passphrase(const char *path, char *out, size_t size, struct err *err);

/** recovery_keep(cli, name, path, err): make an identity, write its secret into a new private file
 * ${path}, and note its public half as ${name}. Return 0 or -1. */
int recovery_keep(struct cli *cli, const char *name, const char *path, struct err *err);

/** recovery_call(cli, op, words, err): run an operation of recovery keys, with parameters as name,
 * value, ... NULL; its answer is thrown away. Return 0 or -1. */
int recovery_call(struct cli *cli, const char *op, const char *const *words, struct err *err);

#endif
