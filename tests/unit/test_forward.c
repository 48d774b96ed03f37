/*
 * The forwarding of a tenant's port: bytes both ways, half-closed connections, a tenant that is not
 * there, a slow reader, and more connections than it takes at once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "forward.h"
#include "wait_for.h"

#define BIG (8u << 20)

static uint32_t port, to_port;
static int origin;
static pid_t child;

static int connect_to(uint32_t at_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)at_port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static bool is_up(void)
{
    int fd = connect_to(port);

    if (fd != -1)
        (void)close(fd);
    return fd != -1;
}

static int setup(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    struct rlimit files;
    socklen_t len = sizeof at;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max < 8192 ? files.rlim_max : 8192;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
    origin = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(origin, (struct sockaddr *)&at, len), 0);
    assert_int_equal(getsockname(origin, (struct sockaddr *)&at, &len), 0);
    to_port = ntohs(at.sin_port);
    port = free_port();
    if ((child = fork()) == 0) {
        struct forward_setup forward = {port, "127.0.0.1", to_port};
        (void)forward_run(&forward, NULL);
        _exit(1);
    }
    WAIT_FOR(is_up());
    return 0;
}

static int teardown(void **state)
{
    int status;

    (void)state;
    (void)kill(child, SIGKILL);
    (void)waitpid(child, &status, 0);
    (void)close(origin);
    return WIFSIGNALED(status) ? 0 : -1; /* it was still there */
}

/* Nobody listens at the tenant: the connection is taken and ended at once. */
static void test_nobody_there(void **state)
{
    char byte;
    int fd;

    (void)state;
    for (int i = 0; i < 20; i++) {
        assert_int_not_equal(fd = connect_to(port), -1);
        assert_true(read(fd, &byte, 1) <= 0);
        (void)close(fd);
    }
}

static int accepted(void)
{
    int fd = accept4(origin, NULL, NULL, SOCK_CLOEXEC);

    assert_int_not_equal(fd, -1);
    return fd;
}

static void test_both_ways(void **state)
{
    int client, tenant;
    char text[16];

    (void)state;
    assert_int_equal(listen(origin, 4096), 0);
    client = connect_to(port);
    tenant = accepted();
    assert_int_equal(write(client, "ping", 4), 4);
    assert_int_equal(read(tenant, text, sizeof text), 4);
    assert_int_equal(write(tenant, "pong!", 5), 5);
    assert_int_equal(read(client, text, sizeof text), 5);
    /* the client says no more; the tenant still does */
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    assert_int_equal(read(tenant, text, sizeof text), 0);
    assert_int_equal(write(tenant, "last", 4), 4);
    (void)close(tenant);
    assert_int_equal(read(client, text, sizeof text), 4);
    assert_int_equal(read(client, text, sizeof text), 0);
    (void)close(client);
}

static void *write_big(void *arg)
{
    char piece[4096];
    int fd = *(int *)arg;
    size_t done = 0;

    while (done < BIG) {
        for (size_t i = 0; i < sizeof piece; i++)
            piece[i] = (char)((done + i) * 31 >> 3);
        if (write(fd, piece, sizeof piece) != (ssize_t)sizeof piece)
            break;
        done += sizeof piece;
    }
    (void)close(fd);
    return NULL;
}

/* Whether the forwarder used less than ${ms} of processor time from now on while we wait. */
static double cpu_ms(void)
{
    char path[64], text[512];
    unsigned long user = 0, system = 0;
    int fd;
    ssize_t got;

    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)child);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    got = read(fd, text, sizeof text - 1);
    (void)close(fd);
    assert_true(got > 0);
    text[got] = '\0';
    assert_int_equal(sscanf(strrchr(text, ')') + 2,
                            "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system),
                     2);
    return 1000.0 * (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* All of it arrives, in order, though the writer has hung up long before the reader begins; and
 * meanwhile nothing spins. */
static void test_big_and_slow(void **state)
{
    int client = connect_to(port), tenant = accepted();
    pthread_t writer;
    char piece[65536];
    double before;
    size_t done = 0;
    ssize_t got;

    (void)state;
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    assert_int_equal(pthread_create(&writer, NULL, write_big, &tenant), 0);
    clock_sleep_ms(100);
    before = cpu_ms();
    clock_sleep_ms(500);
    assert_true(cpu_ms() - before < 100);
    while ((got = read(client, piece, sizeof piece)) > 0)
        for (ssize_t i = 0; i < got; i++, done++)
            if (piece[i] != (char)(done * 31 >> 3))
                fail_msg("byte %zu is another", done);
    assert_int_equal(done, BIG);
    assert_int_equal(pthread_join(writer, NULL), 0);
    (void)close(client);
}

static void test_many(void **state)
{
    enum { MANY = FORWARD_PAIRS + 40 };
    static int fds[MANY];
    char byte = 'x';
    int tenant;

    (void)state;
    for (int i = 0; i < MANY; i++)
        assert_int_not_equal(fds[i] = connect_to(port), -1);
    for (int i = 0; i < FORWARD_PAIRS; i++)
        (void)close(accepted());
    for (int i = 0; i < MANY; i++)
        if (i != MANY - 1)
            (void)close(fds[i]);
    for (int i = 0; i < 40; i++) { /* who waited has its turn */
        tenant = accepted();
        (void)!write(tenant, &byte, 1);
        (void)close(tenant);
    }
    assert_int_equal(read(fds[MANY - 1], &byte, 1), 1);
    (void)close(fds[MANY - 1]);
}

static void test_refused(void **state)
{
    struct forward_setup taken = {port, "127.0.0.1", to_port}, bad = {1, "localhost", 80};
    struct err err = {0};

    (void)state;
    assert_int_equal(forward_run(&taken, &err), -1);
    assert_string_equal(err.code, "port_taken");
    assert_int_equal(forward_run(&bad, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_there), cmocka_unit_test(test_both_ways),
        cmocka_unit_test(test_big_and_slow), cmocka_unit_test(test_many),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
