/*
 * The clock's own work. Apart from the engine, which knows jobs and no tenants: here time becomes
 * jobs, in small bites, so that a box that slept for a week catches up without holding anybody up.
 */
#include "schedule_tick.h"

#include "auth.h"
#include "billing.h"
#include "clock.h"
#include "idempotency.h"
#include "job.h"
#include "log.h"
#include "name.h"
#include "str.h"

#include <string.h>

#define BITE             50
#define BILLING_EVERY_MS 10000 /* and whenever something was committed */
#define PRUNE_EVERY_MS   60000
#define ALARM_EVERY_MS   60000

struct bite {
    const struct saga_context *context;
    bool wake;
    int done;
};

static int bill(struct txn *txn, void *arg, struct err *err)
{
    struct bite *b = arg;

    b->wake = false;
    b->done = billing_tick(txn, &b->context->conf, BITE, &b->wake, err);
    return b->done == -1 ? -1 : 0;
}

/* Names whose rest is over are free whether or not their record is there; it goes all the same. One
 * that an order holds beyond its expiry is the billing's to give back. */
static int prune_names(struct txn *txn, struct err *err)
{
    struct name rested[BITE], name = {0};
    struct scan scan;
    int got, count = 0;

    if (scan_start(&scan, txn, &name_table, "until", NULL, 0, false, err) == -1)
        return -1;
    while (count < BITE && (got = scan_next(&scan, &name, err)) != 0) {
        if (got == -1)
            return -1;
        if (name.until > txn_time_ms(txn))
            break;
        if (name.state == NAME_RESTING)
            rested[count++] = name;
    }
    for (int i = 0; i < count; i++)
        if (record_delete(txn, &name_table, &rested[i], err) == -1)
            return -1;
    return count;
}

int schedule_prune(struct txn *txn, unsigned most, struct err *err)
{
    int sessions = auth_sessions_prune(txn, most, err), answers, names;

    if (sessions == -1 || (answers = idempotency_prune(txn, most, err)) == -1 ||
        (names = prune_names(txn, err)) == -1)
        return -1;
    return sessions + answers + names;
}

static int prune(struct txn *txn, void *arg, struct err *err)
{
    struct bite *b = arg;

    b->done = schedule_prune(txn, BITE, err);
    return b->done == -1 ? -1 : 0;
}

static bool billing_is_due(const struct saga_context *context)
{
    struct err err = {0};
    struct txn *txn;
    int due;

    if (db_read(&txn, context->db, &err) == -1)
        return false;
    if ((due = billing_due(txn, &context->conf, &err)) == -1)
        log_error("cannot look at what is due: %s", err.text);
    db_read_end(txn);
    return due == 1;
}

static void tick_billing(struct schedule_tick *t, bool *wake)
{
    struct bite b = {.context = t->context};
    struct err err = {0};
    uint64_t last = db_last_txn(t->context->db);
    int64_t now_ms = clock_mono_ms();

    if (last == t->seen_txn && now_ms - t->billing_ms < BILLING_EVERY_MS)
        return;
    t->seen_txn = last;
    t->billing_ms = now_ms;
    if (!billing_is_due(t->context))
        return;
    if (db_write(t->context->db, bill, &b, &err) == -1) {
        log_error("cannot do what is due: %s", err.text);
        return;
    }
    if (b.done == BITE)
        t->billing_ms = 0; /* there is more */
    *wake = *wake || b.wake;
}

static void tick_prune(struct schedule_tick *t)
{
    struct bite b = {.context = t->context};
    struct err err = {0};
    int64_t now_ms = clock_mono_ms();

    if (now_ms - t->prune_ms < PRUNE_EVERY_MS)
        return;
    t->prune_ms = now_ms;
    if (db_write(t->context->db, prune, &b, &err) == -1)
        log_warning("cannot clear away what is over: %s", err.text);
    else if (b.done >= BITE)
        t->prune_ms = 0; /* there is more */
}

/* Say how many jobs wait for a person, when that number changes. */
static void tick_alarm(struct schedule_tick *t)
{
    struct err err = {0};
    struct txn *txn;
    struct scan scan;
    struct job *job;
    int64_t stuck = 0, now_ms = clock_mono_ms();

    if (now_ms - t->alarm_ms < ALARM_EVERY_MS)
        return;
    t->alarm_ms = now_ms;
    if ((job = calloc(1, sizeof *job)) == NULL)
        return;
    job->state = JOB_STUCK;
    if (db_read(&txn, t->context->db, &err) == 0) {
        if (scan_start(&scan, txn, &job_table, "state", job, 1, false, &err) == 0)
            while (stuck < 1000 && scan_next(&scan, job, &err) == 1)
                stuck++;
        db_read_end(txn);
    }
    free(job);
    if (stuck != t->stuck && stuck > 0)
        log_warning("%lld jobs are stuck: sett job list --state stuck", (long long)stuck);
    t->stuck = stuck;
}

void schedule_tick(struct schedule_tick *t, bool *wake)
{
    tick_billing(t, wake);
    tick_prune(t);
    tick_alarm(t);
}
