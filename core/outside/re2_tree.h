#ifndef SETT_RE2_TREE_H
#define SETT_RE2_TREE_H
/* An expression taken apart, for the files re2*.c only. */
#include <stdint.h>
#include "re2.h"

#define RE2_NODES   4096
#define RE2_RANGES  4096
#define RE2_CLASSES 1100
#define RE2_POINT   0x10ffffu

enum re2_op {
    RE2_EMPTY,
    RE2_CLASS,
    RE2_BEGIN,
    RE2_END,
    RE2_LINE_BEGIN,
    RE2_LINE_END,
    RE2_WORD,
    RE2_NOT_WORD,
    RE2_CAT,
    RE2_ALT,
    RE2_REPEAT
};

struct re2_node {
    enum re2_op op;
    int32_t left, right; /* RE2_CAT, RE2_ALT; RE2_REPEAT: left. RE2_CLASS: left is the class */
    int32_t min, max;    /* RE2_REPEAT; max -1: without end */
};

/* A range of characters, or a property of Unicode's. */
struct re2_range {
    uint32_t low, high;
    const void *script; /* libunistring's; NULL: a range or a category */
    uint32_t category;  /* its bits; 0: a range or a script */
    bool negated;
};

struct re2_class {
    int32_t first, count; /* ranges */
    bool negated, fold;
};

struct re2_tree {
    struct re2_node nodes[RE2_NODES];
    struct re2_range ranges[RE2_RANGES];
    struct re2_class classes[RE2_CLASSES];
    int32_t node_count, range_count, class_count, root;
};

/** re2_parse(text, tree, err): Return 0, or -1 with Go's words. */
int re2_parse(const char *text, struct re2_tree *tree, struct err *err);

/** re2_point(s, end, point): the next character; a byte that is none of UTF-8 is U+FFFD. Return how
 * many bytes it took. */
unsigned re2_point(const char *s, const char *end, uint32_t *point);

/** re2_property(name, len, range): fill script or category from a name as \p{…} takes it. Return 0,
 * or -1 if Go knows none. */
int re2_property(const char *name, size_t len, struct re2_range *range);

/** re2_has(tree, class, point): whether a character is in a class. */
bool re2_has(const struct re2_tree *tree, const struct re2_class *class, uint32_t point);

#endif
