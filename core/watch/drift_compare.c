/*
 * Comparing. Apart from the looking, since here nothing waits: short read transactions, one slice
 * of tenants, tunnels or things at a time. First what the records want and is not so, then what is
 * there and no record wants.
 */
#include "drift_compare.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "job_start.h"
#include "str.h"
#include "tenant.h"
#include "tunnel.h"

#define SLICE     200 /* records or things in one read transaction */
#define HELD_SAID 3   /* of those passed over, how many are named */

struct compare {
    struct drift_found *out;
    const struct drift_actual *actual;
    struct txn *txn;
    struct job job; /* scratch */
};

/* ---- one finding ---- */

struct drift *drift_finding(struct drift_found *out, enum drift_kind kind,
                            enum drift_verdict verdict)
{
    size_t room = out->room == 0 ? 16 : out->room * 2;
    struct drift *more;

    if (out->count == DRIFT_FOUND_MAX) {
        out->full = true;
        return NULL;
    }
    if (out->count == out->room) {
        if ((more = reallocarray(out->at, room, sizeof *more)) == NULL) {
            out->full = true;
            return NULL;
        }
        out->at = more;
        out->room = room;
    }
    more = &out->at[out->count++];
    memset(more, 0, sizeof *more);
    more->kind = (uint32_t)kind;
    more->verdict = (uint32_t)verdict;
    return more;
}

static struct drift *finding(struct compare *c, enum drift_kind kind, enum drift_verdict verdict)
{
    return drift_finding(c->out, kind, verdict);
}

static void say(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void say(char *out, size_t size, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    str_cut(out, size, text);
}
#define SAY(member_, ...) say(member_, sizeof(member_), __VA_ARGS__)

void drift_held(struct drift_found *out, const char *id, const char *what, const struct job *job)
{
    size_t len = strlen(out->held_why);
    uint32_t known = out->held < DRIFT_HELD_MAX ? out->held : DRIFT_HELD_MAX;
    const char *sep = len == 0 ? "" : "; ";

    for (uint32_t i = 0; i < known; i++)
        if (str_equal(out->held_ids[i], id))
            return;
    if (out->held < DRIFT_HELD_MAX)
        (void)str_copy(out->held_ids[out->held], ID_SIZE, id);
    if (out->held++ >= HELD_SAID)
        return;
    if (job == NULL)
        (void)str_format(out->held_why + len, sizeof out->held_why - len,
                         "%s%.60s: changed meanwhile", sep, what);
    else
        (void)str_format(out->held_why + len, sizeof out->held_why - len, "%s%.60s: %s %s is %s",
                         sep, what, job->saga, job->id, job_state_names[job->state]);
}

/* Whether somebody is at work on it. Return 1, 0 or -1. */
static int busy(struct compare *c, const char *kind, const char *id, struct err *err)
{
    return id[0] == '\0' ? 0 : job_of_subject(c->txn, kind, id, &c->job, err);
}

/* Whether it was worked on since the looking began, or is. A tenant's record also changes when its
 * health does, which says nothing: its newest job tells. 1, 0 or -1. */
static int tenant_moves(struct compare *c, const struct tenant *t, struct err *err)
{
    int found = busy(c, "tenant", t->id, err);
    bool held = found == 1;
    char what[80];

    if (found == 0 && t->job_id[0] != '\0') {
        memcpy(c->job.id, t->job_id, sizeof c->job.id);
        if ((found = record_get(c->txn, &job_table, &c->job, err)) == 1)
            found = c->job.ended_at >= c->actual->at;
    }
    if (found != 1)
        return found;
    (void)str_format(what, sizeof what, "tenant %llu", (unsigned long long)t->number);
    drift_held(c->out, t->id, what, held ? &c->job : NULL);
    return 1;
}

static int tunnel_moves(struct compare *c, const struct tunnel *t, struct err *err)
{
    int moves = busy(c, "tunnel", t->id, err);
    bool held;
    char what[80];

    if (moves == 0)
        moves = busy(c, "tenant", t->tenant_id, err);
    held = moves == 1;
    if (moves == 0)
        moves = t->updated_at >= c->actual->at;
    if (moves != 1)
        return moves;
    (void)str_format(what, sizeof what, "tunnel %.60s",
                     t->hostname[0] == '\0' ? t->name : t->hostname);
    drift_held(c->out, t->id, what, held ? &c->job : NULL);
    return 1;
}

/* ---- tenants: what should run ---- */

static const struct actual_thing *program_of(const struct drift_actual *a, const struct tenant *t)
{
    size_t count;
    const struct actual_thing *at = drift_actual_things(a, DRIFT_RUNTIME, t->number, &count);
    char runs_in[TENANT_RUNS_SIZE];

    tenant_runs_in(t, runs_in);
    for (size_t i = 0; i < count; i++)
        if ((t->runtime[0] == '\0' || str_equal(at[i].name, runs_in)) &&
            !str_equal(at[i].state, "absent"))
            return &at[i];
    return NULL;
}

static void note_program(struct compare *c, const struct tenant *t, const struct actual_thing *at,
                         bool run)
{
    struct drift *d = finding(c, DRIFT_RUNTIME, at == NULL ? DRIFT_MISSING : DRIFT_DIFFERS);
    char runs_in[TENANT_RUNS_SIZE];

    if (d == NULL)
        return;
    tenant_runs_in(t, runs_in);
    SAY(d->thing, "%s %llu", runs_in, (unsigned long long)t->number);
    tenant_mark(d->name, t->number);
    memcpy(d->tenant_id, t->id, sizeof d->tenant_id);
    SAY(d->desired, run ? "%s, running, on port %u" : "%s, stopped", runs_in, t->port);
    SAY(d->recorded, "tenant %s, %s", tenant_state_names[t->state], tenant_health_names[t->health]);
    if (at == NULL)
        SAY(d->actual, "not there");
    else
        SAY(d->actual, "%s, %s", at->name, at->state);
    SAY(d->remedy,
        run ? "make what is missing and start it; its data stays" : "stop it; its data stays");
}

static int compare_tenant(struct compare *c, const struct tenant *t, struct err *err)
{
    bool run = t->state == TENANT_ACTIVE || t->state == TENANT_PAST_DUE;
    char runs_in[TENANT_RUNS_SIZE];
    const struct actual_thing *at;
    int moves;

    tenant_runs_in(t, runs_in);
    if ((!run && t->state != TENANT_SUSPENDED) || !drift_actual_reads(c->actual, runs_in))
        return 0;
    if ((moves = tenant_moves(c, t, err)) != 0)
        return moves == 1 ? 0 : -1;
    c->out->looked++;
    at = program_of(c->actual, t);
    if (run != (at != NULL && str_equal(at->state, "running")))
        note_program(c, t, at, run);
    return 0;
}

/* ---- tunnels: what should lead where ---- */

static void own(struct drift *d, const struct tunnel *t)
{
    memcpy(d->tunnel_id, t->id, sizeof d->tunnel_id);
    memcpy(d->tenant_id, t->tenant_id, sizeof d->tenant_id);
    SAY(d->name, "%s", t->hostname[0] == '\0' ? t->name : t->hostname);
}

static void compare_provider(struct compare *c, const struct tunnel *t)
{
    const struct cloudflare_record *r;
    struct drift *d;
    char target[CLOUDFLARE_ID_SIZE + 32];

    if (t->cf_tunnel[0] != '\0' && drift_actual_tunnel(c->actual, t->cf_tunnel) == NULL &&
        (d = finding(c, DRIFT_TUNNEL, DRIFT_MISSING)) != NULL) {
        own(d, t);
        SAY(d->thing, "tunnel %s", t->cf_tunnel);
        SAY(d->desired, "tunnel %s at Cloudflare", t->name);
        SAY(d->recorded, "tunnel %s", t->cf_tunnel);
        SAY(d->actual, "not there");
        SAY(d->remedy, "make it anew, with its rules, connector and record");
    }
    if (t->cf_record[0] == '\0' || t->cf_tunnel[0] == '\0' ||
        !str_equal(t->cf_zone, c->actual->zone))
        return; /* it has no record, or one that was not looked for */
    (void)str_format(target, sizeof target, "%s.cfargotunnel.com", t->cf_tunnel);
    r = drift_actual_record(c->actual, t->cf_record);
    if (r != NULL && str_equal_nocase(r->content, target) && r->proxied &&
        str_equal(r->type, "CNAME"))
        return;
    if ((d = finding(c, DRIFT_DNS, r == NULL ? DRIFT_MISSING : DRIFT_DIFFERS)) == NULL)
        return;
    own(d, t);
    SAY(d->thing, "record %s", t->cf_record);
    SAY(d->desired, "CNAME %s to %s, proxied", t->hostname, target);
    SAY(d->recorded, "record %s in zone %s", t->cf_record, t->cf_zone);
    if (r == NULL)
        SAY(d->actual, "no record of this id that bears our mark");
    else
        SAY(d->actual, "%s %s to %.160s%s", r->type, r->name, r->content,
            r->proxied ? ", proxied" : ", not proxied");
    SAY(d->remedy, "%s", r == NULL ? "make it anew" : "replace it by the one that is desired");
}

static void compare_connector(struct compare *c, const struct tunnel *t)
{
    size_t count;
    const struct actual_thing *at =
        drift_actual_things(c->actual, DRIFT_CONNECTOR, t->number, &count);
    struct drift *d;

    if (at != NULL && str_equal(at->state, "running"))
        return;
    if ((d = finding(c, DRIFT_CONNECTOR, at == NULL ? DRIFT_MISSING : DRIFT_DIFFERS)) == NULL)
        return;
    own(d, t);
    SAY(d->thing, "connector %llu", (unsigned long long)t->number);
    SAY(d->desired, "running");
    SAY(d->recorded, "tunnel %s", tunnel_state_names[t->state]);
    SAY(d->actual, "%s", at == NULL ? "not there" : at->state);
    SAY(d->remedy, "start it");
}

static void compare_route(struct compare *c, const struct tunnel *t, bool maintenance)
{
    const char *port = strrchr(t->service, ':'), *state = maintenance ? "maintenance" : "open";
    size_t count;
    const struct actual_thing *at = drift_actual_things(c->actual, DRIFT_ROUTE, t->number, &count);
    struct drift *d;

    for (; count > 0 && !str_equal(at->name, t->hostname); count--)
        at++;
    if (port == NULL || (count > 0 && str_equal(at->id, port + 1) && str_equal(at->state, state)))
        return;
    if ((d = finding(c, DRIFT_ROUTE, count == 0 ? DRIFT_MISSING : DRIFT_DIFFERS)) == NULL)
        return;
    own(d, t);
    SAY(d->thing, "route %llu %s", (unsigned long long)t->number, t->hostname);
    SAY(d->desired, "to port %s, %s", port + 1, state);
    SAY(d->recorded, "tunnel %s", tunnel_state_names[t->state]);
    if (count == 0)
        SAY(d->actual, "not in the web server's map");
    else
        SAY(d->actual, "to port %s, %s", at->id, at->state);
    SAY(d->remedy, "put the line back into the web server's map");
}

/* Whether visitors of its tenant get the page of maintenance. 1, 0 or -1. */
static int in_maintenance(struct compare *c, const struct tunnel *t, struct err *err)
{
    struct tenant tenant = {0};
    int found;

    if (t->tenant_id[0] == '\0')
        return 0;
    (void)str_copy(tenant.id, sizeof tenant.id, t->tenant_id);
    if ((found = record_get(c->txn, &tenant_table, &tenant, err)) != 1)
        return found;
    return tenant.maintenance;
}

static int compare_tunnel(struct compare *c, const struct tunnel *t, struct err *err)
{
    bool cloudflare = str_equal(t->ingress, "cloudflare");
    int moves, maintenance;

    if (t->state != TUNNEL_ACTIVE)
        return 0;
    if ((moves = tunnel_moves(c, t, err)) != 0)
        return moves == 1 ? 0 : -1;
    if ((maintenance = in_maintenance(c, t, err)) == -1)
        return -1;
    c->out->looked++;
    if (t->carrier_id[0] != '\0') /* what it goes by is compared with its carrier */
        return 0;
    if (cloudflare && c->actual->cloudflare_read)
        compare_provider(c, t);
    if (c->actual->hands_read && !cloudflare)
        compare_route(c, t, maintenance == 1);
    else if (c->actual->hands_read && !t->elsewhere)
        compare_connector(c, t);
    return 0;
}

/* ---- what is there and no record wants ---- */

/* Whose a number is, for what is found. Return 1 when that one should not have it, 0, or -1. */
static int unwanted_by_tenant(struct compare *c, const struct actual_thing *at, struct drift *d,
                              struct err *err)
{
    char runs_in[TENANT_RUNS_SIZE];
    struct tenant tenant = {.number = at->number};
    int found = record_find(c->txn, &tenant_table, "number", &tenant, err), moves;

    if (found == -1)
        return -1;
    if (found == 0) {
        SAY(d->recorded, "no tenant has the number %llu", (unsigned long long)at->number);
        if (str_starts(at->tenant_id, "tn_"))
            (void)str_copy(d->tenant_id, sizeof d->tenant_id, at->tenant_id);
        return 1;
    }
    if ((moves = tenant_moves(c, &tenant, err)) != 0)
        return moves == 1 ? 0 : -1;
    memcpy(d->tenant_id, tenant.id, sizeof d->tenant_id);
    SAY(d->recorded, "tenant %s, %s", tenant.id, tenant_state_names[tenant.state]);
    if (tenant.state == TENANT_DELETED)
        return 1;
    tenant_runs_in(&tenant, runs_in);
    return at->kind == DRIFT_RUNTIME && tenant.runtime[0] != '\0' &&
           !str_equal(runs_in, at->name) &&
           (tenant.state == TENANT_ACTIVE || tenant.state == TENANT_PAST_DUE ||
            tenant.state == TENANT_SUSPENDED);
}

static int unwanted_by_tunnel(struct compare *c, const struct actual_thing *at, struct drift *d,
                              struct err *err)
{
    struct tunnel tunnel = {.number = at->number};
    int found = record_find(c->txn, &tunnel_table, "number", &tunnel, err), moves;

    if (found == -1)
        return -1;
    if (found == 0) {
        SAY(d->recorded, "no tunnel has the number %llu", (unsigned long long)at->number);
        return 1;
    }
    if ((moves = tunnel_moves(c, &tunnel, err)) != 0)
        return moves == 1 ? 0 : -1;
    memcpy(d->tunnel_id, tunnel.id, sizeof d->tunnel_id);
    memcpy(d->tenant_id, tunnel.tenant_id, sizeof d->tenant_id);
    SAY(d->recorded, "tunnel %s, %s", tunnel.id, tunnel_state_names[tunnel.state]);
    return tunnel.state == TUNNEL_DELETED;
}

static void name_thing(const struct actual_thing *at, struct drift *d)
{
    switch (at->kind) {
    case DRIFT_RUNTIME:
        SAY(d->thing, "%s %llu", at->name, (unsigned long long)at->number);
        tenant_mark(d->name, at->number);
        SAY(d->actual, "%s %s%s%.80s", at->name, at->state, str_equal(at->id, "-") ? "" : ", ",
            str_equal(at->id, "-") ? "" : at->id);
        SAY(d->remedy, "remove it, but not its data");
        break;
    case DRIFT_FOLDER:
        SAY(d->thing, "folder %llu", (unsigned long long)at->number);
        SAY(d->name, "tenants/%llu", (unsigned long long)at->number);
        SAY(d->actual, "a folder with what a tenant left");
        SAY(d->remedy, "delete the folder with all that is in it, for good");
        break;
    case DRIFT_CONNECTOR:
        SAY(d->thing, "connector %llu", (unsigned long long)at->number);
        hands_unit_name(d->name, at->number);
        SAY(d->actual, "%s", at->state);
        SAY(d->remedy, "stop it and forget its token");
        break;
    default:
        SAY(d->thing, "route %llu %.150s", (unsigned long long)at->number, at->name);
        SAY(d->name, "%s", at->name);
        SAY(d->actual, "to port %s, %s", at->id, at->state);
        SAY(d->remedy, "take the line out of the web server's map");
        break;
    }
    SAY(d->desired, "not there");
}

static int compare_thing(struct compare *c, const struct actual_thing *at, struct err *err)
{
    bool tenants = at->kind == DRIFT_RUNTIME || at->kind == DRIFT_FOLDER;
    struct drift draft = {0}, *d;
    int unwanted =
        tenants ? unwanted_by_tenant(c, at, &draft, err) : unwanted_by_tunnel(c, at, &draft, err);

    if (unwanted != 1 || (d = finding(c, (enum drift_kind)at->kind, DRIFT_ORPHAN)) == NULL)
        return unwanted == -1 ? -1 : 0;
    memcpy(d->tenant_id, draft.tenant_id, sizeof d->tenant_id);
    memcpy(d->tunnel_id, draft.tunnel_id, sizeof d->tunnel_id);
    memcpy(d->recorded, draft.recorded, sizeof d->recorded);
    name_thing(at, d);
    return 0;
}

/* The second word behind our mark is the id of whom the record is for: "sett BOX tun_… job_…". */
static int compare_record(struct compare *c, const struct cloudflare_record *r, struct err *err)
{
    const char *id = r->comment + strlen("sett ") + strlen(c->actual->box_id) + 1;
    struct tunnel tunnel = {0};
    struct drift *d;
    int found, moves;

    if (!str_starts(id, "tun_") ||
        str_copy_n(tunnel.id, sizeof tunnel.id, id, strcspn(id, " ")) == -1)
        return 0; /* not a tunnel's: whoever made it looks after it */
    if ((found = record_get(c->txn, &tunnel_table, &tunnel, err)) == -1)
        return -1;
    if (found == 1) {
        if ((moves = tunnel_moves(c, &tunnel, err)) != 0)
            return moves == 1 ? 0 : -1;
        if (tunnel.state != TUNNEL_DELETED && str_equal_nocase(tunnel.hostname, r->name))
            return 0;
        if (tunnel.state != TUNNEL_DELETED && str_equal(tunnel.cf_record, r->id))
            return 0;
    }
    if ((d = finding(c, DRIFT_DNS, DRIFT_ORPHAN)) == NULL)
        return 0;
    SAY(d->thing, "record %s", r->id);
    SAY(d->name, "%s", r->name);
    if (found == 1) {
        memcpy(d->tunnel_id, tunnel.id, sizeof d->tunnel_id);
        memcpy(d->tenant_id, tunnel.tenant_id, sizeof d->tenant_id);
    }
    SAY(d->desired, "not there");
    SAY(d->recorded, "%s %s", found == 1 ? "tunnel" : "there is no tunnel",
        found == 1 ? tunnel_state_names[tunnel.state] : tunnel.id);
    SAY(d->actual, "%s %s to %.160s", r->type, r->name, r->content);
    SAY(d->remedy, "delete the record");
    return 0;
}

/* A tunnel at the provider says no more of whose it is than its name. It is ours for certain when a
 * deleted tunnel's record still names it. */
static int compare_deleted(struct compare *c, const struct tunnel *t, struct err *err)
{
    const struct cloudflare_tunnel *at;
    struct drift *d;
    int moves;

    if (t->state != TUNNEL_DELETED || t->cf_tunnel[0] == '\0' || !c->actual->cloudflare_read ||
        (at = drift_actual_tunnel(c->actual, t->cf_tunnel)) == NULL)
        return 0;
    if ((moves = tunnel_moves(c, t, err)) != 0)
        return moves == 1 ? 0 : -1;
    if ((d = finding(c, DRIFT_TUNNEL, DRIFT_ORPHAN)) == NULL)
        return 0;
    own(d, t);
    SAY(d->thing, "tunnel %s", at->id);
    SAY(d->name, "%s", at->name);
    SAY(d->desired, "not there");
    SAY(d->recorded, "tunnel deleted");
    SAY(d->actual, "%s, %s", at->name, at->status);
    SAY(d->remedy, "delete the tunnel at Cloudflare");
    return 0;
}

/* ---- the walks ---- */

static int walk_tenants(struct compare *c, struct db *db, struct err *err)
{
    struct tenant tenant = {0};
    struct scan scan;
    int got = 1;

    for (bool first = true; got == 1; first = false) {
        if (db_read(&c->txn, db, err) == -1)
            return -1;
        if (scan_start(&scan, c->txn, &tenant_table, NULL, NULL, 0, false, err) == -1 ||
            (!first && scan_after(&scan, &tenant, err) == -1))
            got = -1;
        for (int i = 0; i < SLICE && got == 1; i++)
            if ((got = scan_next(&scan, &tenant, err)) == 1 &&
                compare_tenant(c, &tenant, err) == -1)
                got = -1;
        db_read_end(c->txn);
    }
    return got;
}

static int walk_tunnels(struct compare *c, struct db *db, struct err *err)
{
    struct tunnel tunnel = {0};
    struct scan scan;
    int got = 1;

    for (bool first = true; got == 1; first = false) {
        if (db_read(&c->txn, db, err) == -1)
            return -1;
        if (scan_start(&scan, c->txn, &tunnel_table, NULL, NULL, 0, false, err) == -1 ||
            (!first && scan_after(&scan, &tunnel, err) == -1))
            got = -1;
        for (int i = 0; i < SLICE && got == 1; i++)
            if ((got = scan_next(&scan, &tunnel, err)) == 1 &&
                (compare_tunnel(c, &tunnel, err) == -1 || compare_deleted(c, &tunnel, err) == -1))
                got = -1;
        db_read_end(c->txn);
    }
    return got;
}

/* One slice of what is there, from ${at}. */
static int walk_slice(struct compare *c, size_t from, bool records, struct err *err)
{
    size_t count = records ? c->actual->record_count : c->actual->thing_count;

    for (size_t i = from; i < count && i < from + SLICE; i++) {
        const struct actual_thing *at = records ? NULL : &c->actual->things[i];

        if (records && compare_record(c, &c->actual->records[i], err) == -1)
            return -1;
        /* A container and its network are one. */
        if (!records &&
            !(i > 0 && at[-1].kind == at->kind && at[-1].number == at->number &&
              str_equal(at[-1].name, at->name)) &&
            compare_thing(c, at, err) == -1)
            return -1;
    }
    return 0;
}

static int walk_actual(struct compare *c, struct db *db, bool records, struct err *err)
{
    size_t count = records ? c->actual->record_count : c->actual->thing_count;
    int rc = 0;

    for (size_t at = 0; rc == 0 && at < count; at += SLICE) {
        if (db_read(&c->txn, db, err) == -1)
            return -1;
        rc = walk_slice(c, at, records, err);
        db_read_end(c->txn);
    }
    return rc;
}

int drift_compare(struct drift_found *out, const struct drift_actual *a, struct db *db,
                  struct err *err)
{
    struct compare *c = calloc(1, sizeof *c);
    int rc;

    memset(out, 0, sizeof *out);
    if (c == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for comparing");
    c->out = out;
    c->actual = a;
    rc = walk_tenants(c, db, err) == 0 && walk_tunnels(c, db, err) == 0 &&
                 walk_actual(c, db, false, err) == 0 && walk_actual(c, db, true, err) == 0
             ? 0
             : -1;
    free(c);
    return rc;
}

void drift_found_free(struct drift_found *out)
{
    free(out->at);
    memset(out, 0, sizeof *out);
}
