#ifndef SETT_RESTORE_LINE_H
#define SETT_RESTORE_LINE_H
/* How far the unpacking of a snapshot is: a line of a terminal, or one sentence at its beginning.
 */
#include "progress.h"

struct restore_line {
    const struct cli *cli;
    int64_t began_ms; /* monotonic */
    struct progress line;
    bool told;
};

/** restore_line_draw(arg, bytes, total): struct restore_stage.progress, of a struct restore_line:
 * draw it; -1 once somebody has pressed Ctrl-C. */
int restore_line_draw(void *arg, uint64_t bytes, uint64_t total);

#endif
