/* Where things are kept. Apart so that the tree below --root and the tree of an installed box are
 * spelled in one table, and every program finds the same sockets. */
#include "paths.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "str.h"

#define SOCKET_PATH_MAX (sizeof((struct sockaddr_un *)0)->sun_path - 1)

static const struct {
    size_t offset;
    const char *below; /* the root */
    int is_socket;
} places[] = {
    {offsetof(struct paths, conf), "/etc/sett/sett.conf", 0},
    {offsetof(struct paths, blueprints), "/etc/sett/blueprints", 0},
    {offsetof(struct paths, tls), "/etc/sett/tls", 0},
    {offsetof(struct paths, acme), "/var/lib/sett/acme", 0},
    {offsetof(struct paths, mail), "/etc/sett/mail", 0},
    {offsetof(struct paths, ballast), "/var/lib/sett/ballast", 0},
    {offsetof(struct paths, live), "/var/lib/sett/live", 0},
    {offsetof(struct paths, db), "/var/lib/sett/live/db", 0},
    {offsetof(struct paths, keys), "/var/lib/sett/live/keys", 0},
    {offsetof(struct paths, hands), "/var/lib/sett/live/hands", 0},
    {offsetof(struct paths, tenants), "/var/lib/sett/live/tenants", 0},
    {offsetof(struct paths, databases), "/var/lib/sett/live/databases", 0},
    {offsetof(struct paths, backups), "/var/backups/sett", 0},
    {offsetof(struct paths, run), "/run/sett", 0},
    {offsetof(struct paths, front_sock), "/run/sett/front.sock", 1},
    {offsetof(struct paths, events_sock), "/run/sett/events.sock", 1},
    {offsetof(struct paths, hands_sock), "/run/sett/hands.sock", 1},
    {offsetof(struct paths, ask_sock), "/run/sett/ask.sock", 1},
    {offsetof(struct paths, wake_sock), "/run/sett/wake.sock", 1},
    {offsetof(struct paths, web_map), "/var/lib/sett/web/tenants.map", 0},
    {offsetof(struct paths, web_note), "/var/lib/sett/web/server.conf", 0},
    {offsetof(struct paths, web_pages), "/var/lib/sett/web/pages", 0},
    {offsetof(struct paths, web_request), "/run/sett/web-request", 0},
    {offsetof(struct paths, history), "/var/lib/sett/history", 0},
    {offsetof(struct paths, status), "/var/lib/sett/status", 0},
    {offsetof(struct paths, images), "/var/lib/sett/images", 0},
    {offsetof(struct paths, snapshots), "/var/lib/sett/snapshots", 0},
    {offsetof(struct paths, catalog), "/var/lib/sett/catalog", 0},
    {offsetof(struct paths, lxc), "/var/lib/sett/lxc", 0},
};

static int too_long(struct err *err, const char *root)
{
    (void)err_field(err, "root", "root_too_long", "the path of the root folder is too long: %s",
                    root);
    return err_hint(err, "Choose a folder whose absolute path has at most %zu characters.",
                    SOCKET_PATH_MAX - strlen("/run/sett/events.sock"));
}

/* The root as an absolute path without a slash at its end; "" for the system's own. */
static int absolute(char out[PATHS_SIZE], const char *root, struct err *err)
{
    char real[PATH_MAX], here[PATH_MAX];
    size_t len;

    if (realpath(root, real) == NULL) {
        if (root[0] == '/') {
            if (str_copy(real, sizeof real, root) == -1)
                return too_long(err, root);
        } else if (getcwd(here, sizeof here) == NULL) {
            return err_sys(err, "working_folder", errno, "the working folder");
        } else if (str_format(real, sizeof real, "%s/%s", here, root) == -1) {
            return too_long(err, root);
        }
    }
    len = strlen(real);
    while (len > 0 && real[len - 1] == '/')
        real[--len] = '\0';
    return str_copy(out, PATHS_SIZE, real) == -1 ? too_long(err, real) : 0;
}

int paths_set(struct paths *p, const char *root, struct err *err)
{
    memset(p, 0, sizeof *p);
    if (root != NULL && root[0] != '\0' && absolute(p->root, root, err) == -1)
        return -1;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        char *out = (char *)p + places[i].offset;
        if (str_format(out, PATHS_SIZE, "%s%s", p->root, places[i].below) == -1 ||
            (places[i].is_socket && strlen(out) > SOCKET_PATH_MAX))
            return too_long(err, p->root);
    }
    return 0;
}
