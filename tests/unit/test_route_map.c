/* The local ingress with a real nginx: routes come, go, are refused and completed together. */
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
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "file.h"
#include "process_launch.h"
#include "route_list.h"
#include "route_map.h"
#include "str.h"
#include "wait_for.h"

static char folder[64], map_path[128], routes_path[128], test_command[256], pid_path[128];
static uint32_t port;
static pid_t nginx;

static void put(const char *name, const char *text)
{
    char path[160];

    (void)str_format(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(file_write(path, text, strlen(text), 0644, NULL), 0);
}

static bool file_is(const char *path, const char *text)
{
    struct buf b;
    bool same;

    buf_init(&b, 65536);
    same = file_read(path, &b, NULL) == 0 && str_equal(buf_string(&b), text);
    buf_free(&b);
    return same;
}

/* What nginx answers for a host name: the body's first line, or "" when it does not answer 200. */
static const char *ask_nginx(const char *host, char out[64])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    char text[2048];
    size_t len = 0;
    ssize_t got;
    char *body;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    out[0] = '\0';
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (const struct sockaddr *)&at, sizeof at) == 0) {
        (void)dprintf(fd, "GET / HTTP/1.0\r\nHost: %s\r\n\r\n", host);
        while ((got = read(fd, text + len, sizeof text - 1 - len)) > 0)
            len += (size_t)got;
        text[len] = '\0';
        body = strstr(text, "\r\n\r\n");
        if (strncmp(text, "HTTP/1.1 200", 12) == 0 && body != NULL) {
            body[4 + strcspn(body + 4, "\n")] = '\0';
            (void)str_copy(out, 64, body + 4);
        }
    }
    (void)close(fd);
    return out;
}

/* To be waited for, always: after a reload a worker of before may still answer for a moment. */
static bool leads(const char *host, const char *to)
{
    char out[64];

    return str_equal(ask_nginx(host, out), to);
}

static struct route_map *open_map(const char *reload)
{
    struct route_map_setup setup = {.routes = routes_path,
                                    .map = map_path,
                                    .test = test_command,
                                    .reload = reload,
                                    .pid = pid_path,
                                    .every_ms = 100};
    struct route_map *m = NULL;
    struct err err;

    if (route_map_new(&m, &setup, &err) == -1)
        fail_msg("%s", err.text);
    return m;
}

static void test_routes(void **state)
{
    struct route_map *m = open_map(NULL);
    uint32_t to = 0;
    uint64_t number = 0;
    bool maintenance = true;
    struct err err;

    (void)state;
    if (route_map_set(m, "acme.localhost", 3101, 7, false, &err) == -1)
        fail_msg("%s", err.text);
    WAIT_FOR(leads("acme.localhost", "127.0.0.1:3101"));
    assert_int_equal(route_map_set(m, "acme.localhost", 3101, 7, false, &err), 0);
    assert_int_equal(route_map_set(m, "aaa.localhost", 3100, 6, false, &err), 0);
    assert_true(file_is(map_path, "# Made by sett-hands; a change here is lost.\n"
                                  "aaa.localhost 127.0.0.1:3100;\n"
                                  "acme.localhost 127.0.0.1:3101;\n"));
    assert_int_equal(route_map_show(m, "acme.localhost", &to, &number, &maintenance), 1);
    assert_int_equal(to, 3101);
    assert_int_equal(number, 7);
    assert_false(maintenance);
    assert_int_equal(route_map_show(m, "nobody.localhost", &to, &number, &maintenance), 0);
    /* Another tunnel may neither take it nor take it away. */
    assert_int_equal(route_map_set(m, "acme.localhost", 3102, 8, false, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(route_map_unset(m, "acme.localhost", 8, &err), 0);
    assert_int_equal(route_map_show(m, "acme.localhost", &to, &number, &maintenance), 1);
    /* Its own may change the port. */
    assert_int_equal(route_map_set(m, "acme.localhost", 3103, 7, false, &err), 0);
    WAIT_FOR(leads("acme.localhost", "127.0.0.1:3103"));
    assert_int_equal(route_map_unset(m, "acme.localhost", 7, &err), 0);
    assert_int_equal(route_map_unset(m, "acme.localhost", 7, &err), 0);
    WAIT_FOR(leads("acme.localhost", ""));
    WAIT_FOR(leads("aaa.localhost", "127.0.0.1:3100"));
    assert_int_equal(route_map_set_at(m, "far.localhost", 10u << 24 | 7, 8069, 12, false, &err), 0);
    assert_int_equal(route_map_address(m, "far.localhost"), 10u << 24 | 7);
    assert_int_equal(route_map_address(m, "acme.localhost"), 0);
    assert_int_equal(route_map_unset(m, "far.localhost", 12, &err), 0);
    assert_int_equal(route_map_set(m, "not a name", 3103, 7, false, &err), -1);
    assert_int_equal(route_map_set(m, "a.localhost", 0, 7, false, &err), -1);
    assert_int_equal(route_map_set(m, "a.localhost", 3000, 0, false, &err), -1);
    route_map_free(m);
    /* What was noted is there again, also when the map was lost or left half way. */
    assert_int_equal(unlink(map_path), 0);
    m = open_map(NULL);
    assert_true(file_is(map_path, "# Made by sett-hands; a change here is lost.\n"
                                  "aaa.localhost 127.0.0.1:3100;\n"));
    put("tenants.map", "left.localhost 127.0.0.1:1;\n");
    route_map_free(m);
    m = open_map(NULL);
    WAIT_FOR(leads("aaa.localhost", "127.0.0.1:3100"));
    WAIT_FOR(leads("left.localhost", ""));
    assert_int_equal(route_map_unset(m, "aaa.localhost", 6, &err), 0);
    route_map_free(m);
}

/* The port is kept beside the word, so that switching it off needs nothing else; and both are there
 * again after a restart. */
static void test_maintenance(void **state)
{
    static const char in[] = "# Made by sett-hands; a change here is lost.\n"
                             "acme.localhost maintenance;\n";
    struct route_map *m = open_map(NULL);
    bool maintenance = false;
    uint32_t to = 0;
    uint64_t number = 0;
    struct err err;

    (void)state;
    assert_int_equal(route_map_set(m, "acme.localhost", 3101, 7, false, &err), 0);
    WAIT_FOR(leads("acme.localhost", "127.0.0.1:3101"));
    assert_int_equal(route_map_set(m, "acme.localhost", 3101, 7, true, &err), 0);
    WAIT_FOR(leads("acme.localhost", "maintenance"));
    assert_true(file_is(map_path, in));
    assert_true(file_is(routes_path, "acme.localhost 3101 7 maintenance\n"));
    route_map_free(m);
    assert_int_equal(unlink(map_path), 0);
    m = open_map(NULL);
    assert_true(file_is(map_path, in));
    assert_int_equal(route_map_show(m, "acme.localhost", &to, &number, &maintenance), 1);
    assert_int_equal(to, 3101);
    assert_true(maintenance);
    assert_int_equal(route_map_set(m, "acme.localhost", 3101, 7, false, &err), 0);
    WAIT_FOR(leads("acme.localhost", "127.0.0.1:3101"));
    assert_true(file_is(routes_path, "acme.localhost 3101 7\n"));
    assert_int_equal(route_map_unset(m, "acme.localhost", 7, &err), 0);
    route_map_free(m);
}

static void test_refused(void **state)
{
    struct route_map *m = open_map(NULL);
    uint32_t to;
    uint64_t number;
    bool maintenance;
    struct err err;

    (void)state;
    assert_int_equal(route_map_set(m, "good.localhost", 3100, 1, false, &err), 0);
    WAIT_FOR(leads("good.localhost", "127.0.0.1:3100"));
    put("extra.conf", "no_such_directive on;\n");
    assert_int_equal(route_map_set(m, "late.localhost", 3101, 2, false, &err), -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "unknown directive \"no_such_directive\""));
    assert_true(file_is(map_path, "# Made by sett-hands; a change here is lost.\n"
                                  "good.localhost 127.0.0.1:3100;\n"));
    assert_int_equal(route_map_show(m, "late.localhost", &to, &number, &maintenance), 0);
    WAIT_FOR(leads("good.localhost", "127.0.0.1:3100"));
    put("extra.conf", "");
    assert_int_equal(route_map_set(m, "late.localhost", 3101, 2, false, &err), 0);
    WAIT_FOR(leads("late.localhost", "127.0.0.1:3101"));
    assert_int_equal(route_map_unset(m, "late.localhost", 2, &err), 0);
    assert_int_equal(route_map_unset(m, "good.localhost", 1, &err), 0);
    route_map_free(m);
}

struct asking {
    struct route_map *m;
    uint32_t i;
    int result;
};

static void *ask_one(void *arg)
{
    struct asking *a = arg;
    char host[32];
    struct err err;

    (void)str_format(host, sizeof host, "t%u.localhost", a->i);
    a->result = route_map_set(a->m, host, 4000 + a->i, a->i + 1, false, &err);
    return NULL;
}

#define TOGETHER 60

static void test_together(void **state)
{
    struct asking asking[TOGETHER];
    pthread_t threads[TOGETHER];
    struct route_map *m;
    char reload[200], counter[160];
    struct buf b;

    (void)state;
    put("reload.sh", "echo reloaded >>\"$(dirname \"$0\")/reloads\"\n"
                     "kill -HUP \"$(cat \"$(dirname \"$0\")/nginx.pid\")\"\n");
    (void)str_format(reload, sizeof reload, "/bin/sh %s/reload.sh", folder);
    (void)str_format(counter, sizeof counter, "%s/reloads", folder);
    m = open_map(reload);
    for (uint32_t i = 0; i < TOGETHER; i++) {
        asking[i] = (struct asking){m, i, -1};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_one, &asking[i]), 0);
    }
    for (uint32_t i = 0; i < TOGETHER; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(asking[i].result, 0);
    }
    WAIT_FOR(leads("t0.localhost", "127.0.0.1:4000"));
    WAIT_FOR(leads("t59.localhost", "127.0.0.1:4059"));
    buf_init(&b, 65536);
    assert_int_equal(file_read(counter, &b, NULL), 0);
    assert_true(b.len <= 10 * strlen("reloaded\n")); /* sixty changes in few reloads */
    buf_free(&b);
    route_map_free(m);
    /* A reload command that fails: the map stays, and the next try loads it again. */
    put("reload.sh", "echo cannot; exit 1\n");
    m = open_map(reload);
    {
        struct err err;
        assert_int_equal(route_map_set(m, "x.localhost", 5000, 99, false, &err), -1);
        assert_non_null(strstr(err.text, "cannot"));
        put("reload.sh", "kill -HUP \"$(cat \"$(dirname \"$0\")/nginx.pid\")\"\n");
        assert_int_equal(route_map_set(m, "x.localhost", 5000, 99, false, &err), 0);
        WAIT_FOR(leads("x.localhost", "127.0.0.1:5000"));
    }
    route_map_free(m);
}

static void test_hostnames(void **state)
{
    static const char *const good[] = {"a.b", "acme.localhost", "x-1.example.com", "1.2.3",
                                       "xn--bcher-kva.example"};
    static const char *const bad[] = {
        "",      "localhost", "default", ".a.b",  "a..b",  "a.b.",  "-a.b",  "a-.b",       "A.b",
        "a b.c", "a.b;",      "~a.b",    "*.a.b", "a.b/c", "a.b\n", "a_b.c", "\xc3\xbc.de"};
    char longest[300];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(route_list_hostname(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(route_list_hostname(bad[i]));
    memset(longest, 'a', sizeof longest);
    for (size_t i = 50; i < 250; i += 50)
        longest[i] = '.';
    longest[253] = '\0';
    assert_true(route_list_hostname(longest));
    longest[253] = 'a';
    longest[254] = '\0';
    assert_false(route_list_hostname(longest));
    (void)str_copy(longest, sizeof longest, "a.");
    memset(longest + 2, 'b', 64);
    longest[66] = '\0';
    assert_false(route_list_hostname(longest));
}

static void test_corrupt(void **state)
{
    struct route_list l;
    struct err err;
    char path[160];

    (void)state;
    (void)str_format(path, sizeof path, "%s/corrupt", folder);
    put("corrupt", "a.b 3000 1\nc.d 3001; 2\n");
    assert_int_equal(route_list_read(&l, path, &err), -1);
    assert_int_equal(err.kind, ERR_CORRUPT);
    assert_non_null(strstr(err.text, "line 2"));
    put("corrupt", "a.b 3000 1 maintenance\nc.d 3001 2 closed\n");
    assert_int_equal(route_list_read(&l, path, &err), -1);
    assert_non_null(strstr(err.text, "line 2"));
}

static const char conf[] =
    "daemon off;\npid %s/nginx.pid;\nerror_log %s/error.log;\nevents {}\nhttp {\n"
    "access_log off;\nclient_body_temp_path %s/t1;\nproxy_temp_path %s/t2;\n"
    "fastcgi_temp_path %s/t3;\nuwsgi_temp_path %s/t4;\nscgi_temp_path %s/t5;\n"
    "include %s/extra.conf;\nmap_hash_bucket_size 256;\n"
    "map $host $service { default \"\"; include %s/tenants.map; }\n"
    "server { listen 127.0.0.1:%u; location / { if ($service = \"\") { return 404; }\n"
    "return 200 \"$service\\n\"; } }\n}\n";

static int setup(void **state)
{
    struct process_plan *p = calloc(1, sizeof *p);
    char text[2048], path[128], log[128];
    struct err err;
    int fd;

    (void)state;
    (void)str_copy(folder, sizeof folder, "/tmp/sett-routes-XXXXXX");
    if (mkdtemp(folder) == NULL || chmod(folder, 0755) == -1)
        return -1;
    port = free_port();
    (void)str_format(map_path, sizeof map_path, "%s/tenants.map", folder);
    (void)str_format(routes_path, sizeof routes_path, "%s/routes", folder);
    (void)str_format(pid_path, sizeof pid_path, "%s/nginx.pid", folder);
    (void)str_format(path, sizeof path, "%s/nginx.conf", folder);
    (void)str_format(log, sizeof log, "%s/out.log", folder);
    (void)str_format(test_command, sizeof test_command,
                     "/usr/sbin/nginx -t -q -e stderr -p %s -c %s", folder, path);
    (void)str_format(text, sizeof text, conf, folder, folder, folder, folder, folder, folder,
                     folder, folder, folder, port);
    put("nginx.conf", text);
    put("extra.conf", "");
    route_map_free(open_map(NULL)); /* makes the empty map that nginx wants to include */
    (void)str_copy(p->name, sizeof p->name, "nginx");
    for (const char *const *arg = (const char *const[]){"/usr/sbin/nginx", "-e", "stderr", "-p",
                                                        folder, "-c", path, NULL};
         *arg != NULL; arg++)
        (void)process_plan_arg(p, *arg);
    fd = open(log, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (process_spawn(p, fd, &nginx, &err) == -1)
        return -1;
    (void)close(fd);
    free(p);
    WAIT_FOR(file_exists(pid_path));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)kill(nginx, SIGTERM);
    (void)waitpid(nginx, NULL, 0);
    return file_remove_tree(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostnames), cmocka_unit_test(test_corrupt),
        cmocka_unit_test(test_routes),    cmocka_unit_test(test_maintenance),
        cmocka_unit_test(test_refused),   cmocka_unit_test(test_together)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
