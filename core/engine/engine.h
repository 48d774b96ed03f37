#ifndef SETT_ENGINE_H
#define SETT_ENGINE_H
/*
 * The engine: a scheduler and a pool of threads that carry jobs from commit to commit. It commits
 * the intent of a step, calls out with no transaction open, then commits result, facts and next
 * state together. After a crash a step whose intent stands without a result is checked first.
 */
#include "step.h"
#include "vault.h"

struct engine;

struct engine_setup {
    struct db *db;
    const struct saga *const *sagas;
    size_t saga_count;
    struct outside *outside;
    void *context;             /* handed to the store's side of steps */
    const struct vault *vault; /* seals and opens step secrets; NULL: no step may have any */
    const char *wake_sock;     /* datagrams arrive here; "" for none */
    unsigned threads;          /* 0: 16 */
    uint32_t backoff_min_ms, backoff_max_ms; /* 0: 500, 300000 */
    uint32_t short_wait_ms; /* an AGAIN below this is waited for without a commit; 0: 2000 */
    /* Which jobs may be taken up now, by the name of their saga; NULL: all. On the scheduler's
     * thread; given tick_context. */
    bool (*may)(void *tick_context, const char *saga);
    void (*tick)(void *tick_context); /* about once a second, on the scheduler's thread; or NULL */
    void *tick_context;
};

/** engine_start(e, setup, err): resume what a former worker left and go on. Return 0 or -1. */
int engine_start(struct engine **e, const struct engine_setup *setup, struct err *err);

/** engine_wake(e): look at the store now. */
void engine_wake(struct engine *e);

/** engine_stop(e): no new steps; wait for those under way to reach their next commit, at most
 * ${wait_ms}; then free. */
void engine_stop(struct engine *e, int wait_ms);

/** engine_alive(e): a number that grows while the scheduler's loop turns (for the watchdog). */
uint64_t engine_alive(const struct engine *e);

#endif
