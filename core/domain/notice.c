/*
 * Notices: their table and their life. Apart from the telling, so that whoever notices something
 * can say so in its own commit without knowing of channels, quiet hours or the time of day.
 */
#include "notice.h"

#include "alert_rule.h"

#include "str.h"

#include <string.h>

const char *const notice_severity_names[] = {"usual", "info", "warning", "critical", NULL};
const char *const notice_state_names[] = {"holding", "open", "acknowledged", "cleared", NULL};

static const struct field rows[] = {
    FIELD(struct notice, id, FIELD_ID, .ref_prefix = "al"),
    FIELD(struct notice, kind, FIELD_TEXT, .help = "as in tenant.unreachable"),
    FIELD(struct notice, subject, FIELD_TEXT, .help = "what it is about: tenant, job, box, …"),
    FIELD(struct notice, subject_id, FIELD_TEXT, .help = "which of them"),
    FIELD(struct notice, live, FIELD_TEXT, .flags = FIELD_HIDDEN),
    FIELD(struct notice, severity, FIELD_ENUM, .names = notice_severity_names,
          .help = "how grave it is"),
    FIELD(struct notice, state, FIELD_ENUM, .names = notice_state_names, .help = "where it stands"),
    FIELD(struct notice, text, FIELD_TEXT, .help = "what is wrong"),
    FIELD(struct notice, acknowledged_by, FIELD_TEXT, .help = "who answers for it"),
    FIELD(struct notice, note, FIELD_TEXT, .help = "what that person said"),
    FIELD(struct notice, told, FIELD_U32, .help = "how often it was told"),
    FIELD(struct notice, told_severity, FIELD_ENUM, .flags = FIELD_HIDDEN,
          .names = notice_severity_names),
    FIELD(struct notice, raised_at, FIELD_TIME, .help = "first seen at"),
    FIELD(struct notice, opened_at, FIELD_TIME, .help = "had held long enough at"),
    FIELD(struct notice, told_at, FIELD_TIME, .help = "told last at"),
    FIELD(struct notice, acknowledged_at, FIELD_TIME, .help = "acknowledged at"),
    FIELD(struct notice, silenced_until, FIELD_TIME, .help = "not told before"),
    FIELD(struct notice, cleared_at, FIELD_TIME, .help = "over at"),
    FIELD(struct notice, end_told, FIELD_BOOL, .flags = FIELD_HIDDEN),
    FIELD(struct notice, due_at, FIELD_TIME, .flags = FIELD_HIDDEN),
    FIELD(struct notice, updated_at, FIELD_TIME, .help = "changed at"),
};

static const struct index indexes[] = {
    {.name = "live", .id = 212, .unique = true, .sparse = true, .fields = {"live"}},
    {.name = "state", .id = 213, .fields = {"state"}},
    {.name = "due_at", .id = 214, .sparse = true, .fields = {"due_at"}},
};

const struct table notice_table = {
    .name = "notices",
    .noun = "alert",
    .id = 40,
    .version = 1,
    .prefix = "al",
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct notice)},
    .key = {"id"},
    .indexes = indexes,
    .index_count = sizeof indexes / sizeof indexes[0],
    .feed = {.object = "alert", .beside = {"told", "told_at", "due_at", "updated_at"}},
};

int notice_put(struct txn *txn, struct notice *notice, struct err *err)
{
    notice->updated_at = txn_time_ms(txn);
    return record_put(txn, &notice_table, notice, err);
}

int notice_live(struct txn *txn, const char *kind, const char *subject_id, struct notice *notice,
                struct err *err)
{
    memset(notice, 0, sizeof *notice);
    if (str_format(notice->live, sizeof notice->live, "%s %s", kind,
                   subject_id == NULL ? "" : subject_id) != 0)
        return err_set(err, ERR_INTERNAL, "notice_subject", "the subject of a %s is too long",
                       kind);
    return record_find(txn, &notice_table, "live", notice, err);
}

static int raise_new(struct txn *txn, const struct notice_kind *kind, uint32_t hold_s,
                     const char *subject_id, struct notice *notice, struct err *err)
{
    id_make(notice->id, notice_table.prefix);
    if (str_copy(notice->kind, sizeof notice->kind, kind->name) != 0 ||
        str_copy(notice->subject, sizeof notice->subject, kind->subject) != 0 ||
        str_copy(notice->subject_id, sizeof notice->subject_id,
                 subject_id == NULL ? "" : subject_id) != 0)
        return err_set(err, ERR_INTERNAL, "notice_subject", "the subject of a %s is too long",
                       kind->name);
    notice->state = NOTICE_HOLDING;
    notice->raised_at = txn_time_ms(txn);
    notice->due_at = notice->raised_at + (int64_t)hold_s * 1000;
    return notice_put(txn, notice, err);
}

int notice_raise(struct txn *txn, const char *kind, const char *subject_id,
                 enum notice_severity severity, const char *text, struct err *err)
{
    const struct notice_kind *row = notice_kind_find(kind);
    struct alert_rule rule;
    struct notice notice;
    char said[sizeof notice.text];
    int found;

    if (row == NULL)
        return err_set(err, ERR_INTERNAL, "notice_kind", "there is no notice of the kind %s", kind);
    if (alert_rule_get(txn, kind, &rule, err) != 0)
        return -1;
    if (rule.severity != NOTICE_USUAL)
        severity = (enum notice_severity)rule.severity;
    else if (severity == NOTICE_USUAL)
        severity = row->severity;
    str_cut(said, sizeof said, text);
    if ((found = notice_live(txn, kind, subject_id, &notice, err)) < 0)
        return -1;
    if (found > 0 && notice.severity == severity && str_equal(notice.text, said))
        return 0;
    notice.severity = severity;
    memcpy(notice.text, said, sizeof said);
    if (found == 0)
        return raise_new(txn, row, rule.hold_s, subject_id, &notice, err);
    if (notice.told > 0 && severity > notice.told_severity) {
        if (notice.state == NOTICE_ACKNOWLEDGED)
            notice.state = NOTICE_OPEN; /* somebody answers for less than this */
        notice.due_at = txn_time_ms(txn);
    }
    return notice_put(txn, &notice, err);
}

static int clear(struct txn *txn, struct notice *notice, struct err *err)
{
    if (notice->told == 0 && notice->state == NOTICE_HOLDING)
        return record_delete(txn, &notice_table, notice, err) < 0 ? -1 : 0;
    notice->state = NOTICE_CLEARED;
    notice->live[0] = '\0';
    notice->cleared_at = notice->due_at = txn_time_ms(txn);
    return notice_put(txn, notice, err);
}

int notice_clear(struct txn *txn, const char *kind, const char *subject_id, struct err *err)
{
    struct notice notice;
    int found = notice_live(txn, kind, subject_id, &notice, err);

    return found <= 0 ? found : clear(txn, &notice, err);
}

int notice_clear_subject(struct txn *txn, const char *subject, const char *subject_id,
                         struct err *err)
{
    for (size_t i = 0; i < notice_kind_count; i++)
        if (str_equal(notice_kinds[i].subject, subject) &&
            notice_clear(txn, notice_kinds[i].name, subject_id, err) != 0)
            return -1;
    return 0;
}

static int not_over(const struct notice *notice, struct err *err)
{
    if (notice->state == NOTICE_CLEARED)
        return err_set(err, ERR_CONFLICT, "alert_cleared", "the alert %s is over", notice->id);
    return 0;
}

int notice_acknowledge(struct txn *txn, struct notice *notice, const char *actor, const char *note,
                       struct err *err)
{
    if (not_over(notice, err) != 0)
        return -1;
    str_cut(notice->acknowledged_by, sizeof notice->acknowledged_by, actor);
    str_cut(notice->note, sizeof notice->note, note);
    if (notice->opened_at == 0)
        notice->opened_at = txn_time_ms(txn);
    notice->state = NOTICE_ACKNOWLEDGED;
    notice->acknowledged_at = txn_time_ms(txn);
    notice->due_at = 0;
    return notice_put(txn, notice, err);
}

int notice_silence(struct txn *txn, struct notice *notice, int64_t until_ms, struct err *err)
{
    if (not_over(notice, err) != 0)
        return -1;
    notice->silenced_until = until_ms;
    if (notice->state == NOTICE_OPEN)
        notice->due_at = until_ms == 0 ? txn_time_ms(txn) : until_ms;
    return notice_put(txn, notice, err);
}

int notice_tell_untold(struct txn *txn, struct err *err)
{
    struct notice match, notice;
    struct scan scan;
    int got;

    memset(&match, 0, sizeof match);
    match.state = NOTICE_OPEN;
    if (scan_start(&scan, txn, &notice_table, "state", &match, 1, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &notice, err)) == 1) {
        if (notice.told != 0 || notice.due_at != 0)
            continue;
        notice.due_at = txn_time_ms(txn);
        if (notice_put(txn, &notice, err) != 0)
            return -1;
    }
    return got;
}
