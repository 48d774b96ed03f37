/*
 * The frame of a change of rules. Apart from the operations because there are two kinds of them:
 * one rule, and the whole list.
 */
#include "rule_edit.h"

#include <string.h>

#include "custom_domain.h"
#include "object.h"
#include "rule_past.h"
#include "rule_show.h"
#include "shared.h"
#include "str.h"

int rule_edit_meaning(struct op_call *call, const struct tunnel *tunnel,
                      struct cloudflared_config *config, struct err *err)
{
    return shared_wanted(call->txn, tunnel, false, config, err);
}

int rule_edit_begin(struct op_call *call, const char *which, struct rule_edit *e, struct err *err)
{
    memset(e, 0, sizeof *e);
    if (object_get(call, &tunnel_table, which, &e->tunnel, err) != 0)
        return -1;
    if (e->tunnel.state == TUNNEL_DELETED || e->tunnel.state == TUNNEL_DELETING)
        return err_set(err, ERR_CONFLICT, "tunnel_deleted", "tunnel %s is %s", e->tunnel.name,
                       tunnel_state_names[e->tunnel.state]);
    if (!str_equal(e->tunnel.ingress, "cloudflare")) {
        (void)err_set(err, ERR_CONFLICT, "no_rules_here",
                      "tunnel %s is a route of the box's own web server, which has one host name "
                      "and one service",
                      e->tunnel.name);
        return err_hint(err, "rules need a tunnel whose ingress is cloudflare");
    }
    if (e->tunnel.shared) {
        (void)err_set(err, ERR_CONFLICT, "tunnel_shared",
                      "the rules of the shared tunnel %s are those of the routes that go by it",
                      e->tunnel.name);
        return err_hint(err, "give the rule to one of these: sett tunnel list");
    }
    if (rule_past_keep(call->txn, &e->tunnel, call->actor.id, err) == -1)
        return -1;
    return call->planned == NULL ? 0 : rule_edit_meaning(call, &e->tunnel, &e->before, err);
}

/* The change is counted and its job started; a plan is shown what it comes to. */
int rule_edit_end(struct op_call *call, struct rule_edit *e, struct err *err)
{
    struct cloudflared_config after = {0};
    struct job job = {0};
    int result = 0;

    (void)str_copy(job.actor, sizeof job.actor, call->actor.id);
    (void)str_copy(job.request_id, sizeof job.request_id, call->actor.request_id);
    if (rule_changed(call->txn, &e->tunnel, &job, err) == -1)
        return -1;
    if (call->planned != NULL) {
        if (str_equal(job.saga, "tunnel.configure"))
            *call->planned = job;
        result = rule_edit_meaning(call, &e->tunnel, &after, err);
        if (result == 0)
            rule_show_change(&e->before, &after, &call->preview);
        cloudflared_free(&after);
    }
    if (job.id[0] == '\0') {
        call->status = 200; /* it is not running: its next start brings them */
        return result;
    }
    (void)str_copy(call->job_id, sizeof call->job_id, job.id);
    (void)str_format(call->location, sizeof call->location, "/api/jobs/%s", job.id);
    call->wake = true;
    return result;
}

/* A host name that another tunnel serves leads there: its DNS record is that one's. */
int rule_edit_host_free(struct op_call *call, const struct tunnel *tunnel, const struct rule *rule,
                        struct err *err)
{
    struct tunnel other = {0};
    struct scan scan;
    int got;

    if (rule->is.hostname[0] == '\0')
        return 0;
    if (custom_domain_free(call->txn, rule->is.hostname, tunnel->tenant_id, err) != 0)
        return -1;
    (void)str_copy(other.hostname, sizeof other.hostname, rule->is.hostname);
    if (scan_start(&scan, call->txn, &tunnel_table, "hostname", &other, 1, false, err) != 0)
        return -1;
    while ((got = scan_next(&scan, &other, err)) == 1)
        if (other.state != TUNNEL_DELETED && !str_equal(other.id, tunnel->id)) {
            err_set(err, ERR_CONFLICT, "hostname_taken", "%s is served by tunnel %s",
                    rule->is.hostname, other.name);
            (void)str_copy(err->field, sizeof err->field, "hostname");
            return -1;
        }
    return got;
}
