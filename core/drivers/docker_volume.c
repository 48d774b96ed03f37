/*
 * Volumes of an engine on another machine. Apart from folders, which the box sees for itself: whose
 * a volume is and what it holds can only be asked through the engine, which gives and takes tar
 * archives and nothing smaller.
 */
#include "docker_volume.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "docker_container.h"
#include "docker_network.h"
#include "http.h"
#include "json_in.h"
#include "json_out.h"
#include "str.h"

#define BLOCK         512u
#define COUNT_MS      600000
#define NEW_MS        2000
#define COUNT_S       120
#define VOLUMES_S     60
#define HELPER_FOLDER "volume"
#define HEAD_LIMIT    8192 /* of an archive, to see who has the folder and whether it is empty */

void docker_volume_name(char out[DOCKER_VOLUME_NAME], const struct runtime_order *o,
                        const char *name)
{
    (void)str_format(out, DOCKER_VOLUME_NAME, "%s-%s", o->mark, name);
}

/* ---- there, or made ---- */

static int foreign(const char *name, struct err *err)
{
    err_set(err, ERR_CONFLICT, "foreign_volume",
            "A volume \"%s\" exists that is not of this tenant on this box.", name);
    return err_hint(err, "Look at it (docker volume inspect %s); remove it, then retry.", name);
}

/* Return 1 there and ours, 0 not there, -1. */
static int find(struct docker_api *api, const struct runtime_order *o, const char *name,
                struct err *err)
{
    char path[DOCKER_API_PATH];
    struct docker_reply reply;
    int rc = -1;

    (void)str_format(path, sizeof path, "/volumes/%s", name);
    if (docker_api_call(api, "GET", path, NULL, DOCKER_API_QUICK_S, &reply, err) != 0)
        return -1;
    if (reply.status == 404)
        rc = 0;
    else if (reply.status != 200)
        docker_api_refused(&reply, "looking for the tenant's volume", err);
    else if (docker_labels_ours(json_at(reply.json, "Labels"), o))
        rc = 1;
    else
        foreign(name, err);
    docker_reply_free(&reply);
    return rc;
}

static void write_labels(struct json_out *j, const struct runtime_order *o)
{
    char number[24];

    json_out_key(j, "Labels");
    json_out_object(j);
    json_out_key_text(j, "sett.tenant", o->tenant_id);
    json_out_key_text(j, "sett.job", o->job_id);
    json_out_key_text(j, "sett.box", o->box_id);
    (void)str_format(number, sizeof number, "%llu", (unsigned long long)o->number);
    json_out_key_text(j, "sett.number", number);
    json_out_end_object(j);
}

static int make(struct docker_api *api, const struct runtime_order *o, const char *name,
                struct err *err)
{
    struct docker_reply reply;
    struct json_out j;
    struct buf body;
    int rc = -1;

    buf_init(&body, 8192);
    json_out_init(&j, &body);
    json_out_object(&j);
    json_out_key_text(&j, "Name", name);
    write_labels(&j, o);
    json_out_end_object(&j);
    if (docker_api_call(api, "POST", "/volumes/create", &body, VOLUMES_S, &reply, err) == 0) {
        if (reply.status == 201 || reply.status == 200 || docker_api_name_used(&reply))
            rc = 0;
        else
            docker_api_refused(&reply, "creating the tenant's volume", err);
        docker_reply_free(&reply);
    }
    buf_free(&body);
    return rc;
}

int docker_volumes_ensure(struct docker_api *api, const struct runtime_order *o,
                          const struct blueprint *b, struct err *err)
{
    char name[DOCKER_VOLUME_NAME];

    for (uint32_t i = 0; i < b->volume_count; i++) {
        int rc;

        docker_volume_name(name, o, b->volumes[i].name);
        if ((rc = find(api, o, name, err)) == 0) {
            if (make(api, o, name, err) != 0)
                return -1;
            rc = find(api, o, name, err); /* Docker answers 201 to a name that another has */
        }
        if (rc != 1)
            return rc == -1
                       ? -1
                       : err_set(err, ERR_UNAVAILABLE, "volume_missing",
                                 "The engine says that it made %s, and does not have it.", name);
    }
    return 0;
}

int docker_volume_there(struct docker_api *api, const struct runtime_order *o, const char *name,
                        struct err *err)
{
    char full[DOCKER_VOLUME_NAME];

    docker_volume_name(full, o, name);
    return find(api, o, full, err);
}

int docker_volume_make(struct docker_api *api, const struct runtime_order *o, const char *name,
                       struct err *err)
{
    char full[DOCKER_VOLUME_NAME];

    docker_volume_name(full, o, name);
    return make(api, o, full, err);
}

/* ---- whose ---- */

struct head { /* the beginning of an archive */
    char data[HEAD_LIMIT];
    size_t len;
};

static int keep_head(void *arg, const char *data, size_t len)
{
    struct head *h = arg;
    size_t take = len < sizeof h->data - h->len ? len : sizeof h->data - h->len;

    memcpy(h->data + h->len, data, take);
    h->len += take;
    return h->len == sizeof h->data ? -1 : 0;
}

static uint64_t octal(const char *field, size_t size)
{
    char digits[16];

    (void)str_copy_n(digits, sizeof digits, field, size < 15 ? size : 15);
    return strtoull(digits, NULL, 8);
}

/* The folder's own header and whether another follows. Return 0, or -1: that is no archive. */
static int read_head(const struct head *h, uint64_t *uid, bool *empty)
{
    size_t at = 0;

    while (at + BLOCK <= h->len && (h->data[at + 156] == 'x' || h->data[at + 156] == 'g'))
        at += BLOCK + (octal(h->data + at + 124, 12) + BLOCK - 1) / BLOCK * BLOCK;
    if (at + BLOCK > h->len || h->data[at] == '\0')
        return -1;
    *uid = octal(h->data + at + 108, 8);
    *empty = at + BLOCK >= h->len || h->data[at + BLOCK] == '\0';
    return 0;
}

/* An archive of one folder, "volume/", that says whose it is. */
static void write_folder(struct buf *tar, uint32_t uid, uint32_t gid)
{
    char block[BLOCK] = {0};
    unsigned sum = 0;

    memcpy(block, HELPER_FOLDER "/", sizeof HELPER_FOLDER);
    (void)str_format(block + 100, 8, "%07o", 0755u);
    (void)str_format(block + 108, 8, "%07o", uid);
    (void)str_format(block + 116, 8, "%07o", gid);
    (void)str_format(block + 124, 12, "%011o", 0u);
    (void)str_format(block + 136, 12, "%011llo", (unsigned long long)(clock_wall_ms() / 1000));
    memset(block + 148, ' ', 8);
    block[156] = '5';
    memcpy(block + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof block; i++)
        sum += (unsigned char)block[i];
    (void)str_format(block + 148, 8, "%06o", sum);
    (void)buf_add(tar, block, sizeof block);
    memset(block, 0, sizeof block);
    (void)buf_add(tar, block, sizeof block);
    (void)buf_add(tar, block, sizeof block);
}

static int give(struct docker_api *api, const char *helper, uint32_t uid, uint32_t gid,
                struct err *err)
{
    char path[DOCKER_API_PATH];
    struct docker_reply reply;
    struct buf tar;
    int rc = -1;

    buf_init(&tar, 4 * BLOCK);
    write_folder(&tar, uid, gid);
    (void)str_format(path, sizeof path, "/containers/%s/archive?path=%%2F", helper);
    if (docker_api_call(api, "PUT", path, &tar, VOLUMES_S, &reply, err) == 0) {
        rc = reply.status == 200 ? 0
                                 : docker_api_refused(&reply, "giving a volume to its user", err);
        docker_reply_free(&reply);
    }
    buf_free(&tar);
    return rc;
}

/* The helper's name, and that none is left of an earlier attempt. */
static int clear_helper(struct docker_api *api, const struct runtime_order *o, char name[64],
                        struct err *err)
{
    char path[DOCKER_API_PATH];
    struct docker_reply reply;
    int rc = 0;

    (void)str_format(name, 64, "%s-owner", o->mark);
    (void)str_format(path, sizeof path, "/containers/%s/json", name);
    if (docker_api_call(api, "GET", path, NULL, DOCKER_API_QUICK_S, &reply, err) != 0)
        return -1;
    if (reply.status == 200 && docker_labels_ours(json_at(reply.json, "Config.Labels"), o))
        rc = 1;
    else if (reply.status == 200)
        rc = foreign(name, err);
    docker_reply_free(&reply);
    return rc == 1 ? docker_container_remove(api, name, err) : rc;
}

/* A container that is never started: of the tenant's image, which is there, with the volume in it.
 */
static int make_helper(struct docker_api *api, const struct runtime_order *o, const char *image,
                       const char *volume, const char *name, struct err *err)
{
    char path[DOCKER_API_PATH];
    struct docker_reply reply;
    struct json_out j;
    struct buf body;
    int rc = -1;

    buf_init(&body, 8192);
    json_out_init(&j, &body);
    json_out_object(&j);
    json_out_key_text(&j, "Image", image);
    json_out_key(&j, "Cmd");
    json_out_array(&j);
    json_out_text(&j, "true");
    json_out_end_array(&j);
    write_labels(&j, o);
    json_out_key(&j, "HostConfig");
    json_out_object(&j);
    json_out_key_text(&j, "NetworkMode", "none");
    json_out_key(&j, "Mounts");
    json_out_array(&j);
    json_out_object(&j);
    json_out_key_text(&j, "Type", "volume");
    json_out_key_text(&j, "Source", volume);
    json_out_key_text(&j, "Target", "/" HELPER_FOLDER);
    json_out_end_object(&j);
    json_out_end_array(&j);
    json_out_end_object(&j);
    json_out_end_object(&j);
    (void)str_format(path, sizeof path, "/containers/create?name=%s", name);
    if (docker_api_call(api, "POST", path, &body, VOLUMES_S, &reply, err) == 0) {
        rc = reply.status == 201 || reply.status == 200
                 ? 0
                 : docker_api_refused(&reply, "looking into a volume", err);
        docker_reply_free(&reply);
    }
    buf_free(&body);
    return rc;
}

int docker_volume_own(struct docker_api *api, const struct runtime_order *o, const char *image,
                      const char *container, const struct docker_place *place, uint32_t uid,
                      uint32_t gid, struct err *err)
{
    char path[DOCKER_API_PATH], escaped[512], helper[64], volume[DOCKER_VOLUME_NAME];
    struct head *h = calloc(1, sizeof *h);
    struct docker_reply reply;
    uint64_t owner = 0;
    bool empty = false;
    int rc = -1;

    if (h == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "No memory to look at a volume.");
    if (http_escape(escaped, sizeof escaped, place->target) != 0 ||
        str_format(path, sizeof path, "/containers/%s/archive?path=%s%%2F.", container, escaped) !=
            0)
        (void)err_set(err, ERR_INVALID, "volume_target", "The path %s is too long.", place->target);
    else if (docker_api_stream(api, "GET", path, NULL, VOLUMES_S, keep_head, h, &reply, err) == 0) {
        if (reply.status != 200)
            docker_api_refused(&reply, "looking at a volume", err);
        else if (read_head(h, &owner, &empty) != 0)
            (void)err_set(err, ERR_MALFORMED, "volume_archive",
                          "The engine's archive is not understood.");
        else
            rc = 0;
        docker_reply_free(&reply);
    }
    free(h);
    if (rc != 0 || !empty || owner != 0 || uid == 0)
        return rc;
    docker_volume_name(volume, o, place->name);
    if (clear_helper(api, o, helper, err) == -1 ||
        make_helper(api, o, image, volume, helper, err) == -1)
        return -1;
    rc = give(api, helper, uid, gid, err);
    if (docker_container_remove(api, helper, rc == 0 ? err : NULL) == -1)
        rc = -1;
    return rc;
}

/* ---- gone ---- */

static int list_ours(struct docker_api *api, const struct runtime_order *o,
                     struct docker_reply *reply, struct err *err)
{
    char path[DOCKER_API_PATH], filters[320], escaped[960];

    if (str_format(filters, sizeof filters, "{\"label\":[\"sett.box=%s\",\"sett.number=%llu\"]}",
                   o->box_id, (unsigned long long)o->number) != 0 ||
        http_escape(escaped, sizeof escaped, filters) != 0 ||
        str_format(path, sizeof path, "/volumes?filters=%s", escaped) != 0)
        return err_set(err, ERR_INVALID, "box_id", "The box's id is too long.");
    if (docker_api_call(api, "GET", path, NULL, DOCKER_API_QUICK_S, reply, err) != 0)
        return -1;
    if (reply->status == 200)
        return 0;
    (void)docker_api_refused(reply, "listing the tenant's volumes", err);
    docker_reply_free(reply);
    return -1;
}

static int remove_one(struct docker_api *api, const char *name, struct err *err)
{
    char path[DOCKER_API_PATH], escaped[512];
    struct docker_reply reply;
    int rc = 0;

    if (http_escape(escaped, sizeof escaped, name) != 0 ||
        str_format(path, sizeof path, "/volumes/%s", escaped) != 0)
        return err_set(err, ERR_INVALID, "volume_name", "The name of a volume is too long.");
    if (docker_api_call(api, "DELETE", path, NULL, VOLUMES_S, &reply, err) != 0)
        return -1;
    if (reply.status != 404 && reply.status >= 300)
        rc = docker_api_refused(&reply, "removing the tenant's volume", err);
    docker_reply_free(&reply);
    return rc;
}

int docker_volumes_remove(struct docker_api *api, const struct runtime_order *o, struct err *err)
{
    const struct cJSON *all, *at = NULL;
    struct docker_reply reply;
    char helper[64];
    int rc = 0;

    if (clear_helper(api, o, helper, err) == -1 || list_ours(api, o, &reply, err) != 0)
        return -1;
    all = json_at(reply.json, "Volumes");
    while (rc == 0 && (at = json_next(all, at)) != NULL)
        if (docker_labels_ours(json_at(at, "Labels"), o))
            rc = remove_one(api, json_text(at, "Name", ""), err);
    docker_reply_free(&reply);
    return rc;
}

/* ---- how much ---- */

void docker_usage_init(struct docker_usage *usage)
{
    memset(usage, 0, sizeof *usage);
    (void)pthread_mutex_init(&usage->lock, NULL);
}

void docker_usage_free(struct docker_usage *usage)
{
    json_free(usage->json);
    (void)pthread_mutex_destroy(&usage->lock);
}

/* The lock is held: who comes second waits for the same figures. */
static int count(struct docker_api *api, struct docker_usage *usage, int64_t age_ms,
                 struct err *err)
{
    int64_t now_ms = clock_mono_ms();
    struct docker_reply reply;
    int rc = 0;

    if (usage->at_ms != 0 && now_ms - usage->at_ms < age_ms)
        return 0;
    if (docker_api_call(api, "GET", "/system/df?type=volume", NULL, COUNT_S, &reply, err) != 0)
        return -1;
    if (reply.status == 200) {
        json_free(usage->json);
        usage->json = reply.json;
        reply.json = NULL;
        usage->at_ms = now_ms;
    } else {
        rc = docker_api_refused(&reply, "counting what volumes hold", err);
    }
    docker_reply_free(&reply);
    return rc;
}

/* What this tenant's hold; whether any was there to be counted. */
static bool sum(const struct docker_usage *usage, const struct runtime_order *o, uint64_t *bytes)
{
    const struct cJSON *all = json_at(usage->json, "Volumes"), *at = NULL;
    bool known = false;

    *bytes = 0;
    while ((at = json_next(all, at)) != NULL) {
        int64_t size = json_i64(at, "UsageData.Size", 0);
        if (!docker_labels_ours(json_at(at, "Labels"), o))
            continue;
        known = true;
        *bytes += size > 0 ? (uint64_t)size : 0;
    }
    return known;
}

/* One that is new since the last count is counted at once. */
int docker_volumes_bytes(struct docker_api *api, struct docker_usage *usage,
                         const struct runtime_order *o, uint64_t *bytes, struct err *err)
{
    int rc;

    *bytes = 0;
    (void)pthread_mutex_lock(&usage->lock);
    rc = count(api, usage, COUNT_MS, err);
    if (rc == 0 && !sum(usage, o, bytes) && (rc = count(api, usage, NEW_MS, err)) == 0)
        (void)sum(usage, o, bytes);
    (void)pthread_mutex_unlock(&usage->lock);
    return rc;
}
