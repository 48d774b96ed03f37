#ifndef SETT_RESTORING_H
#define SETT_RESTORING_H
/*
 * A restore of a box, as its parts at the command line share it: restore_commands.c knows the
 * order, restore_say.c what a person is shown and asked on the way.
 */
#include "cli.h"
#include "restore.h"
#include "restore_line.h"
#include "restore_secret.h"
#include "restore_tenant.h"
#include "restore_vault.h"

#define BASES_MOST 64

/* How far it has come: what is to be said when it is broken off. */
enum restoring_stage {
    RESTORING_CHECKS,    /* nothing has been touched */
    RESTORING_HALTS,     /* tenants and programs are told to end */
    RESTORING_EXCHANGED, /* the restored box is in place, and starts */
    RESTORING_BACK       /* the box of before is in place again, and starts */
};

struct restore_asked; /* restore_asked.c */

struct restoring {
    struct cli *cli;
    const char *file, *signer;
    struct restore_tenants which;
    struct restore_vault vault; /* --vault: ${file} is which of it, or NULL */
    const char *bases[BASES_MOST];
    size_t base_count;
    struct restore_given given;
    bool onto_empty, auto_resume;
    bool moving, old_off; /* a box that comes from another machine; where it stood down or is off */
    struct chain source;
    struct restore_secret secret;
    struct restore_plan plan;
    struct restore_record record;
    struct unpack_figures figures;
    char staging[PATHS_SIZE], kit_signer[SIGNER_LIST], name[64];
    enum restoring_stage stage;
    struct restore_asked *asked; /* it was asked for over the API; NULL: by a person here */
};

/** restoring_run(r, err): the whole of it, once the options are set. Return 0 or -1. */
int restoring_run(struct restoring *r, struct err *err);

/** restoring_speaks(r): whether people are told how it goes. */
bool restoring_speaks(const struct restoring *r);

/** restoring_tell(r, text): a line to standard error, if it speaks. */
void restoring_tell(const struct restoring *r, const char *text);

/** restoring_lost(plan, out, size): what came after the snapshot, as one sentence; "" if nothing.
 */
void restoring_lost(const struct restore_plan *plan, char *out, size_t size);

/** restoring_plan(r): what was found, and what will be lost, to standard error. */
void restoring_plan(const struct restoring *r);

/** restoring_members(r, state, j): the same as members of an object. */
void restoring_members(const struct restoring *r, const char *state, struct json_out *j);

/** restoring_json(r, state): the same as an object on standard output. */
void restoring_json(const struct restoring *r, const char *state);

/** restoring_may_ask(r, err): before anything is read: whether it is going to be confirmed at all,
 * by the right --confirm or by somebody at a terminal. ERR_INVALID "not_confirmed". Return 0 or -1.
 */
int restoring_may_ask(const struct restoring *r, struct err *err);

/** restoring_confirm(r, err): --confirm=NAME, or the word YES. ERR_INVALID "not_confirmed", or
 * "interrupted". Return 0 or -1. */
int restoring_confirm(const struct restoring *r, struct err *err);

/** restoring_next(r): what there is to do now that it is restored. */
void restoring_next(const struct restoring *r);

/** restoring_interrupted(r, err): what was broken off, and what state that leaves. Return -1. */
int restoring_interrupted(const struct restoring *r, struct err *err);

#endif
