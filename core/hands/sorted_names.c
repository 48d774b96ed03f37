/*
 * Sorting a folder's names. Apart from the walk, because one folder of a tenant may hold a million
 * names, or ten, and whoever walks it must not need memory for all of them.
 */
#include "sorted_names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "str.h"

#define OVERHEAD 32 /* of a name in memory, besides its bytes */

static int no_memory(struct err *err)
{
    return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the names in a folder");
}

int sorted_names_open(struct sorted_names *n, int folder, size_t budget, struct err *err)
{
    int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    memset(n, 0, sizeof *n);
    n->budget = budget;
    n->more = true;
    if (copy != -1 && (n->dir = fdopendir(copy)) != NULL)
        return 0;
    if (copy != -1)
        (void)close(copy);
    return err_sys(err, "volume_read", errno, "a folder of a volume");
}

static void swap(struct sorted_names *n, size_t i, size_t k)
{
    char *name = n->at[i];

    n->at[i] = n->at[k];
    n->at[k] = name;
}

static int push(struct sorted_names *n, const char *name)
{
    if (n->count == n->room) {
        size_t room = n->room == 0 ? 64 : n->room * 2;
        char **more = reallocarray(n->at, room, sizeof *more);

        if (more == NULL)
            return -1;
        n->at = more;
        n->room = room;
    }
    if ((n->at[n->count] = strdup(name)) == NULL)
        return -1;
    n->bytes += strlen(name) + OVERHEAD;
    for (size_t i = n->count++; i > 0 && strcmp(n->at[(i - 1) / 2], n->at[i]) < 0; i = (i - 1) / 2)
        swap(n, i, (i - 1) / 2);
    return 0;
}

/* The greatest goes. */
static void pop(struct sorted_names *n)
{
    size_t i = 0, child;

    n->bytes -= strlen(n->at[0]) + OVERHEAD;
    free(n->at[0]);
    n->at[0] = n->at[--n->count];
    while ((child = 2 * i + 1) < n->count) {
        if (child + 1 < n->count && strcmp(n->at[child], n->at[child + 1]) < 0)
            child++;
        if (strcmp(n->at[i], n->at[child]) >= 0)
            break;
        swap(n, i, child);
        i = child;
    }
}

static int order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void drop_portion(struct sorted_names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->at[i]);
    n->count = n->next = n->bytes = 0;
}

/* What is kept is always all that was seen between the last name and the smallest that was let go:
 * the greatest is let go first, and what is greater than the greatest comes in only while nothing
 * was. */
static int read_portion(struct sorted_names *n, struct err *err)
{
    struct dirent *d;

    drop_portion(n);
    n->more = false;
    rewinddir(n->dir);
    while (errno = 0, (d = readdir(n->dir)) != NULL) {
        if (str_equal(d->d_name, ".") || str_equal(d->d_name, "..") ||
            strcmp(d->d_name, n->last) <= 0)
            continue;
        if (n->more && n->count > 0 && strcmp(d->d_name, n->at[0]) > 0)
            continue;
        if (push(n, d->d_name) == -1)
            return no_memory(err);
        while (n->bytes > n->budget && n->count > 1) {
            pop(n);
            n->more = true;
        }
    }
    if (errno != 0)
        return err_sys(err, "volume_read", errno, "a folder of a volume");
    if (n->count > 1)
        qsort(n->at, n->count, sizeof *n->at, order);
    return 0;
}

int sorted_names_next(struct sorted_names *n, const char **name, struct err *err)
{
    for (;;) {
        while (n->next < n->count) {
            const char *at = n->at[n->next++];

            /* A folder that changes may tell of a name twice. */
            if (strcmp(at, n->last) <= 0)
                continue;
            (void)str_copy(n->last, sizeof n->last, at);
            *name = n->last;
            return 1;
        }
        if (!n->more)
            return 0;
        if (read_portion(n, err) == -1)
            return -1;
    }
}

void sorted_names_close(struct sorted_names *n)
{
    drop_portion(n);
    free(n->at);
    n->at = NULL;
    n->room = 0;
    if (n->dir != NULL)
        (void)closedir(n->dir);
    n->dir = NULL;
}
