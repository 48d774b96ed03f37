/*
 * `sett run`: a whole box below one folder, with no root needed: the three programs, a web server
 * of its own, and on request the demonstration. What systemd does on an installed box is done here
 * by supervise.c.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"
#include "file.h"
#include "log.h"
#include "recovery.h"
#include "setup_state.h"
#include "snapshot.h"
#include "str.h"
#include "supervise.h"
#include "template.h"
#include "web_server.h"

#define NGINX    "/usr/sbin/nginx"
#define READY_MS 15000
#define STOP_MS  10000
#define STEP_MS  500

#define RESTORE_EACH_MS 5000 /* between beginnings of restores that are asked for */

struct run {
    struct cli *cli;
    uint32_t port;
    bool demo, fresh; /* nobody has set it up yet */
    char front[PATHS_SIZE + 16], worker[PATHS_SIZE + 16], hands[PATHS_SIZE + 16],
        sett[PATHS_SIZE + 16], restore[PATHS_SIZE + 16], asked[PATHS_SIZE + 32];
    char log[PATHS_SIZE + 16], nginx[PATHS_SIZE + 16], nginx_conf[PATHS_SIZE + 32],
        notify[PATHS_SIZE + 16], port_text[16], supervised[PATHS_SIZE + 16];
    struct supervise_program programs[5];
    int64_t restore_ms; /* monotonic: when a restore was begun */
};

static int options_read(struct run *run, int argc, char **argv, struct err *err)
{
    uint64_t port;

    run->port = 4443;
    for (int i = 0; i < argc; i++) {
        if (str_equal(argv[i], "--demo"))
            run->demo = true;
        else if (str_equal(argv[i], "--port") && i + 1 < argc) {
            if (str_u64(argv[++i], 1, 65535, &port) == -1)
                return err_field(err, "port", "option_value", "--port takes 1 to 65535");
            run->port = (uint32_t)port;
        } else
            return err_field(err, "argument", "usage",
                             "usage: sett --root FOLDER run [--port N] [--demo]");
    }
    if (run->cli->paths.root[0] == '\0') {
        err_set(err, ERR_INVALID, "needs_root_option", "sett run is for a box below a folder");
        return err_hint(err,
                        "say which: sett --root FOLDER run; an installed box is run by systemd");
    }
    if (strpbrk(run->cli->paths.root, " \t\n\"'\\;{}$#") != NULL) {
        err_field(err, "root", "root_characters",
                  "the folder %s has a blank or a sign in its path "
                  "that nginx would misread",
                  run->cli->paths.root);
        return err_hint(err, "choose one without blanks, quotes, backslashes and ; { } $ #");
    }
    return 0;
}

static void names_set(struct run *run)
{
    const struct paths *p = &run->cli->paths;
    const char *programs = run->cli->programs;

    (void)str_format(run->front, sizeof run->front, "%s/sett-front", programs);
    (void)str_format(run->worker, sizeof run->worker, "%s/sett-worker", programs);
    (void)str_format(run->hands, sizeof run->hands, "%s/sett-hands", programs);
    (void)str_format(run->sett, sizeof run->sett, "%s/sett", programs);
    (void)str_format(run->restore, sizeof run->restore, "%s/sett-restore", programs);
    (void)str_format(run->asked, sizeof run->asked, "%s/restore/request", p->run);
    (void)str_format(run->log, sizeof run->log, "%s/log", p->root);
    (void)str_format(run->nginx, sizeof run->nginx, "%s/nginx", p->root);
    (void)str_format(run->nginx_conf, sizeof run->nginx_conf, "%s/nginx.conf", run->nginx);
    (void)str_format(run->notify, sizeof run->notify, "%s/notify.sock", p->run);
    (void)str_format(run->supervised, sizeof run->supervised, "%s/supervised", p->run);
    (void)str_format(run->port_text, sizeof run->port_text, "%u", run->port);
}

/* Only one `sett run` for a folder: the lock is held for the life of this process. */
static int lock(const struct run *run, struct err *err)
{
    char path[PATHS_SIZE + 16];
    int fd;

    (void)str_format(path, sizeof path, "%s/run.lock", run->cli->paths.run);
    if ((fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)) == -1)
        return err_sys(err, "run_lock", errno, path);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    (void)close(fd);
    err_set(err, ERR_CONFLICT, "already_running", "the box below %s is running already",
            run->cli->paths.root);
    return err_hint(
        err,
        "stop it with Ctrl-C where it was started, or choose another folder: make run RUN=...");
}

static int port_free(uint32_t port, struct err *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, rc;

    if (fd == -1)
        return err_sys(err, "socket", errno, "trying the port");
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    rc = bind(fd, (struct sockaddr *)&address, sizeof address);
    (void)close(fd);
    if (rc == 0)
        return 0;
    err_set(err, ERR_CONFLICT, "port_taken", "something else listens on port %u", port);
    return err_hint(err, "stop it, or choose another port: make run PORT=8080");
}

static int nginx_write(struct run *run, struct err *err)
{
    static const char *const folders[] = {"tmp/body", "tmp/proxy", "tmp/fastcgi", "tmp/uwsgi",
                                          "tmp/scgi"};
    const struct paths *p = &run->cli->paths;
    struct passwd *user = getpwuid(geteuid());
    char from[PATHS_SIZE + 32], to[PATHS_SIZE + 32], user_line[96];
    const struct web_wish wish = {.listen = "127.0.0.1",
                                  .http_port = run->port_text,
                                  .tls = "false",
                                  .default_server = "true"};
    const struct web_kind *kind = web_kind_find("nginx", err);
    struct kv values = {0}, facts;
    struct web_said said;

    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        (void)str_format(to, sizeof to, "%s/%s", run->nginx, folders[i]);
        if (file_mkdirs(to, 0755, err) == -1)
            return -1;
    }
    /* nginx drops to "nobody" when root starts it; the box's sockets belong to its owner. */
    (void)str_format(user_line, sizeof user_line, geteuid() == 0 ? "user %s;" : "# runs as %s",
                     user == NULL ? "root" : user->pw_name);
    if (kv_set(&values, "USER_LINE", user_line) == -1 || kv_set(&values, "RUN", p->run) == -1 ||
        kv_set(&values, "ROOT", p->root) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", p->root);
    if (kind == NULL || web_said_read(run->cli, &wish, &said, err) == -1 ||
        web_facts(run->cli, kind, wish.web, &said, &facts, err) == -1)
        return -1;
    if (kv_get_or(&facts, "PREFIX", "")[0] != '\0' &&
        web_pages(run->cli->web, kv_get(&facts, "PREFIX"), kv_get(&facts, "PAGES"), err) == -1)
        return -1;
    if (!file_exists(p->web_map)) {
        char folder[PATHS_SIZE], *slash;
        (void)str_copy(folder, sizeof folder, p->web_map);
        if ((slash = strrchr(folder, '/')) != NULL)
            *slash = '\0';
        if (file_mkdirs(folder, 0755, err) == -1 || file_write(p->web_map, "", 0, 0644, err) == -1)
            return -1;
    }
    (void)str_format(from, sizeof from, "%s/nginx/sett.conf.in", run->cli->share);
    (void)str_format(to, sizeof to, "%s/sett.conf", run->nginx);
    if (template_write(from, to, &facts, err) == -1)
        return -1;
    (void)str_format(from, sizeof from, "%s/nginx/run.conf.in", run->cli->share);
    return template_write(from, run->nginx_conf, &values, err);
}

/* Step the supervisor until all of ${names} are ready. Return 1, 0 when told to stop, -1. */
static int await(struct supervise *s, const char *const *names, const char *log, struct err *err)
{
    int64_t deadline = clock_mono_ms() + READY_MS;

    for (; *names != NULL; names++)
        while (!supervise_ready(s, *names)) {
            if (!supervise_step(s, 20))
                return 0;
            if (clock_mono_ms() > deadline || supervise_restarts(s, *names) > 5) {
                err_set(err, ERR_UNAVAILABLE, "not_ready", "%s does not start", *names);
                return err_hint(err, "its last words are in %s/%s.log", log, *names);
            }
        }
    return 1;
}

static int start_all(struct run *run, struct supervise *s, struct err *err)
{
    static const char *const first[] = {"hands", "worker", "front", NULL};
    struct supervise_program *programs = run->programs;
    const char *root = run->cli->paths.root;
    unsigned n = 0;
    int rc;

    programs[n++] = (struct supervise_program){
        "hands", {run->hands, "--root", root}, SIGINT, true, false, false};
    programs[n++] = (struct supervise_program){
        "worker", {run->worker, "--root", root}, SIGTERM, true, false, false};
    programs[n++] = (struct supervise_program){
        "front", {run->front, "--root", root}, SIGTERM, true, false, false};
    programs[n++] = (struct supervise_program){
        "nginx", {NGINX, "-p", run->nginx, "-e", "stderr", "-c", run->nginx_conf},
        SIGTERM, false,
        false,   true};
    programs[n] = (struct supervise_program){
        "demo", {run->sett, "--root", root, "demo", "--port", run->port_text}, SIGTERM, false, true,
        false};
    for (unsigned i = 0; i < 3; i++)
        if (supervise_start(s, &programs[i], err) == -1)
            return -1;
    if ((rc = await(s, first, run->log, err)) != 1)
        return rc;
    if (supervise_start(s, &programs[3], err) == -1)
        return -1;
    if (run->demo && supervise_start(s, &programs[4], err) == -1)
        return -1;
    return 1;
}

/* A demonstration's box can make snapshots at once: a vault in its own folder, and a recovery key
 * whose secret lies, for once, beside what it opens. */
static int snapshots_prepare(struct cli *cli, struct err *err)
{
    char path[PATHS_SIZE + 32];
    struct txn *txn;
    int64_t keys;

    (void)str_format(path, sizeof path, "%s/recovery-secret", cli->paths.root);
    if (db_read(&txn, cli->box.db, err) == -1)
        return -1;
    keys = recipient_count(txn, err);
    db_read_end(txn);
    if (keys == -1)
        return -1;
    if (keys == 0 && !file_exists(path)) {
        if (recovery_keep(cli, "recovery", path, err) == -1 ||
            (recovery_call(cli, "vault.add",
                           (const char *const[]){"name", "local", "kind", "folder", "address",
                                                 cli->paths.backups, NULL},
                           err) == -1 &&
             err->kind != ERR_CONFLICT))
            return -1;
        err_clear(err);
    }
    if (file_exists(path))
        printf("snapshots: sett --root %s snapshot create; what opens them is in %s\n",
               cli->paths.root, path);
    return 0;
}

static bool is_fresh(struct cli *cli)
{
    struct err why;
    struct txn *txn;
    int needed;

    if (db_read(&txn, cli->box.db, &why) == -1)
        return false;
    needed = setup_needed(txn, &why);
    db_read_end(txn);
    return needed == 1;
}

/* A box that was restored has the users of its snapshot, and their passwords. */
static void tell_running(const struct run *run)
{
    char path[PATHS_SIZE + 32];

    (void)str_format(path, sizeof path, "%s/admin-password", run->cli->paths.root);
    printf("sett runs: http://localhost:%u", run->port);
    if (file_exists(path))
        printf("  (admin; password in %s)", path);
    if (run->fresh)
        printf("\nIt is new: http://localhost:%u/admin/setup", run->port);
    printf("\nCtrl-C stops it.\n");
}

/* A restore of the whole box that somebody asked for in a browser: in a process of its own, which
 * outlives the programs that it replaces. It takes the request away as its first act. */
static void restore_begin(struct run *run)
{
    char *argv[] = {run->restore, "--root", run->cli->paths.root, "restore", "--asked", NULL};
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t actions;
    char log[PATHS_SIZE + 32];
    sigset_t none;
    pid_t pid;
    int rc;

    if (clock_mono_ms() - run->restore_ms < RESTORE_EACH_MS)
        return;
    run->restore_ms = clock_mono_ms();
    (void)sigemptyset(&none);
    (void)posix_spawnattr_init(&attributes);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawn_file_actions_init(&actions);
    (void)str_format(log, sizeof log, "%s/restore.log", run->log);
    (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0640);
    (void)posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if ((rc = posix_spawn(&pid, argv[0], &actions, &attributes, argv, environ)) != 0)
        log_error("a restore was asked for, and %s cannot be started: %s", argv[0], strerror(rc));
    else
        log_info("a restore of the whole box begins; its words are in %s", log);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attributes);
}

int cli_run(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct run run = {.cli = cli};
    struct supervise *s = NULL;
    int rc;

    if (options_read(&run, argc, argv, err) == -1)
        return -1;
    names_set(&run);
    if (!file_exists(NGINX)) {
        err_set(err, ERR_NOT_FOUND, "no_nginx", "there is no nginx on this machine");
        return err_hint(err, "apt-get install nginx-light");
    }
    if (cli_setup_box(cli, run.port, NULL, err) == -1 || file_mkdirs(run.log, 0755, err) == -1 ||
        lock(&run, err) == -1 || port_free(run.port, err) == -1 ||
        cli_move_box(cli, run.port, err) == -1 || nginx_write(&run, err) == -1 ||
        (run.demo && (snapshots_prepare(cli, err) == -1 || cli_setup_demo(cli, err) == -1)))
        return -1;
    run.fresh = is_fresh(cli);
    hold_release(&cli->hold); /* a restore need not wait for one who only supervises */
    log_open("sett", LOG_LEVEL_INFO);
    if (supervise_new(&s, run.notify, run.log, err) == -1)
        return -1;
    supervise_report(s, run.supervised);
    rc = start_all(&run, s, err);
    if (rc == 1) {
        if (!run.demo)
            tell_running(&run);
        (void)fflush(stdout);
        while (supervise_step(s, STEP_MS))
            if (file_exists(run.asked))
                restore_begin(&run);
        fprintf(stderr, "\nstopping\n");
    }
    supervise_stop(s, STOP_MS);
    return rc == -1 ? -1 : 0;
}
