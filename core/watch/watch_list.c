/*
 * Whom the rounds go to. Apart from the asking because the list follows the store at its own pace:
 * what is known of a target lives on from one list to the next.
 */
#include "watch.h"

#include <stdlib.h>
#include <string.h>

#include "blueprint.h"
#include "clock.h"
#include "health.h"
#include "log.h"
#include "setting.h"
#include "str.h"
#include "shared.h"
#include "tunnel.h"

#define FULL_MS       60000 /* settings, blueprints, limits: so often, whatever the store says */
#define EASE          20    /* a refresh takes at most one twentieth of the time */
#define GROW_MIN      64
#define TICK_MS       1000
#define QUICK_TICK_MS 5

struct watch_target *watch_find(const struct watch_list *list, uint64_t number)
{
    size_t low = 0, high = list->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (list->at[middle].number == number)
            return &list->at[middle];
        if (list->at[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

void watch_parts(const struct health_watch *w, const struct watch_target *t, uint32_t parts[3])
{
    parts[0] = t->own.health.state;
    parts[1] = t->connector >= 0 && (size_t)t->connector < w->tunnels.count
                   ? w->tunnels.at[t->connector].own.health.state
                   : HEALTH_UNKNOWN;
    parts[2] = t->outside.health.state;
}

uint32_t watch_whole(const struct health_watch *w, const struct watch_target *t)
{
    uint32_t parts[3];

    watch_parts(w, t, parts);
    return t->tunnel ? parts[0] : health_whole(parts[0], parts[1], parts[2]);
}

void watch_forget(struct watch_aspect *a, uint32_t state)
{
    a->health = (struct health_aspect){.state = state};
}

bool watch_on_engine(const struct watch_target *t)
{
    return !t->away && (str_equal(t->runtime, "docker") || str_equal(t->runtime, "swarm"));
}

void watch_limits(const struct health_watch *w, const struct watch_target *t, struct limits *out)
{
    *out = w->blueprints[t->blueprint].limits;
    limits_over(out, &t->limits);
}

/* Targets of one moment spread over the round by their number. */
static int64_t first_due(uint64_t number, int64_t interval_ms, int64_t now_ms)
{
    return now_ms + (int64_t)(number * UINT64_C(2654435761) % UINT64_C(4294967296) *
                              (uint64_t)interval_ms / UINT64_C(4294967296));
}

static void read_settings(struct health_watch *w, struct txn *txn)
{
    const struct conf *conf = &w->context->conf;
    struct err ignored = {0};
    char text[512] = "";
    struct watch_settings s = {
        .interval_ms = (int64_t)setting_u64(txn, conf, "health.interval_s") * 1000,
        .outside_ms = (int64_t)setting_u64(txn, conf, "health.outside_s") * 1000,
        .again_ms = (int64_t)setting_u64(txn, conf, "health.again_s") * 1000,
        .stats_ms = (int64_t)setting_u64(txn, conf, "health.stats_s") * 1000,
        .tick_ms = TICK_MS,
        .pages_ms = (int64_t)setting_u64(txn, conf, "status.minutes") * 60000,
        .timeout_ms = (uint32_t)setting_u64(txn, conf, "health.timeout_ms"),
        .at_once = (uint32_t)setting_u64(txn, conf, "health.at_once"),
        .suspend_percent = (uint32_t)setting_u64(txn, conf, "storage.suspend_percent"),
        .rules = {.window = (uint32_t)setting_u64(txn, conf, "health.window"),
                  .degraded_after = (uint32_t)setting_u64(txn, conf, "health.degraded_after"),
                  .bad_after = (uint32_t)setting_u64(txn, conf, "health.bad_after"),
                  .good_after = (uint32_t)setting_u64(txn, conf, "health.good_after")},
        .restarts = {.most = (uint32_t)setting_u64(txn, conf, "health.restarts"),
                     .window_ms = (int64_t)setting_u64(txn, conf, "health.restart_minutes") * 60000,
                     .wait_ms = (int64_t)setting_u64(txn, conf, "health.restart_wait_s") * 1000,
                     .common_percent = (uint32_t)setting_u64(txn, conf, "health.common_percent"),
                     .common_least = (uint32_t)setting_u64(txn, conf, "health.common_least")}};

    (void)setting_text(txn, conf, "status.box", text, sizeof text, &ignored);
    s.box_page = str_equal(text, "true");
    s.restarts.on = s.restarts.most > 0;
    if (s.rules.bad_after > s.rules.window)
        s.rules.bad_after = s.rules.window;
    if (s.again_ms > s.interval_ms)
        s.again_ms = s.interval_ms;
    if (w->quick_ms != 0) {
        s.interval_ms = s.again_ms = w->quick_ms;
        s.tick_ms = QUICK_TICK_MS;
    }
    (void)pthread_mutex_lock(&w->lock);
    w->set = s;
    (void)pthread_mutex_unlock(&w->lock);
}

static void read_blueprint(struct health_watch *w, struct watch_blueprint *entry)
{
    struct blueprint *b = calloc(1, sizeof *b);
    struct err err = {0};
    bool known;

    if (b == NULL)
        return;
    known = blueprint_load(b, w->context->paths.blueprints, entry->name, &err) == 0;
    (void)pthread_mutex_lock(&w->lock);
    entry->read = true;
    entry->known = known;
    entry->database = b->database;
    entry->limits = b->limits;
    if (known && str_copy(entry->path, sizeof entry->path, b->health_path) == -1)
        entry->known = false;
    (void)pthread_mutex_unlock(&w->lock);
    free(b);
}

/* Its file is read when no transaction is open; until then it is not known. */
static uint32_t blueprint_index(struct health_watch *w, const char *name)
{
    for (uint32_t i = 0; i < w->blueprint_count; i++)
        if (str_equal(w->blueprints[i].name, name))
            return i;
    if (w->blueprint_count == WATCH_BLUEPRINTS)
        return WATCH_BLUEPRINTS - 1; /* more than anybody has; the last one's path is asked then */
    (void)str_copy(w->blueprints[w->blueprint_count].name, sizeof w->blueprints[0].name, name);
    return w->blueprint_count++;
}

/* ---- a new list from the store and the old one ---- */

struct making {
    struct health_watch *w;
    struct txn *txn;
    struct watch_list list;
    const struct watch_list *old;
    size_t room, old_at;
    bool full, lost; /* one of the old ones is not in the new list */
    bool pages;      /* a status page was switched on or off, or has another name */
    int64_t now_ms;
};

/* The old entry of this number, or NULL; both lists rise by number. */
static const struct watch_target *old_entry(struct making *m, uint64_t number)
{
    while (m->old_at < m->old->count && m->old->at[m->old_at].number < number) {
        m->old_at++;
        m->lost = true;
    }
    if (m->old_at < m->old->count && m->old->at[m->old_at].number == number)
        return &m->old->at[m->old_at++];
    return NULL;
}

static struct watch_target *add(struct making *m, uint64_t number, const char *id, struct err *err)
{
    const struct watch_target *old;
    struct watch_target *t, *more;

    if (m->list.count == m->room) {
        size_t room = m->room == 0 ? GROW_MIN : m->room * 2;
        if ((more = realloc(m->list.at, room * sizeof *more)) == NULL) {
            (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for the health rounds");
            return NULL;
        }
        m->list.at = more;
        m->room = room;
    }
    t = &m->list.at[m->list.count++];
    if ((old = old_entry(m, number)) != NULL) {
        *t = *old;
        return t;
    }
    memset(t, 0, sizeof *t);
    t->number = number;
    t->connector = -1;
    (void)str_copy(t->id, sizeof t->id, id);
    t->own.due_ms = first_due(number, m->w->set.interval_ms, m->now_ms);
    t->outside.due_ms = first_due(number, m->w->set.outside_ms, m->now_ms);
    t->stats_due_ms = first_due(number, m->w->set.stats_ms, m->now_ms);
    return t;
}

/* What was known of it when another worker looked after it. */
static int recall(struct making *m, struct watch_target *t, uint32_t state, struct err *err)
{
    struct health health;
    int found = health_get(m->txn, t->id, &health, err);

    if (found == -1)
        return -1;
    watch_forget(&t->own, found == 1 ? health.program : state);
    watch_forget(&t->outside, health.outside);
    t->noted = found == 1 ? health.state : state;
    t->noted_parts = health.program | health.connector << 8 | health.outside << 16;
    t->tries = (struct restart_tries){.count = health.restarts,
                                      .since = health.restarts_since,
                                      .last = health.restarted_at,
                                      .given_up_at = health.given_up_at};
    return 0;
}

/* The tunnel whose connector leads to the tenant: a shared one's if it goes by that. */
static int connector_of(struct making *m, const struct tenant *tenant, char out[ID_SIZE],
                        struct err *err)
{
    struct tunnel tunnel = {0};

    (void)str_copy(out, ID_SIZE, tenant->tunnel_id);
    if (tenant->ingress_mode != INGRESS_MODE_SHARED || tenant->tunnel_id[0] == '\0')
        return 0;
    (void)str_copy(tunnel.id, sizeof tunnel.id, tenant->tunnel_id);
    if (record_get(m->txn, &tunnel_table, &tunnel, err) == -1)
        return -1;
    if (tunnel.carrier_id[0] != '\0')
        (void)str_copy(out, ID_SIZE, tunnel.carrier_id);
    return 0;
}

static int fill_tenant(struct making *m, struct watch_target *t, const struct tenant *tenant,
                       struct err *err)
{
    bool known = t->record_ms != 0;
    char origin[TENANT_ORIGIN_SIZE];

    if (!known && recall(m, t, tenant->health, err) == -1)
        return -1;
    if (m->full || t->record_ms != tenant->updated_at)
        if (tenant_limits(m->txn, tenant, &t->limits, err) == -1)
            return -1;
    if (t->record_ms == tenant->updated_at)
        return 0;
    tenant_origin(tenant, origin);
    if (known && (!str_equal(t->origin, origin) || t->paused != tenant->maintenance)) {
        watch_forget(&t->own, HEALTH_UNKNOWN);
        watch_forget(&t->outside, HEALTH_UNKNOWN);
    }
    if (tenant->health != t->noted) { /* a saga has seen it answer */
        t->noted = tenant->health;
        if (tenant->health == HEALTH_HEALTHY && health_is_bad(t->own.health.state)) {
            watch_forget(&t->own, HEALTH_HEALTHY);
            watch_forget(&t->outside, HEALTH_UNKNOWN);
        }
    }
    t->record_ms = tenant->updated_at;
    (void)str_copy(t->origin, sizeof t->origin, origin);
    t->paused = tenant->maintenance;
    if (t->has_page != tenant->status_page || !str_equal(t->subdomain, tenant->subdomain)) {
        t->has_page = tenant->status_page;
        t->page_due_ms = 0;
        m->pages = true;
        (void)str_copy(t->subdomain, sizeof t->subdomain, tenant->subdomain);
    }
    t->local = str_equal(tenant->ingress, "local");
    t->blueprint = blueprint_index(m->w, tenant->blueprint);
    (void)str_copy(t->runtime, sizeof t->runtime, tenant->runtime);
    t->away = tenant_elsewhere(tenant);
    (void)str_copy(t->url, sizeof t->url, tenant->url);
    return connector_of(m, tenant, t->tunnel_id, err);
}

static int list_tenants(struct making *m, struct err *err)
{
    struct tenant tenant;
    struct watch_target *t;
    struct scan scan;
    int got;

    if (scan_start(&scan, m->txn, &tenant_table, "number", NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &tenant, err)) == 1) {
        if ((tenant.state != TENANT_ACTIVE && tenant.state != TENANT_PAST_DUE) || tenant.port == 0)
            continue;
        if ((t = add(m, tenant.number, tenant.id, err)) == NULL ||
            fill_tenant(m, t, &tenant, err) == -1)
            return -1;
    }
    return got;
}

static int list_tunnels(struct making *m, struct err *err)
{
    struct tunnel tunnel;
    struct watch_target *t;
    struct scan scan;
    int got;

    if (scan_start(&scan, m->txn, &tunnel_table, "number", NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &tunnel, err)) == 1) {
        if (tunnel.state != TUNNEL_ACTIVE || !str_equal(tunnel.ingress, "cloudflare") ||
            tunnel.carrier_id[0] != '\0' || /* its carrier is looked at */
            tunnel.elsewhere)               /* its connector is not ours to look after */
            continue;
        if ((t = add(m, tunnel.number, tunnel.id, err)) == NULL)
            return -1;
        t->tunnel = true;
        if (t->record_ms == 0 && recall(m, t, HEALTH_UNKNOWN, err) == -1)
            return -1;
        t->record_ms = tunnel.updated_at;
    }
    return got;
}

struct place {
    const char *id;
    long index;
};

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct place *)a)->id, ((const struct place *)b)->id);
}

/* Each tenant's connector among the tunnels. */
static void join(struct watch_list *tenants, const struct watch_list *tunnels)
{
    struct place *sorted = calloc(tunnels->count + 1, sizeof *sorted);
    size_t count = sorted == NULL ? 0 : tunnels->count;

    for (size_t i = 0; i < count; i++)
        sorted[i] = (struct place){tunnels->at[i].id, (long)i};
    if (count > 0)
        qsort(sorted, count, sizeof *sorted, by_id);
    for (size_t i = 0; i < tenants->count; i++) {
        const struct place key = {.id = tenants->at[i].tunnel_id};
        const struct place *found = NULL;
        if (count > 0 && key.id[0] != '\0')
            found = bsearch(&key, sorted, count, sizeof *sorted, by_id);
        tenants->at[i].connector = found == NULL ? -1 : found->index;
    }
    free(sorted);
}

/* The copy is made under the lock: what the asker learns meanwhile must not be lost. */
static int make_lists(struct health_watch *w, struct txn *txn, bool full, struct err *err)
{
    struct making m[2] = {{.w = w, .txn = txn, .full = full, .old = &w->tenants},
                          {.w = w, .txn = txn, .full = full, .old = &w->tunnels}};
    int result;

    m[0].now_ms = m[1].now_ms = clock_mono_ms();
    (void)pthread_mutex_lock(&w->lock);
    result = list_tenants(&m[0], err);
    if (result == 0)
        result = list_tunnels(&m[1], err);
    if (result == 0) {
        free(w->tenants.at);
        free(w->tunnels.at);
        w->sweep = w->sweep || m[0].lost || m[1].lost || m[0].old_at < m[0].old->count ||
                   m[1].old_at < m[1].old->count;
        w->sweep_pages = w->sweep_pages || w->sweep || m[0].pages || full;
        w->tenants = m[0].list;
        w->tunnels = m[1].list;
        join(&w->tenants, &w->tunnels);
    } else {
        free(m[0].list.at);
        free(m[1].list.at);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return result;
}

void watch_list_refresh(struct health_watch *w)
{
    int64_t now_ms = clock_mono_ms();
    bool full = w->full_ms == 0 || now_ms - w->full_ms >= FULL_MS;
    uint64_t last = db_last_txn(w->context->db);
    struct err err = {0};
    struct txn *txn;

    if (!full && (last == w->seen_txn || now_ms - w->list_ms < w->list_took_ms * EASE))
        return;
    if (db_read(&txn, w->context->db, &err) == -1) {
        log_warning("the tenants cannot be read: %s", err.text);
        return;
    }
    if (full) {
        w->sweep = w->sweep || w->full_ms == 0;
        w->full_ms = now_ms;
    }
    read_settings(w, txn);
    if (make_lists(w, txn, full, &err) == -1)
        log_warning("the tenants cannot be read: %s", err.text);
    else
        w->seen_txn = last;
    db_read_end(txn);
    for (uint32_t i = 0; i < w->blueprint_count; i++)
        if (full || !w->blueprints[i].read)
            read_blueprint(w, &w->blueprints[i]);
    w->list_ms = clock_mono_ms();
    w->list_took_ms = w->list_ms - now_ms;
}
