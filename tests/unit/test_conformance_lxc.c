/*
 * The lxc runtime with the real tools against the cases that every runtime must pass
 * (conformance.h), and what is its own: hands that end and come back, a machine that boots, users
 * and roots, a container that does not start. Needs root.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <signal.h>

#include "conformance_cases.h"
#include "lxc_world.h"

static void place(const struct runtime_order *o, const char *name, char out[256])
{
    (void)str_format(out, 256, "%s/%s%s", lxc_world.paths.lxc, o->mark, name);
}

static void foreign(const struct runtime_order *o)
{
    char path[256];
    struct err err;

    place(o, "", path);
    CONFORM(file_mkdirs(path, 0755, &err));
    place(o, "/precious", path);
    CONFORM(file_write(path, "x", 1, 0644, &err));
}

static bool untouched(const struct runtime_order *o)
{
    char path[256];
    bool there;

    place(o, "/precious", path);
    there = file_exists(path);
    place(o, "", path);
    return file_remove_tree(path, NULL) == 0 && there;
}

/* An empty folder; marks and half a root; all but the unit; all but the bridge. */
static bool half_made(const struct runtime_order *o, unsigned i)
{
    struct runtime_status status;
    char path[256], script[512];
    struct err err;

    if (i > 3)
        return false;
    place(o, "", path);
    if (i == 0) {
        CONFORM(file_mkdirs(path, 0711, &err));
        return true;
    }
    CONFORM(conformance_create(o, &status, &err));
    if (i == 1)
        (void)str_format(script, sizeof script, "mv %s/root %s/root.new", path, path);
    else if (i == 2)
        (void)str_format(script, sizeof script, "rm %s/%u.unit", lxc_world.units,
                         (unsigned)o->number);
    else
        (void)str_format(script, sizeof script, "ip link del settb%u", (unsigned)o->number);
    lxc_run(script);
    if (i == 2) { /* hands that never knew of it */
        lxc_close();
        lxc_open();
    }
    return true;
}

static bool nothing_left(const struct runtime_order *o)
{
    char path[256], name[32];

    place(o, "", path);
    if (file_exists(path))
        return false;
    (void)str_format(path, sizeof path, "%s/%u", lxc_world.paths.tenants, (unsigned)o->number);
    (void)str_format(name, sizeof name, "settb%u", (unsigned)o->number);
    return !file_exists(path) && if_nametoindex(name) == 0 &&
           !runtime_lxc_known(&lxc_world.runtime, o->number);
}

static void address(const struct runtime_order *o, char out[64])
{
    const char *said = conformance_says(o, "hostname -i 2>/dev/null | tr -d ' \\n' || true");

    if (!str_starts(said, "10.202."))
        said = conformance_says(
            o, "ip -o -4 addr show eth0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/' | tr -d '\\n'");
    (void)str_format(out, 64, "%.40s 8080", said);
}

static int setup(void **state)
{
    if (lxc_setup(state) != 0)
        return -1;
    subject = (struct conformance){.name = "lxc",
                                   .runtime = &lxc_world.runtime,
                                   .tenants = lxc_world.paths.tenants,
                                   .site = "/srv",
                                   .foreign = foreign,
                                   .untouched = untouched,
                                   .half_made = half_made,
                                   .nothing_left = nothing_left,
                                   .address = address,
                                   .world = &lxc_world.hands};
    conformance_blueprint(lxc_world.paths.blueprints, "lxc", "image = busybox\ninner_port = 8080\n",
                          "", "/srv", "/srv");
    return 0;
}

/* The hands end: the tenant answers on, and new hands find it as it was. The machine boots: the
 * tenant comes back by itself, and one that was stopped does not. */
static void test_hands_and_boots(void **state)
{
    struct runtime_order o = conformance_serving(), stopped = conformance_serving();
    struct runtime_status before = conformance_status(&o), after;
    char script[128];
    struct err err;

    (void)state;
    CONFORM(subject.runtime->stop(subject.runtime->self, &stopped, &err));
    lxc_close();
    assert_true(conformance_answers(&o, o.mark));
    lxc_open();
    after = conformance_status(&o);
    assert_int_equal(after.state, RUNTIME_RUNNING);
    assert_string_equal(after.id, before.id);
    assert_int_equal(conformance_status(&stopped).state, RUNTIME_STOPPED);

    runtime_lxc_halt(&lxc_world.runtime);
    lxc_close();
    (void)str_format(script, sizeof script, "ip link del settb%u; nft flush ruleset",
                     (unsigned)o.number);
    lxc_run(script); /* what a boot forgets */
    lxc_open();
    WAIT_FOR(conformance_answers(&o, o.mark));
    assert_int_equal(conformance_status(&stopped).state, RUNTIME_STOPPED);
    conformance_gone(&o);
    conformance_gone(&stopped);
}

/* lxc-start is killed, and with it the container: it runs again. */
static void test_killed(void **state)
{
    struct runtime_order o = conformance_serving();
    struct runtime_status status = conformance_status(&o);

    (void)state;
    assert_int_equal(kill((pid_t)strtol(status.id, NULL, 10), SIGKILL), 0);
    WAIT_FOR(conformance_status(&o).restarts == 1 && conformance_answers(&o, o.mark));
    conformance_gone(&o);
}

static void test_walls(void **state)
{
    struct runtime_order o;
    struct runtime_status status;
    const char *text;
    char path[256];
    struct stat st;
    struct err err;

    (void)state;
    subject.b.read_only = true;
    o = conformance_serving();
    text = conformance_says(&o, "touch /etc/x 2>&1; touch /tmp/x /run/x /srv/x && echo three");
    assert_non_null(strstr(text, "Read-only file system"));
    assert_non_null(strstr(text, "three\n"));
    text = conformance_says(&o, "grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/1/status; "
                                "cat /proc/self/uid_map");
    /* CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, KILL 5, SETGID 6, SETUID 7, NET_BIND_SERVICE 10 */
    assert_non_null(strstr(text, "CapEff:\t00000000000004eb"));
    assert_non_null(strstr(text, "CapBnd:\t00000000000004eb"));
    assert_non_null(strstr(text, "NoNewPrivs:\t1"));
    assert_non_null(strstr(text, " 65536\n"));
    assert_null(strstr(text, "         0          0 "));
    /* its files are nobody's way to be root outside */
    place(&o, "", path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0710);
    assert_true(st.st_gid >= 65536);
    conformance_gone(&o);
    subject.b.read_only = false;

    /* as another user, out of an archive; volumes are theirs, inside and outside */
    (void)str_copy(subject.b.user, sizeof subject.b.user, "web");
    (void)str_copy(subject.b.image, sizeof subject.b.image, "packed.tar.gz");
    o = conformance_serving();
    assert_string_equal(conformance_says(&o,
                                         "id -u; echo hello > /srv/mine; stat -c %u:%g /srv/mine; "
                                         "grep CapEff /proc/self/status"),
                        "1033\n1033:1044\nCapEff:\t0000000000000000\n");
    conformance_path(&o, "mine", path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, 1033);
    /* another image: its root is made anew, its files stay */
    assert_string_equal(conformance_says(&o, "cat /srv/mine"), "hello\n");
    subject.b.user[0] = '\0';
    (void)str_copy(subject.b.image, sizeof subject.b.image, "busybox");
    CONFORM(conformance_create(&o, &status, &err));
    assert_int_equal(status.state, RUNTIME_RUNNING);
    WAIT_FOR(conformance_answers(&o, o.mark));
    conformance_gone(&o);
}

static void test_changes(void **state)
{
    struct runtime_order o = conformance_serving();
    struct runtime_status status;
    struct err err;

    (void)state;
    o.limits.memory_bytes = 40u << 20;
    assert_int_equal(kv_set(&o.env, "COLOUR", "red"), 0);
    CONFORM(conformance_create(&o, &status, &err));
    assert_int_equal(status.state, RUNTIME_RUNNING);
    WAIT_FOR(conformance_answers(&o, o.mark));
    assert_string_equal(conformance_says(&o, "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat "
                                             "/sys/fs/cgroup/memory/memory.limit_in_bytes; echo "
                                             "$GREETING"),
                        "41943040\nHello Acme of red$\n");
    conformance_gone(&o);
}

static void test_what_does_not_start(void **state)
{
    struct runtime_order o = conformance_order();
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct runtime_status status;
    struct blueprint *b = malloc(sizeof *b);
    char script[128];
    struct err err;
    int fd;

    (void)state;
    assert_non_null(b);
    *b = subject.b;
    (void)str_copy(subject.b.image, sizeof subject.b.image, "nowhere.tar");
    assert_int_equal(conformance_create(&o, &status, &err), -1);
    assert_string_equal(err.code, "image_missing");
    assert_non_null(strstr(err.hint, "mmdebstrap"));
    subject.b = *b;
    subject.b.command.count = 1;
    (void)str_copy(subject.b.command.args[0], sizeof subject.b.command.args[0], "/no/such");
    CONFORM(conformance_create(&o, &status, &err));
    assert_int_equal(conformance_start(&o, &status, &err), -1);
    if (!str_equal(err.code, "command_missing"))
        fail_msg("%s: %s", err.code, err.text);
    subject.b.command.count = 2;
    (void)str_copy(subject.b.command.args[0], sizeof subject.b.command.args[0], "/bin/false");
    subject.b.command.args[1][0] = '\0';
    CONFORM(conformance_create(&o, &status, &err));
    assert_int_equal(conformance_start(&o, &status, &err), -1);
    assert_string_equal(err.code, "container_ended");
    assert_int_equal(conformance_status(&o).state, RUNTIME_STOPPED);
    assert_int_equal(conformance_status(&o).exit_code, 1);
    subject.b = *b;
    conformance_gone(&o);

    /* somebody holds the port; an interface of the bridge's name */
    o = conformance_order();
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    at.sin_port = htons((uint16_t)o.port);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    CONFORM(conformance_create(&o, &status, &err));
    assert_int_equal(conformance_start(&o, &status, &err), -1);
    assert_string_equal(err.code, "port_taken");
    (void)close(fd);
    CONFORM(conformance_start(&o, &status, &err));
    conformance_gone(&o);
    o = conformance_order();
    (void)str_format(script, sizeof script,
                     "ip link add settb%u type bridge; ip addr add 198.18.213.9/29 dev settb%u",
                     (unsigned)o.number, (unsigned)o.number);
    lxc_run(script);
    assert_int_equal(conformance_create(&o, &status, &err), -1);
    assert_string_equal(err.code, "foreign_interface");
    assert_int_equal(subject.runtime->remove(subject.runtime->self, &o, true, &err), -1);
    (void)str_format(script, sizeof script, "ip link del settb%u", (unsigned)o.number);
    lxc_run(script);
    conformance_gone(&o);
    free(b);
}

/* An argument names the cases to run: "conform_l*". */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_CASES,
        cmocka_unit_test(test_hands_and_boots),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_walls),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_what_does_not_start),
    };

    lxc_own_namespaces();
    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    return cmocka_run_group_tests(tests, setup, lxc_teardown);
}
