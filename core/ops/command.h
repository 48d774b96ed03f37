#ifndef SETT_COMMAND_H
#define SETT_COMMAND_H
/*
 * The commands of the command line in one order, whether each is a row of the operations' table or
 * the program's own, and what stands behind its words. Help, completions and manual are views of
 * this, so that none of them can name what is not there.
 */
#include "help.h"

#define COMMAND_SLOTS 64

struct command {
    const struct op *op;            /* NULL: the program's own */
    const struct help_command *own; /* NULL: an operation */
    const char *help, *verb;        /* verb: "" for a noun alone */
    char words[64], noun[64];
};

/* What may stand behind the words of a command. */
struct command_slot {
    bool option;      /* --name, else a place */
    bool required;    /* the command wants it */
    const char *help; /* "" if nobody says */
    char name[96];    /* "--subdomain", "plan" */
    char value[96];   /* "TEXT"; "" for a flag */
    char kind[512]; /* "@noun": one of those; "a,b": one of these; "%": a file; "!": a flag; "-" */
};

/** command_at(more, i, c): the i-th of all commands: first those of ${more}, then the rows. Return
 * false beyond the last. */
bool command_at(const struct help_command *more, size_t i, struct command *c);

/** command_first(more, i): whether no command before the i-th has its noun. */
bool command_first(const struct help_command *more, size_t i);

/** command_slots(c, out): what it takes, at most COMMAND_SLOTS: of an operation places before
 * options; of the program's own commands as their line of usage has it. Return how many. */
size_t command_slots(const struct command *c, struct command_slot *out);

/** command_option(f, out, size): "--starting-after" of starting_after; a secret comes from a
 * file. */
void command_option(const struct field *f, char *out, size_t size);

/** command_place(f): whether the command line takes it by its place. */
bool command_place(const struct field *f);

/** command_value(f): what stands for its value: "TEXT", "NUMBER", … */
const char *command_value(const struct field *f);

#endif
