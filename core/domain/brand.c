/*
 * Whose box it is. Apart from the settings because a picture is none, and because what is shown to
 * everybody is put together here for the order page, the portal and the letters alike.
 */
#include "brand.h"

#include "enc.h"
#include "setting.h"
#include "str.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static const struct field rows[] = {
    FIELD(struct brand_logo, name, FIELD_TEXT, .help = "which picture"),
    FIELD(struct brand_logo, type, FIELD_TEXT, .help = "image/svg+xml or image/png"),
    FIELD(struct brand_logo, width, FIELD_U32, .help = "width in pixels"),
    FIELD(struct brand_logo, height, FIELD_U32, .help = "height in pixels"),
    FIELD(struct brand_logo, size_bytes, FIELD_U32, .help = "its size"),
    FIELD(struct brand_logo, digest, FIELD_TEXT, .help = "begin of its BLAKE2b digest"),
    FIELD(struct brand_logo, data, FIELD_TEXT, .flags = FIELD_HIDDEN, .help = "base64"),
    FIELD(struct brand_logo, actor, FIELD_TEXT, .help = "who set it"),
    FIELD(struct brand_logo, updated_at, FIELD_TIME, .help = "set at"),
};

const struct table brand_logo_table = {
    .name = "brand_logos",
    .noun = "logo",
    .id = 91,
    .version = 1,
    .fields = {rows, sizeof rows / sizeof rows[0], sizeof(struct brand_logo)},
    .key = {"name"},
};

int brand_color_check(const char *value, struct err *err)
{
    if (strlen(value) == 7 && value[0] == '#' && strspn(value + 1, "0123456789abcdefABCDEF") == 6)
        return 0;
    return err_field(err, "value", "setting_invalid", "\"%s\" is not a colour as in #3056d3",
                     value);
}

/* WCAG 2.2, "relative luminance", with a polynomial for the power of 2.4: right to a hundredth. */
static double luminance(const char *color)
{
    static const double weights[] = {0.2126, 0.7152, 0.0722};
    uint8_t rgb[3] = {0};
    double sum = 0;

    if (enc_unhex(rgb, sizeof rgb, color + 1) == -1)
        return 0;
    for (size_t i = 0; i < sizeof rgb; i++) {
        double c = rgb[i] / 255.0;
        sum += weights[i] * c * (c * (c * 0.305306011 + 0.682171111) + 0.012522878);
    }
    return sum;
}

void brand_on_color(char out[8], const char *color)
{
    double l = luminance(color);

    (void)str_copy(out, 8, (l + 0.05) / 0.05 > 1.05 / (l + 0.05) ? "#000000" : "#ffffff");
}

int brand_read(struct txn *txn, const struct conf *conf, struct brand *b, struct err *err)
{
    char color[512] = "";
    const struct {
        const char *name;
        char *out;
    } texts[] = {{"brand.name", b->name},
                 {"brand.color", color},
                 {"brand.support_email", b->support_email},
                 {"brand.support_url", b->support_url},
                 {"brand.imprint_url", b->imprint_url},
                 {"brand.privacy_url", b->privacy_url},
                 {"brand.terms_url", b->terms_url}};

    memset(b, 0, sizeof *b);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (setting_text(txn, conf, texts[i].name, texts[i].out, 512, err) == -1)
            return -1;
    if (b->name[0] == '\0' && setting_text(txn, conf, "box.name", b->name, 512, err) == -1)
        return -1;
    if (str_copy(b->color, sizeof b->color, color) == -1)
        return brand_color_check(color, err);
    str_lower(b->color);
    brand_on_color(b->on_color, b->color);
    return 0;
}

static int no_logo(struct err *err, const char *why)
{
    err_field(err, "data", "logo_invalid", "the picture is not acceptable: %s", why);
    return err_hint(err, "an SVG of plain shapes, or a PNG, of at most %u KiB",
                    BRAND_LOGO_BYTES / 1024);
}

/* A PNG (ISO/IEC 15948): its signature, whole chunks up to IEND, nothing behind it. */
static int check_png(const uint8_t *p, size_t len, uint32_t *width, uint32_t *height,
                     struct err *err)
{
    size_t at = 8;

    if (len < 8 + 25 || memcmp(p + 12, "IHDR", 4) != 0 || enc_get32(p + 8) != 13)
        return no_logo(err, "the PNG has no header");
    *width = enc_get32(p + 16);
    *height = enc_get32(p + 20);
    while (at + 12 <= len) {
        uint32_t chunk = enc_get32(p + at);
        bool last = memcmp(p + at + 4, "IEND", 4) == 0;

        if (chunk > len - at - 12)
            break;
        at += 12 + chunk;
        if (last)
            return at == len ? 0 : no_logo(err, "something follows the PNG's end");
    }
    return no_logo(err, "the PNG is cut off");
}

/* Bytes out of base64 with or without padding and line breaks. Return how many, or -1. */
static int from_base64(const char *text, uint8_t *out, size_t size)
{
    char *url = malloc(strlen(text) + 1);
    size_t n = 0;
    int got;

    if (url == NULL)
        return -1;
    for (const char *p = text; *p != '\0'; p++)
        if (strchr(" \t\r\n", *p) == NULL)
            url[n++] = (char)(*p == '+' ? '-' : *p == '/' ? '_' : *p);
    while (n > 0 && url[n - 1] == '=')
        n--;
    got = enc_unbase64url(out, size, url, n);
    free(url);
    return got;
}

static int check_picture(struct brand_logo *logo, const uint8_t *bytes, size_t len, struct err *err)
{
    static const uint8_t png[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    int rc;

    if (len >= sizeof png && memcmp(bytes, png, sizeof png) == 0) {
        (void)str_copy(logo->type, sizeof logo->type, "image/png");
        rc = check_png(bytes, len, &logo->width, &logo->height, err);
    } else {
        (void)str_copy(logo->type, sizeof logo->type, "image/svg+xml");
        rc = brand_svg_check((const char *)bytes, len, &logo->width, &logo->height, err);
    }
    if (rc == 0 && (logo->width == 0 || logo->height == 0 || logo->width > BRAND_LOGO_PIXELS ||
                    logo->height > BRAND_LOGO_PIXELS))
        return no_logo(err, "width and height must be 1 to 2048");
    return rc;
}

int brand_logo_set(struct brand_logo *logo, const char *data, const char *actor, struct err *err)
{
    uint8_t *bytes = malloc(BRAND_LOGO_BYTES), digest[8];
    const char *text = data + strspn(data, " \t\r\n");
    int len, rc = -1;

    if (bytes == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a picture");
    memset(logo, 0, sizeof *logo);
    (void)str_copy(logo->name, sizeof logo->name, "logo");
    if (text[0] == '<' && strlen(text) <= BRAND_LOGO_BYTES) {
        len = (int)strlen(text);
        memcpy(bytes, text, (size_t)len);
    } else {
        len = from_base64(text, bytes, BRAND_LOGO_BYTES);
    }
    if (len <= 0)
        (void)no_logo(err, "it is neither base64 nor the text of an SVG, or too large");
    else if (check_picture(logo, bytes, (size_t)len, err) == 0 &&
             enc_base64(logo->data, sizeof logo->data, bytes, (size_t)len) > 0) {
        (void)crypto_generichash(digest, sizeof digest, bytes, (unsigned long long)len, NULL, 0);
        enc_hex(logo->digest, digest, sizeof digest);
        logo->size_bytes = (uint32_t)len;
        (void)str_copy(logo->actor, sizeof logo->actor, actor);
        rc = 0;
    }
    free(bytes);
    return rc;
}

int brand_logo_get(struct txn *txn, struct brand_logo *logo, struct err *err)
{
    memset(logo, 0, sizeof *logo);
    (void)str_copy(logo->name, sizeof logo->name, "logo");
    return record_get(txn, &brand_logo_table, logo, err);
}

int brand_logo_bytes(const struct brand_logo *logo, struct buf *out, struct err *err)
{
    uint8_t *bytes = malloc(BRAND_LOGO_BYTES);
    int len = bytes == NULL ? -1 : from_base64(logo->data, bytes, BRAND_LOGO_BYTES);
    int rc = len < 0 || buf_add(out, bytes, (size_t)len) == -1
                 ? err_set(err, ERR_CORRUPT, "logo_unreadable", "the logo cannot be read")
                 : 0;

    free(bytes);
    return rc;
}
