/* A label out of a customer's name, as its owner would write it: "Müller & Söhne" is at
 * mueller-soehne. Apart because it is the one place that makes a label up. */
#include "name.h"

#include "fold.h"

#include <string.h>

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
    const char *letters;

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
    letters = fold_letters(c);
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
        add_character(&label, fold_next(&at));
    if (label.len == 0)
        add(&label, 't');
    while (label.len >= size && label.len > 0)
        label.len--;
    while (label.len > 0 && label.text[label.len - 1] == '-')
        label.len--;
    memcpy(out, label.text, label.len);
    out[label.len] = '\0';
}
