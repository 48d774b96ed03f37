/* A tunnel's rules as one list: everything that is wrong told at once and by place, a list put in
 * place without losing what it does not say, and the way back to former versions. */
#include "ops_world.h"

#include "guard.h"
#include "rule.h"
#include "rule_past.h"
#include "tenant.h"
#include "tunnel.h"

#define HOME "http://127.0.0.1:3100"

struct seed {
    struct tenant tenant;
    struct tunnel tunnel, other;
};

static int plant(struct txn *txn, void *arg, struct err *err)
{
    struct seed *s = arg;

    id_make(s->tenant.id, "tn");
    s->tenant.number = 1;
    s->tenant.state = TENANT_ACTIVE;
    (void)str_copy(s->tenant.subdomain, sizeof s->tenant.subdomain, "acme");
    (void)str_copy(s->tunnel.tenant_id, sizeof s->tunnel.tenant_id, s->tenant.id);
    (void)str_copy(s->tunnel.hostname, sizeof s->tunnel.hostname, "acme.example.com");
    (void)str_copy(s->tunnel.service, sizeof s->tunnel.service, HOME);
    (void)str_copy(s->tunnel.ingress, sizeof s->tunnel.ingress, "cloudflare");
    (void)str_copy(s->other.hostname, sizeof s->other.hostname, "taken.example.com");
    (void)str_copy(s->other.ingress, sizeof s->other.ingress, "cloudflare");
    return record_insert(txn, &tenant_table, &s->tenant, err) == 0 &&
                   tunnel_new(txn, &s->tunnel, err) == 0 && tunnel_new(txn, &s->other, err) == 0
               ? 0
               : -1;
}

/* A rule as a customer's domain has it: it follows the own route. */
static int add_domain(struct txn *txn, void *arg, struct err *err)
{
    struct rule rule = {.is = {.hostname = "mustermann.de"}, .note = RULE_NOTE_DOMAIN "dom_1"};

    return rule_new(txn, &((struct seed *)arg)->tunnel, &rule, RULE_PLACE_END, err);
}

static struct seed *open(struct ops_world *w)
{
    static struct seed s;

    ops_world_open(w);
    memset(&s, 0, sizeof s);
    assert_int_equal(db_write(w->box.db, plant, &s, &w->err), 0);
    return &s;
}

/* A list of rules as the parameter `config`. */
#define LIST(rules_) "\"config\":\"{\\\"ingress\\\":[" rules_ "]}\""
#define RULE(host_, path_, service_)                                                               \
    "{\\\"hostname\\\":\\\"" host_ "\\\",\\\"path\\\":\\\"" path_                                  \
    "\\\",\\\"service\\\":\\\"" service_ "\\\"}"
#define OWN  RULE("acme.example.com", "", HOME)
#define LAST "{\\\"service\\\":\\\"http_status:404\\\"}"

/* "2 path bad_regex, …" of the answer's member. */
static const char *faults(const struct ops_world *w, const char *member)
{
    static char out[2000];
    const struct cJSON *all = json_at(w->answer, member), *item = NULL;
    size_t len = 0;

    out[0] = '\0';
    while ((item = json_next(all, item)) != NULL) {
        assert_true(json_text(item, "detail", "")[0] != '\0');
        assert_int_equal(str_format(out + len, sizeof out - len, "%lld %s %s, ",
                                    (long long)json_i64(item, "position", 0),
                                    json_text(item, "field", ""), json_text(item, "code", "")),
                         0);
        len += strlen(out + len);
    }
    return out;
}

static void test_check(void **state)
{
    struct ops_world w;

    (void)state;
    open(&w);
    ops_ok(&w, 200, "rule.check", ROLE_VIEWER, "{\"id\":\"1\"," LIST(OWN "," LAST) "}");
    assert_true(json_bool(w.answer, "valid", false) && json_bool(w.answer, "same", false));
    /* all that is wrong at once, two faults of one rule too */
    ops_ok(&w, 200, "rule.check", ROLE_VIEWER,
           "{\"id\":\"1\"," LIST(OWN "," RULE("a.example.com", "(", "localhost") "," RULE(
               "", "", "http://localhost:1") "," RULE("taken.example.com", "",
                                                      "ftp://localhost") "," RULE("a.*.b", "",
                                                                                  "http_status:"
                                                                                  "9")) "}");
    assert_false(json_bool(w.answer, "valid", true));
    assert_string_equal(faults(&w, "errors"),
                        "2 service bad_service, 2 path bad_regex, 3 hostname required, "
                        "4 service bad_scheme, 4 hostname hostname_taken, "
                        "5 hostname no_catch_all, 5 service bad_service, ");
    /* what is never met, behind its like and behind the own route */
    ops_ok(&w, 200, "rule.check", ROLE_VIEWER,
           "{\"id\":\"1\"," LIST(RULE("*.example.org", "", "http://localhost:1") "," RULE(
               "b.example.org", "",
               "http://localhost:2") "," OWN "," RULE("acme.example.com", "^/ws",
                                                      "http://localhost:3") "," LAST) "}");
    assert_true(json_bool(w.answer, "valid", false));
    assert_string_equal(faults(&w, "warnings"), "2 hostname never_met, 4 hostname never_met, ");
    assert_non_null(strstr(buf_string(&w.out), "+ 1. *.example.org"));
    /* an address against what is not stored yet */
    ops_ok(&w, 200, "rule.check", ROLE_VIEWER,
           "{\"id\":\"1\",\"url\":\"https://acme.example.com/ws/1\"," LIST(
               RULE("acme.example.com", "^/ws", "http://localhost:3") "," OWN "," LAST) "}");
    assert_int_equal(json_i64(w.answer, "match.position", 0), 1);
    assert_string_equal(ops_text(&w, "match.service"), "http://localhost:3");
    ops_ok(&w, 200, "rule.check", ROLE_VIEWER, "{\"id\":\"1\",\"url\":\"x\"," LIST(LAST) "}");
    assert_true(ops_text(&w, "match_error")[0] != '\0');
    /* a text that is none, and a member that cannot be: the place is told */
    ops_ok(&w, 200, "rule.check", ROLE_VIEWER, "{\"id\":\"1\",\"config\":\"{\"}");
    assert_false(json_bool(w.answer, "valid", true));
    ops_ok(&w, 200, "rule.check", ROLE_VIEWER, "{\"id\":\"1\"," LIST("") "}");
    assert_string_equal(faults(&w, "errors"), "0 config no_rules, ");
    ops_no(&w, 404, "tunnel_not_found", "rule.check", ROLE_VIEWER, "{\"id\":\"9\"," LIST(LAST) "}");
    ops_world_close(&w);
}

/* The rules' ids and services in their order, as the list shows them. */
static const char *services(struct ops_world *w, const char *member)
{
    static char out[2000];
    const struct cJSON *all, *item = NULL;
    size_t len = 0;

    ops_ok(w, 200, "rule.list", ROLE_VIEWER, "{\"id\":\"1\"}");
    all = json_at(w->answer, "data");
    out[0] = '\0';
    while ((item = json_next(all, item)) != NULL) {
        assert_int_equal(
            str_format(out + len, sizeof out - len, "%s,", json_text(item, member, "")), 0);
        len += strlen(out + len);
    }
    return out;
}

static void test_replace(void **state)
{
    struct ops_world w;
    struct seed *s = open(&w);
    char ids[2000];

    (void)state;
    assert_int_equal(db_write(w.box.db, add_domain, s, &w.err), 0);
    ops_ok(&w, 200, "rule.create", ROLE_OPERATOR,
           "{\"id\":\"1\",\"hostname\":\"a.example.org\",\"service\":\"http://localhost:1\","
           "\"note\":\"for Ann\"}");
    (void)str_copy(ids, sizeof ids, services(&w, "id"));
    assert_string_equal(services(&w, "service"), HOME ",,http://localhost:1,http_status:404,");
    /* the same list once more, as the configuration says it: nothing is lost, and nothing changes
     */
    ops_ok(&w, 200, "rule.replace", ROLE_OPERATOR,
           "{\"id\":\"1\"," LIST(OWN "," RULE("mustermann.de", "", HOME) "," RULE(
               "a.example.org", "", "http://localhost:1") "," LAST) "}");
    assert_string_equal(services(&w, "id"), ids);
    assert_string_equal(services(&w, "service"), HOME ",,http://localhost:1,http_status:404,");
    assert_string_equal(services(&w, "note"),
                        "the tunnel's own route," RULE_NOTE_DOMAIN "dom_1,for Ann,"
                        "what no other rule meets,");
    /* a list that knows nothing of the domain does not take it away */
    ops_ok(&w, 200, "rule.replace", ROLE_OPERATOR,
           "{\"id\":\"1\"," LIST(RULE("z.example.org", "", "tcp://localhost:22") "," OWN
                                                                                 "," LAST) "}");
    assert_string_equal(services(&w, "service"), "tcp://localhost:22," HOME ",,http_status:404,");
    /* the tunnel is found by the host names of its rules */
    ops_ok(&w, 200, "tunnel.list", ROLE_VIEWER, "{\"q\":\"mustermann\"}");
    assert_int_equal(json_i64(w.answer, "total", 0), 1);
    /* a fault says where, and changes nothing */
    ops_no(&w, 422, "bad_scheme", "rule.replace", ROLE_OPERATOR,
           "{\"id\":\"1\"," LIST(OWN
                                 "," RULE("q.example.org", "", "ftp://localhost:22") "," LAST) "}");
    assert_string_equal(w.err.field, "ingress[1].service");
    assert_string_equal(services(&w, "service"), "tcp://localhost:22," HOME ",,http_status:404,");
    /* somebody else was faster */
    ops_no(&w, 412, "rules_changed", "rule.replace", ROLE_OPERATOR,
           "{\"id\":\"1\",\"rules_wanted\":1," LIST(LAST) "}");
    ops_world_close(&w);
}

static void test_versions(void **state)
{
    struct ops_world w;
    struct seed *s = open(&w);
    char service[64];

    (void)state;
    ops_ok(&w, 200, "rule.versions", ROLE_VIEWER, "{\"id\":\"1\"}");
    assert_null(json_next(json_at(w.answer, "data"), NULL));
    for (unsigned i = 1; i <= RULE_PASTS_KEPT + 2; i++) {
        (void)str_format(service, sizeof service, "http://localhost:%u", i);
        ops_ok(&w, 200, "rule.replace", ROLE_OPERATOR,
               "{\"id\":\"1\"," LIST(OWN "," RULE("a.example.org", "", "%s") "," LAST) "}",
               service);
    }
    /* the newest ones are kept, and each says what going back to it would change */
    ops_ok(&w, 200, "rule.versions", ROLE_VIEWER, "{\"id\":\"1\"}");
    assert_int_equal(json_i64(json_next(json_at(w.answer, "data"), NULL), "version", 0),
                     RULE_PASTS_KEPT + 2);
    assert_string_equal(json_text(json_next(json_at(w.answer, "data"), NULL), "changed_by", ""),
                        "operator");
    assert_non_null(strstr(buf_string(&w.out), "+ 2. a.example.org -> http://localhost:11"));
    assert_null(strstr(buf_string(&w.out), "\"version\":2,"));
    assert_non_null(strstr(buf_string(&w.out), "\"version\":3,"));
    /* a domain that came since then stays, and follows the own route */
    assert_int_equal(db_write(w.box.db, add_domain, s, &w.err), 0);
    ops_ok(&w, 200, "tunnel.update", ROLE_OPERATOR,
           "{\"id\":\"1\",\"catch_all\":\"http_status:410\"}");
    ops_ok(&w, 200, "rule.revert", ROLE_OPERATOR, "{\"id\":\"1\",\"to\":6}");
    assert_string_equal(services(&w, "service"), HOME ",http://localhost:5,,http_status:404,");
    ops_no(&w, 404, "version_not_found", "rule.revert", ROLE_OPERATOR,
           "{\"id\":\"1\",\"to\":1}");
    ops_no(&w, 409, "nothing_in_force", "rule.revert", ROLE_OPERATOR, "{\"id\":\"1\"}");
    ops_world_close(&w);
}

static int add_door(struct txn *txn, void *arg, struct err *err)
{
    const struct seed *s = arg;
    struct access_door door = {.team = "ours", .aud = "tag"};

    (void)str_copy(door.tenant_id, sizeof door.tenant_id, s->tenant.id);
    (void)str_copy(door.hostname, sizeof door.hostname, "a.example.org");
    return guard_door_put(txn, &door, err);
}

/* What the tenant's access asks for stands in the configuration and is not the rule's own. */
static void test_door(void **state)
{
    struct ops_world w;
    struct seed *s = open(&w);

    (void)state;
    assert_int_equal(db_write(w.box.db, add_door, s, &w.err), 0);
    ops_ok(&w, 200, "rule.replace", ROLE_OPERATOR,
           "{\"id\":\"1\"," LIST(
               OWN ",{\\\"hostname\\\":\\\"a.example.org\\\",\\\"service\\\":\\\"http://"
                   "localhost:1\\\",\\\"originRequest\\\":{\\\"access\\\":{\\\"required\\\":true,"
                   "\\\"teamName\\\":\\\"ours\\\",\\\"audTag\\\":[\\\"tag\\\"]}}}," LAST) "}");
    ops_ok(&w, 200, "rule.list", ROLE_VIEWER, "{\"id\":\"1\"}");
    assert_null(strstr(buf_string(&w.out), "\"access_required\":true"));
    assert_null(strstr(buf_string(&w.out), "ours"));
    ops_ok(&w, 200, "tunnel.config", ROLE_VIEWER, "{\"id\":\"1\"}");
    assert_non_null(strstr(buf_string(&w.out), "\"teamName\":\"ours\""));
    ops_world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_replace),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_door),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
