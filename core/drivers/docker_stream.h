#ifndef SETT_DOCKER_STREAM_H
#define SETT_DOCKER_STREAM_H
/*
 * What a container said, taken out of the engine's frames: 8 bytes of header (stream, three zeros,
 * length big-endian) before each piece when the container has no terminal, plain bytes when it has.
 * Which of both is Config.Tty's to say, never the content type's: Docker sends none at v1.41 and
 * Podman another.
 */
#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "err.h"

struct docker_stream {
    bool tty;
    struct buf *out;
    size_t start; /* what stood in out before is left alone */
    bool cut;     /* the oldest text gave way to the newest */
    bool broken;  /* it was no such stream, or memory ran out */
    uint8_t header[8];
    uint32_t have; /* bytes of header so far */
    uint32_t left; /* bytes of the present piece to come */
};

/** docker_stream_init(s, tty, out): both streams go to ${out} in the order of arrival. When
 * ${out} is full the oldest lines are dropped: the end of a log is what is asked for. */
void docker_stream_init(struct docker_stream *s, bool tty, struct buf *out);

/** docker_stream_feed(s, data, len): any piece of the body, cut anywhere. A length that a frame
 * claims is never allocated. Return 0, or -1 when it is not such a stream. Fits http_stream. */
int docker_stream_feed(void *s, const char *data, size_t len);

/** docker_stream_end(s, err): the body is over. -1 (ERR_MALFORMED) when it was no such stream or
 * ended inside a frame; what came is in the buffer. Return 0 or -1. */
int docker_stream_end(const struct docker_stream *s, struct err *err);

#endif
