/* Stripe: signatures against its own library's vectors, and objects in both shapes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "file.h"
#include "json_in.h"
#include "str.h"
#include "stripe.h"

/* ---- signatures ---- */

static struct cJSON *load(const char *path, struct buf *text)
{
    struct err err;
    struct cJSON *json;

    buf_reset(text);
    if (file_read(path, text, &err) == -1)
        fail_msg("%s (run from the top of the tree)", err.text);
    json = json_parse(text->data, text->len, &json_limits_provider, &err);
    if (json == NULL)
        fail_msg("%s: %s", path, err.text);
    return json;
}

static void test_vectors(void **state)
{
    struct buf text;
    struct cJSON *json;
    const struct cJSON *all, *v = NULL;
    int count = 0;

    (void)state;
    buf_init(&text, 1u << 20);
    json = load("tests/contracts/stripe-signature.json", &text);
    all = json_at(json, "vectors");
    while ((v = json_next(all, v)) != NULL) {
        const char *secret = json_text(v, "secret", ""), *payload = json_text(v, "payload", "");
        const char *header = json_text(v, "header", ""), *name = json_text(v, "name", "");
        const char *v1 = json_text(v, "expected_v1_for_this_secret_and_payload", "");
        const char *two[] = {"whsec_other", secret};
        int64_t now = json_i64(v, "now", 0);
        /* The library takes any time in the future; here the tolerance holds both ways. */
        bool take = str_equal(json_text(v, "expected", ""), "accept") &&
                    !str_equal(name, "future-timestamp");
        char made[STRIPE_SIGNATURE_SIZE];
        struct err err;
        if ((stripe_signature_check(header, payload, strlen(payload), two, 2, now,
                                    json_i64(v, "tolerance", 0), &err) == 0) != take)
            fail_msg("%s: wrong verdict (%s)", name, err.text);
        if (!take)
            assert_int_equal(err.kind, ERR_MALFORMED);
        if (v1[0] != '\0') {
            const char *t = strstr(header, "t=");
            stripe_signature_make(made, secret, strtoll(t + 2, NULL, 10), payload, strlen(payload));
            assert_string_equal(strstr(made, "v1=") + 3, v1);
        }
        count++;
    }
    assert_int_equal(count, 11);
    json_free(json);
    buf_free(&text);
}

static void test_times_and_secrets(void **state)
{
    static const char body[] = "{\"id\":\"evt_1\"}", secret[] = "whsec_a";
    const char *const secrets[] = {NULL, "", "whsec_old", secret}, *const empty[] = {NULL, ""};
    char header[STRIPE_SIGNATURE_SIZE], twice[256];
    struct err err;

    (void)state;
    stripe_signature_make(header, secret, 1000000, body, sizeof body - 1);
    for (int64_t now = 1000000 - 310; now <= 1000000 + 310; now += 5)
        assert_int_equal(
            stripe_signature_check(header, body, sizeof body - 1, secrets, 4, now, 300, &err),
            now >= 1000000 - 300 && now <= 1000000 + 300 ? 0 : -1);
    assert_string_equal(err.code, "signature_stale");
    assert_int_equal(
        stripe_signature_check(header, body, sizeof body - 1, secrets, 3, 1000000, 300, &err), -1);
    assert_string_equal(err.code, "signature_wrong");
    assert_int_equal(
        stripe_signature_check(header, body, sizeof body - 1, secrets, 0, 1000000, 300, &err), -1);
    assert_int_equal(
        stripe_signature_check(NULL, body, sizeof body - 1, secrets, 4, 1000000, 300, &err), -1);
    assert_string_equal(err.code, "signature_missing");
    /* An empty secret is nobody's, even for a header made with it. */
    stripe_signature_make(header, "", 1000000, body, sizeof body - 1);
    assert_int_equal(
        stripe_signature_check(header, body, sizeof body - 1, empty, 2, 1000000, 300, &err), -1);
    /* Two times: which one was signed would be the sender's choice. */
    stripe_signature_make(header, secret, 1000000, body, sizeof body - 1);
    (void)str_format(twice, sizeof twice, "t=1000000,%s", header);
    assert_int_equal(
        stripe_signature_check(twice, body, sizeof body - 1, secrets, 4, 1000000, 300, &err), -1);
    assert_string_equal(err.code, "signature_malformed");
}

/* 1,000,000 changes of header or body; what is the same in meaning is left out by construction. */
static void test_mutations(void **state)
{
    static const char body[] = "{\"id\":\"evt_1\",\"type\":\"invoice.paid\",\"amount\":2000}",
                      secret[] = "whsec_abc";
    const char *const secrets[] = {secret};
    uint32_t seed = 2463534242u;
    unsigned taken = 0, tried = 0;

    (void)state;
    while (tried < 1000000) {
        char header[STRIPE_SIGNATURE_SIZE], text[sizeof body];
        size_t len = sizeof body - 1, at;
        stripe_signature_make(header, secret, 1784500600, body, len);
        memcpy(text, body, sizeof body);
        seed ^= seed << 13, seed ^= seed >> 17, seed ^= seed << 5;
        switch (seed % 5) {
        case 0: /* another byte in the body */
            text[(seed >> 8) % len] ^= (char)(1 + (seed >> 16) % 127);
            break;
        case 1: /* a shorter body */
            len = (seed >> 8) % len;
            break;
        case 2: /* another byte in the header */
            header[(seed >> 8) % strlen(header)] ^= (char)(1 + (seed >> 16) % 127);
            break;
        case 3: /* a shorter header */
            header[(seed >> 8) % strlen(header)] = '\0';
            break;
        default: /* two characters of the header change places */
            at = (seed >> 8) % (strlen(header) - 1);
            if (header[at] == header[at + 1])
                continue;
            char c = header[at];
            header[at] = header[at + 1];
            header[at + 1] = c;
        }
        tried++;
        taken += stripe_signature_check(header, text, len, secrets, 1, 1784500600, 300, NULL) == 0;
    }
    assert_int_equal(taken, 0);
}

/* ---- reading ---- */

/* What every sample of both shapes must say. */
static void check_sample(const char *file, const struct stripe_event *e, const struct cJSON *object)
{
    struct stripe_subscription s;
    struct stripe_checkout c;
    struct stripe_invoice i;
    struct stripe_charge h;
    struct stripe_customer u;
    struct err err;

    if (str_equal(e->object_type, "subscription")) {
        assert_int_equal(stripe_read_subscription(object, &s, &err), 0);
        assert_string_equal(s.id, "sub_1TAlpha0001");
        assert_string_equal(s.customer, "cus_TAlpha0001");
        assert_string_equal(s.price, "price_1TPro0001");
        if (s.period_end_s <= s.created_s)
            fail_msg("%s: period end %lld", file, (long long)s.period_end_s);
        assert_string_equal(kv_get_or(&s.metadata, "tenant", ""), "t-42");
        assert_string_not_equal(s.status, "");
    } else if (str_equal(e->object_type, "checkout.session")) {
        assert_int_equal(stripe_read_checkout(object, &c, &err), 0);
        assert_string_equal(c.client_reference_id, "t-42");
        assert_string_not_equal(c.payment_status, "");
        assert_string_not_equal(c.status, "");
        if (str_equal(c.status, "complete"))
            assert_string_equal(c.customer_email, "alice@example.com");
        assert_string_equal(kv_get_or(&c.metadata, "tenant", ""), "t-42");
    } else if (str_equal(e->object_type, "invoice")) {
        assert_int_equal(stripe_read_invoice(object, &i, &err), 0);
        assert_string_equal(i.subscription, "sub_1TAlpha0001");
        assert_string_equal(i.currency, "usd");
        assert_string_equal(kv_get_or(&i.metadata, "tenant", ""), "t-42");
    } else if (str_equal(e->object_type, "charge")) {
        assert_int_equal(stripe_read_charge(object, &h, &err), 0);
        assert_string_equal(h.customer, "cus_TAlpha0001");
        assert_string_equal(h.currency, "usd");
        assert_string_not_equal(h.payment_intent, "");
        assert_int_equal(h.refunded, str_equal(e->type, "charge.refunded"));
        assert_int_equal(h.amount_refunded, h.refunded ? h.amount : 0);
    } else if (str_equal(e->object_type, "customer")) {
        assert_int_equal(stripe_read_customer(object, &u, &err), 0);
        assert_string_equal(u.id, "cus_TAlpha0001");
        assert_string_equal(u.name, "Alice Example");
        assert_false(u.deleted);
    }
    /* No reader takes another type. */
    assert_int_equal(stripe_read_subscription(object, &s, &err),
                     str_equal(e->object_type, "subscription") ? 0 : -1);
    assert_int_equal(stripe_read_invoice(object, &i, &err),
                     str_equal(e->object_type, "invoice") ? 0 : -1);
}

static unsigned check_folder(const char *folder, const char *version)
{
    struct dirent *entry;
    struct buf text;
    unsigned count = 0;
    char path[400];
    DIR *dir = opendir(folder);

    assert_non_null(dir);
    buf_init(&text, 1u << 20);
    while ((entry = readdir(dir)) != NULL) {
        struct stripe_event e;
        struct cJSON *json;
        struct err err;
        if (!str_ends(entry->d_name, ".json"))
            continue;
        (void)str_format(path, sizeof path, "%s/%s", folder, entry->d_name);
        json = load(path, &text);
        assert_int_equal(json_check(text.data, text.len, &json_limits_webhook, &err), 0);
        assert_int_equal(stripe_read_event(json, &e, &err), 0);
        assert_true(str_starts(entry->d_name, e.type));
        assert_string_equal(e.api_version, version);
        assert_true(e.created_s > 1784000000 && !e.livemode);
        assert_string_not_equal(e.object_id, "");
        check_sample(entry->d_name, &e, stripe_event_object(json));
        json_free(json);
        count++;
    }
    (void)closedir(dir);
    buf_free(&text);
    return count;
}

static void test_samples(void **state)
{
    (void)state;
    assert_int_equal(check_folder("tests/contracts/events/acacia", "2025-02-24.acacia"), 24);
    assert_int_equal(check_folder("tests/contracts/events/dahlia", "2026-07-29.dahlia"), 24);
}

static struct cJSON *parse(const char *text)
{
    struct err err;
    struct cJSON *json = json_parse(text, strlen(text), &json_limits_provider, &err);

    if (json == NULL)
        fail_msg("%s", err.text);
    return json;
}

static void test_shapes(void **state)
{
    struct stripe_subscription s;
    struct stripe_checkout c;
    struct stripe_invoice i;
    struct stripe_customer u;
    struct stripe_event e;
    struct cJSON *json;
    struct err err;

    (void)state;
    json = parse("{\"object\":\"subscription\",\"id\":\"sub_1\",\"customer\":{\"id\":\"cus_1\","
                 "\"object\":\"customer\"},"
                 "\"status\":\"a_word_of_tomorrow\",\"cancel_at\":99,\"items\":{\"data\":[{"
                 "\"current_period_end\":30,\"price\":"
                 "{\"id\":\"price_1\"}},{\"current_period_end\":20},{\"current_period_end\":null}]}"
                 ",\"metadata\":null}");
    assert_int_equal(stripe_read_subscription(json, &s, &err), 0);
    assert_string_equal(s.customer, "cus_1");
    assert_string_equal(s.status, "a_word_of_tomorrow");
    assert_int_equal(s.period_end_s, 20);
    assert_int_equal(s.cancel_at_s, 99);
    assert_int_equal(s.metadata.len, 0);
    json_free(json);
    json =
        parse("{\"object\":\"checkout.session\",\"id\":\"cs_1\",\"customer_email\":\"b@example."
              "com\",\"customer_details\":null,"
              "\"custom_fields\":[{\"key\":\"vat\",\"text\":{\"value\":\"x\"}},{\"key\":"
              "\"subdomain\",\"type\":\"text\","
              "\"text\":{\"value\":\"acme\"}}],\"metadata\":{\"sett_order\":\"ord_1\",\"n\":5}}");
    assert_int_equal(stripe_read_checkout(json, &c, &err), 0);
    assert_string_equal(c.subdomain, "acme");
    assert_string_equal(c.customer_email, "b@example.com");
    assert_string_equal(kv_get_or(&c.metadata, "sett_order", ""), "ord_1");
    assert_null(kv_get(&c.metadata, "n"));
    json_free(json);
    json = parse("{\"object\":\"invoice\",\"id\":\"in_1\",\"parent\":null}");
    assert_int_equal(stripe_read_invoice(json, &i, &err), 0);
    assert_string_equal(i.subscription, "");
    json_free(json);
    json = parse("{\"object\":\"customer\",\"id\":\"cus_1\",\"deleted\":true}");
    assert_int_equal(stripe_read_customer(json, &u, &err), 0);
    assert_true(u.deleted);
    json_free(json);
    json = parse("{\"object\":\"customer\",\"id\":\"cus 1\\n\"}");
    assert_int_equal(stripe_read_customer(json, &u, &err), -1);
    json_free(json);
    json = parse("{\"object\":\"customer\",\"id\":\"cus_1\",\"name\":\"A\\u0007B\\nC\"}");
    assert_int_equal(stripe_read_customer(json, &u, &err), 0);
    assert_string_equal(u.name, "A B C");
    json_free(json);
    json = parse("{\"object\":\"event\",\"id\":\"evt_1\",\"type\":\"x\",\"data\":{}}");
    assert_int_equal(stripe_read_event(json, &e, &err), -1);
    json_free(json);
    assert_int_equal(stripe_read_event(NULL, &e, &err), -1);
}

/* Metadata may be larger than what we keep: ours comes first, a long name is cut between letters.
 */
static void test_large(void **state)
{
    struct stripe_customer u;
    struct cJSON *json;
    struct buf text;
    struct err err;

    (void)state;
    buf_init(&text, 1u << 20);
    (void)buf_text(&text, "{\"object\":\"customer\",\"id\":\"cus_1\",\"name\":\"x");
    for (int i = 0; i < 200; i++)
        (void)buf_text(&text, "\xc3\xa9");
    (void)buf_text(&text, "\",\"metadata\":{");
    for (int i = 0; i < 48; i++)
        (void)buf_format(&text, "\"k%d\":\"%0400d\",", i, i);
    (void)buf_text(&text, "\"tenant\":\"acme\",\"sett_order\":\"ord_1\"}}");
    json = parse(buf_string(&text));
    assert_int_equal(stripe_read_customer(json, &u, &err), 0);
    assert_string_equal(kv_get_or(&u.metadata, "tenant", ""), "acme");
    assert_string_equal(kv_get_or(&u.metadata, "sett_order", ""), "ord_1");
    assert_non_null(kv_get(&u.metadata, "k0"));
    assert_true(str_utf8(u.name, strlen(u.name)));
    assert_int_equal(strlen(u.name), 255);
    json_free(json);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),   cmocka_unit_test(test_times_and_secrets),
        cmocka_unit_test(test_mutations), cmocka_unit_test(test_samples),
        cmocka_unit_test(test_shapes),    cmocka_unit_test(test_large)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
