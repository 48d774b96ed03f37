#ifndef SETT_PROCESS_LOG_H
#define SETT_PROCESS_LOG_H
/*
 * The log file of a process of ours. It may lie in a folder that the process itself can write to,
 * so a link in its place, or a file with a second name, is refused. It is bounded: once it exceeds
 * its limit it is copied to "${path}.1" and emptied (the process keeps its descriptor; lines
 * written in the very moment of copying can be lost).
 */
#include <stdint.h>
#include "buf.h"
#include "err.h"

/** process_log_open(path, err): for appending, made (0600) if missing. Return the descriptor or
 * -1. */
int process_log_open(const char *path, struct err *err);

/** process_log_rotate(path, max_bytes): copy and empty it if it is longer. Return 1 if it was, else
 * 0; -1 with errno. */
int process_log_rotate(const char *path, uint64_t max_bytes);

/** process_log_tail(path, lines, out, err): append the last ${lines} lines to ${out}, reaching into
 * "${path}.1" when needed, as much as fits. No file, no lines. Return 0 or -1. */
int process_log_tail(const char *path, uint32_t lines, struct buf *out, struct err *err);

#endif
