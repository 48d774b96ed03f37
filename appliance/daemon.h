#ifndef SETT_DAEMON_H
#define SETT_DAEMON_H
/* What the three daemons do alike before they do anything of their own. */
#include "err.h"
#include "paths.h"

/** daemon_close_in(): nothing that this process holds may be gained or dumped: no new privileges,
 * no core, no tracer; files for owner and group alone (umask 0007); few memory arenas. */
void daemon_close_in(void);

/** daemon_become_owner(paths, err): with --root, root becomes the owner of that folder, with none
 * of root's groups. Nothing on an installed box, where the service manager has chosen the user, for
 * anybody else, and where the folder is root's own. Return 0 or -1. */
int daemon_become_owner(const struct paths *paths, struct err *err);

/** daemon_signals(fd, err): from now on SIGTERM, SIGINT and SIGHUP come through ${fd} (signalfd(2),
 * non-blocking), what they mean being the caller's affair, and SIGPIPE is ignored. Before any
 * thread is started. Return 0 or -1. */
int daemon_signals(int *fd, struct err *err);

/** daemon_waiting(): for hold_enter's ${waiting}, behind daemon_signals: still alive; and when this
 * program was told to end meanwhile it ends, since it has begun nothing. */
void daemon_waiting(void);

#endif
