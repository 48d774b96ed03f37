#ifndef SETT_DOCKER_WORLD_H
#define SETT_DOCKER_WORLD_H
/*
 * A world for tests of the docker runtime: a network namespace of its own (so that no firewall
 * rule, bridge or port outlives the test), a real engine in it (SETT_TEST_ENGINE=docker or podman;
 * with SETT_TEST_FAR=1 driven as one of another machine is),
 * a registry with one image, a driver and blueprints. Included by one test program only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "docker_api.h"
#include "file.h"
#include "http.h"
#include "json_in.h"
#include "runtime_docker.h"
#include "str.h"

#define IMAGE       "docker.io/sett/busybox:latest"
#define BOX         "box_test"
#define DEADLINE_MS 30000

extern char **environ;

struct world {
    char folder[64], socket[96], tenants[96], registry[32];
    const char *kind; /* "docker" or "podman" */
    bool podman;
    pid_t registry_pid;
    struct runtime runtime;
    struct docker_api api; /* to look at, and to make what is not ours */
    struct http_client *http;
    struct blueprint *web; /* busybox httpd on a volume, read-only root, with limits */
};

static pid_t spawn(const char *const *argv)
{
    pid_t pid;

    assert_int_equal(posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ), 0);
    return pid;
}

static int run(const char *const *argv)
{
    pid_t pid = spawn(argv);
    int status;

    while (waitpid(pid, &status, 0) == -1)
        assert_int_equal(errno, EINTR);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* A port that was free a moment ago; nobody else is in this network namespace. */
static uint32_t free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    (void)close(fd);
    return ntohs(at.sin_port);
}

static void own_network(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    int fd;

    if (unshare(CLONE_NEWNET) != 0) {
        (void)fprintf(stderr, "this test needs root: it starts a container engine\n");
        exit(1);
    }
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1 || ioctl(fd, SIOCSIFFLAGS, &lo) != 0)
        exit(1);
    (void)close(fd);
}

static void set_command(struct blueprint_command *c, const char *const *argv)
{
    memset(c, 0, sizeof *c);
    for (; *argv != NULL; argv++)
        assert_int_equal(str_copy(c->args[c->count++], sizeof c->args[0], *argv), 0);
}

static void set_shell(struct blueprint_command *c, const char *script)
{
    set_command(c, (const char *const[]){"sh", "-c", script, NULL});
}

static struct blueprint *blueprint_new(void)
{
    struct blueprint *b = calloc(1, sizeof *b);

    assert_non_null(b);
    (void)str_copy(b->name, sizeof b->name, "web");
    (void)str_copy(b->runtime, sizeof b->runtime, "docker");
    (void)str_copy(b->image, sizeof b->image, IMAGE);
    set_shell(&b->command, /* a first process that goes when it is told to */
              "trap 'exit 0' TERM; httpd -f -p ${PORT} -h /srv & wait");
    b->inner_port = 8080;
    b->read_only = true;
    b->limits =
        (struct limits){.memory_bytes = 48u << 20, .cpu_millis = 250, .pids = 24, .nofile = 200};
    b->volume_count = 1;
    (void)str_copy(b->volumes[0].name, sizeof b->volumes[0].name, "site");
    (void)str_copy(b->volumes[0].target, sizeof b->volumes[0].target, "/srv");
    return b;
}

static inline struct runtime_order order(unsigned number)
{
    struct runtime_order o = {.number = number};

    (void)str_format(o.mark, sizeof o.mark, "sett-t%06u", number);
    (void)str_format(o.tenant_id, sizeof o.tenant_id, "tn_test%u", number);
    (void)str_format(o.job_id, sizeof o.job_id, "job_test%u", number);
    (void)str_copy(o.box_id, sizeof o.box_id, BOX);
    (void)str_copy(o.blueprint, sizeof o.blueprint, "web");
    o.port = free_port();
    assert_int_equal(kv_set(&o.env, "TENANT_NAME", "Acme"), 0);
    return o;
}

/* Run a script inside; its output in a static buffer, or the error in ${err}. */
static inline const char *inside(struct world *w, const struct runtime_order *o, const char *script,
                                 uint32_t timeout_s, struct err *err)
{
    static char text[8192];
    struct blueprint_command c;
    struct buf out;
    int rc;

    set_shell(&c, script);
    buf_init(&out, sizeof text - 1);
    err_clear(err);
    rc = w->runtime.exec(w->runtime.self, o, w->web, &c, timeout_s, &out, err);
    assert_int_equal(str_copy(text, sizeof text, buf_string(&out)), 0);
    buf_free(&out);
    assert_int_equal(rc == 0, err->kind == ERR_NONE);
    return text;
}

#define assert_ok(err_, call_)                                                                     \
    do {                                                                                           \
        err_clear(err_);                                                                           \
        if ((call_) != 0)                                                                          \
            fail_msg("%s: %s (%s)", #call_, (err_)->text, (err_)->code);                           \
    } while (0)

/* The engine, asked directly. */
static long ask_engine(struct world *w, const char *method, const char *path, const char *json)
{
    struct docker_reply reply;
    struct buf body;
    struct err err;
    long status;

    buf_init(&body, 4096);
    (void)buf_text(&body, json == NULL ? "" : json);
    assert_ok(&err, docker_api_call(&w->api, method, path, json == NULL ? NULL : &body, 60, &reply,
                                    &err));
    status = reply.status;
    docker_reply_free(&reply);
    buf_free(&body);
    return status;
}

/* What the web server says at a port of 127.0.0.1, once it answers: its status. */
static inline long fetch(struct world *w, const char *host, uint32_t port, char *text, size_t size,
                         int64_t wait_ms)
{
    int64_t deadline = clock_mono_ms() + wait_ms;
    struct http_request request = {.profile = HTTP_PROBE, .method = "GET", .timeout_s = 3};
    struct http_answer answer;
    char url[64];
    long status = 0;

    (void)str_format(url, sizeof url, "http://%s:%u/index.html", host, port);
    request.url = url;
    do {
        http_answer_init(&answer, 64 * 1024);
        if (http_call(w->http, &request, &answer, NULL) == 0) {
            status = answer.status;
            (void)str_copy(text, size, buf_string(&answer.body));
        }
        http_answer_free(&answer);
        if (status == 0)
            clock_sleep_ms(50);
    } while (status == 0 && clock_mono_ms() < deadline);
    return status;
}

static int world_setup(void **state)
{
    static struct world w;
    struct runtime_docker_setup setup;
    char tar[128];
    struct err err;

    w.kind = getenv("SETT_TEST_ENGINE") != NULL ? getenv("SETT_TEST_ENGINE") : "docker";
    w.podman = str_equal(w.kind, "podman");
    (void)str_copy(w.folder, sizeof w.folder, "/tmp/sett-docker-XXXXXX");
    assert_non_null(mkdtemp(w.folder));
    (void)str_format(w.socket, sizeof w.socket, "%s/e/engine.sock", w.folder);
    (void)str_format(w.tenants, sizeof w.tenants, "%s/tenants", w.folder);
    (void)str_format(w.registry, sizeof w.registry, "127.0.0.1:%u", free_port());
    (void)setenv("SETT_TEST_REGISTRY", w.registry, 1);
    (void)str_format(tar, sizeof tar, "%s/e", w.folder);
    if (run((const char *const[]){"tests/parts/dockerd.sh", "start", tar, w.kind, NULL}) != 0)
        return -1;
    (void)str_format(tar, sizeof tar, "%s/e/image.tar", w.folder);
    w.registry_pid = spawn((const char *const[]){"python3", "tests/fake/registry.py",
                                                 w.registry + strlen("127.0.0.1:"), tar, NULL});
    assert_ok(&err, http_client_new(&w.http, &err));
    assert_ok(&err, docker_api_init(&w.api, w.socket, &err));
    setup = (struct runtime_docker_setup){
        .socket = w.socket, .pool = "10.201.0.0/24", .tenants = w.tenants, .box_id = BOX};
    if (getenv("SETT_TEST_FAR") != NULL) { /* as over a link: it keeps the volumes itself */
        setup.tenants = NULL;
        setup.name = "far";
    }
    assert_ok(&err, runtime_docker_new(&w.runtime, &setup, &err));
    w.web = blueprint_new();
    *state = &w;
    return 0;
}

static int world_teardown(void **state)
{
    struct world *w = *state;
    char engine[128];
    int status;

    (void)str_format(engine, sizeof engine, "%s/e", w->folder);
    (void)run((const char *const[]){"tests/parts/dockerd.sh", "stop", engine, NULL});
    (void)kill(w->registry_pid, SIGTERM);
    (void)waitpid(w->registry_pid, &status, 0);
    runtime_docker_free(&w->runtime);
    docker_api_free(&w->api);
    http_client_free(w->http);
    free(w->web);
    return file_remove_tree(w->folder, NULL);
}

#endif
