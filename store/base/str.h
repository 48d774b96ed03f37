#ifndef SETT_STR_H
#define SETT_STR_H
/* Bounded string helpers: every one of them knows the size of what it writes to. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** str_copy(out, size, s): copy whole and terminate. Return 0, or -1 (out is "") if ${s} does not
 * fit: nothing is ever silently cut. */
int str_copy(char *out, size_t size, const char *s);

/** str_copy_n(out, size, s, len): the same for ${len} bytes that need no NUL. A NUL among them is
 * refused. */
int str_copy_n(char *out, size_t size, const char *s, size_t len);

/** str_cut(out, size, s): as much of a UTF-8 text as fits, ending at a whole character; NULL: "".
 * For words that people read and that may be too long. */
void str_cut(char *out, size_t size, const char *s);

/** str_format(out, size, fmt, ...): snprintf that answers -1 (and "") when it did not fit. */
int str_format(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/** str_equal(a, b): both strings, byte for byte. */
bool str_equal(const char *a, const char *b);

/** str_equal_nocase(a, b): ASCII letters alike, whatever the locale. */
bool str_equal_nocase(const char *a, const char *b);

/** str_starts(s, prefix): whether ${s} begins with ${prefix}. */
bool str_starts(const char *s, const char *prefix);

/** str_ends(s, suffix): whether ${s} ends with ${suffix}. */
bool str_ends(const char *s, const char *suffix);

/** str_u64(s, min, max, out): decimal digits only, no sign, no space, no leading zero but "0"
 * itself, within the bounds. Return 0 or -1. */
int str_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out);

/** str_utf8(s, len): whether the bytes are well-formed UTF-8 (RFC 3629) with no NUL. */
bool str_utf8(const char *s, size_t len);

/** str_lower(s): ASCII letters to lower case, in place. */
void str_lower(char *s);

/** str_has(s, part): whether ${part} is somewhere in ${s}, small and capital ASCII letters being the
 * same. "" is in everything. */
bool str_has(const char *s, const char *part);

/** str_trim(s): cut blanks at both ends in place; return the first kept character. */
char *str_trim(char *s);

#endif
