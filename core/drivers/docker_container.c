/*
 * Reading and moving one container. Apart from the driver so that its answers, in which many
 * members may be null or missing and the engines differ, are read in one place.
 */
#include "docker_container.h"

#include "clock.h"
#include "docker_stream.h"
#include "json_in.h"
#include "str.h"

#include <string.h>

#define GONE_MS       30000
#define LINES_DEFAULT 100u
#define LINES_MAX     10000u

static const struct {
    const char *word;
    enum runtime_state state;
} states[] = {
    {"created", RUNTIME_CREATED},     {"configured", RUNTIME_CREATED},
    {"initialized", RUNTIME_CREATED}, {"running", RUNTIME_RUNNING},
    {"paused", RUNTIME_RUNNING},      {"stopping", RUNTIME_STOPPED},
    {"stopped", RUNTIME_STOPPED},     {"exited", RUNTIME_STOPPED},
    {"restarting", RUNTIME_FAILED},   {"removing", RUNTIME_STOPPED},
    {"dead", RUNTIME_FAILED},
};

static void copy_cut(char *out, size_t size, const char *s)
{
    size_t len = strlen(s);

    (void)str_copy_n(out, size, s, len < size ? len : size - 1);
}

static void read_state(struct runtime_status *out, const struct cJSON *json)
{
    const char *word = json_text(json, "State.Status", "");
    const char *error = json_text(json, "State.Error", "");
    int64_t started = 0;

    out->state = RUNTIME_FAILED;
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (str_equal(word, states[i].word))
            out->state = states[i].state;
    out->exit_code = (int32_t)json_i64(json, "State.ExitCode", 0);
    out->oom_killed = json_bool(json, "State.OOMKilled", false);
    out->restarts = (uint32_t)json_i64(json, "RestartCount", 0);
    if (clock_parse(json_text(json, "State.StartedAt", ""), &started) == 0 && started > 0)
        out->started_at = started; /* never started: the year 1 */
    if (out->state != RUNTIME_RUNNING && (error[0] != '\0' || out->oom_killed))
        out->state = RUNTIME_FAILED;
    if (error[0] != '\0')
        copy_cut(out->detail, sizeof out->detail, error);
    else if (str_equal(word, "paused"))
        (void)str_copy(out->detail, sizeof out->detail, "paused");
    else if (out->oom_killed)
        (void)str_copy(out->detail, sizeof out->detail, "killed for want of memory");
    else if (out->state != RUNTIME_RUNNING && out->state != RUNTIME_CREATED)
        (void)str_format(out->detail, sizeof out->detail, "%.100s, status %d", word,
                         (int)out->exit_code);
}

static void read_container(struct docker_container *c, const struct cJSON *json)
{
    const struct cJSON *labels = json_at(json, "Config.Labels");
    int64_t nano = json_i64(json, "HostConfig.NanoCpus", 0);
    int64_t pids = json_i64(json, "HostConfig.PidsLimit", 0);
    int64_t memory = json_i64(json, "HostConfig.Memory", 0);

    memset(c, 0, sizeof *c);
    (void)str_copy(c->status.id, sizeof c->status.id, json_text(json, "Id", ""));
    for (const struct cJSON *at = json_next(labels, NULL); at != NULL; at = json_next(labels, at))
        if (str_equal(json_name(at), "sett.config"))
            (void)str_copy(c->hash, sizeof c->hash, json_text(at, "", ""));
    (void)str_copy(c->user, sizeof c->user, json_text(json, "Config.User", ""));
    c->tty = json_bool(json, "Config.Tty", false);
    c->paused = json_bool(json, "State.Paused", false);
    c->limits.memory_bytes = memory > 0 ? (uint64_t)memory : 0;
    c->limits.cpu_millis = nano > 0 ? (uint32_t)((nano + 500000) / 1000000) : 0;
    c->limits.pids = pids > 0 ? (uint32_t)pids : 0;
    read_state(&c->status, json);
}

int docker_container_find(struct docker_api *api, const struct runtime_order *o,
                          struct docker_container *out, struct err *err)
{
    char path[DOCKER_API_PATH];
    struct docker_reply reply;
    int rc = -1;

    memset(out, 0, sizeof *out);
    (void)str_format(path, sizeof path, "/containers/%s/json", o->mark);
    if (docker_api_call(api, "GET", path, NULL, DOCKER_API_QUICK_S, &reply, err) != 0)
        return -1;
    if (reply.status == 404) {
        rc = 0;
    } else if (reply.status != 200 || reply.json == NULL) {
        docker_api_refused(&reply, "looking at the tenant's container", err);
    } else if (!docker_labels_ours(json_at(reply.json, "Config.Labels"), o)) {
        err_set(err, ERR_CONFLICT, "foreign_container",
                "A container \"%s\" exists that is not of this tenant on this box.", o->mark);
        err_hint(err, "Look at it (docker inspect %s); rename or remove it, then retry.", o->mark);
    } else {
        read_container(out, reply.json);
        rc = 1;
    }
    docker_reply_free(&reply);
    return rc;
}

int docker_container_need(struct docker_api *api, const struct runtime_order *o,
                          struct docker_container *out, struct err *err)
{
    int rc = docker_container_find(api, o, out, err);

    if (rc == 0)
        err_set(err, ERR_NOT_FOUND, "container_missing", "There is no container \"%s\".", o->mark);
    return rc == 1 ? 0 : -1;
}

int docker_container_post(struct docker_api *api, const char *id, const char *verb,
                          uint32_t timeout_s, const char *what, struct err *err)
{
    char path[DOCKER_API_PATH];
    struct docker_reply reply;
    int rc = 0;

    (void)str_format(path, sizeof path, "/containers/%s/%s", id, verb);
    if (docker_api_call(api, "POST", path, NULL, timeout_s, &reply, err) != 0)
        return -1;
    if (reply.status != 204 && reply.status != 304 && reply.status != 200)
        rc = docker_api_refused(&reply, what, err);
    docker_reply_free(&reply);
    return rc;
}

int docker_container_pause(struct docker_api *api, const struct docker_container *c, bool pause,
                           struct err *err)
{
    if (c->paused == pause)
        return 0;
    if (pause && c->status.state != RUNTIME_RUNNING)
        return err_set(err, ERR_UNAVAILABLE, "container_stopped", "The container does not run.");
    return docker_container_post(api, c->status.id, pause ? "pause" : "unpause", DOCKER_API_QUICK_S,
                                 pause ? "pausing the container" : "letting the container go on",
                                 err);
}

/* A removal that somebody else began answers 409 while it lasts. */
int docker_container_remove(struct docker_api *api, const char *id, struct err *err)
{
    int64_t deadline = clock_mono_ms() + GONE_MS;
    char path[DOCKER_API_PATH];
    struct docker_reply reply;

    (void)str_format(path, sizeof path, "/containers/%s?force=1&v=1", id);
    for (;;) {
        int rc = 1;

        if (docker_api_call(api, "DELETE", path, NULL, 60, &reply, err) != 0)
            return -1;
        if (reply.status == 404)
            rc = 0;
        else if (reply.status >= 300 && reply.status != 409)
            rc = docker_api_refused(&reply, "removing the tenant's container", err);
        else if (clock_mono_ms() > deadline)
            rc = err_set(err, ERR_TIMEOUT, "container_stays", "The container does not go: %s",
                         reply.message);
        docker_reply_free(&reply);
        if (rc <= 0)
            return rc;
        clock_sleep_ms(20); /* ask again: a 404 is what says that it is gone */
    }
}

int docker_container_logs(struct docker_api *api, const struct docker_container *c, uint32_t lines,
                          struct buf *out, struct err *err)
{
    char path[DOCKER_API_PATH];
    struct docker_stream stream;
    struct docker_reply reply;
    int rc = -1;

    if (lines == 0)
        lines = LINES_DEFAULT;
    docker_stream_init(&stream, c->tty, out);
    (void)str_format(path, sizeof path, "/containers/%s/logs?stdout=1&stderr=1&tail=%u",
                     c->status.id, lines < LINES_MAX ? lines : LINES_MAX);
    if (docker_api_stream(api, "GET", path, NULL, 60, docker_stream_feed, &stream, &reply, err) !=
        0)
        return -1;
    if (reply.status != 200)
        docker_api_refused(&reply, "reading the container's log", err);
    else
        rc = docker_stream_end(&stream, err);
    docker_reply_free(&reply);
    return rc;
}

static uint64_t positive(const struct cJSON *json, const char *path)
{
    int64_t n = json_i64(json, path, 0);

    return n > 0 ? (uint64_t)n : 0;
}

/* Page cache that can go is not the tenant's use; the member's name is the cgroup version's. */
static uint64_t memory_used(const struct cJSON *json)
{
    uint64_t usage = positive(json, "memory_stats.usage");
    uint64_t cache = positive(json, "memory_stats.stats.total_inactive_file");

    if (cache == 0)
        cache = positive(json, "memory_stats.stats.inactive_file");
    return cache < usage ? usage - cache : usage;
}

static void read_stats(struct runtime_stats *out, const struct cJSON *json)
{
    const struct cJSON *networks = json_at(json, "networks");

    out->cpu_ns = positive(json, "cpu_stats.cpu_usage.total_usage");
    out->memory_bytes = memory_used(json);
    out->memory_limit_bytes = positive(json, "memory_stats.limit");
    out->pids = positive(json, "pids_stats.current");
    for (const struct cJSON *at = json_next(networks, NULL); at != NULL;
         at = json_next(networks, at)) {
        out->received_bytes += positive(at, "rx_bytes");
        out->sent_bytes += positive(at, "tx_bytes");
    }
}

int docker_container_stats(struct docker_api *api, const struct docker_container *c,
                           struct runtime_stats *out, struct err *err)
{
    char path[DOCKER_API_PATH];
    struct docker_reply reply;
    int rc = 0;

    memset(out, 0, sizeof *out);
    out->memory_limit_bytes = c->limits.memory_bytes;
    if (c->status.state != RUNTIME_RUNNING)
        return 0;
    (void)str_format(path, sizeof path, "/containers/%s/stats?stream=false&one-shot=true",
                     c->status.id);
    if (docker_api_call(api, "GET", path, NULL, 30, &reply, err) != 0)
        return -1;
    if (reply.status == 200)
        read_stats(out, reply.json);
    else if (reply.status != 404 && reply.status != 409) /* it ended just now: zeros */
        rc = docker_api_refused(&reply, "sampling the container", err);
    docker_reply_free(&reply);
    return rc;
}
