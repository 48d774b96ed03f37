/*
 * Text made plain. Apart because of its table: how the letters of European names are written in
 * ASCII, as their owners would do it. Labels and the words by which things are found both go by it,
 * so that whoever types a name either way finds it.
 */
#include "fold.h"

#include <stdbool.h>
#include <string.h>

/* U+00C0 to U+017F, a row of ASCII each; "" separates. German umlauts and the like become two. */
static const char latin[0x180 - 0xc0][3] = {
    "a",  "a",  "a",  "a",  "ae", "a", "ae", "c", /* C0 */
    "e",  "e",  "e",  "e",  "i",  "i", "i",  "i",
    "d",  "n",  "o",  "o",  "o",  "o", "oe", "", /* D0 */
    "oe", "u",  "u",  "u",  "ue", "y", "th", "ss",
    "a",  "a",  "a",  "a",  "ae", "a", "ae", "c", /* E0 */
    "e",  "e",  "e",  "e",  "i",  "i", "i",  "i",
    "d",  "n",  "o",  "o",  "o",  "o", "oe", "", /* F0 */
    "oe", "u",  "u",  "u",  "ue", "y", "th", "y",
    "a",  "a",  "a",  "a",  "a",  "a", "c",  "c", /* 100 */
    "c",  "c",  "c",  "c",  "c",  "c", "d",  "d",
    "d",  "d",  "e",  "e",  "e",  "e", "e",  "e", /* 110 */
    "e",  "e",  "e",  "e",  "g",  "g", "g",  "g",
    "g",  "g",  "g",  "g",  "h",  "h", "h",  "h", /* 120 */
    "i",  "i",  "i",  "i",  "i",  "i", "i",  "i",
    "i",  "i",  "ij", "ij", "j",  "j", "k",  "k", /* 130 */
    "k",  "l",  "l",  "l",  "l",  "l", "l",  "l",
    "l",  "l",  "l",  "n",  "n",  "n", "n",  "n", /* 140 */
    "n",  "n",  "n",  "n",  "o",  "o", "o",  "o",
    "oe", "oe", "oe", "oe", "r",  "r", "r",  "r", /* 150 */
    "r",  "r",  "s",  "s",  "s",  "s", "s",  "s",
    "s",  "s",  "t",  "t",  "t",  "t", "t",  "t", /* 160 */
    "u",  "u",  "u",  "u",  "u",  "u", "u",  "u",
    "ue", "ue", "u",  "u",  "w",  "w", "y",  "y", /* 170 */
    "y",  "z",  "z",  "z",  "z",  "z", "z",  "s",
};

uint32_t fold_next(const unsigned char **at)
{
    const unsigned char *p = *at;
    uint32_t c = *p++;
    unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;

    if (more > 0)
        c &= 0x3fu >> more;
    while (more > 0 && (*p & 0xc0) == 0x80) {
        c = c << 6 | (*p++ & 0x3fu);
        more--;
    }
    *at = p;
    return c;
}

const char *fold_letters(uint32_t c)
{
    if (c >= 0xc0 && c < 0x180)
        return latin[c - 0xc0];
    return c == 0x1e9e ? "ss" : "";
}

/* Small letters of the other alphabets that have two kinds, where one follows from the other. */
static uint32_t small(uint32_t c)
{
    if ((c >= 0x410 && c <= 0x42f) || (c >= 0x391 && c <= 0x3a9))
        return c + 0x20;
    return c >= 0x400 && c <= 0x40f ? c + 0x50 : c;
}

/* What stands between words: all of ASCII and Latin-1 but letters and digits, general punctuation,
 * and that of East Asia. */
static bool parts(uint32_t c)
{
    if (c < 0x80)
        return !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'));
    return c < 0xc0 || c == 0xd7 || c == 0xf7 || (c >= 0x2000 && c <= 0x206f) ||
           (c >= 0x3000 && c <= 0x303f) || c >= 0x110000;
}

struct word {
    char text[FOLD_WORD_MAX + 1];
    size_t len;
    bool full; /* the rest is left out */
};

static void add_text(struct word *word, const char *text, size_t len)
{
    if (word->full || word->len + len > FOLD_WORD_MAX) {
        word->full = true;
        return;
    }
    memcpy(word->text + word->len, text, len);
    word->len += len;
}

static void add(struct word *word, uint32_t c)
{
    char utf8[4];
    size_t len = 0;

    if (c >= 0xc0 && (c < 0x180 || c == 0x1e9e)) {
        const char *letters = fold_letters(c);
        add_text(word, letters, strlen(letters));
        return;
    }
    if (c >= 0x300 && c <= 0x36f) /* an accent written apart */
        return;
    c = small(c);
    if (c < 0x80) {
        utf8[len++] = (char)c;
    } else {
        if (c >= 0x10000) {
            utf8[len++] = (char)(0xf0 | c >> 18);
            utf8[len++] = (char)(0x80 | (c >> 12 & 0x3f));
        } else if (c >= 0x800) {
            utf8[len++] = (char)(0xe0 | c >> 12);
        }
        utf8[len++] = (char)(c >= 0x800 ? 0x80 | (c >> 6 & 0x3f) : 0xc0 | c >> 6);
        utf8[len++] = (char)(0x80 | (c & 0x3f));
    }
    add_text(word, utf8, len);
}

/* Whether the words have exactly this one. */
static bool has_whole(const char *words, const char *word, size_t len)
{
    for (const char *at = words; *at != '\0'; at += *at == ' ') {
        size_t n = strcspn(at, " ");
        if (n == len && memcmp(at, word, n) == 0)
            return true;
        at += n;
    }
    return false;
}

static void end(char *out, size_t size, struct word *word)
{
    size_t used = strlen(out);

    if (word->len > 0 && used + word->len + 2 <= size && !has_whole(out, word->text, word->len)) {
        if (used > 0)
            out[used++] = ' ';
        memcpy(out + used, word->text, word->len);
        out[used + word->len] = '\0';
    }
    memset(word, 0, sizeof *word);
}

void fold_words(char *out, size_t size, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    struct word word = {.len = 0};

    while (*at != '\0') {
        uint32_t c = fold_next(&at);
        if (c >= 'A' && c <= 'Z')
            c += 'a' - 'A';
        if (parts(c))
            end(out, size, &word);
        else
            add(&word, c);
    }
    end(out, size, &word);
}

int fold_has(const char *words, const char *prefix)
{
    size_t len = strlen(prefix);

    for (const char *at = words; *at != '\0'; at += *at == ' ') {
        if (strncmp(at, prefix, len) == 0)
            return 1;
        at += strcspn(at, " ");
    }
    return 0;
}
