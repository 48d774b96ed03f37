/* Lists of routes and their two text forms. Apart from the rounds of testing and loading. */
#include "route_list.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "str.h"

#define ROUTES_FILE_MAX (32u * 1024u * 1024u)
#define MAINTENANCE     "maintenance" /* the web server's configuration knows this word */

void route_list_free(struct route_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        free(l->at[i].hostname);
    free(l->at);
    memset(l, 0, sizeof *l);
}

/* Where ${hostname} is, or would be. */
static size_t place_of(const struct route_list *l, const char *hostname)
{
    size_t low = 0, high = l->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(l->at[middle].hostname, hostname) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct route *route_list_find(const struct route_list *l, const char *hostname)
{
    size_t i = place_of(l, hostname);

    return i < l->count && str_equal(l->at[i].hostname, hostname) ? &l->at[i] : NULL;
}

/* Room for one more. Return 0 or -1. */
static int grow(struct route_list *l)
{
    size_t room = l->room == 0 ? 64 : l->room * 2;
    struct route *more;

    if (l->count < l->room)
        return 0;
    if (l->count >= ROUTES_MAX || (more = realloc(l->at, room * sizeof *more)) == NULL)
        return -1;
    l->at = more;
    l->room = room;
    return 0;
}

static int insert(struct route_list *l, size_t i, const char *hostname)
{
    struct route fresh = {.hostname = NULL};

    if (grow(l) == -1 || (fresh.hostname = strdup(hostname)) == NULL)
        return -1;
    for (size_t k = l->count++; k > i; k--)
        l->at[k] = l->at[k - 1];
    l->at[i] = fresh;
    return 0;
}

int route_list_set(struct route_list *l, const char *hostname, uint32_t address, uint32_t port,
                   uint64_t number, bool maintenance)
{
    size_t i = place_of(l, hostname);
    int there = i < l->count && str_equal(l->at[i].hostname, hostname);

    if (port == 0 && there) {
        free(l->at[i].hostname);
        memmove(l->at + i, l->at + i + 1, (l->count - i - 1) * sizeof *l->at);
        l->count--;
    }
    if (port == 0)
        return 0;
    if (!there && insert(l, i, hostname) == -1)
        return -1;
    l->at[i].address = address;
    l->at[i].port = port;
    l->at[i].number = number;
    l->at[i].maintenance = maintenance;
    return 0;
}

int route_list_copy(struct route_list *to, const struct route_list *from)
{
    memset(to, 0, sizeof *to);
    if (from->count == 0)
        return 0;
    if ((to->at = calloc(from->count, sizeof *to->at)) == NULL)
        return -1;
    to->room = from->count;
    for (; to->count < from->count; to->count++) {
        to->at[to->count] = from->at[to->count];
        if ((to->at[to->count].hostname = strdup(from->at[to->count].hostname)) == NULL) {
            route_list_free(to);
            return -1;
        }
    }
    return 0;
}

int route_list_hostname(const char *s)
{
    size_t label = 0, dots = 0, len = strlen(s);

    if (len == 0 || len > 253)
        return 0;
    for (size_t i = 0; i <= len; i++) {
        if (s[i] == '.' || s[i] == '\0') {
            if (label == 0 || label > 63 || s[i - 1] == '-' || s[i - label] == '-')
                return 0;
            dots += s[i] == '.';
            label = 0;
        } else if ((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '-') {
            label++;
        } else {
            return 0;
        }
    }
    return dots > 0;
}

/* "hostname port number" or "hostname port number maintenance", in place. */
static int read_line(struct route_list *l, char *line)
{
    char *port = strchr(line, ' '), *number = port == NULL ? NULL : strchr(port + 1, ' ');
    char *word = number == NULL ? NULL : strchr(number + 1, ' '), *colon;
    struct in_addr address = {0};
    uint64_t p, n;

    if (number == NULL)
        return -1;
    *port++ = '\0';
    *number++ = '\0';
    if (word != NULL)
        *word++ = '\0';
    if (word != NULL && !str_equal(word, MAINTENANCE))
        return -1;
    if ((colon = strchr(port, ':')) != NULL) {
        *colon = '\0';
        if (inet_pton(AF_INET, port, &address) != 1)
            return -1;
        port = colon + 1;
    }
    if (!route_list_hostname(line) || str_u64(port, 1, 65535, &p) == -1 ||
        str_u64(number, 1, UINT64_MAX, &n) == -1)
        return -1;
    return route_list_set(l, line, ntohl(address.s_addr), (uint32_t)p, n, word != NULL);
}

int route_list_read(struct route_list *l, const char *path, struct err *err)
{
    struct buf b;
    char *line, *save = NULL;
    int number = 0, result = 0;

    memset(l, 0, sizeof *l);
    if (!file_exists(path))
        return 0;
    buf_init(&b, ROUTES_FILE_MAX);
    if (file_read(path, &b, err) == -1) {
        buf_free(&b);
        return -1;
    }
    line = b.len == 0 ? NULL : strtok_r(b.data, "\n", &save);
    for (; line != NULL && result == 0; line = strtok_r(NULL, "\n", &save)) {
        number++;
        if (read_line(l, line) == -1)
            result = err_set(err, ERR_CORRUPT, "routes_corrupt", "%s, line %d is not a route", path,
                             number);
    }
    buf_free(&b);
    if (result == -1)
        route_list_free(l);
    return result;
}

/* "10.20.0.7:8069", or the port alone where that is enough. */
static void place_text(const struct route *r, const char *here, char out[32])
{
    if (r->address == 0)
        (void)str_format(out, 32, "%s%u", here, r->port);
    else
        (void)str_format(out, 32, "%u.%u.%u.%u:%u", r->address >> 24, r->address >> 16 & 255,
                         r->address >> 8 & 255, r->address & 255, r->port);
}

void route_list_text(const struct route_list *l, struct buf *out)
{
    char place[32];

    buf_init(out, ROUTES_FILE_MAX);
    for (size_t i = 0; i < l->count; i++) {
        place_text(&l->at[i], "", place);
        (void)buf_format(out, "%s %s %llu%s\n", l->at[i].hostname, place,
                         (unsigned long long)l->at[i].number,
                         l->at[i].maintenance ? " " MAINTENANCE : "");
    }
}

enum route_form route_form_of(const char *kind)
{
    if (str_equal(kind, "apache2") || str_equal(kind, "caddy"))
        return ROUTE_FORM_PLAIN;
    return str_equal(kind, "lighttpd") ? ROUTE_FORM_LIGHTTPD : ROUTE_FORM_NGINX;
}

/* The page is that of an error, in the folder that the configuration around this names. */
#define LIGHTTPD_MAINTENANCE                                                                       \
    "  url.redirect = ( \"\" => \"/\" )\n"                                                         \
    "  url.redirect-code = 503\n"                                                                  \
    "  server.errorfile-prefix = var.sett_errors\n"

/* lighttpd has no maps: it compares the name with each condition in turn. */
static void lighttpd_block(const struct route *r, struct buf *out)
{
    struct in_addr in = {.s_addr = htonl(r->address == 0 ? INADDR_LOOPBACK : r->address)};
    char address[INET_ADDRSTRLEN];

    (void)buf_format(out, "$HTTP[\"host\"] == \"%s\" {\n", r->hostname);
    if (r->maintenance)
        (void)buf_text(out, LIGHTTPD_MAINTENANCE);
    else
        (void)buf_format(
            out,
            "  url.redirect = ()\n"
            "  proxy.server = ( \"\" => ( ( \"host\" => \"%s\", \"port\" => %u ) ) )\n",
            inet_ntop(AF_INET, &in, address, sizeof address), r->port);
    (void)buf_text(out, "}\n");
}

void route_list_map(const struct route_list *l, enum route_form form, struct buf *out)
{
    const char *end = form == ROUTE_FORM_NGINX ? ";" : "";
    char place[32];

    buf_init(out, ROUTES_FILE_MAX);
    (void)buf_text(out, "# Made by sett-hands; a change here is lost.\n");
    for (size_t i = 0; i < l->count; i++) {
        if (form == ROUTE_FORM_LIGHTTPD) {
            lighttpd_block(&l->at[i], out);
            continue;
        }
        place_text(&l->at[i], "127.0.0.1:", place);
        (void)buf_format(out, "%s %s%s\n", l->at[i].hostname,
                         l->at[i].maintenance ? MAINTENANCE : place, end);
    }
}
