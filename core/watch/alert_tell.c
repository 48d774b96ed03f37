/*
 * The telling of notices. Apart from their raising, which many do and must be short, and from the
 * sending, which may fail: here is only who is told what, and when.
 */
#include "alert_tell.h"

#include <string.h>

#include "alert_channel.h"
#include "alert_rule.h"
#include "clock.h"
#include "letter.h"
#include "quiet_hours.h"
#include "setting.h"
#include "str.h"

#define STILL_MS  INT64_C(60000)
#define LIST_MOST 20 /* named in a message about many */

enum event { EVENT_RAISED, EVENT_AGAIN, EVENT_CLEARED };
static const char *const event_names[] = {"alert.raised", "alert.again", "alert.cleared"};

/* One of those to be told in this commit. */
struct due {
    char id[ID_SIZE];
    uint32_t kind; /* row */
    uint32_t event;
};

struct round {
    struct alert_tell *t;
    struct txn *txn;
    struct quiet_hours quiet;
    char zone[512], box[512];
    struct due due[ALERT_BITE];
    unsigned due_count;
    int looked;
    int64_t now_ms;
    int64_t still_until_ms[ALERT_KINDS]; /* as it will be; taken over when it is committed */
};

static uint32_t kind_row(const char *name)
{
    for (uint32_t i = 0; i < notice_kind_count && i < ALERT_KINDS; i++)
        if (str_equal(notice_kinds[i].name, name))
            return i;
    return ALERT_KINDS;
}

static int set_params(struct kv *params, const struct notice *n, const char *event,
                      const char *text)
{
    char raised[CLOCK_TEXT_SIZE], cleared[CLOCK_TEXT_SIZE], hint[NOTICE_HINT_SIZE];
    int bad = 0;

    notice_hint(n, hint);
    clock_text(raised, n->raised_at);
    clock_text(cleared, n->cleared_at);
    bad |= kv_set(params, "event", event);
    bad |= kv_set(params, "kind", n->kind);
    bad |= kv_set(params, "severity", notice_severity_names[n->severity]);
    bad |= kv_set(params, "subject", n->subject);
    bad |= kv_set(params, "subject_id", n->subject_id);
    bad |= kv_set(params, "text", text);
    bad |= kv_set(params, "hint", hint);
    bad |= kv_set(params, "raised_at", raised);
    bad |= kv_set_u64(params, "told_times", n->told + 1);
    if (n->cleared_at != 0)
        bad |= kv_set(params, "cleared_at", cleared);
    return bad;
}

/* A message to each channel that wants to hear of this. Return how many, or -1. */
static int to_channels(struct round *r, const struct notice *n, const struct kv *params,
                       struct err *err)
{
    struct alert_channel channel;
    struct message m;
    struct scan scan;
    int got, count = 0;

    if (scan_start(&scan, r->txn, &alert_channel_table, NULL, NULL, 0, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &channel, err)) == 1) {
        if (!channel_wants(&channel, n))
            continue;
        memset(&m, 0, sizeof m);
        m.audience = MESSAGE_OPERATOR;
        (void)str_copy(m.kind, sizeof m.kind, n->kind);
        (void)str_copy(m.channel_id, sizeof m.channel_id, channel.id);
        (void)str_copy(m.notice_id, sizeof m.notice_id, n->id);
        if (channel.type == CHANNEL_EMAIL)
            (void)str_copy(m.recipient, sizeof m.recipient, channel.target);
        m.params = *params;
        if (message_new(r->txn, &m, err) < 0)
            return -1;
        count++;
    }
    return got < 0 ? -1 : count;
}

/* Not told now; looked at again then. */
static int keep(struct round *r, struct notice *n, int64_t due_at, struct err *err)
{
    n->due_at = due_at;
    return notice_put(r->txn, n, err);
}

/* The notice as it is once it was told. With nobody to tell it waits for a channel that wants it.
 */
static int told(struct round *r, struct notice *n, uint32_t event, int channels, struct err *err)
{
    struct alert_rule rule;

    if (channels == 0 && event != EVENT_CLEARED)
        return keep(r, n, 0, err);
    if (alert_rule_get(r->txn, n->kind, &rule, err) != 0)
        return -1;
    if (event == EVENT_CLEARED) {
        n->end_told = true;
        return keep(r, n, n->cleared_at + NOTICE_KEEP_MS, err);
    }
    n->told++;
    n->told_at = r->now_ms;
    n->told_severity = n->severity;
    n->due_at = rule.resend_s == 0 || n->state != NOTICE_OPEN
                    ? 0
                    : r->now_ms + (int64_t)rule.resend_s * 1000;
    return notice_put(r->txn, n, err);
}

static int load(struct round *r, const struct due *due, struct notice *n, struct err *err)
{
    memset(n, 0, sizeof *n);
    (void)str_copy(n->id, sizeof n->id, due->id);
    return record_get(r->txn, &notice_table, n, err);
}

static int tell_one(struct round *r, const struct due *due, struct err *err)
{
    struct notice n;
    struct kv params;
    int found = load(r, due, &n, err);

    if (found <= 0)
        return found;
    kv_clear(&params);
    if (set_params(&params, &n, event_names[due->event], n.text) != 0 ||
        kv_set(&params, "box", r->box) != 0)
        return err_set(err, ERR_INTERNAL, "notice_too_long", "the alert %s is too long", n.id);
    found = to_channels(r, &n, &params, err);
    return found < 0 ? -1 : told(r, &n, due->event, found, err);
}

/* The gravest of many of one kind, and a list of the first. Return how many there are, or -1. */
static int gather(struct round *r, uint32_t kind, uint32_t event, struct notice *gravest,
                  struct buf *list, struct err *err)
{
    struct notice n;
    char line[128];
    int named = 0, found;

    for (unsigned i = 0; i < r->due_count; i++) {
        if (r->due[i].kind != kind || r->due[i].event != event)
            continue;
        if ((found = load(r, &r->due[i], &n, err)) <= 0)
            return found < 0 ? -1 : err_set(err, ERR_INTERNAL, "notice_gone", "an alert is gone");
        if (gravest->id[0] == '\0' || n.severity > gravest->severity)
            *gravest = n;
        if (named++ < LIST_MOST &&
            str_format(line, sizeof line, "%s %s\n", n.subject, n.subject_id) == 0)
            (void)buf_text(list, line);
    }
    if (named > LIST_MOST)
        (void)buf_format(list, "and %d more\n", named - LIST_MOST);
    return named;
}

static int all_told(struct round *r, uint32_t kind, uint32_t event, int channels, struct err *err)
{
    struct notice n;
    int found;

    for (unsigned i = 0; i < r->due_count; i++) {
        if (r->due[i].kind != kind || r->due[i].event != event)
            continue;
        if ((found = load(r, &r->due[i], &n, err)) < 0 ||
            (found == 1 && told(r, &n, event, channels, err) != 0))
            return -1;
    }
    return 0;
}

/* Many of one kind: one message that counts them and names the first. */
static int tell_many(struct round *r, uint32_t kind, uint32_t event, struct err *err)
{
    struct notice gravest = {0};
    struct kv params;
    char text[240];
    struct buf list;
    int result, count;

    buf_init(&list, 1500);
    if ((count = gather(r, kind, event, &gravest, &list, err)) < 0) {
        buf_free(&list);
        return -1;
    }
    (void)str_format(text, sizeof text, "%d at once: %s%s", count, notice_kinds[kind].help,
                     event == EVENT_CLEARED ? " (over)" : "");
    gravest.subject_id[0] = '\0';
    kv_clear(&params);
    if ((set_params(&params, &gravest, event_names[event], text) | kv_set(&params, "box", r->box) |
         kv_set_u64(&params, "count", (uint64_t)count) |
         kv_set(&params, "list", buf_string(&list))) != 0)
        result = err_set(err, ERR_INTERNAL, "notice_too_long", "too many alerts for one message");
    else
        result = to_channels(r, &gravest, &params, err);
    buf_free(&list);
    r->still_until_ms[kind] = r->now_ms + STILL_MS;
    return result < 0 ? -1 : all_told(r, kind, event, result, err);
}

/* A notice whose time has come: whether it is told now, later, or never. */
static int consider(struct round *r, struct notice *n, struct err *err)
{
    uint32_t kind = kind_row(n->kind);
    struct alert_rule rule;
    int64_t wait_until_ms;

    if (n->state == NOTICE_CLEARED && n->cleared_at + NOTICE_KEEP_MS <= r->now_ms)
        return record_delete(r->txn, &notice_table, n, err) < 0 ? -1 : 0;
    if (n->state == NOTICE_CLEARED && (n->told == 0 || n->end_told))
        return keep(r, n, n->cleared_at + NOTICE_KEEP_MS, err);
    if (kind == ALERT_KINDS) /* a kind that this program no longer knows */
        return keep(r, n, 0, err);
    if (alert_rule_get(r->txn, n->kind, &rule, err) != 0)
        return -1;
    if (n->state == NOTICE_HOLDING) {
        n->state = NOTICE_OPEN;
        n->opened_at = r->now_ms;
    }
    if (n->state == NOTICE_ACKNOWLEDGED || rule.off)
        return keep(r, n, n->state == NOTICE_CLEARED ? n->cleared_at + NOTICE_KEEP_MS : 0, err);
    wait_until_ms =
        n->severity == NOTICE_CRITICAL ? 0 : quiet_hours_end(&r->quiet, r->zone, r->now_ms);
    if (n->state == NOTICE_OPEN && n->silenced_until > r->now_ms &&
        n->silenced_until > wait_until_ms)
        wait_until_ms = n->silenced_until;
    if (r->still_until_ms[kind] > r->now_ms && r->still_until_ms[kind] > wait_until_ms)
        wait_until_ms = r->still_until_ms[kind];
    if (wait_until_ms > r->now_ms)
        return keep(r, n, wait_until_ms, err);
    return notice_put(r->txn, n, err) != 0 ? -1 : 1;
}

static int collect(struct round *r, struct err *err)
{
    struct notice n;
    struct scan scan;
    int got;

    if (scan_start(&scan, r->txn, &notice_table, "due_at", NULL, 0, false, err) != 0)
        return -1;
    while (r->looked < ALERT_BITE && (got = scan_next(&scan, &n, err)) != 0) {
        struct due *due = &r->due[r->due_count];

        if (got < 0)
            return -1;
        if (n.due_at > r->now_ms)
            break;
        r->looked++;
        if ((got = consider(r, &n, err)) < 0)
            return -1;
        if (got == 0)
            continue;
        (void)str_copy(due->id, sizeof due->id, n.id);
        due->kind = kind_row(n.kind);
        due->event = n.state == NOTICE_CLEARED ? EVENT_CLEARED
                     : n.told > 0              ? EVENT_AGAIN
                                               : EVENT_RAISED;
        r->due_count++;
    }
    return 0;
}

static int round_run(struct txn *txn, void *arg, struct err *err)
{
    struct round *r = arg;
    const struct conf *conf = &r->t->context->conf;
    char quiet[512];

    r->txn = txn;
    r->now_ms = txn_time_ms(txn);
    r->due_count = 0;
    r->looked = 0;
    memcpy(r->still_until_ms, r->t->still_until_ms, sizeof r->still_until_ms);
    if (setting_text(txn, conf, "alerts.quiet", quiet, sizeof quiet, err) < 0 ||
        setting_text(txn, conf, "box.time_zone", r->zone, sizeof r->zone, err) < 0 ||
        setting_text(txn, conf, "box.name", r->box, sizeof r->box, err) < 0)
        return -1;
    if (quiet_hours_parse(quiet, &r->quiet, err) != 0)
        memset(&r->quiet, 0, sizeof r->quiet);
    if (collect(r, err) != 0)
        return -1;
    for (unsigned i = 0; i < r->due_count; i++) {
        const struct due *d = &r->due[i];
        unsigned count = 0, before = 0;

        for (unsigned k = 0; k < r->due_count; k++)
            if (r->due[k].kind == d->kind && r->due[k].event == d->event) {
                count++;
                before += k < i;
            }
        if (count <= ALERT_SINGLY ? tell_one(r, d, err) != 0
                                  : before == 0 && tell_many(r, d->kind, d->event, err) != 0)
            return -1;
    }
    return 0;
}

int alert_tell(struct alert_tell *t, struct err *err)
{
    struct round r;

    memset(&r, 0, sizeof r);
    r.t = t;
    if (db_write(t->context->db, round_run, &r, err) != 0)
        return -1;
    memcpy(t->still_until_ms, r.still_until_ms, sizeof t->still_until_ms);
    return r.looked;
}

bool alert_due(const struct alert_tell *t)
{
    struct notice n;
    struct txn *txn;
    struct scan scan;
    struct err err;
    bool due = false;

    if (db_read(&txn, t->context->db, &err) != 0)
        return false;
    if (scan_start(&scan, txn, &notice_table, "due_at", NULL, 0, false, &err) == 0 &&
        scan_next(&scan, &n, &err) == 1)
        due = n.due_at <= clock_wall_ms();
    db_read_end(txn);
    return due;
}
