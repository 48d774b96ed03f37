/*
 * Supervised programs: what can be asked of them. Apart from the watching (process_watch.c) and
 * from the list (process_table.c).
 */
#include "process_group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "clock.h"
#include "crash.h"
#include "file.h"
#include "log.h"
#include "process_log.h"
#include "process_table.h"
#include "str.h"

#define LOG_MAX      (10u * 1024u * 1024u)
#define EARLY_END_MS 60   /* who ends sooner has not started */
#define KILLED_MS    5000 /* from SIGKILL to giving up */

int process_group_new(struct process_group **out, const struct process_group_setup *setup,
                      struct err *err)
{
    struct epoll_event event = {.events = EPOLLIN};
    struct process_group *g = calloc(1, sizeof *g);

    if (g == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for the processes");
    g->setup = *setup;
    g->setup.log_max_bytes = setup->log_max_bytes == 0 ? LOG_MAX : setup->log_max_bytes;
    g->setup.restart_first_ms = setup->restart_first_ms == 0 ? 500 : setup->restart_first_ms;
    g->setup.restart_max_ms = setup->restart_max_ms == 0 ? 60000 : setup->restart_max_ms;
    g->setup.calm_ms = setup->calm_ms == 0 ? 60000 : setup->calm_ms;
    (void)pthread_mutex_init(&g->lock, NULL);
    g->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    g->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (g->epoll_fd == -1 || g->wake_fd == -1 ||
        epoll_ctl(g->epoll_fd, EPOLL_CTL_ADD, g->wake_fd, &event) == -1) {
        (void)err_sys(err, "epoll", errno, "the watcher of processes");
        goto fail;
    }
    if (file_mkdirs(g->setup.folder, 0700, err) == -1 || process_watch_load(g, err) == -1)
        goto fail;
    if (pthread_create(&g->watcher, NULL, process_watch_thread, g) == 0) {
        *out = g;
        return 0;
    }
    (void)err_set(err, ERR_INTERNAL, "thread", "the watcher of processes cannot be started");
fail:
    for (size_t i = 0; i < g->count; i++)
        process_table_free(g->units[i]);
    free(g->units);
    if (g->epoll_fd != -1)
        (void)close(g->epoll_fd);
    if (g->wake_fd != -1)
        (void)close(g->wake_fd);
    (void)pthread_mutex_destroy(&g->lock);
    free(g);
    return -1;
}

void process_group_free(struct process_group *g)
{
    if (g == NULL)
        return;
    (void)pthread_mutex_lock(&g->lock);
    g->ending = true;
    (void)pthread_mutex_unlock(&g->lock);
    process_watch_wake(g);
    (void)pthread_join(g->watcher, NULL);
    for (size_t i = 0; i < g->count; i++)
        process_table_free(g->units[i]);
    free(g->units);
    (void)close(g->epoll_fd);
    (void)close(g->wake_fd);
    (void)pthread_mutex_destroy(&g->lock);
    free(g);
}

static int check_owner(const struct process_unit *u, const char *owner, struct err *err)
{
    if (owner[0] == '\0' || u->owner[0] == '\0' || str_equal(owner, u->owner))
        return 0;
    return err_set(err, ERR_CONFLICT, "not_ours", "process %s belongs to %s, not to %s", u->name,
                   u->owner, owner);
}

static int finish_stop(struct process_group *g, struct process_unit *u, struct err *err)
{
    process_watch_stop(g, u);
    if (process_unit_wait(u, u->kill_due + KILLED_MS))
        return 0;
    return err_set(err, ERR_TIMEOUT, "process_stays", "process %d of %s does not end", (int)u->pid,
                   u->name);
}

static int check_name(const char *name, struct err *err)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-@");

    if (len > 0 && name[len] == '\0' && len < sizeof((struct process_plan *)0)->name)
        return 0;
    return err_set(err, ERR_INVALID, "unit_name", "\"%s\" is not a unit's name", name);
}

/* The unit of ${plan}, locked, with its owner checked or set. */
static struct process_unit *take_for(struct process_group *g, const struct process_plan *plan,
                                     struct process_unit_files *files, struct err *err)
{
    struct process_unit *u;

    if (check_name(plan->name, err) == -1)
        return NULL;
    if (process_unit_paths(files, g->setup.folder, plan->name) == -1 ||
        (u = process_table_take(g, plan->name, true)) == NULL) {
        (void)err_set(err, ERR_INTERNAL, "units_full", "no room for process %s", plan->name);
        return NULL;
    }
    if (check_owner(u, plan->owner, err) == -1) {
        process_table_give(u);
        return NULL;
    }
    (void)str_copy(u->owner, sizeof u->owner, plan->owner);
    (void)str_copy(u->log, sizeof u->log, plan->log);
    u->stop_s = plan->stop_s;
    u->stop_signal = plan->stop_signal;
    u->apart = g->setup.apart;
    return u;
}

int process_group_add(struct process_group *g, const struct process_plan *plan, struct err *err)
{
    struct process_unit_files files;
    struct process_unit *u = take_for(g, plan, &files, err);
    int result = 0;

    if (u == NULL)
        return -1;
    if (!file_exists(files.unit))
        result = process_plan_write(plan, false, files.unit, err);
    if (result == -1)
        process_table_clear(g, u);
    process_table_give(u);
    return result;
}

/* It ended as soon as it was started: say so with its last words. */
static int ended_early(const struct process_unit *u, struct err *err)
{
    bool missing = u->exit_code == 127 || u->exit_code == 126;
    struct buf words;

    buf_init(&words, 240);
    (void)process_log_tail(u->log, 3, &words, NULL);
    (void)err_set(err, missing ? ERR_INVALID : ERR_UNAVAILABLE, "process_ended",
                  "%s ended at once with code %d: %s", u->name, u->exit_code, buf_string(&words));
    buf_free(&words);
    if (missing)
        return err_hint(err, "the command of its blueprint is missing or cannot be executed");
    return err_hint(err, "its whole log is %s", u->log);
}

int process_group_start(struct process_group *g, const struct process_plan *plan, struct err *err)
{
    struct process_unit_files files;
    struct process_unit *u = take_for(g, plan, &files, err);
    int result = -1;

    if (u == NULL)
        return -1;
    if (u->pid != 0 && u->wanted && !u->halted && !process_unit_dead(u)) {
        process_table_give(u);
        return 0;
    }
    if (u->pid != 0 && finish_stop(g, u, err) == -1)
        goto done;
    if (process_plan_write(plan, true, files.unit, err) == -1)
        goto done;
    CP("process.intended");
    u->wanted = u->halted = false; /* wanted once it has lived a moment */
    u->restarts = 0;
    u->delay_ms = u->start_due = 0;
    if ((result = process_unit_spawn(u, g->setup.folder, plan, err)) == 0) {
        CP("process.noted");
        if (u->pid != 0)
            process_watch_add(g, u);
        if (process_unit_wait(u, clock_mono_ms() + EARLY_END_MS))
            result = ended_early(u, err);
    }
    u->wanted = result == 0;
    if (result == -1)
        (void)process_plan_write(plan, false, files.unit, NULL);
done:
    process_table_give(u);
    return result;
}

/* Write down that it should not be running. With its lock. */
static int no_longer_wanted(struct process_group *g, struct process_unit *u, struct err *err)
{
    struct process_unit_files files;
    struct process_plan *plan = malloc(sizeof *plan);
    int result = -1;
    bool wanted;

    if (plan == NULL || process_unit_paths(&files, g->setup.folder, u->name) == -1)
        (void)err_set(err, ERR_INTERNAL, "memory", "no memory to stop %s", u->name);
    else if (process_plan_read(plan, &wanted, files.unit, err) == 0 &&
             (!wanted || process_plan_write(plan, false, files.unit, err) == 0))
        result = 0;
    free(plan);
    return result;
}

int process_group_stop(struct process_group *g, const char *name, const char *owner,
                       struct err *err)
{
    struct process_unit *u;
    int result = -1;

    if (check_name(name, err) == -1)
        return -1;
    if ((u = process_table_take(g, name, false)) == NULL)
        return 0;
    if (check_owner(u, owner, err) == 0 && no_longer_wanted(g, u, err) == 0) {
        CP("process.unwanted");
        u->wanted = false;
        result = finish_stop(g, u, err);
    }
    process_table_give(u);
    return result;
}

int process_group_remove(struct process_group *g, const char *name, const char *owner,
                         struct err *err)
{
    struct process_unit_files files;
    struct process_unit *u;

    if (process_group_stop(g, name, owner, err) == -1)
        return -1;
    if ((u = process_table_take(g, name, false)) == NULL)
        return 0;
    if (process_unit_paths(&files, g->setup.folder, name) == 0) {
        (void)unlink(files.pid);
        CP("process.forgetting");
        if (unlink(files.unit) == -1 && errno != ENOENT) {
            process_table_give(u);
            return err_sys(err, "unit_remove", errno, files.unit);
        }
    }
    process_table_clear(g, u);
    process_table_give(u);
    return file_sync_folder(g->setup.folder, err);
}

static void status_of(const struct process_unit *u, struct process_status *out)
{
    memset(out, 0, sizeof *out);
    out->known = true;
    out->wanted = u->wanted;
    out->running = u->pid != 0 && !process_unit_dead(u);
    out->pid = u->pid;
    out->restarts = u->restarts;
    out->exit_code = u->exit_code;
    out->started_at = u->started_at;
    (void)str_copy(out->owner, sizeof out->owner, u->owner);
}

void process_group_status(struct process_group *g, const char *name, struct process_status *out)
{
    struct process_unit *u = process_table_take(g, name, false);

    memset(out, 0, sizeof *out);
    if (u == NULL)
        return;
    status_of(u, out);
    process_table_give(u);
}

int process_group_each(struct process_group *g,
                       int (*on)(void *arg, const char *name, const struct process_status *status,
                                 struct err *err),
                       void *arg, struct err *err)
{
    struct process_status status;
    struct process_unit *u;
    char name[sizeof u->name];

    for (size_t i = 0; (u = process_table_at(g, i)) != NULL; i++) {
        (void)pthread_mutex_lock(&u->lock);
        (void)str_copy(name, sizeof name, u->name);
        status_of(u, &status);
        (void)pthread_mutex_unlock(&u->lock);
        if (name[0] != '\0' && on(arg, name, &status, err) == -1)
            return -1;
    }
    return 0;
}

int process_group_plan(struct process_group *g, const char *name, struct process_plan *out,
                       struct err *err)
{
    struct process_unit_files files;
    bool wanted;

    if (check_name(name, err) == -1)
        return -1;
    if (process_unit_paths(&files, g->setup.folder, name) == -1)
        return err_set(err, ERR_INVALID, "unit_name", "the path of %s is too long", name);
    return process_plan_read(out, &wanted, files.unit, err);
}

void process_group_halt(struct process_group *g)
{
    struct process_unit *u;

    for (size_t i = 0; (u = process_table_at(g, i)) != NULL; i++) {
        (void)pthread_mutex_lock(&u->lock);
        u->halted = true;
        process_watch_stop(g, u);
        (void)pthread_mutex_unlock(&u->lock);
    }
    for (size_t i = 0; (u = process_table_at(g, i)) != NULL; i++) {
        (void)pthread_mutex_lock(&u->lock);
        if (!process_unit_wait(u, u->kill_due + KILLED_MS))
            log_error("process %d of %s does not end", (int)u->pid, u->name);
        (void)pthread_mutex_unlock(&u->lock);
    }
}
