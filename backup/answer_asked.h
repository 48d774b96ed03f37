#ifndef SETT_ANSWER_ASKED_H
#define SETT_ANSWER_ASKED_H
/* Questions of a box that is to be restored over the API: what a vault holds, and the restore
 * itself, which others do. */
#include "backup.h"

/** answer_contents(s, params, out, err): vault_id: the snapshots of a vault, the newest first, by
 * their headers. Return 0 or -1. */
int answer_contents(const struct answer_setup *s, const struct kv *params, struct buf *out,
                    struct err *err);

/** answer_box_restore(s, params, out, err): recovery, signer, check: hand over what was fetched.
 * The answer is where progress can be read. Return 0 or -1. */
int answer_box_restore(const struct answer_setup *s, const struct kv *params, struct buf *out,
                       struct err *err);

#endif
