/*
 * When to look for drift, and what to note of it. Apart from looking and comparing, which know no
 * clock: here a scan is begun, its findings are stored in small bites, and what it did not find any
 * more is settled.
 */
#include "drift_watch.h"

#include <malloc.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "drift_domains.h"
#include "drift_left.h"
#include "drift_rules.h"
#include "log.h"
#include "notice.h"
#include "setting.h"
#include "str.h"

#define LOOK_MS 1000
#define BITE    25 /* findings in one change */
#define SETTLE  100

struct drift_watch {
    const struct saga_context *context;
    struct outside *outside;
    int64_t began_ms;  /* wall: a box that never looked begins at the next time of day */
    uint64_t seen_txn; /* nothing was committed since */
    int64_t looked_ms; /* monotonic */
};

/* What the changes of one scan work on. */
struct note {
    struct drift_scan scan;
    const struct drift_found *found;
    size_t at; /* the first of this bite */
    unsigned kinds;
    int changed;
};

bool drift_watch_due(const char *at, int64_t last_ms, int64_t now_ms)
{
    time_t now = (time_t)(now_ms / 1000);
    struct tm tm;
    uint64_t hour, minute;
    char text[4];
    int64_t when;

    if (strlen(at) != 5 || str_copy_n(text, sizeof text, at, 2) == -1 ||
        str_u64(text[0] == '0' ? text + 1 : text, 0, 23, &hour) == -1 ||
        str_u64(at[3] == '0' ? at + 4 : at + 3, 0, 59, &minute) == -1 ||
        localtime_r(&now, &tm) == NULL)
        return false;
    tm.tm_hour = (int)hour;
    tm.tm_min = (int)minute;
    tm.tm_sec = 0;
    tm.tm_isdst = -1;
    when = (int64_t)mktime(&tm) * 1000;
    if (when > now_ms) { /* not yet today: yesterday's */
        tm.tm_mday--;
        tm.tm_isdst = -1;
        when = (int64_t)mktime(&tm) * 1000;
    }
    return last_ms < when;
}

static int begin(struct txn *txn, void *arg, struct err *err)
{
    struct note *n = arg;

    if (drift_scan_get(txn, &n->scan, err) == -1)
        return -1;
    n->scan.state = DRIFT_SCAN_RUNNING;
    n->scan.number++;
    n->scan.started_at = txn_time_ms(txn);
    n->scan.ended_at = 0;
    n->scan.looked = n->scan.found = 0;
    n->scan.unread[0] = n->scan.held_why[0] = '\0';
    n->scan.held = 0;
    return record_put(txn, &drift_scan_table, &n->scan, err);
}

static int note_bite(struct txn *txn, void *arg, struct err *err)
{
    const struct note *n = arg;

    for (size_t i = n->at; i < n->found->count && i < n->at + BITE; i++) {
        n->found->at[i].scan = n->scan.number;
        if (drift_note(txn, &n->found->at[i], err) == -1)
            return -1;
    }
    return 0;
}

static int settle_bite(struct txn *txn, void *arg, struct err *err)
{
    struct note *n = arg;

    n->changed = drift_settle(txn, n->scan.number, n->kinds, SETTLE, err);
    return n->changed == -1 ? -1 : 0;
}

static int tell(struct txn *txn, int64_t open, struct err *err)
{
    char text[160];

    if (open == 0)
        return notice_clear(txn, "drift.found", NULL, err);
    (void)str_format(text, sizeof text,
                     "%lld things outside are not what the records say: sett drift list",
                     (long long)open);
    return notice_raise(txn, "drift.found", NULL, NOTICE_USUAL, text, err);
}

static int end(struct txn *txn, void *arg, struct err *err)
{
    struct note *n = arg;
    int64_t open = drift_count_open(txn, err);

    if (open == -1)
        return -1;
    n->scan.open = (uint32_t)open;
    n->scan.state = DRIFT_SCAN_IDLE;
    n->scan.ended_at = txn_time_ms(txn);
    if (record_put(txn, &drift_scan_table, &n->scan, err) == -1)
        return -1;
    return tell(txn, open, err);
}

/* The kinds of which everything was seen: of these, what was not found is gone. */
static unsigned whole_kinds(const struct drift_actual *a, const struct drift_found *found)
{
    unsigned kinds = 0;

    if (found->full)
        return 0;
    if (a->hands_read)
        kinds |= 1u << DRIFT_FOLDER | 1u << DRIFT_CONNECTOR | 1u << DRIFT_ROUTE;
    if (a->hands_read && !a->runtimes_unread)
        kinds |= 1u << DRIFT_RUNTIME;
    if (a->cloudflare_read)
        kinds |= 1u << DRIFT_TUNNEL;
    if (a->cloudflare_read && found->domains_unread == 0)
        kinds |= 1u << DRIFT_DNS;
    if (a->cloudflare_read && found->rules_unread == 0)
        kinds |= 1u << DRIFT_RULES;
    return kinds;
}

static int note_all(struct note *n, const struct saga_context *c, struct err *err)
{
    for (n->at = 0; n->at < n->found->count; n->at += BITE)
        if (db_write(c->db, note_bite, n, err) == -1)
            return -1;
    do {
        if (db_write(c->db, settle_bite, n, err) == -1)
            return -1;
    } while (n->changed == SETTLE);
    return 0;
}

static int read_box(const struct saga_context *c, char box[ID_SIZE], struct err *err)
{
    struct txn *txn;
    int rc;

    if (db_read(&txn, c->db, err) == -1)
        return -1;
    rc = setting_text(txn, &c->conf, "box.id", box, ID_SIZE, err);
    db_read_end(txn);
    return rc == -1 ? -1 : 0;
}

int drift_watch_scan(const struct saga_context *c, struct outside *outside, struct err *err)
{
    struct drift_actual actual = {0};
    struct drift_found found = {0};
    struct note n = {.found = &found};
    char box[ID_SIZE];
    int rc = -1;

    if (read_box(c, box, err) == -1 || db_write(c->db, begin, &n, err) == -1)
        return -1;
    if (drift_actual_look(&actual, outside, box, err) == 0 &&
        drift_compare(&found, &actual, c->db, err) == 0 &&
        drift_left(&found, &actual, c->db, &n.scan.tunnel_most, err) == 0 &&
        drift_rules(&found, &actual, c->db, outside, err) == 0 &&
        drift_domains(&found, &actual, c->db, outside, err) == 0) {
        n.kinds = whole_kinds(&actual, &found);
        n.scan.looked = found.looked;
        n.scan.found = (uint32_t)found.count;
        n.scan.held = found.held;
        (void)str_copy(n.scan.held_why, sizeof n.scan.held_why, found.held_why);
        rc = note_all(&n, c, err);
    }
    (void)str_copy(n.scan.unread, sizeof n.scan.unread, rc == -1 ? err->text : actual.unread);
    drift_actual_free(&actual);
    drift_found_free(&found);
    (void)malloc_trim(0); /* it was much, and is not needed before tomorrow */
    if (db_write(c->db, end, &n, rc == -1 ? NULL : err) == -1)
        return -1;
    if (rc == 0)
        log_info("drift: %u compared, %u held by jobs, %u found, %u open%s%s", n.scan.looked,
                 n.scan.held, n.scan.found, n.scan.open,
                 n.scan.unread[0] == '\0' ? "" : "; not read: ", n.scan.unread);
    return rc;
}

/* Whether a scan is wanted, was cut off, or is due. */
static bool wanted(struct drift_watch *d)
{
    const struct saga_context *c = d->context;
    uint64_t last = db_last_txn(c->db);
    int64_t now = clock_mono_ms();
    struct drift_scan scan;
    struct err err = {0};
    struct txn *txn;
    char at[512];
    bool yes = false;

    if (last == d->seen_txn && now - d->looked_ms < 20 * LOOK_MS)
        return false;
    d->seen_txn = last;
    d->looked_ms = now;
    if (db_read(&txn, c->db, &err) == -1)
        return false;
    if (drift_scan_get(txn, &scan, &err) == 0 &&
        setting_text(txn, &c->conf, "drift.at", at, sizeof at, &err) != -1)
        yes = scan.state != DRIFT_SCAN_IDLE ||
              drift_watch_due(at, scan.started_at == 0 ? d->began_ms : scan.started_at,
                              clock_wall_ms());
    else
        log_warning("drift: %s", err.text);
    db_read_end(txn);
    return yes;
}

static void *watch_main(void *arg)
{
    struct drift_watch *d = arg;
    struct err err = {0};

    for (;;) {
        clock_sleep_ms(LOOK_MS);
        if (wanted(d) && drift_watch_scan(d->context, d->outside, &err) == -1)
            log_warning("drift: the scan has failed: %s", err.text);
    }
    return NULL;
}

int drift_watch_start(const struct saga_context *context, struct outside *outside, struct err *err)
{
    struct drift_watch *d = calloc(1, sizeof *d); /* the thread's, for ever */
    pthread_t thread;
    int rc;

    if (d == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to look for drift");
    d->context = context;
    d->outside = outside;
    d->began_ms = clock_wall_ms();
    if ((rc = pthread_create(&thread, NULL, watch_main, d)) != 0) {
        free(d);
        return err_sys(err, "thread", rc, "the thread that looks for drift");
    }
    (void)pthread_detach(thread);
    return 0;
}
