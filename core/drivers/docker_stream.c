/*
 * The frames of logs and exec output. Apart because it is a parser of foreign bytes: small enough
 * to be read whole, and fed with every cut of the recorded streams by its test.
 */
#include "docker_stream.h"

#include "enc.h"

#include <string.h>

void docker_stream_init(struct docker_stream *s, bool tty, struct buf *out)
{
    memset(s, 0, sizeof *s);
    s->tty = tty;
    s->out = out;
    s->start = out->len;
}

/* Make room for ${len} bytes by dropping the oldest half, up to the end of a line. */
static void make_room(struct docker_stream *s, size_t len)
{
    struct buf *out = s->out;
    size_t held = out->len - s->start, drop = held / 2;
    char *line;

    if (drop < len)
        drop = len < held ? len : held;
    if (drop < held) {
        line = memchr(out->data + s->start + drop, '\n', held - drop);
        if (line != NULL && (size_t)(line + 1 - (out->data + s->start)) < held)
            drop = (size_t)(line + 1 - (out->data + s->start));
    }
    if (held > 0)
        memmove(out->data + s->start, out->data + s->start + drop, held - drop);
    out->len -= drop;
    s->cut = true;
}

static int keep(struct docker_stream *s, const char *data, size_t len)
{
    size_t max = s->out->max - s->start;

    if (len > max) {
        data += len - max;
        len = max;
        s->cut = true;
    }
    if (len > s->out->max - s->out->len)
        make_room(s, len - (s->out->max - s->out->len));
    return buf_add(s->out, data, len);
}

static int header_done(struct docker_stream *s)
{
    if (s->header[0] > 2 || s->header[1] != 0 || s->header[2] != 0 || s->header[3] != 0)
        return -1;
    s->left = enc_get32(s->header + 4);
    s->have = 0;
    return 0;
}

static int feed(struct docker_stream *s, const char *data, size_t len)
{
    if (s->tty)
        return keep(s, data, len);
    while (len > 0) {
        size_t take;

        if (s->left > 0) {
            take = len < s->left ? len : s->left;
            if (keep(s, data, take) != 0)
                return -1;
            s->left -= (uint32_t)take;
        } else {
            take = sizeof s->header - s->have;
            if (take > len)
                take = len;
            memcpy(s->header + s->have, data, take);
            s->have += (uint32_t)take;
            if (s->have == sizeof s->header && header_done(s) != 0)
                return -1;
        }
        data += take;
        len -= take;
    }
    return 0;
}

int docker_stream_feed(void *arg, const char *data, size_t len)
{
    struct docker_stream *s = arg;

    if (!s->broken && feed(s, data, len) != 0)
        s->broken = true;
    return s->broken ? -1 : 0;
}

int docker_stream_end(const struct docker_stream *s, struct err *err)
{
    if (s->broken)
        return err_set(err, ERR_MALFORMED, "stream_malformed",
                       "The engine's stream is not made of frames.");
    if (s->tty || (s->left == 0 && s->have == 0))
        return 0;
    return err_set(err, ERR_MALFORMED, "stream_truncated",
                   "The engine's stream ended inside a frame.");
}
