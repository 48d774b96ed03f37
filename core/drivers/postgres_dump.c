/*
 * pg_dump and pg_restore. Apart from postgres.c, which speaks to the server itself, because a
 * password must reach another program here: by a file that has no name and only this child can
 * open.
 */
#include "postgres_dump.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "file.h"
#include "str.h"

#define PASS_FD   3
#define SAID_MAX  600
#define ARGS_MOST 24

struct child {
    const char *program;
    const char *const *options; /* up to NULL */
    int in, out;                /* -1: nothing */
};

/* A line of .pgpass in memory. Return its descriptor or -1. */
static int pass_file(const struct postgres_login *login, struct err *err)
{
    int fd = memfd_create("pgpass", MFD_CLOEXEC);
    char line[400];
    int rc = -1;

    if (fd != -1 && str_format(line, sizeof line, "*:*:*:*:%s\n", login->password) == 0 &&
        fchmod(fd, 0600) == 0 && file_write_all(fd, line, strlen(line)) == 0)
        rc = 0;
    sodium_memzero(line, sizeof line);
    if (rc == 0)
        return fd;
    (void)err_sys(err, "pgpass", errno, "a file for PostgreSQL's programs");
    if (fd != -1)
        (void)close(fd);
    return -1;
}

static void redirect(posix_spawn_file_actions_t *actions, int fd, int to)
{
    if (fd == -1)
        (void)posix_spawn_file_actions_addopen(actions, to, "/dev/null", O_RDWR, 0);
    else
        (void)posix_spawn_file_actions_adddup2(actions, fd, to);
}

static int spawn(const struct child *c, const char *const *argv, int pass, int said, pid_t *pid)
{
    char *const env[] = {(char *)(uintptr_t) "PATH=/usr/bin:/bin",
                         (char *)(uintptr_t) "LC_ALL=C.UTF-8",
                         (char *)(uintptr_t) "PGPASSFILE=/proc/self/fd/3",
                         (char *)(uintptr_t) "PGCONNECT_TIMEOUT=10", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none;
    int rc;

    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attr);
    (void)sigemptyset(&none);
    (void)posix_spawnattr_setsigmask(&attr, &none);
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    redirect(&actions, c->in, STDIN_FILENO);
    redirect(&actions, c->out, STDOUT_FILENO);
    redirect(&actions, said, STDERR_FILENO);
    redirect(&actions, pass, PASS_FD);
    rc = posix_spawnp(pid, argv[0], &actions, &attr, (char *const *)(uintptr_t)argv, env);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attr);
    return rc;
}

/* Its exit code, or -1: it could not be started. */
static int run(const struct child *c, const struct postgres_login *l, int pass, int said,
               struct err *err)
{
    const char *argv[ARGS_MOST];
    char port[12];
    size_t n = 0;
    int status, rc;
    pid_t pid;
    const char *const common[] = {"-w", "-h", l->host, "-p", port, "-U", l->name, "-d", l->name};

    (void)str_format(port, sizeof port, "%u", l->port);
    argv[n++] = c->program;
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++)
        argv[n++] = common[i];
    for (size_t i = 0; c->options[i] != NULL && n + 1 < ARGS_MOST; i++)
        argv[n++] = c->options[i];
    argv[n] = NULL;
    if ((rc = spawn(c, argv, pass, said, &pid)) != 0) {
        (void)err_sys(err, c->program, rc, c->program);
        return err_hint(err, "apt-get install postgresql-client");
    }
    while (waitpid(pid, &status, 0) == -1)
        if (errno != EINTR)
            return err_sys(err, c->program, errno, c->program);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* The first line of what it said, "" if nothing. */
static void read_said(int said, char text[SAID_MAX])
{
    ssize_t n = pread(said, text, SAID_MAX - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
}

/* 0, or -1 with what the program said in ${text} unless it could not be started at all. */
static int carry_out(const struct child *c, const struct postgres_login *login, char text[SAID_MAX],
                     struct err *err)
{
    int pass = pass_file(login, err), said, code = -1;

    text[0] = '\0';
    if (pass == -1)
        return -1;
    if ((said = memfd_create("said", MFD_CLOEXEC)) == -1) {
        (void)err_sys(err, "memfd", errno, c->program);
    } else {
        code = run(c, login, pass, said, err);
        if (code > 0) {
            read_said(said, text);
            if (text[0] == '\0')
                (void)str_format(text, SAID_MAX, "it ended with %d", code);
        }
        (void)close(said);
    }
    (void)close(pass);
    return code == 0 ? 0 : -1;
}

int postgres_dump(const struct postgres_login *login, int fd, struct err *err)
{
    static const char *const options[] = {"-Fc", "-Z0", NULL};
    const struct child c = {.program = "pg_dump", .options = options, .in = -1, .out = fd};
    char text[SAID_MAX];

    if (carry_out(&c, login, text, err) == 0)
        return 0;
    if (text[0] == '\0')
        return -1;
    (void)err_set(err, ERR_UNAVAILABLE, "pg_dump_failed", "database %s could not be dumped: %.300s",
                  login->name, text);
    return err_hint(err, "is PostgreSQL running, and pg_dump not older than it?");
}

int postgres_load(const struct postgres_login *login, int fd, struct err *err)
{
    static const char *const options[] = {"-Fc", "-e", "-O", "-x", NULL};
    const struct child c = {.program = "pg_restore", .options = options, .in = fd, .out = -1};
    char text[SAID_MAX];
    bool full;

    if (carry_out(&c, login, text, err) == 0)
        return 0;
    if (text[0] == '\0')
        return -1;
    if (strstr(text, "connection to server") != NULL) {
        (void)err_set(err, ERR_NETWORK, "database_unreachable", "pg_restore: %.300s", text);
        return err_hint(err, "Is the database server running?");
    }
    full = strstr(text, "No space left") != NULL;
    (void)err_set(err, full ? ERR_FULL : ERR_CONFLICT, "pg_restore_failed",
                  "the dump could not be put into database %s: %.300s", login->name, text);
    return err_hint(err, "is pg_restore not older than pg_dump was, and has the server the "
                         "extensions that the dump names?");
}
