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
static int open_lock(const struct paths *paths, const char *name, bool make, struct err *err)
{
    char path[PATHS_SIZE + 16];
    struct stat st, is;
    int fd;

    (void)str_format(path, sizeof path, "%.*s/%s", (int)(strrchr(paths->live, '/') - paths->live),
                     paths->live, name);
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

static int open_pair(const struct paths *paths, struct hold_pair *pair, enum hold_of of, bool make,
                     struct err *err)
{
    static const char *const names[][2] = {
        [HOLD_LIVE] = {"live.lock", "live.wish"}, [HOLD_STORE] = {"store.lock", "store.wish"}};

    pair->fd = pair->wish_fd = -1;
    if ((pair->fd = open_lock(paths, names[of][0], make, err)) != -1 &&
        (pair->wish_fd = open_lock(paths, names[of][1], make, err)) != -1)
        return 0;
    if (pair->fd != -1)
        (void)close(pair->fd);
    pair->fd = -1;
    return -1;
}

static int open_all(const struct paths *paths, struct hold *hold, enum hold_of of, bool make,
                    struct err *err)
{
    *hold = HOLD_NONE;
    if (open_pair(paths, &hold->live, HOLD_LIVE, make, err) == 0 &&
        (of == HOLD_LIVE || open_pair(paths, &hold->store, HOLD_STORE, make, err) == 0))
        return 0;
    hold_release(hold);
    return -1;
}

static bool wished(const struct hold_pair *pair)
{
    if (pair->wish_fd == -1)
        return false;
    if (flock(pair->wish_fd, LOCK_SH | LOCK_NB) == -1)
        return errno == EWOULDBLOCK;
    (void)flock(pair->wish_fd, LOCK_UN);
    return false;
}

bool hold_wished(const struct hold *hold)
{
    return wished(&hold->live) || wished(&hold->store);
}

/* Share it, unless somebody wishes to replace it. The wish comes first with whoever has it, so that
 * looking again after sharing leaves no gap. */
static bool share(struct hold_pair *pair)
{
    if (pair->fd == -1)
        return true;
    if (wished(pair) || flock(pair->fd, LOCK_SH | LOCK_NB) == -1)
        return false;
    if (!wished(pair))
        return true;
    (void)flock(pair->fd, LOCK_UN);
    return false;
}

static bool share_both(struct hold *hold)
{
    if (!share(&hold->live))
        return false;
    if (share(&hold->store))
        return true;
    (void)flock(hold->live.fd, LOCK_UN);
    return false;
}

int hold_enter(const struct paths *paths, struct hold *hold, enum hold_of of, void (*waiting)(void),
               struct err *err)
{
    if (open_all(paths, hold, of, true, err) == -1)
        return -1;
    while (!share_both(hold)) {
        if (waiting != NULL)
            waiting();
        clock_sleep_ms(TURN_MS);
    }
    return 0;
}

static int restoring(struct err *err)
{
    (void)err_set(err, ERR_UNAVAILABLE, "restoring", "the box is being restored");
    err->retry_after_s = 5;
    return err_hint(err, "try again when it is done; sett restore status tells");
}

int hold_try(const struct paths *paths, struct hold *hold, struct err *err)
{
    struct err why = {0};

    if (open_pair(paths, &hold->live, HOLD_LIVE, false, &why) == -1) {
        *hold = HOLD_NONE;
        return 0;
    }
    if (open_pair(paths, &hold->store, HOLD_STORE, false, &why) == -1)
        hold->store = HOLD_NONE.store; /* a box of a program that did not know of these */
    if (!share(&hold->live)) {
        hold_release(hold);
        return restoring(err);
    }
    if (share(&hold->store))
        return 0;
    hold_release(hold);
    (void)err_set(err, ERR_UNAVAILABLE, "exchanging", "the store is being migrated or exchanged");
    err->retry_after_s = 5;
    return err_hint(err, "try again in some seconds; sett upgrade --status tells of an upgrade");
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

int hold_take(const struct paths *paths, struct hold *hold, enum hold_of of, int wait_ms,
              bool (*stop)(void), bool *others, struct err *err)
{
    struct hold_pair *pair = of == HOLD_LIVE ? &hold->live : &hold->store;
    int64_t now_ms = clock_mono_ms();

    *others = false;
    if (open_all(paths, hold, of, true, err) == -1)
        return -1;
    /* Who replaces the store keeps live/ from being replaced. */
    if (of == HOLD_STORE && !share(&hold->live)) {
        hold_release(hold);
        return restoring(err);
    }
    if (lock_by(pair->wish_fd, now_ms + 1000, NULL) == -1) {
        hold_release(hold);
        return err_set(err, ERR_CONFLICT, "restoring",
                       "another restore, or an upgrade, is at work");
    }
    if (flock(pair->fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    *others = true;
    if (lock_by(pair->fd, now_ms + wait_ms, stop) == 0)
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
    const int fds[] = {hold->live.fd, hold->live.wish_fd, hold->store.fd, hold->store.wish_fd};

    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        if (fds[i] != -1)
            (void)close(fds[i]);
    *hold = HOLD_NONE;
}

void hold_mend(const struct paths *paths)
{
    struct err ignored;
    struct hold_pair pair;

    for (int of = HOLD_LIVE; of <= HOLD_STORE; of++)
        if (open_pair(paths, &pair, (enum hold_of)of, false, &ignored) == 0) {
            (void)close(pair.fd);
            (void)close(pair.wish_fd);
        }
}
