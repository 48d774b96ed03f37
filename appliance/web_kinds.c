/*
 * Debian's four web servers: where each wants its configuration, how it is tested and loaded. And
 * the pages of a box that lives below a path. Apart because nothing here knows a box.
 */
#include <string.h>

#include "blueprint.h"
#include "file.h"
#include "process_launch.h"
#include "str.h"
#include "web_server.h"

#define COMMAND_S 30
#define PAGE_MAX  (256u << 10)

const struct web_kind web_kinds[] = {
    {.name = "nginx",
     .file = "/etc/nginx/sites-available/sett.conf",
     .link = "/etc/nginx/sites-enabled/sett.conf",
     .first = "/etc/nginx/sites-enabled/sett.conf",
     .test = "/usr/sbin/nginx -t -q",
     .reload = "/usr/sbin/nginx -s reload",
     .pid = "/run/nginx.pid",
     .error_log = "/var/log/nginx/error.log"},
    {.name = "apache2",
     .file = "/etc/apache2/sites-available/sett.conf",
     .link = "/etc/apache2/sites-enabled/sett.conf",
     .first = "/etc/apache2/sites-enabled/0-sett.conf",
     .test = "/usr/sbin/apache2ctl -t",
     .reload = "/usr/sbin/apache2ctl graceful",
     .modules =
         "/usr/sbin/a2enmod -q alias deflate headers http2 macro proxy proxy_fcgi proxy_http "
         "proxy_wstunnel remoteip reqtimeout rewrite setenvif ssl",
     .pid = "/run/apache2/apache2.pid",
     .error_log = "/var/log/apache2/error.log"},
    {.name = "lighttpd",
     .file = "/etc/lighttpd/conf-available/60-sett.conf",
     .link = "/etc/lighttpd/conf-enabled/60-sett.conf",
     .first = "/etc/lighttpd/conf-enabled/60-sett.conf",
     .test = "/usr/sbin/lighttpd -tt -f /etc/lighttpd/lighttpd.conf",
     .reload = "/usr/sbin/service lighttpd reload",
     .pid = "/run/lighttpd.pid",
     .error_log = "/var/log/lighttpd/error.log"},
    {.name = "caddy",
     .file = "/etc/caddy/sett.caddy",
     .main = "/etc/caddy/Caddyfile",
     .test = "/usr/bin/caddy validate --adapter caddyfile --config /etc/caddy/Caddyfile",
     .reload = "/usr/bin/caddy reload --adapter caddyfile --config /etc/caddy/Caddyfile",
     .user = "caddy",
     .pid = "",
     .error_log = ""},
    {.name = NULL},
};

const struct web_kind *web_kind_find(const char *name, struct err *err)
{
    for (const struct web_kind *k = web_kinds; k->name != NULL; k++)
        if (str_equal(k->name, name))
            return k;
    err_field(err, "kind", "kind_unknown", "no web server %s is known here", name);
    err_hint(err, "nginx, apache2, lighttpd or caddy");
    return NULL;
}

int web_run(const char *command, char *text, size_t size, struct err *err)
{
    struct process_plan plan = {.name = "web"};
    struct blueprint_command words;
    struct buf out;
    int code = -1, bad = 0;

    if (blueprint_split(&words, command, err) == -1)
        return -1;
    for (uint32_t i = 0; i < words.count; i++)
        bad |= process_plan_arg(&plan, words.args[i]);
    bad |=
        kv_set(&plan.env, "PATH", "/usr/sbin:/usr/bin:/sbin:/bin") | kv_set(&plan.env, "HOME", "/");
    buf_init(&out, 8192);
    if (bad != 0)
        (void)err_set(err, ERR_INVALID, "arguments", "%s is too long", command);
    else if (process_run(&plan, COMMAND_S, &out, &code, err) == -1)
        code = -1;
    if (text != NULL &&
        str_copy_n(text, size, buf_string(&out), out.len < size ? out.len : size - 1))
        text[0] = '\0';
    buf_free(&out);
    return code;
}

/* href="/…" and src="/…" become href="/sett/…". Nothing else in a page begins like that. */
static int page_write(const char *web, const char *prefix, const char *to, const char *name,
                      struct err *err)
{
    char path[PATHS_SIZE + 64], *slash;
    struct buf in, out;
    int rc = -1;

    buf_init(&in, PAGE_MAX);
    buf_init(&out, 2 * PAGE_MAX);
    (void)str_format(path, sizeof path, "%s/%s", web, name);
    if (file_read(path, &in, err) == -1)
        goto done;
    for (const char *p = buf_string(&in), *at; *p != '\0'; p = at) {
        at = strstr(p, "=\"/");
        at = at == NULL ? p + strlen(p) : at + 2;
        (void)buf_add(&out, p, (size_t)(at - p));
        if (*at != '\0')
            (void)buf_text(&out, prefix);
    }
    if (str_format(path, sizeof path, "%s/%s", to, name) == -1 || out.failed) {
        err_set(err, ERR_TOO_LARGE, "page_size", "the page %s is too large", name);
        goto done;
    }
    slash = strrchr(path, '/');
    *slash = '\0';
    if (file_mkdirs(path, 0755, err) == -1)
        goto done;
    *slash = '/';
    rc = file_write(path, buf_string(&out), out.len, 0644, err);
done:
    buf_free(&in);
    buf_free(&out);
    return rc;
}

int web_pages(const char *web, const char *prefix, const char *to, struct err *err)
{
    static const char *const pages[] = {"index.html", "reveal.html", "admin/index.html",
                                        "portal/index.html", "docs/index.html"};

    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (page_write(web, prefix, to, pages[i], err) == -1)
            return -1;
    return 0;
}
