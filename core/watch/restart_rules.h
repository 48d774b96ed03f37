#ifndef SETT_RESTART_RULES_H
#define SETT_RESTART_RULES_H
/*
 * When to restart what does not answer, and when to leave it alone. No clock of its own, no store:
 * counts, times and shares alone.
 */
#include <stdbool.h>
#include <stdint.h>

struct restart_rules {
    bool on;
    uint32_t most;           /* so many restarts … */
    int64_t window_ms;       /* … within so long, then it is given up */
    int64_t wait_ms;         /* between two restarts, doubled each time */
    uint32_t common_percent; /* so large a share failing at once has a cause in common … */
    uint32_t common_least;   /* … if they are at least so many */
};

/* What was tried already; persisted by its owner. */
struct restart_tries {
    uint32_t count;
    int64_t since, last; /* the window's begin and the newest restart, wall; 0: none */
    int64_t given_up_at;
};

enum restart_verdict { RESTART_WAIT, RESTART_NOW, RESTART_GIVE_UP };

/** restart_judge(tries, rules, now_ms): for something that is bad. A window that is over is
 * forgotten, and so is a clock that was ahead. RESTART_GIVE_UP is said once; the caller notes it in
 * given_up_at, and until that is taken back the verdict is to wait. */
enum restart_verdict restart_judge(struct restart_tries *tries, const struct restart_rules *rules,
                                   int64_t now_ms);

/** restart_note(tries, now_ms): that one was begun. */
void restart_note(struct restart_tries *tries, int64_t now_ms);

/** restart_common(rules, bad, all): whether so many failing at once have a cause in common, so that
 * restarting each would only add to it. */
bool restart_common(const struct restart_rules *rules, uint32_t bad, uint32_t all);

#endif
