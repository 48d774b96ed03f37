#ifndef SETT_WEB_WATCH_H
#define SETT_WEB_WATCH_H
/*
 * The web server's configuration goes by settings that may be changed in a browser, and only root
 * may write it. The worker asks by a file, on which sett-web-server.path waits; what is written is
 * root's to decide (sett web-server refresh).
 */
#include "saga_context.h"
#include "web_made.h"

struct web_watch {
    int64_t looked_ms, asked_ms; /* monotonic; 0: never */
    struct web_made asked;       /* what it was asked for last */
};

/** web_watch_look(w, context, now_ms, err): every few seconds: ask if a setting differs from what
 * the configuration was made for. What was asked for in vain is asked for again when a setting
 * changes, or after an hour. ${now_ms}: monotonic. Return 1 if it asked, 0 or -1. */
int web_watch_look(struct web_watch *w, const struct saga_context *context, int64_t now_ms,
                   struct err *err);

#endif
