#ifndef SETT_LXC_GROUP_H
#define SETT_LXC_GROUP_H
/* What can be learnt of a container without asking it: its control groups and lxc's own trace. */
#include <stdbool.h>
#include "lxc_config.h"

/** lxc_group_stats(mark, out): processor time, memory and processes of its groups; zeros when it
 * does not run. */
void lxc_group_stats(const char *mark, struct runtime_stats *out);

/** lxc_group_oom(mark, end): whether the kernel killed something of it for want of memory: now, or,
 * from what ${end} kept, before it ended. */
bool lxc_group_oom(const char *mark, const char *end);

/** lxc_group_sweep(mark): remove the empty groups that a container leaves whose lxc-start was
 * killed. */
void lxc_group_sweep(const char *mark);

struct lxc_trace {
    bool started;      /* the command or init of the last start was executed */
    bool missing;      /* it could not be: there is no such program */
    int32_t exit_code; /* of the last end; 128 + n after signal n */
    char words[200];   /* the last error */
};

/** lxc_trace_read(out, path, running): what lxc-start wrote since the trace was begun. */
void lxc_trace_read(struct lxc_trace *out, const char *path, bool running);

#endif
