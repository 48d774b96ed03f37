#ifndef SETT_SCHEDULE_H
#define SETT_SCHEDULE_H
/* Which jobs are due: a look at the store through the index of what is live, by time of waking. */
#include "flight.h"

#define SCHEDULE_BATCH 64

struct schedule {
    struct db *db;
    const char *lease;                            /* ours */
    bool (*may)(void *context, const char *saga); /* NULL: all may be taken up */
    void *may_context;
    int64_t offset_ms; /* wall minus monotonic time when last looked: a jump of the clock shows */
};

struct schedule_found {
    char ids[SCHEDULE_BATCH][ID_SIZE];
    size_t count;
    bool more;       /* the batch was full: look again when some are under way */
    int64_t next_ms; /* wall time at which the next one is due, 0: none is waiting */
};

/** schedule_look(s, busy, arg, found, err): the due jobs that no living worker holds, oldest wake
 * first.
 * ${busy} says which are in our hands already. When the wall clock has jumped, a job whose time was
 * set by the other clock is due. Return 0 or -1. */
int schedule_look(struct schedule *s, bool (*busy)(void *arg, const char *id), void *arg,
                  struct schedule_found *found, struct err *err);

#endif
