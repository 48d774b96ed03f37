/*
 * The parts of the docker driver that need no engine: frames, names, address slots, users,
 * refusals; and the agreement on a version with an engine that is replaced under our hands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <pthread.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "docker_api.h"
#include "docker_body.h"
#include "docker_image.h"
#include "docker_network.h"
#include "docker_stream.h"
#include "file.h"
#include "json_in.h"
#include "str.h"

#define VECTORS "tests/contracts/docker/log-stream-vectors.json"

/* ---- frames ---- */

static size_t decode(const char *text, char *out, size_t size)
{
    size_t len = 0;

    assert_int_equal(sodium_base642bin((unsigned char *)out, size, text, strlen(text), NULL, &len,
                                       NULL, sodium_base64_VARIANT_ORIGINAL),
                     0);
    return len;
}

static void expect_text(const struct cJSON *vector, struct buf *expected)
{
    const struct cJSON *frames = json_at(vector, "frames");

    if (json_at(vector, "text") != NULL)
        (void)buf_text(expected, json_text(vector, "text", ""));
    for (const struct cJSON *f = json_next(frames, NULL); f != NULL; f = json_next(frames, f))
        (void)buf_text(expected, json_text(f, "text", ""));
    if (json_at(vector, "partial") != NULL)
        (void)buf_text(expected, json_text(vector, "partial", ""));
}

/* Feed a body in pieces of ${piece} bytes. */
static int feed_all(struct docker_stream *s, const char *body, size_t len, size_t piece)
{
    int rc = 0;

    for (size_t at = 0; at < len && rc == 0; at += piece)
        rc = docker_stream_feed(s, body + at, len - at < piece ? len - at : piece);
    return rc;
}

static void check_vector(const struct cJSON *vector)
{
    const struct cJSON *chunks = json_at(vector, "chunks_base64");
    const char *error = json_text(vector, "error", NULL);
    static char body[64 * 1024];
    size_t len = 0;
    struct buf expected, out;

    if (json_at(vector, "body_base64") != NULL)
        len = decode(json_text(vector, "body_base64", ""), body, sizeof body);
    for (const struct cJSON *c = json_next(chunks, NULL); c != NULL; c = json_next(chunks, c))
        len += decode(json_text(c, "", ""), body + len, sizeof body - len);
    buf_init(&expected, 64 * 1024);
    expect_text(vector, &expected);
    for (size_t piece = 1; piece <= len; piece = piece < 20 ? piece + 1 : len + (piece == len)) {
        struct docker_stream s;
        struct err err;

        buf_init(&out, 64 * 1024);
        docker_stream_init(&s, json_bool(vector, "tty", false), &out);
        if (json_at(vector, "hint") != NULL) { /* plain text where frames were expected */
            assert_int_equal(feed_all(&s, body, len, piece), -1);
            assert_int_equal(docker_stream_end(&s, &err), -1);
        } else {
            assert_int_equal(feed_all(&s, body, len, piece), 0);
            assert_int_equal(docker_stream_end(&s, &err), error != NULL ? -1 : 0);
            if (json_at(vector, "lengths") != NULL)
                assert_int_equal(out.len, 16384 + 11);
            else if (error == NULL || json_at(vector, "partial") != NULL)
                assert_string_equal(buf_string(&out), buf_string(&expected));
        }
        buf_free(&out);
    }
    buf_free(&expected);
}

static void test_frames(void **state)
{
    static const char *const groups[] = {"captured", "synthetic"};
    struct cJSON *json;
    struct buf text;
    int seen = 0;

    (void)state;
    buf_init(&text, 1 << 20);
    assert_int_equal(file_read(VECTORS, &text, NULL), 0);
    assert_non_null(json = json_parse(text.data, text.len, &json_limits_provider, NULL));
    for (size_t g = 0; g < 2; g++) {
        const struct cJSON *group = json_at(json, groups[g]);
        for (const struct cJSON *v = json_next(group, NULL); v != NULL; v = json_next(group, v)) {
            check_vector(v);
            seen++;
        }
    }
    assert_int_equal(seen, 19);
    json_free(json);
    buf_free(&text);
}

static void test_frames_keep_the_end(void **state)
{
    struct docker_stream s;
    struct buf out;
    char line[16];

    (void)state;
    buf_init(&out, 200);
    (void)buf_text(&out, "before\n");
    docker_stream_init(&s, true, &out);
    for (int i = 0; i < 1000; i++) {
        (void)str_format(line, sizeof line, "line %d\n", i);
        assert_int_equal(docker_stream_feed(&s, line, strlen(line)), 0);
    }
    assert_true(s.cut);
    assert_true(str_starts(buf_string(&out), "before\nline "));
    assert_true(str_ends(buf_string(&out), "line 998\nline 999\n"));
    buf_free(&out);
    buf_init(&out, 10); /* one piece larger than all the room */
    docker_stream_init(&s, true, &out);
    assert_int_equal(docker_stream_feed(&s, "0123456789abcdef", 16), 0);
    assert_string_equal(buf_string(&out), "6789abcdef");
    buf_free(&out);
}

/* ---- names, slots, users, refusals ---- */

static void test_image_names(void **state)
{
    static const struct {
        const char *image, *from, *tag;
    } rows[] = {
        {"nginx", "nginx", "latest"},
        {"odoo:17", "odoo", "17"},
        {"host:5000/a/b", "host:5000/a/b", "latest"},
        {"host:5000/a/b:1.2", "host:5000/a/b", "1.2"},
        {"a/b@sha256:00ff", "a/b@sha256:00ff", ""},
        {"host:5000/a@sha256:00ff", "host:5000/a@sha256:00ff", ""},
    };
    char from[200], tag[160];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(docker_image_split(rows[i].image, from, sizeof from, tag, sizeof tag), 0);
        assert_string_equal(from, rows[i].from);
        assert_string_equal(tag, rows[i].tag);
    }
    assert_int_equal(docker_image_split("abc:1", from, 3, tag, sizeof tag), -1);
}

static void test_pull_refusals(void **state)
{
    static const struct {
        const char *message, *code;
        enum err_kind kind;
    } rows[] = {
        {"pull access denied for nope, repository does not exist or may require 'docker login': "
         "denied: requested access to the resource is denied",
         "image_missing", ERR_NOT_FOUND},
        {"manifest for busybox:none not found: manifest unknown: manifest unknown", "image_missing",
         ERR_NOT_FOUND},
        {"Get \"http://localhost:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
         "registry_unreachable", ERR_NETWORK},
        {"dial tcp: lookup registry.example on 127.0.0.53:53: no such host", "registry_unreachable",
         ERR_NETWORK},
        {"toomanyrequests: You have reached your pull rate limit", "registry_rate", ERR_RATE},
        {"write /x: no space left on device", "disk_full", ERR_FULL},
        {"something new", "image_pull", ERR_NETWORK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err err;
        assert_int_equal(docker_pull_refused(rows[i].message, "x:1", &err), -1);
        assert_string_equal(err.code, rows[i].code);
        assert_int_equal(err.kind, rows[i].kind);
        assert_true(err.hint[0] != '\0');
    }
}

static void test_slots(void **state)
{
    static const char *const bad[] = {"10.201.0.0", "10.201.0.1/16", "10.201.0.0/30", "10.0.0.0/7",
                                      "x/16",       "10.201.0.0/",   "::/64"};
    struct docker_network net;
    struct docker_pool pool;
    struct err err;

    (void)state;
    assert_int_equal(docker_pool_parse(&pool, "10.201.0.0/16", &err), 0);
    assert_int_equal(pool.slots, 8192);
    docker_pool_slot(&pool, 0, &net);
    assert_string_equal(net.subnet, "10.201.0.0/29");
    assert_string_equal(net.gateway, "10.201.0.1");
    docker_pool_slot(&pool, 8191, &net);
    assert_string_equal(net.subnet, "10.201.255.248/29");
    assert_int_equal(docker_pool_parse(&pool, "192.168.7.8/29", &err), 0);
    assert_int_equal(pool.slots, 1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(docker_pool_parse(&pool, bad[i], &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
    }
}

static void test_users(void **state)
{
    static const char passwd[] = "root:x:0:0::/:/bin/sh\nbroken\nodoo:x:101:102:,,,:/var:/bin/sh\n"
                                 "last:x:7:8::/:/bin/sh";
    uint32_t uid, gid;

    (void)state;
    assert_int_equal(docker_user_lookup(passwd, sizeof passwd - 1, "odoo", &uid, &gid), 0);
    assert_int_equal(uid, 101);
    assert_int_equal(gid, 102);
    assert_int_equal(docker_user_lookup(passwd, sizeof passwd - 1, "7", &uid, &gid), 0);
    assert_int_equal(uid, 7);
    assert_int_equal(gid, 8);
    assert_int_equal(docker_user_lookup(passwd, sizeof passwd - 1, "7:55", &uid, &gid), 0);
    assert_int_equal(gid, 55);
    assert_int_equal(docker_user_lookup(passwd, sizeof passwd - 1, "4000", &uid, &gid), 0);
    assert_int_equal(uid, 4000);
    assert_int_equal(gid, 0);
    assert_int_equal(docker_user_lookup(passwd, sizeof passwd - 1, "odo", &uid, &gid), -1);
    assert_int_equal(docker_user_lookup("", 0, "odoo", &uid, &gid), -1);
}

static void test_pick(void **state)
{
    char out[16];

    (void)state;
    assert_int_equal(docker_api_pick(51, 25, "1.41", out), 0);
    assert_string_equal(out, "1.41");
    assert_int_equal(docker_api_pick(51, 25, "1.99", out), 0);
    assert_string_equal(out, "1.51");
    assert_int_equal(docker_api_pick(51, 25, "", out), 0);
    assert_string_equal(out, "1.41");
    assert_int_equal(docker_api_pick(51, 25, "1.12", out), -1);
    assert_int_equal(docker_api_pick(51, 25, "2.0", out), -1);
}

/* ---- an engine that is replaced ---- */

struct fake_engine { /* answers a ping with one version and takes another */
    int fd;
    const char *ping, *takes, *refusal;
    char seen[4][128]; /* request lines */
    int count;
};

static void answer_one(struct fake_engine *f, int fd)
{
    char request[4096], answer[1024], body[512];
    ssize_t n;
    size_t len = 0;

    while (len < sizeof request - 1 &&
           (n = read(fd, request + len, sizeof request - 1 - len)) > 0) {
        len += (size_t)n;
        request[len] = '\0';
        if (strstr(request, "\r\n\r\n") != NULL)
            break;
    }
    request[strcspn(request, "\r")] = '\0';
    if (f->count < 4)
        (void)str_copy_n(f->seen[f->count++], 128, request, strnlen(request, 127));
    (void)str_format(body, sizeof body, "%s",
                     strstr(request, "_ping") != NULL    ? "OK"
                     : strstr(request, f->takes) != NULL ? "{\"a\":1}"
                                                         : f->refusal);
    (void)str_format(answer, sizeof answer,
                     "HTTP/1.1 %s\r\nApi-Version: %s\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\n\r\n%s",
                     body[0] == '{' && body[2] == 'm' ? "400 Bad" : "200 OK", f->ping, strlen(body),
                     body);
    (void)file_write_all(fd, answer, strlen(answer));
}

static void *serve(void *arg)
{
    struct fake_engine *f = arg;
    int fd;

    while ((fd = accept(f->fd, NULL, NULL)) != -1) {
        answer_one(f, fd);
        (void)close(fd);
    }
    return NULL;
}

static void meet(const char *ping, const char *takes, const char *refusal, const char *line)
{
    struct fake_engine f = {.ping = ping, .takes = takes, .refusal = refusal};
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char folder[] = "/tmp/sett-engine-XXXXXX";
    struct docker_reply reply;
    struct docker_api api;
    struct err err;
    pthread_t thread;

    assert_non_null(mkdtemp(folder));
    (void)str_format(at.sun_path, sizeof at.sun_path, "%s/s", folder);
    assert_true((f.fd = socket(AF_UNIX, SOCK_STREAM, 0)) >= 0);
    assert_int_equal(bind(f.fd, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(f.fd, 8), 0);
    assert_int_equal(pthread_create(&thread, NULL, serve, &f), 0);
    assert_int_equal(docker_api_init(&api, at.sun_path, &err), 0);
    assert_int_equal(docker_api_call(&api, "GET", "/info", NULL, 5, &reply, &err), 0);
    assert_int_equal(reply.status, 200);
    assert_int_equal(json_i64(reply.json, "a", 0), 1);
    docker_reply_free(&reply);
    docker_api_free(&api);
    (void)shutdown(f.fd, SHUT_RDWR);
    (void)pthread_join(thread, NULL);
    (void)close(f.fd);
    assert_string_equal(f.seen[f.count - 1], line);
    (void)unlink(at.sun_path);
    (void)rmdir(folder);
}

static void test_versions(void **state)
{
    (void)state;
    meet("1.41", "/v1.41/", "", "GET /v1.41/info HTTP/1.1");
    meet("1.99", "/v1.51/", "", "GET /v1.51/info HTTP/1.1");
    /* downgraded meanwhile */
    meet("1.47", "/v1.40/",
         "{\"message\":\"client version 1.47 is too new. Maximum supported API "
         "version is 1.40\"}",
         "GET /v1.40/info HTTP/1.1");
    /* an engine whose ping says less than it asks for */
    meet("1.41", "/v1.44/",
         "{\"message\":\"client version 1.41 is too old. Minimum supported API "
         "version is 1.44, please upgrade your client to a newer version\"}",
         "GET /v1.44/info HTTP/1.1");
}

static void test_engine_down(void **state)
{
    struct docker_reply reply;
    struct docker_api api;
    struct err err;

    (void)state;
    assert_int_equal(docker_api_init(&api, "/tmp/there-is-no-engine.sock", &err), 0);
    assert_int_equal(docker_api_call(&api, "GET", "/info", NULL, 5, &reply, &err), -1);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    assert_string_equal(err.code, "engine_down");
    assert_non_null(strstr(err.hint, "/tmp/there-is-no-engine.sock"));
    docker_api_free(&api);
    assert_int_equal(docker_api_init(&api, "relative.sock", &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
}

static void test_refusals(void **state)
{
    static const struct {
        long status;
        const char *message, *code;
        enum err_kind kind;
    } rows[] = {
        {409, "Conflict. The container name \"/x\" is already in use", "engine_refused",
         ERR_CONFLICT},
        {500, "creating container storage: the container name \"x\" is already in use by y",
         "engine_refused", ERR_CONFLICT},
        {500,
         "driver failed programming external connectivity: Bind for 127.0.0.1:1 failed: port is "
         "already allocated",
         "port_taken", ERR_CONFLICT},
        {400,
         "OCI runtime create failed: exec: \"/no\": stat /no: no such file or directory: "
         "unknown",
         "command_missing", ERR_INVALID},
        {500, "runc: …: OCI runtime attempted to invoke a command that was not found",
         "command_missing", ERR_INVALID},
        {404, "No such container: x", "engine_refused", ERR_NOT_FOUND},
        {400, "invalid JSON", "engine_refused", ERR_INVALID},
        {500, "who knows", "engine_refused", ERR_UNAVAILABLE},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct docker_reply reply = {.status = rows[i].status};
        struct err err;
        (void)str_copy(reply.message, sizeof reply.message, rows[i].message);
        assert_int_equal(docker_api_refused(&reply, "trying", &err), -1);
        assert_string_equal(err.code, rows[i].code);
        assert_int_equal(err.kind, rows[i].kind);
    }
}

/* ---- what a container is ---- */

static struct cJSON *body_of(const char *blueprint, struct runtime_order *o,
                             struct docker_plan *plan)
{
    static const struct docker_network net = {"10.201.0.8/29", "10.201.0.9"};
    struct blueprint *b = calloc(1, sizeof *b);
    struct cJSON *json;
    struct buf body;
    struct err err;

    assert_non_null(b);
    if (blueprint_load(b, "appliance/blueprints", blueprint, &err) != 0 ||
        docker_body_plan(plan, o, b, &net, "/tenants", "127.0.0.1", &err) != 0)
        fail_msg("%s: %s", blueprint, err.text);
    buf_init(&body, 1 << 20);
    assert_int_equal(docker_body_write(&body, plan, &err), 0);
    assert_non_null(json = json_parse(body.data, body.len, &json_limits_api, &err));
    buf_free(&body);
    free(b);
    return json;
}

static bool has_text(const struct cJSON *json, const char *path, const char *text)
{
    const struct cJSON *all = json_at(json, path);

    for (const struct cJSON *at = json_next(all, NULL); at != NULL; at = json_next(all, at))
        if (str_equal(json_text(at, "", ""), text))
            return true;
    return false;
}

static void order_init(struct runtime_order *o)
{
    memset(o, 0, sizeof *o);
    o->number = 12;
    o->port = 3105;
    (void)str_copy(o->mark, sizeof o->mark, "sett-t000012");
    (void)str_copy(o->tenant_id, sizeof o->tenant_id, "tn_x");
    (void)str_copy(o->job_id, sizeof o->job_id, "job_x");
    (void)str_copy(o->box_id, sizeof o->box_id, "box_x");
    (void)kv_set(&o->env, "TENANT_NAME", "Acme; rm -rf $HOME");
}

static void test_shipped_web(void **state)
{
    struct runtime_order o;
    struct docker_plan *plan = malloc(sizeof *plan);
    struct cJSON *json;

    (void)state;
    order_init(&o);
    json = body_of("web", &o, plan);
    assert_true(json_bool(json, "HostConfig.ReadonlyRootfs", false));
    assert_string_equal(json_text(json, "User", ""), "101:101");
    assert_int_equal(json_size(json, "HostConfig.CapAdd"), 0);
    assert_true(has_text(json, "HostConfig.CapDrop", "ALL"));
    assert_true(has_text(json, "HostConfig.SecurityOpt", "no-new-privileges"));
    assert_string_equal(json_text(json, "HostConfig.PortBindings.8080/tcp[0].HostIp", ""),
                        "127.0.0.1");
    assert_string_equal(json_text(json, "HostConfig.PortBindings.8080/tcp[0].HostPort", ""),
                        "3105");
    assert_string_equal(json_text(json, "HostConfig.Mounts[0].Source", ""), "/tenants/12/site");
    assert_string_equal(json_text(json, "HostConfig.LogConfig.Config.max-size", ""), "10m");
    assert_true(has_text(json, "Env", "TENANT_NAME=Acme; rm -rf $HOME"));
    json_free(json);
    free(plan);
}

static void test_shipped_odoo(void **state)
{
    struct runtime_order o;
    struct docker_plan *plan = malloc(sizeof *plan);
    struct cJSON *json;
    char hash[DOCKER_HASH_SIZE];

    (void)state;
    order_init(&o);
    (void)kv_set(&o.env, "DB_HOST", "127.0.0.1");
    (void)kv_set(&o.env, "DB_PORT", "5433");
    (void)kv_set(&o.env, "DB_NAME", "sett_t000012");
    (void)kv_set(&o.env, "DB_USER", "sett_t000012");
    (void)kv_set(&o.env, "DB_PASSWORD", "a-secret");
    (void)kv_set(&o.env, "ADMIN_PASSWORD", "made once");
    json = body_of("odoo", &o, plan);
    assert_true(has_text(json, "Cmd", "--db-filter=^sett_t000012$"));
    assert_true(has_text(json, "Cmd", "--proxy-mode"));
    assert_true(has_text(json, "Cmd", "--workers=0"));
    assert_true(has_text(json, "Env", "HOST=10.201.0.9"));
    assert_true(has_text(json, "Env", "PORT=5433"));
    assert_true(has_text(json, "Env", "PASSWORD=a-secret"));
    assert_false(has_text(json, "Cmd", "a-secret"));
    assert_int_equal(json_i64(json, "HostConfig.Memory", 0), 1536ll << 20);
    assert_int_equal(json_i64(json, "HostConfig.MemorySwap", 0), 1536ll << 20);
    assert_int_equal(json_i64(json, "HostConfig.NanoCpus", 0), 2000000000ll);
    assert_int_equal(json_size(json, "HostConfig.CapAdd"), 7);
    json_free(json);

    /* the size of a limit is not in the hash, since it can be changed; all else is */
    (void)str_copy(hash, sizeof hash, plan->hash);
    o.limits.memory_bytes = 1ull << 30;
    json_free(body_of("odoo", &o, plan));
    assert_string_equal(plan->hash, hash);
    (void)kv_set(&o.env, "DB_PASSWORD", "another");
    json_free(body_of("odoo", &o, plan));
    assert_string_not_equal(plan->hash, hash);
    free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames),      cmocka_unit_test(test_frames_keep_the_end),
        cmocka_unit_test(test_image_names), cmocka_unit_test(test_pull_refusals),
        cmocka_unit_test(test_slots),       cmocka_unit_test(test_users),
        cmocka_unit_test(test_pick),        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_engine_down), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_shipped_web), cmocka_unit_test(test_shipped_odoo),
    };
    if (http_init(NULL) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
