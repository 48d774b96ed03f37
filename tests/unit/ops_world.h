#ifndef SETT_OPS_WORLD_H
#define SETT_OPS_WORLD_H
/* A box of its own below /tmp for the tests of operations, and a way to call them as the front
 * does: parameters as JSON, an answer as JSON. No worker runs. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "customer.h"
#include "file.h"
#include "json_in.h"
#include "op.h"
#include "params.h"
#include "plan.h"
#include "schema.h"
#include "str.h"

struct ops_world {
    char root[64];
    struct op_box box;
    struct buf out;
    struct json_out json;
    struct op_call call; /* the last one, as it came back */
    struct err err;
    struct cJSON *answer;
    union {
        uint8_t bytes[65536];
        uint64_t align;
    } params;
};

/* What a call brings besides its parameters; NULL members: nothing. */
struct ops_extra {
    const char *key, *if_match, *header;
    bool plan, quiet;
};

static inline void ops_world_open(struct ops_world *w)
{
    char live[PATHS_SIZE];

    memset(w, 0, sizeof *w);
    assert_int_not_equal(sodium_init(), -1);
    (void)str_copy(w->root, sizeof w->root, "/tmp/sett-ops-XXXXXX");
    assert_non_null(mkdtemp(w->root));
    assert_int_equal(paths_set(&w->box.paths, w->root, &w->err), 0);
    (void)str_copy(live, sizeof live, w->box.paths.live);
    assert_int_equal(file_mkdirs(live, 0755, &w->err), 0);
    assert_int_equal(file_mkdirs(w->box.paths.keys, 0755, &w->err), 0);
    assert_int_equal(file_mkdirs(w->box.paths.run, 0755, &w->err), 0);
    assert_int_equal(file_mkdirs(w->box.paths.blueprints, 0755, &w->err), 0);
    assert_int_equal(vault_create(w->box.paths.keys, &w->err), 0);
    assert_int_equal(vault_load(&w->box.vault, w->box.paths.keys, false, &w->err), 0);
    assert_int_equal(web_key_create(w->box.paths.keys, &w->err), 0);
    assert_int_equal(web_key_load(&w->box.web_key, w->box.paths.keys, &w->err), 0);
    if (db_create(w->box.paths.db, &sett_schema, &w->err) != 0 ||
        db_open(&w->box.db, w->box.paths.db, &sett_schema, &w->err) != 0)
        fail_msg("%s: %s", w->err.code, w->err.text);
    buf_init(&w->out, 8u << 20);
}

static inline void ops_world_close(struct ops_world *w)
{
    struct err err;

    json_free(w->answer);
    buf_free(&w->out);
    assert_int_equal(file_remove_tree(w->root, &err), 0);
}

static inline struct actor ops_actor(enum role role)
{
    struct actor a = {.role = role};

    (void)str_copy(a.kind, sizeof a.kind, role == ROLE_PUBLIC ? "none" : "cli");
    (void)str_copy(a.id, sizeof a.id, role == ROLE_PUBLIC ? "" : role_names[role]);
    (void)str_copy(a.address, sizeof a.address, "127.0.0.1");
    (void)str_copy(a.request_id, sizeof a.request_id, "req_test");
    return a;
}

/* The answer's status, or minus the status of the refusal; what came stands in the world. */
static inline int ops_call(struct ops_world *w, const char *name, const struct actor *actor,
                           const struct ops_extra *extra, const char *json)
{
    const struct op *op = op_find(name);
    static const struct ops_extra nothing = {0};

    if (op == NULL)
        fail_msg("there is no operation %s", name);
    if (extra == NULL)
        extra = &nothing;
    json_free(w->answer);
    w->answer = NULL;
    err_clear(&w->err);
    buf_reset(&w->out);
    json_out_init(&w->json, &w->out);
    memset(&w->call, 0, sizeof w->call);
    memset(&w->params, 0, sizeof w->params);
    w->call.op = op;
    w->call.box = &w->box;
    w->call.actor = *actor;
    w->call.out = &w->json;
    w->call.plan = extra->plan;
    w->call.quiet = extra->quiet;
    w->call.header = extra->header;
    (void)str_copy(w->call.idempotency_key, sizeof w->call.idempotency_key,
                   extra->key == NULL ? "" : extra->key);
    (void)str_copy(w->call.if_match, sizeof w->call.if_match,
                   extra->if_match == NULL ? "" : extra->if_match);
    if (op->flags & OP_RAW) {
        w->call.body = json;
        w->call.body_len = strlen(json);
    } else if ((op->params != NULL || !str_equal(json, "{}")) &&
               (params_json(op->params, json, strlen(json), w->params.bytes, &w->call.given,
                            &w->err) != 0 ||
                params_done(op->params, w->call.given, &w->err) != 0)) {
        return -err_http_status(w->err.kind);
    }
    w->call.params = op->params == NULL ? NULL : w->params.bytes;
    if (op_dispatch(&w->call, &w->err) != 0) {
        assert_int_equal(w->out.len, 0);
        return -err_http_status(w->err.kind);
    }
    if (w->call.content_type[0] == '\0') {
        struct err err;
        w->answer = json_parse(buf_string(&w->out), w->out.len, &json_limits_provider, &err);
        if (w->answer == NULL)
            fail_msg("%s: %s in %s", name, err.text, buf_string(&w->out));
    }
    return (int)w->call.status;
}

/* As somebody of that role, with parameters put together as by printf. */
static inline int ops_do(struct ops_world *w, const char *name, enum role role, const char *fmt,
                         ...) __attribute__((format(printf, 4, 5)));
static inline int ops_do(struct ops_world *w, const char *name, enum role role, const char *fmt,
                         ...)
{
    struct actor actor = ops_actor(role);
    char json[8192];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(json, sizeof json, fmt, ap);
    va_end(ap);
    return ops_call(w, name, &actor, NULL, json);
}

/* It must have gone well. */
#define ops_ok(w_, status_, ...)                                                                   \
    do {                                                                                           \
        int ops_got = ops_do(w_, __VA_ARGS__);                                                     \
        if (ops_got != (status_))                                                                  \
            fail_msg("%d instead of %d: %s %s: %s", ops_got, (status_), (w_)->err.code,            \
                     (w_)->err.field, (w_)->err.text);                                             \
    } while (0)

/* It must have been refused, with this code. */
#define ops_no(w_, status_, code_, ...)                                                            \
    do {                                                                                           \
        int ops_got = ops_do(w_, __VA_ARGS__);                                                     \
        if (ops_got != -(status_) || !str_equal((w_)->err.code, code_))                            \
            fail_msg("%d %s instead of -%d %s: %s", ops_got, (w_)->err.code, (status_), code_,     \
                     (w_)->err.text);                                                              \
    } while (0)

static inline const char *ops_text(const struct ops_world *w, const char *path)
{
    return json_text(w->answer, path, "");
}

/* A member of the answer, kept beyond the next call. */
static inline void ops_keep(const struct ops_world *w, const char *path, char *out, size_t size)
{
    assert_int_equal(str_copy(out, size, ops_text(w, path)), 0);
    assert_true(out[0] != '\0');
}

/* How many records a table has. */
static inline int64_t ops_count(struct ops_world *w, const struct table *table)
{
    struct txn *txn;
    int64_t n;

    assert_int_equal(db_read(&txn, w->box.db, &w->err), 0);
    n = record_count(txn, table, &w->err);
    db_read_end(txn);
    return n;
}

/* The plan "demo", of a blueprint that is there. */
static inline void ops_plan(struct ops_world *w)
{
    static const char blueprint[] = "[blueprint]\ntitle = A site\nruntime = process\n"
                                    "command = /bin/true\nhealth_path = /\n";
    char path[PATHS_SIZE + 32];

    (void)str_format(path, sizeof path, "%s/site.conf", w->box.paths.blueprints);
    assert_int_equal(file_write(path, blueprint, strlen(blueprint), 0644, &w->err), 0);
    ops_ok(w, 201, "plan.create", ROLE_ADMIN,
           "{\"name\":\"demo\",\"blueprint\":\"site\",\"amount\":900,\"currency\":\"eur\","
           "\"stripe_price\":\"price_demo\",\"limits\":{\"memory_bytes\":67108864}}");
}

#endif
