/*
 * Looking after tenants that run. Apart from the engine, which is done with a tenant once it is
 * active: here nothing is mended, only noted.
 */
#include "health_watch.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "log.h"
#include "str.h"
#include "tenant.h"

#define SLICE         20 /* tenants a second */
#define SLICE_MS      1000
#define ROUND_MS      60000 /* a round takes so long at least */
#define LOOK_MOST     400   /* records read for one slice */
#define PROBE_S       2
#define PROBE_BODY    65536
#define PATHS_MOST    16
#define PATHS_KEEP_MS 60000

/* A tenant as it was when it was read, and what it answered. */
struct seen {
    char id[ID_SIZE], blueprint[32], origin[TENANT_ORIGIN_SIZE];
    uint32_t before, after;
};

struct health_watch {
    const struct saga_context *context;
    struct outside *outside;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool stopping;
    struct tenant at; /* the walk goes on behind this one */
    bool walking;
    int64_t each_ms, round_ms; /* a round's least length; monotonic: when the present one began */
    struct seen seen[SLICE];
    unsigned count;
    struct {
        char blueprint[32], path[128];
        int64_t read_ms;
    } paths[PATHS_MOST];
};

/* Sleep, or wake because it is over. Return whether to go on. */
static bool rest(struct health_watch *h, int64_t ms)
{
    int64_t until_ms = clock_mono_ms() + ms;
    struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    bool go_on;

    (void)pthread_mutex_lock(&h->lock);
    while (!h->stopping && pthread_cond_timedwait(&h->changed, &h->lock, &until) == 0)
        continue;
    go_on = !h->stopping;
    (void)pthread_mutex_unlock(&h->lock);
    return go_on;
}

/* What is being worked on may be silent, and nobody is led to it. */
static bool should_answer(const struct tenant *tenant)
{
    return (tenant->state == TENANT_ACTIVE || tenant->state == TENANT_PAST_DUE) &&
           tenant->port != 0 && !tenant->maintenance;
}

/* The next tenants that should answer. Return 0 or -1; h->walking is false behind the last. */
static int next_slice(struct health_watch *h, struct err *err)
{
    struct tenant tenant = {0};
    struct txn *txn;
    struct scan scan;
    unsigned looked = 0;
    int got = 1;

    h->count = 0;
    if (db_read(&txn, h->context->db, err) == -1)
        return -1;
    if (scan_start(&scan, txn, &tenant_table, NULL, NULL, 0, false, err) == -1 ||
        (h->walking && scan_after(&scan, &h->at, err) == -1))
        got = -1;
    while (got == 1 && h->count < SLICE && looked++ < LOOK_MOST &&
           (got = scan_next(&scan, &tenant, err)) == 1) {
        struct seen *s = &h->seen[h->count];

        h->at = tenant;
        if (!should_answer(&tenant))
            continue;
        h->count++;
        memcpy(s->id, tenant.id, sizeof s->id);
        memcpy(s->blueprint, tenant.blueprint, sizeof s->blueprint);
        tenant_origin(&tenant, s->origin);
        s->before = s->after = tenant.health;
    }
    db_read_end(txn);
    h->walking = got == 1;
    return got == -1 ? -1 : 0;
}

/* The health path of a blueprint, read once a minute. NULL when the blueprint is gone. */
static const char *path_of(struct health_watch *h, const char *name)
{
    struct blueprint *b;
    struct err err = {0};
    int64_t now_ms = clock_mono_ms();
    size_t place = 0;

    for (size_t i = 0; i < PATHS_MOST; i++) {
        if (str_equal(h->paths[i].blueprint, name) && now_ms - h->paths[i].read_ms < PATHS_KEEP_MS)
            return h->paths[i].path;
        if (str_equal(h->paths[i].blueprint, name) ||
            (!str_equal(h->paths[place].blueprint, name) &&
             h->paths[i].read_ms < h->paths[place].read_ms))
            place = i;
    }
    if ((b = calloc(1, sizeof *b)) == NULL)
        return NULL;
    h->paths[place].blueprint[0] = '\0';
    if (blueprint_load(b, h->context->paths.blueprints, name, &err) == 0 &&
        str_copy(h->paths[place].path, sizeof h->paths[place].path, b->health_path) == 0) {
        (void)str_copy(h->paths[place].blueprint, sizeof h->paths[place].blueprint, name);
        h->paths[place].read_ms = now_ms;
    }
    free(b);
    return h->paths[place].blueprint[0] == '\0' ? NULL : h->paths[place].path;
}

static void probe(struct health_watch *h, struct seen *s)
{
    static const char *const headers[] = {"Connection: close", NULL};
    struct http_request request = {
        .profile = HTTP_PROBE, .method = "GET", .timeout_s = PROBE_S, .headers = headers};
    const char *path = path_of(h, s->blueprint);
    struct http_answer answer;
    struct err err = {0};
    char url[256];
    bool heard, good;

    if (path == NULL || str_format(url, sizeof url, "http://%s%s", s->origin, path) == -1)
        return;
    request.url = url;
    http_answer_init(&answer, PROBE_BODY);
    heard = http_call(h->outside->probe, &request, &answer, &err) == 0 || err.kind == ERR_TOO_LARGE;
    good = heard && ((answer.status >= 200 && answer.status < 400) || answer.status == 401 ||
                     answer.status == 403);
    http_answer_free(&answer);
    if (good)
        s->after = HEALTH_HEALTHY;
    else if (s->before == HEALTH_HEALTHY || s->before == HEALTH_UNKNOWN)
        s->after = HEALTH_DEGRADED;
    else
        s->after = heard ? HEALTH_UNHEALTHY : HEALTH_UNREACHABLE;
}

/* What has changed, if nobody else has changed it meanwhile. */
static int note(struct txn *txn, void *arg, struct err *err)
{
    const struct health_watch *h = arg;
    struct tenant tenant;
    int found;

    for (unsigned i = 0; i < h->count; i++) {
        const struct seen *s = &h->seen[i];

        if (s->before == s->after)
            continue;
        memset(&tenant, 0, sizeof tenant);
        memcpy(tenant.id, s->id, sizeof tenant.id);
        if ((found = record_get(txn, &tenant_table, &tenant, err)) == -1)
            return -1;
        if (found == 0 || !should_answer(&tenant) || tenant.health != s->before)
            continue;
        tenant.health = s->after;
        if (tenant_put(txn, &tenant, err) == -1)
            return -1;
    }
    return 0;
}

static void ask_slice(struct health_watch *h)
{
    struct err err = {0};
    unsigned changed = 0;

    for (unsigned i = 0; i < h->count && rest(h, 0); i++) {
        probe(h, &h->seen[i]);
        if (h->seen[i].after != h->seen[i].before)
            changed++;
    }
    if (changed > 0 && db_write(h->context->db, note, h, &err) == -1)
        log_warning("the tenants' health cannot be noted: %s", err.text);
}

static void *watch_main(void *arg)
{
    struct health_watch *h = arg;
    struct err err = {0};
    int64_t wait_ms = SLICE_MS;

    h->round_ms = clock_mono_ms();
    while (rest(h, wait_ms)) {
        if (next_slice(h, &err) == -1)
            log_warning("the tenants cannot be read: %s", err.text);
        ask_slice(h);
        wait_ms = SLICE_MS;
        if (!h->walking) { /* the round is over; the next begins when its minute is */
            wait_ms = h->round_ms + h->each_ms - clock_mono_ms();
            if (wait_ms < SLICE_MS)
                wait_ms = SLICE_MS;
            h->round_ms = clock_mono_ms() + wait_ms;
        }
    }
    return NULL;
}

int health_watch_start(struct health_watch **out, const struct saga_context *context,
                       struct outside *outside, uint32_t round_ms, struct err *err)
{
    struct health_watch *h = calloc(1, sizeof *h);
    pthread_condattr_t monotonic;
    int rc;

    if (h == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the health rounds");
    h->context = context;
    h->outside = outside;
    h->each_ms = round_ms == 0 ? ROUND_MS : round_ms;
    (void)pthread_mutex_init(&h->lock, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&h->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    if ((rc = pthread_create(&h->thread, NULL, watch_main, h)) != 0) {
        (void)err_sys(err, "thread", rc, "the thread of the health rounds");
        free(h);
        return -1;
    }
    *out = h;
    return 0;
}

void health_watch_stop(struct health_watch *h)
{
    if (h == NULL)
        return;
    (void)pthread_mutex_lock(&h->lock);
    h->stopping = true;
    (void)pthread_cond_broadcast(&h->changed);
    (void)pthread_mutex_unlock(&h->lock);
    (void)pthread_join(h->thread, NULL);
    (void)pthread_cond_destroy(&h->changed);
    (void)pthread_mutex_destroy(&h->lock);
    free(h);
}
