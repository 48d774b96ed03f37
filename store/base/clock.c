/* Time: the two clocks and the one text form. Apart so that tests can shift the wall clock in one
 * place and nobody else spells a date. */
#include "clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t now_ms(clockid_t which)
{
    struct timespec ts;

    (void)clock_gettime(which, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_wall_ms(void)
{
#ifdef SETT_TEST
    const char *offset = getenv("SETT_CLOCK_OFFSET_S");

    if (offset != NULL)
        return now_ms(CLOCK_REALTIME) + strtoll(offset, NULL, 10) * 1000;
#endif
    return now_ms(CLOCK_REALTIME);
}

int64_t clock_mono_ms(void)
{
    return now_ms(CLOCK_MONOTONIC);
}

void clock_text(char out[CLOCK_TEXT_SIZE], int64_t ms)
{
    const int64_t first = INT64_C(-62167219200000), last = INT64_C(253402300799999);
    int64_t fraction;
    time_t seconds;
    struct tm tm;

    if (ms < first)
        ms = first; /* the year 0000 */
    if (ms > last)
        ms = last; /* the end of 9999: what the text form can say */
    fraction = (ms % 1000 + 1000) % 1000;
    seconds = (time_t)((ms - fraction) / 1000);
    (void)gmtime_r(&seconds, &tm);
    (void)snprintf(out, CLOCK_TEXT_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
                   (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
                   (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
                   (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100, (unsigned)fraction);
}

/* Exactly ${count} digits as a number; *s moves behind them. Return -1 if there are fewer. */
static int digits(const char **s, unsigned count)
{
    int n = 0;

    for (; count > 0; count--) {
        if (**s < '0' || **s > '9')
            return -1;
        n = n * 10 + (*(*s)++ - '0');
    }
    return n;
}

static bool skip(const char **s, char c)
{
    if (**s != c)
        return false;
    (*s)++;
    return true;
}

int clock_parse(const char *s, int64_t *ms)
{
    struct tm tm, again;
    int64_t fraction = 0, unit = 100;
    time_t seconds;

    memset(&tm, 0, sizeof tm);
    if ((tm.tm_year = digits(&s, 4)) == -1 || !skip(&s, '-') ||
        (tm.tm_mon = digits(&s, 2)) < 1 || !skip(&s, '-') || (tm.tm_mday = digits(&s, 2)) < 1 ||
        !skip(&s, 'T') || (tm.tm_hour = digits(&s, 2)) == -1 || !skip(&s, ':') ||
        (tm.tm_min = digits(&s, 2)) == -1 || !skip(&s, ':') || (tm.tm_sec = digits(&s, 2)) == -1)
        return -1;
    if (skip(&s, '.')) {
        if (*s < '0' || *s > '9')
            return -1;
        for (; *s >= '0' && *s <= '9'; s++, unit /= 10)
            fraction += (*s - '0') * unit; /* beyond milliseconds unit is 0 */
    }
    if (!skip(&s, 'Z') || *s != '\0')
        return -1;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    again = tm;
    seconds = timegm(&again); /* puts what is out of range into range: then it differs */
    if (again.tm_year != tm.tm_year || again.tm_mon != tm.tm_mon || again.tm_mday != tm.tm_mday ||
        again.tm_hour != tm.tm_hour || again.tm_min != tm.tm_min || again.tm_sec != tm.tm_sec)
        return -1;
    *ms = (int64_t)seconds * 1000 + fraction;
    return 0;
}

void clock_sleep_ms(int64_t ms)
{
    struct timespec until;

    if (ms <= 0)
        return;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        continue;
}
