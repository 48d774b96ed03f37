/*
 * The Cloudflare ingress, against the stateful fake whose every answer is judged by the provider's
 * own description, and the cases that every ingress must pass (conformance_ingress.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "canned.h"
#include "conformance_ingress.h"
#include "http.h"
#include "ingress_cloudflare.h"
#include "json_in.h"

static struct canned world;
static struct http_client *client, *control;
static struct cloudflare cf;
static char domain[64], api[96], token[96], account[64], zone[64];

/* Ask the fake itself. The answer is to be freed. */
static struct cJSON *tell(const char *path, const char *body)
{
    char url[160];
    struct http_request r = {.profile = HTTP_PROVIDER,
                             .method = body == NULL ? "GET" : "POST",
                             .url = url,
                             .content_type = "application/json",
                             .body = body,
                             .body_len = body == NULL ? 0 : strlen(body)};
    struct http_answer a;
    struct cJSON *json = NULL;
    struct err err = {0};

    (void)str_format(url, sizeof url, "%s/_world/%s", world.url, path);
    http_answer_init(&a, 0);
    if (http_call(control, &r, &a, &err) == 0 && a.status == 200)
        json = json_parse(buf_string(&a.body), a.body.len, &json_limits_provider, &err);
    if (json == NULL)
        fail_msg("%s: %ld %s", path, a.status, err.text);
    http_answer_free(&a);
    return json;
}

static void begin(void)
{
    struct err err;

    json_free(tell("reset", "{}"));
    assert_int_equal(cloudflare_init(&cf, api, token, account, zone, client, &err), 0);
    ingress_cloudflare(&ingress_subject.ingress, &cf);
}

static void end(void)
{
    struct cJSON *breaches = tell("breaches", NULL);
    const struct cJSON *first = json_next(breaches, NULL);

    if (first != NULL)
        fail_msg("breach: %s %s", json_text(first, "where", json_text(first, "", "")),
                 json_text(first, "what", ""));
    json_free(breaches);
    cloudflare_free(&cf);
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
    char *argv[] = {(char[]){"python3"}, (char[]){"tests/fake/world.py"}, world.folder, NULL};
    char line[1024];
    struct cJSON *said;
    struct err err;

    (void)state;
    if (http_init(&err) == -1 || canned_folder(&world) == -1 ||
        canned_spawn(&world, argv, line, sizeof line) == -1 ||
        http_client_new(&client, &err) == -1 || http_client_new(&control, &err) == -1 ||
        (said = json_parse(line, strlen(line), &json_limits_provider, &err)) == NULL)
        return -1;
    (void)str_format(world.url, sizeof world.url, "https://localhost:%d",
                     (int)json_i64(said, "port", 0));
    (void)str_format(api, sizeof api, "%s/client/v4", world.url);
    (void)str_copy(domain, sizeof domain, json_text(said, "domain", ""));
    (void)str_copy(token, sizeof token, json_text(said, "cf_token", ""));
    (void)str_copy(account, sizeof account, json_text(said, "account", ""));
    (void)str_copy(zone, sizeof zone, json_text(said, "zone", ""));
    (void)http_client_set_ca(client, json_text(said, "ca", ""));
    (void)http_client_set_ca(control, json_text(said, "ca", ""));
    json_free(said);
    ingress_subject =
        (struct ingress_subject){.name = "cloudflare",
                                 .domain = domain,
                                 .secret = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
                                 .begin = begin,
                                 .end = end,
                                 .leads_to = leads_to,
                                 .foreign = foreign,
                                 .untouched = untouched,
                                 .no_nonsense = "a service is judged when its rule is recorded"};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    http_client_free(client);
    http_client_free(control);
    canned_stop(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {INGRESS_CASES};

    return cmocka_run_group_tests(tests, setup, teardown);
}
