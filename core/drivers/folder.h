#ifndef SETT_FOLDER_H
#define SETT_FOLDER_H
/* Folders of tenants: below a folder that is ours, owned by somebody who may be hostile. */
#include <stdint.h>
#include "err.h"

/** folder_bytes(path, out, err): what lies on disk at and below ${path}, following no link and
 * entering no mount. A folder that is not there has 0. Return 0 or -1. */
int folder_bytes(const char *path, uint64_t *out, struct err *err);

/** folder_make(path, name, uid, err): the folder ${path} (0700), and below it ${name} unless it is
 * NULL, owned by user and group ${uid} (0: left as they are). Fine if there; a link in its place is
 * ERR_CONFLICT. The folder above ${path} must be there. Return 0 or -1. */
int folder_make(const char *path, const char *name, uint32_t uid, struct err *err);

#endif
