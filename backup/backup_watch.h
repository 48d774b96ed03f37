#ifndef SETT_BACKUP_WATCH_H
#define SETT_BACKUP_WATCH_H
/*
 * What the box does about its snapshots unasked: one each day at snapshot.at (one that was missed
 * is made up for), what no rule keeps removed one by one, all copies looked at each day, one read
 * whole each month, a drill each week; and the alarms.
 */
#include "backup.h"

/** backup_watch_start(world, err): on a thread that lives as long as the process does. 0 or -1. */
int backup_watch_start(struct backup_world *world, struct err *err);

/** backup_watch_jumped(wall_ms, mono_ms): whether the wall clock moved by more than a day more or
 * less than the monotonic one did, so far apart: then nothing is removed. */
bool backup_watch_jumped(int64_t wall_ms, int64_t mono_ms);

#endif
