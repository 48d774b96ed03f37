/*
 * Records of what is over. Apart from the rounds that call it because an operator may, too, and
 * because how long a thing is remembered is one answer for all kinds.
 */
#include "keep.h"

#include <string.h>

#include "custom_domain.h"
#include "invitation.h"
#include "mailing.h"
#include "post.h"
#include "reveal.h"
#include "setting.h"

#define DAY_MS  INT64_C(86400000)
#define LOOK_AT 8 /* records for each that may be removed */

/* Their ids begin with the time, so the oldest come first. */
static int prune_mailings(struct txn *txn, int64_t before, unsigned most, struct err *err)
{
    struct mailing m;
    struct scan scan;
    unsigned removed = 0;
    int got;

    if (scan_start(&scan, txn, &mailing_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while (removed < most && (got = scan_next(&scan, &m, err)) != 0) {
        if (got == -1)
            return -1;
        if (m.created_at > before)
            break;
        if (!m.done)
            continue;
        if (record_delete(txn, &mailing_table, &m, err) == -1)
            return -1;
        removed++;
    }
    return (int)removed;
}

/* Whoever wanted it has his answer: it is not there. */
static int prune_claims(struct txn *txn, const struct custom_domain *d, struct err *err)
{
    struct domain_claim claim = {0};
    struct scan scan;
    int got;

    memcpy(claim.domain_id, d->id, sizeof claim.domain_id);
    if (scan_start(&scan, txn, &domain_claim_table, "domain_id", &claim, 1, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &claim, err)) == 1)
        if (record_delete(txn, &domain_claim_table, &claim, err) == -1)
            return -1;
    return got;
}

static int prune_domains(struct txn *txn, int64_t before, unsigned most, struct err *err)
{
    struct custom_domain d = {.state = DOMAIN_REMOVED};
    struct scan scan;
    unsigned removed = 0, looked = 0;
    int got;

    if (scan_start(&scan, txn, &custom_domain_table, "state", &d, 1, false, err) == -1)
        return -1;
    while (removed < most && looked++ < LOOK_AT * most && (got = scan_next(&scan, &d, err)) != 0) {
        if (got == -1)
            return -1;
        if (d.removed_at == 0 || d.removed_at > before)
            continue;
        if (prune_claims(txn, &d, err) == -1 ||
            record_delete(txn, &custom_domain_table, &d, err) == -1)
            return -1;
        removed++;
    }
    return (int)removed;
}

int keep_prune(struct txn *txn, const struct conf *conf, unsigned most, struct err *err)
{
    int messages = post_prune(txn, most, err), reveals, mailings, domains;
    int64_t days = (int64_t)setting_u64(txn, conf, "records.keep_days");

    if (messages == -1 || (reveals = reveal_prune(txn, most, err)) == -1 ||
        invitation_prune(txn, most, err) == -1)
        return -1;
    if (days == 0)
        return messages + reveals;
    if ((mailings = prune_mailings(txn, txn_time_ms(txn) - days * DAY_MS, most, err)) == -1 ||
        (domains = prune_domains(txn, txn_time_ms(txn) - days * DAY_MS, most, err)) == -1)
        return -1;
    return messages + reveals + mailings + domains;
}
