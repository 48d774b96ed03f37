/*
 * The saga of a snapshot. Apart from its steps, so that what happens when is on this page.
 */
#include "backup.h"

#include "steps_bring.h"
#include "steps_check.h"
#include "steps_keys.h"
#include "steps_remove.h"
#include "steps_restore.h"
#include "steps_snapshot.h"

#define COUNT(a_) (uint32_t)(sizeof(a_) / sizeof(a_)[0])

/* A step is a row, not a column. */
/* clang-format off */
static const struct step create[] = {
    {.name = "begin", .title = "Give it a number, and what it builds on",
     .apply = steps_snapshot_begin},
    {.name = "write", .title = "Write it, and read it back", .make = steps_snapshot_write,
     .undo = steps_snapshot_unwrite, .prepare = steps_snapshot_key,
     .settle = steps_snapshot_written, .plan = steps_snapshot_plan_write, .attempts = 3},
    {.name = "send", .title = "Put it into every vault", .make = steps_snapshot_send,
     .undo = steps_snapshot_unsend, .plan = steps_snapshot_plan_send, .attempts = 6},
    {.name = "done", .title = "Note where it is", .apply = steps_snapshot_done,
     .flags = STEP_PIVOT},
    {.name = "clear", .title = "Clear away what was written here", .make = steps_snapshot_clear},
};
static const struct saga saga_snapshot_create = {
    .name = "snapshot.create", .title = "Make a snapshot", .subject = "snapshots",
    .steps = create, .step_count = COUNT(create), .ended = steps_snapshot_ended,
};
/* clang-format on */

const struct saga *const backup_sagas[] = {
    &saga_snapshot_create, &saga_snapshot_remove, &saga_snapshot_check,
    &saga_key_signing,     &saga_key_vault,       &saga_key_web,
    &saga_tenant_restore,  &saga_restore_commit,  &saga_box_bring};
const size_t backup_saga_count = sizeof backup_sagas / sizeof backup_sagas[0];
