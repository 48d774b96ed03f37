/* The asking side of the hands' socket, which the worker links. Apart from the tables, so that the
 * hands do not link it. */
#include "hands.h"

#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "clock.h"
#include "str.h"

#define CONNECT_MS 2000

/* The hands could not be asked, or broke off: whatever the cause, ask again. */
static enum outcome unsure(struct err *err, enum err_kind kind)
{
    if (err != NULL && kind == ERR_UNAVAILABLE && err->kind != ERR_UNAVAILABLE)
        err->kind = ERR_UNAVAILABLE;
    (void)err_hint(err, "Is sett-hands running? It is restarted on its own within a second.");
    return OUTCOME_AGAIN;
}

static int send_request(int fd, const struct hands_request *request, struct err *err)
{
    struct buf message;
    int result;

    buf_init(&message, CHANNEL_MESSAGE_MAX);
    (void)buf_byte(&message, HANDS_VERSION);
    if (fields_encode(&hands_request_fields, request, &message) == -1)
        result = err_set(err, ERR_TOO_LARGE, "request_too_large", "the request does not fit");
    else
        result = channel_send(fd, message.data, message.len, err);
    if (message.data != NULL)
        explicit_bzero(message.data, message.len); /* it may have held a token */
    buf_free(&message);
    return result;
}

/* One message; -1 also when the peer closed before it. */
static int receive(int fd, struct buf *out, int64_t deadline, struct err *err)
{
    int64_t left = deadline - clock_mono_ms();
    int got;

    buf_reset(out);
    got = channel_receive(fd, out, left > 0 ? (int)left : 0, err);
    if (got == 0)
        (void)err_set(err, ERR_UNAVAILABLE, "hands_gone", "the hands broke off their answer");
    return got == 1 ? 0 : -1;
}

static int receive_reply(int fd, struct hands_reply *reply, struct buf *stream, int64_t deadline,
                         struct err *err)
{
    struct buf message;
    int result = -1;

    buf_init(&message, CHANNEL_MESSAGE_MAX);
    if (receive(fd, &message, deadline, err) == -1)
        goto done;
    if (message.len < 1 || message.data[0] != HANDS_VERSION ||
        fields_decode(&hands_reply_fields, 1, (const uint8_t *)message.data + 1, message.len - 1,
                      reply, err) == -1 ||
        reply->outcome > OUTCOME_FAIL) {
        (void)err_set(err, ERR_UNAVAILABLE, "hands_unread", "the hands' answer cannot be read");
        goto done;
    }
    for (;;) {
        if (receive(fd, &message, deadline, err) == -1)
            goto done;
        if (message.len == 0)
            break;
        if (stream != NULL)
            (void)buf_add(stream, message.data, message.len); /* more than it holds is cut off */
    }
    result = 0;
done:
    buf_free(&message);
    return result;
}

int hands_judge(const struct hands_reply *reply, struct err *err)
{
    if (reply->outcome == OUTCOME_OK || reply->outcome == OUTCOME_ABSENT)
        return 0;
    (void)err_set(err,
                  reply->err_kind == ERR_NONE || reply->err_kind > ERR_INTERNAL
                      ? ERR_INTERNAL
                      : (enum err_kind)reply->err_kind,
                  reply->err_code, "%s", reply->err_text);
    (void)err_hint(err, "%s", reply->err_hint);
    if (err != NULL)
        err->retry_after_s = reply->retry_after_s;
    return -1;
}

/* What the hands said of it. */
static enum outcome outcome_of(const struct hands_reply *reply, struct err *err)
{
    (void)hands_judge(reply, err);
    return (enum outcome)reply->outcome;
}

enum outcome hands_call(const char *sock, const struct hands_request *request, int timeout_ms,
                        struct hands_reply *reply, struct buf *stream, struct err *err)
{
    int64_t deadline = clock_mono_ms() + timeout_ms;
    int fd, result;

    memset(reply, 0, sizeof *reply);
    fd = channel_connect(sock, timeout_ms < CONNECT_MS ? timeout_ms : CONNECT_MS, err);
    if (fd == -1)
        return unsure(err, ERR_UNAVAILABLE);
    result = send_request(fd, request, err);
    if (result == 0)
        result = receive_reply(fd, reply, stream, deadline, err);
    (void)close(fd);
    if (result == -1)
        return unsure(err, err == NULL ? ERR_UNAVAILABLE : err->kind);
    return outcome_of(reply, err);
}

enum outcome hands_talk(const char *sock, const struct hands_request *request,
                        int (*more)(void *arg, int fd, struct err *err), void *arg, int timeout_ms,
                        struct hands_reply *reply, struct err *err)
{
    int fd = channel_connect(sock, timeout_ms, err), result;

    memset(reply, 0, sizeof *reply);
    if (fd == -1)
        return unsure(err, ERR_UNAVAILABLE);
    result = send_request(fd, request, err);
    if (result == 0 && more(arg, fd, err) == -1) {
        (void)close(fd);
        return err->kind == ERR_UNAVAILABLE || err->kind == ERR_TIMEOUT ? OUTCOME_AGAIN
                                                                        : OUTCOME_FAIL;
    }
    if (result == 0)
        result = receive_reply(fd, reply, NULL, clock_mono_ms() + timeout_ms, err);
    (void)close(fd);
    return result == -1 ? unsure(err, err->kind) : outcome_of(reply, err);
}
