/*
 * The way to the container engine. Apart from the driver so that versions, time limits and the
 * reading of refusals, in which the engines differ most, stand in one place.
 */
#include "docker_api.h"

#include "json_in.h"
#include "str.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The API's minor versions: what is used here did not change between these. */
#define NEWEST   51u
#define OLDEST   25u
#define FALLBACK 41u

static const struct json_limits reply_limits = {
    .bytes = 8u * 1024u * 1024u, .members = 500000u, .depth = 64u};

int docker_api_init(struct docker_api *api, const char *socket, struct err *err)
{
    memset(api, 0, sizeof *api);
    if (str_copy(api->socket, sizeof api->socket, socket) != 0 || socket[0] != '/')
        return err_set(err, ERR_INVALID, "docker_socket",
                       "The engine's socket \"%s\" is not an absolute path of at most 107 bytes.",
                       socket);
    (void)str_copy(api->base, sizeof api->base, "http://engine");
    pthread_mutex_init(&api->lock, NULL);
    return http_client_new(&api->client, err);
}

int docker_api_init_tls(struct docker_api *api, const char *base,
                        const struct http_identity *identity, struct err *err)
{
    memset(api, 0, sizeof *api);
    if (!str_starts(base, "https://") || str_copy(api->base, sizeof api->base, base) != 0)
        return err_set(err, ERR_INVALID, "docker_address", "\"%.200s\" is no engine's address.",
                       base);
    pthread_mutex_init(&api->lock, NULL);
    if (http_client_new(&api->client, err) != 0)
        return -1;
    http_client_set_identity(api->client, identity);
    return 0;
}

void docker_api_elsewhere(struct docker_api *api, const char *name)
{
    (void)str_copy(api->name, sizeof api->name, name);
}

void docker_api_free(struct docker_api *api)
{
    if (api == NULL || api->client == NULL)
        return;
    http_client_free(api->client);
    pthread_mutex_destroy(&api->lock);
    api->client = NULL;
}

int docker_api_pick(unsigned ours_max, unsigned ours_min, const char *theirs, char out[16])
{
    uint64_t minor;

    if (theirs == NULL || theirs[0] == '\0')
        minor = ours_max < FALLBACK ? ours_max : FALLBACK;
    else if (!str_starts(theirs, "1.") || str_u64(theirs + 2, 0, 9999, &minor) != 0)
        return -1;
    if (minor > ours_max)
        minor = ours_max;
    if (minor < ours_min)
        return -1;
    return str_format(out, 16, "1.%u", (unsigned)minor);
}

/* http.c speaks of networks; here a broken line means that the engine is not there. */
static int engine_down(const struct docker_api *api, struct err *err)
{
    char text[ERR_TEXT_SIZE];

    if (err == NULL || err->kind != ERR_NETWORK)
        return -1;
    (void)str_copy(text, sizeof text, err->text);
    err_set(err, ERR_UNAVAILABLE, "engine_down", "The container engine %s%sdoes not answer: %.300s",
            api->name, api->name[0] == '\0' ? "" : " ", text);
    err->retry_after_s = 5;
    if (api->name[0] != '\0')
        return err_hint(err, "What is wrong, and what to do: sett engine test %s", api->name);
    err_hint(err,
             "Start it (systemctl start docker, or podman.socket), or name its socket in "
             "sett.conf, [hands] docker_socket; now: %s",
             api->socket);
    return -1;
}

/* A request of either kind; the rest is the caller's. */
static struct http_request request_to(const struct docker_api *api, const char *method,
                                      const char *url, uint32_t timeout_s)
{
    return (struct http_request){.profile = api->socket[0] == '\0' ? HTTP_REMOTE : HTTP_ENGINE,
                                 .method = method,
                                 .url = url,
                                 .unix_path = api->socket,
                                 .timeout_s = timeout_s};
}

/* Where it is, for messages. */
static const char *place_of(const struct docker_api *api)
{
    return api->socket[0] == '\0' ? api->base : api->socket;
}

static int agree(struct docker_api *api, char version[16], struct err *err)
{
    char url[sizeof api->base + 8];
    struct http_request request = request_to(api, "GET", url, DOCKER_API_QUICK_S);
    struct http_answer answer;
    int rc = -1;

    (void)str_format(url, sizeof url, "%s/_ping", api->base);
    pthread_mutex_lock(&api->lock);
    (void)str_copy(version, 16, api->version);
    pthread_mutex_unlock(&api->lock);
    if (version[0] != '\0')
        return 0;
    http_answer_init(&answer, 64 * 1024);
    if (http_call(api->client, &request, &answer, err) != 0) {
        engine_down(api, err);
    } else if (answer.status != 200) {
        err_set(err, ERR_UNAVAILABLE, "engine_down", "%s answered %ld to a ping.", place_of(api),
                answer.status);
        err_hint(err, "Is %s that of Docker or Podman?", place_of(api));
    } else if (docker_api_pick(NEWEST, OLDEST, answer.api_version, version) != 0) {
        err_set(err, ERR_UNAVAILABLE, "engine_version",
                "The engine speaks version \"%s\" of its API; 1.%u to 1.%u are known here.",
                answer.api_version, OLDEST, NEWEST);
        err_hint(err, "Upgrade the container engine behind %s.", place_of(api));
    } else {
        pthread_mutex_lock(&api->lock);
        (void)str_copy(api->version, sizeof api->version, version);
        pthread_mutex_unlock(&api->lock);
        rc = 0;
    }
    http_answer_free(&answer);
    return rc;
}

/* "… client version 1.51 is too new. Maximum supported API version is 1.47": after an upgrade or
 * downgrade behind our back, or an engine with a lower limit than its ping said. Takes the number
 * that the sentence ends with. */
static bool renegotiate(struct docker_api *api, const struct docker_reply *reply)
{
    const char *at = strstr(reply->message, "supported API version is 1.");
    char version[16], number[16];
    size_t len;
    bool again = false;

    if (reply->status != 400 || at == NULL)
        return false;
    at += strlen("supported API version is ");
    len = strspn(at, "0123456789.");
    while (len > 0 && at[len - 1] == '.')
        len--;
    if (str_copy_n(number, sizeof number, at, len) != 0 ||
        docker_api_pick(NEWEST, OLDEST, number, version) != 0)
        return false;
    pthread_mutex_lock(&api->lock);
    again = !str_equal(version, api->version);
    (void)str_copy(api->version, sizeof api->version, version);
    pthread_mutex_unlock(&api->lock);
    return again;
}

static void cut(char *out, size_t size, const char *s)
{
    size_t len = strlen(s);

    (void)str_copy_n(out, size, s, len < size ? len : size - 1);
}

/* Errors are {"message"}, plain text from the router, or (a pull) lines of JSON. */
static void read_message(struct docker_reply *reply, const struct buf *body)
{
    char *end;

    if (reply->json != NULL)
        cut(reply->message, sizeof reply->message, json_text(reply->json, "message", ""));
    if (reply->message[0] == '\0')
        cut(reply->message, sizeof reply->message, buf_string(body));
    for (end = reply->message + strlen(reply->message);
         end > reply->message && (end[-1] == '\n' || end[-1] == '\r' || end[-1] == ' '); end--)
        end[-1] = '\0';
}

struct sink { /* where a stream's body goes */
    int (*on_data)(void *arg, const char *data, size_t len);
    void *arg;
};

static int once(struct docker_api *api, const char *method, const char *path,
                const struct buf *body, uint32_t timeout_s, const struct sink *sink,
                struct docker_reply *reply, struct err *err)
{
    char version[16], url[DOCKER_API_PATH + sizeof api->base + 16];
    struct http_request request = request_to(api, method, url, timeout_s);
    struct http_answer answer;
    int rc;

    memset(reply, 0, sizeof *reply);
    if (agree(api, version, err) != 0)
        return -1;
    if (str_format(url, sizeof url, "%s/v%s%s", api->base, version, path) != 0)
        return err_set(err, ERR_INTERNAL, "engine_path", "A path for the engine is too long.");
    if (body != NULL) {
        request.body = buf_string(body);
        request.body_len = body->len;
        request.content_type = "application/json";
    }
    http_answer_init(&answer, reply_limits.bytes);
    if (sink != NULL)
        rc = http_stream(api->client, &request, sink->on_data, sink->arg, &answer, err);
    else
        rc = http_call(api->client, &request, &answer, err);
    if (rc != 0) {
        engine_down(api, err);
    } else {
        reply->status = answer.status;
        if (answer.body.len > 0)
            reply->json = json_parse(answer.body.data, answer.body.len, &reply_limits, NULL);
        if (answer.status >= 400)
            read_message(reply, &answer.body);
    }
    http_answer_free(&answer);
    return rc;
}

static int twice(struct docker_api *api, const char *method, const char *path,
                 const struct buf *body, uint32_t timeout_s, const struct sink *sink,
                 struct docker_reply *reply, struct err *err)
{
    if (once(api, method, path, body, timeout_s, sink, reply, err) != 0)
        return -1;
    if (!renegotiate(api, reply))
        return 0;
    docker_reply_free(reply);
    return once(api, method, path, body, timeout_s, sink, reply, err);
}

int docker_api_call(struct docker_api *api, const char *method, const char *path,
                    const struct buf *body, uint32_t timeout_s, struct docker_reply *reply,
                    struct err *err)
{
    return twice(api, method, path, body, timeout_s, NULL, reply, err);
}

int docker_api_stream(struct docker_api *api, const char *method, const char *path,
                      const struct buf *body, uint32_t timeout_s,
                      int (*on_data)(void *arg, const char *data, size_t len), void *arg,
                      struct docker_reply *reply, struct err *err)
{
    const struct sink sink = {.on_data = on_data, .arg = arg};

    return twice(api, method, path, body, timeout_s, &sink, reply, err);
}

void docker_reply_free(struct docker_reply *reply)
{
    json_free(reply->json);
    reply->json = NULL;
}

bool docker_api_name_used(const struct docker_reply *reply)
{
    return reply->status == 409 ||
           (reply->status == 500 && (strstr(reply->message, "already in use") != NULL ||
                                     strstr(reply->message, "already used: network") != NULL));
}

/* What the engines say, whatever status they say it with; the first row that fits wins. */
static const struct {
    const char *words, *code, *hint;
    enum err_kind kind;
} refusals[] = {
    {"no space left on device", "disk_full",
     "Free space where the engine keeps its data (docker system prune), then retry.", ERR_FULL},
    {"port is already allocated", "port_taken", "Another container or program holds the port.",
     ERR_CONFLICT},
    {"address already in use", "port_taken", "Another container or program holds the port.",
     ERR_CONFLICT},
    {"executable file not found", "command_missing",
     "The blueprint's command is not in its image: correct command or image.", ERR_INVALID},
    {"no such file or directory: unknown", "command_missing",
     "The blueprint's command is not in its image: correct command or image.", ERR_INVALID},
    {"command that was not found", "command_missing",
     "The blueprint's command is not in its image: correct command or image.", ERR_INVALID},
    {"error setting rlimit", "limit_refused",
     "The engine may not raise limits so far: lower nofile in the plan or blueprint.", ERR_INVALID},
    {"Minimum memory limit", "limit_refused", "Raise the memory limit of plan or blueprint.",
     ERR_INVALID},
};

int docker_api_refused(const struct docker_reply *reply, const char *what, struct err *err)
{
    enum err_kind kind = ERR_UNAVAILABLE;
    const char *code = "engine_refused";

    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (strcasestr(reply->message, refusals[i].words) != NULL) {
            err_set(err, refusals[i].kind, refusals[i].code, "The container engine: %s: %s", what,
                    reply->message);
            return err_hint(err, "%s", refusals[i].hint);
        }
    if (docker_api_name_used(reply))
        kind = ERR_CONFLICT;
    else if (reply->status == 404)
        kind = ERR_NOT_FOUND;
    else if (reply->status >= 400 && reply->status < 500)
        kind = ERR_INVALID;
    return err_set(err, kind, code, "The container engine: %s: %ld %s", what, reply->status,
                   reply->message);
}
