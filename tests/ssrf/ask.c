/*
 * Addresses that a customer may have named, asked as the worker asks them: each line of standard
 * input by a probe and by a plain request that takes public addresses only; what came of it, a line
 * each. Where it connected is not asked of it: that is the hook's to say.
 */
#include <stdio.h>
#include <string.h>

#include "http.h"
#include "origin.h"
#include "probe.h"

static void ignore(void *arg, enum probe_sign sign, const char *text)
{
    (void)arg, (void)sign, (void)text;
}

static void ask(struct http_client *client, const char *url)
{
    struct http_request request = {.profile = HTTP_PROBE,
                                   .method = "GET",
                                   .url = url,
                                   .public_only = true,
                                   .connect_timeout_s = 3,
                                   .timeout_s = 5};
    struct probe_notes notes = {.add = ignore};
    struct outside outside = {.probe = client};
    struct http_answer answer;
    struct err err = {0};
    struct origin o;
    struct kv facts;

    kv_clear(&facts);
    probe_fact(&facts, PROBE_PUBLIC, "1");
    (void)kv_set(&facts, PROBE_URL, url);
    probe_fact(&facts, PROBE_PATH,
               origin_parse(url, &o, &err) == 0 && o.path[0] == '/' ? o.path : "/");
    probe_origin(&outside, &facts, &notes);
    err_clear(&err);
    http_answer_init(&answer, 65536);
    printf("%s\t%s\t", url, kv_get_or(&facts, PROBE_REACH, "-"));
    if (http_call(client, &request, &answer, &err) == 0)
        printf("%ld\n", answer.status);
    else
        printf("%s\n", err.code);
    http_answer_free(&answer);
}

int main(void)
{
    struct http_client *client;
    struct err err = {0};
    char line[1024];

    if (http_init(&err) == -1 || http_client_new(&client, &err) == -1)
        return 1;
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        ask(client, line);
    }
    http_client_free(client);
    return 0;
}
