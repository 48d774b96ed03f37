/*
 * What speaks for and against an upgrade. Everything is looked at before anything is done, and what
 * can be tried is tried: the new program itself migrates a copy of the store and checks it.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "json_in.h"
#include "str.h"
#include "upgrade.h"

#define SETT_MS     120000
#define REHEARSE_MS 1800000
#define TOOL_MS     300000
#define OLD_MS      (INT64_C(26) * 3600 * 1000)
#define RESERVE     (UINT64_C(64) << 20)

/* The error that a command of sett printed as its last word. */
static int error_of(const char *program, int code, const char *said, struct err *err)
{
    struct err ignored;
    struct cJSON *json = json_parse(said, strlen(said), &json_limits_api, &ignored);

    (void)err_set(err, ERR_UNAVAILABLE, json_text(json, "code", "failed"), "%s",
                  json_text(json, "detail", said[0] == '\0' ? "it said nothing" : said));
    if (json == NULL)
        (void)err_hint(err, "%s ended with %d", program, code);
    json_free(json);
    return -1;
}

struct cJSON *upgrade_ask(const struct upgrade *u, const char *program, const char *const *words,
                          struct err *err)
{
    const char *argv[16] = {program == NULL ? upgrade_tool(u, "sett") : program, "--json"};
    struct upgrade_child child = {
        .argv = argv, .quiet = true, .wait_ms = program == NULL ? SETT_MS : REHEARSE_MS};
    struct cJSON *json = NULL;
    char said[256];
    struct buf out;
    int code;

    for (size_t n = 2; n < 15 && *words != NULL; n++)
        argv[n] = *words++;
    buf_init(&out, (size_t)4 << 20);
    child.out = &out;
    code = upgrade_run(u, &child, said, err);
    if (code > 0 && out.len == 0)
        (void)error_of(argv[0], code, said, err);
    else if (code >= 0)
        json = json_parse(buf_string(&out), out.len, &json_limits_provider, err);
    buf_free(&out);
    return json;
}

/* The first line that a tool prints, without its end. Return its exit code, or -1. */
static int line_of(const struct upgrade *u, const char *const *argv, char out[300])
{
    struct upgrade_child child = {.argv = argv, .quiet = true, .wait_ms = TOOL_MS};
    char said[256];
    struct err err;
    struct buf b;
    int code;

    buf_init(&b, 65536);
    child.out = &b;
    code = upgrade_run(u, &child, said, &err);
    str_cut(out, 300, buf_string(&b));
    out[strcspn(out, "\n")] = '\0';
    buf_free(&b);
    return code;
}

static struct upgrade_fact *fact(struct upgrade_plan *plan, const char *name,
                                 enum upgrade_weight weight, const char *fix)
{
    static struct upgrade_fact none; /* more than fit are not told */
    struct upgrade_fact *f = plan->count < UPGRADE_FACTS ? &plan->facts[plan->count++] : &none;

    f->name = name;
    f->weight = weight;
    (void)str_copy(f->fix, sizeof f->fix, fix);
    return f;
}

#define SAY(plan_, name_, weight_, fix_, ...)                                                      \
    do {                                                                                           \
        struct upgrade_fact *f_ = fact(plan_, name_, weight_, fix_);                               \
        (void)snprintf(f_->text, sizeof f_->text, __VA_ARGS__);                                    \
    } while (0)

/* ---- the package ---- */

static bool compare(const struct upgrade *u, const char *a, const char *relation, const char *b)
{
    const char *const argv[] = {
        upgrade_tool(u, "dpkg"), "--compare-versions", a, relation, b, NULL};
    char out[300];

    return line_of(u, argv, out) == 0;
}

static int of_file(const struct upgrade *u, struct upgrade_plan *plan, const char *file,
                   struct err *err)
{
    const char *const name[] = {upgrade_tool(u, "dpkg-deb"), "-f", file, "Package", NULL};
    const char *const version[] = {upgrade_tool(u, "dpkg-deb"), "-f", file, "Version", NULL};
    char text[300], real[PATH_MAX];

    if (realpath(file, real) == NULL)
        return err_sys(err, "package", errno, file);
    if (str_copy(plan->package, sizeof plan->package, real) == -1)
        return err_sys(err, "package", ENAMETOOLONG, file);
    if (line_of(u, name, text) != 0 || !str_equal(text, "sett"))
        return err_field(err, "package", "not_a_package", "%s is not a package of sett", file);
    if (line_of(u, version, text) != 0)
        return err_field(err, "package", "not_a_package", "%s has no version", file);
    (void)str_copy(plan->to, sizeof plan->to, text);
    return 1;
}

bool upgrade_newer(const struct upgrade *u, const char *a, const char *b)
{
    return compare(u, a, "gt", b);
}

/* "  Candidate: 1.2" of apt-cache policy. */
static int candidate(const struct upgrade *u, char out[96])
{
    const char *const argv[] = {upgrade_tool(u, "apt-cache"), "policy", "sett", NULL};
    struct upgrade_child child = {.argv = argv, .quiet = true, .wait_ms = TOOL_MS};
    const char *at;
    char said[256];
    struct err err;
    struct buf b;

    out[0] = '\0';
    buf_init(&b, 65536);
    child.out = &b;
    if (upgrade_run(u, &child, said, &err) == 0 &&
        (at = strstr(buf_string(&b), "Candidate: ")) != NULL)
        (void)str_copy_n(out, 96, at + 11, strcspn(at + 11, "\n"));
    buf_free(&b);
    if (str_equal(out, "(none)"))
        out[0] = '\0';
    return out[0] != '\0';
}

static int download(const struct upgrade *u, struct upgrade_plan *plan, struct err *err)
{
    char folder[PATHS_SIZE + 64], what[128], arch[300], name[200];
    const char *const argv[] = {
        upgrade_tool(u, "apt-get"), "-q", "-o", "APT::Sandbox::User=root", "download", what, NULL};
    const char *const query[] = {upgrade_tool(u, "dpkg"), "--print-architecture", NULL};
    struct upgrade_child child = {
        .argv = argv, .folder = folder, .quiet = true, .wait_ms = TOOL_MS};
    char said[256];

    upgrade_file(u, "packages", folder);
    (void)str_format(what, sizeof what, "sett=%s", plan->to);
    if (upgrade_folder(u, err) == -1 || file_mkdirs(folder, 0755, err) == -1)
        return -1;
    if (upgrade_run(u, &child, said, err) != 0)
        return err_set(err, ERR_NETWORK, "no_download", "apt cannot fetch sett %s: %s", plan->to,
                       said);
    (void)line_of(u, query, arch);
    (void)str_format(name, sizeof name, "sett_%s_%s.deb", plan->to, arch);
    if (str_format(plan->package, sizeof plan->package, "%s/%s", folder, name) == -1 ||
        !file_exists(plan->package))
        return err_set(err, ERR_NOT_FOUND, "no_download", "%s is not there after the download",
                       name);
    return 0;
}

int upgrade_package(const struct upgrade *u, struct upgrade_plan *plan, const char *file,
                    const char *version, bool fetch, struct err *err)
{
    const char *const installed[] = {
        upgrade_tool(u, "dpkg-query"), "-W", "-f", "${Version}", "sett", NULL};
    char text[300];

    memset(plan, 0, sizeof *plan);
    if (line_of(u, installed, text) != 0 || text[0] == '\0') {
        (void)err_set(err, ERR_NOT_FOUND, "no_package", "sett is not installed as a package here");
        return err_hint(err, "a checkout is brought to another version by git and make");
    }
    (void)str_copy(plan->from, sizeof plan->from, text);
    if (file != NULL && of_file(u, plan, file, err) == -1)
        return -1;
    if (file == NULL && version != NULL)
        (void)str_copy(plan->to, sizeof plan->to, version);
    else if (file == NULL && !candidate(u, plan->to))
        return 0;
    if (str_equal(plan->to, plan->from))
        return 0;
    plan->older = compare(u, plan->to, "lt", plan->from);
    if (plan->older && file == NULL && version == NULL)
        return 0;
    return file == NULL && fetch && download(u, plan, err) == -1 ? -1 : 1;
}

/* ---- the store ---- */

/* The package's files beside, where the box's user can run them. */
static int unpack(const struct upgrade *u, struct upgrade_plan *plan, struct err *err)
{
    const char *const argv[] = {upgrade_tool(u, "dpkg-deb"), "-x", plan->package, plan->unpacked,
                                NULL};
    char text[300];

    if (upgrade_folder(u, err) == -1)
        return -1;
    upgrade_file(u, "unpacked-XXXXXX", plan->unpacked);
    if (mkdtemp(plan->unpacked) == NULL) {
        plan->unpacked[0] = '\0';
        return err_sys(err, "unpack", errno, u->folder);
    }
    (void)chmod(plan->unpacked, 0755);
    return line_of(u, argv, text) == 0
               ? 0
               : err_set(err, ERR_UNAVAILABLE, "unpack", "%s cannot be unpacked", plan->package);
}

void upgrade_facts_end(struct upgrade_plan *plan)
{
    if (plan->unpacked[0] != '\0')
        (void)file_remove_tree(plan->unpacked, NULL);
    plan->unpacked[0] = '\0';
}

static void see_store(const struct upgrade *u, struct upgrade_plan *plan)
{
    char program[PATHS_SIZE + 96];
    struct cJSON *answer;
    struct err err = {0};

    if (plan->package[0] == '\0') {
        SAY(plan, "store", UPGRADE_SKIPPED, "as root, or with --package FILE",
            "not rehearsed: the package is not here");
        return;
    }
    if (unpack(u, plan, &err) == -1) {
        SAY(plan, "store", UPGRADE_STOPS, err.hint, "%s", err.text);
        return;
    }
    (void)str_format(program, sizeof program, "%s/usr/bin/sett", plan->unpacked);
    answer =
        upgrade_ask(u, program, (const char *const[]){"db", "migrate", "--dry-run", NULL}, &err);
    if (answer == NULL) {
        plan->newer_store = str_equal(err.code, "store_newer");
        SAY(plan, "store", plan->newer_store && plan->older ? UPGRADE_WARNS : UPGRADE_STOPS,
            plan->newer_store ? "it goes back to the copy from before: sett downgrade" : err.hint,
            "%s", err.text);
        return;
    }
    plan->due = json_bool(answer, "due", false);
    plan->schema_from = (uint32_t)json_i64(answer, "from", 0);
    plan->schema_to = (uint32_t)json_i64(answer, "to", 0);
    plan->store_bytes = (uint64_t)json_i64(answer, "copy_bytes", 0);
    plan->copy_ms = json_i64(answer, "copy_ms", 0);
    plan->migrate_ms = json_i64(answer, "migrate_ms", 0);
    plan->check_ms = json_i64(answer, "check_ms", 0);
    json_free(answer);
    if (plan->due)
        SAY(plan, "store", UPGRADE_FINE, "",
            "rehearsed on a copy of %llu KiB: version %u to %u, copied in %lld ms, migrated in "
            "%lld "
            "ms, sound in %lld ms",
            (unsigned long long)(plan->store_bytes >> 10), plan->schema_from, plan->schema_to,
            (long long)plan->copy_ms, (long long)plan->migrate_ms, (long long)plan->check_ms);
    else
        SAY(plan, "store", UPGRADE_FINE, "",
            "stays as it is (version %u); the new program finds a "
            "copy of it sound",
            plan->schema_from);
}

static void see_room(const struct upgrade *u, struct upgrade_plan *plan)
{
    char path[PATHS_SIZE + 16];
    struct statvfs fs;
    struct stat st;

    (void)str_format(path, sizeof path, "%s/data.mdb", u->paths.db);
    if (stat(path, &st) == -1 || statvfs(u->paths.live, &fs) == -1) {
        SAY(plan, "room", UPGRADE_SKIPPED, "", "%s cannot be looked at: %s", u->paths.live,
            strerror(errno));
        return;
    }
    /* A copy to migrate, one kept beside, the packages. */
    plan->need_bytes = 2 * (uint64_t)st.st_size + (uint64_t)st.st_size / 4 + RESERVE;
    if (plan->package[0] != '\0' && stat(plan->package, &st) == 0)
        plan->need_bytes += 6 * (uint64_t)st.st_size;
    plan->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    SAY(plan, "room", plan->free_bytes < plan->need_bytes ? UPGRADE_STOPS : UPGRADE_FINE,
        plan->free_bytes < plan->need_bytes ? "make room: sett snapshot list, apt clean" : "",
        "%llu MiB needed, %llu free", (unsigned long long)(plan->need_bytes >> 20),
        (unsigned long long)(plan->free_bytes >> 20));
}

/* ---- the box ---- */

static int64_t count_jobs(const struct upgrade *u, const char *state)
{
    struct err err;
    struct cJSON *list = upgrade_ask(
        u, NULL, (const char *const[]){"job", "list", "--limit", "100", "--state", state, NULL},
        &err);
    int64_t n = list == NULL ? -1 : json_size(list, "data");

    json_free(list);
    return n;
}

static void see_jobs(const struct upgrade *u, struct upgrade_plan *plan)
{
    int64_t running = count_jobs(u, "running"), stuck = count_jobs(u, "stuck");

    if (running == -1 || stuck == -1)
        SAY(plan, "jobs", UPGRADE_SKIPPED, "", "not told");
    else if (stuck > 0)
        SAY(plan, "jobs", UPGRADE_WARNS, "sett job list --state stuck",
            "%lld stuck; they stay so, and %lld that run go on afterwards", (long long)stuck,
            (long long)running);
    else
        SAY(plan, "jobs", UPGRADE_FINE, "",
            "%lld run; they pause at a step's end and go on "
            "afterwards",
            (long long)running);
}

static void see_snapshot(const struct upgrade *u, struct upgrade_plan *plan)
{
    struct err err;
    struct cJSON *health =
        upgrade_ask(u, NULL, (const char *const[]){"system", "health", NULL}, &err);
    const char *at = json_text(health, "last_verified_at", NULL);
    int64_t age_ms = 0, when;

    if (health == NULL) {
        SAY(plan, "snapshot", UPGRADE_SKIPPED, "", "%s", err.text);
        return;
    }
    if (at != NULL && clock_parse(at, &when) == 0)
        age_ms = clock_wall_ms() - when;
    if (at == NULL)
        SAY(plan, "snapshot", UPGRADE_WARNS, "sett snapshot create --wait",
            "there is no verified snapshot: only the store is kept beside, not tenants' files");
    else
        SAY(plan, "snapshot", age_ms > OLD_MS ? UPGRADE_WARNS : UPGRADE_FINE,
            age_ms > OLD_MS ? "sett snapshot create --wait" : "",
            "the newest verified one is %lld h old", (long long)(age_ms / 3600000));
    json_free(health);
}

static void see_doctor(const struct upgrade *u, struct upgrade_plan *plan)
{
    struct err err;
    struct cJSON *doctor = upgrade_ask(u, NULL, (const char *const[]){"doctor", NULL}, &err);
    const struct cJSON *at = NULL;
    char names[200] = "";

    if (doctor == NULL) {
        SAY(plan, "doctor", UPGRADE_SKIPPED, "", "%s", err.text);
        return;
    }
    while ((at = json_next(json_at(doctor, "checks"), at)) != NULL)
        if (str_equal(json_text(at, "finding", ""), "broken"))
            (void)str_format(names + strlen(names), sizeof names - strlen(names), " %s",
                             json_text(at, "name", ""));
    if (names[0] == '\0')
        SAY(plan, "doctor", UPGRADE_FINE, "", "finds nothing broken");
    else
        SAY(plan, "doctor", UPGRADE_WARNS, "sett doctor", "finds broken already:%s", names);
    json_free(doctor);
}

/* ---- the machine ---- */

static void see_held(const struct upgrade *u, struct upgrade_plan *plan)
{
    const char *const argv[] = {upgrade_tool(u, "apt-mark"), "showhold", "sett", NULL};
    char text[300];

    if (line_of(u, argv, text) == 0 && str_equal(text, "sett"))
        SAY(plan, "held", UPGRADE_STOPS, "apt-mark unhold sett", "the package is held");
}

static void see_apt(const struct upgrade *u, struct upgrade_plan *plan)
{
    const char *const argv[] = {
        upgrade_tool(u, "apt-get"), "--simulate", "--quiet",     "--no-remove",
        "--allow-downgrades",       "install",    plan->package, NULL};
    struct upgrade_child child = {.argv = argv, .quiet = true, .wait_ms = TOOL_MS};
    char said[256];
    struct err err;
    struct buf b;

    if (plan->package[0] == '\0')
        return;
    buf_init(&b, (size_t)1 << 20);
    child.out = &b;
    if (upgrade_run(u, &child, said, &err) != 0)
        SAY(plan, "apt", UPGRADE_STOPS, "apt-get install --simulate tells why", "apt refuses: %s",
            said);
    else
        SAY(plan, "apt", UPGRADE_FINE, "", "would install it, and remove nothing");
    buf_free(&b);
}

static void see_trial(const struct upgrade *u, struct upgrade_plan *plan)
{
    if (u->state.len > 0)
        SAY(plan, "unfinished", UPGRADE_STOPS, "sett upgrade --resume",
            "an upgrade to %s is not finished (%s)", kv_get_or(&u->state, UPGRADE_TO, "?"),
            kv_get_or(&u->state, UPGRADE_PHASE, "?"));
}

void upgrade_facts(const struct upgrade *u, struct upgrade_plan *plan)
{
    see_trial(u, plan);
    see_held(u, plan);
    see_apt(u, plan);
    see_store(u, plan);
    see_room(u, plan);
    see_jobs(u, plan);
    see_snapshot(u, plan);
    see_doctor(u, plan);
}
