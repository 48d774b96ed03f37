/*
 * Looking for what bears this box's mark. Apart from the runtime, which asks for one tenant by its
 * name: here the question is what is there that nobody asks for.
 */
#include "docker_list.h"

#include <string.h>

#include "docker_body.h"
#include "http.h"
#include "json_in.h"
#include "str.h"

/* The labels of one object; Return whether they say a number. Names of labels hold dots, which
 * json_at would take for steps. */
static bool read_labels(const struct cJSON *labels, struct runtime_found *found)
{
    uint64_t number = 0;

    for (const struct cJSON *at = json_next(labels, NULL); at != NULL; at = json_next(labels, at)) {
        const char *name = json_name(at), *text = json_text(at, "", NULL);

        if (text == NULL)
            continue;
        if (str_equal(name, "sett.tenant"))
            (void)str_copy(found->tenant_id, sizeof found->tenant_id, text);
        else if (str_equal(name, "sett.number") && str_u64(text, 1, UINT32_MAX, &number) == -1)
            return false;
    }
    found->number = number;
    return number != 0;
}

static uint32_t state_of(const char *word)
{
    static const struct {
        const char *word;
        uint32_t state;
    } words[] = {
        {"running", RUNTIME_RUNNING}, {"created", RUNTIME_CREATED}, {"restarting", RUNTIME_FAILED},
        {"paused", RUNTIME_STOPPED},  {"exited", RUNTIME_STOPPED},  {"dead", RUNTIME_FAILED},
    };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_equal(words[i].word, word))
            return words[i].state;
    return RUNTIME_STOPPED;
}

/* GET a list of objects with our label. */
static int fetch(struct docker_api *api, const char *what, const char *box_id,
                 struct docker_reply *reply, struct err *err)
{
    char path[DOCKER_API_PATH], filters[256], escaped[768];

    if (str_format(filters, sizeof filters, "{\"label\":[\"sett.box=%s\"]}", box_id) == -1 ||
        http_escape(escaped, sizeof escaped, filters) == -1 ||
        str_format(path, sizeof path, "/%s%sfilters=%s", what, strchr(what, '?') ? "&" : "?",
                   escaped) == -1)
        return err_set(err, ERR_INVALID, "box_id", "The box's id is too long.");
    if (docker_api_call(api, "GET", path, NULL, DOCKER_API_QUICK_S, reply, err) == -1)
        return -1;
    if (reply->status == 200 && reply->json != NULL)
        return 0;
    (void)docker_api_refused(reply, "the list of what is there", err);
    docker_reply_free(reply);
    return -1;
}

static int each_of(struct docker_api *api, const char *what, bool container, const char *box_id,
                   runtime_each *each, void *arg, struct err *err)
{
    struct docker_reply reply;
    int rc = 0;

    if (fetch(api, what, box_id, &reply, err) == -1)
        return -1;
    for (const struct cJSON *at = json_next(reply.json, NULL); rc == 0 && at != NULL;
         at = json_next(reply.json, at)) {
        struct runtime_found found = {.state = RUNTIME_ABSENT};

        if (!read_labels(json_at(at, "Labels"), &found) ||
            str_equal(json_text(at, "Scope", ""), "swarm")) /* a network of the swarm runtime */
            continue;
        if (container)
            found.state = state_of(json_text(at, "State", ""));
        (void)str_copy(found.id, sizeof found.id, json_text(at, "Id", ""));
        rc = each(arg, &found, err);
    }
    docker_reply_free(&reply);
    return rc;
}

int docker_list_ours(struct docker_api *api, const char *box_id, runtime_each *each, void *arg,
                     struct err *err)
{
    if (each_of(api, "containers/json?all=1", true, box_id, each, arg, err) == -1)
        return -1;
    return each_of(api, "networks", false, box_id, each, arg, err);
}
