/*
 * The users of tenants that are processes. Apart from the runtime, because which there are is the
 * machine's affair: an unprivileged container has a few ids of its own, and to give a file to
 * another is refused there.
 */
#include "process_user.h"

#include <stdbool.h>
#include <stdio.h>

#include "buf.h"
#include "file.h"

#define MAP_PATH "/proc/self/uid_map"
#define MAP_MAX  65536

/* Whether ${uid} is in a line "inside outside count". */
static bool is_mapped(const char *map, uint32_t uid)
{
    unsigned long long inside, outside, count;
    int len;

    for (; sscanf(map, "%llu %llu %llu%n", &inside, &outside, &count, &len) == 3; map += len)
        if (uid >= inside && uid - inside < count)
            return true;
    return false;
}

uint32_t process_user_first(const char *map)
{
    struct err ignored;
    struct buf b;
    bool mapped;

    buf_init(&b, MAP_MAX);
    if (map == NULL && file_read(MAP_PATH, &b, &ignored) == 0)
        map = b.data;
    mapped = map == NULL || is_mapped(map, PROCESS_USER_FIRST);
    buf_free(&b);
    return mapped ? PROCESS_USER_FIRST : PROCESS_USER_INSIDE;
}

int process_user(uint32_t first, uint64_t number, uint32_t *uid, struct err *err)
{
    /* The last number of a user is none: to whoever takes a user it means "as before", root. */
    bool few = first == PROCESS_USER_INSIDE;
    uint64_t end = few ? PROCESS_USER_END - 1 : UINT32_MAX;

    if (number == 0)
        return err_set(err, ERR_INVALID, "tenant_number", "0 is no tenant's number");
    if (few && number == PROCESS_USER_DRILL)
        number = end - first;
    else if (number >= end - first) {
        err_set(err, ERR_INVALID, "tenant_number",
                "this machine has no user for tenant %llu: there are %u",
                (unsigned long long)number, (unsigned)(end - first));
        return err_hint(err, "a container with more ids (lxc.idmap), or a blueprint with another "
                             "runtime");
    }
    *uid = first + (uint32_t)number;
    return 0;
}
