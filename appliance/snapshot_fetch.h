#ifndef SETT_SNAPSHOT_FETCH_H
#define SETT_SNAPSHOT_FETCH_H
/* From what somebody calls a snapshot to a file on this machine. */
#include "cli.h"

struct snapshot_fetched {
    char path[600];   /* the file; those it builds on lie beside it */
    char folder[600]; /* made for it, to be removed; "": the file was here */
};

/** snapshot_fetch(cli, what, chain, out, err): ${what} is a file, or number or id of one of the
 * box's snapshots, which is fetched from a vault into a private folder, with ${chain} those it
 * builds on as well. Return 0 or -1; snapshot_fetched_remove in any case. */
int snapshot_fetch(struct cli *cli, const char *what, bool chain, struct snapshot_fetched *out,
                   struct err *err);

/** snapshot_fetch_into(cli, what, chain, folder, out, err): a number or an id, into ${folder}, to
 * stay there. Return 0 or -1. */
int snapshot_fetch_into(struct cli *cli, const char *what, bool chain, const char *folder,
                        struct snapshot_fetched *out, struct err *err);

/** snapshot_fetched_remove(f): what was fetched. Fine for one that is all zero. */
void snapshot_fetched_remove(struct snapshot_fetched *f);

#endif
