#ifndef SETT_STAGE_PLACE_H
#define SETT_STAGE_PLACE_H
/* What stage.c and stage_place.c share: a store's folder F, and what stands beside it. */
#include "db_raw.h"
#include "stage.h"

#define STAGE_UNFINISHED "unfinished"
#define STAGE_MIGRATED   "migrated"
#define STAGE_NOTE       "before" /* "program schema level at": in a store that was live once */
#define STAGE_PLACE      (DB_RAW_PATH + 80)
#define STAGE_BEFORE     ".before-"

/** stage_beside(folder, suffix, out): the path of F with ${suffix}. */
void stage_beside(const char *folder, const char *suffix, char out[STAGE_PLACE]);

/** stage_has(folder, name): whether there is such a file in it. */
bool stage_has(const char *folder, const char *name);

/** stage_put(folder, name, text, err): make that file. Return 0 or -1. */
int stage_put(const char *folder, const char *name, const char *text, struct err *err);

/** stage_drop(folder, name, err): remove it; fine if it is not there. Return 0 or -1. */
int stage_drop(const char *folder, const char *name, struct err *err);

/** stage_discard(folder, path, err): what stands at ${path} beside F goes: first its name. 0 or
 * -1. */
int stage_discard(const char *folder, const char *path, struct err *err);

/** stage_name(folder, path, name, err): what was live, or is a copy of what is, gets its name, and
 * the oldest of many go. Return 0 or -1. */
int stage_name(const char *folder, const char *path, char name[STAGE_NAME_SIZE], struct err *err);

/** stage_tidy(folder, err): after a crash: each gets its name, or goes. ERR_CONFLICT
 * "store_on_trial" while a trial is under way. Return 0 or -1. */
int stage_tidy(const char *folder, struct err *err);

/** stage_swap(folder, next, err): the two change places in one step. Return 0 or -1. */
int stage_swap(const char *folder, const char *next, struct err *err);

#endif
