#ifndef SETT_FOLDER_H
#define SETT_FOLDER_H
/* Folders of tenants: below a folder that is ours, owned by somebody who may be hostile. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"

/** folder_bytes(path, out, err): what lies on disk at and below ${path}, following no link and
 * entering no mount. A folder that is not there has 0. Return 0 or -1. */
int folder_bytes(const char *path, uint64_t *out, struct err *err);

/** folder_make(path, name, uid, err): the folder ${path} (0700), and below it ${name} unless it is
 * NULL, owned by user and group ${uid} (0: left as they are). Fine if there; a link in its place is
 * ERR_CONFLICT. The folder above ${path} must be there. Return 0 or -1. */
int folder_make(const char *path, const char *name, uint32_t uid, struct err *err);

/** folder_ours(path, mode, err): the folder ${path} is there and, itself and no link, whoever's
 * this process is: where others may write above it they may have been there first. ERR_CONFLICT if
 * not. Return 0 or -1. */
int folder_ours(const char *path, unsigned mode, struct err *err);

/** folder_give(path, uid, gid, err): all that belongs to the owner of the folder ${path} at and
 * below it belongs to user ${uid} and group ${gid} from now on, links themselves and not what they
 * lead to; what is somebody else's stays so. No mount is entered; a folder that is not there is
 * fine. Return 0 or -1. */
int folder_give(const char *path, uint32_t uid, uint32_t gid, struct err *err);

/** folder_find_other(path, known, arg, out, size, err): the first entry of the folder ${path} whose
 * name has no dot in front and is none that ${known} knows, into ${out}. Return 1, 0 if there is
 * none or no such folder, -1. */
int folder_find_other(const char *path, bool (*known)(const void *arg, const char *name),
                      const void *arg, char *out, size_t size, struct err *err);

/** folder_let_through(top, path, err): let everybody pass (not look) through the folders from
 * ${top} down to ${path}, both included, if they do not. ${path} must be below ${top}. Return 0 or
 * -1. */
int folder_let_through(const char *top, const char *path, struct err *err);

#endif
