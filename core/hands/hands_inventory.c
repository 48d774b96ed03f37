/*
 * All that is on this machine with the box's mark: programs, folders, connectors, routes. Apart
 * from the verbs about one tenant because here nobody says what should be there; whoever compares
 * this with the records finds what nobody remembers.
 */
#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "hands_world.h"
#include "route_list.h"
#include "str.h"

#define LINES_MAX 400000
#define LINE_SIZE 640
#define PAGE      1500 /* lines of one answer; those of one number stay together */

struct line {
    uint64_t number;
    char *text;
};

struct gather {
    struct hands_world *world;
    uint64_t after;
    const char *runtime; /* whose list it is */
    struct line *at;
    size_t count, room;
};

/* Keep one line, if its number is asked for. */
static int add(struct gather *g, uint64_t number, struct err *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
static int add(struct gather *g, uint64_t number, struct err *err, const char *format, ...)
{
    char text[LINE_SIZE];
    va_list args;
    int n;

    if (number != 0 && number <= g->after)
        return 0;
    va_start(args, format);
    n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text || g->count == LINES_MAX)
        return err_set(err, ERR_TOO_LARGE, "inventory_full", "the inventory does not fit");
    if (g->count == g->room) {
        size_t room = g->room == 0 ? 256 : g->room * 2;
        struct line *more = reallocarray(g->at, room, sizeof *more);

        if (more == NULL)
            return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the inventory");
        g->at = more;
        g->room = room;
    }
    if ((g->at[g->count].text = strdup(text)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the inventory");
    g->at[g->count++].number = number;
    return 0;
}

static int add_found(void *arg, const struct runtime_found *found, struct err *err)
{
    struct gather *g = arg;

    return add(g, found->number, err, "runtime %llu %s %s %s %s", (unsigned long long)found->number,
               g->runtime, runtime_state_names[found->state],
               found->tenant_id[0] == '\0' ? "-" : found->tenant_id,
               found->id[0] == '\0' ? "-" : found->id);
}

/* What a runtime has. One that cannot be asked is said to be unread: that nothing of it is listed
 * then means nothing. */
static int add_runtime(struct gather *g, const struct runtime *r, const char *box_id,
                       struct err *err)
{
    struct err why = {0};

    if (r->list == NULL)
        return 0;
    g->runtime = r->name;
    if (r->list(r->self, box_id, add_found, g, &why) == 0)
        return 0;
    if (str_equal(why.code, "inventory_full") || str_equal(why.code, "no_memory")) {
        *err = why;
        return -1;
    }
    return add(g, 0, err, "unread %s %.400s", r->name, why.text);
}

/* Whether a runtime that is made when it is first needed has ever been: what it keeps is there. */
static bool was_used(const char *folder, const char *name)
{
    char path[400];

    return str_format(path, sizeof path, "%s%s", folder, name) == 0 && file_exists(path);
}

static int add_runtimes(struct gather *g, const char *box_id, struct err *err)
{
    const struct paths *paths = g->world->paths;
    const struct {
        const char *name;
        struct runtime *(*made)(struct hands_world *world, struct err *err);
        bool used;
    } kinds[] = {
        {"docker", hands_docker, g->world->docker_socket != NULL},
        {"lxc", hands_lxc, was_used(paths->lxc, "")},
        {"swarm", hands_swarm, was_used(paths->hands, "/swarm.nft")},
    };

    if (add_runtime(g, g->world->process, box_id, err) == -1)
        return -1;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct err why = {0};
        struct runtime *runtime = kinds[i].used ? kinds[i].made(g->world, &why) : NULL;
        int rc = 0;
        if (runtime != NULL)
            rc = add_runtime(g, runtime, box_id, err);
        else if (kinds[i].used)
            rc = add(g, 0, err, "unread %s %.400s", kinds[i].name, why.text);
        if (rc == -1)
            return -1;
    }
    return 0;
}

static int add_folders(struct gather *g, struct err *err)
{
    DIR *folder = opendir(g->world->paths->tenants);
    struct dirent *entry;
    uint64_t number;
    int rc = 0;

    if (folder == NULL) /* no tenant has ever had one */
        return 0;
    while (rc == 0 && (entry = readdir(folder)) != NULL)
        if (str_u64(entry->d_name, 1, UINT32_MAX, &number) == 0)
            rc = add(g, number, err, "folder %llu", (unsigned long long)number);
    (void)closedir(folder);
    return rc;
}

static int add_connector(void *arg, uint64_t number, struct err *err)
{
    struct gather *g = arg;
    int runs = number <= g->after ? 0 : hands_connector_runs(g->world, number, err);

    if (runs == -1 || number <= g->after)
        return runs;
    return add(g, number, err, "connector %llu %s wanted", (unsigned long long)number,
               runs ? "running" : "stopped");
}

static int add_route(void *arg, const struct route *route, struct err *err)
{
    return add(arg, route->number, err, "route %llu %s %u %s", (unsigned long long)route->number,
               route->hostname, route->port, route->maintenance ? "maintenance" : "open");
}

/* By number, then by text, so that what is alike stands together. */
static int order(const void *a, const void *b)
{
    const struct line *x = a, *y = b;

    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return strcmp(x->text, y->text);
}

enum outcome hands_inventory(struct hands_job *job, struct err *err)
{
    struct gather g = {.world = job->world, .after = job->request->number};
    size_t i = 0;
    int rc = -1;

    if (add_runtimes(&g, job->request->box_id, err) == 0 && add_folders(&g, err) == 0 &&
        hands_connector_each(g.world, add_connector, &g, err) == 0 &&
        route_map_each(g.world->routes, add_route, &g, err) == 0) {
        rc = 0;
        if (g.count > 1)
            qsort(g.at, g.count, sizeof *g.at, order);
        for (; i < g.count && (i < PAGE || g.at[i].number == g.at[i - 1].number); i++) {
            (void)buf_text(job->stream, g.at[i].text);
            (void)buf_byte(job->stream, '\n');
        }
        job->reply->present = i < g.count;
        job->reply->number = i == 0 ? 0 : g.at[i - 1].number;
    }
    for (size_t k = 0; k < g.count; k++)
        free(g.at[k].text);
    free(g.at);
    return hands_outcome(rc, err);
}
