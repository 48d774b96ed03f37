#ifndef SETT_CHILDREN_H
#define SETT_CHILDREN_H
/* Tests that need a second process start themselves again with the name of what to do there; the
 * child says one line when it is ready. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include "store_samples.h"

extern char **environ;

struct child {
    pid_t pid;
    int out;
};

/* Start this program as: program ${what} ${folder}. */
static inline struct child child_start(const char *what, const char *folder)
{
    char self[PATH_SIZE], role[64], where[PATH_SIZE];
    char *argv[] = {self, role, where, NULL};
    posix_spawn_file_actions_t actions;
    struct child child;
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    int ends[2];

    assert_true(len > 0);
    self[len] = '\0';
    assert_int_equal(str_copy(role, sizeof role, what), 0);
    assert_int_equal(str_copy(where, sizeof where, folder), 0);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO), 0);
    assert_int_equal(posix_spawn(&child.pid, self, &actions, NULL, argv, environ), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    child.out = ends[0];
    return child;
}

/* Wait for the child's line, at most a minute. */
static inline void child_ready(const struct child *child)
{
    struct pollfd fd = {.fd = child->out, .events = POLLIN};
    char line[64];

    assert_int_equal(poll(&fd, 1, 60000), 1);
    assert_true(read(child->out, line, sizeof line) > 0);
}

/* The child's end: what waitpid tells. */
static inline int child_end(struct child *child)
{
    int status = -1;

    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    (void)close(child->out);
    return status;
}

static inline void child_kill(struct child *child)
{
    assert_int_equal(kill(child->pid, SIGKILL), 0);
    assert_true(WIFSIGNALED(child_end(child)));
}

/* In the child: say that it is ready, and wait to be killed. */
static inline int child_wait(void)
{
    (void)!write(STDOUT_FILENO, "ready\n", 6);
    while (pause() == -1)
        continue;
    return 0;
}

/* In the child: the store in ${folder}/db, or the end. */
static inline struct db *child_store(const char *folder)
{
    char path[PATH_SIZE];
    struct db *db;
    struct err err;

    (void)str_format(path, sizeof path, "%s/db", folder);
    if (db_open(&db, path, &sample, &err) == 0)
        return db;
    (void)fprintf(stderr, "child: %s\n", err.text);
    _exit(9);
}

#endif
