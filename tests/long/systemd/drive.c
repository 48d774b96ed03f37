/* The supervisor that is systemd, driven on a real one: every verb, and what systemd itself does to
 * a unit meanwhile. Speaks TAP; runs inside the container that long_systemd.sh boots. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "err.h"
#include "file.h"
#include "str.h"
#include "supervisor_systemd.h"

#define DEADLINE_S 40
#define LATE       "/run/network-is-late" /* while it is there, the network is not online */

/* The units: with token and environment, without a token, without both, of no template. */
static const struct supervisor_unit whole = {.name = "sett-tunnel@12"},
                                    no_token = {.name = "sett-tunnel@13"},
                                    no_files = {.name = "sett-tunnel@14"},
                                    unknown = {.name = "sett-nothing@12"},
                                    foreign = {.name = "dbus"};

struct drive {
    struct supervisor s;
    struct supervisor_status status;
    struct err err;
    int count, failed;
};

static void say(struct drive *d, bool good, const char *what)
{
    const struct supervisor_status *s = &d->status;

    d->count++;
    d->failed += good ? 0 : 1;
    printf("%sok %d - %s\n", good ? "" : "not ", d->count, what);
    if (!good)
        printf("# known %d running %d pid %u restarts %u exit %d since %lld; error %s: %s\n",
               s->known, s->running, s->pid, s->restarts, s->exit_code, (long long)s->since,
               d->err.code, d->err.text);
}

/* One verb on ${u}, and then its status; the verb's result. */
static int ask(struct drive *d, int (*verb)(void *, const struct supervisor_unit *, struct err *),
               const struct supervisor_unit *u)
{
    struct err ignored;
    int result;

    memset(&d->err, 0, sizeof d->err);
    result = verb(d->s.self, u, &d->err);
    (void)d->s.status(d->s.self, u, &d->status, result == -1 ? &ignored : &d->err);
    return result;
}

/* Ask for the status of ${u} until ${is} says yes of it, with ${pid}. */
static bool wait_for(struct drive *d, const struct supervisor_unit *u,
                     bool (*is)(const struct supervisor_status *, uint32_t pid), uint32_t pid)
{
    const struct timespec nap = {.tv_nsec = 50 * 1000 * 1000};
    time_t end = time(NULL) + DEADLINE_S;

    do {
        if (d->s.status(d->s.self, u, &d->status, &d->err) == 0 && is(&d->status, pid))
            return true;
        (void)nanosleep(&nap, NULL);
    } while (time(NULL) < end);
    return false;
}

static bool is_other(const struct supervisor_status *s, uint32_t pid)
{
    return s->known && s->running && s->pid != 0 && s->pid != pid && s->since != 0;
}

static bool is_down(const struct supervisor_status *s, uint32_t pid)
{
    return s->known && !s->running && s->pid == pid;
}

/* Whether the journal of ${u} has ${text} before the deadline: it is written a moment later. */
static bool has_line(struct drive *d, const struct supervisor_unit *u, const char *text)
{
    const struct timespec nap = {.tv_nsec = 50 * 1000 * 1000};
    time_t end = time(NULL) + DEADLINE_S;
    struct buf out;
    bool found = false;

    buf_init(&out, 65536);
    do {
        buf_reset(&out);
        found = d->s.logs(d->s.self, u, 100, &out, &d->err) == 0 &&
                strstr(buf_string(&out), text) != NULL;
        if (!found)
            (void)nanosleep(&nap, NULL);
    } while (!found && time(NULL) < end);
    buf_free(&out);
    return found;
}

static void drive_life(struct drive *d)
{
    struct supervisor *s = &d->s;
    uint32_t pid, restarts;

    say(d, s->status(s->self, &whole, &d->status, &d->err) == 0 && is_down(&d->status, 0),
        "a unit that was never started is known and not running");
    say(d, ask(d, s->start, &whole) == 0 && d->status.running, "start");
    say(d, wait_for(d, &whole, is_other, 0), "it runs with a pid and a time since");
    pid = d->status.pid;
    say(d, kill((pid_t)pid, 0) == 0, "the pid is a process");
    say(d, ask(d, s->start, &whole) == 0 && d->status.pid == pid, "start again keeps the process");
    say(d, has_line(d, &whole, "token of 9 characters, user of its own"),
        "the logs show its lines: it read the token, and is not root");
    say(d, has_line(d, &whole, "argument 127.0.0.1:20241"), "the port is the environment's");
    say(d, ask(d, s->restart, &whole) == 0 && wait_for(d, &whole, is_other, pid),
        "restart gives another pid");
    pid = d->status.pid;
    restarts = d->status.restarts;
    say(d, kill((pid_t)pid, SIGKILL) == 0 && wait_for(d, &whole, is_down, 0),
        "between a kill and its restart it is not running");
    say(d, d->status.exit_code == SIGKILL, "the code is that of the kill");
    say(d, wait_for(d, &whole, is_other, pid), "systemd starts it again by itself");
    say(d, d->status.restarts == restarts + 1, "the restart is counted");
    say(d, ask(d, s->stop, &whole) == 0 && is_down(&d->status, 0), "stop");
    say(d, has_line(d, &whole, "ended by SIGTERM"), "it was asked to end by SIGTERM");
    say(d, ask(d, s->stop, &whole) == 0 && is_down(&d->status, 0), "stop again");
}

static void drive_wrong(struct drive *d)
{
    struct supervisor *s = &d->s;
    const struct supervisor_unit *const wrong[] = {&no_token, &no_files};

    for (size_t i = 0; i < 2; i++) {
        /* systemd may answer before the unit has failed: then the status says so a moment later. */
        int result = ask(d, s->start, wrong[i]);
        printf("# start of %s: %d, %s: %s\n", wrong[i]->name, result, d->err.code, d->err.text);
        say(d,
            result == 0 || (d->err.kind == ERR_UNAVAILABLE &&
                            strstr(d->err.text, wrong[i]->name) != NULL && d->err.text[0] != '\0'),
            i == 0 ? "start without a token" : "start without an environment");
        say(d, wait_for(d, wrong[i], is_down, 0), "it is not running");
        if (i == 0)
            say(d, d->status.exit_code == 243, "the code is that of the credentials");
        say(d, has_line(d, wrong[i], i == 0 ? "CREDENTIALS" : "Failed to load environment files"),
            "the logs say why");
        say(d, ask(d, s->stop, wrong[i]) == 0 && is_down(&d->status, 0), "it can be stopped");
    }
    say(d,
        s->status(s->self, &unknown, &d->status, &d->err) == 0 && !d->status.known &&
            !d->status.running,
        "a unit of no template is not known");
    say(d, ask(d, s->stop, &unknown) == 0, "stop of a unit that is not known");
    say(d, ask(d, s->start, &unknown) == -1 && d->err.kind == ERR_NOT_FOUND,
        "start of a unit that is not known is an error of its own kind");
    printf("# %s: %s\n", d->err.code, d->err.text);
    say(d, ask(d, s->stop, &foreign) == -1 && d->err.kind == ERR_INVALID,
        "a unit of somebody else is not touched");
}

/* At a boot the network may come long after the hands ask. */
static void drive_late(struct drive *d)
{
    struct supervisor *s = &d->s;

    if (file_write(LATE, "", 0, 0600, &d->err) == -1) {
        say(d, false, "cannot hold the network back");
        return;
    }
    say(d, ask(d, s->start, &whole) == 0 && d->status.running && d->status.pid == 0,
        "start while the network is not there yet is fine, and it will run");
    say(d, ask(d, s->start, &whole) == 0 && d->status.pid == 0, "and again");
    say(d, ask(d, s->stop, &whole) == 0 && is_down(&d->status, 0), "stop of one that waits");
    say(d, ask(d, s->start, &whole) == 0 && unlink(LATE) == 0 && wait_for(d, &whole, is_other, 0),
        "it runs once the network is there");
    say(d, ask(d, s->stop, &whole) == 0 && is_down(&d->status, 0), "stop after that");
}

int main(int argc, char **argv)
{
    struct drive d = {.count = 0};

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (supervisor_systemd_new(&d.s, NULL, NULL, &d.err) == -1) {
        say(&d, false, "the supervisor");
        return 1;
    }
    if (argc == 2 && str_equal(argv[1], "late")) {
        drive_late(&d);
    } else {
        drive_life(&d);
        drive_wrong(&d);
    }
    supervisor_systemd_free(&d.s);
    return d.failed == 0 ? 0 : 1;
}
