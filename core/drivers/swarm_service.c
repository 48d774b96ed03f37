/*
 * A tenant's service: made, found, changed, removed, listed. Apart from the driver because every
 * change is a race with the swarm itself, which changes services, too: it is here that it is won.
 */
#include "swarm_service.h"

#include "clock.h"
#include "docker_network.h"
#include "json_in.h"
#include "json_out.h"
#include "str.h"
#include "swarm_ask.h"

#include <string.h>

#define GONE_MS 60000
#define TRIES   8 /* updates that somebody else overtook */

/* ---- services ---- */

static void read_service(struct swarm_service *s, const struct cJSON *json)
{
    const struct cJSON *labels = json_at(json, "Spec.Labels");

    swarm_copy_cut(s->id, sizeof s->id, json_text(json, "ID", ""));
    swarm_copy_cut(s->hash, sizeof s->hash, swarm_label(labels, "sett.config"));
    s->started = str_equal(swarm_label(labels, "sett.started"), "yes");
    s->version = (uint64_t)json_i64(json, "Version.Index", 0);
    s->force = (uint64_t)json_i64(json, "Spec.TaskTemplate.ForceUpdate", 0);
    s->replicas = (uint32_t)json_i64(json, "Spec.Mode.Replicated.Replicas", 0);
    swarm_copy_cut(s->update, sizeof s->update, json_text(json, "UpdateStatus.State", ""));
    swarm_copy_cut(s->update_message, sizeof s->update_message,
                   json_text(json, "UpdateStatus.Message", ""));
}

int swarm_service_find(struct docker_api *api, const struct runtime_order *o,
                       struct swarm_service *out, struct err *err)
{
    char path[DOCKER_API_PATH];
    struct docker_reply reply;
    int rc = -1;

    memset(out, 0, sizeof *out);
    (void)str_format(path, sizeof path, "/services/%s", o->mark);
    if (docker_api_call(api, "GET", path, NULL, DOCKER_API_QUICK_S, &reply, err) != 0)
        return -1;
    if (reply.status == 404) {
        rc = 0;
    } else if (reply.status != 200 || reply.json == NULL) {
        (void)swarm_refused(&reply, "looking at the tenant's service", err);
    } else if (!docker_labels_ours(json_at(reply.json, "Spec.Labels"), o)) {
        err_set(err, ERR_CONFLICT, "foreign_service",
                "A service \"%s\" exists that is not of this tenant on this box.", o->mark);
        err_hint(err, "Look at it (docker service inspect %s); remove it, then retry.", o->mark);
    } else {
        read_service(out, reply.json);
        rc = 1;
    }
    docker_reply_free(&reply);
    return rc;
}

int swarm_service_create(struct docker_api *api, const struct swarm_plan *p, struct err *err)
{
    struct docker_reply reply;
    struct buf body;
    int rc = -1;

    buf_init(&body, 256 * 1024);
    if (swarm_spec_write(&body, p, err) == 0 &&
        docker_api_call(api, "POST", "/services/create", &body, 60, &reply, err) == 0) {
        rc = reply.status == 201 ? 0 : swarm_refused(&reply, "creating the tenant's service", err);
        docker_reply_free(&reply);
    }
    buf_free(&body);
    return rc;
}

/* One attempt to update to ${body}. Return 0, 1 somebody else was faster, -1. */
static int update(struct docker_api *api, const struct swarm_service *s, const struct buf *body,
                  struct err *err)
{
    char path[DOCKER_API_PATH];
    struct docker_reply reply;
    int rc = 0;

    (void)str_format(path, sizeof path, "/services/%s/update?version=%llu", s->id,
                     (unsigned long long)s->version);
    if (docker_api_call(api, "POST", path, body, 60, &reply, err) != 0)
        return -1;
    if (reply.status != 200) {
        rc = swarm_refused(&reply, "updating the tenant's service", err);
        if (strstr(reply.message, "out of sequence") != NULL)
            rc = 1;
    }
    docker_reply_free(&reply);
    return rc;
}

static int missing(const struct runtime_order *o, struct err *err)
{
    return err_set(err, ERR_NOT_FOUND, "service_missing", "There is no service \"%s\".", o->mark);
}

int swarm_service_update(struct docker_api *api, const struct runtime_order *o,
                         const struct swarm_plan *p, struct err *err)
{
    struct swarm_service s;
    struct buf body;
    int rc = 1;

    buf_init(&body, 256 * 1024);
    if (swarm_spec_write(&body, p, err) == -1)
        rc = -1;
    for (int i = 0; i < TRIES && rc == 1; i++) {
        rc = swarm_service_find(api, o, &s, err);
        if (rc == 1)
            rc = update(api, &s, &body, err);
        else if (rc == 0)
            rc = missing(o, err);
    }
    buf_free(&body);
    return rc == 0 ? 0 : -1;
}

struct change { /* of a service as it is */
    uint32_t replicas;
    bool anew;
};

/* An item as it is, but for what the change says; ${path}: where it stands. */
static void copy_item(struct json_out *j, const struct cJSON *item, const struct change *c,
                      const char *path)
{
    char below[256];
    bool negative;
    uint64_t n;

    switch (json_type(item)) {
    case JSON_OBJECT:
        json_out_object(j);
        for (const struct cJSON *at = json_next(item, NULL); at != NULL; at = json_next(item, at)) {
            (void)str_format(below, sizeof below, "%s/%s", path, json_name(at));
            json_out_key(j, json_name(at));
            if (str_equal(below, "/Mode/Replicated/Replicas"))
                json_out_u64(j, c->replicas);
            else if (str_equal(below, "/TaskTemplate/ForceUpdate"))
                json_out_u64(j, (uint64_t)json_i64(at, "", 0) + c->anew);
            else if (str_equal(below, "/Labels/sett.started") && c->replicas > 0)
                json_out_text(j, "yes");
            else
                copy_item(j, at, c, below);
        }
        json_out_end_object(j);
        return;
    case JSON_ARRAY:
        json_out_array(j);
        for (const struct cJSON *at = json_next(item, NULL); at != NULL; at = json_next(item, at))
            copy_item(j, at, c, "");
        json_out_end_array(j);
        return;
    case JSON_STRING:
        json_out_text(j, json_text(item, "", ""));
        return;
    case JSON_BOOL:
        json_out_bool(j, json_bool(item, "", false));
        return;
    case JSON_NUMBER:
        if (!json_integer(item, &negative, &n))
            json_out_u64(j, 0); /* MaxFailureRatio, which is ours and 0 */
        else if (negative)
            json_out_i64(j, -(int64_t)n);
        else
            json_out_u64(j, n);
        return;
    case JSON_NULL:
        json_out_null(j);
        return;
    }
}

/* One attempt to scale. Return 0, 1 somebody else was faster, -1. */
static int scale(struct docker_api *api, const struct runtime_order *o, const struct change *c,
                 struct err *err)
{
    char path[DOCKER_API_PATH];
    struct swarm_service s;
    struct docker_reply reply;
    struct json_out j;
    struct buf body;
    int rc = swarm_service_find(api, o, &s, err); /* whose it is */

    if (rc != 1)
        return rc == 0 ? missing(o, err) : -1;
    (void)str_format(path, sizeof path, "/services/%s", s.id);
    if (swarm_ask(api, path, "looking at the tenant's service", &reply, err) != 0)
        return -1;
    read_service(&s, reply.json);
    buf_init(&body, 256 * 1024);
    json_out_init(&j, &body);
    copy_item(&j, json_at(reply.json, "Spec"), c, "");
    docker_reply_free(&reply);
    rc = body.failed ? err_set(err, ERR_TOO_LARGE, "service_too_large",
                               "The description of service %s is too large.", o->mark)
                     : update(api, &s, &body, err);
    buf_free(&body);
    return rc;
}

int swarm_service_scale(struct docker_api *api, const struct runtime_order *o, uint32_t replicas,
                        bool anew, struct err *err)
{
    const struct change c = {replicas, anew};
    int rc = 1;

    for (int i = 0; i < TRIES && rc == 1; i++)
        rc = scale(api, o, &c, err);
    return rc == 0 ? 0 : -1;
}

/* How many containers of the service this node still has. -1 when it cannot be known. */
static int containers_left(struct docker_api *api, const char *mark, struct err *err)
{
    char value[96];
    struct docker_reply reply;
    int count;

    (void)str_format(value, sizeof value, "com.docker.swarm.service.name=%s", mark);
    if (swarm_ask_list(api, "/containers/json?all=1", "label", value, &reply, err) != 0)
        return -1;
    count = json_size(reply.json, "");
    docker_reply_free(&reply);
    return count;
}

int swarm_service_remove(struct docker_api *api, const char *mark, struct err *err)
{
    int64_t deadline = clock_mono_ms() + GONE_MS;
    char path[DOCKER_API_PATH];
    struct docker_reply reply;
    int rc = 0;

    (void)str_format(path, sizeof path, "/services/%s", mark);
    if (docker_api_call(api, "DELETE", path, NULL, 60, &reply, err) != 0)
        return -1;
    if (reply.status != 200 && reply.status != 404)
        rc = swarm_refused(&reply, "removing the tenant's service", err);
    docker_reply_free(&reply);
    while (rc == 0) {
        int left = containers_left(api, mark, err);
        if (left <= 0)
            return left;
        if (clock_mono_ms() > deadline)
            rc = err_set(err, ERR_TIMEOUT, "container_stays",
                         "A container of service %s does not go.", mark);
        clock_sleep_ms(50);
    }
    return rc;
}

static void found_labels(struct runtime_found *found, const struct cJSON *labels)
{
    if (str_u64(swarm_label(labels, "sett.number"), 1, UINT32_MAX, &found->number) == -1)
        found->number = 0;
    swarm_copy_cut(found->tenant_id, sizeof found->tenant_id, swarm_label(labels, "sett.tenant"));
}

static int list_services(const struct cJSON *all, runtime_each *each, void *arg, struct err *err)
{
    int rc = 0;

    for (const struct cJSON *at = json_next(all, NULL); rc == 0 && at != NULL;
         at = json_next(all, at)) {
        const struct cJSON *labels = json_at(at, "Spec.Labels");
        struct runtime_found found = {.state = RUNTIME_STOPPED};
        found_labels(&found, labels);
        if (json_i64(at, "Spec.Mode.Replicated.Replicas", 0) > 0)
            found.state = RUNTIME_RUNNING;
        else if (!str_equal(swarm_label(labels, "sett.started"), "yes"))
            found.state = RUNTIME_CREATED;
        swarm_copy_cut(found.id, sizeof found.id, json_text(at, "ID", ""));
        if (found.number != 0)
            rc = each(arg, &found, err);
    }
    return rc;
}

static int list_networks(const struct cJSON *all, runtime_each *each, void *arg, struct err *err)
{
    int rc = 0;

    for (const struct cJSON *at = json_next(all, NULL); rc == 0 && at != NULL;
         at = json_next(all, at)) {
        struct runtime_found found = {.state = RUNTIME_ABSENT};
        found_labels(&found, json_at(at, "Labels"));
        swarm_copy_cut(found.id, sizeof found.id, json_text(at, "Id", ""));
        if (found.number != 0 && str_equal(json_text(at, "Scope", ""), "swarm"))
            rc = each(arg, &found, err);
    }
    return rc;
}

int swarm_service_list(struct docker_api *api, const char *box_id, runtime_each *each, void *arg,
                       struct err *err)
{
    struct docker_reply reply;
    char value[96];
    int rc;

    (void)str_format(value, sizeof value, "sett.box=%s", box_id);
    if (swarm_ask_list(api, "/services", "label", value, &reply, err) != 0)
        return -1;
    rc = list_services(reply.json, each, arg, err);
    docker_reply_free(&reply);
    if (rc == -1 || swarm_ask_list(api, "/networks", "label", value, &reply, err) != 0)
        return -1;
    rc = list_networks(reply.json, each, arg, err);
    docker_reply_free(&reply);
    return rc;
}
