/*
 * Questions to the swarm. Apart so that what every answer may be, an engine outside any swarm among
 * them, is understood in one place.
 */
#include "swarm_ask.h"

#include "http.h"
#include "json_in.h"
#include "str.h"

#include <string.h>

void swarm_copy_cut(char *out, size_t size, const char *s)
{
    size_t len = strlen(s);

    (void)str_copy_n(out, size, s, len < size ? len : size - 1);
}

/* A refusal; of a node outside a swarm with what to do. */
int swarm_refused(const struct docker_reply *reply, const char *what, struct err *err)
{
    if (reply->status != 503)
        return docker_api_refused(reply, what, err);
    err_set(err, ERR_UNAVAILABLE, "swarm_inactive", "The engine is no manager of a swarm: %s",
            reply->message);
    return err_hint(err, "docker swarm init --advertise-addr ADDRESS (127.0.0.1 for one node)");
}

int swarm_ask(struct docker_api *api, const char *path, const char *what,
              struct docker_reply *reply, struct err *err)
{
    if (docker_api_call(api, "GET", path, NULL, DOCKER_API_QUICK_S, reply, err) != 0)
        return -1;
    if (reply->status == 200 && reply->json != NULL)
        return 0;
    (void)swarm_refused(reply, what, err);
    docker_reply_free(reply);
    return -1;
}

/* A list with filters: "/tasks", "service", MARK. */
int swarm_ask_list(struct docker_api *api, const char *path, const char *filter, const char *value,
                   struct docker_reply *reply, struct err *err)
{
    char filters[256], escaped[768], whole[DOCKER_API_PATH];

    if (str_format(filters, sizeof filters, "{\"%s\":[\"%s\"]}", filter, value) == -1 ||
        http_escape(escaped, sizeof escaped, filters) == -1 ||
        str_format(whole, sizeof whole, "%s%cfilters=%s", path,
                   strchr(path, '?') == NULL ? '?' : '&', escaped) == -1)
        return err_set(err, ERR_INVALID, "engine_path", "%s is too long.", value);
    return swarm_ask(api, whole, "listing what the swarm has", reply, err);
}

const char *swarm_label(const struct cJSON *labels, const char *name)
{
    /* Names of labels hold dots, which json_at would take for steps. */
    for (const struct cJSON *at = json_next(labels, NULL); at != NULL; at = json_next(labels, at))
        if (str_equal(json_name(at), name))
            return json_text(at, "", "");
    return "";
}
