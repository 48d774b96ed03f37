/* What a probe's findings come to, cause by cause, and which of two causes is told; addresses of
 * services. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "origin.h"
#include "probe.h"
#include "str.h"

/* "name=value name=value" */
static void take(struct kv *facts, const char *text)
{
    while (*text != '\0') {
        char name[64], value[256];
        size_t n = strcspn(text, "="), v = strcspn(text + n + 1, " ");
        assert_int_equal(str_copy_n(name, sizeof name, text, n), 0);
        assert_int_equal(str_copy_n(value, sizeof value, text + n + 1, v), 0);
        assert_int_equal(kv_set(facts, name, value), 0);
        text += n + 1 + v;
        text += *text == ' ';
    }
}

#define TUNNEL                                                                                     \
    "tunnel_id=tun_1 tunnel_number=7 hostname=a.example.com url=https://a.example.com/ "           \
    "probe.tenant=3 service=http://localhost:8080 probe.path=/ws ingress="
#define CF    TUNNEL "cloudflare cf_tunnel=t-1 "
#define LOCAL TUNNEL "local "
#define HERE  "probe.at=localhost:8080 probe.reach=open probe.speaks=http probe.status=200 "
#define WAY   "probe.connector=connected probe.tunnel=healthy probe.rule=fine probe.record=fine "

static const struct {
    const char *facts, *code, *change, *command;
} cases[] = {
    {CF HERE WAY "probe.door=200", "fine", "Nothing", ""},
    {CF HERE WAY "probe.websocket=1 probe.door=404 probe.door_websocket=1", "fine", "", ""},
    {CF HERE WAY "probe.elsewhere=/x/ws probe.door=200", "fine", "/x/ws", ""},
    {CF WAY "probe.reach=open probe.speaks=stream", "fine", "Nothing", ""},
    {CF "probe.reach=open probe.speaks=stream probe.connector=stopped", "connector_down", "Start",
     "sett tunnel restart 7"},
    {CF HERE "probe.suspended=1 probe.reach=refused", "suspended", "Resume",
     "sett tenant resume 3"},
    {CF HERE "maintenance=1 probe.door=503", "maintenance", "End", "sett tenant update 3 --"},
    {CF "probe.reach=invalid probe.why=no", "service_invalid", "http://", ""},
    {"probe.url=http://x/ probe.reach=forbidden", "address_not_public", "public", ""},
    {CF "probe.reach=no_name", "service_unknown", "/etc/hosts", ""},
    {CF "probe.reach=refused probe.door=502", "service_down", "Restart", "sett tenant restart 3"},
    {"probe.url=http://x:1/ probe.at=x:1 probe.reach=refused", "service_down", "Start", ""},
    {CF "probe.reach=silent", "service_unreached", "through", ""},
    {CF "probe.at=localhost:8089 probe.reach=open probe.speaks=https probe.door=502", "wants_https",
     "https://localhost:8089",
     "sett rule create 7 --hostname a.example.com --path ^/ --service https://localhost:8089 "
     "--position 1 --no-tls-verify true"},
    {"probe.url=https://x:1/ probe.at=x:1 probe.reach=open probe.speaks=http", "wants_http",
     "http://x:1", ""},
    {CF "probe.reach=open probe.speaks=other", "not_http", "tcp://", ""},
    {CF "probe.reach=open probe.speaks=silent", "service_silent", "log", "sett tenant restart 3"},
    {CF HERE "probe.tunnel=deleted", "tunnel_gone", "anew", "sett tunnel delete 7"},
    {CF HERE "probe.connector=stopped", "connector_down", "Start", "sett tunnel restart 7"},
    {CF HERE "probe.connector=unconnected", "not_connected", "7844", ""},
    {CF HERE "probe.connector=unconnected probe.cause=x probe.remedy=y", "not_connected", "y", ""},
    {CF HERE "probe.connector=connected probe.rule=none probe.door=404", "no_rule", "anew",
     "sett tunnel configure 7"},
    {CF HERE "probe.connector=connected probe.rule=empty probe.door=503", "no_rule", "anew", ""},
    {LOCAL HERE "probe.rule=none probe.door=421", "no_rule", "anew", "sett tunnel restart 7"},
    {CF HERE "probe.rule=other probe.leads=http://x probe.door=502", "rule_elsewhere",
     "http://localhost:8080", ""},
    {CF HERE "probe.record=none probe.door=530 probe.door_code=1016", "record_missing",
     "t-1.cfargotunnel.com", "sett drift scan"},
    {CF HERE "probe.record=elsewhere probe.content=z probe.door_code=1033", "record_elsewhere",
     "t-1.cfargotunnel.com", ""},
    {CF HERE "probe.record=unproxied probe.door_failure=no_name", "record_unproxied", "proxied",
     "sett drift scan"},
    {CF HERE "probe.record=pending probe.content=muster.de", "zone_pending", "name servers",
     "sett domain instructions muster.de"},
    {CF HERE "probe.record=unproved probe.content=pending", "hostname_unproved", "prove",
     "sett domain instructions a.example.com"},
    {CF HERE "probe.connector=connected probe.record=foreign probe.door=404", "door_404", "", ""},
    {CF HERE WAY "probe.name=none probe.door_failure=no_name", "name_unknown", "registrar", ""},
    {CF HERE WAY "probe.name=tunnel probe.door_failure=no_name", "record_unproxied", "proxy", ""},
    {LOCAL HERE "probe.rule=fine probe.name=none probe.door_failure=no_name", "name_unknown",
     "A record", ""},
    {LOCAL HERE "probe.rule=fine probe.name=none probe.door=200", "name_unknown", "A record", ""},
    {CF HERE WAY "probe.certificate=own probe.door=502", "certificate_untrusted", "noTLSVerify",
     "sett rule create 7 --hostname a.example.com --path ^/ --service http://localhost:8080 "},
    {CF HERE WAY "probe.certificate=own probe.door=502 probe.rule_id=rul_1",
     "certificate_untrusted", "noTLSVerify", "sett rule update rul_1 --no-tls-verify true"},
    {CF HERE WAY "probe.certificate=name probe.names=pbx.local probe.rule_id=rul_1 probe.door=502",
     "certificate_name", "pbx.local", "sett rule update rul_1 --origin-server-name pbx.local"},
    {CF HERE WAY "probe.certificate=name probe.names=pbx.local,x probe.door=502",
     "certificate_name", "originServerName pbx.local", ""},
    {CF HERE WAY "probe.certificate=expired probe.door=502", "certificate_expired", "Renew", ""},
    /* A rule that does not look at the certificate: what is wrong with it does not matter. */
    {CF HERE WAY "probe.certificate=unchecked probe.door=200", "fine", "", ""},
    {CF WAY "probe.reach=open probe.speaks=http probe.status=404 probe.elsewhere=/asterisk/ws "
            "probe.door=404",
     "wrong_path", "/asterisk/ws", ""},
    {CF WAY "probe.reach=open probe.speaks=http probe.status=404 probe.door=404", "path_unknown",
     "--path", ""},
    {CF WAY "probe.reach=open probe.speaks=http probe.status=500 probe.door=500", "service_fails",
     "log", "sett tenant restart 3"},
    {CF HERE WAY "probe.door=302 probe.door_location=https://a.example.com/ws", "redirect_loop",
     "X-F", ""},
    {CF HERE WAY "probe.door=302 probe.door_location=https://x.cloudflareaccess.com/cdn", "access",
     "Sign in", ""},
    {CF HERE WAY "probe.door_failure=tls", "door_certificate", "zone is new", ""},
    {LOCAL HERE "probe.rule=fine probe.door_failure=refused", "door_shut", "web server", ""},
    {CF HERE WAY "probe.door=530 probe.door_code=1033", "error_1033", "minute", ""},
    {CF HERE WAY "probe.door=530 probe.door_code=1016", "error_1016", "CNAME", ""},
    {CF HERE WAY "probe.door=502", "error_502", "noTLSVerify", ""},
    {CF HERE WAY "probe.door=503", "error_503", "rules", ""},
    {CF HERE WAY "probe.door=521", "error_521", "CNAME", ""},
    {CF HERE WAY "probe.door=404", "door_404", "path", ""},
    {CF HERE WAY "probe.websocket=1 probe.door=404 probe.door_websocket=0", "door_404", "", ""},
    {CF WAY "probe.reach=open probe.speaks=http probe.status=404 probe.websocket=1 probe.door=404 "
            "probe.door_websocket=0",
     "door_404", "", ""},
    {CF HERE WAY "probe.websocket=1 probe.door=200 probe.door_websocket=0", "door_websocket",
     "Network", ""},
    {LOCAL HERE "probe.rule=fine probe.websocket=1 probe.door=200 probe.door_websocket=0",
     "door_websocket", "Upgrade", ""},
    {CF HERE WAY "probe.door=403", "unknown", "", ""},
};

static void test_verdicts(void **state)
{
    struct probe_verdict v;
    struct kv facts;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kv_clear(&facts);
        take(&facts, cases[i].facts);
        probe_verdict(&facts, &v);
        if (!str_equal(v.code, cases[i].code))
            fail_msg("%s: %s, not %s", cases[i].facts, v.code, cases[i].code);
        if (strstr(v.change, cases[i].change) == NULL || v.cause[0] == '\0')
            fail_msg("%s: \"%s\" \"%s\"", v.code, v.cause, v.change);
        if (!str_starts(v.command, cases[i].command))
            fail_msg("%s: \"%s\"", v.code, v.command);
        assert_int_equal(v.fine, str_equal(v.code, "fine"));
    }
}

/* One label below the domain is covered; more are not. */
static void test_deep_name(void **state)
{
    struct probe_verdict v;
    struct kv facts;

    (void)state;
    kv_clear(&facts);
    take(&facts, CF HERE WAY "probe.door_failure=tls");
    (void)kv_set(&facts, FACT_HOSTNAME, "pbx.acme.example.com");
    probe_verdict(&facts, &v);
    assert_string_equal(v.code, "edge_certificate");
    assert_non_null(strstr(v.change, "one label"));
}

/* Pages of the edge, for programs and for browsers, and others' that only look alike. */
static void test_edge_pages(void **state)
{
    static const struct {
        long status;
        const char *body;
        long code;
    } pages[] = {
        {530, "error code: 1033", 1033},
        {530, "error code: 1016\n", 1016},
        {502, "error code: 502", 502},
        {530,
         "<!DOCTYPE html><title>Cloudflare Tunnel error | x</title><span "
         "class=\"cf-error-type\">Error</span> <span class=\"cf-error-code\">1033</span>",
         1033},
        {502,
         "<title>x | 502: Bad gateway</title><span class=\"inline-block\">Bad gateway</span><span "
         "class=\"code-label\">Error code 502</span>",
         502},
        {404, "", 0},
        {200, "error code: 1033", 0},
        {500, "our own error code: none", 0},
    };
    struct http_answer answer;

    (void)state;
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        http_answer_init(&answer, 4096);
        answer.status = pages[i].status;
        assert_int_equal(buf_text(&answer.body, pages[i].body), 0);
        assert_int_equal(probe_edge_code(&answer), pages[i].code);
        http_answer_free(&answer);
    }
}

static void test_addresses(void **state)
{
    static const struct {
        const char *text;
        enum origin_kind kind;
        const char *host;
        uint32_t port;
        const char *path;
    } good[] = {
        {"http://localhost:8080", ORIGIN_HTTP, "localhost", 8080, ""},
        {"https://localhost/", ORIGIN_HTTP, "localhost", 443, "/"},
        {"wss://pbx.example.com/ws?x=1#y", ORIGIN_HTTP, "pbx.example.com", 443, "/ws?x=1"},
        {"http://[::1]:8089/ws", ORIGIN_HTTP, "::1", 8089, "/ws"},
        {"http://[::1]", ORIGIN_HTTP, "::1", 80, ""},
        {"tcp://10.0.0.1:5060", ORIGIN_STREAM, "10.0.0.1", 5060, ""},
        {"ssh://host", ORIGIN_STREAM, "host", 22, ""},
        {"unix:/run/x.sock", ORIGIN_UNIX, "localhost", 0, ""},
        {"http_status:404", ORIGIN_NONE, "", 0, ""},
    };
    static const char *const bad[] = {"",
                                      "localhost:80",
                                      "http://",
                                      "http://:80",
                                      "http://u:p@host/",
                                      "http://host:0",
                                      "http://host:65536",
                                      "http://host:8x",
                                      "http://ho st/",
                                      "http://host/\r\nX: y",
                                      "http://[::1",
                                      "http://[::1]x",
                                      "tcp://host",
                                      "unix:relative",
                                      "://x"};
    struct origin o;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        if (origin_parse(good[i].text, &o, &err) == -1)
            fail_msg("%s: %s", good[i].text, err.text);
        assert_int_equal(o.kind, good[i].kind);
        assert_string_equal(o.host, good[i].host);
        assert_int_equal(o.port, good[i].port);
        assert_string_equal(o.path, good[i].path);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (origin_parse(bad[i], &o, &err) == 0)
            fail_msg("\"%s\" was taken", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_deep_name),
        cmocka_unit_test(test_edge_pages),
        cmocka_unit_test(test_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
