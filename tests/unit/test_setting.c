/* Settings in their layers, what they refuse, and secrets that come back only to whom they belong.
 * */
#include "one_world.h"

#include "setting.h"

struct change {
    const char *name, *value;
};

static int set(struct txn *txn, void *arg, struct err *err)
{
    const struct change *c = arg;
    return setting_set(txn, c->name, c->value, "cli:root", err);
}

static struct conf *conf_with(const char *section, const char *name, const char *value)
{
    static struct conf conf;

    memset(&conf, 0, sizeof conf);
    conf.count = 1;
    conf.rows[0].line = 3;
    (void)str_copy(conf.rows[0].section, sizeof conf.rows[0].section, section);
    (void)str_copy(conf.rows[0].name, sizeof conf.rows[0].name, name);
    (void)str_copy(conf.rows[0].value, sizeof conf.rows[0].value, value);
    return &conf;
}

static int origin_of(const struct conf *conf, const char *name, char out[512])
{
    struct txn *txn = must_read(w);
    struct err err;
    int origin = setting_text(txn, conf, name, out, 512, &err);

    db_read_end(txn);
    return origin;
}

static void layers(void **state)
{
    struct conf *conf = conf_with("ports", "ranges", "4000-4100");
    char text[512];
    struct err err;

    (void)state;
    assert_int_equal(setting_text(NULL, NULL, "ports.ranges", text, sizeof text, &err),
                     SETTING_DEFAULT);
    assert_string_equal(text, "3100-3999");
    assert_int_equal(origin_of(conf, "ports.ranges", text), SETTING_CONF);
    assert_string_equal(text, "4000-4100");
    must_write(w, set, &(struct change){"ports.ranges", "5000-5001"});
    assert_int_equal(origin_of(conf, "ports.ranges", text), SETTING_STORE);
    assert_string_equal(text, "5000-5001");
    must_write(w, set, &(struct change){"ports.ranges", ""}); /* taken back */
    assert_int_equal(origin_of(conf, "ports.ranges", text), SETTING_CONF);
    assert_int_equal(
        setting_u64(NULL, conf_with("stripe", "past_due_days", "0"), "stripe.past_due_days"), 0);
    assert_int_equal(
        setting_u64(NULL, conf_with("stripe", "past_due_days", "soon"), "stripe.past_due_days"), 7);
    assert_int_equal(setting_text(NULL, NULL, "no.such", text, sizeof text, &err), -1);
}

static void defaults_are_good(void **state)
{
    struct err err;

    (void)state;
    for (size_t i = 0; i < setting_row_count; i++) {
        const struct setting_row *row = &setting_rows[i];
        const char *dot = strchr(row->name, '.');
        char section[32];

        assert_non_null(dot);
        assert_non_null(row->help);
        assert_ptr_equal(setting_row_find(row->name), row);
        if (row->otherwise[0] == '\0')
            continue;
        assert_int_equal(str_copy_n(section, sizeof section, row->name, (size_t)(dot - row->name)),
                         0);
        if (setting_conf_check(conf_with(section, dot + 1, row->otherwise), &err) != 0)
            fail_msg("%s: %s", row->name, err.text);
    }
}

static void refused(void **state)
{
    static const struct change bad[] = {
        {"tenants.port", "65536"},
        {"tenants.port", "-1"},
        {"tenants.port", "08"},
        {"tenants.scheme", "ftp"},
        {"box.domain", "Example.com"},
        {"box.domain", "a b"},
        {"box.url", "example.com"},
        {"stripe.api", "http://a"},
        {"auth.token_minutes", "11"},
        {"ingress.default", "none"},
        {"box.name", "a\nb"},
        {"outside.ca_file", "ca.pem"},
        {"database.admin", "host=x password=y"},
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct change c = bad[i];

        refuse_write(w, set, &c, "setting_invalid");
    }
    refuse_write(w, set, &(struct change){"ports.ranges", "80-70"}, "ports_invalid");
    refuse_write(w, set, &(struct change){"no.such", "1"}, "setting_not_found");
    assert_int_equal(setting_conf_check(conf_with("box", "nmae", "x"), &err), -1);
    assert_non_null(strstr(err.text, "line 3"));
    assert_int_equal(setting_conf_check(conf_with("tenants", "port", "x"), &err), -1);
    assert_int_equal(setting_conf_check(conf_with("hands", "anything", "x"), &err), 0);
}

struct keys {
    struct vault vault, public_half;
    struct web_key web, other;
};

static int seal(struct txn *txn, void *arg, struct err *err)
{
    const struct keys *k = arg;

    return secret_set(txn, &k->public_half, "cloudflare.token", "canary-token", 12, err) != 0 ||
                   secret_set_web(txn, &k->web, "stripe.webhook_secret", "whsec_x", 7, err) != 0
               ? -1
               : 0;
}

static int unseal(struct txn *txn, void *arg, struct err *err)
{
    const struct keys *k = arg;
    return secret_set(txn, &k->public_half, "cloudflare.token", NULL, 0, err);
}

static void secrets(void **state)
{
    struct keys k;
    struct buf out;
    struct err err = {0};
    char folder[300];

    (void)state;
    (void)str_format(folder, sizeof folder, "%s/keys", w->folder);
    assert_int_equal(file_mkdirs(folder, 0700, &err), 0);
    assert_int_equal(vault_create(folder, &err), 0);
    assert_int_equal(vault_load(&k.vault, folder, true, &err), 0);
    assert_int_equal(vault_load(&k.public_half, folder, false, &err), 0);
    assert_int_equal(web_key_create(folder, &err), 0);
    assert_int_equal(web_key_load(&k.web, folder, &err), 0);
    k.other = k.web; /* another box's: nothing that came after it lies in a folder */
    k.other.seal[0] ^= 1;
    k.other.folder[0] = '\0';
    must_write(w, seal, &k);
    buf_init(&out, 4096);
    struct txn *txn = must_read(w);
    assert_int_equal(secret_get(txn, &k.vault, "cloudflare.token", &out, &err), 1);
    assert_string_equal(buf_string(&out), "canary-token");
    buf_reset(&out);
    assert_int_equal(secret_get(txn, &k.public_half, "cloudflare.token", &out, &err), -1);
    assert_int_equal(err.kind, ERR_FORBIDDEN);
    assert_int_equal(secret_get_web(txn, &k.web, "stripe.webhook_secret", &out, &err), 1);
    assert_string_equal(buf_string(&out), "whsec_x");
    assert_int_equal(secret_get_web(txn, &k.other, "stripe.webhook_secret", &out, &err), -1);
    assert_int_equal(secret_get(txn, &k.vault, "smtp.password", &out, &err), 0);
    db_read_end(txn);
    must_write(w, unseal, &k);
    txn = must_read(w);
    assert_int_equal(secret_get(txn, &k.vault, "cloudflare.token", &out, &err), 0);
    db_read_end(txn);
    buf_free(&out);
    assert_true(secret_row_find("stripe.webhook_secret")->web);
    assert_null(secret_row_find("nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(layers, set_up, tear_down),
        cmocka_unit_test(defaults_are_good),
        cmocka_unit_test_setup_teardown(refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(secrets, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
