/*
 * The thread that watches over supervised programs: takes note of ends, starts again, kills what
 * does not end, rotates logs. Apart from the verbs because it is the only one that buries.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "log.h"
#include "process_log.h"
#include "process_table.h"
#include "str.h"

#define LOG_LOOK_MS 10000 /* how often the logs are measured */
#define KILLED_MS   5000  /* from one SIGKILL to the next */

void process_watch_wake(struct process_group *g)
{
    uint64_t one = 1;

    (void)!write(g->wake_fd, &one, sizeof one);
}

void process_watch_add(struct process_group *g, const struct process_unit *u)
{
    struct epoll_event event = {.events = EPOLLIN};

    (void)epoll_ctl(g->epoll_fd, EPOLL_CTL_ADD, u->pidfd, &event);
}

/* Begin a stop: its signal now, SIGKILL when it is due. */
void process_watch_stop(struct process_group *g, struct process_unit *u)
{
    u->start_due = 0;
    if (u->pid == 0)
        return;
    process_unit_signal(u, u->stop_signal == 0 ? SIGTERM : (int)u->stop_signal);
    if (u->kill_due == 0)
        u->kill_due = clock_mono_ms() + (u->stop_s == 0 ? 10 : u->stop_s) * 1000;
    process_watch_wake(g);
}

/* How long until it is started again. */
static int64_t next_delay(const struct process_group *g, struct process_unit *u, int64_t now)
{
    int64_t first = g->setup.restart_first_ms, most = g->setup.restart_max_ms;

    if (u->delay_ms == 0 || now - u->started_mono >= (int64_t)g->setup.calm_ms)
        u->delay_ms = first;
    else
        u->delay_ms = u->delay_ms * 2 > most ? most : u->delay_ms * 2;
    return u->delay_ms;
}

/* The watcher found it ended. */
static void on_end(struct process_group *g, struct process_unit *u, int64_t now)
{
    process_unit_bury(u, g->setup.folder);
    if (!u->wanted || u->halted) {
        log_info("process %s has ended, code %d", u->name, u->exit_code);
        return;
    }
    u->start_due = now + next_delay(g, u, now);
    log_event(LOG_PROCESS_ENDED, LOG_LEVEL_WARNING,
              "process %s ended with code %d, starts again in %lld ms", u->name, u->exit_code,
              (long long)u->delay_ms);
}

/* The watcher starts it again. */
static void on_start_due(struct process_group *g, struct process_unit *u, int64_t now)
{
    struct process_unit_files files;
    struct process_plan *plan = malloc(sizeof *plan);
    struct err err;
    bool wanted;

    u->start_due = 0;
    if (plan == NULL || process_unit_paths(&files, g->setup.folder, u->name) == -1)
        goto done;
    if (process_plan_read(plan, &wanted, files.unit, &err) == -1 || !wanted ||
        process_unit_spawn(u, g->setup.folder, plan, &err) == -1) {
        u->start_due = now + next_delay(g, u, now);
        log_event(LOG_PROCESS_LOST, LOG_LEVEL_ERROR, "process %s cannot be started again: %s",
                  u->name, err.text);
        goto done;
    }
    u->restarts++;
    if (u->pid != 0)
        process_watch_add(g, u);
    else
        u->start_due = now + next_delay(g, u, now);
done:
    free(plan);
}

/* All that is due for one unit. Return when it wants to be looked at next. */
static int64_t look_after(struct process_group *g, struct process_unit *u, int64_t now, bool logs)
{
    struct log_about about = {0};
    int64_t next = INT64_MAX;

    (void)pthread_mutex_lock(&u->lock);
    (void)str_copy(about.tenant_id, sizeof about.tenant_id, u->owner);
    log_about(&about);
    if (process_unit_dead(u))
        on_end(g, u, now);
    if (u->kill_due != 0 && now >= u->kill_due && u->pid != 0) {
        log_warning("process %s did not end in time and is killed", u->name);
        process_unit_signal(u, SIGKILL);
        u->kill_due = now + KILLED_MS;
    }
    if (u->start_due != 0 && now >= u->start_due && u->pid == 0)
        on_start_due(g, u, now);
    if (logs && u->pid != 0 && process_log_rotate(u->log, g->setup.log_max_bytes) == -1)
        log_warning("the log %s cannot be rotated: %s", u->log, strerror(errno));
    if (u->start_due != 0)
        next = u->start_due;
    if (u->kill_due != 0 && u->kill_due < next)
        next = u->kill_due;
    (void)pthread_mutex_unlock(&u->lock);
    return next;
}

void *process_watch_thread(void *arg)
{
    struct process_group *g = arg;
    struct epoll_event events[16];
    struct process_unit *u;
    uint64_t count;

    for (;;) {
        int64_t now = clock_mono_ms(), next = g->log_due, at;
        bool logs = now >= g->log_due, ending;
        if (logs)
            next = g->log_due = now + LOG_LOOK_MS;
        for (size_t i = 0; (u = process_table_at(g, i)) != NULL; i++)
            if ((at = look_after(g, u, now, logs)) < next)
                next = at;
        (void)pthread_mutex_lock(&g->lock);
        ending = g->ending;
        (void)pthread_mutex_unlock(&g->lock);
        if (ending)
            return NULL;
        now = clock_mono_ms();
        (void)epoll_wait(g->epoll_fd, events, 16, next <= now ? 0 : (int)(next - now));
        (void)!read(g->wake_fd, &count, sizeof count);
    }
}

struct orphans {
    struct process_group *g;
    size_t prefix; /* length of "folder/" */
};

/* A session leader that carries the mark of one of our units which has no process: it was started
 * by hands that were killed before they could note it. */
static int adopt_orphan(void *arg, const struct process_seen *seen)
{
    const struct orphans *o = arg;
    struct process_unit *u;
    char mark[400];

    if (seen->session != seen->pid ||
        process_environment(seen->pid, "SETT_UNIT", mark, sizeof mark) == -1 ||
        strncmp(mark, o->g->setup.folder, o->prefix - 1) != 0 || mark[o->prefix - 1] != '/')
        return 0;
    if ((u = process_table_take(o->g, mark + o->prefix, false)) == NULL)
        return 0;
    if (u->pid == 0 && process_unit_adopt(u, o->g->setup.folder, seen->pid, 0) == 0)
        process_watch_add(o->g, u);
    process_table_give(u);
    return 0;
}

static void load_one(struct process_group *g, const char *file, const char *name, bool *orphans)
{
    struct process_plan *plan = malloc(sizeof *plan);
    struct process_unit *u;
    struct err err;
    bool wanted;

    if (plan == NULL || process_plan_read(plan, &wanted, file, &err) == -1 ||
        !str_equal(plan->name, name)) {
        log_error("%s is left alone: %s", file, plan == NULL ? "no memory" : err.text);
        free(plan);
        return;
    }
    if ((u = process_table_take(g, name, true)) != NULL) {
        (void)str_copy(u->owner, sizeof u->owner, plan->owner);
        (void)str_copy(u->log, sizeof u->log, plan->log);
        u->stop_s = plan->stop_s;
        u->stop_signal = plan->stop_signal;
        u->wanted = wanted;
        u->apart = g->setup.apart;
        if (process_unit_find(u, g->setup.folder) == 0)
            process_watch_add(g, u);
        else if (wanted)
            *orphans = true;
        process_table_give(u);
    }
    free(plan);
}

int process_watch_load(struct process_group *g, struct err *err)
{
    struct orphans o = {g, strlen(g->setup.folder) + 1};
    bool orphans = false;
    struct dirent *entry;
    struct process_unit *u;
    DIR *folder = opendir(g->setup.folder);
    char path[400], name[64];

    if (folder == NULL)
        return err_sys(err, "units_open", errno, g->setup.folder);
    while ((entry = readdir(folder)) != NULL) {
        size_t len = strlen(entry->d_name);
        if (!str_ends(entry->d_name, ".unit") ||
            str_copy_n(name, sizeof name, entry->d_name, len - 5) == -1 || name[0] == '\0' ||
            str_format(path, sizeof path, "%s/%s", g->setup.folder, entry->d_name) == -1)
            continue;
        load_one(g, path, name, &orphans);
    }
    (void)closedir(folder);
    if (orphans)
        (void)process_all(adopt_orphan, &o);
    for (size_t i = 0; (u = process_table_at(g, i)) != NULL; i++) {
        (void)pthread_mutex_lock(&u->lock);
        if (u->wanted && u->pid == 0)
            u->start_due = clock_mono_ms();
        if (!u->wanted && u->pid != 0)
            process_watch_stop(g, u);
        (void)pthread_mutex_unlock(&u->lock);
    }
    return 0;
}
