/*
 * Waiting for the swarm to do what it was told. Apart because it goes on trying for ever by itself:
 * here is decided when that is a failure, and what it means.
 */
#include "swarm_wait.h"

#include "clock.h"
#include "str.h"
#include "swarm_service.h"
#include "swarm_task.h"

#include <string.h>

#define START_MS   300000 /* a node may have to pull the image */
#define STOP_MS    60000
#define UPDATE_MS  300000
#define NO_NODE_MS 10000 /* that long no node may be suitable before we say so */
#define BEGINS_MS  5000  /* an update that has not begun by then will not */
#define SETTLE_MS  300   /* who ends sooner has not started */
#define LOOK_MS    50

/* Why a task did not come to run. */
static int task_failed(const struct runtime_order *o, const struct swarm_task *t, struct err *err)
{
    struct docker_reply words = {.status = 500};
    size_t len = strlen(t->error), room = sizeof words.message - 1;

    /* the cause stands at its end */
    (void)str_copy(words.message, sizeof words.message, t->error + (len > room ? len - room : 0));
    if (strstr(t->error, "host-mode port already in use") != NULL) {
        (void)err_set(err, ERR_CONFLICT, "port_taken", "Port %u is taken on every node: %s",
                      o->port, t->error);
        return err_hint(err, "Another service holds the port.");
    }
    (void)docker_api_refused(&words, "running the task", err);
    if (err == NULL || !str_equal(err->code, "engine_refused"))
        return -1;
    if (strstr(t->error, "no suitable node") != NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_node", "No node may run %s: %s", o->mark, t->error);
        return err_hint(err, "Look at the blueprint's [placement] and at docker node ls.");
    }
    if (strstr(t->error, "bind source path does not exist") != NULL) {
        (void)err_set(err, ERR_INVALID, "volume_elsewhere", "A node has no folder for %s: %s",
                      o->mark, t->error);
        return err_hint(err, "Volumes are folders of the node: put them on shared storage, or keep "
                             "the tenant on this node (no [placement]).");
    }
    (void)err_set(err, ERR_UNAVAILABLE, "task_ended", "The task of %s was started and ended: %s",
                  o->mark, t->error);
    return err_hint(err, "Its log says why: sett tenant logs %llu", (unsigned long long)o->number);
}

/* Wait for a task other than ${before} to run, and for a moment longer. ${ended}: how many had
 * ended by themselves. */
int swarm_wait_running(struct docker_api *api, const struct runtime_order *o, const char *before,
                       int64_t since, struct err *err)
{
    int64_t until = clock_mono_ms() + START_MS, settled = 0, homeless = 0;
    struct swarm_tasks t;

    for (;;) {
        if (swarm_tasks_read(api, o->mark, &t, err) == -1)
            return -1;
        if (t.ended > 0 && t.last.at >= since && !str_equal(t.last.id, before))
            return task_failed(o, &t.last, err);
        if (t.wanted && str_equal(t.now.state, "running") && !str_equal(t.now.id, before)) {
            if (settled == 0)
                settled = clock_mono_ms() + SETTLE_MS;
            if (clock_mono_ms() >= settled)
                return 0;
        } else if (t.wanted && str_equal(t.now.state, "pending") && t.now.error[0] != '\0' &&
                   strstr(t.now.error, "no suitable node") != NULL) {
            if (homeless == 0)
                homeless = clock_mono_ms() + NO_NODE_MS;
            if (clock_mono_ms() >= homeless)
                return task_failed(o, &t.now, err);
        }
        if (clock_mono_ms() > until)
            return err_set(err, ERR_TIMEOUT, "task_slow", "The task of %s does not start: %s: %s",
                           o->mark, t.now.state, t.now.error);
        clock_sleep_ms(LOOK_MS);
    }
}

int swarm_wait_stopped(struct docker_api *api, const struct runtime_order *o, struct err *err)
{
    int64_t until = clock_mono_ms() + STOP_MS;
    struct swarm_tasks t;

    for (;;) {
        if (swarm_tasks_read(api, o->mark, &t, err) == -1)
            return -1;
        if (!t.alive)
            return 0;
        if (clock_mono_ms() > until)
            return err_set(err, ERR_TIMEOUT, "task_stays", "The task of %s does not end: %s",
                           o->mark, t.now.state);
        clock_sleep_ms(LOOK_MS);
    }
}

/* A rolling update: until it is done, or has gone back. */
int swarm_wait_updated(struct docker_api *api, const struct runtime_order *o, struct err *err)
{
    int64_t now = clock_mono_ms(), until = now + UPDATE_MS, begins = now + BEGINS_MS;
    struct swarm_service s;

    for (;;) {
        int rc = swarm_service_find(api, o, &s, err);
        if (rc != 1)
            return rc == -1 ? -1
                            : err_set(err, ERR_NOT_FOUND, "service_missing",
                                      "There is no service \"%s\".", o->mark);
        if (str_equal(s.update, "completed") ||
            (s.update[0] == '\0' && clock_mono_ms() > begins)) /* nothing of a task was another */
            return 0;
        if (str_equal(s.update, "rollback_completed") || str_ends(s.update, "paused")) {
            (void)err_set(err, ERR_INVALID, "update_rolled_back",
                          "What %s was to become does not run, so it is as it was: %s", o->mark,
                          s.update_message);
            return err_hint(err, "Mend the blueprint or the plan, then retry.");
        }
        if (clock_mono_ms() > until)
            return err_set(err, ERR_TIMEOUT, "update_slow", "The update of %s is still %s", o->mark,
                           s.update);
        clock_sleep_ms(LOOK_MS);
    }
}
