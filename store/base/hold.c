/*
 * The two locks around live/. Apart from whatever opens it because all of them must do this alike:
 * a program that forgot would go on writing into a tree that was put aside.
 */
#include "hold.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "str.h"

#define TURN_MS 50

/* Its owner and group are those of the store: all programs of the box must be
 * able to open it, and nobody else. */
static int open_lock(const struct paths *paths, const char *suffix, bool make, struct err *err)
{
    char path[PATHS_SIZE + 16];
    struct stat st, is;
    int fd;

    (void)str_format(path, sizeof path, "%s%s", paths->live, suffix);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd == -1 && errno == ENOENT && make) {
        fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
        if (fd != -1)
            (void)fchmod(fd, 0640);
    }
    /* Root may have made it before there was a store; then who may come to live/ may hold it. */
    if (fd != -1 && geteuid() == 0 && fstat(fd, &is) == 0 &&
        (stat(paths->db, &st) == 0 || stat(paths->live, &st) == 0) &&
        (is.st_uid != st.st_uid || is.st_gid != st.st_gid))
        (void)!fchown(fd, st.st_uid, st.st_gid);
    return fd == -1 ? err_sys(err, "live_lock", errno, path) : fd;
}

static int open_both(const struct paths *paths, struct hold *hold, bool make, struct err *err)
{
    hold->live_fd = hold->wish_fd = -1;
    if ((hold->live_fd = open_lock(paths, ".lock", make, err)) != -1 &&
        (hold->wish_fd = open_lock(paths, ".wish", make, err)) != -1)
        return 0;
    hold_release(hold);
    return -1;
}

bool hold_wished(const struct hold *hold)
{
    if (hold->wish_fd == -1)
        return false;
    if (flock(hold->wish_fd, LOCK_SH | LOCK_NB) == -1)
        return errno == EWOULDBLOCK;
    (void)flock(hold->wish_fd, LOCK_UN);
    return false;
}

/* Share it, unless somebody wishes to replace it. The wish comes first with whoever has it, so that
 * looking again after sharing leaves no gap. */
static bool share(struct hold *hold)
{
    if (hold_wished(hold) || flock(hold->live_fd, LOCK_SH | LOCK_NB) == -1)
        return false;
    if (!hold_wished(hold))
        return true;
    (void)flock(hold->live_fd, LOCK_UN);
    return false;
}

int hold_enter(const struct paths *paths, struct hold *hold, void (*waiting)(void), struct err *err)
{
    if (open_both(paths, hold, true, err) == -1)
        return -1;
    while (!share(hold)) {
        if (waiting != NULL)
            waiting();
        clock_sleep_ms(TURN_MS);
    }
    return 0;
}

int hold_try(const struct paths *paths, struct hold *hold, struct err *err)
{
    struct err why = {0};

    if (open_both(paths, hold, false, &why) == -1)
        return 0;
    if (share(hold))
        return 0;
    hold_release(hold);
    (void)err_set(err, ERR_UNAVAILABLE, "restoring", "the box is being restored");
    err->retry_after_s = 5;
    return err_hint(err, "try again when it is done; sett restore status tells");
}

/* Turn by turn until ${fd} is locked, the time is over, or it is broken off. 0 or -1. */
static int lock_by(int fd, int64_t deadline_ms, bool (*stop)(void))
{
    while (flock(fd, LOCK_EX | LOCK_NB) == -1) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return -1;
        if (clock_mono_ms() >= deadline_ms || (stop != NULL && stop()))
            return -1;
        clock_sleep_ms(TURN_MS);
    }
    return 0;
}

int hold_take(const struct paths *paths, struct hold *hold, int wait_ms, bool (*stop)(void),
              bool *others, struct err *err)
{
    int64_t now_ms = clock_mono_ms();

    *others = false;
    if (open_both(paths, hold, true, err) == -1)
        return -1;
    if (lock_by(hold->wish_fd, now_ms + 1000, NULL) == -1) {
        hold_release(hold);
        return err_set(err, ERR_CONFLICT, "restoring", "another restore is at work");
    }
    if (flock(hold->live_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    *others = true;
    if (lock_by(hold->live_fd, now_ms + wait_ms, stop) == 0)
        return 0;
    hold_release(hold);
    if (stop != NULL && stop())
        return err_set(err, ERR_CONFLICT, "interrupted", "interrupted; nothing was changed");
    (void)err_set(err, ERR_TIMEOUT, "box_runs_on", "the box's programs did not end in %d s",
                  wait_ms / 1000);
    return err_hint(
        err, "nothing was changed; a step outside may take long, or a sett command waits for "
             "somebody at a terminal: try again");
}

void hold_release(struct hold *hold)
{
    if (hold->live_fd != -1)
        (void)close(hold->live_fd);
    if (hold->wish_fd != -1)
        (void)close(hold->wish_fd);
    hold->live_fd = hold->wish_fd = -1;
}

void hold_mend(const struct paths *paths)
{
    struct err ignored;
    struct hold hold;

    if (open_both(paths, &hold, false, &ignored) == 0)
        hold_release(&hold);
}
