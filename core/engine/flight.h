#ifndef SETT_FLIGHT_H
#define SETT_FLIGHT_H
/* A flight is a job in this worker's hands, from its claim to its end, its wait or its loss. */
#include "backoff.h"
#include "move.h"

/* What all flights of an engine need; constant while it runs. */
struct flight_world {
    struct move_world moves;
    struct outside *outside;
    struct backoff backoff;
    uint32_t short_wait_ms;
    bool (*stopping)(void *arg); /* asked at every commit boundary */
    void *stopping_arg;
};

struct flight {
    struct flight *next, *chain; /* its owner's */
    char id[ID_SIZE];
    int64_t due_ms; /* monotonic; when to go on after FLIGHT_PAUSE */
    bool claimed, begun, check_first, careful, paused;
    int64_t step_ms; /* monotonic time at which the present step was first begun */
    uint32_t store_trouble;
    const struct saga *saga;
    char tenant[64];
    struct job job; /* as committed last, but for attempt */
    struct kv secrets;
    struct buf text; /* what the present step brought from the store */
    struct move_result result;
    bool result_due; /* result is not on the disk yet */
};

enum flight_state {
    FLIGHT_OVER, /* nothing more to do here: ended, waiting in the store, lost, or stopping */
    FLIGHT_PAUSE /* come back at due_ms */
};

/** flight_new(id): a flight for a job not claimed yet, or NULL. Freed with flight_free. */
struct flight *flight_new(const char *id);

/** flight_free(f): free it; its secrets are wiped. NULL is fine. */
void flight_free(struct flight *f);

/** flight_run(w, f): carry the job from commit to commit until it is over or pauses. */
enum flight_state flight_run(const struct flight_world *w, struct flight *f);

#endif
