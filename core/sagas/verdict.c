/* Words of a verdict. Apart because both lists of causes are written in them. */
#include "verdict.h"

#include <stdarg.h>
#include <stdio.h>

bool verdict_because(struct probe_verdict *v, const char *code, const char *fmt, ...)
{
    va_list args;

    v->code = code;
    va_start(args, fmt);
    (void)vsnprintf(v->cause, sizeof v->cause, fmt, args);
    va_end(args);
    return true;
}

bool verdict_change(struct probe_verdict *v, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(v->change, sizeof v->change, fmt, args);
    va_end(args);
    return true;
}

bool verdict_command(struct probe_verdict *v, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(v->command, sizeof v->command, fmt, args);
    va_end(args);
    return true;
}

const char *verdict_fact(const struct kv *f, const char *name)
{
    return kv_get_or(f, name, "");
}

long verdict_number(const struct kv *f, const char *name)
{
    return (long)kv_get_u64(f, name, 0);
}

bool verdict_at_cloudflare(const struct kv *f)
{
    return probe_is(f, FACT_INGRESS, "cloudflare");
}
