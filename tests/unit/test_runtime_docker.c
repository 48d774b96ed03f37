/*
 * The docker runtime against a real engine: limits and walls as they look from inside, what is not
 * ours, and what goes wrong; what every runtime does alike is test_conformance_docker.c's.
 * SETT_TEST_ENGINE=podman runs the same on Podman.
 */
#include "docker_world.h"

/* Made, started and answering; its page says who it is. */
static struct runtime_order serving(struct world *w, unsigned number)
{
    struct runtime_order o = order(number);
    struct runtime_status status;
    char path[160], page[64], text[256];
    struct err err;

    assert_ok(&err, w->runtime.create(w->runtime.self, &o, w->web, &status, &err));
    assert_int_equal(status.state, RUNTIME_CREATED);
    (void)str_format(path, sizeof path, "%s/%u/site/index.html", w->tenants, number);
    (void)str_format(page, sizeof page, "tenant %u\n", number);
    assert_ok(&err, file_write(path, page, strlen(page), 0644, &err));
    assert_ok(&err, w->runtime.start(w->runtime.self, &o, w->web, &status, &err));
    assert_int_equal(status.state, RUNTIME_RUNNING);
    assert_true(status.started_at > 0);
    assert_int_equal(fetch(w, "127.0.0.1", o.port, text, sizeof text, DEADLINE_MS), 200);
    assert_string_equal(text, page);
    return o;
}

static void gone(struct world *w, const struct runtime_order *o)
{
    struct runtime_status status;
    char path[160];
    struct err err;

    assert_ok(&err, w->runtime.remove(w->runtime.self, o, true, &err));
    assert_ok(&err, w->runtime.inspect(w->runtime.self, o, &status, &err));
    assert_int_equal(status.state, RUNTIME_ABSENT);
    (void)str_format(path, sizeof path, "/networks/%s", o->mark);
    assert_int_equal(ask_engine(w, "GET", path, NULL), 404);
    (void)str_format(path, sizeof path, "%s/%u", w->tenants, (unsigned)o->number);
    assert_false(file_exists(path));
}

struct seen {
    unsigned count, running, networks;
    char tenant_id[ID_SIZE];
};

static int see(void *arg, const struct runtime_found *found, struct err *err)
{
    struct seen *seen = arg;

    (void)err;
    assert_int_equal(found->number, 1);
    seen->count++;
    seen->running += found->state == RUNTIME_RUNNING;
    seen->networks += found->state == RUNTIME_ABSENT;
    memcpy(seen->tenant_id, found->tenant_id, sizeof seen->tenant_id);
    return 0;
}

static struct seen listed(struct world *w, const char *box)
{
    struct seen seen = {0};
    struct err err;

    assert_ok(&err, w->runtime.list(w->runtime.self, box, see, &seen, &err));
    return seen;
}

static void test_listed(void **state)
{
    struct world *w = *state;
    struct runtime_order o = serving(w, 1);
    struct err err;

    assert_int_equal(listed(w, BOX).count, 2); /* and its network */
    assert_int_equal(listed(w, "").running, 1);
    assert_string_equal(listed(w, BOX).tenant_id, o.tenant_id);
    assert_int_equal(listed(w, "box_other").count, 0);
    assert_ok(&err, w->runtime.stop(w->runtime.self, &o, &err));
    assert_int_equal(listed(w, BOX).running, 0);
    assert_int_equal(listed(w, BOX).networks, 1);
    gone(w, &o);
    assert_int_equal(listed(w, BOX).count, 0);
}

static void test_limits_from_inside(void **state)
{
    struct world *w = *state;
    struct runtime_order o = serving(w, 2);
    struct err err;

    assert_string_equal(inside(w, &o,
                               "cat /sys/fs/cgroup/memory.max 2>/dev/null || "
                               "cat /sys/fs/cgroup/memory/memory.limit_in_bytes",
                               20, &err),
                        "50331648\n");
    assert_string_equal(inside(w, &o,
                               "cat /sys/fs/cgroup/pids.max 2>/dev/null || "
                               "cat /sys/fs/cgroup/pids/pids.max",
                               20, &err),
                        "24\n");
    assert_string_equal(inside(w, &o,
                               "cut -d' ' -f1 /sys/fs/cgroup/cpu.max 2>/dev/null || "
                               "cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us",
                               20, &err),
                        "25000\n");
    assert_string_equal(inside(w, &o, "ulimit -n; ulimit -Hn; ulimit -u", 20, &err),
                        "200\n200\n16384\n");
    /* and they hold: memory */
    (void)inside(w, &o, "tail /dev/zero", 60, &err);
    assert_string_equal(err.code, "command_failed");
    assert_non_null(strstr(err.text, "137"));
    /* processes */
    assert_non_null(strstr(
        inside(w, &o, "for i in $(seq 60); do sleep 3 & done 2>&1; wait", 60, &err), "fork"));
    gone(w, &o);
}

static void test_walls_from_inside(void **state)
{
    struct world *w = *state;
    struct runtime_order o = serving(w, 3);
    const char *text;
    struct err err;

    text =
        inside(w, &o, "touch /etc/x 2>&1; touch /x 2>&1; touch /tmp/x /run/x /srv/x && echo three",
               20, &err);
    assert_non_null(strstr(text, "touch: /etc/x: Read-only file system"));
    assert_non_null(strstr(text, "touch: /x: Read-only file system"));
    assert_non_null(strstr(text, "three\n"));
    text = inside(w, &o, "grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status", 20, &err);
    /* CHOWN 0, DAC_OVERRIDE 1, FOWNER 3, KILL 5, SETGID 6, SETUID 7, NET_BIND_SERVICE 10 */
    assert_non_null(strstr(text, "CapEff:\t00000000000004eb"));
    assert_non_null(strstr(text, "CapBnd:\t00000000000004eb"));
    assert_non_null(strstr(text, "NoNewPrivs:\t1"));
    text = inside(w, &o, "echo $TENANT_NAME $PORT $TENANT_NUMBER $TENANT_FOLDER", 20, &err);
    assert_string_equal(text, "Acme 8080 3 /srv\n");
    gone(w, &o);
}

static void test_foreign_things(void **state)
{
    static const char container[] = "{\"Image\":\"" IMAGE "\",\"Cmd\":[\"sleep\",\"600\"],"
                                    "\"HostConfig\":{\"NetworkMode\":\"none\",\"Ulimits\":["
                                    "{\"Name\":\"nofile\",\"Soft\":512,\"Hard\":512},"
                                    "{\"Name\":\"nproc\",\"Soft\":512,\"Hard\":512}]}}";
    struct world *w = *state;
    struct runtime_order o = order(7);
    struct runtime_status status;
    const char *text;
    struct err err;

    assert_int_equal(ask_engine(w, "POST", "/containers/create?name=sett-t000007", container), 201);
    assert_int_equal(ask_engine(w, "POST", "/containers/sett-t000007/start", NULL), 204);
    assert_int_equal(w->runtime.create(w->runtime.self, &o, w->web, &status, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_string_equal(err.code, "foreign_container");
    assert_non_null(strstr(err.text, "sett-t000007"));
    assert_int_equal(w->runtime.stop(w->runtime.self, &o, &err), -1);
    assert_int_equal(w->runtime.restart(w->runtime.self, &o, w->web, &status, &err), -1);
    assert_int_equal(w->runtime.remove(w->runtime.self, &o, true, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_int_equal(ask_engine(w, "POST", "/containers/sett-t000007/start", NULL), 304);
    assert_int_equal(ask_engine(w, "DELETE", "/containers/sett-t000007?force=1", NULL) / 100, 2);

    /* a network of that name; and one of nobody's in the slot that would be ours */
    assert_int_equal(ask_engine(w, "POST", "/networks/create", "{\"Name\":\"sett-t000007\"}"), 201);
    assert_int_equal(w->runtime.create(w->runtime.self, &o, w->web, &status, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_string_equal(err.code, "foreign_network");
    assert_int_equal(w->runtime.remove(w->runtime.self, &o, true, &err), -1);
    assert_int_equal(ask_engine(w, "GET", "/networks/sett-t000007", NULL), 200);
    assert_int_equal(ask_engine(w, "DELETE", "/networks/sett-t000007", NULL) / 100, 2);
    assert_int_equal(ask_engine(w, "POST", "/networks/create",
                                "{\"Name\":\"others\",\"IPAM\":{"
                                "\"Config\":[{\"Subnet\":\"10.201.0.48/28\"}]}}"),
                     201);
    o = serving(w, 7); /* slots 6 and 7 are taken: it is in slot 8 */
    text = inside(w, &o, "hostname -i", 20, &err);
    if (!str_starts(text, "10.201.0.6") && !str_starts(text, "10.201.0.70")) /* .66 to .70 */
        fail_msg("address \"%s\" (%s %s)", text, err.code, err.text);
    gone(w, &o);
    assert_int_equal(ask_engine(w, "DELETE", "/networks/others", NULL) / 100, 2);
    /* the same name on another box is not ours either */
    o = order(7);
    assert_ok(&err, w->runtime.create(w->runtime.self, &o, w->web, &status, &err));
    (void)str_copy(o.box_id, sizeof o.box_id, "box_other");
    assert_int_equal(w->runtime.remove(w->runtime.self, &o, true, &err), -1);
    assert_string_equal(err.code, "foreign_container");
    o.box_id[0] = '\0'; /* not said: this box */
    gone(w, &o);
}

static void test_images(void **state)
{
    struct world *w = *state;
    struct blueprint *b = blueprint_new();
    struct runtime_order o = order(8);
    struct runtime_status status;
    char path[160];
    struct err err;

    (void)str_format(b->image, sizeof b->image, "%s/sett/nothing:1", w->registry);
    assert_int_equal(w->runtime.create(w->runtime.self, &o, b, &status, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_string_equal(err.code, "image_missing");
    assert_true(err.hint[0] != '\0');
    (void)str_format(b->image, sizeof b->image, "localhost:1/sett/nothing:1");
    assert_int_equal(w->runtime.create(w->runtime.self, &o, b, &status, &err), -1);
    assert_int_equal(err.kind, ERR_NETWORK);
    assert_string_equal(err.code, "registry_unreachable");
    (void)str_format(path, sizeof path, "/networks/%s", o.mark); /* nothing is left of that */
    assert_int_equal(ask_engine(w, "GET", path, NULL), 404);

    (void)str_format(b->image, sizeof b->image, "%s/sett/pulled:1", w->registry);
    assert_ok(&err, w->runtime.create(w->runtime.self, &o, b, &status, &err));
    assert_ok(&err, w->runtime.start(w->runtime.self, &o, b, &status, &err));
    gone(w, &o);

    set_command(&b->command, (const char *const[]){"/no/such/program", NULL});
    assert_ok(&err, w->runtime.create(w->runtime.self, &o, b, &status, &err));
    assert_int_equal(w->runtime.start(w->runtime.self, &o, b, &status, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.code, "command_missing");
    gone(w, &o);
    free(b);
}

static void test_changes(void **state)
{
    struct world *w = *state;
    struct runtime_order o = serving(w, 9);
    struct runtime_status before, status;
    char text[64];
    struct err err;

    assert_ok(&err, w->runtime.inspect(w->runtime.self, &o, &before, &err));
    o.limits.memory_bytes = 40u << 20;
    o.limits.pids = 30;
    assert_ok(&err, w->runtime.create(w->runtime.self, &o, w->web, &status, &err));
    assert_int_equal(status.state, RUNTIME_RUNNING);
    if (!w->podman) /* on the living container; Podman 4.3 cannot */
        assert_string_equal(status.id, before.id);
    assert_string_equal(inside(w, &o,
                               "cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max "
                               "2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes "
                               "/sys/fs/cgroup/pids/pids.max",
                               20, &err),
                        "41943040\n30\n");
    /* other variables: a new container, running as the old one did, on the same files */
    assert_int_equal(kv_set(&o.env, "TENANT_NAME", "Other"), 0);
    assert_ok(&err, w->runtime.create(w->runtime.self, &o, w->web, &status, &err));
    assert_string_not_equal(status.id, before.id);
    assert_int_equal(status.state, RUNTIME_RUNNING);
    assert_int_equal(fetch(w, "127.0.0.1", o.port, text, sizeof text, DEADLINE_MS), 200);
    assert_string_equal(inside(w, &o, "echo $TENANT_NAME", 20, &err), "Other\n");
    gone(w, &o);
}

static void test_users_and_database_host(void **state)
{
    struct world *w = *state;
    struct blueprint *b = blueprint_new();
    struct runtime_order o = order(10);
    struct runtime_status status;
    char path[160];
    struct stat st;
    struct err err;

    (void)str_copy(b->user, sizeof b->user, "web");
    assert_int_equal(kv_set(&o.env, "DB_HOST", "127.0.0.1"), 0);
    assert_int_equal(kv_set(&o.env, "DB_PASSWORD", "not-to-be-shown"), 0);
    assert_ok(&err, w->runtime.create(w->runtime.self, &o, b, &status, &err));
    (void)str_format(path, sizeof path, "%s/10/site", w->tenants);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_uid, 1033);
    assert_int_equal(st.st_gid, 1044);
    assert_ok(&err, w->runtime.start(w->runtime.self, &o, b, &status, &err));
    assert_string_equal(inside(w, &o,
                               "id -u; echo hello > /srv/index.html && cat /srv/index.html; "
                               "grep CapEff /proc/self/status",
                               20, &err),
                        "1033\nhello\nCapEff:\t0000000000000000\n");
    /* the box's own database is at the gateway, seen from inside */
    assert_string_equal(inside(w, &o,
                               "echo $DB_HOST; ip route | sed -n 's/default via "
                               "\\([0-9.]*\\).*/\\1/p'",
                               20, &err),
                        "10.201.0.81\n10.201.0.81\n");
    (void)inside(w, &o, "echo the word is $DB_PASSWORD; exit 4", 20, &err);
    assert_string_equal(err.code, "command_failed");
    assert_null(strstr(err.text, "not-to-be-shown"));
    gone(w, &o);
    free(b);
}

static void test_commands_and_stats(void **state)
{
    struct world *w = *state;
    struct runtime_order o = serving(w, 11);
    struct runtime_stats stats;
    const char *text;
    int64_t began;
    struct err err;

    text = inside(w, &o, "echo a; echo b >&2; sleep 0.3; echo last words; exit 7", 20, &err);
    assert_true(str_equal(text, "a\nb\nlast words\n") || str_equal(text, "b\na\nlast words\n"));
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_non_null(strstr(err.text, "status 7: last words"));
    (void)inside(w, &o, "no-such-command", 20, &err);
    assert_int_equal(err.kind, ERR_INVALID);
    text = inside(w, &o, "seq 1 20000", 20, &err); /* bounded: the end is what is kept */
    assert_true(str_ends(text, "19999\n20000\n"));
    began = clock_mono_ms();
    (void)inside(w, &o, "echo begun; sleep 60", 2, &err);
    assert_int_equal(err.kind, ERR_TIMEOUT);
    assert_true(clock_mono_ms() - began < 20000);
    text = inside(w, &o, "ps | grep -c '[s]leep 60' || true", 20, &err);
    assert_string_equal(text, "0\n");

    (void)inside(w, &o, "dd if=/dev/zero of=/srv/big bs=1024 count=3072 2>/dev/null", 20, &err);
    assert_ok(&err, w->runtime.stats(w->runtime.self, &o, &stats, &err));
    assert_true(stats.memory_bytes > 0 && stats.memory_bytes < 48u << 20);
    assert_int_equal(stats.memory_limit_bytes, 48u << 20);
    assert_true(stats.cpu_ns > 0);
    assert_true(stats.pids >= 1 && stats.pids < 24);
    assert_true(stats.received_bytes > 0);
    assert_true(stats.storage_bytes >= 3072u * 1024u && stats.storage_bytes < 4096u * 1024u);
    assert_ok(&err, w->runtime.stop(w->runtime.self, &o, &err));
    assert_ok(&err, w->runtime.stats(w->runtime.self, &o, &stats, &err));
    assert_int_equal(stats.memory_bytes, 0);
    assert_true(stats.storage_bytes >= 3072u * 1024u);
    gone(w, &o);
}

static void test_port_taken(void **state)
{
    struct world *w = *state;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct runtime_order o = order(12);
    struct runtime_status status;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct err err;

    at.sin_port = htons((uint16_t)o.port);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_ok(&err, w->runtime.create(w->runtime.self, &o, w->web, &status, &err));
    assert_int_equal(w->runtime.start(w->runtime.self, &o, w->web, &status, &err), -1);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_string_equal(err.code, "port_taken");
    (void)close(fd);
    assert_ok(&err, w->runtime.start(w->runtime.self, &o, w->web, &status, &err));
    gone(w, &o);
}

static void test_engine_down(void **state)
{
    struct world *w = *state;
    const struct runtime_docker_setup setup = {.socket = "/tmp/no-engine-here.sock",
                                               .pool = "10.201.0.0/16",
                                               .tenants = w->tenants,
                                               .box_id = BOX};
    struct runtime_order o = order(13);
    struct runtime_status status;
    struct runtime r;
    struct err err;

    assert_ok(&err, runtime_docker_new(&r, &setup, &err));
    assert_int_equal(r.create(r.self, &o, w->web, &status, &err), -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_string_equal(err.code, "engine_down");
    assert_non_null(strstr(err.hint, "/tmp/no-engine-here.sock"));
    runtime_docker_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_listed),
        cmocka_unit_test(test_limits_from_inside),
        cmocka_unit_test(test_walls_from_inside),
        cmocka_unit_test(test_foreign_things),
        cmocka_unit_test(test_images),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_users_and_database_host),
        cmocka_unit_test(test_commands_and_stats),
        cmocka_unit_test(test_port_taken),
        cmocka_unit_test(test_engine_down),
    };
    own_network();
    if (http_init(NULL) != 0)
        return 1;
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
