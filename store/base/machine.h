#ifndef SETT_MACHINE_H
#define SETT_MACHINE_H
/*
 * Which machine this is. A copy of a machine has the same files, and another machine-id: systemd
 * makes one where it finds none, and whoever clones takes it away (machine-id(5)).
 */
#include "err.h"
#include "paths.h"

#define MACHINE_SIZE 33 /* 32 hex digits */

/** machine_id(paths, out): a digest of etc/machine-id below the root, of ours alone: the id itself
 * is told to nobody. Return 1, or 0 (and "") when the machine has none. */
int machine_id(const struct paths *paths, char out[MACHINE_SIZE]);

/** machine_read(path, out): one that was written into a file. Return 1, or 0 (and ""). */
int machine_read(const char *path, char out[MACHINE_SIZE]);

/** machine_write(path, id, err): into a file, for machine_read. Return 0 or -1. */
int machine_write(const char *path, const char *id, struct err *err);

#endif
