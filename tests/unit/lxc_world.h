#ifndef SETT_LXC_WORLD_H
#define SETT_LXC_WORLD_H
/*
 * A world for tests of the lxc runtime: namespaces of network and mounts of its own (no bridge,
 * rule or mount outlives the test), a template made from busybox-static, hands that have the
 * runtime. Included by one test program only, after cmocka.h.
 */
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "conformance.h"
#include "runtime_lxc.h"

static struct lxc_world {
    char folder[64], units[300], images[300], lxc[300], forward[300];
    struct paths paths;
    struct runtime runtime;
    struct hands_world hands;
    struct runtime_lxc_setup setup;
} lxc_world;

static inline void lxc_run(const char *script)
{
    int code = system(script); /* NOLINT: a test's own script */

    if (code != 0)
        fail_msg("%s: %d", script, code);
}

/* /sys shows the network namespace of whoever mounted it, and lxc looks for its bridges there. */
static inline void lxc_own_namespaces(void)
{
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
    char groups[] = "/tmp/sett-groups-XXXXXX";
    int fd;

    if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) {
        (void)fprintf(stderr, "this test needs root: it starts lxc containers\n");
        exit(1);
    }
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1 || ioctl(fd, SIOCSIFFLAGS, &lo) != 0 || mkdtemp(groups) == NULL ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("/sys/fs/cgroup", groups, NULL, MS_BIND | MS_REC, NULL) != 0 ||
        mount("sysfs", "/sys", "sysfs", 0, NULL) != 0 ||
        mount(groups, "/sys/fs/cgroup", NULL, MS_MOVE, NULL) != 0)
        exit(1);
    (void)rmdir(groups);
    (void)close(fd);
}

static inline void lxc_open(void)
{
    struct err err;

    CONFORM(runtime_lxc_new(&lxc_world.runtime, &lxc_world.setup, &err));
    lxc_world.hands = (struct hands_world){.paths = &lxc_world.paths, .lxc = lxc_world.runtime};
    (void)pthread_mutex_init(&lxc_world.hands.docker_lock, NULL);
}

/* The box without its hands: as the machine is after they were killed, or shut down. */
static inline void lxc_close(void)
{
    runtime_lxc_free(&lxc_world.runtime);
}

static inline int lxc_setup(void **state)
{
    const char *build = getenv("SETT_BUILD");
    char script[1024], here[256];
    struct err err;

    (void)state;
    (void)str_copy(lxc_world.folder, sizeof lxc_world.folder, "/tmp/sett-lxc-XXXXXX");
    if (mkdtemp(lxc_world.folder) == NULL || chmod(lxc_world.folder, 0711) == -1 ||
        getcwd(here, sizeof here) == NULL)
        return -1;
    CONFORM(paths_set(&lxc_world.paths, lxc_world.folder, &err));
    (void)str_format(
        script, sizeof script,
        "set -e; d=%s/busybox; mkdir -p $d/bin $d/etc $d/srv; cp -L $(command -v "
        "busybox) $d/bin/busybox; for n in $($d/bin/busybox --list); do [ $n = busybox "
        "] || ln -sf busybox $d/bin/$n; done; "
        "printf 'root:x:0:0::/:/bin/sh\\nweb:x:1033:1044::/srv:/bin/sh\\n' "
        ">$d/etc/passwd; tar -C $d -czf %s/packed.tar.gz .",
        lxc_world.paths.images, lxc_world.paths.images);
    lxc_run(script);
    (void)str_format(lxc_world.units, sizeof lxc_world.units, "%s/lxc", lxc_world.paths.hands);
    (void)str_format(script, sizeof script, "%s/init", lxc_world.paths.hands);
    CONFORM(file_mkdirs(script, 0711, &err));
    (void)str_format(lxc_world.forward, sizeof lxc_world.forward, "%s/%s/sett-forward", here,
                     build == NULL ? "build" : build);
    lxc_world.setup = (struct runtime_lxc_setup){.units = lxc_world.units,
                                                 .lxc = lxc_world.paths.lxc,
                                                 .images = lxc_world.paths.images,
                                                 .tenants = lxc_world.paths.tenants,
                                                 .pool = "10.202.0.0/24",
                                                 .forward = lxc_world.forward,
                                                 .box_id = "box_conform",
                                                 .idmap = true,
                                                 .restart_first_ms = 50};
    lxc_open();
    return 0;
}

static inline int lxc_teardown(void **state)
{
    (void)state;
    runtime_lxc_halt(&lxc_world.runtime);
    lxc_close();
    return file_remove_tree(lxc_world.folder, NULL);
}

#endif
