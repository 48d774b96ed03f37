/*
 * Entries of volumes as they cross from the hands to the worker, and the asking side. Apart from
 * the walk, which only the hands link.
 */
#include "volumes.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "channel.h"
#include "enc.h"
#include "hands.h"
#include "str.h"

#define FIXED   (1 + 4 * 4 + 8 + 4 + 8 + 4 + 3 * 8 + 2 + 2)
#define WAIT_MS 120000 /* for the next part of a walk */

static void put32(struct buf *out, uint32_t n)
{
    uint8_t text[4];

    enc_put32(text, n);
    (void)buf_add(out, text, sizeof text);
}

static void put64(struct buf *out, uint64_t n)
{
    uint8_t text[8];

    enc_put64(text, n);
    (void)buf_add(out, text, sizeof text);
}

int volume_entry_write(const struct volume_entry *e, struct buf *out)
{
    uint8_t lengths[4];

    (void)buf_byte(out, e->type);
    put32(out, e->mode);
    put32(out, e->uid);
    put32(out, e->gid);
    put32(out, e->links);
    put64(out, (uint64_t)e->mtime_s);
    put32(out, e->mtime_ns);
    put64(out, (uint64_t)e->ctime_s);
    put32(out, e->ctime_ns);
    put64(out, e->size);
    put64(out, e->device);
    put64(out, e->inode);
    enc_put16(lengths, (uint16_t)strlen(e->name));
    enc_put16(lengths + 2, (uint16_t)strlen(e->target));
    (void)buf_add(out, lengths, sizeof lengths);
    (void)buf_text(out, e->name);
    return buf_text(out, e->target);
}

int volume_entry_read(const char **at, const char *end, struct volume_entry *e)
{
    const uint8_t *p = (const uint8_t *)*at;
    size_t left = (size_t)(end - *at), name_len, target_len;

    if (left == 0)
        return 0;
    if (left < FIXED)
        return -1;
    e->type = (char)p[0];
    e->mode = enc_get32(p + 1);
    e->uid = enc_get32(p + 5);
    e->gid = enc_get32(p + 9);
    e->links = enc_get32(p + 13);
    e->mtime_s = (int64_t)enc_get64(p + 17);
    e->mtime_ns = enc_get32(p + 25);
    e->ctime_s = (int64_t)enc_get64(p + 29);
    e->ctime_ns = enc_get32(p + 37);
    e->size = enc_get64(p + 41);
    e->device = enc_get64(p + 49);
    e->inode = enc_get64(p + 57);
    name_len = enc_get16(p + 65);
    target_len = enc_get16(p + 67);
    if (strchr("fdlshm", e->type) == NULL || e->type == '\0' ||
        left - FIXED < name_len + target_len ||
        str_copy_n(e->name, sizeof e->name, *at + FIXED, name_len) == -1 ||
        str_copy_n(e->target, sizeof e->target, *at + FIXED + name_len, target_len) == -1)
        return -1;
    *at += FIXED + name_len + target_len;
    return 1;
}

/* ---- asking ---- */

/* One message of entries; its descriptors belong to those of type 'f', in order, and are closed. */
static int
take_message(const struct buf *message, const int *fds, size_t count, struct volume_entry *e,
             int (*take)(void *arg, const struct volume_entry *e, int fd, struct err *err),
             void *arg, struct err *err)
{
    const char *at = message->data, *end = message->data + message->len;
    size_t used = 0;
    int got, rc = 0;

    while (rc == 0 && (got = volume_entry_read(&at, end, e)) != 0) {
        if (got == -1 || strchr("fdls", e->type) == NULL || (e->type == 'f' && used == count))
            rc = err_set(err, ERR_UNAVAILABLE, "hands_unread", "the hands' entries cannot be read");
        else
            rc = take(arg, e, e->type == 'f' ? fds[used++] : -1, err);
    }
    for (size_t i = 0; i < count; i++)
        (void)close(fds[i]);
    return rc;
}

/* The reply that comes when the walk is over: in a message that begins with HANDS_VERSION, which no
 * entry does. */
static int take_reply(const struct buf *message, struct hands_reply *reply, struct err *err)
{
    if (fields_decode(&hands_reply_fields, 1, (const uint8_t *)message->data + 1, message->len - 1,
                      reply, err) == -1)
        return -1;
    return hands_judge(reply, err);
}

static int fetch(int fd, struct hands_reply *reply, struct volume_entry *e,
                 int (*take)(void *arg, const struct volume_entry *e, int fd, struct err *err),
                 void *arg, struct err *err)
{
    int fds[CHANNEL_FDS_MAX], rc = -1, got;
    struct buf message;
    size_t count;

    buf_init(&message, CHANNEL_MESSAGE_MAX);
    for (;;) {
        buf_reset(&message);
        got = channel_receive_fds(fd, &message, fds, &count, WAIT_MS, err);
        if (got != 1 || message.len == 0) {
            if (got != -1)
                (void)err_set(err, ERR_UNAVAILABLE, "hands_gone", "the hands broke off");
            break;
        }
        if (message.data[0] == HANDS_VERSION) {
            rc = take_reply(&message, reply, err);
            break;
        }
        if (take_message(&message, fds, count, e, take, arg, err) == -1)
            break;
    }
    buf_free(&message);
    return rc;
}

int volumes_fetch(const char *sock, uint64_t number, const char *blueprint,
                  int (*take)(void *arg, const struct volume_entry *e, int fd, struct err *err),
                  void *arg, struct err *err)
{
    struct hands_request request = {.verb = HANDS_VOLUMES, .number = number};
    struct volume_entry *e = calloc(1, sizeof *e);
    struct hands_reply *reply = calloc(1, sizeof *reply);
    struct buf message;
    int fd = -1, rc = -1;

    (void)str_copy(request.blueprint, sizeof request.blueprint, blueprint);
    buf_init(&message, CHANNEL_MESSAGE_MAX);
    (void)buf_byte(&message, HANDS_VERSION);
    if (e == NULL || reply == NULL ||
        fields_encode(&hands_request_fields, &request, &message) == -1)
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to ask for volumes");
    else if ((fd = channel_connect(sock, WAIT_MS, err)) != -1 &&
             channel_send(fd, message.data, message.len, err) == 0)
        rc = fetch(fd, reply, e, take, arg, err);
    if (fd != -1)
        (void)close(fd);
    buf_free(&message);
    free(reply);
    free(e);
    return rc;
}
