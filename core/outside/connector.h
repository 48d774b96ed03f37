#ifndef SETT_CONNECTOR_H
#define SETT_CONNECTOR_H
/*
 * What a running cloudflared says of itself: on its metrics port (GET /ready, GET /metrics; names
 * as of 2025.5.0) and in its log. Its metric cloudflared_tunnel_ha_connections is not looked at: it
 * was seen to be 1 while nothing was connected.
 */
#include "http.h"

#define CONNECTOR_LOCATIONS 8 /* more connections than a connector has */

struct connector_ready {
    long status;          /* of /ready: 200 with at least one connection, else 503 */
    uint32_t connections; /* to the edge, now */
    char connector_id[40];
    char version[32]; /* of the program, "" if /metrics does not tell */
    uint32_t location_count;
    char locations[CONNECTOR_LOCATIONS][16]; /* of the edge, one a connection: "fra08" */
    uint64_t config_version;                 /* of the remote configuration that it applied */
    uint64_t requests, errors;               /* that it passed on; that the service failed */
};

/** connector_ready(c, port, out, err): ask the connector whose metrics port on 127.0.0.1 this is. A
 * /metrics that does not answer leaves its part empty. ERR_NETWORK when nobody answers, ERR_INVALID
 * when somebody else does. Return 0 or -1. */
int connector_ready(struct http_client *c, uint32_t port, struct connector_ready *out,
                    struct err *err);

/* The newest line of a log that tells of trouble. */
struct connector_trouble {
    char at[40];                /* when, as the line says it; "" if it does not */
    char line[400];             /* cut if longer */
    const char *code;           /* "tunnel_gone" */
    const char *cause, *remedy; /* in plain words; "" when the line is none that we know */
    bool edge;                  /* between connector and edge, not behind the connector */
    bool over;                  /* the edge's: it has connected since */
};

/** connector_trouble(log, len, out): the newest line of level ERR or FTL, in the program's own
 * format or as JSON, or one that says that it cannot start. A line whose cause is known is taken
 * before a newer one whose is not. Return whether there is any. */
bool connector_trouble(const char *log, size_t len, struct connector_trouble *out);

#endif
