/*
 * Times of the day, and whose they are. Apart from the clock that looks at them (backup_watch.c),
 * so that nights on which clocks are changed can be lived through in a table.
 */
#include "snapshot_schedule.h"

#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "snapshot.h"
#include "str.h"
#include "tenant.h"
#include "zone.h"

#define DAY_MS    (INT64_C(86400) * 1000)
#define MINUTE_MS (INT64_C(60) * 1000)
#define TIMES     24
#define PLANS     256 /* with times of their own */

/* One "HH:MM" of ${*at}, which moves behind it and its comma: minutes of the day, or -1. */
static int next_time(const char **at)
{
    const char *p = *at;
    int minutes;

    if (strlen(p) < 5 || p[2] != ':' || strspn(p, "0123456789") != 2 ||
        strspn(p + 3, "0123456789") != 2 || strncmp(p, "24", 2) >= 0 || p[3] > '5' ||
        (p[5] != '\0' && (p[5] != ',' || p[6] == '\0')))
        return -1;
    minutes = ((p[0] - '0') * 10 + p[1] - '0') * 60 + (p[3] - '0') * 10 + p[4] - '0';
    *at += p[5] == ',' ? 6 : 5;
    return minutes;
}

int snapshot_schedule_check(const char *text, struct err *err)
{
    unsigned count = 0;

    if (text[0] == '\0' || str_equal(text, "off"))
        return 0;
    for (const char *at = text; *at != '\0'; count++)
        if (count == TIMES || next_time(&at) == -1)
            return err_field(err, "backup_at", "schedule_invalid",
                             "\"%.100s\" is neither off nor times of the day as in 03:00,15:30",
                             text);
    return 0;
}

static int64_t offset_at(const char *zone, int64_t at_ms)
{
    int32_t offset_s = 0;
    struct err ignored = {0};

    return zone_offset(zone, at_ms, &offset_s, &ignored) == 0 ? (int64_t)offset_s * 1000 : 0;
}

/* The time at which clocks of the zone show ${local}, written as if it were UTC: the first, if they
 * do so twice; with the offset of before, if they never do, which is when they have gone forward.
 */
static int64_t instant(const char *zone, int64_t local)
{
    int64_t before = offset_at(zone, local - DAY_MS), after = offset_at(zone, local + DAY_MS);

    if (before != after && offset_at(zone, local - before) != before &&
        offset_at(zone, local - after) == after)
        return local - after;
    return local - before;
}

int64_t snapshot_schedule_latest(const char *text, const char *zone, int64_t now_ms)
{
    int64_t local = now_ms + offset_at(zone, now_ms), today = local - local % DAY_MS, latest = 0;
    int minutes;

    if (str_equal(text, "off"))
        return 0;
    for (const char *at = text; *at != '\0' && (minutes = next_time(&at)) != -1;)
        for (int64_t day = today + DAY_MS; day >= today - DAY_MS; day -= DAY_MS) {
            int64_t when = instant(zone, day + minutes * MINUTE_MS);
            if (when > now_ms)
                continue;
            latest = when > latest ? when : latest;
            break; /* those of earlier days are earlier */
        }
    return latest;
}

int64_t snapshot_schedule_next(const char *text, const char *zone, int64_t now_ms)
{
    int64_t local = now_ms + offset_at(zone, now_ms), today = local - local % DAY_MS, next = 0;
    int minutes;

    if (str_equal(text, "off"))
        return 0;
    for (const char *at = text; *at != '\0' && (minutes = next_time(&at)) != -1;)
        for (int64_t day = today - DAY_MS; day <= today + DAY_MS; day += DAY_MS) {
            int64_t when = instant(zone, day + minutes * MINUTE_MS);
            if (when <= now_ms)
                continue;
            next = next == 0 || when < next ? when : next;
            break; /* those of later days are later */
        }
    return next;
}

/* Whether a last one at ${last} leaves the time ${latest} open. */
static bool over(int64_t last, int64_t latest, int64_t now)
{
    return latest != 0 && (last < latest || last > now + DAY_MS);
}

bool snapshot_schedule_due(const char *text, const char *zone, int64_t last_ms, int64_t now_ms)
{
    return over(last_ms, snapshot_schedule_latest(text, zone, now_ms), now_ms);
}

/* ---- tenants ---- */

struct scheduled_plan {
    char id[ID_SIZE], at[SNAPSHOT_SCHEDULE_SIZE];
    int64_t since, latest;
};

struct choice {
    const char *zone;
    int64_t now, oldest; /* the time that was over longest */
    struct scheduled_plan plans[PLANS];
    size_t plan_count;
};

static int read_plans(struct choice *c, struct txn *txn, struct err *err)
{
    struct plan plan;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &plan_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &plan, err)) == 1) {
        struct scheduled_plan *p = &c->plans[c->plan_count];
        if (plan.backup_at[0] == '\0' || str_equal(plan.backup_at, "off") || c->plan_count == PLANS)
            continue;
        (void)str_copy(p->id, sizeof p->id, plan.id);
        (void)str_copy(p->at, sizeof p->at, plan.backup_at);
        p->since = plan.updated_at;
        p->latest = snapshot_schedule_latest(p->at, c->zone, c->now);
        c->plan_count++;
    }
    return got;
}

/* The latest of its times, 0 if it has none, and since when they hold. */
static int64_t latest_of(const struct choice *c, const struct tenant *t, int64_t *since)
{
    *since = t->updated_at;
    if (t->backup_at[0] != '\0')
        return snapshot_schedule_latest(t->backup_at, c->zone, c->now);
    for (size_t i = 0; i < c->plan_count; i++)
        if (str_equal(c->plans[i].id, t->plan_id)) {
            *since = t->created_at > c->plans[i].since ? t->created_at : c->plans[i].since;
            return c->plans[i].latest;
        }
    return 0;
}

/* When the newest of it was begun, whatever became of it: what fails is tried at the next time, and
 * told meanwhile. 1, 0 if there was none, or -1. */
static int last_begun(struct txn *txn, const char *tenant_id, int64_t *at, struct err *err)
{
    struct snapshot match = {0}, s;
    struct scan scan;
    int got;

    (void)str_copy(match.tenant_id, sizeof match.tenant_id, tenant_id);
    if (scan_start(&scan, txn, &snapshot_table, "tenant_id", &match, 1, true, err) == -1)
        return -1;
    if ((got = scan_next(&scan, &s, err)) == 1)
        *at = s.created_at;
    return got;
}

static int consider(struct choice *c, struct txn *txn, const struct tenant *t,
                    char tenant_id[ID_SIZE], struct err *err)
{
    int64_t since, last, latest;
    int got;

    if (t->state != TENANT_ACTIVE && t->state != TENANT_PAST_DUE && t->state != TENANT_SUSPENDED)
        return 0;
    if ((latest = latest_of(c, t, &since)) == 0 || (c->oldest != 0 && latest >= c->oldest))
        return 0;
    if ((got = last_begun(txn, t->id, &last, err)) == -1)
        return -1;
    if (!over(got == 1 ? last : since, latest, c->now))
        return 0;
    c->oldest = latest;
    (void)str_copy(tenant_id, ID_SIZE, t->id);
    return 0;
}

int snapshot_schedule_tenant(struct txn *txn, const char *zone, int64_t now_ms,
                             char tenant_id[ID_SIZE], struct err *err)
{
    struct choice *c = calloc(1, sizeof *c);
    struct tenant tenant;
    struct scan scan;
    int got;

    tenant_id[0] = '\0';
    if (c == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for schedules");
    c->zone = zone;
    c->now = now_ms;
    if ((got = read_plans(c, txn, err)) == 0 &&
        (got = scan_start(&scan, txn, &tenant_table, NULL, NULL, 0, false, err)) == 0)
        while ((got = scan_next(&scan, &tenant, err)) == 1)
            if ((got = consider(c, txn, &tenant, tenant_id, err)) == -1)
                break;
    free(c);
    return got == -1 ? -1 : tenant_id[0] != '\0';
}
