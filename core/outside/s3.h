#ifndef SETT_S3_H
#define SETT_S3_H
/*
 * An S3-compatible bucket (docs.aws.amazon.com/AmazonS3/latest/API): single calls; what is done
 * with them, and what is tried again, is the caller's. Keys are those of one prefix, which is put
 * before them here and taken off again.
 */
#include "transfer.h"

#define S3_KEY_MAX    128
#define S3_ETAG_MAX   160
#define S3_UPLOAD_MAX 1200

struct s3_setup {
    const char *address; /* https://host/bucket/prefix or https://{bucket}.host/prefix; AWS's own
                            names need no braces. http too: what is sent there is sealed, and the
                            secret key never is */
    struct transfer_setup transfer;
};

struct s3_part {
    uint32_t number; /* from 1 */
    uint64_t offset, length;
    char etag[S3_ETAG_MAX];
    char checksum[48]; /* base64 of the SHA-256; from the server: "" if it keeps none */
};

struct s3_object {
    char key[S3_KEY_MAX];
    uint64_t bytes;
    int64_t stored_at; /* wall, ms; 0: not told */
};

/* An upload that was begun and not ended. */
struct s3_upload {
    char key[S3_KEY_MAX], id[S3_UPLOAD_MAX];
    int64_t begun_at;
};

struct s3; /* used by one thread */

/** s3_new(out, setup, err): no connection yet. ERR_INVALID for an address that is none. 0 or -1. */
int s3_new(struct s3 **out, const struct s3_setup *setup, struct err *err);

/** s3_free(s): NULL is fine. */
void s3_free(struct s3 *s);

/*
 * Errors of all that follow, by what the server says: ERR_FORBIDDEN (credential, or what it may
 * not), ERR_NOT_FOUND (key or upload), ERR_PRECONDITION (bucket, region, or the server knows no
 * such request: code "s3_not_implemented"), ERR_CONFLICT "s3_there", ERR_FULL, ERR_RATE,
 * ERR_UNAVAILABLE, ERR_NETWORK (also when the bytes arrived changed), ERR_TIMEOUT.
 */

/** s3_head(s, key, bytes, err): whether it is there, and how long. Return 1, 0 or -1. */
int s3_head(struct s3 *s, const char *key, uint64_t *bytes, struct err *err);

/** s3_put(s, key, fd, part, told, arg, proven, err): the bytes of ${part} as a whole object, whose
 * SHA-256 is computed first; nothing is overwritten where the server can tell (If-None-Match).
 * *${proven}: it answered with the same SHA-256. Return 0 or -1. */
int s3_put(struct s3 *s, const char *key, int fd, struct s3_part *part, transfer_told *told,
           void *arg, bool *proven, struct err *err);

/** s3_upload_begin(s, key, id, err): Return 0 or -1. */
int s3_upload_begin(struct s3 *s, const char *key, char id[S3_UPLOAD_MAX], struct err *err);

/** s3_upload_part(s, key, id, fd, part, told, arg, proven, err): as s3_put; part->etag is filled.
 */
int s3_upload_part(struct s3 *s, const char *key, const char *id, int fd, struct s3_part *part,
                   transfer_told *told, void *arg, bool *proven, struct err *err);

/** s3_upload_end(s, key, id, parts, count, err): make them one object. ERR_CONFLICT if one is there
 * by now. Return 0 or -1. */
int s3_upload_end(struct s3 *s, const char *key, const char *id, const struct s3_part *parts,
                  uint32_t count, struct err *err);

/** s3_upload_abort(s, key, id, err): fine if it is gone. Return 0 or -1. */
int s3_upload_abort(struct s3 *s, const char *key, const char *id, struct err *err);

/** s3_uploads(s, prefix, each, arg, err): those begun and not ended. Return 0 or -1. */
int s3_uploads(struct s3 *s, const char *prefix,
               int (*each)(void *arg, const struct s3_upload *upload, struct err *err), void *arg,
               struct err *err);

/** s3_parts(s, key, id, each, arg, err): parts of an upload that arrived; offset is not known. */
int s3_parts(struct s3 *s, const char *key, const char *id,
             int (*each)(void *arg, const struct s3_part *part, struct err *err), void *arg,
             struct err *err);

/** s3_get(s, key, from, take, arg, err): from that byte to its end. Return 0 or -1. */
int s3_get(struct s3 *s, const char *key, uint64_t from, transfer_take *take, void *arg,
           struct err *err);

/** s3_list(s, prefix, each, arg, err): Return 0 or -1. */
int s3_list(struct s3 *s, const char *prefix,
            int (*each)(void *arg, const struct s3_object *object, struct err *err), void *arg,
            struct err *err);

/** s3_remove(s, key, marked, err): fine if it is not there. *${marked}: the bucket keeps versions,
 * and only a mark was put there. Return 0 or -1. */
int s3_remove(struct s3 *s, const char *key, bool *marked, struct err *err);

/** s3_hash(fd, part, hash, err): the SHA-256 of the bytes of ${part}, and its base64 into
 * part->checksum. Return 0 or -1. */
int s3_hash(int fd, struct s3_part *part, uint8_t hash[32], struct err *err);

#endif
