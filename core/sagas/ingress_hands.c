/*
 * The worker's end of the local ingress. Apart because the map and the web server are the hands'
 * business: from here a route is a number, a host name and a port.
 */
#include "ingress_hands.h"

#include <string.h>

#include "hands.h"
#include "str.h"

#define ROUTE_MS 45000 /* the web server tests its configuration and reloads */

/* "http://127.0.0.1:3100" -> 3100, or 0. */
static uint32_t port_of(const char *service)
{
    const char *colon = strrchr(service, ':');
    uint64_t port;

    if (colon == NULL || str_u64(colon + 1, 1, 65535, &port) == -1)
        return 0;
    return (uint32_t)port;
}

static enum outcome stage(void *self, enum ingress_stage which, enum ingress_verb verb,
                          const struct ingress_route *r, const char *secret, struct kv *facts,
                          struct err *err)
{
    static const enum hands_verb verbs[] = {
        [INGRESS_CHECK] = HANDS_ROUTE_SHOW,
        [INGRESS_MAKE] = HANDS_ROUTE_SET,
        [INGRESS_UNDO] = HANDS_ROUTE_UNSET,
    };
    struct hands_request request = {.verb = (uint32_t)verbs[verb], .number = r->number};
    struct hands_reply reply = {0};

    (void)secret;
    (void)facts;
    if (which != INGRESS_RULES)
        return OUTCOME_OK;
    request.port = port_of(r->service);
    (void)str_copy(request.hostname, sizeof request.hostname, r->hostname);
    (void)str_copy(request.service, sizeof request.service, r->service);
    (void)str_copy(request.job_id, sizeof request.job_id, r->job_id);
    return hands_call(self, &request, ROUTE_MS, &reply, NULL, err);
}

void ingress_hands(struct ingress *out, const char *hands_sock)
{
    out->name = "local";
    out->self = (void *)(uintptr_t)hands_sock;
    out->stage = stage;
}
