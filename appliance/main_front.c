/*
 * sett-front: HTTP over FastCGI. It opens the store, the public half of the vault and the web key,
 * listens on two UNIX sockets, and can neither run a program nor reach a network nor open a
 * provider's secret.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "auth.h"
#include "clock.h"
#include "confine.h"
#include "daemon.h"
#include "events.h"
#include "figures.h"
#include "file.h"
#include "front.h"
#include "history.h"
#include "hold.h"
#include "limit.h"
#include "log.h"
#include "notify.h"
#include "restart.h"
#include "op.h"
#include "routes.h"
#include "schema.h"
#include "serve.h"
#include "setting.h"
#include "str.h"
#include "tally.h"
#include "vault.h"
#include "webauthn.h"

#define THREADS      64 /* most of them wait: for a commit that as many share, or for the worker */
#define THREADS_MOST 128
#define SLOW_MOST    12    /* of them with what takes long: a hash, or the worker's answer */
#define STREAM_EXTRA 8     /* connections that may wait to be told that the streams are full */
#define STOP_MS      1500  /* for requests under way; then the process ends all the same */
#define STUCK_MS     20000 /* all threads with one request for so long: the watchdog may bite */
#define LOOK_MS      1000  /* whether somebody wants it to begin anew */
#define READERS_MS   10000
#define LISTEN_FD    3 /* the first socket that a manager hands over (sd_listen_fds(3)) */

struct program {
    struct op_box box;
    struct limit *limit;
    struct tally *tally;
    struct serve serve;
    struct events events;
    struct front *requests, *streams;
    int request_fd, event_fd, signal_fd, stop_fd;
    struct hold hold;
};

/* Whether the ${which}th of a list of names with colons between them is ${name}. */
static bool named(const char *list, unsigned which, const char *name)
{
    for (; which > 0 && list != NULL; which--) {
        list = strchr(list, ':');
        list = list == NULL ? NULL : list + 1;
    }
    size_t len = strlen(name);
    return list != NULL && strncmp(list, name, len) == 0 && (list[len] == ':' || list[len] == '\0');
}

/* A socket that the manager listens on already. Units that bring one each come in no order, so it
 * is known by its name (FileDescriptorName=); where nobody names them, by its place. */
static int inherited(unsigned place, const char *name)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
    const char *names = getenv("LISTEN_FDNAMES");
    uint64_t ours = 0, n = 0;
    if (pid == NULL || count == NULL || str_u64(pid, 1, INT32_MAX, &ours) < 0 ||
        str_u64(count, 0, 16, &n) < 0 || (pid_t)ours != getpid()) {
        return -1;
    }
    for (unsigned i = 0; i < n; i++) {
        int fd = LISTEN_FD + (int)i;
        if (names != NULL ? named(names, i, name) : i == place) {
            return fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ? -1 : fd;
        }
    }
    return -1;
}

static int listen_one(unsigned place, const char *name, const char *path, const char *group,
                      struct err *err)
{
    int fd = inherited(place, name);
    return fd >= 0 ? fd : front_listen(path, group, err);
}

static int listen_both(struct program *p, struct err *err)
{
    const char *group = conf_get(&p->box.conf, "front", "group");
    if (file_mkdirs(p->box.paths.run, 0755, err) < 0) {
        return -1;
    }
    group = group == NULL ? "www-data" : group;
    p->request_fd = listen_one(0, "requests", p->box.paths.front_sock, group, err);
    if (p->request_fd < 0) {
        return -1;
    }
    p->event_fd = listen_one(1, "events", p->box.paths.events_sock, group, err);
    return p->event_fd < 0 ? -1 : 0;
}

static int box_open(struct op_box *box, struct hold *hold, const char *root, struct err *err)
{
    if (paths_set(&box->paths, root, err) < 0 || daemon_become_owner(&box->paths, err) < 0 ||
        hold_enter(&box->paths, hold, HOLD_STORE, daemon_waiting, err) < 0) {
        return -1;
    }
    if (geteuid() == 0) {
        log_warning("running as root: only for a box of one's own below a folder");
    }
    if (conf_read(&box->conf, box->paths.conf, err) < 0 && err->kind != ERR_NOT_FOUND) {
        return -1;
    }
    if (vault_load(&box->vault, box->paths.keys, false, err) < 0 ||
        web_key_load(&box->web_key, box->paths.keys, err) < 0 ||
        db_open(&box->db, box->paths.db, &sett_schema, err) < 0) {
        return -1;
    }
    (void)db_check_readers(box->db);
    box->passkeys = &webauthn_fido;
    box->routes = route_table;
    box->route_count = route_count;
    box->gate = auth_gate_new(err);
    box->figures = figures_cache_new(err);
    box->history = history_new(box->paths.history, err);
    return box->gate == NULL || box->figures == NULL || box->history == NULL ? -1 : 0;
}

static unsigned threads_wanted(const struct conf *conf)
{
    const char *text = conf_get(conf, "front", "threads");
    uint64_t n = THREADS;
    if (text != NULL && str_u64(text, 1, THREADS_MOST, &n) < 0) {
        log_warning("[front] threads = %s is not 1 to %d; %d it is", text, THREADS_MOST, THREADS);
        n = THREADS;
    }
    return (unsigned)n;
}

static int parts_make(struct program *p, struct err *err)
{
    const struct op **ops = serve_bind(err);
    if (ops == NULL || limit_new(&p->limit, err) < 0) {
        return -1;
    }
    p->tally = tally_new(route_table, route_count);
    if (p->tally == NULL) {
        return err_set(err, ERR_INTERNAL, "memory", "no memory for the counters");
    }
    p->serve.box = &p->box;
    p->serve.limit = p->limit;
    p->serve.tally = p->tally;
    p->serve.ops = ops;
    unsigned half = threads_wanted(&p->box.conf) / 2;
    p->serve.slow_most = half < SLOW_MOST ? (int)half : SLOW_MOST;
    p->events = (struct events){.box = &p->box,
                                .limit = p->limit,
                                .tally = p->tally,
                                .streams_max = EVENTS_STREAMS,
                                .stop_fd = p->stop_fd};
    return 0;
}

static int threads_start(struct program *p, struct err *err)
{
    const char *allow = conf_get(&p->box.conf, "front", "allow");
    struct front_setup setup = {
        .name = "sett-front",
        .listen_fd = p->request_fd,
        .stop_fd = p->stop_fd,
        .threads = threads_wanted(&p->box.conf),
        .context = &p->serve,
        .memory_new = serve_memory_new,
        .memory_free = serve_memory_free,
        .handle = serve_request,
        .after = serve_after,
    };
    if (front_peers_set(&setup.peers, allow == NULL ? "www-data, caddy" : allow, err) < 0 ||
        front_start(&p->requests, &setup, err) < 0) {
        return -1;
    }
    setup.name = "sett-events";
    setup.listen_fd = p->event_fd;
    setup.threads = EVENTS_STREAMS + STREAM_EXTRA;
    setup.on_demand = true;
    setup.context = &p->events;
    setup.handle = events_request;
    setup.after = NULL;
    return front_start(&p->streams, &setup, err);
}

/* Until told to end. The watchdog hears of us only while a thread is free, the store can be read
 * and its lock is not ours for long. */
static void watch(struct program *p)
{
    int64_t each_ms = notify_watchdog_ms(5000), readers_ms = clock_mono_ms();
    int64_t begun_ms = clock_wall_ms();
    bool again = false;
    struct pollfd fd = {.fd = p->signal_fd, .events = POLLIN};
    if (each_ms > LOOK_MS) {
        each_ms = LOOK_MS;
    }
    while (!again && !hold_wished(&p->hold) && poll(&fd, 1, (int)each_ms) <= 0) {
        struct err err;
        struct txn *txn;
        int64_t now_ms = clock_mono_ms();
        if (now_ms - readers_ms >= READERS_MS) {
            readers_ms = now_ms;
            (void)db_check_readers(p->box.db);
        }
        if (front_busy_ms(p->requests, now_ms) < STUCK_MS &&
            db_write_held_ms(p->box.db) < DB_HELD_MOST_MS && db_read(&txn, p->box.db, &err) == 0) {
            again = restart_wanted(txn, "front", begun_ms);
            db_read_end(txn);
            notify_watchdog();
        }
    }
}

static int options_read(int argc, char **argv, const char **root, struct err *err)
{
    for (int i = 1; i < argc; i++) {
        if (str_equal(argv[i], "--root") && i + 1 < argc) {
            *root = argv[++i];
        } else if (str_equal(argv[i], "--version")) {
            printf("sett-front %s\n", SETT_VERSION);
            exit(0);
        } else {
            return err_set(err, ERR_INVALID, "usage", "usage: sett-front [--root DIR]");
        }
    }
    return 0;
}

static int start(struct program *p, int argc, char **argv, struct err *err)
{
    const char *root = getenv("SETT_ROOT");
    if (options_read(argc, argv, &root, err) < 0) {
        return -1;
    }
    if (daemon_signals(&p->signal_fd, err) < 0 || front_init(err) < 0) {
        return -1;
    }
    p->stop_fd = eventfd(0, EFD_CLOEXEC);
    if (p->stop_fd < 0) {
        return err_sys(err, "eventfd", errno, "eventfd");
    }
    if (box_open(&p->box, &p->hold, root, err) < 0 || parts_make(p, err) < 0 ||
        listen_both(p, err) < 0) {
        return -1;
    }
    if (confine(err) < 0) { /* the unit's own walls stand all the same */
        log_warning("%s", err->text);
    }
    return threads_start(p, err);
}

int main(int argc, char **argv)
{
    static struct program program; /* 256 rows of configuration are too much for a stack */
    struct err err;
    daemon_close_in();
    log_open("sett-front", LOG_LEVEL_INFO);
    if (start(&program, argc, argv, &err) < 0) {
        log_event(LOG_START_FAILED, LOG_LEVEL_ERROR, "%s: %s%s%s", err.code, err.text,
                  err.hint[0] != '\0' ? "; " : "", err.hint);
        return err_exit_code(err.kind);
    }
    log_event(LOG_READY, LOG_LEVEL_INFO, "listening on %s and %s", program.box.paths.front_sock,
              program.box.paths.events_sock);
    notify_ready();
    watch(&program);
    notify_stopping();
    (void)eventfd_write(program.stop_fd, 1);
    int64_t until_ms = clock_mono_ms() + STOP_MS;
    bool all = front_wait(program.requests, STOP_MS);
    int64_t left_ms = until_ms - clock_mono_ms();
    all = front_wait(program.streams, left_ms > 0 ? left_ms : 0) && all;
    log_info("ended%s", all ? "" : "; some requests were cut off");
    (void)fflush(NULL);
    _exit(0); /* the store is not to be closed, and threads that were cut off still use it */
}
