#ifndef SETT_DNS_H
#define SETT_DNS_H
/* Questions to the DNS (RFC 1035): what the world sees of a name, asked of one resolver. The answer
 * is what that resolver says: nothing here checks signatures. */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include "err.h"

enum dns_type { DNS_A, DNS_AAAA, DNS_CNAME, DNS_TXT, DNS_NS };
extern const char *const dns_type_names[]; /* "A", … */

enum dns_found {
    DNS_RECORDS, /* values has them */
    DNS_NONE,    /* the name is there and has nothing of this type */
    DNS_NO_NAME  /* there is no such name */
};

#define DNS_VALUES_MAX 16
#define DNS_VALUE_SIZE 512 /* a longer TXT is passed over */
#define DNS_NAME_SIZE  256
#define DNS_TIMEOUT_MS 3000 /* for one question, over all servers and repetitions */

struct dns_answer {
    enum dns_found found;
    unsigned count;
    bool more;    /* there were more than fit */
    uint32_t ttl; /* the least of them, seconds */
    /* A and AAAA: addresses as text; CNAME and NS: names in lower case, no dot at the end; TXT: the
     * strings of one record joined. */
    char values[DNS_VALUES_MAX][DNS_VALUE_SIZE];
    char alias[DNS_NAME_SIZE]; /* where the name's CNAMEs lead in the end; "" if it has none */
};

/** dns_ask(server, name, type, out, err): ask a recursive resolver. ${server}: "" for the system's
 * (/etc/resolv.conf, its first three in turn), else as dns_server_parse takes it. ${name}: in ASCII
 * (A-labels), with or without a dot at its end; no search domains. UDP with EDNS, repeated once;
 * TCP when the answer was cut. Waits at most DNS_TIMEOUT_MS. ERR_INVALID dns_name or dns_server;
 * ERR_TIMEOUT dns_timeout; ERR_NETWORK dns_failed (SERVFAIL, REFUSED, nonsense). That a name or a
 * record is not there is an answer. Return 0 or -1. */
int dns_ask(const char *server, const char *name, enum dns_type type, struct dns_answer *out,
            struct err *err);

/** dns_has(answer, value): whether it has this value, letters alike whatever their case. */
bool dns_has(const struct dns_answer *answer, const char *value);

/** dns_server_parse(text, out, err): "192.0.2.1", "192.0.2.1:5353", "2001:db8::1" or
 * "[2001:db8::1]:5353"; port 53 if none is said. ERR_INVALID dns_server. Sends nothing; in a file
 * of its own, so that who only checks a setting links no socket. Return 0 or -1. */
int dns_server_parse(const char *text, struct sockaddr_storage *out, struct err *err);

#endif
