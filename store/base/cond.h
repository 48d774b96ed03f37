#ifndef SETT_COND_H
#define SETT_COND_H
/* Waiting for something by the monotonic clock: a wall clock that is set shortens no wait and makes
 * none longer. */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/** cond_init(cond): a condition for cond_until(); pthread_cond_destroy() ends it. */
void cond_init(pthread_cond_t *cond);

/** cond_until(cond, lock, until_ms): wait, ${lock} held, to be woken. Return false once
 * clock_mono_ms() is ${until_ms}. */
bool cond_until(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t until_ms);

/* What a thread that goes its rounds rests on, and what ends it. */
struct pause {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool over;
};

/** pause_init(p): pause_free() when no thread uses it any more. */
void pause_init(struct pause *p);

/** pause_free(p): end it. */
void pause_free(struct pause *p);

/** pause_for(p, ms): rest that long, at most until the end. Return whether to go on. */
bool pause_for(struct pause *p, int64_t ms);

/** pause_end(p): no more rounds; may be called from any thread. */
void pause_end(struct pause *p);

#endif
