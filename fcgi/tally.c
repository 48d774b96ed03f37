/* Counters of the front. Apart from serve.c so that the path of a request touches them at one line.
 */
#include "tally.h"
#include <stdatomic.h>
#include "str.h"

static const unsigned statuses[] = {200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 409,
                                    412, 413, 415, 422, 429, 500, 502, 503, 504, 507, 0};
#define STATUSES (sizeof(statuses) / sizeof(statuses[0])) /* the last: any other */

static const uint64_t bounds_us[] = {100,   250,    500,    1000,   2500,    5000,   10000,
                                     25000, 100000, 250000, 500000, 1000000, 5000000};
#define BOUNDS (sizeof(bounds_us) / sizeof(bounds_us[0]))

struct row {
    atomic_uint_fast64_t by_status[STATUSES];
};

struct tally {
    const struct op_route *table;
    size_t count;
    atomic_int_fast64_t streams;
    atomic_uint_fast64_t buckets[BOUNDS + 1], sum_us;
    struct row rows[]; /* one for each route, then one for no route */
};

struct tally *tally_new(const struct op_route *table, size_t count)
{
    struct tally *t = calloc(1, sizeof(*t) + (count + 1) * sizeof(struct row));
    if (t != NULL) {
        t->table = table;
        t->count = count;
    }
    return t;
}

static size_t status_index(unsigned status)
{
    size_t i = 0;
    while (i < STATUSES - 1 && statuses[i] != status) {
        i++;
    }
    return i;
}

void tally_count(struct tally *t, size_t route, unsigned status, uint64_t took_us)
{
    struct row *row = &t->rows[route < t->count ? route : t->count];
    size_t i = 0;
    while (i < BOUNDS && took_us > bounds_us[i]) {
        i++;
    }
    atomic_fetch_add_explicit(&row->by_status[status_index(status)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&t->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&t->sum_us, took_us, memory_order_relaxed);
}

int64_t tally_streams(struct tally *t, int change)
{
    return (int64_t)atomic_fetch_add(&t->streams, change) + change;
}

static void requests_text(const struct tally *t, struct buf *out)
{
    buf_text(out, "# HELP sett_http_requests_total Requests answered.\n"
                  "# TYPE sett_http_requests_total counter\n");
    for (size_t r = 0; r <= t->count; r++) {
        const char *method = r < t->count ? t->table[r].method : "";
        const char *path = r < t->count ? t->table[r].path : "";
        for (size_t s = 0; s < STATUSES; s++) {
            uint64_t n = atomic_load_explicit(&t->rows[r].by_status[s], memory_order_relaxed);
            if (n > 0) {
                buf_format(out,
                           "sett_http_requests_total{method=\"%s\",route=\"%s\",code=\"%u\"} "
                           "%llu\n",
                           method, path, statuses[s], (unsigned long long)n);
            }
        }
    }
}

static void durations_text(const struct tally *t, struct buf *out)
{
    unsigned long long sum = 0;
    buf_text(out, "# HELP sett_http_request_duration_seconds Time from the request's parameters to "
                  "its answer.\n# TYPE sett_http_request_duration_seconds histogram\n");
    for (size_t i = 0; i < BOUNDS; i++) {
        sum += atomic_load_explicit(&t->buckets[i], memory_order_relaxed);
        buf_format(out, "sett_http_request_duration_seconds_bucket{le=\"%g\"} %llu\n",
                   (double)bounds_us[i] / 1e6, sum);
    }
    sum += atomic_load_explicit(&t->buckets[BOUNDS], memory_order_relaxed);
    buf_format(out, "sett_http_request_duration_seconds_bucket{le=\"+Inf\"} %llu\n", sum);
    buf_format(out, "sett_http_request_duration_seconds_sum %.6f\n",
               (double)atomic_load_explicit(&t->sum_us, memory_order_relaxed) / 1e6);
    buf_format(out, "sett_http_request_duration_seconds_count %llu\n", sum);
}

void tally_text(const struct tally *t, struct buf *out)
{
    requests_text(t, out);
    durations_text(t, out);
    buf_format(out,
               "# HELP sett_http_streams Event streams that are open.\n"
               "# TYPE sett_http_streams gauge\nsett_http_streams %lld\n",
               (long long)atomic_load_explicit(&t->streams, memory_order_relaxed));
}
