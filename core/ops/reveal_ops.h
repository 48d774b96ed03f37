#ifndef SETT_REVEAL_OPS_H
#define SETT_REVEAL_OPS_H
/* Showing first credentials, for those operations that have a token for it. */
#include "op.h"

extern const struct fields reveal_shown; /* what is answered, for the OpenAPI document */

/** reveal_reply(call, token, err): use the token up and answer with what it shows. Return 0 or -1.
 */
int reveal_reply(struct op_call *call, const char *token, struct err *err);

#endif
