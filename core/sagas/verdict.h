#ifndef SETT_VERDICT_H
#define SETT_VERDICT_H
/* What the lists of causes behind a probe's verdict share; for probe_verdict.c and verdict_door.c.
 */
#include "probe.h"

/* Whether the cause is this one; if so, it fills the verdict. */
typedef bool verdict_rule(const struct kv *f, struct probe_verdict *v);

/** verdict_because(v, code, fmt, ...): the cause. Return true. */
bool verdict_because(struct probe_verdict *v, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** verdict_change(v, fmt, ...): the one thing to do. Return true. */
bool verdict_change(struct probe_verdict *v, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/** verdict_command(v, fmt, ...): the command that does it. Return true. */
bool verdict_command(struct probe_verdict *v, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/** verdict_fact(f, name): a fact, "" if it is not there. */
const char *verdict_fact(const struct kv *f, const char *name);

/** verdict_number(f, name): a fact that is a number, 0 if it is not there. */
long verdict_number(const struct kv *f, const char *name);

/** verdict_at_cloudflare(f): whether it is a tunnel of Cloudflare's. */
bool verdict_at_cloudflare(const struct kv *f);

/** verdict_door(f, v): a cause that only the front door shows. Return whether there is one. */
bool verdict_door(const struct kv *f, struct probe_verdict *v);

#endif
