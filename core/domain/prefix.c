/*
 * Where on its host the box lives. Apart because cookies, redirects, pages and web servers must
 * agree on it, and because it goes into the configuration of a web server as it is.
 */
#include "prefix.h"

#include <stdbool.h>
#include <string.h>

#include "str.h"

/* What addresses of our own begin with: a prefix of that name could not be told from them. */
static const char *const own[] = {"api",    "admin",   "portal", "docs",    "order",       "status",
                                  "assets", "base",    "health", "lang",    "pages",       "parts",
                                  "shop",   "metrics", "vendor", "webhook", ".well-known", NULL};

static bool segment_fine(const char *at, size_t len)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";

    return len > 0 && strspn(at, letters) >= len && !(len == 1 && at[0] == '.') &&
           !(len == 2 && at[0] == '.' && at[1] == '.');
}

static bool path_fine(const char *path)
{
    size_t len = strcspn(path + 1, "/");

    for (size_t i = 0; own[i] != NULL; i++)
        if (strlen(own[i]) == len && strncmp(path + 1, own[i], len) == 0)
            return false;
    for (const char *at = path; *at == '/'; at += 1 + len) {
        len = strcspn(at + 1, "/");
        if (!segment_fine(at + 1, len))
            return false;
    }
    return true;
}

/* The path of ${url} without the slash at its end; false when it is none for us. */
static bool read(const char *url, char out[PREFIX_SIZE])
{
    const char *rest = strstr(url, "://");

    out[0] = '\0';
    if (rest == NULL)
        return false;
    rest += 3 + strcspn(rest + 3, "/?#");
    if (str_copy(out, PREFIX_SIZE, rest) == -1)
        return false;
    if (str_ends(out, "/"))
        out[strlen(out) - 1] = '\0';
    return out[0] == '\0' || (out[0] == '/' && path_fine(out));
}

void prefix_of(const char *url, char out[PREFIX_SIZE])
{
    if (!read(url, out))
        out[0] = '\0';
}

int prefix_check(const char *url, struct err *err)
{
    char path[PREFIX_SIZE];

    if (read(url, path))
        return 0;
    err_field(err, "value", "setting_invalid", "the box cannot live at the path of \"%s\"", url);
    return err_hint(err, "a path such as /sett, of letters and digits, that does not begin as an "
                         "address of the box's own (/api, /admin)");
}
