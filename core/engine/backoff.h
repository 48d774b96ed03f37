#ifndef SETT_BACKOFF_H
#define SETT_BACKOFF_H
/* How long to wait before asking again: doubled with each attempt, jittered, by class of failure.
 */
#include <stdint.h>
#include "err.h"

struct backoff {
    uint32_t min_ms, max_ms; /* of the quickest class; the slower ones start at multiples of min */
};

/** backoff_ms(b, kind, attempt, retry_after_s): the wait before attempt number ${attempt} + 1 after
 * a failure of ${kind}: between half and all of factor(kind) * min * 2^(attempt - 1), at most max,
 * but never less than the other side asked for. */
uint32_t backoff_ms(const struct backoff *b, enum err_kind kind, uint32_t attempt,
                    uint32_t retry_after_s);

#endif
