#ifndef SETT_PROCESS_UNIT_H
#define SETT_PROCESS_UNIT_H
/*
 * One supervised program: its files, its process, its end. Private to process_group.c,
 * process_table.c and process_watch.c. Every function but process_unit_paths wants the unit's lock
 * held.
 */
#include <pthread.h>
#include "process_find.h"
#include "process_group.h"

struct process_unit {
    pthread_mutex_t lock;
    pthread_cond_t ended; /* monotonic clock */
    char name[64];        /* "": this place is free */
    char owner[ID_SIZE];
    char log[256];
    bool wanted, halted, child;
    bool apart;     /* a unit of systemd's */
    pid_t pid;      /* 0: not running */
    int pidfd;      /* -1: not running */
    uint64_t start; /* process_seen.start */
    uint32_t stop_s, stop_signal, restarts;
    int32_t exit_code;
    int64_t started_at; /* wall */
    int64_t started_mono;
    int64_t start_due, kill_due; /* monotonic; 0: not */
    int64_t delay_ms;            /* the last wait before a restart */
};

struct process_unit_files {
    char unit[400], pid[400], mark[400];
};

/** process_unit_paths(f, folder, name): its files, and its mark (SETT_UNIT). Return 0 or -1. */
int process_unit_paths(struct process_unit_files *f, const char *folder, const char *name);

/** process_unit_spawn(u, folder, plan, err): start ${plan} now and note its pid; u->apart says how.
 * A unit of systemd's may have ended meanwhile: then u->pid is 0. Return 0 or -1. */
int process_unit_spawn(struct process_unit *u, const char *folder, const struct process_plan *plan,
                       struct err *err);

/** process_unit_adopt(u, folder, pid): take on a running process that is not our child, after
 * checking that it is this unit's: by ${start}, the start time it must have, or when that is 0 by
 * its mark. Return 0, or -1 when it is not. */
int process_unit_adopt(struct process_unit *u, const char *folder, pid_t pid, uint64_t start);

/** process_unit_find(u, folder): adopt the process that NAME.pid names. Return 0 or -1. */
int process_unit_find(struct process_unit *u, const char *folder);

/** process_unit_signal(u, sig): to its whole group, if it still is its group. */
void process_unit_signal(struct process_unit *u, int sig);

/** process_unit_dead(u): whether its process has ended and was not yet taken note of. */
bool process_unit_dead(const struct process_unit *u);

/** process_unit_bury(u, folder): take note of the end: kill what is left of its session, learn the
 * exit code, free the descriptor, tell who waits. */
void process_unit_bury(struct process_unit *u, const char *folder);

/** process_unit_wait(u, until): wait for the end, until ${until} on the monotonic clock (the lock
 * is released meanwhile). Return whether it has ended. */
bool process_unit_wait(struct process_unit *u, int64_t until);

#endif
