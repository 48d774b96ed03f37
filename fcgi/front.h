#ifndef SETT_FRONT_H
#define SETT_FRONT_H
/*
 * FastCGI on UNIX sockets: listening, taking connections, checking who is on the other side, and a
 * bounded set of threads for them. libfcgi parses the records of a connection that is already ours;
 * its own accept loop, which cannot be stopped by SIGTERM, is never entered.
 */
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include "err.h"
#include "wire.h"

#define FRONT_PEERS 8

/* Who may connect. Root and our own user always may. */
struct front_peers {
    unsigned uid_count, gid_count;
    uid_t uids[FRONT_PEERS];
    gid_t gids[FRONT_PEERS];
};

/** front_peers_set(p, names, err): "www-data, nginx": names of groups or users; those that this
 * system does not have are left out. ERR_INVALID when there are too many. Return 0 or -1. */
int front_peers_set(struct front_peers *p, const char *names, struct err *err);

/** front_peers_allow(p, uid, gid): whether such a peer may speak to us. */
bool front_peers_allow(const struct front_peers *p, uid_t uid, gid_t gid);

struct front_setup {
    const char *name; /* of the threads */
    int listen_fd;    /* made non-blocking here; stays the caller's */
    int stop_fd;      /* the caller's eventfd: once readable, threads end after their request */
    unsigned threads; /* a pool of so many */
    bool on_demand;   /* or: a thread for each connection, at most so many */
    struct front_peers peers;
    void *context; /* handed to all of these */
    /** memory_new(context): what one thread keeps between its requests; NULL without memory. */
    void *(*memory_new)(void *context);
    void (*memory_free)(void *memory);
    /** handle(context, memory, wire, params): answer one request. ${params}: "NAME=value", NULL. */
    void (*handle)(void *context, void *memory, const struct wire *wire, const char *const *params);
    /** after(context, memory): once the peer has its answer; NULL for nothing. */
    void (*after)(void *context, void *memory);
};

struct front;

/** front_init(err): once per process, before threads: libfcgi's own state. The signal handlers
 * which it installs are taken out again; SIGPIPE is ignored. Return 0 or -1. */
int front_init(struct err *err);

/** front_listen(path, group, err): a listening socket of mode 0660, its group ${group} where
 * that may be set (NULL or unknown: left). Return the descriptor or -1. */
int front_listen(const char *path, const char *group, struct err *err);

/** front_start(f, setup, err): start the threads. Return 0 or -1. */
int front_start(struct front **f, const struct front_setup *setup, struct err *err);

/** front_busy_ms(f, now_ms): since when all threads of a pool have been with the same request; 0
 * when one is free. For the watchdog. */
int64_t front_busy_ms(const struct front *f, int64_t now_ms);

/** front_wait(f, wait_ms): wait for the threads to end, after stop_fd became readable: whether all
 * did within ${wait_ms}. ${f} is never freed: a process has as many as it has sockets, until it
 * exits. */
bool front_wait(struct front *f, int64_t wait_ms);

#endif
