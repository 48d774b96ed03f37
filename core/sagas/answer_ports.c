/* Who listens on the ports of the pool that no tenant has. Apart from the other answers because it
 * is about the machine, and only the hands see whose a socket is. */
#include "answer_about.h"

#include <string.h>

#include "answer_parts.h"
#include "json_out.h"
#include "port_map.h"
#include "process_find.h"
#include "setting.h"

#define OWNERS_MOST 64 /* that are asked for by name in one look */

/* Tenants' own ports are taken out of the set. */
static int read_pool(const struct answer_setup *s, struct port_ranges *ranges,
                     uint8_t set[PROCESS_PORT_BYTES], struct err *err)
{
    char text[512];
    struct txn *txn;
    struct port port;
    struct scan scan;
    int got = -1;

    if (db_read(&txn, s->context->db, err) == -1)
        return -1;
    if (setting_text(txn, &s->context->conf, "ports.ranges", text, sizeof text, err) >= 0 &&
        port_ranges_read(ranges, text, err) == 0 &&
        scan_start(&scan, txn, &port_table, NULL, NULL, 0, false, err) == 0)
        while ((got = scan_next(&scan, &port, err)) == 1)
            if (port.tenant_id[0] != '\0' && port.port < 65536)
                set[port.port / 8] &= (uint8_t) ~(1u << port.port % 8);
    db_read_end(txn);
    return got;
}

static int write_one(const struct answer_setup *s, uint32_t port, struct json_out *j,
                     struct err *err)
{
    struct hands_request request = {.verb = HANDS_PORT_PROBE, .port = port};
    struct hands_reply reply;
    enum outcome outcome = outside_hands(s->outside, &request, ANSWER_ASK_MS, &reply, NULL, err);

    if (outcome != OUTCOME_OK && outcome != OUTCOME_ABSENT)
        return -1;
    json_out_object(j);
    json_out_key_u64(j, "port", port);
    json_out_key_text(j, "owner", outcome == OUTCOME_OK ? reply.owner : "");
    json_out_end_object(j);
    return 0;
}

int answer_ports(const struct answer_setup *s, const struct kv *params, struct buf *out,
                 struct err *err)
{
    uint8_t set[PROCESS_PORT_BYTES];
    struct port_ranges ranges;
    struct json_out j;
    uint32_t found = 0;

    (void)params;
    if (process_listening(set) == -1)
        return err_set(err, ERR_UNAVAILABLE, "ports_unseen",
                       "the list of sockets of this machine cannot be read");
    if (read_pool(s, &ranges, set, err) == -1)
        return -1;
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "port_scan");
    json_out_key_u64(&j, "looked", ranges.total);
    json_out_key(&j, "found");
    json_out_array(&j);
    for (uint32_t i = 0; i < ranges.count; i++)
        for (uint32_t port = ranges.at[i].low; port <= ranges.at[i].high; port++) {
            if (!(set[port / 8] >> port % 8 & 1) || found >= OWNERS_MOST)
                continue;
            if (write_one(s, port, &j, err) == -1)
                return -1;
            found++;
        }
    json_out_end_array(&j);
    json_out_end_object(&j);
    return 0;
}
