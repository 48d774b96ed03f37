#ifndef SETT_SQUEEZE_H
#define SETT_SQUEEZE_H
/*
 * zstd for a section's archive: pressed by as many threads as may work, and opened by one of its
 * own, so that whoever unpacks does not wait for it. The only file that knows libzstd. Memory is
 * bounded by what is said here, whatever the stream says: SQUEEZE_WINDOW_LOG.
 */
#include <stddef.h>
#include "err.h"

#define SQUEEZE_WINDOW_LOG 23 /* a stream that wants to look back further is refused */

struct squeeze;

/** squeeze_new(out, write, arg, level, threads, err): what is pressed goes to ${write}, which
 * returns 0 or -1 with err, on the thread that calls. ${threads}: 0 or 1: the caller's own. Return
 * 0 or -1. */
int squeeze_new(struct squeeze **out,
                int (*write)(void *arg, const void *data, size_t len, struct err *err), void *arg,
                int level, unsigned threads, struct err *err);

/** squeeze_far(s): before the first bytes: look for what was there before in all of the window,
 * also where another thread began. Takes a quarter more of the processor. */
void squeeze_far(struct squeeze *s);

/** squeeze_add(s, data, len, err): the next plain bytes. Return 0 or -1. */
int squeeze_add(struct squeeze *s, const void *data, size_t len, struct err *err);

/** squeeze_end(s, err): end the frame. Return 0 or -1. */
int squeeze_end(struct squeeze *s, struct err *err);

/** squeeze_free(s): NULL is fine. */
void squeeze_free(struct squeeze *s);

struct unsqueeze;

/** unsqueeze_new(out, next, arg, err): ${next} gives the next pressed bytes, valid until it is
 * called again: 1, 0 at the end, or -1 with err. It is called on a thread of this, until
 * unsqueeze_next has told of the end or an error, or unsqueeze_free has returned. Return 0 or -1.
 */
int unsqueeze_new(struct unsqueeze **out,
                  int (*next)(void *arg, const void **data, size_t *len, struct err *err),
                  void *arg, struct err *err);

/** unsqueeze_next(u, data, len, err): the next plain bytes, valid until the next call. ERR_CORRUPT:
 * no zstd, one that is cut off, or one with too wide a window. Return 1, 0 at the end, or -1. */
int unsqueeze_next(struct unsqueeze *u, const void **data, size_t *len, struct err *err);

/** unsqueeze_free(u): NULL is fine. */
void unsqueeze_free(struct unsqueeze *u);

#endif
