/*
 * The syntax. It follows Go's regexp/syntax step by step, because the only right answer to whether
 * an expression is one is the answer that cloudflared will get.
 */
#include "re2_parser.h"

#include <string.h>

#include "str.h"

#define REPEAT_MAX 1000

static int32_t literal(struct re2_parser *p, uint32_t point)
{
    int32_t class = re2_class_begin(p, false);

    return class == -1 || re2_add_range(p, point, point) == -1
               ? -1
               : re2_make_node(p, RE2_CLASS, class, 0);
}

/* ---- groups ---- */

static int32_t take_alternatives(struct re2_parser *p);

/* "(?P<name>" and "(?<name>", behind the "(?". */
static int take_name(struct re2_parser *p, const char *from)
{
    const char *name = memchr(p->at, '<', (size_t)(p->end - p->at)), *close;
    size_t len;

    name++;
    if ((close = memchr(name, '>', (size_t)(p->end - name))) == NULL)
        return re2_refuse(p, "invalid named capture", from, p->end);
    len = (size_t)(close - name);
    for (size_t i = 0; i < len; i++)
        if (re2_unhex(name[i]) == -1 && name[i] != '_' &&
            !((name[i] | 0x20) >= 'a' && (name[i] | 0x20) <= 'z'))
            len = 0;
    if (len == 0)
        return re2_refuse(p, "invalid named capture", from, close + 1);
    for (size_t i = 0; i < p->name_count; i++)
        if (p->names[i].len == len && memcmp(p->names[i].name, name, len) == 0)
            return re2_refuse(p, "duplicate capture group name", name, close);
    if (p->name_count == RE2_NAMES)
        return re2_refuse(p, "expression has too many groups", from, close + 1);
    p->names[p->name_count].name = name;
    p->names[p->name_count++].len = len;
    p->at = close + 1;
    return 0;
}

/* "(?i-s:" or "(?i)", behind the "(?". Return 1 if a group begins, 0 if the flags hold from here.
 */
static int take_flags(struct re2_parser *p, const char *from)
{
    unsigned flags = p->flags;
    bool off = false, seen = false;

    for (; p->at < p->end; p->at++) {
        unsigned bit = 0;
        switch (*p->at) {
        case 'i':
            bit = RE2_FOLD;
            break;
        case 'm':
            bit = RE2_MULTI;
            break;
        case 's':
            bit = RE2_DOT_ALL;
            break;
        case 'U':
            break;
        case '-':
            if (off)
                return re2_refuse(p, "invalid or unsupported Perl syntax", from, p->at + 1);
            off = true;
            seen = false;
            continue;
        case ':':
        case ')':
            if (off && !seen)
                return re2_refuse(p, "invalid or unsupported Perl syntax", from, p->at + 1);
            p->flags = flags;
            return *p->at++ == ':';
        default:
            return re2_refuse(p, "invalid or unsupported Perl syntax", from, p->at + 1);
        }
        seen = true;
        flags = off ? flags & ~bit : flags | bit;
    }
    return re2_refuse(p, "missing argument to repetition operator", from, p->end);
}

static int32_t take_group(struct re2_parser *p)
{
    const char *from = p->at++;
    unsigned flags = p->flags;
    int32_t inner;
    int opens = 1;

    if (p->at < p->end && *p->at == '?') {
        p->at++;
        if ((p->end - p->at > 1 && p->at[0] == 'P' && p->at[1] == '<') ||
            (p->end - p->at > 1 && p->at[0] == '<' && p->at[1] != '=' && p->at[1] != '!'))
            opens = take_name(p, from) == -1 ? -1 : 1;
        else
            opens = take_flags(p, from);
        if (opens == -1)
            return -1;
        if (opens == 0)
            return INT32_MAX; /* no operand: only the flags have changed */
    }
    if ((inner = take_alternatives(p)) == -1)
        return -1;
    if (p->at == p->end)
        return re2_refuse(p, "missing closing )", from, p->end);
    p->at++;
    p->flags = flags;
    return inner;
}

/* ---- repetition ---- */

static int take_number(struct re2_parser *p)
{
    const char *from = p->at;
    int n = 0;

    while (p->at < p->end && *p->at >= '0' && *p->at <= '9') {
        n = n > 100000 ? n : n * 10 + (*p->at - '0');
        p->at++;
    }
    return p->at == from || (p->at - from > 1 && *from == '0') ? -1 : n;
}

/* "{2}", "{2,}", "{2,5}". Return 1, or 0 when it is only a brace. */
static int take_braces(struct re2_parser *p, int *min, int *max)
{
    const char *from = p->at++;

    *min = *max = take_number(p);
    if (*min != -1 && p->at < p->end && *p->at == ',') {
        p->at++;
        if (p->at < p->end && *p->at == '}')
            *max = -1;
        else if ((*max = take_number(p)) == -1)
            *min = -1;
    }
    if (*min != -1 && p->at < p->end && *p->at == '}') {
        p->at++;
        return 1;
    }
    p->at = from;
    return 0;
}

/* Whether a tree's repetitions multiply beyond what Go allows. */
static bool too_often(const struct re2_tree *t, int32_t at, int32_t left)
{
    const struct re2_node *n = &t->nodes[at];
    int32_t most = n->max > n->min ? n->max : n->min;

    switch (n->op) {
    case RE2_REPEAT:
        if (n->max != 1 && most > 1) {
            if (most > left)
                return true;
            left /= most;
        }
        return too_often(t, n->left, left);
    case RE2_CAT:
    case RE2_ALT:
        return too_often(t, n->left, left) || too_often(t, n->right, left);
    default:
        return false;
    }
}

/* An operator behind an operand. Return 1, 0 if none stands there, -1. */
static int take_repeat(struct re2_parser *p, int32_t *operand, const char **last)
{
    const char *from = p->at;
    int min = 0, max = -1;

    if (p->at == p->end)
        return 0;
    if (*p->at == '{') {
        if (take_braces(p, &min, &max) == 0)
            return 0;
        if (min > REPEAT_MAX || max > REPEAT_MAX || (max != -1 && min > max))
            return re2_refuse(p, "invalid repeat count", from, p->at);
    } else if (strchr("*+?", *p->at) != NULL) {
        min = *p->at == '+';
        max = *p->at == '?' ? 1 : -1;
        p->at++;
    } else {
        return 0;
    }
    if (*operand == -1)
        return re2_refuse(p, "missing argument to repetition operator", from, p->at);
    if (p->at < p->end && *p->at == '?')
        p->at++;
    if (*last != NULL)
        return re2_refuse(p, "invalid nested repetition operator", *last, p->at);
    *last = from;
    if ((*operand = re2_make_node(p, RE2_REPEAT, *operand, 0)) == -1)
        return -1;
    p->tree->nodes[*operand].min = min;
    p->tree->nodes[*operand].max = max;
    if ((min > 1 || max > 1) && too_often(p->tree, *operand, REPEAT_MAX))
        return re2_refuse(p, "invalid repeat count", from, p->at);
    return 1;
}

/* ---- sequences ---- */

static int32_t take_backslash(struct re2_parser *p)
{
    static const struct {
        char c;
        enum re2_op op;
    } points[] = {{'A', RE2_BEGIN}, {'z', RE2_END}, {'b', RE2_WORD}, {'B', RE2_NOT_WORD}};
    uint32_t point;
    int32_t class;
    int took;

    for (size_t i = 0; p->end - p->at > 1 && i < sizeof points / sizeof points[0]; i++)
        if (p->at[1] == points[i].c) {
            p->at += 2;
            return re2_make_node(p, points[i].op, 0, 0);
        }
    if ((class = re2_class_begin(p, false)) == -1 || (took = re2_take_named(p)) == -1)
        return -1;
    if (took == 1)
        return re2_make_node(p, RE2_CLASS, class, 0);
    p->tree->class_count--;
    return re2_take_escape(p, &point) == -1 ? -1 : literal(p, point);
}

static int32_t take_dot(struct re2_parser *p)
{
    int32_t class = re2_class_begin(p, (p->flags & RE2_DOT_ALL) == 0);

    p->at++;
    if (class == -1 || ((p->flags & RE2_DOT_ALL) != 0 ? re2_add_range(p, 0, RE2_POINT)
                                                      : re2_add_range(p, '\n', '\n')) == -1)
        return -1;
    return re2_make_node(p, RE2_CLASS, class, 0);
}

static int32_t take_one(struct re2_parser *p)
{
    bool multi = (p->flags & RE2_MULTI) != 0;
    uint32_t point;

    switch (*p->at) {
    case '(':
        return take_group(p);
    case '[':
        return re2_take_brackets(p);
    case '.':
        return take_dot(p);
    case '^':
        p->at++;
        return re2_make_node(p, multi ? RE2_LINE_BEGIN : RE2_BEGIN, 0, 0);
    case '$':
        p->at++;
        return re2_make_node(p, multi ? RE2_LINE_END : RE2_END, 0, 0);
    case '\\':
        return take_backslash(p);
    default:
        p->at += re2_point(p->at, p->end, &point);
        return literal(p, point);
    }
}

/* "\Q…\E": each character for itself; the last is what an operator behind it repeats. */
static int take_quoted(struct re2_parser *p, int32_t *sequence, int32_t *operand)
{
    uint32_t point;

    p->at += 2;
    while (p->at < p->end && !(p->end - p->at > 1 && p->at[0] == '\\' && p->at[1] == 'E')) {
        if (*operand != -1 &&
            (*sequence =
                 *sequence == -1 ? *operand : re2_make_node(p, RE2_CAT, *sequence, *operand)) == -1)
            return -1;
        p->at += re2_point(p->at, p->end, &point);
        if ((*operand = literal(p, point)) == -1)
            return -1;
    }
    if (p->at < p->end)
        p->at += 2;
    return 0;
}

static int32_t take_sequence(struct re2_parser *p)
{
    int32_t sequence = -1, operand = -1, next;
    const char *last = NULL; /* where the repetition stands that was applied to operand */

    while (p->at < p->end && *p->at != '|' && *p->at != ')') {
        int took = take_repeat(p, &operand, &last);
        if (took == -1)
            return -1;
        if (took == 1)
            continue;
        last = NULL;
        if (p->end - p->at > 1 && p->at[0] == '\\' && p->at[1] == 'Q') {
            if (take_quoted(p, &sequence, &operand) == -1)
                return -1;
            continue;
        }
        if ((next = take_one(p)) == -1)
            return -1;
        if (next == INT32_MAX)
            continue;
        if (operand != -1 &&
            (sequence = sequence == -1 ? operand : re2_make_node(p, RE2_CAT, sequence, operand)) ==
                -1)
            return -1;
        operand = next;
    }
    if (operand == -1)
        return re2_make_node(p, RE2_EMPTY, 0, 0);
    return sequence == -1 ? operand : re2_make_node(p, RE2_CAT, sequence, operand);
}

static int32_t take_alternatives(struct re2_parser *p)
{
    int32_t all = take_sequence(p), next;

    while (all != -1 && p->at < p->end && *p->at == '|') {
        p->at++;
        if ((next = take_sequence(p)) == -1)
            return -1;
        all = re2_make_node(p, RE2_ALT, all, next);
    }
    return all;
}

int re2_parse(const char *text, struct re2_tree *tree, struct err *err)
{
    struct re2_parser p = {.tree = tree, .at = text, .end = text + strlen(text), .err = err};

    if (!str_utf8(text, strlen(text)))
        return err_set(err, ERR_INVALID, "bad_regex", "error parsing regexp: invalid UTF-8");
    if (p.end - text > RE2_TEXT_MAX)
        return err_set(err, ERR_INVALID, "bad_regex",
                       "error parsing regexp: expression is too large");
    if ((tree->root = take_alternatives(&p)) == -1)
        return -1;
    if (p.at < p.end)
        return re2_refuse(&p, "unexpected )", p.at, p.end);
    return 0;
}
