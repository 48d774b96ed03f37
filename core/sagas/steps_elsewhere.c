/*
 * A host name whose DNS is at another provider: what is to be entered there is said, and the DNS is
 * asked until it has been. Apart from the ingress because nothing is made here, nothing is undone,
 * and it takes as long as a person takes.
 */
#include "dns.h"
#include "facts.h"
#include "steps.h"

#include <stdlib.h>

#include "str.h"

#define FIRST_WAIT_MS 2000
#define LAST_WAIT_MS  600000

bool steps_here(const struct job *job)
{
    return kv_get(&job->facts, FACT_DNS_ELSEWHERE) == NULL;
}

/* What stands there instead, in words. */
static void describe(const struct dns_answer *cname, const struct dns_answer *a, const char *host,
                     char *out, size_t size)
{
    if (cname->found == DNS_RECORDS && cname->count > 0)
        (void)str_format(out, size, "%.120s is a CNAME to %.120s", host, cname->values[0]);
    else if (a->found == DNS_RECORDS && a->count > 0)
        (void)str_format(out, size, "%.120s has the address %.60s and no CNAME", host,
                         a->values[0]);
    else if (cname->found == DNS_NO_NAME)
        (void)str_format(out, size, "the DNS knows no name %.120s", host);
    else
        (void)str_format(out, size, "%.120s has no CNAME", host);
}

/* Return 1 when the record is there, 0 with what is there instead in ${what}, or -1. */
static int look(const char *server, const char *host, const char *target, char *what, size_t size,
                struct err *err)
{
    struct dns_answer *cname = calloc(2, sizeof *cname), *a = cname == NULL ? NULL : cname + 1;
    int result = -1;

    if (cname == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for an answer of the DNS");
    if (dns_ask(server, host, DNS_CNAME, cname, err) == 0) {
        result = dns_has(cname, target);
        if (result == 0 && cname->found != DNS_RECORDS)
            result = dns_ask(server, host, DNS_A, a, err);
        if (result == 0)
            describe(cname, a, host, what, size);
    }
    free(cname);
    return result;
}

enum outcome steps_elsewhere_make(struct step_call *call, struct err *err)
{
    const char *host = kv_get_or(call->facts, FACT_HOSTNAME, "");
    struct ingress_route route;
    char target[160], what[400] = "";
    uint64_t wait_ms = FIRST_WAIT_MS;
    int found;

    facts_route(call->job, call->facts, false, &route);
    (void)str_format(target, sizeof target, "%s.cfargotunnel.com", route.cf_tunnel);
    found = look(kv_get_or(call->facts, FACT_DNS_SERVER, ""), host, target, what, sizeof what, err);
    if (found == 1) {
        (void)str_format(call->note, sizeof call->note, "%s is a CNAME to %s", host, target);
        return OUTCOME_OK;
    }
    if (found == 0) {
        (void)err_set(err, ERR_NOT_FOUND, "dns_elsewhere",
                      "Its DNS is at another provider, and %.300s.", what);
        (void)err_hint(err,
                       "Enter there: %.120s CNAME %s. Cloudflare answers for it if the name's "
                       "zone is in the account (CNAME set-up); else: sett domain add.",
                       host, target);
    }
    for (uint32_t i = 1; i < call->attempt && wait_ms < LAST_WAIT_MS; i++)
        wait_ms += wait_ms / 4;
    call->wait_ms = (uint32_t)(wait_ms < LAST_WAIT_MS ? wait_ms : LAST_WAIT_MS);
    return OUTCOME_AGAIN;
}
