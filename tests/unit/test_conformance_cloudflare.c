/*
 * The Cloudflare ingress, against the stateful fake whose every answer is judged by the provider's
 * own description, and the cases that every ingress must pass (conformance_ingress.h).
 */
#include "cloudflare_world.h"
#include "conformance_ingress.h"
#include "ingress_cloudflare.h"

static void begin(void)
{
    world_begin();
    ingress_cloudflare(&ingress_subject.ingress, &cf);
}

/* The tunnel that a record of ours leads to, and its rule. */
static void leads_to(const char *hostname, char service[160])
{
    struct cJSON *state = tell("state", NULL);
    const struct cJSON *records = json_at(state, "records"), *tunnels = json_at(state, "tunnels");
    bool named = false;

    service[0] = '\0';
    for (const struct cJSON *r = json_next(records, NULL); r != NULL; r = json_next(records, r))
        named = named || str_equal(json_text(r, "name", ""), hostname);
    for (const struct cJSON *t = json_next(tunnels, NULL); named && t != NULL;
         t = json_next(tunnels, t)) {
        const struct cJSON *rules = json_at(t, "config.ingress");
        if (json_text(t, "deleted_at", NULL) != NULL)
            continue;
        for (const struct cJSON *u = json_next(rules, NULL); u != NULL; u = json_next(rules, u))
            if (str_equal(json_text(u, "hostname", ""), hostname))
                (void)str_copy(service, 160, json_text(u, "service", ""));
    }
    if (str_equal(service, "http_status:503"))
        (void)str_copy(service, 160, "503");
    json_free(state);
}

/* A record of the host name, made by hand. */
static void foreign(const struct ingress_route *r)
{
    char body[400];

    (void)str_format(body, sizeof body,
                     "{\"type\":\"A\",\"name\":\"%s\",\"content\":\"192.0.2.1\",\"comment\":\"sett "
                     "box_other tun_77\"}",
                     r->hostname);
    json_free(tell("record", body));
}

static bool untouched(const struct ingress_route *r)
{
    struct cJSON *state = tell("state", NULL);
    bool there = json_size(state, "records") == 1 &&
                 str_equal(json_text(state, "records[0].name", ""), r->hostname) &&
                 str_equal(json_text(state, "records[0].content", ""), "192.0.2.1");

    json_free(state);
    return there;
}

static int setup(void **state)
{
    if (world_setup(state) == -1)
        return -1;
    ingress_subject =
        (struct ingress_subject){.name = "cloudflare",
                                 .domain = domain,
                                 .secret = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
                                 .begin = begin,
                                 .end = world_end,
                                 .leads_to = leads_to,
                                 .foreign = foreign,
                                 .untouched = untouched,
                                 .no_nonsense = "a service is judged when its rule is recorded"};
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {INGRESS_CASES};

    return cmocka_run_group_tests(tests, setup, world_teardown);
}
