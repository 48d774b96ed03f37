/* The life of a domain as it follows from what is seen, with a store and a clock: proof,
 * countdowns, reminders, and what a second customer may not have. */
#include "domain_world.h"

#include "custom_domain_note.h"
#include "custom_domain_text.h"
#include "letter.h"
#include "notice.h"
#include "setting.h"

#include <stdlib.h>

#define DAY_MS (INT64_C(86400) * 1000)

struct act {
    struct custom_domain *d;
    const struct domain_seen *seen;
    int (*what)(struct txn *txn, struct act *a, struct err *err);
    bool route;
    int64_t back_ms; /* how long ago the domain's times are to be */
};

static struct conf conf;

static int open_world(void **state)
{
    *state = world_new();
    return 0;
}

static int close_world(void **state)
{
    world_sound(*state);
    world_end(*state);
    return 0;
}

static int run(struct txn *txn, void *arg, struct err *err)
{
    struct act *a = arg;

    return a->what(txn, a, err);
}

static void doing(struct world *w, struct act *a)
{
    struct err err = {0};

    if (db_write(w->db, run, a, &err) == -1)
        fail_msg("%s", err.text);
}

static int insert(struct txn *txn, struct act *a, struct err *err)
{
    return custom_domain_new(txn, a->d, err) == -1 ||
                   custom_domain_waits(txn, &conf, a->d, err) == -1
               ? -1
               : custom_domain_put(txn, a->d, err);
}

static int age(struct txn *txn, struct act *a, struct err *err)
{
    a->d->pending_at -= a->back_ms;
    if (a->d->moved_at != 0)
        a->d->moved_at -= a->back_ms;
    if (a->d->deadline_at != 0)
        a->d->deadline_at -= a->back_ms;
    if (a->d->proof_lost_at != 0)
        a->d->proof_lost_at -= a->back_ms;
    return custom_domain_put(txn, a->d, err);
}

static int note(struct txn *txn, struct act *a, struct err *err)
{
    return custom_domain_note(txn, &conf, a->d, a->seen, &a->route, err);
}

static int set_active(struct txn *txn, struct act *a, struct err *err)
{
    (void)str_copy(a->d->routed_to, sizeof a->d->routed_to, "tun_01hw3v7q2cfz8e5m1x9k4n6d7p");
    return custom_domain_answers(txn, a->d, err) == -1 ? -1 : custom_domain_put(txn, a->d, err);
}

static void act(struct world *w, struct custom_domain *d,
                int (*what)(struct txn *txn, struct act *a, struct err *err), int64_t back_ms)
{
    struct act a = {.d = d, .what = what, .back_ms = back_ms};

    doing(w, &a);
}

/* One look, and whether it is to be led. */
static bool see(struct world *w, struct custom_domain *d, const struct domain_seen *seen)
{
    struct act a = {.d = d, .seen = seen, .what = note};

    doing(w, &a);
    return a.route;
}

static void fresh(struct world *w, struct custom_domain *d, const char *name, uint32_t via)
{
    memset(d, 0, sizeof *d);
    (void)str_copy(d->name, sizeof d->name, name);
    (void)str_copy(d->unicode, sizeof d->unicode, name);
    (void)str_copy(d->registrable, sizeof d->registrable, name);
    (void)str_copy(d->name_servers, sizeof d->name_servers, "ada.ns.example bob.ns.example");
    d->via = via;
    act(w, d, insert, 0);
}

static bool raised(struct world *w, const char *kind, const char *id)
{
    struct notice notice;
    struct txn *txn;
    struct err err = {0};
    int found;

    assert_int_equal(db_read(&txn, w->db, &err), 0);
    found = notice_live(txn, kind, id, &notice, &err);
    db_read_end(txn);
    return found == 1;
}

static struct domain_seen zone_seen(uint32_t status)
{
    struct domain_seen seen = {.provider = true, .zone_status = status};

    (void)str_copy(seen.name_servers, sizeof seen.name_servers, "ada.ns.example bob.ns.example");
    return seen;
}

static void test_zone(void **state)
{
    struct world *w = *state;
    struct domain_seen seen = zone_seen(DOMAIN_ZONE_PENDING);
    static struct custom_domain d;

    fresh(w, &d, "one.example", DOMAIN_VIA_ZONE);
    assert_int_equal(custom_domain_days_left(&d, d.pending_at), 28);
    seen.servers = true;
    (void)str_copy(seen.name_servers_seen, sizeof seen.name_servers_seen, "ns1.old.example");
    assert_false(see(w, &d, &seen));
    assert_int_equal(d.state, DOMAIN_PENDING);
    assert_non_null(strstr(d.state_reason, "ns1.old.example"));
    assert_int_equal(d.proof, DOMAIN_PROOF_NONE);
    assert_true(d.due_at > d.checked_at);
    /* 15 days later: the reminder of 14; not twice. */
    act(w, &d, age, 15 * DAY_MS);
    assert_false(see(w, &d, &seen));
    assert_int_equal(d.reminded_days, 14);
    assert_true(raised(w, "domain.pending", d.id));
    act(w, &d, age, DAY_MS);
    assert_false(see(w, &d, &seen));
    assert_int_equal(d.reminded_days, 14);
    act(w, &d, age, 11 * DAY_MS);
    assert_false(see(w, &d, &seen));
    assert_int_equal(d.reminded_days, 1);
    seen = zone_seen(DOMAIN_ZONE_ACTIVE);
    assert_true(see(w, &d, &seen));
    assert_string_equal(d.state_reason, ""); /* nobody is waited for any more */
    assert_int_equal(d.proof, DOMAIN_PROOF_DELEGATION);
    assert_true(d.proved_at > 0);
    act(w, &d, set_active, 0);
    assert_false(raised(w, "domain.pending", d.id));
    assert_int_equal(custom_domain_days_left(&d, d.pending_at), 0);
    /* Led away: seven days; and back. */
    seen = zone_seen(DOMAIN_ZONE_MOVED);
    assert_false(see(w, &d, &seen));
    assert_int_equal(d.state, DOMAIN_MOVED);
    assert_int_equal(d.reminded_days, 7);
    assert_true(raised(w, "domain.moved", d.id));
    assert_int_equal(custom_domain_days_left(&d, d.moved_at), 7);
    seen = zone_seen(DOMAIN_ZONE_ACTIVE);
    assert_true(see(w, &d, &seen)); /* led anew, which finds everything as it was */
    assert_false(raised(w, "domain.moved", d.id));
}

static void test_lost(void **state)
{
    struct world *w = *state;
    struct domain_seen seen = {.provider = true, .gone = true};
    static struct custom_domain d;

    fresh(w, &d, "two.example", DOMAIN_VIA_ZONE);
    assert_false(see(w, &d, &seen));
    assert_int_equal(d.state, DOMAIN_PENDING); /* one look may lag */
    assert_false(see(w, &d, &seen));
    assert_int_equal(d.state, DOMAIN_LOST);
    assert_int_equal(d.zone_status, DOMAIN_ZONE_DELETED);
    assert_true(raised(w, "domain.deleted", d.id));
    assert_int_equal(custom_domain_days_left(&d, d.lost_at), 7);
    /* What could not be asked says nothing. */
    memset(&seen, 0, sizeof seen);
    (void)str_copy(seen.trouble, sizeof seen.trouble, "Cloudflare answered 500");
    assert_false(see(w, &d, &seen));
    assert_int_equal(d.state, DOMAIN_LOST);
    seen = zone_seen(DOMAIN_ZONE_PENDING);
    assert_false(see(w, &d, &seen));
    assert_int_equal(d.state, DOMAIN_PENDING);
    assert_false(raised(w, "domain.deleted", d.id));
}

static void test_txt(void **state)
{
    struct world *w = *state;
    struct domain_seen seen = {.where = true, .points = true, .txt = true};
    static struct custom_domain d;

    fresh(w, &d, "three.example", DOMAIN_VIA_LOCAL);
    assert_int_equal(d.deadline_at, 0);
    assert_false(see(w, &d, &seen)); /* it points here, and whose it is nobody knows */
    assert_non_null(strstr(d.state_reason, "_sett-challenge.three.example"));
    seen.proved = true;
    assert_true(see(w, &d, &seen));
    assert_int_equal(d.proof, DOMAIN_PROOF_TXT);
    act(w, &d, set_active, 0);
    /* The record goes: told, borne for some days, then no longer led. */
    seen.proved = false;
    assert_false(see(w, &d, &seen));
    assert_int_equal(d.state, DOMAIN_ACTIVE);
    assert_true(d.proof_lost_at != 0);
    assert_true(raised(w, "domain.unproved", d.id));
    act(w, &d, age, 6 * DAY_MS);
    assert_false(see(w, &d, &seen));
    act(w, &d, age, 2 * DAY_MS);
    assert_true(see(w, &d, &seen));
    assert_int_equal(d.state, DOMAIN_PENDING);
    assert_int_equal(d.proof, DOMAIN_PROOF_NONE);
    assert_false(custom_domain_ready(&d));
    /* A name server that does not answer takes nothing away. */
    seen.proved = true;
    assert_true(see(w, &d, &seen));
    act(w, &d, set_active, 0);
    memset(&seen, 0, sizeof seen);
    assert_false(see(w, &d, &seen));
    assert_int_equal(d.proof_lost_at, 0);
    assert_int_equal(d.state, DOMAIN_ACTIVE);
}

static void test_hostname(void **state)
{
    struct world *w = *state;
    struct domain_seen seen = {.provider = true, .txt = true, .proved = true};
    static struct custom_domain d;

    fresh(w, &d, "shop.four.example", DOMAIN_VIA_HOSTNAME);
    (void)str_copy(seen.hostname_status, sizeof seen.hostname_status, "active");
    (void)str_copy(seen.ssl_status, sizeof seen.ssl_status, "pending_validation");
    assert_false(see(w, &d, &seen)); /* both statuses count */
    assert_non_null(strstr(d.state_reason, "pending_validation"));
    (void)str_copy(seen.ssl_status, sizeof seen.ssl_status, "active");
    assert_true(see(w, &d, &seen));
}

static int insert_other(struct txn *txn, struct act *a, struct err *err)
{
    struct err why = {0};

    (void)err;
    assert_int_equal(custom_domain_new(txn, a->d, &why), -1);
    assert_string_equal(why.code, "domain_taken");
    assert_non_null(strstr(why.hint, "sett domain claim"));
    return -1;
}

static void test_taken(void **state)
{
    static const char *const names[] = {"five.example", "www.five.example"};
    struct world *w = *state;
    static struct custom_domain d, other;
    struct act a = {.d = &other, .what = insert_other};
    struct err err = {0};

    memset(&d, 0, sizeof d);
    (void)str_copy(d.name, sizeof d.name, "five.example");
    d.www = true;
    d.via = DOMAIN_VIA_LOCAL;
    act(w, &d, insert, 0);
    for (size_t i = 0; i < 2; i++) {
        memset(&other, 0, sizeof other);
        (void)str_copy(other.name, sizeof other.name, names[i]);
        assert_int_equal(db_write(w->db, run, &a, &err), -1);
    }
}

static void test_words(void **state)
{
    (void)state;
    assert_true(custom_domain_same("a b", "b a"));
    assert_true(custom_domain_same("", ""));
    assert_false(custom_domain_same("a b", "a"));
    assert_false(custom_domain_same("a", "a b"));
    assert_false(custom_domain_same("aa", "a"));
    assert_string_equal(custom_domain_language("de-CH"), "de");
    assert_string_equal(custom_domain_language("es"), "es");
    assert_string_equal(custom_domain_language("deutsch"), "en");
    assert_string_equal(custom_domain_language(""), "en");
}

/* Every way is told in every language, with nothing left to be filled in. */
static void test_instructions(void **state)
{
    struct world *w = *state;
    struct domain_instructions *i = calloc(1, sizeof *i);
    static struct custom_domain d;
    struct buf text;
    struct txn *txn;
    struct err err = {0};

    assert_non_null(i);
    buf_init(&text, 65536);
    (void)str_copy(d.name, sizeof d.name, "xn--mller-kva.de");
    (void)str_copy(d.unicode, sizeof d.unicode, "müller.de");
    (void)str_copy(d.registrable, sizeof d.registrable, "xn--mller-kva.de");
    (void)str_copy(d.name_servers, sizeof d.name_servers, "ada.ns.example bob.ns.example");
    (void)str_copy(d.challenge, sizeof d.challenge, "0123");
    (void)str_copy(d.records, sizeof d.records,
                   "TXT _acme-challenge.x abc def\nHTTP http://x/y z\n");
    assert_int_equal(db_read(&txn, w->db, &err), 0);
    for (d.via = 0; d.via <= DOMAIN_VIA_LOCAL; d.via++)
        for (size_t n = 0; custom_domain_languages[n] != NULL; n++) {
            buf_reset(&text);
            assert_int_equal(
                custom_domain_instruct(txn, &conf, &d, custom_domain_languages[n], i, &err), 0);
            custom_domain_instruct_text(i, &text);
            assert_false(text.failed);
            assert_null(strchr(buf_string(&text), '{'));
            assert_non_null(strstr(buf_string(&text), "müller.de"));
            assert_true(i->step_count >= 4 && i->record_count >= 2);
            if (d.via == DOMAIN_VIA_ZONE)
                assert_non_null(strstr(buf_string(&text), "ada.ns.example, bob.ns.example"));
            else
                assert_non_null(strstr(buf_string(&text), "sett-challenge=0123"));
        }
    assert_int_equal(custom_domain_instruct(txn, &conf, &d, "fr", i, &err), -1);
    db_read_end(txn);
    buf_free(&text);
    free(i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_zone, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_lost, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_txt, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_hostname, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_taken, open_world, close_world),
        cmocka_unit_test_setup_teardown(test_instructions, open_world, close_world),
        cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
