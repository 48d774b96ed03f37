#ifndef SETT_DOCKER_IMAGE_H
#define SETT_DOCKER_IMAGE_H
/* Images: is it there, else fetch it; and which user of it owns a tenant's files. */
#include "docker_api.h"
#include "runtime.h"

/** docker_image_ensure(api, image, err): pull it if the engine does not have it. A pull that fails
 * half-way is a 200 with an error in its last line; both are read alike: ERR_NOT_FOUND
 * "image_missing", ERR_NETWORK "registry_unreachable", ERR_RATE "registry_rate", ERR_FULL. 0 or -1.
 */
int docker_image_ensure(struct docker_api *api, const char *image, struct err *err);

/** docker_image_split(image, from, from_size, tag, tag_size): "host:5000/a/b:1" is "host:5000/a/b"
 * and "1"; no tag is "latest"; a digest stays with the name and leaves ${tag} "". 0 or -1. */
int docker_image_split(const char *image, char *from, size_t from_size, char *tag, size_t tag_size);

/** docker_pull_refused(message, image, err): what a registry's or engine's words mean. Return -1.
 */
int docker_pull_refused(const char *message, const char *image, struct err *err);

/** docker_user_number(s, len, out): a user's or group's number. Return 0 or -1. */
int docker_user_number(const char *s, size_t len, uint32_t *out);

/** docker_user_lookup(passwd, len, user, uid, gid): "101", "101:101", "name" or "name:group" (its
 * group then is the user's own) against the text of /etc/passwd. Return 0 or -1. */
int docker_user_lookup(const char *passwd, size_t len, const char *user, uint32_t *uid,
                       uint32_t *gid);

/** docker_image_user(api, container, user, uid, gid, err): the numbers behind ${user} ("" and
 * "root": 0), read out of the container's own /etc/passwd when it is a name. Return 0 or -1. */
int docker_image_user(struct docker_api *api, const char *container, const char *user,
                      uint32_t *uid, uint32_t *gid, struct err *err);

#endif
