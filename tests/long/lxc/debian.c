/*
 * The lxc runtime with a real Debian: a root file system made by mmdebstrap is a tenant's image,
 * systemd its init, a unit inside its program. Driven by tests/long/long_lxc.sh, which makes the
 * archive named by the first argument. Needs root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "lxc_world.h"

static char archive[256];

static bool listening(const struct runtime_order *o)
{
    char text[2048];

    return conformance_ask(o->port, "debian_version", text, sizeof text) == 200 &&
           strchr(text, '\n') != NULL;
}

static int setup(void **state)
{
    char path[300], to[300];
    static const char text[] = "[blueprint]\nruntime = lxc\nimage = debian.tar\ninner_port = 8080\n"
                               "[limits]\nmemory = 256M\ncpu_millis = 1000\npids = 128\n"
                               "[variables]\nTENANT_NAME = nobody\n[volumes]\nsite = /srv\n";
    struct err err;

    if (lxc_setup(state) != 0)
        return -1;
    subject = (struct conformance){.name = "lxc with a Debian",
                                   .runtime = &lxc_world.runtime,
                                   .tenants = lxc_world.paths.tenants,
                                   .site = "/srv",
                                   .world = &lxc_world.hands};
    (void)str_format(to, sizeof to, "%s/debian.tar", lxc_world.paths.images);
    if (symlink(archive, to) != 0)
        return -1;
    CONFORM(file_mkdirs(lxc_world.paths.blueprints, 0755, &err));
    (void)str_format(path, sizeof path, "%s/debian.conf", lxc_world.paths.blueprints);
    CONFORM(file_write(path, text, strlen(text), 0644, &err));
    CONFORM(blueprint_load(&subject.b, lxc_world.paths.blueprints, "debian", &err));
    return 0;
}

static void test_debian(void **state)
{
    struct runtime_order o = conformance_order();
    struct runtime_status status;
    struct runtime_stats stats;
    const char *text;
    int64_t began;
    struct buf out;
    struct err err;

    (void)state;
    CONFORM(conformance_create(&o, &status, &err));
    CONFORM(conformance_start(&o, &status, &err));
    WAIT_FOR(str_starts(conformance_inside(&o, "systemctl is-system-running", &err), "running") ||
             str_starts(conformance_inside(&o, "systemctl is-system-running", &err), "degraded"));
    text = conformance_says(&o, "cat /proc/1/comm; systemctl --failed --plain --no-legend; cat "
                                "/etc/debian_version; cat /proc/self/uid_map");
    print_message("# %s", text);
    assert_true(str_starts(text, "systemd\n"));
    assert_null(strstr(text, ".service")); /* nothing failed */
    /* a service of the tenant's own, as it would be installed inside, with limits of its own */
    (void)conformance_says(
        &o,
        "cat >/etc/systemd/system/web.service <<EOF\n[Service]\nExecStart=/bin/busybox httpd -f "
        "-p 8080 -h /etc\nMemoryMax=64M\n[Install]\nWantedBy=multi-user.target\nEOF");
    (void)conformance_says(&o, "systemctl daemon-reload && systemctl enable --now web 2>&1");
    WAIT_FOR(listening(&o));
    buf_init(&out, 256 * 1024);
    CONFORM(subject.runtime->logs(subject.runtime->self, &o, 1000, &out, &err));
    assert_non_null(strstr(buf_string(&out), "web.service")); /* the journal's */
    buf_free(&out);
    CONFORM(subject.runtime->stats(subject.runtime->self, &o, &stats, &err));
    assert_in_range(stats.memory_bytes, 1u << 20, 256u << 20);
    assert_int_equal(stats.memory_limit_bytes, 256u << 20);

    /* it ends as a machine does, not by being killed, and comes back with what was installed */
    began = clock_mono_ms();
    CONFORM(subject.runtime->stop(subject.runtime->self, &o, &err));
    print_message("# stopped in %d ms\n", (int)(clock_mono_ms() - began));
    assert_true(clock_mono_ms() - began < 30000);
    assert_int_equal(conformance_status(&o).state, RUNTIME_STOPPED);
    assert_int_equal(conformance_status(&o).exit_code, 0);
    began = clock_mono_ms();
    CONFORM(conformance_start(&o, &status, &err));
    WAIT_FOR(listening(&o));
    print_message("# answering again after %d ms\n", (int)(clock_mono_ms() - began));
    /* hands that end, and a boot of the machine */
    runtime_lxc_halt(&lxc_world.runtime);
    lxc_close();
    lxc_open();
    WAIT_FOR(listening(&o));
    CONFORM(subject.runtime->remove(subject.runtime->self, &o, true, &err));
    assert_int_equal(conformance_status(&o).state, RUNTIME_ABSENT);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_debian)};

    if (argc != 2 || str_copy(archive, sizeof archive, argv[1]) != 0)
        return 2;
    lxc_own_namespaces();
    return cmocka_run_group_tests(tests, setup, lxc_teardown);
}
