#ifndef SETT_RESTORE_SHOW_H
#define SETT_RESTORE_SHOW_H
/* What a restore of one tenant's data would cost, before and after it was asked for. */
#include "restore_record.h"
#include "view.h"

extern const struct view view_restore;

/** restore_show_lost(txn, record, tenant): record->lost: since when what ${tenant} did is lost, and
 * what the audit knows of that. What cannot be read is left out. */
void restore_show_lost(struct txn *txn, struct restore_record *record, const struct tenant *tenant);

/** restore_show_plan(call, made, tenants, count, kept, err): the plan's own members: of each
 * restore what is lost and what outside differs from the records; whether the box has the ${kept}
 * keys. Return 0 or -1. */
int restore_show_plan(struct op_call *call, const struct restore_record *made,
                      const struct tenant *tenants, size_t count, bool kept, struct err *err);

#endif
