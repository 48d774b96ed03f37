#ifndef SETT_PRIVATE_LINES_H
#define SETT_PRIVATE_LINES_H
/* A file with a token in it, taken over line by line: what the imports from providers share. */
#include "buf.h"
#include "err.h"

/* One line, without its end, to be changed at will; ${number}: from 1, empty ones counted. 0 or -1.
 */
typedef int private_line(void *arg, char *line, unsigned number, const char *path, struct err *err);

/** private_lines(path, b, each, arg, err): read the file into ${b}, which is initialised here, and
 * tell
 * ${each} its lines, which stay where they are until private_lines_forget. A file that others may
 * read is ERR_FORBIDDEN: its token is known. Return 0 or -1. */
int private_lines(const char *path, struct buf *b, private_line *each, void *arg, struct err *err);

/** private_lines_forget(b): wipe and free, after success and failure. */
void private_lines_forget(struct buf *b);

#endif
