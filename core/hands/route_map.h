#ifndef SETT_ROUTE_MAP_H
#define SETT_ROUTE_MAP_H
/*
 * The local ingress on the hands' side: one generated file that the box's own web server includes
 * in the form that it reads (route_list.h), sorted by host name; for a route in maintenance the web
 * server answers itself.
 *
 * The truth is the routes file ("hostname port number" a line, see route_list.h); the map is made
 * from it. A change is put into a new map beside the old one, which takes its place, is tested by
 * the web server's own test command, and loaded by SIGHUP or a command. A test that fails brings
 * the old map back, and every change of that round fails with the test's own words. At most one
 * round a second: all changes that wait are completed by one reload.
 */
#include <stdbool.h>
#include <stdint.h>
#include "err.h"

struct route_map;

struct route_map_setup {
    const char *routes; /* path of the truth */
    const char *map;    /* path of the generated file; its folder is made if missing */
    const char *test;   /* command line ("/usr/sbin/nginx -t -c /…"), or NULL: no test */
    const char *reload; /* command line, or NULL */
    const char *pid; /* pid file of the web server, or NULL; used without a reload command. A server
                        that does not run reads the map when it starts */
    const char *server; /* what `sett web-server enable` noted (web_note.h): read in each round; it
                           comes before the commands above. NULL: nginx, and those */
    uint32_t every_ms;  /* 0: 1000 */
    bool apart;         /* its commands run as units of systemd's (process_plan) */
};

/** route_map_new(out, setup, err): read the routes, make the map anew if it differs, start the
 * thread. Return 0 or -1. */
int route_map_new(struct route_map **out, const struct route_map_setup *setup, struct err *err);

/** route_map_free(m): changes that wait fail. */
void route_map_free(struct route_map *m);

/** route_map_set(m, hostname, port, number, maintenance, err): back when the web server knows it.
 * Fine if it is so. Another port or ${maintenance} for the same ${number} replaces the old.
 * ERR_CONFLICT: another number has the host name. ERR_UNAVAILABLE: refused by the test, with its
 * words. Return 0 or -1. */
int route_map_set(struct route_map *m, const char *hostname, uint32_t port, uint64_t number,
                  bool maintenance, struct err *err);

/** route_map_set_at(m, hostname, address, port, number, maintenance, err): likewise, to an IPv4
 * address (in this machine's order) that is not this box. Return 0 or -1. */
int route_map_set_at(struct route_map *m, const char *hostname, uint32_t address, uint32_t port,
                     uint64_t number, bool maintenance, struct err *err);

/** route_map_address(m, hostname): the address that it leads to, 0: this box, or no such route. */
uint32_t route_map_address(struct route_map *m, const char *hostname);

/** route_map_unset(m, hostname, number, err): fine if it is not there or another's. 0 or -1. */
int route_map_unset(struct route_map *m, const char *hostname, uint64_t number, struct err *err);

/** route_map_show(m, hostname, port, number, maintenance): Return 1, or 0 when there is none. */
int route_map_show(struct route_map *m, const char *hostname, uint32_t *port, uint64_t *number,
                   bool *maintenance);

struct route;

/** route_map_each(m, on, arg, err): call for each route, by host name, from a copy; ${on} returns
 * 0, or -1 having filled err to stop. Return 0 or -1. */
int route_map_each(struct route_map *m,
                   int (*on)(void *arg, const struct route *route, struct err *err), void *arg,
                   struct err *err);

#endif
