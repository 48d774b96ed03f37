#ifndef SETT_TEMPLATE_H
#define SETT_TEMPLATE_H
/* Configuration files from templates: @NAME@ is replaced by a value. */
#include "err.h"
#include "kv.h"

/** template_write(from, to, values, err): expand the file ${from} into ${to} (0644). A name without
 * a value, or a value with a control character, quote, brace or semicolon: ERR_INVALID. 0 or -1. */
int template_write(const char *from, const char *to, const struct kv *values, struct err *err);

#endif
