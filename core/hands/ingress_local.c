/* The local ingress driver. Above the drivers because it is a request to the hands and nothing
 * more. */
#include "ingress_local.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "hands.h"
#include "str.h"

struct self {
    char sock[256];
    int timeout_ms;
};

/* Where a service is. */
struct target {
    uint32_t address, port; /* address 0: this box */
};

static int target_of(const struct ingress_route *r, struct target *out, struct err *err)
{
    const char *at = r->service + strlen("http://"), *colon;
    struct in_addr in = {0};
    char host[64];
    uint64_t n;

    if (r->path[0] != '\0')
        return err_set(err, ERR_INVALID, "path_unsupported",
                       "the local ingress leads whole host names, not the path %s", r->path);
    if (str_starts(r->service, "http://") && (colon = strrchr(at, ':')) != NULL &&
        str_copy_n(host, sizeof host, at, (size_t)(colon - at)) == 0 &&
        str_u64(colon + 1, 1, 65535, &n) == 0 &&
        (str_equal(host, "localhost") || inet_pton(AF_INET, host, &in) == 1)) {
        out->port = (uint32_t)n;
        out->address = ntohl(in.s_addr) == INADDR_LOOPBACK ? 0 : ntohl(in.s_addr);
        return 0;
    }
    return err_set(err, ERR_INVALID, "service_unsupported",
                   "the local ingress leads to http://ADDRESS:PORT, not to %s", r->service);
}

static enum outcome check(const struct self *self, struct hands_request *q, const struct target *to,
                          bool maintenance, struct kv *facts, struct err *err)
{
    struct hands_reply reply;
    enum outcome out;

    q->verb = HANDS_ROUTE_SHOW;
    out = hands_call(self->sock, q, self->timeout_ms, &reply, NULL, err);
    if (out != OUTCOME_OK)
        return out;
    if (reply.number != q->number || reply.port != to->port || reply.address != to->address ||
        reply.maintenance != maintenance)
        return OUTCOME_ABSENT;
    (void)kv_set_u64(facts, "local_port", to->port);
    return OUTCOME_OK;
}

static enum outcome stage(void *arg, enum ingress_stage at, enum ingress_verb verb,
                          const struct ingress_route *r, const char *secret, struct kv *facts,
                          struct err *err)
{
    const struct self *self = arg;
    struct hands_request *q;
    struct hands_reply reply;
    enum outcome out = OUTCOME_FAIL;
    struct target to = {0};

    (void)secret;
    if (at != INGRESS_RULES)
        return OUTCOME_OK;
    if (verb != INGRESS_UNDO && target_of(r, &to, err) == -1)
        return OUTCOME_FAIL;
    if ((q = calloc(1, sizeof *q)) == NULL) {
        (void)err_set(err, ERR_INTERNAL, "memory", "no memory for a request");
        return OUTCOME_AGAIN;
    }
    q->number = r->number;
    if (str_copy(q->hostname, sizeof q->hostname, r->hostname) == -1) {
        (void)err_set(err, ERR_INVALID, "hostname", "the host name is too long");
    } else if (verb == INGRESS_CHECK) {
        out = check(self, q, &to, r->maintenance, facts, err);
    } else {
        q->verb = verb == INGRESS_MAKE ? HANDS_ROUTE_SET : HANDS_ROUTE_UNSET;
        q->address = to.address;
        q->port = to.port;
        q->flag = verb == INGRESS_MAKE && r->maintenance;
        out = hands_call(self->sock, q, self->timeout_ms, &reply, NULL, err);
        if (out == OUTCOME_OK && verb == INGRESS_MAKE)
            (void)kv_set_u64(facts, "local_port", to.port);
    }
    free(q);
    return out;
}

int ingress_local_new(struct ingress *out, const char *hands_sock, int timeout_ms, struct err *err)
{
    struct self *self = calloc(1, sizeof *self);

    memset(out, 0, sizeof *out);
    if (self == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for the local ingress");
    self->timeout_ms = timeout_ms;
    *out = (struct ingress){.name = "local", .self = self, .stage = stage};
    if (str_copy(self->sock, sizeof self->sock, hands_sock) == 0)
        return 0;
    ingress_local_free(out);
    return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", hands_sock);
}

void ingress_local_free(struct ingress *in)
{
    if (in == NULL)
        return;
    free(in->self);
    memset(in, 0, sizeof *in);
}
