/*
 * A tenant's files coming back: the worker has read and checked them and can give nothing an owner;
 * here they are written beside the tenant's folder, where HANDS_EXCHANGE looks for them. Apart from
 * the exchange because until the last step here nothing has a name that means something. What comes
 * in is not believed: every name is opened beneath the new folder without following a link, and
 * nothing is written over.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "channel.h"
#include "crash.h"
#include "file.h"
#include "hands_world.h"
#include "str.h"
#include "volumes.h"

#define BLOCK   (256u * 1024u)
#define WAIT_MS 120000
#define RESERVE (UINT64_C(256) << 20) /* to be left free */

struct receipt {
    const struct hands_world *world;
    const struct hands_request *request;
    int tenants, folder;
    char place[32], coming[48], restored[48], kept[48];
    bool known;          /* the tenant has a folder, which says whose its files are */
    struct stat present; /* that folder */
    bool give;           /* what belonged to ${was} is the present owner's */
    uid_t was;
    uint64_t bytes;
    char *block;
    struct volume_entry entry;
};

/* ---- names ---- */

static int refuse(struct err *err, const char *what)
{
    return err_set(err, ERR_MALFORMED, "receive_refused", "an entry whose %s is not acceptable",
                   what);
}

static int open_beneath(int folder, const char *name, uint64_t flags)
{
    struct open_how how = {.flags = flags | O_CLOEXEC | O_NOFOLLOW,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
                                      RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV};

    return (int)syscall(SYS_openat2, folder, name, &how, sizeof how);
}

/* The folder that ${name} lies in, and its last part. Return a descriptor or -1. */
static int parent_of(const struct receipt *r, const char *name, const char **last, struct err *err)
{
    char above[VOLUMES_NAME_MAX + 1];
    const char *slash = strrchr(name, '/');
    int fd;

    *last = slash == NULL ? name : slash + 1;
    if (**last == '\0' || str_equal(*last, ".") || str_equal(*last, ".."))
        return refuse(err, "name");
    if (slash == NULL)
        (void)str_copy(above, sizeof above, ".");
    else
        (void)str_copy_n(above, sizeof above, name, (size_t)(slash - name));
    fd = open_beneath(r->folder, above, O_PATH | O_DIRECTORY);
    return fd == -1 ? err_sys(err, "receive_folder", errno, name) : fd;
}

/* ---- what a file looks like ---- */

static uid_t owner(const struct receipt *r, const struct volume_entry *e, gid_t *group)
{
    bool theirs = r->give && e->uid == r->was;

    *group = theirs ? r->present.st_gid : e->gid;
    return theirs ? r->present.st_uid : e->uid;
}

static int dress(const struct receipt *r, const struct volume_entry *e, int fd, struct err *err)
{
    struct timespec at = {.tv_sec = e->mtime_s, .tv_nsec = e->mtime_ns};
    mode_t mode = e->mode & (e->type == 'f' ? 0777 : 01777);
    gid_t group;
    uid_t user = owner(r, e, &group);

    if (e->name[0] == '\0' && r->known) {
        user = r->present.st_uid;
        group = r->present.st_gid;
        mode = r->present.st_mode & 0777;
    }
    if ((geteuid() == 0 && fchown(fd, user, group) == -1) || fchmod(fd, mode) == -1 ||
        futimens(fd, (const struct timespec[2]){at, at}) == -1)
        return err_sys(err, "receive_dress", errno, e->name);
    return 0;
}

/* ---- one entry of each kind ---- */

static int take_content(struct receipt *r, const struct volume_entry *e, int from, int to,
                        struct err *err)
{
    struct stat st;
    uint64_t at = 0;

    if (fstat(from, &st) == -1 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != e->size)
        return refuse(err, "content");
    if (r->bytes + e->size > r->request->limits.storage_bytes)
        return refuse(err, "size");
    r->bytes += e->size;
    while (at < e->size) {
        ssize_t n = pread(from, r->block, BLOCK, (off_t)at);

        if (n <= 0)
            return n == 0 ? refuse(err, "content") : err_sys(err, "receive_read", errno, e->name);
        if (file_write_all(to, r->block, (size_t)n) == -1)
            return err_sys(err, "receive_write", errno, e->name);
        at += (uint64_t)n;
        CP("hands.receive.block");
    }
    return 0;
}

static int take_file(struct receipt *r, const struct volume_entry *e, int fd, struct err *err)
{
    const char *last;
    int parent = parent_of(r, e->name, &last, err), to, rc;

    if (parent == -1)
        return -1;
    to = openat(parent, last, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    rc = to == -1 ? err_sys(err, "receive_write", errno, e->name) : take_content(r, e, fd, to, err);
    if (rc == 0)
        rc = dress(r, e, to, err);
    if (to != -1)
        (void)close(to);
    (void)close(parent);
    return rc;
}

static int take_folder(struct receipt *r, const struct volume_entry *e, int fd, struct err *err)
{
    const char *last;
    int parent, rc;

    (void)fd;
    if (e->name[0] == '\0') { /* it is there; whose it was */
        r->was = e->uid;
        r->give = r->known && e->uid != 0 && e->uid != r->present.st_uid;
        return 0;
    }
    if ((parent = parent_of(r, e->name, &last, err)) == -1)
        return -1;
    rc = mkdirat(parent, last, 0700) == -1 ? err_sys(err, "receive_folder", errno, e->name) : 0;
    (void)close(parent);
    return rc;
}

/* What is in it is there: it may be as it was. */
static int take_mode(struct receipt *r, const struct volume_entry *e, int fd, struct err *err)
{
    int folder =
        open_beneath(r->folder, e->name[0] == '\0' ? "." : e->name, O_RDONLY | O_DIRECTORY);
    int rc;

    (void)fd;
    if (folder == -1)
        return err_sys(err, "receive_dress", errno, e->name);
    rc = dress(r, e, folder, err);
    (void)close(folder);
    return rc;
}

static int take_symlink(struct receipt *r, const struct volume_entry *e, int fd, struct err *err)
{
    struct timespec at = {.tv_sec = e->mtime_s, .tv_nsec = e->mtime_ns};
    const char *last;
    int parent = parent_of(r, e->name, &last, err), rc = 0;
    gid_t group;
    uid_t user = owner(r, e, &group);

    (void)fd;
    if (parent == -1)
        return -1;
    if (symlinkat(e->target, parent, last) == -1 ||
        (geteuid() == 0 && fchownat(parent, last, user, group, AT_SYMLINK_NOFOLLOW) == -1) ||
        utimensat(parent, last, (const struct timespec[2]){at, at}, AT_SYMLINK_NOFOLLOW) == -1)
        rc = err_sys(err, "receive_link", errno, e->name);
    (void)close(parent);
    return rc;
}

static int take_link(struct receipt *r, const struct volume_entry *e, int fd, struct err *err)
{
    const char *last, *target;
    int parent = parent_of(r, e->name, &last, err), from, rc = 0;
    struct stat st;

    (void)fd;
    if (parent == -1)
        return -1;
    if ((from = parent_of(r, e->target, &target, err)) == -1) {
        (void)close(parent);
        return -1;
    }
    if (fstatat(from, target, &st, AT_SYMLINK_NOFOLLOW) == -1 || !S_ISREG(st.st_mode))
        rc = refuse(err, "link");
    else if (linkat(from, target, parent, last, 0) == -1)
        rc = err_sys(err, "receive_link", errno, e->name);
    (void)close(from);
    (void)close(parent);
    return rc;
}

static const struct {
    char type;
    int (*take)(struct receipt *r, const struct volume_entry *e, int fd, struct err *err);
} kinds[] = {{'d', take_folder}, {'f', take_file}, {'l', take_symlink},
             {'h', take_link},   {'m', take_mode}, {0, NULL}};

/* ---- the conversation ---- */

static int take_one(struct receipt *r, int fd, struct err *err)
{
    for (size_t i = 0; kinds[i].take != NULL; i++)
        if (kinds[i].type == r->entry.type)
            return kinds[i].take(r, &r->entry, fd, err);
    return refuse(err, "kind");
}

/* Its descriptors belong to those of type 'f', in order, and are closed. */
static int take_message(struct receipt *r, const struct buf *message, const int *fds, size_t count,
                        struct err *err)
{
    const char *at = message->data, *end = message->data + message->len;
    size_t used = 0;
    int got, rc = 0;

    while (rc == 0 && (got = volume_entry_read(&at, end, &r->entry)) != 0) {
        if (got == -1 || (r->entry.type == 'f' && used == count))
            rc = refuse(err, "form");
        else
            rc = take_one(r, r->entry.type == 'f' ? fds[used++] : -1, err);
    }
    return rc;
}

/* Messages until the empty one. What follows a failure is heard out and thrown away, so that the
 * other side can hear why. */
static int take_all(struct receipt *r, int connection, struct err *err)
{
    int fds[CHANNEL_FDS_MAX], rc = 0, got;
    struct buf message;
    struct err why;
    size_t count;

    buf_init(&message, CHANNEL_MESSAGE_MAX);
    for (;;) {
        buf_reset(&message);
        got = channel_receive_fds(connection, &message, fds, &count, WAIT_MS, &why);
        if (got == 1 && message.len == 0)
            break;
        if (got != 1) {
            rc = err_set(err, ERR_UNAVAILABLE, "receive_cut", "the worker broke off");
            break;
        }
        if (rc == 0)
            rc = take_message(r, &message, fds, count, err);
        for (size_t i = 0; i < count; i++)
            (void)close(fds[i]);
    }
    buf_free(&message);
    return rc;
}

/* ---- where ---- */

static void names(struct receipt *r, unsigned long long number)
{
    (void)str_format(r->place, sizeof r->place, "%llu", number);
    (void)str_format(r->coming, sizeof r->coming, ".receiving-%llu", number);
    (void)str_format(r->restored, sizeof r->restored, ".restored-%llu", number);
    (void)str_format(r->kept, sizeof r->kept, ".before-%llu", number);
}

static bool there(const struct receipt *r, const char *name)
{
    return faccessat(r->tenants, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* With all below it; fine if it is not there. */
static int clear(const struct receipt *r, const char *name, struct err *err)
{
    char path[PATHS_SIZE + 64];

    if (!there(r, name))
        return 0;
    if (str_format(path, sizeof path, "%s/%s", r->world->paths->tenants, name) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "the tenants' folder is too deep");
    return file_remove_tree(path, err);
}

static int open_tenants(struct receipt *r, struct hands_job *job, struct err *err)
{
    r->world = job->world;
    r->request = job->request;
    r->folder = -1;
    names(r, job->request->number);
    r->tenants = open(r->world->paths->tenants, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return r->tenants == -1 ? err_sys(err, "receive_folder", errno, r->world->paths->tenants) : 0;
}

static int begin(struct receipt *r, struct err *err)
{
    uint64_t needed = r->request->limits.storage_bytes + RESERVE, free_bytes;
    struct statvfs fs;

    if (there(r, r->kept)) {
        (void)err_set(err, ERR_CONFLICT, "not_committed",
                      "what tenant %s had before an earlier restore is still kept", r->place);
        return err_hint(err, "commit that restore, or roll it back; then again");
    }
    if (fstatvfs(r->tenants, &fs) == -1)
        return err_sys(err, "receive_room", errno, r->world->paths->tenants);
    free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (free_bytes < needed)
        return err_set(err, ERR_FULL, "no_room", "%llu MiB are free, and %llu MiB are needed",
                       (unsigned long long)(free_bytes >> 20), (unsigned long long)(needed >> 20));
    r->known = fstatat(r->tenants, r->place, &r->present, AT_SYMLINK_NOFOLLOW) == 0 &&
               S_ISDIR(r->present.st_mode);
    if (clear(r, r->coming, err) == -1)
        return -1;
    if (mkdirat(r->tenants, r->coming, 0700) == -1 ||
        (r->folder =
             openat(r->tenants, r->coming, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) == -1)
        return err_sys(err, "receive_folder", errno, r->coming);
    if ((r->block = malloc(BLOCK)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to take files");
    return 0;
}

/* All of it is on the disk before it gets the name that counts. */
static int end(struct receipt *r, struct err *err)
{
    if (syncfs(r->folder) == -1)
        return err_sys(err, "receive_sync", errno, r->coming);
    CP("hands.receive.synced");
    if (clear(r, r->restored, err) == -1)
        return -1;
    if (renameat(r->tenants, r->coming, r->tenants, r->restored) == -1)
        return err_sys(err, "receive_name", errno, r->restored);
    CP("hands.receive.named");
    return fsync(r->tenants) == 0 ? 0 : err_sys(err, "receive_sync", errno, "tenants");
}

static void done(struct receipt *r)
{
    if (r->folder != -1)
        (void)close(r->folder);
    if (r->tenants != -1)
        (void)close(r->tenants);
    free(r->block);
    free(r);
}

enum outcome hands_receive(struct hands_job *job, struct err *err)
{
    struct receipt *r = calloc(1, sizeof *r);
    struct buf scrap;
    struct err why;
    int rc;

    if (r == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to take files");
        return OUTCOME_AGAIN;
    }
    rc = open_tenants(r, job, err);
    if (rc == 0)
        rc = begin(r, err);
    if (rc == 0) {
        rc = take_all(r, job->connection, err);
    } else { /* heard out, as take_all says */
        buf_init(&scrap, CHANNEL_MESSAGE_MAX);
        for (int fds[CHANNEL_FDS_MAX], got = 1; got == 1;) {
            size_t count;
            buf_reset(&scrap);
            got = channel_receive_fds(job->connection, &scrap, fds, &count, WAIT_MS, &why);
            for (size_t i = 0; got == 1 && i < count; i++)
                (void)close(fds[i]);
            got = got == 1 && scrap.len > 0;
        }
        buf_free(&scrap);
    }
    if (rc == 0)
        rc = end(r, err);
    if (rc == -1 && r->tenants != -1)
        (void)clear(r, r->coming, &why);
    done(r);
    return hands_outcome(rc, err);
}

/* ---- and going ---- */

enum outcome hands_discard(struct hands_job *job, struct err *err)
{
    struct receipt *r = calloc(1, sizeof *r);
    bool found = false;
    int rc;

    if (r == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory");
        return OUTCOME_AGAIN;
    }
    rc = open_tenants(r, job, err);
    if (rc == 0) {
        found = there(r, r->restored) || there(r, r->coming) ||
                (job->request->flag && there(r, r->kept));
        if (clear(r, r->coming, err) == -1 || clear(r, r->restored, err) == -1 ||
            (job->request->flag && clear(r, r->kept, err) == -1))
            rc = -1;
        else
            (void)fsync(r->tenants);
    }
    done(r);
    return rc == -1 ? hands_outcome(rc, err) : found ? OUTCOME_OK : OUTCOME_ABSENT;
}
