#ifndef SETT_TEST_CLOUDFLARE_WORLD_H
#define SETT_TEST_CLOUDFLARE_WORLD_H
/* The stateful fake of Cloudflare for unit tests: started once, emptied before each test, its word
 * on breaches of the provider's description heard after each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "canned.h"
#include "clock.h"
#include "cloudflare.h"
#include "http.h"
#include "json_in.h"
#include "outcome.h"

static struct canned world;
static struct http_client *client, *control;
static struct cloudflare cf;
static char domain[64], api[96], token[96], account[64], zone[64];

/* Ask the fakes themselves. The answer is to be freed. */
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
    struct err err;

    (void)str_format(url, sizeof url, "%s/_world/%s", world.url, path);
    http_answer_init(&a, 0);
    if (http_call(control, &r, &a, &err) == 0 && a.status == 200)
        json = json_parse(buf_string(&a.body), a.body.len, &json_limits_provider, &err);
    if (json == NULL)
        fail_msg("%s: %ld %s", path, a.status, err.text);
    http_answer_free(&a);
    return json;
}

static int world_setup(void **state)
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
    return 0;
}

static int world_teardown(void **state)
{
    (void)state;
    http_client_free(client);
    http_client_free(control);
    canned_stop(&world);
    return 0;
}

/* An empty provider and a fresh budget of calls. */
static void world_begin(void)
{
    struct err err;

    json_free(tell("reset", "{}"));
    assert_int_equal(cloudflare_init(&cf, api, token, account, zone, client, &err), 0);
}

/* A breach of the provider's own description, by us or by the fake, fails the test. */
static void world_end(void)
{
    struct cJSON *breaches = tell("breaches", NULL);
    const struct cJSON *first = json_next(breaches, NULL);

    if (first != NULL)
        fail_msg("breach: %s %s", json_text(first, "where", json_text(first, "", "")),
                 json_text(first, "what", ""));
    json_free(breaches);
    cloudflare_free(&cf);
}

#endif
