/*
 * The verb that hands a tenant's files to the worker, for a snapshot: read-only descriptors, some
 * dozens at once. Apart from the others because it speaks while it works: neither side ever holds
 * more than one message of it.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "channel.h"
#include "hands_world.h"
#include "log.h"
#include "str.h"
#include "volumes.h"

#define ENTRY_MOST (2 * VOLUMES_NAME_MAX + 128)

struct speech {
    int fd; /* the connection */
    struct buf message;
    int fds[CHANNEL_FDS_MAX];
    size_t count;
};

/* What has been gathered goes out, and its descriptors are ours no more. */
static int flush(struct speech *s, struct err *err)
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

static int say(void *arg, const struct volume_entry *e, int fd, struct err *err)
{
    struct speech *s = arg;

    if ((s->count == CHANNEL_FDS_MAX || s->message.len + ENTRY_MOST > CHANNEL_MESSAGE_MAX) &&
        flush(s, err) == -1)
        return -1;
    if (e->type == 'f' && (s->fds[s->count] = fcntl(fd, F_DUPFD_CLOEXEC, 3)) == -1)
        return err_set(err, ERR_UNAVAILABLE, "descriptors", "no descriptor is left for a file");
    if (e->type == 'f')
        s->count++;
    return volume_entry_write(e, &s->message) == 0
               ? 0
               : err_set(err, ERR_TOO_LARGE, "entry_too_large", "an entry does not fit");
}

static bool leave(const void *arg, const char *path)
{
    return blueprint_excludes(arg, path);
}

/* What the blueprint leaves out. One that is gone or wrong leaves out nothing: rather too much in a
 * snapshot than too little. */
static struct blueprint *patterns(const struct hands_job *job)
{
    struct blueprint *b = calloc(1, sizeof *b);
    struct err err = {0};

    if (b == NULL || job->request->blueprint[0] == '\0' ||
        blueprint_load(b, job->world->paths->blueprints, job->request->blueprint, &err) == -1) {
        if (err.kind != ERR_NONE)
            log_warning("nothing of tenant %llu is left out: %s",
                        (unsigned long long)job->request->number, err.text);
        free(b);
        return NULL;
    }
    return b;
}

enum outcome hands_volumes(struct hands_job *job, struct err *err)
{
    const struct hands_request *q = job->request;
    struct speech s = {.fd = job->connection};
    struct blueprint *b = patterns(job);
    char folder[PATHS_SIZE + 32];
    int rc;

    buf_init(&s.message, CHANNEL_MESSAGE_MAX);
    if (q->number == 0)
        rc = str_copy(folder, sizeof folder, job->world->paths->hands);
    else
        rc = str_format(folder, sizeof folder, "%s/%llu", job->world->paths->tenants,
                        (unsigned long long)q->number);
    if (rc == -1)
        (void)err_set(err, ERR_INVALID, "path_too_long", "the tenants' folder is too deep");
    else if ((rc = volumes_walk_but(folder, b == NULL ? NULL : leave, b, say, &s, err)) == 0)
        rc = flush(&s, err);
    free(b);
    for (size_t i = 0; i < s.count; i++)
        (void)close(s.fds[i]);
    buf_free(&s.message);
    return hands_outcome(rc, err);
}
