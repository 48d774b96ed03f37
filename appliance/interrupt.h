#ifndef SETT_INTERRUPT_H
#define SETT_INTERRUPT_H
/*
 * Ctrl-C, and its like, heard where a command can answer it: it says what goes on and what does
 * not, and ends with INTERRUPT_EXIT. Until it looks, nothing is broken off in the middle.
 */
#include <stdbool.h>
#include <stddef.h>

#define INTERRUPT_EXIT 130 /* 128 + SIGINT, as shells have it */

/** interrupt_hold(): from now on SIGINT and SIGTERM wait to be seen. */
void interrupt_hold(void);

/** interrupt_seen(): whether one of them waits. */
bool interrupt_seen(void);

/** interrupt_forget(): those that wait are seen to, and the command goes on. */
void interrupt_forget(void);

/** interrupt_deaf(): a terminal that goes away (an ssh session that is cut) ends nothing any more,
 * nor does writing to it. */
void interrupt_deaf(void);

/** interrupt_line(out, size): a line of standard input, without its end. Return 0, or -1 at its
 * end or when interrupted. */
int interrupt_line(char *out, size_t size);

#endif
