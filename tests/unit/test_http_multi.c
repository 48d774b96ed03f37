/* Many requests in one thread, against a server of this process: answers, silence, refusals, long
 * answers, more than there is room for. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "http.h"
#include "http_multi.h"
#include "str.h"

#define MOST 64
#define MANY 500

static int listening = -1;
static unsigned port;
static pthread_t server;
static atomic_bool over;

static void answer(int fd)
{
    char request[2048], page[256];
    ssize_t len = read(fd, request, sizeof request - 1);

    if (len <= 0)
        return;
    request[len] = '\0';
    if (strstr(request, "GET /silent ") != NULL) {
        clock_sleep_ms(400);
        return;
    }
    if (strstr(request, "GET /rubbish ") != NULL) {
        (void)!write(fd, "what?\n", 6);
        return;
    }
    if (strstr(request, "GET /long ") != NULL) {
        (void)!write(fd, "HTTP/1.1 200 OK\r\n\r\n", 19);
        memset(page, 'x', sizeof page);
        for (int i = 0; i < 4000 && send(fd, page, sizeof page, MSG_NOSIGNAL) > 0; i++)
            continue;
        return;
    }
    (void)snprintf(page, sizeof page,
                   "HTTP/1.1 %s\r\nContent-Length: 2\r\nLocation: http://127.0.0.1:1/\r\n\r\nok",
                   strstr(request, "GET /moved ") != NULL ? "302 Found"
                   : strstr(request, "GET /bad ") != NULL ? "500 Bad"
                                                          : "200 OK");
    (void)!write(fd, page, strlen(page));
}

/* One after the other; who is silent holds the others up no longer than that. */
static void *serve(void *arg)
{
    struct pollfd p = {.fd = listening, .events = POLLIN};

    (void)arg;
    while (!atomic_load(&over)) {
        int fd = poll(&p, 1, 50) == 1 ? accept(listening, NULL, NULL) : -1;
        if (fd == -1)
            continue;
        answer(fd);
        (void)close(fd);
    }
    return NULL;
}

static int set_up(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    struct err err;

    (void)state;
    listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listening == -1 || bind(listening, (struct sockaddr *)&at, sizeof at) == -1 ||
        listen(listening, 1024) == -1 || getsockname(listening, (struct sockaddr *)&at, &len) == -1)
        return -1;
    port = ntohs(at.sin_port);
    return http_init(&err) == 0 && pthread_create(&server, NULL, serve, NULL) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    atomic_store(&over, true);
    (void)pthread_join(server, NULL);
    return close(listening);
}

struct got {
    unsigned count, good;
    struct http_told last;
};

static void told(void *arg, const struct http_told *t)
{
    struct got *got = arg;

    got->count++;
    got->good += t->end == HTTP_END_ANSWERED && t->status == 200;
    got->last = *t;
}

static void ask(struct http_multi *m, const char *path, uint64_t token, const char *connect_to)
{
    struct http_ask a = {.token = token, .timeout_ms = 150, .connect_to = connect_to};
    char url[128];
    struct err err;

    (void)str_format(url, sizeof url, "http://%s:%u%s",
                     connect_to != NULL ? "nobody.invalid" : "127.0.0.1", port, path);
    a.url = url;
    if (http_multi_ask(m, &a, &err) == -1)
        fail_msg("%s", err.text);
}

static struct got await(struct http_multi *m, unsigned wanted)
{
    int64_t until = clock_mono_ms() + 30000;
    struct got got = {0};

    while (got.count < wanted && clock_mono_ms() < until)
        http_multi_turn(m, 20, told, &got);
    assert_int_equal(got.count, wanted);
    return got;
}

static void each_end_is_told(void **state)
{
    static const struct {
        const char *path;
        enum http_end end;
        uint32_t status;
    } cases[] = {
        {"/", HTTP_END_ANSWERED, 200},      {"/bad", HTTP_END_ANSWERED, 500},
        {"/moved", HTTP_END_ANSWERED, 302}, /* and not followed */
        {"/silent", HTTP_END_TIMEOUT, 0},   {"/rubbish", HTTP_END_BROKEN, 0},
        {"/long", HTTP_END_ANSWERED, 200}, /* more than is wanted of it */
    };
    struct http_multi *m;
    struct err err;

    (void)state;
    assert_int_equal(http_multi_new(&m, MOST, "", &err), 0);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct got got;
        ask(m, cases[i].path, 100 + i, NULL);
        got = await(m, 1);
        if (got.last.end != cases[i].end || got.last.status != cases[i].status)
            fail_msg("%s: end %d, status %u", cases[i].path, (int)got.last.end, got.last.status);
        assert_int_equal(got.last.token, 100 + i);
        assert_true(got.last.latency_ms >= 1);
        if (cases[i].end == HTTP_END_TIMEOUT)
            clock_sleep_ms(400); /* the server is free again */
    }
    http_multi_free(m);
}

static void nobody_listens_and_nobody_is_called_so(void **state)
{
    struct http_ask a = {.url = "http://127.0.0.1:1/", .timeout_ms = 2000};
    struct http_multi *m;
    char connect_to[80];
    struct err err;

    (void)state;
    assert_int_equal(http_multi_new(&m, MOST, "", &err), 0);
    assert_int_equal(http_multi_ask(m, &a, &err), 0);
    assert_int_equal(await(m, 1).last.end, HTTP_END_REFUSED);
    /* A front door is asked here, whatever its name resolves to. */
    (void)str_format(connect_to, sizeof connect_to, "nobody.invalid:%u:127.0.0.1:%u", port, port);
    ask(m, "/", 1, connect_to);
    assert_int_equal(await(m, 1).good, 1);
    http_multi_free(m);
}

static void only_http_and_no_user_names(void **state)
{
    static const char *const urls[] = {"file:///etc/passwd", "ftp://127.0.0.1/",
                                       "http://user:word@127.0.0.1/"};
    struct http_multi *m;
    struct err err;

    (void)state;
    assert_int_equal(http_multi_new(&m, MOST, "", &err), 0);
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        struct http_ask a = {.url = urls[i], .timeout_ms = 500};
        assert_int_equal(http_multi_ask(m, &a, &err), 0);
        assert_int_not_equal(await(m, 1).last.end, HTTP_END_ANSWERED);
    }
    http_multi_free(m);
}

static void many_pass_through_little_room(void **state)
{
    unsigned asked = 0;
    struct got got = {0};
    struct http_multi *m;
    struct http_ask more = {.url = "http://127.0.0.1/", .timeout_ms = 100};
    struct err err;

    (void)state;
    assert_int_equal(http_multi_new(&m, MOST, "", &err), 0);
    while (got.count < MANY) {
        while (asked < MANY && http_multi_room(m) > 0)
            ask(m, "/", asked++, NULL);
        if (http_multi_room(m) == 0) {
            assert_int_equal(http_multi_ask(m, &more, &err), -1);
            assert_string_equal(err.code, "checks_full");
        }
        http_multi_turn(m, 20, told, &got);
    }
    assert_true(got.good > MANY * 9 / 10);
    assert_int_equal(http_multi_room(m), MOST);
    http_multi_idle(m);
    ask(m, "/", 1, NULL);
    http_multi_free(m); /* with one under way */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_end_is_told),
        cmocka_unit_test(nobody_listens_and_nobody_is_called_so),
        cmocka_unit_test(only_http_and_no_user_names),
        cmocka_unit_test(many_pass_through_little_room),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
