#ifndef SETT_STEPS_MOVE_H
#define SETT_STEPS_MOVE_H
/*
 * The steps of tenant.move. The job's facts are those of the new place; what belongs to the old one
 * stands in the facts that begin with old_.
 */
#include "step.h"

/* ---- store ---- */

/* Read the tenant, which must run, and note where it is. */
step_store steps_move_read;
/* A second port. Revert: it goes back, noted as foreign when that is why. */
step_store steps_move_reserve, steps_move_unreserve;
/* The tenant is at its new place; from here on there is no way back. */
step_store steps_move_moved;
/* The old port goes back. */
step_store steps_move_freed;
/* Hook: the tenant's further tunnels follow; after a failure the cause is noted. */
step_store steps_move_ended;

/* What leads to it leads to where it now is. */
step_store steps_move_settle;

/** steps_move_within(job): the same container goes from one machine to another. */
bool steps_move_within(const struct job *job);

/** steps_move_between(job): a new one takes the place of the old. */
bool steps_move_between(const struct job *job);

/* ---- outside ---- */

/* May it go there? Chooses the blueprint. Changes nothing. */
step_outside steps_move_target;

/** steps_move_uncreated(job): nothing of it can be made while the old one runs: a process, whose
 * folder is its own the moment it is made. */
bool steps_move_uncreated(const struct job *job);

/* The new one is made and not started, and taken away with what it holds left alone. */
step_outside steps_move_create, steps_move_uncreate;
/* Visitors get the page of maintenance. */
step_outside steps_move_pause;
/* The old one; unstop waits until it answers, if it did before. */
step_outside steps_move_stop, steps_move_unstop, steps_move_clear;
/* The container itself, there and back; unmigrate waits as unstop does. */
step_outside steps_move_migrate, steps_move_unmigrate;
/* The new one, to which the files belong from now on. */
step_outside steps_move_start, steps_move_unstart;

#endif
