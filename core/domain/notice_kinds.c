/*
 * What can be told to an operator, one row each. Apart from the code that raises them because this
 * is the page that "what does this box watch over?" is answered from, and because many places raise
 * them.
 */
#include "notice.h"

#include <string.h>

#include "str.h"

#define MINUTES 60u
#define HOURS   3600u

/* NAME, SUBJECT, severity, holds s, again s, threshold, unit, below, help, hint */
#define KIND(name_, subject_, severity_, hold_, again_, help_, hint_)                              \
    {                                                                                              \
        .name = (name_), .subject = (subject_), .severity = (severity_), .hold_s = (hold_),        \
        .resend_s = (again_), .help = (help_), .hint = (hint_)                                     \
    }
#define FIGURE(name_, subject_, severity_, hold_, again_, threshold_, unit_, help_, hint_)         \
    {                                                                                              \
        .name = (name_), .subject = (subject_), .severity = (severity_), .hold_s = (hold_),        \
        .resend_s = (again_), .threshold = (threshold_), .unit = (unit_), .help = (help_),         \
        .hint = (hint_)                                                                            \
    }

const struct notice_kind notice_kinds[] = {
    FIGURE("subscription.unprovisioned", "subscription", NOTICE_CRITICAL, 0, 1 * HOURS, 10, "min",
           "paid for so long, and no tenant answers", "look at its job: sett subscription show ID"),
    KIND("subscription.flagged", "subscription", NOTICE_WARNING, 0, 0,
         "something about a subscription needs a person", "sett subscription show ID"),
    KIND("plan.price", "plan", NOTICE_WARNING, 0, 24 * HOURS,
         "a plan that is offered cannot be bought, for what Stripe says of its price",
         "sett plan show ID names the cause; sett plan update ID --stripe-price price_…"),
    KIND("job.stuck", "job", NOTICE_CRITICAL, 0, 4 * HOURS, "a job needs a person",
         "sett job show ID names the cause; then sett job retry ID, or sett job resolve ID --how "
         "undo"),
    KIND("event.failed", "event", NOTICE_CRITICAL, 0, 4 * HOURS,
         "a payment's event could not be applied",
         "sett event show ID names the cause; then sett event replay ID"),
    KIND("tenant.degraded", "tenant", NOTICE_INFO, 5 * MINUTES, 0,
         "a tenant's program answers badly now and then", "sett tenant logs ID"),
    KIND("tenant.unhealthy", "tenant", NOTICE_CRITICAL, 2 * MINUTES, 4 * HOURS,
         "a tenant's program answers with errors", "sett tenant logs ID; sett tenant restart ID"),
    KIND("tenant.unreachable", "tenant", NOTICE_CRITICAL, 2 * MINUTES, 4 * HOURS,
         "a tenant does not answer", "sett tenant logs ID; sett tenant restart ID"),
    KIND("tenant.restarts", "tenant", NOTICE_CRITICAL, 0, 4 * HOURS,
         "a tenant was restarted too often and is left alone now", "sett tenant logs ID"),
    FIGURE("tenant.cpu", "tenant", NOTICE_WARNING, 15 * MINUTES, 12 * HOURS, 95, "%",
           "a tenant uses so much of its processor share", "offer a larger plan"),
    FIGURE("tenant.memory", "tenant", NOTICE_WARNING, 5 * MINUTES, 12 * HOURS, 95, "%",
           "a tenant uses so much of its memory", "offer a larger plan"),
    FIGURE("tenant.storage", "tenant", NOTICE_WARNING, 5 * MINUTES, 24 * HOURS, 90, "%",
           "a tenant uses so much of its storage", "offer a larger plan"),
    KIND("engine.away", "engine", NOTICE_CRITICAL, 1 * MINUTES, 4 * HOURS,
         "a container engine on another machine does not answer",
         "sett engine test NAME says what is wrong"),
    KIND("tunnel.down", "tunnel", NOTICE_CRITICAL, 2 * MINUTES, 4 * HOURS,
         "a tunnel's connector is not connected", "sett tunnel probe ID"),
    KIND("health.common", "box", NOTICE_CRITICAL, 30, 1 * HOURS,
         "many fail at once: a cause in common", "sett system health; sett doctor"),
    KIND("tunnel.quota", "box", NOTICE_WARNING, 0, 24 * HOURS,
         "the provider's limit of tunnels or records is near", "use a shared tunnel"),
    KIND("domain.pending", "domain", NOTICE_WARNING, 0, 0,
         "a customer's domain still waits for its name servers", "sett domain show NAME"),
    KIND("domain.moved", "domain", NOTICE_CRITICAL, 0, 24 * HOURS,
         "a customer's domain was led away; its zone will be deleted", "sett domain show NAME"),
    KIND("domain.deleted", "domain", NOTICE_CRITICAL, 0, 0, "a customer's zone is gone",
         "sett domain show NAME"),
    KIND("domain.unproved", "domain", NOTICE_WARNING, 0, 0,
         "the record that proves a customer's domain is no longer there", "sett domain show NAME"),
    KIND("drift.found", "drift", NOTICE_WARNING, 0, 24 * HOURS,
         "what is outside is not what the records say", "sett drift list"),
    KIND("backup.age", "box", NOTICE_CRITICAL, 0, 12 * HOURS,
         "for 26 hours there was no snapshot that was verified",
         "sett snapshot rounds and sett snapshot list say why; sett snapshot create"),
    KIND("backup.failed", "box", NOTICE_WARNING, 0, 12 * HOURS, "the last snapshot failed",
         "sett snapshot list names the cause; sett snapshot create"),
    KIND("backup.tenant", "tenant", NOTICE_WARNING, 0, 24 * HOURS,
         "the last snapshot of this tenant alone failed",
         "sett snapshot list names the cause; sett snapshot create --tenant ID"),
    KIND("backup.quiet", "tenant", NOTICE_WARNING, 0, 24 * HOURS,
         "what a blueprint says under [backup] failed, and the files were read nonetheless",
         "try its commands in the tenant; sett snapshot show NUMBER names it"),
    KIND("backup.vault", "vault", NOTICE_CRITICAL, 0, 12 * HOURS,
         "a vault cannot be used: snapshots are missing there", "sett vault test NAME"),
    KIND("backup.copy", "vault", NOTICE_CRITICAL, 0, 12 * HOURS,
         "snapshots in a vault are missing or damaged there", "sett snapshot show NUMBER"),
    KIND("backup.drill", "vault", NOTICE_CRITICAL, 0, 24 * HOURS,
         "a snapshot could not be restored in a drill", "sett drill list; sett snapshot drill"),
    FIGURE("box.cpu", "box", NOTICE_WARNING, 10 * MINUTES, 12 * HOURS, 90, "%",
           "the box's processors are so busy", "sett system stats"),
    FIGURE("box.memory", "box", NOTICE_WARNING, 10 * MINUTES, 12 * HOURS, 90, "%",
           "so much of the box's memory is in use", "sett system stats"),
    FIGURE("box.disk", "box", NOTICE_CRITICAL, 2 * MINUTES, 4 * HOURS, 85, "%",
           "so much of the disk of the store or the tenants is in use",
           "make room; if nothing can be written any more: sett unstick"),
    FIGURE("box.store", "box", NOTICE_CRITICAL, 0, 4 * HOURS, 70, "%",
           "so much of the store's map is in use; above 80 % nothing new begins",
           "sett system database"),
    FIGURE("box.errors", "box", NOTICE_WARNING, 5 * MINUTES, 4 * HOURS, 5, "%",
           "so many of the events and jobs of ten minutes failed",
           "sett job list --state stuck; sett event list --state failed"),
    {.name = "box.certificate",
     .subject = "certificate",
     .severity = NOTICE_WARNING,
     .resend_s = 24 * HOURS,
     .threshold = 14,
     .unit = "days",
     .below = true,
     .help = "a certificate ends within so many days",
     .hint = "renew it, and see why that did not happen by itself"},
    KIND("box.twin", "tunnel", NOTICE_CRITICAL, 0, 1 * HOURS,
         "a second box runs the same tunnels: visitors come out at either",
         "switch the other one off, or take it off the network; sett tunnel status NAME"),
    FIGURE("cloudflare.quota", "quota", NOTICE_WARNING, 0, 24 * HOURS, 80, "%",
           "so much of what there may be at Cloudflare is used", "sett cloudflare quotas"),
    KIND("channel.failing", "channel", NOTICE_WARNING, 0, 24 * HOURS,
         "alerts cannot be delivered over a channel", "sett channel test NAME"),
    KIND("mail.delayed", "box", NOTICE_CRITICAL, 0, 12 * HOURS,
         "mails to customers do not get through",
         "sett mail log --state queued names the cause; are smtp.url and smtp.password right?"),
    KIND("mail.failed", "message", NOTICE_WARNING, 0, 0, "a mail to a customer was given up",
         "sett mail show ID names the cause; then sett mail resend ID"),
};
const size_t notice_kind_count = sizeof notice_kinds / sizeof notice_kinds[0];

const struct notice_kind *notice_kind_find(const char *name)
{
    for (size_t i = 0; i < notice_kind_count; i++)
        if (str_equal(notice_kinds[i].name, name))
            return &notice_kinds[i];
    return NULL;
}

/* The length of a word in capitals that stands for the subject, or 0. */
static size_t placeholder(const char *s)
{
    static const char *const words[] = {"ID", "NAME"};
    size_t n = 0;

    while (s[n] >= 'A' && s[n] <= 'Z')
        n++;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == n && strncmp(s, words[i], n) == 0)
            return n;
    return 0;
}

void notice_hint(const struct notice *notice, char out[NOTICE_HINT_SIZE])
{
    const struct notice_kind *kind = notice_kind_find(notice->kind);
    const char *hint = kind == NULL ? "" : kind->hint;
    size_t used = 0, n;

    for (const char *s = hint; *s != '\0' && used + 1 < NOTICE_HINT_SIZE;) {
        bool begins = s == hint || s[-1] == ' ';
        if (begins && notice->subject_id[0] != '\0' && (n = placeholder(s)) != 0) {
            (void)str_format(out + used, NOTICE_HINT_SIZE - used, "%s", notice->subject_id);
            used += strlen(out + used);
            s += n;
        } else
            out[used++] = *s++;
    }
    out[used] = '\0';
}
