#ifndef SETT_PROCESS_APART_H
#define SETT_PROCESS_APART_H
/*
 * Programs as transient units of systemd's: on an installed box the hands stand behind walls
 * (appliance/systemd/sett-hands.service) that a child of theirs would inherit, and neither a
 * container nor a tenant's program could live behind those. systemd-run(1) is given a name, limits
 * and "sett-hands --launch PLAN" as the command, which reads the plan's file and becomes what it
 * says. So no argument and no password of a tenant stands in a unit, where every user can read it,
 * and logs are opened as carefully as ever (process_log.h).
 *
 * The units lie in sett-tenants.slice. What of a unit's processes is left when its first one ends,
 * systemd kills.
 */
#include "process_launch.h"

#define PROCESS_APART_NAME   100
#define PROCESS_APART_FOLDER "/run/sett-hands" /* root's alone; RuntimeDirectory= of the unit */

/** process_apart_name(out, folder, name): "sett-process-12", the unit of program ${name} whose plan
 * lies in ${folder}. Return 0 or -1. */
int process_apart_name(char out[PROCESS_APART_NAME], const char *folder, const char *name);

/** process_apart_start(p, unit, file, mark, pid, err): start ${p}, which is written to ${file}, as
 * ${unit}, with ${mark} as SETT_UNIT. What has failed under that name is forgotten, and what is
 * left of it stopped. *${pid} is its process, a leader of its session; 0: it has ended already, and
 * process_apart_end knows how. Return 0 or -1. */
int process_apart_start(const struct process_plan *p, const char *unit, const char *file,
                        const char *mark, pid_t *pid, struct err *err);

/** process_apart_end(unit): after its process has ended: what else it began is killed, the unit
 * forgotten. Return its exit code, 128 + n after signal n; 0 also where systemd calls the signal a
 * clean end; -1 when systemd does not say. */
int process_apart_end(const char *unit);

/** process_apart_run(p, timeout_s, out, exit_code, err): as process_run. */
int process_apart_run(const struct process_plan *p, uint32_t timeout_s, struct buf *out,
                      int *exit_code, struct err *err);

/** process_apart_launch(file): what `sett-hands --launch FILE` is: become the program of that plan,
 * whose output goes to the plan's log. Return the exit code of having failed: 127 when there was
 * nothing to execute. */
int process_apart_launch(const char *file);

#endif
