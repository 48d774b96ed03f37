#ifndef SETT_RESTORE_MAKE_H
#define SETT_RESTORE_MAKE_H
/* Restoring the data of tenants, whoever asks for it. */
#include "op.h"

struct restore_wish {
    char snapshot[96], tenant[96], customer[96], as[64], confirm[128], recovery[2048];
};

/* What the slow part found out, once for all runs; all zero before. */
struct restore_making {
    char restore_id[ID_SIZE]; /* that the keys were sealed for */
    bool keys;
    struct sealed sealed;
};

/** restore_make_slow(call, wish, m, err): an operation's slow part: that it can be, and that there
 * are keys for it; with a recovery secret the worker is asked for them. Return 0 or -1. */
int restore_make_slow(struct op_call *call, const struct restore_wish *p, struct restore_making *m,
                      struct err *err);

/** restore_make(call, wish, m, err): its run: records and jobs, or the plan of it. Return 0 or -1.
 */
int restore_make(struct op_call *call, const struct restore_wish *p, const struct restore_making *m,
                 struct err *err);

/** restore_decide(call, id, back, err): what was before restore ${id} of a tenant goes, or comes
 * ${back}. Return 0 or -1. */
int restore_decide(struct op_call *call, const char *id, bool back, struct err *err);

#endif
