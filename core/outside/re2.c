/*
 * Matching, by following all ways through the expression at once (Thompson's construction). Apart
 * from the syntax because here nothing can be refused any more but for size.
 */
#include "re2_tree.h"

#include <stdlib.h>
#include <string.h>

#define PROGRAM_MAX 262144

enum code { CODE_CLASS, CODE_SPLIT, CODE_JUMP, CODE_ASSERT, CODE_MATCH };

struct instruction {
    enum code code;
    int32_t x, y; /* CLASS: the class; SPLIT: both ways; JUMP: x; ASSERT: an enum re2_op */
};

struct re2 {
    struct re2_tree *tree;
    struct instruction *program;
    int32_t count, room;
};

static int32_t emit(struct re2 *re, enum code code, int32_t x, int32_t y)
{
    struct instruction *grown;
    int32_t room = re->room == 0 ? 64 : re->room * 2;

    if (re->count == re->room) {
        if (re->count >= PROGRAM_MAX ||
            (grown = realloc(re->program, (size_t)room * sizeof *grown)) == NULL)
            return -1;
        re->program = grown;
        re->room = room;
    }
    re->program[re->count] = (struct instruction){code, x, y};
    return re->count++;
}

static int build(struct re2 *re, int32_t at);

/* The operand as often as it must be there, then as often as it may. */
static int build_repeat(struct re2 *re, const struct re2_node *n)
{
    int32_t split, first = -1;

    for (int32_t i = 0; i < n->min; i++)
        if (build(re, n->left) == -1)
            return -1;
    if (n->max == -1) {
        if ((split = emit(re, CODE_SPLIT, re->count + 1, 0)) == -1 || build(re, n->left) == -1 ||
            emit(re, CODE_JUMP, split, 0) == -1)
            return -1;
        re->program[split].y = re->count;
        return 0;
    }
    for (int32_t i = n->min; i < n->max;
         i++) { /* the ways out are chained until the end is known */
        if ((split = emit(re, CODE_SPLIT, re->count + 1, first)) == -1 || build(re, n->left) == -1)
            return -1;
        first = split;
    }
    while (first != -1) {
        split = re->program[first].y;
        re->program[first].y = re->count;
        first = split;
    }
    return 0;
}

static int build(struct re2 *re, int32_t at)
{
    const struct re2_node *n = &re->tree->nodes[at];
    int32_t split, jump;

    switch (n->op) {
    case RE2_EMPTY:
        return 0;
    case RE2_CLASS:
        return emit(re, CODE_CLASS, n->left, 0) == -1 ? -1 : 0;
    case RE2_CAT:
        return build(re, n->left) == -1 ? -1 : build(re, n->right);
    case RE2_ALT:
        if ((split = emit(re, CODE_SPLIT, re->count + 1, 0)) == -1 || build(re, n->left) == -1 ||
            (jump = emit(re, CODE_JUMP, 0, 0)) == -1)
            return -1;
        re->program[split].y = re->count;
        if (build(re, n->right) == -1)
            return -1;
        re->program[jump].x = re->count;
        return 0;
    case RE2_REPEAT:
        return build_repeat(re, n);
    default:
        return emit(re, CODE_ASSERT, (int32_t)n->op, 0) == -1 ? -1 : 0;
    }
}

struct re2 *re2_new(const char *text, struct err *err)
{
    struct re2 *re = calloc(1, sizeof *re);

    if (re == NULL || (re->tree = calloc(1, sizeof *re->tree)) == NULL) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for an expression");
        re2_free(re);
        return NULL;
    }
    if (re2_parse(text, re->tree, err) == 0) {
        if (build(re, re->tree->root) == 0 && emit(re, CODE_MATCH, 0, 0) != -1)
            return re;
        (void)err_set(err, ERR_INVALID, "bad_regex",
                      "error parsing regexp: expression is too large");
    }
    re2_free(re);
    return NULL;
}

void re2_free(struct re2 *re)
{
    if (re == NULL)
        return;
    free(re->tree);
    free(re->program);
    free(re);
}

/* ---- running ---- */

struct threads {
    int32_t *at;
    int32_t count;
};

struct run {
    const struct re2 *re;
    const char *begin, *end;
    struct threads now, next;
    int32_t *stack;
    uint32_t *seen; /* the round in which an instruction was last reached */
    uint32_t round;
};

static bool word(const char *c)
{
    return (*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') ||
           *c == '_';
}

static bool holds(const struct run *run, int32_t what, const char *here)
{
    bool before = here > run->begin && word(here - 1), after = here < run->end && word(here);

    switch (what) {
    case RE2_BEGIN:
        return here == run->begin;
    case RE2_END:
        return here == run->end;
    case RE2_LINE_BEGIN:
        return here == run->begin || here[-1] == '\n';
    case RE2_LINE_END:
        return here == run->end || *here == '\n';
    case RE2_WORD:
        return before != after;
    default:
        return before == after;
    }
}

/* Add an instruction and all that is reached from it without a character. Return whether that is
 * the end. Each instruction is put on the stack at most twice a round. */
static bool follow(struct run *run, struct threads *into, int32_t from, const char *here)
{
    const struct instruction *program = run->re->program;
    int32_t depth = 0;

    run->stack[depth++] = from;
    while (depth > 0) {
        int32_t at = run->stack[--depth];
        if (run->seen[at] == run->round)
            continue;
        run->seen[at] = run->round;
        switch (program[at].code) {
        case CODE_MATCH:
            return true;
        case CODE_CLASS:
            into->at[into->count++] = at;
            break;
        case CODE_SPLIT:
            run->stack[depth++] = program[at].y;
            run->stack[depth++] = program[at].x;
            break;
        case CODE_JUMP:
            run->stack[depth++] = program[at].x;
            break;
        case CODE_ASSERT:
            if (holds(run, program[at].x, here))
                run->stack[depth++] = at + 1;
            break;
        }
    }
    return false;
}

static bool scan(struct run *run)
{
    const struct re2 *re = run->re;
    const char *here = run->begin;

    for (;;) {
        struct threads swap;
        uint32_t point;
        unsigned len;

        if (follow(run, &run->now, 0, here))
            return true;
        if (here == run->end)
            return false;
        len = re2_point(here, run->end, &point);
        run->round++;
        run->next.count = 0;
        for (int32_t i = 0; i < run->now.count; i++) {
            int32_t at = run->now.at[i];
            if (re2_has(re->tree, &re->tree->classes[re->program[at].x], point) &&
                follow(run, &run->next, at + 1, here + len))
                return true;
        }
        here += len;
        swap = run->now;
        run->now = run->next;
        run->next = swap;
    }
}

bool re2_match(const struct re2 *re, const char *text, size_t len)
{
    size_t n = (size_t)re->count;
    struct run run = {.re = re, .begin = text, .end = text + len, .round = 1};
    bool matches = false;

    run.now.at = calloc(n, sizeof *run.now.at);
    run.next.at = calloc(n, sizeof *run.next.at);
    run.stack = calloc(2 * n + 2, sizeof *run.stack);
    run.seen = calloc(n, sizeof *run.seen);
    if (run.now.at != NULL && run.next.at != NULL && run.stack != NULL && run.seen != NULL)
        matches = scan(&run);
    free(run.now.at);
    free(run.next.at);
    free(run.stack);
    free(run.seen);
    return matches;
}
