#ifndef SETT_STEPS_BRING_H
#define SETT_STEPS_BRING_H
/*
 * A snapshot's file, and those it builds on, from a vault into a folder of the worker's, for a
 * restore of the whole box. Arguments: vault_id, file. Nothing of it is opened here.
 */
#include "step.h"

#define BRING_VAULT "vault_id"
#define BRING_FILE  "file"
#define BRING_PHASE "fetch" /* of backup_progress */

extern const struct saga saga_box_bring; /* "box.bring" */

#endif
