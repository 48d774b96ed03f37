#ifndef SETT_LETTER_TEXT_H
#define SETT_LETTER_TEXT_H
/*
 * The texts of letters. A template is plain text with {{name}} where a value goes; an empty line
 * parts paragraphs, and the HTML part is made from the same text with every value escaped. The
 * texts of the program can be replaced, one by one, by root's files in ${paths.mail}:
 *
 *   KIND.LANGUAGE.txt    first line "Subject: …", an empty line, then the text
 *   KIND.LANGUAGE.html   optional: the whole HTML part, values escaped there too
 */
#include "buf.h"
#include "err.h"
#include "kv.h"
#include "letter.h"

#define LETTER_LANGUAGES 3
extern const char *const letter_languages[]; /* "en", "es", "de"; ended by NULL */

struct letter_text {
    const char *kind, *language, *subject, *text;
};
extern const struct letter_text letter_texts[];
extern const size_t letter_text_count;

#define LETTER_SUBJECT 240
#define LETTER_BYTES   65536u /* of a part, and of a file */

struct letter_parts {
    char subject[LETTER_SUBJECT];
    struct buf text, html; /* to be freed */
};

/** letter_language(wanted, otherwise): ${wanted} if there are texts in it, else ${otherwise} if so,
 * else English. */
const char *letter_language(const char *wanted, const char *otherwise);

/** letter_parts_init(parts): empty parts, to be freed. */
void letter_parts_init(struct letter_parts *parts);

/** letter_parts_free(parts): give their memory back. */
void letter_parts_free(struct letter_parts *parts);

/** letter_render(folder, kind, language, values, own, parts, err): the letter of a kind (not
 * "message") with its values in place. ${folder}: where root's files are, or NULL. A file that
 * cannot be used is passed over, its fault in ${own}->text (unless NULL) and the program's text
 * taken. Return 0 or -1. */
int letter_render(const char *folder, const char *kind, const char *language,
                  const struct kv *values, struct err *own, struct letter_parts *parts,
                  struct err *err);

/** letter_render_own(subject, text, values, parts, err): the same from an operator's own text.
 * ERR_INVALID names a {{name}} that is not among the values. Return 0 or -1. */
int letter_render_own(const char *subject, const char *text, const struct kv *values,
                      struct letter_parts *parts, struct err *err);

struct brand;

/** letter_brand(parts, brand, language): what every letter ends with: whose it is and where to turn
 * to; and its colour. An HTML part that root wrote stays as it is. In letter_brand.c. */
void letter_brand(struct letter_parts *parts, const struct brand *brand, const char *language);

/** letter_sample(kind, language, values): values for each name that a text of this kind may speak
 * of, for checks and previews. NULL: those of an operator's own text. */
void letter_sample(const struct letter_kind *kind, const char *language, struct kv *values);

/** letter_date(out, size, language, at_ms, offset_s, with_time): "1. Dezember 2026" or with
 * " 14:30" behind it, in local time. Return 0 or -1. */
int letter_date(char *out, size_t size, const char *language, int64_t at_ms, int32_t offset_s,
                bool with_time);

/** letter_folder_check(folder, found, arg, err): look at each of root's files: ${found} is called
 * with each file and what is wrong with it, or NULL if it is good. A folder that is not there is
 * fine. Return how many were wrong, or -1. */
int letter_folder_check(const char *folder,
                        void (*found)(void *arg, const char *file, const char *fault), void *arg,
                        struct err *err);

#endif
