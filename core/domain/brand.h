#ifndef SETT_BRAND_H
#define SETT_BRAND_H
/*
 * Whose box it is: what the order page, the portal and the letters bear. Names, colour and
 * addresses are settings (brand.*); the logo is a small picture in a table of its own, checked
 * before it is kept, since everybody's browser is given it.
 */
#include "conf.h"
#include "db.h"

#define BRAND_LOGO_BYTES  32768u /* of the picture itself */
#define BRAND_LOGO_PIXELS 2048u  /* its width and its height at most */
#define BRAND_LOGO_TEXT   (BRAND_LOGO_BYTES / 3 * 4 + 8)

struct brand {
    char name[512];             /* brand.name, else box.name */
    char color[8], on_color[8]; /* accent; black or white, whichever reads on it */
    char support_email[512], support_url[512];
    char imprint_url[512], privacy_url[512], terms_url[512];
};

struct brand_logo {
    char name[16]; /* "logo" */
    char type[32]; /* image/svg+xml or image/png */
    uint32_t width, height, size_bytes;
    char digest[20];            /* of its bytes: another picture has another one */
    char data[BRAND_LOGO_TEXT]; /* base64 */
    char actor[64];
    int64_t updated_at;
};
extern const struct table brand_logo_table; /* key name */

/** brand_read(txn, conf, brand, err): what is set. Return 0 or -1. */
int brand_read(struct txn *txn, const struct conf *conf, struct brand *brand, struct err *err);

/** brand_color_check(value, err): that it is a colour as in #3056d3. Return 0 or -1. */
int brand_color_check(const char *value, struct err *err);

/** brand_on_color(out, color): "#000000" or "#ffffff": which has more contrast with ${color}
 * (WCAG 2.2's relative luminance). */
void brand_on_color(char out[8], const char *color);

/** brand_logo_set(logo, data, actor, err): fill a record from a picture as it comes: the text of an
 * SVG, or base64 of an SVG or PNG. ERR_INVALID names "data" and what is wrong. Return 0 or -1. */
int brand_logo_set(struct brand_logo *logo, const char *data, const char *actor, struct err *err);

/** brand_logo_get(txn, logo, err): the logo. Return 1, 0 if there is none, -1. */
int brand_logo_get(struct txn *txn, struct brand_logo *logo, struct err *err);

/** brand_logo_bytes(logo, out, err): append the picture itself. Return 0 or -1. */
int brand_logo_bytes(const struct brand_logo *logo, struct buf *out, struct err *err);

/** brand_svg_check(text, len, width, height, err): that an SVG (https://www.w3.org/TR/SVG11/) draws
 * and nothing else: elements of a closed list, no scripts, no handlers, nothing fetched from
 * elsewhere. In brand_svg.c. Return 0 or -1. */
int brand_svg_check(const char *text, size_t len, uint32_t *width, uint32_t *height,
                    struct err *err);

#endif
