#ifndef SETT_ANSWER_EXPORT_H
#define SETT_ANSWER_EXPORT_H
#include "answer.h"

#define EXPORTS_AT_ONCE 2

/** answer_export(setup, params, out, err): the question "snapshot_export": params snapshot_id,
 * from. A file: its bytes from that on, as the first vault gives it that can; {"name", "bytes"}: of
 * the whole. Returns when all of it was read by the asker. ERR_UNAVAILABLE when EXPORTS_AT_ONCE are
 * under way. Return 0 or -1. */
int answer_export(const struct answer_setup *s, const struct kv *params, struct buf *out,
                  struct err *err);

#endif
