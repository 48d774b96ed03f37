/*
 * `sett nesting`: how the units stand in a container that has no nesting, where no unit may have a
 * view of the file system of its own. Apart because it changes what systemd is told of the
 * programs, which nothing else does. Drop-ins are links to the shipped ones, so an upgrade renews
 * them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "cli.h"
#include "file.h"
#include "str.h"

#define SYSTEMCTL "/usr/bin/systemctl"
#define SYSTEM    "/etc/systemd/system"
#define SOME_S    120

/* "sett-.service.d" holds for all units whose names begin so; of files of one name the nearest
 * alone counts (systemd.unit(5)). */
static const struct {
    const char *folder, *link, *from;
} drop_ins[] = {
    {SYSTEM "/sett-.service.d", SYSTEM "/sett-.service.d/no-nesting.conf", "no-nesting.conf"},
    {SYSTEM "/sett-tunnel@.service.d", SYSTEM "/sett-tunnel@.service.d/no-nesting-tunnel.conf",
     "no-nesting-tunnel.conf"},
    {SYSTEM "/sett-tunnel-local@.service.d",
     SYSTEM "/sett-tunnel-local@.service.d/no-nesting-tunnel.conf", "no-nesting-tunnel-local.conf"},
    {SYSTEM "/sett-engine@.service.d", SYSTEM "/sett-engine@.service.d/no-nesting-engine.conf",
     "no-nesting-engine.conf"},
};
#define DROP_INS (sizeof drop_ins / sizeof drop_ins[0])

static int usage(int argc, const char *verb, struct err *err)
{
    return argc == 0
               ? 0
               : err_field(err, "argument", "usage", "sett nesting %s takes no arguments", verb);
}

static int check(const struct cli *cli, struct err *err)
{
    if (cli->paths.root[0] != '\0')
        return err_set(err, ERR_INVALID, "no_units", "a box below a folder has no units");
    if (geteuid() == 0)
        return 0;
    (void)err_set(err, ERR_FORBIDDEN, "needs_root", "units are root's");
    return err_hint(err, "try it as root: sudo sett nesting …");
}

/* What is not there yet is made; what somebody put there himself stays. */
static int put(const struct cli *cli, size_t i, struct err *err)
{
    char from[PATHS_SIZE + 64];

    if (str_format(from, sizeof from, "%s/systemd/%s", cli->share, drop_ins[i].from) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", cli->share);
    if (!file_exists(from))
        return err_set(err, ERR_NOT_FOUND, "drop_in_missing", "%s is not there", from);
    if (file_mkdirs(drop_ins[i].folder, 0755, err) == -1)
        return -1;
    return symlink(from, drop_ins[i].link) == 0 || errno == EEXIST
               ? 0
               : err_sys(err, "drop_in", errno, drop_ins[i].link);
}

static int take(size_t i, struct err *err)
{
    if (unlink(drop_ins[i].link) == -1 && errno != ENOENT)
        return err_sys(err, "drop_in", errno, drop_ins[i].link);
    (void)rmdir(drop_ins[i].folder); /* stays while others' are in it */
    return 0;
}

/* Those that run, or would if they could, begin anew by what holds now. */
static int renew(struct err *err)
{
    const char *const reload[] = {SYSTEMCTL, "daemon-reload", NULL};
    const char *const again[] = {SYSTEMCTL,
                                 "--quiet",
                                 "try-restart",
                                 "sett-hands.service",
                                 "sett-worker.service",
                                 "sett-front.service",
                                 "sett-tunnel@*",
                                 "sett-tunnel-local@*",
                                 NULL};
    const char *const start[] = {SYSTEMCTL,
                                 "--quiet",
                                 "start",
                                 "sett-hands.service",
                                 "sett-worker.service",
                                 "sett-front.service",
                                 NULL};

    if (!file_exists("/run/systemd/system"))
        return 0;
    return child_quiet(reload, SOME_S, err) == -1 || child_quiet(again, SOME_S, err) == -1 ||
                   child_quiet(start, SOME_S, err) == -1
               ? -1
               : 0;
}

int cli_nesting_without(struct cli *cli, int argc, char **argv, struct err *err)
{
    (void)argv;
    if (usage(argc, "without", err) == -1 || check(cli, err) == -1)
        return -1;
    for (size_t i = 0; i < DROP_INS; i++)
        if (put(cli, i, err) == -1)
            return -1;
    if (renew(err) == -1)
        return -1;
    printf("The units do without nesting: fewer walls stand around each (%s).\n", drop_ins[0].link);
    return 0;
}

int cli_nesting_with(struct cli *cli, int argc, char **argv, struct err *err)
{
    (void)argv;
    if (usage(argc, "with", err) == -1 || check(cli, err) == -1)
        return -1;
    for (size_t i = 0; i < DROP_INS; i++)
        if (take(i, err) == -1)
            return -1;
    if (renew(err) == -1)
        return err_hint(err, "if this container has no nesting: sett nesting without");
    printf("All walls stand around the units.\n");
    return 0;
}

int cli_nesting_show(struct cli *cli, int argc, char **argv, struct err *err)
{
    bool without = file_exists(drop_ins[0].link);

    (void)cli;
    (void)argv;
    if (usage(argc, "show", err) == -1)
        return -1;
    if (without)
        printf("The units do without nesting (%s).\n", drop_ins[0].link);
    else
        printf("All walls stand around the units.\n");
    return without ? 1 : 0;
}
