#ifndef SETT_PROXMOX_WORLD_H
#define SETT_PROXMOX_WORLD_H
/* A cluster that is played (tests/fake/world.py), and a proxmox runtime on it. Included by one test
 * program each, after cmocka.h. */
#include <stdlib.h>
#include <string.h>

#include "canned.h"
#include "http.h"
#include "json_in.h"
#include "runtime_proxmox.h"
#include "str.h"

static struct canned world;
static struct http_client *client;
static struct proxmox api;
static struct runtime runtime;
static char base[64];

/* Tell the world something; its answer is forgotten. */
static inline void tell(const char *what, const char *said)
{
    struct http_request r = {.profile = HTTP_PROVIDER, .method = "POST"};
    struct http_answer a;
    struct err err = {0};
    char url[160];

    (void)str_format(url, sizeof url, "%s/_world/%s", base, what);
    r.url = url;
    r.body = said;
    r.body_len = strlen(said);
    r.content_type = "application/json";
    http_answer_init(&a, 0);
    if (http_call(client, &r, &a, &err) == -1 || a.status != 200)
        fail_msg("%s: %s", what, err.text);
    http_answer_free(&a);
}

/* What the world says of something. To be freed. */
static inline char *told(const char *what)
{
    struct http_request r = {.profile = HTTP_PROVIDER, .method = "GET"};
    struct http_answer a;
    struct err err = {0};
    char url[160], *text;

    (void)str_format(url, sizeof url, "%s/_world/%s", base, what);
    r.url = url;
    http_answer_init(&a, 0);
    assert_int_equal(http_call(client, &r, &a, &err), 0);
    text = strdup(buf_string(&a.body));
    http_answer_free(&a);
    return text;
}

/* Whether there is a container of the order's number, and its state or name is ${words}; "free": no
 * task holds it. */
static inline bool there(const struct runtime_order *o, const char *words)
{
    char *all = told("pve"), key[24];
    struct cJSON *json;
    const struct cJSON *guest;
    bool yes;

    for (char *at = all; (at = strstr(at, "\\u0000")) != NULL;) /* an environment's */
        at[5] = '1';
    json = json_parse(all, strlen(all), &json_limits_provider, NULL);
    assert_non_null(json);
    (void)str_format(key, sizeof key, "%u", o->guest);
    guest = json_at(json, key);
    yes = guest != NULL &&
          (words == NULL || (str_equal(words, "free") && json_text(guest, "lock", "")[0] == '\0') ||
           str_equal(json_text(guest, "status", ""), words) ||
           str_equal(json_text(guest, "config.hostname", ""), words));
    json_free(json);
    free(all);
    return yes;
}

/* Where the order's container goes. */
static inline void place(struct runtime_order *o)
{
    o->guest = 5000 + (unsigned)o->number;
    (void)str_copy(o->node, sizeof o->node, "pve1");
    (void)str_format(o->inside, sizeof o->inside, "127.9.%u.7/8", (unsigned)o->number);
}

static inline int world_setup(void **state)
{
    struct runtime_proxmox_setup terms = {.api = &api, .storage = "local-lvm", .bridge = "vmbr0"};
    char *argv[] = {(char[]){"python3"}, (char[]){"tests/fake/world.py"}, world.folder, NULL};
    char line[1024];
    struct cJSON *facts;
    struct err err = {0};

    (void)state;
    if (canned_folder(&world) == -1 || canned_spawn(&world, argv, line, sizeof line) == -1 ||
        (facts = json_parse(line, strlen(str_trim(line)), &json_limits_api, &err)) == NULL)
        return -1;
    (void)str_format(base, sizeof base, "https://localhost:%u",
                     (unsigned)json_i64(facts, "port", 0));
    if (http_init(&err) == -1 || http_client_new(&client, &err) == -1 ||
        http_client_set_ca(client, json_text(facts, "ca", "")) == -1 ||
        proxmox_init(&api, base, json_text(facts, "pve_token_id", ""),
                     json_text(facts, "pve_token", ""), client, &err) == -1 ||
        runtime_proxmox_new(&runtime, &terms, &err) == -1)
        return -1;
    json_free(facts);
    return 0;
}

static inline int world_teardown(void **state)
{
    (void)state;
    runtime_proxmox_free(&runtime);
    proxmox_free(&api);
    http_client_free(client);
    canned_stop(&world);
    return 0;
}

#endif
