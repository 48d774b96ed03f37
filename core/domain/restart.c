/* Wishes to begin anew: a row of the settings that is no setting, so that it needs no table of its
 * own. Apart because nobody can set it by name. */
#include "restart.h"

#include <string.h>

#include "setting.h"
#include "str.h"

static void name_of(struct setting *setting, const char *program)
{
    memset(setting, 0, sizeof *setting);
    (void)str_format(setting->name, sizeof setting->name, "restart of %s", program);
}

int restart_want(struct txn *txn, const char *program, const char *actor, struct err *err)
{
    struct setting setting;

    name_of(&setting, program);
    (void)str_copy(setting.actor, sizeof setting.actor, actor);
    setting.updated_at = txn_time_ms(txn);
    return record_put(txn, &setting_table, &setting, err);
}

bool restart_wanted(struct txn *txn, const char *program, int64_t since_ms)
{
    struct setting setting;
    struct err err;

    name_of(&setting, program);
    return record_get(txn, &setting_table, &setting, &err) == 1 && setting.updated_at > since_ms;
}
