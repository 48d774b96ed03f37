/*
 * The one file that knows libidn2, and libunistring for the scripts of characters. Apart so that
 * everything above it handles ASCII names only, and shows the other spelling where a person reads.
 */
#include "idn.h"

#include <idn2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>

#include "str.h"

#define SCRIPTS_MAX 4 /* different ones in a label; more are never written together */

static int refuse(const char *text, const char *why, struct err *err)
{
    return err_field(err, "name", "domain_invalid", "\"%.100s\" is not a domain name: %s", text,
                     why);
}

/* ---- shape ---- */

static const char *shape_fault(const char *ascii)
{
    size_t label = 0, labels = 0;

    for (const char *c = ascii;; c++) {
        bool end = *c == '.' || *c == '\0';
        if (end && (label == 0 || label > 63))
            return label == 0 ? "a label is empty" : "a label is longer than 63 characters";
        if (end && c[-1] == '-')
            return "a label ends with a hyphen";
        if (!end && !(*c >= 'a' && *c <= 'z') && !(*c >= '0' && *c <= '9') &&
            !(*c == '-' && label > 0))
            return "labels are made of letters, digits and hyphens between them";
        labels += end;
        label = end ? 0 : label + 1;
        if (*c == '\0')
            break;
    }
    if (labels < 2)
        return "it has only one label";
    if (strspn(strrchr(ascii, '.') + 1, "0123456789") == strlen(strrchr(ascii, '.') + 1))
        return "that is an address";
    return NULL;
}

/* ---- scripts ---- */

/* Letters of Cyrillic and Greek that read as Latin in the usual typefaces (UTS 39's confusables).
 */
static const uint32_t lookalikes[] = {
    0x430, 0x435, 0x43e, 0x440, 0x441, 0x443, 0x445, 0x455, 0x456, 0x458, 0x475, 0x4bb,
    0x4cf, 0x501, 0x51b, 0x51d, 0x3b1, 0x3b9, 0x3ba, 0x3bd, 0x3bf, 0x3c1, 0x3c5, 0x3c7,
};

static bool reads_latin(uint32_t c)
{
    for (size_t i = 0; i < sizeof lookalikes / sizeof lookalikes[0]; i++)
        if (lookalikes[i] == c)
            return true;
    return c < 0x80 && !(c >= 'a' && c <= 'z');
}

/* Scripts that are written together: Japanese, Korean, Chinese with its phonetic signs; each of
 * them with Latin. */
static const char *const companies[][5] = {
    {"Han", "Hiragana", "Katakana", "Latin", NULL},
    {"Han", "Hangul", "Latin", NULL},
    {"Han", "Bopomofo", "Latin", NULL},
};

static bool in_company(const char *const *company, const char *script)
{
    for (; *company != NULL; company++)
        if (str_equal(*company, script))
            return true;
    return false;
}

static bool together(const char *const *scripts, unsigned count)
{
    for (size_t i = 0; i < sizeof companies / sizeof companies[0]; i++) {
        unsigned known = 0;
        while (known < count && in_company(companies[i], scripts[known]))
            known++;
        if (known == count)
            return true;
    }
    return count <= 1;
}

struct label {
    const char *scripts[SCRIPTS_MAX];
    unsigned count;
    bool too_many, other,
        latin_looking; /* other: letters beyond ASCII; latin_looking: all of them */
};

static void look_at(struct label *l, uint32_t c)
{
    const uc_script_t *script = uc_script(c);
    unsigned i = 0;

    l->other = l->other || c >= 0x80;
    l->latin_looking = l->latin_looking && reads_latin(c);
    if (script == NULL || str_equal(script->name, "Common") || str_equal(script->name, "Inherited"))
        return;
    while (i < l->count && !str_equal(l->scripts[i], script->name))
        i++;
    if (i < l->count)
        return;
    if (l->count == SCRIPTS_MAX)
        l->too_many = true;
    else
        l->scripts[l->count++] = script->name;
}

static int check_scripts(struct idn_name *name, struct err *err)
{
    const uint8_t *at = (const uint8_t *)name->unicode;
    struct label l = {.latin_looking = true};
    ucs4_t c = 0;

    for (;;) {
        const uint8_t *next = u8_next(&c, at);
        if (next != NULL && c != '.') {
            look_at(&l, c);
        } else {
            if (l.too_many || !together(l.scripts, l.count)) {
                (void)err_field(err, "name", "domain_mixed_script",
                                "\"%.200s\" mixes the scripts %s and %s in one label",
                                name->unicode, l.scripts[0], l.scripts[1]);
                return err_hint(err, "Such names deceive their readers. Was a letter taken from "
                                     "another keyboard?");
            }
            name->lookalike = name->lookalike || (l.other && l.latin_looking);
            l = (struct label){.latin_looking = true};
        }
        if (next == NULL)
            return 0;
        at = next;
    }
}

/* ---- both spellings ---- */

void idn_unicode(const char *ascii, char *out, size_t size)
{
    char *text = NULL;

    if (idn2_to_unicode_8z8z(ascii, &text, 0) != IDN2_OK || str_copy(out, size, text) == -1)
        (void)str_copy(out, size, ascii);
    idn2_free(text);
}

/* The library passes over ASCII characters that may not be, and would make httpa.de of an address.
 */
static bool plain(const char *text)
{
    for (const char *c = text; *c != '\0'; c++)
        if ((unsigned char)*c < 0x80 && !(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') &&
            !(*c >= '0' && *c <= '9') && *c != '-' && *c != '.')
            return false;
    return true;
}

static int to_ascii(const char *text, char *out, size_t size, struct err *err)
{
    char *ascii = NULL;
    int rc = idn2_to_ascii_8z(text, &ascii,
                              IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES);
    int result = 0;

    if (rc != IDN2_OK)
        result = refuse(text, idn2_strerror(rc), err);
    else if (str_copy(out, size, ascii) == -1 || strlen(ascii) > 253)
        result = refuse(text, "it is longer than 253 characters", err);
    idn2_free(ascii);
    return result;
}

int idn_read(const char *text, struct idn_name *out, struct err *err)
{
    char copy[512], again[256], *trimmed;
    const char *fault;
    size_t len;

    memset(out, 0, sizeof *out);
    if (str_copy(copy, sizeof copy, text) == -1 || !str_utf8(text, strlen(text)))
        return refuse("", "it is too long, or no text", err);
    trimmed = str_trim(copy);
    len = strlen(trimmed);
    if (len > 1 && trimmed[len - 1] == '.')
        trimmed[len - 1] = '\0';
    if (!plain(trimmed))
        return refuse(trimmed, "labels are made of letters, digits and hyphens between them", err);
    if (to_ascii(trimmed, out->ascii, sizeof out->ascii, err) == -1)
        return -1;
    str_lower(out->ascii);
    if ((fault = shape_fault(out->ascii)) != NULL)
        return refuse(trimmed, fault, err);
    idn_unicode(out->ascii, out->unicode, sizeof out->unicode);
    /* An A-label that nobody's spelling leads to is a forgery. */
    if (to_ascii(out->unicode, again, sizeof again, err) == -1 || !str_equal(again, out->ascii))
        return refuse(trimmed, "its xn-- spelling is not a valid one", err);
    return check_scripts(out, err);
}
