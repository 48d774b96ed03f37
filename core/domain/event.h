#ifndef SETT_EVENT_H
#define SETT_EVENT_H
/* Webhook events as they came: stored and acknowledged in one commit, applied once, later. */
#include "db.h"
#include "id.h"

enum event_state { EVENT_STORED, EVENT_APPLIED, EVENT_IGNORED, EVENT_FAILED };
extern const char *const event_state_names[];

struct event {
    char id[96]; /* Stripe's own: "evt_…" */
    char type[64];
    char api_version[40];
    char object_id[96];
    bool livemode;
    uint32_t state, parts; /* parts: rows of event_part_table with the body */
    uint64_t body_bytes;
    char job_id[ID_SIZE], note[240];
    int64_t event_at, received_at, applied_at;
};
extern const struct table event_table; /* key id; index: state, received_at */

#define EVENT_PART_BYTES 16384
struct event_part {
    char event_id[96];
    uint32_t number;
    char body[EVENT_PART_BYTES + 1];
};
extern const struct table event_part_table; /* key event_id, number */

/** event_store(txn, event, body, len, request_id, fresh, err): keep a webhook's body (checked
 * JSON, so without NUL) and start its event.apply job, in one change; an event of a type that moves
 * nothing gets no job and is ignored at once. The caller has set id, type,
 * api_version, object_id, livemode and event_at. An id that is there already: *${fresh} is false,
 * ${event} is what is there, and nothing changes. Return 0 or -1. */
int event_store(struct txn *txn, struct event *event, const char *body, size_t len,
                const char *request_id, bool *fresh, struct err *err);

struct buf;

/** event_body(txn, event, out, err): append the body of ${event} to ${out}. ERR_CORRUPT if a part
 * is missing. Return 0 or -1. */
int event_body(struct txn *txn, const struct event *event, struct buf *out, struct err *err);

/** event_replay(txn, id, actor, request_id, job_id, err): apply an event once more: a new job. A
 * job still at work on it: ERR_CONFLICT "busy". ERR_NOT_FOUND. Return 0 or -1. */
int event_replay(struct txn *txn, const char *id, const char *actor, const char *request_id,
                 char job_id[ID_SIZE], struct err *err);

#endif
