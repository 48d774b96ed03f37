/* Rules of alerts: what was set over the table of kinds. Apart because the rows are the program's
 * and these are the operator's. */
#include "alert_rule.h"

#include "str.h"

#include <string.h>

static const struct field rows[] = {
    FIELD(struct alert_rule, kind, FIELD_TEXT, .help = "kind of alert"),
    FIELD(struct alert_rule, off, FIELD_BOOL, .help = "never told"),
    FIELD(struct alert_rule, severity, FIELD_ENUM, .names = notice_severity_names,
          .help = "how grave it is"),
    FIELD(struct alert_rule, threshold, FIELD_U32, .flags = FIELD_OPEN,
          .help = "from which figure"),
    FIELD(struct alert_rule, hold_s, FIELD_U32, .flags = FIELD_OPEN,
          .help = "must hold for so many seconds before it is told"),
    FIELD(struct alert_rule, resend_s, FIELD_U32, .flags = FIELD_OPEN,
          .help = "told again after so many seconds; 0: once"),
    FIELD(struct alert_rule, actor, FIELD_TEXT, .help = "who set it"),
    FIELD(struct alert_rule, updated_at, FIELD_TIME, .help = "set at"),
};

const struct table alert_rule_table = {
    .name = "alert_rules",
    .noun = "alert_rule",
    .id = 43,
    .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct alert_rule)},
    .key = {"kind"},
    .feed = {.object = "alert_rule"},
};

int alert_rule_get(struct txn *txn, const char *kind, struct alert_rule *rule, struct err *err)
{
    const struct notice_kind *row = notice_kind_find(kind);
    int found;

    if (row == NULL) {
        (void)err_set(err, ERR_NOT_FOUND, "alert_kind_not_found", "there is no kind of alert %.60s",
                      kind);
        return err_hint(err, "sett alert rules lists them");
    }
    memset(rule, 0, sizeof *rule);
    (void)str_copy(rule->kind, sizeof rule->kind, row->name);
    if ((found = record_get(txn, &alert_rule_table, rule, err)) < 0)
        return -1;
    if (found == 0)
        rule->threshold = rule->hold_s = rule->resend_s = UINT32_MAX;
    if (rule->threshold == UINT32_MAX)
        rule->threshold = row->threshold;
    if (rule->hold_s == UINT32_MAX)
        rule->hold_s = row->hold_s;
    if (rule->resend_s == UINT32_MAX)
        rule->resend_s = row->resend_s;
    return 0;
}

int alert_rule_put(struct txn *txn, struct alert_rule *rule, struct err *err)
{
    rule->updated_at = txn_time_ms(txn);
    return record_put(txn, &alert_rule_table, rule, err);
}
