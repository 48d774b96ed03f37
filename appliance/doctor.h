#ifndef SETT_DOCTOR_H
#define SETT_DOCTOR_H
/* What the checks of `sett doctor` share. */
#include "cli.h"

enum finding { FINE, WARNING, BROKEN, SKIPPED };

struct look {
    struct cli *cli;
    char text[320], fix[240]; /* what was found; what to do */
};

/** doctor_say(l, f, fix, fmt, ...): the finding with its text and the one thing to do. Return ${f}.
 */
enum finding doctor_say(struct look *l, enum finding f, const char *fix, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/** doctor_runtimes(l): what the runtimes of the blueprints that plans are sold with need: programs,
 * images, an engine that answers, a swarm that is active. */
enum finding doctor_runtimes(struct look *l);

/** doctor_backups(l): whether there is anything to restore from, and whether that is proven. */
enum finding doctor_backups(struct look *l);

#endif
