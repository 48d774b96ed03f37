/* Whose box it is: colours, and which pictures are taken. */
#include "one_world.h"

#include "brand.h"

static const char plain[] = "<?xml version=\"1.0\"?>\n<!-- a mark -->\n"
                            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 24 12\">"
                            "<defs><linearGradient id=\"g\"><stop offset=\"0\"/></linearGradient>"
                            "</defs><g fill=\"url(#g)\"><path d='M0 0L24 12'/></g>"
                            "<use href=\"#g\"/><title>A &amp; B</title></svg>\n";

static struct brand_logo logo;

static void taken(void **state)
{
    struct err err;
    struct buf out;

    (void)state;
    assert_int_equal(brand_logo_set(&logo, plain, "cli:root", &err), 0);
    assert_string_equal(logo.type, "image/svg+xml");
    assert_int_equal(logo.width, 24);
    assert_int_equal(logo.height, 12);
    buf_init(&out, BRAND_LOGO_BYTES);
    assert_int_equal(brand_logo_bytes(&logo, &out, &err), 0);
    assert_int_equal(out.len, strlen(plain));
    assert_memory_equal(out.data, plain, out.len);
    buf_free(&out);
    /* One grey pixel, with line breaks as base64(1) has them. */
    assert_int_equal(brand_logo_set(&logo,
                                    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4\n"
                                    "nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==\n",
                                    "cli:root", &err),
                     0);
    assert_string_equal(logo.type, "image/png");
    assert_int_equal(logo.width, 1);
}

static void refused(void **state)
{
#define SVG(inside_)                                                                               \
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 9 9\">" inside_ "</svg>"
    static const char *const bad[] = {
        "",
        "no picture",
        "<html></html>",
        SVG("<script>alert(1)</script>"),
        SVG("<foreignObject/>"),
        SVG("<image href=\"https://example.com/x.png\"/>"),
        SVG("<g onload=\"alert(1)\"/>"),
        SVG("<g ONLOAD='alert(1)'/>"),
        SVG("<use href=\"https://example.com/x.svg#a\"/>"),
        SVG("<use xlink:href=\"data:image/svg+xml,x\"/>"),
        SVG("<path fill=\"url(https://example.com/x)\"/>"),
        SVG("<path style=\"fill:u\\72l(x)\"/>"),
        SVG("<path fill=\"URL( 'https://example.com/x')\"/>"),
        SVG("<style>@import 'x'</style>"),
        SVG("<a href=\"javascript:alert(1)\"/>"),
        SVG("<g title=\"&#106;avascript\"/>"),
        SVG("<set attributeName=\"href\" to=\"x\"/>"),
        SVG("<g>"),
        SVG("<g></path>"),
        SVG("<g a=b/>"),
        SVG("&evil;"),
        "<!DOCTYPE svg [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>" SVG(""),
        "<?xml-stylesheet href=\"x\"?>" SVG(""),
        "<?xml version=\"1.0\" encoding=\"ISO-2022-JP\"?>" SVG(""),
        "<?xml version=\"1.0\" encoding='utf-7'?>" SVG(""),
        SVG("<g a=\"\033$B\"/>"),
        SVG("") "text behind",
        SVG("") SVG(""),
        "<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>",
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4",
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (brand_logo_set(&logo, bad[i], "cli:root", &err) == 0)
            fail_msg("this was taken: %s", bad[i]);
        assert_string_equal(err.code, "logo_invalid");
        assert_string_equal(err.field, "data");
        assert_true(err.hint[0] != '\0');
    }
}

/* Every beginning of a good picture is a bad one, and none is read beyond its end. */
static void cut(void **state)
{
    struct err err;
    uint32_t width, height;

    (void)state;
    for (size_t len = 0; len < strlen(plain) - 1; len++) {
        char *part = strndup(plain, len);
        assert_int_equal(brand_svg_check(part, len, &width, &height, &err), -1);
        free(part);
    }
}

static void colors(void **state)
{
    static const struct {
        const char *color, *on;
    } rows[] = {{"#000000", "#ffffff"}, {"#ffffff", "#000000"}, {"#3056d3", "#ffffff"},
                {"#ffd500", "#000000"}, {"#0a7d5a", "#ffffff"}, {"#e00000", "#ffffff"}};
    char on[8];
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        brand_on_color(on, rows[i].color);
        assert_string_equal(on, rows[i].on);
    }
    assert_int_equal(brand_color_check("#12345", &err), -1);
    assert_int_equal(brand_color_check("red", &err), -1);
    assert_int_equal(brand_color_check("#12345g", &err), -1);
    assert_int_equal(brand_color_check("#aBcDeF", &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taken),
        cmocka_unit_test(refused),
        cmocka_unit_test(cut),
        cmocka_unit_test(colors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
