/*
 * Tasks of Proxmox VE. Apart from calls because a call's answer says only that somebody has begun:
 * what came of it is asked for again and again, as nothing pushes it.
 */
#include "proxmox.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "http.h"
#include "json_in.h"
#include "str.h"

#define FIRST_MS 150
#define LAST_MS  3000
#define STUMBLES 5 /* unreadable looks in a row before it is said */
#define AGAIN_S  1

/* The next part up to a colon. Return 0, or -1 when there is none or it does not fit. */
static int part(const char **at, char *out, size_t size, bool empty)
{
    const char *end = strchr(*at, ':');

    if (end == NULL || (end == *at && !empty) ||
        str_copy_n(out, size, *at, (size_t)(end - *at)) == -1)
        return -1;
    *at = end + 1;
    return 0;
}

static int hex(const char *text, size_t least, size_t most, uint32_t *out)
{
    size_t len = strlen(text);

    if (len < least || len > most || text[strspn(text, "0123456789abcdefABCDEF")] != '\0')
        return -1;
    *out = (uint32_t)strtoull(text, NULL, 16);
    return 0;
}

static bool is_node(const char *s)
{
    return s[0] != '-' && s[strlen(s) - 1] != '-' &&
           s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")] == '\0';
}

int proxmox_upid_read(struct proxmox_upid *out, const char *text)
{
    char pid[16], started[16];
    const char *at = text;
    uint32_t ignored;

    memset(out, 0, sizeof *out);
    if (strlen(text) >= PROXMOX_UPID_SIZE || strpbrk(text, "/ \t\r\n") != NULL ||
        part(&at, pid, sizeof pid, false) == -1 || !str_equal(pid, "UPID") ||
        part(&at, out->node, sizeof out->node, false) == -1 || !is_node(out->node) ||
        part(&at, pid, sizeof pid, false) == -1 || hex(pid, 8, 8, &ignored) == -1 ||
        part(&at, pid, sizeof pid, false) == -1 || hex(pid, 8, 9, &ignored) == -1 ||
        part(&at, started, sizeof started, false) == -1 ||
        hex(started, 8, 8, &out->started) == -1 ||
        part(&at, out->type, sizeof out->type, false) == -1 ||
        part(&at, out->id, sizeof out->id, true) == -1 ||
        part(&at, out->user, sizeof out->user, false) == -1 || *at != '\0')
        return -1;
    return 0;
}

/* One look. Return 1 when it has ended well, 0 while it runs, -1. */
static int look(struct proxmox *p, const char *path, bool *unread, struct err *err)
{
    struct cJSON *json;
    char end[340];
    int result = 0;

    *unread = false;
    if (proxmox_call(p, "GET", path, NULL, &json, err) == -1) {
        *unread = true;
        return -1;
    }
    if (str_equal(json_text(json, "data.status", ""), "stopped")) {
        (void)snprintf(end, sizeof end, "%s", json_text(json, "data.exitstatus", ""));
        result = proxmox_task_end(end, err) == 0 ? 1 : -1;
    }
    json_free(json);
    return result;
}

int proxmox_task_wait(struct proxmox *p, const char *upid, int wait_ms, struct err *err)
{
    int64_t until_ms = clock_mono_ms() + wait_ms, pause_ms = FIRST_MS;
    char path[PROXMOX_PATH_SIZE], escaped[PROXMOX_UPID_SIZE * 3];
    struct proxmox_upid parts;
    unsigned stumbles = 0;
    bool unread;
    int result;

    if (proxmox_upid_read(&parts, upid) == -1 || http_escape(escaped, sizeof escaped, upid) == -1 ||
        str_format(path, sizeof path, "/nodes/%s/tasks/%s/status", parts.node, escaped) == -1)
        return err_set(err, ERR_NETWORK, "proxmox_garbled", "Proxmox VE names no task");
    for (;;) {
        result = look(p, path, &unread, err);
        if (result == 1)
            return 0;
        stumbles = unread ? stumbles + 1 : 0;
        if (result == -1 && (!unread || stumbles == STUMBLES || err->kind == ERR_UNAUTHENTICATED ||
                             err->kind == ERR_FORBIDDEN))
            return -1;
        if (clock_mono_ms() + pause_ms > until_ms)
            break;
        clock_sleep_ms((int)pause_ms);
        pause_ms = pause_ms * 3 / 2 > LAST_MS ? LAST_MS : pause_ms * 3 / 2;
    }
    (void)err_set(err, ERR_TIMEOUT, "proxmox_task_running", "Proxmox VE is still at %s of %s",
                  parts.type, parts.id);
    if (err != NULL)
        err->retry_after_s = AGAIN_S;
    return -1;
}

int proxmox_task(struct proxmox *p, const char *method, const char *path, const struct buf *form,
                 int wait_ms, struct err *err)
{
    char upid[PROXMOX_UPID_SIZE];
    struct cJSON *json;
    int fits;

    if (proxmox_call(p, method, path, form, &json, err) == -1)
        return -1;
    fits = str_copy(upid, sizeof upid, json_text(json, "data", ""));
    json_free(json);
    if (fits == -1)
        upid[0] = '\0';
    return proxmox_task_wait(p, upid, wait_ms, err);
}
