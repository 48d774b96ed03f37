/*
 * From what was unpacked to a tree that this box can live on: owners and modes are this machine's
 * affair, and what described processes of then describes nothing now.
 */
#include "restore.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drift.h"
#include "file.h"
#include "folder.h"
#include "str.h"

struct owner {
    uid_t uid;
    gid_t gid;
};

/* Where a part lies after unpacking, where it belongs, and with which mode. */
static const struct {
    const char *from, *to;
    mode_t mode;
    bool needed, box; /* box: its owner is the box's, not the hands' */
} parts[] = {
    {".control/db", "db", 02770, true, true},
    {".control/keys", "keys", 0750, true, true},
    {".control/hands", "hands", 0700, false, false},
    {".control/etc", "etc", 0700, false, true},
    {".data/tenants", "tenants", 0711, false, false},
    {".data/databases", "databases", 0700, false, true},
};

/* ---- owners ---- */

/* Whose ${path} is here; else ${user}'s, and the group's of those who may open the store; else
 * ours.
 */
static struct owner owner_of(const char *path, const char *user)
{
    const struct passwd *entry;
    const struct group *readers;
    struct stat st;

    if (stat(path, &st) == 0)
        return (struct owner){st.st_uid, st.st_gid};
    if (user != NULL && (entry = getpwnam(user)) != NULL)
        return (struct owner){entry->pw_uid, (readers = getgrnam("sett-db")) == NULL
                                                 ? entry->pw_gid
                                                 : readers->gr_gid};
    return (struct owner){geteuid(), getegid()};
}

/* A tenant's folder has the owner of the volumes in it. */
static int dress_tenant(int folder, const char *name, struct err *err)
{
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), rc = 0;
    DIR *dir = fd == -1 ? NULL : fdopendir(fd);
    struct dirent *d;
    struct stat st;

    while (dir != NULL && (d = readdir(dir)) != NULL) {
        if (d->d_name[0] == '.' || fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
            !S_ISDIR(st.st_mode))
            continue;
        if (fchown(fd, st.st_uid, st.st_gid) == -1 && errno != EPERM)
            rc = err_sys(err, "restore_owner", errno, name);
        break;
    }
    if (dir != NULL)
        (void)closedir(dir);
    return rc;
}

static int dress_tenants(const char *path, struct err *err)
{
    DIR *dir = opendir(path);
    struct dirent *d;
    int rc = 0;

    while (rc == 0 && dir != NULL && (d = readdir(dir)) != NULL)
        if (d->d_name[0] != '.')
            rc = dress_tenant(dirfd(dir), d->d_name, err);
    if (dir != NULL)
        (void)closedir(dir);
    return rc;
}

static int place(const char *staging, size_t i, const struct owner *box, const struct owner *hands,
                 struct err *err)
{
    char from[PATHS_SIZE + 32], to[PATHS_SIZE + 32];
    const struct owner *o = parts[i].box ? box : hands;

    (void)str_format(from, sizeof from, "%s/%s", staging, parts[i].from);
    (void)str_format(to, sizeof to, "%s/%s", staging, parts[i].to);
    if (rename(from, to) == -1) {
        if (errno != ENOENT)
            return err_sys(err, "restore_place", errno, to);
        if (parts[i].needed)
            return err_set(err, ERR_CORRUPT, "snapshot_part",
                           "the snapshot has no %s: it is not one of a whole box", parts[i].to);
        if (str_equal(parts[i].to, "databases") || str_equal(parts[i].to, "etc"))
            return 0;
        if (mkdir(to, 0700) == -1)
            return err_sys(err, "restore_place", errno, to);
    }
    if (str_equal(parts[i].to, "tenants")) {
        if (dress_tenants(to, err) == -1)
            return -1;
        if (geteuid() == 0 && chown(to, o->uid, o->gid) == -1)
            return err_sys(err, "restore_owner", errno, to);
    } else if (geteuid() == 0 && folder_give(to, o->uid, o->gid, err) == -1)
        return -1;
    return chmod(to, parts[i].mode) == 0 ? 0 : err_sys(err, "restore_mode", errno, to);
}

/* ---- what ran then ---- */

static void forget(const char *staging, const char *folder, bool elsewhere)
{
    char path[PATHS_SIZE + 64];
    struct dirent *d;
    DIR *dir;

    (void)str_format(path, sizeof path, "%s/hands/%s", staging, folder);
    if ((dir = opendir(path)) == NULL)
        return;
    while ((d = readdir(dir)) != NULL)
        if (str_ends(d->d_name, ".pid") || (elsewhere && str_ends(d->d_name, ".unit")))
            (void)unlinkat(dirfd(dir), d->d_name, 0);
    (void)closedir(dir);
}

/* A tenant whose database is still to be put back does not start by itself with whatever database
 * of that name is there; nor does what a drill was trying just then. */
static void forget_dumped(const char *staging, const char *folder)
{
    char path[PATHS_SIZE + 400];
    struct dirent *d;
    DIR *dir;

    (void)str_format(path, sizeof path, "%s/hands/%s/%u.unit", staging, folder, DRIFT_DRILL);
    (void)unlink(path);
    (void)str_format(path, sizeof path, "%s/databases", staging);
    if ((dir = opendir(path)) == NULL)
        return;
    while ((d = readdir(dir)) != NULL)
        if (str_format(path, sizeof path, "%s/hands/%s/%s.unit", staging, folder, d->d_name) == 0)
            (void)unlink(path);
    (void)closedir(dir);
}

int restore_fit(const char *staging, const struct paths *live, bool elsewhere, struct err *err)
{
    static const char *const scraps[] = {".control", ".data", ".scratch"};
    static const char *const running[] = {"process", "units", "lxc"};
    const char *user = live->root[0] == '\0' ? "sett" : NULL;
    struct owner box = owner_of(live->db, user), hands = owner_of(live->hands, NULL);
    char path[PATHS_SIZE + 32];

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (place(staging, i, &box, &hands, err) == -1)
            return -1;
    (void)str_format(path, sizeof path, "%s/db/data.mdb", staging);
    if (chmod(path, 0660) == -1)
        return err_sys(err, "restore_mode", errno, path);
    for (size_t i = 0; i < sizeof running / sizeof running[0]; i++)
        forget(staging, running[i], elsewhere);
    forget_dumped(staging, "process");
    forget_dumped(staging, "lxc");
    for (size_t i = 0; i < sizeof scraps / sizeof scraps[0]; i++) {
        (void)str_format(path, sizeof path, "%s/%s", staging, scraps[i]);
        if (file_remove_tree(path, err) == -1)
            return -1;
    }
    return 0;
}
