/* The rounds of alerts. Apart from what they do, so that each of those can be tested without a
 * thread and without waiting. */
#include "alert_watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "alert_stock.h"
#include "alert_tell.h"
#include "ballast.h"
#include "clock.h"
#include "cond.h"
#include "crash.h"
#include "keep.h"
#include "log.h"
#include "mailing.h"
#include "post.h"
#include "reminders.h"
#include "setting.h"
#include "web_watch.h"

#define TELL_MS    1000
#define PRUNE_MS   60000
#define PRUNE_BITE 50

struct alert_watch {
    const struct saga_context *context;
    struct alert_tell tell;
    struct alert_stock stock;
    int64_t stock_ms; /* monotonic: when stock was last taken */
    pthread_t thread;
    struct pause pause;
    uint64_t seen_txn; /* no mailing was open at that state of the store */
    struct web_watch web;
    int64_t pruned_ms; /* monotonic */
};

struct pruning {
    const struct alert_watch *watch;
    int done;
};

static int prune(struct txn *txn, void *arg, struct err *err)
{
    struct pruning *p = arg;

    p->done = keep_prune(txn, &p->watch->context->conf, PRUNE_BITE, err);
    return p->done == -1 ? -1 : 0;
}

static int remind(struct txn *txn, void *arg, struct err *err)
{
    int *done = arg;

    *done = reminders_send(txn, PRUNE_BITE, err);
    return *done < 0 ? -1 : 0;
}

/* Whether a customer must be reminded of something; looked at before a writer is asked for. */
static bool must_remind(struct alert_watch *w)
{
    struct err err = {0};
    struct txn *txn;
    int due;

    if (db_read(&txn, w->context->db, &err) != 0)
        return false;
    if ((due = reminders_due(txn, &err)) < 0)
        log_error("cannot look for whom to remind: %s", err.text);
    db_read_end(txn);
    return due == 1;
}

static void send_reminders(struct alert_watch *w)
{
    struct err err = {0};
    int done = PRUNE_BITE;

    while (done == PRUNE_BITE && must_remind(w))
        if (db_write(w->context->db, remind, &done, &err) != 0) {
            log_error("reminders cannot be queued: %s", err.text);
            return;
        }
}

static int expand(struct txn *txn, void *arg, struct err *err)
{
    int *done = arg;

    *done = mailing_expand(txn, PRUNE_BITE, err);
    return *done < 0 ? -1 : 0;
}

/* Letters to many, bite by bite, whenever something was committed. */
static void expand_mailings(struct alert_watch *w)
{
    uint64_t last = db_last_txn(w->context->db);
    struct mailing *m = malloc(sizeof *m);
    struct err err = {0};
    struct txn *txn;
    int open = 0, done = 1;

    if (m != NULL && last != w->seen_txn && db_read(&txn, w->context->db, &err) == 0) {
        open = mailing_open(txn, m, &err);
        db_read_end(txn);
    }
    free(m);
    w->seen_txn = last;
    while (open == 1 && done > 0) {
        if (db_write(w->context->db, expand, &done, &err) != 0) {
            log_error("a mailing cannot go on: %s", err.text);
            w->seen_txn = 0;
            return;
        }
        CP("mailing.bite");
    }
}

/* The seconds between two looks, as they are set now. */
static int64_t round_ms(struct alert_watch *w)
{
    struct txn *txn;
    struct err err;
    uint64_t seconds;

    if (db_read(&txn, w->context->db, &err) != 0)
        return PRUNE_MS;
    seconds = setting_u64(txn, &w->context->conf, "alerts.round_s");
    db_read_end(txn);
    return (int64_t)seconds * 1000;
}

static void take_stock(struct alert_watch *w)
{
    struct err err = {0};

    if (w->stock_ms != 0 && clock_mono_ms() - w->stock_ms < round_ms(w))
        return;
    w->stock_ms = clock_mono_ms();
    if (alert_stock_round(&w->stock, &err) < 0)
        log_error("what is wrong cannot be looked at: %s", err.text);
}

static void tell(struct alert_watch *w)
{
    struct err err = {0};
    int done = ALERT_BITE;

    while (done == ALERT_BITE && alert_due(&w->tell))
        if ((done = alert_tell(&w->tell, &err)) < 0)
            log_error("alerts cannot be told: %s", err.text);
}

static void keep_ballast(struct alert_watch *w)
{
    struct txn *txn;
    struct err err;
    uint64_t mib;

    if (db_read(&txn, w->context->db, &err) != 0)
        return;
    mib = setting_u64(txn, &w->context->conf, "store.ballast_mib");
    db_read_end(txn);
    if (ballast_keep(w->context->paths.ballast, mib << 20, &err) < 0)
        log_warning("there is no ballast: %s", err.text);
}

static void drop_former_key(struct alert_watch *w)
{
    struct err err;

    if (web_key_forget(w->context->paths.keys, false, &err) == -1)
        log_warning("the former web.key stays: %s", err.text);
}

static void ask_web_server(struct alert_watch *w)
{
    struct err err;

    if (web_watch_look(&w->web, w->context, clock_mono_ms(), &err) == -1)
        log_warning("the web server's configuration cannot be looked after: %s", err.text);
}

static void each_minute(struct alert_watch *w)
{
    int64_t now_ms = clock_mono_ms();
    struct pruning p = {.watch = w};
    struct err err = {0};

    if (now_ms - w->pruned_ms < PRUNE_MS)
        return;
    w->pruned_ms = now_ms;
    send_reminders(w);
    keep_ballast(w);
    drop_former_key(w);
    if (db_write(w->context->db, prune, &p, &err) != 0)
        log_warning("old records cannot be cleared away: %s", err.text);
    else if (p.done >= PRUNE_BITE)
        w->pruned_ms = now_ms - PRUNE_MS + TELL_MS; /* there is more */
}

static void *watch_main(void *arg)
{
    struct alert_watch *w = arg;

    while (pause_for(&w->pause, TELL_MS)) {
        take_stock(w);
        tell(w);
        expand_mailings(w);
        ask_web_server(w);
        each_minute(w);
    }
    return NULL;
}

int alert_watch_start(struct alert_watch **out, const struct saga_context *context, struct err *err)
{
    struct alert_watch *w = calloc(1, sizeof *w);
    int rc;

    if (w == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the alerts");
    w->context = w->tell.context = context;
    if (alert_stock_init(&w->stock, context, err) != 0) {
        free(w);
        return -1;
    }
    w->pruned_ms = clock_mono_ms();
    pause_init(&w->pause);
    if ((rc = pthread_create(&w->thread, NULL, watch_main, w)) != 0) {
        (void)err_sys(err, "thread", rc, "the thread of the alerts");
        alert_stock_free(&w->stock);
        pause_free(&w->pause);
        free(w);
        return -1;
    }
    *out = w;
    return 0;
}

void alert_watch_stop(struct alert_watch *w)
{
    if (w == NULL)
        return;
    pause_end(&w->pause);
    (void)pthread_join(w->thread, NULL);
    pause_free(&w->pause);
    alert_stock_free(&w->stock);
    free(w);
}
