/* What a manager is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "notify.h"
#include "str.h"

/* A socket that listens at ${path} ("@…": no file). */
static int listen_at(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    (void)str_copy(at.sun_path, sizeof at.sun_path, path);
    if (at.sun_path[0] == '@')
        at.sun_path[0] = '\0';
    assert_int_equal(bind(fd, (const struct sockaddr *)&at,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))),
                     0);
    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
    return fd;
}

static void heard(int fd, const char *expected)
{
    char text[300] = "";
    ssize_t got = recv(fd, text, sizeof text - 1, 0);

    assert_true(got >= 0);
    assert_string_equal(text, expected);
}

static void test_messages(void **state)
{
    char path[64], name[64];
    int fd;

    (void)state;
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    notify_ready(); /* nobody is there */
    (void)str_format(path, sizeof path, "/tmp/sett-notify-%d", (int)getpid());
    (void)str_format(name, sizeof name, "@sett-notify-%d", (int)getpid());
    fd = listen_at(path);
    notify_ready();
    heard(fd, "READY=1");
    notify_watchdog();
    heard(fd, "WATCHDOG=1");
    notify_stopping();
    heard(fd, "STOPPING=1");
    (void)close(fd);
    (void)unlink(path);
    notify_ready(); /* it has gone */
    fd = listen_at(name);
    notify_ready();
    heard(fd, "READY=1");
    (void)close(fd);
    assert_int_equal(setenv("NOTIFY_SOCKET", "relative", 1), 0);
    notify_ready();
}

static void test_interval(void **state)
{
    char pid[24];

    (void)state;
    assert_int_equal(unsetenv("WATCHDOG_USEC"), 0);
    assert_int_equal(notify_watchdog_ms(5000), 5000);
    assert_int_equal(setenv("WATCHDOG_USEC", "3000000", 1), 0);
    assert_int_equal(notify_watchdog_ms(5000), 1500);
    assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0);
    assert_int_equal(notify_watchdog_ms(5000), 5000); /* meant for another */
    (void)str_format(pid, sizeof pid, "%d", (int)getpid());
    assert_int_equal(setenv("WATCHDOG_PID", pid, 1), 0);
    assert_int_equal(notify_watchdog_ms(5000), 1500);
    assert_int_equal(setenv("WATCHDOG_USEC", "10", 1), 0);
    assert_int_equal(notify_watchdog_ms(5000), 100);
    assert_int_equal(setenv("WATCHDOG_USEC", "soon", 1), 0);
    assert_int_equal(notify_watchdog_ms(5000), 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_messages),
                                       cmocka_unit_test(test_interval)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
