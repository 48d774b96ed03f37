#ifndef SETT_CLOUDFLARE_CONNECTORS_H
#define SETT_CLOUDFLARE_CONNECTORS_H
/* The programs that run a tunnel, as Cloudflare sees them. */
#include "cloudflare.h"

#define CLOUDFLARE_CONNECTORS_MAX 25 /* Cloudflare's own limit of a tunnel */
#define CLOUDFLARE_COLOS_MAX      4
#define CLOUDFLARE_LINKS_MAX      8 /* connections that are told of; a connector has four */

struct cloudflare_link {
    char colo[16], origin_ip[48]; /* data centre; from where */
    bool pending;                 /* it is being made anew */
    int64_t opened_at;
};

struct cloudflare_connector {
    char id[CLOUDFLARE_ID_SIZE], version[32], origin_ip[48];
    uint64_t config_version; /* of the remote configuration that it applied */
    uint32_t connections, colo_count;
    char colos[CLOUDFLARE_COLOS_MAX][16]; /* data centres, each once: "fra08" */
    int64_t run_at;
    char arch[24]; /* "linux_amd64" */
    uint32_t link_count;
    struct cloudflare_link links[CLOUDFLARE_LINKS_MAX];
};

/** cloudflare_connectors_list(c, tunnel, out, count, err): GET …/connections, the one place that
 * tells (the tunnel's own member `connections` is being emptied). Return 0 or -1. */
int cloudflare_connectors_list(struct cloudflare *c, const char *tunnel,
                               struct cloudflare_connector out[CLOUDFLARE_CONNECTORS_MAX],
                               uint32_t *count, struct err *err);

#endif
