/*
 * The life of the rounds: their threads and what each does in turn. Apart from what they do so that
 * the order of things can be read on one page.
 */
#include "health_watch.h"

#include <stdlib.h>
#include <time.h>

#include "clock.h"
#include "cond.h"
#include "watch.h"

/* Wait for the next turn. Return whether to go on. */
static bool rest(struct health_watch *w, int64_t ms)
{
    int64_t until_ms = clock_mono_ms() + ms;

    (void)pthread_mutex_lock(&w->lock);
    while (!atomic_load(&w->stopping) && cond_until(&w->changed, &w->lock, until_ms))
        continue;
    (void)pthread_mutex_unlock(&w->lock);
    return !atomic_load(&w->stopping);
}

static void *keep(void *arg)
{
    struct health_watch *w = arg;

    do {
        watch_list_refresh(w);
        watch_measure(w);
        watch_note(w);
        watch_restart(w);
        watch_minute(w);
        watch_pages(w);
    } while (rest(w, w->set.tick_ms));
    return NULL;
}

static void release(struct health_watch *w)
{
    history_free(w->history);
    free(w->tenants.at);
    free(w->tunnels.at);
    (void)pthread_cond_destroy(&w->changed);
    (void)pthread_mutex_destroy(&w->lock);
    free(w);
}

static void end_threads(struct health_watch *w)
{
    atomic_store(&w->stopping, true);
    (void)pthread_mutex_lock(&w->lock);
    (void)pthread_cond_broadcast(&w->changed);
    (void)pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->asker, NULL);
}

int health_watch_start(struct health_watch **out, const struct saga_context *context,
                       struct outside *outside, uint32_t quick_ms, struct err *err)
{
    struct health_watch *w = calloc(1, sizeof *w);
    int rc;

    if (w == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the health rounds");
    w->context = context;
    w->outside = outside;
    w->quick_ms = quick_ms;
    (void)pthread_mutex_init(&w->lock, NULL);
    cond_init(&w->changed);
    if ((w->history = history_new(context->paths.history, err)) == NULL) {
        release(w);
        return -1;
    }
    watch_list_refresh(w); /* the settings, before anybody goes by them */
    if ((rc = pthread_create(&w->asker, NULL, watch_ask_thread, w)) == 0 &&
        (rc = pthread_create(&w->keeper, NULL, keep, w)) != 0)
        end_threads(w);
    if (rc != 0) {
        (void)err_sys(err, "thread", rc, "the threads of the health rounds");
        release(w);
        return -1;
    }
    *out = w;
    return 0;
}

void health_watch_stop(struct health_watch *w)
{
    if (w == NULL)
        return;
    end_threads(w);
    (void)pthread_join(w->keeper, NULL);
    release(w);
}
