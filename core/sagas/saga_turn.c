/* The sagas of TURN keys. Apart from tunnels because media goes another way than pages do. */
#include "sagas.h"

#include "steps.h"

#define COUNT(a_) (uint32_t)(sizeof(a_) / sizeof(a_)[0])
#define PATIENT   STEP_ATTEMPTS_ENDLESS

/* A step is a row, not a column. */
/* clang-format off */
static const struct step create[] = {
    {.name = "read", .title = "Read what is there", .apply = steps_turn_read, .flags = STEP_QUIET},
    {.name = "key", .title = "Create the TURN key", .make = steps_turn_make,
     .undo = steps_turn_undo, .settle = steps_turn_settle, .unsettle = steps_turn_unsettle,
     .plan = steps_plan_turn},
    {.name = "active", .title = "Note that it is active", .apply = steps_turn_active},
};
const struct saga saga_turn_create = {
    .name = "turn.create", .title = "Create a TURN key", .subject = "turn",
    .steps = create, .step_count = COUNT(create), .ended = steps_turn_job_ended,
    .keep_on_fail = true,
};

static const struct step delete[] = {
    {.name = "deleting", .title = "Note that it is being deleted", .apply = steps_turn_deleting,
     .flags = STEP_PIVOT},
    {.name = "unkey", .title = "Delete the TURN key", .make = steps_turn_undo,
     .plan = steps_plan_turn, .attempts = PATIENT},
    {.name = "deleted", .title = "Note that it is gone", .apply = steps_turn_deleted},
};
const struct saga saga_turn_delete = {
    .name = "turn.delete", .title = "Delete a TURN key", .subject = "turn",
    .steps = delete, .step_count = COUNT(delete), .ended = steps_turn_job_ended,
    .keep_on_fail = true,
};
