/* Messages between our programs, and questions with their answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ask.h"
#include "channel.h"
#include "clock.h"
#include "enc.h"
#include "file.h"
#include "str.h"

static char folder[64], path[96];

static int setup(void **state)
{
    (void)state;
    (void)str_copy(folder, sizeof folder, "/tmp/sett-channel-XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : str_format(path, sizeof path, "%s/s.sock", folder);
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_tree(folder, NULL);
}

static void test_messages(void **state)
{
    static char large[CHANNEL_MESSAGE_MAX + 1];
    int fd[2];
    struct buf b, small;
    struct err err;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    buf_init(&b, CHANNEL_MESSAGE_MAX);
    assert_int_equal(channel_send(fd[0], "hello", 5, &err), 0);
    assert_int_equal(channel_send(fd[0], "", 0, &err), 0);
    assert_int_equal(channel_receive(fd[1], &b, 1000, &err), 1);
    assert_string_equal(buf_string(&b), "hello");
    assert_int_equal(channel_receive(fd[1], &b, 1000, &err), 1);
    assert_int_equal(b.len, 5);
    assert_int_equal(channel_receive(fd[1], &b, 20, &err), -1);
    assert_int_equal(err.kind, ERR_TIMEOUT);
    assert_int_equal(channel_send(fd[0], large, sizeof large, &err), -1);
    assert_int_equal(err.kind, ERR_TOO_LARGE);
    buf_init(&small, 3);
    assert_int_equal(channel_send(fd[0], "hello", 5, &err), 0);
    assert_int_equal(channel_receive(fd[1], &small, 1000, &err), -1);
    assert_int_equal(err.kind, ERR_TOO_LARGE);
    assert_int_equal(read(fd[1], large, 5), 5);
    /* Cut off inside a message, and properly closed. */
    assert_int_equal(write(fd[0], "\0\0\0\5he", 6), 6);
    (void)close(fd[0]);
    buf_reset(&b);
    assert_int_equal(channel_receive(fd[1], &b, 1000, &err), -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_int_equal(b.len, 0);
    assert_int_equal(channel_receive(fd[1], &b, 1000, &err), 0);
    (void)close(fd[1]);
    /* A length beyond the limit is refused before anything is reserved for it. */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    assert_int_equal(write(fd[0], "\xff\xff\xff\xff", 4), 4);
    assert_int_equal(channel_receive(fd[1], &b, 1000, &err), -1);
    assert_int_equal(err.kind, ERR_MALFORMED);
    (void)close(fd[1]);
    assert_int_equal(channel_send(fd[0], "x", 1, &err), -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    (void)close(fd[0]);
    buf_free(&b);
    buf_free(&small);
}

static void test_listening(void **state)
{
    struct err err;
    struct stat st;
    uid_t uid = 12345;
    int listening, conn, peer;

    (void)state;
    assert_int_equal(channel_connect(path, 1000, &err), -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    listening = channel_listen(path, 0660, &err);
    assert_true(listening >= 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    assert_int_equal(channel_listen(path, 0660, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    /* The probe of the refused one is in the queue, before the real peer. */
    conn = channel_connect(path, 1000, &err);
    assert_true(conn >= 0);
    peer = channel_accept(listening, &uid, &err);
    (void)close(peer);
    peer = channel_accept(listening, &uid, &err);
    assert_true(peer >= 0);
    assert_int_equal(uid, getuid());
    (void)close(peer);
    (void)close(conn);
    (void)close(listening); /* the file stays, nobody listens */
    assert_int_equal(channel_connect(path, 1000, &err), -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    listening = channel_listen(path, 0600, &err);
    assert_true(listening >= 0);
    (void)close(listening);
    assert_int_equal(unlink(path), 0);
    /* A file that is no socket is never replaced. */
    assert_int_equal(file_write(path, "x", 1, 0600, &err), 0);
    assert_int_equal(channel_listen(path, 0600, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(unlink(path), 0);
}

/* The worker's side: answers as many questions as it is told to. */
static void *serve(void *arg)
{
    static char large[200000];
    int listening = *(int *)arg;
    uid_t uid;

    memset(large, 'L', sizeof large);
    for (;;) {
        char question[64];
        struct kv params;
        struct err err;
        int fd = channel_accept(listening, &uid, &err);
        if (fd == -1)
            return NULL;
        if (ask_read(fd, question, &params, &err) == -1) {
            (void)close(fd);
            continue;
        }
        if (str_equal(question, "echo")) {
            const char *text = kv_get_or(&params, "text", "(none)");
            (void)ask_answer(fd, text, strlen(text));
            (void)ask_end(fd, NULL);
        } else if (str_equal(question, "large")) {
            (void)ask_answer(fd, large, sizeof large);
            (void)ask_end(fd, NULL);
        } else if (str_equal(question, "fail")) {
            (void)err_field(&err, "lines", "too_many", "No more than %d lines.", 5);
            (void)err_hint(&err, "Ask for fewer.");
            err.kind = ERR_RATE;
            err.retry_after_s = 7;
            (void)ask_answer(fd, "part", 4);
            (void)ask_end(fd, &err);
        } else if (str_equal(question, "hang")) {
            char c;
            (void)!read(fd, &c, 1); /* until the other side goes */
        } else if (str_equal(question, "break")) {
            (void)ask_answer(fd, "part", 4);
        }
        (void)close(fd);
        if (str_equal(question, "stop"))
            return NULL;
    }
}

static void test_questions(void **state)
{
    struct err err;
    struct kv params;
    struct buf out;
    pthread_t thread;
    int listening;
    int64_t began;

    (void)state;
    buf_init(&out, 1u << 20);
    assert_int_equal(ask(path, "echo", NULL, 1000, &out, &err), -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_int_equal(err.retry_after_s, 5);
    listening = channel_listen(path, 0600, &err);
    assert_int_equal(pthread_create(&thread, NULL, serve, &listening), 0);
    kv_clear(&params);
    assert_int_equal(kv_set(&params, "text", "What is it?"), 0);
    assert_int_equal(ask(path, "echo", &params, 5000, &out, &err), 0);
    assert_string_equal(buf_string(&out), "What is it?");
    buf_reset(&out);
    assert_int_equal(ask(path, "echo", NULL, 5000, &out, &err), 0);
    assert_string_equal(buf_string(&out), "(none)");
    buf_reset(&out);
    assert_int_equal(ask(path, "large", NULL, 5000, &out, &err), 0);
    assert_int_equal(out.len, 200000);
    out.max = 1000;
    buf_reset(&out);
    assert_int_equal(ask(path, "large", NULL, 5000, &out, &err), -1);
    assert_int_equal(err.kind, ERR_TOO_LARGE);
    buf_reset(&out);
    assert_int_equal(ask(path, "fail", NULL, 5000, &out, &err), -1);
    assert_int_equal(err.kind, ERR_RATE);
    assert_int_equal(err.retry_after_s, 7);
    assert_string_equal(err.code, "too_many");
    assert_string_equal(err.field, "lines");
    assert_string_equal(err.text, "No more than 5 lines.");
    assert_string_equal(err.hint, "Ask for fewer.");
    began = clock_mono_ms();
    assert_int_equal(ask(path, "hang", NULL, 200, &out, &err), -1);
    assert_int_equal(err.kind, ERR_TIMEOUT);
    assert_true(clock_mono_ms() - began < 3000);
    assert_int_equal(ask(path, "break", NULL, 5000, &out, &err), -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_int_equal(err.retry_after_s, 5);
    assert_int_equal(ask(path, "stop", NULL, 5000, &out, &err), -1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    (void)close(listening);
    buf_free(&out);
}

/* Bytes that are no question. */
static void test_bad_questions(void **state)
{
    static const struct {
        const char *data;
        size_t len;
    } bad[] = {
        {"", 0},        {"echo", 4},
        {"echo\0a", 6}, {"echo\0a\0b", 8},
        {"\0", 1},      {"a234567890123456789012345678901234567890123456789012345678901234\0", 66}};
    char question[64];
    struct kv params;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int fd[2], result;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
        assert_int_equal(channel_send(fd[0], bad[i].data, bad[i].len, &err), 0);
        result = ask_read(fd[1], question, &params, &err);
        if (bad[i].len == 1) /* an empty name is read; no table has it */
            assert_string_equal(question, "");
        else
            assert_int_equal(result, -1);
        (void)close(fd[0]);
        (void)close(fd[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages), cmocka_unit_test(test_listening),
        cmocka_unit_test(test_questions), cmocka_unit_test(test_bad_questions)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
