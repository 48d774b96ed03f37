/* Quiet hours: local time of the day, in a zone with its changes. Apart because it is arithmetic
 * that is easily wrong, and tested by itself. */
#include "quiet_hours.h"

#include <string.h>

#include "str.h"
#include "zone.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MIN   1440

static int minute_of(const char *text, uint32_t *out)
{
    for (size_t i = 0; i < 5; i++)
        if (i == 2 ? text[i] != ':' : text[i] < '0' || text[i] > '9')
            return -1;
    *out = (uint32_t)((text[0] - '0') * 10 + text[1] - '0') * 60 +
           (uint32_t)((text[3] - '0') * 10 + text[4] - '0');
    return text[3] < '6' && *out < DAY_MIN ? 0 : -1;
}

int quiet_hours_parse(const char *text, struct quiet_hours *quiet, struct err *err)
{
    memset(quiet, 0, sizeof *quiet);
    if (text[0] == '\0')
        return 0;
    if (strlen(text) != 11 || text[5] != '-' || minute_of(text, &quiet->from_minute) != 0 ||
        minute_of(text + 6, &quiet->until_minute) != 0 || quiet->from_minute == quiet->until_minute)
        return err_field(err, "value", "setting_invalid", "\"%s\" is not like 22:00-07:00", text);
    quiet->set = true;
    return 0;
}

int64_t quiet_hours_end(const struct quiet_hours *quiet, const char *zone, int64_t at_ms)
{
    int32_t offset_s = 0, offset_then_s;
    int64_t local_min, end_ms;
    uint32_t minute, left;
    struct err err;

    if (!quiet->set)
        return 0;
    (void)zone_offset(zone, at_ms, &offset_s, &err);
    local_min = (at_ms + (int64_t)offset_s * 1000) / MINUTE_MS;
    minute = (uint32_t)(local_min % DAY_MIN);
    if (quiet->from_minute < quiet->until_minute
            ? minute < quiet->from_minute || minute >= quiet->until_minute
            : minute < quiet->from_minute && minute >= quiet->until_minute)
        return 0;
    left = (quiet->until_minute + DAY_MIN - minute) % DAY_MIN;
    end_ms = (local_min + left) * MINUTE_MS - (int64_t)offset_s * 1000;
    /* the clocks may change within the quiet: what counts is the clock at its end */
    if (zone_offset(zone, end_ms, &offset_then_s, &err) == 0)
        end_ms -= (int64_t)(offset_then_s - offset_s) * 1000;
    return end_ms > at_ms ? end_ms : at_ms + MINUTE_MS;
}
