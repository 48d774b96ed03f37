#ifndef SETT_NOTICE_WORLD_H
#define SETT_NOTICE_WORLD_H
/* Something that is wrong, raised and cleared: for tests of notices and of who is told. Included
 * after domain_world.h. */
#include "notice.h"

struct saying {
    const char *kind, *id, *text;
    enum notice_severity severity;
};

static inline int raise_it(struct txn *txn, void *arg, struct err *err)
{
    const struct saying *s = arg;
    return notice_raise(txn, s->kind, s->id, s->severity, s->text, err);
}

static inline int clear_it(struct txn *txn, void *arg, struct err *err)
{
    const struct saying *s = arg;
    return notice_clear(txn, s->kind, s->id, err);
}

#endif
