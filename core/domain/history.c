/*
 * Reading the history. Apart from the worker's writing because front and command line read it, too,
 * and must find the environment that is there now: it may have been made anew under their feet.
 */
#include "history.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "paths.h"
#include "str.h"

#define MINUTE_MS  INT64_C(60000)
#define HOUR_MS    (60 * MINUTE_MS)
#define DAY_MS     (24 * HOUR_MS)
#define RECENT_MS  (5 * MINUTE_MS)
#define FOLDER_MAX (PATHS_SIZE + 16)

const struct history_span history_spans[HISTORY_STEPS] = {
    [HISTORY_MINUTE] = {MINUTE_MS, 2 * HOUR_MS, 1, 5, 0},
    [HISTORY_TEN] = {10 * MINUTE_MS, 2 * DAY_MS, 2, 6, 11},
    [HISTORY_HOUR] = {HOUR_MS, 60 * DAY_MS, 3, 7, 47},
    [HISTORY_DAY] = {DAY_MS, 60 * DAY_MS, 4, 8, 14},
};

const char *const history_range_names[] = {"2h", "2d", "60d", NULL};
const enum history_step history_range_steps[] = {HISTORY_MINUTE, HISTORY_TEN, HISTORY_HOUR};

const struct schema history_schema = {.version = 1};

struct history {
    pthread_mutex_t lock;
    char folder[FOLDER_MAX];
    struct db *db;
    dev_t device;
    ino_t inode;
};

struct history *history_new(const char *folder, struct err *err)
{
    struct history *h = calloc(1, sizeof *h);

    if (h == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the history");
        return NULL;
    }
    (void)pthread_mutex_init(&h->lock, NULL);
    (void)str_copy(h->folder, sizeof h->folder, folder);
    return h;
}

void history_free(struct history *h)
{
    if (h == NULL)
        return;
    (void)pthread_mutex_destroy(&h->lock);
    free(h);
}

int history_db(struct history *h, struct db **db, struct err *err)
{
    char path[FOLDER_MAX + 16];
    struct stat st;
    int result = 1;

    (void)str_format(path, sizeof path, "%s/data.mdb", h->folder);
    if (stat(path, &st) == -1)
        return errno == ENOENT ? 0 : err_sys(err, "history", errno, path);
    (void)pthread_mutex_lock(&h->lock);
    if (h->db == NULL || h->inode != st.st_ino || h->device != st.st_dev) {
        h->db = NULL;
        if (db_open(&h->db, h->folder, &history_schema, err) == -1)
            result = -1;
        h->device = st.st_dev;
        h->inode = st.st_ino;
    }
    *db = h->db;
    (void)pthread_mutex_unlock(&h->lock);
    return result;
}

static int64_t floor_to(int64_t at, int64_t step_ms)
{
    return at - ((at % step_ms) + step_ms) % step_ms;
}

/* A row that cannot be read is a gap, not the end of the chart. */
static int row_get(struct txn *txn, const struct series_key *key, const uint8_t **data, size_t *len,
                   struct err *err)
{
    int got = series_get(txn, key, data, len, err);

    if (got == -1 && err->kind == ERR_CORRUPT && str_equal(err->code, "row_corrupt")) {
        err_clear(err);
        return 0;
    }
    return got;
}

int history_fold(struct txn *txn, const struct history_kind *kind, uint8_t line, uint32_t part,
                 int64_t from, int64_t to, struct history_sum *sums, struct err *err)
{
    struct series_key key = {.line = line, .at = from}, one;
    union {
        struct history_tenant tenant;
        struct history_box box;
    } row;
    const uint8_t *data;
    size_t len;
    int got;

    while ((got = series_next(txn, &key, err)) == 1 && key.at < to) {
        one = (struct series_key){.line = line, .at = key.at, .part = part};
        if ((got = row_get(txn, &one, &data, &len, err)) == -1)
            return -1;
        for (size_t i = 0; got == 1 && i < history_row_count(kind, data, len); i++) {
            history_row_read(kind, data, i, part, &row);
            history_sum_add(kind, &sums[kind->numbered ? row.tenant.number % HISTORY_PART : 0],
                            &row);
        }
        key.at++; /* the next time, whatever parts this one has */
        key.part = 0;
    }
    return got == -1 ? -1 : 0;
}

/* Where points are read from and to. */
struct walk {
    const struct history_kind *kind;
    uint8_t line, minute_line;
    uint64_t number;
    char *out;
    size_t count, most;
};

static void *point_at(const struct walk *w, size_t i)
{
    return w->out + i * w->kind->struct_size;
}

/* The point at ${key}, if what is looked for is in it. Return 1, 0 or -1. */
static int point_read(struct txn *txn, const struct walk *w, const struct series_key *key,
                      void *point, struct err *err)
{
    const uint8_t *data;
    size_t len;
    long i = 0;
    int got = row_get(txn, key, &data, &len, err);

    if (got != 1)
        return got;
    if (w->kind->numbered)
        i = history_row_find(data, len, w->number);
    else if (history_row_count(w->kind, data, len) == 0)
        i = -1;
    if (i == -1)
        return 0;
    history_row_read(w->kind, data, (size_t)i, key->part, point);
    memcpy(point, &key->at, sizeof key->at); /* the first member of both kinds */
    return 1;
}

static int ended_points(struct txn *txn, struct walk *w, int64_t from, int64_t to, int64_t step_ms,
                        struct err *err)
{
    struct series_key key = {.line = w->line,
                             .part = w->kind->numbered ? (uint32_t)(w->number / HISTORY_PART) : 0};
    int got;

    for (key.at = from; key.at < to && w->count < w->most; key.at += step_ms) {
        if ((got = point_read(txn, w, &key, point_at(w, w->count), err)) == -1)
            return -1;
        w->count += (size_t)got;
    }
    return 0;
}

/* The present period from its minutes; a day from its hours first. */
static int open_point(struct txn *txn, struct walk *w, enum history_step step, int64_t now_ms,
                      struct err *err)
{
    int64_t begin = floor_to(now_ms, history_spans[step].step_ms), hour = begin;
    uint32_t part = w->kind->numbered ? (uint32_t)(w->number / HISTORY_PART) : 0;
    size_t place = w->kind->numbered ? w->number % HISTORY_PART : 0;
    struct history_sum *sums = calloc(HISTORY_PART, sizeof *sums);
    void *point = point_at(w, w->count);
    int result = 0;

    if (sums == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the history");
    if (step == HISTORY_DAY) {
        hour = floor_to(now_ms, HOUR_MS);
        result = history_fold(txn, w->kind,
                              w->kind->numbered ? history_spans[HISTORY_HOUR].tenant_line
                                                : history_spans[HISTORY_HOUR].box_line,
                              part, begin, hour, sums, err);
    }
    if (result == 0)
        result = history_fold(txn, w->kind, w->minute_line, part, hour, now_ms, sums, err);
    if (result == 0 && sums[place].any && w->count < w->most) {
        memset(point, 0, w->kind->struct_size);
        history_sum_end(w->kind, &sums[place], point);
        memcpy(point, &begin, sizeof begin);
        if (w->kind->numbered)
            ((struct history_tenant *)point)->number = w->number;
        w->count++;
    }
    free(sums);
    return result;
}

static int points(struct history *h, struct walk *w, enum history_step step, int64_t now_ms,
                  struct err *err)
{
    const struct history_span *span = &history_spans[step];
    int64_t end = floor_to(now_ms, span->step_ms), from;
    struct txn *txn;
    struct db *db;
    int result = history_db(h, &db, err);

    if (result != 1)
        return result;
    if (step == HISTORY_MINUTE)
        end += span->step_ms; /* the minute under way may have been written already */
    from = end - span->keep_ms;
    if (from < end - (int64_t)w->most * span->step_ms)
        from = end - (int64_t)w->most * span->step_ms;
    if (db_read(&txn, db, err) == -1)
        return -1;
    result = ended_points(txn, w, from, end, span->step_ms, err);
    if (result == 0 && step != HISTORY_MINUTE && w->count < w->most)
        result = open_point(txn, w, step, now_ms, err);
    db_read_end(txn);
    return result == -1 ? -1 : (int)w->count;
}

int history_tenant_points(struct history *h, uint64_t number, enum history_step step,
                          int64_t now_ms, struct history_tenant *out, size_t most, struct err *err)
{
    struct walk w = {.kind = &history_tenant_kind,
                     .line = history_spans[step].tenant_line,
                     .minute_line = history_spans[HISTORY_MINUTE].tenant_line,
                     .number = number,
                     .out = (char *)out,
                     .most = most};

    return points(h, &w, step, now_ms, err);
}

int history_box_points(struct history *h, enum history_step step, int64_t now_ms,
                       struct history_box *out, size_t most, struct err *err)
{
    struct walk w = {.kind = &history_box_kind,
                     .line = history_spans[step].box_line,
                     .minute_line = history_spans[HISTORY_MINUTE].box_line,
                     .out = (char *)out,
                     .most = most};

    return points(h, &w, step, now_ms, err);
}

/* The newest minute of the box that is not older than RECENT_MS: when the worker last wrote. */
static int newest(struct txn *txn, int64_t now_ms, int64_t *at, struct err *err)
{
    struct series_key key = {.line = history_spans[HISTORY_MINUTE].box_line,
                             .at = floor_to(now_ms, MINUTE_MS) - RECENT_MS};
    int got, found = 0;

    while ((got = series_next(txn, &key, err)) == 1 && key.at <= now_ms) {
        *at = key.at++;
        found = 1;
    }
    return got == -1 ? -1 : found;
}

static int last(struct history *h, const struct walk *w, int64_t now_ms, struct err *err)
{
    struct series_key key = {.line = w->line,
                             .part = w->kind->numbered ? (uint32_t)(w->number / HISTORY_PART) : 0};
    struct txn *txn;
    struct db *db;
    int got = history_db(h, &db, err);

    if (got != 1)
        return got;
    if (db_read(&txn, db, err) == -1)
        return -1;
    if ((got = newest(txn, now_ms, &key.at, err)) == 1)
        got = point_read(txn, w, &key, w->out, err);
    db_read_end(txn);
    return got;
}

int history_tenant_last(struct history *h, uint64_t number, int64_t now_ms,
                        struct history_tenant *out, struct err *err)
{
    const struct walk w = {.kind = &history_tenant_kind,
                           .line = history_spans[HISTORY_MINUTE].tenant_line,
                           .number = number,
                           .out = (char *)out};

    return last(h, &w, now_ms, err);
}

int history_box_last(struct history *h, int64_t now_ms, struct history_box *out, struct err *err)
{
    const struct walk w = {.kind = &history_box_kind,
                           .line = history_spans[HISTORY_MINUTE].box_line,
                           .out = (char *)out};

    return last(h, &w, now_ms, err);
}

static int visit_all(struct txn *txn, int64_t at,
                     void (*visit)(void *arg, const struct history_tenant *row), void *arg,
                     struct err *err)
{
    struct series_key key = {.line = history_spans[HISTORY_MINUTE].tenant_line, .at = at};
    struct history_tenant row;
    const uint8_t *data;
    size_t len;
    int got;

    while ((got = series_next(txn, &key, err)) == 1 && key.at == at) {
        if ((got = row_get(txn, &key, &data, &len, err)) == -1)
            return -1;
        for (size_t i = 0; got == 1 && i < history_row_count(&history_tenant_kind, data, len);
             i++) {
            history_row_read(&history_tenant_kind, data, i, key.part, &row);
            row.at = at;
            visit(arg, &row);
        }
        key.part++;
    }
    return got == -1 ? -1 : 0;
}

int history_each(struct history *h, int64_t now_ms,
                 void (*visit)(void *arg, const struct history_tenant *row), void *arg,
                 struct err *err)
{
    struct txn *txn;
    struct db *db;
    int64_t at;
    int got = history_db(h, &db, err);

    if (got != 1)
        return got;
    if (db_read(&txn, db, err) == -1)
        return -1;
    if ((got = newest(txn, now_ms, &at, err)) == 1)
        got = visit_all(txn, at, visit, arg, err);
    db_read_end(txn);
    return got == -1 ? -1 : 0;
}

int history_up_millis(const struct history_tenant *row)
{
    uint64_t up = row->healthy + row->degraded, all = up + row->unhealthy + row->unreachable;

    return all == 0 ? -1 : (int)(up * 1000 / all);
}
