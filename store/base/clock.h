#ifndef SETT_CLOCK_H
#define SETT_CLOCK_H
/* Time. Wall time is what people and providers see, in milliseconds since 1970, UTC; monotonic
 * time is what waits and deadlines are made of. */
#include <stddef.h>
#include <stdint.h>

#define CLOCK_TEXT_SIZE 32

/** clock_wall_ms(): wall time. SETT_CLOCK_OFFSET_S in the environment is added in builds with
 * -DSETT_TEST. */
int64_t clock_wall_ms(void);

/** clock_mono_ms(): milliseconds that only grow. */
int64_t clock_mono_ms(void);

/** clock_text(out, ms): "2026-11-23T02:35:02.123Z". */
void clock_text(char out[CLOCK_TEXT_SIZE], int64_t ms);

/** clock_parse(s, ms): RFC 3339 in UTC ("Z" only, fraction optional). Return 0 or -1. */
int clock_parse(const char *s, int64_t *ms);

/** clock_sleep_ms(ms): sleep on the monotonic clock, through signals. */
void clock_sleep_ms(int64_t ms);

#endif
