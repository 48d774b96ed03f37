/*
 * What is wrong with this box, and the one thing to do about each. A table of checks; every check
 * looks for itself and changes nothing. The worker answers with it, and the command line runs it
 * by itself, since it is wanted most when the worker does not answer.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include "ballast.h"
#include "blueprint.h"
#include "channel.h"
#include "clock.h"
#include "doctor.h"
#include "file.h"
#include "job.h"
#include "notice.h"
#include "plan.h"
#include "setting.h"
#include "str.h"
#include "subscription.h"

#define BEAT_OLD_MS 15000
#define CONNECT_MS  1000

const char *const doctor_finding_names[] = {"ok", "warning", "broken", "skipped", NULL};

enum finding doctor_say(struct look *l, enum finding f, const char *fix, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(l->text, sizeof l->text, fmt, ap);
    va_end(ap);
    (void)snprintf(l->fix, sizeof l->fix, "%s", fix);
    return f;
}

static enum finding check_store(struct look *l)
{
    struct db_figures f;
    struct err err = {0};

    if (db_figures(l->box->db, &f, &err) == -1)
        return doctor_say(l, BROKEN, "sett fsck; then the runbook \"the store does not open\"",
                          "%s", err.text);
    if (f.used_bytes * 100 / f.map_bytes >= DB_ROOM_MAP_PERCENT)
        return doctor_say(l, WARNING, "delete what is old, or move to a larger box",
                          "the map is %llu %% full",
                          (unsigned long long)(f.used_bytes * 100 / f.map_bytes));
    return doctor_say(l, FINE, "", "%llu KiB used, %u readers, transaction %llu",
                      (unsigned long long)(f.used_bytes >> 10), f.readers,
                      (unsigned long long)f.last_txn);
}

/* Whether there is one, or is to be none; one that the worker is about to make counts. */
static bool has_ballast(const struct look *l)
{
    const char *path = l->box->paths.ballast;
    struct statvfs v;
    struct txn *txn;
    struct err err;
    uint64_t mib;

    if (db_read(&txn, l->box->db, &err) == -1)
        return true;
    mib = setting_u64(txn, &l->box->conf, "store.ballast_mib");
    db_read_end(txn);
    return mib == 0 || file_exists(path) || statvfs(l->box->paths.live, &v) == -1 ||
           ((uint64_t)v.f_bavail * v.f_frsize >> 20) >= BALLAST_ROOM * mib;
}

static enum finding check_disk(struct look *l)
{
    struct statvfs v;

    if (statvfs(l->box->paths.live, &v) == -1)
        return doctor_say(l, BROKEN, "is the disk mounted?", "%s: %s", l->box->paths.live,
                          strerror(errno));
    if ((uint64_t)v.f_bavail * v.f_frsize < DB_ROOM_DISK_BYTES)
        return doctor_say(
            l, BROKEN, "sett unstick gives some room at once; then make more (runbook disk-full)",
            "%llu MiB free: nothing new begins below 256",
            (unsigned long long)((uint64_t)v.f_bavail * v.f_frsize >> 20));
    if (v.f_files != 0 && v.f_favail * 20 < v.f_files)
        return doctor_say(l, WARNING, "remove small files: inodes run out", "%llu inodes free",
                          (unsigned long long)v.f_favail);
    if (!has_ballast(l))
        return doctor_say(l, WARNING, "make room: it is made again where 16 times its size is free",
                          "%llu MiB free, and no ballast to throw overboard when they are not",
                          (unsigned long long)((uint64_t)v.f_bavail * v.f_frsize >> 20));
    return doctor_say(l, FINE, "", "%llu MiB free",
                      (unsigned long long)((uint64_t)v.f_bavail * v.f_frsize >> 20));
}

/* What to do about a program that is not there: on an installed box ask systemd. */
static const char *revive(const struct look *l, const char *systemctl)
{
    return l->box->paths.root[0] == '\0' ? systemctl : "start the box: make run";
}

static enum finding check_socket(struct look *l, const char *path, const char *program)
{
    struct err err = {0};
    int fd = channel_connect(path, CONNECT_MS, &err);

    if (fd == -1)
        return doctor_say(l, BROKEN, revive(l, "systemctl status 'sett-*'"),
                          "%s does not answer: %s", program, err.text);
    (void)close(fd);
    return doctor_say(l, FINE, "", "%s answers", program);
}

static enum finding check_front(struct look *l)
{
    const char *path = l->box->paths.front_sock;

    if (l->box->paths.root[0] == '\0' && access(path, W_OK) == -1 && errno == EACCES)
        return doctor_say(l, SKIPPED, "", "only the web server may speak to the front");
    return check_socket(l, path, "sett-front");
}

static enum finding check_hands(struct look *l)
{
    struct err err = {0};
    int fd;

    if (l->box->paths.root[0] == '\0' && access(l->box->paths.hands_sock, W_OK) == -1 &&
        errno == EACCES)
        return doctor_say(l, SKIPPED, "", "only the worker may speak to the hands");
    if ((fd = channel_connect(l->box->paths.hands_sock, CONNECT_MS, &err)) == -1)
        return doctor_say(l, BROKEN, revive(l, "systemctl status sett-hands"),
                          "sett-hands does not answer: %s", err.text);
    (void)close(fd);
    return doctor_say(l, FINE, "", "sett-hands answers");
}

static enum finding check_worker(struct look *l)
{
    char path[PATHS_SIZE + 32];
    struct stat st;
    int64_t age;

    (void)str_format(path, sizeof path, "%s/worker.beat", l->box->paths.run);
    if (stat(path, &st) == -1)
        return doctor_say(l, BROKEN, revive(l, "systemctl status sett-worker"),
                          "the worker has never been alive");
    age = clock_wall_ms() - ((int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000);
    if (age > BEAT_OLD_MS)
        return doctor_say(l, BROKEN, revive(l, "systemctl restart sett-worker"),
                          "the worker was last alive %lld s ago", (long long)(age / 1000));
    return doctor_say(l, FINE, "", "alive");
}

static enum finding check_keys(struct look *l)
{
    char path[PATHS_SIZE + 32];
    struct stat st;

    (void)str_format(path, sizeof path, "%s/vault.key", l->box->paths.keys);
    if (stat(path, &st) == -1)
        return errno == EACCES
                   ? doctor_say(l, SKIPPED, "", "not readable from here, as it should be")
                   : doctor_say(
                         l, BROKEN,
                         "restore it from a snapshot: provider tokens cannot be read without",
                         "%s: %s", path, strerror(errno));
    if (st.st_mode & 077)
        return doctor_say(l, BROKEN, "chmod 0400 on it, and replace the provider tokens",
                          "%s may be read by others", path);
    return doctor_say(l, FINE, "", "private");
}

/* A misspelt name in sett.conf would otherwise be a setting that quietly does nothing. */
static enum finding check_conf(struct look *l)
{
    struct err err = {0};

    if (setting_conf_check(&l->box->conf, &err) == -1)
        return doctor_say(l, WARNING, "mend the line; sett config show tells what can be set",
                          "%s: %s", l->box->paths.conf, err.text);
    return doctor_say(l, FINE, "", "%u lines, all known", (unsigned)l->box->conf.count);
}

static enum finding check_jobs(struct look *l)
{
    struct job job = {.state = JOB_STUCK};
    struct txn *txn;
    struct scan scan;
    struct err err = {0};
    unsigned stuck = 0;

    if (db_read(&txn, l->box->db, &err) == -1)
        return doctor_say(l, BROKEN, "", "%s", err.text);
    if (scan_start(&scan, txn, &job_table, "state", &job, 1, false, &err) == 0)
        while (stuck < 1000 && scan_next(&scan, &job, &err) == 1)
            stuck++;
    db_read_end(txn);
    if (stuck > 0)
        return doctor_say(l, WARNING, "sett job list --state stuck, then sett job retry or resolve",
                          "%u job%s need%s a person", stuck, stuck == 1 ? "" : "s",
                          stuck == 1 ? "s" : "");
    return doctor_say(l, FINE, "", "none stuck");
}

/* Subscriptions with a flag: money that came or went, and no program could decide what it means. */
static enum finding check_payments(struct look *l)
{
    struct subscription sub = {0};
    struct txn *txn;
    struct scan scan;
    struct err err = {0};
    unsigned flagged = 0;

    if (db_read(&txn, l->box->db, &err) == -1)
        return doctor_say(l, BROKEN, "", "%s", err.text);
    if (scan_start(&scan, txn, &subscription_table, "flag", NULL, 0, false, &err) == 0)
        while (flagged < 1000 && scan_next(&scan, &sub, &err) == 1)
            flagged++;
    db_read_end(txn);
    if (flagged > 0)
        return doctor_say(l, WARNING, "sett subscription list --flagged tells why",
                          "%u subscription%s should be looked at", flagged,
                          flagged == 1 ? "" : "s");
    return doctor_say(l, FINE, "", "no subscription is flagged");
}

/* The blueprints that plans are sold with: there, and readable. */
static enum finding check_blueprints(struct look *l)
{
    static struct blueprint b; /* large */
    struct plan plan;
    struct txn *txn;
    struct scan scan;
    struct err err = {0}, why = {0};
    bool bad = false;

    if (db_read(&txn, l->box->db, &err) == -1)
        return doctor_say(l, BROKEN, "", "%s", err.text);
    if (scan_start(&scan, txn, &plan_table, NULL, NULL, 0, false, &err) == 0)
        while (!bad && scan_next(&scan, &plan, &err) == 1)
            bad = blueprint_load(&b, l->box->paths.blueprints, plan.blueprint, &why) == -1;
    db_read_end(txn);
    if (bad)
        return doctor_say(l, BROKEN, "mend the file; nothing is made from it until then",
                          "plan %s: %s", plan.name, why.text);
    return doctor_say(l, FINE, "", "readable");
}

/* Signatures of webhooks, codes of a second factor and tokens are good for minutes. */
static enum finding check_clock(struct look *l)
{
    struct timex t = {.modes = 0};
    int state = adjtimex(&t);

    if (state == -1)
        return doctor_say(l, SKIPPED, "", "the kernel does not say: %s", strerror(errno));
    if (state == TIME_ERROR || (t.status & STA_UNSYNC) != 0)
        return doctor_say(l, WARNING, "timedatectl set-ntp true (in a container: on its host)",
                          "nothing keeps the clock right: signatures and codes may be refused");
    return doctor_say(l, FINE, "", "kept right");
}

/* A line of /proc/meminfo in KiB, or 0. */
static uint64_t memory_of(const struct buf *b, const char *name)
{
    const char *at = strstr(buf_string(b), name);

    return at == NULL ? 0 : strtoull(at + strlen(name), NULL, 10);
}

static enum finding check_memory(struct look *l)
{
    struct err err = {0};
    uint64_t total, free_kib;
    struct buf b;

    buf_init(&b, 16384);
    if (file_read("/proc/meminfo", &b, &err) == -1) {
        buf_free(&b);
        return doctor_say(l, SKIPPED, "", "%s", err.text);
    }
    total = memory_of(&b, "MemTotal:");
    free_kib = memory_of(&b, "MemAvailable:");
    buf_free(&b);
    if (total > 0 && free_kib * 20 < total)
        return doctor_say(l, WARNING, "stop what is not needed, or give the machine more memory",
                          "%llu of %llu MiB can be had", (unsigned long long)(free_kib >> 10),
                          (unsigned long long)(total >> 10));
    return doctor_say(l, FINE, "", "%llu of %llu MiB can be had",
                      (unsigned long long)(free_kib >> 10), (unsigned long long)(total >> 10));
}

static enum finding check_mail(struct look *l)
{
    char url[512] = "", from[512] = "", customers[512] = "";
    const struct conf *conf = &l->box->conf;
    struct err err = {0};
    struct txn *txn;

    if (db_read(&txn, l->box->db, &err) == -1)
        return doctor_say(l, BROKEN, "", "%s", err.text);
    (void)setting_text(txn, conf, "smtp.url", url, sizeof url, &err);
    (void)setting_text(txn, conf, "mail.from", from, sizeof from, &err);
    (void)setting_text(txn, conf, "mail.customers", customers, sizeof customers, &err);
    db_read_end(txn);
    if (url[0] != '\0' && from[0] != '\0')
        return doctor_say(l, FINE, "", "by %s", url);
    if (!str_equal(customers, "true"))
        return doctor_say(l, FINE, "", "none is sent, as mail.customers says");
    return doctor_say(l, WARNING,
                      "settings smtp.url and mail.from, then sett mail test; or "
                      "mail.customers false",
                      "customers are told nothing: no mail server or sender is set");
}

/* What is raised and grave: whoever looks here should not have to look elsewhere to learn of it. */
static enum finding check_alerts(struct look *l)
{
    struct notice notice = {0};
    struct txn *txn;
    struct scan scan;
    struct err err = {0};
    unsigned raised = 0, critical = 0;

    if (db_read(&txn, l->box->db, &err) == -1)
        return doctor_say(l, BROKEN, "", "%s", err.text);
    if (scan_start(&scan, txn, &notice_table, NULL, NULL, 0, true, &err) == 0)
        for (unsigned i = 0; i < 1000 && scan_next(&scan, &notice, &err) == 1; i++) {
            raised += notice.cleared_at == 0;
            critical += notice.cleared_at == 0 && notice.severity == NOTICE_CRITICAL;
        }
    db_read_end(txn);
    if (critical > 0)
        return doctor_say(l, WARNING, "sett alert list", "%u critical alert%s raised", critical,
                          critical == 1 ? " is" : "s are");
    return doctor_say(l, FINE, "", "none is critical, %u raised", raised);
}

static const struct {
    const char *name;
    enum finding (*look)(struct look *l);
} checks[] = {
    {"place", doctor_place},      {"units", doctor_units},
    {"users", doctor_users},      {"time_zone", doctor_time_zone},
    {"logs", doctor_logs},        {"system", doctor_system},
    {"store", check_store},       {"disk", check_disk},
    {"keys", check_keys},         {"conf", check_conf},
    {"worker", check_worker},     {"hands", check_hands},
    {"front", check_front},       {"jobs", check_jobs},
    {"payments", check_payments}, {"blueprints", check_blueprints},
    {"ingress", doctor_ingress},  {"runtimes", doctor_runtimes},
    {"engines", doctor_engines},  {"backups", doctor_backups},
    {"clock", check_clock},       {"memory", check_memory},
    {"mail", check_mail},         {"alerts", check_alerts},
    {"web_server", doctor_web},   {"certificate", doctor_certificate},
};

unsigned doctor_look(const struct op_box *box, struct doctor_finding findings[DOCTOR_MOST])
{
    unsigned count = 0;

    for (size_t i = 0; i < sizeof checks / sizeof *checks && count < DOCTOR_MOST; i++) {
        struct doctor_finding *f = &findings[count++];
        struct look l = {.box = box};

        f->name = checks[i].name;
        f->finding = checks[i].look(&l);
        (void)str_copy(f->what, sizeof f->what, l.text);
        (void)str_copy(f->fix, sizeof f->fix, l.fix);
    }
    return count;
}

bool doctor_fine(const struct doctor_finding *findings, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (findings[i].finding == BROKEN)
            return false;
    return true;
}

void doctor_json(const struct doctor_finding *findings, unsigned count, struct json_out *j)
{
    json_out_object(j);
    json_out_key_text(j, "object", "doctor");
    json_out_key_bool(j, "fine", doctor_fine(findings, count));
    json_out_key(j, "checks");
    json_out_array(j);
    for (unsigned i = 0; i < count; i++) {
        const struct doctor_finding *f = &findings[i];

        json_out_object(j);
        json_out_key_text(j, "name", f->name);
        json_out_key_bool(j, "ok", f->finding == FINE);
        json_out_key_text(j, "finding", doctor_finding_names[f->finding]);
        json_out_key_text(j, "what", f->what);
        json_out_key_text(j, "fix", f->fix);
        json_out_end_object(j);
    }
    json_out_end_array(j);
    json_out_key_time(j, "at", clock_wall_ms());
    json_out_end_object(j);
}
