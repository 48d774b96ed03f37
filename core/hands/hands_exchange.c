/*
 * A tenant's volumes against those of a snapshot. Apart from the other verbs because it is the one
 * that moves what a tenant keeps: by renames alone, each of which can be seen to have been done.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "crash.h"
#include "hands_world.h"
#include "str.h"

struct trade {
    int folder;
    char place[32], coming[48], kept[48];
};

static bool there(const struct trade *t, const char *name)
{
    return faccessat(t->folder, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int move(const struct trade *t, const char *from, const char *to, struct err *err)
{
    return renameat2(t->folder, from, t->folder, to, RENAME_NOREPLACE) == 0
               ? 0
               : err_sys(err, "volumes_exchange", errno, from);
}

/* What is there goes aside, what waits takes its place; a trade that was cut short goes on. */
static int trade(const struct trade *t, struct err *err)
{
    if (!there(t, t->coming)) {
        if (there(t, t->kept) && there(t, t->place))
            return 0; /* it is done */
        return err_set(err, ERR_CONFLICT, "nothing_staged", "nothing waits to be put in place");
    }
    if (there(t, t->place)) {
        if (there(t, t->kept))
            return err_set(err, ERR_CONFLICT, "not_committed",
                           "what an earlier restore put aside is still kept");
        if (move(t, t->place, t->kept, err) == -1)
            return -1;
    }
    CP("hands.exchange.aside");
    if (move(t, t->coming, t->place, err) == -1)
        return -1;
    CP("hands.exchange.done");
    return fsync(t->folder) == 0 ? 0 : err_sys(err, "volumes_exchange", errno, "tenants");
}

enum outcome hands_exchange(struct hands_job *job, struct err *err)
{
    const struct hands_request *q = job->request;
    unsigned long long number = q->number;
    struct trade t;
    int rc;

    (void)str_format(t.place, sizeof t.place, "%llu", number);
    (void)str_format(q->flag ? t.kept : t.coming, sizeof t.coming, ".restored-%llu", number);
    (void)str_format(q->flag ? t.coming : t.kept, sizeof t.kept, ".before-%llu", number);
    t.folder = open(job->world->paths->tenants, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (t.folder == -1) {
        (void)err_sys(err, "volumes_exchange", errno, job->world->paths->tenants);
        return OUTCOME_FAIL;
    }
    rc = trade(&t, err);
    (void)close(t.folder);
    return rc == 0 ? OUTCOME_OK : OUTCOME_FAIL;
}
