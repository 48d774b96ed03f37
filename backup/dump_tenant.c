/*
 * pg_dump, for one tenant. Apart because a password must reach another program here: by a file that
 * has no name and only this child can open, never by argument or environment.
 */
#include "dump_tenant.h"

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
#include "postgres.h"
#include "setting.h"
#include "str.h"
#include "tenant.h"

#define PASS_FD  3
#define SAID_MAX 600

struct dump {
    char name[POSTGRES_NAME_SIZE], host[256], port[12];
    char password[256];
};

/* 1 with the tenant's database's password, 0 if it has no database. */
static int read_password(const struct saga_context *c, uint64_t number, struct dump *d,
                         struct err *err)
{
    struct tenant tenant = {0};
    char name[96], text[24];
    struct buf plain;
    struct txn *txn;
    int found;

    buf_init(&plain, sizeof d->password - 1);
    (void)str_format(text, sizeof text, "%llu", (unsigned long long)number);
    if (db_read(&txn, c->db, err) == -1)
        return -1;
    if ((found = tenant_resolve(txn, text, &tenant, err)) == 1) {
        (void)str_format(name, sizeof name, "database:%s", tenant.id);
        found = secret_get(txn, &c->vault, name, &plain, err);
    }
    db_read_end(txn);
    if (found == 1)
        (void)str_copy(d->password, sizeof d->password, buf_string(&plain));
    if (plain.data != NULL)
        sodium_memzero(plain.data, plain.cap);
    buf_free(&plain);
    return found;
}

static int read_address(struct backup_world *world, uint64_t number, struct dump *d,
                        struct err *err)
{
    struct providers *providers = outside_use(world->outside);
    struct postgres p = {providers->database_admin, providers->database_password};
    uint32_t port = 0;
    int rc = postgres_address(&p, d->host, sizeof d->host, &port, err);

    outside_done(world->outside, providers);
    postgres_name(d->name, number);
    (void)str_format(d->port, sizeof d->port, "%u", port);
    return rc;
}

/* A line of .pgpass in memory. Return its descriptor or -1. */
static int pass_file(const struct dump *d, struct err *err)
{
    int fd = memfd_create("pgpass", MFD_CLOEXEC);
    char line[400];
    int rc = -1;

    if (fd != -1 && str_format(line, sizeof line, "*:*:*:*:%s\n", d->password) == 0 &&
        fchmod(fd, 0600) == 0 && file_write_all(fd, line, strlen(line)) == 0)
        rc = 0;
    sodium_memzero(line, sizeof line);
    if (rc == 0)
        return fd;
    (void)err_sys(err, "pgpass", errno, "a file for pg_dump");
    if (fd != -1)
        (void)close(fd);
    return -1;
}

/* Its exit code, or -1: it could not be started. */
static int run(const struct dump *d, int pass, int out, int said, struct err *err)
{
    const char *const argv[] = {"pg_dump", "-w", "-Fc",   "-Z0", "-h",    d->host, "-p",
                                d->port,   "-U", d->name, "-d",  d->name, NULL};
    char *const env[] = {(char *)(uintptr_t) "PATH=/usr/bin:/bin",
                         (char *)(uintptr_t) "LC_ALL=C.UTF-8",
                         (char *)(uintptr_t) "PGPASSFILE=/proc/self/fd/3",
                         (char *)(uintptr_t) "PGCONNECT_TIMEOUT=10", NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int status, rc;
    pid_t pid;
    sigset_t none;

    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attr);
    (void)sigemptyset(&none);
    (void)posix_spawnattr_setsigmask(&attr, &none);
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, out, 1);
    (void)posix_spawn_file_actions_adddup2(&actions, said, 2);
    (void)posix_spawn_file_actions_adddup2(&actions, pass, PASS_FD);
    rc = posix_spawnp(&pid, argv[0], &actions, &attr, (char *const *)(uintptr_t)argv, env);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attr);
    if (rc != 0) {
        (void)err_sys(err, "pg_dump", rc, "pg_dump");
        return err_hint(err, "apt-get install postgresql-client");
    }
    while (waitpid(pid, &status, 0) == -1)
        if (errno != EINTR)
            return err_sys(err, "pg_dump", errno, "waiting for pg_dump");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int failed(const struct dump *d, int said, struct err *err)
{
    char text[SAID_MAX] = "";
    ssize_t n = pread(said, text, sizeof text - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    (void)err_set(err, ERR_UNAVAILABLE, "pg_dump_failed", "database %s could not be dumped: %.300s",
                  d->name, text);
    return err_hint(err, "is PostgreSQL running, and pg_dump not older than it?");
}

int dump_tenant(struct backup_world *world, uint64_t number, int fd, struct err *err)
{
    struct dump d = {0};
    int pass = -1, said = -1, rc = read_password(world->context, number, &d, err);

    if (rc != 1)
        return rc;
    rc = -1;
    if (read_address(world, number, &d, err) == 0 && (pass = pass_file(&d, err)) != -1) {
        if ((said = memfd_create("said", MFD_CLOEXEC)) == -1)
            (void)err_sys(err, "memfd", errno, "pg_dump's words");
        else if ((rc = run(&d, pass, fd, said, err)) != -1)
            rc = rc == 0 ? 1 : failed(&d, said, err);
    }
    sodium_memzero(&d, sizeof d);
    if (pass != -1)
        (void)close(pass);
    if (said != -1)
        (void)close(said);
    return rc;
}
