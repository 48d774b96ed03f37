#ifndef SETT_SUPERVISE_H
#define SETT_SUPERVISE_H
/*
 * Keeping a few programs alive without systemd: started by absolute path, each in a process group
 * of its own, restarted within a second, killed when they stop answering the watchdog
 * (sd_notify(3)'s protocol on a datagram socket), and ended with us whatever happens to us.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "err.h"

#define SUPERVISE_PROGRAMS 6
#define SUPERVISE_ARGS     12

struct supervise_program {
    const char *name;
    const char *argv[SUPERVISE_ARGS]; /* argv[0] absolute, ended by NULL */
    int stop_signal;                  /* that ends it, in supervise_stop */
    bool notifies;                    /* READY=1 and WATCHDOG=1 are expected of it */
    bool once;                        /* not restarted when it ends */
    bool leaves; /* when it is killed its children live on, and hold its port: they end with it */
};

struct supervise;

/** supervise_new(s, notify_path, log_folder, err): ${notify_path} is the socket's place, each
 * program's output goes to ${log_folder}/NAME.log. Return 0 or -1. */
int supervise_new(struct supervise **s, const char *notify_path, const char *log_folder,
                  struct err *err);

/** supervise_start(s, program, err): start it and keep it alive; ${program} must outlive ${s}. With
 * a `once` program output goes to our own standard output. 0 or -1. */
int supervise_start(struct supervise *s, const struct supervise_program *program, struct err *err);

/** supervise_report(s, path): from now on put logs aside that have grown too large, and keep a note
 * there of each program's restarts and of its last sign of life: "NAME RESTARTS BEAT_MS" a line.
 * ${path} must outlive ${s}. */
void supervise_report(struct supervise *s, const char *path);

/** supervise_step(s, wait_ms): do what is due: reap, restart, watch; return after at most
 * ${wait_ms}, or at once when a signal to end arrived. Return 1 to go on, 0 when SIGINT or SIGTERM
 * came. */
int supervise_step(struct supervise *s, int wait_ms);

/** supervise_ready(s, name): it runs and has said READY=1 (without `notifies`: it runs). */
bool supervise_ready(const struct supervise *s, const char *name);

/** supervise_restarts(s, name): how often it had to be started again. */
unsigned supervise_restarts(const struct supervise *s, const char *name);

/** supervise_stop(s, wait_ms): end all, last started first, each with its signal and after
 * ${wait_ms} with SIGKILL; then free ${s}. */
void supervise_stop(struct supervise *s, int wait_ms);

#endif
