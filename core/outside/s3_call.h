#ifndef SETT_S3_CALL_H
#define SETT_S3_CALL_H
/* What the files about S3 share. For core/outside/s3*.c only. */
#include "s3.h"

#define S3_URL_MAX 4096

struct s3 {
    struct transfer *transfer;
    struct transfer_answer answer;
    char root[600];    /* https://host/bucket, or https://bucket.host */
    char prefix[300];  /* "" or "a/b/" */
    bool no_condition; /* it knows no If-None-Match */
};

/** s3_url(s, out, key, query, err): of an object, or, key NULL, of the bucket. Return 0 or -1. */
int s3_url(const struct s3 *s, char out[S3_URL_MAX], const char *key, const char *query,
           struct err *err);

/** s3_call(s, request, err): ask; s->answer is of a status 2xx then. Return 0 or -1. */
int s3_call(struct s3 *s, const struct transfer_request *request, struct err *err);

#endif
