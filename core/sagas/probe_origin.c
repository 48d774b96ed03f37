/*
 * A probe's look at the service, layer by layer. Apart from the way to it because most of what goes
 * wrong is here, and nothing outside this machine is asked.
 */
#include "probe.h"

#include <string.h>

#include "clock.h"
#include "origin.h"
#include "str.h"

#define BODY_MAX 65536u
#define USUAL_MS 8000 /* for all the usual paths of a service that is slow */

/* Where programs that speak WebSocket mostly do. */
static const char *const usual[] = {"/ws",     "/",           "/asterisk/ws", "/websocket",
                                    "/wss",    "/api/ws",     "/socket",      "/ws/",
                                    "/stream", "/longpolling"};

/* One look: what the stage works with. */
struct look {
    struct http_client *client;
    struct kv *facts;
    const struct probe_notes *notes;
    struct origin o;
    struct http_answer answer;
    struct err err;
    const char *path;
};

static int ask(struct look *l, const char *path, bool websocket)
{
    err_clear(&l->err);
    return origin_ask(l->client, &l->o, path, websocket, &l->answer, &l->err);
}

/* ---- TCP ---- */

static bool reach(struct look *l)
{
    static const char *const names[] = {[ORIGIN_OPEN] = "open",
                                        [ORIGIN_NO_NAME] = "no_name",
                                        [ORIGIN_REFUSED] = "refused",
                                        [ORIGIN_SILENT] = "silent",
                                        [ORIGIN_FORBIDDEN] = "forbidden"};
    enum origin_reach reached = origin_connect(&l->o, &l->err);

    probe_fact(l->facts, PROBE_REACH, names[reached]);
    if (reached == ORIGIN_OPEN) {
        probe_note(l->notes, PROBE_GOOD, "%s takes connections", kv_get_or(l->facts, PROBE_AT, ""));
        return true;
    }
    probe_fact(l->facts, PROBE_WHY, l->err.text);
    probe_note(l->notes, PROBE_BAD, "%s", l->err.text);
    return false;
}

/* ---- TLS ---- */

static const struct {
    const char *says, *kind, *text;
} certificate_rows[] = {
    {"self-signed", "own", "is the service's own (self-signed)"},
    {"self signed", "own", "is the service's own (self-signed)"},
    {"unable to get local issuer", "own", "is by an authority that is not trusted here"},
    {"does not match", "name", "is for another name"},
    {"no alternative certificate", "name", "is for another name"},
    {"has expired", "expired", "has expired"},
    {"not yet valid", "expired", "is not valid yet"},
};

/* The handshake went wrong by the certificate: why, and go on without looking at it, to see what
 * else there is. */
static int past_certificate(struct look *l)
{
    const char *kind = "other", *text = "is not accepted";
    char why[sizeof l->answer.why];
    int result;

    for (size_t i = 0; i < sizeof certificate_rows / sizeof certificate_rows[0]; i++)
        if (strstr(l->answer.why, certificate_rows[i].says) != NULL) {
            kind = certificate_rows[i].kind, text = certificate_rows[i].text;
            break;
        }
    (void)str_copy(why, sizeof why, l->answer.why);
    l->o.no_verify = true;
    result = ask(l, l->path, false);
    probe_fact(l->facts, PROBE_CERTIFICATE, kind);
    probe_fact(l->facts, PROBE_NAMES, l->answer.certificate_names);
    probe_note(l->notes, PROBE_BAD, "its certificate %s: %s; it is for %s, by %s, until %s", text,
               why,
               l->answer.certificate_names[0] != '\0' ? l->answer.certificate_names : "no name",
               l->answer.certificate_issuer[0] != '\0' ? l->answer.certificate_issuer : "nobody",
               l->answer.certificate_expires[0] != '\0' ? l->answer.certificate_expires : "?");
    return result;
}

static void speaks(struct look *l, const char *what, const char *note)
{
    probe_fact(l->facts, PROBE_SPEAKS, what);
    if (!str_equal(what, "http") && !str_equal(what, "https"))
        probe_fact(l->facts, PROBE_WHY, l->answer.why);
    probe_note(l->notes,
               str_starts(what, "http") && l->o.tls == str_equal(what, "https") ? PROBE_GOOD
                                                                                : PROBE_BAD,
               "%s", note);
}

/* It does not speak what the rule says. Does it speak the other? */
static bool other_protocol(struct look *l)
{
    bool tls = l->o.tls, no_verify = l->o.no_verify, answered;
    enum http_failure first = l->answer.failure;
    char why[sizeof l->answer.why];

    (void)str_copy(why, sizeof why, l->answer.why);
    l->o.tls = !tls;
    l->o.no_verify = true;
    answered = ask(l, l->path, false) == 0;
    l->o.tls = tls;
    l->o.no_verify = no_verify;
    if (answered && !tls)
        speaks(l, "https", "it speaks TLS, and was asked in plain HTTP");
    else if (answered)
        speaks(l, "http", "it speaks plain HTTP, and was asked for TLS");
    (void)str_copy(l->answer.why, sizeof l->answer.why, why);
    l->answer.failure = first;
    return answered;
}

/* "The plain HTTP request was sent to HTTPS port", "Client sent an HTTP request to an HTTPS
 * server": servers that know both tell so. */
static bool asked_for_tls(const struct look *l)
{
    return !l->o.tls && l->answer.status == 400 &&
           strstr(buf_string(&l->answer.body), "HTTPS") != NULL;
}

/* The first question. Return whether the service speaks what the rule says. */
static bool speak(struct look *l)
{
    int result = ask(l, l->path, false);

    if (result == -1 && l->answer.failure == HTTP_CERTIFICATE)
        result = past_certificate(l);
    else if (result == 0 && l->o.tls)
        probe_fact(l->facts, PROBE_CERTIFICATE, l->o.no_verify ? "unchecked" : "fine");
    if (result == 0 && asked_for_tls(l) && other_protocol(l))
        return false;
    if (result == 0) {
        speaks(l, l->o.tls ? "https" : "http",
               l->o.tls ? "it speaks TLS and HTTP" : "it speaks HTTP");
        return true;
    }
    /* A server that waits for a whole line is silent at a handshake; one that waits for a handshake
     * hangs up at a line. */
    if ((l->answer.failure != HTTP_SILENT || l->o.tls) && other_protocol(l))
        return false;
    if (l->answer.failure == HTTP_SILENT)
        speaks(l, "silent", "it takes the connection and says nothing");
    else if (l->answer.failure == HTTP_BROKEN || l->answer.failure == HTTP_TLS)
        speaks(l, "closed", "it closes the connection without an answer, TLS or not");
    else
        speaks(l, "other", "it answers in something that is neither HTTP nor TLS");
    return false;
}

/* ---- HTTP and WebSocket ---- */

static bool websocket_at(struct look *l, const char *path)
{
    return ask(l, path, true) == 0 && origin_switched(&l->answer);
}

static void look_elsewhere(struct look *l)
{
    int64_t until_ms = clock_mono_ms() + USUAL_MS;

    for (size_t i = 0; i < sizeof usual / sizeof usual[0] && clock_mono_ms() < until_ms; i++) {
        bool page = kv_get(l->facts, PROBE_PAGE) == NULL;
        if (str_equal(usual[i], l->path))
            continue;
        if (websocket_at(l, usual[i])) {
            probe_fact(l->facts, PROBE_ELSEWHERE, usual[i]);
            probe_note(l->notes, PROBE_GOOD, "%s becomes a WebSocket", usual[i]);
            return;
        }
        if (l->answer.failure == HTTP_SILENT)
            return; /* one that hangs would hang at each */
        if (page && l->answer.status >= 200 && l->answer.status < 300) {
            probe_fact(l->facts, PROBE_PAGE, usual[i]);
            probe_note(l->notes, PROBE_NOTE, "%s answers %ld", usual[i], l->answer.status);
        }
    }
}

static void look_at_paths(struct look *l)
{
    char number[16];

    (void)str_format(number, sizeof number, "%ld", l->answer.status);
    probe_fact(l->facts, PROBE_STATUS, number);
    probe_fact(l->facts, PROBE_LOCATION, l->answer.location);
    probe_note(l->notes, l->answer.status < 400 ? PROBE_GOOD : PROBE_NOTE, "GET %s answers %s%s%s",
               l->path, number, l->answer.location[0] != '\0' ? ", to " : "", l->answer.location);
    if (websocket_at(l, l->path)) {
        probe_fact(l->facts, PROBE_WEBSOCKET, "1");
        probe_note(l->notes, PROBE_GOOD, "%s becomes a WebSocket", l->path);
        return;
    }
    probe_note(l->notes, PROBE_NOTE, "%s does not become a WebSocket: it answers %ld", l->path,
               l->answer.status);
    look_elsewhere(l);
}

/* ---- all of it ---- */

static int prepare(struct look *l)
{
    const char *url = kv_get(l->facts, PROBE_URL);
    char at[300];

    l->path = kv_get_or(l->facts, PROBE_PATH, "/");
    if (origin_parse(url != NULL ? url : kv_get_or(l->facts, FACT_SERVICE, ""), &l->o, &l->err) ==
        -1) {
        probe_fact(l->facts, PROBE_REACH, "invalid");
        probe_fact(l->facts, PROBE_WHY, l->err.text);
        probe_note(l->notes, PROBE_BAD, "%s", l->err.text);
        return -1;
    }
    l->o.public_only = kv_get(l->facts, PROBE_PUBLIC) != NULL;
    l->o.no_verify = kv_get(l->facts, FACT_NO_VERIFY) != NULL;
    if (url == NULL) /* as the connector passes it on */
        (void)str_copy(
            l->o.host_header, sizeof l->o.host_header,
            kv_get_or(l->facts, PROBE_HOST_HEADER, kv_get_or(l->facts, FACT_HOSTNAME, "")));
    (void)str_copy(l->o.server_name, sizeof l->o.server_name,
                   kv_get_or(l->facts, PROBE_SERVER_NAME, ""));
    if (l->o.kind == ORIGIN_UNIX)
        (void)str_copy(at, sizeof at, l->o.socket);
    else
        (void)str_format(at, sizeof at, "%s:%u", l->o.host, l->o.port);
    probe_fact(l->facts, PROBE_AT, at);
    return 0;
}

void probe_origin(struct outside *o, struct kv *facts, const struct probe_notes *notes)
{
    struct look l = {.client = o->probe, .facts = facts, .notes = notes};
    char path[512];

    if (prepare(&l) == -1)
        return;
    (void)str_copy(path, sizeof path, l.path); /* the list moves when something is set in it */
    l.path = path;
    if (l.o.kind == ORIGIN_NONE) {
        probe_fact(facts, PROBE_REACH, "none");
        probe_note(notes, PROBE_NOTE, "the connector answers by itself: there is no service");
        return;
    }
    if (!reach(&l))
        return;
    if (l.o.kind == ORIGIN_STREAM) {
        probe_fact(facts, PROBE_SPEAKS, "stream");
        return;
    }
    http_answer_init(&l.answer, BODY_MAX);
    if (speak(&l))
        look_at_paths(&l);
    http_answer_free(&l.answer);
}
