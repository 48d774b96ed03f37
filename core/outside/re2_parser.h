#ifndef SETT_RE2_PARSER_H
#define SETT_RE2_PARSER_H
/* What the two files of the syntax share. All functions return -1 with Go's words in p->err. */
#include "re2_tree.h"

#define RE2_NAMES 64

enum { RE2_FOLD = 1, RE2_MULTI = 2, RE2_DOT_ALL = 4 };

struct re2_parser {
    struct re2_tree *tree;
    const char *at, *end;
    unsigned flags;
    struct {
        const char *name;
        size_t len;
    } names[RE2_NAMES];
    size_t name_count;
    struct err *err;
};

/** re2_refuse(p, what, from, to): fill the error: ${what}, and the text it is about. Return -1. */
int re2_refuse(struct re2_parser *p, const char *what, const char *from, const char *to);

/** re2_make_node(p, op, left, right): a node's place in the tree. */
int32_t re2_make_node(struct re2_parser *p, enum re2_op op, int32_t left, int32_t right);

/** re2_class_begin(p, negated): the place of a new class, to which ranges are then added. */
int32_t re2_class_begin(struct re2_parser *p, bool negated);

/** re2_add_range(p, low, high): into the class begun last. Return 0 or -1. */
int re2_add_range(struct re2_parser *p, uint32_t low, uint32_t high);

/** re2_take_named(p): "\d" or "\p{Greek}" into the class begun last. Return 1, 0 if it is none. */
int re2_take_named(struct re2_parser *p);

/** re2_take_escape(p, point): one escaped character. Return 0 or -1. */
int re2_take_escape(struct re2_parser *p, uint32_t *point);

/** re2_take_brackets(p): a class in brackets: its node. */
int32_t re2_take_brackets(struct re2_parser *p);

/** re2_unhex(c): the value of a hexadecimal digit, or -1. */
int re2_unhex(char c);

#endif
