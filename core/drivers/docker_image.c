/*
 * Images and their users. Apart because a pull is the one call that talks to the internet through
 * the engine, with failures of its own, and because a bind mount, unlike an engine's own volume,
 * does not take over the owner that the image means its files to have.
 */
#include "docker_image.h"

#include "json_in.h"
#include "str.h"

#include <stdlib.h>
#include <string.h>

#define PASSWD_MAX (256u * 1024u)

int docker_image_split(const char *image, char *from, size_t from_size, char *tag, size_t tag_size)
{
    const char *slash = strrchr(image, '/'), *colon = strrchr(image, ':');

    if (strchr(image, '@') != NULL) {
        tag[0] = '\0';
        return str_copy(from, from_size, image);
    }
    if (colon == NULL || (slash != NULL && colon < slash))
        return str_copy(from, from_size, image) != 0 ? -1 : str_copy(tag, tag_size, "latest");
    if (str_copy_n(from, from_size, image, (size_t)(colon - image)) != 0)
        return -1;
    return str_copy(tag, tag_size, colon + 1);
}

static const struct {
    const char *words;
    enum err_kind kind;
    const char *code, *hint;
} pull_refusals[] = {
    {"no space left", ERR_FULL, "disk_full", "Free space where the engine keeps its images."},
    {"toomanyrequests", ERR_RATE, "registry_rate", "Wait, or log the engine in to the registry."},
    {"rate limit", ERR_RATE, "registry_rate", "Wait, or log the engine in to the registry."},
    {"connection refused", ERR_NETWORK, "registry_unreachable", NULL},
    {"no such host", ERR_NETWORK, "registry_unreachable", NULL},
    {"i/o timeout", ERR_NETWORK, "registry_unreachable", NULL},
    {"deadline exceeded", ERR_NETWORK, "registry_unreachable", NULL},
    {"Client.Timeout", ERR_NETWORK, "registry_unreachable", NULL},
    {"request canceled", ERR_NETWORK, "registry_unreachable", NULL},
    {"TLS handshake", ERR_NETWORK, "registry_unreachable", NULL},
    {"network is unreachable", ERR_NETWORK, "registry_unreachable", NULL},
    {"no route to host", ERR_NETWORK, "registry_unreachable", NULL},
    {"dial tcp", ERR_NETWORK, "registry_unreachable", NULL},
    {"unexpected EOF", ERR_NETWORK, "registry_unreachable", NULL},
    {"server misbehaving", ERR_NETWORK, "registry_unreachable", NULL},
    {"denied", ERR_NOT_FOUND, "image_missing", NULL},
    {"unauthorized", ERR_NOT_FOUND, "image_missing", NULL},
    {"not found", ERR_NOT_FOUND, "image_missing", NULL},
    {"manifest unknown", ERR_NOT_FOUND, "image_missing", NULL},
    {"name unknown", ERR_NOT_FOUND, "image_missing", NULL},
    {"does not exist", ERR_NOT_FOUND, "image_missing", NULL},
    {"no such image", ERR_NOT_FOUND, "image_missing", NULL},
    {"invalid reference", ERR_INVALID, "image_name", "Correct the image in the blueprint."},
    {"must be lowercase", ERR_INVALID, "image_name", "Correct the image in the blueprint."},
};

int docker_pull_refused(const char *message, const char *image, struct err *err)
{
    size_t i = 0, rows = sizeof pull_refusals / sizeof pull_refusals[0];

    while (i < rows && strcasestr(message, pull_refusals[i].words) == NULL)
        i++;
    if (i == rows) {
        err_set(err, ERR_NETWORK, "image_pull", "The image %s cannot be pulled: %.200s", image,
                message);
        return err_hint(err, "Try it by hand: docker pull %s", image);
    }
    err_set(err, pull_refusals[i].kind, pull_refusals[i].code,
            "The image %s cannot be pulled: %.200s", image, message);
    if (pull_refusals[i].hint != NULL)
        return err_hint(err, "%s", pull_refusals[i].hint);
    if (pull_refusals[i].kind == ERR_NETWORK)
        return err_hint(err, "Can this box reach the registry? Or load the image by hand "
                             "(docker load), then retry.");
    return err_hint(err, "Correct the image in the blueprint, log the engine in to its registry, "
                         "or load it by hand (docker load), then retry.");
}

struct pull { /* one JSON object a line; only the error is of interest */
    struct buf line;
    char message[320];
};

static void pull_line(struct pull *p)
{
    struct cJSON *json;
    const char *message;

    if (p->line.len == 0 || p->line.failed)
        return;
    json = json_parse(p->line.data, p->line.len, &json_limits_provider, NULL);
    message = json_text(json, "errorDetail.message", json_text(json, "error", ""));
    if (message[0] != '\0') {
        size_t len = strlen(message);
        (void)str_copy_n(p->message, sizeof p->message, message,
                         len < sizeof p->message ? len : sizeof p->message - 1);
    }
    json_free(json);
}

static int pull_data(void *arg, const char *data, size_t len)
{
    struct pull *p = arg;

    while (len > 0) {
        const char *end = memchr(data, '\n', len);
        size_t take = end != NULL ? (size_t)(end - data) : len;

        (void)buf_add(&p->line, data, take); /* a line too long has no error in it for us */
        if (end != NULL) {
            pull_line(p);
            buf_reset(&p->line);
            take++;
        }
        data += take;
        len -= take;
    }
    return 0;
}

static int pull(struct docker_api *api, const char *image, struct err *err)
{
    char from[256], tag[160], from_escaped[768], tag_escaped[480], path[DOCKER_API_PATH + 512];
    struct docker_reply reply;
    struct pull p = {.message = ""};
    int rc = -1;

    if (docker_image_split(image, from, sizeof from, tag, sizeof tag) != 0 ||
        http_escape(from_escaped, sizeof from_escaped, from) != 0 ||
        http_escape(tag_escaped, sizeof tag_escaped, tag) != 0 ||
        str_format(path, sizeof path, "/images/create?fromImage=%s%s%s", from_escaped,
                   tag[0] != '\0' ? "&tag=" : "", tag_escaped) != 0)
        return err_set(err, ERR_INVALID, "image_name", "The image name %s is too long.", image);
    buf_init(&p.line, 64 * 1024);
    if (docker_api_stream(api, "POST", path, NULL, 0, pull_data, &p, &reply, err) == 0) {
        pull_line(&p);
        if (reply.status >= 400)
            docker_pull_refused(reply.message, image, err);
        else if (p.message[0] != '\0')
            docker_pull_refused(p.message, image, err);
        else
            rc = 0;
        docker_reply_free(&reply);
    }
    buf_free(&p.line);
    return rc;
}

/* Return 1 there, 0 not, -1. */
static int present(struct docker_api *api, const char *image, struct err *err)
{
    char escaped[768], path[DOCKER_API_PATH];
    struct docker_reply reply;
    int rc = -1;

    if (http_escape(escaped, sizeof escaped, image) != 0 ||
        str_format(path, sizeof path, "/images/%s/json", escaped) != 0)
        return err_set(err, ERR_INVALID, "image_name", "The image name %s is too long.", image);
    if (docker_api_call(api, "GET", path, NULL, DOCKER_API_QUICK_S, &reply, err) != 0)
        return -1;
    if (reply.status == 200)
        rc = 1;
    else if (reply.status == 404)
        rc = 0;
    else
        docker_api_refused(&reply, "looking for the image", err);
    docker_reply_free(&reply);
    return rc;
}

int docker_image_ensure(struct docker_api *api, const char *image, struct err *err)
{
    int rc = present(api, image, err);

    if (rc != 0)
        return rc == 1 ? 0 : -1;
    if (pull(api, image, err) != 0)
        return -1;
    if ((rc = present(api, image, err)) == 0) {
        err_set(err, ERR_NOT_FOUND, "image_missing",
                "The engine says it pulled %s, and does not have it.", image);
        err_hint(err, "Load the image by hand (docker load), then retry.");
    }
    return rc == 1 ? 0 : -1;
}

static int collect(void *arg, const char *data, size_t len)
{
    return buf_add(arg, data, len);
}

/* The archive is a tar of one file: a block of header with the size in octal, then the bytes. */
static int passwd_of(struct docker_api *api, const char *container, struct buf *tar,
                     const char **text, size_t *len, struct err *err)
{
    char path[DOCKER_API_PATH], *end;
    struct docker_reply reply;
    int rc = -1;

    (void)str_format(path, sizeof path, "/containers/%s/archive?path=%%2Fetc%%2Fpasswd", container);
    if (docker_api_stream(api, "GET", path, NULL, 60, collect, tar, &reply, err) != 0)
        return -1;
    *text = "";
    *len = 0;
    if (reply.status == 404) { /* an image from scratch: no users but numbers */
        rc = 0;
    } else if (reply.status != 200) {
        docker_api_refused(&reply, "reading the image's users", err);
    } else if (tar->len >= 512) {
        char digits[13];
        memcpy(digits, tar->data + 124, 12);
        digits[12] = '\0';
        *len = strtoul(digits, &end, 8);
        if (*len > tar->len - 512)
            *len = tar->len - 512;
        *text = tar->data + 512;
        rc = 0;
    } else {
        err_set(err, ERR_MALFORMED, "image_archive", "The engine's archive is too short.");
    }
    docker_reply_free(&reply);
    return rc;
}

int docker_image_user(struct docker_api *api, const char *container, const char *user,
                      uint32_t *uid, uint32_t *gid, struct err *err)
{
    const char *text;
    struct buf tar;
    size_t len;
    int rc = -1;

    *uid = *gid = 0;
    if (user[0] == '\0' || str_equal(user, "root") || str_equal(user, "0"))
        return 0;
    if (strchr(user, ':') != NULL && docker_user_lookup("", 0, user, uid, gid) == 0 &&
        docker_user_number(strchr(user, ':') + 1, strlen(strchr(user, ':') + 1), gid) == 0)
        return 0;
    buf_init(&tar, PASSWD_MAX);
    if (passwd_of(api, container, &tar, &text, &len, err) == 0) {
        rc = docker_user_lookup(text, len, user, uid, gid);
        if (rc != 0) {
            err_set(err, ERR_INVALID, "user_unknown", "The image has no user \"%s\".", user);
            err_hint(err, "Give the blueprint's user as numbers (uid:gid) or as the image has it.");
        }
    }
    buf_free(&tar);
    return rc;
}
