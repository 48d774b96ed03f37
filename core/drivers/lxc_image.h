#ifndef SETT_LXC_IMAGE_H
#define SETT_LXC_IMAGE_H
/*
 * Templates of lxc tenants: root file systems below the folder of images, as a folder NAME or an
 * archive NAME.tar, .tar.gz, .tar.xz, .tar.zst. They are root's, and trusted as a package is; what
 * a tenant has run in is not, and is only ever looked into with the tenant's own root as root.
 */
#include <stdbool.h>
#include <stdint.h>
#include "lxc_config.h"

/** lxc_tools_present(): whether lxc is installed. */
bool lxc_tools_present(void);

/** lxc_image_find(images, name, path, size, err): the template's path. ERR_INVALID "image_missing"
 * with a hint how to make one; "image_name" for a name with a slash. Return 0 or -1. */
int lxc_image_find(const char *images, const char *name, char *path, size_t size, struct err *err);

/** lxc_image_unpack(image, at, b, apart, err): the root at->root made whole out of the template:
 * copied or unpacked beside it, given the folders that are mounted on and the box's name servers,
 * and put in its place in one step. Fine if it is there. ${apart}: of process_plan. Return 0 or -1.
 */
int lxc_image_unpack(const char *image, const struct lxc_places *at, const struct blueprint *b,
                     bool apart, struct err *err);

/** lxc_image_user(at, user, uid, gid, err): the numbers of a user of the root ("" and "root": 0).
 * ERR_INVALID "user_unknown". Return 0 or -1. */
int lxc_image_user(const struct lxc_places *at, const char *user, uint32_t *uid, uint32_t *gid,
                   struct err *err);

#endif
