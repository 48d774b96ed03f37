/*
 * Signals as a question instead of a jump: they are blocked, and looked for where it is known what
 * to say. Apart because a handler would need a variable of the whole program, and this needs none.
 */
#include "interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

static void fill(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGTERM);
}

void interrupt_hold(void)
{
    sigset_t set;

    fill(&set);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
}

bool interrupt_seen(void)
{
    sigset_t set;

    return sigpending(&set) == 0 &&
           (sigismember(&set, SIGINT) == 1 || sigismember(&set, SIGTERM) == 1);
}

void interrupt_forget(void)
{
    const struct timespec now = {0};
    sigset_t set;

    fill(&set);
    while (sigtimedwait(&set, NULL, &now) > 0)
        continue;
}

void interrupt_deaf(void)
{
    (void)signal(SIGHUP, SIG_IGN);
    (void)signal(SIGPIPE, SIG_IGN);
}

int interrupt_line(char *out, size_t size)
{
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.events = POLLIN}};
    sigset_t set;
    size_t len = 0;
    ssize_t n = 0;
    char c;

    fill(&set);
    if ((fds[1].fd = signalfd(-1, &set, SFD_CLOEXEC)) == -1)
        return -1;
    for (;;) {
        if (poll(fds, 2, -1) == -1) {
            if (errno == EINTR)
                continue;
            break;
        }
        if (fds[1].revents != 0) {
            n = -1;
            break;
        }
        if ((n = read(STDIN_FILENO, &c, 1)) != 1 || c == '\n')
            break;
        if (c != '\r' && len + 1 < size)
            out[len++] = c;
    }
    (void)close(fds[1].fd);
    out[len] = '\0';
    return n == 1 ? 0 : -1;
}
