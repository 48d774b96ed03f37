/*
 * The Cloudflare ingress from end to end against the stateful fake: a route's life, things of
 * others in its way, and every fault of the provider at every call, which must end in exactly one
 * tunnel and one record and, undone, in none.
 */
#include "cloudflare_world.h"
#include "ingress_cloudflare.h"

#define SECRET       "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
#define OTHER_SECRET "IB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE="

static struct ingress ingress;

static void begin(void)
{
    world_begin();
    ingress_cloudflare(&ingress, &cf);
}

/* ---- a route ---- */

static void route_init(struct ingress_route *r)
{
    memset(r, 0, sizeof *r);
    r->number = 7;
    (void)str_copy(r->name, sizeof r->name, "sett-tun000007");
    (void)str_copy(r->mark, sizeof r->mark, "sett box_test tun_7");
    (void)str_copy(r->job_id, sizeof r->job_id, "job_one");
    (void)str_format(r->hostname, sizeof r->hostname, "acme.%s", domain);
    (void)str_copy(r->service, sizeof r->service, "http://127.0.0.1:3100");
}

/* One stage, asked until it answers something else than AGAIN. Facts go back into the route, as the
 * engine does it. */
static enum outcome drive(enum ingress_stage stage, enum ingress_verb verb, struct ingress_route *r,
                          const char *secret, struct err *err)
{
    enum outcome outcome = OUTCOME_AGAIN;
    struct kv facts;

    for (int attempt = 0; attempt < 8 && outcome == OUTCOME_AGAIN; attempt++) {
        kv_clear(&facts);
        err_clear(err);
        outcome = ingress.stage(ingress.self, stage, verb, r, secret, &facts, err);
        if (outcome == OUTCOME_AGAIN) {
            assert_true(err->kind != ERR_NONE);
            if (err->kind == ERR_RATE)
                clock_sleep_ms(1100);
        }
    }
    if (outcome == OUTCOME_OK && verb != INGRESS_UNDO) {
        if (kv_get(&facts, "cf_tunnel") != NULL)
            (void)str_copy(r->cf_tunnel, sizeof r->cf_tunnel, kv_get(&facts, "cf_tunnel"));
        if (kv_get(&facts, "cf_record") != NULL)
            (void)str_copy(r->cf_record, sizeof r->cf_record, kv_get(&facts, "cf_record"));
    }
    return outcome;
}

static void expect(enum outcome expected, enum ingress_stage stage, enum ingress_verb verb,
                   struct ingress_route *r, const char *secret)
{
    struct err err;
    enum outcome outcome = drive(stage, verb, r, secret, &err);

    if (outcome != expected)
        fail_msg("stage %d verb %d: outcome %d, %s: %s", (int)stage, (int)verb, (int)outcome,
                 err.code, err.text);
}

/* How many tunnels live and how many records there are. */
static void count(int *tunnels, int *records)
{
    struct cJSON *state = tell("state", NULL);
    const struct cJSON *all = json_at(state, "tunnels");

    *tunnels = 0;
    for (const struct cJSON *t = json_next(all, NULL); t != NULL; t = json_next(all, t))
        *tunnels += json_text(t, "deleted_at", NULL) == NULL;
    *records = json_size(state, "records");
    json_free(state);
}

static void assert_there(int tunnels, int records)
{
    int t, r;

    count(&t, &r);
    assert_int_equal(t, tunnels);
    assert_int_equal(r, records);
}

static const enum ingress_stage stages[] = {INGRESS_TUNNEL, INGRESS_RULES, INGRESS_CONNECTOR,
                                            INGRESS_DNS};

static void make_all(struct ingress_route *r)
{
    for (size_t i = 0; i < 4; i++)
        expect(OUTCOME_OK, stages[i], INGRESS_MAKE, r, SECRET);
}

static void undo_all(struct ingress_route *r)
{
    for (size_t i = 4; i > 0; i--)
        expect(OUTCOME_OK, stages[i - 1], INGRESS_UNDO, r, SECRET);
}

static void test_life(void **state)
{
    struct ingress_route r, blind;
    struct cJSON *said;
    char body[1200], made[CLOUDFLARE_TOKEN_SIZE];
    struct err err;

    (void)state;
    begin();
    route_init(&r);
    for (size_t i = 0; i < 4; i++)
        if (stages[i] != INGRESS_CONNECTOR)
            expect(OUTCOME_ABSENT, stages[i], INGRESS_CHECK, &r, SECRET);
    undo_all(&r); /* nothing is there: fine */
    make_all(&r);
    assert_there(1, 1);
    for (size_t i = 0; i < 4; i++)
        expect(OUTCOME_OK, stages[i], INGRESS_CHECK, &r, SECRET);
    make_all(&r); /* again: nothing new */
    assert_there(1, 1);
    said = tell("state", NULL);
    assert_string_equal(json_text(said, "records[0].comment", ""), "sett box_test tun_7 job_one");
    assert_true(json_bool(said, "records[0].proxied", false));
    assert_int_equal(json_i64(said, "tunnels[0].version", 0), 1);
    assert_string_equal(json_text(said, "tunnels[0].config_src", ""), "cloudflare");
    assert_string_equal(json_text(said, "tunnels[0].config.ingress[0].service", ""),
                        "http://127.0.0.1:3100");
    assert_string_equal(json_text(said, "tunnels[0].config.ingress[1].service", ""),
                        "http_status:404");
    json_free(said);

    /* after a crash nothing of the facts was kept: check finds all by name, secret and mark */
    route_init(&blind);
    expect(OUTCOME_OK, INGRESS_TUNNEL, INGRESS_CHECK, &blind, SECRET);
    assert_string_equal(blind.cf_tunnel, r.cf_tunnel);
    expect(OUTCOME_OK, INGRESS_DNS, INGRESS_CHECK, &blind, NULL);
    assert_string_equal(blind.cf_record, r.cf_record);

    /* another service: the rule is replaced, and counted */
    (void)str_copy(r.service, sizeof r.service, "http://127.0.0.1:3200");
    r.no_tls_verify = true;
    expect(OUTCOME_ABSENT, INGRESS_RULES, INGRESS_CHECK, &r, NULL);
    expect(OUTCOME_OK, INGRESS_RULES, INGRESS_MAKE, &r, NULL);
    said = tell("state", NULL);
    assert_int_equal(json_size(said, "tunnels[0].config.ingress"), 2);
    assert_int_equal(json_i64(said, "tunnels[0].version", 0), 2);
    assert_true(json_bool(said, "tunnels[0].config.ingress[0].originRequest.noTLSVerify", false));
    json_free(said);

    /* a connector still runs: the tunnel stays until it has gone */
    assert_int_equal(cloudflare_connector_token(account, r.cf_tunnel, SECRET, made, &err), 0);
    (void)str_format(body, sizeof body, "{\"token\":\"%s\",\"connector\":\"c1\"}", made);
    json_free(tell("connect", body));
    undo_all(&r);
    assert_there(0, 0);
    world_end();
}

/* In maintenance the edge itself answers: same rule, same record, same connector. */
static void test_maintenance(void **state)
{
    struct ingress_route r;
    struct cJSON *said;

    (void)state;
    begin();
    route_init(&r);
    make_all(&r);
    r.maintenance = true;
    expect(OUTCOME_ABSENT, INGRESS_RULES, INGRESS_CHECK, &r, NULL);
    expect(OUTCOME_OK, INGRESS_RULES, INGRESS_MAKE, &r, NULL);
    expect(OUTCOME_OK, INGRESS_RULES, INGRESS_CHECK, &r, NULL);
    expect(OUTCOME_OK, INGRESS_DNS, INGRESS_CHECK, &r, NULL);
    said = tell("state", NULL);
    assert_int_equal(json_size(said, "tunnels[0].config.ingress"), 2);
    assert_string_equal(json_text(said, "tunnels[0].config.ingress[0].hostname", ""), r.hostname);
    assert_string_equal(json_text(said, "tunnels[0].config.ingress[0].service", ""),
                        "http_status:503");
    json_free(said);
    r.maintenance = false;
    expect(OUTCOME_ABSENT, INGRESS_RULES, INGRESS_CHECK, &r, NULL);
    expect(OUTCOME_OK, INGRESS_RULES, INGRESS_MAKE, &r, NULL);
    said = tell("state", NULL);
    assert_int_equal(json_size(said, "tunnels[0].config.ingress"), 2);
    assert_string_equal(json_text(said, "tunnels[0].config.ingress[0].service", ""),
                        "http://127.0.0.1:3100");
    json_free(said);
    undo_all(&r);
    assert_there(0, 0);
    world_end();
}

static void test_other_name(void **state)
{
    struct ingress_route r, old;
    struct cJSON *said;

    (void)state;
    begin();
    route_init(&r);
    make_all(&r);
    old = r;
    (void)str_format(r.hostname, sizeof r.hostname, "other.%s", domain);
    r.cf_record[0] = '\0';
    expect(OUTCOME_OK, INGRESS_RULES, INGRESS_MAKE, &r, SECRET);
    expect(OUTCOME_OK, INGRESS_DNS, INGRESS_MAKE, &r, SECRET);
    assert_there(1, 2);
    expect(OUTCOME_OK, INGRESS_DNS, INGRESS_UNDO, &old, SECRET);
    expect(OUTCOME_OK, INGRESS_RULES, INGRESS_UNDO, &old, SECRET);
    said = tell("state", NULL);
    assert_int_equal(json_size(said, "records"), 1);
    assert_string_equal(json_text(said, "records[0].name", ""), r.hostname);
    assert_int_equal(json_size(said, "tunnels[0].config.ingress"), 2);
    assert_string_equal(json_text(said, "tunnels[0].config.ingress[0].hostname", ""), r.hostname);
    json_free(said);
    /* the tunnel was deleted by hand: made anew, and the record follows it */
    undo_all(&old);
    assert_there(0, 1);
    make_all(&r);
    assert_there(1, 1);
    expect(OUTCOME_OK, INGRESS_DNS, INGRESS_CHECK, &r, SECRET);
    world_end();
}

static void test_foreign(void **state)
{
    struct ingress_route r;
    struct cloudflare_tunnel theirs;
    char body[400];
    struct err err;

    (void)state;
    begin();
    route_init(&r);
    /* a tunnel of our name with another secret: another box of the same account */
    assert_int_equal(cloudflare_tunnel_create(&cf, r.name, OTHER_SECRET, true, &theirs, &err), 0);
    expect(OUTCOME_ABSENT, INGRESS_TUNNEL, INGRESS_CHECK, &r, SECRET);
    assert_int_equal(drive(INGRESS_TUNNEL, INGRESS_MAKE, &r, SECRET, &err), OUTCOME_FAIL);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_string_equal(err.code, "tunnel_name_taken");
    assert_non_null(strstr(err.text, r.name));
    expect(OUTCOME_OK, INGRESS_TUNNEL, INGRESS_UNDO, &r, SECRET);
    expect(OUTCOME_OK, INGRESS_TUNNEL, INGRESS_UNDO, &r, NULL); /* nothing proves it ours */
    assert_there(1, 0);
    assert_int_equal(cloudflare_tunnel_delete(&cf, theirs.id, &err), 0);

    /* a record of that name, made by hand */
    make_all(&r);
    expect(OUTCOME_OK, INGRESS_DNS, INGRESS_UNDO, &r, SECRET);
    r.cf_record[0] = '\0';
    (void)str_format(body, sizeof body,
                     "{\"type\":\"A\",\"name\":\"%s\",\"content\":\"192.0.2.1\","
                     "\"comment\":\"sett box_test tun_77\"}",
                     r.hostname);
    json_free(tell("record", body));
    expect(OUTCOME_ABSENT, INGRESS_DNS, INGRESS_CHECK, &r, SECRET);
    assert_int_equal(drive(INGRESS_DNS, INGRESS_MAKE, &r, SECRET, &err), OUTCOME_FAIL);
    assert_int_equal(err.kind, ERR_CONFLICT);
    assert_string_equal(err.code, "dns_record_foreign");
    assert_non_null(strstr(err.text, r.hostname));
    assert_true(err.hint[0] != '\0');
    expect(OUTCOME_OK, INGRESS_DNS, INGRESS_UNDO, &r, SECRET);
    assert_there(1, 1);
    world_end();
}

/* One that leads to another tunnel of this box outlived that: two never have one name. */
static void test_outlived(void **state)
{
    struct ingress_route r;
    struct cJSON *said;
    char body[400];

    (void)state;
    begin();
    route_init(&r);
    make_all(&r);
    expect(OUTCOME_OK, INGRESS_DNS, INGRESS_UNDO, &r, SECRET);
    r.cf_record[0] = '\0';
    (void)str_format(body, sizeof body,
                     "{\"type\":\"CNAME\",\"name\":\"%s\",\"proxied\":true,\"content\":"
                     "\"c1744f8b-faa1-48a4-9e5c-02ac921467fa.cfargotunnel.com\","
                     "\"comment\":\"sett box_test tun_77\"}",
                     r.hostname);
    json_free(tell("record", body));
    expect(OUTCOME_OK, INGRESS_DNS, INGRESS_MAKE, &r, SECRET);
    said = tell("state", NULL);
    assert_int_equal(json_size(said, "records"), 1);
    assert_null(strstr(json_text(said, "records[0].content", ""), "c1744f8b"));
    json_free(said);
    world_end();
}

/* ---- faults ---- */

static const char *const calls[] = {
    "GET /accounts/*/cfd_tunnel",     "POST /accounts/*/cfd_tunnel",
    "GET /accounts/*/token",          "GET /accounts/*/configurations",
    "PUT /accounts/*/configurations", "GET /zones/*/dns_records",
    "POST /zones/*/dns_records",      "DELETE /zones/*/dns_records/*",
    "DELETE /accounts/*/connections", "DELETE /accounts/*/cfd_tunnel/*",
};
static const char *const faults[] = {"refuse", "lose", "409", "500", "garbage", "wrong-id", "lag"};

static void plan(const char *match, const char *fault)
{
    char rule[256];

    (void)str_format(rule, sizeof rule,
                     "[{\"match\":\"%s\",\"from\":1,\"times\":1,\"fault\":\"%s\"}]", match, fault);
    json_free(tell("faults", rule));
}

/* Made under a fault; undone under the same fault by somebody who kept no facts but the secret. */
static void under(const char *match, const char *fault)
{
    struct ingress_route r, blind;
    struct cJSON *said;
    int tunnels, records;

    begin();
    route_init(&r);
    plan(match, fault);
    make_all(&r);
    count(&tunnels, &records);
    if (tunnels != 1 || records != 1)
        fail_msg("%s under %s: %d tunnels, %d records made", match, fault, tunnels, records);
    said = tell("state", NULL);
    assert_string_equal(json_text(said, "records[0].comment", ""), "sett box_test tun_7 job_one");
    json_free(said);
    plan(match, fault);
    route_init(&blind);
    undo_all(&blind);
    count(&tunnels, &records);
    if (tunnels != 0 || records != 0)
        fail_msg("%s under %s: %d tunnels, %d records left", match, fault, tunnels, records);
    world_end();
}

static void test_faults(void **state)
{
    (void)state;
    for (size_t c = 0; c < sizeof calls / sizeof calls[0]; c++)
        for (size_t f = 0; f < sizeof faults / sizeof faults[0]; f++) {
            bool list = str_ends(calls[c], "cfd_tunnel") || str_ends(calls[c], "dns_records");
            if (str_equal(faults[f], "lag") && (!list || !str_starts(calls[c], "GET")))
                continue; /* only lists lag */
            under(calls[c], faults[f]);
        }
    under("GET /zones/*/dns_records", "429"); /* costs a second: at one call for all */
}

static void test_hopeless(void **state)
{
    struct ingress_route r;
    struct err err;

    (void)state;
    begin();
    route_init(&r);
    (void)str_copy(cf.token, sizeof cf.token, "cf-wrong-token-0123456789abcdefghijklmnop");
    assert_int_equal(drive(INGRESS_TUNNEL, INGRESS_MAKE, &r, SECRET, &err), OUTCOME_FAIL);
    assert_true(err.kind == ERR_FORBIDDEN || err.kind == ERR_UNAUTHENTICATED);
    assert_true(err.hint[0] != '\0');
    (void)str_copy(cf.token, sizeof cf.token, token);
    assert_int_equal(drive(INGRESS_TUNNEL, INGRESS_MAKE, &r, NULL, &err), OUTCOME_FAIL);
    assert_string_equal(err.code, "tunnel_secret_gone");
    assert_int_equal(drive(INGRESS_RULES, INGRESS_MAKE, &r, SECRET, &err), OUTCOME_FAIL);
    assert_int_equal(drive(INGRESS_DNS, INGRESS_MAKE, &r, SECRET, &err), OUTCOME_FAIL);
    assert_there(0, 0);
    world_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),       cmocka_unit_test(test_maintenance),
        cmocka_unit_test(test_other_name), cmocka_unit_test(test_foreign),
        cmocka_unit_test(test_outlived),   cmocka_unit_test(test_faults),
        cmocka_unit_test(test_hopeless),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
