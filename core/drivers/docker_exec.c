/*
 * A command inside a tenant's container. Apart because it is three calls and a stream, and because
 * neither engine can stop a command that takes too long: that is done here, by its process id.
 */
#include "docker_container.h"

#include "clock.h"
#include "docker_stream.h"
#include "json_in.h"
#include "json_out.h"
#include "str.h"

#include <signal.h>
#include <string.h>

#include "file.h"

#define SETTLE_MS 10000 /* from the end of the output to the exit status */

static int exec_create(struct docker_api *api, const char *container, char *const *argv,
                       char id[80], struct err *err)
{
    char path[DOCKER_API_PATH];
    struct docker_reply reply;
    struct json_out j;
    struct buf body;
    int rc = -1;

    buf_init(&body, 64 * 1024);
    json_out_init(&j, &body);
    json_out_object(&j);
    json_out_key_bool(&j, "AttachStdout", true);
    json_out_key_bool(&j, "AttachStderr", true);
    json_out_key(&j, "Cmd");
    json_out_array(&j);
    for (; *argv != NULL; argv++)
        json_out_text(&j, *argv);
    json_out_end_array(&j);
    json_out_end_object(&j);
    (void)str_format(path, sizeof path, "/containers/%s/exec", container);
    if (docker_api_call(api, "POST", path, &body, DOCKER_API_QUICK_S, &reply, err) == 0) {
        if (reply.status != 201 && reply.status != 200)
            docker_api_refused(&reply, "preparing a command inside", err);
        else if (str_copy(id, 80, json_text(reply.json, "Id", "")) != 0 || id[0] == '\0')
            err_set(err, ERR_MALFORMED, "engine_answer", "The engine gave no id for a command.");
        else
            rc = 0;
        docker_reply_free(&reply);
    }
    buf_free(&body);
    return rc;
}

struct exec_state {
    bool running;
    int64_t pid;
    int exit_code;
};

static int exec_inspect(struct docker_api *api, const char *id, struct exec_state *out,
                        struct err *err)
{
    char path[DOCKER_API_PATH];
    struct docker_reply reply;
    int rc = 0;

    (void)str_format(path, sizeof path, "/exec/%s/json", id);
    if (docker_api_call(api, "GET", path, NULL, DOCKER_API_QUICK_S, &reply, err) != 0)
        return -1;
    out->running = json_bool(reply.json, "Running", false);
    out->pid = json_i64(reply.json, "Pid", 0);
    out->exit_code = (int)json_i64(reply.json, "ExitCode", -1);
    if (reply.status != 200)
        rc = docker_api_refused(&reply, "asking how the command ended", err);
    docker_reply_free(&reply);
    return rc;
}

/* Kill a command of a container, if the process is still one of that container's: its control group
 * carries the container's id. */
static bool exec_kill(const char *container, int64_t pid)
{
    char path[64];
    struct buf groups;
    bool killed = false;

    if (pid <= 1 || str_format(path, sizeof path, "/proc/%lld/cgroup", (long long)pid) != 0)
        return false;
    buf_init(&groups, 16 * 1024);
    if (file_read(path, &groups, NULL) == 0 && strstr(buf_string(&groups), container) != NULL)
        killed = kill((pid_t)pid, SIGKILL) == 0;
    buf_free(&groups);
    return killed;
}

static int too_long(struct docker_api *api, const struct docker_container *c, const char *id,
                    uint32_t timeout_s, struct err *err)
{
    struct exec_state state = {.running = false};
    bool killed = false;

    if (exec_inspect(api, id, &state, NULL) == 0 && state.running)
        killed = exec_kill(c->status.id, state.pid);
    err_set(err, ERR_TIMEOUT, "command_timeout", "A command inside took longer than %u s%s.",
            timeout_s, killed ? " and was killed" : "");
    if (!killed)
        err_hint(err, "It may still run; restart the tenant to end it.");
    return -1;
}

/* The last line said, for the message. */
static int failed(const struct buf *out, size_t from, int code, struct err *err)
{
    const char *text = out->data != NULL ? out->data + from : "", *line;
    size_t len = out->len - from;

    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    line = len > 0 ? memrchr(text, '\n', len) : NULL;
    if (line != NULL) {
        len -= (size_t)(line + 1 - text);
        text = line + 1;
    }
    /* 126 and 127: it is not there, or is no program; asking again would not help */
    return err_set(err, code == 126 || code == 127 ? ERR_INVALID : ERR_UNAVAILABLE,
                   "command_failed", "A command inside ended with status %d%s%.*s", code,
                   len > 0 ? ": " : "", (int)(len < 200 ? len : 200), text);
}

static int exec_end(struct docker_api *api, const char *id, const struct buf *out, size_t from,
                    struct err *err)
{
    int64_t deadline = clock_mono_ms() + SETTLE_MS;
    struct exec_state state;

    for (;;) {
        if (exec_inspect(api, id, &state, err) != 0)
            return -1;
        if (!state.running)
            break;
        if (clock_mono_ms() > deadline)
            return err_set(err, ERR_TIMEOUT, "command_unknown",
                           "The engine does not say how a command inside ended.");
        clock_sleep_ms(20);
    }
    return state.exit_code == 0 ? 0 : failed(out, from, state.exit_code, err);
}

int docker_container_exec(struct docker_api *api, const struct docker_container *c,
                          char *const *argv, uint32_t timeout_s, struct buf *out, struct err *err)
{
    char id[80], path[DOCKER_API_PATH];
    struct docker_stream stream;
    struct docker_reply reply;
    struct buf body;
    struct err why;
    size_t from = out->len;
    int rc;

    if (exec_create(api, c->status.id, argv, id, err) != 0)
        return -1;
    docker_stream_init(&stream, false, out);
    buf_init(&body, 256);
    (void)buf_text(&body, "{\"Detach\":false,\"Tty\":false}");
    (void)str_format(path, sizeof path, "/exec/%s/start", id);
    err_clear(&why);
    rc = docker_api_stream(api, "POST", path, &body, timeout_s, docker_stream_feed, &stream, &reply,
                           &why);
    buf_free(&body);
    if (rc != 0 && why.kind == ERR_TIMEOUT)
        return too_long(api, c, id, timeout_s, err);
    if (rc != 0) {
        if (err != NULL)
            *err = why;
        return -1;
    }
    if (reply.status >= 300)
        rc = docker_api_refused(&reply, "running a command inside", err);
    docker_reply_free(&reply);
    if (rc != 0 || docker_stream_end(&stream, err) != 0)
        return -1;
    return exec_end(api, id, out, from, err);
}
