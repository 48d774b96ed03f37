/*
 * Writing the history. Apart from the rounds that gather it because here time becomes coarser: a
 * minute is added, and each period that has ended and was not folded yet is, also when nobody
 * wrote at its end.
 */
#include "history_write.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "str.h"

#define DROP_TIMES                                                                                 \
    8 /* times of one line that go in one transaction: a clock that jumped far ahead               \
         for a moment must not cost the whole memory */
#define AHEAD_MS (48 * INT64_C(3600000)) /* rows further in the future than this are nobody's */

struct change {
    const struct history_minute *minute;
    struct history_sum *sums; /* HISTORY_PART of them */
    struct buf rows;
};

static int64_t floor_to(int64_t at, int64_t step_ms)
{
    return at - ((at % step_ms) + step_ms) % step_ms;
}

static uint8_t line_of(const struct history_kind *kind, enum history_step step)
{
    return kind->numbered ? history_spans[step].tenant_line : history_spans[step].box_line;
}

static int put_rows(struct txn *txn, struct change *c, uint8_t line, int64_t at, uint32_t part,
                    struct err *err)
{
    const struct series_key key = {.line = line, .at = at, .part = part};

    if (c->rows.failed)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the history");
    return series_put(txn, &key, c->rows.data, c->rows.len, err);
}

static int write_minute(struct txn *txn, struct change *c, int64_t at, struct err *err)
{
    const struct history_minute *m = c->minute;
    size_t i = 0;

    history_row_begin(&history_box_kind, &c->rows);
    history_row_add(&history_box_kind, &c->rows, &m->box);
    if (put_rows(txn, c, line_of(&history_box_kind, HISTORY_MINUTE), at, 0, err) == -1)
        return -1;
    while (i < m->count) {
        uint64_t part = m->tenants[i].number / HISTORY_PART;
        history_row_begin(&history_tenant_kind, &c->rows);
        for (; i < m->count && m->tenants[i].number / HISTORY_PART == part; i++)
            history_row_add(&history_tenant_kind, &c->rows, &m->tenants[i]);
        if (put_rows(txn, c, line_of(&history_tenant_kind, HISTORY_MINUTE), at, (uint32_t)part,
                     err) == -1)
            return -1;
    }
    return 0;
}

static int fold_part(struct txn *txn, struct change *c, const struct history_kind *kind,
                     enum history_step step, int64_t from, uint32_t part, struct err *err)
{
    union {
        struct history_tenant tenant;
        struct history_box box;
    } row;
    bool any = false;

    memset(c->sums, 0, HISTORY_PART * sizeof *c->sums);
    if (history_fold(txn, kind, line_of(kind, step - 1), part, from,
                     from + history_spans[step].step_ms, c->sums, err) == -1)
        return -1;
    history_row_begin(kind, &c->rows);
    for (uint32_t i = 0; i < (kind->numbered ? HISTORY_PART : 1); i++) {
        if (!c->sums[i].any)
            continue;
        memset(&row, 0, sizeof row);
        history_sum_end(kind, &c->sums[i], &row);
        if (kind->numbered)
            row.tenant.number = (uint64_t)part * HISTORY_PART + i;
        history_row_add(kind, &c->rows, &row);
        any = true;
    }
    return any ? put_rows(txn, c, line_of(kind, step), from, part, err) : 0;
}

/* The parts that any time of the period has. */
static int fold_tenants(struct txn *txn, struct change *c, enum history_step step, int64_t from,
                        struct err *err)
{
    int64_t to = from + history_spans[step].step_ms;
    struct series_key key = {.line = line_of(&history_tenant_kind, step - 1), .at = from};
    uint32_t parts = 0;
    int got;

    while ((got = series_next(txn, &key, err)) == 1 && key.at < to) {
        if (key.part >= parts)
            parts = key.part + 1;
        key.part++;
    }
    for (uint32_t part = 0; got != -1 && part < parts; part++)
        if (fold_part(txn, c, &history_tenant_kind, step, from, part, err) == -1)
            return -1;
    return got == -1 ? -1 : 0;
}

/* Whether the box has a row at or behind ${from} and before ${to}. 1, 0 or -1. */
static int has_rows(struct txn *txn, enum history_step step, int64_t from, int64_t to,
                    struct err *err)
{
    struct series_key key = {.line = line_of(&history_box_kind, step), .at = from};
    int got = series_next(txn, &key, err);

    return got == 1 ? key.at < to : got;
}

/* Periods that have ended, with this minute at the latest, of which finer rows are there, and which
 * were not folded. */
static int fold_ended(struct txn *txn, struct change *c, enum history_step step, int64_t now_ms,
                      struct err *err)
{
    const struct history_span *span = &history_spans[step];
    int64_t minute_ms = history_spans[HISTORY_MINUTE].step_ms;
    int64_t begun = floor_to(floor_to(now_ms, minute_ms) + minute_ms, span->step_ms);

    for (unsigned back = span->back; back > 0; back--) {
        int64_t from = begun - (int64_t)back * span->step_ms, to = from + span->step_ms;
        int there = has_rows(txn, step, from, to, err), finer = 0;
        if (there == 0)
            finer = has_rows(txn, step - 1, from, to, err);
        if (there == -1 || finer == -1)
            return -1;
        if (there == 1 || finer == 0)
            continue;
        if (fold_part(txn, c, &history_box_kind, step, from, 0, err) == -1 ||
            fold_tenants(txn, c, step, from, err) == -1)
            return -1;
    }
    return 0;
}

static int drop_old(struct txn *txn, enum history_step step, int64_t now_ms, struct err *err)
{
    const struct history_span *span = &history_spans[step];
    int64_t before = floor_to(now_ms, span->step_ms) - span->keep_ms;
    const uint8_t lines[] = {span->box_line, span->tenant_line};

    for (size_t i = 0; i < sizeof lines; i++)
        if (series_drop(txn, lines[i], INT64_MIN, before, DROP_TIMES, err) == -1 ||
            series_drop(txn, lines[i], now_ms + AHEAD_MS, INT64_MAX, DROP_TIMES, err) == -1)
            return -1;
    return 0;
}

static int change(struct txn *txn, void *arg, struct err *err)
{
    struct change *c = arg;
    int64_t at = c->minute->at;

    if (write_minute(txn, c, floor_to(at, history_spans[HISTORY_MINUTE].step_ms), err) == -1)
        return -1;
    for (enum history_step step = HISTORY_TEN; step < HISTORY_STEPS; step++)
        if (fold_ended(txn, c, step, at, err) == -1)
            return -1;
    for (enum history_step step = HISTORY_MINUTE; step < HISTORY_STEPS; step++)
        if (drop_old(txn, step, at, err) == -1)
            return -1;
    return 0;
}

/* What stands there goes; a new one takes its place. */
static int make_anew(const char *folder, const char *like, struct err *err)
{
    char above[512], *slash;
    struct stat st, is;

    if (str_copy(above, sizeof above, folder) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", folder);
    if ((slash = strrchr(above, '/')) != NULL)
        *slash = '\0';
    if (file_remove_tree(folder, err) == -1 || file_mkdirs(above, 0755, err) == -1)
        return -1;
    /* An empty folder of the right group, which the new store's folder takes over. */
    if (mkdir(folder, 0700) == 0 && stat(like, &st) == 0 &&
        (stat(folder, &is) == -1 || is.st_gid != st.st_gid) &&
        chown(folder, (uid_t)-1, st.st_gid) == -1)
        log_warning("%s keeps its group", folder);
    return db_create(folder, &history_schema, err);
}

/* Broken so that only a new one helps: what cannot be read as ours. */
static bool is_lost(const struct err *err)
{
    return err->kind == ERR_CORRUPT || err->kind == ERR_PRECONDITION || err->kind == ERR_NOT_FOUND;
}

static int ready(struct history *h, const char *folder, const char *like, struct db **db,
                 struct err *err)
{
    int found = history_db(h, db, err);

    if (found == 1)
        return 0;
    if (found == -1 && !is_lost(err))
        return -1;
    if (found == -1)
        log_warning("the history is made anew: %s", err->text);
    if (make_anew(folder, like, err) == -1)
        return -1;
    return history_db(h, db, err) == 1 ? 0 : -1;
}

static int write_once(struct history *h, const char *folder, const char *like, struct change *c,
                      struct err *err)
{
    struct db *db;

    if (ready(h, folder, like, &db, err) == -1 || db_room(db, err) == -1)
        return -1;
    return db_write(db, change, c, err);
}

int history_write(struct history *h, const char *folder, const char *like,
                  const struct history_minute *minute, struct err *err)
{
    struct change c = {.minute = minute, .sums = calloc(HISTORY_PART, sizeof(struct history_sum))};
    int result;

    if (c.sums == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the history");
    buf_init(&c.rows, SERIES_VALUE_MAX);
    result = write_once(h, folder, like, &c, err);
    if (result == -1 && err->kind == ERR_CORRUPT) { /* broken inside: found only when written */
        log_warning("the history is made anew: %s", err->text);
        if (make_anew(folder, like, err) == 0)
            result = write_once(h, folder, like, &c, err);
    }
    buf_free(&c.rows);
    free(c.sums);
    return result;
}
