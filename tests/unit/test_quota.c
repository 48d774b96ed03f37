/*
 * Quotas against the stateful fake: what is counted, what is refused before the provider refuses
 * it, and that counting costs nothing while it was done lately.
 */
#include "cloudflare_world.h"

#include "cloudflare_quota.h"
#include "ingress_cloudflare.h"

static int calls_made(void)
{
    struct cJSON *calls = tell("calls", NULL);
    int count = json_size(calls, "");

    json_free(calls);
    return count;
}

static void add_record(const char *label)
{
    char body[200];

    (void)str_format(body, sizeof body,
                     "{\"name\":\"%s\",\"type\":\"A\",\"content\":\"192.0.2.1\",\"comment\":\"\"}",
                     label);
    json_free(tell("record", body));
}

static void test_counts(void **state)
{
    struct cloudflare_quota q;
    struct err err;
    int before;

    (void)state;
    world_begin();
    for (int of = 0; of < CLOUDFLARE_QUOTAS; of++)
        assert_int_equal(cloudflare_quota_read(&cf, (enum cloudflare_quota_of)of, &q, &err), 0);
    add_record("one");
    add_record("two");
    assert_int_equal(cloudflare_quota_read(&cf, CLOUDFLARE_RECORDS, &q, &err), 0);
    assert_string_equal(q.name, "records");
    assert_int_equal(q.used, 2);
    assert_int_equal(q.most, 200);
    json_free(tell("cloudflare", "{\"plan\":\"pro\"}"));
    assert_int_equal(cloudflare_quota_read(&cf, CLOUDFLARE_RECORDS, &q, &err), 0);
    assert_int_equal(q.most, 3500);
    assert_int_equal(cloudflare_quota_read(&cf, CLOUDFLARE_LIMIT_RULES, &q, &err), 0);
    assert_int_equal(q.most, 2);

    before = calls_made();
    cloudflare_quota_lately(&cf, CLOUDFLARE_RECORDS, &q);
    assert_int_equal(q.used, 2);
    cloudflare_quota_made(&cf, CLOUDFLARE_RECORDS, 1);
    cloudflare_quota_lately(&cf, CLOUDFLARE_RECORDS, &q);
    assert_int_equal(q.used, 3);
    assert_int_equal(calls_made(), before);

    assert_int_equal(cloudflare_quota_read(&cf, CLOUDFLARE_CALLS, &q, &err), 0);
    assert_int_equal(q.most, 300);
    assert_true(q.used >= 5);
    world_end();
}

/* A free zone that is full: the record is refused in our words, and no POST is sent. */
static void test_refused(void **state)
{
    struct ingress_route r = {.number = 1};
    struct ingress ingress;
    struct kv facts;
    struct err err = {0};
    char label[16];

    (void)state;
    world_begin();
    for (int i = 0; i < 200; i++) {
        (void)str_format(label, sizeof label, "r%d", i);
        add_record(label);
    }
    kv_clear(&facts);
    ingress_cloudflare(&ingress, &cf);
    (void)str_copy(r.mark, sizeof r.mark, "sett box_test tun_1");
    (void)str_copy(r.cf_tunnel, sizeof r.cf_tunnel, "8f1d51a1-812f-414d-a46f-d457334ea4c9");
    (void)str_format(r.hostname, sizeof r.hostname, "acme.%s", domain);
    assert_int_equal(ingress.stage(ingress.self, INGRESS_DNS, INGRESS_MAKE, &r, NULL, &facts, &err),
                     OUTCOME_FAIL);
    assert_int_equal(err.kind, ERR_QUOTA);
    assert_string_equal(err.code, "quota_records");
    assert_non_null(strstr(err.text, "200"));
    assert_non_null(strstr(err.hint, "ingress.mode"));
    world_end();
}

/* What cannot be counted is no reason to refuse. */
static void test_unknown(void **state)
{
    struct cloudflare_quota q;
    struct err err;

    (void)state;
    world_begin();
    json_free(tell("faults", "[{\"match\":\"GET /accounts/*\",\"fault\":\"auth\",\"times\":9}]"));
    assert_int_equal(cloudflare_quota_read(&cf, CLOUDFLARE_TUNNELS, &q, &err), 0);
    assert_true(q.unknown[0] != '\0');
    assert_int_equal(cloudflare_quota_room(&cf, CLOUDFLARE_TUNNELS, &err), 0);
    json_free(tell("faults", "[{\"match\":\"GET /zones/*\",\"fault\":\"500\",\"times\":9}]"));
    assert_int_equal(cloudflare_quota_read(&cf, CLOUDFLARE_RECORDS, &q, &err), -1);
    assert_int_equal(cloudflare_quota_room(&cf, CLOUDFLARE_RECORDS, &err), 0);
    world_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_unknown),
    };

    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
