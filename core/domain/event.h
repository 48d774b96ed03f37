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

#endif
