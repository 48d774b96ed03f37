/*
 * Users out of /etc/passwd. Apart from images because it asks no engine: whoever has a root file
 * system before him can look them up, too.
 */
#include "docker_image.h"

#include <string.h>

#include "str.h"

int docker_user_number(const char *s, size_t len, uint32_t *out)
{
    char digits[16];
    uint64_t n;

    if (str_copy_n(digits, sizeof digits, s, len) != 0 ||
        str_u64(digits, 0, UINT32_MAX - 1, &n) != 0)
        return -1;
    *out = (uint32_t)n;
    return 0;
}

/* The fields of "name:x:uid:gid:…" for a name, or for a uid when the name is NULL. */
static int passwd_line(const char *line, size_t len, const char *name, size_t name_len,
                       uint32_t want, uint32_t *uid, uint32_t *gid)
{
    const char *field[5] = {line}, *end = line + len;
    size_t fields = 1;

    for (const char *p = line; p < end && fields < 5; p++)
        if (*p == ':')
            field[fields++] = p + 1;
    if (fields < 5 || docker_user_number(field[2], (size_t)(field[3] - field[2] - 1), uid) != 0 ||
        docker_user_number(field[3], (size_t)(field[4] - field[3] - 1), gid) != 0)
        return -1;
    if (name == NULL)
        return *uid == want ? 0 : -1;
    return (size_t)(field[1] - field[0] - 1) == name_len && memcmp(line, name, name_len) == 0 ? 0
                                                                                              : -1;
}

int docker_user_lookup(const char *passwd, size_t len, const char *user, uint32_t *uid,
                       uint32_t *gid)
{
    const char *colon = strchr(user, ':'), *at = passwd, *end = passwd + len;
    size_t user_len = colon != NULL ? (size_t)(colon - user) : strlen(user);
    uint32_t want = 0, found_uid = 0, found_gid = 0;
    bool number = docker_user_number(user, user_len, &want) == 0, found = false;

    while (at < end && !found) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t line = newline != NULL ? (size_t)(newline - at) : (size_t)(end - at);

        found = passwd_line(at, line, number ? NULL : user, user_len, want, &found_uid,
                            &found_gid) == 0;
        at += line + 1;
    }
    if (!number && !found)
        return -1;
    *uid = number ? want : found_uid;
    *gid = found ? found_gid : 0; /* as the engines do: a uid that nobody has gets group 0 */
    if (colon != NULL)
        (void)docker_user_number(colon + 1, strlen(colon + 1), gid);
    return 0;
}
