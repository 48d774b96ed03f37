/*
 * What needs a person now, gravest first: a few of each kind, found by indexes, so that it costs
 * the same with one tenant and with a hundred thousand. Apart from alerts, which say what was told
 * to whom: here each thing stands once, whoever noticed it, with where to go and what to type.
 */
#include "op.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "box_move.h"
#include "clock.h"
#include "custom_domain.h"
#include "drift.h"
#include "figures.h"
#include "file.h"
#include "job.h"
#include "job_start.h"
#include "notice.h"
#include "nouns.h"
#include "snapshot.h"
#include "snapshot_keep_ops.h"
#include "str.h"
#include "subscription.h"
#include "tenant.h"
#include "tunnel.h"

#define EACH_MOST  20  /* shown of a kind; the rest is counted */
#define COUNT_MOST 999 /* and not further than so */
#define ITEMS      200
#define HOUR_MS    INT64_C(3600000)
#define DAY_MS     (24 * HOUR_MS)

#define BACKUP_OLD_MS (26 * HOUR_MS)
#define PROVEN_OLD_MS (15 * DAY_MS) /* drills are weekly: two were missed */
#define DOMAIN_NEAR   (7 * DAY_MS)

struct item {
    const char *kind, *object;
    enum notice_severity severity;
    char id[96], saga[32], step[32], name[160], text[400], hint[NOTICE_HINT_SIZE];
    int64_t since, until;
    char page[160], command[160];
};

struct attention {
    struct op_call *call;
    struct item *at;
    unsigned count, more; /* more: of which nothing but the number is shown */
    int64_t now_ms;
};

/* Room for one more, or NULL when it can only be counted. */
static struct item *add(struct attention *a, enum notice_severity severity, const char *kind,
                        const char *object, const char *id)
{
    struct item *i = &a->at[a->count];

    if (a->count == ITEMS) {
        a->more++;
        return NULL;
    }
    a->count++;
    memset(i, 0, sizeof *i);
    i->kind = kind;
    i->object = object;
    i->severity = severity;
    str_cut(i->id, sizeof i->id, id);
    return i;
}

/* A walk over one index, whose first records become items and whose rest is counted. */
struct kind {
    const struct table *table;
    const char *index;
    void (*show)(struct attention *a, const void *record);
    bool (*is)(const struct attention *a, const void *record); /* NULL: each is */
    uint32_t state;
    bool oldest_first;
};

static int gather(struct attention *a, const struct kind *k, void *record, struct err *err)
{
    struct scan scan;
    unsigned shown = 0;
    int got = 0;

    if (scan_start(&scan, a->call->txn, k->table, k->index, record, 1, !k->oldest_first, err) != 0)
        return -1;
    for (unsigned i = 0; i < COUNT_MOST && (got = scan_next(&scan, record, err)) == 1; i++) {
        if (k->is != NULL && !k->is(a, record))
            continue;
        if (shown++ < EACH_MOST)
            k->show(a, record);
        else
            a->more++;
    }
    return got < 0 ? -1 : 0;
}

/* Whose job it is: the tenant's name, the tunnel's host name; "" for others. */
static void name_of(struct attention *a, const struct job *job, char *out, size_t size)
{
    struct tenant tenant = {0};
    struct tunnel tunnel = {0};
    struct err ignored;

    out[0] = '\0';
    if (str_starts(job->subjects[0], "tenant:") &&
        str_copy(tenant.id, sizeof tenant.id, job->subjects[0] + strlen("tenant:")) == 0 &&
        record_get(a->call->txn, &tenant_table, &tenant, &ignored) == 1)
        str_cut(out, size, tenant.name);
    else if (str_starts(job->subjects[0], "tunnel:") &&
             str_copy(tunnel.id, sizeof tunnel.id, job->subjects[0] + strlen("tunnel:")) == 0 &&
             record_get(a->call->txn, &tunnel_table, &tunnel, &ignored) == 1)
        str_cut(out, size, tunnel.hostname[0] == '\0' ? tunnel.name : tunnel.hostname);
}

/* Whether no stuck job stands here for it already. */
static bool stands_alone(const struct attention *a, const char *kind, const char *id)
{
    struct job job;
    struct err ignored;

    return job_of_subject(a->call->txn, kind, id, &job, &ignored) != 1 || job.state != JOB_STUCK;
}

static bool tenant_alone(const struct attention *a, const void *record)
{
    return stands_alone(a, "tenant", ((const struct tenant *)record)->id);
}

static bool tunnel_alone(const struct attention *a, const void *record)
{
    return stands_alone(a, "tunnel", ((const struct tunnel *)record)->id);
}

static void show_job(struct attention *a, const void *record)
{
    const struct job *job = record;
    struct item *i = add(a, NOTICE_CRITICAL, "job.stuck", "job", job->id);

    if (i == NULL)
        return;
    str_cut(i->saga, sizeof i->saga, job->saga);
    name_of(a, job, i->name, sizeof i->name);
    str_cut(i->text, sizeof i->text, job->cause);
    str_cut(i->step, sizeof i->step, job->step_name);
    str_cut(i->hint, sizeof i->hint, job->remedy);
    i->since = job->updated_at;
    (void)str_format(i->page, sizeof i->page, "/admin/jobs/%s", job->id);
    (void)str_format(i->command, sizeof i->command, "sett job show %s", job->id);
}

static void about_tenant(struct item *i, const struct tenant *t)
{
    str_cut(i->name, sizeof i->name, t->name);
    (void)str_format(i->page, sizeof i->page, "/admin/tenants/%s", t->id);
    (void)str_format(i->command, sizeof i->command, "sett tenant show %s", t->id);
}

static void show_failed_tenant(struct attention *a, const void *record)
{
    const struct tenant *t = record;
    struct item *i = add(a, NOTICE_CRITICAL, "tenant.failed", "tenant", t->id);

    if (i == NULL)
        return;
    about_tenant(i, t);
    str_cut(i->text, sizeof i->text, t->state_reason);
    i->since = t->failed_at;
}

static void show_failed_tunnel(struct attention *a, const void *record)
{
    const struct tunnel *t = record;
    struct item *i = add(a, NOTICE_CRITICAL, "tunnel.failed", "tunnel", t->id);

    if (i == NULL)
        return;
    str_cut(i->name, sizeof i->name, t->hostname[0] == '\0' ? t->name : t->hostname);
    str_cut(i->text, sizeof i->text, t->state_reason);
    i->since = t->updated_at;
    (void)str_format(i->page, sizeof i->page, "/admin/tunnels/%s", t->id);
    (void)str_format(i->command, sizeof i->command, "sett tunnel show %s", t->id);
}

/* Who does not pay, by the name of what they would lose. */
static void show_unpaid(struct attention *a, const void *record)
{
    const struct subscription *s = record;
    struct tenant tenant = {0};
    struct err ignored;
    struct item *i = add(a, NOTICE_WARNING, "subscription.unpaid", "subscription", s->id);

    if (i == NULL)
        return;
    (void)str_copy(tenant.id, sizeof tenant.id, s->tenant_id);
    if (tenant.id[0] != '\0' && record_get(a->call->txn, &tenant_table, &tenant, &ignored) == 1)
        about_tenant(i, &tenant);
    else
        str_cut(i->name, sizeof i->name,
                s->wanted_name[0] != '\0' ? s->wanted_name : s->stripe_subscription);
    i->since = s->past_due_at;
    i->until = s->suspend_at;
    if (i->page[0] == '\0')
        (void)str_format(i->page, sizeof i->page, "/admin/customers/%s", s->customer_id);
    (void)str_format(i->command, sizeof i->command, "sett subscription show %s", s->id);
}

static bool ends_soon(const struct attention *a, const void *record)
{
    const struct custom_domain *d = record;

    return d->deadline_at != 0 && d->deadline_at - a->now_ms < DOMAIN_NEAR;
}

static void show_domain(struct attention *a, const void *record)
{
    const struct custom_domain *d = record;
    struct item *i =
        add(a, d->state == DOMAIN_PENDING ? NOTICE_WARNING : NOTICE_CRITICAL,
            d->state == DOMAIN_PENDING ? "domain.deadline" : "domain.lost", "domain", d->id);

    if (i == NULL)
        return;
    str_cut(i->name, sizeof i->name, d->unicode);
    str_cut(i->text, sizeof i->text, d->state_reason);
    i->since = d->state == DOMAIN_PENDING ? d->pending_at
               : d->state == DOMAIN_MOVED ? d->moved_at
               : d->state == DOMAIN_LOST  ? d->lost_at
                                          : d->updated_at;
    i->until = d->deadline_at;
    (void)str_format(i->page, sizeof i->page, "/admin/domains/%s", d->id);
    (void)str_format(i->command, sizeof i->command, "sett domain show %.120s", d->name);
}

/* What stands here already for a reason of its own. */
static bool stands_elsewhere(const char *kind)
{
    static const char *const kinds[] = {"job.stuck",   "drift.found",  "backup.age",
                                        "domain.lost", "domain.moved", "domain.deleted"};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (str_equal(kinds[i], kind))
            return true;
    return false;
}

/* Where the subject of an alert is shown; else the alert itself. */
static void page_of(const struct notice *n, char *out, size_t size)
{
    static const struct {
        const char *subject, *page;
    } pages[] = {{"tenant", "tenants"}, {"tunnel", "tunnels"}, {"domain", "domains"}};

    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (str_equal(pages[i].subject, n->subject) && n->subject_id[0] != '\0') {
            (void)str_format(out, size, "/admin/%s/%s", pages[i].page, n->subject_id);
            return;
        }
    (void)str_format(out, size, "/admin/alerts?id=%s", n->id);
}

static bool is_open(const struct attention *a, const void *record)
{
    const struct notice *n = record;

    return notice_kind_find(n->kind) != NULL && n->severity != NOTICE_INFO &&
           !stands_elsewhere(n->kind) && n->silenced_until <= a->now_ms;
}

static void show_notice(struct attention *a, const void *record)
{
    const struct notice *n = record;
    const struct notice_kind *kind = notice_kind_find(n->kind);
    struct tenant tenant = {0};
    struct err ignored;
    struct item *i = add(a, n->severity, kind->name, kind->subject, n->subject_id);

    if (i == NULL)
        return;
    str_cut(i->text, sizeof i->text, n->text);
    str_cut(i->name, sizeof i->name, n->subject_id);
    if (str_starts(n->subject_id, "tn_") &&
        str_copy(tenant.id, sizeof tenant.id, n->subject_id) == 0 &&
        record_get(a->call->txn, &tenant_table, &tenant, &ignored) == 1)
        str_cut(i->name, sizeof i->name, tenant.name);
    notice_hint(n, i->hint);
    i->since = n->raised_at;
    page_of(n, i->page, sizeof i->page);
    (void)str_format(i->command, sizeof i->command, "sett alert show %s", n->id);
}

static int records(struct attention *a, struct err *err)
{
    static const struct kind kinds[] = {
        {&job_table, "state", show_job, NULL, JOB_STUCK, false},
        {&tenant_table, "state", show_failed_tenant, tenant_alone, TENANT_FAILED, false},
        {&tunnel_table, "state", show_failed_tunnel, tunnel_alone, TUNNEL_FAILED, false},
        {&subscription_table, "status", show_unpaid, NULL, SUBSCRIPTION_PAST_DUE, false},
        {&subscription_table, "status", show_unpaid, NULL, SUBSCRIPTION_UNPAID, false},
        {&custom_domain_table, "state", show_domain, ends_soon, DOMAIN_PENDING, true},
        {&custom_domain_table, "state", show_domain, NULL, DOMAIN_MOVED, false},
        {&custom_domain_table, "state", show_domain, NULL, DOMAIN_LOST, false},
        {&notice_table, "state", show_notice, is_open, NOTICE_OPEN, false},
    };
    union {
        struct job job;
        struct tenant tenant;
        struct tunnel tunnel;
        struct subscription subscription;
        struct custom_domain domain;
        struct notice notice;
    } *record = malloc(sizeof *record);
    int result = 0;

    if (record == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for what needs a person");
    for (size_t i = 0; result == 0 && i < sizeof kinds / sizeof kinds[0]; i++) {
        const struct field *f = fields_find(&kinds[i].table->fields, kinds[i].index);
        memset(record, 0, sizeof *record);
        memcpy((char *)record + f->offset, &kinds[i].state, sizeof kinds[i].state);
        result = gather(a, &kinds[i], record, err);
    }
    free(record);
    return result;
}

static int drift(struct attention *a, struct err *err)
{
    struct drift match = {.state = DRIFT_OPEN};
    struct scan scan;
    struct item *i;
    int64_t n;

    if (scan_start(&scan, a->call->txn, &drift_table, "state", &match, 1, false, err) != 0 ||
        (n = scan_count(&scan, err)) < 0)
        return -1;
    if (n == 0 || (i = add(a, NOTICE_WARNING, "drift.open", "drift", "")) == NULL)
        return 0;
    (void)str_format(i->name, sizeof i->name, "%lld", (long long)n);
    (void)str_copy(i->page, sizeof i->page, "/admin/drift");
    (void)str_copy(i->command, sizeof i->command, "sett drift list");
    return 0;
}

/* A box that has just been made has no snapshot yet, and says so mildly. */
static int backups(struct attention *a, struct err *err)
{
    struct snapshot_times t;
    int64_t vaults = record_count(a->call->txn, &vault_place_table, err);
    const char *kind = NULL;
    struct item *i;

    if (vaults < 0 || snapshot_times(a->call->txn, &t, err) < 0)
        return -1;
    if (vaults == 0)
        kind = "backup.vaultless";
    else if (t.verified == 0)
        kind = "backup.never";
    else if (a->now_ms - t.verified > BACKUP_OLD_MS)
        kind = "backup.old";
    else if (t.proven == 0 || a->now_ms - t.proven > PROVEN_OLD_MS)
        kind = "backup.unproven";
    if (kind == NULL)
        return 0;
    i = add(a, str_equal(kind, "backup.old") ? NOTICE_CRITICAL : NOTICE_WARNING, kind, "box", "");
    if (i == NULL)
        return 0;
    i->since = str_equal(kind, "backup.old") ? t.verified : t.proven;
    (void)str_copy(i->page, sizeof i->page, "/admin/backups");
    (void)str_copy(i->command, sizeof i->command,
                   vaults == 0                          ? "sett vault add --help"
                   : str_equal(kind, "backup.unproven") ? "sett snapshot drill"
                                                        : "sett snapshot create");
    return 0;
}

/* What apt has that is newer: its hook leaves a line, "VERSION INSTALLED" (sett-package). */
static void upgrade(struct attention *a)
{
    char path[PATHS_SIZE + 64];
    struct err ignored;
    struct stat st;
    struct buf line;
    struct item *i;

    (void)str_format(path, sizeof path, "%s/var/lib/sett/upgrade/offered",
                     a->call->box->paths.root);
    buf_init(&line, 256);
    if (stat(path, &st) == 0 && file_read(path, &line, &ignored) == 0 && line.len > 0 &&
        (i = add(a, NOTICE_INFO, "upgrade.offered", "box", "")) != NULL) {
        (void)str_copy_n(i->name, sizeof i->name, line.data, strcspn(line.data, " \n"));
        i->since = (int64_t)st.st_mtim.tv_sec * 1000;
        (void)str_copy(i->page, sizeof i->page, "/admin/system");
        (void)str_copy(i->command, sizeof i->command, "sett upgrade --check");
    }
    buf_free(&line);
}

static void worker(struct attention *a)
{
    struct figures_worker w;
    struct item *i;

    figures_worker(a->call->box, &w);
    if (w.alive || (i = add(a, NOTICE_CRITICAL, "worker.down", "box", "")) == NULL)
        return;
    i->since = w.age_ms < 0 ? 0 : a->now_ms - w.age_ms;
    (void)str_copy(i->page, sizeof i->page, "/admin/system");
    (void)str_copy(i->command, sizeof i->command, "systemctl status sett-worker");
}

/* Until somebody has said what it is nothing else can be done about anything. */
static int place(struct attention *a, struct err *err)
{
    struct box_move move;
    struct item *i;

    if (box_move_get(a->call->txn, &move, err) != 0)
        return -1;
    if (move.place != BOX_COPIED || (i = add(a, NOTICE_CRITICAL, "box.copied", "box", "")) == NULL)
        return 0;
    str_cut(i->name, sizeof i->name, move.host);
    i->since = move.copied_at;
    (void)str_copy(i->page, sizeof i->page, "/admin/system");
    (void)str_copy(i->command, sizeof i->command, "sett box identify moved");
    return 0;
}

/* Gravest first, then the newest; before all of it what keeps the box from doing anything. */
static int order(const void *x, const void *y)
{
    const struct item *a = x, *b = y;
    bool first = str_equal(a->kind, "box.copied"), other = str_equal(b->kind, "box.copied");

    if (first != other)
        return first ? -1 : 1;
    if (a->severity != b->severity)
        return a->severity > b->severity ? -1 : 1;
    return a->since == b->since ? 0 : a->since > b->since ? -1 : 1;
}

static void write_text(struct json_out *j, const char *key, const char *text)
{
    if (text[0] != '\0')
        json_out_key_text(j, key, text);
}

static void write_item(struct json_out *j, const struct item *i)
{
    json_out_object(j);
    json_out_key_text(j, "kind", i->kind);
    json_out_key_text(j, "severity", notice_severity_names[i->severity]);
    json_out_key_text(j, "object", i->object);
    write_text(j, "id", i->id);
    write_text(j, "saga", i->saga);
    write_text(j, "step", i->step);
    write_text(j, "name", i->name);
    write_text(j, "text", i->text);
    write_text(j, "hint", i->hint);
    if (i->since != 0)
        json_out_key_time(j, "since", i->since);
    if (i->until != 0)
        json_out_key_time(j, "until", i->until);
    json_out_key_text(j, "page", i->page);
    json_out_key_text(j, "command", i->command);
    json_out_end_object(j);
}

static int attention(struct op_call *call, struct err *err)
{
    struct attention a = {.call = call, .now_ms = clock_wall_ms()};
    struct json_out *j = call->out;
    int result = -1;

    if ((a.at = calloc(ITEMS, sizeof *a.at)) == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for what needs a person");
    worker(&a);
    upgrade(&a);
    if (place(&a, err) == 0 && records(&a, err) == 0 && drift(&a, err) == 0 &&
        backups(&a, err) == 0) {
        qsort(a.at, a.count, sizeof *a.at, order);
        json_out_object(j);
        json_out_key_text(j, "object", "list");
        json_out_key(j, "data");
        json_out_array(j);
        for (unsigned i = 0; i < a.count; i++)
            write_item(j, &a.at[i]);
        json_out_end_array(j);
        json_out_key_bool(j, "has_more", false);
        json_out_key_text(j, "url", "/api/attention");
        json_out_key_u64(j, "more", a.more);
        json_out_key_time(j, "at", a.now_ms);
        json_out_end_object(j);
        result = 0;
    }
    free(a.at);
    return result;
}

const struct op attention_ops[] = {
    {.name = "system.attention",
     .role = ROLE_VIEWER,
     .flags = OP_READ,
     .help = "What needs a person now, gravest first",
     .example = "",
     .run = attention},
    {.name = NULL},
};
