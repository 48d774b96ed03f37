#ifndef SETT_SNAPSHOT_SCHEDULE_H
#define SETT_SNAPSHOT_SCHEDULE_H
/*
 * When snapshots are made unasked: times of the day in the box's time zone. The box's own are the
 * setting snapshot.at and make one of the whole box; a plan's or a tenant's (backup_at) make one of
 * that tenant, besides. A tenant that says nothing has its plan's, "off" has none.
 */
#include <stdbool.h>
#include "conf.h"
#include "db.h"
#include "id.h"

#define SNAPSHOT_SCHEDULE_SIZE 152 /* 24 times, with commas between */

/** snapshot_schedule_check(text, err): "", "off", or "HH:MM" up to 24 times with commas between.
 * ERR_INVALID. Return 0 or -1. */
int snapshot_schedule_check(const char *text, struct err *err);

/** snapshot_schedule_latest(text, zone, now_ms): the latest of its times that is not after
 * ${now_ms} (wall), 0 if there is none. A time that a day does not have, as clocks go forward, is
 * when they have; one that it has twice is the first. */
int64_t snapshot_schedule_latest(const char *text, const char *zone, int64_t now_ms);

/** snapshot_schedule_next(text, zone, now_ms): the earliest of its times that lies ahead of
 * ${now_ms} (wall), 0 if there is none. */
int64_t snapshot_schedule_next(const char *text, const char *zone, int64_t now_ms);

/** snapshot_schedule_due(text, zone, last_ms, now_ms): whether a time of it lies behind ${last_ms},
 * when the last one was begun, and not behind ${now_ms}. However many were missed, it is due once.
 * A last one that is more than a day ahead was made by a clock that was wrong: it does not count.
 */
bool snapshot_schedule_due(const char *text, const char *zone, int64_t last_ms, int64_t now_ms);

/** snapshot_schedule_tenant(txn, zone, now_ms, tenant_id, err): the tenant whose own time has been
 * over longest, of those that are made and not deleted. Reads all tenants. Return 1, 0 if there is
 * none, or -1. */
int snapshot_schedule_tenant(struct txn *txn, const char *zone, int64_t now_ms,
                             char tenant_id[ID_SIZE], struct err *err);

#endif
