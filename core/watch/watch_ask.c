/*
 * The asking: one thread, thousands of requests. Apart from everything that may wait, so that an
 * answer is timed when it comes and a round takes as long as its rules say.
 */
#include "watch.h"

#include <string.h>

#include "clock.h"
#include "log.h"
#include "str.h"

#define LOOK_MS       100 /* between looks at who is due */
#define LOOK_QUICK_MS 2
#define IDLE_MS       30000 /* between givings back of memory */
#define NO_METRICS_MS 1000  /* until a connector's port is known */
#define OWN_DOOR      "127.0.0.1"

/* What comes back with an answer: whose it is. */
#define TOKEN_OUTSIDE 1u
#define TOKEN_TUNNEL  2u

static uint64_t token_of(const struct watch_target *t, bool outside)
{
    return t->number << 2 | (t->tunnel ? TOKEN_TUNNEL : 0) | (outside ? TOKEN_OUTSIDE : 0);
}

/* The program itself said something: any answer but "broken" and "not here". */
static bool is_good(const struct watch_target *t, uint32_t status)
{
    if (t->tunnel) /* GET /ready: 200 with at least one connection to the edge */
        return status == 200;
    return (status >= 200 && status < 400) || status == 401 || status == 403;
}

static void count(struct health_watch *w, struct watch_target *t, const struct http_told *told,
                  bool good)
{
    w->asked++;
    w->failed += !good;
    if ((told->token & TOKEN_OUTSIDE) != 0)
        return;
    t->failed += !good;
    if (told->end != HTTP_END_ANSWERED)
        return;
    t->asked++;
    t->latency_sum += told->latency_ms;
    if (told->latency_ms > t->latency_max)
        t->latency_max = told->latency_ms;
}

/* In maintenance, or standing still for a snapshot: then silence says nothing. */
static bool is_excused(struct health_watch *w, const struct watch_target *t)
{
    return t->paused || (!t->tunnel && atomic_load(&w->outside->quiet) == t->number);
}

static void on_told(void *arg, const struct http_told *told)
{
    struct health_watch *w = arg;
    bool outside = (told->token & TOKEN_OUTSIDE) != 0, good;
    struct watch_aspect *a;
    struct watch_target *t;

    (void)pthread_mutex_lock(&w->lock);
    t = watch_find((told->token & TOKEN_TUNNEL) != 0 ? &w->tunnels : &w->tenants, told->token >> 2);
    if (t == NULL) {
        (void)pthread_mutex_unlock(&w->lock);
        return;
    }
    a = outside ? &t->outside : &t->own;
    a->under_way = false;
    good = told->end == HTTP_END_ANSWERED && is_good(t, told->status);
    if (!is_excused(w, t)) {
        count(w, t, told, good);
        a->status = told->status;
        a->end = told->end;
        (void)health_note(&a->health, &w->set.rules,
                          good                             ? HEALTH_GOOD
                          : told->end == HTTP_END_ANSWERED ? HEALTH_BAD
                                                           : HEALTH_MISSING);
        if (!good || a->health.state == HEALTH_DEGRADED) { /* is it a blip? */
            int64_t again = clock_mono_ms() + w->set.again_ms;
            if (again < a->due_ms)
                a->due_ms = again;
        }
        if (!good && t->tunnel && told->end != HTTP_END_ANSWERED)
            t->port = 0; /* it may listen elsewhere by now */
    }
    (void)pthread_mutex_unlock(&w->lock);
}

/* "http://acme.localhost:4443/" -> "acme.localhost:4443:127.0.0.1:4443": ask the box's own web
 * server, whatever the name resolves to. */
static int lead_here(const char *url, const char *door, char *out, size_t size)
{
    const char *port = str_starts(url, "https:") ? "443" : "80";
    char host[200], *colon;
    const char *begin = strstr(url, "://");

    if (begin == NULL || str_copy_n(host, sizeof host, begin + 3, strcspn(begin + 3, "/")) == -1)
        return -1;
    if ((colon = strchr(host, ':')) != NULL) {
        *colon = '\0';
        port = colon + 1;
    }
    return str_format(out, size, "%s:%s:%s:%s", host, port, door, port);
}

/* Begin one. Return 0, or -1 when there is no room or nothing to ask. */
static int ask(struct health_watch *w, struct http_multi *m, struct watch_target *t, bool outside)
{
    const struct watch_blueprint *b = &w->blueprints[t->blueprint];
    struct http_ask request = {.token = token_of(t, outside), .timeout_ms = w->set.timeout_ms};
    struct watch_aspect *a = outside ? &t->outside : &t->own;
    const char *door = w->outside->front_door;
    struct err err = {0};
    char url[400], connect_to[400];
    int made;

    if (!t->tunnel && !b->known)
        return -1;
    if (t->local && door[0] == '\0')
        door = OWN_DOOR;
    if (t->tunnel)
        made = str_format(url, sizeof url, "http://127.0.0.1:%u/ready", t->port);
    else if (!outside)
        made = str_format(url, sizeof url, "http://%s%s", t->origin, b->path);
    else
        made = str_format(url, sizeof url, "%s%s", t->url,
                          str_ends(t->url, "/") && b->path[0] == '/' ? b->path + 1 : b->path);
    request.url = url;
    if (outside && door[0] != '\0') {
        if (lead_here(t->url, door, connect_to, sizeof connect_to) == -1)
            return -1;
        request.connect_to = connect_to;
        request.no_verify = t->local;
    }
    if (made == -1 || http_multi_ask(m, &request, &err) == -1)
        return -1;
    a->under_way = true;
    return 0;
}

/* In step with its round, also after a time in which nobody asked. */
static int64_t next_due(int64_t due_ms, int64_t interval_ms, int64_t now_ms)
{
    due_ms += interval_ms;
    return due_ms > now_ms ? due_ms : now_ms + interval_ms;
}

static void ask_due(struct health_watch *w, struct http_multi *m, struct watch_target *t,
                    bool outside, int64_t now_ms)
{
    struct watch_aspect *a = outside ? &t->outside : &t->own;
    int64_t interval_ms = outside ? w->set.outside_ms : w->set.interval_ms;

    if (a->due_ms > now_ms || a->under_way || is_excused(w, t) || interval_ms == 0 ||
        http_multi_room(m) == 0)
        return;
    if (t->tunnel && t->port == 0)
        a->due_ms = now_ms + (w->quick_ms != 0 ? w->quick_ms : NO_METRICS_MS);
    else if (ask(w, m, t, outside) == 0)
        a->due_ms = next_due(a->due_ms, interval_ms, now_ms);
    else
        a->due_ms = now_ms + w->set.again_ms;
}

/* Who is due now. A front door is asked only while the program behind it answers: else it would
 * say once more what is known. */
static void ask_all(struct health_watch *w, struct http_multi *m)
{
    int64_t now_ms = clock_mono_ms();

    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->tenants.count; i++) {
        struct watch_target *t = &w->tenants.at[i];
        ask_due(w, m, t, false, now_ms);
        if (t->own.health.state == HEALTH_HEALTHY && t->own.health.bad == 0 && t->url[0] != '\0')
            ask_due(w, m, t, true, now_ms);
    }
    for (size_t i = 0; i < w->tunnels.count; i++)
        ask_due(w, m, &w->tunnels.at[i], false, now_ms);
    (void)pthread_mutex_unlock(&w->lock);
}

void *watch_ask_thread(void *arg)
{
    struct health_watch *w = arg;
    int look_ms = w->quick_ms != 0 ? LOOK_QUICK_MS : LOOK_MS;
    int64_t looked_ms = 0, idle_ms = clock_mono_ms();
    struct http_multi *m;
    struct err err = {0};
    const char *ca = conf_get(&w->context->conf, "outside", "ca_file");

    if (http_multi_new(&m, w->set.at_once, ca == NULL ? "" : ca, &err) == -1) {
        log_error("nobody is asked how it is: %s", err.text);
        return NULL;
    }
    while (!atomic_load(&w->stopping)) {
        int64_t now_ms = clock_mono_ms();
        if (now_ms - looked_ms >= look_ms) {
            ask_all(w, m);
            looked_ms = now_ms;
        }
        http_multi_turn(m, look_ms, on_told, w);
        if (now_ms - idle_ms >= IDLE_MS) {
            http_multi_idle(m);
            idle_ms = now_ms;
        }
    }
    http_multi_free(m);
    return NULL;
}
