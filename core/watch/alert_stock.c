/*
 * Standing queries, and the comparison of what is wrong with what is raised. Apart from the figures
 * because these two ask the store alone.
 */
#include "alert_stock.h"

#include <stdlib.h>
#include <string.h>

#include "alert_rule.h"
#include "clock.h"
#include "event.h"
#include "job.h"
#include "log.h"
#include "notice.h"
#include "str.h"
#include "subscription.h"
#include "tenant.h"

#define EACH_MOST 300
#define BITE      50
#define MINUTE_MS INT64_C(60000)

/* The kinds that are found by looking; ${figures}: only when there are figures. */
static const struct {
    const char *kind;
    bool figures;
} kinds[] = {
    {"subscription.unprovisioned", false},
    {"subscription.flagged", false},
    {"job.stuck", false},
    {"event.failed", false},
    {"box.certificate", false},
    {"box.store", false},
    {"box.cpu", true},
    {"box.memory", true},
    {"box.disk", true},
    {"box.errors", true},
    {"tenant.cpu", true},
    {"tenant.memory", true},
    {"tenant.storage", true},
};

int alert_stock_init(struct alert_stock *s, const struct saga_context *context, struct err *err)
{
    struct err ignored;

    memset(s, 0, sizeof *s);
    s->context = context;
    s->history = history_new(context->paths.history, &ignored);
    s->wants = calloc(STOCK_MOST, sizeof *s->wants);
    if (s->wants != NULL)
        return 0;
    history_free(s->history);
    return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the alerts");
}

void alert_stock_free(struct alert_stock *s)
{
    history_free(s->history);
    free(s->wants);
    s->wants = NULL;
}

void alert_stock_want(struct alert_stock *s, const char *kind, const char *id, const char *text)
{
    struct stock_want *w = &s->wants[s->want_count];

    if (s->want_count == STOCK_MOST)
        return;
    (void)str_copy(w->kind, sizeof w->kind, kind);
    (void)str_copy(w->id, sizeof w->id, id);
    str_cut(w->text, sizeof w->text, text);
    w->raised = false;
    s->want_count++;
}

/* ---- what is asked ---- */

static int stuck_jobs(struct alert_stock *s, struct txn *txn, struct err *err)
{
    struct job *job = calloc(1, sizeof *job);
    struct scan scan;
    char text[600];
    int got = -1;

    if (job == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a job");
    job->state = JOB_STUCK;
    if (scan_start(&scan, txn, &job_table, "state", job, 1, false, err) == 0) {
        got = 0;
        for (int i = 0; i < EACH_MOST && (got = scan_next(&scan, job, err)) == 1; i++) {
            (void)str_format(text, sizeof text, "%s is stuck at %s: %s", job->saga, job->step_name,
                             job->cause);
            alert_stock_want(s, "job.stuck", job->id, text);
        }
    }
    free(job);
    return got < 0 ? -1 : 0;
}

static int failed_events(struct alert_stock *s, struct txn *txn, struct err *err)
{
    struct event event;
    struct scan scan;
    char text[400];
    int got = 0;

    memset(&event, 0, sizeof event);
    event.state = EVENT_FAILED;
    if (scan_start(&scan, txn, &event_table, "state", &event, 1, true, err) != 0)
        return -1;
    for (int i = 0; i < EACH_MOST && (got = scan_next(&scan, &event, err)) == 1; i++) {
        (void)str_format(text, sizeof text, "%s could not be applied: %s", event.type, event.note);
        alert_stock_want(s, "event.failed", event.id, text);
    }
    return got < 0 ? -1 : 0;
}

/* Whether it is paid, wants a running tenant, and has none. Return 1, 0 or -1. */
static int unprovisioned(struct txn *txn, const struct subscription *sub, struct err *err)
{
    struct tenant tenant;
    int found;

    if ((sub->status != SUBSCRIPTION_ACTIVE && sub->status != SUBSCRIPTION_TRIALING) ||
        sub->wanted != SUBSCRIPTION_WANTS_RUNNING)
        return 0;
    memset(&tenant, 0, sizeof tenant);
    (void)str_copy(tenant.id, sizeof tenant.id, sub->tenant_id);
    if (tenant.id[0] == '\0')
        return 1;
    if ((found = record_get(txn, &tenant_table, &tenant, err)) < 0)
        return -1;
    return found == 0 || (tenant.state != TENANT_ACTIVE && tenant.state != TENANT_PAST_DUE);
}

static int look_at_promise(struct alert_stock *s, struct txn *txn, const struct subscription *sub,
                           uint32_t minutes, struct err *err)
{
    int64_t since =
        sub->provisioned && sub->good_at > sub->created_at ? sub->good_at : sub->created_at;
    int64_t age_min = (txn_time_ms(txn) - since) / MINUTE_MS;
    char text[240];
    int broken;

    if (age_min < (int64_t)minutes || (broken = unprovisioned(txn, sub, err)) == 0)
        return 0;
    if (broken < 0)
        return -1;
    for (size_t i = 0; i < s->want_count; i++) /* seen by another index already */
        if (str_equal(s->wants[i].id, sub->id) &&
            str_equal(s->wants[i].kind, "subscription.unprovisioned"))
            return 0;
    (void)str_format(text, sizeof text,
                     "paid since more than %lld minutes, and no tenant runs%s%.120s",
                     (long long)(age_min >= 60 ? age_min / 60 * 60 : age_min / 10 * 10),
                     sub->flag[0] != '\0' ? ": " : "", sub->flag);
    alert_stock_want(s, "subscription.unprovisioned", sub->id, text);
    return 0;
}

/* Those that somebody must look at, and those that still wait for something. */
static int promises(struct alert_stock *s, struct txn *txn, struct err *err)
{
    static const char *const indexes[] = {"flag", "look_at"};
    struct subscription sub;
    struct alert_rule rule;
    struct scan scan;
    int got = 0;

    if (alert_rule_get(txn, "subscription.unprovisioned", &rule, err) != 0)
        return -1;
    for (size_t k = 0; k < sizeof indexes / sizeof indexes[0]; k++) {
        if (scan_start(&scan, txn, &subscription_table, indexes[k], NULL, 0, false, err) != 0)
            return -1;
        for (int i = 0; i < EACH_MOST && (got = scan_next(&scan, &sub, err)) == 1; i++) {
            if (k == 0)
                alert_stock_want(s, "subscription.flagged", sub.id, sub.flag);
            if (look_at_promise(s, txn, &sub, rule.threshold, err) != 0)
                return -1;
        }
        if (got < 0)
            return -1;
    }
    return 0;
}

/* Tenants that are being made, or could not be: their subscriptions wait. */
static int tenants_under_way(struct alert_stock *s, struct txn *txn, struct err *err)
{
    static const uint32_t states[] = {TENANT_PENDING, TENANT_PROVISIONING, TENANT_FAILED};
    struct subscription sub;
    struct alert_rule rule;
    struct tenant tenant;
    struct scan scan;
    int got = 0, found;

    if (alert_rule_get(txn, "subscription.unprovisioned", &rule, err) != 0)
        return -1;
    for (size_t k = 0; k < sizeof states / sizeof states[0]; k++) {
        memset(&tenant, 0, sizeof tenant);
        tenant.state = states[k];
        if (scan_start(&scan, txn, &tenant_table, "state", &tenant, 1, false, err) != 0)
            return -1;
        for (int i = 0; i < EACH_MOST && (got = scan_next(&scan, &tenant, err)) == 1; i++) {
            if (tenant.subscription_id[0] == '\0')
                continue;
            memset(&sub, 0, sizeof sub);
            (void)str_copy(sub.id, sizeof sub.id, tenant.subscription_id);
            if ((found = record_get(txn, &subscription_table, &sub, err)) < 0 ||
                (found == 1 && look_at_promise(s, txn, &sub, rule.threshold, err) != 0))
                return -1;
        }
        if (got < 0)
            return -1;
    }
    return 0;
}

/* ---- what has changed ---- */

struct change {
    char kind[32], id[96];
    const char *text; /* NULL: over */
};

struct changes {
    struct change at[BITE];
    unsigned count;
};

static bool is_ours(const struct alert_stock *s, const char *kind)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (str_equal(kinds[i].kind, kind))
            return s->history_seen || !kinds[i].figures;
    return false;
}

static void add_change(struct changes *c, const char *kind, const char *id, const char *text)
{
    if (c->count == BITE)
        return;
    (void)str_copy(c->at[c->count].kind, sizeof c->at[0].kind, kind);
    (void)str_copy(c->at[c->count].id, sizeof c->at[0].id, id);
    c->at[c->count++].text = text;
}

/* Notices that are raised: still wanted, or over. */
static int compare_raised(struct alert_stock *s, struct txn *txn, struct changes *c,
                          struct err *err)
{
    static const uint32_t states[] = {NOTICE_HOLDING, NOTICE_OPEN, NOTICE_ACKNOWLEDGED};
    struct notice n;
    struct scan scan;
    int got = 0;

    for (size_t k = 0; k < sizeof states / sizeof states[0]; k++) {
        memset(&n, 0, sizeof n);
        n.state = states[k];
        if (scan_start(&scan, txn, &notice_table, "state", &n, 1, false, err) != 0)
            return -1;
        while ((got = scan_next(&scan, &n, err)) == 1) {
            size_t i;

            if (!is_ours(s, n.kind))
                continue;
            for (i = 0; i < s->want_count && (!str_equal(s->wants[i].id, n.subject_id) ||
                                              !str_equal(s->wants[i].kind, n.kind));
                 i++)
                ;
            if (i == s->want_count)
                add_change(c, n.kind, n.subject_id, NULL);
            else
                s->wants[i].raised = str_equal(s->wants[i].text, n.text);
        }
        if (got < 0)
            return -1;
    }
    return 0;
}

static int look(struct alert_stock *s, struct changes *c, struct err *err)
{
    struct txn *txn;
    int result = -1;

    s->want_count = 0;
    s->history_seen = false;
    c->count = 0;
    if (db_read(&txn, s->context->db, err) != 0)
        return -1;
    if (promises(s, txn, err) == 0 && tenants_under_way(s, txn, err) == 0 &&
        stuck_jobs(s, txn, err) == 0 && failed_events(s, txn, err) == 0 &&
        alert_stock_certificates(s, txn, err) == 0 && alert_stock_figures(s, txn, err) == 0 &&
        compare_raised(s, txn, c, err) == 0)
        result = 0;
    db_read_end(txn);
    for (size_t i = 0; result == 0 && i < s->want_count; i++)
        if (!s->wants[i].raised)
            add_change(c, s->wants[i].kind, s->wants[i].id, s->wants[i].text);
    return result;
}

static int apply(struct txn *txn, void *arg, struct err *err)
{
    const struct changes *c = arg;

    for (unsigned i = 0; i < c->count; i++)
        if (c->at[i].text == NULL ? notice_clear(txn, c->at[i].kind, c->at[i].id, err) != 0
                                  : notice_raise(txn, c->at[i].kind, c->at[i].id, NOTICE_USUAL,
                                                 c->at[i].text, err) != 0)
            return -1;
    return 0;
}

int alert_stock_round(struct alert_stock *s, struct err *err)
{
    struct changes changes;
    int written = 0;

    alert_stock_look_at_certificates(s);
    for (int bites = 0; bites <= STOCK_MOST / BITE; bites++) {
        if (look(s, &changes, err) != 0)
            return -1;
        if (changes.count == 0)
            break;
        if (db_write(s->context->db, apply, &changes, err) != 0)
            return -1;
        written += (int)changes.count;
    }
    return written;
}
