#ifndef SETT_VOLUMES_SAY_H
#define SETT_VOLUMES_SAY_H
/* Entries of volumes on their way to the other side, some dozens with their descriptors in one
 * message; neither side ever holds more than one of them. */
#include "channel.h"
#include "volumes.h"

struct volumes_speech {
    int fd; /* the connection */
    struct buf message;
    int fds[CHANNEL_FDS_MAX];
    size_t count;
};

/** volumes_say_begin(s, fd): to the connection ${fd}, which stays the caller's. */
void volumes_say_begin(struct volumes_speech *s, int fd);

/** volumes_say(s, e, fd, err): one more entry; for 'f' with its content, of whose descriptor a copy
 * is kept until it is sent. Return 0 or -1. */
int volumes_say(struct volumes_speech *s, const struct volume_entry *e, int fd, struct err *err);

/** volumes_say_flush(s, err): what was gathered goes out. Return 0 or -1. */
int volumes_say_flush(struct volumes_speech *s, struct err *err);

/** volumes_say_end(s): what was not sent is forgotten. */
void volumes_say_end(struct volumes_speech *s);

#endif
