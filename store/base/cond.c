/* Conditions on the monotonic clock, and the rest between two rounds. Apart from the clock because
 * these are what threads share. */
#include "cond.h"

#include <time.h>

#include "clock.h"

void cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t monotonic;

    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(cond, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
}

bool cond_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ms)
{
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};

    return pthread_cond_timedwait(cond, lock, &until) == 0;
}

void pause_init(struct pause *p)
{
    p->over = false;
    (void)pthread_mutex_init(&p->lock, NULL);
    cond_init(&p->ended);
}

void pause_free(struct pause *p)
{
    (void)pthread_cond_destroy(&p->ended);
    (void)pthread_mutex_destroy(&p->lock);
}

bool pause_for(struct pause *p, int64_t ms)
{
    int64_t until_ms = clock_mono_ms() + ms;
    bool go_on;

    (void)pthread_mutex_lock(&p->lock);
    while (!p->over && cond_until(&p->ended, &p->lock, until_ms))
        continue;
    go_on = !p->over;
    (void)pthread_mutex_unlock(&p->lock);
    return go_on;
}

void pause_end(struct pause *p)
{
    (void)pthread_mutex_lock(&p->lock);
    p->over = true;
    (void)pthread_cond_broadcast(&p->ended);
    (void)pthread_mutex_unlock(&p->lock);
}
