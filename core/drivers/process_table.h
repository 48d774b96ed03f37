#ifndef SETT_PROCESS_TABLE_H
#define SETT_PROCESS_TABLE_H
/*
 * The inside of a process group, shared by process_group.c (the verbs), process_watch.c (the
 * watching thread) and process_table.c (the list). The group's lock guards the list and the names
 * in it, each unit's lock its unit. Order: a unit's lock, then the group's; never a unit's while
 * holding the group's.
 */
#include "process_unit.h"

struct process_group {
    struct process_group_setup setup;
    pthread_mutex_t lock; /* units, count, ending */
    struct process_unit **units;
    size_t count, room;
    bool ending;
    pthread_t watcher;
    int epoll_fd, wake_fd;
    int64_t log_due; /* the watcher's own */
};

/** process_table_new(): a unit in a place of its own, or NULL. */
struct process_unit *process_table_new(void);

/** process_table_free(u): the way back. */
void process_table_free(struct process_unit *u);

/** process_table_at(g, i): unit number ${i}, or NULL beyond the last. Units live as long as the
 * group. */
struct process_unit *process_table_at(struct process_group *g, size_t i);

/** process_table_take(g, name, make): the unit of this name, locked; with ${make} a new one if
 * there is none. NULL: none, or no room. Given back with process_table_give. */
struct process_unit *process_table_take(struct process_group *g, const char *name, bool make);

/** process_table_give(u): unlock it. */
void process_table_give(struct process_unit *u);

/** process_table_clear(g, u): give the place of a locked unit back. */
void process_table_clear(struct process_group *g, struct process_unit *u);

/** process_watch_load(g, err): take up what the state folder says; before the watcher runs. 0 or
 * -1. */
int process_watch_load(struct process_group *g, struct err *err);

/** process_watch_thread(g): the watcher; ends after g->ending was set and it was woken. */
void *process_watch_thread(void *g);

/** process_watch_wake(g): look now. */
void process_watch_wake(struct process_group *g);

/** process_watch_add(g, u): watch the process that the locked unit now has. */
void process_watch_add(struct process_group *g, const struct process_unit *u);

/** process_watch_stop(g, u): SIGTERM to the locked unit now, SIGKILL by the watcher when it is
 * due. */
void process_watch_stop(struct process_group *g, struct process_unit *u);

#endif
