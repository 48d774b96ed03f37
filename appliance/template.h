#ifndef SETT_TEMPLATE_H
#define SETT_TEMPLATE_H
/*
 * Configuration files from templates. @NAME@ is replaced by a value. A line that begins with
 * @?NAME@ stands only if that value is not empty, with @!NAME@ only if it is; one that begins with
 * @*NAME@ stands once for each of its words (parted by blanks), with @NAME@ being that word. So do
 * all lines between one of @{NAME@ and one of @}.
 */
#include "buf.h"
#include "err.h"
#include "kv.h"

#define TEMPLATE_MAX (256u << 10)

/** template_text(from, values, out, err): expand the file ${from} into ${out}, whose max is at
 * least TEMPLATE_MAX. A name without a value, or a value with a control character, quote, brace,
 * dollar sign or backslash: ERR_INVALID. 0 or -1. */
int template_text(const char *from, const struct kv *values, struct buf *out, struct err *err);

/** template_write(from, to, values, err): likewise into the file ${to} (0644). Return 0 or -1. */
int template_write(const char *from, const char *to, const struct kv *values, struct err *err);

#endif
