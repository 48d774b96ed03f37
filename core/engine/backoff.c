/*
 * The waits between attempts. Apart because the classes and their factors are policy: what passes
 * by itself is asked again soon, what needs a person or a budget is asked again late.
 */
#include "backoff.h"

#include <sodium.h>

/* Multiples of the least wait; a class that is not listed has 1. */
static const struct {
    enum err_kind kind;
    uint32_t factor;
} classes[] = {
    {ERR_RATE, 8},             /* a provider counts our calls: do not add to them */
    {ERR_QUOTA, 20},           /* somebody has to make room */
    {ERR_UNAUTHENTICATED, 20}, /* somebody has to give a new token */
    {ERR_FORBIDDEN, 20},
    {ERR_FULL, 4},
    {ERR_CONFLICT, 2},
    {ERR_TIMEOUT, 2},
    {ERR_INTERNAL, 4},
};

uint32_t backoff_ms(const struct backoff *b, enum err_kind kind, uint32_t attempt,
                    uint32_t retry_after_s)
{
    uint64_t wait_ms = b->min_ms, asked_ms = (uint64_t)retry_after_s * 1000;

    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        if (classes[i].kind == kind)
            wait_ms *= classes[i].factor;
    for (uint32_t i = 1; i < attempt && wait_ms < b->max_ms; i++)
        wait_ms *= 2;
    if (wait_ms > b->max_ms)
        wait_ms = b->max_ms;
    wait_ms = wait_ms / 2 + randombytes_uniform((uint32_t)(wait_ms / 2) + 1);
    if (wait_ms < asked_ms)
        wait_ms = asked_ms + randombytes_uniform((uint32_t)(asked_ms / 10 % UINT32_MAX) + 1);
    return wait_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)wait_ms;
}
