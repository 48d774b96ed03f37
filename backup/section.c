/*
 * Filling a section. Apart from what is put into it (create.c) and from how it is packed and
 * sealed: here each member is read once, hashed on the way, and noted. Members wait in a queue for
 * the thread that does it, with their files open and on their way from the disk: a box has many
 * small files, and a disk that is asked for one at a time is slow.
 */
#include "section.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "digest.h"
#include "links.h"
#include "str.h"

#define BLOCK   (256u * 1024u)
#define THREADS 4  /* each has some 6 MiB of its own */
#define WAITING 64 /* members in the queue */
#define AHEAD   (1024u * 1024u)

/* A member that waits, under its whole name. */
struct waiting {
    struct volume_entry e;
    int fd; /* -1: none */
};

struct section {
    struct section_setup setup;
    /* Shared by the caller and the thread. */
    pthread_t thread;
    bool threaded;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct waiting queue[WAITING];
    unsigned first, count;
    uint64_t untold; /* bytes read of which progress was not told yet */
    bool stopping, failed;
    struct err why;
    unsigned next; /* place in the queue that the caller fills */
    /* The thread's, and the caller's when the queue is empty. */
    struct pack_writer *pack;
    struct digest *hash;
    FILE *manifest;
    uint64_t lines;
    struct section_figures figures;
    struct links *links;
    struct seal_sizes sizes;
    struct manifest_entry line; /* scratch */
    char block[BLOCK];
};

/* How many threads press. */
static unsigned threads_of(const struct section_setup *setup)
{
    long processors = setup->threads == 0 ? sysconf(_SC_NPROCESSORS_ONLN) : (long)setup->threads;

    return processors < 1 ? 1 : processors > THREADS ? THREADS : (unsigned)processors;
}

static int no_memory(struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to pack a section");
}

static int into_writer(void *arg, const void *data, size_t len, struct err *err)
{
    struct section *s = arg;

    s->figures.packed_bytes += len;
    return chunk_writer_add(s->setup.writer, data, len, err);
}

static FILE *spool(const char *folder, struct err *err)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    FILE *out = fd == -1 ? NULL : fdopen(fd, "w+");

    if (out == NULL) {
        (void)err_sys(err, "spool", errno, folder);
        if (fd != -1)
            (void)close(fd);
    }
    return out;
}

/* A small text as a member that is in no manifest. */
static int put_text(struct section *s, const char *name, const char *text, struct err *err)
{
    struct pack_entry e = {.type = PACK_FILE, .mode = 0600, .size = strlen(text), .name = name};

    return pack_writer_entry(s->pack, &e, err) == 0 &&
                   (e.size == 0 || pack_writer_data(s->pack, text, e.size, err) == 0)
               ? 0
               : -1;
}

/* ---- entries ---- */

static int note(struct section *s, struct err *err)
{
    s->lines++;
    return manifest_write(s->manifest, &s->line, err);
}

static int put_member(struct section *s, const struct pack_entry *member, struct err *err)
{
    s->sizes.members++;
    return pack_writer_entry(s->pack, member, err);
}

/* The fields that all kinds have. */
static void describe(struct section *s, const struct volume_entry *e, struct pack_entry *member)
{
    struct manifest_entry *m = &s->line;

    memset(m, 0, offsetof(struct manifest_entry, name));
    m->target[0] = '\0';
    (void)str_copy(m->name, sizeof m->name, e->name);
    m->type = e->type;
    m->mode = e->mode & (e->type == 'd' ? 01777u : 0777u);
    m->uid = e->uid;
    m->gid = e->gid;
    m->mtime_s = e->mtime_s;
    m->mtime_ns = e->mtime_ns;
    m->here = true;
    *member = (struct pack_entry){.mode = m->mode,
                                  .uid = m->uid,
                                  .gid = m->gid,
                                  .mtime_s = m->mtime_s,
                                  .mtime_ns = m->mtime_ns,
                                  .name = m->name};
}

/* Bytes of which the caller's thread will tell. Return 0, or -1 when all of it is to stop. */
static int count_read(struct section *s, size_t n, struct err *err)
{
    bool stopping;

    s->figures.bytes += n;
    (void)pthread_mutex_lock(&s->lock);
    s->untold += n;
    stopping = s->stopping;
    if (s->untold >= AHEAD)
        (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
    return stopping ? err_set(err, ERR_CONFLICT, "stopped", "the packing was stopped") : 0;
}

/* The content: exactly as long as it was said to be; what is missing is zeros, what is more is
 * left. Either is told by m->changed, as is a file that is no longer what the walk met. */
static int pack_content(struct section *s, const struct volume_entry *e, int fd, struct err *err)
{
    uint64_t left = e->size;
    struct stat after;

    if (e->size > AHEAD)
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    while (left > 0) {
        size_t want = left < BLOCK ? (size_t)left : BLOCK, have = 0;

        while (have < want) {
            ssize_t n = read(fd, s->block + have, want - have);

            if (n == -1 && errno == EINTR)
                continue;
            if (n == -1)
                return err_sys(err, "volume_read", errno, s->line.name);
            if (n == 0) { /* it has shrunk */
                memset(s->block + have, 0, want - have);
                n = (ssize_t)(want - have);
                s->line.changed = true;
            }
            have += (size_t)n;
        }
        digest_add(s->hash, s->block, want);
        if (pack_writer_data(s->pack, s->block, want, err) == -1)
            return -1;
        s->sizes.bytes += want;
        s->sizes.room += seal_room(s->block, want);
        left -= want;
        if (count_read(s, want, err) == -1)
            return -1;
    }
    if (fstat(fd, &after) == -1 || (uint64_t)after.st_size != e->size ||
        after.st_mtim.tv_sec != e->mtime_s || (uint32_t)after.st_mtim.tv_nsec != e->mtime_ns)
        s->line.changed = true;
    s->line.has_hash = true;
    return digest_end(s->hash, s->line.hash, err);
}

/* For the next snapshot; a file that changed while it was read is read again then. */
static int remember(struct section *s, const struct volume_entry *e, const uint8_t from[SEAL_ID],
                    struct err *err)
{
    struct catalog_entry c = {.mtime_s = e->mtime_s,
                              .ctime_s = e->ctime_s,
                              .mtime_ns = e->mtime_ns,
                              .ctime_ns = e->ctime_ns,
                              .size = e->size,
                              .device = e->device,
                              .inode = e->inode};

    if (s->setup.catalog == NULL || s->line.changed)
        return 0;
    memcpy(c.hash, s->line.hash, sizeof c.hash);
    memcpy(c.from, from, SEAL_ID);
    memcpy(c.name, s->line.name, sizeof c.name);
    return catalog_write(s->setup.catalog, &c, err);
}

/* Left to the snapshot that has it. Return 1, 0 if it is not there, or -1. */
static int keep(struct section *s, const struct volume_entry *e, struct err *err)
{
    bool found = false;

    if (s->setup.base == NULL)
        return 0;
    if (catalog_find(s->setup.base, s->line.name, e, &found, err) == -1)
        return -1;
    if (!found)
        return 0;
    s->line.size = e->size;
    s->line.has_hash = true;
    s->line.here = false;
    memcpy(s->line.hash, s->setup.base->at.hash, 32);
    memcpy(s->line.from, s->setup.base->at.from, SEAL_ID);
    s->figures.kept++;
    return note(s, err) == 0 && remember(s, e, s->line.from, err) == 0 ? 1 : -1;
}

/* One more name of a file that was packed under the name in the manifest's line at ${at}. */
static int put_link(struct section *s, struct pack_entry *member, uint64_t at, struct err *err)
{
    if (manifest_name_at(s->manifest, at, s->line.target, err) == -1)
        return -1;
    s->line.type = 'h';
    member->type = PACK_HARDLINK;
    member->target = s->line.target;
    return put_member(s, member, err) == 0 ? note(s, err) : -1;
}

static int put_file(struct section *s, struct pack_entry *member, const struct volume_entry *e,
                    int fd, struct err *err)
{
    uint64_t at;
    int kept;

    s->figures.files++;
    if (e->links > 1 && links_find(s->links, e, &at))
        return put_link(s, member, at, err);
    if ((kept = e->links > 1 ? 0 : keep(s, e, err)) != 0)
        return kept == 1 ? 0 : -1;
    member->type = PACK_FILE;
    member->size = s->line.size = e->size;
    if (put_member(s, member, err) == -1 || pack_content(s, e, fd, err) == -1)
        return -1;
    /* One that changed meanwhile is no content that another name may stand for. */
    if (e->links > 1 && !s->line.changed && !links_note(s->links, e, (uint64_t)ftello(s->manifest)))
        s->figures.copies++;
    s->figures.changed += s->line.changed;
    if (note(s, err) == -1)
        return -1;
    return e->links > 1 ? 0 : remember(s, e, s->setup.id, err);
}

static int put_entry(struct section *s, const struct volume_entry *e, int fd, struct err *err)
{
    struct pack_entry member;

    describe(s, e, &member);
    switch (e->type) {
    case 'f':
        return put_file(s, &member, e, fd, err);
    case 'd':
        s->figures.folders++;
        member.type = PACK_FOLDER;
        return put_member(s, &member, err) == 0 ? note(s, err) : -1;
    case 'l':
        s->figures.links++;
        member.type = PACK_SYMLINK;
        member.target = e->target;
        (void)str_copy(s->line.target, sizeof s->line.target, e->target);
        return put_member(s, &member, err) == 0 ? note(s, err) : -1;
    default:
        s->figures.skipped++;
        (void)str_copy(s->line.target, sizeof s->line.target, e->target);
        return note(s, err);
    }
}

/* ---- the queue ---- */

static void *pack_main(void *arg)
{
    struct section *s = arg;
    struct err err = {0};

    (void)pthread_mutex_lock(&s->lock);
    for (;;) {
        struct waiting *w = &s->queue[s->first];
        int rc;

        while (s->count == 0 && !s->stopping)
            (void)pthread_cond_wait(&s->changed, &s->lock);
        if (s->count == 0)
            break;
        rc = s->failed || s->stopping;
        (void)pthread_mutex_unlock(&s->lock);
        if (rc == 0)
            rc = put_entry(s, &w->e, w->fd, &err);
        if (w->fd != -1)
            (void)close(w->fd);
        (void)pthread_mutex_lock(&s->lock);
        if (rc == -1) {
            s->failed = true;
            s->why = err;
        }
        s->first = (s->first + 1) % WAITING;
        s->count--;
        (void)pthread_cond_broadcast(&s->changed);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* Until at most ${most} wait, telling of progress meanwhile. */
static int wait_for(struct section *s, unsigned most, struct err *err)
{
    int rc = 0;

    (void)pthread_mutex_lock(&s->lock);
    for (;;) {
        uint64_t bytes = s->untold;

        s->untold = 0;
        if (s->failed)
            break;
        if (bytes > 0 && s->setup.progress != NULL) {
            (void)pthread_mutex_unlock(&s->lock);
            rc = s->setup.progress(s->setup.progress_arg, bytes, err);
            (void)pthread_mutex_lock(&s->lock);
            if (rc == -1)
                break;
        } else if (s->count <= most) {
            break;
        } else {
            (void)pthread_cond_wait(&s->changed, &s->lock);
        }
    }
    if (rc == 0 && s->failed) {
        rc = -1;
        if (err != NULL)
            *err = s->why;
    }
    s->stopping = s->stopping || rc == -1;
    (void)pthread_mutex_unlock(&s->lock);
    return rc;
}

int section_settle(struct section *s, struct err *err)
{
    return wait_for(s, 0, err);
}

int section_entry(struct section *s, const char *unit, const struct volume_entry *e, int fd,
                  struct err *err)
{
    struct waiting *w;

    if (wait_for(s, WAITING - 1, err) == -1)
        return -1;
    w = &s->queue[s->next];
    memcpy(&w->e, e, offsetof(struct volume_entry, name));
    (void)str_copy(w->e.target, sizeof w->e.target, e->target);
    if ((e->name[0] == '\0'
             ? str_copy(w->e.name, sizeof w->e.name, unit)
             : str_format(w->e.name, sizeof w->e.name, "%s/%s", unit, e->name)) == -1)
        return err_set(err, ERR_TOO_LARGE, "member_name", "a name below %s is too long", unit);
    w->fd = fd == -1 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (fd != -1 && w->fd == -1)
        return err_sys(err, "volume_read", errno, w->e.name);
    /* With a base most are left unread. */
    if (w->fd != -1 && s->setup.base == NULL && e->size > 0)
        (void)posix_fadvise(w->fd, 0, e->size < AHEAD ? (off_t)e->size : (off_t)AHEAD,
                            POSIX_FADV_WILLNEED);
    s->next = (s->next + 1) % WAITING;
    (void)pthread_mutex_lock(&s->lock);
    s->count++;
    (void)pthread_cond_broadcast(&s->changed);
    (void)pthread_mutex_unlock(&s->lock);
    return 0;
}

int section_file(struct section *s, const char *name, int fd, struct err *err)
{
    struct volume_entry *e;
    struct stat st;
    int rc;

    if (fstat(fd, &st) == -1)
        return err_sys(err, "snapshot_read", errno, name);
    if ((e = calloc(1, sizeof *e)) == NULL)
        return no_memory(err);
    e->type = 'f';
    e->mode = st.st_mode & 0777;
    e->uid = st.st_uid;
    e->gid = st.st_gid;
    e->links = 1;
    e->mtime_s = st.st_mtim.tv_sec;
    e->mtime_ns = (uint32_t)st.st_mtim.tv_nsec;
    e->ctime_s = st.st_ctim.tv_sec;
    e->ctime_ns = (uint32_t)st.st_ctim.tv_nsec;
    e->size = (uint64_t)st.st_size;
    e->device = st.st_dev;
    e->inode = st.st_ino;
    rc = section_entry(s, name, e, fd, err);
    free(e);
    return rc;
}

/* The manifest as the last member. */
static int put_manifest(struct section *s, struct err *err)
{
    struct pack_entry e = {.type = PACK_FILE, .mode = 0600, .name = "MANIFEST"};
    size_t n;
    long size;

    if (manifest_end(s->manifest, s->lines, err) == -1)
        return -1;
    if ((size = ftell(s->manifest)) == -1 || fseek(s->manifest, 0, SEEK_SET) == -1)
        return err_sys(err, "manifest", errno, "the manifest");
    e.size = s->sizes.lists = (uint64_t)size;
    if (pack_writer_entry(s->pack, &e, err) == -1)
        return -1;
    while ((n = fread(s->block, 1, BLOCK, s->manifest)) > 0)
        if (pack_writer_data(s->pack, s->block, n, err) == -1)
            return -1;
    return ferror(s->manifest) ? err_sys(err, "manifest", errno, "the manifest") : 0;
}

int section_begin(struct section **out, const struct section_setup *setup, const char *index,
                  struct err *err)
{
    struct section *s = calloc(1, sizeof *s);

    if (s == NULL)
        return no_memory(err);
    s->setup = *setup;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->changed, NULL);
    if ((s->links = links_new()) == NULL) {
        section_free(s);
        return no_memory(err);
    }
    if (digest_new(&s->hash, DIGEST_CONTENT, err) == -1 ||
        (s->manifest = spool(setup->scratch, err)) == NULL ||
        manifest_begin(s->manifest, err) == -1 || chunk_writer_section(setup->writer, err) == -1 ||
        pack_writer_new(&s->pack, into_writer, s, setup->level == 0 ? 2 : setup->level,
                        threads_of(setup), err) == -1) {
        section_free(s);
        return -1;
    }
    if (setup->far)
        pack_writer_far(s->pack);
    if (put_text(s, "INDEX", index, err) == -1) {
        section_free(s);
        return -1;
    }
    if (pthread_create(&s->thread, NULL, pack_main, s) != 0) {
        section_free(s);
        return no_memory(err);
    }
    s->threaded = true;
    *out = s;
    return 0;
}

int section_end(struct section *s, struct section_figures *figures, struct err *err)
{
    if (section_settle(s, err) == -1 || put_manifest(s, err) == -1 ||
        pack_writer_finish(s->pack, err) == -1 || chunk_writer_end(s->setup.writer, err) == -1)
        return -1;
    chunk_writer_count(s->setup.writer, &s->sizes);
    *figures = s->figures;
    return 0;
}

void section_free(struct section *s)
{
    if (s == NULL)
        return;
    if (s->threaded) {
        (void)pthread_mutex_lock(&s->lock);
        s->stopping = true;
        (void)pthread_cond_broadcast(&s->changed);
        (void)pthread_mutex_unlock(&s->lock);
        (void)pthread_join(s->thread, NULL);
    }
    pack_writer_free(s->pack);
    digest_free(s->hash);
    if (s->manifest != NULL)
        (void)fclose(s->manifest);
    links_free(s->links);
    (void)pthread_cond_destroy(&s->changed);
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
}
