#ifndef SETT_ASK_H
#define SETT_ASK_H
/* Questions to the worker, from the front and the CLI: a closed table on the other side; they
 * change nothing but checkout. The answer is JSON text, or plain text for logs. */
#include "buf.h"
#include "err.h"
#include "kv.h"

/** ask(sock, question, params, timeout_ms, out, err): append the answer to ${out}. The worker's own
 * refusal comes back as the err it filled; nobody there: ERR_UNAVAILABLE, retry_after_s 5. 0 or -1.
 */
int ask(const char *sock, const char *question, const struct kv *params, int timeout_ms,
        struct buf *out, struct err *err);

/** ask_watch(sock, question, params, timeout_ms, progress, arg, out, err): as ask; ${progress} (may
 * be NULL) is called with each line that the worker tells while it makes the answer. 0 or -1. */
int ask_watch(const char *sock, const char *question, const struct kv *params, int timeout_ms,
              void (*progress)(void *arg, const char *line), void *arg, struct buf *out,
              struct err *err);

/* An answer that is a file: as its bytes come, so long as the connection stands. */
struct ask_file {
    int conn, fd;
    struct buf text; /* what the worker says of it: JSON */
};

/** ask_for_file(sock, question, params, timeout_ms, file, err): ${file} is the caller's, who ends
 * it by ask_file_end. As ask. Return 0 or -1. */
int ask_for_file(const char *sock, const char *question, const struct kv *params, int timeout_ms,
                 struct ask_file *file, struct err *err);

/** ask_file_end(file, err): once its bytes have been read: whether that was all, as the worker
 * says. Everything of it is closed. NULL for ${err} when nobody wants to know. Return 0 or -1. */
int ask_file_end(struct ask_file *file, struct err *err);

/** ask_send_file(fd, data, len, file): the serving side: what there is to say of a file, and a
 * descriptor to read it from. Return 0 or -1. */
int ask_send_file(int fd, const void *data, size_t len, int file);

/** ask_progress(fd, line): the serving side: tell how it goes; no part of the answer. 0 or -1. */
int ask_progress(int fd, const char *line);

/** ask_read(fd, question, params, err): the serving side: read a question from a connected peer.
 * Return 0 or -1. */
int ask_read(int fd, char question[64], struct kv *params, struct err *err);

/** ask_answer(fd, data, len): send a part of the answer. Return 0 or -1. */
int ask_answer(int fd, const void *data, size_t len);

/** ask_end(fd, failure): send its end, with an error or NULL. Return 0 or -1. */
int ask_end(int fd, const struct err *failure);

#endif
