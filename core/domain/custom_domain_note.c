/*
 * The life of a domain, as it follows from what is seen. Apart from the looking, which waits, and
 * from the records, which know no time: the countdowns are the provider's (a pending zone is
 * deleted after 28 days in the free plan, a moved one after 7, and a deleted one is gone for good
 * after 7).
 */
#include "custom_domain_note.h"

#include <stdlib.h>
#include <string.h>

#include "letter.h"
#include "notice.h"
#include "setting.h"
#include "str.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS    (INT64_C(24) * 60 * MINUTE_MS)
#define SOON_MS   MINUTE_MS /* between looks at what should answer any moment */

uint32_t custom_domain_days_left(const struct custom_domain *domain, int64_t now_ms)
{
    if (domain->deadline_at <= now_ms)
        return 0;
    return (uint32_t)((domain->deadline_at - now_ms + DAY_MS - 1) / DAY_MS);
}

static bool proved(const struct custom_domain *domain)
{
    return domain->proof != DOMAIN_PROOF_NONE && domain->proof_lost_at == 0;
}

bool custom_domain_ready(const struct custom_domain *domain)
{
    if (domain->via == DOMAIN_VIA_ZONE)
        return domain->zone_status == DOMAIN_ZONE_ACTIVE;
    if (domain->via == DOMAIN_VIA_HOSTNAME)
        return proved(domain) && str_starts(domain->hostname_status, "active") &&
               str_equal(domain->ssl_status, "active");
    return proved(domain) && domain->points;
}

/* ---- letters ---- */

static int write_letter(struct txn *txn, const struct custom_domain *domain, const char *kind,
                        uint32_t days, struct err *err)
{
    struct kv *params = calloc(1, sizeof *params);
    struct letter letter = {.kind = kind,
                            .customer_id = domain->customer_id,
                            .tenant_id = domain->tenant_id,
                            .params = params};
    char once[160];
    int result;

    if (params == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a letter");
    (void)str_format(
        once, sizeof once, "%s %s %lld %u", kind, domain->id,
        (long long)(domain->state == DOMAIN_MOVED ? domain->moved_at : domain->pending_at), days);
    letter.once = once;
    (void)kv_set(params, "domain", domain->unicode);
    if (!str_equal(kind, "domain_active"))
        (void)kv_set(params, "nameservers", domain->name_servers);
    if (str_equal(kind, "domain_pending") || str_equal(kind, "domain_moved"))
        (void)kv_set_u64(params, "days", days);
    result = letter_queue(txn, &letter, err);
    free(params);
    return result;
}

/* ---- countdowns ---- */

/* The first of "14,7,3,1" that the days which are left have come down to, and that was not told. */
static uint32_t reminder_due(const char *list, uint32_t left, uint32_t told)
{
    uint32_t due = 0;

    for (const char *at = list; *at != '\0';) {
        uint32_t days = (uint32_t)strtoul(at, NULL, 10);
        if (days >= left && days > 0 && (due == 0 || days < due))
            due = days;
        at += strcspn(at, ",");
        at += *at == ',';
    }
    return due != 0 && (told == 0 || due < told) ? due : 0;
}

static int remind(struct txn *txn, const struct conf *conf, struct custom_domain *domain,
                  struct err *err)
{
    bool moved = domain->state == DOMAIN_MOVED;
    uint32_t left = custom_domain_days_left(domain, txn_time_ms(txn)), due;
    char list[512], text[400];

    if (domain->via != DOMAIN_VIA_ZONE || (domain->state != DOMAIN_PENDING && !moved))
        return 0;
    if (setting_text(txn, conf, "domains.remind_days", list, sizeof list, err) == -1)
        return -1;
    due = reminder_due(list, left == 0 ? 1 : left, domain->reminded_days);
    if (due == 0)
        return 0;
    domain->reminded_days = due;
    (void)str_format(
        text, sizeof text,
        moved ? "%.200s was led away; its zone is deleted in %u days"
              : "%.200s still waits for its name servers; its zone is deleted in %u days",
        domain->unicode, left);
    if (notice_raise(txn, moved ? "domain.moved" : "domain.pending", domain->id, NOTICE_USUAL, text,
                     err) == -1)
        return -1;
    return write_letter(txn, domain, moved ? "domain_moved" : "domain_pending", left, err);
}

static int64_t days_ms(struct txn *txn, const struct conf *conf, const char *setting)
{
    return (int64_t)setting_u64(txn, conf, setting) * DAY_MS;
}

int custom_domain_waits(struct txn *txn, const struct conf *conf, struct custom_domain *domain,
                        struct err *err)
{
    int64_t now = txn_time_ms(txn);

    domain->state = DOMAIN_PENDING;
    domain->pending_at = now;
    domain->reminded_days = domain->misses = 0;
    domain->deadline_at = 0;
    domain->due_at = now;
    custom_domain_reason(domain, "");
    if (domain->via != DOMAIN_VIA_ZONE)
        return 0;
    domain->deadline_at = now + days_ms(txn, conf, "domains.pending_days");
    return domain->zone_status == DOMAIN_ZONE_ACTIVE
               ? 0
               : write_letter(txn, domain, "domain_nameservers", 0, err);
}

/* ---- what was seen ---- */

static void take_provider(struct custom_domain *d, const struct domain_seen *seen, int64_t now)
{
    if (!seen->provider)
        return;
    d->misses = seen->gone ? d->misses + 1 : 0;
    if (seen->activation)
        d->activation_at = now;
    if (seen->gone)
        return;
    if (d->via == DOMAIN_VIA_ZONE) {
        d->zone_status = seen->zone_status;
        if (seen->name_servers[0] != '\0')
            memcpy(d->name_servers, seen->name_servers, sizeof d->name_servers);
    } else {
        memcpy(d->hostname_status, seen->hostname_status, sizeof d->hostname_status);
        memcpy(d->ssl_status, seen->ssl_status, sizeof d->ssl_status);
        memcpy(d->records, seen->records, sizeof d->records);
    }
}

static void take_proof(struct custom_domain *d, const struct domain_seen *seen, int64_t now)
{
    bool delegated =
        d->via == DOMAIN_VIA_ZONE && d->zone_status == DOMAIN_ZONE_ACTIVE && !seen->gone;

    if ((seen->txt && seen->proved) || delegated) {
        if (d->proof == DOMAIN_PROOF_NONE || d->proof_lost_at != 0)
            d->proved_at = now;
        if (d->proof == DOMAIN_PROOF_NONE || delegated)
            d->proof = delegated ? DOMAIN_PROOF_DELEGATION : DOMAIN_PROOF_TXT;
        d->proof_lost_at = 0;
    } else if (d->proof_lost_at == 0 && ((d->proof == DOMAIN_PROOF_TXT && seen->txt) ||
                                         (d->proof == DOMAIN_PROOF_DELEGATION && seen->provider))) {
        d->proof_lost_at = now;
    }
}

static void take(struct custom_domain *d, const struct domain_seen *seen, int64_t now)
{
    take_provider(d, seen, now);
    take_proof(d, seen, now);
    if (seen->servers)
        memcpy(d->name_servers_seen, seen->name_servers_seen, sizeof d->name_servers_seen);
    if (seen->where) {
        memcpy(d->address, seen->address, sizeof d->address);
        d->points = seen->points;
    }
    d->checked_at = now;
}

/* ---- states ---- */

static int lose(struct txn *txn, const struct conf *conf, struct custom_domain *d, struct err *err)
{
    char text[400];

    d->state = DOMAIN_LOST;
    d->lost_at = txn_time_ms(txn);
    d->deadline_at = 0;
    if (d->via == DOMAIN_VIA_ZONE) {
        d->zone_status = DOMAIN_ZONE_DELETED;
        d->deadline_at = d->lost_at + days_ms(txn, conf, "domains.deleted_days");
    }
    (void)str_format(text, sizeof text, "the %s of %.200s is gone at Cloudflare",
                     d->via == DOMAIN_VIA_ZONE ? "zone" : "custom hostname", d->unicode);
    custom_domain_reason(d, text);
    if (notice_clear(txn, "domain.pending", d->id, err) == -1 ||
        notice_clear(txn, "domain.moved", d->id, err) == -1)
        return -1;
    return notice_raise(txn, "domain.deleted", d->id, NOTICE_USUAL, text, err);
}

static void move_away(struct txn *txn, const struct conf *conf, struct custom_domain *d)
{
    d->state = DOMAIN_MOVED;
    d->moved_at = txn_time_ms(txn);
    d->reminded_days = 0;
    d->deadline_at =
        d->via == DOMAIN_VIA_ZONE ? d->moved_at + days_ms(txn, conf, "domains.moved_days") : 0;
    custom_domain_reason(d, "it is led elsewhere now");
}

int custom_domain_answers(struct txn *txn, struct custom_domain *d, struct err *err)
{
    d->state = DOMAIN_ACTIVE;
    d->deadline_at = 0;
    d->reminded_days = 0;
    custom_domain_reason(d, "");
    if (notice_clear_subject(txn, "domain", d->id, err) == -1)
        return -1;
    if (d->active_at != 0)
        return 0;
    d->active_at = txn_time_ms(txn);
    return write_letter(txn, d, "domain_active", 0, err);
}

static bool is_moved(const struct custom_domain *d)
{
    return d->via == DOMAIN_VIA_ZONE ? d->zone_status == DOMAIN_ZONE_MOVED
                                     : str_equal(d->hostname_status, "moved");
}

/* What is still missing, for a person. */
static void say_missing(struct custom_domain *d, const struct domain_seen *seen)
{
    bool txt = d->via != DOMAIN_VIA_ZONE && !proved(d);
    char text[400];

    if (seen->trouble[0] != '\0')
        (void)str_copy(text, sizeof text, seen->trouble);
    else if (d->via == DOMAIN_VIA_ZONE && d->name_servers_seen[0] != '\0' &&
             !custom_domain_same(d->name_servers_seen, d->name_servers))
        (void)str_format(text, sizeof text, "its name servers are still %.300s",
                         d->name_servers_seen);
    else if (d->via == DOMAIN_VIA_ZONE)
        (void)str_copy(text, sizeof text, "Cloudflare has not yet seen its name servers");
    else if (txt)
        (void)str_format(text, sizeof text,
                         "the TXT record " DOMAIN_CHALLENGE_LABEL ".%.250s is not there yet",
                         d->name);
    else if (d->via == DOMAIN_VIA_HOSTNAME)
        (void)str_format(text, sizeof text, "Cloudflare says: %s, certificate %s",
                         d->hostname_status, d->ssl_status);
    else
        (void)str_format(text, sizeof text, "it leads to %.200s, not here",
                         d->address[0] == '\0' ? "nowhere" : d->address);
    custom_domain_reason(d, text);
}

/* A proof by TXT that has been gone for too long: visitors are no longer led. */
static bool proof_is_over(struct txn *txn, const struct conf *conf, const struct custom_domain *d)
{
    return d->proof_lost_at != 0 && d->proof == DOMAIN_PROOF_TXT &&
           d->proof_lost_at + days_ms(txn, conf, "domains.proof_days") <= txn_time_ms(txn);
}

static int tell_proof(struct txn *txn, const struct custom_domain *d, struct err *err)
{
    char text[400];

    if (d->proof != DOMAIN_PROOF_TXT || d->proof_lost_at == 0)
        return notice_clear(txn, "domain.unproved", d->id, err);
    (void)str_format(text, sizeof text,
                     "the TXT record " DOMAIN_CHALLENGE_LABEL ".%.250s is no longer there",
                     d->name);
    return notice_raise(txn, "domain.unproved", d->id, NOTICE_USUAL, text, err);
}

static int move_on(struct txn *txn, const struct conf *conf, struct custom_domain *d,
                   const struct domain_seen *seen, bool *route, struct err *err)
{
    bool up = d->state == DOMAIN_ACTIVE || d->state == DOMAIN_VERIFYING;

    if (d->state != DOMAIN_PENDING && d->state != DOMAIN_MOVED && d->state != DOMAIN_LOST && !up)
        return 0;
    if (d->misses >= DOMAIN_MISSES_MOST)
        return d->state == DOMAIN_LOST ? 0 : lose(txn, conf, d, err);
    if (d->misses > 0)
        return 0;
    if (is_moved(d)) {
        if (d->state != DOMAIN_MOVED)
            move_away(txn, conf, d);
        return 0;
    }
    if (d->state == DOMAIN_MOVED || d->state == DOMAIN_LOST) { /* it is back */
        if (notice_clear_subject(txn, "domain", d->id, err) == -1 ||
            custom_domain_waits(txn, conf, d, err) == -1)
            return -1;
        up = false;
    }
    if (up) {
        if (d->via != DOMAIN_VIA_ZONE && tell_proof(txn, d, err) == -1)
            return -1;
        if (proof_is_over(txn, conf, d)) {
            d->proof = DOMAIN_PROOF_NONE;
            d->proof_lost_at = 0;
            *route = true; /* which now means: off */
            return custom_domain_waits(txn, conf, d, err);
        }
        if (d->state == DOMAIN_VERIFYING && seen->door && seen->answers)
            return custom_domain_answers(txn, d, err);
        if (d->state == DOMAIN_VERIFYING || seen->trouble[0] != '\0')
            custom_domain_reason(d, seen->trouble);
        else if (d->via == DOMAIN_VIA_HOSTNAME && seen->provider && !custom_domain_ready(d))
            say_missing(d, seen);
        else
            custom_domain_reason(d, "");
        return 0;
    }
    *route = custom_domain_ready(d);
    if (*route)
        custom_domain_reason(d, "");
    else
        say_missing(d, seen);
    return 0;
}

/* Often while somebody waits, less often as they let us wait; what stands is looked at some times a
 * day, and what is lost once. */
static int64_t next_look(struct txn *txn, const struct conf *conf, const struct custom_domain *d)
{
    int64_t now = txn_time_ms(txn);
    int64_t often = (int64_t)setting_u64(txn, conf, "domains.check_minutes") * MINUTE_MS;
    int64_t seldom = (int64_t)setting_u64(txn, conf, "domains.recheck_minutes") * MINUTE_MS;
    int64_t age = now - d->pending_at;

    if (d->misses > 0 && d->misses < DOMAIN_MISSES_MOST)
        return now + often;
    switch (d->state) {
    case DOMAIN_PENDING:
        if (age > DAY_MS)
            often = often * 3 > seldom ? seldom : often * 3;
        return now + often;
    case DOMAIN_VERIFYING:
        return now + (often < SOON_MS ? often : SOON_MS);
    case DOMAIN_ACTIVE:
    case DOMAIN_MOVED:
        return now + seldom;
    case DOMAIN_LOST:
        return now + DAY_MS;
    default:
        return 0;
    }
}

int custom_domain_note(struct txn *txn, const struct conf *conf, struct custom_domain *domain,
                       const struct domain_seen *seen, bool *route, struct err *err)
{
    *route = false;
    take(domain, seen, txn_time_ms(txn));
    if (move_on(txn, conf, domain, seen, route, err) == -1 || remind(txn, conf, domain, err) == -1)
        return -1;
    domain->due_at = next_look(txn, conf, domain);
    return custom_domain_put(txn, domain, err);
}
