#ifndef SETT_INIT_H
#define SETT_INIT_H
/* `sett init`: what its command and its steps share. */
#include "cli.h"
#include "preseed.h"

#define INIT_NOTES 4

#define INIT_DONE_PATH "/var/lib/sett/initialized" /* there once a box was made to the end */

struct init {
    struct cli *cli;
    bool first_boot;               /* nobody is there: a unit of the image began it */
    bool systemd;                  /* it is what this machine runs on */
    bool restored;                 /* the box is one that was elsewhere before */
    const struct preseed *preseed; /* or NULL */
    const char *server;            /* --web-server, or NULL */
    char notes[INIT_NOTES][400];   /* what did not go, and is not worth failing for */
    unsigned note_count;
};

/** init_steps(in, err): all that makes a box of this machine, one after the other. Return 0, or -1
 * with the step that failed. */
int init_steps(struct init *in, struct err *err);

/** init_tell(in, text): a step is done. */
void init_tell(const struct init *in, const char *text);

/** init_note(in, fmt, ...): something to be said at the end. */
void init_note(struct init *in, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
