/*
 * What is kept of snapshots and why. Apart from removing them, so that the whole decision can be
 * shown beforehand and tried on histories that nobody has lived through.
 */
#include "retention.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "setting.h"
#include "str.h"

#define DAY_MS (INT64_C(86400) * 1000)

static int by_number(const void *a, const void *b)
{
    const struct retention_item *x = a, *y = b;

    return x->number < y->number ? -1 : x->number > y->number;
}

/* Those of the box, and of each tenant, beside one another, each by number. */
static int by_scope(const void *a, const void *b)
{
    const struct retention_item *x = a, *y = b;
    int order = strcmp(x->tenant_id, y->tenant_id);

    return order != 0 ? order : by_number(a, b);
}

static void keep(struct retention_item *item, const char *why)
{
    if (item->keep)
        return;
    item->keep = true;
    (void)str_copy(item->reason, sizeof item->reason, why);
}

/* One kind of periods: how many, how one is named in local time, and how that is said. */
struct period {
    uint32_t count;
    size_t (*name)(char *out, size_t size, const struct tm *tm);
    const char *said;
};

static size_t day_of(char *out, size_t size, const struct tm *tm)
{
    return strftime(out, size, "%Y-%m-%d", tm);
}

static size_t week_of(char *out, size_t size, const struct tm *tm)
{
    return strftime(out, size, "%G-W%V", tm);
}

static size_t month_of(char *out, size_t size, const struct tm *tm)
{
    return strftime(out, size, "%Y-%m", tm);
}

/* The newest of each of the newest periods. From the newest on, so the first that is met is it. */
static void keep_periods(struct retention_item *items, size_t count, const struct period *period)
{
    char last[24] = "", name[24], why[64];
    uint32_t left = period->count;

    for (size_t i = count; i-- > 0 && left > 0;) {
        time_t at = (time_t)(items[i].created_at / 1000);
        struct tm tm;
        if (!items[i].verified || localtime_r(&at, &tm) == NULL ||
            period->name(name, sizeof name, &tm) == 0 || str_equal(name, last))
            continue;
        (void)str_copy(last, sizeof last, name);
        (void)str_format(why, sizeof why, "the newest of %s %s", period->said, name);
        keep(&items[i], why);
        left--;
    }
}

/* What no rule may touch: the newest verified ones, and whatever is newer than all of them. */
static void keep_least(struct retention_item *items, size_t count, uint32_t last)
{
    uint32_t verified = 0;
    char why[64];

    for (size_t i = count; i-- > 0;) {
        if (verified == 0 && !items[i].verified)
            keep(&items[i], "there is no newer one that is verified");
        else if (items[i].verified && verified++ < RETENTION_LEAST)
            keep(&items[i], "one of the three newest verified ones");
        else if (items[i].verified && verified <= last) {
            (void)str_format(why, sizeof why, "one of the %u newest verified ones", last);
            keep(&items[i], why);
        }
    }
}

/* Near its end: what a snapshot builds on was made not long before it. */
static struct retention_item *find(struct retention_item *items, size_t count, const char *id)
{
    for (size_t i = count; i-- > 0;)
        if (str_equal(items[i].id, id))
            return &items[i];
    return NULL;
}

/* A file on which a kept one builds is kept. A base is older, so one walk from the newest does. */
static void keep_chains(struct retention_item *items, size_t count)
{
    char why[64];

    for (size_t i = count; i-- > 0;) {
        struct retention_item *base =
            items[i].keep && items[i].base_id[0] != '\0' ? find(items, i, items[i].base_id) : NULL;
        if (base == NULL)
            continue;
        (void)str_format(why, sizeof why, "snapshot %llu builds on it",
                         (unsigned long long)items[i].number);
        keep(base, why);
    }
}

/* Numbers grow and so do times, but for a clock that was set. */
static int check_clock(const struct retention_item *items, size_t count, struct err *err)
{
    int64_t latest = INT64_MIN;

    for (size_t i = 0; i < count; i++) {
        if (i > 0 && items[i].created_at < latest - DAY_MS) {
            (void)err_set(err, ERR_CONFLICT, "clock_jumped",
                          "snapshot %llu was made more than a day before an older one: the clock "
                          "jumped, so nothing is deleted",
                          (unsigned long long)items[i].number);
            return err_hint(err, "sett snapshot list shows the times; is the clock right now?");
        }
        if (items[i].created_at > latest)
            latest = items[i].created_at;
    }
    return 0;
}

/* All of the box, or of one tenant. */
static void keep_scope(struct retention_item *items, size_t count,
                       const struct retention_scope *rules)
{
    const struct period periods[] = {
        {rules->daily, day_of, "the day"},
        {rules->weekly, week_of, "the week"},
        {rules->monthly, month_of, "the month"},
    };

    keep_least(items, count, rules->last);
    for (size_t k = 0; k < sizeof periods / sizeof periods[0]; k++)
        keep_periods(items, count, &periods[k]);
    keep_chains(items, count);
}

int retention_decide(struct retention_item *items, size_t count,
                     const struct retention_rules *rules, struct err *err)
{
    int go = 0;

    if (count > 0)
        qsort(items, count, sizeof *items, by_number);
    for (size_t i = 0; i < count; i++) {
        items[i].keep = false;
        items[i].reason[0] = '\0';
    }
    if (check_clock(items, count, err) == -1) {
        for (size_t i = 0; i < count; i++)
            keep(&items[i], "the clock jumped");
        return -1;
    }
    /* Snapshots build on those of their own scope alone, so each scope is decided by itself. */
    if (count > 0)
        qsort(items, count, sizeof *items, by_scope);
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i + 1; end < count && str_equal(items[end].tenant_id, items[i].tenant_id);)
            end++;
        keep_scope(&items[i], end - i,
                   items[i].tenant_id[0] == '\0' ? &rules->box : &rules->tenant);
    }
    if (count > 0)
        qsort(items, count, sizeof *items, by_number);
    for (size_t i = 0; i < count; i++)
        if (!items[i].keep) {
            (void)str_copy(items[i].reason, sizeof items[i].reason,
                           items[i].verified ? "no rule keeps it" : "newer ones are verified");
            go++;
        }
    return go;
}

void retention_rules_read(struct txn *txn, const struct conf *conf, struct retention_rules *rules)
{
    rules->box = (struct retention_scope){
        .daily = (uint32_t)setting_u64(txn, conf, "snapshot.keep_daily"),
        .weekly = (uint32_t)setting_u64(txn, conf, "snapshot.keep_weekly"),
        .monthly = (uint32_t)setting_u64(txn, conf, "snapshot.keep_monthly"),
        .last = (uint32_t)setting_u64(txn, conf, "snapshot.keep_last")};
    rules->tenant = (struct retention_scope){
        .daily = (uint32_t)setting_u64(txn, conf, "snapshot.tenant_keep_daily"),
        .weekly = (uint32_t)setting_u64(txn, conf, "snapshot.tenant_keep_weekly"),
        .monthly = (uint32_t)setting_u64(txn, conf, "snapshot.tenant_keep_monthly"),
        .last = (uint32_t)setting_u64(txn, conf, "snapshot.tenant_keep_last")};
}

/* Whether some vault has it whole. 1, 0 or -1. */
static int has_copy(struct txn *txn, const char *snapshot_id, struct err *err)
{
    struct snapshot_copy match = {0}, copy;
    struct scan scan;
    int got;

    (void)str_copy(match.snapshot_id, sizeof match.snapshot_id, snapshot_id);
    if (scan_start(&scan, txn, &snapshot_copy_table, NULL, &match, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &copy, err)) == 1)
        if (copy.problem[0] == '\0')
            return 1;
    return got;
}

int retention_read(struct txn *txn, struct retention_item **items, size_t *count, struct err *err)
{
    struct snapshot match = {.state = SNAPSHOT_DONE}, s;
    struct retention_item *list = NULL, *more, *item;
    size_t room = 0, n = 0;
    struct scan scan;
    int got, copy = 0;

    if (scan_start(&scan, txn, &snapshot_table, "state", &match, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &s, err)) == 1) {
        if (n == room) {
            room = room == 0 ? 64 : 2 * room;
            if ((more = reallocarray(list, room, sizeof *list)) == NULL) {
                got = err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for snapshots");
                break;
            }
            list = more;
        }
        if ((copy = has_copy(txn, s.id, err)) == -1) {
            got = -1;
            break;
        }
        item = &list[n++];
        *item = (struct retention_item){.number = s.number,
                                        .bytes = s.bytes,
                                        .created_at = s.created_at,
                                        .verified = s.verified && copy == 1};
        (void)str_copy(item->id, sizeof item->id, s.id);
        (void)str_copy(item->base_id, sizeof item->base_id, s.base_id);
        (void)str_copy(item->tenant_id, sizeof item->tenant_id, s.tenant_id);
    }
    if (got == -1) {
        free(list);
        return -1;
    }
    *items = list;
    *count = n;
    return 0;
}
