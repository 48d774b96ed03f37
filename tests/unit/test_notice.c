/* Notices and letters: raised, cleared and queued in the caller's own transaction, once. */
#include "one_world.h"

#include "customer.h"
#include "letter.h"
#include "notice_world.h"

static int clear_tenant(struct txn *txn, void *arg, struct err *err)
{
    return notice_clear_subject(txn, "tenant", arg, err);
}

static int64_t count(const struct table *table)
{
    struct txn *txn = must_read(w);
    struct err err;
    int64_t n = record_count(txn, table, &err);

    db_read_end(txn);
    return n;
}

static struct notice the(const char *kind, const char *id)
{
    struct txn *txn = must_read(w);
    struct notice notice;
    struct err err;

    assert_int_equal(notice_live(txn, kind, id, &notice, &err), 1);
    db_read_end(txn);
    return notice;
}

static void raising_again_writes_nothing(void **state)
{
    struct saying s = {"tenant.unreachable", "tn_1", "it does not answer", NOTICE_USUAL};

    (void)state;
    must_write(w, raise_it, &s);
    struct notice first = the(s.kind, s.id);
    assert_int_equal(first.severity, NOTICE_CRITICAL);
    assert_int_equal(first.state, NOTICE_HOLDING);
    assert_string_equal(first.subject, "tenant");
    assert_int_equal(first.due_at, first.raised_at + 120000);
    must_write(w, raise_it, &s);
    struct notice again = the(s.kind, s.id);
    assert_memory_equal(&first, &again, sizeof first);
    s.text = "it still does not answer";
    must_write(w, raise_it, &s);
    again = the(s.kind, s.id);
    assert_string_equal(again.id, first.id);
    assert_string_equal(again.text, s.text);
    assert_int_equal(again.due_at, first.due_at);
    s.kind = "no.such";
    refuse_write(w, raise_it, &s, "notice_kind");
    assert_int_equal(count(&notice_table), 1);
    world_sound(w);
}

static void a_blip_leaves_no_trace(void **state)
{
    struct saying s = {"tenant.unreachable", "tn_1", "silent", NOTICE_USUAL};

    (void)state;
    must_write(w, clear_it, &s);
    must_write(w, raise_it, &s);
    must_write(w, clear_it, &s);
    assert_int_equal(count(&notice_table), 0);
    must_write(w, raise_it, &s);
    s.kind = "tenant.memory";
    must_write(w, raise_it, &s);
    s.id = "tn_2";
    must_write(w, raise_it, &s);
    must_write(w, clear_tenant, "tn_1");
    assert_int_equal(count(&notice_table), 1);
    world_sound(w);
}

struct acting {
    struct notice notice;
    int64_t until;
};

static int tell(struct txn *txn, void *arg, struct err *err)
{
    struct acting *a = arg;

    a->notice.state = NOTICE_OPEN;
    a->notice.opened_at = a->notice.told_at = txn_time_ms(txn);
    a->notice.told = 1;
    a->notice.told_severity = a->notice.severity;
    a->notice.due_at = txn_time_ms(txn) + 3600000;
    return notice_put(txn, &a->notice, err);
}

static int acknowledge(struct txn *txn, void *arg, struct err *err)
{
    struct acting *a = arg;
    return notice_acknowledge(txn, &a->notice, "admin", "on it", err);
}

static int silence(struct txn *txn, void *arg, struct err *err)
{
    struct acting *a = arg;
    return notice_silence(txn, &a->notice, a->until, err);
}

static void what_was_told_ends_as_cleared(void **state)
{
    struct saying s = {"box.disk", NULL, "the disk is 86 % full", NOTICE_WARNING};
    struct acting a;

    (void)state;
    must_write(w, raise_it, &s);
    a.notice = the(s.kind, "");
    must_write(w, tell, &a);
    must_write(w, acknowledge, &a);
    assert_int_equal(the(s.kind, "").due_at, 0);
    s.severity = NOTICE_CRITICAL; /* worse than what somebody answered for */
    must_write(w, raise_it, &s);
    a.notice = the(s.kind, "");
    assert_int_equal(a.notice.state, NOTICE_OPEN);
    assert_true(a.notice.due_at != 0);
    a.until = clock_wall_ms() + 600000;
    must_write(w, silence, &a);
    assert_int_equal(the(s.kind, "").due_at, a.until);
    must_write(w, clear_it, &s);
    struct txn *txn = must_read(w);
    struct err err;
    assert_int_equal(record_get(txn, &notice_table, &a.notice, &err), 1);
    db_read_end(txn);
    assert_int_equal(a.notice.state, NOTICE_CLEARED);
    assert_int_equal(a.notice.due_at, a.notice.cleared_at);
    refuse_write(w, acknowledge, &a, "alert_cleared");
    refuse_write(w, silence, &a, "alert_cleared");
    must_write(w, raise_it, &s); /* a new one beside it */
    assert_int_equal(count(&notice_table), 2);
    world_sound(w);
}

static void long_texts_are_cut_between_characters(void **state)
{
    static char text[1001];
    struct saying s = {"job.stuck", "job_1", text, NOTICE_USUAL};

    (void)state;
    for (size_t i = 0; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa4", 2);
    must_write(w, raise_it, &s);
    struct notice notice = the(s.kind, s.id);
    assert_int_equal(strlen(notice.text), 398);
    assert_true(str_utf8(notice.text, strlen(notice.text)));
}

static void kinds_fit_their_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < notice_kind_count; i++) {
        const struct notice_kind *k = &notice_kinds[i];

        assert_true(strlen(k->name) < sizeof((struct notice *)0)->kind);
        assert_true(strlen(k->subject) < sizeof((struct notice *)0)->subject);
        assert_true(k->severity != NOTICE_USUAL && k->help != NULL && k->hint != NULL);
        assert_true((k->unit != NULL) == (k->threshold != 0));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(k->name, notice_kinds[j].name);
    }
}

struct writing {
    struct customer customer;
    struct letter letter;
    struct kv params;
};

static int make_customer(struct txn *txn, void *arg, struct err *err)
{
    struct writing *x = arg;
    return customer_new(txn, &x->customer, err);
}

static int queue(struct txn *txn, void *arg, struct err *err)
{
    struct writing *x = arg;

    x->letter.customer_id = x->customer.id;
    x->letter.params = &x->params;
    return letter_queue(txn, &x->letter, err);
}

static struct message only_message(void)
{
    struct txn *txn = must_read(w);
    struct message m, more;
    struct scan scan;
    struct err err;

    assert_int_equal(scan_start(&scan, txn, &message_table, NULL, NULL, 0, false, &err), 0);
    assert_int_equal(scan_next(&scan, &m, &err), 1);
    assert_int_equal(scan_next(&scan, &more, &err), 0);
    db_read_end(txn);
    return m;
}

static void letters_are_queued_once(void **state)
{
    static struct writing x;

    (void)state;
    memset(&x, 0, sizeof x);
    (void)str_copy(x.customer.email, sizeof x.customer.email, "anna@example.com");
    (void)str_copy(x.customer.locale, sizeof x.customer.locale, "de-CH");
    must_write(w, make_customer, &x);
    x.letter.kind = "deletion";
    refuse_write(w, queue, &x, "letter_param");
    assert_int_equal(kv_set(&x.params, "days", "7"), 0);
    assert_int_equal(kv_set(&x.params, "date", "2026-12-01"), 0);
    x.letter.once = "deletion su_1 7";
    must_write(w, queue, &x);
    must_write(w, queue, &x);
    struct message m = only_message();
    assert_string_equal(m.language, "de");
    assert_string_equal(m.recipient, "anna@example.com");
    assert_int_equal(m.state, MESSAGE_QUEUED);
    assert_int_equal(m.give_up_at, m.created_at + MESSAGE_TRY_MS);
    assert_int_equal(kv_set(&x.params, "more", "x"), 0);
    refuse_write(w, queue, &x, "letter_param");
    x.letter.kind = "nonsense";
    refuse_write(w, queue, &x, "letter_kind");
    x.letter.kind = "message"; /* of no mailing */
    refuse_write(w, queue, &x, "letter_param");
    x.customer.id[0] = '\0'; /* a tenant without a customer has nobody to write to */
    kv_unset(&x.params, "more");
    x.letter.kind = "deletion";
    x.letter.once = NULL;
    must_write(w, queue, &x);
    assert_int_equal(count(&message_table), 1);
    world_sound(w);
}

static void a_customer_without_an_address_is_told_of(void **state)
{
    static struct writing x;

    (void)state;
    memset(&x, 0, sizeof x);
    (void)str_copy(x.customer.email, sizeof x.customer.email, "anna@x>, <b@y");
    must_write(w, make_customer, &x);
    x.letter.kind = "suspended";
    must_write(w, queue, &x);
    struct message m = only_message();
    assert_int_equal(m.state, MESSAGE_FAILED);
    assert_string_equal(m.cause, "the customer has no e-mail address");
    assert_true(m.due_at > m.ended_at);
}

#define CASE(name_) cmocka_unit_test_setup_teardown(name_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(raising_again_writes_nothing),
        CASE(a_blip_leaves_no_trace),
        CASE(what_was_told_ends_as_cleared),
        CASE(long_texts_are_cut_between_characters),
        CASE(kinds_fit_their_fields),
        CASE(letters_are_queued_once),
        CASE(a_customer_without_an_address_is_told_of),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
