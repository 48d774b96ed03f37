/* What the trials of all providers share. */
#include "trial.h"

void trial_result(const struct trial *t, const char *name, bool needed, int result,
                  const struct err *err, const char *fine)
{
    t->check(t->arg, name, result == 0, needed, result == 0 ? fine : err->text,
             result == 0 ? "" : err->hint);
}
