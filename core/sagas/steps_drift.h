#ifndef SETT_STEPS_DRIFT_H
#define SETT_STEPS_DRIFT_H
/* Steps about a finding of drift: the job's argument drift_id. All of them bring about what the
 * records want; none of them touches what has not our mark. */
#include "step.h"

/* ---- store ---- */

/* Mend: what the steps must know of the tenant, which must be one that runs or is suspended. */
step_store steps_drift_read_tenant;
/* Remove: that still no record wants the object, and what the removal must know. ERR_CONFLICT
 * "drift_wanted" if one does. */
step_store steps_drift_read_orphan;
/* The finding is gone. */
step_store steps_drift_mended;
/* Hook: a job that was turned round leaves the finding open. */
step_store steps_drift_ended;

/* ---- outside ---- */

/* The object goes, if it is there and bears our mark. */
step_outside steps_drift_remove;

/** steps_drift_without_stop(job): the tenant should run. */
bool steps_drift_without_stop(const struct job *job);

/** steps_drift_without_start(job): the tenant is suspended. */
bool steps_drift_without_start(const struct job *job);

/** steps_drift_without_answer(job): it is suspended or in maintenance. */
bool steps_drift_without_answer(const struct job *job);

/** steps_plan_drift_remove(job, out, size): the object that would go. 0, or -1: it does not fit. */
int steps_plan_drift_remove(const struct job *job, char *out, size_t size);

#endif
