/* The list of supervised programs. Apart because the order of its locks is what keeps threads from
 * waiting for each other for ever. */
#include "process_table.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cond.h"
#include "str.h"

#define UNITS_MAX 65536

struct process_unit *process_table_new(void)
{
    struct process_unit *u = calloc(1, sizeof *u);

    if (u == NULL)
        return NULL;
    u->pidfd = -1;
    (void)pthread_mutex_init(&u->lock, NULL);
    cond_init(&u->ended);
    return u;
}

void process_table_free(struct process_unit *u)
{
    if (u->pidfd != -1)
        (void)close(u->pidfd);
    (void)pthread_cond_destroy(&u->ended);
    (void)pthread_mutex_destroy(&u->lock);
    free(u);
}

/* Unit number ${i}, or NULL beyond the last. Units are never freed while the group lives. */
struct process_unit *process_table_at(struct process_group *g, size_t i)
{
    struct process_unit *u;

    (void)pthread_mutex_lock(&g->lock);
    u = i < g->count ? g->units[i] : NULL;
    (void)pthread_mutex_unlock(&g->lock);
    return u;
}

/* The unit that has this name, "" for one that is free, or NULL. Under the table's lock. */
static struct process_unit *unit_named(struct process_group *g, const char *name)
{
    for (size_t i = 0; i < g->count; i++)
        if (str_equal(g->units[i]->name, name))
            return g->units[i];
    return NULL;
}

/* A place for ${name}: the first free one, or a new one. Under the table's lock. */
static struct process_unit *unit_place(struct process_group *g, const char *name)
{
    struct process_unit *u = unit_named(g, ""), **more;

    if (u == NULL) {
        if (g->count == g->room) {
            size_t room = g->room == 0 ? 64 : g->room * 2;
            if (room > UNITS_MAX ||
                (more = realloc(g->units, room * sizeof(struct process_unit *))) == NULL)
                return NULL;
            g->units = more;
            g->room = room;
        }
        if ((u = process_table_new()) == NULL)
            return NULL;
        g->units[g->count++] = u;
    }
    return str_copy(u->name, sizeof u->name, name) == -1 ? NULL : u;
}

/* The unit of this name, locked; NULL if there is none. With ${make}, one is made. */
struct process_unit *process_table_take(struct process_group *g, const char *name, bool make)
{
    struct process_unit *u;
    bool still;

    for (;;) {
        (void)pthread_mutex_lock(&g->lock);
        u = unit_named(g, name);
        if (u == NULL && make)
            u = unit_place(g, name);
        (void)pthread_mutex_unlock(&g->lock);
        if (u == NULL)
            return NULL;
        (void)pthread_mutex_lock(&u->lock);
        (void)pthread_mutex_lock(&g->lock);
        still = str_equal(u->name, name);
        (void)pthread_mutex_unlock(&g->lock);
        if (still)
            return u;
        (void)pthread_mutex_unlock(&u->lock); /* removed in between, its place perhaps reused */
    }
}

void process_table_give(struct process_unit *u)
{
    (void)pthread_mutex_unlock(&u->lock);
}

/* Give its place back. With the unit's lock; the table's comes after it here only, and nobody
 * waits for a unit with the table's. */
void process_table_clear(struct process_group *g, struct process_unit *u)
{
    (void)pthread_mutex_lock(&g->lock);
    u->name[0] = u->owner[0] = u->log[0] = '\0';
    u->wanted = u->halted = false;
    u->restarts = 0;
    u->exit_code = 0;
    u->started_at = u->start_due = u->delay_ms = 0;
    (void)pthread_mutex_unlock(&g->lock);
}
