/*
 * Files on their way out. Apart from all other answers because these are never whole in memory, and
 * because their end is known only once they were sent.
 */
#include "download.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "head.h"
#include "json_in.h"
#include "log.h"
#include "str.h"

#define BLOCK 32768u

uint64_t download_from(const char *range)
{
    uint64_t from = 0;
    size_t len = strlen(range);
    char digits[24];

    if (!str_starts(range, "bytes=") || range[len - 1] != '-' ||
        str_copy_n(digits, sizeof digits, range + 6, len - 7) < 0 ||
        str_u64(digits, 0, INT64_MAX, &from) < 0) {
        return 0;
    }
    return from;
}

/* As much as there is. Return how many bytes, or -1: the peer is gone. */
static int64_t pump(const struct wire *wire, int fd)
{
    char block[BLOCK];
    int64_t sent = 0;
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return sent;
        }
        if (wire->write(wire->arg, block, (size_t)n) < 0 || wire->flush(wire->arg) < 0) {
            return -1;
        }
        sent += n;
    }
}

unsigned download_send(struct serve_memory *m, const struct wire *wire, struct ask_file *file,
                       uint64_t from, const char *request_id, bool body)
{
    char disposition[192], content_range[96], type[64];
    struct err err;
    struct cJSON *json =
        json_parse(buf_string(&file->text), file->text.len, &json_limits_provider, &err);
    uint64_t bytes = json == NULL ? 0 : (uint64_t)json_i64(json, "bytes", 0);
    (void)str_format(disposition, sizeof disposition, "attachment; filename=\"%.120s\"",
                     json == NULL ? "" : json_text(json, "name", ""));
    (void)str_copy(type, sizeof type,
                   json == NULL ? "" : json_text(json, "type", "application/octet-stream"));
    (void)str_format(content_range, sizeof content_range, "bytes %llu-%llu/%llu",
                     (unsigned long long)from, (unsigned long long)(bytes - 1),
                     (unsigned long long)bytes);
    json_free(json);
    struct head a = {
        .status = from > 0 ? 206 : 200,
        .content_type = type,
        .request_id = request_id,
        .disposition = disposition,
        .content_range = from > 0 ? content_range : NULL,
        .content_length = bytes - from,
        .file = true,
        .hsts = m->site.https,
    };
    buf_reset(&m->head);
    if (head_write(&m->head, &a) < 0 || wire->write(wire->arg, m->head.data, m->head.len) < 0) {
        body = false;
    }
    int64_t sent = body ? pump(wire, file->fd) : 0;
    if (body && (sent < 0 || (uint64_t)sent != bytes - from)) {
        log_warning("a file of %llu bytes was broken off, request=%s",
                    (unsigned long long)(bytes - from), request_id);
    }
    (void)ask_file_end(file, NULL);
    return a.status;
}
