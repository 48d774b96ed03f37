#ifndef SETT_RE2_H
#define SETT_RE2_H
/*
 * Regular expressions as Go's regexp package takes them (RE2 syntax with Perl's extensions:
 * https://pkg.go.dev/regexp/syntax), since cloudflared compiles the paths of its rules with it.
 * What Go refuses is refused here with its words. Matching takes time in proportion to the text and
 * the expression, whatever both are: there is no backtracking.
 */
#include <stdbool.h>
#include <stddef.h>
#include "err.h"

#define RE2_TEXT_MAX 1024 /* bytes of an expression */

struct re2;

/** re2_new(text, err): compile. ERR_INVALID "bad_regex" with Go's message; NULL on error. ${err}
 * may be NULL. Freed with re2_free. */
struct re2 *re2_new(const char *text, struct err *err);

/** re2_match(re, text, len): whether it matches anywhere in ${text} (UTF-8; a byte that is not is
 * U+FFFD). */
bool re2_match(const struct re2 *re, const char *text, size_t len);

/** re2_free(re): NULL is fine. */
void re2_free(struct re2 *re);

#endif
