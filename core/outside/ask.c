/* Questions to the worker and their answers. Apart from the channel because this is where the
 * meaning of the messages is: the question is its name, a NUL and the parameters as a kv holds
 * them; each part of the answer is 'd' and bytes; how it goes is 'p' and a line for people; a
 * failure is 'e' and a kv; an empty message ends.
 */
#include "ask.h"

#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "clock.h"
#include "str.h"

#define QUESTION_SIZE 64
#define CONNECT_MS    1000
#define QUESTION_MS   5000
#define AGAIN_AFTER_S 5
#define PART_MAX      (CHANNEL_MESSAGE_MAX - 1)

/* The worker cannot be asked now: whatever the cause below, the caller should come back. */
static int unavailable(struct err *err)
{
    if (err != NULL && err->kind == ERR_UNAVAILABLE) {
        err->retry_after_s = AGAIN_AFTER_S;
        return err_hint(err, "Is sett-worker running? It is restarted on its own within a second.");
    }
    return -1;
}

static int send_question(int fd, const char *question, const struct kv *params, struct err *err)
{
    char message[QUESTION_SIZE + KV_SIZE];
    size_t name = strlen(question) + 1;
    int rc;

    if (name > QUESTION_SIZE)
        return err_set(err, ERR_INVALID, "question_too_long", "not a question: %s", question);
    memcpy(message, question, name);
    if (params != NULL)
        memcpy(message + name, params->data, params->len);
    rc = channel_send(fd, message, name + (params == NULL ? 0 : params->len), err);
    explicit_bzero(message, sizeof message); /* it may have held a secret */
    return rc;
}

/* The worker's own refusal, as ask_end wrote it. */
static int read_failure(const char *data, size_t len, struct err *err)
{
    struct kv kv;
    uint64_t kind;

    if (kv_load(&kv, data, len) == -1)
        return err_set(err, ERR_MALFORMED, "ask_malformed", "the worker's answer cannot be read");
    kind = kv_get_u64(&kv, "kind", ERR_INTERNAL);
    if (kind == ERR_NONE || kind > ERR_INTERNAL)
        kind = ERR_INTERNAL;
    (void)err_set(err, (enum err_kind)kind, kv_get_or(&kv, "code", "unknown"), "%s",
                  kv_get_or(&kv, "text", ""));
    (void)err_hint(err, "%s", kv_get_or(&kv, "hint", ""));
    if (err != NULL) {
        (void)str_copy(err->field, sizeof err->field, kv_get_or(&kv, "field", ""));
        err->retry_after_s = (uint32_t)kv_get_u64(&kv, "retry_after_s", 0);
    }
    return -1;
}

/* Who asked, and wants to hear how it goes. */
struct watcher {
    void (*progress)(void *arg, const char *line);
    void *arg;
};

static int read_answer(int fd, int64_t deadline_ms, const struct watcher *watcher, struct buf *out,
                       struct err *err)
{
    struct buf message;
    int result = -1;

    buf_init(&message, CHANNEL_MESSAGE_MAX);
    for (;;) {
        int64_t left = deadline_ms - clock_mono_ms();
        int got;
        buf_reset(&message);
        got = channel_receive(fd, &message, left > 0 ? (int)left : 0, err);
        if (got == 0)
            (void)err_set(err, ERR_UNAVAILABLE, "peer_gone", "the worker broke off its answer");
        if (got != 1)
            break;
        if (message.len == 0) {
            result = 0;
            break;
        }
        if (message.data[0] == 'e') {
            (void)read_failure(message.data + 1, message.len - 1, err);
            buf_free(&message);
            return -1;
        }
        if (message.data[0] == 'p') {
            if (watcher->progress != NULL)
                watcher->progress(watcher->arg, message.data + 1);
            continue;
        }
        if (message.data[0] != 'd') {
            (void)err_set(err, ERR_MALFORMED, "ask_malformed",
                          "the worker's answer cannot be read");
            break;
        }
        if (buf_add(out, message.data + 1, message.len - 1) == -1) {
            (void)err_set(err, ERR_TOO_LARGE, "answer_too_large", "the answer exceeds %zu bytes",
                          out->max);
            break;
        }
    }
    buf_free(&message);
    return result == 0 ? 0 : unavailable(err);
}

int ask_watch(const char *sock, const char *question, const struct kv *params, int timeout_ms,
              void (*progress)(void *arg, const char *line), void *arg, struct buf *out,
              struct err *err)
{
    struct watcher watcher = {.progress = progress, .arg = arg};
    int64_t deadline = clock_mono_ms() + timeout_ms;
    int fd = channel_connect(sock, timeout_ms < CONNECT_MS ? timeout_ms : CONNECT_MS, err), result;

    if (fd == -1)
        return unavailable(err);
    if (send_question(fd, question, params, err) == -1)
        result = unavailable(err);
    else
        result = read_answer(fd, deadline, &watcher, out, err);
    (void)close(fd);
    return result;
}

int ask(const char *sock, const char *question, const struct kv *params, int timeout_ms,
        struct buf *out, struct err *err)
{
    return ask_watch(sock, question, params, timeout_ms, NULL, NULL, out, err);
}

/* One message; a descriptor that came with it goes to *${got}. */
static int read_part(int fd, int timeout_ms, struct buf *message, int *got, struct err *err)
{
    int fds[CHANNEL_FDS_MAX], rc;
    size_t count = 0;

    buf_reset(message);
    rc = channel_receive_fds(fd, message, fds, &count, timeout_ms, err);
    if (rc == 0)
        (void)err_set(err, ERR_UNAVAILABLE, "peer_gone", "the worker broke off its answer");
    for (size_t i = rc == 1 && *got == -1 && count > 0 ? 1 : 0; i < count; i++)
        (void)close(fds[i]);
    if (rc == 1 && *got == -1 && count > 0)
        *got = fds[0];
    return rc == 1 ? 0 : -1;
}

int ask_for_file(const char *sock, const char *question, const struct kv *params, int timeout_ms,
                 struct ask_file *file, struct err *err)
{
    struct buf message;
    int rc = -1;

    file->fd = -1;
    buf_init(&file->text, CHANNEL_MESSAGE_MAX);
    buf_init(&message, CHANNEL_MESSAGE_MAX);
    if ((file->conn = channel_connect(sock, CONNECT_MS, err)) == -1)
        return unavailable(err);
    if (send_question(file->conn, question, params, err) == 0 &&
        read_part(file->conn, timeout_ms, &message, &file->fd, err) == 0) {
        if (message.len > 0 && message.data[0] == 'e')
            (void)read_failure(message.data + 1, message.len - 1, err);
        else if (message.len == 0 || message.data[0] != 'f' || file->fd == -1 ||
                 buf_add(&file->text, message.data + 1, message.len - 1) == -1)
            (void)err_set(err, ERR_MALFORMED, "ask_malformed",
                          "the worker's answer cannot be read");
        else
            rc = 0;
    } else {
        (void)unavailable(err);
    }
    buf_free(&message);
    if (rc == -1)
        (void)ask_file_end(file, NULL);
    return rc;
}

int ask_file_end(struct ask_file *file, struct err *err)
{
    struct buf message;
    int none = 0, rc = -1;

    if (file->fd != -1)
        (void)close(file->fd);
    if (file->conn != -1 && err != NULL) {
        buf_init(&message, CHANNEL_MESSAGE_MAX);
        if (read_part(file->conn, QUESTION_MS, &message, &none, err) == 0)
            rc = message.len == 0 ? 0 : read_failure(message.data + 1, message.len - 1, err);
        buf_free(&message);
    }
    if (file->conn != -1)
        (void)close(file->conn);
    file->conn = file->fd = -1;
    buf_free(&file->text);
    return rc;
}

int ask_send_file(int fd, const void *data, size_t len, int file)
{
    char message[CHANNEL_MESSAGE_MAX];

    if (len + 1 > sizeof message)
        return -1;
    message[0] = 'f';
    memcpy(message + 1, data, len);
    return channel_send_fds(fd, message, len + 1, &file, 1, NULL);
}

int ask_read(int fd, char question[64], struct kv *params, struct err *err)
{
    struct buf message;
    const char *end;
    int got;

    buf_init(&message, QUESTION_SIZE + KV_SIZE);
    if ((got = channel_receive(fd, &message, QUESTION_MS, err)) == 1) {
        end = memchr(buf_string(&message), '\0', message.len);
        if (message.len == 0 || end == NULL ||
            str_copy(question, QUESTION_SIZE, message.data) == -1 ||
            kv_load(params, end + 1, message.len - (size_t)(end + 1 - message.data)) == -1)
            got = err_set(err, ERR_MALFORMED, "question_malformed", "the question cannot be read");
    } else if (got == 0) {
        got = err_set(err, ERR_UNAVAILABLE, "peer_gone", "nothing was asked");
    }
    buf_free(&message);
    return got == 1 ? 0 : -1;
}

int ask_answer(int fd, const void *data, size_t len)
{
    char message[CHANNEL_MESSAGE_MAX];
    const char *p = data;

    while (len > 0) {
        size_t part = len < PART_MAX ? len : PART_MAX;
        message[0] = 'd';
        memcpy(message + 1, p, part);
        if (channel_send(fd, message, part + 1, NULL) == -1)
            return -1;
        p += part;
        len -= part;
    }
    return 0;
}

int ask_progress(int fd, const char *line)
{
    char message[1024];

    return str_format(message, sizeof message, "p%s", line) == -1
               ? -1
               : channel_send(fd, message, strlen(message), NULL);
}

int ask_end(int fd, const struct err *failure)
{
    struct kv kv;
    char message[1 + KV_SIZE];

    if (failure != NULL && failure->kind != ERR_NONE) {
        kv_clear(&kv);
        if (kv_set_u64(&kv, "kind", (uint64_t)failure->kind) == -1 ||
            kv_set_u64(&kv, "retry_after_s", failure->retry_after_s) == -1 ||
            kv_set(&kv, "code", failure->code) == -1 ||
            kv_set(&kv, "field", failure->field) == -1 ||
            kv_set(&kv, "text", failure->text) == -1 || kv_set(&kv, "hint", failure->hint) == -1)
            return -1;
        message[0] = 'e';
        memcpy(message + 1, kv.data, kv.len);
        if (channel_send(fd, message, 1u + kv.len, NULL) == -1)
            return -1;
    }
    return channel_send(fd, "", 0, NULL);
}
