/* Requests to the outside, one at a time. Apart so that what is allowed (protocols, verification,
 * sizes, times, addresses) is decided by four profiles in one table, and so that no caller can
 * open another door by an option of the library. */
#include "http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <sodium.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "address.h"
#include "http_doors.h"
#include "str.h"

#define IDLE_HANDLES     8
#define BODY_MAX         (4u * 1024u * 1024u)
#define HEADER_BYTES_MAX (64u * 1024u)
#define BEARER_MAX       4096
#define SILENCE_S        600L
#define CONNECTION_AGE_S 20L /* a connection idle for longer may be closed over there already */

struct http_client {
    pthread_mutex_t lock;
    CURL *idle[IDLE_HANDLES];
    size_t idle_count;
    char ca[256];
    bool pinned;
    uint8_t pin[32];
    const struct http_identity *identity;
};

static const struct {
    const char *protocols;
    long connect_s, total_s;
} profiles[] = {
    [HTTP_PROVIDER] = {"https", 5, 30},
    [HTTP_ENGINE] = {"http", 5, 120},
    [HTTP_REMOTE] = {"https", 5, 120},
    [HTTP_PROBE] = {"http,https", 5, 10},
};

/* One call under way. */
struct call {
    CURL *curl;
    const struct http_request *request;
    struct http_answer *answer;
    int (*on_data)(void *arg, const char *data, size_t len);
    void *arg;
    size_t header_bytes;
    bool too_large, stopped, denied, begun, repeated, switched, stranger;
    const uint8_t *pin;       /* NULL: the certificate is checked in the usual way */
    char seen[HTTP_PIN_SIZE]; /* the fingerprint that did not fit */
    struct curl_slist *headers;
};

const char *http_version(void)
{
    return curl_version();
}

int http_init(struct err *err)
{
    if (sodium_init() == -1 || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(err, ERR_INTERNAL, "curl_init", "libcurl does not start");
    return 0;
}

int http_client_new(struct http_client **c, struct err *err)
{
    if ((*c = calloc(1, sizeof **c)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "memory", "no memory for an HTTP client");
    (void)pthread_mutex_init(&(*c)->lock, NULL);
    return 0;
}

void http_client_free(struct http_client *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->idle_count; i++)
        curl_easy_cleanup(c->idle[i]);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}

int http_client_set_ca(struct http_client *c, const char *path)
{
    return str_copy(c->ca, sizeof c->ca, path == NULL ? "" : path);
}

int http_client_set_pin(struct http_client *c, const char *fingerprint)
{
    c->pinned = fingerprint[0] != '\0';
    return c->pinned ? http_pin_read(c->pin, fingerprint) : 0;
}

void http_client_set_identity(struct http_client *c, const struct http_identity *identity)
{
    c->identity = identity;
}

void http_answer_init(struct http_answer *a, size_t body_max)
{
    memset(a, 0, sizeof *a);
    buf_init(&a->body, body_max == 0 ? BODY_MAX : body_max);
}

void http_answer_free(struct http_answer *a)
{
    if (a != NULL)
        buf_free(&a->body);
}

/* ---- handles ---- */

static CURL *take_handle(struct http_client *c, enum http_profile profile)
{
    CURL *curl = NULL;

    if (profile == HTTP_PROBE)
        return curl_easy_init();
    (void)pthread_mutex_lock(&c->lock);
    if (c->idle_count > 0)
        curl = c->idle[--c->idle_count];
    (void)pthread_mutex_unlock(&c->lock);
    return curl == NULL ? curl_easy_init() : curl;
}

/* A probe's handle is not kept: its connection was opened under its own address filter and its
 * pinned name stays in the handle's cache. */
static void give_back(struct http_client *c, CURL *curl, enum http_profile profile)
{
    if (profile == HTTP_PROBE) {
        curl_easy_cleanup(curl);
        return;
    }
    curl_easy_reset(curl); /* options are forgotten, connections are kept */
    (void)pthread_mutex_lock(&c->lock);
    if (c->idle_count < IDLE_HANDLES) {
        c->idle[c->idle_count++] = curl;
        curl = NULL;
    }
    (void)pthread_mutex_unlock(&c->lock);
    if (curl != NULL)
        curl_easy_cleanup(curl);
}

/* ---- what libcurl calls ---- */

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct call *call = arg;
    size_t len = size * count;
    long status = 0;

    (void)curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &status);
    if (call->on_data != NULL && status < 400) {
        if (call->on_data(call->arg, data, len) == 0)
            return len;
        call->stopped = true;
        return 0;
    }
    if (buf_add(&call->answer->body, data, len) == 0)
        return len;
    call->too_large = true;
    return 0;
}

#define HEADER(name_, member_)                                                                     \
    {                                                                                              \
        name_, offsetof(struct http_answer, member_), sizeof(((struct http_answer *)0)->member_)   \
    }

static const struct {
    const char *name;
    size_t offset, size;
} wanted[] = {
    HEADER("request-id", request_id),
    HEADER("cf-ray", request_id),
    HEADER("content-type", content_type),
    HEADER("api-version", api_version),
    HEADER("stripe-should-retry", should_retry),
    HEADER("location", location),
    HEADER("server", server),
    HEADER("upgrade", upgrade),
    HEADER("sec-websocket-accept", accept),
};

static void forget_headers(struct http_answer *a)
{
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        ((char *)a)[wanted[i].offset] = '\0';
    a->reason[0] = '\0';
}

/* "HTTP/1.1 500 CT 100 already running": some APIs say there and nowhere else what is wrong. */
static void keep_reason(struct http_answer *a, char *line)
{
    char *words = strchr(line, ' ');

    if (words == NULL || (words = strchr(words + 1, ' ')) == NULL)
        return;
    words = str_trim(words);
    if (!str_utf8(words, strlen(words)) || str_copy(a->reason, sizeof a->reason, words) == -1)
        (void)str_copy(a->reason, sizeof a->reason, "(words that cannot be shown)");
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct call *call = arg;
    size_t len = size * count;
    char line[512], *colon, *value;

    call->header_bytes += len;
    if (call->header_bytes > HEADER_BYTES_MAX) {
        call->too_large = true;
        return 0;
    }
    if (str_copy_n(line, sizeof line, data, len) == -1)
        return len;
    if (str_starts(line, "HTTP/")) { /* the final answer follows an interim one */
        forget_headers(call->answer);
        call->switched = str_starts(line + strcspn(line, " "), " 101");
        keep_reason(call->answer, line);
    }
    if (call->switched && call->request->upgrade && *str_trim(line) == '\0') {
        call->stopped = true; /* from here on it is not HTTP any more */
        return 0;
    }
    if ((colon = strchr(line, ':')) == NULL)
        return len;
    *colon = '\0';
    value = str_trim(colon + 1);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (str_equal_nocase(line, wanted[i].name))
            (void)str_copy((char *)call->answer + wanted[i].offset, wanted[i].size, value);
    return len;
}

static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct call *call = arg;

    (void)purpose;
    if (call->request->profile == HTTP_PROBE && call->request->public_only &&
        (!address_public(&to->addr) || address_own(&to->addr))) {
        call->denied = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* Called before each sending, with the connection made. When a connection that was used before
 * breaks without an answer, libcurl sends again on another by itself; but the first sending may
 * have had its effect, and whether to repeat a change is for the caller to decide. */
static int on_send(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    struct call *call = arg;
    const char *method = call->request->method;

    (void)ip, (void)local_ip, (void)port, (void)local_port;
    if (call->pin != NULL && !http_pinned(call->curl, call->pin, call->seen)) {
        call->stranger = true;
        return CURL_PREREQFUNC_ABORT;
    }
    call->repeated = call->begun && !str_equal(method, "GET") && !str_equal(method, "HEAD");
    call->begun = true;
    return call->repeated ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

/* ---- options ---- */

static int bad_request(struct err *err, const char *what)
{
    return err_set(err, ERR_INVALID, "http_request", "%s", what);
}

/* One header line; a line break in it would be somebody's second header. */
static int add_header(struct call *call, const char *line, struct err *err)
{
    struct curl_slist *more;

    for (const char *p = line; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 && *p != '\t')
            return bad_request(err, "a request header holds a control character");
    if ((more = curl_slist_append(call->headers, line)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "memory", "no memory for a request");
    call->headers = more;
    return 0;
}

static int add_named(struct call *call, const char *name, const char *value, struct err *err)
{
    char line[BEARER_MAX + 64];
    int result;

    if (str_format(line, sizeof line, "%s%s", name, value) == -1)
        return bad_request(err, "a request header is too long");
    result = add_header(call, line, err);
    sodium_memzero(line, sizeof line);
    return result;
}

static int set_headers(struct call *call, struct err *err)
{
    const struct http_request *r = call->request;

    if (r->bearer != NULL && add_named(call, "Authorization: Bearer ", r->bearer, err) == -1)
        return -1;
    /* "Name:" alone takes away what libcurl would send. */
    if (r->content_type == NULL ? add_header(call, "Content-Type:", err) == -1
                                : add_named(call, "Content-Type: ", r->content_type, err) == -1)
        return -1;
    if (add_header(call, "Expect:", err) == -1)
        return -1;
    for (const char *const *h = r->headers; h != NULL && *h != NULL; h++)
        if (add_header(call, *h, err) == -1)
            return -1;
    (void)curl_easy_setopt(call->curl, CURLOPT_HTTPHEADER, call->headers);
    return 0;
}

static void set_method(CURL *curl, const struct http_request *r)
{
    if (str_equal(r->method, "HEAD")) {
        (void)curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
        return;
    }
    if (r->body != NULL || str_equal(r->method, "POST") || str_equal(r->method, "PUT")) {
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, r->body == NULL ? "" : r->body);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                               (curl_off_t)(r->body == NULL ? 0 : r->body_len));
    }
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, r->method);
}

static void set_times(CURL *curl, const struct call *call)
{
    const struct http_request *r = call->request;
    long connect_s =
        r->connect_timeout_s ? (long)r->connect_timeout_s : profiles[r->profile].connect_s;
    long total_s = r->timeout_s ? (long)r->timeout_s : profiles[r->profile].total_s;

    if (call->on_data != NULL && r->timeout_s == 0) {
        total_s = 0;
        (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
    }
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, connect_s);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT, total_s);
    (void)curl_easy_setopt(curl, CURLOPT_MAXAGE_CONN, CONNECTION_AGE_S);
}

/* What is the same in every profile. */
static int set_doors(CURL *curl, struct call *call, struct err *err)
{
    if (http_close_doors(curl, profiles[call->request->profile].protocols, err) == -1)
        return -1;
    if (curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, on_send) != CURLE_OK ||
        curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_socket) != CURLE_OK)
        return err_set(err, ERR_INTERNAL, "curl_option", "libcurl lacks an option that is needed");
    (void)curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, call);
    (void)curl_easy_setopt(curl, CURLOPT_PREREQDATA, call);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, call);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    (void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, call);
    return 0;
}

/* ---- the call ---- */

static bool is_certificate_problem(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
           code == CURLE_SSL_ISSUER_ERROR;
}

static int explain(const struct call *call, CURLcode code, const char *detail, struct err *err)
{
    const struct http_request *r = call->request;
    const char *why = detail[0] != '\0' ? detail : curl_easy_strerror(code);

    if (call->denied)
        return err_set(err, ERR_FORBIDDEN, "address_not_public",
                       "%s leads to an address that is not public", r->url);
    if (call->stranger) {
        (void)err_set(err, ERR_NETWORK, "certificate_not_pinned",
                      "%s shows another certificate than the pinned one", r->url);
        return err_hint(err, "Its SHA-256 is %s: set it anew only if you know why it changed.",
                        call->seen[0] == '\0' ? "unknown" : call->seen);
    }
    if (call->too_large)
        return err_set(err, ERR_TOO_LARGE, "answer_too_large", "the answer of %s is too large",
                       r->url);
    if (call->repeated)
        return err_set(err, ERR_NETWORK, "connection_broke", "%s broke off without an answer",
                       r->url);
    if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
        code == CURLE_LOGIN_DENIED) {
        (void)err_set(err, ERR_INVALID, "url_not_allowed", "%s: %s", r->url, why);
        return err_hint(err, "Only %s addresses without a user name are allowed here.",
                        profiles[r->profile].protocols);
    }
    if (code == CURLE_OPERATION_TIMEDOUT && call->answer->sent)
        return err_set(err, ERR_TIMEOUT, "no_answer_in_time", "no answer from %s in time", r->url);
    if (is_certificate_problem(code)) {
        (void)err_set(err, ERR_NETWORK, "certificate", "%s: %s", r->url, why);
        return err_hint(err, "Is the machine's clock right, and ca-certificates installed? "
                             "A CA of your own is named by the setting outside.ca_file.");
    }
    (void)err_set(err, ERR_NETWORK,
                  code == CURLE_COULDNT_RESOLVE_HOST ? "name_not_found" : "network", "%s: %s",
                  r->url, why);
    return err_hint(err, "Can this machine reach that address? Look at its DNS and its firewall.");
}

static const struct {
    CURLcode code;
    enum http_failure failure;
} failures[] = {
    {CURLE_OK, HTTP_ANSWERED},
    {CURLE_COULDNT_RESOLVE_HOST, HTTP_NO_NAME},
    {CURLE_COULDNT_CONNECT, HTTP_REFUSED},
    {CURLE_SSL_CONNECT_ERROR, HTTP_TLS},
    {CURLE_PEER_FAILED_VERIFICATION, HTTP_CERTIFICATE},
    {CURLE_SSL_ISSUER_ERROR, HTTP_CERTIFICATE},
    {CURLE_UNSUPPORTED_PROTOCOL, HTTP_NO_HTTP}, /* HTTP/0.9, which is anything */
    {CURLE_WEIRD_SERVER_REPLY, HTTP_NO_HTTP},
    {CURLE_GOT_NOTHING, HTTP_BROKEN},
    {CURLE_RECV_ERROR, HTTP_BROKEN},
    {CURLE_SEND_ERROR, HTTP_BROKEN},
    {CURLE_OPERATION_TIMEDOUT, HTTP_SILENT},
};

static void note_failure(struct http_answer *a, CURLcode code, const char *detail)
{
    a->failure = HTTP_OTHER;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        if (failures[i].code == code)
            a->failure = failures[i].failure;
    (void)snprintf(a->why, sizeof a->why, "%.159s",
                   detail[0] != '\0' ? detail : curl_easy_strerror(code));
}

/* "DNS:pbx.example.com, DNS:*.example.org, IP Address:…" -> "pbx.example.com,*.example.org". */
static void take_names(struct http_answer *a, const char *text)
{
    size_t used = 0;

    for (const char *at = strstr(text, "DNS:"); at != NULL; at = strstr(at, "DNS:")) {
        size_t len = strcspn(at += strlen("DNS:"), ", ");
        if (used + len + 2 > sizeof a->certificate_names)
            break;
        if (used > 0)
            a->certificate_names[used++] = ',';
        memcpy(a->certificate_names + used, at, len);
        a->certificate_names[used += len] = '\0';
    }
}

/* Of the first certificate of the chain, which is the server's own. */
static void take_certificate(struct call *call)
{
    struct http_answer *a = call->answer;
    struct curl_certinfo *info = NULL;

    if (curl_easy_getinfo(call->curl, CURLINFO_CERTINFO, &info) != CURLE_OK || info == NULL ||
        info->num_of_certs < 1)
        return;
    for (const struct curl_slist *line = info->certinfo[0]; line != NULL; line = line->next) {
        if (str_starts(line->data, "X509v3 Subject Alternative Name:"))
            take_names(a, line->data);
        else if (str_starts(line->data, "Issuer:"))
            (void)snprintf(a->certificate_issuer, sizeof a->certificate_issuer, "%s",
                           str_trim(line->data + strlen("Issuer:")));
        else if (str_starts(line->data, "Expire date:"))
            (void)snprintf(a->certificate_expires, sizeof a->certificate_expires, "%s",
                           str_trim(line->data + strlen("Expire date:")));
    }
}

static void collect(struct call *call)
{
    struct http_answer *a = call->answer;
    curl_off_t wait_s = 0;
    long sent_bytes = 0;

    (void)curl_easy_getinfo(call->curl, CURLINFO_RESPONSE_CODE, &a->status);
    (void)curl_easy_getinfo(call->curl, CURLINFO_REQUEST_SIZE, &sent_bytes);
    (void)curl_easy_getinfo(call->curl, CURLINFO_RETRY_AFTER, &wait_s);
    if (call->switched)
        a->status = 101;
    a->sent = sent_bytes > 0 || call->repeated;
    a->retry_after_s = wait_s <= 0 ? 0 : wait_s > 86400 ? 86400 : (uint32_t)wait_s;
}

/* Verification is on, with two exceptions: a probe whose rule says so, and a certificate that is
 * pinned, which is looked at before anything is sent, on a connection that nobody used before. */
static void set_trust(const struct call *call, const struct http_client *c)
{
    const struct http_request *r = call->request;

    http_trust(call->curl, c->ca, !(r->profile == HTTP_PROBE && r->no_verify) && !c->pinned);
    if (!c->pinned)
        return;
    (void)curl_easy_setopt(call->curl, CURLOPT_CERTINFO, 1L);
    (void)curl_easy_setopt(call->curl, CURLOPT_FRESH_CONNECT, 1L);
    (void)curl_easy_setopt(call->curl, CURLOPT_FORBID_REUSE, 1L);
}

static int perform(struct http_client *c, struct call *call, struct err *err)
{
    const struct http_request *r = call->request;
    char detail[CURL_ERROR_SIZE] = "";
    struct curl_slist *resolve = NULL;
    CURLcode code;

    if (set_doors(call->curl, call, err) == -1 || set_headers(call, err) == -1)
        return -1;
    if (r->profile == HTTP_ENGINE && r->unix_path == NULL)
        return bad_request(err, "an engine without a socket");
    if (r->profile == HTTP_ENGINE)
        (void)curl_easy_setopt(call->curl, CURLOPT_UNIX_SOCKET_PATH, r->unix_path);
    if (r->profile == HTTP_REMOTE && c->identity == NULL)
        return bad_request(err, "an engine elsewhere without an identity");
    if (r->profile == HTTP_PROBE && r->resolve != NULL &&
        (resolve = curl_slist_append(NULL, r->resolve)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "memory", "no memory for a request");
    if (resolve != NULL)
        (void)curl_easy_setopt(call->curl, CURLOPT_RESOLVE, resolve);
    if (r->certificate)
        (void)curl_easy_setopt(call->curl, CURLOPT_CERTINFO, 1L);
    set_method(call->curl, r);
    set_times(call->curl, call);
    set_trust(call, c);
    if (r->profile == HTTP_REMOTE && http_identify(call->curl, c->identity, err) == -1)
        return -1;
    (void)curl_easy_setopt(call->curl, CURLOPT_ERRORBUFFER, detail);
    (void)curl_easy_setopt(call->curl, CURLOPT_URL, r->url);
    code = curl_easy_perform(call->curl);
    collect(call);
    if (r->certificate)
        take_certificate(call);
    (void)curl_easy_setopt(call->curl, CURLOPT_ERRORBUFFER, NULL);
    curl_slist_free_all(resolve);
    if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && call->stopped))
        return 0;
    note_failure(call->answer, code, detail);
    return explain(call, code, detail, err);
}

/* The credential stands in one of the lines. */
static void wipe_headers(struct curl_slist *headers)
{
    for (struct curl_slist *h = headers; h != NULL; h = h->next)
        sodium_memzero(h->data, strlen(h->data));
    curl_slist_free_all(headers);
}

int http_stream(struct http_client *c, const struct http_request *request,
                int (*on_data)(void *arg, const char *data, size_t len), void *arg,
                struct http_answer *answer, struct err *err)
{
    struct call call = {.request = request,
                        .answer = answer,
                        .on_data = on_data,
                        .arg = arg,
                        .pin = c->pinned ? c->pin : NULL};
    int result;

    buf_reset(&answer->body);
    forget_headers(answer);
    answer->status = 0;
    answer->retry_after_s = 0;
    answer->sent = false;
    answer->failure = HTTP_ANSWERED;
    answer->why[0] = answer->certificate_names[0] = '\0';
    answer->certificate_issuer[0] = answer->certificate_expires[0] = '\0';
    if ((call.curl = take_handle(c, request->profile)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "memory", "no memory for a request");
    result = perform(c, &call, err);
    give_back(c, call.curl, request->profile);
    wipe_headers(call.headers);
    return result;
}

int http_call(struct http_client *c, const struct http_request *request, struct http_answer *answer,
              struct err *err)
{
    return http_stream(c, request, NULL, NULL, answer, err);
}
