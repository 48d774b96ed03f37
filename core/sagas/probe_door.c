/*
 * A probe's look at the front door: the same path as a visitor asks for it. Apart because what
 * Cloudflare's edge answers in a service's place is told by its pages alone.
 */
#include "probe.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "origin.h"
#include "steps.h"
#include "str.h"

#define BODY_MAX 65536u
#define OWN_DOOR "127.0.0.1" /* where the box's own web server listens */

static const char *const failure_names[] = {
    [HTTP_ANSWERED] = "",     [HTTP_NO_NAME] = "no_name",         [HTTP_REFUSED] = "refused",
    [HTTP_TLS] = "tls",       [HTTP_CERTIFICATE] = "certificate", [HTTP_NO_HTTP] = "no_http",
    [HTTP_BROKEN] = "broken", [HTTP_SILENT] = "silent",           [HTTP_OTHER] = "other"};

long probe_edge_code(const struct http_answer *answer)
{
    static const char *const before[] = {"error code: ", "cf-error-code\">", "Error code "};
    const char *body = buf_string(&answer->body), *at;

    if (answer->status < 400)
        return 0;
    for (size_t i = 0; i < sizeof before / sizeof before[0]; i++)
        if ((at = strstr(body, before[i])) != NULL && isdigit((unsigned char)at[strlen(before[i])]))
            return strtol(at + strlen(before[i]), NULL, 10);
    return 0;
}

static void take(struct kv *facts, const struct http_answer *answer)
{
    char number[24];

    (void)str_format(number, sizeof number, "%ld", answer->status);
    probe_fact(facts, PROBE_DOOR, answer->status == 0 ? "" : number);
    (void)str_format(number, sizeof number, "%ld", probe_edge_code(answer));
    probe_fact(facts, PROBE_DOOR_CODE, str_equal(number, "0") ? "" : number);
    probe_fact(facts, PROBE_DOOR_FAILURE, failure_names[answer->failure]);
    probe_fact(facts, PROBE_DOOR_LOCATION, answer->location);
    probe_fact(facts, PROBE_DOOR_SERVER, answer->server);
}

static void tell(const struct kv *facts, const char *url, const struct http_answer *answer,
                 const struct err *err, const struct probe_notes *notes)
{
    const char *code = kv_get_or(facts, PROBE_DOOR_CODE, "");

    if (answer->failure != HTTP_ANSWERED && answer->status == 0)
        probe_note(notes, PROBE_BAD, "%s", err->text);
    else
        probe_note(notes, answer->status < 400 ? PROBE_GOOD : PROBE_BAD, "%s answers %ld%s%s%s%s",
                   url, answer->status, code[0] != '\0' ? ", Cloudflare's error " : "", code,
                   answer->location[0] != '\0' ? ", to " : "", answer->location);
}

void probe_door(struct outside *o, struct kv *facts, const struct probe_notes *notes)
{
    bool local = !probe_is(facts, FACT_INGRESS, "cloudflare");
    const char *base = kv_get_or(facts, FACT_URL, ""), *path = kv_get_or(facts, PROBE_PATH, "/");
    const char *door = o->front_door[0] == '\0' && local ? OWN_DOOR : o->front_door;
    bool websocket = kv_get(facts, PROBE_WEBSOCKET) != NULL;
    char url[900], resolve[400] = "";
    struct http_answer answer;
    struct err err = {0};

    if (probe_is(facts, PROBE_SPEAKS, "stream")) {
        probe_note(notes, PROBE_NOTE, "not asked: visitors of a stream come by cloudflared access");
        return;
    }
    if (kv_get(facts, FACT_HOSTNAME) == NULL ||
        str_format(url, sizeof url, "%s%s", base,
                   str_ends(base, "/") && *path == '/' ? path + 1 : path) == -1 ||
        (door[0] != '\0' && steps_resolve_here(base, door, resolve, sizeof resolve) == -1))
        return;
    http_answer_init(&answer, BODY_MAX);
    (void)origin_door(o->probe, url, resolve[0] != '\0' ? resolve : NULL, false, local, &answer,
                      &err);
    take(facts, &answer);
    tell(facts, url, &answer, &err, notes);
    if (websocket && answer.status != 0) {
        (void)origin_door(o->probe, url, resolve[0] != '\0' ? resolve : NULL, true, local, &answer,
                          &err);
        probe_fact(facts, PROBE_DOOR_WEBSOCKET, origin_switched(&answer) ? "1" : "0");
        probe_note(notes, origin_switched(&answer) ? PROBE_GOOD : PROBE_BAD,
                   origin_switched(&answer) ? "it becomes a WebSocket there, too"
                                            : "it does not become a WebSocket there: it answers "
                                              "%ld",
                   answer.status);
    }
    http_answer_free(&answer);
}
