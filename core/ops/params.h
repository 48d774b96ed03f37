#ifndef SETT_PARAMS_H
#define SETT_PARAMS_H
/* Input into a parameter struct: JSON, form or argument, decoded by the op's field table: closed (an
 * unknown name is an error), typed, bounded, complete. */
#include "json_in.h"
#include "op.h"

/** params_json(f, body, len, out, given, err): a strict JSON object. 0 or -1. */
int params_json(const struct fields *f, const char *body, size_t len, void *out, uint64_t *given,
                struct err *err);

/** params_form(f, body, len, out, given, err): application/x-www-form-urlencoded (also a query). A
 * name given twice is an error. 0 or -1. */
int params_form(const struct fields *f, const char *body, size_t len, void *out, uint64_t *given,
                struct err *err);

/** params_one(f, name, value, out, given, err): one parameter as text. 0 or -1. */
int params_one(const struct fields *f, const char *name, const char *value, void *out,
               uint64_t *given, struct err *err);

/** params_done(f, given, err): that nothing required is missing. 0 or -1. */
int params_done(const struct fields *f, uint64_t given, struct err *err);

#endif
