/* Proxmox VE's words: tasks' names, errors in the status line, forms, and the choice of a node; the
 * book of numbers and addresses. */
#include "domain_world.h"

#include "guest.h"
#include "http.h"
#include "json_in.h"
#include "proxmox.h"
#include "tenant.h"

static struct world *w;

static int tear_down(void **state)
{
    (void)state;
    world_end(w);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    w = world_new();
    return 0;
}

static void upids(void **state)
{
    static const char *const bad[] = {
        "",
        "UPID:",
        "UPID:pve:0003B1F2:01C9A3F7:6710A1B2:vzcreate:100:cp@pve!control",
        "UPID:pve:3B1F2:01C9A3F7:6710A1B2:vzcreate:100:cp@pve:",
        "UPID:pve:0003B1F2:01C9A3F7:6710A1G2:vzcreate:100:cp@pve:",
        "UPID:pve:0003B1F2:01C9A3F7AB:6710A1B2:vzcreate:100:cp@pve:",
        "UPID:-pve:0003B1F2:01C9A3F7:6710A1B2:vzcreate:100:cp@pve:",
        "UPID:pv/e:0003B1F2:01C9A3F7:6710A1B2:vzcreate:100:cp@pve:",
        "UPID:pve:0003B1F2:01C9A3F7:6710A1B2::100:cp@pve:",
        "UPID:pve:0003B1F2:01C9A3F7:6710A1B2:vzcreate:100:cp@pve:more"};
    struct proxmox_upid u;
    char escaped[400];

    (void)state;
    assert_int_equal(proxmox_upid_read(
                         &u, "UPID:pve-2:0003B1F2:01C9A3F7A:6710A1B2:vzcreate:100:cp@pve!control:"),
                     0);
    assert_string_equal(u.node, "pve-2");
    assert_string_equal(u.type, "vzcreate");
    assert_string_equal(u.id, "100");
    assert_string_equal(u.user, "cp@pve!control");
    assert_int_equal(u.started, 0x6710A1B2);
    assert_int_equal(proxmox_upid_read(&u, "UPID:pve:0003B1F2:01C9A3F7:6710A1B2:download::cp@pve:"),
                     0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(proxmox_upid_read(&u, bad[i]), -1);
    /* In a path nothing of it may stand as it is. */
    assert_int_equal(http_escape(escaped, sizeof escaped, "UPID:a:b@c!d:"), 0);
    assert_string_equal(escaped, "UPID%3Aa%3Ab%40c%21d%3A");
}

static void forms(void **state)
{
    struct buf form;

    (void)state;
    buf_init(&form, 1000);
    http_form(&form, "net0", "name=eth0,bridge=vmbr0;x&y%+ä");
    assert_string_equal(buf_string(&form), "net0=name%3Deth0%2Cbridge%3Dvmbr0%3Bx%26y%25%2B%C3%A4");
    buf_free(&form);
}

static void ends(void **state)
{
    static const struct {
        const char *words, *code;
    } rows[] = {
        {"OK", NULL},
        {"WARNINGS: 3", NULL},
        {"unexpected status", "proxmox_task_lost"},
        {"", "proxmox_task_lost"},
        {"CT is locked (backup)", "proxmox_locked"},
        {"can't lock file '/run/lock/lxc/pve-config-1.lock' - got timeout", "proxmox_locked"},
        {"unable to create CT 100 - CT 100 already exists on node 'pve'", "proxmox_vmid_taken"},
        {"unable to create CT 100 - storage 'x' does not exist", "proxmox_task_failed"},
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        err_clear(&err);
        assert_int_equal(proxmox_task_end(rows[i].words, &err), rows[i].code == NULL ? 0 : -1);
        if (rows[i].code != NULL)
            assert_string_equal(err.code, rows[i].code);
    }
}

static void answers(void **state)
{
    static const struct {
        long status;
        const char *reason, *body, *code;
        enum err_kind kind;
    } rows[] = {
        {200, "OK", "{\"data\":null}", NULL, ERR_NONE},
        {200, "OK", "{\"data\":{\"env\":\"A=b\\u0000C=d\"}}", NULL, ERR_NONE},
        {200, "OK", "<html>", "proxmox_garbled", ERR_NETWORK},
        {200, "OK", "{\"success\":true}", "proxmox_garbled", ERR_NETWORK},
        {401, "invalid token value!", "", "proxmox_token_wrong", ERR_UNAUTHENTICATED},
        {403, "Permission check failed (/vms/100, VM.PowerMgmt)", "{\"data\":null}",
         "proxmox_permission", ERR_FORBIDDEN},
        {400, "Parameter verification failed.",
         "{\"data\":null,\"errors\":{\"vmid\":\"not one\\n\"}}", "proxmox_refused", ERR_INVALID},
        {500, "Configuration file 'nodes/pve/lxc/1.conf' does not exist", "{\"data\":null}",
         "proxmox_no_guest", ERR_NOT_FOUND},
        {500, "CT 100 already running", "{\"data\":null}", "proxmox_running", ERR_CONFLICT},
        {500, "something new", "", "proxmox_failed", ERR_UNAVAILABLE},
        {501, "Method 'GET /x' not implemented", "", "proxmox_too_old", ERR_INVALID},
        {595, "No route to host", "", "proxmox_node_silent", ERR_NETWORK},
        {596, "Connection timed out", "", "proxmox_node_silent", ERR_NETWORK},
    };
    struct proxmox p = {.who = "a@b!c"};
    struct cJSON *json;
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        err_clear(&err);
        assert_int_equal(proxmox_answer(&p, rows[i].status, rows[i].reason, rows[i].body,
                                        strlen(rows[i].body), &json, &err),
                         rows[i].code == NULL ? 0 : -1);
        if (rows[i].code != NULL) {
            assert_string_equal(err.code, rows[i].code);
            assert_int_equal(err.kind, rows[i].kind);
        }
        json_free(json);
    }
    (void)proxmox_answer(&p, 400, "Parameter verification failed.", rows[6].body,
                         strlen(rows[6].body), &json, &err);
    assert_non_null(strstr(err.text, "vmid: not one"));
}

static void identities(void **state)
{
    struct proxmox p;
    struct err err;

    (void)state;
    assert_int_equal(proxmox_init(&p, "https://h:8006/", "sett@pve!box", "0a-1B", NULL, &err), 0);
    assert_string_equal(p.url, "https://h:8006");
    assert_string_equal(p.token, "sett@pve!box=0a-1B");
    assert_int_equal(proxmox_init(&p, "http://h:8006", "sett@pve!box", "0a", NULL, &err), -1);
    assert_int_equal(proxmox_init(&p, "https://h", "sett@pve", "0a", NULL, &err), -1);
    assert_int_equal(proxmox_init(&p, "https://h", "sett@pve!b\r\nX: y", "0a", NULL, &err), -1);
    assert_int_equal(proxmox_init(&p, "https://h", "sett@pve!box", "0a\r\n", NULL, &err), -1);
}

#define GIB (1ull << 30)

static void put_node(struct proxmox_cluster *c, const char *name, uint64_t memory, uint64_t used,
                     uint64_t storage)
{
    struct proxmox_node *n = &c->nodes[c->count++];

    *n = (struct proxmox_node){.online = true,
                               .memory = memory * GIB,
                               .memory_used = used * GIB,
                               .cpu_millis = 8000,
                               .storage = storage * GIB};
    (void)str_copy(n->name, sizeof n->name, name);
}

static const char *chosen(const struct proxmox_cluster *c, const struct proxmox_need *need)
{
    const struct proxmox_node *n = proxmox_choose(c, need);

    return n == NULL ? "none" : n->name;
}

static void choice(void **state)
{
    static struct proxmox_cluster c;
    struct proxmox_need need = {2 * GIB, 10 * GIB, 1000, "", NULL};

    (void)state;
    put_node(&c, "a", 16, 4, 100);
    put_node(&c, "b", 16, 4, 100);
    put_node(&c, "c", 64, 60, 1000);
    assert_string_equal(chosen(&c, &need), "a"); /* equals: the first by name, every time */
    c.nodes[0].cpu_millis_used = 7500;
    assert_string_equal(chosen(&c, &need), "b"); /* what it would have least of decides */
    c.nodes[1].storage_used = 95 * GIB;
    assert_string_equal(chosen(&c, &need), "c");
    assert_non_null(strstr(proxmox_may(&need, &c.nodes[1]), "storage"));
    c.nodes[0].cpu_millis_used = 0;
    assert_string_equal(chosen(&c, &need), "a");
    c.nodes[0].promised = 15 * GIB;
    assert_string_equal(chosen(&c, &need), "c"); /* what is promised is not free */
    need.memory = 4 * GIB;
    assert_string_equal(chosen(&c, &need), "none");
    assert_non_null(strstr(proxmox_may(&need, &c.nodes[2]), "memory"));
    need.memory = GIB;
    need.nodes = "b, c";
    c.nodes[1].storage_used = 0;
    assert_string_equal(chosen(&c, &need), "b");
    need.not_on = "b";
    assert_string_equal(chosen(&c, &need), "c");
    c.nodes[2].online = false;
    assert_string_equal(chosen(&c, &need), "none");
    assert_true(proxmox_listed("b, c", "c") && !proxmox_listed("bc", "b") &&
                proxmox_listed("", "x"));
}

/* ---- the book ---- */

struct booking {
    struct guest_pool pool;
    char tenant[ID_SIZE];
    struct guest guest;
};

static void of(char out[ID_SIZE], char letter)
{
    (void)str_format(out, ID_SIZE, "tn_0000000000000000000000000%c", letter);
}

static int book(struct txn *txn, void *arg, struct err *err)
{
    struct booking *b = arg;

    return guest_reserve(txn, &b->pool, b->tenant, "pve", &b->guest, err);
}

static int unbook(struct txn *txn, void *arg, struct err *err)
{
    return guest_free(txn, arg, err);
}

static int theirs(struct txn *txn, void *arg, struct err *err)
{
    (void)arg;
    return guest_foreign(txn, 101, "theirs", txn_time_ms(txn) + 600000, err);
}

static void numbers(void **state)
{
    struct booking b = {{"100-103", "10.0.0.1-10.0.0.3/24", "10.0.0.2"}, "", {0}};
    char a[ID_SIZE];
    struct err err = {0};

    (void)state;
    of(a, 'a');
    of(b.tenant, 'a');
    must_write(w, book, &b);
    assert_int_equal(b.guest.vmid, 100);
    assert_string_equal(b.guest.address, "10.0.0.1/24");
    must_write(w, book, &b); /* the same again */
    assert_int_equal(b.guest.vmid, 100);
    must_write(w, theirs, NULL);
    of(b.tenant, 'b');
    must_write(w, book, &b);
    assert_int_equal(b.guest.vmid, 102);
    assert_string_equal(b.guest.address, "10.0.0.3/24"); /* the gateway is nobody's */
    of(b.tenant, 'c');
    assert_int_equal(db_write(w->db, book, &b, &err), -1);
    assert_string_equal(err.code, "addresses_exhausted");
    b.pool.addresses = "";
    must_write(w, book, &b);
    assert_int_equal(b.guest.vmid, 103);
    assert_string_equal(b.guest.address, "");
    of(b.tenant, 'd');
    assert_int_equal(db_write(w->db, book, &b, &err), -1);
    assert_string_equal(err.code, "vmids_exhausted");
    world_wait(w, 601); /* whoever was there may have gone */
    must_write(w, book, &b);
    assert_int_equal(b.guest.vmid, 101);
    must_write(w, unbook, a);
    of(b.tenant, 'e');
    must_write(w, book, &b);
    assert_int_equal(b.guest.vmid, 100);
}

static void pools(void **state)
{
    static const char *const good[] = {"", "10.0.0.1-10.0.0.9/24", "10.0.0.1-10.0.3.9/16"};
    static const char *const bad[] = {
        "10.0.0.1",          "10.0.0.9-10.0.0.1/24", "10.0.0.1-10.0.1.1/24",
        "10.0.0.1-10.0.0.9", "10.0.0.1-10.0.0.9/33", "x-y/24"};
    uint32_t low, high;
    struct err err;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(guest_addresses_check(good[i], &err), 0);
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(guest_addresses_check(bad[i], &err), -1);
    assert_int_equal(guest_vmids_check("100-200", &low, &high, &err), 0);
    assert_int_equal(guest_vmids_check("99-200", &low, &high, &err), -1);
    assert_int_equal(guest_vmids_check("300-200", &low, &high, &err), -1);
}

static void pins(void **state)
{
    uint8_t pin[32];

    (void)state;
    assert_int_equal(http_pin_read(pin, "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:"
                                        "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff"),
                     0);
    assert_int_equal(pin[15], 0xff);
    assert_int_equal(http_pin_read(pin, "00:11"), -1);
    assert_int_equal(http_pin_read(pin, "nonsense"), -1);
    assert_int_equal(http_pin_of(pin, "no certificate"), -1);
    assert_int_equal(
        http_pin_of(pin, "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n"), 0);
    assert_int_equal(pin[0], 0xba); /* SHA-256 of "abc" */
    assert_int_equal(pin[31], 0xad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upids),
        cmocka_unit_test(forms),
        cmocka_unit_test(ends),
        cmocka_unit_test(answers),
        cmocka_unit_test(identities),
        cmocka_unit_test(choice),
        cmocka_unit_test_setup_teardown(numbers, set_up, tear_down),
        cmocka_unit_test(pools),
        cmocka_unit_test(pins),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
