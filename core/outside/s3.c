/*
 * Single calls to an S3-compatible bucket: addresses, bodies, and what a refusal means. Apart from
 * the lists, which are read from XML, and from who decides what to send.
 */
#include "s3.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enc.h"
#include "http.h"
#include "s3_call.h"
#include "str.h"
#include "xml_in.h"

#define BLOCK 65536

/* ---- addresses ---- */

/* bucket.s3.region.amazonaws.com, and not s3.region.amazonaws.com/bucket. */
static bool of_aws(const char *host)
{
    return str_ends(host, ".amazonaws.com") && !str_starts(host, "s3.") && !str_starts(host, "s3-");
}

static bool plain(const char *s)
{
    return s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/")] ==
               '\0' &&
           strstr(s, "//") == NULL && strstr(s, "/.") == NULL;
}

static int no_address(const struct s3_setup *setup, const char *why, struct err *err)
{
    return err_field(err, "address", "s3_address", "\"%.200s\" %s", setup->address, why);
}

/* "{bucket}.host" as "bucket.host"; *${named}: there were braces. */
static int take_host(const char *at, size_t len, char out[300], bool *named)
{
    const char *end = memchr(at, '}', len);

    *named = at[0] == '{' && end != NULL && end - at > 1 && end[1] == '.';
    return *named ? str_format(out, 300, "%.*s%.*s", (int)(end - at - 1), at + 1,
                               (int)(len - (size_t)(end + 1 - at)), end + 1)
                  : str_copy_n(out, 300, at, len);
}

static int take_address(struct s3 *s, const struct s3_setup *setup, struct err *err)
{
    const char *at = strstr(setup->address, "://"), *path;
    char host[300];
    size_t bucket;
    bool named;

    if (!str_starts(setup->address, "https://") && !str_starts(setup->address, "http://"))
        return no_address(setup, "does not begin with https://", err);
    at += 3;
    path = at + strcspn(at, "/");
    if (take_host(at, (size_t)(path - at), host, &named) == -1 || host[0] == '\0' ||
        strpbrk(host, "{}@?#% \\") != NULL || !plain(path))
        return no_address(setup, "is no address of a bucket", err);
    bucket = named || of_aws(host) ? 0 : 1 + strcspn(path + (path[0] == '/'), "/");
    if (bucket == 1)
        return no_address(setup, "names no bucket, as in https://host/bucket/prefix", err);
    if (str_format(s->root, sizeof s->root, "%.*s%s%.*s", (int)(at - setup->address),
                   setup->address, host, (int)bucket, path) == -1)
        return no_address(setup, "is too long", err);
    path += bucket;
    path += path[0] == '/';
    return str_format(s->prefix, sizeof s->prefix, "%s%s", path,
                      path[0] == '\0' || str_ends(path, "/") ? "" : "/") == -1
               ? no_address(setup, "is too long", err)
               : 0;
}

int s3_new(struct s3 **out, const struct s3_setup *setup, struct err *err)
{
    struct s3 *s = calloc(1, sizeof *s);

    *out = s;
    if (s == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a bucket");
    transfer_answer_init(&s->answer);
    if (take_address(s, setup, err) == 0 && transfer_new(&s->transfer, &setup->transfer, err) == 0)
        return 0;
    s3_free(s);
    *out = NULL;
    return -1;
}

void s3_free(struct s3 *s)
{
    if (s == NULL)
        return;
    transfer_free(s->transfer);
    transfer_answer_free(&s->answer);
    free(s);
}

int s3_url(const struct s3 *s, char out[S3_URL_MAX], const char *key, const char *query,
           struct err *err)
{
    const char *slash;

    if (key != NULL && (key[0] == '\0' || !plain(key) || strchr(key, '/') != NULL))
        return err_set(err, ERR_INVALID, "s3_key", "\"%.100s\" is no name for an object", key);
    /* the bucket itself is /bucket, or / where the host names it: servers sign it as they see it */
    slash = key != NULL || strchr(strstr(s->root, "://") + 3, '/') == NULL ? "/" : "";
    return str_format(out, S3_URL_MAX, "%s%s%s%s%s%s", s->root, slash, key == NULL ? "" : s->prefix,
                      key == NULL ? "" : key, query[0] == '\0' ? "" : "?", query) == -1
               ? err_set(err, ERR_TOO_LARGE, "s3_url", "the address of an object is too long")
               : 0;
}

/* ---- refusals ---- */

struct refusal {
    char code[64], message[200];
};

static int on_refusal(void *arg, const char *path, const char *text, struct err *err)
{
    struct refusal *r = arg;

    (void)err;
    if (str_equal(path, "Error/Code"))
        (void)str_format(r->code, sizeof r->code, "%.60s", text);
    else if (str_equal(path, "Error/Message"))
        (void)str_format(r->message, sizeof r->message, "%.190s", text);
    return 0;
}

static const struct {
    long status; /* 0: whatever it is */
    const char *said;
    enum err_kind kind;
    const char *code, *hint;
} refusals[] = {
    {0, "InvalidAccessKeyId", ERR_FORBIDDEN, "s3_credential", "that access key does not exist"},
    {0, "SignatureDoesNotMatch", ERR_FORBIDDEN, "s3_credential", "is the secret key right?"},
    {0, "RequestTimeTooSkewed", ERR_FORBIDDEN, "s3_clock", "this box's clock is wrong"},
    {0, "AuthorizationHeaderMalformed", ERR_PRECONDITION, "s3_region", "is the region right?"},
    {0, "PermanentRedirect", ERR_PRECONDITION, "s3_region", "is the region right?"},
    {0, "NoSuchBucket", ERR_PRECONDITION, "s3_bucket", "make the bucket there first"},
    {0, "NoSuchUpload", ERR_NOT_FOUND, "s3_upload", NULL},
    {0, "NotImplemented", ERR_PRECONDITION, "s3_not_implemented", NULL},
    {0, "PreconditionFailed", ERR_CONFLICT, "s3_there", NULL},
    {0, "BadDigest", ERR_NETWORK, "s3_changed", NULL},
    {0, "XAmzContentSHA256Mismatch", ERR_NETWORK, "s3_changed", NULL},
    {0, "XAmzContentChecksumMismatch", ERR_NETWORK, "s3_changed", NULL},
    {0, "QuotaExceeded", ERR_FULL, "s3_full", "make room there"},
    {0, "StorageFull", ERR_FULL, "s3_full", "make room there"},
    {0, "XMinioStorageFull", ERR_FULL, "s3_full", "make room there"},
    {0, "SlowDown", ERR_RATE, "s3_slow_down", NULL},
    {0, "RequestTimeout", ERR_NETWORK, "s3_timeout", NULL},
    {301, NULL, ERR_PRECONDITION, "s3_region", "is the region right?"},
    {307, NULL, ERR_PRECONDITION, "s3_region", "is the region right?"},
    {401, NULL, ERR_FORBIDDEN, "s3_denied",
     "are key and secret right, and may they do that there?"},
    {403, NULL, ERR_FORBIDDEN, "s3_denied",
     "are key and secret right, and may they do that there?"},
    {404, NULL, ERR_NOT_FOUND, "s3_missing", NULL},
    {405, NULL, ERR_FORBIDDEN, "s3_denied", NULL},
    {409, NULL, ERR_CONFLICT, "s3_conflict", NULL},
    {412, NULL, ERR_CONFLICT, "s3_there", NULL},
    {429, NULL, ERR_RATE, "s3_slow_down", NULL},
    {501, NULL, ERR_PRECONDITION, "s3_not_implemented", NULL},
    {503, NULL, ERR_UNAVAILABLE, "s3_unavailable", NULL},
    {507, NULL, ERR_FULL, "s3_full", "make room there"},
};

static int refuse(const struct s3 *s, const char *url, struct err *err)
{
    const struct transfer_answer *a = &s->answer;
    enum err_kind kind = a->status >= 500 ? ERR_UNAVAILABLE : ERR_PRECONDITION;
    const char *code = "s3_refused", *hint = NULL;
    struct refusal r = {"", ""};

    (void)xml_read(a->body.data, a->body.len, on_refusal, &r, NULL);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (refusals[i].said != NULL ? str_equal(refusals[i].said, r.code)
                                     : refusals[i].status == a->status) {
            kind = refusals[i].kind;
            code = refusals[i].code;
            hint = refusals[i].hint;
            break;
        }
    (void)err_set(err, kind, code, "%.*s answers %ld %s%s%s", (int)strcspn(url, "?"), url,
                  a->status, r.code, r.message[0] == '\0' ? "" : ": ", r.message);
    if (a->region[0] != '\0' && str_equal(code, "s3_region"))
        return err_hint(err, "the bucket's region is %s", a->region);
    return hint == NULL ? -1 : err_hint(err, "%s", hint);
}

int s3_call(struct s3 *s, const struct transfer_request *request, struct err *err)
{
    if (transfer_call(s->transfer, request, &s->answer, err) == -1)
        return -1;
    return s->answer.status >= 200 && s->answer.status < 300 ? 0 : refuse(s, request->url, err);
}

/* ---- calls ---- */

int s3_hash(int fd, struct s3_part *part, uint8_t hash[32], struct err *err)
{
    crypto_hash_sha256_state state;
    uint64_t done = 0;
    char block[BLOCK];

    (void)crypto_hash_sha256_init(&state);
    while (done < part->length) {
        size_t want = part->length - done < BLOCK ? (size_t)(part->length - done) : BLOCK;
        ssize_t n = pread(fd, block, want, (off_t)(part->offset + done));

        if (n <= 0)
            return n == 0 ? err_set(err, ERR_CORRUPT, "file_short", "the file became shorter")
                          : err_sys(err, "file_read", errno, "the file to send");
        (void)crypto_hash_sha256_update(&state, (const uint8_t *)block, (size_t)n);
        done += (uint64_t)n;
    }
    (void)crypto_hash_sha256_final(&state, hash);
    (void)enc_base64(part->checksum, sizeof part->checksum, hash, 32);
    return 0;
}

int s3_head(struct s3 *s, const char *key, uint64_t *bytes, struct err *err)
{
    char url[S3_URL_MAX];
    struct transfer_request r = {.method = "HEAD", .url = url};

    if (s3_url(s, url, key, "", err) == -1)
        return -1;
    if (s3_call(s, &r, err) == -1) /* there is no body, so no code, and no bucket is a 404 too */
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    *bytes = s->answer.length;
    return 1;
}

/* Send the bytes of a part to ${url}, as an object or as a part of one. */
static int send_part(struct s3 *s, const char *url, bool whole, int fd, struct s3_part *part,
                     transfer_told *told, void *arg, bool *proven, struct err *err)
{
    struct transfer_request r = {.method = "PUT",
                                 .url = url,
                                 .file = true,
                                 .fd = fd,
                                 .offset = part->offset,
                                 .length = part->length,
                                 .told = told,
                                 .arg = arg};

    if (s3_hash(fd, part, r.hash, err) == -1)
        return -1;
    (void)str_format(r.headers[0], sizeof r.headers[0], "x-amz-checksum-sha256: %s",
                     part->checksum);
    if (whole && !s->no_condition)
        (void)str_copy(r.headers[1], sizeof r.headers[1], "If-None-Match: *");
    if (s3_call(s, &r, err) == -1)
        return -1;
    *proven = str_equal(s->answer.checksum, part->checksum);
    if (s->answer.checksum[0] != '\0' && !*proven)
        return err_set(err, ERR_NETWORK, "s3_changed", "what arrived has another SHA-256");
    (void)str_copy(part->etag, sizeof part->etag, s->answer.etag);
    return 0;
}

/* A server that knows no condition says so; then it is asked without, once and for all. */
static bool without_condition(struct s3 *s, const struct err *err)
{
    if (s->no_condition || !str_equal(err->code, "s3_not_implemented"))
        return false;
    s->no_condition = true;
    return true;
}

int s3_put(struct s3 *s, const char *key, int fd, struct s3_part *part, transfer_told *told,
           void *arg, bool *proven, struct err *err)
{
    char url[S3_URL_MAX];

    if (s3_url(s, url, key, "", err) == -1)
        return -1;
    if (send_part(s, url, true, fd, part, told, arg, proven, err) == 0)
        return 0;
    return without_condition(s, err) ? send_part(s, url, true, fd, part, told, arg, proven, err)
                                     : -1;
}

static int on_begin(void *arg, const char *path, const char *text, struct err *err)
{
    if (!str_equal(path, "InitiateMultipartUploadResult/UploadId"))
        return 0;
    return str_copy(arg, S3_UPLOAD_MAX, text) == -1
               ? err_set(err, ERR_MALFORMED, "s3_upload_id", "an upload's id is too long")
               : 0;
}

int s3_upload_begin(struct s3 *s, const char *key, char id[S3_UPLOAD_MAX], struct err *err)
{
    char url[S3_URL_MAX];
    struct transfer_request r = {.method = "POST", .url = url};

    id[0] = '\0';
    (void)str_copy(r.headers[0], sizeof r.headers[0], "x-amz-checksum-algorithm: SHA256");
    if (s3_url(s, url, key, "uploads=", err) == -1 || s3_call(s, &r, err) == -1 ||
        xml_read(s->answer.body.data, s->answer.body.len, on_begin, id, err) == -1)
        return -1;
    return id[0] != '\0' ? 0 : err_set(err, ERR_MALFORMED, "s3_upload_id", "an upload has no id");
}

/* Of an upload, with what stands before its id in the sorted query. */
static int upload_url(const struct s3 *s, char url[S3_URL_MAX], const char *key, const char *before,
                      const char *id, struct err *err)
{
    char query[3 * S3_UPLOAD_MAX + 64], safe[3 * S3_UPLOAD_MAX];

    if (http_escape(safe, sizeof safe, id) == -1 ||
        str_format(query, sizeof query, "%suploadId=%s", before, safe) == -1)
        return err_set(err, ERR_TOO_LARGE, "s3_url", "the address of an upload is too long");
    return s3_url(s, url, key, query, err);
}

int s3_upload_part(struct s3 *s, const char *key, const char *id, int fd, struct s3_part *part,
                   transfer_told *told, void *arg, bool *proven, struct err *err)
{
    char url[S3_URL_MAX], number[32];

    (void)str_format(number, sizeof number, "partNumber=%u&", part->number);
    return upload_url(s, url, key, number, id, err) == -1
               ? -1
               : send_part(s, url, false, fd, part, told, arg, proven, err);
}

/* It answers 200 when it begins to put them together, and may say in the body that it could not. */
static int on_end(void *arg, const char *path, const char *text, struct err *err)
{
    (void)arg;
    if (str_equal(path, "Error/Code"))
        return err_set(err, ERR_UNAVAILABLE, "s3_complete",
                       "the parts could not be put together: %.100s", text);
    return 0;
}

static int end_upload(struct s3 *s, const char *url, const struct buf *body, struct err *err)
{
    struct transfer_request r = {
        .method = "POST", .url = url, .body = body->data, .body_len = body->len};

    if (!s->no_condition)
        (void)str_copy(r.headers[0], sizeof r.headers[0], "If-None-Match: *");
    return s3_call(s, &r, err) == -1
               ? -1
               : xml_read(s->answer.body.data, s->answer.body.len, on_end, NULL, err);
}

int s3_upload_end(struct s3 *s, const char *key, const char *id, const struct s3_part *parts,
                  uint32_t count, struct err *err)
{
    char url[S3_URL_MAX];
    struct buf body;
    int rc = -1;

    buf_init(&body, TRANSFER_BODY_MAX);
    (void)buf_text(&body, "<CompleteMultipartUpload>");
    for (uint32_t i = 0; i < count; i++) {
        (void)buf_format(&body, "<Part><PartNumber>%u</PartNumber><ETag>", parts[i].number);
        for (const char *c = parts[i].etag; *c != '\0'; c++)
            (void)(*c == '"'                   ? buf_text(&body, "&quot;")
                   : strchr("<>&", *c) != NULL ? 0
                                               : buf_byte(&body, *c));
        (void)buf_format(&body, "</ETag><ChecksumSHA256>%s</ChecksumSHA256></Part>",
                         parts[i].checksum);
    }
    (void)buf_text(&body, "</CompleteMultipartUpload>");
    if (body.failed)
        (void)err_set(err, ERR_TOO_LARGE, "s3_parts", "there are too many parts");
    else if (upload_url(s, url, key, "", id, err) == 0 &&
             ((rc = end_upload(s, url, &body, err)) == -1 && without_condition(s, err)))
        rc = end_upload(s, url, &body, err);
    buf_free(&body);
    return rc;
}

int s3_upload_abort(struct s3 *s, const char *key, const char *id, struct err *err)
{
    char url[S3_URL_MAX];
    struct transfer_request r = {.method = "DELETE", .url = url};

    if (upload_url(s, url, key, "", id, err) == -1)
        return -1;
    return s3_call(s, &r, err) == 0 || err->kind == ERR_NOT_FOUND ? 0 : -1;
}

int s3_get(struct s3 *s, const char *key, uint64_t from, transfer_take *take, void *arg,
           struct err *err)
{
    char url[S3_URL_MAX];
    struct transfer_request r = {.method = "GET", .url = url, .take = take, .arg = arg};

    if (from > 0)
        (void)str_format(r.headers[0], sizeof r.headers[0], "Range: bytes=%llu-",
                         (unsigned long long)from);
    if (s3_url(s, url, key, "", err) == -1 || s3_call(s, &r, err) == -1)
        return -1;
    return from > 0 && s->answer.status != 206
               ? err_set(err, ERR_PRECONDITION, "s3_range", "the server knows no ranges")
               : 0;
}

int s3_remove(struct s3 *s, const char *key, bool *marked, struct err *err)
{
    char url[S3_URL_MAX];
    struct transfer_request r = {.method = "DELETE", .url = url};

    *marked = false;
    if (s3_url(s, url, key, "", err) == -1)
        return -1;
    if (s3_call(s, &r, err) == -1)
        return err->kind == ERR_NOT_FOUND ? 0 : -1;
    *marked = s->answer.marker;
    return 0;
}
