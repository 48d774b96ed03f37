/*
 * How a daemon of ours begins. Apart from the mains because each step bounds what a broken program
 * can do, so there is one place to read and to mend.
 */
#include "daemon.h"

#include <errno.h>
#include <grp.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "notify.h"

void daemon_close_in(void)
{
    struct rlimit none = {0, 0};

    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)umask(0007);
    (void)mallopt(M_ARENA_MAX, 2); /* small before fast: the threads allocate little */
}

int daemon_become_owner(const struct paths *paths, struct err *err)
{
    struct stat st;

    if (paths->root[0] == '\0')
        return 0;
    if (stat(paths->root, &st) == -1)
        return err_sys(err, "root_folder", errno, paths->root);
    if (geteuid() == 0 && st.st_uid != 0 &&
        (setgroups(0, NULL) == -1 || setgid(st.st_gid) == -1 || setuid(st.st_uid) == -1))
        return err_sys(err, "become_owner", errno, paths->root);
    return 0;
}

int daemon_signals(int *fd, struct err *err)
{
    sigset_t set;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL) != 0 ||
        (*fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) == -1)
        return err_sys(err, "signalfd", errno, "signals");
    return 0;
}

void daemon_waiting(void)
{
    sigset_t waiting;

    notify_watchdog();
    if (sigpending(&waiting) == 0 &&
        (sigismember(&waiting, SIGTERM) == 1 || sigismember(&waiting, SIGINT) == 1))
        _exit(0);
}
