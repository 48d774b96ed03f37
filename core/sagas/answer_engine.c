/*
 * What container engines say when they are tried. Apart from the other answers because it is asked
 * before a tenant is there, and because each thing that is missing is told with what gives it.
 */
#include "answer_engine.h"

#include <string.h>

#include "clock.h"
#include "docker_api.h"
#include "json_in.h"
#include "json_out.h"
#include "notice.h"
#include "runtime_docker.h"
#include "str.h"

#define LOCAL_MS 40000
#define SLOW_MS  1000

/* ---- the record of it ---- */

struct noting {
    const char *engine_id, *version;
    const struct err *why;
};

static int note(struct txn *txn, void *arg, struct err *err)
{
    const struct noting *n = arg;
    struct container_engine engine = {0};
    char text[300];
    int found;

    (void)str_copy(engine.id, sizeof engine.id, n->engine_id);
    if ((found = record_get(txn, &container_engine_table, &engine, err)) != 1)
        return found; /* it was removed meanwhile */
    engine.checked_at = txn_time_ms(txn);
    if (n->why == NULL) {
        engine.state = ENGINE_READY;
        engine.ready_at = engine.checked_at;
        engine.problem[0] = engine.remedy[0] = '\0';
        (void)str_copy(engine.version, sizeof engine.version, n->version);
        if (notice_clear(txn, "engine.away", engine.id, err) == -1)
            return -1;
    } else {
        engine.state = ENGINE_AWAY;
        str_cut(engine.problem, sizeof engine.problem, n->why->text);
        str_cut(engine.remedy, sizeof engine.remedy, n->why->hint);
        (void)snprintf(text, sizeof text, "%.280s", n->why->text);
        if (notice_raise(txn, "engine.away", engine.id, NOTICE_USUAL, text, err) == -1)
            return -1;
    }
    return record_put(txn, &container_engine_table, &engine, err);
}

int answer_engine_note(const struct saga_context *context, const char *engine_id,
                       const char *version, const struct err *why, struct err *err)
{
    struct noting n = {engine_id, version, why};

    return db_write(context->db, note, &n, err);
}

/* ---- one on another machine ---- */

static void problem(struct json_out *j, const char *what, const char *remedy)
{
    json_out_object(j);
    json_out_key_text(j, "what", what);
    json_out_key_text(j, "remedy", remedy);
    json_out_end_object(j);
}

static void write_abilities(struct json_out *j, const struct cJSON *info)
{
    json_out_key_text(j, "system", json_text(info, "OperatingSystem", ""));
    json_out_key_text(j, "storage", json_text(info, "Driver", ""));
    json_out_key_text(j, "cgroup_version", json_text(info, "CgroupVersion", ""));
    json_out_key_text(j, "runtime", json_text(info, "DefaultRuntime", ""));
    json_out_key_u64(j, "cpus", (uint64_t)json_i64(info, "NCPU", 0));
    json_out_key_u64(j, "memory_bytes", (uint64_t)json_i64(info, "MemTotal", 0));
    json_out_key_u64(j, "containers", (uint64_t)json_i64(info, "Containers", 0));
}

/* What would make tenants there less than they are here. */
static void write_lacks(struct json_out *j, const struct cJSON *info, int64_t took_ms)
{
    if (str_equal(json_text(info, "Driver", ""), "vfs"))
        problem(j, "its storage driver is vfs: each container is a whole copy of its image",
                "there: apt install fuse-overlayfs, or a file system that overlayfs takes");
    if (!json_bool(info, "MemoryLimit", true))
        problem(j, "it cannot limit memory", "there: is the memory controller on, is it cgroup2?");
    if (!json_bool(info, "PidsLimit", true))
        problem(j, "it cannot limit processes", "there: is the pids controller on?");
    if (!json_bool(info, "CpuCfsQuota", true))
        problem(j, "it cannot limit processor time", "there: is the cpu controller on?");
    if (took_ms > SLOW_MS)
        problem(j, "it takes more than a second to answer", "is the network between us that slow?");
}

/* Return 0, or -1: it does not answer, and why. */
static int ask(struct outside *outside, struct engine_at *e, char version[64],
               struct docker_reply *info, struct err *why)
{
    if (engine_at_reach(outside, e, why) == -1)
        return -1;
    if (runtime_docker_version(&e->docker, version, 64, why) == 0 &&
        runtime_docker_info(&e->docker, info, why) == 0)
        return 0;
    return engine_at_explain(outside, e, why);
}

static void write_test(struct json_out *j, const struct engine_at *e, const char *version,
                       const struct docker_reply *info, int64_t took_ms, const struct err *why)
{
    json_out_object(j);
    json_out_key_text(j, "object", "engine_test");
    json_out_key_text(j, "engine_id", e->record.id);
    json_out_key_text(j, "name", e->record.name);
    json_out_key_bool(j, "ok", why == NULL);
    json_out_key_text(j, "version", version);
    json_out_key_u64(j, "took_ms", (uint64_t)took_ms);
    if (why == NULL)
        write_abilities(j, info->json);
    json_out_key_text(j, "public_key", e->record.public_key);
    json_out_key(j, "problems");
    json_out_array(j);
    if (why != NULL)
        problem(j, why->text, why->hint);
    else
        write_lacks(j, info->json, took_ms);
    json_out_end_array(j);
    json_out_end_object(j);
}

int answer_engine_test(const struct answer_setup *s, const struct kv *params, struct buf *out,
                       struct err *err)
{
    struct docker_reply info = {.json = NULL};
    struct err why = {0};
    char version[64] = "";
    struct engine_at *e;
    struct providers *p;
    struct json_out j;
    int64_t began_ms;
    int rc = -1, fine;

    /* One that was added a moment ago is tried as it is now. */
    if (outside_refresh(s->outside, s->context->db, &s->context->conf, &s->context->vault, err) ==
        -1)
        return -1;
    p = outside_use(s->outside);
    if ((e = engines_find(p->engines, kv_get_or(params, "engine_id", ""))) == NULL) {
        (void)err_set(err, ERR_NOT_FOUND, "engine_not_found", "there is no such engine");
    } else {
        began_ms = clock_mono_ms();
        fine = ask(s->outside, e, version, &info, &why);
        json_out_init(&j, out);
        write_test(&j, e, version, &info, clock_mono_ms() - began_ms, fine == 0 ? NULL : &why);
        rc = answer_engine_note(s->context, e->record.id, version, fine == 0 ? NULL : &why, err);
        docker_reply_free(&info);
    }
    outside_done(s->outside, p);
    return rc;
}

/* ---- this box's ---- */

int answer_engine_local(const struct answer_setup *s, const struct kv *params, struct buf *out,
                        struct err *err)
{
    struct hands_request request = {.verb = HANDS_ENGINE_LOCAL};
    struct hands_reply reply;

    (void)params;
    return outside_hands(s->outside, &request, LOCAL_MS, &reply, out, err) == OUTCOME_OK ? 0 : -1;
}
