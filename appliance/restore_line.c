/* The progress of an unpacking. Apart because a box and a single tenant are unpacked by different
 * commands, and look alike. */
#include "restore_line.h"

#include "clock.h"
#include "interrupt.h"

int restore_line_draw(void *arg, uint64_t bytes, uint64_t total)
{
    struct restore_line *l = arg;
    const struct progress_now now = {.what = "unpacking and checking",
                                     .done = bytes,
                                     .total = total,
                                     .elapsed_ms = (uint64_t)(clock_mono_ms() - l->began_ms)};

    if (progress_wanted(l->cli))
        progress_draw(&l->line, &now);
    else if (!l->told && !l->cli->quiet && l->cli->output != CLI_JSON)
        fprintf(stderr, "Unpacking and checking %.1f MiB\n", (double)total / 1048576.0);
    l->told = true;
    return interrupt_seen() ? -1 : 0;
}
