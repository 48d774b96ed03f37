#ifndef SETT_BENEATH_H
#define SETT_BENEATH_H
/* Files below one folder's descriptor: no name leads out of it, through a link, or onto another
 * file system (openat2's RESOLVE_BENEATH, NO_SYMLINKS, NO_XDEV), and nothing that is there is
 * overwritten. */
#include <stdbool.h>
#include "digest.h"
#include "manifest.h"

/** beneath_open(folder, name, err): a regular file, for reading. ERR_NOT_FOUND. Return the
 * descriptor or -1. */
int beneath_open(int folder, const char *name, struct err *err);

/** beneath_create(folder, name, err): a new file, 0600, for writing; folders above it are made. One
 * that is there is ERR_CORRUPT. Return the descriptor or -1. */
int beneath_create(int folder, const char *name, struct err *err);

/** beneath_folder(folder, name, replace, err): a folder, 0700; fine if it is there. ${replace}:
 * whatever else has its name goes. Return 0 or -1. */
int beneath_folder(int folder, const char *name, bool replace, struct err *err);

/** beneath_remove(folder, name, err): with all below it; fine if it is not there. Return 0 or -1.
 */
int beneath_remove(int folder, const char *name, struct err *err);

/** beneath_link(folder, target, name, err): a second name for a regular file. Return 0 or -1. */
int beneath_link(int folder, const char *target, const char *name, struct err *err);

/** beneath_symlink(folder, line, own, err): line->name leads to line->target, whatever that is. 0
 * or -1. */
int beneath_symlink(int folder, const struct manifest_entry *line, bool own, struct err *err);

/** beneath_dress(fd, line, own, err): owner if ${own}, mode without set-id bits, time. 0 or -1. */
int beneath_dress(int fd, const struct manifest_entry *line, bool own, struct err *err);

/** beneath_dress_folder(folder, line, own, err): the same for the folder line->name. 0 or -1. */
int beneath_dress_folder(int folder, const struct manifest_entry *line, bool own, struct err *err);

/** beneath_hash(fd, size, digest, hash, block, block_size, err): by ${digest}, of a file that must
 * be ${size} long; ${block}: scratch. ERR_CORRUPT. Return 0 or -1. */
int beneath_hash(int fd, uint64_t size, struct digest *digest, uint8_t hash[32], char *block,
                 size_t block_size, struct err *err);

/** beneath_prune(folder, only, manifest, err): remove what ${manifest}, being read from its start,
 * does not name (within ${only}, if it is not NULL). Return 0 or -1. */
int beneath_prune(int folder, const char *only, struct manifest_reader *manifest, struct err *err);

#endif
