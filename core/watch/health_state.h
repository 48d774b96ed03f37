#ifndef SETT_HEALTH_STATE_H
#define SETT_HEALTH_STATE_H
/*
 * From answers to a state, so that one blip is no alarm and one good answer is no all-clear. No
 * clock, no store, no network: rules and counts alone.
 *
 *   of the last M answers (health.window, 5)      the state becomes
 *   N bad or missing (health.degraded_after, 2)   degraded
 *   N bad or missing (health.bad_after, 3)        unhealthy; unreachable when most of them are
 *                                                 missing
 *   one good, when it was unhealthy, unreachable  degraded
 *   K good in a row (health.good_after, 2)        healthy, and what was before is forgotten
 *   one good, when nothing was known              healthy
 */
#include <stdbool.h>
#include <stdint.h>
#include "tenant.h"

#define HEALTH_WINDOW_MAX 16

struct health_rules {
    uint32_t window, degraded_after, bad_after, good_after;
};

enum health_answer {
    HEALTH_GOOD,
    HEALTH_BAD,    /* an answer, but not a good one */
    HEALTH_MISSING /* none */
};

/* One thing that is asked again and again. Begins as zero. */
struct health_aspect {
    uint32_t state;        /* enum tenant_health */
    uint32_t bad, missing; /* the last answers, newest in bit 0; missing ones are bad, too */
    uint32_t good_run;
};

/** health_note(aspect, rules, answer): take one answer in. Return whether the state changed. */
bool health_note(struct health_aspect *aspect, const struct health_rules *rules,
                 enum health_answer answer);

/** health_is_bad(state): unhealthy or unreachable. */
bool health_is_bad(uint32_t state);

/** health_whole(program, connector, outside): the tenant's state from those of its parts, each
 * unknown if it is not looked at. A program that does not answer decides; one that does and cannot
 * be reached from outside is unreachable (unhealthy, when the front door answers with errors);
 * anything degraded makes the whole degraded. */
uint32_t health_whole(uint32_t program, uint32_t connector, uint32_t outside);

#endif
