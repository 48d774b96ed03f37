/*
 * What all of backup/ shares in a worker: how far the snapshot under way is, and what a crash left
 * lying about. Apart from the steps, which come and go.
 */
#include "backup.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "asked.h"
#include "beneath.h"
#include "chain_fetch.h"
#include "clock.h"
#include "log.h"
#include "str.h"

void backup_world_init(struct backup_world *world, const struct saga_context *context,
                       struct outside *outside)
{
    world->context = context;
    world->outside = outside;
    (void)pthread_mutex_init(&world->lock, NULL);
    outside->backup = world;
}

void backup_progress_begin(struct backup_world *world, const char *job_id, const char *phase,
                           uint64_t total)
{
    struct backup_progress p = {.total = total, .since_ms = clock_mono_ms()};

    (void)str_copy(p.job_id, sizeof p.job_id, job_id);
    (void)str_copy(p.phase, sizeof p.phase, phase);
    (void)pthread_mutex_lock(&world->lock);
    world->progress = p;
    (void)pthread_mutex_unlock(&world->lock);
}

int backup_progress_add(void *arg, uint64_t bytes, struct err *err)
{
    struct backup_world *world = arg;

    (void)err;
    (void)pthread_mutex_lock(&world->lock);
    world->progress.done += bytes;
    (void)pthread_mutex_unlock(&world->lock);
    return 0;
}

void backup_sweep(const struct paths *paths)
{
    DIR *dir = opendir(paths->snapshots);
    struct err ignored = {0};
    struct dirent *d;

    while (dir != NULL && (d = readdir(dir)) != NULL)
        if ((str_ends(d->d_name, ".part") && unlinkat(dirfd(dir), d->d_name, 0) == 0) ||
            (str_starts(d->d_name, CHAIN_FETCH_RESTORE) &&
             beneath_remove(dirfd(dir), d->d_name, &ignored) == 0))
            log_info("%s was left unfinished and is gone", d->d_name);
    if (dir != NULL)
        (void)closedir(dir);
    asked_sweep(paths);
}
