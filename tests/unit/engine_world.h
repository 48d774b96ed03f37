#ifndef SETT_ENGINE_WORLD_H
#define SETT_ENGINE_WORLD_H
/*
 * A small world for tests of the engine: a real store in a folder of its own, and effects that are
 * files, so that they outlive a process that kills itself. "effects/<name>" exists when the effect
 * is there; "ledger" has a line for each time something was really made or removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "clock.h"
#include "engine.h"
#include "file.h"
#include "job_start.h"
#include "schema.h"
#include "str.h"
#include "vault.h"

struct outside {
    char folder[200];
};

struct world {
    struct outside outside;
    char path[256]; /* scratch */
    struct db *db;
    struct vault vault;
    struct engine *engine;
};

static inline const char *world_path(struct world *w, const char *name)
{
    assert_int_equal(str_format(w->path, sizeof w->path, "%s/%s", w->outside.folder, name), 0);
    return w->path;
}

static inline void world_open(struct world *w)
{
    struct err err = {0};
    char db[256];

    assert_int_equal(str_format(db, sizeof db, "%s/db", w->outside.folder), 0);
    if (!file_exists(db)) {
        assert_int_equal(file_mkdirs(world_path(w, "effects"), 0700, &err), 0);
        assert_int_equal(file_mkdirs(world_path(w, "keys"), 0700, &err), 0);
        assert_int_equal(vault_create(world_path(w, "keys"), &err), 0);
        if (db_create(db, &sett_schema, &err) == -1)
            fail_msg("db_create: %s", err.text);
    }
    assert_int_equal(vault_load(&w->vault, world_path(w, "keys"), true, &err), 0);
    if (db_open(&w->db, db, &sett_schema, &err) == -1)
        fail_msg("db_open: %s", err.text);
}

static inline struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);
    const char *tmp = getenv("TMPDIR");

    assert_non_null(w);
    assert_int_equal(str_format(w->outside.folder, sizeof w->outside.folder,
                                "%s/sett-engine-XXXXXX", tmp == NULL ? "/tmp" : tmp),
                     0);
    assert_non_null(mkdtemp(w->outside.folder));
    world_open(w);
    return w;
}

static inline void world_end(struct world *w)
{
    struct err err = {0};

    engine_stop(w->engine, 5000);
    (void)file_remove_tree(w->outside.folder, &err);
    free(w);
}

/* ---- effects ---- */

static inline void ledger(const char *folder, const char *what, const char *name)
{
    char path[300], line[160];
    int fd;

    assert_int_equal(str_format(path, sizeof path, "%s/ledger", folder), 0);
    assert_int_equal(str_format(line, sizeof line, "%s %s\n", what, name), 0);
    fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    assert_int_not_equal(fd, -1);
    assert_int_equal(write(fd, line, strlen(line)), (ssize_t)strlen(line));
    close(fd);
}

/* How often a line stands in the ledger; NULL: all its lines. */
static inline unsigned ledger_count(struct world *w, const char *line)
{
    FILE *file = fopen(world_path(w, "ledger"), "re");
    char text[256];
    unsigned n = 0;

    if (file == NULL)
        return 0;
    while (fgets(text, sizeof text, file) != NULL) {
        text[strcspn(text, "\n")] = '\0';
        if (line == NULL || str_equal(text, line))
            n++;
    }
    fclose(file);
    return n;
}

static inline bool effect_there(const char *folder, const char *name)
{
    char path[300];

    assert_int_equal(str_format(path, sizeof path, "%s/effects/%s", folder, name), 0);
    return access(path, F_OK) == 0;
}

/* Return whether it was made now. */
static inline bool effect_make(const char *folder, const char *name)
{
    char path[300];
    int fd;

    assert_int_equal(str_format(path, sizeof path, "%s/effects/%s", folder, name), 0);
    if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) == -1)
        return false;
    close(fd);
    ledger(folder, "make", name);
    return true;
}

static inline bool effect_remove(const char *folder, const char *name)
{
    char path[300];

    assert_int_equal(str_format(path, sizeof path, "%s/effects/%s", folder, name), 0);
    if (unlink(path) == -1)
        return false;
    ledger(folder, "undo", name);
    return true;
}

/* ---- jobs ---- */

struct start_arg {
    struct job job;
};

static inline int start_change(struct txn *txn, void *arg, struct err *err)
{
    struct start_arg *a = arg;

    return job_start(txn, &a->job, err);
}

/* Start a job of a saga; its id in ${id}. Return 0 or -1. */
static inline int start_job(struct world *w, const char *saga, const char *subject,
                            const char *args, char id[ID_SIZE], struct err *err)
{
    static struct start_arg a;
    char copy[200], *at = copy, *pair, *equal;

    memset(&a, 0, sizeof a);
    (void)str_copy(a.job.saga, sizeof a.job.saga, saga);
    (void)str_copy(a.job.actor, sizeof a.job.actor, "test");
    job_subject(a.job.subjects[0], "tenant", subject);
    assert_int_equal(str_copy(copy, sizeof copy, args), 0);
    while ((pair = strsep(&at, " ")) != NULL) {
        if ((equal = strchr(pair, '=')) == NULL)
            continue;
        *equal = '\0';
        assert_int_equal(kv_set(&a.job.args, pair, equal + 1), 0);
    }
    if (db_write(w->db, start_change, &a, err) == -1)
        return -1;
    (void)str_copy(id, ID_SIZE, a.job.id);
    return 0;
}

static inline void get_job(struct world *w, const char *id, struct job *job)
{
    struct txn *txn;
    struct err err = {0};

    memset(job, 0, sizeof *job);
    (void)str_copy(job->id, sizeof job->id, id);
    assert_int_equal(db_read(&txn, w->db, &err), 0);
    if (record_get(txn, &job_table, job, &err) != 1)
        fail_msg("job %s: %s", id, err.text);
    db_read_end(txn);
}

#define DEADLINE_MS 20000

/* Wait until a job is in a state. */
static inline void wait_state(struct world *w, const char *id, enum job_state state,
                              struct job *job)
{
    int64_t until = clock_mono_ms() + DEADLINE_MS;

    for (;;) {
        get_job(w, id, job);
        if (job->state == (uint32_t)state)
            return;
        if (clock_mono_ms() > until)
            fail_msg("job %s is %s at %s, not %s (%s)", id, job_state_names[job->state],
                     job->step_name, job_state_names[state], job->cause);
        clock_sleep_ms(2);
    }
}

/* The journal as text: "make:a=done apply:b=done …". */
static inline void journal_text(struct world *w, const char *id, char *out, size_t size)
{
    struct txn *txn;
    struct scan scan;
    struct job_step row = {0};
    struct err err = {0};
    size_t len = 0;

    out[0] = '\0';
    (void)str_copy(row.job_id, sizeof row.job_id, id);
    assert_int_equal(db_read(&txn, w->db, &err), 0);
    assert_int_equal(scan_start(&scan, txn, &job_step_table, NULL, &row, 1, false, &err), 0);
    while (scan_next(&scan, &row, &err) == 1) {
        assert_int_equal(str_format(out + len, size - len, "%s%s:%s=%s", len == 0 ? "" : " ",
                                    step_action_names[row.action], row.step,
                                    step_outcome_names[row.outcome]),
                         0);
        len += strlen(out + len);
        assert_true(row.started_at > 0);
        assert_true(row.outcome == STEP_BEGUN || row.ended_at >= row.started_at);
    }
    db_read_end(txn);
}

struct steer_arg {
    const char *id;
    char how; /* r retry, u resolve undo, d resolve done, c cancel */
};

static inline int steer_change(struct txn *txn, void *arg, struct err *err)
{
    struct steer_arg *a = arg;

    switch (a->how) {
    case 'r':
        return job_retry(txn, a->id, err);
    case 'u':
        return job_resolve(txn, a->id, true, err);
    case 'd':
        return job_resolve(txn, a->id, false, err);
    default:
        return job_cancel(txn, a->id, err);
    }
}

static inline int steer(struct world *w, const char *id, char how, struct err *err)
{
    struct steer_arg a = {.id = id, .how = how};

    return db_write(w->db, steer_change, &a, err);
}

/* How many records a table has. */
static inline int64_t records(struct world *w, const struct table *table)
{
    struct txn *txn;
    struct err err = {0};
    int64_t n;

    assert_int_equal(db_read(&txn, w->db, &err), 0);
    n = record_count(txn, table, &err);
    db_read_end(txn);
    return n;
}

#endif
