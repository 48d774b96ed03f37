#ifndef SETT_PROBLEM_H
#define SETT_PROBLEM_H
/* Failures as RFC 9457 problem details, with our code, request_id, hint and the places at fault. */
#include "buf.h"
#include "err.h"

/** problem_write(out, status, err, instance, request_id): append the object to ${out}. */
void problem_write(struct buf *out, unsigned status, const struct err *err, const char *instance,
                   const char *request_id);

/** problem_reason(status): the standard phrase of an HTTP status; "Status" for one not listed. */
const char *problem_reason(unsigned status);

#endif
