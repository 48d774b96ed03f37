#ifndef SETT_ROUTE_LIST_H
#define SETT_ROUTE_LIST_H
/* Routes sorted by host name, as values: a list can be copied, changed and thrown away. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "buf.h"
#include "err.h"

#define ROUTES_MAX 100000

struct route {
    char *hostname; /* owned by the list */
    uint32_t port;
    uint32_t address; /* IPv4 in this machine's order, 0: 127.0.0.1 */
    uint64_t number;
    bool maintenance; /* visitors get a page of the web server's own instead */
};
struct route_list {
    struct route *at;
    size_t count, room;
};

/** route_list_free(l): give the memory back; the list is empty and usable again. */
void route_list_free(struct route_list *l);

/** route_list_find(l, hostname): the route, or NULL. */
const struct route *route_list_find(const struct route_list *l, const char *hostname);

/** route_list_set(l, hostname, address, port, number, maintenance): add or replace; port 0 takes it
 * out. 0, or -1 (full). */
int route_list_set(struct route_list *l, const char *hostname, uint32_t address, uint32_t port,
                   uint64_t number, bool maintenance);

/** route_list_copy(to, from): Return 0 or -1. */
int route_list_copy(struct route_list *to, const struct route_list *from);

/** route_list_hostname(s): whether ${s} may stand in a map: lower-case labels with a dot. */
int route_list_hostname(const char *s);

/** route_list_read(l, path, err): from a routes file; missing is empty. ERR_CORRUPT with the line.
 * 0 or -1. */
int route_list_read(struct route_list *l, const char *path, struct err *err);

/** route_list_text(l, out): a routes file, "hostname port number" (or "hostname address:port
 * number") a line and "maintenance" behind those that are. */
void route_list_text(const struct route_list *l, struct buf *out);

/* How a web server reads the tenants of the local ingress. */
enum route_form {
    ROUTE_FORM_NGINX,   /* of a map block: "hostname address:port;" or "hostname maintenance;" */
    ROUTE_FORM_PLAIN,   /* the same without ";": Apache's RewriteMap, Caddy's map */
    ROUTE_FORM_LIGHTTPD /* a condition for each host name */
};

/** route_form_of(kind): what "nginx", "apache2", "lighttpd", "caddy" reads; nginx's for all else.
 */
enum route_form route_form_of(const char *kind);

/** route_list_map(l, form, out): a web server's map. ${out} is initialised here. */
void route_list_map(const struct route_list *l, enum route_form form, struct buf *out);

#endif
