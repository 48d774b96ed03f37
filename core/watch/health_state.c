/*
 * The rules of health. Apart from the rounds so that they can be read and tested without a network:
 * whether an operator is woken at night is decided here.
 */
#include "health_state.h"

static unsigned count_bits(uint32_t bits)
{
    return (unsigned)__builtin_popcount(bits);
}

static void forget(struct health_aspect *a)
{
    a->bad = a->missing = 0;
}

static void note_good(struct health_aspect *a, const struct health_rules *rules)
{
    a->good_run++;
    if (a->state == HEALTH_UNKNOWN || a->good_run >= rules->good_after) {
        if (a->state != HEALTH_HEALTHY)
            forget(a);
        a->state = HEALTH_HEALTHY;
    } else if (health_is_bad(a->state)) {
        a->state = HEALTH_DEGRADED;
    }
}

static void note_bad(struct health_aspect *a, const struct health_rules *rules)
{
    unsigned bad = count_bits(a->bad), missing = count_bits(a->missing);

    a->good_run = 0;
    if (bad >= rules->bad_after)
        a->state = missing * 2 > bad ? HEALTH_UNREACHABLE : HEALTH_UNHEALTHY;
    else if (bad >= rules->degraded_after && !health_is_bad(a->state))
        a->state = HEALTH_DEGRADED;
}

bool health_note(struct health_aspect *a, const struct health_rules *rules,
                 enum health_answer answer)
{
    uint32_t mask = (UINT32_C(1) << rules->window) - 1, before = a->state;

    a->bad = (a->bad << 1 | (answer != HEALTH_GOOD)) & mask;
    a->missing = (a->missing << 1 | (answer == HEALTH_MISSING)) & mask;
    if (answer == HEALTH_GOOD)
        note_good(a, rules);
    else
        note_bad(a, rules);
    return a->state != before;
}

bool health_is_bad(uint32_t state)
{
    return state == HEALTH_UNHEALTHY || state == HEALTH_UNREACHABLE;
}

uint32_t health_whole(uint32_t program, uint32_t connector, uint32_t outside)
{
    if (health_is_bad(program))
        return program;
    if (health_is_bad(connector))
        return HEALTH_UNREACHABLE;
    if (health_is_bad(outside))
        return outside;
    if (program == HEALTH_DEGRADED || connector == HEALTH_DEGRADED || outside == HEALTH_DEGRADED)
        return HEALTH_DEGRADED;
    return program;
}
