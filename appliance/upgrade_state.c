/*
 * What an upgrade remembers: a file of names and values, replaced as a whole, and a log for whoever
 * follows. Apart from what leads, because what asks for an upgrade writes the same file.
 */
#include "upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "crash.h"
#include "file.h"
#include "str.h"

#define STATE_MAX 8192

static const struct {
    const char *name, *path;
} tools[] = {
    {"dpkg", "/usr/bin/dpkg"},
    {"dpkg-deb", "/usr/bin/dpkg-deb"},
    {"dpkg-query", "/usr/bin/dpkg-query"},
    {"apt-get", "/usr/bin/apt-get"},
    {"apt-cache", "/usr/bin/apt-cache"},
    {"apt-mark", "/usr/bin/apt-mark"},
    {"systemctl", "/usr/bin/systemctl"},
    {"sett", "/usr/bin/sett"},
    {"sett-package", "/usr/libexec/sett/sett-package"},
};

const char *upgrade_tool(const struct upgrade *u, const char *name)
{
    const char *set = u->paths.root[0] == '\0' ? NULL : conf_get(&u->conf, "upgrade", name);

    for (size_t i = 0; set == NULL && i < sizeof tools / sizeof tools[0]; i++)
        if (str_equal(tools[i].name, name))
            return tools[i].path;
    return set == NULL ? "/bin/false" : set;
}

void upgrade_file(const struct upgrade *u, const char *name, char out[PATHS_SIZE + 64])
{
    (void)str_format(out, PATHS_SIZE + 64, "%s/%s", u->folder, name);
}

int upgrade_folder(const struct upgrade *u, struct err *err)
{
    struct stat st;

    if (file_mkdirs(u->folder, 0755, err) == -1)
        return -1;
    if (lstat(u->folder, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
        (st.st_mode & 022) == 0)
        return 0;
    (void)err_set(err, ERR_FORBIDDEN, "not_yours", "%s is not this user's alone", u->folder);
    return err_hint(err, "look at what is in it, and remove it: what lies there is run as root");
}

/* "NAME VALUE" a line. 1, 0 or -1. */
static int read_kv(const struct upgrade *u, const char *name, struct kv *out, struct err *err)
{
    char path[PATHS_SIZE + 64];
    struct buf text;
    int rc;

    kv_clear(out);
    upgrade_file(u, name, path);
    if (!file_exists(path))
        return 0;
    buf_init(&text, STATE_MAX);
    rc = file_read(path, &text, err);
    for (char *at = text.data; rc == 0 && at != NULL && *at != '\0';) {
        size_t len = strcspn(at, "\n");
        char *next = at + len + (at[len] == '\n'), *space;

        at[len] = '\0';
        if ((space = strchr(at, ' ')) != NULL) {
            *space = '\0';
            if (kv_set(out, at, space + 1) == -1)
                rc = err_set(err, ERR_CORRUPT, "upgrade_state", "%s is too long", path);
        }
        at = next;
    }
    buf_free(&text);
    return rc == -1 ? -1 : 1;
}

static int write_kv(const struct upgrade *u, const char *file, const struct kv *kv, struct err *err)
{
    char path[PATHS_SIZE + 64];
    const char *name, *value;
    struct buf text;
    size_t at = 0;
    int rc;

    upgrade_file(u, file, path);
    buf_init(&text, STATE_MAX);
    while (kv_next(kv, &at, &name, &value) == 1)
        (void)buf_format(&text, "%s %.*s\n", name, (int)strcspn(value, "\n"), value);
    rc = file_write(path, buf_string(&text), text.len, 0644, err);
    buf_free(&text);
    return rc;
}

int upgrade_open(struct upgrade *u, const char *root, struct err *err)
{
    memset(u, 0, sizeof *u);
    u->hold = HOLD_NONE;
    if (paths_set(&u->paths, root, err) == -1)
        return -1;
    if (conf_read(&u->conf, u->paths.conf, err) == -1 && err->kind != ERR_NOT_FOUND)
        return -1;
    err_clear(err);
    if (str_format(u->folder, sizeof u->folder, "%s/var/lib/sett/upgrade", u->paths.root) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", u->paths.root);
    return read_kv(u, "state", &u->state, err);
}

int upgrade_set(struct upgrade *u, const char *name, const char *value, struct err *err)
{
    if (kv_set(&u->state, name, value) == -1)
        return err_set(err, ERR_TOO_LARGE, "upgrade_state", "the upgrade's state is full");
    return write_kv(u, "state", &u->state, err);
}

int upgrade_phase(struct upgrade *u, const char *phase, struct err *err)
{
    int rc = upgrade_set(u, UPGRADE_PHASE, phase, err);

    CP("upgrade.phase");
    return rc;
}

int upgrade_end(struct upgrade *u, const char *ended, struct err *err)
{
    char path[PATHS_SIZE + 64], when[32];

    (void)str_format(when, sizeof when, "%lld", (long long)clock_wall_ms());
    upgrade_file(u, "state", path);
    if (kv_set(&u->state, UPGRADE_ENDED, ended) == -1 || kv_set(&u->state, "at", when) == -1)
        return err_set(err, ERR_TOO_LARGE, "upgrade_state", "the upgrade's state is full");
    if (write_kv(u, "result", &u->state, err) == -1)
        return -1;
    CP("upgrade.result");
    if (unlink(path) == -1 && errno != ENOENT)
        return err_sys(err, "upgrade_state", errno, path);
    return file_sync_folder(u->folder, err);
}

int upgrade_result(const struct upgrade *u, struct kv *out, struct err *err)
{
    return read_kv(u, "result", out, err);
}

void upgrade_say(const struct upgrade *u, const char *fmt, ...)
{
    char path[PATHS_SIZE + 64], text[600], line[604];
    va_list ap;
    int fd;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    (void)str_format(line, sizeof line, "%s\n", text);
    upgrade_file(u, "log", path);
    if ((fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0644)) != -1) {
        (void)file_write_all(fd, line, strlen(line));
        (void)close(fd);
    }
    (void)fputs(line, stdout);
    (void)fflush(stdout);
}
