#ifndef SETT_SUPERVISOR_H
#define SETT_SUPERVISOR_H
/* The supervisor driver: keeps a long-running program of ours alive (a connector). */
#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "err.h"

#define SUPERVISOR_ARGS 24

struct supervisor_unit {
    char name[64]; /* "sett-tunnel@12" */
    char argv[SUPERVISOR_ARGS]
             [256]; /* ended by an empty one; systemd: ignored, the template unit says */
};
struct supervisor_status {
    bool known, running;
    uint32_t pid, restarts;
    int32_t exit_code;
    int64_t since;
    int64_t beat_at; /* its last sign of life to the watchdog; 0: none known */
};
struct supervisor {
    const char *name;
    void *self;
    int (*start)(void *self, const struct supervisor_unit *u,
                 struct err *err);                                             /* fine if running */
    int (*stop)(void *self, const struct supervisor_unit *u, struct err *err); /* fine if not */
    int (*restart)(void *self, const struct supervisor_unit *u, struct err *err);
    int (*status)(void *self, const struct supervisor_unit *u, struct supervisor_status *out,
                  struct err *err);
    int (*logs)(void *self, const struct supervisor_unit *u, uint32_t lines, struct buf *out,
                struct err *err);
};

#endif
