#ifndef SETT_STATUS_PAGE_H
#define SETT_STATUS_PAGE_H
/*
 * A public page that says how a service is and how it was: HTML without script or foreign parts,
 * light and dark, and the same as JSON. It says nothing that is not meant for everybody: no
 * address, no cause, no figure but the days.
 */
#include "buf.h"
#include "history.h"

enum status_state {
    STATUS_UP,
    STATUS_DEGRADED,
    STATUS_DOWN,
    STATUS_MAINTENANCE,
    STATUS_STOPPED, /* suspended, or not there yet */
    STATUS_UNKNOWN
};

#define STATUS_DAYS 60

struct status_view {
    const char *name;     /* for people */
    const char *language; /* "en", "es", "de"; anything else is English */
    enum status_state state;
    int64_t since, now_ms;             /* since 0: not known */
    const struct history_tenant *days; /* by rising time, gaps left out */
    size_t day_count;
};

/** status_page_html(out, view): the page appended. Failure is the buffer's. */
void status_page_html(struct buf *out, const struct status_view *view);

/** status_page_json(out, view): the same for programs. */
void status_page_json(struct buf *out, const struct status_view *view);

#endif
