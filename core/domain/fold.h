#ifndef SETT_FOLD_H
#define SETT_FOLD_H
/* Text as people mean it, whatever its case and accents: for labels made of names, for finding. */
#include <stddef.h>
#include <stdint.h>

#define FOLD_WORD_MAX 32 /* bytes of a word; the rest of a longer one is left out */

/** fold_next(at): the next character of UTF-8 text, which must not be at its end; bytes that are
 * not well-formed count as one character each. */
uint32_t fold_next(const unsigned char **at);

/** fold_letters(c): a letter of a European alphabet in plain ones, as its owners write it without:
 * "ae" for U+00E4; "" for any other character beyond ASCII. */
const char *fold_letters(uint32_t c);

/** fold_words(out, size, text): add to ${out}, with blanks between, the words of ${text} that it
 * does not have yet, in plain small letters; letters of other alphabets stay as they are. What does
 * not fit is left out. */
void fold_words(char *out, size_t size, const char *text);

/** fold_has(words, prefix): whether one of such words begins so. */
int fold_has(const char *words, const char *prefix);

#endif
