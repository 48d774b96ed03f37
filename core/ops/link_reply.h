#ifndef SETT_LINK_REPLY_H
#define SETT_LINK_REPLY_H
/* Links for people, once made: sent by mail where that can be, else shown this once. */
#include "link_token.h"
#include "op.h"

#define LINK_SIZE 700

/* The members that every answer with a link has, for the OpenAPI document. */
extern const struct fields link_more;

/** link_address(call, kind, token, out, err): the address behind the link of a letter of ${kind}.
 * Return 0 or -1. */
int link_address(struct op_call *call, const char *kind, const char *token, char out[LINK_SIZE],
                 struct err *err);

/** link_members(call, kind, token, mailed, err): "mailed", and the "link" unless it was. Return 0
 * or -1. */
int link_members(struct op_call *call, const char *kind, const char *token, bool mailed,
                 struct err *err);

#endif
