#ifndef SETT_STAGE_H
#define SETT_STAGE_H
/*
 * A newer store in the place of an older one. Migrations run on a compact copy, ${folder}.next,
 * which is checked and then exchanged with ${folder} in one step (renameat2): whatever is killed
 * and whenever, ${folder} is the old store or the new one. What was live is kept beside as
 * ${folder}.before-STAMP, the last few of them.
 *
 * On trial, the new store takes no change (db_write refuses) until stage_commit: what was
 * acknowledged is in the old store then, so stage_back loses nothing.
 */
#include "maintain.h"

#define STAGE_KEPT       3
#define STAGE_NAME_SIZE  64
#define STAGE_TRIAL_FILE "trial"

/* Called with the migrated copy, open: -1 with ${err} unless it is sound. */
typedef int stage_check(struct db *db, void *arg, struct err *err);

struct stage {
    const char *folder; /* the store's */
    const struct schema *schema;
    const struct migration *migrations;
    size_t count;
    stage_check *check;
    void *arg;
    bool trial;          /* exchanged, but takes no change before stage_commit */
    bool rehearse;       /* everything but the exchange; nothing is left */
    bool always;         /* though nothing is due: the copy is smaller */
    const char *program; /* version of the program that the old store was of; it is noted in it */
};

struct stage_report {
    uint32_t from, to;             /* of the schema */
    uint64_t level_from, level_to; /* schema_level */
    uint64_t bytes, copy_bytes;    /* of the file, of the compact copy */
    int64_t copy_ms, run_ms, check_ms;
    char kept[STAGE_NAME_SIZE]; /* name of the folder of the old store; "": none yet */
};

/** stage_due(folder, schema, report, err): what an upgrade of the store would change; only
 * versions, levels and bytes are filled. Return 1 if anything is due, 0, or -1. */
int stage_due(const char *folder, const struct schema *schema, struct stage_report *report,
              struct err *err);

/** stage_upgrade(stage, report, err): bring the store to the schema. Nobody else may have it open
 * unless it only rehearses. Return 1, 0 if nothing was due, or -1 with the store as it was. */
int stage_upgrade(const struct stage *stage, struct stage_report *report, struct err *err);

/** stage_on_trial(folder): whether the store is a new one that takes no change yet. */
bool stage_on_trial(const char *folder);

/** stage_commit(folder, err): from now on it does; what was live before it gets its name. Fine if
 * there is no trial. Return 0 or -1. */
int stage_commit(const char *folder, struct err *err);

/** stage_back(folder, err): what was live before the trial is live again, and the new one goes.
 * Opens neither. Return 1, 0 if there was no trial, or -1. */
int stage_back(const char *folder, struct err *err);

/** stage_keep(folder, schema, program, kept, err): only a compact copy, kept beside as if it had
 * been live. Return 0 or -1. */
int stage_keep(const char *folder, const struct schema *schema, const char *program,
               char kept[STAGE_NAME_SIZE], struct err *err);

/** stage_return(folder, schema, program, kept, err): a store that is kept beside takes the present
 * one's place, which is kept in turn, and may be newer than this program. Nobody else may have
 * either open. Return 0 or -1. */
int stage_return(const char *folder, const struct schema *schema, const char *program,
                 const char *kept, struct err *err);

struct stage_copy {
    char name[STAGE_NAME_SIZE], program[32];
    uint32_t schema;
    uint64_t level, bytes;
    int64_t at; /* wall, ms: when it ceased to be live */
};

/** stage_copies(folder, out, most): what is kept beside, newest first. Opens none. Return how many.
 */
size_t stage_copies(const char *folder, struct stage_copy *out, size_t most);

#endif
