/*
 * Rounds of the local ingress: collect changes, write, test, load, answer. Apart because here many
 * requests wait for one effect, and because a map that the web server refuses must never stay.
 */
#include "route_map.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "blueprint.h"
#include "clock.h"
#include "cond.h"
#include "crash.h"
#include "file.h"
#include "log.h"
#include "process_launch.h"
#include "route_list.h"
#include "str.h"
#include "web_note.h"

#define COMMAND_S 20

/* A change that waits, on its caller's stack. */
struct change {
    struct change *next;
    const char *hostname;
    uint32_t address;
    uint32_t port; /* 0: take it out */
    uint64_t number;
    bool maintenance;
    bool done;
    int result;
    struct err err;
};

struct route_map {
    char routes[300], map[300], pid[300], server[300];
    struct blueprint_command test, reload; /* count 0: none */
    uint32_t every_ms;
    pthread_mutex_t lock;
    pthread_cond_t change_came, round_done; /* monotonic */
    struct change *waiting, **last;
    struct route_list good; /* what the web server has */
    bool apart;
    bool in_round;
    bool unloaded; /* the map on disk is good but could not be loaded */
    bool ending;
    pthread_t thread;
};

/* What is in front of the box at the moment. */
struct server {
    bool noted;
    enum route_form form;
    struct blueprint_command test, reload; /* count 0: none */
};

static int server_read(const struct route_map *m, struct server *s, struct err *err)
{
    struct web_note note;
    int noted = m->server[0] == '\0' ? 0 : web_note_read(&note, m->server, NULL, err);

    memset(s, 0, sizeof *s);
    if (noted == -1)
        return -1;
    s->noted = noted == 1;
    s->form = route_form_of(s->noted ? note.kind : "nginx");
    if (!s->noted) {
        s->test = m->test;
        s->reload = m->reload;
        return 0;
    }
    if (note.test[0] != '\0' && blueprint_split(&s->test, note.test, err) == -1)
        return -1;
    return note.reload[0] == '\0' ? 0 : blueprint_split(&s->reload, note.reload, err);
}

/* Run a command of sett.conf; a code other than 0 is an error with its own words. */
static int run(const struct blueprint_command *command, bool apart, const char *what,
               struct err *err)
{
    struct process_plan *plan = calloc(1, sizeof *plan);
    struct buf out;
    int code = 0, result = 0;

    if (plan == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for the web server's %s", what);
    buf_init(&out, 320);
    (void)str_copy(plan->name, sizeof plan->name, "web");
    plan->apart = apart;
    for (uint32_t i = 0; i < command->count; i++)
        result |= process_plan_arg(plan, command->args[i]);
    if (result != 0)
        (void)err_set(err, ERR_INVALID, "arguments", "the web server's %s is too long", what);
    else if ((result = process_run(plan, COMMAND_S, &out, &code, err)) == 0 && code != 0)
        result = err_set(err, ERR_UNAVAILABLE, "web_server", "the web server's %s failed: %s", what,
                         buf_string(&out));
    buf_free(&out);
    free(plan);
    return result;
}

static int write_text(const char *path, struct buf *text, mode_t mode, struct err *err)
{
    int result = text->failed ? err_set(err, ERR_TOO_LARGE, "routes_too_large",
                                        "there are too many routes for %s", path)
                              : file_write(path, text->data, text->len, mode, err);

    buf_free(text);
    return result;
}

/* Put the map of ${l} in place; the one before is kept as MAP.old. */
static int swap_map(const struct route_map *m, enum route_form form, const struct route_list *l,
                    struct err *err)
{
    char fresh[320], old[320];
    struct buf text;

    (void)snprintf(fresh, sizeof fresh, "%s.new", m->map);
    (void)snprintf(old, sizeof old, "%s.old", m->map);
    route_list_map(l, form, &text);
    if (text.len == 0)
        (void)buf_text(&text, "\n");
    if (write_text(fresh, &text, 0644, err) == -1)
        return -1;
    (void)unlink(old);
    if (link(m->map, old) == -1 && errno != ENOENT)
        return err_sys(err, "map_keep", errno, old);
    CP("route.written");
    if (rename(fresh, m->map) == -1)
        return err_sys(err, "map_replace", errno, m->map);
    CP("route.swapped");
    return 0;
}

static void swap_back(const struct route_map *m)
{
    char old[320];

    (void)snprintf(old, sizeof old, "%s.old", m->map);
    if (rename(old, m->map) == -1 && errno == ENOENT)
        (void)unlink(m->map);
}

/* Tell the web server. One that does not run is fine: it will read the map when it starts. */
static int load_map(const struct route_map *m, const struct server *s, struct err *err)
{
    struct buf b;
    uint64_t pid;

    if (s->reload.count > 0)
        return run(&s->reload, m->apart, "reload", err);
    if (s->noted)
        return 0;
    if (m->pid[0] == '\0')
        return 0;
    buf_init(&b, 64);
    if (file_read(m->pid, &b, NULL) == -1 || b.len == 0 ||
        str_u64(str_trim(b.data), 2, INT32_MAX, &pid) == -1 || kill((pid_t)pid, SIGHUP) == -1)
        log_info("the web server of %s does not run; it reads the map when it starts", m->pid);
    buf_free(&b);
    return 0;
}

/* Bring ${l} into effect. Return 0, or -1 with the old map in place; 1 when the map is good and in
 * place but was not loaded. */
static int put_in_effect(const struct route_map *m, const struct route_list *l, struct err *err)
{
    struct server s;
    struct buf text;

    if (server_read(m, &s, err) == -1 || swap_map(m, s.form, l, err) == -1)
        return -1;
    if (s.test.count > 0 && run(&s.test, m->apart, "test", err) == -1) {
        log_event(LOG_WEB_SERVER_REFUSED, LOG_LEVEL_ERROR, "routes: %s", err->text);
        swap_back(m);
        return -1;
    }
    route_list_text(l, &text);
    if (text.len == 0)
        (void)buf_text(&text, "\n");
    if (write_text(m->routes, &text, 0600, err) == -1) {
        swap_back(m);
        return -1;
    }
    CP("route.noted");
    return load_map(m, &s, err) == 0 ? 0 : 1;
}

/* Lay the changes over ${l}; one that cannot be is answered alone. */
static void apply(struct route_list *l, struct change *changes)
{
    for (struct change *c = changes; c != NULL; c = c->next) {
        const struct route *r = route_list_find(l, c->hostname);
        if (c->port == 0 && (r == NULL || r->number != c->number))
            continue;
        if (c->port != 0 && r != NULL && r->number != c->number)
            c->result = err_set(&c->err, ERR_CONFLICT, "hostname_taken",
                                "%s is the host name of tunnel %llu", c->hostname,
                                (unsigned long long)r->number);
        else if (route_list_set(l, c->hostname, c->address, c->port, c->number, c->maintenance) ==
                 -1)
            c->result = err_set(&c->err, ERR_QUOTA, "routes_full", "no room for one more route");
    }
}

static bool same(const struct route_list *a, const struct route_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!str_equal(a->at[i].hostname, b->at[i].hostname) || a->at[i].port != b->at[i].port ||
            a->at[i].address != b->at[i].address || a->at[i].number != b->at[i].number ||
            a->at[i].maintenance != b->at[i].maintenance)
            return false;
    return true;
}

/* One round, without the lock: only this thread changes m->good. */
static void round_of(struct route_map *m, struct change *changes)
{
    struct route_list wanted;
    struct err err;
    int result = 0;

    err_clear(&err);
    if (route_list_copy(&wanted, &m->good) == -1) {
        result = err_set(&err, ERR_INTERNAL, "memory", "no memory for the routes");
    } else {
        apply(&wanted, changes);
        if (m->unloaded || !same(&wanted, &m->good))
            result = put_in_effect(m, &wanted, &err);
    }
    (void)pthread_mutex_lock(&m->lock);
    m->in_round = false;
    if (result >= 0) {
        route_list_free(&m->good);
        m->good = wanted;
        m->unloaded = result == 1;
    } else {
        route_list_free(&wanted);
    }
    for (struct change *c = changes, *next; c != NULL; c = next) {
        next = c->next; /* its owner may be gone once it is done */
        if (c->result == 0 && result != 0) {
            c->result = -1;
            c->err = err;
        }
        c->done = true;
    }
    (void)pthread_cond_broadcast(&m->round_done);
    (void)pthread_mutex_unlock(&m->lock);
    if (result != 0)
        log_warning("routes: %s", err.text);
}

static void wait_until(struct route_map *m, pthread_cond_t *cond, int64_t until)
{
    (void)cond_until(cond, &m->lock, until);
}

static void *rounds(void *arg)
{
    struct route_map *m = arg;
    int64_t next = 0;

    (void)pthread_mutex_lock(&m->lock);
    for (;;) {
        struct change *changes;
        while (!m->ending && m->waiting == NULL)
            (void)pthread_cond_wait(&m->change_came, &m->lock);
        while (!m->ending && clock_mono_ms() < next)
            wait_until(m, &m->change_came, next);
        if (m->ending)
            break;
        changes = m->waiting;
        m->waiting = NULL;
        m->last = &m->waiting;
        m->in_round = true;
        next = clock_mono_ms() + m->every_ms;
        (void)pthread_mutex_unlock(&m->lock);
        round_of(m, changes);
        (void)pthread_mutex_lock(&m->lock);
    }
    for (struct change *c = m->waiting, *after; c != NULL; c = after) {
        after = c->next;
        c->result = err_set(&c->err, ERR_UNAVAILABLE, "hands_ending", "the hands are ending");
        c->done = true;
    }
    m->waiting = NULL;
    m->last = &m->waiting;
    (void)pthread_cond_broadcast(&m->round_done);
    (void)pthread_mutex_unlock(&m->lock);
    return NULL;
}

static int change_and_wait(struct route_map *m, const char *hostname, uint32_t address,
                           uint32_t port, uint64_t number, bool maintenance, struct err *err)
{
    struct change c = {.hostname = hostname,
                       .address = address,
                       .port = port,
                       .number = number,
                       .maintenance = maintenance};

    if (!route_list_hostname(hostname) || number == 0 || port > 65535)
        return err_set(err, ERR_INVALID, "route", "not a route: %s", hostname);
    (void)pthread_mutex_lock(&m->lock);
    if (m->ending) {
        c.result = err_set(&c.err, ERR_UNAVAILABLE, "hands_ending", "the hands are ending");
    } else {
        *m->last = &c;
        /* The thread takes all of them off its list before it says that they are done. */
        /* cppcheck-suppress autoVariables */
        m->last = &c.next;
        (void)pthread_cond_signal(&m->change_came);
        while (!c.done)
            (void)pthread_cond_wait(&m->round_done, &m->lock);
    }
    (void)pthread_mutex_unlock(&m->lock);
    if (c.result != 0 && err != NULL)
        *err = c.err;
    return c.result;
}

/* Whether it is as asked already, so that no round is needed. */
static bool is_so(struct route_map *m, const char *hostname, uint32_t address, uint32_t port,
                  uint64_t number, bool maintenance)
{
    const struct route *r;
    bool so;

    (void)pthread_mutex_lock(&m->lock);
    r = route_list_find(&m->good, hostname);
    if (port == 0)
        so = r == NULL || r->number != number;
    else
        so = r != NULL && r->number == number && r->port == port && r->address == address &&
             r->maintenance == maintenance;
    so = so && !m->unloaded && !m->in_round && m->waiting == NULL;
    (void)pthread_mutex_unlock(&m->lock);
    return so;
}

int route_map_set_at(struct route_map *m, const char *hostname, uint32_t address, uint32_t port,
                     uint64_t number, bool maintenance, struct err *err)
{
    if (port == 0)
        return err_set(err, ERR_INVALID, "route", "a route needs a port: %s", hostname);
    if (is_so(m, hostname, address, port, number, maintenance))
        return 0;
    return change_and_wait(m, hostname, address, port, number, maintenance, err);
}

int route_map_set(struct route_map *m, const char *hostname, uint32_t port, uint64_t number,
                  bool maintenance, struct err *err)
{
    return route_map_set_at(m, hostname, 0, port, number, maintenance, err);
}

uint32_t route_map_address(struct route_map *m, const char *hostname)
{
    const struct route *r;
    uint32_t address = 0;

    (void)pthread_mutex_lock(&m->lock);
    if ((r = route_list_find(&m->good, hostname)) != NULL)
        address = r->address;
    (void)pthread_mutex_unlock(&m->lock);
    return address;
}

int route_map_unset(struct route_map *m, const char *hostname, uint64_t number, struct err *err)
{
    if (is_so(m, hostname, 0, 0, number, false))
        return 0;
    return change_and_wait(m, hostname, 0, 0, number, false, err);
}

int route_map_show(struct route_map *m, const char *hostname, uint32_t *port, uint64_t *number,
                   bool *maintenance)
{
    const struct route *r;

    (void)pthread_mutex_lock(&m->lock);
    if ((r = route_list_find(&m->good, hostname)) != NULL) {
        *port = r->port;
        *number = r->number;
        *maintenance = r->maintenance;
    }
    (void)pthread_mutex_unlock(&m->lock);
    return r != NULL;
}

int route_map_each(struct route_map *m,
                   int (*on)(void *arg, const struct route *route, struct err *err), void *arg,
                   struct err *err)
{
    struct route_list copy = {0};
    int rc;

    (void)pthread_mutex_lock(&m->lock);
    rc = route_list_copy(&copy, &m->good);
    (void)pthread_mutex_unlock(&m->lock);
    if (rc == -1)
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a copy of the routes");
    for (size_t i = 0; rc == 0 && i < copy.count; i++)
        rc = on(arg, &copy.at[i], err);
    route_list_free(&copy);
    return rc;
}

/* The map on disk must be what the routes say: after a crash in a round, or with a file deleted. It
 * is not tested: it was when the routes were noted, and the web server may not be set up yet, but
 * will want the file when it starts. */
static void repair(struct route_map *m)
{
    struct buf now, wanted;
    struct server s;
    struct err err;

    if (server_read(m, &s, &err) == -1) {
        log_warning("routes: %s", err.text);
        return;
    }
    buf_init(&now, 64u * 1024u * 1024u);
    route_list_map(&m->good, s.form, &wanted);
    if (file_read(m->map, &now, NULL) == -1 || now.len != wanted.len ||
        memcmp(now.data, wanted.data, now.len) != 0) {
        m->unloaded = swap_map(m, s.form, &m->good, &err) == -1 || load_map(m, &s, &err) == -1;
        if (m->unloaded)
            log_warning("routes: %s", err.text);
    }
    buf_free(&now);
    buf_free(&wanted);
}

static int take_setup(struct route_map *m, const struct route_map_setup *setup, struct err *err)
{
    char folder[300];

    m->every_ms = setup->every_ms == 0 ? 1000 : setup->every_ms;
    if (str_copy(m->routes, sizeof m->routes, setup->routes) == -1 ||
        str_copy(m->map, sizeof m->map, setup->map) == -1 ||
        str_copy(m->pid, sizeof m->pid, setup->pid == NULL ? "" : setup->pid) == -1 ||
        str_copy(m->server, sizeof m->server, setup->server == NULL ? "" : setup->server) == -1 ||
        str_copy(folder, sizeof folder, setup->map) == -1 || strrchr(folder, '/') == NULL)
        return err_set(err, ERR_INVALID, "path_too_long", "a path of the routes is unusable");
    *strrchr(folder, '/') = '\0';
    if (setup->test != NULL && blueprint_split(&m->test, setup->test, err) == -1)
        return -1;
    if (setup->reload != NULL && blueprint_split(&m->reload, setup->reload, err) == -1)
        return -1;
    if (folder[0] != '\0' && file_mkdirs(folder, 0755, err) == -1)
        return -1;
    return route_list_read(&m->good, m->routes, err);
}

int route_map_new(struct route_map **out, const struct route_map_setup *setup, struct err *err)
{
    struct route_map *m = calloc(1, sizeof *m);

    if (m == NULL)
        return err_set(err, ERR_INTERNAL, "memory", "no memory for the routes");
    m->last = &m->waiting;
    m->apart = setup->apart;
    (void)pthread_mutex_init(&m->lock, NULL);
    cond_init(&m->change_came);
    cond_init(&m->round_done);
    if (take_setup(m, setup, err) == 0) {
        repair(m);
        if (pthread_create(&m->thread, NULL, rounds, m) == 0) {
            *out = m;
            return 0;
        }
        (void)err_set(err, ERR_INTERNAL, "thread", "the thread of the routes cannot be started");
    }
    route_list_free(&m->good);
    free(m);
    return -1;
}

void route_map_free(struct route_map *m)
{
    if (m == NULL)
        return;
    (void)pthread_mutex_lock(&m->lock);
    m->ending = true;
    (void)pthread_cond_broadcast(&m->change_came);
    (void)pthread_mutex_unlock(&m->lock);
    (void)pthread_join(m->thread, NULL);
    route_list_free(&m->good);
    (void)pthread_cond_destroy(&m->change_came);
    (void)pthread_cond_destroy(&m->round_done);
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}
