#ifndef SETT_HANDS_BOX_H
#define SETT_HANDS_BOX_H
/* Hands with all their parts below a temporary folder, answering at a socket, in this process. */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "channel.h"
#include "file.h"
#include "hands_serve.h"
#include "hands_verb.h"
#include "id.h"
#include "ingress_local.h"
#include "log.h"
#include "process_find.h"
#include "runtime_process.h"
#include "str.h"
#include "supervisor_child.h"
#include "wait_for.h"

static char folder[64], share[256], cloudflared[128];
static struct paths paths;
static struct process_group *tenants, *units;
static struct runtime process;
static struct supervisor supervisor;
static struct route_map *routes;
static struct hands_world world;
static struct hands_serve *serve;
static pthread_t accepting;
static int ending[2];

#define CALL_MS 30000

static inline enum outcome call(struct hands_request *q, uint32_t verb, struct hands_reply *reply,
                                struct err *err)
{
    q->verb = verb;
    err_clear(err);
    return hands_call(paths.hands_sock, q, CALL_MS, reply, NULL, err);
}

#define EXPECT(expected_, q_, verb_)                                                               \
    do {                                                                                           \
        enum outcome out_ = call(q_, verb_, &reply, &err);                                         \
        if (out_ != (expected_))                                                                   \
            fail_msg("%s: %d: %s", hands_verb_names[verb_], (int)out_, err.text);                  \
    } while (0)

static inline struct hands_request *new_request(uint64_t number)
{
    struct hands_request *q = calloc(1, sizeof *q);

    q->number = number;
    id_make(q->tenant_id, "tn");
    id_make(q->job_id, "job");
    (void)str_copy(q->box_id, sizeof q->box_id, "box-1");
    (void)str_copy(q->blueprint, sizeof q->blueprint, "site");
    q->port = free_port();
    q->lines = 100;
    (void)kv_set(&q->env, "TENANT_NAME", "Acme & <Co> \"1\"|\\2'");
    (void)kv_set(&q->env, "TENANT_URL", "http://acme.localhost:4443/");
    (void)kv_set(&q->env, "TENANT_HOSTNAME", "acme.localhost");
    return q;
}

static void put(const char *path, const char *text, mode_t mode)
{
    assert_int_equal(file_write(path, text, strlen(text), mode, NULL), 0);
}

static void *accept_loop(void *arg)
{
    (void)arg;
    for (;;) {
        struct pollfd at[2] = {{.fd = ending[0], .events = POLLIN},
                               {.fd = hands_serve_fd(serve), .events = POLLIN}};
        (void)poll(at, 2, 20);
        if (at[0].revents != 0)
            return NULL;
        if (at[1].fd != -1 && (at[1].revents & POLLIN) != 0)
            hands_serve_accept(serve);
    }
}

static int open_parts(struct err *err)
{
    struct process_group_setup group;
    struct runtime_process_setup runtime = {.tenants = paths.tenants};
    static char routes_path[300], logs[300];
    struct route_map_setup map = {.routes = routes_path, .map = paths.web_map, .every_ms = 20};

    memset(&group, 0, sizeof group);
    (void)str_format(group.folder, sizeof group.folder, "%s/process", paths.hands);
    if (process_group_new(&tenants, &group, err) == -1)
        return -1;
    (void)str_format(group.folder, sizeof group.folder, "%s/units", paths.hands);
    (void)str_format(logs, sizeof logs, "%s/logs", paths.hands);
    (void)str_format(routes_path, sizeof routes_path, "%s/routes", paths.hands);
    runtime.group = tenants;
    world = (struct hands_world){.paths = &paths,
                                 .share = share,
                                 .group = tenants,
                                 .process = &process,
                                 .supervisor = &supervisor,
                                 .cloudflared = cloudflared,
                                 .metrics_port = 42000};
    (void)pthread_mutex_init(&world.docker_lock, NULL);
    if (process_group_new(&units, &group, err) == -1 ||
        runtime_process_new(&process, &runtime, err) == -1 ||
        supervisor_child_new(&supervisor, units, logs, 2, err) == -1 ||
        route_map_new(&routes, &map, err) == -1)
        return -1;
    world.routes = routes;
    return hands_serve_new(&serve, &world, geteuid(), err);
}

static inline bool has(const char *text, const char *part)
{
    return strstr(text, part) != NULL;
}

/* Listen on a port of all addresses. Return the socket, or -1 where there is no IPv6. */
static inline int listen_somewhere(uint32_t *port)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd == -1 || bind(fd, (const struct sockaddr *)&at, sizeof at) == -1)
        return -1;
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin6_port);
    return fd;
}

static int hands_setup(void **state)
{
    char path[300], here[200];
    struct buf b;
    struct err err;

    (void)state;
    (void)str_copy(folder, sizeof folder, "/tmp/sett-hands-XXXXXX");
    if (mkdtemp(folder) == NULL || getcwd(here, sizeof here) == NULL ||
        paths_set(&paths, folder, &err) == -1)
        return -1;
    (void)str_format(share, sizeof share, "%s/appliance", here);
    (void)str_format(cloudflared, sizeof cloudflared, "%s/cloudflared", folder);
    put(cloudflared, "#!/bin/sh\necho \"$@\"\nexec sleep 1000\n", 0700);
    for (const char *const *sub = (const char *const[]){"init", "tunnels", NULL}; *sub; sub++) {
        (void)str_format(path, sizeof path, "%s/%s", paths.hands, *sub);
        assert_int_equal(file_mkdirs(path, 0700, NULL), 0);
    }
    assert_int_equal(file_mkdirs(paths.run, 0755, NULL), 0);
    assert_int_equal(file_mkdirs(paths.blueprints, 0755, NULL), 0);
    buf_init(&b, 65536);
    assert_int_equal(file_read("appliance/blueprints/site.conf", &b, NULL), 0);
    (void)str_format(path, sizeof path, "%s/site.conf", paths.blueprints);
    put(path, buf_string(&b), 0644);
    buf_free(&b);
    if (open_parts(&err) == -1)
        fail_msg("%s", err.text);
    assert_int_equal(pipe2(ending, O_CLOEXEC), 0);
    return pthread_create(&accepting, NULL, accept_loop, NULL);
}

static int hands_teardown(void **state)
{
    (void)state;
    (void)close(ending[1]);
    (void)pthread_join(accepting, NULL);
    (void)close(ending[0]);
    (void)hands_quiet_end(&world, 0);
    assert_int_equal(hands_serve_end(serve, 10000), 0);
    assert_int_equal(hands_quiet_end(&world, 10000), 0);
    process_group_halt(tenants);
    process_group_halt(units);
    route_map_free(routes);
    supervisor_child_free(&supervisor);
    runtime_process_free(&process);
    process_group_free(units);
    process_group_free(tenants);
    return file_remove_tree(folder, NULL);
}

#endif
