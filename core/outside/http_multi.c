/*
 * Many requests in one thread. Apart from http.c because here nothing waits for an answer: libcurl
 * says which sockets it wants watched and until when, epoll watches them, and what is idle costs
 * nothing, however many there are.
 */
#include "http_multi.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"
#include "http_doors.h"
#include "str.h"

#define EVENTS     128
#define BODY_MAX   65536u /* of an answer; a longer one has said enough */
#define KEEP_IDLE  16     /* handles that stay when nothing is to be asked */
#define READ_BYTES 4096L
#define CA_MAX     512

/* A handle with what is asked over it. */
struct slot {
    CURL *curl;
    struct curl_slist *connect_to;
    uint64_t token;
    size_t body_len;
    bool enough; /* the answer was long; the rest is not wanted */
    struct slot *next;
};

struct http_multi {
    CURLM *curl;
    int epoll_fd;
    int64_t timer_due; /* monotonic; -1: none */
    unsigned most, under_way, idle_count;
    struct slot *idle, *busy;
    struct curl_slist *headers;
    char ca[CA_MAX];
};

/* libcurl wants a socket watched. It says "none" by CURL_POLL_REMOVE before it closes one. */
static int on_socket(CURL *curl, curl_socket_t fd, int what, void *arg, void *known)
{
    struct http_multi *m = arg;
    struct epoll_event event = {.data.fd = fd};

    (void)curl;
    if (what == CURL_POLL_REMOVE) {
        (void)epoll_ctl(m->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
        (void)curl_multi_assign(m->curl, fd, NULL);
        return 0;
    }
    event.events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
                   (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
    if (epoll_ctl(m->epoll_fd, known == NULL ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) == -1 &&
        errno == EEXIST)
        (void)epoll_ctl(m->epoll_fd, EPOLL_CTL_MOD, fd, &event);
    (void)curl_multi_assign(m->curl, fd, m);
    return 0;
}

static int on_timer(CURLM *curl, long wait_ms, void *arg)
{
    struct http_multi *m = arg;

    (void)curl;
    m->timer_due = wait_ms < 0 ? -1 : clock_mono_ms() + wait_ms;
    return 0;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct slot *slot = arg;

    (void)data;
    slot->body_len += size * count;
    if (slot->body_len <= BODY_MAX)
        return size * count;
    slot->enough = true;
    return 0;
}

int http_multi_new(struct http_multi **out, unsigned most, const char *ca, struct err *err)
{
    struct http_multi *m = calloc(1, sizeof *m);

    if (m == NULL)
        return err_set(err, ERR_UNAVAILABLE, "memory", "no memory for the checks");
    m->most = most;
    m->timer_due = -1;
    m->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    m->curl = curl_multi_init();
    m->headers = curl_slist_append(NULL, "Connection: close");
    if (m->epoll_fd == -1 || m->curl == NULL || m->headers == NULL ||
        str_copy(m->ca, sizeof m->ca, ca) == -1) {
        http_multi_free(m);
        return err_set(err, ERR_UNAVAILABLE, "memory", "the checks cannot be made ready");
    }
    (void)curl_multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void)curl_multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m);
    (void)curl_multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, on_timer);
    (void)curl_multi_setopt(m->curl, CURLMOPT_TIMERDATA, m);
    (void)curl_multi_setopt(m->curl, CURLMOPT_MAXCONNECTS, 1L);
    *out = m;
    return 0;
}

static void slot_free(struct slot *slot)
{
    curl_slist_free_all(slot->connect_to);
    curl_easy_cleanup(slot->curl);
    free(slot);
}

void http_multi_free(struct http_multi *m)
{
    if (m == NULL)
        return;
    for (struct slot *s = m->busy, *next; s != NULL; s = next) {
        next = s->next;
        (void)curl_multi_remove_handle(m->curl, s->curl);
        slot_free(s);
    }
    for (struct slot *s = m->idle, *next; s != NULL; s = next) {
        next = s->next;
        slot_free(s);
    }
    if (m->curl != NULL)
        (void)curl_multi_cleanup(m->curl);
    curl_slist_free_all(m->headers);
    if (m->epoll_fd != -1)
        (void)close(m->epoll_fd);
    free(m);
}

void http_multi_idle(struct http_multi *m)
{
    while (m->idle_count > KEEP_IDLE) {
        struct slot *slot = m->idle;
        m->idle = slot->next;
        m->idle_count--;
        slot_free(slot);
    }
}

unsigned http_multi_room(const struct http_multi *m)
{
    return m->most - m->under_way;
}

/* A handle with all that is the same for every request. */
static struct slot *slot_new(const struct http_multi *m, struct err *err)
{
    struct slot *slot = calloc(1, sizeof *slot);

    if (slot == NULL || (slot->curl = curl_easy_init()) == NULL) {
        free(slot);
        (void)err_set(err, ERR_UNAVAILABLE, "memory", "no memory for a check");
        return NULL;
    }
    if (http_close_doors(slot->curl, "http,https", err) == -1) {
        slot_free(slot);
        return NULL;
    }
    (void)curl_easy_setopt(slot->curl, CURLOPT_HTTPHEADER, m->headers);
    (void)curl_easy_setopt(slot->curl, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(slot->curl, CURLOPT_WRITEDATA, slot);
    (void)curl_easy_setopt(slot->curl, CURLOPT_BUFFERSIZE, READ_BYTES);
    (void)curl_easy_setopt(slot->curl, CURLOPT_FORBID_REUSE, 1L);
    (void)curl_easy_setopt(slot->curl, CURLOPT_FRESH_CONNECT, 1L);
    (void)curl_easy_setopt(slot->curl, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    (void)curl_easy_setopt(slot->curl, CURLOPT_PRIVATE, slot);
    return slot;
}

static struct slot *take_slot(struct http_multi *m, struct err *err)
{
    struct slot *slot = m->idle;

    if (slot == NULL)
        return slot_new(m, err);
    m->idle = slot->next;
    m->idle_count--;
    return slot;
}

static void give_slot(struct http_multi *m, struct slot *slot)
{
    curl_slist_free_all(slot->connect_to);
    slot->connect_to = NULL;
    slot->next = m->idle;
    m->idle = slot;
    m->idle_count++;
}

int http_multi_ask(struct http_multi *m, const struct http_ask *ask, struct err *err)
{
    struct slot *slot;

    if (m->under_way >= m->most)
        return err_set(err, ERR_UNAVAILABLE, "checks_full", "%u checks are under way", m->most);
    if ((slot = take_slot(m, err)) == NULL)
        return -1;
    slot->token = ask->token;
    slot->body_len = 0;
    slot->enough = false;
    if (ask->connect_to != NULL &&
        (slot->connect_to = curl_slist_append(NULL, ask->connect_to)) == NULL)
        goto no_memory;
    if (curl_easy_setopt(slot->curl, CURLOPT_URL, ask->url) != CURLE_OK)
        goto no_memory;
    (void)curl_easy_setopt(slot->curl, CURLOPT_CONNECT_TO, slot->connect_to);
    (void)curl_easy_setopt(slot->curl, CURLOPT_TIMEOUT_MS, (long)ask->timeout_ms);
    if (str_starts(ask->url, "https:"))
        http_trust(slot->curl, m->ca, !ask->no_verify);
    if (curl_multi_add_handle(m->curl, slot->curl) != CURLM_OK)
        goto no_memory;
    slot->next = m->busy;
    m->busy = slot;
    m->under_way++;
    return 0;
no_memory:
    give_slot(m, slot);
    return err_set(err, ERR_UNAVAILABLE, "memory", "no memory for a check");
}

static enum http_end end_of(CURLcode code, const struct slot *slot)
{
    switch (code) {
    case CURLE_OK:
        return HTTP_END_ANSWERED;
    case CURLE_WRITE_ERROR:
        return slot->enough ? HTTP_END_ANSWERED : HTTP_END_BROKEN;
    case CURLE_COULDNT_CONNECT:
        return HTTP_END_REFUSED;
    case CURLE_OPERATION_TIMEDOUT:
        return HTTP_END_TIMEOUT;
    case CURLE_COULDNT_RESOLVE_HOST:
        return HTTP_END_NAME;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return HTTP_END_TLS;
    default:
        return HTTP_END_BROKEN;
    }
}

static void unlink_busy(struct http_multi *m, const struct slot *slot)
{
    struct slot **at = &m->busy;

    while (*at != NULL && *at != slot)
        at = &(*at)->next;
    if (*at != NULL)
        *at = slot->next;
}

static void tell_ended(struct http_multi *m, void (*told)(void *arg, const struct http_told *told),
                       void *arg)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(m->curl, &left)) != NULL) {
        CURL *curl = message->easy_handle;
        CURLcode code = message->data.result;
        struct http_told out = {0};
        struct slot *slot = NULL;
        curl_off_t took_us = 0;
        long status = 0;

        if (message->msg != CURLMSG_DONE ||
            curl_easy_getinfo(curl, CURLINFO_PRIVATE, &slot) != CURLE_OK || slot == NULL)
            continue;
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        (void)curl_easy_getinfo(curl, CURLINFO_TOTAL_TIME_T, &took_us);
        (void)curl_multi_remove_handle(m->curl, curl);
        out.token = slot->token;
        out.end = end_of(code, slot);
        out.status = out.end == HTTP_END_ANSWERED ? (uint32_t)status : 0;
        out.latency_ms = took_us < 1000 ? 1 : (uint32_t)(took_us / 1000);
        unlink_busy(m, slot);
        m->under_way--;
        give_slot(m, slot);
        told(arg, &out);
    }
}

void http_multi_turn(struct http_multi *m, int wait_ms,
                     void (*told)(void *arg, const struct http_told *told), void *arg)
{
    struct epoll_event events[EVENTS];
    int64_t left_ms = m->timer_due == -1 ? wait_ms : m->timer_due - clock_mono_ms();
    int count, running;

    if (left_ms > wait_ms)
        left_ms = wait_ms;
    count = epoll_wait(m->epoll_fd, events, EVENTS, left_ms < 0 ? 0 : (int)left_ms);
    for (int i = 0; i < count; i++) {
        unsigned what = events[i].events;
        int flags = (what & EPOLLIN ? CURL_CSELECT_IN : 0) |
                    (what & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                    (what & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
        (void)curl_multi_socket_action(m->curl, events[i].data.fd, flags, &running);
    }
    if (m->timer_due != -1 && clock_mono_ms() >= m->timer_due) {
        m->timer_due = -1;
        (void)curl_multi_socket_action(m->curl, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    tell_ended(m, told, arg);
}
