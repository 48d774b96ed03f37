/*
 * The pass that unpacks, in a child that can do little else: the same program once more, which
 * keeps the descriptors of the snapshot's files and of a socket, may write below the staging folder
 * and open nothing beside it, and keeps of root's rights only what gives files their owners. What a
 * snapshot says has been authenticated by then; this is for the day when it is believed too much.
 */
#include "restore.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cage.h"
#include "file.h"
#include "str.h"

#define NAME_ROOM 256 /* what a file system needs for a name and an inode */
#define ROOM_EACH (UINT64_C(64) << 20)

#define TELL_EACH_MS 250
#define TALK_FD      3  /* of the child: where it hears what to do, and tells how it goes */
#define FILES_FD     10 /* of the child: the snapshot's files, the newest first */

extern char **environ;

/* What the child is told. */
struct order {
    uint32_t count;
    bool own, has_only, has_user;
    uint64_t reserve;
    struct seal_sizes sizes[CHAIN_MOST];
    uint8_t hashes[CHAIN_MOST][SEAL_HASH];
    char folder[PATHS_SIZE], only[256], user[64];
    struct restore_secret secret;
};

/* What the child tells. */
struct word {
    uint64_t bytes; /* of the files read so far */
    bool done;
    int rc;
    struct unpack_figures figures;
    struct err err;
};

struct child {
    const struct chain *source;
    const struct restore_secret *secret;
    const struct restore_stage *stage;
    int pipe_fd, control, data;
    char scratch[PATHS_SIZE + 32];
    uint64_t read, told, written, looked;
    int64_t at; /* in the file being read */
    int fd;
};

static void tell(const struct child *c, const struct word *word)
{
    (void)file_write_all(c->pipe_fd, word, sizeof *word);
}

static long next_bytes(void *arg, void *data, size_t len, struct err *err)
{
    struct child *c = arg;
    ssize_t n;

    do
        n = pread(c->fd, data, len, c->at);
    while (n == -1 && errno == EINTR);
    if (n == -1)
        return err_sys(err, "snapshot_read", errno, "the snapshot");
    c->at += n;
    __atomic_add_fetch(&c->read, (uint64_t)n, __ATOMIC_RELAXED);
    return n;
}

/* Told of each block that is written. */
static int progress(void *arg, uint64_t bytes, struct err *err)
{
    struct child *c = arg;
    struct word word = {.bytes = __atomic_load_n(&c->read, __ATOMIC_RELAXED)};
    struct statvfs fs;

    c->written += bytes;
    if (c->written - c->looked >= ROOM_EACH) {
        c->looked = c->written;
        if (fstatvfs(c->data, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < c->stage->reserve)
            return err_set(err, ERR_FULL, "disk_full",
                           "the disk has no more room than must stay free");
    }
    if (word.bytes - c->told >= SEAL_CHUNK) {
        c->told = word.bytes;
        tell(c, &word);
    }
    return 0;
}

/* ---- what it does ---- */

/* A file without a name, in a folder that the child may write to. */
static FILE *tmpfile_in(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    return fd == -1 ? NULL : fdopen(fd, "w+");
}

static int one_file(struct child *c, size_t i, FILE *manifest, struct unpack_setup *setup,
                    struct unpack_figures *figures, struct err *err)
{
    const struct chain_file *f = &c->source->files[i];
    struct chunk_source source = {next_bytes, c};
    struct unpack_figures scrap = {0}, *of_control = figures;
    struct chunk_reader *r = NULL;
    struct unpack_setup control = *setup;
    FILE *names = tmpfile_in(c->scratch);
    uint64_t length;
    int rc = -1;

    c->fd = f->fd;
    c->at = 0;
    /* Of older files only the volumes are of use; all of them are checked. */
    control.folder = i == 0 && c->stage->only == NULL ? c->control : -1;
    control.only = NULL;
    control.own = false;
    control.chain = false;
    setup->chain = i + 1 < c->source->count;
    if (i > 0)
        figures = &scrap;
    if (i > 0 || c->stage->only != NULL)
        of_control = &scrap;
    if (names == NULL)
        return err_sys(err, "spool", errno, "a temporary file");
    if (chunk_reader_new(&r, &source, err) == 0) {
        if (memcmp(chunk_reader_header(r)->hash, f->header.hash, SEAL_HASH) != 0)
            rc = err_set(err, ERR_CORRUPT, "snapshot_changed", "%s changed meanwhile", f->path);
        else
            rc = chunk_reader_open(r, c->secret->has_key ? c->secret->key : NULL,
                                   c->secret->has_key ? NULL : c->secret->passphrase, err);
    }
    if (rc == 0 && (unpack_section(r, &control, names, of_control, err) == -1 ||
                    unpack_section(r, setup, manifest, figures, err) == -1 ||
                    unpack_finish(r, setup, &length, err) == -1))
        rc = -1;
    chunk_reader_free(r);
    (void)fclose(names);
    return rc;
}

static int work(struct child *c, struct unpack_figures *figures, struct err *err)
{
    struct seal_sizes got;
    struct unpack_setup setup = {.folder = c->data,
                                 .only = c->stage->only,
                                 .own = c->stage->own,
                                 .scratch = c->scratch,
                                 .progress = progress,
                                 .arg = c};
    const struct cage cage = {.folder = c->stage->folder, .user = c->stage->user, .child = true};
    int rc = cage_enter(&cage, err);

    for (size_t i = c->source->count; rc == 0 && i-- > 0;) {
        FILE *manifest = tmpfile_in(c->scratch);

        memset(&got, 0, sizeof got);
        setup.most = &c->source->files[i].sizes;
        setup.got = &got;
        rc = manifest == NULL ? err_sys(err, "spool", errno, "a temporary file")
                              : one_file(c, i, manifest, &setup, figures, err);
        if (rc == 0 && i == 0 && c->source->count > 1)
            rc = unpack_settle(&setup, manifest, figures, err);
        if (manifest != NULL)
            (void)fclose(manifest);
    }
    if (rc == 0 && syncfs(c->data) == -1)
        rc = err_sys(err, "restore_sync", errno, c->stage->folder);
    return rc;
}

/* ---- the parent's side ---- */

static uint64_t total_of(const struct chain *s)
{
    uint64_t total = 0;

    for (size_t i = 0; i < s->count; i++)
        total += s->files[i].size;
    return total;
}

/* What the staged files will take: contents, a piece for each name that is made, lists and what is
 * noted beside them. Of a chain nothing goes before all of it is there. */
static void needed(const struct chain *s, uint64_t *bytes, uint64_t *names)
{
    *bytes = *names = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct seal_sizes *z = &s->files[i].sizes;

        *bytes += z->room + z->members * NAME_ROOM + 3 * z->lists;
        *names += z->members;
    }
}

static int room(const struct chain *s, const struct restore_stage *stage, struct err *err)
{
    uint64_t bytes, names, there;
    struct statvfs fs;

    needed(s, &bytes, &names);
    if (statvfs(stage->folder, &fs) == -1)
        return err_sys(err, "room", errno, stage->folder);
    there = (uint64_t)fs.f_bavail * fs.f_frsize;
    if (stage->only == NULL && there < bytes + stage->reserve) {
        (void)err_set(err, ERR_FULL, "no_room", "%llu MiB are free, and %llu MiB are needed",
                      (unsigned long long)(there >> 20),
                      (unsigned long long)((bytes + stage->reserve) >> 20));
        return err_hint(err, "nothing was changed; make room, then restore again");
    }
    if (stage->only == NULL && fs.f_files != 0 && fs.f_favail < names) {
        (void)err_set(err, ERR_FULL, "no_room", "%llu files fit, and %llu are to be made",
                      (unsigned long long)fs.f_favail, (unsigned long long)names);
        return err_hint(err, "nothing was changed; make room, then restore again");
    }
    return 0;
}

/* What the child says next: 1, 0 at its end. Whoever watches is asked meanwhile whether to go on:
 * -1, he does not want to. */
static int next_word(int fd, const struct restore_stage *stage, uint64_t bytes, uint64_t total,
                     struct word *word)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    ssize_t n;

    for (;;) {
        if (stage->progress != NULL && stage->progress(stage->arg, bytes, total) != 0)
            return -1;
        if (poll(&wait, 1, TELL_EACH_MS) <= 0)
            continue;
        do
            n = recv(fd, word, sizeof *word, MSG_WAITALL);
        while (n == -1 && errno == EINTR);
        return n == (ssize_t)sizeof *word;
    }
}

/* Hear the child out. */
static int listen_to(int fd, pid_t pid, const struct chain *s, const struct restore_stage *stage,
                     struct unpack_figures *figures, struct err *err)
{
    uint64_t total = total_of(s), bytes = 0;
    bool heard = false;
    struct word word;
    int status, got = 0,
                rc = err_set(err, ERR_INTERNAL, "child_died", "the unpacking ended unexpectedly");

    while (fd != -1 && (got = next_word(fd, stage, bytes, total, &word)) == 1) {
        bytes = word.bytes;
        if (word.done) {
            heard = true;
            rc = word.rc;
            *figures = word.figures;
            *err = word.err;
            break;
        }
    }
    if (got == -1)
        rc = err_set(err, ERR_CONFLICT, "interrupted", "interrupted; nothing was changed");
    if (rc == -1)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
        continue;
    if (!heard && WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        return err_set(err, ERR_CORRUPT, "child_caught",
                       "the unpacking tried what it may not: the snapshot is hostile");
    return rc;
}

static int fill(struct order *o, const struct chain *s, const struct restore_secret *secret,
                const struct restore_stage *stage, struct err *err)
{
    memset(o, 0, sizeof *o);
    o->count = (uint32_t)s->count;
    o->own = stage->own;
    o->has_only = stage->only != NULL;
    o->has_user = stage->user != NULL;
    o->reserve = stage->reserve;
    o->secret = *secret;
    for (size_t i = 0; i < s->count; i++) {
        o->sizes[i] = s->files[i].sizes;
        memcpy(o->hashes[i], s->files[i].header.hash, SEAL_HASH);
    }
    return str_copy(o->folder, sizeof o->folder, stage->folder) == -1 ||
                   str_copy(o->only, sizeof o->only, o->has_only ? stage->only : "") == -1 ||
                   str_copy(o->user, sizeof o->user, o->has_user ? stage->user : "") == -1
               ? err_set(err, ERR_INVALID, "path_too_long", "%.80s… is too long", stage->folder)
               : 0;
}

/* The program ${stage->program} as RESTORE_CHILD, with one end of ${ends}. */
static int spawn(const struct chain *s, const struct restore_stage *stage, int end, pid_t *pid,
                 struct err *err)
{
    const char *program = stage->program == NULL ? "/proc/self/exe" : stage->program;
    char *argv[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)RESTORE_CHILD, NULL};
    posix_spawn_file_actions_t actions;
    int rc, moved[CHAIN_MOST + 1];

    /* First out of the way of the numbers that they get. */
    for (size_t i = 0; i <= s->count; i++)
        moved[i] =
            fcntl(i == s->count ? end : s->files[i].fd, F_DUPFD_CLOEXEC, FILES_FD + CHAIN_MOST);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, moved[s->count], TALK_FD);
    for (size_t i = 0; i < s->count; i++)
        (void)posix_spawn_file_actions_adddup2(&actions, moved[i], FILES_FD + (int)i);
    rc = posix_spawn(pid, program, &actions, NULL, argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    for (size_t i = 0; i <= s->count; i++)
        if (moved[i] != -1)
            (void)close(moved[i]);
    return rc == 0 ? 0 : err_sys(err, "spawn", rc, program);
}

static int prepare(const struct restore_stage *stage, struct err *err)
{
    static const char *const folders[] = {".scratch", ".control", ".data"};
    char path[PATHS_SIZE + 32];

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        (void)str_format(path, sizeof path, "%s/%s", stage->folder, folders[i]);
        if (file_mkdirs(path, 0700, err) == -1)
            return -1;
    }
    return 0;
}

int restore_stage(const struct chain *s, const struct restore_secret *secret,
                  const struct restore_stage *stage, struct unpack_figures *figures,
                  struct err *err)
{
    struct order order;
    pid_t pid = -1;
    int ends[2], rc;

    memset(figures, 0, sizeof *figures);
    if (room(s, stage, err) == -1 || prepare(stage, err) == -1 ||
        fill(&order, s, secret, stage, err) == -1)
        return -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1) {
        sodium_memzero(&order, sizeof order);
        return err_sys(err, "socketpair", errno, "the unpacking");
    }
    rc = spawn(s, stage, ends[1], &pid, err);
    (void)close(ends[1]);
    if (rc == 0 && send(ends[0], &order, sizeof order, MSG_NOSIGNAL) == (ssize_t)sizeof order)
        rc = listen_to(ends[0], pid, s, stage, figures, err);
    else if (rc == 0)
        rc = listen_to(-1, pid, s, stage, figures, err);
    (void)close(ends[0]);
    sodium_memzero(&order, sizeof order);
    return rc;
}

/* ---- the child's beginning ---- */

static int open_folder(const char *folder, const char *name, struct err *err)
{
    char path[PATHS_SIZE + 32];
    int fd;

    (void)str_format(path, sizeof path, "%s/%s", folder, name);
    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd == -1 ? err_sys(err, "staging", errno, path) : fd;
}

int restore_stage_child(void)
{
    static struct chain source;
    struct child c = {.source = &source, .pipe_fd = TALK_FD};
    struct restore_stage stage = {.reserve = 0};
    struct word word = {.done = true, .rc = -1};
    struct order order;

    (void)signal(SIGINT, SIG_IGN); /* the parent hears it, and ends us */
    if (recv(TALK_FD, &order, sizeof order, MSG_WAITALL) != (ssize_t)sizeof order ||
        order.count == 0 || order.count > CHAIN_MOST)
        return 1;
    stage.folder = order.folder;
    stage.only = order.has_only ? order.only : NULL;
    stage.user = order.has_user ? order.user : NULL;
    stage.own = order.own;
    stage.reserve = order.reserve;
    c.stage = &stage;
    c.secret = &order.secret;
    source.count = order.count;
    for (size_t i = 0; i < source.count; i++) {
        source.files[i].fd = FILES_FD + (int)i;
        source.files[i].sizes = order.sizes[i];
        memcpy(source.files[i].header.hash, order.hashes[i], SEAL_HASH);
    }
    (void)str_format(c.scratch, sizeof c.scratch, "%s/.scratch", stage.folder);
    if ((c.control = open_folder(stage.folder, ".control", &word.err)) != -1 &&
        (c.data = open_folder(stage.folder, ".data", &word.err)) != -1)
        word.rc = work(&c, &word.figures, &word.err);
    sodium_memzero(&order, sizeof order);
    tell(&c, &word);
    _exit(0); /* nothing is left to do, and little could be done in the cage */
}
