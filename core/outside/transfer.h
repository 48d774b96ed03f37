#ifndef SETT_TRANSFER_H
#define SETT_TRANSFER_H
/*
 * Long requests whose bodies are files: to object stores, signed with AWS Signature Version 4
 * (docs.aws.amazon.com, "Signature Version 4 signing process") by libcurl. There is no limit of
 * time for the whole, only for silence.
 */
#include <stdbool.h>
#include <stdint.h>
#include "buf.h"
#include "err.h"

#define TRANSFER_HEADERS  6
#define TRANSFER_BODY_MAX (4u * 1024u * 1024u) /* of an answer that is kept */

struct transfer_setup {
    const char *region, *access_key, *secret_key; /* copied */
    const char *ca_file;                          /* trusted instead of the system's; "" */
    uint64_t bytes_per_s;                         /* at most, when sending; 0: no limit */
    uint32_t connect_s, silence_s;                /* 0: 10 and 60 */
};

/* Told of bytes as they go; 0, or -1 having filled err to stop. */
typedef int transfer_told(void *arg, uint64_t bytes, struct err *err);
/* Handed bytes as they come; likewise. */
typedef int transfer_take(void *arg, const void *data, size_t len, struct err *err);

struct transfer_request {
    const char *method; /* GET HEAD PUT POST DELETE */
    const char *url;    /* its query sorted by name, each with a "=", percent-encoded */
    char headers[TRANSFER_HEADERS][200]; /* "name: value"; "" none */
    const void *body;                    /* of a POST, or of a PUT without a file */
    size_t body_len;
    bool file; /* PUT: ${length} bytes of ${fd} from ${offset}, which have the SHA-256 ${hash} */
    int fd;
    uint64_t offset, length;
    uint8_t hash[32];
    transfer_told *told; /* NULL: nobody listens */
    transfer_take *take; /* gets the body of an answer 2xx; NULL: it is kept */
    void *arg;           /* of the two */
};

struct transfer_answer {
    long status;
    uint64_t length;   /* Content-Length */
    char etag[160];    /* as it came, with its quotes */
    char checksum[64]; /* x-amz-checksum-sha256 */
    char region[64];   /* x-amz-bucket-region */
    bool marker;       /* x-amz-delete-marker: true */
    struct buf body;
};

struct transfer; /* a connection, kept open between requests; used by one thread */

/** transfer_new(out, setup, err): without a connection yet. Return 0 or -1. */
int transfer_new(struct transfer **out, const struct transfer_setup *setup, struct err *err);

/** transfer_free(t): NULL is fine. */
void transfer_free(struct transfer *t);

/** transfer_call(t, request, answer, err): any status is success here. ${answer} was initialised by
 * transfer_answer_init, and its old content is forgotten. ERR_NETWORK, ERR_TIMEOUT (silence),
 * ERR_TOO_LARGE, or what ${told} and ${take} filled. Return 0 or -1. */
int transfer_call(struct transfer *t, const struct transfer_request *request,
                  struct transfer_answer *answer, struct err *err);

/** transfer_answer_init(a): an empty one. */
void transfer_answer_init(struct transfer_answer *a);

/** transfer_answer_free(a): its body; the struct is the caller's. */
void transfer_answer_free(struct transfer_answer *a);

#endif
