#ifndef SETT_SERVE_H
#define SETT_SERVE_H
/*
 * One request from its parameters to its answer: decoded, its sender known and within the limits,
 * its input typed, its operation dispatched, its result or failure written.
 */
#include "auth.h"
#include "limit.h"
#include "op.h"
#include "recall.h"
#include "request.h"
#include "site.h"
#include "tally.h"
#include "wire.h"

#include <stdatomic.h>
#include <stddef.h>

#define SERVE_PARAMS 51200 /* the largest struct of parameters: a list of rules as text */

/* What all threads share; the caller keeps all of it alive. */
struct serve {
    const struct op_box *box;
    struct limit *limit;
    struct tally *tally;
    const struct op *const *ops; /* of route_table, in its order: serve_bind */
    int slow_most; /* requests that may hash a password or ask the worker at the same time */
    atomic_int slow_now;
};

/* What one thread keeps from request to request. */
struct serve_memory {
    struct site site;
    struct request request;
    struct buf body, out, head;
    struct recall recall;
    _Alignas(max_align_t) unsigned char params[SERVE_PARAMS];
    size_t params_size;    /* in use by this request */
    struct identity touch; /* whose last use is to be noted once the answer is out */
    bool touch_due;
};

/** serve_bind(err): the rows of route_table's operations, to be freed by the caller; NULL, naming
 * the route, when one has none or takes more than SERVE_PARAMS. */
const struct op **serve_bind(struct err *err);

/** serve_memory_new(context): a thread's own memory, for struct front_setup; NULL: none is left. */
void *serve_memory_new(void *context);

/** serve_memory_free(memory): free it. NULL is fine. */
void serve_memory_free(void *memory);

/** serve_request(context, memory, wire, params): ${context} is a struct serve, ${memory} a struct
 * serve_memory. Always answers, unless the peer has gone. */
void serve_request(void *context, void *memory, const struct wire *wire, const char *const *params);

/** serve_after(context, memory): what can wait until the peer has its answer: the note of a
 * session's last use. */
void serve_after(void *context, void *memory);

/** serve_failure(m, wire, err, status, request_id, allow): answer with a problem. ${status} 0: what
 * follows from the error's kind; ${allow}: for 405, else NULL. Return the status. */
unsigned serve_failure(struct serve_memory *m, const struct wire *wire, const struct err *err,
                       unsigned status, const char *request_id, const char *allow);

#endif
