/*
 * Tasks, nodes, and who we are among them. Apart from services because a service is what we want
 * and these are what the swarm has made of it.
 */
#include "swarm_task.h"

#include "clock.h"
#include "docker_stream.h"
#include "json_in.h"
#include "str.h"
#include "swarm_ask.h"

#include <string.h>

#define PRIVILEGES_API 46 /* the minor version since which a service can have no new privileges */

int swarm_here(struct docker_api *api, struct swarm_here *out, struct err *err)
{
    struct docker_reply reply;
    uint64_t minor = 0;

    memset(out, 0, sizeof *out);
    if (swarm_ask(api, "/info", "asking the engine about itself", &reply, err) != 0)
        return -1;
    swarm_copy_cut(out->node, sizeof out->node, json_text(reply.json, "Swarm.NodeID", ""));
    docker_reply_free(&reply);
    out->no_new_privileges = str_starts(api->version, "1.") &&
                             str_u64(api->version + 2, 0, 9999, &minor) == 0 &&
                             minor >= PRIVILEGES_API;
    if (swarm_ask(api, "/networks/docker_gwbridge", "", &reply, NULL) == 0) {
        const struct cJSON *configs = json_at(reply.json, "IPAM.Config");
        swarm_copy_cut(out->gateway, sizeof out->gateway,
                       json_text(json_next(configs, NULL), "Gateway", ""));
        docker_reply_free(&reply);
    }
    return 0;
}

static bool is_one_of(const char *word, const char *const *words)
{
    for (; *words != NULL; words++)
        if (str_equal(word, *words))
            return true;
    return false;
}

static void read_task(struct swarm_task *t, const struct cJSON *json)
{
    swarm_copy_cut(t->id, sizeof t->id, json_text(json, "ID", ""));
    swarm_copy_cut(t->node, sizeof t->node, json_text(json, "NodeID", ""));
    swarm_copy_cut(t->state, sizeof t->state, json_text(json, "Status.State", ""));
    swarm_copy_cut(t->error, sizeof t->error,
                   json_text(json, "Status.Err", json_text(json, "Status.Message", "")));
    swarm_copy_cut(t->container, sizeof t->container,
                   json_text(json, "Status.ContainerStatus.ContainerID", ""));
    t->exit_code = (int32_t)json_i64(json, "Status.ContainerStatus.ExitCode", 0);
    if (clock_parse(json_text(json, "Status.Timestamp", ""), &t->at) == -1)
        t->at = 0;
}

struct nodes {
    struct docker_reply reply;
    bool asked, known;
};

/* The name of a node that is down. Return whether it is. */
static bool is_down(struct docker_api *api, struct nodes *n, const char *id, char name[64])
{
    if (!n->asked)
        n->known = swarm_ask(api, "/nodes", "listing nodes", &n->reply, NULL) == 0;
    n->asked = true;
    if (!n->known || id[0] == '\0')
        return false;
    for (const struct cJSON *at = json_next(n->reply.json, NULL); at != NULL;
         at = json_next(n->reply.json, at)) {
        if (!str_equal(json_text(at, "ID", ""), id))
            continue;
        swarm_copy_cut(name, 64, json_text(at, "Description.Hostname", id));
        return str_equal(json_text(at, "Status.State", ""), "down");
    }
    swarm_copy_cut(name, 64, id); /* it has left the swarm */
    return true;
}

static void take_task(struct docker_api *api, struct nodes *nodes, struct swarm_tasks *out,
                      const struct cJSON *json)
{
    static const char *const over[] = {"complete", "failed",   "shutdown", "rejected",
                                       "remove",   "orphaned", NULL};
    static const char *const by_itself[] = {"complete", "failed", "rejected", NULL};
    bool wanted = !is_one_of(json_text(json, "DesiredState", ""),
                             (const char *const[]){"shutdown", "remove", NULL});
    struct swarm_task t;
    char name[64] = "";

    read_task(&t, json);
    if (is_one_of(t.state, by_itself)) {
        out->ended++;
        if (t.at >= out->last.at)
            out->last = t;
    }
    if (!is_one_of(t.state, over)) {
        bool running = str_equal(t.state, "running");
        if (!(wanted && running) && is_down(api, nodes, t.node, name))
            swarm_copy_cut(out->lost, sizeof out->lost, name);
        else
            out->alive = out->alive || t.node[0] != '\0';
    }
    if ((wanted && !out->wanted) || (wanted == out->wanted && t.at >= out->now.at))
        out->now = t;
    out->wanted = out->wanted || wanted;
}

int swarm_tasks_read(struct docker_api *api, const char *mark, struct swarm_tasks *out,
                     struct err *err)
{
    struct nodes nodes = {.asked = false};
    struct docker_reply reply;
    struct err why = {0};
    char name[64];

    memset(out, 0, sizeof *out);
    if (swarm_ask_list(api, "/tasks", "service", mark, &reply, &why) != 0) {
        if (why.kind == ERR_NOT_FOUND) /* no such service, no tasks */
            return 0;
        if (err != NULL)
            *err = why;
        return -1;
    }
    for (const struct cJSON *at = json_next(reply.json, NULL); at != NULL;
         at = json_next(reply.json, at))
        take_task(api, &nodes, out, at);
    /* one that is said to run on a node that is down does not, as far as anybody can know */
    if (out->wanted && str_equal(out->now.state, "running") &&
        is_down(api, &nodes, out->now.node, name)) {
        out->stranded = true;
        swarm_copy_cut(out->lost, sizeof out->lost, name);
    }
    docker_reply_free(&reply);
    if (nodes.known)
        docker_reply_free(&nodes.reply);
    return 0;
}

int swarm_task_logs(struct docker_api *api, const struct swarm_task *task, uint32_t lines,
                    struct buf *out, struct err *err)
{
    char path[DOCKER_API_PATH];
    struct docker_stream stream;
    struct docker_reply reply;
    int rc = -1;

    docker_stream_init(&stream, false, out);
    (void)str_format(path, sizeof path, "/tasks/%s/logs?stdout=1&stderr=1&tail=%u", task->id,
                     lines);
    if (docker_api_stream(api, "GET", path, NULL, 60, docker_stream_feed, &stream, &reply, err) !=
        0)
        return -1;
    if (reply.status != 200)
        (void)swarm_refused(&reply, "reading the task's log", err);
    else
        rc = docker_stream_end(&stream, err);
    docker_reply_free(&reply);
    return rc;
}
