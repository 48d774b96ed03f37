/* Looking after customers' domains: who is due, what is seen, and what follows from it. */
#include "domain_watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cond.h"
#include "domain_look.h"
#include "job_start.h"
#include "log.h"
#include "steps_domain.h"
#include "str.h"

#define EACH_MS 1000
#define AT_ONCE 8 /* looks: most of each is waiting for name servers */

struct look {
    struct domain_watch *watch;
    struct domain_terms terms;
    struct domain_seen seen;
    pthread_t thread;
    bool routed, noted;
};

struct domain_watch {
    const struct saga_context *context;
    struct outside *outside;
    uint32_t each_ms;
    pthread_t thread;
    struct pause pause;
    struct look looks[AT_ONCE];
};

/* Those whose time has come first. Return how many, or -1. */
static int next_due(struct domain_watch *w, struct err *err)
{
    struct custom_domain *d = calloc(1, sizeof *d);
    struct txn *txn;
    struct scan scan;
    int got = -1, count = 0;

    if (d == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a domain");
    if (db_read(&txn, w->context->db, err) == 0) {
        if (scan_start(&scan, txn, &custom_domain_table, "due_at", NULL, 0, false, err) == 0)
            while (count < AT_ONCE && (got = scan_next(&scan, d, err)) == 1 &&
                   d->due_at <= txn_time_ms(txn)) {
                got = domain_terms_read(txn, &w->context->conf, d, &w->looks[count].terms, err);
                if (got == -1)
                    break;
                count++;
            }
        db_read_end(txn);
    }
    free(d);
    return got == -1 ? -1 : count;
}

static int note(struct txn *txn, void *arg, struct err *err)
{
    struct look *l = arg;
    const struct conf *conf = &l->watch->context->conf;
    struct custom_domain *d = calloc(1, sizeof *d);
    bool route = false;
    int result;

    l->routed = false;
    if (d == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a domain");
    result = custom_domain_get(txn, l->terms.id, d, err);
    /* While it was looked at somebody may have removed it, or made it another. */
    if (result == 1 && d->due_at != 0) {
        bool same = d->via == l->terms.via && str_equal(d->cf_id, l->terms.cf_id) &&
                    str_equal(d->challenge, l->terms.challenge);
        struct domain_seen nothing = {0};

        result = custom_domain_note(txn, conf, d, same ? &l->seen : &nothing, &route, err);
        if (result == 0 && route && (result = steps_domain_route(txn, NULL, d, err)) == 0) {
            l->routed = true;
            result = custom_domain_put(txn, d, err);
        }
    }
    free(d);
    return result == -1 ? -1 : 0;
}

static void *look_main(void *arg)
{
    struct look *l = arg;
    const struct saga_context *context = l->watch->context;
    struct err err = {0};

    domain_look(context, l->watch->outside, &l->terms, &l->seen);
    l->noted = db_write(context->db, note, l, &err) == 0;
    if (!l->noted)
        log_warning("what was seen of %s cannot be noted: %s", l->terms.name, err.text);
    else if (l->routed)
        job_wake(context->paths.wake_sock);
    return NULL;
}

/* All that are due, some at once. Return whether there may be more. */
static bool look(struct domain_watch *w)
{
    struct err err = {0};
    int due = next_due(w, &err), begun = 0, noted = 0;

    if (due == -1)
        log_warning("customers' domains cannot be looked at: %s", err.text);
    for (; begun < due; begun++) {
        w->looks[begun].watch = w;
        if (pthread_create(&w->looks[begun].thread, NULL, look_main, &w->looks[begun]) != 0)
            break;
    }
    for (int i = 0; i < begun; i++) {
        (void)pthread_join(w->looks[i].thread, NULL);
        noted += w->looks[i].noted;
    }
    return noted == AT_ONCE;
}

static void *watch_main(void *arg)
{
    struct domain_watch *w = arg;
    bool more = false;

    while (pause_for(&w->pause, more ? 0 : (int64_t)w->each_ms))
        more = look(w);
    return NULL;
}

int domain_watch_start(struct domain_watch **out, const struct saga_context *context,
                       struct outside *outside, uint32_t each_ms, struct err *err)
{
    struct domain_watch *w = calloc(1, sizeof *w);
    int rc;

    if (w == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the domains' rounds");
    w->context = context;
    w->outside = outside;
    w->each_ms = each_ms == 0 ? EACH_MS : each_ms;
    pause_init(&w->pause);
    if ((rc = pthread_create(&w->thread, NULL, watch_main, w)) != 0) {
        (void)err_sys(err, "thread", rc, "the thread of the domains' rounds");
        pause_free(&w->pause);
        free(w);
        return -1;
    }
    *out = w;
    return 0;
}

void domain_watch_stop(struct domain_watch *w)
{
    if (w == NULL)
        return;
    pause_end(&w->pause);
    (void)pthread_join(w->thread, NULL);
    pause_free(&w->pause);
    free(w);
}
