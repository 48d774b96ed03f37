/* Who runs a tunnel, in Cloudflare's words. Apart from the tunnels' own calls because nothing
 * is made or decided by it: it is read by people. */
#include "cloudflare_connectors.h"

#include <string.h>

#include "clock.h"
#include "cloudflare_call.h"
#include "json_in.h"
#include "str.h"

/* Name of a data centre, once, for the connections of one connector. */
static void add_colo(struct cloudflare_connector *c, const char *colo)
{
    for (uint32_t i = 0; i < c->colo_count; i++)
        if (str_equal(c->colos[i], colo))
            return;
    if (c->colo_count < CLOUDFLARE_COLOS_MAX && colo[0] != '\0' &&
        str_copy(c->colos[c->colo_count], sizeof c->colos[0], colo) == 0)
        c->colo_count++;
}

static void add_link(struct cloudflare_connector *c, const struct cJSON *conn)
{
    struct cloudflare_link *link;

    if (c->link_count == CLOUDFLARE_LINKS_MAX)
        return;
    link = &c->links[c->link_count++];
    cloudflare_copy(conn, "colo_name", link->colo, sizeof link->colo);
    cloudflare_copy(conn, "origin_ip", link->origin_ip, sizeof link->origin_ip);
    link->pending = json_bool(conn, "is_pending_reconnect", false);
    (void)clock_parse(json_text(conn, "opened_at", ""), &link->opened_at);
}

static void read_connector(const struct cJSON *json, struct cloudflare_connector *c)
{
    const struct cJSON *conns = json_at(json, "conns"), *conn = NULL;

    memset(c, 0, sizeof *c);
    cloudflare_copy(json, "id", c->id, sizeof c->id);
    cloudflare_copy(json, "version", c->version, sizeof c->version);
    cloudflare_copy(json, "arch", c->arch, sizeof c->arch);
    c->config_version = (uint64_t)json_i64(json, "config_version", 0);
    (void)clock_parse(json_text(json, "run_at", ""), &c->run_at);
    while ((conn = json_next(conns, conn)) != NULL) {
        c->connections++;
        add_colo(c, json_text(conn, "colo_name", ""));
        add_link(c, conn);
        cloudflare_copy(conn, "origin_ip", c->origin_ip, sizeof c->origin_ip);
    }
}

int cloudflare_connectors_list(struct cloudflare *c, const char *tunnel,
                               struct cloudflare_connector out[CLOUDFLARE_CONNECTORS_MAX],
                               uint32_t *count, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE], escaped[CLOUDFLARE_ID_SIZE * 3];
    const struct cJSON *all, *item = NULL;
    struct cJSON *json;

    *count = 0;
    if (cloudflare_part(escaped, sizeof escaped, tunnel, err) == -1)
        return -1;
    (void)str_format(path, sizeof path, "/accounts/%s/cfd_tunnel/%s/connections", c->account,
                     escaped);
    if (cloudflare_call(c, "GET", path, NULL, CLOUDFLARE_MAY_TUNNEL, &json, err) == -1)
        return -1;
    all = json_at(json, "result");
    while ((item = json_next(all, item)) != NULL && *count < CLOUDFLARE_CONNECTORS_MAX)
        read_connector(item, &out[(*count)++]);
    json_free(json);
    return 0;
}
