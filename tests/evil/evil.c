/*
 * evil SOCKET COUNT SEED [THREADS [SHAPED]]: arbitrary code in the worker's place. Sends COUNT
 * requests to the hands, each over a connection of its own: bytes that are no message, messages
 * that are no request, requests with anything in any field, and now and then one that is all right,
 * so that things do happen; SHAPED of ten thousand are requests by their shape. What comes back is
 * taken or left hanging. Ends with a line of counts; 1 when nobody listened for 20 seconds.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "channel.h"
#include "hands.h"
#include "str.h"

#define TENANTS    6
#define THREADS    16
#define SOUND_IN   40  /* of those with a request's shape one in so many is all right */
#define RETIRE_IN  400 /* of those that would end the hands one in so many does */
#define PATIENT_IN 500 /* connections that say no more but stay */
#define HOLDING_IN 20  /* verbs that hold a connection */
#define PATIENCE_S 20
#define ANSWER_MS  4000

static const char *socket_path;
static uint32_t shaped_in;
static atomic_long left, answered, refused, sound, lost;
static atomic_int gone;

/* ---- chance ---- */

struct dice {
    uint64_t s;
};

static uint64_t roll(struct dice *d)
{
    d->s ^= d->s << 13;
    d->s ^= d->s >> 7;
    d->s ^= d->s << 17;
    return d->s;
}

static uint32_t below(struct dice *d, uint32_t n)
{
    return (uint32_t)(roll(d) >> 16) % n;
}

static const char *const words[] = {
    "",
    "site",
    "evil",
    "odoo",
    "debian",
    "web",
    "web-swarm",
    "..",
    ".",
    "/",
    "../../../../etc/passwd",
    "/etc/shadow",
    "link",
    "../link",
    "-",
    "--help",
    "-rf",
    "$(reboot)",
    "`reboot`",
    ";reboot;",
    "|sh",
    "a b",
    "a\nb",
    "a\tb",
    "%s%n%n%n",
    "%d",
    "${PATH}",
    "\xff\xfe",
    "\xc0\xaf",
    "acme.localhost",
    "ACME.localhost",
    "acme..localhost",
    "*.localhost",
    "-acme.localhost",
    "acme.localhost;",
    "acme.localhost {",
    "localhost",
    "process",
    "docker",
    "lxc",
    "swarm",
    "front",
    "worker",
    "hands",
    "connectors",
    "\"};include /etc/passwd;#",
    "eyJhIjoiMSIsInQiOiIyIiwicyI6IjMifQ==",
    "{\"ingress\":[{\"service\":\"http_status:404\"}]}",
    "{\"ingress\":[{\"hostname\":\"a.example\",\"service\":\"unix:/etc/"
    "shadow\"},{\"service\":\"http_"
    "status:404\"}]}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "tn_01hzzzzzzzzzzzzzzzzzzzzzzz",
    "0",
    "-1",
    "18446744073709551615",
    "99999999999999999999999",
    "LD_PRELOAD",
    "PATH",
    "TENANT_NAME",
    "SETT_UNIT",
};
#define WORDS_COUNT (sizeof words / sizeof words[0])

static const char *word(struct dice *d)
{
    return words[below(d, WORDS_COUNT)];
}

static void text(struct dice *d, char *out, size_t size)
{
    switch (below(d, 8)) {
    case 0:
        memset(out, (int)('a' + below(d, 26)), size - 1);
        out[below(d, (uint32_t)size)] = '\0';
        out[size - 1] = '\0';
        return;
    case 1:
        for (size_t i = 0; i + 1 < size && i < 40; i++)
            out[i] = (char)(1 + below(d, 255));
        out[size > 40 ? 40 : size - 1] = '\0';
        return;
    default:
        str_cut(out, size, word(d));
    }
}

static uint64_t number(struct dice *d)
{
    static const uint64_t odd[] = {
        4294767294, 4294767295, 4294767296, 0,           1,           2,          3,
        65535,      65536,      0x7fffffff, 0xffffffffu, 0x100000000, UINT64_MAX, UINT64_MAX - 1};

    return below(d, 3) == 0 ? odd[below(d, sizeof odd / sizeof odd[0])] : 1 + below(d, TENANTS);
}

/* ---- requests ---- */

static void identity(struct hands_request *q, uint64_t n)
{
    q->number = n;
    (void)str_format(q->tenant_id, sizeof q->tenant_id, "tn_01hevil%016llu", (unsigned long long)n);
    (void)str_copy(q->job_id, sizeof q->job_id, "job_01hevil");
    (void)str_copy(q->box_id, sizeof q->box_id, "box-evil");
    (void)str_copy(q->blueprint, sizeof q->blueprint, n % 2 == 0 ? "site" : "evil");
    q->port = 3100 + (uint32_t)n;
    q->lines = 50;
    q->limits.storage_bytes = 1 << 20;
    (void)kv_set(&q->env, "TENANT_NAME", "Evil");
    (void)kv_set(&q->env, "TENANT_URL", "http://evil.localhost/");
    (void)kv_set(&q->env, "TENANT_HOSTNAME", "evil.localhost");
    (void)str_format(q->hostname, sizeof q->hostname, "evil%llu.localhost", (unsigned long long)n);
    (void)str_copy(q->service, sizeof q->service, "http://127.0.0.1:80");
    (void)str_copy(q->secret, sizeof q->secret, "eyJhIjoiMSIsInQiOiIyIiwicyI6IjMifQ==");
}

/* What a worker would say; of verbs that hold a connection for long, seldom. */
static void good(struct dice *d, struct hands_request *q)
{
    memset(q, 0, sizeof *q);
    identity(q, 1 + below(d, TENANTS));
    do
        q->verb = below(d, HANDS_VERBS);
    while ((q->verb == HANDS_RETIRE && below(d, RETIRE_IN) != 0) ||
           ((q->verb == HANDS_QUIET || q->verb == HANDS_RECEIVE) && below(d, HOLDING_IN) != 0));
    q->flag = below(d, 4) == 0;
    if (q->verb == HANDS_JOURNAL)
        (void)str_copy(q->runtime, sizeof q->runtime, below(d, 2) == 0 ? "" : "hands");
    if (q->verb == HANDS_SURVEY)
        kv_clear(&q->env);
    if (q->verb == HANDS_CONNECTOR_START && below(d, 2) == 0)
        (void)str_copy(q->rules, sizeof q->rules,
                       "{\"ingress\":[{\"service\":\"http_status:404\"}]}");
}

/* Some fields of a good one are something else. */
static void spoil(struct dice *d, struct hands_request *q)
{
    char name[80], value[400];

    for (uint32_t i = 1 + below(d, 3); i > 0; i--)
        switch (below(d, 15)) {
        case 0:
            q->verb = below(d, 2) == 0 ? HANDS_VERBS + below(d, 10) : (uint32_t)number(d);
            break;
        case 1:
            q->number = number(d);
            break;
        case 2:
            text(d, q->tenant_id, sizeof q->tenant_id);
            break;
        case 3:
            text(d, q->job_id, sizeof q->job_id);
            break;
        case 4:
            text(d, q->box_id, sizeof q->box_id);
            break;
        case 5:
            text(d, q->blueprint, sizeof q->blueprint);
            break;
        case 6:
            q->port = (uint32_t)number(d);
            break;
        case 7:
            q->lines = (uint32_t)number(d);
            break;
        case 8:
            text(d, q->hostname, sizeof q->hostname);
            break;
        case 9:
            text(d, q->service, sizeof q->service);
            break;
        case 10:
            text(d, q->secret, sizeof q->secret);
            break;
        case 11:
            text(d, q->rules, below(d, 2) == 0 ? 200 : sizeof q->rules);
            break;
        case 12:
            text(d, name, sizeof name);
            text(d, value, sizeof value);
            (void)kv_set(&q->env, name, value);
            break;
        case 13:
            text(d, q->runtime, sizeof q->runtime);
            break;
        default:
            q->limits.memory_bytes = roll(d) >> below(d, 64);
            q->limits.storage_bytes = roll(d) >> below(d, 64);
            q->limits.pids = (uint32_t)number(d);
            q->limits.nofile = (uint32_t)number(d);
            q->address = (uint32_t)roll(d);
        }
}

/* ---- what is sent ---- */

static int reach(struct dice *d)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    time_t until = time(NULL) + PATIENCE_S;
    struct timespec moment = {0, 20000000};

    (void)str_copy(to.sun_path, sizeof to.sun_path, socket_path);
    while (atomic_load(&gone) == 0 && time(NULL) < until) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct timeval limit = {5, 0};
        if (fd != -1 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
            connect(fd, (const struct sockaddr *)&to, sizeof to) == 0)
            return fd;
        if (fd != -1)
            (void)close(fd);
        (void)roll(d);
        (void)nanosleep(&moment, NULL); /* they begin anew, or all connections are taken */
    }
    atomic_store(&gone, 1);
    return -1;
}

static void put(int fd, const void *data, size_t len)
{
    const char *at = data;

    while (len > 0) {
        ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n <= 0)
            return;
        at += n;
        len -= (size_t)n;
    }
}

static void noise(struct dice *d, int fd)
{
    char bytes[600];
    size_t len = below(d, sizeof bytes);

    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)roll(d);
    if (below(d, 2) == 0 && len >= 4) { /* a length that is believable, or just not */
        uint32_t said = below(d, 3) == 0 ? (uint32_t)len - 4 : (uint32_t)number(d);
        bytes[0] = (char)(said >> 24);
        bytes[1] = (char)(said >> 16);
        bytes[2] = (char)(said >> 8);
        bytes[3] = (char)said;
    }
    put(fd, bytes, len);
    if (below(d, PATIENT_IN) != 0)
        (void)shutdown(fd, SHUT_WR); /* else they wait for the rest, and have 64 places */
}

/* A request, whole or with bytes of it changed. */
static void message(struct dice *d, int fd, const struct hands_request *q, bool change)
{
    struct buf b;
    struct err err;

    buf_init(&b, CHANNEL_MESSAGE_MAX);
    (void)buf_byte(&b, HANDS_VERSION);
    if (fields_encode(&hands_request_fields, q, &b) == 0) {
        for (uint32_t i = change ? 1 + below(d, 8) : 0; i > 0; i--)
            b.data[below(d, (uint32_t)b.len)] = (char)roll(d);
        if (change && below(d, 3) == 0)
            b.len = below(d, (uint32_t)b.len + 1);
        (void)channel_send(fd, b.data, b.len, &err);
    }
    buf_free(&b);
}

/* What comes back, until the empty message, the end or enough. Verbs that want to be told more are
 * told noise. */
static void listen_to(struct dice *d, int fd, const struct hands_request *q)
{
    struct buf b;
    struct err err;
    bool any = false;

    if (q != NULL && (q->verb == HANDS_RECEIVE || q->verb == HANDS_QUIET) && below(d, 2) == 0)
        noise(d, fd);
    buf_init(&b, CHANNEL_MESSAGE_MAX);
    for (int i = 0; i < 64; i++) {
        buf_reset(&b);
        if (channel_receive(fd, &b, ANSWER_MS, &err) != 1)
            break;
        any = true;
        if (b.len == 0)
            break;
        if (q != NULL && q->verb == HANDS_QUIET)
            break;
    }
    buf_free(&b);
    (void)atomic_fetch_add(any ? &answered : &refused, 1);
}

static void one(struct dice *d, struct hands_request *q)
{
    bool shaped = below(d, 10000) < shaped_in, is_sound = shaped && below(d, SOUND_IN) == 0;
    bool change = !shaped && below(d, 2) == 0;
    int fd = reach(d);

    if (fd == -1)
        return;
    if (!shaped && !change) {
        noise(d, fd);
        q = NULL;
    } else {
        good(d, q);
        if (!is_sound)
            spoil(d, q);
        message(d, fd, q, change);
        (void)atomic_fetch_add(&sound, is_sound);
        if (change)
            q = NULL;
    }
    if (below(d, 50) == 0)
        (void)atomic_fetch_add(&lost, 1); /* the answer is left hanging */
    else
        listen_to(d, fd, q);
    (void)close(fd);
}

static void *work(void *arg)
{
    struct hands_request *q = calloc(1, sizeof *q);
    struct dice d = {(uint64_t)(uintptr_t)arg * 0x9e3779b97f4a7c15u + 88172645463325252u};

    for (int i = 0; i < 20; i++)
        (void)roll(&d);
    while (q != NULL && atomic_fetch_sub(&left, 1) > 0 && atomic_load(&gone) == 0)
        one(&d, q);
    free(q);
    return NULL;
}

int main(int argc, char **argv)
{
    uint64_t count, seed, threads = THREADS, shaped = 2500;
    pthread_t thread[64];

    if (argc < 4 || str_u64(argv[2], 1, INT64_MAX, &count) == -1 ||
        str_u64(argv[3], 0, UINT32_MAX, &seed) == -1 ||
        (argc > 4 && str_u64(argv[4], 1, 64, &threads) == -1) ||
        (argc > 5 && str_u64(argv[5], 0, 10000, &shaped) == -1)) {
        (void)fputs("usage: evil SOCKET COUNT SEED [THREADS [SHAPED]]\n", stderr);
        return 2;
    }
    socket_path = argv[1];
    shaped_in = (uint32_t)shaped;
    atomic_store(&left, (long)count);
    for (uint64_t i = 0; i < threads; i++)
        if (pthread_create(&thread[i], NULL, work, (void *)(uintptr_t)(seed * 64 + i + 1)) != 0)
            return 1;
    for (uint64_t i = 0; i < threads; i++)
        (void)pthread_join(thread[i], NULL);
    (void)printf("%ld answered, %ld cut off, %ld left hanging; %ld were sound\n",
                 atomic_load(&answered), atomic_load(&refused), atomic_load(&lost),
                 atomic_load(&sound));
    return atomic_load(&gone);
}
