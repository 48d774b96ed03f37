/* Quotas, looked at without being asked. Apart from the other watchers because a look costs calls
 * of the API, and a quarter of an hour is soon enough. */
#include "quota_watch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cloudflare_quota.h"
#include "log.h"
#include "notice.h"
#include "str.h"

#define FIRST_MS 120000
#define EVERY_MS (15 * 60 * 1000)

struct look {
    struct cloudflare_quota quotas[CLOUDFLARE_QUOTAS];
};

static int note_one(struct txn *txn, const struct cloudflare_quota *q, struct err *err)
{
    uint64_t percent = q->most == 0 ? 0 : q->used * 100 / q->most;
    char text[200];

    if (q->unknown[0] != '\0') /* nothing is concluded from silence */
        return 0;
    if (percent < CLOUDFLARE_QUOTA_WARN)
        return notice_clear(txn, "cloudflare.quota", q->name, err);
    (void)str_format(text, sizeof text, "%llu of %llu %s at Cloudflare are used",
                     (unsigned long long)q->used, (unsigned long long)q->most, q->title);
    return notice_raise(txn, "cloudflare.quota", q->name,
                        percent >= CLOUDFLARE_QUOTA_GRAVE ? NOTICE_CRITICAL : NOTICE_WARNING, text,
                        err);
}

static int note_all(struct txn *txn, void *arg, struct err *err)
{
    const struct look *l = arg;

    for (int of = 0; of < CLOUDFLARE_QUOTAS; of++)
        if (of != CLOUDFLARE_CALLS && note_one(txn, &l->quotas[of], err) == -1)
            return -1;
    return 0;
}

int quota_watch_look(const struct saga_context *context, struct outside *outside, struct err *err)
{
    struct providers *p = outside_use(outside);
    struct look l;
    int result = 0;

    memset(&l, 0, sizeof l);
    if (!p->cloudflare_set) {
        outside_done(outside, p);
        return 0;
    }
    for (int of = 0; result == 0 && of < CLOUDFLARE_QUOTAS; of++)
        result =
            cloudflare_quota_read(&p->cloudflare, (enum cloudflare_quota_of)of, &l.quotas[of], err);
    outside_done(outside, p);
    return result == -1 ? -1 : db_write(context->db, note_all, &l, err);
}

struct quota_watch {
    const struct saga_context *context;
    struct outside *outside;
};

static void *watch_main(void *arg)
{
    const struct quota_watch *w = arg;
    struct err err = {0};

    for (int wait_ms = FIRST_MS;; wait_ms = EVERY_MS) {
        clock_sleep_ms(wait_ms);
        if (quota_watch_look(w->context, w->outside, &err) == -1)
            log_warning("quotas: they cannot be counted: %s", err.text);
    }
    return NULL;
}

int quota_watch_start(const struct saga_context *context, struct outside *outside, struct err *err)
{
    struct quota_watch *w = calloc(1, sizeof *w); /* the thread's, for ever */
    pthread_t thread;
    int rc;

    if (w == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to count quotas");
    w->context = context;
    w->outside = outside;
    if ((rc = pthread_create(&thread, NULL, watch_main, w)) != 0) {
        free(w);
        return err_sys(err, "thread", rc, "the thread that counts quotas");
    }
    (void)pthread_detach(thread);
    return 0;
}
