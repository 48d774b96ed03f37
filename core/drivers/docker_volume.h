#ifndef SETT_DOCKER_VOLUME_H
#define SETT_DOCKER_VOLUME_H
/*
 * Volumes that an engine on another machine keeps for a tenant, where the box has no folders: named
 * after its mark and the blueprint's volume ("sett-t000123-data") and labelled like all that is
 * ours. What has the name without the labels is never touched.
 */
#include "docker_api.h"
#include "runtime.h"

#define DOCKER_VOLUME_NAME 80

/** docker_volume_name(out, o, name): what the engine calls volume ${name} of this tenant. */
void docker_volume_name(char out[DOCKER_VOLUME_NAME], const struct runtime_order *o,
                        const char *name);

/** docker_volumes_ensure(api, o, b, err): all of the blueprint's volumes are there. ERR_CONFLICT
 * "foreign_volume" when a name is taken by something else. Return 0 or -1. */
int docker_volumes_ensure(struct docker_api *api, const struct runtime_order *o,
                          const struct blueprint *b, struct err *err);

/** docker_volume_there(api, o, name, err): whether that volume of the tenant's is there, and ours.
 * Return 1, 0 or -1. */
int docker_volume_there(struct docker_api *api, const struct runtime_order *o, const char *name,
                        struct err *err);

/** docker_volume_make(api, o, name, err): an empty one; fine if it is there. Return 0 or -1. */
int docker_volume_make(struct docker_api *api, const struct runtime_order *o, const char *name,
                       struct err *err);

/* A volume by the blueprint's name for it, and where it is inside. */
struct docker_place {
    const char *name, *target;
};

/** docker_volume_own(api, o, image, container, place, uid, gid, err): a volume of ${container} that
 * is empty and root's is given to the image's user; one that holds something is as its tenant wants
 * it. An engine changes no owner of a volume's own folder from inside what may be read-only, so it
 * is done through a second container of ${image}, never started, which goes at once. 0 or -1. */
int docker_volume_own(struct docker_api *api, const struct runtime_order *o, const char *image,
                      const char *container, const struct docker_place *place, uint32_t uid,
                      uint32_t gid, struct err *err);

/** docker_volumes_remove(api, o, err): all volumes of this tenant, for good. Fine if there are
 * none. Return 0 or -1. */
int docker_volumes_remove(struct docker_api *api, const struct runtime_order *o, struct err *err);

/* What volumes hold, as the engine last counted it; asking makes it walk through all of them. */
struct docker_usage {
    pthread_mutex_t lock;
    int64_t at_ms; /* 0: not yet */
    struct cJSON *json;
};

/** docker_volumes_bytes(api, usage, o, bytes, err): what the tenant's volumes hold, not older than
 * ten minutes. Return 0 or -1. */
int docker_volumes_bytes(struct docker_api *api, struct docker_usage *usage,
                         const struct runtime_order *o, uint64_t *bytes, struct err *err);

/** docker_usage_init(usage): nothing counted yet. */
void docker_usage_init(struct docker_usage *usage);

/** docker_usage_free(usage): give back what was counted. */
void docker_usage_free(struct docker_usage *usage);

#endif
