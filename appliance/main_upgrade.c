/*
 * sett-upgrade: leads one version into another's place. `sett upgrade` writes down what is wanted
 * and starts it, as a copy of itself beside the state, which no package replaces; after a crash or
 * a reboot in the middle systemd starts that again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interrupt.h"
#include "log.h"
#include "notify.h"
#include "str.h"
#include "upgrade.h"

static const char *options(int argc, char **argv)
{
    const char *root = getenv("SETT_ROOT");

    for (int i = 1; i < argc; i++) {
        if (str_equal(argv[i], "--root") && i + 1 < argc) {
            root = argv[++i];
        } else {
            (void)fprintf(stderr, "usage: sett-upgrade [--root DIR]   (sett upgrade starts it)\n");
            return NULL;
        }
    }
    return root == NULL ? "" : root;
}

/* One at a time. The lock is held for the life of the process. */
static int alone(const struct upgrade *u, struct err *err)
{
    char path[PATHS_SIZE + 64];
    int fd;

    upgrade_file(u, "lock", path);
    if ((fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)) == -1)
        return err_sys(err, "upgrade_lock", errno, path);
    if (flock(fd, LOCK_EX | LOCK_NB) == -1)
        return err_set(err, ERR_CONFLICT, "upgrading", "an upgrade is at work already");
    return 0;
}

int main(int argc, char **argv)
{
    static struct upgrade u; /* it holds the box's configuration */
    const char *root = options(argc, argv);
    struct err err = {0};
    int rc;

    if (root == NULL)
        return 2;
    (void)umask(0022);
    interrupt_deaf();
    log_open("sett-upgrade", LOG_LEVEL_INFO);
    rc = upgrade_open(&u, root, &err);
    if (rc == 0) {
        notify_ready();
        return 0; /* nothing is wanted */
    }
    if (rc == -1 || upgrade_folder(&u, &err) == -1 || alone(&u, &err) == -1 ||
        (rc = upgrade_lead(&u, notify_ready, &err)) == -1) {
        log_error("%s%s%s", err.text, err.hint[0] == '\0' ? "" : "; ", err.hint);
        upgrade_say(&u, "%s%s%s", err.text, err.hint[0] == '\0' ? "" : "; ", err.hint);
        return 1;
    }
    upgrade_over(&u);
    /* That it went back is not this program's failure: it is in the result. */
    return 0;
}
