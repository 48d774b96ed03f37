/*
 * The one file that knows libresolv. The library writes questions and reads answers; sending is
 * done here, because its own way over TCP waits without end and a round of checks may not.
 */
#include "dns.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <poll.h>
#include <resolv.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "str.h"

#define QUESTION_MAX 512
#define ANSWER_MAX   16384
#define EDNS_BYTES   1232 /* what passes everywhere without fragments */
#define ROUNDS       2    /* how often each server is asked */
#define SERVERS_MAX  3

const char *const dns_type_names[] = {"A", "AAAA", "CNAME", "TXT", "NS", NULL};

static const ns_type wire_types[] = {ns_t_a, ns_t_aaaa, ns_t_cname, ns_t_txt, ns_t_ns};

struct exchange {
    uint8_t question[QUESTION_MAX], answer[ANSWER_MAX];
    size_t question_len, answer_len;
    int64_t deadline_ms;
};

/* ---- the question ---- */

static int name_check(const char *name, struct err *err)
{
    size_t len = strlen(name);

    if (len > 0 && len < DNS_NAME_SIZE && name[0] != '.' && strstr(name, "..") == NULL &&
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._") == len)
        return 0;
    return err_set(err, ERR_INVALID, "dns_name",
                   "\"%.100s\" is no name that the DNS can be asked for", name);
}

/* One question with an OPT record (RFC 6891) behind it: answers of up to EDNS_BYTES. */
static int write_question(res_state state, const char *name, enum dns_type type, struct exchange *e,
                          struct err *err)
{
    static const uint8_t opt[] = {0, 0, ns_t_opt, EDNS_BYTES >> 8, EDNS_BYTES & 0xff, 0, 0, 0,
                                  0, 0, 0};
    int len = res_nmkquery(state, ns_o_query, name, ns_c_in, (int)wire_types[type], NULL, 0, NULL,
                           e->question, QUESTION_MAX - (int)sizeof opt);

    if (len < NS_HFIXEDSZ)
        return err_set(err, ERR_INVALID, "dns_name", "\"%.100s\" is no name of the DNS", name);
    memcpy(e->question + len, opt, sizeof opt);
    e->question[11] = 1; /* ARCOUNT */
    e->question_len = (size_t)len + sizeof opt;
    return 0;
}

/* Whether these bytes answer that question: its id, an answer, the same name, type and class. */
static bool answers(const struct exchange *e, size_t len)
{
    ns_msg sent, got;
    ns_rr asked, said;

    return len >= NS_HFIXEDSZ && memcmp(e->question, e->answer, 2) == 0 &&
           ns_initparse(e->question, (int)e->question_len, &sent) == 0 &&
           ns_initparse(e->answer, (int)len, &got) == 0 && ns_msg_getflag(got, ns_f_qr) == 1 &&
           ns_msg_count(got, ns_s_qd) == 1 && ns_parserr(&sent, ns_s_qd, 0, &asked) == 0 &&
           ns_parserr(&got, ns_s_qd, 0, &said) == 0 &&
           str_equal_nocase(ns_rr_name(asked), ns_rr_name(said)) &&
           ns_rr_type(asked) == ns_rr_type(said) && ns_rr_class(asked) == ns_rr_class(said);
}

/* ---- sending ---- */

static bool ready(int fd, short what, int64_t until_ms)
{
    struct pollfd p = {.fd = fd, .events = what};

    for (;;) {
        int64_t left = until_ms - clock_mono_ms();
        int n = left <= 0 ? 0 : poll(&p, 1, (int)left);
        if (n == -1 && errno == EINTR)
            continue;
        return n == 1;
    }
}

static socklen_t address_len(const struct sockaddr_storage *server)
{
    return server->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

/* A connected socket only takes what comes from there. -1: nobody, or not in time. */
static int connect_to(const struct sockaddr_storage *server, int kind, int64_t until_ms)
{
    int fd = socket(server->ss_family, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int failed = 0;
    socklen_t size = sizeof failed;

    if (fd == -1)
        return -1;
    if (connect(fd, (const struct sockaddr *)server, address_len(server)) == 0)
        return fd;
    if (errno == EINPROGRESS && ready(fd, POLLOUT, until_ms) &&
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) == 0 && failed == 0)
        return fd;
    (void)close(fd);
    return -1;
}

static int ask_udp(const struct sockaddr_storage *server, struct exchange *e, int64_t until_ms)
{
    int fd = connect_to(server, SOCK_DGRAM, until_ms);
    int result = -1;

    if (fd == -1)
        return -1;
    if (send(fd, e->question, e->question_len, MSG_NOSIGNAL) == (ssize_t)e->question_len)
        while (result == -1 && ready(fd, POLLIN, until_ms)) {
            ssize_t n = recv(fd, e->answer, sizeof e->answer, 0);
            if (n == -1 && errno != EINTR && errno != EAGAIN)
                break; /* nobody listens there */
            if (n > 0 && answers(e, (size_t)n)) {
                e->answer_len = (size_t)n;
                result = 0;
            }
        }
    (void)close(fd);
    return result;
}

static int transfer(int fd, uint8_t *data, size_t len, bool out, int64_t until_ms)
{
    for (size_t at = 0; at < len;) {
        if (!ready(fd, out ? POLLOUT : POLLIN, until_ms))
            return -1;
        ssize_t n =
            out ? send(fd, data + at, len - at, MSG_NOSIGNAL) : recv(fd, data + at, len - at, 0);
        if (n == 0 || (n == -1 && errno != EINTR && errno != EAGAIN))
            return -1;
        at += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int ask_tcp(const struct sockaddr_storage *server, struct exchange *e, int64_t until_ms)
{
    uint8_t head[2] = {(uint8_t)(e->question_len >> 8), (uint8_t)e->question_len};
    int fd = connect_to(server, SOCK_STREAM, until_ms);
    size_t len;
    int result = -1;

    if (fd == -1)
        return -1;
    if (transfer(fd, head, 2, true, until_ms) == 0 &&
        transfer(fd, e->question, e->question_len, true, until_ms) == 0 &&
        transfer(fd, head, 2, false, until_ms) == 0) {
        len = (size_t)head[0] << 8 | head[1];
        if (len <= sizeof e->answer && transfer(fd, e->answer, len, false, until_ms) == 0 &&
            answers(e, len)) {
            e->answer_len = len;
            result = 0;
        }
    }
    (void)close(fd);
    return result;
}

static bool was_cut(const struct exchange *e)
{
    return (e->answer[2] & 0x02) != 0;
}

static unsigned response_code(const struct exchange *e)
{
    return e->answer[3] & 0x0fu;
}

/* Each server in turn, until one gives an answer that says something. */
static int send_question(const struct sockaddr_storage *servers, unsigned count, struct exchange *e,
                         const char *name, struct err *err)
{
    int64_t share_ms = DNS_TIMEOUT_MS / ((int64_t)count * ROUNDS);
    unsigned code = ns_r_noerror;
    bool heard = false;

    for (unsigned turn = 0; turn < count * ROUNDS; turn++) {
        const struct sockaddr_storage *server = &servers[turn % count];
        int64_t until_ms = clock_mono_ms() + share_ms;
        if (until_ms > e->deadline_ms)
            until_ms = e->deadline_ms;
        if (ask_udp(server, e, until_ms) == -1 ||
            (was_cut(e) && ask_tcp(server, e, e->deadline_ms) == -1))
            continue;
        heard = true;
        code = response_code(e);
        if (code == ns_r_noerror || code == ns_r_nxdomain)
            return 0;
    }
    if (!heard)
        return err_set(err, ERR_TIMEOUT, "dns_timeout", "no name server answers for %s", name);
    (void)err_set(err, ERR_NETWORK, "dns_failed", "the name server answers for %s: %s", name,
                  code == ns_r_servfail  ? "its servers fail (SERVFAIL)"
                  : code == ns_r_refused ? "refused (REFUSED)"
                                         : "it cannot say");
    return err_hint(err, "The name servers of the domain may be wrong or down, or dns.server is no "
                         "resolver for everybody's names.");
}

/* ---- the answer ---- */

static int read_text(const ns_rr *rr, char out[DNS_VALUE_SIZE])
{
    const uint8_t *at = ns_rr_rdata(*rr), *end = at + ns_rr_rdlen(*rr);
    size_t len = 0;

    while (at < end) {
        size_t part = *at++;
        if (part > (size_t)(end - at) || len + part >= DNS_VALUE_SIZE ||
            memchr(at, '\0', part) != NULL)
            return -1;
        memcpy(out + len, at, part);
        len += part;
        at += part;
    }
    out[len] = '\0';
    return 0;
}

static int read_name(const ns_msg *message, const ns_rr *rr, char *out, size_t size)
{
    char name[NS_MAXDNAME];

    if (ns_name_uncompress(ns_msg_base(*message), ns_msg_end(*message), ns_rr_rdata(*rr), name,
                           sizeof name) == -1)
        return -1;
    str_lower(name);
    return str_copy(out, size, name);
}

static int read_value(const ns_msg *message, const ns_rr *rr, char out[DNS_VALUE_SIZE])
{
    bool six = ns_rr_type(*rr) == ns_t_aaaa;

    switch (ns_rr_type(*rr)) {
    case ns_t_a:
    case ns_t_aaaa:
        if (ns_rr_rdlen(*rr) != (six ? 16 : 4))
            return -1;
        return inet_ntop(six ? AF_INET6 : AF_INET, ns_rr_rdata(*rr), out, DNS_VALUE_SIZE) == NULL
                   ? -1
                   : 0;
    case ns_t_txt:
        return read_text(rr, out);
    default:
        return read_name(message, rr, out, DNS_VALUE_SIZE);
    }
}

static void take(const ns_msg *message, const ns_rr *rr, enum dns_type type, struct dns_answer *out)
{
    if (ns_rr_type(*rr) == ns_t_cname)
        (void)read_name(message, rr, out->alias, sizeof out->alias);
    if (ns_rr_type(*rr) != wire_types[type])
        return;
    if (out->count == DNS_VALUES_MAX) {
        out->more = true;
        return;
    }
    if (read_value(message, rr, out->values[out->count]) == -1)
        return;
    if (out->count++ == 0 || ns_rr_ttl(*rr) < out->ttl)
        out->ttl = ns_rr_ttl(*rr);
}

static int read_answer(const struct exchange *e, const char *name, enum dns_type type,
                       struct dns_answer *out, struct err *err)
{
    ns_msg message;
    ns_rr rr;

    if (ns_initparse(e->answer, (int)e->answer_len, &message) == -1)
        return err_set(err, ERR_NETWORK, "dns_failed", "the answer for %s is nonsense", name);
    for (int i = 0; i < ns_msg_count(message, ns_s_an); i++) {
        if (ns_parserr(&message, ns_s_an, i, &rr) == -1)
            return err_set(err, ERR_NETWORK, "dns_failed", "the answer for %s is nonsense", name);
        if (ns_rr_class(rr) == ns_c_in)
            take(&message, &rr, type, out);
    }
    out->found = out->count > 0                      ? DNS_RECORDS
                 : response_code(e) == ns_r_nxdomain ? DNS_NO_NAME
                                                     : DNS_NONE;
    return 0;
}

/* The resolvers that /etc/resolv.conf names. */
static unsigned system_servers(res_state state, struct sockaddr_storage out[SERVERS_MAX])
{
    unsigned count = 0;

    memset(out, 0, SERVERS_MAX * sizeof *out);
    for (int i = 0; i < state->nscount && count < SERVERS_MAX; i++) {
        if (state->nsaddr_list[i].sin_family == AF_INET)
            memcpy(&out[count++], &state->nsaddr_list[i], sizeof state->nsaddr_list[i]);
        else if (state->_u._ext.nsaddrs[i] != NULL)
            memcpy(&out[count++], state->_u._ext.nsaddrs[i], sizeof(struct sockaddr_in6));
    }
    return count;
}

int dns_ask(const char *server, const char *name, enum dns_type type, struct dns_answer *out,
            struct err *err)
{
    struct sockaddr_storage servers[SERVERS_MAX];
    struct __res_state state;
    struct exchange e = {.deadline_ms = clock_mono_ms() + DNS_TIMEOUT_MS};
    unsigned count = 1;
    int result;

    memset(out, 0, sizeof *out);
    memset(&state, 0, sizeof state);
    if (name_check(name, err) == -1 ||
        (server[0] != '\0' && dns_server_parse(server, &servers[0], err) == -1))
        return -1;
    if (res_ninit(&state) == -1)
        return err_set(err, ERR_INTERNAL, "dns_failed",
                       "the resolver's configuration cannot be read");
    if (server[0] == '\0')
        count = system_servers(&state, servers);
    if (count == 0)
        result = err_set(err, ERR_UNAVAILABLE, "dns_server", "this machine knows no name server");
    else
        result = write_question(&state, name, type, &e, err);
    res_nclose(&state);
    if (result == -1 || send_question(servers, count, &e, name, err) == -1)
        return -1;
    return read_answer(&e, name, type, out, err);
}

bool dns_has(const struct dns_answer *answer, const char *value)
{
    for (unsigned i = 0; i < answer->count; i++)
        if (str_equal_nocase(answer->values[i], value))
            return true;
    return false;
}
