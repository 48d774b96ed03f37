#ifndef SETT_SUPERVISOR_SYSTEMD_H
#define SETT_SUPERVISOR_SYSTEMD_H
/*
 * The supervisor that is systemd: instances of a template unit that the package ships
 * (sett-tunnel@.service), through systemctl(1) and journalctl(1). The unit's argv is the template's
 * affair. Units are started without waiting for their READY=1 (cloudflared says it only once it is
 * connected to the edge): "running" is active, activating, or waiting for what the unit comes after
 * (the network, at a boot). A unit that failed and waits for its next try is not running.
 */
#include "supervisor.h"

/** supervisor_systemd_new(out, systemctl, journalctl, err): paths of the two programs, NULL for
 * /usr/bin's. Return 0 or -1. */
int supervisor_systemd_new(struct supervisor *out, const char *systemctl, const char *journalctl,
                           struct err *err);

/** supervisor_systemd_free(s): the units go on. */
void supervisor_systemd_free(struct supervisor *s);

/** supervisor_systemd_parse(text, out): the output of `systemctl show` for the properties
 * LoadState, ActiveState, SubState, MainPID, NRestarts and ExecMainStatus, and, where they say
 * anything, Job and ActiveEnterTimestamp (as @seconds). Return 0, or -1 when one of the first six
 * is missing. */
int supervisor_systemd_parse(char *text, struct supervisor_status *out);

#endif
