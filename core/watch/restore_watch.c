/*
 * The time between a restore and its resumption. Apart from the engine, which only hears whether it
 * may: here is what must be known before it may again.
 */
#include "restore_watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "events_read.h"
#include "log.h"
#include "restore_record.h"
#include "str.h"
#include "tenant.h"

#define LOOK_MS  500
#define AGAIN_MS 30000 /* after Stripe could not be read */
#define EARLY_MS 60000 /* what was under way when the snapshot was made */

struct restore_watch {
    const struct saga_context *context;
    struct outside *outside;
    int64_t again_ms; /* monotonic */
    uint32_t events;
    bool raised;
};

/* Return 1, 0 or -1. */
static int paused(const struct saga_context *c, struct restore_record *record)
{
    struct err err = {0};
    struct txn *txn;
    int got;

    if (db_read(&txn, c->db, &err) == -1)
        return -1;
    got = restore_paused(txn, record, &err);
    db_read_end(txn);
    return got;
}

bool restore_watch_paused(const struct saga_context *context)
{
    struct restore_record record = {0};

    return paused(context, &record) == 1;
}

bool restore_watch_may(const char *saga)
{
    return str_starts(saga, "drift.") || str_equal(saga, "database.restore");
}

/* ---- Stripe ---- */

/* Return 1 read, 0 not needed, -1. */
static int read_events(struct restore_watch *w, const struct restore_record *record,
                       struct err *err)
{
    return events_read(w->context, w->outside, record->snapshot_at - EARLY_MS, "restore",
                       &w->events, err);
}

/* ---- what becomes of the record ---- */

struct judge {
    char id[ID_SIZE];
    uint32_t events, started;
    bool events_read, over;
    char problem[240];
};

static int note_events(struct txn *txn, void *arg, struct err *err)
{
    const struct judge *j = arg;
    struct restore_record record = {0};

    (void)str_copy(record.id, sizeof record.id, j->id);
    if (record_get(txn, &restore_table, &record, err) != 1)
        return -1;
    record.events_read = j->events_read;
    record.events = j->events;
    (void)str_copy(record.problem, sizeof record.problem, j->problem);
    return restore_put(txn, &record, err);
}

/* The findings as they are: how many need a person. -1 on error. */
static int64_t serious(struct txn *txn, struct err *err)
{
    struct drift item = {.state = DRIFT_OPEN};
    struct scan scan;
    int64_t count = 0;
    int got;

    if (scan_start(&scan, txn, &drift_table, "state", &item, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &item, err)) == 1)
        count += !restore_harmless(&item);
    return got == -1 ? -1 : count;
}

/* Whether what could not be looked at is of any concern: an engine that no tenant uses is not. */
static int matters(struct txn *txn, const char *unread, struct err *err)
{
    struct tenant tenant = {0};
    size_t len = strcspn(unread, ":");
    struct scan scan;
    int got;

    if (unread[0] == '\0' || strstr(unread, "; ") != NULL ||
        strcspn(unread, " ") < len) /* "this machine", or several */
        return unread[0] != '\0';
    if (unread[0] < 'a') /* a provider's name, where runtimes are in small letters */
        return 1;
    if (scan_start(&scan, txn, &tenant_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &tenant, err)) == 1)
        if (tenant.state != TENANT_DELETED && strlen(tenant.runtime) == len &&
            strncmp(tenant.runtime, unread, len) == 0)
            return 1;
    return got;
}

static int judge(struct txn *txn, void *arg, struct err *err)
{
    struct judge *j = arg;
    struct restore_record record = {0};
    struct restore_databases databases;
    struct drift_scan scan;
    int64_t count;
    int unread;

    (void)str_copy(record.id, sizeof record.id, j->id);
    j->over = false;
    if (record_get(txn, &restore_table, &record, err) != 1 ||
        drift_scan_get(txn, &scan, err) == -1 || restore_raise(txn, err) == -1 ||
        (count = serious(txn, err)) == -1 || (unread = matters(txn, scan.unread, err)) == -1)
        return -1;
    record.problem[0] = '\0';
    if (restore_databases(txn, &databases, err) == -1)
        return -1;
    if (databases.stuck > 0)
        (void)str_format(record.problem, sizeof record.problem,
                         "%u databases could not be put back: sett job list --state stuck",
                         databases.stuck);
    else if (unread == 1)
        (void)str_format(record.problem, sizeof record.problem, "could not be looked at: %.180s",
                         scan.unread);
    else if (count > 0)
        (void)str_format(record.problem, sizeof record.problem,
                         "%lld things outside need a decision: sett drift list", (long long)count);
    if (record.problem[0] != '\0' || !record.auto_resume)
        return restore_put(txn, &record, err);
    j->over = true;
    return restore_resume(txn, &record, "worker", &j->started, err);
}

/* Whether the look at what is outside has ended, and no database is on its way back. */
static bool looked(const struct saga_context *c, const struct restore_record *record)
{
    struct restore_databases databases;
    struct drift_scan scan = {0};
    struct err err = {0};
    struct txn *txn;
    bool yes = false;

    if (db_read(&txn, c->db, &err) == -1)
        return false;
    yes = drift_scan_get(txn, &scan, &err) == 0 && scan.state == DRIFT_SCAN_IDLE &&
          scan.number > record->scan && restore_databases(txn, &databases, &err) == 0 &&
          databases.waiting == 0;
    db_read_end(txn);
    return yes;
}

static void turn(struct restore_watch *w, const struct restore_record *record)
{
    struct judge j = {.events_read = true};
    struct err err = {0};

    (void)str_copy(j.id, sizeof j.id, record->id);
    if (!record->events_read) {
        if (clock_mono_ms() < w->again_ms)
            return;
        if (read_events(w, record, &err) == -1) {
            w->again_ms = clock_mono_ms() + AGAIN_MS;
            j.events_read = false;
            (void)str_format(j.problem, sizeof j.problem, "Stripe's events: %.200s", err.text);
        }
        j.events = w->events;
        if (db_write(w->context->db, note_events, &j, &err) == -1)
            log_warning("restore: %s", err.text);
        return;
    }
    if (w->raised || !looked(w->context, record))
        return;
    w->raised = true;
    if (db_write(w->context->db, judge, &j, &err) == -1) {
        log_warning("restore: %s", err.text);
        w->raised = false;
    } else
        log_info("restore: what is outside was looked at%s",
                 j.over ? "; going on" : "; waiting for: sett restore resume");
}

static void *watch_main(void *arg)
{
    struct restore_watch *w = arg;
    struct restore_record record = {0};

    while (paused(w->context, &record) != 0) {
        if (record.id[0] != '\0')
            turn(w, &record);
        clock_sleep_ms(LOOK_MS);
    }
    return NULL;
}

int restore_watch_start(const struct saga_context *context, struct outside *outside,
                        struct err *err)
{
    struct restore_watch *w = calloc(1, sizeof *w); /* the thread's, for ever */
    pthread_t thread;
    int rc;

    if (w == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to watch over a restore");
    w->context = context;
    w->outside = outside;
    if ((rc = pthread_create(&thread, NULL, watch_main, w)) != 0) {
        free(w);
        return err_sys(err, "thread", rc, "the thread that watches over a restore");
    }
    (void)pthread_detach(thread);
    return 0;
}
