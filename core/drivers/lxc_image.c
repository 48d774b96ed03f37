/*
 * From a template to a tenant's root. Apart because copying and unpacking take long and are done by
 * programs of the system, and because a root that a tenant has had is a trap for whoever follows
 * its links.
 */
#include "lxc_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/openat2.h>

#include "docker_image.h"
#include "file.h"
#include "process_launch.h"
#include "str.h"

#define UNPACK_S   1800
#define PASSWD_MAX (256u * 1024u)

bool lxc_tools_present(void)
{
    return access("/usr/bin/lxc-start", X_OK) == 0 && access("/usr/bin/lxc-attach", X_OK) == 0;
}

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int lxc_image_find(const char *images, const char *name, char *path, size_t size, struct err *err)
{
    if (strchr(name, '/') != NULL || name[0] == '.')
        return err_set(err, ERR_INVALID, "image_name",
                       "the image %s of an lxc blueprint is no name of a file in %s", name, images);
    if (str_format(path, size, "%s/%s", images, name) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", images);
    if (file_exists(path))
        return 0;
    (void)err_set(err, ERR_INVALID, "image_missing", "there is no image %s", path);
    return err_hint(err,
                    "Make it, say: mmdebstrap --variant=minbase --include=systemd-sysv stable "
                    "%s/debian.tar; or correct the image in the blueprint.",
                    images);
}

static int run(const char *const *argv, bool apart, const char *what, struct err *err)
{
    struct process_plan *plan = calloc(1, sizeof *plan);
    struct buf out;
    int result = -1, code = 0;

    if (plan == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for %s", what);
    buf_init(&out, 8192);
    (void)str_copy(plan->name, sizeof plan->name, "unpack");
    plan->apart = apart;
    if (process_plan_args(plan, (char *const *)argv) == -1)
        result = err_set(err, ERR_INVALID, "path_too_long", "%s is too long", what);
    else if (process_run(plan, UNPACK_S, &out, &code, err) == 0)
        result =
            code == 0
                ? 0
                : err_set(err,
                          strstr(buf_string(&out), "No space left") != NULL ? ERR_FULL
                                                                            : ERR_INVALID,
                          "image_unpack", "%s cannot be unpacked: %.300s", what, buf_string(&out));
    buf_free(&out);
    free(plan);
    return result;
}

/* A folder of the new root, which nobody but us has had yet. */
static int ready_folder(const struct lxc_places *at, const char *name, struct err *err)
{
    char path[512];

    if (str_format(path, sizeof path, "%s/%s", at->fresh, name) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", name);
    return file_exists(path) ? 0 : file_mkdirs(path, 0755, err);
}

/* The box's name servers, unless the image brings its own; one on the box's loopback is of no use
 * inside. */
static int ready_names(const struct lxc_places *at, struct err *err)
{
    static const char *const sources[] = {"/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"};
    char path[512];
    struct stat st;
    struct buf b;
    int rc = 0;

    (void)str_format(path, sizeof path, "%s/etc/resolv.conf", at->fresh);
    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        return 0;
    buf_init(&b, 8192);
    for (size_t i = 0; i < 2; i++) {
        buf_reset(&b);
        if (file_read(sources[i], &b, NULL) == 0 && strstr(buf_string(&b), "nameserver ") != NULL &&
            strstr(buf_string(&b), "nameserver 127.") == NULL) {
            (void)unlink(path);
            rc = file_write_soon(path, b.data, b.len, 0644, err);
            break;
        }
    }
    buf_free(&b);
    return rc;
}

int lxc_image_unpack(const char *image, const struct lxc_places *at, const struct blueprint *b,
                     bool apart, struct err *err)
{
    static const char *const needed[] = {"proc", "sys", "dev", "tmp", "run", "etc"};
    char source[400];

    if (file_exists(at->root))
        return 0;
    if (file_remove_tree(at->fresh, err) == -1 || file_mkdirs(at->fresh, 0755, err) == -1)
        return -1;
    (void)str_format(source, sizeof source, "%s/.", image);
    if (is_folder(image)) {
        if (run((const char *const[]){"/bin/cp", "-a", "--reflink=auto", "--", source, at->fresh,
                                      NULL},
                apart, image, err) == -1)
            return -1;
    } else if (run((const char *const[]){"/bin/tar", "-x", "-p", "--numeric-owner", "--xattrs",
                                         "--xattrs-include=*", "-f", image, "-C", at->fresh, NULL},
                   apart, image, err) == -1) {
        return -1;
    }
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
        if (ready_folder(at, needed[i], err) == -1)
            return -1;
    for (uint32_t i = 0; i < b->volume_count; i++)
        if (ready_folder(at, b->volumes[i].target + 1, err) == -1)
            return -1;
    if (ready_names(at, err) == -1)
        return -1;
    return rename(at->fresh, at->root) == 0 ? 0 : err_sys(err, "image_place", errno, at->root);
}

/* A file of the root, its links followed with the root as root, as the tenant itself sees it. */
static int open_inside(const char *root, const char *path)
{
    const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
                                 .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    int at = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;

    if (at == -1)
        return -1;
    fd = (int)syscall(SYS_openat2, at, path, &how, sizeof how);
    (void)close(at);
    return fd;
}

int lxc_image_user(const struct lxc_places *at, const char *user, uint32_t *uid, uint32_t *gid,
                   struct err *err)
{
    struct buf b;
    ssize_t got = 0;
    char *room;
    int fd, rc;

    *uid = *gid = 0;
    if (user[0] == '\0' || str_equal(user, "root") || str_equal(user, "0"))
        return 0;
    buf_init(&b, PASSWD_MAX);
    if ((fd = open_inside(at->root, "etc/passwd")) != -1) {
        while ((room = buf_reserve(&b, 4096)) != NULL && (got = read(fd, room, 4096)) > 0)
            b.len += (size_t)got;
        (void)close(fd);
    }
    rc = docker_user_lookup(buf_string(&b), b.len, user, uid, gid);
    buf_free(&b);
    if (rc == 0)
        return 0;
    (void)err_set(err, ERR_INVALID, "user_unknown", "the image has no user \"%s\"", user);
    return err_hint(err, "Give the blueprint's user as numbers (uid:gid) or as the image has it.");
}
