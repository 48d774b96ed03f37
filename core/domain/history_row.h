#ifndef SETT_HISTORY_ROW_H
#define SETT_HISTORY_ROW_H
/*
 * What is remembered of the box and of each tenant, as columns: name, bytes, and what becomes of
 * many when they are folded into one. The layout of the stored bytes is store/FORMAT's "History".
 */
#include <stdint.h>
#include "buf.h"
#include "err.h"
#include "json_out.h"
#include "series.h"

#define HISTORY_COLUMNS_MAX 32
#define HISTORY_PART        256 /* tenants whose numbers share a row of bytes */

struct history_tenant {
    int64_t at;
    uint64_t number;
    uint64_t unknown, healthy, degraded, unhealthy, unreachable, maintenance; /* minutes each */
    uint64_t latency_ms, latency_max_ms; /* of its health path; 0: no answer */
    uint64_t cpu_millis, cpu_max_millis; /* 1000 is one processor, all the time */
    uint64_t memory_bytes, received_bytes, sent_bytes, storage_bytes;
};

struct history_box {
    int64_t at;
    uint64_t minutes; /* that were written */
    uint64_t load_millis, load_max_millis, cpu_millis, cores;
    uint64_t memory_bytes, memory_total_bytes, disk_bytes, disk_total_bytes;
    uint64_t map_used_bytes, map_bytes;
    uint64_t events, jobs, errors;  /* webhook events and jobs that came; events and jobs that
                                       failed or are stuck */
    uint64_t checks, checks_failed; /* of tenants' and tunnels' health */
    uint64_t tenants, tenants_bad;  /* that should answer; that are unhealthy or unreachable */
    uint64_t tenants_cpu_millis, tenants_memory_bytes, tenants_storage_bytes;
    uint64_t received_bytes, sent_bytes; /* of all tenants */
    uint64_t promised_cpu_millis, promised_memory_bytes, promised_storage_bytes;
    uint64_t hands, engine; /* 1: answers; engine 0: none, 2: silent */
};

enum history_fold {
    HISTORY_SUM,
    HISTORY_MEAN,    /* over the minutes */
    HISTORY_MEAN_OF, /* over the minutes in which it was not 0 */
    HISTORY_MAX,
    HISTORY_LAST
};

struct history_column {
    const char *name;
    uint16_t offset; /* of its uint64_t */
    uint8_t bytes;
    enum history_fold fold;
};

struct history_kind {
    const struct history_column *columns;
    size_t count, struct_size;
    bool numbered; /* rows begin with the tenant's place in its part */
};
extern const struct history_kind history_tenant_kind, history_box_kind;

/** history_row_begin(kind, out): empty ${out} and write what stands before the rows. */
void history_row_begin(const struct history_kind *kind, struct buf *out);

/** history_row_add(kind, out, row): append one; numbered ones in the order of their numbers. A
 * figure too large for its column becomes the largest that fits. */
void history_row_add(const struct history_kind *kind, struct buf *out, const void *row);

/** history_row_count(kind, data, len): how many rows there are; 0 for bytes that are none of ours.
 */
size_t history_row_count(const struct history_kind *kind, const uint8_t *data, size_t len);

/** history_row_read(kind, data, i, part, row): row ${i} of ${part}; its time is the caller's to
 * set. */
void history_row_read(const struct history_kind *kind, const uint8_t *data, size_t i, uint32_t part,
                      void *row);

/** history_row_find(data, len, number): the index of that tenant's row, or -1. */
long history_row_find(const uint8_t *data, size_t len, uint64_t number);

/** history_row_json(kind, row, j): the columns as members. */
void history_row_json(const struct history_kind *kind, const void *row, struct json_out *j);

/* Many rows on their way to one. */
struct history_sum {
    uint64_t sum[HISTORY_COLUMNS_MAX], weight[HISTORY_COLUMNS_MAX];
    bool any;
};

/** history_sum_add(kind, sum, row): add one, in the order of time. ${sum} begins as zero. */
void history_sum_add(const struct history_kind *kind, struct history_sum *sum, const void *row);

/** history_sum_end(kind, sum, row): the one; time and number are the caller's to set. */
void history_sum_end(const struct history_kind *kind, const struct history_sum *sum, void *row);

#endif
