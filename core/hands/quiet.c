/*
 * The asking side of a tenant's quiet. Apart from hands_call.c because here one request is a
 * conversation, and from the hands' side because the worker must not link that.
 */
#include "quiet.h"

#include <string.h>
#include <unistd.h>

#include "channel.h"

#define SEND_MS 10000
#define WAIT_MS ((4 * 3600 + 300) * 1000) /* four commands of an hour; the hands bound them */

/* A message: the reply, or the byte that says that it is quiet. 1: quiet, 0: the reply, -1. */
static int take(int fd, struct hands_reply *reply, struct err *err)
{
    struct buf message;
    int rc = -1;

    buf_init(&message, CHANNEL_MESSAGE_MAX);
    switch (channel_receive(fd, &message, WAIT_MS, err)) {
    case 1:
        if (message.len == 1)
            rc = 1;
        else if (message.len > 1 && message.data[0] == HANDS_VERSION)
            rc = fields_decode(&hands_reply_fields, 1, (const uint8_t *)message.data + 1,
                               message.len - 1, reply, err);
        else
            (void)err_set(err, ERR_UNAVAILABLE, "hands_unread", "the hands' answer is none");
        break;
    case 0:
        (void)err_set(err, ERR_UNAVAILABLE, "hands_gone", "the hands broke off");
        break;
    default:
        break;
    }
    buf_free(&message);
    return rc;
}

int quiet_begin(const char *sock, struct hands_request *request, int *fd, struct hands_reply *reply,
                struct err *err)
{
    struct buf message;
    int rc = -1;

    memset(reply, 0, sizeof *reply);
    request->verb = HANDS_QUIET;
    buf_init(&message, CHANNEL_MESSAGE_MAX);
    (void)buf_byte(&message, HANDS_VERSION);
    if ((*fd = channel_connect(sock, SEND_MS, err)) == -1)
        goto done;
    if (fields_encode(&hands_request_fields, request, &message) == -1)
        (void)err_set(err, ERR_TOO_LARGE, "request_too_large", "a request does not fit");
    else if (channel_send(*fd, message.data, message.len, err) == 0)
        rc = take(*fd, reply, err);
    if (rc == 0)
        rc = hands_judge(reply, err);
    if (rc != 1) {
        (void)close(*fd);
        *fd = -1;
    }
done:
    if (message.data != NULL)
        explicit_bzero(message.data, message.len);
    buf_free(&message);
    return rc;
}

int quiet_end(int fd, struct hands_reply *reply, struct err *err)
{
    int rc;

    memset(reply, 0, sizeof *reply);
    (void)channel_send(fd, "", 0, NULL); /* they may have ended it before, and have said so */
    if ((rc = take(fd, reply, err)) == 1)
        rc = err_set(err, ERR_UNAVAILABLE, "hands_unread", "the hands' answer is none");
    (void)close(fd);
    return rc == 0 ? hands_judge(reply, err) : -1;
}
