/*
 * Two nodes of a swarm, one of them lost: two engines, each in a network namespace of its own with
 * a cable between them. A tenant runs on the second node, which is then killed; its status says so,
 * and once the first node may run it, it runs there. Started by tests/long/long_swarm.sh. Needs
 * root.
 */
#include "docker_world.h"

#define free_port conformance_free_port /* docker_world.h has one, too */
#include "conformance.h"
#undef free_port

#include "runtime_swarm.h"

static struct world *w;
static struct runtime swarm;
static char second[128];
static pid_t other; /* holds the second node's namespace */

static void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void shell(const char *format, ...)
{
    char script[2048];
    va_list ap;
    int code;

    va_start(ap, format);
    (void)vsnprintf(script, sizeof script, format, ap);
    va_end(ap);
    code = system(script); /* NOLINT: a test's own script */
    if (code != 0)
        fail_msg("%s: %d", script, code);
}

/* Whether a script ends well on the second node. */
static bool there(const char *script)
{
    char whole[1024];

    (void)str_format(whole, sizeof whole, "nsenter -n -t %d sh -c '%s' >/dev/null 2>&1", (int)other,
                     script);
    return system(whole) == 0; /* NOLINT: a test's own script */
}

static int setup(void **state)
{
    struct runtime_swarm_setup own;
    struct err err;

    if (world_setup(state) != 0)
        return -1;
    w = *state;
    other = spawn((const char *const[]){"unshare", "-n", "sleep", "600", NULL});
    (void)str_format(second, sizeof second, "%s/second", w->folder);
    shell("set -e; until [ \"$(readlink /proc/%d/ns/net)\" != \"$(readlink /proc/self/ns/net)\" ]; "
          "do sleep 0.01; done; ip link add cable type veth peer name cable netns %d; "
          "ip addr add 198.18.213.1/30 dev cable; ip link set cable up; "
          "nsenter -n -t %d sh -c 'ip link set lo up; ip addr add 198.18.213.2/30 dev cable; "
          "ip link set cable up; tests/parts/dockerd.sh start %s' >/dev/null",
          (int)other, (int)other, (int)other, second);
    assert_int_equal(ask_engine(w, "POST", "/swarm/init",
                                "{\"ListenAddr\":\"198.18.213.1:2377\","
                                "\"AdvertiseAddr\":\"198.18.213.1:2377\"}"),
                     200);
    shell(
        "set -e; token=$(curl -s --unix-socket %s http://e/v1.41/swarm | python3 -c 'import json, "
        "sys; print(json.load(sys.stdin)[\"JoinTokens\"][\"Worker\"])'); "
        "nsenter -n -t %d curl -sf --unix-socket %s/engine.sock -X POST "
        "http://e/v1.41/swarm/join -H 'Content-Type: application/json' -d "
        "'{\"ListenAddr\":\"198.18.213.2:2377\",\"AdvertiseAddr\":\"198.18.213.2\",\"RemoteAddrs\":"
        "["
        "\"198.18.213.1:2377\"],\"JoinToken\":\"'$token'\"}'",
        w->socket, (int)other, second);
    own = (struct runtime_swarm_setup){.socket = w->socket,
                                       .tenants = w->tenants,
                                       .folder = w->folder,
                                       .ports = "10000-65535",
                                       .box_id = "box_conform"};
    CONFORM(runtime_swarm_new(&swarm, &own, &err));
    subject = (struct conformance){.name = "swarm", .runtime = &swarm, .tenants = w->tenants};
    return 0;
}

static int teardown(void **state)
{
    int status;

    runtime_swarm_free(&swarm);
    shell("nsenter -n -t %d tests/parts/dockerd.sh stop %s >/dev/null 2>&1 || true", (int)other,
          second);
    (void)ask_engine(w, "POST", "/swarm/leave?force=true", NULL);
    (void)kill(other, SIGKILL);
    (void)waitpid(other, &status, 0);
    return world_teardown(state);
}

/* A node's label, by its address. */
static void label(const char *address)
{
    shell("curl -s --unix-socket %s http://e/v1.41/nodes | python3 -c 'import http.client, json, "
          "socket, sys\n"
          "node = next(n for n in json.load(sys.stdin) if n[\"Status\"][\"Addr\"] == \"%s\")\n"
          "node[\"Spec\"][\"Labels\"] = {\"sett\": \"yes\"}\n"
          "c = http.client.HTTPConnection(\"engine\")\n"
          "c.sock = socket.socket(socket.AF_UNIX)\n"
          "c.sock.connect(\"%s\")\n"
          "c.request(\"POST\", \"/v1.41/nodes/%%s/update?version=%%d\" %% (node[\"ID\"], "
          "node[\"Version\"][\"Index\"]), json.dumps(node[\"Spec\"]), "
          "{\"Content-Type\": \"application/json\"})\n"
          "sys.exit(c.getresponse().status != 200)'",
          w->socket, address, w->socket);
}

static void test_lost(void **state)
{
    char more[400], script[256], text[256];
    struct runtime_order o;
    struct runtime_status status;
    int64_t began, until;
    struct buf out;
    struct err err;

    (void)state;
    (void)str_format(more, sizeof more, "image = " IMAGE "\ninner_port = 8080\n");
    conformance_blueprint(w->folder, "swarm", more, "", "/", "/nowhere");
    subject.b.volume_count = 0; /* nothing that keeps it on a node */
    (void)str_copy(subject.b.command.args[2], sizeof subject.b.command.args[2],
                   "trap 'exit 0' TERM; echo begun; echo elsewhere > /srv/index.html; "
                   "busybox httpd -f -p ${PORT} -h /srv & wait");
    (void)str_copy(subject.b.constraints[0], sizeof subject.b.constraints[0],
                   "node.labels.sett==yes");
    subject.b.constraint_count = 1;

    label("198.18.213.2");
    o = conformance_order();
    CONFORM(conformance_create(&o, &status, &err));
    CONFORM(conformance_start(&o, &status, &err));
    assert_int_equal(status.state, RUNTIME_RUNNING);
    /* it runs on the other node, and answers there on loopback */
    assert_int_equal(conformance_ask(o.port, "index.html", text, sizeof text), 0);
    (void)str_format(script, sizeof script,
                     "curl -sf http://127.0.0.1:%u/index.html | grep elsewhere", o.port);
    WAIT_FOR(there(script));
    /* with the rules that were kept for it, on loopback only */
    shell("nsenter -n -t %d nft -f %s/swarm.nft", (int)other, w->folder);
    (void)str_format(script, sizeof script,
                     "curl -sf --max-time 2 http://198.18.213.2:%u/index.html >/dev/null", o.port);
    assert_int_not_equal(system(script), 0); /* NOLINT: a test's own script */
    (void)str_format(script, sizeof script, "curl -sf http://127.0.0.1:%u/index.html", o.port);
    assert_true(there(script));
    /* what can be asked of it from here */
    (void)conformance_inside(&o, "exit 0", &err);
    assert_string_equal(err.code, "task_elsewhere");
    buf_init(&out, 65536);
    CONFORM(swarm.logs(swarm.self, &o, 10, &out, &err));
    assert_non_null(strstr(buf_string(&out), "begun\n"));
    buf_free(&out);

    /* the node is lost: no more engine, no more program */
    shell("set -e; ask() { curl -sf --unix-socket %s/engine.sock http://e/v1.41$1; }; "
          "id=$(ask /containers/json | sed 's/.*\"Id\":\"\\([0-9a-f]*\\)\".*/\\1/'); "
          "pid=$(ask /containers/$id/json | sed 's/.*\"Pid\":\\([0-9]*\\).*/\\1/'); "
          "kill -9 $(cat %s/engine.pid) $pid; ip link set cable down",
          second, second);
    began = clock_mono_ms();
    for (until = began + 90000; clock_mono_ms() < until; clock_sleep_ms(200)) {
        status = conformance_status(&o);
        if (status.state == RUNTIME_FAILED)
            break;
    }
    print_message("# after %d s: %s\n", (int)((clock_mono_ms() - began) / 1000), status.detail);
    assert_int_equal(status.state, RUNTIME_FAILED);
    assert_non_null(strstr(status.detail, "is lost"));
    /* now another may run it, and does by itself */
    label("198.18.213.1");
    WAIT_FOR(conformance_status(&o).state == RUNTIME_RUNNING);
    WAIT_FOR(conformance_ask(o.port, "index.html", text, sizeof text) == 200);
    assert_string_equal(text, "elsewhere\n");
    /* and it ends, though nobody can ask the lost node */
    CONFORM(swarm.stop(swarm.self, &o, &err));
    assert_int_equal(conformance_status(&o).state, RUNTIME_STOPPED);
    CONFORM(swarm.remove(swarm.self, &o, true, &err));
    assert_int_equal(conformance_status(&o).state, RUNTIME_ABSENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lost)};

    own_network();
    if (http_init(NULL) != 0)
        return 1;
    return cmocka_run_group_tests(tests, setup, teardown);
}
