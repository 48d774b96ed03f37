#ifndef SETT_SAGA_WORLD_H
#define SETT_SAGA_WORLD_H
/*
 * A box for tests of sagas: a real store and engine, the hands' end of their socket played by a
 * thread that keeps a ledger, and a small web server that is every tenant and the front door at
 * once. One per test.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "answer.h"
#include "channel.h"
#include "clock.h"
#include "customer.h"
#include "engine.h"
#include "facts.h"
#include "file.h"
#include "job_start.h"
#include "name.h"
#include "outside.h"
#include "plan.h"
#include "port.h"
#include "sagas.h"
#include "schema.h"
#include "setting.h"
#include "str.h"

#define BOX_TENANTS 8
#define DEADLINE_MS 20000

struct box {
    char root[200];
    struct saga_context context;
    struct outside *outside;
    struct engine *engine;
    uint16_t ports[2]; /* ascending; both answered by the web server */
    int http_fds[2];
    pthread_t http, hands;
    int hands_fd;
    atomic_bool stop, http_up;
    atomic_uint fail_verb;    /* this verb FAILs; HANDS_VERBS: none */
    atomic_uint foreign_port; /* somebody else's */
    pthread_mutex_t lock;
    bool running[BOX_TENANTS], made[BOX_TENANTS];
    char route[256]; /* the host name that leads somewhere, "" for none */
    uint32_t route_port;
    bool route_maintenance;
    char ledger[4096]; /* verbs that changed something, in order */
    struct plan plan, large;
};

static inline void box_write(struct box *b, const char *name, const char *text)
{
    struct err err = {0};
    char path[300], *slash;

    assert_int_equal(str_format(path, sizeof path, "%s/%s", b->root, name), 0);
    slash = strrchr(path, '/');
    *slash = '\0';
    assert_int_equal(file_mkdirs(path, 0700, &err), 0);
    *slash = '/';
    assert_int_equal(file_write(path, text, strlen(text), 0600, &err), 0);
}

/* ---- the web server ---- */

static inline void http_serve(struct box *b, int listener)
{
    static const char up[] =
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
    static const char down[] =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    char request[2048];
    int fd = accept(listener, NULL, NULL);
    const char *answer = atomic_load(&b->http_up) ? up : down;

    if (fd == -1)
        return;
    if (read(fd, request, sizeof request) > 0)
        (void)!write(fd, answer, strlen(answer));
    close(fd);
}

static inline void *http_main(void *arg)
{
    struct box *b = arg;

    while (!atomic_load(&b->stop)) {
        struct pollfd fds[2] = {{.fd = b->http_fds[0], .events = POLLIN},
                                {.fd = b->http_fds[1], .events = POLLIN}};
        if (poll(fds, 2, 20) <= 0)
            continue;
        for (int i = 0; i < 2; i++)
            if (fds[i].revents != 0)
                http_serve(b, b->http_fds[i]);
    }
    return NULL;
}

static inline int listen_http(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

/* ---- the hands ---- */

static inline void hands_note(struct box *b, const struct hands_request *q)
{
    size_t len = strlen(b->ledger);

    if (q->verb == HANDS_RUNTIME_INSPECT || q->verb == HANDS_ROUTE_SHOW ||
        q->verb == HANDS_PORT_PROBE)
        return;
    (void)str_format(b->ledger + len, sizeof b->ledger - len, "%s%s%s%s%s", len == 0 ? "" : " ",
                     hands_verb_names[q->verb],
                     q->verb == HANDS_RUNTIME_REMOVE && q->flag ? "+data" : "",
                     q->verb == HANDS_ROUTE_SET || q->verb == HANDS_ROUTE_UNSET ? q->hostname : "",
                     q->verb == HANDS_ROUTE_SET && q->flag ? "+maintenance" : "");
}

static inline enum outcome hands_do(struct box *b, const struct hands_request *q,
                                    struct hands_reply *r)
{
    size_t n = q->number % BOX_TENANTS;

    if (q->verb == atomic_load(&b->fail_verb)) {
        r->err_kind = ERR_INVALID;
        (void)str_copy(r->err_code, sizeof r->err_code, "image_missing");
        (void)str_copy(r->err_text, sizeof r->err_text, "there is no such image");
        (void)str_copy(r->err_hint, sizeof r->err_hint, "pull it");
        return OUTCOME_FAIL;
    }
    switch (q->verb) {
    case HANDS_PORT_PROBE:
        if (q->port == atomic_load(&b->foreign_port))
            (void)str_copy(r->owner, sizeof r->owner, "nginx (pid 812)");
        return OUTCOME_OK;
    case HANDS_RUNTIME_CREATE:
        b->made[n] = true;
        return OUTCOME_OK;
    case HANDS_RUNTIME_START:
    case HANDS_RUNTIME_RESTART:
        if (!b->made[n])
            return OUTCOME_FAIL;
        b->running[n] = true;
        return OUTCOME_OK;
    case HANDS_RUNTIME_STOP:
        b->running[n] = false;
        return OUTCOME_OK;
    case HANDS_RUNTIME_REMOVE:
        b->made[n] = b->running[n] = false;
        return OUTCOME_OK;
    case HANDS_RUNTIME_INSPECT:
        if (!b->made[n])
            return OUTCOME_ABSENT;
        r->status.state = b->running[n] ? RUNTIME_RUNNING : RUNTIME_STOPPED;
        r->status.exit_code = 3;
        return OUTCOME_OK;
    case HANDS_ROUTE_SET:
        memcpy(b->route, q->hostname, sizeof b->route);
        b->route_port = q->port;
        b->route_maintenance = q->flag;
        return OUTCOME_OK;
    case HANDS_ROUTE_UNSET:
        if (!str_equal(b->route, q->hostname))
            return OUTCOME_ABSENT;
        b->route[0] = '\0';
        return OUTCOME_OK;
    case HANDS_ROUTE_SHOW:
        r->number = q->number;
        r->port = b->route_port;
        r->maintenance = b->route_maintenance;
        return str_equal(b->route, q->hostname) ? OUTCOME_OK : OUTCOME_ABSENT;
    default:
        return OUTCOME_OK;
    }
}

static inline void hands_serve_one(struct box *b)
{
    struct hands_request *q = calloc(1, sizeof *q);
    struct hands_reply *r = calloc(1, sizeof *r);
    struct err err = {0};
    struct buf message;
    uid_t uid;
    int fd = channel_accept(b->hands_fd, &uid, &err);

    assert_true(q != NULL && r != NULL);
    buf_init(&message, CHANNEL_MESSAGE_MAX);
    if (fd != -1 && channel_receive(fd, &message, 5000, &err) == 1 &&
        fields_decode(&hands_request_fields, 1, (const uint8_t *)message.data + 1, message.len - 1,
                      q, &err) == 0) {
        (void)pthread_mutex_lock(&b->lock);
        hands_note(b, q);
        r->outcome = hands_do(b, q, r);
        (void)pthread_mutex_unlock(&b->lock);
        buf_reset(&message);
        (void)buf_byte(&message, HANDS_VERSION);
        (void)fields_encode(&hands_reply_fields, r, &message);
        (void)channel_send(fd, message.data, message.len, &err);
        if (q->verb == HANDS_RUNTIME_LOGS)
            (void)channel_send(fd, "one\ntwo\n", 8, &err);
        (void)channel_send(fd, "", 0, &err);
    }
    buf_free(&message);
    if (fd != -1)
        close(fd);
    free(q);
    free(r);
}

static inline void *hands_main(void *arg)
{
    struct box *b = arg;

    while (!atomic_load(&b->stop)) {
        struct pollfd fd = {.fd = b->hands_fd, .events = POLLIN};
        if (poll(&fd, 1, 20) > 0)
            hands_serve_one(b);
    }
    return NULL;
}

/* ---- the box ---- */

static inline int make_plans(struct txn *txn, void *arg, struct err *err)
{
    struct box *b = arg;

    memset(&b->plan, 0, sizeof b->plan);
    (void)str_copy(b->plan.name, sizeof b->plan.name, "demo");
    (void)str_copy(b->plan.blueprint, sizeof b->plan.blueprint, "site");
    b->large = b->plan;
    (void)str_copy(b->large.name, sizeof b->large.name, "large");
    b->large.limits.memory_bytes = 1 << 30;
    return plan_new(txn, &b->plan, err) == 0 && plan_new(txn, &b->large, err) == 0 ? 0 : -1;
}

static inline void box_open(struct box *b)
{
    struct saga_context *c = &b->context;
    struct err err = {0};
    char text[600];

    if (b->ports[0] > b->ports[1]) {
        uint16_t port = b->ports[0];
        b->ports[0] = b->ports[1];
        b->ports[1] = port;
    }
    (void)str_format(text, sizeof text,
                     "[box]\nid = box-test\n[tenants]\nport = %u\n[ports]\nranges = %u,%u\n",
                     b->ports[0], b->ports[0], b->ports[1]);
    box_write(b, "etc/sett/sett.conf", text);
    box_write(b, "etc/sett/blueprints/site.conf",
              "[blueprint]\ntitle = A site\nruntime = process\ncommand = /bin/true\n"
              "health_path = /health\nhealth_timeout_s = 5\n");
    assert_int_equal(paths_set(&c->paths, b->root, &err), 0);
    assert_int_equal(file_mkdirs(c->paths.keys, 0700, &err), 0);
    assert_int_equal(file_mkdirs(c->paths.run, 0700, &err), 0);
    if (conf_read(&c->conf, c->paths.conf, &err) == -1 || vault_create(c->paths.keys, &err) == -1 ||
        vault_load(&c->vault, c->paths.keys, true, &err) == -1 ||
        db_create(c->paths.db, &sett_schema, &err) == -1 ||
        db_open(&c->db, c->paths.db, &sett_schema, &err) == -1 ||
        outside_new(&b->outside, &c->paths, &c->conf, &err) == -1 ||
        outside_refresh(b->outside, c->db, &c->conf, &c->vault, &err) == -1 ||
        db_write(c->db, make_plans, b, &err) == -1)
        fail_msg("box: %s", err.text);
    assert_int_not_equal(b->hands_fd = channel_listen(c->paths.hands_sock, 0600, &err), -1);
}

static inline struct box *box_new(void)
{
    struct box *b = calloc(1, sizeof *b);
    struct engine_setup setup = {
        .sagas = sagas, .threads = 4, .backoff_min_ms = 5, .backoff_max_ms = 100};
    struct err err = {0};

    assert_non_null(b);
    assert_int_equal(http_init(&err), 0);
    (void)str_copy(b->root, sizeof b->root, "/tmp/sett-saga-XXXXXX");
    assert_non_null(mkdtemp(b->root));
    atomic_store(&b->http_up, true);
    atomic_store(&b->fail_verb, HANDS_VERBS);
    (void)pthread_mutex_init(&b->lock, NULL);
    for (int i = 0; i < 2; i++)
        b->http_fds[i] = listen_http(&b->ports[i]);
    box_open(b);
    assert_int_equal(pthread_create(&b->http, NULL, http_main, b), 0);
    assert_int_equal(pthread_create(&b->hands, NULL, hands_main, b), 0);
    setup.db = b->context.db;
    setup.saga_count = saga_count;
    setup.outside = b->outside;
    setup.context = &b->context;
    setup.vault = &b->context.vault;
    setup.wake_sock = b->context.paths.wake_sock;
    assert_int_equal(engine_start(&b->engine, &setup, &err), 0);
    return b;
}

static inline void box_end(struct box *b)
{
    struct err err = {0};

    engine_stop(b->engine, 10000);
    atomic_store(&b->stop, true);
    pthread_join(b->http, NULL);
    pthread_join(b->hands, NULL);
    outside_free(b->outside);
    close(b->http_fds[0]);
    close(b->http_fds[1]);
    close(b->hands_fd);
    (void)file_remove_tree(b->root, &err);
    free(b);
}

/* ---- what tests do ---- */

struct start_arg {
    struct box *box;
    struct job job;
    struct tenant tenant;
    struct tunnel tunnel;
    bool fresh, way;
};

static inline int box_start_change(struct txn *txn, void *arg, struct err *err)
{
    struct start_arg *a = arg;
    struct job job = a->job;

    if (a->fresh) {
        struct tenant tenant = a->tenant;
        if (tenant_new(txn, &a->box->context.conf, &a->box->plan, &tenant, err) == -1 ||
            kv_set(&job.args, "tenant_id", tenant.id) == -1)
            return -1;
        job_subject(job.subjects[0], "tenant", tenant.id);
        a->tenant.number = tenant.number;
        memcpy(a->tunnel.tenant_id, tenant.id, sizeof a->tunnel.tenant_id);
    }
    if (a->way) {
        struct tunnel tunnel = a->tunnel;
        if (tunnel_new(txn, &tunnel, err) == -1 || kv_set(&job.args, "tunnel_id", tunnel.id) == -1)
            return -1;
        job_subject(job.subjects[1], "tunnel", tunnel.id);
    }
    if (job_start(txn, &job, err) == -1)
        return -1;
    memcpy(a->job.id, job.id, sizeof a->job.id);
    return 0;
}

static inline int box_start(struct start_arg *a, char job_id[ID_SIZE], struct err *err)
{
    int result = db_write(a->box->context.db, box_start_change, a, err);

    if (result == 0) {
        memcpy(job_id, a->job.id, ID_SIZE);
        job_wake(a->box->context.paths.wake_sock);
    }
    return result;
}

/* A new tenant with its provision. ${id}: of the tenant. */
static inline void box_provision(struct box *b, const char *subdomain, const char *ingress,
                                 char id[ID_SIZE], char job_id[ID_SIZE])
{
    static struct start_arg a;
    struct err err = {0};

    memset(&a, 0, sizeof a);
    a.box = b;
    a.fresh = true;
    (void)str_copy(a.tenant.name, sizeof a.tenant.name, "Acme");
    (void)str_copy(a.tenant.subdomain, sizeof a.tenant.subdomain, subdomain);
    (void)str_copy(a.tenant.ingress, sizeof a.tenant.ingress, ingress);
    (void)str_copy(a.job.saga, sizeof a.job.saga, "tenant.provision");
    if (box_start(&a, job_id, &err) == -1)
        fail_msg("provision: %s", err.text);
    memcpy(id, a.tunnel.tenant_id, ID_SIZE);
}

/* A job about a tenant; ${args} as "name=value name=value". */
static inline void box_job(struct box *b, const char *saga, const char *tenant_id, const char *args,
                           char job_id[ID_SIZE])
{
    static struct start_arg a;
    char copy[300], *at = copy, *pair, *equal;
    struct err err = {0};

    memset(&a, 0, sizeof a);
    a.box = b;
    (void)str_copy(a.job.saga, sizeof a.job.saga, saga);
    (void)kv_set(&a.job.args, "tenant_id", tenant_id);
    job_subject(a.job.subjects[0], "tenant", tenant_id);
    assert_int_equal(str_copy(copy, sizeof copy, args), 0);
    while ((pair = strsep(&at, " ")) != NULL) {
        if ((equal = strchr(pair, '=')) == NULL)
            continue;
        *equal = '\0';
        assert_int_equal(kv_set(&a.job.args, pair, equal + 1), 0);
    }
    if (box_start(&a, job_id, &err) == -1)
        fail_msg("%s: %s", saga, err.text);
}

static inline void box_get(struct box *b, const struct table *table, void *record)
{
    struct txn *txn;
    struct err err = {0};

    assert_int_equal(db_read(&txn, b->context.db, &err), 0);
    if (record_get(txn, table, record, &err) != 1)
        fail_msg("no %s: %s", table->noun, err.text);
    db_read_end(txn);
}

struct box_put {
    const struct table *table;
    void *record;
};

static inline int box_put_change(struct txn *txn, void *arg, struct err *err)
{
    struct box_put *p = arg;

    return record_put(txn, p->table, p->record, err);
}

/* Put a record down as it is, past every job. */
static inline void box_put(struct box *b, const struct table *table, void *record)
{
    struct box_put p = {table, record};
    struct err err = {0};

    if (db_write(b->context.db, box_put_change, &p, &err) == -1)
        fail_msg("put: %s", err.text);
}

/* One more way to a tenant. Its id in ${tunnel_id}. */
static inline void box_more_tunnel(struct box *b, const char *tenant_id, char tunnel_id[ID_SIZE],
                                   char job_id[ID_SIZE])
{
    static struct start_arg a;
    struct err err = {0};
    struct job job = {0};

    memset(&a, 0, sizeof a);
    a.box = b;
    a.way = true;
    (void)str_copy(a.job.saga, sizeof a.job.saga, "tunnel.create");
    (void)kv_set(&a.job.args, "tenant_id", tenant_id);
    job_subject(a.job.subjects[0], "tenant", tenant_id);
    (void)str_copy(a.tunnel.tenant_id, sizeof a.tunnel.tenant_id, tenant_id);
    (void)str_copy(a.tunnel.hostname, sizeof a.tunnel.hostname, "shop.example.com");
    (void)str_copy(a.tunnel.ingress, sizeof a.tunnel.ingress, "local");
    (void)str_format(a.tunnel.service, sizeof a.tunnel.service, "http://127.0.0.1:%u", b->ports[0]);
    assert_int_equal(box_start(&a, job_id, &err), 0);
    memcpy(job.id, job_id, sizeof job.id);
    box_get(b, &job_table, &job);
    (void)str_copy(tunnel_id, ID_SIZE, kv_get(&job.args, "tunnel_id"));
}

static inline void box_tenant(struct box *b, const char *id, struct tenant *tenant)
{
    memset(tenant, 0, sizeof *tenant);
    (void)str_copy(tenant->id, sizeof tenant->id, id);
    box_get(b, &tenant_table, tenant);
}

static inline void box_tunnel(struct box *b, const char *id, struct tunnel *tunnel)
{
    memset(tunnel, 0, sizeof *tunnel);
    (void)str_copy(tunnel->id, sizeof tunnel->id, id);
    box_get(b, &tunnel_table, tunnel);
}

static inline void box_wait(struct box *b, const char *job_id, enum job_state state,
                            struct job *job)
{
    int64_t until = clock_mono_ms() + DEADLINE_MS;

    for (;;) {
        memset(job, 0, sizeof *job);
        (void)str_copy(job->id, sizeof job->id, job_id);
        box_get(b, &job_table, job);
        if (job->state == (uint32_t)state)
            return;
        if (clock_mono_ms() > until || (!job->live && job->state != JOB_QUEUED))
            fail_msg("job is %s at %s, not %s (%s)", job_state_names[job->state], job->step_name,
                     job_state_names[state], job->cause);
        clock_sleep_ms(2);
    }
}

static inline void box_wait_step(struct box *b, const char *job_id, const char *step)
{
    int64_t until = clock_mono_ms() + DEADLINE_MS;
    struct job job;

    do {
        memset(&job, 0, sizeof job);
        (void)str_copy(job.id, sizeof job.id, job_id);
        box_get(b, &job_table, &job);
        if (clock_mono_ms() > until)
            fail_msg("job is at %s, not %s", job.step_name, step);
        clock_sleep_ms(2);
    } while (!str_equal(job.step_name, step));
}

struct box_steer {
    const char *id;
    char how;
};

static inline int box_steer_change(struct txn *txn, void *arg, struct err *err)
{
    struct box_steer *s = arg;

    return s->how == 'r'   ? job_retry(txn, s->id, err)
           : s->how == 'u' ? job_resolve(txn, s->id, true, err)
                           : job_cancel(txn, s->id, err);
}

static inline void box_steer(struct box *b, const char *id, char how)
{
    struct box_steer s = {id, how};
    struct err err = {0};

    if (db_write(b->context.db, box_steer_change, &s, &err) == -1)
        fail_msg("steer %c: %s", how, err.text);
    job_wake(b->context.paths.wake_sock);
}

static inline void box_ledger(struct box *b, char out[4096])
{
    (void)pthread_mutex_lock(&b->lock);
    memcpy(out, b->ledger, sizeof b->ledger);
    b->ledger[0] = '\0';
    (void)pthread_mutex_unlock(&b->lock);
}

static inline int64_t box_count(struct box *b, const struct table *table)
{
    struct txn *txn;
    struct err err = {0};
    int64_t n;

    assert_int_equal(db_read(&txn, b->context.db, &err), 0);
    n = record_count(txn, table, &err);
    db_read_end(txn);
    return n;
}

#endif
