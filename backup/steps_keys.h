#ifndef SETT_STEPS_KEYS_H
#define SETT_STEPS_KEYS_H
/*
 * The steps of a key's rotation. They hold the snapshots' subject, so that none is written with the
 * store of before and the keys of after.
 */
#include "backup.h"

extern const struct saga saga_key_signing, saga_key_vault, saga_key_web;

/* Facts. */
#define KEYS_BEFORE "before"   /* the public half that is to be replaced */
#define KEYS_AFTER  "after"    /* and the one in its place */
#define KEYS_AT     "at"       /* wall, ms */
#define KEYS_SEALED "resealed" /* values that were sealed anew */

/** steps_keys_reseal(db, keys, count, err): every value in the store that is sealed to the former
 * key of the vault in ${keys} is made to open to the present one, in commits of a few. ${count}
 * grows by how many there were. Fine to be called again. Return 0 or -1. */
int steps_keys_reseal(struct db *db, const char *keys, uint64_t *count, struct err *err);

#endif
