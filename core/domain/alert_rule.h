#ifndef SETT_ALERT_RULE_H
#define SETT_ALERT_RULE_H
/* What an operator has set about a kind of alert, over what its row says. */
#include "db.h"
#include "notice.h"

struct alert_rule {
    char kind[32];
    bool off;           /* never told */
    uint32_t severity;  /* NOTICE_USUAL: the kind's, or what was said when it was raised */
    uint32_t threshold; /* UINT32_MAX: the kind's; likewise below */
    uint32_t hold_s, resend_s;
    char actor[64];
    int64_t updated_at;
};
extern const struct table alert_rule_table; /* key kind */

/** alert_rule_get(txn, kind, rule, err): what holds for a kind: what was set, else its row's; all
 * of it filled. ERR_NOT_FOUND "alert_kind_not_found". Return 0 or -1. */
int alert_rule_get(struct txn *txn, const char *kind, struct alert_rule *rule, struct err *err);

/** alert_rule_put(txn, rule, err): store it; updated_at is set here. Return 0 or -1. */
int alert_rule_put(struct txn *txn, struct alert_rule *rule, struct err *err);

#endif
