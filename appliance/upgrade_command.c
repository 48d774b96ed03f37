/*
 * `sett upgrade` and `sett downgrade`: look, show the plan, ask, write down what is wanted, and
 * follow what leads. That one lives on when this one ends: a cut connection ends only the showing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"
#include "file.h"
#include "interrupt.h"
#include "json_out.h"
#include "stage.h"
#include "str.h"
#include "upgrade.h"

#define UNIT      "sett-upgrade.service"
#define LEADER    "leader"
#define COPY_MAX  ((size_t)256 << 20)
#define SILENT_MS 45000 /* nobody leads for so long: something is wrong */
#define NOTHING   3     /* exit code: nothing newer is there */
#define OPPOSED   5     /* something speaks against it */

struct asked {
    const char *package, *version, *watch;
    bool check, yes, status, resume, down;
};

static int usage(const struct asked *a, struct err *err)
{
    return err_field(err, "argument", "usage", "usage: %s",
                     a->down ? "sett downgrade [--package FILE] [--dry-run] [--confirm=VERSION]"
                             : "sett upgrade [--check] [--package FILE | --to VERSION] "
                               "[--watch SECONDS] [--dry-run] [--yes]; sett upgrade --status | "
                               "--resume");
}

static int options(struct asked *a, int argc, char **argv, struct err *err)
{
    const struct {
        const char *name;
        bool *flag;
        const char **value;
    } rows[] = {{"--check", &a->check, NULL},     {"--yes", &a->yes, NULL},
                {"--status", &a->status, NULL},   {"--resume", &a->resume, NULL},
                {"--package", NULL, &a->package}, {"--to", NULL, &a->version},
                {"--watch", NULL, &a->watch}};
    uint64_t n;

    for (int i = 0; i < argc; i++) {
        size_t k = 0;

        while (k < sizeof rows / sizeof rows[0] && !str_equal(rows[k].name, argv[i]))
            k++;
        if (k == sizeof rows / sizeof rows[0] || (rows[k].value != NULL && i + 1 == argc))
            return usage(a, err);
        if (rows[k].flag != NULL)
            *rows[k].flag = true;
        else
            *rows[k].value = argv[++i];
    }
    if (a->watch != NULL && str_u64(a->watch, 1, 3600, &n) == -1)
        return err_field(err, "watch", "out_of_range", "--watch takes 1 to 3600 seconds");
    return a->package != NULL && a->version != NULL ? usage(a, err) : 0;
}

/* ---- the plan ---- */

static const char *const weights[] = {"ok", "warning", "stop", "skipped"};

static bool opposed(const struct upgrade_plan *plan)
{
    for (unsigned i = 0; i < plan->count; i++)
        if (plan->facts[i].weight == UPGRADE_STOPS)
            return true;
    return false;
}

static void plan_json(const struct upgrade_plan *p, bool there)
{
    struct json_out j;
    struct buf b;

    buf_init(&b, 65536);
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_key_text(&j, "object", "upgrade_check");
    json_out_key_text(&j, "installed", p->from);
    json_out_key(&j, "offered");
    if (p->to[0] == '\0')
        json_out_null(&j);
    else
        json_out_text(&j, p->to);
    json_out_key_bool(&j, "available", there);
    json_out_key_bool(&j, "possible", there && !opposed(p));
    json_out_key_bool(&j, "store_changes", p->due);
    json_out_key_u64(&j, "schema_from", p->schema_from);
    json_out_key_u64(&j, "schema_to", p->schema_to);
    json_out_key_u64(&j, "store_bytes", p->store_bytes);
    json_out_key_i64(&j, "migration_ms", p->copy_ms + p->migrate_ms + p->check_ms);
    json_out_key_u64(&j, "need_bytes", p->need_bytes);
    json_out_key_u64(&j, "free_bytes", p->free_bytes);
    json_out_key(&j, "facts");
    json_out_array(&j);
    for (unsigned i = 0; i < p->count; i++) {
        json_out_object(&j);
        json_out_key_text(&j, "name", p->facts[i].name);
        json_out_key_text(&j, "weight", weights[p->facts[i].weight]);
        json_out_key_text(&j, "text", p->facts[i].text);
        json_out_key_text(&j, "fix", p->facts[i].fix);
        json_out_end_object(&j);
    }
    json_out_end_array(&j);
    json_out_end_object(&j);
    printf("%s\n", buf_string(&b));
    buf_free(&b);
}

static void plan_show(const struct cli *cli, const struct upgrade_plan *p, bool there)
{
    if (cli->output == CLI_JSON) {
        plan_json(p, there);
        return;
    }
    if (!there) {
        printf("sett %s is installed, and nothing newer is offered\n", p->from);
        return;
    }
    printf("sett %s is installed; %s is to take its place\n", p->from, p->to);
    for (unsigned i = 0; i < p->count; i++) {
        printf("%-8s %-10s %s\n", weights[p->facts[i].weight], p->facts[i].name, p->facts[i].text);
        if (p->facts[i].fix[0] != '\0')
            printf("%20s-> %s\n", "", p->facts[i].fix);
    }
}

static void steps_show(const struct upgrade_plan *p, const char *watch, const char *back)
{
    printf("\n1  the package of %s is kept, so that going back needs no network\n"
           "2  the programs end at a step's boundary; tenants run on\n"
           "3  %s is installed\n",
           p->from, p->to);
    if (back != NULL)
        printf("4  the store %s comes back; what was done since is not in it\n", back);
    else if (p->due)
        printf("4  the store is migrated on a copy, which takes its place on trial\n");
    else
        printf("4  a copy of the store is kept beside; it stays as it is\n");
    printf("5  for %s seconds it is watched%s; if it is not well, sett %s comes back by itself\n",
           watch, p->due ? ", and takes no change meanwhile (503)" : "", p->from);
}

static int agreed(const struct cli *cli, const struct asked *a, const struct upgrade_plan *p,
                  bool loses, struct err *err)
{
    char line[96] = "";

    if ((a->yes && !loses) || (cli->confirm != NULL && str_equal(cli->confirm, p->to)))
        return 0;
    if (cli->confirm == NULL && !cli->no_input && isatty(STDIN_FILENO) != 0) {
        printf("\nType %s to go on: ", p->to);
        (void)fflush(stdout);
        if (interrupt_line(line, sizeof line) == 0 && str_equal(line, p->to))
            return 0;
    }
    (void)err_field(err, "confirm", "not_confirmed", "nothing was changed");
    return err_hint(err, "if that is meant: --confirm=%s%s", p->to, loses ? "" : ", or --yes");
}

/* ---- handing over ---- */

static int copy_file(const char *from, const char *to, mode_t mode, struct err *err)
{
    struct buf data;
    int rc;

    buf_init(&data, COPY_MAX);
    rc = file_read(from, &data, err);
    if (rc == 0)
        rc = file_write(to, data.data, data.len, mode, err);
    buf_free(&data);
    return rc;
}

/* Both packages lie in the upgrade's folder, which is root's. */
static int keep_packages(const struct upgrade *u, const struct upgrade_plan *p, char old[512],
                         char new[512], struct err *err)
{
    const char *const argv[] = {upgrade_tool(u, "sett-package"), "keep-always", NULL};
    struct upgrade_child child = {.argv = argv, .quiet = true, .wait_ms = 600000};
    char said[256], folder[PATHS_SIZE + 64];
    const char *slash = strrchr(p->package, '/');
    struct buf out;
    int code;

    upgrade_file(u, "packages", folder);
    if (file_mkdirs(folder, 0755, err) == -1 ||
        str_format(new, 512, "%s/%s", folder, slash == NULL ? p->package : slash + 1) == -1)
        return -1;
    if (!str_equal(new, p->package) && copy_file(p->package, new, 0644, err) == -1)
        return -1;
    buf_init(&out, 4096);
    child.out = &out;
    code = upgrade_run(u, &child, said, err);
    str_cut(old, 512, out.data == NULL ? "" : str_trim(out.data));
    buf_free(&out);
    if (code == -1)
        return -1;
    return code == 0 && file_exists(old) ? 0
                                         : err_set(err, ERR_UNAVAILABLE, "not_kept",
                                                   "sett %s cannot be kept: %s", p->from, said);
}

static int lay_ready(struct cli *cli, struct upgrade *u, const struct upgrade_plan *p,
                     const struct asked *a, const char *back, struct err *err)
{
    char path[PATHS_SIZE + 64], program[PATHS_SIZE + 32], old[512], new[512];

    if (upgrade_folder(u, err) == -1 || keep_packages(u, p, old, new, err) == -1)
        return -1;
    (void)str_format(program, sizeof program, "%s/sett-upgrade", cli->programs);
    upgrade_file(u, LEADER, path);
    if (copy_file(program, path, 0755, err) == -1)
        return -1;
    upgrade_file(u, "log", path);
    (void)unlink(path);
    upgrade_file(u, "result", path);
    (void)unlink(path);
    kv_clear(&u->state);
    if (kv_set(&u->state, UPGRADE_FROM, p->from) == -1 ||
        kv_set(&u->state, UPGRADE_TO, p->to) == -1 || kv_set(&u->state, UPGRADE_OLD, old) == -1 ||
        kv_set(&u->state, UPGRADE_NEW, new) == -1 ||
        (back != NULL && kv_set(&u->state, UPGRADE_RETURN, back) == -1) ||
        kv_set(&u->state, UPGRADE_WATCH, a->watch) == -1)
        return err_set(err, ERR_TOO_LARGE, "upgrade_state", "paths are too long");
    return upgrade_phase(u, "wanted", err);
}

/* By systemd; a box below a folder has none. */
static int hand_over(const struct upgrade *u, struct err *err)
{
    const char *const enable[] = {upgrade_tool(u, "systemctl"), "enable", "--quiet", UNIT, NULL};
    const char *const go[] = {upgrade_tool(u, "systemctl"), "start", "--no-block", UNIT, NULL};
    const struct upgrade_child children[] = {{.argv = enable, .quiet = true, .wait_ms = 60000},
                                             {.argv = go, .quiet = true, .wait_ms = 60000}};
    char path[PATHS_SIZE + 64], said[256];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    pid_t pid;
    int rc;

    if (u->paths.root[0] == '\0') {
        for (size_t i = 0; i < 2; i++)
            if ((rc = upgrade_run(u, &children[i], said, err)) != 0)
                return rc == -1 ? -1
                                : err_set(err, ERR_UNAVAILABLE, "no_systemd",
                                          "%s cannot be started: %s", UNIT, said);
        return 0;
    }
    upgrade_file(u, LEADER, path);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    (void)posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    (void)posix_spawnattr_init(&attr);
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID);
    rc = posix_spawn(
        &pid, path, &actions, &attr,
        (char *[]){path, (char *)(uintptr_t) "--root", (char *)(uintptr_t)u->paths.root, NULL},
        environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attr);
    return rc == 0 ? 0 : err_sys(err, "leader", rc, path);
}

/* ---- following ---- */

static bool somebody_leads(const struct upgrade *u)
{
    char path[PATHS_SIZE + 64];
    int fd, rc;

    upgrade_file(u, "lock", path);
    if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
        return false;
    rc = flock(fd, LOCK_SH | LOCK_NB);
    (void)close(fd);
    return rc == -1;
}

/* What the log has behind ${at}. */
static void show_log(const struct cli *cli, const struct upgrade *u, off_t *at)
{
    char path[PATHS_SIZE + 64], some[4096];
    ssize_t n;
    int fd;

    upgrade_file(u, "log", path);
    if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
        return;
    while ((n = pread(fd, some, sizeof some, *at)) > 0) {
        *at += n;
        if (!cli->quiet)
            (void)fwrite(some, 1, (size_t)n, stderr);
    }
    (void)close(fd);
}

static int tell_end(const struct cli *cli, const struct kv *result)
{
    const char *ended = kv_get_or(result, UPGRADE_ENDED, "");

    if (cli->output == CLI_JSON)
        printf("{\"object\":\"upgrade\",\"from\":\"%s\",\"to\":\"%s\",\"result\":\"%s\"}\n",
               kv_get_or(result, UPGRADE_FROM, ""), kv_get_or(result, UPGRADE_TO, ""), ended);
    return str_equal(ended, "done") ? 0 : 1;
}

static int follow(struct cli *cli, struct upgrade *u, off_t at, struct err *err)
{
    int64_t seen_ms = clock_mono_ms();
    struct kv result;

    interrupt_hold();
    for (;;) {
        show_log(cli, u, &at);
        if (somebody_leads(u))
            seen_ms = clock_mono_ms();
        else if (upgrade_result(u, &result, err) == 1) {
            show_log(cli, u, &at);
            return tell_end(cli, &result);
        }
        if (interrupt_seen()) {
            (void)err_set(err, ERR_CONFLICT, "interrupted", "the upgrade goes on by itself");
            return err_hint(err, "how it goes: sett upgrade --status; journalctl -fu %s", UNIT);
        }
        if (clock_mono_ms() - seen_ms > SILENT_MS) {
            (void)err_set(err, ERR_UNAVAILABLE, "nobody_leads", "the upgrade stands still");
            return err_hint(err, "journalctl -u %s; then sett upgrade --resume", UNIT);
        }
        clock_sleep_ms(100);
    }
}

static int status(struct cli *cli, const struct upgrade *u, struct err *err)
{
    struct kv result;
    off_t at = 0;
    int got;

    if (u->state.len > 0) {
        show_log(cli, u, &at);
        printf("sett %s to %s: %s%s\n", kv_get_or(&u->state, UPGRADE_FROM, "?"),
               kv_get_or(&u->state, UPGRADE_TO, "?"), kv_get_or(&u->state, UPGRADE_PHASE, "?"),
               somebody_leads(u) ? "" : "; nobody leads it: sett upgrade --resume");
        return 0;
    }
    if ((got = upgrade_result(u, &result, err)) == -1)
        return -1;
    if (got == 0) {
        printf("no upgrade was made here\n");
        return 0;
    }
    show_log(cli, u, &at);
    if (cli->output != CLI_JSON)
        printf("the last one, from %s to %s: %s%s%s\n", kv_get_or(&result, UPGRADE_FROM, "?"),
               kv_get_or(&result, UPGRADE_TO, "?"), kv_get_or(&result, UPGRADE_ENDED, "?"),
               kv_get(&result, UPGRADE_REASON) == NULL ? "" : ": ",
               kv_get_or(&result, UPGRADE_REASON, ""));
    (void)tell_end(cli, &result);
    return 0;
}

/* ---- */

static int needs_root(const struct cli *cli, struct err *err)
{
    if (geteuid() == 0 || cli->paths.root[0] != '\0')
        return 0;
    (void)err_set(err, ERR_FORBIDDEN, "needs_root", "a package is installed by root alone");
    return err_hint(err, "sudo sett upgrade; sett upgrade --check looks without");
}

static int begin(struct cli *cli, struct upgrade *u, struct upgrade_plan *p, struct asked *a,
                 const char *back, struct err *err)
{
    int rc;

    plan_show(cli, p, true);
    if (opposed(p)) {
        upgrade_facts_end(p);
        if (a->check || cli->dry_run)
            return OPPOSED;
        (void)err_set(err, ERR_CONFLICT, "opposed", "something speaks against it; see above");
        return -1;
    }
    upgrade_facts_end(p);
    if (a->check)
        return 0;
    if (cli->output != CLI_JSON)
        steps_show(p, a->watch, back);
    if (cli->dry_run)
        return 0;
    rc = agreed(cli, a, p, back != NULL, err);
    if (rc == 0)
        rc = lay_ready(cli, u, p, a, back, err);
    if (rc == 0)
        rc = hand_over(u, err);
    return rc == -1 ? -1 : follow(cli, u, 0, err);
}

int cli_upgrade(struct cli *cli, int argc, char **argv, struct err *err)
{
    static struct upgrade u; /* large */
    static struct upgrade_plan plan;
    struct asked a = {.watch = "60"};
    int there;

    if (options(&a, argc, argv, err) == -1 || upgrade_open(&u, cli->root, err) == -1)
        return -1;
    if (a.status)
        return status(cli, &u, err);
    if (!a.check && needs_root(cli, err) == -1)
        return -1;
    if (a.resume) {
        if (u.state.len == 0)
            return err_set(err, ERR_NOT_FOUND, "nothing_to_resume", "no upgrade is unfinished");
        return !somebody_leads(&u) && hand_over(&u, err) == -1 ? -1 : follow(cli, &u, 0, err);
    }
    there = upgrade_package(&u, &plan, a.package, a.version, geteuid() == 0, err);
    if (there == -1)
        return -1;
    if (there == 0) {
        plan_show(cli, &plan, false);
        return a.check ? NOTHING : 0;
    }
    if (plan.older) {
        (void)err_set(err, ERR_CONFLICT, "older", "%s is older than %s, which is installed",
                      plan.to, plan.from);
        return err_hint(err, "sett downgrade%s%s", a.package == NULL ? "" : " --package ",
                        a.package == NULL ? "" : a.package);
    }
    upgrade_facts(&u, &plan);
    return begin(cli, &u, &plan, &a, NULL, err);
}

/* The newest of the packages that are kept which is older than what is installed. */
static int kept_package(const struct upgrade *u, char out[PATHS_SIZE + 320], struct err *err)
{
    char folder[PATHS_SIZE + 64], path[PATHS_SIZE + 320], best[96] = "";
    static struct upgrade_plan looked;
    struct dirent *d;
    DIR *dir;

    out[0] = '\0';
    upgrade_file(u, "packages", folder);
    if ((dir = opendir(folder)) != NULL) {
        while ((d = readdir(dir)) != NULL) {
            if (d->d_name[0] == '.' || !str_ends(d->d_name, ".deb"))
                continue;
            (void)str_format(path, sizeof path, "%s/%s", folder, d->d_name);
            if (upgrade_package(u, &looked, path, NULL, false, err) != 1 || !looked.older)
                continue;
            if (best[0] == '\0' || upgrade_newer(u, looked.to, best)) {
                (void)str_copy(best, sizeof best, looked.to);
                (void)str_copy(out, PATHS_SIZE + 320, path);
            }
        }
        (void)closedir(dir);
    }
    if (out[0] != '\0')
        return 0;
    (void)err_set(err, ERR_NOT_FOUND, "no_package", "no older package is kept in %s", folder);
    return err_hint(err,
                    "sett downgrade --package FILE, or a snapshot that the older version made");
}

/* The store that the older program can read: what was kept when it was replaced. */
static int kept_store(const struct upgrade *u, const struct upgrade_plan *p,
                      char name[STAGE_NAME_SIZE], struct err *err)
{
    struct stage_copy copies[16];
    size_t n = stage_copies(u->paths.db, copies, sizeof copies / sizeof copies[0]);

    for (size_t i = 0; i < n; i++)
        if (str_equal(copies[i].program, p->to)) {
            (void)str_copy(name, STAGE_NAME_SIZE, copies[i].name);
            return 0;
        }
    (void)err_set(err, ERR_NOT_FOUND, "copy_not_found",
                  "sett %s cannot read the store, and none of its own is kept", p->to);
    return err_hint(err, "restore a snapshot that sett %s made: sett restore FILE", p->to);
}

int cli_downgrade(struct cli *cli, int argc, char **argv, struct err *err)
{
    static struct upgrade u; /* large */
    static struct upgrade_plan plan;
    char package[PATHS_SIZE + 320], name[STAGE_NAME_SIZE] = "";
    struct asked a = {.watch = "60", .down = true};
    int there;

    if (options(&a, argc, argv, err) == -1 || upgrade_open(&u, cli->root, err) == -1 ||
        needs_root(cli, err) == -1)
        return -1;
    if (a.package == NULL && kept_package(&u, package, err) == -1)
        return -1;
    if ((there = upgrade_package(&u, &plan, a.package == NULL ? package : a.package, NULL, false,
                                 err)) == -1)
        return -1;
    if (there == 0 || !plan.older)
        return err_set(err, ERR_CONFLICT, "not_older",
                       "%s is not older than %s, which is installed", plan.to, plan.from);
    upgrade_facts(&u, &plan);
    if (plan.newer_store && kept_store(&u, &plan, name, err) == -1) {
        upgrade_facts_end(&plan);
        return -1;
    }
    return begin(cli, &u, &plan, &a, plan.newer_store ? name : NULL, err);
}
