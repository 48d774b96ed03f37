#ifndef SETT_CHANNEL_H
#define SETT_CHANNEL_H
/*
 * Messages between our own programs over a UNIX stream socket: a 4-byte big-endian length, then the
 * bytes; one connection carries one request and its answer (which may be several messages, the
 * last one empty). The peer's user is checked by SO_PEERCRED.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "buf.h"
#include "err.h"

#define CHANNEL_MESSAGE_MAX (64u * 1024u)

/** channel_listen(path, mode, err): a listening socket; a dead one in its place is replaced, a live
 * one is ERR_CONFLICT. Return the descriptor or -1. */
int channel_listen(const char *path, mode_t mode, struct err *err);

/** channel_accept(fd, uid, err): the next connection with its peer's user id, or -1 (a signal ends
 * the waiting too). What is sent to it must be read within 10 s each time. */
int channel_accept(int fd, uid_t *uid, struct err *err);

/** channel_connect(path, timeout_ms, err): ERR_UNAVAILABLE when nobody listens. The limit holds for
 * each sending, too; 0: 10 s. Return fd or -1. */
int channel_connect(const char *path, int timeout_ms, struct err *err);

/** channel_send(fd, data, len, err): one message, at most CHANNEL_MESSAGE_MAX bytes. ERR_TIMEOUT
 * when the peer does not read, ERR_UNAVAILABLE when it is gone. Return 0 or -1. */
int channel_send(int fd, const void *data, size_t len, struct err *err);

/** channel_receive(fd, out, timeout_ms, err): one message appended to ${out} (whose max bounds it).
 * ${timeout_ms} is for the whole message; negative: no limit. A broken message leaves ${out} as it
 * was. ERR_TIMEOUT, ERR_UNAVAILABLE (broke off), ERR_TOO_LARGE, ERR_MALFORMED (a length beyond
 * CHANNEL_MESSAGE_MAX).
 * Return 1, 0 when the peer closed before a message began, -1. */
int channel_receive(int fd, struct buf *out, int timeout_ms, struct err *err);

#define CHANNEL_FDS_MAX 128

/** channel_send_fds(fd, data, len, fds, count, err): as channel_send, with at most CHANNEL_FDS_MAX
 * descriptors, which stay open here. Return 0 or -1. */
int channel_send_fds(int fd, const void *data, size_t len, const int *fds, size_t count,
                     struct err *err);

/** channel_receive_fds(fd, out, fds, count, timeout_ms, err): as channel_receive; the descriptors
 * that came with the message, close-on-exec, are the caller's: ${count} of them in ${fds}, which
 * has room for CHANNEL_FDS_MAX. On 0 and -1 there are none. */
int channel_receive_fds(int fd, struct buf *out, int fds[CHANNEL_FDS_MAX], size_t *count,
                        int timeout_ms, struct err *err);

#endif
