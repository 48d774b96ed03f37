/*
 * The verb that hands a tenant's files to the worker, for a snapshot: read-only descriptors, some
 * dozens at once. Apart from the others because it speaks while it works.
 */
#include <stdlib.h>

#include "hands_world.h"
#include "log.h"
#include "str.h"
#include "volumes_say.h"

static int say(void *arg, const struct volume_entry *e, int fd, struct err *err)
{
    return volumes_say(arg, e, fd, err);
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
    struct volumes_speech s;
    struct blueprint *b = patterns(job);
    char folder[PATHS_SIZE + 32];
    int rc;

    volumes_say_begin(&s, job->connection);
    if (q->number == 0)
        rc = str_copy(folder, sizeof folder, job->world->paths->hands);
    else
        rc = str_format(folder, sizeof folder, "%s/%llu", job->world->paths->tenants,
                        (unsigned long long)q->number);
    if (rc == -1)
        (void)err_set(err, ERR_INVALID, "path_too_long", "the tenants' folder is too deep");
    else if ((rc = volumes_walk_but(folder, b == NULL ? NULL : leave, b, say, &s, err)) == 0)
        rc = volumes_say_flush(&s, err);
    volumes_say_end(&s);
    free(b);
    return hands_outcome(rc, err);
}
