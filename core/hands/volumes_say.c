/*
 * Sending entries of volumes. Apart from both sides because each of them does it: the hands for a
 * snapshot, the worker for a restore.
 */
#include "volumes_say.h"

#include <fcntl.h>
#include <unistd.h>

#define ENTRY_MOST (2 * VOLUMES_NAME_MAX + 128)

void volumes_say_begin(struct volumes_speech *s, int fd)
{
    s->fd = fd;
    s->count = 0;
    buf_init(&s->message, CHANNEL_MESSAGE_MAX);
}

int volumes_say_flush(struct volumes_speech *s, struct err *err)
{
    int rc = s->message.len == 0
                 ? 0
                 : channel_send_fds(s->fd, s->message.data, s->message.len, s->fds, s->count, err);

    for (size_t i = 0; i < s->count; i++)
        (void)close(s->fds[i]);
    s->count = 0;
    buf_reset(&s->message);
    return rc;
}

int volumes_say(struct volumes_speech *s, const struct volume_entry *e, int fd, struct err *err)
{
    if ((s->count == CHANNEL_FDS_MAX || s->message.len + ENTRY_MOST > CHANNEL_MESSAGE_MAX) &&
        volumes_say_flush(s, err) == -1)
        return -1;
    if (e->type == 'f' && (s->fds[s->count] = fcntl(fd, F_DUPFD_CLOEXEC, 3)) == -1)
        return err_set(err, ERR_UNAVAILABLE, "descriptors", "no descriptor is left for a file");
    if (e->type == 'f')
        s->count++;
    return volume_entry_write(e, &s->message) == 0
               ? 0
               : err_set(err, ERR_TOO_LARGE, "entry_too_large", "an entry does not fit");
}

void volumes_say_end(struct volumes_speech *s)
{
    for (size_t i = 0; i < s->count; i++)
        (void)close(s->fds[i]);
    s->count = 0;
    buf_free(&s->message);
}
