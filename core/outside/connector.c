/*
 * A connector's metrics port. Apart from its log because this is asked of the running program and
 * is true now, while a log tells what was.
 */
#include "connector.h"

#include <string.h>

#include "json_in.h"
#include "str.h"

#define ASK_S      3
#define READY_MAX  4096u
#define METRIC_MAX (1024u * 1024u)
#define LINE_MAX   512

static int get(struct http_client *c, uint32_t port, const char *path, struct http_answer *answer,
               struct err *err)
{
    struct http_request request = {
        .profile = HTTP_PROBE, .method = "GET", .connect_timeout_s = ASK_S, .timeout_s = ASK_S};
    char url[64];

    (void)str_format(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
    request.url = url;
    return http_call(c, &request, answer, err);
}

/* The value of a label, "" if it has none: name{…,label="value",…}. */
static void label_of(const char *line, const char *label, char *out, size_t size)
{
    char quoted[40];
    const char *at, *end;

    out[0] = '\0';
    (void)str_format(quoted, sizeof quoted, "%s=\"", label);
    for (at = strstr(line, quoted); at != NULL && at[-1] != '{' && at[-1] != ',';)
        at = strstr(at + 1, quoted); /* "version" stands in "goversion", too */
    if (at == NULL)
        return;
    at += strlen(quoted);
    if ((end = strchr(at, '"')) != NULL)
        (void)str_copy_n(out, size, at, (size_t)(end - at));
}

/* The number at the end of a line, its fraction cut; counters are written as 1234 or 1.234e+06. */
static uint64_t value_of(const char *line)
{
    const char *last = strrchr(line, ' ');
    double value = last == NULL ? 0 : strtod(last + 1, NULL);

    return value > 0 && value < 1e15 ? (uint64_t)value : 0;
}

static bool is(const char *line, const char *metric)
{
    size_t len = strlen(metric);

    return strncmp(line, metric, len) == 0 && (line[len] == ' ' || line[len] == '{');
}

/* One line of the text format. A location that a connection has left stays there with 0. */
static void read_line(const char *line, struct connector_ready *out)
{
    if (is(line, "build_info")) {
        label_of(line, "version", out->version, sizeof out->version);
    } else if (is(line, "cloudflared_tunnel_server_locations")) {
        char *location = out->locations[out->location_count % CONNECTOR_LOCATIONS];
        if (out->location_count == CONNECTOR_LOCATIONS || value_of(line) == 0)
            return;
        label_of(line, "edge_location", location, sizeof out->locations[0]);
        if (location[0] != '\0')
            out->location_count++;
    } else if (is(line, "cloudflared_orchestration_config_version")) {
        out->config_version = value_of(line);
    } else if (is(line, "cloudflared_tunnel_total_requests")) {
        out->requests = value_of(line);
    } else if (is(line, "cloudflared_tunnel_request_errors")) {
        out->errors = value_of(line);
    }
}

static void read_metrics(const char *text, struct connector_ready *out)
{
    char line[LINE_MAX];

    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        if (text[0] != '#' && str_copy_n(line, sizeof line, text, len) == 0)
            read_line(line, out);
        text += len + (text[len] == '\n');
    }
}

int connector_ready(struct http_client *c, uint32_t port, struct connector_ready *out,
                    struct err *err)
{
    struct http_answer answer;
    struct cJSON *json = NULL;
    int result;

    memset(out, 0, sizeof *out);
    http_answer_init(&answer, READY_MAX);
    result = get(c, port, "/ready", &answer, err);
    out->status = answer.status;
    if (result == 0)
        json = json_parse(buf_string(&answer.body), answer.body.len, &json_limits_api, NULL);
    if (result == 0 && json_at(json, "readyConnections") == NULL)
        result = err_set(err, ERR_INVALID, "not_a_connector",
                         "what answers on port %u is no connector", port);
    if (result == 0) {
        out->connections = (uint32_t)json_i64(json, "readyConnections", 0);
        (void)str_copy(out->connector_id, sizeof out->connector_id,
                       json_text(json, "connectorId", ""));
    }
    json_free(json);
    http_answer_free(&answer);
    if (result == -1)
        return -1;
    http_answer_init(&answer, METRIC_MAX);
    if (get(c, port, "/metrics", &answer, NULL) == 0 && answer.status == 200)
        read_metrics(buf_string(&answer.body), out);
    http_answer_free(&answer);
    return 0;
}
