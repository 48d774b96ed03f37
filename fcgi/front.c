/*
 * The only file that knows libfcgi. Connections are accepted here, by each thread of the pool
 * itself (the kernel wakes one of them), and given to libfcgi as already open; so a signal, a
 * silent peer and the end of the process are ours to handle.
 */
#include "front.h"
#include <errno.h>
#include <fcgiapp.h>
#include <grp.h>
#include <pthread.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <fcntl.h>
#include "channel.h"
#include "clock.h"
#include "cond.h"
#include "log.h"
#include "str.h"

#define PEER_WAIT_S   10 /* a peer that is silent for so long is let go */
#define STACK_BYTES   (1024u * 1024u)
#define BODY_IN_CHUNK 32768
#define BACKLOG       1024 /* a web server gives up at once when it is full */

struct member {
    struct front *front;
    atomic_int_fast64_t since_ms; /* with one request since; 0: free */
};

struct front {
    struct front_setup setup;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    unsigned live; /* threads; under the lock */
    struct member members[];
};

int front_peers_set(struct front_peers *p, const char *names, struct err *err)
{
    char word[64];
    memset(p, 0, sizeof(*p));
    while (*names != '\0') {
        size_t len = strcspn(names, ", ");
        if (len > 0 && str_copy_n(word, sizeof(word), names, len) == 0) {
            const struct group *group = getgrnam(word);
            const struct passwd *user = getpwnam(word);
            if (p->uid_count >= FRONT_PEERS || p->gid_count >= FRONT_PEERS) {
                return err_set(err, ERR_INVALID, "peers_many",
                               "[front] allow names more than %d users or groups", FRONT_PEERS);
            }
            if (group != NULL) {
                p->gids[p->gid_count++] = group->gr_gid;
            }
            if (user != NULL) {
                p->uids[p->uid_count++] = user->pw_uid;
            }
        }
        names += len + (names[len] != '\0' ? 1u : 0u);
    }
    return 0;
}

bool front_peers_allow(const struct front_peers *p, uid_t uid, gid_t gid)
{
    if (uid == 0 || uid == geteuid()) {
        return true;
    }
    for (unsigned i = 0; i < p->uid_count; i++) {
        if (p->uids[i] == uid) {
            return true;
        }
    }
    for (unsigned i = 0; i < p->gid_count; i++) {
        if (p->gids[i] == gid) {
            return true;
        }
    }
    return false;
}

int front_init(struct err *err)
{
    struct sigaction plain = {.sa_handler = SIG_DFL}, ignore = {.sa_handler = SIG_IGN};
    unsetenv("FCGI_WEB_SERVER_ADDRS");
    if (FCGX_Init() != 0) {
        return err_set(err, ERR_INTERNAL, "fcgi_init", "libfcgi could not be started");
    }
    /* OS_LibInit has taken SIGTERM and SIGUSR1 to mean "no further accept", which we never enter.
     */
    sigaction(SIGTERM, &plain, NULL);
    sigaction(SIGUSR1, &plain, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
    return 0;
}

int front_listen(const char *path, const char *group, struct err *err)
{
    int fd = channel_listen(path, 0660, err);
    const struct group *g = fd >= 0 && group != NULL ? getgrnam(group) : NULL;
    if (g != NULL && chown(path, (uid_t)-1, g->gr_gid) < 0) {
        log_debug("front: %s keeps its group: %s", path, strerror(errno));
    }
    return fd;
}

static int wire_read(void *arg, char *out, size_t max)
{
    FCGX_Request *request = arg;
    int got = FCGX_GetStr(out, max > BODY_IN_CHUNK ? BODY_IN_CHUNK : (int)max, request->in);
    return got > 0 || FCGX_GetError(request->in) == 0 ? got : -1;
}

static int wire_write(void *arg, const void *data, size_t len)
{
    FCGX_Request *request = arg;
    const char *at = data;
    while (len > 0) {
        int part = len > INT16_MAX ? INT16_MAX : (int)len;
        if (FCGX_PutStr(at, part, request->out) != part) {
            return -1;
        }
        at += part;
        len -= (size_t)part;
    }
    return 0;
}

static int wire_flush(void *arg)
{
    FCGX_Request *request = arg;
    return FCGX_FFlush(request->out) < 0 ? -1 : 0;
}

static bool peer_fine(const struct front *f, int fd)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0) {
        return false;
    }
    if (front_peers_allow(&f->setup.peers, peer.uid, peer.gid)) {
        return true;
    }
    log_event(LOG_PEER_REFUSED, LOG_LEVEL_WARNING,
              "%s: a connection by uid %u (pid %d) was refused", f->setup.name, (unsigned)peer.uid,
              (int)peer.pid);
    return false;
}

/* One connection, one request: the web server is told not to keep connections. Takes ${fd}. */
static void connection(struct front *f, void *memory, int fd)
{
    struct timeval wait = {.tv_sec = PEER_WAIT_S};
    FCGX_Request request;
    if (!peer_fine(f, fd)) {
        close(fd);
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
    FCGX_InitRequest(&request, -1, 0);
    request.ipcFd = fd;
    request.keepConnection = 1; /* nothing to finish yet: keep our descriptor */
    request.detached = 1;       /* libfcgi closes without lingering, if it closes */
    /* A peer that speaks nonsense loses the connection in there, and the accept which follows fails
     * at once because there is no listening socket. */
    if (FCGX_Accept_r(&request) != 0) {
        return;
    }
    struct wire wire = {&request, wire_read, wire_write, wire_flush, fd};
    f->setup.handle(f->setup.context, memory, &wire, (const char *const *)request.envp);
    request.keepConnection = 1;
    FCGX_Finish_r(&request);
    if (request.ipcFd >= 0) {
        close(request.ipcFd);
    }
    if (f->setup.after != NULL) {
        f->setup.after(f->setup.context, memory);
    }
}

static void member_ends(struct front *f)
{
    pthread_mutex_lock(&f->lock);
    f->live--;
    pthread_cond_broadcast(&f->ended);
    pthread_mutex_unlock(&f->lock);
}

/* Wait for a connection or for the end. Return 1 when there may be one, 0 when it is over. */
static int wait_turn(int epoll)
{
    struct epoll_event events[2];
    int n = epoll_wait(epoll, events, 2, -1);
    for (int i = 0; i < n; i++) {
        if (events[i].data.u32 == 1) {
            return 0;
        }
    }
    return 1;
}

static bool over(const struct front *f)
{
    struct pollfd fd = {.fd = f->setup.stop_fd, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

static int epoll_make(const struct front *f)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event listen = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.u32 = 0};
    struct epoll_event stop = {.events = EPOLLIN, .data.u32 = 1};
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, f->setup.listen_fd, &listen) < 0 ||
        epoll_ctl(epoll, EPOLL_CTL_ADD, f->setup.stop_fd, &stop) < 0) {
        if (epoll >= 0) {
            close(epoll);
        }
        return -1;
    }
    return epoll;
}

/* A thread of the pool: accept, answer, again. */
static void *pool_thread(void *arg)
{
    struct member *m = arg;
    struct front *f = m->front;
    void *memory = f->setup.memory_new(f->setup.context);
    int epoll = epoll_make(f);
    unsigned turns = 0;
    while (memory != NULL && epoll >= 0) {
        int fd = accept4(f->setup.listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0) {
            atomic_store_explicit(&m->since_ms, clock_mono_ms(), memory_order_relaxed);
            connection(f, memory, fd);
            atomic_store_explicit(&m->since_ms, 0, memory_order_relaxed);
            if (++turns % 64 != 0 || !over(f)) {
                continue;
            }
            break;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
            clock_sleep_ms(20);
        }
        if (wait_turn(epoll) == 0) {
            break;
        }
    }
    if (epoll >= 0) {
        close(epoll);
    }
    if (memory != NULL) {
        f->setup.memory_free(memory);
    } else {
        log_error("%s: no memory for a thread", f->setup.name);
    }
    member_ends(f);
    return NULL;
}

struct guest {
    struct front *front;
    int fd;
};

static void *guest_thread(void *arg)
{
    struct guest guest = *(struct guest *)arg;
    free(arg);
    void *memory = guest.front->setup.memory_new(guest.front->setup.context);
    if (memory != NULL) {
        connection(guest.front, memory, guest.fd);
        guest.front->setup.memory_free(memory);
    } else {
        close(guest.fd);
    }
    member_ends(guest.front);
    return NULL;
}

/* Start a detached thread of ours; it is counted before it runs. 0 or -1. */
static int thread_start(struct front *f, void *(*run)(void *), void *arg)
{
    pthread_t thread;
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    pthread_mutex_lock(&f->lock);
    f->live++;
    pthread_mutex_unlock(&f->lock);
    int rc = pthread_create(&thread, &attr, run, arg);
    pthread_attr_destroy(&attr);
    if (rc == 0) {
        (void)pthread_setname_np(thread, f->setup.name);
        return 0;
    }
    member_ends(f);
    return -1;
}

/* Wait until one more guest may come. */
static void room_wait(struct front *f)
{
    pthread_mutex_lock(&f->lock);
    while (f->live > f->setup.threads) /* the acceptor itself is one */
        if (!cond_until(&f->ended, &f->lock, clock_mono_ms() + 1000) && over(f))
            break;
    pthread_mutex_unlock(&f->lock);
}

/* The acceptor of an on-demand front. */
static void *door_thread(void *arg)
{
    struct member *m = arg;
    struct front *f = m->front;
    int epoll = epoll_make(f);
    while (epoll >= 0 && wait_turn(epoll) != 0) {
        int fd = accept4(f->setup.listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOMEM) {
                clock_sleep_ms(20);
            }
            continue;
        }
        struct guest *guest = malloc(sizeof(*guest));
        if (guest != NULL) {
            *guest = (struct guest){f, fd};
        }
        if (guest == NULL || thread_start(f, guest_thread, guest) < 0) {
            log_error("%s: no thread for a connection", f->setup.name);
            free(guest);
            close(fd);
        }
        room_wait(f);
    }
    if (epoll >= 0) {
        close(epoll);
    }
    member_ends(f);
    return NULL;
}

int front_start(struct front **out, const struct front_setup *setup, struct err *err)
{
    unsigned count = setup->on_demand ? 1 : setup->threads;
    struct front *f = calloc(1, sizeof(*f) + count * sizeof(struct member));
    if (f == NULL) {
        return err_set(err, ERR_INTERNAL, "memory", "no memory for %s", setup->name);
    }
    f->setup = *setup;
    pthread_mutex_init(&f->lock, NULL);
    cond_init(&f->ended);
    int flags = fcntl(setup->listen_fd, F_GETFL);
    if (flags < 0 || fcntl(setup->listen_fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
        listen(setup->listen_fd, BACKLOG) < 0) {
        free(f);
        return err_sys(err, "front_start", errno, setup->name);
    }
    for (unsigned i = 0; i < count; i++) {
        f->members[i].front = f;
        if (thread_start(f, setup->on_demand ? door_thread : pool_thread, &f->members[i]) < 0) {
            return err_set(err, ERR_INTERNAL, "threads", "no thread for %s", setup->name);
        }
    }
    *out = f;
    return 0;
}

int64_t front_busy_ms(const struct front *f, int64_t now_ms)
{
    int64_t least = INT64_MAX;
    for (unsigned i = 0; !f->setup.on_demand && i < f->setup.threads; i++) {
        int64_t since = atomic_load_explicit(&f->members[i].since_ms, memory_order_relaxed);
        int64_t busy = since == 0 ? 0 : now_ms - since;
        least = busy < least ? busy : least;
    }
    return least == INT64_MAX ? 0 : least;
}

bool front_wait(struct front *f, int64_t wait_ms)
{
    int64_t until_ms = clock_mono_ms() + wait_ms;
    pthread_mutex_lock(&f->lock);
    while (f->live > 0 && cond_until(&f->ended, &f->lock, until_ms)) {
    }
    bool all = f->live == 0;
    pthread_mutex_unlock(&f->lock);
    return all;
}
