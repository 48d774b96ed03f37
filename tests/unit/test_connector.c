/* What a connector says of itself: its log's lines and what is made of them, its metrics port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "canned.h"
#include "connector.h"

#define AT "2026-11-22T02:59:50Z "

static struct connector_trouble t;

static bool trouble(const char *log)
{
    return connector_trouble(log, strlen(log), &t);
}

/* Lines as the program writes them. */
static void test_lines(void **state)
{
    static const struct {
        const char *line, *code;
        bool edge;
    } rows[] = {
        {AT "ERR Register tunnel error from server side error=\"Unauthorized: Tunnel not found\" "
            "connIndex=0 event=0 ip=198.41.200.13",
         "tunnel_gone", true},
        {AT "ERR Register tunnel error from server side error=\"Unauthorized: Invalid tunnel "
            "secret\" connIndex=2",
         "tunnel_secret", true},
        {"Provided Tunnel token is not valid.", "token_bad", true},
        {"Failed to read token file: open /x: permission denied", "token_unread", true},
        {"Incorrect Usage: flag provided but not defined: -token-file", "connector_old", true},
        {AT "ERR Error opening metrics server listener error=\"listen tcp 127.0.0.1:20241: bind: "
            "address already in use\"",
         "port_taken", true},
        {AT "ERR edge discovery: error looking up Cloudflare edge IPs: the DNS query failed "
            "error=\"lookup _v2-origintunneld._tcp.argotunnel.com: no such host\"",
         "edge_dns", true},
        {AT "ERR  error=\"Unable to reach the origin service. The service may be down or it may "
            "not be responding to traffic from cloudflared: dial tcp 127.0.0.1:8089: connect: "
            "connection refused\" connIndex=1 event=1 ingressRule=0 originService=http://x",
         "origin_refused", false},
        {AT "ERR  error=\"Unable to reach the origin service. The service may be down or it may "
            "not be responding to traffic from cloudflared: x509: certificate is valid for "
            "pbx.local, not localhost\"",
         "origin_name", false},
        {AT "ERR  error=\"Unable to reach the origin service: tls: failed to verify certificate: "
            "x509: cannot validate certificate for 127.0.0.1 because it doesn't contain any IP "
            "SANs\"",
         "origin_name", false},
        {AT "ERR  error=\"Unable to reach the origin service: x509: certificate signed by unknown "
            "authority\"",
         "origin_certificate", false},
        {AT "ERR  error=\"Unable to reach the origin service: malformed HTTP response "
            "\\\"\\\\x15\\\\x03\\\\x01\\\\x00\\\\x02\\\\x02F\\\"\"",
         "origin_speaks_tls", false},
        {AT "ERR  error=\"Unable to reach the origin service: http: server gave HTTP response to "
            "HTTPS client\"",
         "origin_speaks_http", false},
        {AT "ERR Failed to dial a quic connection error=\"failed to dial to edge with quic: "
            "timeout: no recent network activity\" connIndex=0",
         "edge_quic", true},
        {AT "ERR Unable to establish connection with Cloudflare edge error=\"DialContext error: "
            "dial tcp 198.41.192.7:7844: i/o timeout\"",
         "edge_unreached", true},
        {"{\"level\":\"error\",\"time\":\"2026-11-22T02:59:50Z\",\"message\":\"Unauthorized: "
         "Tunnel not found\"}",
         "tunnel_gone", true},
        {AT "ERR something that nobody has seen yet", "", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true(trouble(rows[i].line));
        assert_string_equal(t.code, rows[i].code);
        assert_int_equal(t.edge, rows[i].edge);
        assert_int_equal(t.cause[0] == '\0', rows[i].code[0] == '\0');
        assert_int_equal(t.remedy[0] == '\0', rows[i].code[0] == '\0');
        if (strchr(rows[i].line, 'Z') != NULL)
            assert_string_equal(t.at, "2026-11-22T02:59:50Z");
    }
}

static void test_which(void **state)
{
    static const char gone[] = AT "ERR Unauthorized: Tunnel not found\n";
    static const char odd[] = "2026-11-22T03:00:00Z ERR of no kind\n";
    static const char refused[] = "2026-11-22T03:00:01Z ERR Unable to reach the origin service: "
                                  "connection refused\n";
    static const char joined[] = "2026-11-22T03:01:00Z INF Registered tunnel connection "
                                 "connIndex=0 location=fra08\n";
    char log[2048];

    (void)state;
    assert_false(trouble(""));
    assert_false(trouble(AT "INF Starting tunnel tunnelID=x\n" AT "WRN no ICMP\n"));
    assert_false(trouble(AT "ERR already connected to this server, trying another address\n"));
    (void)str_format(log, sizeof log, "%s%s", gone, odd);
    assert_true(trouble(log));
    assert_string_equal(t.code, "tunnel_gone"); /* known before newer and not */
    assert_false(t.over);
    (void)str_format(log, sizeof log, "%s%s%s", gone, odd, joined);
    assert_true(trouble(log));
    assert_true(t.over);
    (void)str_format(log, sizeof log, "%s%s%s", gone, joined, odd);
    assert_true(trouble(log));
    assert_string_equal(t.code, "");
    assert_false(t.over);
    /* That it connected says nothing about what is behind it. */
    (void)str_format(log, sizeof log, "%s%s", refused, joined);
    assert_true(trouble(log));
    assert_string_equal(t.code, "origin_refused");
    assert_false(t.over);
    memset(log, 'x', sizeof log);
    memcpy(log, AT "ERR ", 25);
    assert_true(connector_trouble(log, sizeof log, &t)); /* without an end, and long */
    assert_int_equal(strlen(t.line), sizeof t.line - 1);
}

static uint32_t port_of(const struct canned *c)
{
    uint64_t port = 0;

    assert_int_equal(str_u64(strrchr(c->url, ':') + 1, 1, 65535, &port), 0);
    return (uint32_t)port;
}

static void test_ready(void **state)
{
    struct connector_ready r;
    struct http_client *client;
    struct canned server;
    struct err err = {0};

    (void)state;
    assert_int_equal(http_init(&err), 0);
    assert_int_equal(http_client_new(&client, &err), 0);
    assert_int_equal(canned_start(&server, "plain"), 0);
    assert_int_equal(
        canned_routes(&server,
                      "{'GET /ready': [{'status': 200, 'body': "
                      "'{\\'status\\':200,\\'readyConnections\\':2,\\'connectorId\\':\\'c-1\\'}'}],"
                      "'GET /metrics': [{'status': 200, 'body': '# HELP x\\n"
                      "build_info{goversion=\\'go1.22\\',version=\\'2025.5.0\\'} 1\\n"
                      "cloudflared_tunnel_ha_connections 1\\n"
                      "cloudflared_tunnel_server_locations{connection_id=\\'0\\',"
                      "edge_location=\\'fra08\\'} 1\\n"
                      "cloudflared_tunnel_server_locations{connection_id=\\'0\\',"
                      "edge_location=\\'cdg01\\'} 0\\n"
                      "cloudflared_tunnel_server_locations{connection_id=\\'1\\',"
                      "edge_location=\\'ams03\\'} 1\\n"
                      "cloudflared_orchestration_config_version 7\\n"
                      "cloudflared_tunnel_total_requests 1.25e+06\\n'}]}"),
        0);
    assert_int_equal(connector_ready(client, port_of(&server), &r, &err), 0);
    assert_int_equal(r.status, 200);
    assert_int_equal(r.connections, 2);
    assert_string_equal(r.connector_id, "c-1");
    assert_string_equal(r.version, "2025.5.0");
    assert_int_equal(r.location_count, 2);
    assert_string_equal(r.locations[0], "fra08");
    assert_string_equal(r.locations[1], "ams03");
    assert_int_equal(r.config_version, 7);
    assert_int_equal(r.requests, 1250000);
    assert_int_equal(canned_routes(&server, "{'GET /ready': [{'status': 503, 'body': "
                                            "'{\\'status\\':503,\\'readyConnections\\':0}'}],"
                                            "'GET /metrics': [{'status': 404, 'body': ''}]}"),
                     0);
    assert_int_equal(connector_ready(client, port_of(&server), &r, &err), 0);
    assert_int_equal(r.status, 503);
    assert_int_equal(r.connections, 0);
    assert_int_equal(r.location_count, 0);
    /* Somebody else's port. */
    assert_int_equal(canned_routes(&server, "{'GET /ready': [{'status': 200, 'body': 'hello'}]}"),
                     0);
    assert_int_equal(connector_ready(client, port_of(&server), &r, &err), -1);
    assert_string_equal(err.code, "not_a_connector");
    canned_stop(&server);
    assert_int_equal(connector_ready(client, port_of(&server), &r, &err), -1);
    assert_int_equal(err.kind, ERR_NETWORK);
    http_client_free(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_which),
        cmocka_unit_test(test_ready),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
