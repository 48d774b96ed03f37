/*
 * Figures packed into bytes and folded. Apart from reading and writing the history because this is
 * all that says what a stored byte means, and both sides of it must agree.
 */
#include "history_row.h"

#include <stddef.h>
#include <string.h>

#include "enc.h"

#define ENCODING 1 /* first byte of a row of bytes; the second is the size of one row */
#define HEAD     2
#define PLACE    2 /* a numbered row begins with number % HISTORY_PART */

#define T(member_, bytes_, fold_)                                                                  \
    {                                                                                              \
#member_, offsetof(struct history_tenant, member_), (bytes_), HISTORY_##fold_              \
    }
#define B(member_, bytes_, fold_)                                                                  \
    {                                                                                              \
#member_, offsetof(struct history_box, member_), (bytes_), HISTORY_##fold_                 \
    }

/* Columns are only ever appended: a row that was written by an older program is shorter. */
static const struct history_column tenant_columns[] = {
    T(unknown, 2, SUM),        T(healthy, 2, SUM),        T(degraded, 2, SUM),
    T(unhealthy, 2, SUM),      T(unreachable, 2, SUM),    T(maintenance, 2, SUM),
    T(latency_ms, 2, MEAN_OF), T(latency_max_ms, 2, MAX), T(cpu_millis, 3, MEAN),
    T(cpu_max_millis, 3, MAX), T(memory_bytes, 5, MEAN),  T(received_bytes, 5, SUM),
    T(sent_bytes, 5, SUM),     T(storage_bytes, 6, LAST),
};
const struct history_kind history_tenant_kind = {tenant_columns,
                                                 sizeof tenant_columns / sizeof tenant_columns[0],
                                                 sizeof(struct history_tenant), true};

static const struct history_column box_columns[] = {
    B(minutes, 2, SUM),
    B(load_millis, 4, MEAN),
    B(load_max_millis, 4, MAX),
    B(cpu_millis, 4, MEAN),
    B(cores, 2, LAST),
    B(memory_bytes, 6, MEAN),
    B(memory_total_bytes, 6, LAST),
    B(disk_bytes, 6, LAST),
    B(disk_total_bytes, 6, LAST),
    B(map_used_bytes, 6, LAST),
    B(map_bytes, 6, LAST),
    B(events, 4, SUM),
    B(jobs, 4, SUM),
    B(errors, 4, SUM),
    B(checks, 4, SUM),
    B(checks_failed, 4, SUM),
    B(tenants, 4, LAST),
    B(tenants_bad, 4, MAX),
    B(tenants_cpu_millis, 4, MEAN),
    B(tenants_memory_bytes, 6, MEAN),
    B(tenants_storage_bytes, 6, LAST),
    B(received_bytes, 6, SUM),
    B(sent_bytes, 6, SUM),
    B(promised_cpu_millis, 5, LAST),
    B(promised_memory_bytes, 6, LAST),
    B(promised_storage_bytes, 6, LAST),
    B(hands, 1, LAST),
    B(engine, 1, LAST),
};
const struct history_kind history_box_kind = {
    box_columns, sizeof box_columns / sizeof box_columns[0], sizeof(struct history_box), false};

static uint64_t get(const struct history_column *c, const void *row)
{
    uint64_t n;

    memcpy(&n, (const char *)row + c->offset, sizeof n);
    return n;
}

static void set(const struct history_column *c, void *row, uint64_t n)
{
    memcpy((char *)row + c->offset, &n, sizeof n);
}

static uint64_t number_of(const void *row)
{
    return ((const struct history_tenant *)row)->number;
}

static size_t row_bytes(const struct history_kind *kind)
{
    size_t bytes = kind->numbered ? PLACE : 0;

    for (size_t i = 0; i < kind->count; i++)
        bytes += kind->columns[i].bytes;
    return bytes;
}

void history_row_begin(const struct history_kind *kind, struct buf *out)
{
    buf_reset(out);
    (void)buf_byte(out, ENCODING);
    (void)buf_byte(out, (char)row_bytes(kind));
}

void history_row_add(const struct history_kind *kind, struct buf *out, const void *row)
{
    uint8_t place[PLACE], bytes[8];

    if (kind->numbered) {
        enc_put16(place, (uint16_t)(number_of(row) % HISTORY_PART));
        (void)buf_add(out, place, sizeof place);
    }
    for (size_t i = 0; i < kind->count; i++) {
        const struct history_column *c = &kind->columns[i];
        uint64_t n = get(c, row), most = (UINT64_C(1) << (8 * c->bytes)) - 1;
        enc_put64(bytes, n < most ? n : most);
        (void)buf_add(out, bytes + 8 - c->bytes, c->bytes);
    }
}

size_t history_row_count(const struct history_kind *kind, const uint8_t *data, size_t len)
{
    if (len < HEAD || data[0] != ENCODING || data[1] < (kind->numbered ? PLACE + 1 : 1) ||
        (len - HEAD) % data[1] != 0)
        return 0;
    return (len - HEAD) / data[1];
}

void history_row_read(const struct history_kind *kind, const uint8_t *data, size_t i, uint32_t part,
                      void *row)
{
    const uint8_t *at = data + HEAD + i * data[1], *end = at + data[1];

    memset(row, 0, kind->struct_size);
    if (kind->numbered) {
        ((struct history_tenant *)row)->number = (uint64_t)part * HISTORY_PART + enc_get16(at);
        at += PLACE;
    }
    for (size_t k = 0; k < kind->count && at + kind->columns[k].bytes <= end; k++) {
        uint64_t n = 0;
        for (unsigned b = 0; b < kind->columns[k].bytes; b++)
            n = n << 8 | *at++;
        set(&kind->columns[k], row, n);
    }
}

long history_row_find(const uint8_t *data, size_t len, uint64_t number)
{
    size_t low = 0, high = history_row_count(&history_tenant_kind, data, len);
    uint16_t wanted = (uint16_t)(number % HISTORY_PART);

    while (low < high) {
        size_t middle = (low + high) / 2;
        uint16_t place = enc_get16(data + HEAD + middle * data[1]);
        if (place == wanted)
            return (long)middle;
        if (place < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

void history_row_json(const struct history_kind *kind, const void *row, struct json_out *j)
{
    for (size_t i = 0; i < kind->count; i++)
        json_out_key_u64(j, kind->columns[i].name, get(&kind->columns[i], row));
}

/* How many minutes a row stands for: the weight of its means. */
static uint64_t minutes(const struct history_kind *kind, const void *row)
{
    const struct history_tenant *t = row;
    uint64_t n;

    if (!kind->numbered)
        n = ((const struct history_box *)row)->minutes;
    else
        n = t->unknown + t->healthy + t->degraded + t->unhealthy + t->unreachable + t->maintenance;
    return n == 0 ? 1 : n;
}

void history_sum_add(const struct history_kind *kind, struct history_sum *sum, const void *row)
{
    uint64_t weight = minutes(kind, row);

    for (size_t i = 0; i < kind->count; i++) {
        uint64_t n = get(&kind->columns[i], row);
        switch (kind->columns[i].fold) {
        case HISTORY_SUM:
            sum->sum[i] += n;
            break;
        case HISTORY_MEAN:
        case HISTORY_MEAN_OF:
            sum->sum[i] += n * weight;
            if (n != 0 || kind->columns[i].fold == HISTORY_MEAN)
                sum->weight[i] += weight;
            break;
        case HISTORY_MAX:
            if (n > sum->sum[i])
                sum->sum[i] = n;
            break;
        case HISTORY_LAST:
            sum->sum[i] = n;
            break;
        }
    }
    sum->any = true;
}

void history_sum_end(const struct history_kind *kind, const struct history_sum *sum, void *row)
{
    for (size_t i = 0; i < kind->count; i++) {
        bool mean =
            kind->columns[i].fold == HISTORY_MEAN || kind->columns[i].fold == HISTORY_MEAN_OF;
        set(&kind->columns[i], row,
            !mean
                ? sum->sum[i]
                : (sum->weight[i] == 0 ? 0 : (sum->sum[i] + sum->weight[i] / 2) / sum->weight[i]));
    }
}
