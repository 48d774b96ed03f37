#ifndef SETT_PROCESS_ARGV_H
#define SETT_PROCESS_ARGV_H
/* The arguments and the environment of one start. Private to process_launch.c and process_apart.c.
 */
#include "process_launch.h"

/* The pointers lead into the plan and into ${text}. */
struct process_argv {
    const char *argv[PROCESS_ARGS + 20];
    char *envp[160];
    char text[KV_SIZE + 2048];
    size_t argc, envc, used;
    bool full;
};

/** process_argv_fill(l, p, err): what ${p} means: limits and user in front of its command, nothing
 * in the environment but what it says. ${p} must outlive ${l}. ERR_INVALID when the command is no
 * absolute path, ERR_TOO_LARGE. Return 0 or -1. */
int process_argv_fill(struct process_argv *l, const struct process_plan *p, struct err *err);

#endif
