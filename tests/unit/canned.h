#ifndef SETT_CANNED_H
#define SETT_CANNED_H
/* A server of canned answers (canned.py) for one test: started, given routes, asked what came. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"
#include "str.h"

struct canned {
    char folder[64], url[64], ca[96], sock[96], log[96], routes[96];
    pid_t pid;
    int input; /* closing it ends the server */
};

/* Replace all routes: a JSON text in which ' stands for ". */
static inline int canned_routes(struct canned *c, const char *routes)
{
    struct buf text;
    int result;

    buf_init(&text, 1u << 20);
    (void)buf_text(&text, routes);
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == '\'')
            text.data[i] = '"';
    result = file_write(c->routes, buf_string(&text), text.len, 0600, NULL);
    buf_free(&text);
    return result;
}

/* Start a program of ours that ends with its input, and read its first line. Return 0 or -1. */
static inline int canned_spawn(struct canned *c, char *const argv[], char *line, size_t size)
{
    extern char **environ;
    posix_spawn_file_actions_t files;
    int in[2], out[2];
    size_t have = 0;

    if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1)
        return -1;
    (void)posix_spawn_file_actions_init(&files);
    (void)posix_spawn_file_actions_adddup2(&files, in[0], 0);
    (void)posix_spawn_file_actions_adddup2(&files, out[1], 1);
    if (posix_spawnp(&c->pid, "python3", &files, NULL, argv, environ) != 0)
        return -1;
    (void)posix_spawn_file_actions_destroy(&files);
    (void)close(in[0]);
    (void)close(out[1]);
    c->input = in[1];
    line[0] = '\0';
    while (have < size - 1 && strchr(line, '\n') == NULL) {
        struct pollfd p = {.fd = out[0], .events = POLLIN};
        ssize_t got = poll(&p, 1, 60000) == 1 ? read(out[0], line + have, size - 1 - have) : 0;
        if (got <= 0)
            return -1;
        have += (size_t)got;
        line[have] = '\0';
    }
    (void)close(out[0]);
    return 0;
}

static inline int canned_folder(struct canned *c)
{
    memset(c, 0, sizeof *c);
    (void)str_copy(c->folder, sizeof c->folder, "/tmp/sett-canned-XXXXXX");
    if (mkdtemp(c->folder) == NULL)
        return -1;
    (void)str_format(c->ca, sizeof c->ca, "%s/ca.pem", c->folder);
    (void)str_format(c->sock, sizeof c->sock, "%s/sock", c->folder);
    (void)str_format(c->log, sizeof c->log, "%s/log", c->folder);
    (void)str_format(c->routes, sizeof c->routes, "%s/routes.json", c->folder);
    return 0;
}

/* ${kind}: tls, plain or unix. Return 0 or -1. */
static inline int canned_start(struct canned *c, const char *kind)
{
    char *argv[] = {(char[]){"python3"}, (char[]){"tests/unit/canned.py"}, c->folder,
                    (char *)(uintptr_t)kind, NULL};
    char line[64];

    if (canned_folder(c) == -1 || canned_routes(c, "{}") == -1 ||
        canned_spawn(c, argv, line, sizeof line) == -1)
        return -1;
    return str_format(c->url, sizeof c->url, "%s://localhost:%s",
                      str_equal(kind, "tls") ? "https" : "http", str_trim(line));
}

/* What came since the last time, as text. Return 0 or -1. */
static inline int canned_log(struct canned *c, struct buf *out)
{
    int result;

    buf_reset(out);
    result = file_read(c->log, out, NULL);
    (void)unlink(c->log);
    return result;
}

static inline void canned_stop(struct canned *c)
{
    int status;

    if (c->pid > 0) {
        (void)close(c->input);
        (void)kill(c->pid, SIGTERM);
        (void)waitpid(c->pid, &status, 0);
    }
    (void)file_remove_tree(c->folder, NULL);
}

#endif
