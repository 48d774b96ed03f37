/* Whether a box is new. Apart because what a new box lets be done to it hangs on it. */
#include "setup_state.h"

#include "clock.h"
#include "customer.h"
#include "setting.h"
#include "tenant.h"
#include "user.h"

/* Whether a table has more than ${most} records, by looking at no more than it takes. */
static int has_more(struct txn *txn, const struct table *table, int64_t most, struct err *err)
{
    int64_t count = record_count(txn, table, err);

    return count < 0 ? -1 : count > most;
}

int setup_needed(struct txn *txn, struct err *err)
{
    char at[512];
    int got;

    if (setting_text(txn, NULL, SETUP_SETTING, at, sizeof at, err) < 0)
        return -1;
    if (at[0] != '\0')
        return 0;
    if ((got = has_more(txn, &tenant_table, 0, err)) != 0 ||
        (got = has_more(txn, &customer_table, 0, err)) != 0 ||
        (got = has_more(txn, &user_table, 1, err)) != 0)
        return got < 0 ? -1 : 0;
    return 1;
}

int setup_finish(struct txn *txn, const char *actor, struct err *err)
{
    char now[40];

    clock_text(now, txn_time_ms(txn));
    return setting_set(txn, SETUP_SETTING, now, actor, err);
}
