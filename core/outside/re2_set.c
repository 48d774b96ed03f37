/*
 * Sets of characters as they are written, and the helpers that put a tree together. Apart from the
 * rest of the syntax for its length alone.
 */
#include "re2_parser.h"

#include <string.h>

#include "str.h"

int re2_refuse(struct re2_parser *p, const char *what, const char *from, const char *to)
{
    return err_set(p->err, ERR_INVALID, "bad_regex", "error parsing regexp: %s: `%.*s`", what,
                   (int)(to - from), from);
}

/* ---- the tree ---- */

int32_t re2_make_node(struct re2_parser *p, enum re2_op op, int32_t left, int32_t right)
{
    struct re2_tree *t = p->tree;

    if (t->node_count == RE2_NODES)
        return err_set(p->err, ERR_INVALID, "bad_regex",
                       "error parsing regexp: expression is too large");
    t->nodes[t->node_count] = (struct re2_node){.op = op, .left = left, .right = right};
    return t->node_count++;
}

int32_t re2_class_begin(struct re2_parser *p, bool negated)
{
    struct re2_tree *t = p->tree;

    if (t->class_count == RE2_CLASSES)
        return err_set(p->err, ERR_INVALID, "bad_regex",
                       "error parsing regexp: expression is too large");
    t->classes[t->class_count] = (struct re2_class){
        .first = t->range_count, .negated = negated, .fold = (p->flags & RE2_FOLD) != 0};
    return t->class_count++;
}

static int add(struct re2_parser *p, const struct re2_range *range)
{
    struct re2_tree *t = p->tree;

    if (t->range_count == RE2_RANGES)
        return err_set(p->err, ERR_INVALID, "bad_regex",
                       "error parsing regexp: expression is too large");
    t->ranges[t->range_count++] = *range;
    t->classes[t->class_count - 1].count++;
    return 0;
}

int re2_add_range(struct re2_parser *p, uint32_t low, uint32_t high)
{
    return add(p, &(struct re2_range){.low = low, .high = high});
}

/* ---- named sets ---- */

struct set {
    const char *name;
    const char *ranges; /* pairs of characters */
};
static const struct set perl_sets[] = {{"d", "09"}, {"s", "\t\n\f\r  "}, {"w", "09AZ__az"}, {0}};
static const struct set posix_sets[] = {{"alnum", "09AZaz"},
                                        {"alpha", "AZaz"},
                                        {"ascii", "\001\177"},
                                        {"blank", "\t\t  "},
                                        {"cntrl", "\001\037\177\177"},
                                        {"digit", "09"},
                                        {"graph", "!~"},
                                        {"lower", "az"},
                                        {"print", " ~"},
                                        {"punct", "!/:@[`{~"},
                                        {"space", "\t\r  "},
                                        {"upper", "AZ"},
                                        {"word", "09AZaz__"},
                                        {"xdigit", "09AFaf"},
                                        {0}};

/* The set, or what it leaves out. A NUL belongs to ascii and cntrl and cannot stand in the table.
 */
static int add_set(struct re2_parser *p, const struct set *set, bool negated)
{
    uint32_t next = 0;
    bool zero = str_equal(set->name, "ascii") || str_equal(set->name, "cntrl");

    if (!negated) {
        if (zero && re2_add_range(p, 0, 0) == -1)
            return -1;
        for (const char *r = set->ranges; *r != '\0'; r += 2)
            if (re2_add_range(p, (unsigned char)r[0], (unsigned char)r[1]) == -1)
                return -1;
        return 0;
    }
    next = zero ? 1 : 0;
    for (const char *r = set->ranges; *r != '\0'; r += 2) {
        if ((unsigned char)r[0] > next && re2_add_range(p, next, (unsigned char)r[0] - 1u) == -1)
            return -1;
        next = (unsigned char)r[1] + 1u;
    }
    return re2_add_range(p, next, RE2_POINT);
}

static const struct set *find_set(const struct set *sets, const char *name, size_t len)
{
    for (; sets->name != NULL; sets++)
        if (strlen(sets->name) == len && memcmp(sets->name, name, len) == 0)
            return sets;
    return NULL;
}

/* "\d", "\p{Greek}" at the parser's place, into the class begun last. Return 1, 0 if it is none. */
int re2_take_named(struct re2_parser *p)
{
    struct re2_range range = {0};
    const char *from = p->at, *name, *close;
    char letter;
    const struct set *set;

    if (p->end - p->at < 2 || p->at[0] != '\\')
        return 0;
    letter = (char)(p->at[1] | 0x20);
    if ((set = find_set(perl_sets, &letter, 1)) != NULL) {
        bool negated = p->at[1] != letter;
        p->at += 2;
        return add_set(p, set, negated) == -1 ? -1 : 1;
    }
    if (letter != 'p')
        return 0;
    range.negated = p->at[1] == 'P';
    p->at += 2;
    if (p->at == p->end)
        return re2_refuse(p, "invalid character class range", from, p->end);
    if (*p->at == '{') {
        name = p->at + 1;
        if ((close = memchr(name, '}', (size_t)(p->end - name))) == NULL)
            return re2_refuse(p, "invalid character class range", from, p->end);
        p->at = close + 1;
    } else {
        uint32_t point;
        name = p->at;
        p->at += re2_point(p->at, p->end, &point);
        close = p->at;
    }
    if (name < close && *name == '^') {
        range.negated = !range.negated;
        name++;
    }
    if (re2_property(name, (size_t)(close - name), &range) == -1)
        return re2_refuse(p, "invalid character class range", from, p->at);
    return add(p, &range) == -1 ? -1 : 1;
}

/* ---- escapes ---- */

int re2_unhex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool octal(const struct re2_parser *p)
{
    return p->at < p->end && *p->at >= '0' && *p->at <= '7';
}

/* "\x7f" or "\x{10FFFF}", behind the x. */
static int take_hex(struct re2_parser *p, uint32_t *point)
{
    uint32_t n = 0, digits = 0;

    if (p->at < p->end && *p->at == '{') {
        for (p->at++; p->at < p->end && *p->at != '}'; p->at++, digits++) {
            if (re2_unhex(*p->at) == -1 || (n = n * 16 + (uint32_t)re2_unhex(*p->at)) > RE2_POINT)
                return -1;
        }
        if (p->at == p->end || digits == 0)
            return -1;
        p->at++;
    } else {
        if (p->end - p->at < 2 || re2_unhex(p->at[0]) == -1 || re2_unhex(p->at[1]) == -1)
            return -1;
        n = (uint32_t)(re2_unhex(p->at[0]) * 16 + re2_unhex(p->at[1]));
        p->at += 2;
    }
    *point = n;
    return 0;
}

/* One escaped character; the parser stands at the backslash. */
int re2_take_escape(struct re2_parser *p, uint32_t *point)
{
    static const char plain[][2] = {{'a', '\a'}, {'f', '\f'}, {'n', '\n'},
                                    {'r', '\r'}, {'t', '\t'}, {'v', '\v'}};
    const char *from = p->at++;
    char c;

    if (p->at == p->end)
        return err_set(p->err, ERR_INVALID, "bad_regex",
                       "error parsing regexp: trailing backslash at end of expression: ``");
    c = *p->at++;
    if (c == '0' || (c >= '1' && c <= '7' && octal(p))) {
        *point = (uint32_t)(c - '0');
        for (int i = 1; i < 3 && octal(p); i++)
            *point = *point * 8 + (uint32_t)(*p->at++ - '0');
        return 0;
    }
    if (c == 'x' && take_hex(p, point) == 0)
        return 0;
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (c == plain[i][0]) {
            *point = (unsigned char)plain[i][1];
            return 0;
        }
    *point = (unsigned char)c;
    if (*point < 0x80 && !(c >= '0' && c <= '9') && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z'))
        return 0;
    if (p->at > p->end)
        p->at = p->end;
    return re2_refuse(p, "invalid escape sequence", from, p->at);
}

/* ---- classes in brackets ---- */

static int class_char(struct re2_parser *p, const char *from, uint32_t *point)
{
    if (p->at == p->end)
        return re2_refuse(p, "missing closing ]", from, p->end);
    if (*p->at == '\\')
        return re2_take_escape(p, point);
    p->at += re2_point(p->at, p->end, point);
    return 0;
}

/* "[:alpha:]" within brackets. Return 1, 0 if it is none, -1. */
static int take_posix(struct re2_parser *p)
{
    const char *from = p->at, *close = NULL, *name = p->at + 2;
    const struct set *set;
    bool negated;

    if (p->end - p->at < 3 || p->at[0] != '[' || p->at[1] != ':')
        return 0;
    for (const char *c = name; c + 1 < p->end && close == NULL; c++)
        if (c[0] == ':' && c[1] == ']')
            close = c;
    if (close == NULL)
        return 0;
    if ((negated = *name == '^'))
        name++;
    p->at = close + 2;
    if ((set = find_set(posix_sets, name, (size_t)(close - name))) == NULL)
        return re2_refuse(p, "invalid character class range", from, p->at);
    return add_set(p, set, negated) == -1 ? -1 : 1;
}

static int take_range(struct re2_parser *p, const char *whole)
{
    const char *from = p->at;
    uint32_t low, high;

    if (class_char(p, whole, &low) == -1)
        return -1;
    high = low;
    if (p->end - p->at >= 2 && p->at[0] == '-' && p->at[1] != ']') {
        p->at++;
        if (class_char(p, whole, &high) == -1)
            return -1;
        if (high < low)
            return re2_refuse(p, "invalid character class range", from, p->at);
    }
    return re2_add_range(p, low, high);
}

int32_t re2_take_brackets(struct re2_parser *p)
{
    const char *whole = p->at++;
    int32_t class;
    bool negated = p->at < p->end && *p->at == '^';

    if (negated)
        p->at++;
    if ((class = re2_class_begin(p, negated)) == -1)
        return -1;
    for (bool first = true; first || p->at == p->end || *p->at != ']'; first = false) {
        int took;
        if (p->at == p->end)
            return re2_refuse(p, "missing closing ]", whole, p->end);
        if ((took = take_posix(p)) == 0 && (took = re2_take_named(p)) == 0)
            took = take_range(p, whole);
        if (took == -1)
            return -1;
    }
    p->at++;
    return re2_make_node(p, RE2_CLASS, class, 0);
}
