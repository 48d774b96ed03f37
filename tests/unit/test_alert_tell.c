/* Who is told what, and when: damping, resending, quiet hours, silence, recovery, floods; and the
 * two commits around a sending. With a clock that the test moves. */
#include "domain_world.h"

#include <sys/stat.h>

#include "alert_channel.h"
#include "alert_rule.h"
#include "alert_tell.h"
#include "customer.h"
#include "letter.h"
#include "notice_world.h"
#include "post.h"
#include "reminders.h"
#include "setting.h"
#include "subscription.h"
#include "tenant.h"

static struct world *w;
static struct saga_context context;
static struct alert_tell tell;

static int set_up(void **state)
{
    struct err err;

    (void)state;
    w = world_new();
    memset(&context, 0, sizeof context);
    memset(&tell, 0, sizeof tell);
    context.db = w->db;
    tell.context = &context;
    if (vault_create(w->folder, &err) != 0 || web_key_create(w->folder, &err) != 0 ||
        vault_load(&context.vault, w->folder, true, &err) != 0 ||
        web_key_load(&context.web_key, w->folder, &err) != 0)
        fail_msg("%s", err.text);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    world_end(w);
    return 0;
}

static int add_channel(struct txn *txn, void *arg, struct err *err)
{
    struct alert_channel *c = arg;

    c->id[0] = '\0';
    return channel_new(txn, c, err);
}

static struct alert_channel channel(const char *name, const char *kinds, uint32_t severity)
{
    struct alert_channel c = {.type = CHANNEL_EMAIL, .enabled = true, .severity = severity};

    (void)str_copy(c.name, sizeof c.name, name);
    (void)str_copy(c.target, sizeof c.target, "oncall@example.com");
    (void)str_copy(c.kinds, sizeof c.kinds, kinds);
    must_write(w, add_channel, &c);
    return c;
}

struct pair {
    const char *name, *value;
};

static int set_setting(struct txn *txn, void *arg, struct err *err)
{
    const struct pair *p = arg;
    return setting_set(txn, p->name, p->value, "test", err);
}

static void set(const char *name, const char *value)
{
    struct pair p = {name, value};

    must_write(w, set_setting, &p);
}

static void run(void)
{
    struct err err;

    while (alert_due(&tell))
        if (alert_tell(&tell, &err) < 0)
            fail_msg("%s", err.text);
}

/* How many messages of this event are in the outbox. */
static int messages(const char *event)
{
    struct txn *txn = must_read(w);
    struct message m;
    struct scan scan;
    struct err err;
    int n = 0;

    assert_int_equal(scan_start(&scan, txn, &message_table, NULL, NULL, 0, false, &err), 0);
    while (scan_next(&scan, &m, &err) == 1)
        n += event == NULL || str_equal(kv_get_or(&m.params, "event", ""), event);
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

static void it_must_hold_before_it_is_told(void **state)
{
    struct saying s = {"tenant.unreachable", "tn_1", "silent", NOTICE_USUAL};

    (void)state;
    (void)channel("oncall", "", NOTICE_INFO);
    must_write(w, raise_it, &s);
    run();
    assert_int_equal(messages(NULL), 0);
    world_wait(w, 119);
    run();
    assert_int_equal(messages(NULL), 0);
    world_wait(w, 2);
    run();
    assert_int_equal(messages("alert.raised"), 1);
    memset(&tell, 0, sizeof tell); /* a worker that begins anew tells nothing twice */
    tell.context = &context;
    run();
    assert_int_equal(messages(NULL), 1);
    world_wait(w, 4 * 3600 - 10);
    run();
    assert_int_equal(messages("alert.again"), 0);
    world_wait(w, 11);
    run();
    assert_int_equal(messages("alert.again"), 1);
    must_write(w, clear_it, &s);
    run();
    run();
    assert_int_equal(messages("alert.cleared"), 1);
    world_wait(w, 91 * 86400);
    run();
    struct txn *txn = must_read(w);
    struct err err;
    assert_int_equal(record_count(txn, &notice_table, &err), 0);
    db_read_end(txn);
    world_sound(w);
}

struct acting {
    struct notice notice;
    int64_t until;
};

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

static void who_answers_for_it_is_left_alone(void **state)
{
    struct saying s = {"job.stuck", "job_1", "stuck", NOTICE_USUAL};
    struct acting a;

    (void)state;
    (void)channel("oncall", "", NOTICE_INFO);
    must_write(w, raise_it, &s);
    run();
    a.notice = the(s.kind, s.id);
    must_write(w, acknowledge, &a);
    world_wait(w, 10 * 86400);
    run();
    assert_int_equal(messages(NULL), 1);
    must_write(w, clear_it, &s);
    run();
    assert_int_equal(messages("alert.cleared"), 1);
}

static void a_hint_names_its_subject(void **state)
{
    struct notice job = {.kind = "job.stuck", .subject_id = "job_1"};
    struct notice channel = {.kind = "channel.failing", .subject_id = "oncall"};
    struct notice box = {.kind = "tunnel.down"}, unknown = {.kind = "nothing.known"};
    char hint[NOTICE_HINT_SIZE];

    (void)state;
    notice_hint(&job, hint);
    assert_string_equal(hint, "sett job show job_1 names the cause; then sett job retry job_1, or "
                              "sett job resolve job_1 --how undo");
    notice_hint(&channel, hint);
    assert_string_equal(hint, "sett channel test oncall");
    notice_hint(&box, hint);
    assert_string_equal(hint, "sett tunnel probe ID");
    notice_hint(&unknown, hint);
    assert_string_equal(hint, "");
    memset(job.subject_id, 'x', sizeof job.subject_id - 1); /* the longest there is */
    notice_hint(&job, hint);
    assert_non_null(strstr(hint, "xx --how undo"));
}

static void silence_ends(void **state)
{
    struct saying s = {"job.stuck", "job_1", "stuck", NOTICE_USUAL};
    struct acting a;

    (void)state;
    (void)channel("oncall", "", NOTICE_INFO);
    must_write(w, raise_it, &s);
    run();
    a.notice = the(s.kind, s.id);
    a.until = clock_wall_ms() + INT64_C(10) * 3600 * 1000;
    must_write(w, silence, &a);
    world_wait(w, 9 * 3600);
    run();
    assert_int_equal(messages(NULL), 1);
    world_wait(w, 3600 + 1);
    run();
    assert_int_equal(messages("alert.again"), 1);
}

static void quiet_hours_hold_back_all_but_what_is_critical(void **state)
{
    struct saying warning = {"tenant.storage", "tn_1", "91 %", NOTICE_USUAL};
    struct saying critical = {"job.stuck", "job_1", "stuck", NOTICE_USUAL};
    struct saying blip = {"subscription.flagged", "su_1", "look", NOTICE_USUAL};
    int64_t day_s = clock_wall_ms() / 1000 % 86400;

    (void)state;
    set("box.time_zone", "UTC");
    set("alerts.quiet", "22:00-07:00");
    (void)channel("oncall", "", NOTICE_INFO);
    world_wait(w, 23 * 3600 - day_s + 86400); /* tomorrow, 23:00 */
    must_write(w, raise_it, &warning);
    must_write(w, raise_it, &critical);
    must_write(w, raise_it, &blip);
    world_wait(w, 600);
    run();
    assert_int_equal(messages(NULL), 1);
    must_write(w, clear_it, &blip);    /* over before anybody was told: nobody is told of its end */
    world_wait(w, 7 * 3600 + 49 * 60); /* 06:59 */
    run();
    assert_int_equal(messages("alert.raised"), 1);
    world_wait(w, 120);
    run();
    assert_int_equal(messages("alert.raised"), 2);
    assert_int_equal(messages("alert.cleared"), 0);
}

static int set_rule(struct txn *txn, void *arg, struct err *err)
{
    return alert_rule_put(txn, arg, err);
}

static void rules_change_kinds(void **state)
{
    struct alert_rule rule = {.kind = "job.stuck",
                              .threshold = UINT32_MAX,
                              .hold_s = 60,
                              .resend_s = UINT32_MAX,
                              .severity = NOTICE_INFO};
    struct saying s = {"job.stuck", "job_1", "stuck", NOTICE_USUAL};
    struct saying off = {"event.failed", "evt_1", "failed", NOTICE_USUAL};

    (void)state;
    (void)channel("oncall", "", NOTICE_INFO);
    must_write(w, set_rule, &rule);
    must_write(w, raise_it, &s);
    assert_int_equal(the(s.kind, s.id).severity, NOTICE_INFO);
    run();
    assert_int_equal(messages(NULL), 0);
    world_wait(w, 61);
    run();
    assert_int_equal(messages(NULL), 1);
    (void)str_copy(rule.kind, sizeof rule.kind, "event.failed");
    rule.off = true;
    rule.hold_s = UINT32_MAX;
    must_write(w, set_rule, &rule);
    must_write(w, raise_it, &off);
    run();
    assert_int_equal(messages(NULL), 1);
    assert_int_equal(the(off.kind, off.id).state, NOTICE_OPEN);
}

static void channels_get_what_they_want(void **state)
{
    struct saying s = {"job.stuck", "job_1", "stuck", NOTICE_USUAL};
    struct saying failing = {"channel.failing", "all", "it fails", NOTICE_USUAL};
    struct err err;

    (void)state;
    must_write(w, raise_it, &s);
    run(); /* nobody to tell */
    assert_int_equal(the(s.kind, s.id).told, 0);
    (void)channel("all", "", NOTICE_INFO);
    (void)channel("tenants", "tenant.*, domain.moved", NOTICE_INFO);
    (void)channel("grave", "", NOTICE_CRITICAL);
    must_write(w, raise_it, &(struct saying){"subscription.flagged", "su_1", "look", NOTICE_USUAL});
    must_write(w, raise_it, &failing); /* never over the channel that fails */
    run();
    assert_int_equal(messages(NULL), 1);
    assert_int_equal(channel_kinds_check("tenant.*, job.stuck", &err), 0);
    assert_int_equal(channel_kinds_check("tenant.*, nonsense", &err), -1);
    assert_int_equal(channel_kinds_check("*", &err), 0);
}

static void many_at_once_are_told_as_one(void **state)
{
    struct saying s = {"tenant.unreachable", NULL, "silent", NOTICE_USUAL};
    char id[16];

    (void)state;
    (void)channel("oncall", "", NOTICE_INFO);
    for (int i = 0; i < 450; i++) {
        (void)str_format(id, sizeof id, "tn_%d", i);
        s.id = id;
        must_write(w, raise_it, &s);
    }
    world_wait(w, 121);
    run();
    assert_int_equal(messages("alert.raised"), 1); /* the first bite; the kind keeps still */
    world_wait(w, 61);
    run();
    assert_int_equal(messages("alert.raised"), 2);
    world_wait(w, 61);
    run();
    assert_int_equal(messages("alert.raised"), 3);
    assert_true(the("tenant.unreachable", "tn_449").told == 1);
    world_sound(w);
}

/* ---- the two commits around a sending ---- */

static int queue_alert(struct txn *txn, void *arg, struct err *err)
{
    struct message *m = arg;

    m->id[0] = '\0';
    return message_new(txn, m, err) < 0 ? -1 : 0;
}

static void a_sending_that_is_cut_short_is_done_again(void **state)
{
    static struct post_item item, again;
    struct alert_channel c = channel("oncall", "", NOTICE_INFO);
    struct message m = {.audience = MESSAGE_OPERATOR};
    struct post_result result = {.outcome = POST_AGAIN};
    struct err err;

    (void)state;
    (void)str_copy(m.kind, sizeof m.kind, "job.stuck");
    (void)str_copy(m.channel_id, sizeof m.channel_id, c.id);
    must_write(w, queue_alert, &m);
    assert_int_equal(post_claim(&context, m.id, &item, &err), 1);
    assert_int_equal(post_claim(&context, m.id, &again, &err), 0); /* not at once */
    world_wait(w, 6); /* the worker died; after the first wait it is sent again, by the same id */
    assert_int_equal(post_claim(&context, m.id, &again, &err), 1);
    assert_string_equal(again.message.id, m.id);
    assert_int_equal(again.message.attempts, 2);
    result.retry_after_s = 600;
    assert_int_equal(post_note(&context, &again, &result, &err), 0);
    world_wait(w, 599);
    assert_int_equal(post_claim(&context, m.id, &again, &err), 0);
    world_wait(w, 2);
    assert_int_equal(post_claim(&context, m.id, &again, &err), 1);
    result.outcome = POST_SENT;
    assert_int_equal(post_note(&context, &again, &result, &err), 0);
    world_wait(w, 86400);
    assert_int_equal(post_claim(&context, m.id, &again, &err), 0);
    world_sound(w);
}

static void what_never_gets_through_is_given_up_and_said(void **state)
{
    static struct post_item item;
    struct alert_channel c = channel("oncall", "", NOTICE_INFO);
    struct message m = {.audience = MESSAGE_OPERATOR};
    struct post_result result = {.outcome = POST_AGAIN, .cause = "no route"};
    struct err err;
    int attempts = 0;

    (void)state;
    (void)str_copy(m.channel_id, sizeof m.channel_id, c.id);
    (void)str_copy(m.kind, sizeof m.kind, "job.stuck");
    must_write(w, queue_alert, &m);
    for (int hour = 0; hour < 24 * 5; hour++) {
        if (post_claim(&context, m.id, &item, &err) == 1) {
            attempts++;
            assert_int_equal(post_note(&context, &item, &result, &err), 0);
        }
        world_wait(w, 3600);
    }
    assert_true(attempts >= 10 && attempts <= 16);
    struct txn *txn = must_read(w);
    assert_int_equal(record_get(txn, &message_table, &m, &err), 1);
    db_read_end(txn);
    assert_int_equal(m.state, MESSAGE_FAILED);
    assert_string_equal(m.cause, "no route");
    assert_int_equal(the("channel.failing", "oncall").state, NOTICE_HOLDING);
}

static void a_channel_that_is_gone_is_switched_off(void **state)
{
    static struct post_item item;
    struct alert_channel c = channel("hook", "", NOTICE_INFO);
    struct message m = {.audience = MESSAGE_OPERATOR};
    struct post_result result = {.outcome = POST_GONE, .cause = "410"};
    struct err err;

    (void)state;
    (void)str_copy(m.channel_id, sizeof m.channel_id, c.id);
    must_write(w, queue_alert, &m);
    assert_int_equal(post_claim(&context, m.id, &item, &err), 1);
    assert_int_equal(post_note(&context, &item, &result, &err), 0);
    struct txn *txn = must_read(w);
    assert_int_equal(record_get(txn, &alert_channel_table, &c, &err), 1);
    db_read_end(txn);
    assert_false(c.enabled);
    assert_true(c.disabled_reason[0] != '\0');
}

struct ending {
    struct customer customer;
    struct tenant tenant;
    struct subscription sub;
    int64_t delete_in_ms;
};

static int end_subscription(struct txn *txn, void *arg, struct err *err)
{
    struct ending *e = arg;

    (void)str_copy(e->customer.email, sizeof e->customer.email, "a@b.example");
    if (customer_new(txn, &e->customer, err) != 0)
        return -1;
    id_make(e->tenant.id, "tn");
    e->tenant.number = 1;
    if (record_insert(txn, &tenant_table, &e->tenant, err) != 0)
        return -1;
    (void)str_copy(e->sub.customer_id, sizeof e->sub.customer_id, e->customer.id);
    (void)str_copy(e->sub.tenant_id, sizeof e->sub.tenant_id, e->tenant.id);
    e->sub.ended_at = txn_time_ms(txn);
    e->sub.delete_at = txn_time_ms(txn) + e->delete_in_ms;
    return subscription_new(txn, &e->sub, err);
}

static int remind(struct txn *txn, void *arg, struct err *err)
{
    int *done = arg;

    *done = reminders_send(txn, 50, err);
    return *done < 0 ? -1 : 0;
}

static int reminded(void)
{
    struct txn *txn = must_read(w);
    struct err err;
    int due = reminders_due(txn, &err), done = 0;

    db_read_end(txn);
    must_write(w, remind, &done);
    assert_int_equal(due, done > 0);
    return done;
}

static void a_deletion_is_reminded_of_thrice(void **state)
{
    static struct ending e;
    int letters = 0, days[64] = {0};

    (void)state;
    memset(&e, 0, sizeof e);
    e.delete_in_ms = INT64_C(14) * 86400 * 1000;
    must_write(w, end_subscription, &e);
    for (int half = 0; half < 30; half++) {
        if (reminded() == 1)
            days[letters++] = half;
        assert_int_equal(reminded(), 0); /* each once */
        world_wait(w, 43200);
    }
    assert_int_equal(letters, 3);
    assert_int_equal(days[0], 14); /* halves of days: 7, 3 and 1 before the end */
    assert_int_equal(days[1], 22);
    assert_int_equal(days[2], 26);
}

static void waits_grow_and_have_an_end(void **state)
{
    (void)state;
    assert_int_equal(post_backoff_s(5, 1), 5);
    assert_int_equal(post_backoff_s(5, 2), 30);
    assert_int_equal(post_backoff_s(5, 4), 1080);
    assert_int_equal(post_backoff_s(5, 50), 28800);
    assert_int_equal(post_backoff_s(3600, 4000000), 28800);
}

static void kinds_fit_the_bound_of_rows(void **state)
{
    (void)state;
    assert_true(notice_kind_count < ALERT_KINDS);
}

#define CASE(name_) cmocka_unit_test_setup_teardown(name_, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(it_must_hold_before_it_is_told),
        CASE(who_answers_for_it_is_left_alone),
        CASE(a_hint_names_its_subject),
        CASE(silence_ends),
        CASE(quiet_hours_hold_back_all_but_what_is_critical),
        CASE(rules_change_kinds),
        CASE(channels_get_what_they_want),
        CASE(many_at_once_are_told_as_one),
        CASE(a_sending_that_is_cut_short_is_done_again),
        CASE(what_never_gets_through_is_given_up_and_said),
        CASE(a_channel_that_is_gone_is_switched_off),
        CASE(a_deletion_is_reminded_of_thrice),
        CASE(waits_grow_and_have_an_end),
        CASE(kinds_fit_the_bound_of_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
