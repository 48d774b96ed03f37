/* The verbs about a tenant: from a request, of which every value was checked, and the root-owned
 * blueprint to the runtime that the blueprint names. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "crash.h"
#include "file.h"
#include "folder.h"
#include "hands_world.h"
#include "log.h"
#include "port_probe.h"
#include "runtime_lxc.h"
#include "str.h"

#define INIT_COMMAND_S 900

enum outcome hands_outcome(int result, const struct err *err)
{
    if (result == 0)
        return OUTCOME_OK;
    switch (err->kind) {
    case ERR_NETWORK:
    case ERR_UNAVAILABLE:
    case ERR_TIMEOUT:
    case ERR_RATE:
    case ERR_FULL:
        return OUTCOME_AGAIN;
    default:
        return OUTCOME_FAIL;
    }
}

/* The files that came with a blueprint are beside it, or where the package put them. */
static void find_folder(const struct hands_world *w, struct blueprint *b)
{
    char shipped[sizeof b->folder];

    if (file_exists(b->folder) || w->share == NULL || w->share[0] == '\0')
        return;
    if (str_format(shipped, sizeof shipped, "%s/blueprints/%s", w->share, b->name) == 0 &&
        file_exists(shipped))
        (void)str_copy(b->folder, sizeof b->folder, shipped);
}

struct hands_task *hands_task_take(struct hands_world *w, const struct hands_request *q, bool must,
                                   struct err *err)
{
    struct hands_task *task = calloc(1, sizeof *task);

    if (task == NULL) {
        (void)err_set(err, ERR_INTERNAL, "memory", "no memory for an order");
        return NULL;
    }
    hands_order(q, &task->o);
    if (!must && q->runtime[0] != '\0') {
        task->runtime = hands_runtime_named(w, q->runtime, err);
    } else if (blueprint_load(&task->b, w->paths->blueprints, q->blueprint, err) == 0) {
        find_folder(w, &task->b);
        task->runtime = hands_runtime_named(w, task->b.runtime, err);
    } else if (!must && err->kind == ERR_NOT_FOUND) {
        task->runtime = hands_runtime_of(w, q->number, err);
    } else if (err->kind == ERR_NOT_FOUND) {
        (void)err_set(err, ERR_INVALID, "blueprint_missing", "there is no blueprint %s",
                      q->blueprint);
        (void)err_hint(err, "blueprints are files in %s", w->paths->blueprints);
    }
    if (task->runtime != NULL)
        return task;
    free(task);
    return NULL;
}

static struct hands_task *take_order(struct hands_job *job, bool must, struct err *err)
{
    return hands_task_take(job->world, job->request, must, err);
}

/* A verb of the runtime that makes or changes something, and answers with the tenant's status. */
static enum outcome change(struct hands_job *job, struct err *err,
                           int (*verb)(const struct hands_task *order, struct runtime_status *out,
                                       struct err *err))
{
    struct hands_task *order = take_order(job, true, err);
    enum outcome out;

    if (order == NULL)
        return hands_outcome(-1, err);
    CP("hands.run");
    out = hands_outcome(verb(order, &job->reply->status, err), err);
    CP("hands.ran");
    free(order);
    return out;
}

static int run_create(const struct hands_task *o, struct runtime_status *out, struct err *err)
{
    return o->runtime->create(o->runtime->self, &o->o, &o->b, out, err);
}

static int run_start(const struct hands_task *o, struct runtime_status *out, struct err *err)
{
    return o->runtime->start(o->runtime->self, &o->o, &o->b, out, err);
}

static int run_restart(const struct hands_task *o, struct runtime_status *out, struct err *err)
{
    return o->runtime->restart(o->runtime->self, &o->o, &o->b, out, err);
}

enum outcome hands_runtime_create(struct hands_job *job, struct err *err)
{
    return change(job, err, run_create);
}

enum outcome hands_runtime_start(struct hands_job *job, struct err *err)
{
    return change(job, err, run_start);
}

enum outcome hands_runtime_restart(struct hands_job *job, struct err *err)
{
    return change(job, err, run_restart);
}

enum outcome hands_runtime_stop(struct hands_job *job, struct err *err)
{
    struct hands_task *order = take_order(job, false, err);
    int result;

    if (order == NULL)
        return hands_outcome(-1, err);
    CP("hands.run");
    result = order->runtime->stop(order->runtime->self, &order->o, err);
    CP("hands.ran");
    if (result == 0)
        result = order->runtime->inspect(order->runtime->self, &order->o, &job->reply->status, err);
    free(order);
    return hands_outcome(result, err);
}

static int marker_path(const struct hands_world *w, uint64_t number, uint32_t k, char out[320],
                       struct err *err)
{
    if (str_format(out, 320, "%s/init/%llu.%u", w->paths->hands, (unsigned long long)number, k) ==
        0)
        return 0;
    return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", w->paths->hands);
}

enum outcome hands_runtime_remove(struct hands_job *job, struct err *err)
{
    struct hands_task *order = take_order(job, false, err);
    char marker[320];
    int result;

    if (order == NULL)
        return hands_outcome(-1, err);
    CP("hands.run");
    result = order->runtime->remove(order->runtime->self, &order->o, job->request->flag, err);
    CP("hands.ran");
    /* With its data gone its init commands count for nothing. */
    for (uint32_t k = 0; result == 0 && job->request->flag && k < BLUEPRINT_COMMANDS; k++)
        if ((result = marker_path(job->world, order->o.number, k, marker, err)) == 0)
            (void)unlink(marker);
    free(order);
    return hands_outcome(result, err);
}

enum outcome hands_runtime_inspect(struct hands_job *job, struct err *err)
{
    struct hands_task *order = take_order(job, false, err);
    struct runtime_status *status = &job->reply->status;
    int result;

    if (order == NULL)
        return hands_outcome(-1, err);
    result = order->runtime->inspect(order->runtime->self, &order->o, status, err);
    free(order);
    if (result == -1)
        return hands_outcome(-1, err);
    job->reply->present = status->state != RUNTIME_ABSENT;
    job->reply->running = status->state == RUNTIME_RUNNING;
    return job->reply->present ? OUTCOME_OK : OUTCOME_ABSENT;
}

/* Logs or figures of what is there. */
static enum outcome look(struct hands_job *job, struct err *err, bool logs)
{
    struct hands_task *order = take_order(job, false, err);
    enum outcome out;
    int result;

    if (order == NULL)
        return hands_outcome(-1, err);
    result = order->runtime->inspect(order->runtime->self, &order->o, &order->status, err);
    if (result == 0 && order->status.state == RUNTIME_ABSENT) {
        out = OUTCOME_ABSENT;
    } else {
        if (result == 0 && logs)
            result = order->runtime->logs(order->runtime->self, &order->o, job->request->lines,
                                          job->stream, err);
        else if (result == 0)
            result =
                order->runtime->stats(order->runtime->self, &order->o, &job->reply->stats, err);
        out = hands_outcome(result, err);
    }
    free(order);
    return out;
}

enum outcome hands_runtime_logs(struct hands_job *job, struct err *err)
{
    return look(job, err, true);
}

enum outcome hands_runtime_stats(struct hands_job *job, struct err *err)
{
    return look(job, err, false);
}

/* One init command, unless its marker says that it has run. The marker comes after it, and does not
 * wait for the disk: a command whose end was not noted runs once more, so it must bear that. */
static int run_init(struct hands_job *job, struct hands_task *order, uint32_t k, struct err *err)
{
    char marker[320], when[CLOCK_TEXT_SIZE];
    struct buf out;
    int result;

    if (marker_path(job->world, order->o.number, k, marker, err) == -1)
        return -1;
    if (file_exists(marker))
        return 0;
    buf_init(&out, 4096);
    log_info("init command %u of %s begins", k, order->o.mark);
    CP("hands.init");
    result = order->runtime->exec(order->runtime->self, &order->o, &order->b, &order->b.init[k],
                                  INIT_COMMAND_S, &out, err);
    CP("hands.initiated");
    buf_free(&out);
    if (result == -1)
        return -1;
    clock_text(when, clock_wall_ms());
    return file_write_soon(marker, when, strlen(when), 0600, err);
}

enum outcome hands_runtime_init(struct hands_job *job, struct err *err)
{
    struct hands_task *order = take_order(job, true, err);
    int result = 0;

    if (order == NULL)
        return hands_outcome(-1, err);
    for (uint32_t k = 0; result == 0 && k < order->b.init_count; k++)
        result = run_init(job, order, k, err);
    if (result == 0)
        result = order->runtime->inspect(order->runtime->self, &order->o, &job->reply->status, err);
    free(order);
    return hands_outcome(result, err);
}

static bool is_volume(const void *arg, const char *name)
{
    const struct blueprint *b = arg;

    for (uint32_t i = 0; i < b->volume_count; i++)
        if (str_equal(b->volumes[i].name, name))
            return true;
    return false;
}

/* Its engine answers, and what lies in the tenant's folder has a place in it. */
enum outcome hands_runtime_fit(struct hands_job *job, struct err *err)
{
    struct hands_task *order = take_order(job, true, err);
    char folder[400], other[128];
    int result;

    if (order == NULL)
        return hands_outcome(-1, err);
    result = order->runtime->inspect(order->runtime->self, &order->o, &order->status, err);
    if (result == 0 &&
        str_format(folder, sizeof folder, "%s/%llu", job->world->paths->tenants,
                   (unsigned long long)order->o.number) == 0 &&
        (result = folder_find_other(folder, is_volume, &order->b, other, sizeof other, err)) == 1) {
        result = err_set(err, ERR_CONFLICT, "volume_missing",
                         "the tenant's folder holds \"%s\", which is no volume of blueprint %s",
                         other, order->b.name);
        (void)err_hint(err, "name it under [volumes] of that blueprint, or take it away");
    }
    free(order);
    return hands_outcome(result, err);
}

enum outcome hands_port_probe(struct hands_job *job, struct err *err)
{
    const struct hands_request *q = job->request;
    char mine[400];
    int taken;

    if (str_format(mine, sizeof mine,
                   runtime_lxc_known(&job->world->lxc, q->number) ? "%s/lxc/%llu-port"
                                                                  : "%s/process/%llu",
                   job->world->paths->hands, (unsigned long long)q->number) == -1)
        mine[0] = '\0';
    taken = port_probe(q->port, q->number == 0 ? NULL : mine, job->reply->owner,
                       sizeof job->reply->owner, err);
    job->reply->present = taken == 1;
    return hands_outcome(taken == -1 ? -1 : 0, err);
}
