/*
 * What it costs to find tenants: each question asked some times through its operation, as the front
 * does, the median in microseconds.
 * usage: find BOX_ROOT [QUERY]: all questions, or those whose query has this text
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "figures.h"
#include "op.h"
#include "params.h"
#include "schema.h"
#include "str.h"

#define TIMES 15

static const struct {
    const char *op, *query;
} questions[] = {
    {"tenant.list", "limit=50"},
    {"tenant.list", "limit=50&sort=created"},
    {"tenant.list", "limit=50&sort=name"},
    {"tenant.list", "limit=50&sort=-name"},
    {"tenant.list", "limit=50&sort=state"},
    {"tenant.list", "limit=50&sort=-plan"},
    {"tenant.list", "limit=50&sort=-updated"},
    {"tenant.list", "q=nothing"},
    {"tenant.list", "q=c54321"},
    {"tenant.list", "q=54321"},
    {"tenant.list", "q=c"},
    {"tenant.list", "q=c12"},
    {"tenant.list", "q=customer"},
    {"tenant.list", "q=customer+example+54321"},
    {"tenant.list", "q=customer+nothing"},
    {"tenant.list", "q=customer&sort=name"},
    {"tenant.list", "q=c12&sort=-updated&state=active"},
    {"tenant.list", "state=suspended&sort=name"},
    {"tenant.list", "state=failed"},
    {"tenant.list", "state=active,past_due,failed&sort=-updated"},
    {"tenant.list", "state=suspended&q=customer"},
    {"tenant.list", "state=suspended&health=unhealthy"},
    {"tenant.list", "health=unhealthy&sort=name"},
    {"tenant.list", "attention=true"},
    {"tenant.list", "plan=demo"},
    {"tenant.list", "runtime=docker"},
    {"tenant.list", "runtime=docker&state=failed&q=customer"},
    {"tunnel.list", "limit=50&totals=true"},
    {"tunnel.list", "limit=50&sort=hostname"},
    {"tunnel.list", "limit=50&sort=-state"},
    {"tunnel.list", "q=c54321"},
    {"tunnel.list", "q=c"},
    {"tunnel.list", "q=customer+54321"},
    {"tunnel.list", "state=failed,provisioning"},
    {"tunnel.list", "trouble=true&totals=true"},
    {"tunnel.list", "kind=shared"},
    {"dashboard.metrics", ""},
};

static int64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int once(struct op_box *box, const struct op *op, const char *query, struct buf *out,
                uint64_t *took_us, struct err *err)
{
    static union {
        char bytes[16384];
        uint64_t align;
    } params;
    struct op_call call = {.op = op, .box = box};
    struct json_out j;
    int64_t began_us;

    memset(&params, 0, sizeof params);
    buf_reset(out);
    json_out_init(&j, out);
    call.out = &j;
    call.actor.role = ROLE_ADMIN;
    (void)str_copy(call.actor.kind, sizeof call.actor.kind, "cli");
    if (op->params != NULL) {
        if (params_form(op->params, query, strlen(query), params.bytes, &call.given, err) != 0)
            return -1;
        call.params = params.bytes;
    }
    began_us = now_us();
    if (op_dispatch(&call, err) != 0)
        return -1;
    *took_us = (uint64_t)(now_us() - began_us);
    return 0;
}

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
    static struct op_box box;
    uint64_t took[TIMES];
    struct err err = {0};
    struct buf out;

    buf_init(&out, 16u << 20);
    if (argc < 2 || argc > 3 || sodium_init() == -1)
        return 2;
    if (paths_set(&box.paths, argv[1], &err) == -1 ||
        db_open(&box.db, box.paths.db, &sett_schema, &err) == -1)
        goto fail;
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        const struct op *op = op_find(questions[i].op);

        if (argc == 3 && strstr(questions[i].query, argv[2]) == NULL)
            continue;
        for (unsigned n = 0; n < TIMES; n++)
            if (once(&box, op, questions[i].query, &out, &took[n], &err) == -1)
                goto fail;
        qsort(took, TIMES, sizeof took[0], by_size);
        printf("%s\t%s\t%llu\t%zu\n", questions[i].op, questions[i].query,
               (unsigned long long)took[TIMES / 2], out.len);
    }
    return 0;
fail:
    fprintf(stderr, "find: %s\n", err.text);
    return 1;
}
