/*
 * The docker runtime on a real engine against the cases that every runtime must pass
 * (conformance.h). SETT_TEST_ENGINE=podman runs the same on Podman. Needs root.
 */
#include "docker_world.h"

#define free_port conformance_free_port /* docker_world.h has one, too */
#include "conformance_cases.h"
#undef free_port

static struct world *w;
static struct paths paths;
static struct hands_world world;

static void foreign(const struct runtime_order *o)
{
    static const char body[] = "{\"Image\":\"" IMAGE "\",\"Cmd\":[\"sleep\",\"600\"],"
                               "\"HostConfig\":{\"NetworkMode\":\"none\"}}";
    char path[128];

    (void)str_format(path, sizeof path, "/containers/create?name=%s", o->mark);
    assert_int_equal(ask_engine(w, "POST", path, body), 201);
    (void)str_format(path, sizeof path, "/containers/%s/start", o->mark);
    assert_int_equal(ask_engine(w, "POST", path, NULL), 204);
}

static bool untouched(const struct runtime_order *o)
{
    char path[128];
    long again;

    (void)str_format(path, sizeof path, "/containers/%s/start", o->mark);
    again = ask_engine(w, "POST", path, NULL); /* 304: it runs */
    (void)str_format(path, sizeof path, "/containers/%s?force=1", o->mark);
    return ask_engine(w, "DELETE", path, NULL) / 100 == 2 && again == 304;
}

/* Only folders; a network; a network and a container whose answer was lost. */
static bool half_made(const struct runtime_order *o, unsigned i)
{
    struct runtime_status status;
    char path[128];
    struct err err;

    if (i > 2)
        return false;
    CONFORM(conformance_create(o, &status, &err));
    (void)str_format(path, sizeof path, "/containers/%s?force=1", o->mark);
    if (i < 2)
        assert_int_equal(ask_engine(w, "DELETE", path, NULL) / 100, 2);
    (void)str_format(path, sizeof path, "/networks/%s", o->mark);
    if (i == 0)
        assert_int_equal(ask_engine(w, "DELETE", path, NULL) / 100, 2);
    return true;
}

static bool nothing_left(const struct runtime_order *o)
{
    char path[128];

    (void)str_format(path, sizeof path, "/containers/%s/json", o->mark);
    if (ask_engine(w, "GET", path, NULL) != 404)
        return false;
    (void)str_format(path, sizeof path, "/networks/%s", o->mark);
    if (ask_engine(w, "GET", path, NULL) != 404)
        return false;
    (void)str_format(path, sizeof path, "/volumes/%s-site", o->mark);
    if (ask_engine(w, "GET", path, NULL) != 404)
        return false;
    (void)str_format(path, sizeof path, "%s/%u", w->tenants, (unsigned)o->number);
    return !file_exists(path);
}

/* Into a volume that the engine keeps: as an archive, through its API. */
static void put_far(const struct runtime_order *o, const char *name, const char *text)
{
    char path[160], tar[160], url[200];
    const char *const make[] = {"tar", "-C", w->folder, "-cf", tar, name, NULL};
    const char *const send[] = {"curl",    "-fsS", "-o", "/dev/null", "--unix-socket",
                                w->socket, "-T",   tar,  url,         NULL};
    struct err err;

    (void)str_format(path, sizeof path, "%s/%s", w->folder, name);
    (void)str_format(tar, sizeof tar, "%s/put.tar", w->folder);
    (void)str_format(url, sizeof url, "http://engine/v1.41/containers/%s/archive?path=/srv",
                     o->mark);
    CONFORM(file_write(path, text, strlen(text), 0644, &err));
    assert_int_equal(run(make), 0);
    assert_int_equal(run(send), 0);
}

static void address(const struct runtime_order *o, char out[64])
{
    const char *said = conformance_says(o, "hostname -i | tr -d ' \\n'");

    (void)str_format(out, 64, "%.40s 8080", said);
}

static int setup(void **state)
{
    char path[300];
    struct err err;

    if (world_setup(state) != 0)
        return -1;
    w = *state;
    CONFORM(paths_set(&paths, w->folder, &err));
    (void)str_format(path, sizeof path, "%s/init", paths.hands);
    CONFORM(file_mkdirs(path, 0700, &err));
    world = (struct hands_world){.paths = &paths, .docker = w->runtime, .docker_socket = w->socket};
    (void)pthread_mutex_init(&world.docker_lock, NULL);
    subject = (struct conformance){.name = w->kind,
                                   .runtime = &w->runtime,
                                   .tenants = w->tenants,
                                   .site = "/srv",
                                   .foreign = foreign,
                                   .untouched = untouched,
                                   .half_made = half_made,
                                   .nothing_left = nothing_left,
                                   .address = address,
                                   .world = &world};
    if (getenv("SETT_TEST_FAR") != NULL) {
        subject.cannot[CANNOT_SHARE_FILES] = "its volumes are the engine's own";
        subject.put = put_far;
    }
    conformance_blueprint(paths.blueprints, "docker", "image = " IMAGE "\ninner_port = 8080\n", "",
                          "/srv", "/srv");
    return 0;
}

/* An argument names the cases to run: "conform_l*". */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {CONFORMANCE_CASES};

    own_network();
    if (http_init(NULL) != 0)
        return 1;
    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    return cmocka_run_group_tests(tests, setup, world_teardown);
}
