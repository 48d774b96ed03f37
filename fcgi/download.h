#ifndef SETT_DOWNLOAD_H
#define SETT_DOWNLOAD_H
/* An answer that is a file: sent as it comes, in blocks, whatever its size. */
#include "ask.h"
#include "serve.h"

/** download_from(range): the byte that a Range header "bytes=N-" asks to begin with; 0 for any
 * other form, which is then not honoured (RFC 9110, 14.2). */
uint64_t download_from(const char *range);

/** download_send(m, wire, file, from, request_id, body): head and, with ${body}, the file, which is
 * ended. What breaks off is left cut: the peer sees that by its length. Return the status. */
unsigned download_send(struct serve_memory *m, const struct wire *wire, struct ask_file *file,
                       uint64_t from, const char *request_id, bool body);

#endif
