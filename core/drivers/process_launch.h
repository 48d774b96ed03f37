#ifndef SETT_PROCESS_LAUNCH_H
#define SETT_PROCESS_LAUNCH_H
/*
 * How a program of ours, a tenant's or a connector, is started as a plain process: always by
 * posix_spawn with an argv, in a session of its own, nothing inherited but its three standard
 * descriptors.
 *
 * Limits and user are set by util-linux's own tools in front of the command (prlimit, setpriv; they
 * replace themselves by it, so the pid stays):
 *   nofile  RLIMIT_NOFILE
 *   memory  RLIMIT_DATA: per process, not for the whole tenant; RLIMIT_AS would count what is only
 *           mapped and never used, and break programs that reserve much
 *   pids    RLIMIT_NPROC, which the kernel counts per user: only with a user of its own
 * A processor limit has no such form; whoever needs one takes a container.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "buf.h"
#include "err.h"
#include "id.h"
#include "kv.h"

#define PROCESS_ARGS      40
#define PROCESS_ARG_SPACE 8192

struct process_plan {
    char name[64];       /* "12", "sett-tunnel@12": names its files */
    char owner[ID_SIZE]; /* whose it is; another's is never touched; "" for nobody's */
    char folder[256];    /* working folder */
    char log[256];       /* standard output and error are appended here */
    char unit[320];      /* its mark in the environment, SETT_UNIT; set by process_group */
    uint32_t uid;        /* user and group to become; 0: as we are */
    uint32_t nofile, pids;
    uint64_t memory_bytes;
    bool apart;           /* as a unit of systemd's, outside of our walls; not kept in the file */
    bool inherit;         /* behind env comes our own environment, less what a manager told us */
    uint32_t stop_s;      /* from stop_signal to SIGKILL; 0: 10 */
    uint32_t stop_signal; /* 0: SIGTERM */
    uint32_t argc;
    uint32_t arg_used;
    char args[PROCESS_ARG_SPACE]; /* argc strings, each with its NUL */
    struct kv env;
};

/** process_plan_arg(p, arg): append one argument. Return 0, or -1 if it does not fit. */
int process_plan_arg(struct process_plan *p, const char *arg);

/** process_plan_args(p, argv): append all up to NULL. Return 0 or -1. */
int process_plan_args(struct process_plan *p, char *const *argv);

/** process_plan_write(p, wanted, path, err): keep it in a file (mode 0600: its environment may hold
 * passwords), durable once it has a command. ${wanted}: whether it should be running. 0 or -1. */
int process_plan_write(const struct process_plan *p, bool wanted, const char *path,
                       struct err *err);

/** process_plan_read(p, wanted, path, err): the way back. ERR_CORRUPT when the file is not whole.
 * Return 0 or -1. */
int process_plan_read(struct process_plan *p, bool *wanted, const char *path, struct err *err);

/** process_spawn(p, out_fd, pid, err): start it, standard output and error going to ${out_fd}. The
 * first argument must be an absolute path. The caller has a child to wait for. Return 0 or -1. */
int process_spawn(const struct process_plan *p, int out_fd, pid_t *pid, struct err *err);

/** process_run(p, timeout_s, out, exit_code, err): start it, collect its output in ${out} (cut at
 * its max) and wait for its end. Longer than ${timeout_s}: its whole group is killed, ERR_TIMEOUT.
 * ${exit_code} is 128 + n after signal n. Return 0 (whatever the code) or -1. */
int process_run(const struct process_plan *p, uint32_t timeout_s, struct buf *out, int *exit_code,
                struct err *err);

#endif
