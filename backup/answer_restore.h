#ifndef SETT_ANSWER_RESTORE_H
#define SETT_ANSWER_RESTORE_H
#include "answer.h"

/** answer_restore_keys(setup, params, out, err): the question "restore_keys": params snapshot_id,
 * restore_id, recovery: a recovery secret or shares as text. {"sealed": hex}: the file keys that it
 * opens, sealed as the secret restore_key_name(restore_id). ERR_INVALID naming "recovery". Return 0
 * or -1. */
int answer_restore_keys(const struct answer_setup *s, const struct kv *params, struct buf *out,
                        struct err *err);

#endif
