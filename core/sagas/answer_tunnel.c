/*
 * The status of a tunnel: its unit, its connector's own word, Cloudflare's, and the newest trouble
 * in its log, drawn together into one sentence. Apart from the other answers because each of its
 * four sources may be silent, and the answer is worth having all the same.
 */
#include "answer_parts.h"

#include <string.h>

#include "cloudflare_connectors.h"
#include "connector.h"
#include "json_out.h"
#include "str.h"

#define LOG_LINES 200
#define LOG_MAX   (256u * 1024u)

/* Everything that was found out. */
struct seen {
    struct hands_reply unit;
    bool present;
    struct connector_ready ready;
    bool answered; /* its metrics port */
    struct cloudflare_tunnel tunnel;
    struct cloudflare_connector connectors[CLOUDFLARE_CONNECTORS_MAX];
    uint32_t connector_count, connections;
    bool told; /* Cloudflare answered */
    struct connector_trouble trouble;
    bool troubled;
    struct err ready_why, provider_why;
};

/* ---- looking ---- */

static void look_at_provider(const struct answer_setup *s, const struct about *a, struct seen *seen)
{
    struct providers *p = outside_use(s->outside);
    struct cloudflare *c = &p->cloudflare;
    struct err *err = &seen->provider_why;

    if (!p->cloudflare_set) {
        *err = p->cloudflare_why;
    } else if (a->tunnel.cf_tunnel[0] == '\0') {
        (void)err_set(err, ERR_NOT_FOUND, "tunnel_unmade", "it is not made at Cloudflare yet");
    } else if (cloudflare_tunnel_get(c, a->tunnel.cf_tunnel, &seen->tunnel, err) == 0) {
        seen->told = seen->tunnel.deleted ||
                     cloudflare_connectors_list(c, a->tunnel.cf_tunnel, seen->connectors,
                                                &seen->connector_count, err) == 0;
    } else if (err->kind == ERR_NOT_FOUND) {
        seen->told = seen->tunnel.deleted = true;
    }
    outside_done(s->outside, p);
    for (uint32_t i = 0; i < seen->connector_count; i++)
        seen->connections += seen->connectors[i].connections;
}

static void look_at_log(const struct answer_setup *s, const struct about *a, struct seen *seen)
{
    struct hands_reply reply;
    struct err ignored = {0};
    struct buf log;

    buf_init(&log, LOG_MAX);
    if (answer_hands(s, a, HANDS_CONNECTOR_LOGS, LOG_LINES, &reply, &log, &ignored) == OUTCOME_OK)
        seen->troubled = connector_trouble(buf_string(&log), log.len, &seen->trouble);
    buf_free(&log);
}

static int look(const struct answer_setup *s, const struct about *a, struct seen *seen,
                struct err *err)
{
    enum outcome outcome = answer_hands(s, a, HANDS_CONNECTOR_STATUS, 0, &seen->unit, NULL, err);

    if (outcome != OUTCOME_OK && outcome != OUTCOME_ABSENT)
        return -1;
    seen->present = outcome == OUTCOME_OK;
    if (seen->present && seen->unit.running && seen->unit.port != 0)
        seen->answered = connector_ready(s->outside->probe, seen->unit.port, &seen->ready,
                                         &seen->ready_why) == 0;
    look_at_log(s, a, seen);
    look_at_provider(s, a, seen);
    return 0;
}

/* ---- what it comes to ---- */

enum state { GONE, STOPPED, STARTING, MUTE, UNCONNECTED, STRANGE, TROUBLED, FINE };

static enum state state_of(const struct seen *seen)
{
    if (seen->told && seen->tunnel.deleted)
        return GONE;
    if (!seen->present || !seen->unit.running)
        return STOPPED;
    if (!seen->answered)
        return seen->troubled && !seen->trouble.over && seen->trouble.edge ? UNCONNECTED : MUTE;
    if (seen->ready.connections == 0)
        return seen->troubled ? UNCONNECTED : STARTING;
    if (seen->told && seen->connections == 0)
        return STRANGE;
    return seen->troubled && !seen->trouble.edge && seen->trouble.code[0] != '\0' ? TROUBLED : FINE;
}

static const struct {
    const char *health; /* one word for programs */
    const char *text, *remedy;
} sentences[] = {
    [GONE] = {"gone", "Cloudflare has no such tunnel any more.",
              "Delete it here, too, and create it anew: sett tunnel delete, then sett tunnel "
              "create."},
    [STOPPED] = {"stopped", "Its connector does not run.", "sett tunnel restart starts it."},
    [STARTING] = {"starting", "Its connector runs and is not connected to the edge yet.", ""},
    [MUTE] = {"mute", "Its connector runs and does not answer on its metrics port.",
              "If this stays so: sett tunnel restart."},
    [UNCONNECTED] = {"unconnected", "Its connector runs and is not connected to the edge.",
                     "Its newest error says why."},
    [STRANGE] = {"lagging", "Its connector is connected, which Cloudflare's API does not show yet.",
                 "Ask again in a minute."},
    [TROUBLED] = {"degraded", "It is connected, and the service behind it gave trouble.",
                  "sett tunnel probe tells whether it still does."},
    [FINE] = {"healthy", "It is connected.", ""},
};

/* The newest error knows more than the sentence, where it is why. */
static void write_sentence(const struct about *a, const struct seen *seen, struct json_out *j)
{
    enum state state = state_of(seen);
    bool why = (state == UNCONNECTED || state == STOPPED || state == TROUBLED) && seen->troubled &&
               !seen->trouble.over && seen->trouble.cause[0] != '\0';
    char text[512];

    (void)str_format(text, sizeof text, "%s%s%s", sentences[state].text, why ? " " : "",
                     why ? seen->trouble.cause : "");
    if (state == FINE && a->waits[0] != '\0') { /* nobody comes by its name yet */
        (void)str_format(text, sizeof text, "It is connected, and its name does not lead to it: %s",
                         a->waits);
        json_out_key_text(j, "health", "unnamed");
        json_out_key_text(j, "summary", text);
        json_out_key_text(j, "remedy", a->waits_remedy);
        return;
    }
    json_out_key_text(j, "health", sentences[state].health);
    json_out_key_text(j, "summary", text);
    json_out_key_text(j, "remedy", why ? seen->trouble.remedy : sentences[state].remedy);
}

/* ---- writing ---- */

static void write_error(struct json_out *j, const char *key, const struct err *why)
{
    if (why->kind == ERR_NONE)
        json_out_key_null(j, key);
    else
        json_out_key_text(j, key, why->text);
}

static void write_unit(const struct seen *seen, struct json_out *j)
{
    const struct hands_reply *u = &seen->unit;

    json_out_key_bool(j, "connector_running", seen->present && u->running);
    json_out_key_u64(j, "connector_pid", u->pid);
    json_out_key_u64(j, "connector_restarts", u->restarts);
    json_out_key_time(j, "connector_since", u->status.started_at);
    json_out_key_i64(j, "connector_exit_code", u->status.exit_code);
}

static void write_ready(const struct seen *seen, struct json_out *j)
{
    const struct connector_ready *r = &seen->ready;

    json_out_key_bool(j, "ready", seen->answered && r->status == 200);
    json_out_key_u64(j, "ready_connections", r->connections);
    json_out_key(j, "edge_locations");
    json_out_array(j);
    for (uint32_t i = 0; i < r->location_count; i++)
        json_out_text(j, r->locations[i]);
    json_out_end_array(j);
    json_out_key_text(j, "connector_id", r->connector_id);
    json_out_key_text(j, "connector_version", r->version);
    json_out_key_u64(j, "config_version", r->config_version);
    json_out_key_u64(j, "requests", r->requests);
    json_out_key_u64(j, "request_errors", r->errors);
    write_error(j, "ready_error", &seen->ready_why);
}

static void write_links(const struct cloudflare_connector *c, struct json_out *j)
{
    json_out_key(j, "links");
    json_out_array(j);
    for (uint32_t i = 0; i < c->link_count; i++) {
        json_out_object(j);
        json_out_key_text(j, "colo", c->links[i].colo);
        json_out_key_time(j, "since", c->links[i].opened_at);
        json_out_key_text(j, "origin_ip", c->links[i].origin_ip);
        json_out_key_bool(j, "pending", c->links[i].pending);
        json_out_end_object(j);
    }
    json_out_end_array(j);
}

static void write_connector(const struct cloudflare_connector *c, struct json_out *j)
{
    json_out_object(j);
    json_out_key_text(j, "id", c->id);
    json_out_key_text(j, "version", c->version);
    json_out_key_u64(j, "connections", c->connections);
    json_out_key(j, "colos");
    json_out_array(j);
    for (uint32_t i = 0; i < c->colo_count; i++)
        json_out_text(j, c->colos[i]);
    json_out_end_array(j);
    json_out_key_u64(j, "config_version", c->config_version);
    json_out_key_text(j, "origin_ip", c->origin_ip);
    json_out_key_text(j, "arch", c->arch);
    json_out_key_time(j, "run_at", c->run_at);
    write_links(c, j);
    json_out_end_object(j);
}

static void write_provider(const struct seen *seen, struct json_out *j)
{
    json_out_key(j, "provider_status");
    if (seen->told)
        json_out_text(j, seen->tunnel.deleted ? "deleted" : seen->tunnel.status);
    else
        json_out_null(j);
    json_out_key_u64(j, "connectors", seen->connector_count);
    json_out_key_u64(j, "connections", seen->connections);
    json_out_key(j, "provider_connectors");
    json_out_array(j);
    for (uint32_t i = 0; i < seen->connector_count; i++)
        write_connector(&seen->connectors[i], j);
    json_out_end_array(j);
    write_error(j, "provider_error", &seen->provider_why);
}

static void write_trouble(const struct seen *seen, struct json_out *j)
{
    const struct connector_trouble *t = &seen->trouble;

    json_out_key(j, "last_error");
    if (!seen->troubled) {
        json_out_null(j);
        return;
    }
    json_out_object(j);
    json_out_key_text(j, "at", t->at);
    json_out_key_text(j, "line", t->line);
    json_out_key_text(j, "code", t->code);
    json_out_key_text(j, "cause", t->cause);
    json_out_key_text(j, "remedy", t->remedy);
    json_out_key_bool(j, "over", t->over);
    json_out_end_object(j);
}

static void begin(const struct about *a, struct json_out *j, struct buf *out)
{
    json_out_init(j, out);
    json_out_object(j);
    json_out_key_text(j, "object", "tunnel_status");
    json_out_key_text(j, "tunnel_id", a->tunnel.id);
    json_out_key_text(j, "state", tunnel_state_names[a->tunnel.state]);
    json_out_key_text(j, "ingress", a->tunnel.ingress);
    json_out_key_text(j, "hostname", a->tunnel.hostname);
}

/* A local tunnel is a line in the web server's map. */
static int local_status(const struct answer_setup *s, const struct about *a, struct buf *out,
                        struct err *err)
{
    struct hands_reply reply;
    struct json_out j;
    enum outcome outcome = answer_hands(s, a, HANDS_ROUTE_SHOW, 0, &reply, NULL, err);
    bool paused = a->tunnel.state == TUNNEL_PAUSED;
    bool routed = outcome == OUTCOME_OK && reply.number == a->tunnel.number;

    if (outcome != OUTCOME_OK && outcome != OUTCOME_ABSENT)
        return -1;
    begin(a, &j, out);
    json_out_key_text(&j, "health", routed ? "healthy" : "stopped");
    json_out_key_text(&j, "summary",
                      routed   ? "The web server leads its host name to the service."
                      : paused ? "Its tenant is suspended, and its host name leads nowhere."
                               : "The web server does not lead its host name anywhere.");
    json_out_key_text(&j, "remedy",
                      routed   ? ""
                      : paused ? "sett tenant resume brings it back."
                               : "sett tunnel restart puts it down anew.");
    json_out_key_bool(&j, "routed", routed);
    json_out_key_u64(&j, "port", reply.port);
    json_out_end_object(&j);
    return 0;
}

int answer_tunnel_status(const struct answer_setup *s, const struct about *a, struct buf *out,
                         struct err *err)
{
    struct seen *seen;
    struct json_out j;
    int result;

    if (!answer_connected(a))
        return local_status(s, a, out, err);
    if ((seen = calloc(1, sizeof *seen)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory to look at a tunnel");
    if ((result = look(s, a, seen, err)) == 0) {
        begin(a, &j, out);
        write_sentence(a, seen, &j);
        write_unit(seen, &j);
        write_ready(seen, &j);
        write_provider(seen, &j);
        write_trouble(seen, &j);
        json_out_end_object(&j);
    }
    free(seen);
    return result;
}
