/* The rules of restarting. Apart from the restarts themselves so that "why was it not restarted?"
 * has one page to read, and tests need no tenants. */
#include "restart_rules.h"

#define DOUBLE_MOST 6

enum restart_verdict restart_judge(struct restart_tries *t, const struct restart_rules *rules,
                                   int64_t now_ms)
{
    int64_t wait_ms = rules->wait_ms;

    if (!rules->on)
        return RESTART_WAIT;
    if (t->since > now_ms || t->last > now_ms || now_ms - t->since >= rules->window_ms)
        *t = (struct restart_tries){.given_up_at = t->given_up_at};
    if (t->given_up_at != 0)
        return RESTART_WAIT;
    for (uint32_t i = 1; i < t->count && i < DOUBLE_MOST; i++)
        wait_ms *= 2;
    if (t->count > 0 && now_ms - t->last < wait_ms)
        return RESTART_WAIT;
    return t->count >= rules->most ? RESTART_GIVE_UP : RESTART_NOW;
}

void restart_note(struct restart_tries *t, int64_t now_ms)
{
    if (t->count == 0)
        t->since = now_ms;
    t->count++;
    t->last = now_ms;
}

bool restart_common(const struct restart_rules *rules, uint32_t bad, uint32_t all)
{
    return bad >= rules->common_least &&
           (uint64_t)bad * 100 >= (uint64_t)all * rules->common_percent;
}
