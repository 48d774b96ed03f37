#ifndef SETT_EVENTS_H
#define SETT_EVENTS_H
/*
 * Event streams (server-sent events,
 * https://html.spec.whatwg.org/multipage/server-sent-events.html) on a socket and threads of their
 * own, so that open streams never hold up requests.
 *
 *   GET /api/jobs/{id}/stream: "step" for each row of the journal (its id: the row's number, so
 * that Last-Event-ID resumes behind it; a row under way comes without id, and again when it has
 * ended), "job" when the job's state changes, "end" when it is done, undone or stuck.
 *
 *   GET /api/events/stream?topics=job,tenant: "change" for each object that was made, changed or
 * deleted and that the asker may see: {"object":"tenant","id":"tn_…","change":"put"}, its id the
 * place in the feed (feed.h), behind which Last-Event-ID resumes. First comes "ready", or "reset"
 * when what lies behind that place is not known any more, or was too much: look at all anew. Some
 * hundred a second at most; the same object's are joined.
 *
 *   GET /api/logs/stream: "line" for each line of a log, with the filters of GET /api/logs; its id
 * is the line's, so that Last-Event-ID resumes behind it. The worker is asked each second.
 *
 * A comment, or there the event "beat", every 15 seconds keeps the connection; the sender's right
 * is looked at again then.
 */
#include "front.h"
#include "limit.h"
#include "op.h"
#include "tally.h"

#define EVENTS_STREAMS 64

struct events {
    const struct op_box *box;
    struct limit *limit;
    struct tally *tally;
    int64_t streams_max; /* more are answered 503 with Retry-After */
    int stop_fd;         /* readable: end all streams */
};

/** events_request(context, memory, wire, params): ${context} is a struct events, ${memory} a struct
 * serve_memory. Returns when the stream is over. */
void events_request(void *context, void *memory, const struct wire *wire,
                    const char *const *params);

#endif
