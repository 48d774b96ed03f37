/*
 * sett-hands: the one privileged program: containers, processes, units and the web server's map,
 * asked through one socket by the worker. It never opens the store, listens on no network and
 * resolves no name. Here it is only put together; what it can be made to do is
 * core/hands/hands_verb.c.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "conf.h"
#include "conf_key.h"
#include "daemon.h"
#include "file.h"
#include "hands_machine.h"
#include "hands_serve.h"
#include "hands_world.h"
#include "hold.h"
#include "log.h"
#include "notify.h"
#include "process_apart.h"
#include "runtime_docker.h"
#include "runtime_lxc.h"
#include "runtime_swarm.h"
#include "firewall.h"
#include "runtime_process.h"
#include "str.h"
#include "web_note.h"
#include "supervisor_child.h"
#include "supervisor_systemd.h"

#define LOOK_MS 1000 /* longest sleep of the loop */
#define FULL_MS 100  /* while all connections are taken */
#define END_MS  1500 /* requests at work have so long to end */
#define GRACE_S 35   /* a connector's own grace period is 30 s */

#define USAGE                                                                                      \
    "usage: sett-hands [--root DIR] [--stop-tenants]\n"                                            \
    "  --root DIR       the box below DIR instead of the system's; works as the owner of DIR\n"    \
    "  --stop-tenants   stop tenants and connectors on SIGTERM too, not on SIGINT only; they "     \
    "are\n"                                                                                        \
    "                   started again with the next sett-hands\n"                                  \
    "  --launch PLAN    become a tenant's program; what the hands have systemd start\n"

struct options {
    const char *root;
    bool stop_tenants;
};

struct program {
    struct paths paths;
    struct conf *conf;
    struct process_group *tenants, *units;
    struct runtime process;
    struct runtime_lxc_setup lxc;
    char lxc_units[256], forward[256];
    struct supervisor supervisor;
    struct route_map *routes;
    struct hands_world world;
    struct hands_serve *serve;
    int signal_fd;
    struct hold hold;
};

static int read_options(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (str_equal(argv[i], "--root") && i + 1 < argc) {
            o->root = argv[++i];
        } else if (str_equal(argv[i], "--stop-tenants")) {
            o->stop_tenants = true;
        } else if (str_equal(argv[i], "--version")) {
            (void)printf("sett-hands %s\n", SETT_VERSION);
            exit(0);
        } else if (str_equal(argv[i], "--launch") && i + 1 < argc) {
            log_open("sett-hands", LOG_LEVEL_INFO);
            exit(process_apart_launch(argv[i + 1]));
        } else if (str_equal(argv[i], "--help")) {
            (void)fputs(USAGE, stdout);
            exit(0);
        } else {
            (void)fputs(USAGE, stderr);
            return -1;
        }
    }
    return 0;
}

/* A value of sett.conf, or ${otherwise}. */
static const char *setting(const struct program *p, const char *section, const char *name,
                           const char *otherwise)
{
    const char *value = conf_get(p->conf, section, name);

    return value == NULL || value[0] == '\0' ? otherwise : value;
}

/* A misspelt key of ours would be a wish that nobody hears. */
static void check_keys(const struct program *p)
{
    const struct conf_row *row;
    uint32_t at = 0;

    while ((row = conf_key_unknown(p->conf, "hands", &at)) != NULL)
        log_warning("%s, line %d: [hands] has no key %s", p->paths.conf, row->line, row->name);
}

static int open_box(struct program *p, const char *root, struct err *err)
{
    if (paths_set(&p->paths, root, err) == -1)
        return -1;
    if ((p->conf = malloc(sizeof *p->conf)) == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for sett.conf");
    if (conf_read(p->conf, p->paths.conf, err) == -1 && err->kind != ERR_NOT_FOUND)
        return -1;
    check_keys(p);
    return 0;
}

/* Whose requests count: of the user of the worker. */
static int worker_uid(const struct program *p, uid_t *uid, struct err *err)
{
    const char *name = setting(p, "hands", "worker_user", "sett");
    struct passwd *entry;

    *uid = geteuid();
    if (p->paths.root[0] != '\0' || geteuid() != 0)
        return 0;
    if ((entry = getpwnam(name)) == NULL)
        return err_set(err, ERR_INVALID, "worker_user", "there is no user %s for the worker", name);
    *uid = entry->pw_uid;
    return 0;
}

/* A folder below hands/. */
static int make_folder(const struct program *p, const char *name, char out[256], struct err *err)
{
    if (str_format(out, 256, "%s/%s", p->paths.hands, name) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", p->paths.hands);
    return file_mkdirs(out, 0700, err);
}

/* Whether systemd looks after what runs. */
static bool by_systemd(const struct program *p)
{
    bool systemd = p->paths.root[0] == '\0' && file_exists("/run/systemd/system");

    return str_equal(setting(p, "hands", "supervisor", systemd ? "systemd" : "child"), "systemd");
}

static int open_processes(struct program *p, struct err *err)
{
    struct process_group_setup setup;
    struct runtime_process_setup runtime = {.tenants = p->paths.tenants};

    memset(&setup, 0, sizeof setup);
    setup.apart = runtime.apart = by_systemd(p);
    if (make_folder(p, "process", setup.folder, err) == -1 ||
        process_group_new(&p->tenants, &setup, err) == -1)
        return -1;
    runtime.group = p->tenants;
    runtime.own_uid = p->paths.root[0] == '\0' && geteuid() == 0;
    p->world.group = p->tenants;
    p->world.process = &p->process;
    return runtime_process_new(&p->process, &runtime, err);
}

/* The lxc runtime is made when it is first needed, which is now when it has tenants already: after
 * a boot they come back by it. */
static int open_lxc(struct program *p, struct err *err)
{
    ssize_t len = readlink("/proc/self/exe", p->forward, sizeof p->forward - 16);
    struct err why;
    char *slash;

    if (geteuid() != 0)
        return 0;
    p->forward[len < 0 ? 0 : len] = '\0';
    if ((slash = strrchr(p->forward, '/')) == NULL)
        return err_sys(err, "program", errno, "/proc/self/exe");
    (void)str_copy(slash + 1, sizeof "sett-forward", "sett-forward");
    if (make_folder(p, "lxc", p->lxc_units, err) == -1)
        return -1;
    p->lxc = (struct runtime_lxc_setup){
        .units = p->lxc_units,
        .lxc = p->paths.lxc,
        .images = p->paths.images,
        .tenants = p->paths.tenants,
        .top = p->paths.root,
        .pool = setting(p, "hands", "lxc_pool", "10.202.0.0/16"),
        .forward = p->forward,
        .box_id = "",
        .apart = by_systemd(p),
        .idmap = !str_equal(setting(p, "hands", "lxc_idmap", "yes"), "no")};
    p->world.lxc_setup = &p->lxc;
    if (file_exists(p->paths.lxc) && hands_lxc(&p->world, &why) == NULL)
        log_error("the tenants of the lxc runtime are left alone: %s; %s", why.text, why.hint);
    return 0;
}

static int open_supervisor(struct program *p, struct err *err)
{
    const char *name = setting(p, "hands", "supervisor", by_systemd(p) ? "systemd" : "child");
    struct process_group_setup setup;
    char logs[256];

    p->world.supervisor = &p->supervisor;
    if (str_equal(name, "systemd"))
        return supervisor_systemd_new(&p->supervisor, NULL, NULL, err);
    if (!str_equal(name, "child"))
        return err_set(err, ERR_INVALID, "supervisor",
                       "[hands] supervisor must be systemd or "
                       "child, not %s",
                       name);
    memset(&setup, 0, sizeof setup);
    if (make_folder(p, "units", setup.folder, err) == -1 ||
        make_folder(p, "logs", logs, err) == -1 || process_group_new(&p->units, &setup, err) == -1)
        return -1;
    return supervisor_child_new(&p->supervisor, p->units, logs, GRACE_S, err);
}

static int open_routes(struct program *p, struct err *err)
{
    char routes[256 + 16];
    struct route_map_setup setup = {.routes = routes,
                                    .map = p->paths.web_map,
                                    .test = setting(p, "web", "test", NULL),
                                    .reload = setting(p, "web", "reload", NULL),
                                    .pid = setting(p, "web", "pid", NULL),
                                    .server = p->paths.web_note,
                                    .apart = by_systemd(p)};

    if (str_format(routes, sizeof routes, "%s/routes", p->paths.hands) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", p->paths.hands);
    if (route_map_new(&p->routes, &setup, err) == -1)
        return -1;
    p->world.routes = p->routes;
    return 0;
}

/* The swarm's tasks come back with the engine, before anybody asks us: so do the rules that keep
 * their ports off the outside. */
static void close_swarm_in(const struct program *p)
{
    char rules[300];
    struct err err;

    if (geteuid() == 0 && str_format(rules, sizeof rules, "%s/swarm.nft", p->paths.hands) == 0 &&
        file_exists(rules) && firewall_swarm(p->paths.hands, p->world.swarm_ports, &err) == -1)
        log_event(LOG_PORTS_OPEN, LOG_LEVEL_ERROR,
                  "ports of the swarm are open to the outside: %s; %s", err.text, err.hint);
}

/* Where the web server's errors and pid are. */
static int web_places(struct program *p, struct err *err)
{
    struct hands_world *w = &p->world;
    struct web_note note;
    int noted = web_note_read(&note, p->paths.web_note, p->conf, err);

    if (noted == -1)
        return -1;
    if (p->paths.root[0] != '\0') {
        (void)str_format(w->web_pid, sizeof w->web_pid, "%s/nginx.pid", p->paths.run);
        (void)str_format(w->web_log, sizeof w->web_log, "%s/log/nginx.log", p->paths.root);
        return 0;
    }
    (void)str_copy(w->web_pid, sizeof w->web_pid,
                   noted == 1 || note.pid[0] != '\0' ? note.pid : "/run/nginx.pid");
    (void)str_copy(w->web_log, sizeof w->web_log,
                   noted == 1 || note.error_log[0] != '\0' ? note.error_log
                                                           : "/var/log/nginx/error.log");
    return 0;
}

static int open_world(struct program *p, struct err *err)
{
    char folder[256];
    uint64_t port;
    uid_t uid;

    p->world.paths = &p->paths;
    p->world.apart = by_systemd(p);
    p->world.share = setting(p, "hands", "share", "/usr/share/sett");
    p->world.docker_socket = setting(p, "hands", "docker_socket", "/var/run/docker.sock");
    p->world.docker_pool = setting(p, "hands", "docker_pool", "10.201.0.0/16");
    p->world.swarm_ports = setting(p, "hands", "swarm_ports", "3100-3999");
    p->world.cloudflared = setting(p, "hands", "cloudflared", "/usr/bin/cloudflared");
    (void)pthread_mutex_init(&p->world.docker_lock, NULL);
    (void)pthread_mutex_init(&p->world.still.lock, NULL);
    if (str_u64(setting(p, "hands", "metrics_port", "21000"), 1024, 55000, &port) == -1)
        return err_set(err, ERR_INVALID, "metrics_port",
                       "[hands] metrics_port must be between 1024 and 55000");
    p->world.metrics_port = (uint32_t)port;
    if (web_places(p, err) == -1)
        return -1;
    if (file_mkdirs(p->paths.hands, 0700, err) == -1 || make_folder(p, "init", folder, err) == -1 ||
        make_folder(p, "tunnels", folder, err) == -1 ||
        file_mkdirs(p->paths.run, 0755, err) == -1 || worker_uid(p, &uid, err) == -1 ||
        open_processes(p, err) == -1 || open_lxc(p, err) == -1 || open_supervisor(p, err) == -1 ||
        open_routes(p, err) == -1)
        return -1;
    close_swarm_in(p);
    hands_connector_resume(&p->world);
    hands_link_resume(&p->world);
    hands_quiet_resume(&p->world);
    return hands_serve_new(&p->serve, &p->world, uid, err);
}

/* On a copy of the machine, until somebody has said what it is. Others wait for us in vain, but not
 * for our start. Return the signal that ended the wait, 0 when it is over, or -1. */
static int wait_known(struct program *p, struct err *err)
{
    struct signalfd_siginfo signal_info;
    int known = 0, said = 0;
    uid_t uid;

    if (worker_uid(p, &uid, err) == -1)
        return -1;
    for (;;) {
        struct pollfd at = {.fd = p->signal_fd, .events = POLLIN};

        if ((known = hands_machine_known(&p->paths, uid, err)) != 0)
            return known == -1 ? -1 : 0;
        if (!said++) {
            log_warning("this machine is not the one that the box lives on: nothing is started");
            notify_ready();
        }
        notify_watchdog();
        if (poll(&at, 1, LOOK_MS) > 0 &&
            read(p->signal_fd, &signal_info, sizeof signal_info) == sizeof signal_info &&
            signal_info.ssi_signo != SIGHUP)
            return (int)signal_info.ssi_signo;
        if (hold_wished(&p->hold))
            return SIGINT;
    }
}

/* Serve until a signal ends it, or live/ is to be replaced. Return the signal. */
static int loop(struct program *p)
{
    int64_t every = notify_watchdog_ms(LOOK_MS);
    struct signalfd_siginfo signal_info;

    for (;;) {
        int listen_fd = hands_serve_fd(p->serve);
        struct pollfd at[2] = {{.fd = p->signal_fd, .events = POLLIN},
                               {.fd = listen_fd, .events = POLLIN}};
        notify_watchdog();
        (void)poll(at, 2, listen_fd == -1 ? FULL_MS : (int)(every > LOOK_MS ? LOOK_MS : every));
        if ((at[0].revents & POLLIN) != 0 &&
            read(p->signal_fd, &signal_info, sizeof signal_info) == sizeof signal_info &&
            signal_info.ssi_signo != SIGHUP)
            return (int)signal_info.ssi_signo;
        if (listen_fd != -1 && (at[1].revents & POLLIN) != 0)
            hands_serve_accept(p->serve);
        if (hold_wished(&p->hold)) /* what runs on live/ goes with it */
            return SIGINT;
    }
}

/* Everything that was opened; the tenants go on. */
static void close_world(struct program *p)
{
    route_map_free(p->routes);
    if (p->units != NULL)
        supervisor_child_free(&p->supervisor);
    else
        supervisor_systemd_free(&p->supervisor);
    process_group_free(p->units);
    runtime_process_free(&p->process);
    process_group_free(p->tenants);
    if (p->world.docker.self != NULL)
        runtime_docker_free(&p->world.docker);
    runtime_lxc_free(&p->world.lxc);
    runtime_swarm_free(&p->world.swarm);
    free(p->conf);
}

static int end(struct program *p, bool stop_tenants)
{
    bool idle;

    notify_stopping();
    (void)hands_quiet_end(&p->world, 0); /* what is quiet goes on, and its requests end */
    idle = hands_serve_end(p->serve, END_MS) == 0;
    idle = hands_quiet_end(&p->world, END_MS) == 0 && idle;
    if (stop_tenants) {
        log_info("tenants and connectors are being stopped");
        hands_connector_halt(&p->world);
        hands_link_halt(&p->world);
        if (p->units != NULL)
            process_group_halt(p->units);
        process_group_halt(p->tenants);
        runtime_lxc_halt(&p->world.lxc);
    }
    if (idle)
        close_world(p);
    else /* their threads use what close_world would free */
        log_info("requests at work are left; the worker looks again what became of them");
    return 0;
}

int main(int argc, char **argv)
{
    struct rlimit no_core = {0, 0};
    struct options options = {NULL, false};
    struct program p;
    struct err err;
    int signo;

    memset(&p, 0, sizeof p);
    if (read_options(&options, argc, argv) == -1)
        return 2;
    log_open("sett-hands", LOG_LEVEL_INFO);
    (void)setrlimit(RLIMIT_CORE, &no_core); /* tokens are in our memory */
    (void)umask(0022);
    (void)mallopt(M_ARENA_MAX, 2);
    if (open_box(&p, options.root, &err) == -1 || daemon_become_owner(&p.paths, &err) == -1 ||
        hold_enter(&p.paths, &p.hold, HOLD_LIVE, daemon_waiting, &err) == -1 ||
        daemon_signals(&p.signal_fd, &err) == -1 || (signo = wait_known(&p, &err)) == -1 ||
        (signo == 0 && open_world(&p, &err) == -1)) {
        log_event(LOG_START_FAILED, LOG_LEVEL_ERROR, "%s%s%s", err.text,
                  err.hint[0] == '\0' ? "" : "; ", err.hint);
        return 1;
    }
    if (signo != 0)
        return 0;
    if (p.paths.root[0] != '\0' && geteuid() == 0)
        log_warning("%s belongs to root: tenants' processes run as root too", p.paths.root);
    notify_ready();
    log_event(LOG_READY, LOG_LEVEL_INFO, "ready at %s", p.paths.hands_sock);
    signo = loop(&p);
    log_info("ending on signal %d", signo);
    return end(&p, signo == SIGINT || options.stop_tenants);
}
