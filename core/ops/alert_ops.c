/* Alerts: what is wrong, who answers for it, and what is watched over. */
#include "alert_rule.h"

#include "letter.h"
#include "list.h"
#include "notice.h"
#include "nouns.h"
#include "object.h"
#include "params.h"
#include "str.h"

#include <stdlib.h>
#include <string.h>

#define ACK_MOST 100 /* at once */

struct alert_list_params {
    struct list_params list;
    uint32_t state, severity;
    char kind[32], subject_id[96], text[64];
    bool silenced;
};
static const struct field list_rows[] = {
    LIST_FIELDS(struct alert_list_params),
    FIELD(struct alert_list_params, state, FIELD_ENUM, .names = notice_state_names,
          .help = "only in this state (all that are not over)"),
    FIELD(struct alert_list_params, severity, FIELD_ENUM, .names = notice_severity_names,
          .help = "only as grave as this or graver"),
    FIELD(struct alert_list_params, kind, FIELD_TEXT,
          .help = "only of this kind; \"backup.*\": of all of backups"),
    FIELD(struct alert_list_params, subject_id, FIELD_TEXT, .help = "only about this object"),
    FIELD(struct alert_list_params, silenced, FIELD_BOOL,
          .help = "only those that are silenced now, or are not"),
    FIELD(struct alert_list_params, text, FIELD_TEXT,
          .help = "only with this in what is wrong, whom it is about, or its note"),
};

struct ack_params {
    char id[96], note[200];
};
static const struct field ack_rows[] = {
    ID_FIELD(struct ack_params),
    FIELD(struct ack_params, note, FIELD_TEXT, .help = "what is being done about it"),
};

struct ack_all_params {
    char ids[3200], kind[32], note[200];
};
static const struct field ack_all_rows[] = {
    FIELD(struct ack_all_params, ids, FIELD_TEXT,
          .help = "which: their ids with commas between, at most 100"),
    FIELD(struct ack_all_params, kind, FIELD_TEXT,
          .help = "or all open ones of this kind; \"backup.*\": of all of backups"),
    FIELD(struct ack_all_params, note, FIELD_TEXT, .help = "what is being done about them"),
};

struct silence_params {
    char id[96];
    uint32_t minutes;
};
static const struct field silence_rows[] = {
    ID_FIELD(struct silence_params),
    FIELD(struct silence_params, minutes, FIELD_U32, .flags = FIELD_REQUIRED, .max = 525600,
          .help = "for so many minutes; 0 ends the silence"),
};

struct rule_params {
    char kind[32];
    uint32_t threshold, hold_s, resend_s, severity;
    bool off, reset;
};
static const struct field rule_rows[] = {
    FIELD(struct rule_params, kind, FIELD_TEXT, .flags = FIELD_PATH | FIELD_REQUIRED,
          .help = "which kind, as in box.cpu"),
    FIELD(struct rule_params, threshold, FIELD_U32, .min = 1, .max = 1000000,
          .help = "from which figure, in the kind's unit"),
    FIELD(struct rule_params, hold_s, FIELD_U32, .max = 86400,
          .help = "must hold for so many seconds before it is told"),
    FIELD(struct rule_params, resend_s, FIELD_U32, .max = 31536000,
          .help = "told again after so many seconds; 0: once"),
    FIELD(struct rule_params, severity, FIELD_ENUM, .names = notice_severity_names,
          .help = "how grave it is; usual: as the kind has it"),
    FIELD(struct rule_params, off, FIELD_BOOL, .help = "never told"),
    FIELD(struct rule_params, reset, FIELD_BOOL, .help = "first take back all that was set"),
};

/* What a rule's list shows of each. */
struct rule_shape {
    char kind[32], unit[8], help[200], actor[64];
    uint32_t severity, threshold, hold_s, resend_s;
    bool off;
    int64_t updated_at;
};
static const struct field shape_rows[] = {
    FIELD(struct rule_shape, kind, FIELD_TEXT, .help = "kind of alert"),
    FIELD(struct rule_shape, severity, FIELD_ENUM, .names = notice_severity_names,
          .help = "how grave it is"),
    FIELD(struct rule_shape, threshold, FIELD_U32,
          .help = "from which figure; null: there is none"),
    FIELD(struct rule_shape, unit, FIELD_TEXT, .help = "unit of the figure"),
    FIELD(struct rule_shape, hold_s, FIELD_U32, .help = "must hold for so many seconds"),
    FIELD(struct rule_shape, resend_s, FIELD_U32, .help = "told again after so many seconds"),
    FIELD(struct rule_shape, off, FIELD_BOOL, .help = "never told"),
    FIELD(struct rule_shape, help, FIELD_TEXT, .help = "what it means"),
    FIELD(struct rule_shape, actor, FIELD_TEXT, .help = "who set it otherwise"),
    FIELD(struct rule_shape, updated_at, FIELD_TIME, .help = "when"),
};
static const struct fields rule_fields = {shape_rows, sizeof shape_rows / sizeof shape_rows[0],
                                          sizeof(struct rule_shape)};

/* "backup.*" is every kind that begins with "backup.". */
static bool is_kind(const struct notice *notice, const char *wanted)
{
    size_t len = strlen(wanted);

    return len > 0 && wanted[len - 1] == '*' ? strncmp(notice->kind, wanted, len - 1) == 0
                                             : str_equal(notice->kind, wanted);
}

static bool keep(const struct op_call *call, const void *record)
{
    const struct alert_list_params *p = call->params;
    const struct notice *notice = record;
    bool silenced = notice->silenced_until > txn_time_ms(call->txn);

    return (op_given(call, "state") || notice->state != NOTICE_CLEARED) &&
           (!op_given(call, "severity") || notice->severity >= p->severity) &&
           (!op_given(call, "kind") || is_kind(notice, p->kind)) &&
           (!op_given(call, "silenced") || silenced == p->silenced) &&
           (str_has(notice->text, p->text) || str_has(notice->subject_id, p->text) ||
            str_has(notice->note, p->text)) &&
           (!op_given(call, "subject_id") || str_equal(notice->subject_id, p->subject_id));
}

static int alert_list(struct op_call *call, struct err *err)
{
    const struct alert_list_params *p = call->params;
    struct notice *match = call->scratch;
    struct list list = {.view = &view_alert, .url = "/api/alerts", .match = match, .keep = keep};

    match->state = p->state;
    if (op_given(call, "state")) {
        list.index = "state";
        list.fields = 1;
    }
    return list_reply(call, &p->list, &list, err);
}

static int alert_show(struct op_call *call, struct err *err)
{
    const struct id_params *p = call->params;
    struct notice notice = {0};

    if (object_get(call, &notice_table, p->id, &notice, err) != 0)
        return -1;
    return object_reply(call, &view_alert, &notice, err);
}

static int alert_ack(struct op_call *call, struct err *err)
{
    const struct ack_params *p = call->params;
    struct notice notice = {0};

    if (object_get(call, &notice_table, p->id, &notice, err) != 0)
        return -1;
    object_before(call, &notice_table, &notice);
    if (notice_acknowledge(call->txn, &notice, call->actor.id, p->note, err) != 0)
        return -1;
    object_after(call, &notice_table, &notice);
    return object_reply(call, &view_alert, &notice, err);
}

/* ---- many at once ---- */

struct acked {
    uint32_t count, passed; /* passed over: over by now, or acknowledged already */
};

static int ack_one(struct op_call *call, struct notice *notice, struct acked *acked,
                   struct err *err)
{
    const struct ack_all_params *p = call->params;

    if (notice->state != NOTICE_OPEN && notice->state != NOTICE_HOLDING) {
        acked->passed++;
        return 0;
    }
    if (notice_acknowledge(call->txn, notice, call->actor.id, p->note, err) != 0)
        return -1;
    acked->count++;
    return 0;
}

static int ack_ids(struct op_call *call, struct acked *acked, struct err *err)
{
    const struct ack_all_params *p = call->params;
    char ids[sizeof p->ids], *rest = NULL, *id;
    unsigned count = 0;

    (void)str_copy(ids, sizeof ids, p->ids);
    for (id = strtok_r(ids, ", ", &rest); id != NULL; id = strtok_r(NULL, ", ", &rest)) {
        struct notice notice = {0};
        if (count++ == ACK_MOST)
            return err_field(err, "ids", "too_many", "at most %d at once", ACK_MOST);
        if (object_refer(call, &notice_table, "ids", id, &notice, err) != 0 ||
            ack_one(call, &notice, acked, err) != 0)
            return -1;
    }
    return 0;
}

static int ack_kind(struct op_call *call, struct acked *acked, struct err *err)
{
    const struct ack_all_params *p = call->params;
    struct notice match = {.state = NOTICE_OPEN}, *found = calloc(ACK_MOST, sizeof *found);
    unsigned count = 0;
    struct scan scan;
    int got = -1;

    if (found == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for alerts");
    /* Each leaves the index that is walked, so they are gathered first. */
    if (scan_start(&scan, call->txn, &notice_table, "state", &match, 1, true, err) == 0)
        while (count < ACK_MOST && (got = scan_next(&scan, &found[count], err)) == 1)
            count += is_kind(&found[count], p->kind);
    for (unsigned i = 0; got != -1 && i < count; i++)
        got = ack_one(call, &found[i], acked, err);
    free(found);
    return got == -1 ? -1 : 0;
}

static int alert_ack_all(struct op_call *call, struct err *err)
{
    const struct ack_all_params *p = call->params;
    struct json_out *j = call->out;
    struct acked acked = {0};

    if ((p->ids[0] == '\0') == (p->kind[0] == '\0'))
        return err_field(err, "ids", "one_of", "which: ids, or a kind");
    if ((p->ids[0] != '\0' ? ack_ids(call, &acked, err) : ack_kind(call, &acked, err)) != 0)
        return -1;
    call->unchanged = acked.count == 0;
    (void)str_format(call->audit.object, sizeof call->audit.object, "%.90s",
                     p->kind[0] != '\0' ? p->kind : p->ids);
    (void)str_format(call->audit.reason, sizeof call->audit.reason, "%u alerts: %.180s",
                     acked.count, p->note);
    json_out_object(j);
    json_out_key_text(j, "object", "alert_acks");
    json_out_key_u64(j, "acknowledged", acked.count);
    json_out_key_u64(j, "passed_over", acked.passed);
    json_out_end_object(j);
    return 0;
}

static int alert_silence(struct op_call *call, struct err *err)
{
    const struct silence_params *p = call->params;
    struct notice notice = {0};
    int64_t until_ms =
        p->minutes == 0 ? 0 : txn_time_ms(call->txn) + (int64_t)p->minutes * INT64_C(60000);

    if (object_get(call, &notice_table, p->id, &notice, err) != 0)
        return -1;
    object_before(call, &notice_table, &notice);
    if (notice_silence(call->txn, &notice, until_ms, err) != 0)
        return -1;
    object_after(call, &notice_table, &notice);
    return object_reply(call, &view_alert, &notice, err);
}

static int rule_members(struct op_call *call, const struct notice_kind *kind, struct err *err)
{
    struct json_out *j = call->out;
    struct alert_rule rule;

    if (alert_rule_get(call->txn, kind->name, &rule, err) != 0)
        return -1;
    json_out_object(j);
    json_out_key_text(j, "object", "alert_rule");
    json_out_key_text(j, "kind", kind->name);
    json_out_key_text(
        j, "severity",
        notice_severity_names[rule.severity == NOTICE_USUAL ? kind->severity : rule.severity]);
    json_out_key(j, "threshold");
    if (kind->unit == NULL)
        json_out_null(j);
    else
        json_out_u64(j, rule.threshold);
    json_out_key_text(j, "unit", kind->unit == NULL ? "" : kind->unit);
    json_out_key_u64(j, "hold_s", rule.hold_s);
    json_out_key_u64(j, "resend_s", rule.resend_s);
    json_out_key_bool(j, "off", rule.off);
    json_out_key_text(j, "help", kind->help);
    json_out_key_text(j, "actor", rule.actor);
    json_out_key_time(j, "updated_at", rule.updated_at);
    json_out_end_object(j);
    return 0;
}

/* All of them: they are a table of the program, not of the store. */
static int alert_rules(struct op_call *call, struct err *err)
{
    struct json_out *j = call->out;

    json_out_object(j);
    json_out_key_text(j, "object", "list");
    json_out_key(j, "data");
    json_out_array(j);
    for (size_t i = 0; i < notice_kind_count; i++)
        if (rule_members(call, &notice_kinds[i], err) != 0)
            return -1;
    json_out_end_array(j);
    json_out_key_bool(j, "has_more", false);
    json_out_key_text(j, "url", "/api/alert-rules");
    json_out_end_object(j);
    return 0;
}

/* What was set of a rule, as it is stored: nothing is said where the kind's row holds. */
static int stored_rule(struct op_call *call, const struct notice_kind *kind,
                       struct alert_rule *rule, struct err *err)
{
    int found;

    memset(rule, 0, sizeof *rule);
    (void)str_copy(rule->kind, sizeof rule->kind, kind->name);
    if ((found = record_get(call->txn, &alert_rule_table, rule, err)) < 0)
        return -1;
    object_before(call, &alert_rule_table, found ? rule : NULL);
    if (found == 0 || ((const struct rule_params *)call->params)->reset) {
        memset(rule, 0, sizeof *rule);
        (void)str_copy(rule->kind, sizeof rule->kind, kind->name);
        rule->threshold = rule->hold_s = rule->resend_s = UINT32_MAX;
    }
    return 0;
}

static int alert_set(struct op_call *call, struct err *err)
{
    const struct rule_params *p = call->params;
    const struct notice_kind *kind = notice_kind_find(p->kind);
    struct alert_rule rule;

    if (kind == NULL) {
        (void)err_set(err, ERR_NOT_FOUND, "alert_kind_not_found", "there is no kind of alert %.40s",
                      p->kind);
        return err_hint(err, "sett alert rules lists them");
    }
    if (op_given(call, "threshold") && kind->unit == NULL)
        return err_field(err, "threshold", "no_figure", "%s comes from no figure", kind->name);
    if (stored_rule(call, kind, &rule, err) != 0)
        return -1;
    object_fill(call, &alert_rule_table, &rule);
    (void)str_copy(rule.actor, sizeof rule.actor, call->actor.id);
    if (alert_rule_put(call->txn, &rule, err) != 0)
        return -1;
    object_after(call, &alert_rule_table, &rule);
    return rule_members(call, kind, err);
}

struct log_params {
    struct list_params list;
    uint32_t state;
    char kind[32];
};
static const struct field log_rows[] = {
    LIST_FIELDS(struct log_params),
    FIELD(struct log_params, state, FIELD_ENUM, .names = message_state_names,
          .help = "only in this state"),
    FIELD(struct log_params, kind, FIELD_TEXT, .help = "only of this kind"),
};

static bool logged(const struct op_call *call, const void *record)
{
    const struct log_params *p = call->params;
    const struct message *m = record;

    return (!op_given(call, "state") || m->state == p->state) &&
           (!op_given(call, "kind") || str_equal(m->kind, p->kind));
}

static int notice_log(struct op_call *call, struct err *err)
{
    const struct log_params *p = call->params;
    struct message *match = call->scratch;
    struct list list = {.view = &view_message,
                        .url = "/api/notices",
                        .index = "audience",
                        .match = match,
                        .fields = 1,
                        .keep = logged};

    match->audience = MESSAGE_OPERATOR;
    return list_reply(call, &p->list, &list, err);
}

static const struct field acks_rows[] = {
    {.name = "acknowledged", .type = FIELD_U64, .size = 8, .help = "so many"},
    {.name = "passed_over",
     .type = FIELD_U64,
     .size = 8,
     .help = "of those named, that were over or acknowledged already"},
};
static const struct fields acks = {acks_rows, sizeof acks_rows / sizeof acks_rows[0], 0};

const struct op alert_ops[] = {
    {.name = "alert.list",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(list_rows, struct alert_list_params),
     .help = "List what is wrong, newest first",
     .example = "--severity critical",
     .result = &notice_table.fields,
     .more = &view_alert_more,
     .scratch_size = sizeof(struct notice),
     .run = alert_list},
    {.name = "alert.show",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .params = &object_id,
     .help = "Show an alert",
     .example = "al_01jd3v7q2c0000000000000000",
     .result = &notice_table.fields,
     .more = &view_alert_more,
     .run = alert_show},
    {.name = "alert.ack",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(ack_rows, struct ack_params),
     .help = "Answer for an alert: only its end is told any more",
     .example = "al_01jd3v7q2c0000000000000000 --note \"disk ordered\"",
     .result = &notice_table.fields,
     .more = &view_alert_more,
     .run = alert_ack},
    {.name = "alert.ackall",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(ack_all_rows, struct ack_all_params),
     .help = "Answer for many alerts at once: those that are named, or all of a kind",
     .example = "--kind \"backup.*\" --note \"vault is being moved\"",
     .result = &acks,
     .run = alert_ack_all},
    {.name = "alert.silence",
     .role = ROLE_OPERATOR,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(silence_rows, struct silence_params),
     .help = "Tell nothing of an alert for a while",
     .example = "al_01jd3v7q2c0000000000000000 --minutes 120",
     .result = &notice_table.fields,
     .more = &view_alert_more,
     .run = alert_silence},
    {.name = "alert.rules",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST,
     .help = "List what is watched over, from which figure and for how long",
     .example = "",
     .result = &rule_fields,
     .run = alert_rules},
    {.name = "alert.set",
     .role = ROLE_ADMIN,
     .flags = OP_WRITE | OP_AUDIT,
     .params = PARAMS(rule_rows, struct rule_params),
     .help = "Set from when a kind of alert is told, and how often",
     .example = "box.disk --threshold 90 --hold-s 300",
     .result = &rule_fields,
     .run = alert_set},
    {.name = NULL},
};

const struct op notice_ops[] = {
    {.name = "notice.log",
     .role = ROLE_VIEWER,
     .flags = OP_READ | OP_LIST,
     .params = PARAMS(log_rows, struct log_params),
     .help = "List what was sent to operators, newest first, and what came of it",
     .example = "--state failed",
     .result = &message_table.fields,
     .scratch_size = sizeof(struct message),
     .run = notice_log},
    {.name = NULL},
};
