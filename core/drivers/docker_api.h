#ifndef SETT_DOCKER_API_H
#define SETT_DOCKER_API_H
/*
 * The Engine API of Docker, and Podman's rendering of it, over a UNIX socket, or over TLS where the
 * engine is on another machine: finding the version both sides speak, sending one request, and
 * turning refusals into a struct err. Source: the published Engine API v1.41 and what Docker 20.10
 * and Podman 4.3 really answer.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "err.h"
#include "http.h"

#define DOCKER_API_PATH    1024
#define DOCKER_API_QUICK_S 30 /* for questions that an engine answers from memory */

struct cJSON;

struct docker_api {
    char socket[108]; /* "": over TLS */
    char base[300];   /* "http://engine", "https://10.0.0.5:2376" */
    char name[32];    /* of an engine on another machine; "": this one's */
    struct http_client *client;
    pthread_mutex_t lock; /* guards version */
    char version[16];     /* "1.41"; "" until agreed upon */
};

struct docker_reply {
    long status;
    struct cJSON *json; /* NULL: no body, or one that is not JSON */
    char message[320];  /* of a refusal: the engine's own words */
};

/** docker_api_init(api, socket, err): prepare; asks nothing of the engine yet. 0 or -1. */
int docker_api_init(struct docker_api *api, const char *socket, struct err *err);

/** docker_api_init_tls(api, base, identity, err): likewise, for an engine at ${base} ("https://…"),
 * to which we are ${identity}, which must outlive it. 0 or -1. */
int docker_api_init_tls(struct docker_api *api, const char *base,
                        const struct http_identity *identity, struct err *err);

/** docker_api_elsewhere(api, name): that this is the engine ${name} of another machine, whose
 * troubles have other remedies. */
void docker_api_elsewhere(struct docker_api *api, const char *name);

/** docker_api_free(api): close its connections; the struct is the caller's. */
void docker_api_free(struct docker_api *api);

/**
 * docker_api_call(api, method, path, body, timeout_s, reply, err):
 * Send one request; ${path} starts after the version ("/containers/x/json?…") and is already
 * escaped; ${body} is JSON text or NULL. The version is agreed upon with the engine before the
 * first request (GET /_ping: the newest that both know), and again when the engine, replaced
 * meanwhile, says that it is too new or too old. Any HTTP status is success here; ${reply} is to be
 * given to docker_reply_free. Return 0, or -1: ERR_UNAVAILABLE "engine_down" with a hint naming
 * the socket, ERR_TIMEOUT, ERR_TOO_LARGE, ERR_MALFORMED.
 */
int docker_api_call(struct docker_api *api, const char *method, const char *path,
                    const struct buf *body, uint32_t timeout_s, struct docker_reply *reply,
                    struct err *err);

/** docker_reply_free(reply): free what docker_api_call put there. */
void docker_reply_free(struct docker_reply *reply);

/**
 * docker_api_stream(api, method, path, body, timeout_s, on_data, arg, reply, err):
 * As docker_api_call, but the body of a 2xx answer goes to ${on_data} as it arrives, and
 * reply->json stays NULL. ${on_data} returns 0, or -1 to stop, which is success here: whoever stops
 * remembers why. Without ${timeout_s} only ten minutes of silence end it.
 */
int docker_api_stream(struct docker_api *api, const char *method, const char *path,
                      const struct buf *body, uint32_t timeout_s,
                      int (*on_data)(void *arg, const char *data, size_t len), void *arg,
                      struct docker_reply *reply, struct err *err);

/**
 * docker_api_refused(reply, what, err):
 * Fill ${err} from a refusal, as by kind: a full disk, a port that is taken, a name that is in use
 * (409, or 500 in Podman's mouth), a program that is not in the image, 404, 400; what is left
 * is ERR_UNAVAILABLE, since an engine answers 500 to much that passes. Return -1.
 */
int docker_api_refused(const struct docker_reply *reply, const char *what, struct err *err);

/** docker_api_name_used(reply): whether a create was refused because the name is in use. */
bool docker_api_name_used(const struct docker_reply *reply);

/** docker_api_pick(ours_max, ours_min, theirs, out): the newest "1.NN" that both know, from the
 * engine's Api-Version ("" or NULL: an engine that does not say; ${ours_max} is tried). 0 or -1. */
int docker_api_pick(unsigned ours_max, unsigned ours_min, const char *theirs, char out[16]);

#endif
