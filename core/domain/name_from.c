/*
 * A label out of a customer's name. Apart because of its table: how the letters of European names
 * are written in plain ASCII, as their owners would do it.
 */
#include "name.h"

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

/* The next character of UTF-8 text; bytes that are not well-formed count as one character each. */
static uint32_t next_character(const unsigned char **at)
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

struct label {
    char text[NAME_LABEL_MAX + 1];
    size_t len;
    bool gap; /* a separator is due before the next letter */
};

static void add(struct label *label, char c)
{
    size_t need = label->gap && label->len > 0 ? 2 : 1;

    if (label->len + need > NAME_LABEL_MAX)
        return;
    if (need == 2)
        label->text[label->len++] = '-';
    label->gap = false;
    label->text[label->len++] = c;
}

static void add_character(struct label *label, uint32_t c)
{
    const char *letters = "";

    if (c >= 'A' && c <= 'Z')
        c += 'a' - 'A';
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
        if (label->len == 0 && c <= '9')
            add(label, 't'); /* a label begins with a letter */
        add(label, (char)c);
        return;
    }
    if (c == '\'' || c == 0x2019 || c == '.')
        return; /* "O'Neill" is one word, "A.G." as well */
    if (c >= 0x300 && c <= 0x36f) {
        if (c == 0x308 && label->len > 0 && !label->gap &&
            strchr("aou", label->text[label->len - 1]) != NULL)
            add(label, 'e'); /* a letter and its diaeresis written apart */
        return;
    }
    if (c >= 0xc0 && c < 0x180)
        letters = latin[c - 0xc0];
    else if (c == 0x1e9e)
        letters = "ss";
    if (letters[0] == '\0')
        label->gap = true;
    for (const char *p = letters; *p != '\0'; p++)
        add(label, *p);
}

void name_from(char *out, size_t size, const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    struct label label;

    memset(&label, 0, sizeof label);
    while (*at != '\0')
        add_character(&label, next_character(&at));
    if (label.len == 0)
        add(&label, 't');
    while (label.len >= size && label.len > 0)
        label.len--;
    while (label.len > 0 && label.text[label.len - 1] == '-')
        label.len--;
    memcpy(out, label.text, label.len);
    out[label.len] = '\0';
}
