/*
 * The logs of the box's own programs, of its connectors and of the web server. Apart from the verbs
 * about one tenant or tunnel because here nobody says whose: a closed list of sources, each at its
 * one place.
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "hands_world.h"
#include "log_line.h"
#include "str.h"
#include "unit_log.h"

#define FILES_MOST 64 /* connectors' files that are looked through at once */
#define JOURNALCTL "/usr/bin/journalctl"

/* A source's name, its unit, and its file's name below ROOT/log. */
static const struct {
    const char *source, *unit, *file;
} programs[] = {
    {"front", "sett-front.service", "front"},
    {"worker", "sett-worker.service", "worker"},
    {"hands", "sett-hands.service", "hands"},
};

struct telling {
    struct hands_job *job;
    const char *source;
};

/* "SOURCE AT LEVEL TEXT": what cannot be in the first three is in the fourth. */
static int tell(void *arg, int64_t at_ms, enum log_level level, const char *text, size_t len)
{
    const struct telling *t = arg;
    struct buf *out = t->job->stream;

    if (out->max - out->len < len + 128)
        return -1; /* the rest does not fit; what is there is of use */
    (void)buf_format(out, "%s %lld %d ", t->source, (long long)at_ms, (int)level);
    for (size_t i = 0; i < len; i++)
        (void)buf_byte(out, (unsigned char)text[i] < 0x20 ? ' ' : text[i]);
    return buf_byte(out, '\n');
}

/* A line of a unit: of a connector by its number. */
static int tell_unit(void *arg, const char *unit, int64_t at_ms, enum log_level level,
                     const char *text, size_t len)
{
    struct telling t = *(struct telling *)arg;
    const char *at = strchr(unit, '@');
    char source[48];
    uint64_t number;

    if (at == NULL)
        return tell(&t, at_ms, level, text, len);
    (void)str_copy_n(source, sizeof source, at + 1, strcspn(at + 1, "."));
    if (str_u64(source, 1, UINT32_MAX, &number) == -1 ||
        (t.job->request->number != 0 && number != t.job->request->number))
        return 0;
    (void)str_format(source, sizeof source, "tunnel:%llu", (unsigned long long)number);
    t.source = source;
    return tell(&t, at_ms, level, text, len);
}

/* A log file behind what was put aside of it when it had grown. */
static int read_file(const char *path, const struct unit_log_wish *wish, struct telling *t,
                     struct err *err)
{
    char old[704];

    return str_format(old, sizeof old, "%s.1", path) == -1 ||
                   unit_log_file(old, wish, tell, t, err) == -1
               ? -1
               : unit_log_file(path, wish, tell, t, err);
}

static bool by_journal(const struct hands_job *job)
{
    return job->world->paths->root[0] == '\0' && str_equal(job->world->supervisor->name, "systemd");
}

static int read_program(struct hands_job *job, size_t which, const struct unit_log_wish *wish,
                        struct err *err)
{
    struct telling t = {job, programs[which].source};
    char path[400];

    if (by_journal(job))
        return unit_log_journal(JOURNALCTL, programs[which].unit, wish, tell_unit, &t, err);
    if (str_format(path, sizeof path, "%s/log/%s.log", job->world->paths->root,
                   programs[which].file) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "a log's path is too long");
    return read_file(path, wish, &t, err);
}

static int read_web(struct hands_job *job, const struct unit_log_wish *wish, struct err *err)
{
    struct telling t = {job, "web"};

    return job->world->web_log[0] == '\0' ? 0
                                          : unit_log_file(job->world->web_log, wish, tell, &t, err);
}

/* Below a folder each connector has a file: "sett-tunnel@12.log". */
static int read_connectors(struct hands_job *job, const struct unit_log_wish *wish, struct err *err)
{
    struct telling t = {job, "connectors"};
    char path[700], source[48];
    struct dirent *entry;
    unsigned files = 0;
    DIR *folder;
    int rc = 0;

    if (str_equal(job->world->supervisor->name, "systemd"))
        return unit_log_journal(JOURNALCTL, "sett-tunnel*@*.service", wish, tell_unit, &t, err);
    if (str_format(path, sizeof path, "%s/logs", job->world->paths->hands) == -1 ||
        (folder = opendir(path)) == NULL)
        return 0;
    while (rc == 0 && files < FILES_MOST && (entry = readdir(folder)) != NULL) {
        const char *at = strchr(entry->d_name, '@');
        char digits[24];
        uint64_t number;
        if (at == NULL || !str_ends(entry->d_name, ".log") ||
            str_copy_n(digits, sizeof digits, at + 1, strcspn(at + 1, ".")) == -1 ||
            str_u64(digits, 1, UINT32_MAX, &number) == -1 ||
            (job->request->number != 0 && number != job->request->number))
            continue;
        files++;
        (void)str_format(source, sizeof source, "tunnel:%llu", (unsigned long long)number);
        (void)str_format(path, sizeof path, "%s/logs/%.200s", job->world->paths->hands,
                         entry->d_name);
        t.source = source;
        rc = read_file(path, wish, &t, err);
    }
    (void)closedir(folder);
    return rc;
}

static int64_t number_of(const struct kv *env, const char *name)
{
    return (int64_t)kv_get_u64(env, name, 0);
}

enum outcome hands_journal(struct hands_job *job, struct err *err)
{
    const struct hands_request *q = job->request;
    const struct unit_log_wish wish = {
        .since_ms = number_of(&q->env, "SINCE"),
        .until_ms = number_of(&q->env, "UNTIL"),
        .level = (enum log_level)kv_get_u64(&q->env, "LEVEL", LOG_LEVEL_DEBUG),
        .text = kv_get_or(&q->env, "TEXT", ""),
        .lines = q->lines,
    };
    bool all = q->runtime[0] == '\0', known = all;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < sizeof programs / sizeof programs[0]; i++)
        if (all || str_equal(q->runtime, programs[i].source)) {
            known = true;
            rc = read_program(job, i, &wish, err);
        }
    if (rc == 0 && (all || str_equal(q->runtime, "web"))) {
        known = true;
        rc = read_web(job, &wish, err);
    }
    if (rc == 0 && (all || str_equal(q->runtime, "connectors"))) {
        known = true;
        rc = read_connectors(job, &wish, err);
    }
    if (!known)
        rc = err_set(err, ERR_INVALID, "source_unknown", "there is no log of %.16s", q->runtime);
    return hands_outcome(rc, err);
}
