/*
 * Steps that say who may come in to a tenant. Apart from the ingress because a host name is led
 * somewhere whether or not somebody stands before it, and because it is closed before it is opened:
 * the application comes before the rule and the record, and goes after them.
 */
#include "facts.h"
#include "outside.h"
#include "steps.h"

#include <string.h>

#include "guard.h"
#include "guard_cloudflare.h"
#include "str.h"

/* The policy among the job's secrets: addresses of people are not for its facts. */
#define SECRET_EMAILS  "access_emails"
#define SECRET_DOMAINS "access_domains"
#define SECRET_IPS     "access_ips"
#define SECRET_TERMS   "access_terms" /* login, ips_suffice, session_hours */

bool steps_without_access(const struct job *job)
{
    return kv_get(&job->facts, FACT_ACCESS) == NULL;
}

bool steps_update_without_access(const struct job *job)
{
    return steps_without_access(job) || steps_update_without_name(job);
}

int steps_guard_read(struct txn *txn, struct job *job, void *context, struct err *err)
{
    char hosts[GUARD_HOSTS_SIZE];

    if (steps_tenant_read(txn, job, context, err) == -1 ||
        guard_hosts(txn, kv_get_or(&job->args, "tenant_id", ""), hosts, sizeof hosts, err) == -1)
        return -1;
    return facts_set(job, FACT_GUARD_HOSTS, hosts, err);
}

int steps_access_prepare(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                         struct err *err)
{
    struct access access;
    char terms[48];
    int found = access_get(txn, kv_get_or(&job->args, "tenant_id", ""), &access, err);

    (void)context;
    if (found != 1)
        return found;
    (void)str_format(terms, sizeof terms, "%u%u%u", access.login, access.ips_suffice,
                     access.session_hours);
    if (kv_set(secrets, SECRET_EMAILS, access.emails) == -1 ||
        kv_set(secrets, SECRET_DOMAINS, access.domains) == -1 ||
        kv_set(secrets, SECRET_IPS, access.ips) == -1 || kv_set(secrets, SECRET_TERMS, terms) == -1)
        return err_set(err, ERR_TOO_LARGE, "secrets_full", "the job's secrets are full");
    return 0;
}

static void mark(const struct step_call *call, char *out, size_t size)
{
    (void)str_format(out, size, "sett %s %s", kv_get_or(call->facts, FACT_BOX, "-"),
                     kv_get_or(&call->job->args, "tenant_id", ""));
}

static void wanted(const struct step_call *call, const char *hosts, struct guard_access *want)
{
    const char *terms = kv_get_or(call->secret, SECRET_TERMS, "0024");
    uint64_t hours = 24;

    memset(want, 0, sizeof *want);
    mark(call, want->mark, sizeof want->mark);
    (void)str_copy(want->hosts, sizeof want->hosts, hosts);
    (void)str_copy(want->emails, sizeof want->emails, kv_get_or(call->secret, SECRET_EMAILS, ""));
    (void)str_copy(want->domains, sizeof want->domains,
                   kv_get_or(call->secret, SECRET_DOMAINS, ""));
    (void)str_copy(want->ips, sizeof want->ips, kv_get_or(call->secret, SECRET_IPS, ""));
    want->login = terms[0] == '1';
    want->ips_suffice = terms[1] == '1';
    (void)str_u64(terms + 2, 0, UINT32_MAX, &hours);
    want->session_h = (uint32_t)hours;
}

#define UNDO_ATTEMPTS 6

enum verb { CHECK, MAKE, UNDO };

static enum outcome act(struct step_call *call, enum verb verb, const char *hosts, struct err *err)
{
    struct guard_access want;
    struct providers *p;
    enum outcome outcome = OUTCOME_FAIL;

    wanted(call, hosts, &want);
    p = outside_use(call->outside);
    if (!p->cloudflare_set)
        *err = p->cloudflare_why;
    else if (verb == CHECK)
        outcome = guard_access_check(&p->cloudflare, &want, call->facts, err);
    else if (verb == MAKE)
        outcome = guard_access_make(&p->cloudflare, &want, call->facts, err);
    else
        outcome = guard_access_undo(&p->cloudflare, &want, err);
    outside_done(call->outside, p);
    return outcome;
}

static const char *own(const struct step_call *call)
{
    return kv_get_or(call->facts, FACT_HOSTNAME, "");
}

enum outcome steps_access_check(struct step_call *call, struct err *err)
{
    return act(call, CHECK, own(call), err);
}

enum outcome steps_access_make(struct step_call *call, struct err *err)
{
    return act(call, MAKE, own(call), err);
}

enum outcome steps_access_undo(struct step_call *call, struct err *err)
{
    return act(call, UNDO, own(call), err);
}

enum outcome steps_access_undo_old(struct step_call *call, struct err *err)
{
    return act(call, UNDO, kv_get_or(call->facts, FACT_OLD_HOSTNAME, ""), err);
}

enum outcome steps_access_make_old(struct step_call *call, struct err *err)
{
    return act(call, MAKE, kv_get_or(call->facts, FACT_OLD_HOSTNAME, ""), err);
}

enum outcome steps_access_check_all(struct step_call *call, struct err *err)
{
    return act(call, CHECK, kv_get_or(call->facts, FACT_GUARD_HOSTS, ""), err);
}

enum outcome steps_access_make_all(struct step_call *call, struct err *err)
{
    return act(call, MAKE, kv_get_or(call->facts, FACT_GUARD_HOSTS, ""), err);
}

enum outcome steps_access_undo_all(struct step_call *call, struct err *err)
{
    return act(call, UNDO, "", err);
}

enum outcome steps_access_undo_hosts(struct step_call *call, struct err *err)
{
    return act(call, UNDO, kv_get_or(call->facts, FACT_GUARD_HOSTS, ""), err);
}

enum outcome steps_guard_leave(struct step_call *call, enum outcome outcome, struct err *err)
{
    if (outcome != OUTCOME_FAIL && (outcome != OUTCOME_AGAIN || call->attempt < UNDO_ATTEMPTS))
        return outcome;
    (void)kv_set(call->facts, FACT_GUARD_LEFT, "1");
    (void)str_format(call->note, sizeof call->note, "left: %.300s", err->text);
    return OUTCOME_OK;
}

void steps_guard_why(const struct job *job, bool stands, char *reason, size_t reason_size,
                     char *remedy, size_t remedy_size)
{
    bool undone = job->state == JOB_UNDONE;
    char text[400];

    (void)str_format(text, sizeof text, "%s%.300s",
                     !undone                                        ? ""
                     : kv_get(&job->facts, FACT_GUARD_LEFT) != NULL ? "not all could be undone: "
                     : stands                                       ? "its last change failed: "
                                                                    : "",
                     job->cause);
    str_cut(reason, reason_size, text);
    str_cut(remedy, remedy_size, job->remedy);
}

/* What stood there before cannot be read back from its successor: it stays, and is called failed.
 */
enum outcome steps_access_undo_first(struct step_call *call, struct err *err)
{
    if (kv_get(&call->job->args, "first") == NULL)
        return OUTCOME_OK;
    return steps_guard_leave(call, act(call, UNDO, "", err), err);
}

/* ---- the record ---- */

static int applied(struct txn *txn, const struct job *job, struct err *err)
{
    struct access access;
    int found = access_get(txn, kv_get_or(&job->args, "tenant_id", ""), &access, err);

    if (found != 1)
        return found;
    access.state = GUARD_ACTIVE;
    access.state_reason[0] = access.state_remedy[0] = '\0';
    access.absent = false;
    if (kv_get(&job->facts, GUARD_FACT_AUD) != NULL)
        (void)str_copy(access.aud, sizeof access.aud, kv_get(&job->facts, GUARD_FACT_AUD));
    (void)str_copy(access.team, sizeof access.team, kv_get_or(&job->facts, GUARD_FACT_TEAM, ""));
    str_cut(access.untold, sizeof access.untold, kv_get_or(&job->facts, GUARD_FACT_UNTOLD, ""));
    return access_put(txn, &access, err);
}

static int failed(struct txn *txn, const struct job *job, bool absent, struct err *err)
{
    struct access access;
    int found = access_get(txn, kv_get_or(&job->args, "tenant_id", ""), &access, err);

    if (found != 1)
        return found;
    access.state = GUARD_FAILED;
    access.absent = absent;
    if (absent)
        access.aud[0] = '\0';
    else if (kv_get(&job->facts, GUARD_FACT_AUD) != NULL)
        (void)str_copy(access.aud, sizeof access.aud, kv_get(&job->facts, GUARD_FACT_AUD));
    steps_guard_why(job, !absent, access.state_reason, sizeof access.state_reason,
                    access.state_remedy, sizeof access.state_remedy);
    return access_put(txn, &access, err);
}

static int drop(struct txn *txn, const struct job *job, struct err *err)
{
    struct access access = {0};

    (void)str_copy(access.tenant_id, sizeof access.tenant_id,
                   kv_get_or(&job->args, "tenant_id", ""));
    return record_delete(txn, &access_table, &access, err) == -1 ? -1 : 0;
}

int steps_access_applied(struct txn *txn, struct job *job, void *context, struct err *err)
{
    return applied(txn, job, err) == -1 ? -1 : steps_access_tell(txn, job, context, err);
}

int steps_access_removed(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return drop(txn, job, err);
}

/* Given up by a person it is not there; refused, it stays to say why. */
int steps_access_ended(struct txn *txn, struct job *job, void *context, struct err *err)
{
    bool first = kv_get(&job->args, "first") != NULL && job->state == JOB_UNDONE &&
                 kv_get(&job->facts, FACT_GUARD_LEFT) == NULL;

    (void)context;
    if (job->state != JOB_STUCK && steps_tunnel_follow(txn, job, err) == -1)
        return -1;
    if (job->state == JOB_DONE)
        return 0;
    return first && job->cause[0] == '\0' ? drop(txn, job, err) : failed(txn, job, first, err);
}
