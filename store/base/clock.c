/* Time: the two clocks and the one text form. Apart so that tests can shift the wall clock in one
 * place and nobody else spells a date. */
#include "clock.h"

#include <errno.h>
#include <stdbool.h>
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

/* ${count} decimal digits of ${n} at ${out}, which moves behind them. */
static char *put_digits(char *out, unsigned n, unsigned count)
{
    for (unsigned i = count; i > 0; n /= 10)
        out[--i] = (char)('0' + n % 10);
    return out + count;
}

/* The civil date of a day counted from 1970-01-01, in the proleptic Gregorian calendar. Years are
 * counted from March, so that the leap day ends one; 400 years are 146097 days. */
static void civil(int64_t day, unsigned *year, unsigned *month, unsigned *mday)
{
    int64_t shifted = day + 719468; /* days since 0000-03-01, never negative from there on */
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    unsigned of_era = (unsigned)(shifted - era * 146097);
    unsigned years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned of_year = of_era - (365 * years + years / 4 - years / 100);
    unsigned from_march = (5 * of_year + 2) / 153;

    *mday = of_year - (153 * from_march + 2) / 5 + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = (unsigned)(era * 400 + (int64_t)years + (*month <= 2 ? 1 : 0));
}

void clock_text(char out[CLOCK_TEXT_SIZE], int64_t ms)
{
    const int64_t first = INT64_C(-62167219200000), last = INT64_C(253402300799999);
    const int64_t day_ms = INT64_C(86400000);
    int64_t day;
    unsigned year, month, mday, rest;
    char *p = out;

    if (ms < first)
        ms = first; /* the year 0000 */
    if (ms > last)
        ms = last; /* the end of 9999: what the text form can say */
    day = (ms >= 0 ? ms : ms - (day_ms - 1)) / day_ms;
    rest = (unsigned)(ms - day * day_ms);
    civil(day, &year, &month, &mday);
    p = put_digits(p, year, 4);
    *p++ = '-';
    p = put_digits(p, month, 2);
    *p++ = '-';
    p = put_digits(p, mday, 2);
    *p++ = 'T';
    p = put_digits(p, rest / 3600000, 2);
    *p++ = ':';
    p = put_digits(p, rest / 60000 % 60, 2);
    *p++ = ':';
    p = put_digits(p, rest / 1000 % 60, 2);
    *p++ = '.';
    p = put_digits(p, rest % 1000, 3);
    *p++ = 'Z';
    *p = '\0';
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
    if ((tm.tm_year = digits(&s, 4)) == -1 || !skip(&s, '-') || (tm.tm_mon = digits(&s, 2)) < 1 ||
        !skip(&s, '-') || (tm.tm_mday = digits(&s, 2)) < 1 || !skip(&s, 'T') ||
        (tm.tm_hour = digits(&s, 2)) == -1 || !skip(&s, ':') || (tm.tm_min = digits(&s, 2)) == -1 ||
        !skip(&s, ':') || (tm.tm_sec = digits(&s, 2)) == -1)
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
