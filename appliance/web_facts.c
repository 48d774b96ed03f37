/*
 * What a web server has to know of the box. Apart from what is done with it: `sett run`, `sett
 * web-server show` and the tests fill in the same templates with the same facts.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "greeting.h"
#include "sender.h"
#include "setting.h"
#include "str.h"
#include "template.h"
#include "web_server.h"

#define WORDS_SIZE 1024

/* Lists that become values. */
struct lists {
    char names[WORDS_SIZE], pattern[WORDS_SIZE], aliases[WORDS_SIZE], first[256],
        listen[WORDS_SIZE], redirect[WORDS_SIZE], ports[WORDS_SIZE], bind[WORDS_SIZE],
        sites[WORDS_SIZE], tenant_sites[WORDS_SIZE], tenants_pattern[WORDS_SIZE],
        plain_sites[WORDS_SIZE], trusted[SENDER_TRUSTED_SIZE];
};

#define ROW(name, member)                                                                          \
    {                                                                                              \
        name, offsetof(struct web_said, member), sizeof((struct web_said *)NULL)->member           \
    }

const struct web_said_row web_said_rows[] = {
    ROW("box.url", url),
    ROW("box.domain", domain),
    ROW("box.trusted_proxies", trusted),
    ROW("web.listen", listen),
    ROW("web.http_port", http_port),
    ROW("web.https_port", https_port),
    ROW("web.tls", tls),
    ROW("web.default_server", is_default),
};
const size_t web_said_count = sizeof web_said_rows / sizeof web_said_rows[0];

/* What was said on the command line of this setting, or NULL. */
static const char *wished(const struct web_wish *w, const char *name)
{
    const struct {
        const char *name, *value;
    } all[] = {{"web.listen", w->listen},
               {"web.http_port", w->http_port},
               {"web.https_port", w->https_port},
               {"web.tls", w->tls},
               {"web.default_server", w->default_server}};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (str_equal(all[i].name, name))
            return all[i].value;
    return NULL;
}

int web_said_read(struct cli *cli, const struct web_wish *wish, struct web_said *said,
                  struct err *err)
{
    struct txn *txn;
    int rc = 0;

    if (db_read(&txn, cli->box.db, err) == -1)
        return -1;
    for (size_t i = 0; rc == 0 && i < web_said_count; i++) {
        const struct web_said_row *row = &web_said_rows[i];
        const char *value = wished(wish, row->name);
        char *to = (char *)said + row->offset, text[512];
        if (value == NULL &&
            setting_text(txn, &cli->box.conf, row->name, text, sizeof text, err) < 0)
            rc = -1;
        else if (str_copy(to, row->size, value == NULL ? text : value) == -1)
            rc = err_field(err, "value", "setting_invalid", "%s is too long", row->name);
    }
    db_read_end(txn);
    return rc == -1 ? -1 : web_said_check(said, err);
}

int web_said_check(const struct web_said *said, struct err *err)
{
    for (size_t i = 0; i < web_said_count; i++)
        if (setting_check(web_said_rows[i].name, (const char *)said + web_said_rows[i].offset,
                          err) == -1)
            return -1;
    return 0;
}

/* Append ${text}, parted by ${between}. */
static int add(char *list, size_t size, const char *between, const char *text)
{
    size_t len = strlen(list);

    return str_format(list + len, size - len, "%s%s", len > 0 ? between : "", text);
}

/* A name as a regular expression. A backslash would be unsafe in a template. */
static int pattern_of(const char *name, char *out, size_t size)
{
    out[0] = '\0';
    for (const char *p = name; *p != '\0'; p++)
        if (str_format(out + strlen(out), size - strlen(out),
                       *p == '.' || *p == '[' || *p == ']' ? "[%c]" : "%c", *p) == -1)
            return -1;
    return 0;
}

/* A name of the box, once. */
static int name_add(struct lists *l, const char *at, size_t len)
{
    char name[256], wrapped[260], all[WORDS_SIZE + 2], dotted[WORDS_SIZE] = "";

    if (len == 0 || str_copy_n(name, sizeof name, at, len) == -1)
        return len == 0 ? 0 : -1;
    str_lower(name);
    (void)str_format(wrapped, sizeof wrapped, " %s ", name);
    (void)str_format(all, sizeof all, " %s ", l->names);
    if (strstr(all, wrapped) != NULL)
        return 0;
    if (pattern_of(name, dotted, sizeof dotted) == -1)
        return -1;
    if (l->first[0] == '\0')
        (void)str_copy(l->first, sizeof l->first, name);
    else if (add(l->aliases, sizeof l->aliases, " ", name) == -1)
        return -1;
    return add(l->names, sizeof l->names, " ", name) == -1 ||
                   add(l->pattern, sizeof l->pattern, "|", dotted) == -1
               ? -1
               : 0;
}

/* A box that nobody has named yet is found by its machine's numbers and name, as the front has it
 * (fcgi/site.c).
 */
static int machine_names(struct lists *l)
{
    struct greeting_addresses a;
    char host[256] = "";
    int bad = 0;

    greeting_addresses(&a);
    for (unsigned i = 0; i < a.count; i++)
        if (a.at[i][0] != '[')
            bad |= name_add(l, a.at[i], strlen(a.at[i]));
    if (gethostname(host, sizeof host - 1) == 0)
        bad |= name_add(l, host, strlen(host));
    return bad;
}

static int names_all(const struct cli *cli, const struct web_said *s, struct lists *l,
                     struct err *err)
{
    const char *hosts = conf_get(&cli->box.conf, "front", "hosts"), *rest = strstr(s->url, "://");
    size_t len;
    int bad;

    rest = rest == NULL ? s->url : rest + 3;
    len = rest[0] == '[' ? strcspn(rest, "]") + 1 : strcspn(rest, ":/?#");
    bad = name_add(l, rest, len) | name_add(l, s->domain, strlen(s->domain));
    if (cli->paths.root[0] != '\0')
        bad |= name_add(l, "127.0.0.1", strlen("127.0.0.1"));
    else if (str_equal(s->url, setting_row_find("box.url")->otherwise))
        bad |= machine_names(l);
    for (hosts = hosts == NULL ? "" : hosts; *hosts != '\0'; hosts += len) {
        hosts += strspn(hosts, ", ");
        len = strcspn(hosts, ", ");
        bad |= name_add(l, hosts, len);
    }
    return bad == 0 ? 0 : err_set(err, ERR_INVALID, "names_many", "the box has too many names");
}

/* One address with a port, as this kind of web server writes it. */
static int listen_add(const struct web_kind *kind, char *list, const char *address,
                      const char *port)
{
    bool any = str_equal(address, "*"), six = strchr(address, ':') != NULL;
    char text[128];

    (void)str_format(text, sizeof text, six ? "[%s]:%s" : "%s:%s",
                     any && str_equal(kind->name, "lighttpd") ? "" : address, port);
    if (add(list, WORDS_SIZE, " ", text) == -1)
        return -1;
    if (!any || str_equal(kind->name, "apache2") || !file_exists("/proc/net/if_inet6"))
        return 0;
    (void)str_format(text, sizeof text, "[::]:%s", port);
    return add(list, WORDS_SIZE, " ", text);
}

static int listen_all(const struct web_kind *kind, const struct web_said *s, struct lists *l,
                      bool redirects, struct err *err)
{
    bool tls = str_equal(s->tls, "true");
    char address[64];
    size_t len;
    int bad = 0;

    for (const char *at = s->listen; *at != '\0'; at += len) {
        at += strspn(at, ", ");
        len = strcspn(at, ", ");
        if (len == 0)
            break;
        if (str_copy_n(address, sizeof address, at, len) == -1)
            return err_field(err, "listen", "setting_invalid", "web.listen is no address");
        bad |= listen_add(kind, l->listen, address, tls ? s->https_port : s->http_port);
        if (redirects)
            bad |= listen_add(kind, l->redirect, address, s->http_port);
        if (!str_equal(address, "*"))
            bad |= add(l->bind, sizeof l->bind, " ", address);
    }
    return bad == 0
               ? 0
               : err_field(err, "listen", "setting_invalid", "too many addresses to listen at");
}

/* "https://a.example:443, https://b.example:443" */
static int sites_add(char *list, const char *scheme, const char *names, const char *port)
{
    char name[256], site[300];
    size_t len;

    for (; *names != '\0'; names += len, names += strspn(names, " ")) {
        len = strcspn(names, " ");
        if (str_copy_n(name, sizeof name, names, len) == -1 ||
            str_format(site, sizeof site, "%s://%s:%s", scheme, str_equal(name, "_") ? "" : name,
                       port) == -1 ||
            add(list, WORDS_SIZE, ", ", site) == -1)
            return -1;
    }
    return 0;
}

/* Caddy's site of the tenants has no name: for one with a wildcard it would ask for certificates.
 */
static int sites_all(const struct web_said *s, struct lists *l, const char *tenants, bool redirects)
{
    bool tls = str_equal(s->tls, "true"), is_default = str_equal(s->is_default, "true");
    const char *scheme = tls ? "https" : "http", *port = tls ? s->https_port : s->http_port;
    int bad =
        sites_add(l->sites, scheme, l->names, port) | sites_add(l->tenant_sites, scheme, "_", port);

    if (redirects)
        bad |= sites_add(l->plain_sites, "http", l->names, s->http_port) |
               sites_add(l->plain_sites, "http", is_default ? "_" : tenants, s->http_port);
    return bad;
}

/* Where Apache is to listen, which Debian's ports.conf tells it only of 80 and 443. */
static void ports_all(const struct web_said *s, struct lists *l, bool redirects)
{
    const struct {
        const char *port, *places;
    } both[] = {{str_equal(s->tls, "true") ? s->https_port : s->http_port, l->listen},
                {redirects ? s->http_port : "80", l->redirect}};

    for (size_t i = 0; i < 2; i++)
        if (!str_equal(both[i].port, "80") && !str_equal(both[i].port, "443"))
            (void)add(l->ports, sizeof l->ports, " ",
                      str_equal(s->listen, "*") ? both[i].port : both[i].places);
}

static int paths_put(const struct cli *cli, const char *web, const char *prefix, struct kv *facts)
{
    const struct paths *p = &cli->paths;
    char cert[PATHS_SIZE + 16], key[PATHS_SIZE + 16];

    (void)str_format(cert, sizeof cert, "%s/cert.pem", p->tls);
    (void)str_format(key, sizeof key, "%s/key.pem", p->tls);
    return kv_set(facts, "FRONT_SOCK", p->front_sock) |
           kv_set(facts, "EVENTS_SOCK", p->events_sock) | kv_set(facts, "WEB_MAP", p->web_map) |
           kv_set(facts, "STATUS", p->status) | kv_set(facts, "WEB_ROOT", web) |
           kv_set(facts, "SHARE", cli->share) |
           kv_set(facts, "PAGES", prefix[0] == '\0' ? web : p->web_pages) |
           kv_set(facts, "ACME", p->acme) | kv_set(facts, "CERT", cert) | kv_set(facts, "KEY", key);
}

static int lists_put(const struct lists *l, const struct web_said *s, const char *tenants,
                     struct kv *facts)
{
    bool tls = str_equal(s->tls, "true");
    char port[24] = "";

    if (!str_equal(s->https_port, "443"))
        (void)str_format(port, sizeof port, ":%s", s->https_port);
    return kv_set(facts, "NAMES", l->names) | kv_set(facts, "NAME_FIRST", l->first) |
           kv_set(facts, "ALIASES", l->aliases) | kv_set(facts, "NAMES_PATTERN", l->pattern) |
           kv_set(facts, "LISTEN", l->listen) | kv_set(facts, "REDIRECT", l->redirect) |
           kv_set(facts, "PORTS", l->ports) | kv_set(facts, "BIND", l->bind) |
           kv_set(facts, "SITES", l->sites) | kv_set(facts, "TENANT_SITES", l->tenant_sites) |
           kv_set(facts, "PLAIN_SITES", l->plain_sites) | kv_set(facts, "TRUSTED", l->trusted) |
           kv_set(facts, "TENANTS", tenants) |
           kv_set(facts, "TENANTS_PATTERN", l->tenants_pattern) |
           kv_set(facts, "TLS", tls ? "on" : "") | kv_set(facts, "HTTPS_PORT", port) |
           kv_set(facts, "DEFAULT", str_equal(s->is_default, "true") ? " default_server" : "") |
           kv_set(facts, "HSTS", str_starts(s->url, "https://") ? "on" : "");
}

/* nginx takes HTTP/2 as a word of "listen" up to 1.25, and from 1.26 on as a directive of its own
 * without a warning. */
static int http2_put(const struct web_kind *kind, struct kv *facts)
{
    bool tls = kv_get_or(facts, "TLS", "")[0] != '\0';
    char said[256], *at;
    uint64_t major = 0, minor = 0;
    struct err why;

    if (tls && str_equal(kind->name, "nginx") &&
        web_run("/usr/sbin/nginx -v", said, sizeof said, &why) == 0 &&
        (at = strstr(said, "nginx/")) != NULL) {
        char *dot = strchr(at, '.'), *end = dot == NULL ? NULL : strchr(dot + 1, '.');
        if (end != NULL) {
            *dot = *end = '\0';
            (void)str_u64(at + strlen("nginx/"), 0, 99, &major);
            (void)str_u64(dot + 1, 0, 999, &minor);
        }
    }
    bool directive = major > 1 || (major == 1 && minor >= 26);
    return kv_set(facts, "HTTP2", directive ? "on" : "") | kv_set(facts, "LISTEN_TLS",
                                                                  !tls        ? ""
                                                                  : directive ? " ssl"
                                                                              : " ssl http2");
}

int web_facts(const struct cli *cli, const struct web_kind *kind, const char *web,
              const struct web_said *s, struct kv *facts, struct err *err)
{
    struct lists l = {0};
    char tenants[520], prefix[PREFIX_SIZE];
    bool redirects;

    if (names_all(cli, s, &l, err) == -1 ||
        sender_trusted(s->trusted, l.trusted, sizeof l.trusted, err) == -1)
        return -1;
    if (str_equal(s->tls, "false") && str_equal(s->http_port, "0"))
        return err_field(err, "http_port", "setting_invalid",
                         "without TLS there must be a port of HTTP");
    redirects = str_equal(s->tls, "true") && !str_equal(s->http_port, "0");
    (void)str_format(tenants, sizeof tenants, cli->paths.root[0] == '\0' ? "*.%s" : "_", s->domain);
    (void)str_copy(l.tenants_pattern, sizeof l.tenants_pattern, "[.]");
    if (pattern_of(s->domain, l.tenants_pattern + strlen("[.]"),
                   sizeof l.tenants_pattern - strlen("[.]")) == -1)
        return err_set(err, ERR_INVALID, "facts_long", "box.domain is too long");
    prefix_of(s->url, prefix);
    if (listen_all(kind, s, &l, redirects, err) == -1)
        return -1;
    ports_all(s, &l, redirects);
    kv_clear(facts);
    if (sites_all(s, &l, tenants, redirects) != 0 || lists_put(&l, s, tenants, facts) != 0 ||
        paths_put(cli, web == NULL ? cli->web : web, prefix, facts) != 0 ||
        kv_set(facts, "PREFIX", prefix) == -1 || http2_put(kind, facts) != 0)
        return err_set(err, ERR_INVALID, "facts_long",
                       "names, networks and paths of this box are too long for a template");
    return 0;
}

int web_text(const struct cli *cli, const struct web_kind *kind, const struct kv *facts,
             struct buf *out, struct err *err)
{
    char from[PATHS_SIZE + 64];

    buf_init(out, TEMPLATE_MAX);
    (void)str_format(from, sizeof from, "%s/%s/sett.conf.in", cli->share, kind->name);
    return template_text(from, facts, out, err);
}
