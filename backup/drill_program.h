#ifndef SETT_DRILL_PROGRAM_H
#define SETT_DRILL_PROGRAM_H
/*
 * That what was restored in a drill is alive: one tenant's program started on it and asked. It gets
 * a number that no tenant has, a port of loopback, a database of its own, no tunnel and no name
 * that leads to it, and is gone again when it has answered or has not.
 */
#include "backup.h"
#include "chain_fetch.h"
#include "snapshot_round.h"

/** drill_program(world, fetch, made_at, drill): the smallest of the tenants that run, were there
 * when the snapshot was made (${made_at}) and whose files are in ${fetch}. ${drill}: program (how
 * it went), program_tenant_id, program_ms, program_note. Takes as long as that program may take to
 * start. */
void drill_program(struct backup_world *world, const struct chain_fetch *fetch, int64_t made_at,
                   struct drill *drill);

/** drill_program_sweep(world): at the start of a worker: what a crash left of one goes. Return 0, or
 * -1: it is to be tried again. */
int drill_program_sweep(struct backup_world *world);

#endif
