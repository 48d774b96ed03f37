#ifndef SETT_RESTORE_ASKED_H
#define SETT_RESTORE_ASKED_H
/* A restore that was asked for over the API: taken up, and told of in a file that the web server
 * shows while the box does not answer. */
#include "restoring.h"

/** restore_asked(r, err): take the request that lies in run/restore, if there is one, and do it.
 * How it ends is told in the file of progress. Return 0 or -1. */
int restore_asked(struct restoring *r, struct err *err);

/** restore_asked_draw(arg, bytes, total): struct restore_stage.progress, of a struct restoring. 0.
 */
int restore_asked_draw(void *arg, uint64_t bytes, uint64_t total);

/** restore_asked_plan(r): what was found, and what would be lost. */
void restore_asked_plan(struct restoring *r);

/** restore_asked_strangers(r): whether keys that this box does not know may be believed on
 * somebody's word: always, unless it was asked for over the API and this box holds tenants. */
bool restore_asked_strangers(const struct restoring *r);

/** restore_asked_stage(r): how far it has come. */
void restore_asked_stage(const struct restoring *r);

#endif
