#ifndef SETT_ENQUIRE_H
#define SETT_ENQUIRE_H
/* Questions to the worker about one object, which the asker must be allowed to know of: the `slow`
 * part of an operation, with the answer left in call->answer. */
#include "kv.h"
#include "object.h"

#define ENQUIRE_LINES 100 /* of a log, when none are given */

/** enquire_about(call, table, id, params, err): find the object as object_get does, in a
 * transaction of its own, and put its id among ${params} as "<noun>_id". Return 0 or -1. */
int enquire_about(struct op_call *call, const struct table *table, const char *id,
                  struct kv *params, struct err *err);

/** enquire_ask(call, question, params, wait_ms, err): ask; the answer is left in call->answer, and
 * call->progress hears how it goes. ${wait_ms} 0: 15 s. Return 0 or -1. */
int enquire_ask(struct op_call *call, const char *question, const struct kv *params, int wait_ms,
                struct err *err);

/** enquire(call, table, id, question, params, err): find the object as object_get does, in a
 * transaction of its own; then ask with ${params} and the object's id as "<noun>_id". Return 0 or
 * -1. */
int enquire(struct op_call *call, const struct table *table, const char *id, const char *question,
            struct kv *params, struct err *err);

/** enquire_lines(call, table, id, lines, err): the newest lines of its log (0: ENQUIRE_LINES). */
int enquire_lines(struct op_call *call, const struct table *table, const char *id, uint32_t lines,
                  struct err *err);

/** enquire_reply_json(call, err): the answer is one JSON value, and is the reply. 0 or -1. */
int enquire_reply_json(struct op_call *call, struct err *err);

/** enquire_reply_lines(call, err): the answer is text: {"object":"log","lines":[…]}. Return 0. */
int enquire_reply_lines(struct op_call *call, struct err *err);

#endif
