#ifndef SETT_OPENAPI_H
#define SETT_OPENAPI_H
/* The API described by itself: an OpenAPI 3.1 document made from the operations and the routes.
 * What it says cannot differ from what is checked, for both come from the same rows.
 * https://spec.openapis.org/oas/v3.1.0 */
#include "op.h"

/** openapi_write(routes, count, url, j): the whole document; ${url} of the box, "" for none. */
void openapi_write(const struct op_route *routes, size_t count, const char *url,
                   struct json_out *j);

/** openapi_run(call, err): the run of the operation of that name. ERR_NOT_FOUND where there are no
 * routes. Return 0 or -1. */
int openapi_run(struct op_call *call, struct err *err);

#endif
