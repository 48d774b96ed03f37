/*
 * Bulk by libcurl. Apart from http.c because there a request is small, must end in seconds and is
 * kept in memory, and here none of that is so; the doors are closed by the same function.
 */
#include "transfer.h"

#include <curl/curl.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "enc.h"
#include "http_doors.h"
#include "str.h"

#define CONNECT_S 10
#define SILENCE_S 60

struct transfer {
    CURL *curl;
    char sign[96], user[320], ca[256]; /* sign: "aws:amz:region:s3"; user: "key:secret" */
    uint64_t bytes_per_s;
    uint32_t connect_s, silence_s;
};

/* One request under way. */
struct passage {
    struct transfer *t;
    const struct transfer_request *request;
    struct transfer_answer *answer;
    uint64_t at; /* bytes of the body that went */
    bool stopped;
    struct err *err;
};

int transfer_new(struct transfer **out, const struct transfer_setup *s, struct err *err)
{
    struct transfer *t = calloc(1, sizeof *t);

    *out = t;
    if (t == NULL || (t->curl = curl_easy_init()) == NULL) {
        transfer_free(t);
        *out = NULL;
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a connection");
    }
    t->bytes_per_s = s->bytes_per_s;
    t->connect_s = s->connect_s == 0 ? CONNECT_S : s->connect_s;
    t->silence_s = s->silence_s == 0 ? SILENCE_S : s->silence_s;
    if (str_format(t->sign, sizeof t->sign, "aws:amz:%s:s3", s->region) == -1 ||
        str_format(t->user, sizeof t->user, "%s:%s", s->access_key, s->secret_key) == -1 ||
        str_copy(t->ca, sizeof t->ca, s->ca_file) == -1) {
        transfer_free(t);
        *out = NULL;
        return err_set(err, ERR_INVALID, "s3_credential", "region, key or its secret is too long");
    }
    return 0;
}

void transfer_free(struct transfer *t)
{
    if (t == NULL)
        return;
    if (t->curl != NULL)
        curl_easy_cleanup(t->curl);
    sodium_memzero(t, sizeof *t);
    free(t);
}

void transfer_answer_init(struct transfer_answer *a)
{
    memset(a, 0, sizeof *a);
    buf_init(&a->body, TRANSFER_BODY_MAX);
}

void transfer_answer_free(struct transfer_answer *a)
{
    buf_free(&a->body);
}

/* ---- what libcurl calls ---- */

static size_t stop(struct passage *p, size_t code)
{
    p->stopped = true;
    return code;
}

static size_t on_read(char *out, size_t size, size_t count, void *arg)
{
    struct passage *p = arg;
    const struct transfer_request *r = p->request;
    uint64_t length = r->file ? r->length : r->body_len;
    size_t want = size * count;
    ssize_t n;

    if (want > length - p->at)
        want = (size_t)(length - p->at);
    if (want == 0)
        return 0;
    if (r->file) {
        n = pread(r->fd, out, want, (off_t)(r->offset + p->at));
        if (n <= 0) {
            (void)(n == 0 ? err_set(p->err, ERR_CORRUPT, "file_short", "the file became shorter")
                          : err_sys(p->err, "file_read", errno, "the file to send"));
            return stop(p, CURL_READFUNC_ABORT);
        }
        want = (size_t)n;
    } else {
        memcpy(out, (const char *)r->body + p->at, want);
    }
    if (r->told != NULL && r->told(r->arg, want, p->err) == -1)
        return stop(p, CURL_READFUNC_ABORT);
    p->at += want;
    return want;
}

/* The connection broke before anything was answered: libcurl begins anew by itself. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
    struct passage *p = arg;

    if (origin != SEEK_SET || offset < 0)
        return CURL_SEEKFUNC_CANTSEEK;
    p->at = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct passage *p = arg;
    const struct transfer_request *r = p->request;
    size_t len = size * count;
    long status = 0;

    (void)curl_easy_getinfo(p->t->curl, CURLINFO_RESPONSE_CODE, &status);
    if (r->take != NULL && status >= 200 && status < 300)
        return r->take(r->arg, data, len, p->err) == 0 ? len : stop(p, 0);
    if (buf_add(&p->answer->body, data, len) == 0)
        return len;
    (void)err_set(p->err, ERR_TOO_LARGE, "answer_too_large", "the answer is too large");
    return stop(p, 0);
}

/* "name: value", if that is its name. */
static bool header(const char *line, const char *name, char *out, size_t size)
{
    size_t len = strlen(name);
    char value[512], head[64];

    if (str_copy_n(head, sizeof head, line, strnlen(line, len)) == -1 ||
        !str_equal_nocase(head, name) || line[len] != ':')
        return false;
    (void)str_format(value, sizeof value, "%.500s", line + len + 1);
    (void)str_format(out, size, "%.*s", (int)size - 1, str_trim(value));
    return true;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct passage *p = arg;
    struct transfer_answer *a = p->answer;
    size_t len = size * count;
    char line[600], value[64];

    if (str_copy_n(line, sizeof line, data, len < 599 ? len : 599) == -1)
        return len;
    line[strcspn(line, "\r\n")] = '\0';
    if (header(line, "etag", a->etag, sizeof a->etag) ||
        header(line, "x-amz-checksum-sha256", a->checksum, sizeof a->checksum) ||
        header(line, "x-amz-bucket-region", a->region, sizeof a->region))
        return len;
    if (header(line, "x-amz-delete-marker", value, sizeof value))
        a->marker = str_equal(value, "true");
    else if (header(line, "content-length", value, sizeof value))
        (void)str_u64(value, 0, UINT64_MAX, &a->length);
    return len;
}

/* ---- one request ---- */

static int add(struct curl_slist **list, const char *line)
{
    struct curl_slist *more = curl_slist_append(*list, line);

    if (more == NULL)
        return -1;
    *list = more;
    return 0;
}

/* libcurl signs the hash of a body only as this header says it. */
static int set_headers(struct passage *p, struct curl_slist **list)
{
    const struct transfer_request *r = p->request;
    uint8_t hash[32];
    char hex[65], line[128];

    if (!r->file)
        (void)crypto_hash_sha256(hash, r->body == NULL ? (const uint8_t *)"" : r->body,
                                 r->body_len);
    enc_hex(hex, r->file ? r->hash : hash, sizeof hash);
    (void)str_format(line, sizeof line, "x-amz-content-sha256: %s", hex);
    if (add(list, line) == -1)
        return -1;
    for (size_t i = 0; i < TRANSFER_HEADERS; i++)
        if (r->headers[i][0] != '\0' && add(list, r->headers[i]) == -1)
            return -1;
    return 0;
}

static void set_method(struct passage *p)
{
    const struct transfer_request *r = p->request;
    CURL *curl = p->t->curl;
    uint64_t length = r->file ? r->length : r->body_len;

    if (str_equal(r->method, "PUT")) {
        (void)curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)length);
    } else if (str_equal(r->method, "POST")) {
        (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, r->body == NULL ? "" : r->body);
    } else if (str_equal(r->method, "HEAD")) {
        (void)curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    } else if (!str_equal(r->method, "GET")) {
        (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, r->method);
    }
}

static int set_options(struct passage *p, struct curl_slist *headers, char *detail, struct err *err)
{
    struct transfer *t = p->t;
    CURL *curl = t->curl;

    curl_easy_reset(curl);
    if (http_close_doors(curl, "http,https", err) == -1)
        return -1;
    http_trust(curl, t->ca, true);
    if (curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, t->sign) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_USERPWD, t->user) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_URL, p->request->url) != CURLE_OK)
        return err_set(err, ERR_INTERNAL, "curl_option", "libcurl lacks an option that is needed");
    set_method(p);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(curl, CURLOPT_EXPECT_100_TIMEOUT_MS, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
    (void)curl_easy_setopt(curl, CURLOPT_READDATA, p);
    (void)curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_seek);
    (void)curl_easy_setopt(curl, CURLOPT_SEEKDATA, p);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, p);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, p);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)t->connect_s);
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)t->silence_s);
    (void)curl_easy_setopt(curl, CURLOPT_MAX_SEND_SPEED_LARGE, (curl_off_t)t->bytes_per_s);
    (void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
    return 0;
}

static int explain(const struct passage *p, CURLcode code, const char *detail, struct err *err)
{
    const char *url = p->request->url, *why = detail[0] ? detail : curl_easy_strerror(code);
    int len = (int)strcspn(url, "?");

    if (p->stopped)
        return -1; /* whoever stopped it has said why */
    if (code == CURLE_OPERATION_TIMEDOUT) {
        (void)err_set(err, ERR_TIMEOUT, "no_answer_in_time", "%.*s: %s", len, url, why);
        return err_hint(err, "is the way there slow, or is that server stuck?");
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        (void)err_set(err, ERR_FORBIDDEN, "certificate", "%.*s: %s", len, url, why);
        return err_hint(err, "[outside] ca_file in sett.conf names the CA that is trusted");
    }
    return err_set(err, ERR_NETWORK, "network", "%.*s: %s", len, url, why);
}

int transfer_call(struct transfer *t, const struct transfer_request *r, struct transfer_answer *a,
                  struct err *err)
{
    struct passage p = {.t = t, .request = r, .answer = a, .err = err};
    struct curl_slist *headers = NULL;
    char detail[CURL_ERROR_SIZE] = "";
    CURLcode code;
    int rc = -1;

    buf_reset(&a->body);
    *a = (struct transfer_answer){.body = a->body};
    if (set_headers(&p, &headers) == -1) {
        (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a request");
    } else if (set_options(&p, headers, detail, err) == 0) {
        code = curl_easy_perform(t->curl);
        (void)curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &a->status);
        (void)curl_easy_setopt(t->curl, CURLOPT_ERRORBUFFER, NULL);
        rc = code == CURLE_OK ? 0 : explain(&p, code, detail, err);
    }
    curl_slist_free_all(headers);
    return rc;
}
