#ifndef SETT_FILE_H
#define SETT_FILE_H
/* Files, the careful way: whole reads with a limit, writes that are there or are not. */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "buf.h"
#include "err.h"

/** file_read(path, out, err): append the whole file to ${out}, whose max is the limit
 * (ERR_TOO_LARGE). A missing file is ERR_NOT_FOUND. Return 0 or -1. */
int file_read(const char *path, struct buf *out, struct err *err);

/** file_write(path, data, len, mode, err): replace in one step: a new file beside it, fsync,
 * rename, fsync of the folder. Return 0 or -1, the old content then being whole. */
int file_write(const char *path, const void *data, size_t len, mode_t mode, struct err *err);

/** file_write_soon(path, data, len, mode, err): as file_write, without waiting for the disk: for
 * what may be lost by a power cut, which can also leave the file empty. Return 0 or -1. */
int file_write_soon(const char *path, const void *data, size_t len, mode_t mode, struct err *err);

/** file_mkdirs(path, mode, err): make the folder and those above it; fine if there. 0 or -1. */
int file_mkdirs(const char *path, mode_t mode, struct err *err);

/** file_exists(path): whether something is there. */
bool file_exists(const char *path);

/** file_sync_folder(path, err): fsync a folder, so that names in it last. Return 0 or -1. */
int file_sync_folder(const char *path, struct err *err);

/** file_remove_tree(path, err): remove a folder with everything below, never following a link and
 * never leaving the file system. Fine if it is not there. Return 0 or -1. */
int file_remove_tree(const char *path, struct err *err);

/** file_private(path, err): -1 (ERR_FORBIDDEN) when group or others may read ${path}. */
int file_private(const char *path, struct err *err);

/** file_write_all(fd, data, len): write through short writes and EINTR. Return 0, or -1 and errno.
 */
int file_write_all(int fd, const void *data, size_t len);

#endif
