/* The hands through their socket: a tenant's whole life, connectors, routes; and what they
 * refuse. */
#include "hands_box.h"

/* A page of the tenant, with its head; "" when nobody answers. */
static const char *fetch(uint32_t port, const char *path, char *out, size_t size)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    size_t len = 0;
    ssize_t got;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (const struct sockaddr *)&at, sizeof at) == 0) {
        (void)dprintf(fd, "GET %s HTTP/1.0\r\n\r\n", path);
        while ((got = read(fd, out + len, size - 1 - len)) > 0)
            len += (size_t)got;
    }
    out[len] = '\0';
    (void)close(fd);
    return out;
}

/* What many use, in one request: a line each, also for one that is not there. */
static void survey_of(const struct hands_request *one)
{
    struct hands_request *q = calloc(1, sizeof *q);
    unsigned long long number, cpu, memory, limit, pids, in, out, storage;
    char value[128];
    struct hands_reply reply;
    unsigned outcome;
    struct buf text;
    struct err err;
    long long took;

    assert_non_null(q);
    buf_init(&text, 65536);
    (void)str_format(value, sizeof value, "%s %s", one->tenant_id, one->blueprint);
    assert_int_equal(kv_set(&q->env, "T12", value), 0);
    assert_int_equal(kv_set(&q->env, "T99", value), 0);
    q->verb = HANDS_SURVEY;
    assert_int_equal(hands_call(paths.hands_sock, q, CALL_MS, &reply, &text, &err), OUTCOME_OK);
    assert_int_equal(sscanf(text.data, "%llu %u %llu %llu %llu %llu %llu %llu %llu %lld\n", &number,
                            &outcome, &cpu, &memory, &limit, &pids, &in, &out, &storage, &took),
                     10);
    assert_true(number == 12 && outcome == OUTCOME_OK && memory > 0 && limit == 64u << 20);
    assert_true(pids >= 1 && storage > 0);
    assert_non_null(strstr(text.data, "\n99 "));
    /* A list that is none ends it. */
    assert_int_equal(kv_set(&q->env, "T1", "no"), 0);
    assert_int_equal(hands_call(paths.hands_sock, q, CALL_MS, &reply, NULL, &err), OUTCOME_FAIL);
    buf_free(&text);
    free(q);
}

static void test_life_of_a_tenant(void **state)
{
    struct hands_request *q = new_request(12);
    char page[8192], path[400], site[300];
    struct hands_reply reply;
    struct buf log;
    struct err err;

    (void)state;
    (void)str_format(site, sizeof site, "%s/12/site/index.html", paths.tenants);
    EXPECT(OUTCOME_OK, q, HANDS_PING);
    EXPECT(OUTCOME_OK, q, HANDS_PORT_PROBE);
    assert_false(reply.present);
    EXPECT(OUTCOME_ABSENT, q, HANDS_RUNTIME_INSPECT);
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_CREATE);
    assert_int_equal(reply.status.state, RUNTIME_CREATED);
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_CREATE);
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_START);
    assert_int_equal(reply.status.state, RUNTIME_RUNNING);
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_INIT);
    WAIT_FOR(has(fetch(q->port, "/health", page, sizeof page), "200 OK"));
    assert_true(has(page, "\r\n\r\nok\n"));
    assert_true(has(fetch(q->port, "/", page, sizeof page),
                    "<h1>Acme &amp; &lt;Co&gt; &quot;1&quot;|\\2&#39;</h1>"));
    assert_true(has(page, "href=\"http://acme.localhost:4443/\">acme.localhost</a>"));
    /* Init runs once. */
    assert_int_equal(unlink(site), 0);
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_INIT);
    assert_false(file_exists(site));
    EXPECT(OUTCOME_OK, q, HANDS_PORT_PROBE);
    assert_false(reply.present); /* its own */
    q->number = 13;
    EXPECT(OUTCOME_OK, q, HANDS_PORT_PROBE);
    assert_true(reply.present);
    assert_true(has(reply.owner, "process 12 of a box"));
    q->number = 12;
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_STATS);
    assert_true(reply.stats.pids >= 1 && reply.stats.memory_bytes > 0);
    assert_true(reply.stats.memory_limit_bytes == 64u << 20);
    assert_true(reply.stats.storage_bytes > 0);
    survey_of(q);
    buf_init(&log, 65536);
    q->verb = HANDS_RUNTIME_LOGS;
    assert_int_equal(hands_call(paths.hands_sock, q, CALL_MS, &reply, &log, &err), OUTCOME_OK);
    buf_free(&log);
    q->limits.memory_bytes = 128u << 20;
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_RESTART);
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_STATS);
    assert_true(reply.stats.memory_limit_bytes == 128u << 20);
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_STOP);
    assert_int_equal(reply.status.state, RUNTIME_STOPPED);
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_STOP);
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_START);
    WAIT_FOR(has(fetch(q->port, "/health", page, sizeof page), "200 OK"));
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_REMOVE); /* without its data */
    EXPECT(OUTCOME_ABSENT, q, HANDS_RUNTIME_INSPECT);
    EXPECT(OUTCOME_ABSENT, q, HANDS_RUNTIME_LOGS);
    (void)str_format(path, sizeof path, "%s/12", paths.tenants);
    assert_true(file_exists(path));
    q->flag = true;
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_REMOVE);
    assert_false(file_exists(path));
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_REMOVE);
    (void)str_format(path, sizeof path, "%s/init/12.0", paths.hands);
    assert_false(file_exists(path));
    free(q);
}

static void test_refused_orders(void **state)
{
    struct hands_request *q = new_request(20), *other = new_request(20);
    struct hands_reply reply;
    struct err err;
    char path[300];

    (void)state;
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_START);
    /* The same number for somebody else. */
    EXPECT(OUTCOME_FAIL, other, HANDS_RUNTIME_START);
    assert_int_equal(err.kind, ERR_CONFLICT);
    EXPECT(OUTCOME_FAIL, other, HANDS_RUNTIME_STOP);
    other->flag = true;
    EXPECT(OUTCOME_FAIL, other, HANDS_RUNTIME_REMOVE);
    EXPECT(OUTCOME_FAIL, other, HANDS_RUNTIME_INSPECT);
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_INSPECT);
    assert_true(reply.running);
    /* Another tenant on a port that is taken: the program ends, and says why. */
    other->number = 21;
    other->port = q->port;
    EXPECT(OUTCOME_AGAIN, other, HANDS_RUNTIME_START);
    assert_true(has(err.text, "in use"));
    EXPECT(OUTCOME_OK, other, HANDS_RUNTIME_REMOVE);
    /* A variable that the blueprint does not declare. */
    (void)kv_set(&other->env, "LD_PRELOAD", "/tmp/x.so");
    EXPECT(OUTCOME_FAIL, other, HANDS_RUNTIME_START);
    kv_unset(&other->env, "LD_PRELOAD");
    EXPECT(OUTCOME_OK, other, HANDS_RUNTIME_REMOVE);
    /* No such blueprint: nothing can be made, but what is there can be ended. */
    (void)str_copy(q->blueprint, sizeof q->blueprint, "gone");
    EXPECT(OUTCOME_FAIL, q, HANDS_RUNTIME_START);
    assert_true(has(err.text, "no blueprint gone"));
    q->flag = true;
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_STOP);
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_REMOVE);
    EXPECT(OUTCOME_ABSENT, q, HANDS_RUNTIME_INSPECT);
    /* A blueprint with a mistake. */
    (void)str_format(path, sizeof path, "%s/wrong.conf", paths.blueprints);
    put(path, "[blueprint]\nruntime = process\ncommand = /bin/true\nprivileged = yes\n", 0600);
    (void)str_copy(q->blueprint, sizeof q->blueprint, "wrong");
    EXPECT(OUTCOME_FAIL, q, HANDS_RUNTIME_START);
    assert_true(has(err.text, "wrong.conf, line 4: privileged"));
    /* An init command that fails is tried again. */
    (void)str_format(path, sizeof path, "%s/fails.conf", paths.blueprints);
    put(path,
        "[blueprint]\nruntime = process\ncommand = /bin/sleep 1000\n"
        "[init]\ncommand = /bin/sh -c \"echo done >>one\"\n"
        "command = /bin/sh -c \"echo not yet; test -e go\"\n",
        0600);
    (void)str_copy(q->blueprint, sizeof q->blueprint, "fails");
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_START);
    EXPECT(OUTCOME_AGAIN, q, HANDS_RUNTIME_INIT);
    assert_true(has(err.text, "code 1: not yet"));
    (void)str_format(path, sizeof path, "%s/20/go", paths.tenants);
    put(path, "", 0600);
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_INIT);
    (void)str_format(path, sizeof path, "%s/20/one", paths.tenants);
    {
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, 5); /* the first one ran once */
    }
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_REMOVE);
    free(q);
    free(other);
}

static void test_foreign_port(void **state)
{
    struct hands_request *q = new_request(30);
    struct hands_reply reply;
    struct err err;
    char expected[64];
    int fd = listen_somewhere(&q->port);

    (void)state;
    if (fd == -1)
        skip();
    EXPECT(OUTCOME_OK, q, HANDS_PORT_PROBE);
    assert_true(reply.present);
    (void)str_format(expected, sizeof expected, "(pid %d)", (int)getpid());
    assert_true(has(reply.owner, expected));
    (void)close(fd);
    EXPECT(OUTCOME_OK, q, HANDS_PORT_PROBE);
    assert_false(reply.present);
    free(q);
}

static void test_ingress(void **state)
{
    struct ingress_route *r = calloc(1, sizeof *r);
    struct ingress in;
    struct kv facts;
    struct err err;

    (void)state;
    kv_clear(&facts);
    assert_int_equal(ingress_local_new(&in, paths.hands_sock, CALL_MS, &err), 0);
    r->number = 9;
    (void)str_copy(r->hostname, sizeof r->hostname, "acme.localhost");
    (void)str_copy(r->service, sizeof r->service, "http://127.0.0.1:3100");
    for (int s = 0; s < INGRESS_STAGES; s++)
        if (s != INGRESS_RULES)
            assert_int_equal(
                in.stage(in.self, (enum ingress_stage)s, INGRESS_MAKE, r, NULL, &facts, &err),
                OUTCOME_OK);
#define STAGE(verb_) in.stage(in.self, INGRESS_RULES, verb_, r, NULL, &facts, &err)
    assert_int_equal(STAGE(INGRESS_CHECK), OUTCOME_ABSENT);
    assert_int_equal(STAGE(INGRESS_UNDO), OUTCOME_OK);
    assert_int_equal(STAGE(INGRESS_MAKE), OUTCOME_OK);
    assert_int_equal(STAGE(INGRESS_CHECK), OUTCOME_OK);
    assert_string_equal(kv_get(&facts, "local_port"), "3100");
    (void)str_copy(r->service, sizeof r->service, "http://127.0.0.1:3101");
    assert_int_equal(STAGE(INGRESS_CHECK), OUTCOME_ABSENT);
    r->number = 10;
    assert_int_equal(STAGE(INGRESS_CHECK), OUTCOME_ABSENT);
    assert_int_equal(STAGE(INGRESS_MAKE), OUTCOME_FAIL);
    assert_int_equal(err.kind, ERR_CONFLICT);
    r->number = 9;
    (void)str_copy(r->service, sizeof r->service, "http://127.0.0.1:3100");
    r->maintenance = true;
    assert_int_equal(STAGE(INGRESS_CHECK), OUTCOME_ABSENT);
    assert_int_equal(STAGE(INGRESS_MAKE), OUTCOME_OK);
    assert_int_equal(STAGE(INGRESS_CHECK), OUTCOME_OK);
    r->maintenance = false;
    assert_int_equal(STAGE(INGRESS_CHECK), OUTCOME_ABSENT);
    assert_int_equal(STAGE(INGRESS_MAKE), OUTCOME_OK);
    assert_int_equal(STAGE(INGRESS_UNDO), OUTCOME_OK);
    assert_int_equal(STAGE(INGRESS_CHECK), OUTCOME_ABSENT);
    (void)str_copy(r->service, sizeof r->service, "http://10.0.0.1:80"); /* another machine */
    assert_int_equal(STAGE(INGRESS_MAKE), OUTCOME_OK);
    assert_int_equal(STAGE(INGRESS_CHECK), OUTCOME_OK);
    (void)str_copy(r->service, sizeof r->service, "http://127.0.0.1:80");
    assert_int_equal(STAGE(INGRESS_CHECK), OUTCOME_ABSENT);
    assert_int_equal(STAGE(INGRESS_UNDO), OUTCOME_OK);
    (void)str_copy(r->service, sizeof r->service, "http://elsewhere.example:80");
    assert_int_equal(STAGE(INGRESS_MAKE), OUTCOME_FAIL);
    (void)str_copy(r->service, sizeof r->service, "http://127.0.0.1:3101");
    (void)str_copy(r->path, sizeof r->path, "^/api/");
    assert_int_equal(STAGE(INGRESS_MAKE), OUTCOME_FAIL);
    ingress_local_free(&in);
    assert_int_equal(ingress_local_new(&in, "/nonexistent/sock", CALL_MS, &err), 0);
    r->path[0] = '\0';
    assert_int_equal(STAGE(INGRESS_MAKE), OUTCOME_AGAIN);
    assert_int_equal(err.kind, ERR_UNAVAILABLE);
    ingress_local_free(&in);
    free(r);
}

static void *restart_tenant(void *arg)
{
    struct hands_request *q = malloc(sizeof *q);
    struct hands_reply reply;
    struct err err;

    *q = *(const struct hands_request *)arg;
    for (int i = 0; i < 3; i++)
        assert_int_equal(call(q, HANDS_RUNTIME_RESTART, &reply, &err), OUTCOME_OK);
    free(q);
    return NULL;
}

struct counting {
    const char *mark;
    unsigned leaders;
};

static int count_leader(void *arg, const struct process_seen *seen)
{
    struct counting *c = arg;
    char mark[400];

    if (seen->session == seen->pid && seen->state != 'Z' &&
        process_environment(seen->pid, "SETT_UNIT", mark, sizeof mark) == 0 &&
        str_equal(mark, c->mark))
        c->leaders++;
    return 0;
}

static void test_never_two(void **state)
{
    struct hands_request *q = new_request(40);
    struct hands_reply reply;
    pthread_t threads[8];
    char mark[400];
    struct counting c = {mark, 0};
    struct err err;

    (void)state;
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, restart_tenant, q), 0);
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    (void)str_format(mark, sizeof mark, "%s/process/40", paths.hands);
    assert_int_equal(process_all(count_leader, &c), 0);
    assert_int_equal(c.leaders, 1);
    q->flag = true;
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_REMOVE);
    c.leaders = 0;
    assert_int_equal(process_all(count_leader, &c), 0);
    assert_int_equal(c.leaders, 0);
    free(q);
}

/* Each value out of shape, one by one. */
static void test_shapes(void **state)
{
    struct hands_request *q = new_request(50);
    const struct hands_request good = *q;
    struct err err;

    (void)state;
    q->verb = HANDS_RUNTIME_START;
    assert_int_equal(hands_check(q, &err), 0);
#define BAD(change_)                                                                               \
    do {                                                                                           \
        *q = good;                                                                                 \
        q->verb = HANDS_RUNTIME_START;                                                             \
        change_;                                                                                   \
        if (hands_check(q, &err) != -1)                                                            \
            fail_msg("accepted: %s", #change_);                                                    \
    } while (0)
#define TEXT(member_, text_) (void)str_copy(q->member_, sizeof q->member_, text_)
    BAD(q->verb = HANDS_VERBS);
    BAD(q->verb = UINT32_MAX);
    BAD(q->number = 0);
    BAD(q->number = 1ull << 32);
    BAD(TEXT(tenant_id, ""));
    BAD(TEXT(tenant_id, "../../etc"));
    BAD(TEXT(tenant_id, "TN_1"));
    BAD(TEXT(job_id, "job\n"));
    BAD(TEXT(box_id, "a b"));
    BAD(TEXT(blueprint, ""));
    BAD(TEXT(blueprint, "../site"));
    BAD(TEXT(blueprint, "Site"));
    BAD(q->port = 0);
    BAD(q->port = 65536);
    BAD(q->lines = HANDS_LINES_MAX + 1);
    BAD(TEXT(hostname, "localhost"));
    BAD(TEXT(hostname, "a.b;"));
    BAD(TEXT(service, "a\nb"));
    BAD(TEXT(service, "\xff"));
    BAD(TEXT(secret, "a b"));
    BAD(TEXT(secret, "$(reboot)"));
    BAD(q->limits.memory_bytes = UINT64_MAX);
    BAD(q->limits.cpu_millis = UINT32_MAX);
    BAD((void)kv_set(&q->env, "lower", "x"));
    BAD((void)kv_set(&q->env, "A=B", "x"));
    BAD((void)kv_set(&q->env, "TENANT_NAME", "x\ny"));
    BAD((void)kv_set(&q->env, "TENANT_NAME", "\xff"));
    BAD(q->env.len = 3);
    BAD(q->verb = HANDS_ROUTE_SET);       /* no host name */
    BAD(q->verb = HANDS_CONNECTOR_START); /* no secret */
    BAD((q->verb = HANDS_RUNTIME_LOGS, q->lines = 0));
    free(q);
}

/* Send raw bytes; whether the hands said anything before they closed. */
static bool answered(const void *data, size_t len)
{
    struct err err;
    char byte;
    int fd = channel_connect(paths.hands_sock, 2000, &err);
    ssize_t got;

    if (fd == -1)
        fail_msg("%s", err.text);
    if (len > 0)
        (void)send(fd, data, len, MSG_NOSIGNAL);
    (void)shutdown(fd, SHUT_WR);
    got = recv(fd, &byte, 1, 0);
    (void)close(fd);
    return got == 1;
}

/* Small, fast, the same each time (xorshift). */
static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

#define MESSAGES 10000

static void test_garbage(void **state)
{
    struct hands_request *q = new_request(60);
    struct hands_reply reply;
    uint64_t seed = 88172645463325252ull;
    unsigned taken = 0;
    struct buf good;
    struct err err;

    (void)state;
    q->verb = HANDS_RUNTIME_INSPECT;
    buf_init(&good, CHANNEL_MESSAGE_MAX);
    (void)buf_add(&good, "\0\0\0\0", 4);
    (void)buf_byte(&good, HANDS_VERSION);
    assert_int_equal(fields_encode(&hands_request_fields, q, &good), 0);
    good.data[2] = (char)((good.len - 4) >> 8);
    good.data[3] = (char)(good.len - 4);
    assert_true(answered(good.data, good.len));
    for (int i = 0; i < MESSAGES; i++) {
        char message[4096];
        size_t len = good.len;
        if (i % 4 == 0) { /* nothing but noise */
            len = next_random(&seed) % 300;
            for (size_t k = 0; k < len; k++)
                message[k] = (char)next_random(&seed);
            if (len >= 4 && i % 8 == 0) /* with a length that is true */
                memcpy(message, (const char[]){0, 0, (char)((len - 4) >> 8), (char)(len - 4)}, 4);
        } else { /* a good one with some bytes changed, perhaps cut; never its verb */
            memcpy(message, good.data, len);
            for (uint64_t n = 1 + next_random(&seed) % 4; n > 0; n--)
                message[9 + next_random(&seed) % (len - 9)] = (char)next_random(&seed);
            if (i % 5 == 0)
                len = next_random(&seed) % len;
        }
        taken += answered(message, len);
    }
    /* Changes that leave every value in shape (another port, another name) are requests. */
    assert_true(taken < MESSAGES);
    EXPECT(OUTCOME_OK, q, HANDS_PING);
    buf_free(&good);
    free(q);
}

static void test_crowd(void **state)
{
    struct hands_request *q = new_request(70);
    struct hands_reply reply;
    int fd[HANDS_CONNECTIONS + 10];
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof fd / sizeof fd[0]; i++) {
        fd[i] = channel_connect(paths.hands_sock, 2000, &err);
        assert_true(fd[i] >= 0);
    }
    for (size_t i = 0; i < sizeof fd / sizeof fd[0]; i++)
        (void)close(fd[i]);
    EXPECT(OUTCOME_OK, q, HANDS_PING);
    free(q);
}

/* Another user of the machine; the switch is this thread's alone. */
static void *ask_as_stranger(void *arg)
{
    bool *was_answered = arg;

    if (syscall(SYS_setresuid, -1, 200099, -1) == 0)
        *was_answered = answered("\0\0\0\1\1", 5);
    return NULL;
}

static void test_stranger(void **state)
{
    struct hands_request *q = new_request(80);
    struct hands_reply reply;
    bool was_answered = true;
    pthread_t thread;
    struct err err;

    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chmod(folder, 0755), 0);
    assert_int_equal(chmod(paths.hands_sock, 0666), 0);
    assert_int_equal(pthread_create(&thread, NULL, ask_as_stranger, &was_answered), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(was_answered);
    EXPECT(OUTCOME_OK, q, HANDS_PING);
    free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life_of_a_tenant), cmocka_unit_test(test_refused_orders),
        cmocka_unit_test(test_foreign_port),     cmocka_unit_test(test_ingress),
        cmocka_unit_test(test_never_two),        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_garbage),          cmocka_unit_test(test_crowd),
        cmocka_unit_test(test_stranger)};

    log_open("test-hands", LOG_LEVEL_ERROR); /* ten thousand cut-offs would be as many lines */
    return cmocka_run_group_tests(tests, hands_setup, hands_teardown);
}
