#ifndef SETT_WEB_MADE_H
#define SETT_WEB_MADE_H
/* For which settings the configuration of the web server in front was made, and whether they are
 * others by now: a lookup for the doctor, and for the worker, who has it made anew. */
#include "conf.h"
#include "db.h"

struct web_made {
    char name[64], was[512], is[512]; /* the first setting that differs; is: its value now */
    char now[2048];                   /* all values now, a line each, cut where they are too long */
};

/** web_made_differs(txn, conf, note, made, err): ${note}: struct paths' web_note as it was read,
 * with a row "for.SETTING" for each. Return 1 (${made} says what), 0 or -1. */
int web_made_differs(struct txn *txn, const struct conf *conf, const struct conf *note,
                     struct web_made *made, struct err *err);

#endif
