/*
 * sett-worker: what has power over money and names and none over this machine. It opens the store
 * and the vault, speaks to providers and to the hands, and listens on two local sockets: wake
 * datagrams and questions.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acts.h"
#include "alert_watch.h"
#include "answer.h"
#include "answer_doctor.h"
#include "answer_programs.h"
#include "backup.h"
#include "backup_watch.h"
#include "box_move.h"
#include "clock.h"
#include "daemon.h"
#include "domain_watch.h"
#include "drift_watch.h"
#include "engine_watch.h"
#include "price_watch.h"
#include "quota_watch.h"
#include "engine.h"
#include "file.h"
#include "first_password.h"
#include "health_watch.h"
#include "hands_machine.h"
#include "hold.h"
#include "job_start.h"
#include "log.h"
#include "notify.h"
#include "post.h"
#include "post_test.h"
#include "restore_watch.h"
#include "sagas.h"
#include "schedule_tick.h"
#include "schema.h"
#include "setting.h"
#include "str.h"
#include "twin_watch.h"

#define FILES_WANTED   8192
#define STOP_MS        1700 /* for steps under way to reach their commit; then the process ends */
#define BOUNDARY_MS    8000 /* likewise, before the store is put aside */
#define ANSWER_END_MS  200
#define SAGAS_MOST     64
#define BEAT_MS        1000
#define STUCK_TURNS_MS 15000 /* the scheduler silent for so long: the watchdog may bite */

struct program {
    struct saga_context context;
    struct outside *outside;
    struct engine *engine;
    struct answer *answer;
    struct health_watch *health;
    struct alert_watch *alerts;
    struct post *post;
    struct domain_watch *domains;
    struct schedule_tick tick;
    struct backup_world backup;
    const struct saga *sagas[SAGAS_MOST];
    uint64_t refreshed_txn;
    int signal_fd, beat_fd;
    struct hold hold;
    enum box_place place; /* not here: it goes to another machine, or has gone */
    bool trial; /* a new version is on trial: nothing may be changed, so nothing is done */
    char machine[MACHINE_SIZE];
    bool paused; /* after a restore: what is outside is looked at, and nothing else is done */
};

static int read_options(const char **root, int argc, char **argv)
{
    *root = getenv("SETT_ROOT");
    for (int i = 1; i < argc; i++) {
        if (str_equal(argv[i], "--root") && i + 1 < argc) {
            *root = argv[++i];
        } else {
            (void)fprintf(stderr, "usage: sett-worker [--root DIR]\n");
            return -1;
        }
    }
    return 0;
}

/* Whoever ended what it did and came again as this one, does nothing more. */
static int stand_down(struct txn *txn, void *arg, struct err *err)
{
    struct box_move move;

    (void)arg;
    if (box_move_get(txn, &move, err) == -1)
        return -1;
    if (move.place == BOX_LEAVING)
        move.place = BOX_STILL;
    return box_move_put(txn, &move, err);
}

/* Whether this is the machine that the box knows. */
static int know_machine(struct txn *txn, void *arg, struct err *err)
{
    struct program *p = arg;
    struct box_move move;
    int rc =
        box_move_get(txn, &move, err) == -1 ? -1 : box_machine_look(txn, &move, p->machine, err);

    p->place = (enum box_place)move.place;
    return rc;
}

/* A file in run/ that says this machine's id, or none. */
static void say_machine(const struct program *p, const char *name, bool says)
{
    char path[PATHS_SIZE + 32];
    struct err err;

    (void)str_format(path, sizeof path, "%s/%s", p->context.paths.run, name);
    if (!says || p->machine[0] == '\0')
        (void)unlink(path);
    else if (machine_write(path, p->machine, &err) == -1)
        log_warning("%s", err.text);
}

/* What cannot open the store goes by our word, in a folder that no copy has: the hands
 * (hands_machine.h), and whoever greets on the console. */
static void vouch(const struct program *p)
{
    say_machine(p, MACHINE_VOUCHED, p->place == BOX_HERE);
    say_machine(p, "copied", p->place == BOX_COPIED);
}

static int open_box(struct program *p, const char *root, struct err *err)
{
    struct saga_context *c = &p->context;

    if (paths_set(&c->paths, root, err) == -1 || daemon_become_owner(&c->paths, err) == -1 ||
        hold_enter(&c->paths, &p->hold, HOLD_STORE, daemon_waiting, err) == -1)
        return -1;
    if (conf_read(&c->conf, c->paths.conf, err) == -1 && err->kind != ERR_NOT_FOUND)
        return -1;
    if (file_mkdirs(c->paths.run, 0755, err) == -1 ||
        vault_load(&c->vault, c->paths.keys, true, err) == -1 ||
        web_key_load(&c->web_key, c->paths.keys, err) == -1 ||
        db_open(&c->db, c->paths.db, &sett_schema, err) == -1)
        return -1;
    (void)db_check_readers(c->db);
    p->trial = db_on_trial(c->db);
    p->paused = restore_watch_paused(c);
    (void)machine_id(&c->paths, p->machine);
    if (p->trial) {
        p->place = box_place_now(c->db);
        return 0;
    }
    if (db_write(c->db, know_machine, p, err) == -1)
        return -1;
    vouch(p);
    return p->place == BOX_LEAVING ? db_write(c->db, stand_down, NULL, err) : 0;
}

/* Hundreds of checks are under way at once, each with a descriptor. */
static void raise_files(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < FILES_WANTED) {
        files.rlim_cur = files.rlim_max < FILES_WANTED ? files.rlim_max : FILES_WANTED;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
}

static int open_outside(struct program *p, struct err *err)
{
    struct saga_context *c = &p->context;

    if (http_init(err) == -1 || outside_new(&p->outside, &c->paths, &c->conf, err) == -1)
        return -1;
    first_password_tidy(&c->paths, c->db);
    p->refreshed_txn = db_last_txn(c->db);
    return outside_refresh(p->outside, c->db, &c->conf, &c->vault, err);
}

/* Once a second, on the scheduler's thread. */
static void tick(void *context)
{
    struct program *p = context;
    struct saga_context *c = &p->context;
    uint64_t last = db_last_txn(c->db);
    struct err err = {0};
    bool wake = false;

    if (last != p->refreshed_txn) {
        p->refreshed_txn = last;
        if (outside_refresh(p->outside, c->db, &c->conf, &c->vault, &err) == -1)
            log_error("cannot read the providers' settings: %s", err.text);
        first_password_tidy(&c->paths, c->db);
    }
    if (!p->paused && !p->trial && p->place == BOX_HERE)
        schedule_tick(&p->tick, &wake);
    if (wake)
        job_wake(c->paths.wake_sock);
}

static bool may(void *context, const char *saga)
{
    const struct program *p = context;

    if (p->trial)
        return false;
    if (p->place != BOX_HERE)
        return p->place != BOX_LEFT && p->place != BOX_COPIED && str_equal(saga, "snapshot.create");
    return !p->paused || restore_watch_may(saga);
}

static int read_terms(struct program *p, struct engine_setup *setup, struct err *err)
{
    struct saga_context *c = &p->context;
    struct txn *txn;

    if (db_read(&txn, c->db, err) == -1)
        return -1;
    setup->threads = (unsigned)setting_u64(txn, &c->conf, "engine.threads");
    setup->backoff_min_ms = (uint32_t)setting_u64(txn, &c->conf, "engine.backoff_min_ms");
    setup->backoff_max_ms = (uint32_t)setting_u64(txn, &c->conf, "engine.backoff_max_ms");
    db_read_end(txn);
    return 0;
}

/* Those of the floor of sagas and those of snapshots. */
static size_t all_sagas(struct program *p)
{
    size_t n = 0;

    for (size_t i = 0; i < saga_count && n < SAGAS_MOST; i++)
        p->sagas[n++] = sagas[i];
    for (size_t i = 0; i < backup_saga_count && n < SAGAS_MOST; i++)
        p->sagas[n++] = backup_sagas[i];
    return n;
}

static int start_engine(struct program *p, struct err *err)
{
    struct engine_setup setup = {
        .db = p->context.db,
        .sagas = p->sagas,
        .saga_count = all_sagas(p),
        .outside = p->outside,
        .context = &p->context,
        .vault = &p->context.vault,
        .wake_sock = p->context.paths.wake_sock,
        .may = may,
        .tick = tick,
        .tick_context = p,
    };

    p->tick.context = &p->context;
    backup_sweep(&p->context.paths);
    backup_world_init(&p->backup, &p->context, p->outside);
    if (read_terms(p, &setup, err) == -1)
        return -1;
    return engine_start(&p->engine, &setup, err);
}

/* Questions that the floors of watching and of operations answer. */
static const struct answer_row watch_answers[] = {
    {"channel_test", post_test_channel},
    {"mail_test", post_test_mail},
    {"act", acts_answer},
    {"doctor", answer_doctor},
    {"support_bundle", answer_bundle},
    {"programs", answer_programs},
    {"versions", answer_versions},
    {"certificates", answer_certificates},
    {NULL, NULL},
};

static int start_answers(struct program *p, struct err *err)
{
    static const char *const users[] = {"sett-front", "sett"};
    struct answer_setup setup = {.context = &p->context,
                                 .outside = p->outside,
                                 .more = watch_answers,
                                 .more_context = p,
                                 .backup = backup_answers,
                                 .sagas = backup_sagas,
                                 .saga_count = backup_saga_count};
    struct passwd *entry;

    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++)
        if (p->context.paths.root[0] == '\0' && (entry = getpwnam(users[i])) != NULL)
            setup.peers[setup.peer_count++] = entry->pw_uid;
    return answer_start(&p->answer, &setup, err);
}

/* Who may open the store may also wake and ask: the sockets get the group of the store's folder. */
static void share_sockets(const struct paths *paths)
{
    const char *const sockets[] = {paths->wake_sock, paths->ask_sock};
    struct stat st, is;

    if (stat(paths->db, &st) == -1)
        return;
    for (size_t i = 0; i < sizeof sockets / sizeof sockets[0]; i++)
        if ((stat(sockets[i], &is) == -1 || is.st_gid != st.st_gid) &&
            chown(sockets[i], (uid_t)-1, st.st_gid) == -1)
            log_warning("%s keeps its group: %s", sockets[i], strerror(errno));
}

static int open_beat(struct program *p, struct err *err)
{
    char path[PATHS_SIZE + 16];

    if (str_format(path, sizeof path, "%s/worker.beat", p->context.paths.run) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", p->context.paths.run);
    p->beat_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (p->beat_fd == -1)
        return err_sys(err, "beat", errno, path);
    (void)fchmod(p->beat_fd, 0644);
    return 0;
}

static void beat(const struct program *p)
{
    char text[64];

    if (str_format(text, sizeof text, "%lld %d\n", (long long)clock_wall_ms(), (int)getpid()) ==
            0 &&
        pwrite(p->beat_fd, text, strlen(text), 0) == (ssize_t)strlen(text))
        (void)!ftruncate(p->beat_fd, (off_t)strlen(text));
}

/* Whether the box is to leave, or may stay after all: either is begun anew. One that is asked to
 * leave while this one has not yet seen that it might stay stands down again, too. */
static bool moved(const struct program *p)
{
    enum box_place now = box_place_now(p->context.db);

    return now == BOX_LEAVING || (now == BOX_HERE) != (p->place == BOX_HERE);
}

/* Until told to end, until live/ is to be replaced, or until a restored box, or a version on trial,
 * may go on, which it does by beginning anew. Beat and watchdog follow the scheduler and the
 * writer: a loop that hangs is silent, and so is who sits on the store's lock. */
static void watch(struct program *p)
{
    int64_t each_ms = notify_watchdog_ms(BEAT_MS), turned_ms = clock_mono_ms();
    struct pollfd fd = {.fd = p->signal_fd, .events = POLLIN};
    uint64_t turns = 0;

    if (each_ms > BEAT_MS)
        each_ms = BEAT_MS;
    while (!hold_wished(&p->hold) && (!p->paused || restore_watch_paused(&p->context)) &&
           (!p->trial || db_on_trial(p->context.db)) && !moved(p)) {
        uint64_t now = engine_alive(p->engine);

        if (now != turns) {
            turns = now;
            turned_ms = clock_mono_ms();
        }
        if (clock_mono_ms() - turned_ms < STUCK_TURNS_MS &&
            db_write_held_ms(p->context.db) < DB_HELD_MOST_MS) {
            beat(p);
            notify_watchdog();
        }
        if (poll(&fd, 1, (int)each_ms) > 0)
            return;
    }
}

/* Everything that acts by itself. */
static int start_watches(struct program *p, struct err *err)
{
    struct saga_context *c = &p->context;

    if (p->trial) {
        log_info("a new version is on trial: nothing is changed until it has proven itself");
        return 0;
    }
    if (p->place != BOX_HERE) {
        if (p->place == BOX_COPIED)
            log_warning("this machine is not the one that the box lives on: nothing is done until "
                        "somebody says what it is: sett box identify moved|second");
        else
            log_info("this box has gone to another machine, or goes there: nothing is done here");
        return 0;
    }
    if (drift_watch_start(c, p->outside, err) == -1)
        return -1;
    if (p->paused)
        return restore_watch_start(c, p->outside, err);
    return health_watch_start(&p->health, c, p->outside, 0, err) == -1 ||
                   quota_watch_start(c, p->outside, err) == -1 ||
                   price_watch_start(c, p->outside, err) == -1 ||
                   twin_watch_start(c, p->outside, err) == -1 ||
                   engine_watch_start(c, p->outside, err) == -1 ||
                   backup_watch_start(&p->backup, err) == -1 ||
                   post_start(&p->post, c, err) == -1 ||
                   alert_watch_start(&p->alerts, c, err) == -1 ||
                   domain_watch_start(&p->domains, c, p->outside, 0, err) == -1
               ? -1
               : 0;
}

int main(int argc, char **argv)
{
    static struct program p; /* as long as the process: threads may outlive main's end */
    struct err err = {0};
    const char *root;

    if (read_options(&root, argc, argv) == -1)
        return 2;
    log_open("sett-worker", LOG_LEVEL_INFO);
    daemon_close_in();
    raise_files();
    if (daemon_signals(&p.signal_fd, &err) == -1 || open_box(&p, root, &err) == -1 ||
        open_outside(&p, &err) == -1 || open_beat(&p, &err) == -1 || start_engine(&p, &err) == -1 ||
        start_answers(&p, &err) == -1 || start_watches(&p, &err) == -1) {
        log_event(LOG_START_FAILED, LOG_LEVEL_ERROR, "%s%s%s", err.text,
                  err.hint[0] == '\0' ? "" : "; ", err.hint);
        return 1;
    }
    share_sockets(&p.context.paths);
    beat(&p);
    notify_ready();
    log_event(LOG_READY, LOG_LEVEL_INFO, "ready");
    watch(&p);
    notify_stopping();
    post_stop(p.post);
    answer_stop(p.answer, ANSWER_END_MS);
    engine_stop(p.engine, hold_wished(&p.hold) ? BOUNDARY_MS : STOP_MS);
    log_info("ended");
    (void)fflush(NULL);
    _exit(0); /* what is still outside (a step, a probe) must not see its world taken apart */
}
