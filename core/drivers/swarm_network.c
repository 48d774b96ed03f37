/*
 * A tenant's network in the swarm. Apart from docker_network.c because the swarm chooses its range
 * itself, from a pool of its own that does not end at thirty.
 */
#include "swarm_service.h"

#include "clock.h"
#include "docker_network.h"
#include "json_in.h"
#include "json_out.h"
#include "str.h"
#include "swarm_ask.h"

#define GONE_MS 60000

/* Return 1, 0 when there is none, -1. */
static int find_network(struct docker_api *api, const struct runtime_order *o, struct err *err)
{
    char path[DOCKER_API_PATH];
    struct docker_reply reply;
    int rc = -1;

    (void)str_format(path, sizeof path, "/networks/" SWARM_NETWORK, o->mark);
    if (docker_api_call(api, "GET", path, NULL, DOCKER_API_QUICK_S, &reply, err) != 0)
        return -1;
    if (reply.status == 404) {
        rc = 0;
    } else if (reply.status != 200) {
        (void)swarm_refused(&reply, "looking for the tenant's network", err);
    } else if (!docker_labels_ours(json_at(reply.json, "Labels"), o)) {
        err_set(err, ERR_CONFLICT, "foreign_network",
                "A network \"" SWARM_NETWORK "\" exists that is not of this tenant on this box.",
                o->mark);
        err_hint(err,
                 "Look at it (docker network inspect " SWARM_NETWORK "); remove it, then retry.",
                 o->mark);
    } else {
        rc = 1;
    }
    docker_reply_free(&reply);
    return rc;
}

static void write_network(struct buf *body, const struct runtime_order *o)
{
    struct json_out j;
    char number[24], name[64];

    (void)str_format(name, sizeof name, SWARM_NETWORK, o->mark);
    json_out_init(&j, body);
    json_out_object(&j);
    json_out_key_text(&j, "Name", name);
    json_out_key_text(&j, "Driver", "overlay");
    json_out_key_text(&j, "Scope", "swarm");
    json_out_key_bool(&j, "CheckDuplicate", true);
    json_out_key(&j, "Labels");
    json_out_object(&j);
    json_out_key_text(&j, "sett.tenant", o->tenant_id);
    json_out_key_text(&j, "sett.job", o->job_id);
    json_out_key_text(&j, "sett.box", o->box_id);
    (void)str_format(number, sizeof number, "%llu", (unsigned long long)o->number);
    json_out_key_text(&j, "sett.number", number);
    json_out_end_object(&j);
    json_out_end_object(&j);
}

int swarm_network_ensure(struct docker_api *api, const struct runtime_order *o, struct err *err)
{
    struct docker_reply reply;
    struct buf body;
    int rc = find_network(api, o, err);

    if (rc != 0)
        return rc == 1 ? 0 : -1;
    buf_init(&body, 8192);
    write_network(&body, o);
    rc = -1;
    if (docker_api_call(api, "POST", "/networks/create", &body, 60, &reply, err) == 0) {
        if (reply.status == 201 || reply.status == 200)
            rc = 0;
        else if (docker_api_name_used(&reply) && find_network(api, o, err) == 1)
            rc = 0; /* made since we looked */
        else
            (void)swarm_refused(&reply, "creating the tenant's network", err);
        docker_reply_free(&reply);
    }
    buf_free(&body);
    return rc;
}

int swarm_network_remove(struct docker_api *api, const struct runtime_order *o, struct err *err)
{
    int64_t deadline = clock_mono_ms() + GONE_MS;
    char path[DOCKER_API_PATH];
    struct docker_reply reply;

    (void)str_format(path, sizeof path, "/networks/" SWARM_NETWORK, o->mark);
    for (;;) {
        int rc = find_network(api, o, err);
        if (rc != 1)
            return rc;
        if (docker_api_call(api, "DELETE", path, NULL, 60, &reply, err) != 0)
            return -1;
        if (reply.status >= 400 && reply.status != 404 && clock_mono_ms() > deadline)
            rc = swarm_refused(&reply, "removing the tenant's network", err);
        docker_reply_free(&reply);
        if (rc == -1)
            return -1;
        clock_sleep_ms(100); /* it goes when the last task has left it; a 404 is what says so */
    }
}
