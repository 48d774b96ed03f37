/*
 * The swarm runtime on a real engine in swarm mode against the cases that every runtime must pass
 * (conformance.h), and what is its own: a swarm that is not there, updates that race and that go
 * back. Needs root.
 */
#include "docker_world.h"

#define free_port conformance_free_port /* docker_world.h has one, too */
#include "conformance_cases.h"
#undef free_port

#include "runtime_swarm.h"
#include "swarm_service.h"

static struct world *w;
static struct paths paths;
static struct runtime swarm;
static struct hands_world world;

static void foreign(const struct runtime_order *o)
{
    char body[512];

    (void)str_format(
        body, sizeof body,
        "{\"Name\":\"%s\",\"TaskTemplate\":{\"ContainerSpec\":{\"Image\":\"" IMAGE
        "\",\"Args\":[\"sleep\",\"600\"]}},\"Mode\":{\"Replicated\":{\"Replicas\":0}}}",
        o->mark);
    assert_int_equal(ask_engine(w, "POST", "/services/create", body), 201);
}

static bool untouched(const struct runtime_order *o)
{
    char path[128];
    long there;

    (void)str_format(path, sizeof path, "/services/%s", o->mark);
    there = ask_engine(w, "GET", path, NULL);
    return ask_engine(w, "DELETE", path, NULL) == 200 && there == 200;
}

/* Only a network; a service whose answer was lost; folders alone. */
static bool half_made(const struct runtime_order *o, unsigned i)
{
    struct runtime_status status;
    char path[128];
    struct err err;

    if (i > 2)
        return false;
    CONFORM(conformance_create(o, &status, &err));
    if (i != 1) {
        (void)str_format(path, sizeof path, "/services/%s", o->mark);
        assert_int_equal(ask_engine(w, "DELETE", path, NULL), 200);
    }
    if (i == 2) {
        (void)str_format(path, sizeof path, "/networks/" SWARM_NETWORK, o->mark);
        WAIT_FOR(ask_engine(w, "DELETE", path, NULL) == 404);
    }
    return true;
}

static bool nothing_left(const struct runtime_order *o)
{
    char path[128];

    (void)str_format(path, sizeof path, "/services/%s", o->mark);
    if (ask_engine(w, "GET", path, NULL) != 404)
        return false;
    (void)str_format(path, sizeof path, "/networks/" SWARM_NETWORK, o->mark);
    if (ask_engine(w, "GET", path, NULL) != 404)
        return false;
    (void)str_format(path, sizeof path, "%s/%u", w->tenants, (unsigned)o->number);
    return !file_exists(path);
}

/* The address on the bridge that all tasks of a node share, which is the one to be apart on. */
static void address(const struct runtime_order *o, char out[64])
{
    const char *said = conformance_says(
        o, "ip -o -4 addr show eth1 | sed 's/.*inet \\([0-9.]*\\).*/\\1/' | tr -d '\\n'");

    (void)str_format(out, 64, "%.40s 8080", said);
}

static int setup(void **state)
{
    struct runtime_swarm_setup own;
    struct runtime_order o;
    char path[300];
    struct err err;

    if (world_setup(state) != 0)
        return -1;
    w = *state;
    CONFORM(paths_set(&paths, w->folder, &err));
    (void)str_format(path, sizeof path, "%s/init", paths.hands);
    CONFORM(file_mkdirs(path, 0700, &err));
    own = (struct runtime_swarm_setup){.socket = w->socket,
                                       .tenants = w->tenants,
                                       .folder = paths.hands,
                                       .ports = "10000-65535",
                                       .box_id = "box_conform"};
    CONFORM(runtime_swarm_new(&swarm, &own, &err));
    world = (struct hands_world){
        .paths = &paths, .swarm = swarm, .docker_socket = w->socket, .swarm_ports = "10000-65535"};
    (void)pthread_mutex_init(&world.docker_lock, NULL);
    subject = (struct conformance){.name = "swarm",
                                   .runtime = &swarm,
                                   .tenants = w->tenants,
                                   .site = "/srv",
                                   .foreign = foreign,
                                   .untouched = untouched,
                                   .half_made = half_made,
                                   .nothing_left = nothing_left,
                                   .address = address,
                                   .world = &world};
    conformance_blueprint(paths.blueprints, "swarm", "image = " IMAGE "\ninner_port = 8080\n", "",
                          "/srv", "/srv");
    /* before there is a swarm: what to do is said */
    o = conformance_order();
    {
        struct runtime_status status;
        err_clear(&err);
        assert_int_equal(swarm.inspect(swarm.self, &o, &status, &err), -1);
        assert_string_equal(err.code, "swarm_inactive");
        assert_non_null(strstr(err.hint, "docker swarm init"));
    }
    assert_int_equal(ask_engine(w, "POST", "/swarm/init",
                                "{\"ListenAddr\":\"127.0.0.1:2377\","
                                "\"AdvertiseAddr\":\"127.0.0.1:2377\"}"),
                     200);
    return 0;
}

static int teardown(void **state)
{
    runtime_swarm_free(&swarm);
    (void)ask_engine(w, "POST", "/swarm/leave?force=true", NULL);
    return world_teardown(state);
}

/* Somebody else changes the service between our look and our update, again and again. */
static void test_out_of_sequence(void **state)
{
    struct runtime_order o = conformance_order();
    struct swarm_service before, after;
    struct runtime_status status;
    char path[160], body[512];
    struct err err;

    (void)state;
    CONFORM(conformance_create(&o, &status, &err));
    assert_int_equal(swarm_service_find(&w->api, &o, &before, &err), 1);
    for (int i = 0; i < 5; i++)
        CONFORM(swarm_service_scale(&w->api, &o, 0, true, &err));
    assert_int_equal(swarm_service_find(&w->api, &o, &after, &err), 1);
    assert_true(after.version > before.version);
    assert_int_equal(after.force, before.force + 5);
    assert_string_equal(after.hash, before.hash);
    /* the engine's own words, which the retry goes by */
    (void)str_format(path, sizeof path, "/services/%s/update?version=%llu", before.id,
                     (unsigned long long)before.version);
    (void)str_format(body, sizeof body,
                     "{\"Name\":\"%s\",\"TaskTemplate\":{\"ContainerSpec\":{\"Image\":\"" IMAGE
                     "\"}},\"Mode\":{\"Replicated\":{\"Replicas\":0}}}",
                     o.mark);
    assert_int_equal(ask_engine(w, "POST", path, body), 500);
    conformance_gone(&o);
}

/* A change is a rolling update; one whose program does not run goes back by itself. */
static void test_updates(void **state)
{
    struct runtime_order o = conformance_serving();
    struct runtime_status before = conformance_status(&o), status;
    struct blueprint *b = malloc(sizeof *b);
    struct err err;

    (void)state;
    assert_non_null(b);
    *b = subject.b;
    o.limits.memory_bytes = 40u << 20;
    CONFORM(conformance_create(&o, &status, &err));
    assert_int_equal(status.state, RUNTIME_RUNNING);
    assert_string_not_equal(status.id, before.id);
    WAIT_FOR(conformance_answers(&o, o.mark));
    assert_string_equal(conformance_says(&o, "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat "
                                             "/sys/fs/cgroup/memory/memory.limit_in_bytes"),
                        "41943040\n");
    subject.b.command.count = 1;
    (void)str_copy(subject.b.command.args[0], sizeof subject.b.command.args[0], "/bin/false");
    assert_int_equal(conformance_create(&o, &status, &err), -1);
    if (!str_equal(err.code, "update_rolled_back"))
        fail_msg("%s: %s", err.code, err.text);
    subject.b = *b;
    WAIT_FOR(conformance_answers(&o, o.mark));
    assert_int_equal(conformance_status(&o).state, RUNTIME_RUNNING);
    conformance_gone(&o);
    free(b);
}

/* A blueprint that reads its password from a file has it nowhere else. */
static void test_secrets(void **state)
{
    struct runtime_order o = conformance_order();
    struct runtime_status status;
    struct blueprint *b = malloc(sizeof *b);
    struct docker_reply reply;
    char path[160];
    struct err err;

    (void)state;
    assert_non_null(b);
    *b = subject.b;
    assert_int_equal(kv_set(&subject.b.env, "PASSWORD_FILE", "${DB_PASSWORD_FILE}"), 0);
    assert_int_equal(kv_set(&o.env, "DB_PASSWORD", "not-to-be-seen"), 0);
    CONFORM(conformance_create(&o, &status, &err));
    CONFORM(conformance_start(&o, &status, &err));
    assert_string_equal(conformance_says(&o, "cat $PASSWORD_FILE; env | grep -c not-to-be; true"),
                        "not-to-be-seen0\n");
    (void)str_format(path, sizeof path, "/services/%s", o.mark);
    CONFORM(docker_api_call(&w->api, "GET", path, NULL, 30, &reply, &err));
    assert_int_equal(json_size(reply.json, "Spec.TaskTemplate.ContainerSpec.Secrets"), 1);
    docker_reply_free(&reply);
    /* another password is another secret, and the old one is gone */
    assert_int_equal(kv_set(&o.env, "DB_PASSWORD", "another"), 0);
    CONFORM(conformance_create(&o, &status, &err));
    assert_string_equal(conformance_says(&o, "cat $PASSWORD_FILE"), "another");
    CONFORM(docker_api_call(&w->api, "GET", "/secrets", NULL, 30, &reply, &err));
    assert_int_equal(json_size(reply.json, ""), 1);
    docker_reply_free(&reply);
    conformance_gone(&o);
    CONFORM(docker_api_call(&w->api, "GET", "/secrets", NULL, 30, &reply, &err));
    assert_int_equal(json_size(reply.json, ""), 0);
    docker_reply_free(&reply);
    subject.b = *b;
    free(b);
}

static void test_what_does_not_start(void **state)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct runtime_order o = conformance_order();
    struct runtime_status status;
    struct blueprint *b = malloc(sizeof *b);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct err err;

    (void)state;
    assert_non_null(b);
    *b = subject.b;
    subject.b.command.count = 1;
    (void)str_copy(subject.b.command.args[0], sizeof subject.b.command.args[0], "/no/such");
    CONFORM(conformance_create(&o, &status, &err));
    assert_int_equal(conformance_start(&o, &status, &err), -1);
    assert_string_equal(err.code, "command_missing");
    assert_int_equal(conformance_status(&o).state, RUNTIME_STOPPED); /* and is not tried for ever */
    subject.b = *b;
    conformance_gone(&o);
    /* no node may */
    o = conformance_order();
    (void)str_copy(subject.b.constraints[0], sizeof subject.b.constraints[0],
                   "node.labels.disk==gold");
    subject.b.constraint_count = 1;
    CONFORM(conformance_create(&o, &status, &err));
    assert_int_equal(conformance_start(&o, &status, &err), -1);
    assert_string_equal(err.code, "no_node");
    subject.b = *b;
    conformance_gone(&o);
    /* the port is somebody's; the port is not guarded */
    o = conformance_order();
    at.sin_port = htons((uint16_t)o.port);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(fd, 1), 0);
    CONFORM(conformance_create(&o, &status, &err));
    assert_int_equal(conformance_start(&o, &status, &err), -1);
    assert_string_equal(err.code, "port_taken");
    (void)close(fd);
    conformance_gone(&o);
    o.port = 9999;
    assert_int_equal(conformance_create(&o, &status, &err), -1);
    assert_string_equal(err.code, "port_unguarded");
    free(b);
}

/* An argument names the cases to run: "conform_l*". A task takes the swarm seconds to start and to
 * end, so without SETT_TEST_LONG only the cases that are most its own are run. */
int main(int argc, char **argv)
{
    const struct CMUnitTest all[] = {
        CONFORMANCE_CASES,
        cmocka_unit_test(test_out_of_sequence),
        cmocka_unit_test(test_updates),
        cmocka_unit_test(test_secrets),
        cmocka_unit_test(test_what_does_not_start),
    };
    const struct CMUnitTest core[] = {
        cmocka_unit_test(conform_absent),
        cmocka_unit_test(conform_foreign_is_refused_and_left),
        cmocka_unit_test(conform_port_is_of_this_machine_alone),
        cmocka_unit_test(conform_variables_are_expanded),
        cmocka_unit_test(test_out_of_sequence),
    };

    own_network();
    if (http_init(NULL) != 0)
        return 1;
    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    if (argc > 1 || getenv("SETT_TEST_LONG") != NULL)
        return cmocka_run_group_tests(all, setup, teardown);
    (void)printf(
        "# not shown here but by tests/long/long_swarm.sh: %d further cases, a node lost\n",
        (int)(sizeof all / sizeof all[0] - sizeof core / sizeof core[0]));
    return cmocka_run_group_tests(core, setup, teardown);
}
