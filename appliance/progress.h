#ifndef SETT_PROGRESS_H
#define SETT_PROGRESS_H
/*
 * How far something is, as one line of a terminal that is drawn over and over: what, how much of
 * how much, how fast, how long yet. As wide as the terminal is; what does not fit is left out, the
 * bar first. Nothing is drawn into a pipe, on a terminal that calls itself dumb, or with NO_COLOR.
 */
#include "cli.h"

struct progress_now {
    const char *what;     /* a word or two */
    uint64_t done, total; /* bytes; total 0: not known */
    uint64_t elapsed_ms;  /* since done was 0 */
};

struct progress {
    int64_t drawn_ms; /* monotonic: when it was drawn last; 0: never */
    bool drawn;       /* the line stands on the terminal */
};

/** progress_wanted(cli): whether a line may be drawn on standard error. */
bool progress_wanted(const struct cli *cli);

/** progress_text(out, size, width, now): the line, at most ${width} characters of one byte each. */
void progress_text(char *out, size_t size, size_t width, const struct progress_now *now);

#define PROGRESS_BYTES 32

/** progress_bytes(out, bytes): a size in binary units with three digits: "41.3 MiB". */
void progress_bytes(char out[PROGRESS_BYTES], uint64_t bytes);

/** progress_draw(p, now): draw it over what stands there, a few times a second at most. */
void progress_draw(struct progress *p, const struct progress_now *now);

/** progress_clear(p): remove the line, if one stands there, before something else is written. */
void progress_clear(struct progress *p);

#endif
