#ifndef SETT_RESTORE_VAULT_H
#define SETT_RESTORE_VAULT_H
/* A snapshot out of a vault onto a machine that has no box, and so no record of the vault. */
#include "err.h"
#include "paths.h"

struct restore_vault {
    const char *address; /* a folder, https://host/bucket/prefix, sftp://user@host/path; or NULL */
    const char *region, *access_key, *host_key, *secret_file; /* as the vault wants them, or NULL */
    char folder[PATHS_SIZE + 32];                             /* what was fetched; "": nothing */
    char path[PATHS_SIZE + 192]; /* of it, the one that was asked for */
};

/** restore_vault_fetch(v, paths, what, err): the snapshot of a whole box that ${what} names (its
 * number, its file, "newest" or NULL), and all that it builds on, into a folder of root's own
 * beside live/. Return 0 or -1; restore_vault_end in any case. */
int restore_vault_fetch(struct restore_vault *v, const struct paths *paths, const char *what,
                        struct err *err);

/** restore_vault_end(v): what was fetched goes. */
void restore_vault_end(struct restore_vault *v);

#endif
