#ifndef SETT_DRILL_H
#define SETT_DRILL_H
/*
 * Proving that a snapshot restores: fetched from its vault, with all that it builds on, opened with
 * the file keys that the box still has, unpacked aside, each file compared, the store opened and
 * every value in it checked.
 */
#include "backup.h"
#include "snapshot.h"
#include "snapshot_round.h"

/** drill_vault(world, vault, drill, err): the newest snapshot of the box in this vault. ${drill} is
 * filled but for its id; nothing is stored. Takes as long as it takes. Return 1, 0 if there is
 * nothing to drill, or -1 (drill->problem says so as well). */
int drill_vault(struct backup_world *world, const struct vault_place *vault, struct drill *drill,
                struct err *err);

/** drill_note(context, drill, corrupt, err): the result into the records: the drill, the copy and
 * the snapshot, and the alert about this vault. ${corrupt}: what failed was the copy itself, and
 * not the way to it. Return 0 or -1. */
int drill_note(const struct saga_context *context, const struct drill *drill, bool corrupt,
               struct err *err);

#endif
