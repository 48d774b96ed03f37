#ifndef SETT_LOG_OPS_H
#define SETT_LOG_OPS_H
/* Logs as a stream of events, for the front. */
#include "op.h"

/** log_events(box, query, after, out, err): what is new behind the line of id ${after} ("": the
 * newest lines), with the filters of the query of log.list, appended as server-sent events, oldest
 * first. ${after} becomes the id of the last one. ERR_INVALID names the parameter. Return 0 or -1.
 */
int log_events(const struct op_box *box, const char *query, char after[48], struct buf *out,
               struct err *err);

#endif
