#ifndef SETT_HISTORY_WRITE_H
#define SETT_HISTORY_WRITE_H
/*
 * Writing the history: one transaction a minute for the box and all tenants together, in which
 * ended periods are folded and old rows go. The environment is made when it is missing and made
 * anew when it is broken: what was remembered is lost then, and nothing else.
 */
#include "history.h"

struct history_minute {
    int64_t at; /* any time in it */
    struct history_box box;
    const struct history_tenant *tenants; /* by rising number */
    size_t count;
};

/** history_write(h, folder, like, minute, err): ${h} reads ${folder}; a new folder gets the group
 * of ${like} (the store's). A minute that was written before is replaced. ERR_FULL when the disk is
 * nearly full: the store needs the rest of it. Return 0 or -1. */
int history_write(struct history *h, const char *folder, const char *like,
                  const struct history_minute *minute, struct err *err);

#endif
