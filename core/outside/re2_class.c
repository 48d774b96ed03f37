/*
 * Which characters a class holds. Apart from syntax and matching because here Unicode's tables are
 * asked, and those are libunistring's.
 */
#include "re2_tree.h"

#include <string.h>
#include <unicase.h>
#include <unictype.h>

#include "str.h"

unsigned re2_point(const char *s, const char *end, uint32_t *point)
{
    const unsigned char *b = (const unsigned char *)s;
    unsigned more = b[0] < 0x80 ? 0 : b[0] < 0xc2 ? 9 : b[0] < 0xe0 ? 1 : b[0] < 0xf0 ? 2 : 3;

    *point = b[0];
    if (more == 0)
        return 1;
    *point = 0xfffd;
    if (more == 9 || end - s <= (ptrdiff_t)more || !str_utf8(s, more + 1))
        return 1;
    *point = b[0] & (0x3fu >> more);
    for (unsigned i = 1; i <= more; i++)
        *point = *point << 6 | (b[i] & 0x3fu);
    return more + 1;
}

/* The categories by the short names that Go knows. */
static const char *const categories[] = {"C",  "Cc", "Cf", "Co", "Cs", "L",  "Ll", "Lm", "Lo", "Lt",
                                         "Lu", "M",  "Mc", "Me", "Mn", "N",  "Nd", "Nl", "No", "P",
                                         "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S",  "Sc", "Sk",
                                         "Sm", "So", "Z",  "Zl", "Zp", "Zs", NULL};

int re2_property(const char *name, size_t len, struct re2_range *range)
{
    char text[64];
    const uc_script_t *script;

    if (str_copy_n(text, sizeof text, name, len) == -1)
        return -1;
    if (str_equal(text, "Any")) {
        range->high = RE2_POINT;
        return 0;
    }
    for (size_t i = 0; categories[i] != NULL; i++) {
        if (!str_equal(categories[i], text))
            continue;
        range->category = uc_general_category_byname(text).bitmask;
        return 0;
    }
    if ((script = uc_script_byname(text)) == NULL || !str_equal(script->name, text))
        return -1;
    range->script = script;
    return 0;
}

static bool in_range(const struct re2_range *range, uint32_t point)
{
    bool in;

    if (range->script != NULL)
        in = uc_is_script(point, range->script);
    else if (range->category != 0)
        in = uc_is_general_category_withtable(point, range->category);
    else
        in = point >= range->low && point <= range->high;
    return in != range->negated;
}

static bool in_any(const struct re2_tree *tree, const struct re2_class *class, uint32_t point)
{
    for (int32_t i = 0; i < class->count; i++)
        if (in_range(&tree->ranges[class->first + i], point))
            return true;
    return false;
}

bool re2_has(const struct re2_tree *tree, const struct re2_class *class, uint32_t point)
{
    bool in = in_any(tree, class, point);

    if (!in && class->fold) {
        uint32_t small = uc_tolower(point), large = uc_toupper(point);
        in = in_any(tree, class, small) || in_any(tree, class, large) ||
             in_any(tree, class, uc_toupper(small)) || in_any(tree, class, uc_tolower(large));
    }
    return in != class->negated;
}
