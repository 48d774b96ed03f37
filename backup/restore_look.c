/*
 * What a snapshot holds, seen before it is believed: its store is walked from end to end, and held
 * against the one that it would replace, so that whoever restores knows what goes.
 */
#include "restore.h"

#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "audit.h"
#include "box_move.h"
#include "customer.h"
#include "domain_check.h"
#include "event.h"
#include "file.h"
#include "schema.h"
#include "setting.h"
#include "str.h"
#include "subscription.h"
#include "tenant.h"
#include "user.h"

#define CONF_MOST (1u << 20)

/* ---- the store ---- */

struct restore_program restore_this_program(void)
{
    return (struct restore_program){&sett_schema, sett_migrations, sett_migration_count};
}

int restore_open_store(struct db **db, const struct restore_program *program, const char *staging,
                       uint32_t *migrated, struct err *err)
{
    char folder[PATHS_SIZE + 8];
    int ran;

    *migrated = 0;
    (void)str_format(folder, sizeof folder, "%s/db", staging);
    if (db_open(db, folder, program->schema, err) == 0)
        return 0;
    if (!str_equal(err->code, "store_needs_migration"))
        return -1;
    ran = db_migrate(folder, program->schema, program->migrations, program->migration_count, err);
    if (ran == -1)
        return err_hint(err, "nothing was changed; the version of sett that made the snapshot "
                             "restores it");
    *migrated = (uint32_t)ran;
    return db_open(db, folder, program->schema, err);
}

static int check(struct db *db, struct err *err)
{
    char text[DOMAIN_FAULT_SIZE];
    int64_t n = domain_faults(db, text, err);

    if (n <= 0)
        return (int)n;
    (void)err_set(err, ERR_CORRUPT, "snapshot_store", "the snapshot's store has %lld faults: %s",
                  (long long)n, text);
    return err_hint(err, "nothing was changed; take an older snapshot");
}

/* ---- what is lost ---- */

union any {
    struct tenant tenant;
    struct customer customer;
    struct order order;
    struct subscription subscription;
    struct event event;
    struct user user;
    struct audit audit;
};

static void add(struct restore_lost_kind *kind, const char *name)
{
    if (kind->count < RESTORE_NAMED)
        (void)str_format(kind->names[kind->count], sizeof kind->names[0], "%.90s", name);
    kind->count++;
}

/* Whether a record of ${a} is worth a word, given what ${b} has under its key (NULL: nothing), and
 * how it is called. */
struct look {
    const struct table *table;
    const char *(*name)(struct txn *a, const union any *mine, const union any *theirs);
    struct restore_lost_kind *kind;
};

static const char *tenant_name(struct txn *a, const union any *mine, const union any *theirs)
{
    (void)a;
    return theirs == NULL && mine->tenant.state != TENANT_DELETED ? mine->tenant.subdomain : NULL;
}

/* Of the snapshot, held against the present. */
static const char *back_name(struct txn *a, const union any *mine, const union any *theirs)
{
    (void)a;
    return mine->tenant.state != TENANT_DELETED &&
                   (theirs == NULL || theirs->tenant.state == TENANT_DELETED)
               ? mine->tenant.subdomain
               : NULL;
}

static const char *customer_name(struct txn *a, const union any *mine, const union any *theirs)
{
    (void)a;
    return theirs == NULL ? mine->customer.name : NULL;
}

static const char *order_name(struct txn *a, const union any *mine, const union any *theirs)
{
    const struct order *o = &mine->order;

    (void)a;
    return theirs != NULL ? NULL : o->subdomain[0] != '\0' ? o->subdomain : o->name;
}

static const char *user_name(struct txn *a, const union any *mine, const union any *theirs)
{
    (void)a;
    return theirs == NULL ? mine->user.name : NULL;
}

static int64_t paid_at(const struct subscription *s)
{
    return s->paid_at > s->checkout_paid_at ? s->paid_at : s->checkout_paid_at;
}

/* Who paid since, for what. */
static const char *payment_name(struct txn *a, const union any *mine, const union any *theirs)
{
    static union any customer;
    struct err ignored;

    if (paid_at(&mine->subscription) <= (theirs == NULL ? 0 : paid_at(&theirs->subscription)))
        return NULL;
    memset(&customer, 0, sizeof customer);
    memcpy(customer.customer.id, mine->subscription.customer_id, ID_SIZE);
    return record_get(a, &customer_table, &customer, &ignored) == 1
               ? customer.customer.name
               : mine->subscription.stripe_subscription;
}

/* All of a table of ${a} that ${l} has a name for. */
static int look_at(struct txn *a, struct txn *b, const struct look *l, struct err *err)
{
    static union any mine, theirs; /* large, and this is done once in a process */
    struct scan scan;
    const char *name;
    int got, there;

    if (scan_start(&scan, a, l->table, NULL, NULL, 0, false, err) == -1)
        return -1;
    memset(&mine, 0, sizeof mine);
    while ((got = scan_next(&scan, &mine, err)) == 1) {
        theirs = mine;
        if ((there = record_get(b, l->table, &theirs, err)) == -1)
            return -1;
        if ((name = l->name(a, &mine, there == 1 ? &theirs : NULL)) != NULL)
            add(l->kind, name);
    }
    return got;
}

/* How many records of ${table} are in ${a} and not in ${b}. -1 on error. */
static int64_t missing(struct txn *a, struct txn *b, const struct table *table, struct err *err)
{
    static union any mine, theirs;
    struct scan scan;
    int64_t count = 0;
    int got, there;

    if (scan_start(&scan, a, table, NULL, NULL, 0, false, err) == -1)
        return -1;
    memset(&mine, 0, sizeof mine);
    while ((got = scan_next(&scan, &mine, err)) == 1) {
        theirs = mine;
        if ((there = record_get(b, table, &theirs, err)) == -1)
            return -1;
        count += there == 0;
    }
    return got == -1 ? -1 : count;
}

static int lost(struct txn *live, struct txn *staged, struct restore_lost *out, struct err *err)
{
    const struct look looks[] = {{&tenant_table, tenant_name, &out->tenants},
                                 {&customer_table, customer_name, &out->customers},
                                 {&order_table, order_name, &out->orders},
                                 {&subscription_table, payment_name, &out->payments},
                                 {&user_table, user_name, &out->users}};
    const struct look back = {&tenant_table, back_name, &out->back};
    int64_t events, audit;

    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++)
        if (look_at(live, staged, &looks[i], err) == -1)
            return -1;
    if (look_at(staged, live, &back, err) == -1 ||
        (events = missing(live, staged, &event_table, err)) == -1 ||
        (audit = missing(live, staged, &audit_table, err)) == -1)
        return -1;
    out->events = (uint32_t)events;
    out->audit = (uint64_t)audit;
    return 0;
}

static int box_id(struct txn *txn, char out[ID_SIZE], struct err *err)
{
    return setting_text(txn, NULL, "box.id", out, ID_SIZE, err) == -1 ? -1 : 0;
}

static int compare(struct db *staged, const struct restore_program *program, const char *staging,
                   const struct paths *live, struct restore_plan *plan, struct err *err)
{
    struct txn *txn = NULL, *present = NULL;
    char path[PATHS_SIZE + 16], here[ID_SIZE];
    struct box_move move;
    struct db *db;
    int64_t tenants;
    int rc = -1;

    if (db_read(&txn, staged, err) == -1)
        return -1;
    (void)str_format(path, sizeof path, "%s/data.mdb", live->db);
    if (box_id(txn, plan->box_id, err) == -1 || box_move_get(txn, &move, err) == -1 ||
        (tenants = record_count(txn, &tenant_table, err)) == -1 ||
        restore_strays(txn, staging, &plan->strays, err) == -1)
        goto done;
    plan->tenants = (uint32_t)tenants;
    plan->place = move.place;
    rc = 0;
    if (!file_exists(path) || db_open(&db, live->db, program->schema, err) == -1 ||
        db_read(&present, db, err) == -1) {
        err_clear(err); /* one that cannot be read is no reason not to restore */
        goto done;
    }
    plan->present = true;
    rc = box_id(present, here, err) == -1 ? -1 : lost(present, txn, &plan->lost, err);
    plan->foreign = rc == 0 && !str_equal(here, plan->box_id);
done:
    db_read_end(present);
    db_read_end(txn);
    return rc;
}

/* ---- configuration ---- */

static bool same_file(const char *a, const char *b)
{
    struct buf one, other;
    struct err why;
    bool same;

    buf_init(&one, CONF_MOST);
    buf_init(&other, CONF_MOST);
    same = file_read(a, &one, &why) == 0 && file_read(b, &other, &why) == 0 &&
           one.len == other.len && (one.len == 0 || memcmp(one.data, other.data, one.len) == 0);
    buf_free(&one);
    buf_free(&other);
    return same;
}

static void note_conf(struct restore_plan *plan, size_t *count, const char *staged,
                      const char *present, const char *name)
{
    if (*count + 1 < sizeof plan->conf / sizeof plan->conf[0] && file_exists(staged) &&
        !same_file(staged, present))
        (void)str_copy(plan->conf[(*count)++], sizeof plan->conf[0], name);
}

static void compare_conf(const char *staging, const struct paths *live, struct restore_plan *plan)
{
    char folder[PATHS_SIZE + 32], staged[PATHS_SIZE + 300], present[PATHS_SIZE + 300], name[96];
    struct dirent *d;
    size_t count = 0;
    DIR *dir;

    (void)str_format(staged, sizeof staged, "%s/etc/sett.conf", staging);
    note_conf(plan, &count, staged, live->conf, "sett.conf");
    (void)str_format(folder, sizeof folder, "%s/etc/blueprints", staging);
    if ((dir = opendir(folder)) == NULL)
        return;
    while ((d = readdir(dir)) != NULL)
        if (d->d_name[0] != '.' &&
            str_format(staged, sizeof staged, "%s/%s", folder, d->d_name) == 0 &&
            str_format(present, sizeof present, "%s/%s", live->blueprints, d->d_name) == 0 &&
            str_format(name, sizeof name, "blueprints/%s", d->d_name) == 0)
            note_conf(plan, &count, staged, present, name);
    (void)closedir(dir);
}

static uint32_t count_dumps(const char *staging)
{
    char folder[PATHS_SIZE + 32];
    struct dirent *d;
    uint32_t count = 0;
    DIR *dir;

    (void)str_format(folder, sizeof folder, "%s/databases", staging);
    if ((dir = opendir(folder)) == NULL)
        return 0;
    while ((d = readdir(dir)) != NULL)
        count += d->d_name[0] != '.';
    (void)closedir(dir);
    return count;
}

int restore_version(const struct seal_header *h, const struct schema *schema, struct err *err)
{
    if (h->schema <= schema->version)
        return 0;
    (void)err_set(err, ERR_PRECONDITION, "snapshot_newer",
                  "the snapshot was made by a newer sett (%.20s): its store is of version %u, and "
                  "this one knows up to %u",
                  h->made_by, h->schema, schema->version);
    return err_hint(err, "nothing was changed; install that version, or take an older snapshot");
}

int restore_look(const struct restore_program *program, const char *staging,
                 const struct paths *live, struct restore_plan *plan, struct err *err)
{
    struct db *db;

    memset(plan, 0, sizeof *plan);
    if (restore_open_store(&db, program, staging, &plan->migrated, err) == -1 ||
        check(db, err) == -1 || compare(db, program, staging, live, plan, err) == -1)
        return -1;
    compare_conf(staging, live, plan);
    plan->databases = count_dumps(staging);
    return 0;
}
