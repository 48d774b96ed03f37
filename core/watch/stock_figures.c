/*
 * Figures against thresholds: of the box, of each tenant against its limits, of certificates. Apart
 * from the standing queries because a figure swings: texts name the threshold and round what they
 * say, so that not each minute is a change.
 */
#include "alert_stock.h"

#include <stdlib.h>
#include <string.h>

#include "alert_rule.h"
#include "blueprint.h"
#include "certificate.h"
#include "clock.h"
#include "log.h"
#include "notice.h"
#include "setting.h"
#include "str.h"
#include "tenant.h"
#include "x509.h"

#define HOUR_MS     INT64_C(3600000)
#define DAY_MS      (24 * HOUR_MS)
#define ERRORS_OVER 10 /* minutes */
#define ERRORS_FEW  5  /* fewer errors than this are no rate */

static uint64_t percent(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : part >= UINT64_MAX / 100 ? 100 : part * 100 / whole;
}

/* Downwards to a whole five, but not below the threshold that it has reached: a figure that swings
 * within is no news. */
static unsigned about(uint64_t figure, uint32_t threshold)
{
    uint64_t five = figure / 5 * 5;

    if (figure >= 100)
        return 100;
    return (unsigned)(five > threshold ? five : threshold);
}

static const char *or_more(uint64_t figure)
{
    return figure == 100 ? "" : " or more";
}

static int threshold_of(struct txn *txn, const char *kind, uint32_t *threshold, struct err *err)
{
    struct alert_rule rule;

    if (alert_rule_get(txn, kind, &rule, err) != 0)
        return -1;
    *threshold = rule.threshold;
    return 0;
}

static int box_figure(struct alert_stock *s, struct txn *txn, const char *kind, uint64_t figure,
                      const char *what, struct err *err)
{
    uint32_t threshold;
    char text[240];

    if (threshold_of(txn, kind, &threshold, err) != 0)
        return -1;
    if (figure < threshold)
        return 0;
    (void)str_format(text, sizeof text, "%s: %u %%%s (limit %u %%)", what, about(figure, threshold),
                     or_more(figure), threshold);
    alert_stock_want(s, kind, "", text);
    return 0;
}

/* Of the newest minutes, how many in a hundred of what came has failed. */
static uint64_t error_rate(struct alert_stock *s, int64_t now_ms)
{
    struct history_box *rows = calloc(ERRORS_OVER, sizeof *rows);
    uint64_t came = 0, failed = 0;
    struct err err;
    int count = rows == NULL ? 0
                             : history_box_points(s->history, HISTORY_MINUTE, now_ms, rows,
                                                  ERRORS_OVER, &err);

    for (int i = 0; i < count; i++) {
        came += rows[i].events + rows[i].jobs;
        failed += rows[i].errors;
    }
    free(rows);
    return failed < ERRORS_FEW ? 0 : percent(failed, came > failed ? came : failed);
}

static int box_figures(struct alert_stock *s, struct txn *txn, int64_t now_ms, struct err *err)
{
    struct history_box b;
    struct err ignored;

    if (s->history == NULL || history_box_last(s->history, now_ms, &b, &ignored) != 1)
        return 0;
    s->history_seen = true;
    return box_figure(s, txn, "box.cpu", percent(b.cpu_millis, b.cores * 1000),
                      "the processors are busy", err) != 0 ||
                   box_figure(s, txn, "box.memory", percent(b.memory_bytes, b.memory_total_bytes),
                              "memory is in use", err) != 0 ||
                   box_figure(s, txn, "box.disk", percent(b.disk_bytes, b.disk_total_bytes),
                              "the disk is in use", err) != 0 ||
                   box_figure(s, txn, "box.errors", error_rate(s, now_ms),
                              "events and jobs of the last ten minutes failed", err) != 0
               ? -1
               : 0;
}

#define BLUEPRINTS 16 /* that are kept in mind during one round */

struct tenants {
    struct alert_stock *s;
    struct txn *txn;
    uint32_t cpu, memory, storage; /* thresholds */
    struct {
        char name[sizeof((struct tenant *)NULL)->blueprint];
        struct limits limits;
    } blueprints[BLUEPRINTS];
    unsigned blueprint_count;
    struct err *err;
    int result;
};

static void tenant_figure(struct tenants *t, const struct tenant *tenant, const char *kind,
                          uint64_t used, uint64_t limit, uint32_t threshold, const char *what)
{
    uint64_t figure = percent(used, limit);
    char text[240];

    if (limit == 0 || figure < threshold)
        return;
    (void)str_format(text, sizeof text, "%.100s uses %u %%%s of its %s (limit %u %%)", tenant->name,
                     about(figure, threshold), or_more(figure), what, threshold);
    alert_stock_want(t->s, kind, tenant->id, text);
}

/* What holds for a tenant of a blueprint where neither it nor its plan says otherwise. */
static struct limits limits_of_blueprint(struct tenants *t, const char *name)
{
    struct limits limits = {0};
    struct blueprint *b;
    struct err ignored;

    for (unsigned i = 0; i < t->blueprint_count; i++)
        if (str_equal(t->blueprints[i].name, name))
            return t->blueprints[i].limits;
    if (name[0] != '\0' && (b = calloc(1, sizeof *b)) != NULL) {
        if (blueprint_load(b, t->s->context->paths.blueprints, name, &ignored) == 0)
            limits = b->limits;
        free(b);
    }
    if (t->blueprint_count < BLUEPRINTS) {
        (void)str_copy(t->blueprints[t->blueprint_count].name, sizeof t->blueprints[0].name, name);
        t->blueprints[t->blueprint_count++].limits = limits;
    }
    return limits;
}

static void on_tenant(void *arg, const struct history_tenant *row)
{
    struct tenants *t = arg;
    struct tenant tenant;
    struct limits limits = {0}, own = {0};
    int found;

    if (t->result != 0 ||
        (row->cpu_millis == 0 && row->memory_bytes == 0 && row->storage_bytes == 0))
        return;
    memset(&tenant, 0, sizeof tenant);
    tenant.number = row->number;
    found = record_find(t->txn, &tenant_table, "number", &tenant, t->err);
    if (found < 0 || (found == 1 && tenant_limits(t->txn, &tenant, &own, t->err) != 0))
        t->result = -1;
    if (t->result != 0 || found == 0 ||
        (tenant.state != TENANT_ACTIVE && tenant.state != TENANT_PAST_DUE))
        return;
    limits = limits_of_blueprint(t, tenant.blueprint);
    limits_over(&limits, &own);
    tenant_figure(t, &tenant, "tenant.cpu", row->cpu_millis, limits.cpu_millis, t->cpu,
                  "processor share");
    tenant_figure(t, &tenant, "tenant.memory", row->memory_bytes, limits.memory_bytes, t->memory,
                  "memory");
    tenant_figure(t, &tenant, "tenant.storage", row->storage_bytes, limits.storage_bytes,
                  t->storage, "storage");
}

static int tenant_figures(struct alert_stock *s, struct txn *txn, int64_t now_ms, struct err *err)
{
    struct tenants t = {.s = s, .txn = txn, .err = err};
    struct err ignored;

    if (!s->history_seen)
        return 0;
    if (threshold_of(txn, "tenant.cpu", &t.cpu, err) != 0 ||
        threshold_of(txn, "tenant.memory", &t.memory, err) != 0 ||
        threshold_of(txn, "tenant.storage", &t.storage, err) != 0)
        return -1;
    (void)history_each(s->history, now_ms, on_tenant, &t, &ignored);
    return t.result;
}

int alert_stock_figures(struct alert_stock *s, struct txn *txn, struct err *err)
{
    int64_t now_ms = clock_wall_ms();
    struct db_figures d;

    if (db_figures(s->context->db, &d, err) != 0 ||
        box_figure(s, txn, "box.store", percent(d.used_bytes, d.map_bytes),
                   "the store's map is in use", err) != 0 ||
        box_figures(s, txn, now_ms, err) != 0)
        return -1;
    return tenant_figures(s, txn, now_ms, err);
}

/* ---- certificates ---- */

static void add_url(struct alert_stock *s, const char *url)
{
    if (s->certificate_count == STOCK_CERTIFICATES || !str_starts(url, "https://"))
        return;
    s->certificates[s->certificate_count].expires_ms = 0;
    if (str_copy(s->certificates[s->certificate_count].url, sizeof s->certificates[0].url, url) ==
        0)
        s->certificate_count++;
}

/* "mail.example.com:465, www.example.com": each is a host with an optional port. */
static void add_names(struct alert_stock *s, const char *names)
{
    char name[200], url[256];

    while (*names != '\0') {
        size_t len = strcspn(names, ", ");

        if (len > 0 && str_copy_n(name, sizeof name, names, len) == 0 &&
            str_format(url, sizeof url, "https://%s/", name) == 0)
            add_url(s, url);
        names += len + (names[len] != '\0');
    }
}

/* What lies ready for the box's own web server: seen also where the front door is somebody else's,
 * and once only where it is what box.url shows. */
static void add_file(struct alert_stock *s)
{
    char path[PATHS_SIZE + 16];
    int64_t until_ms = 0;
    struct err ignored;

    (void)str_format(path, sizeof path, "%s/cert.pem", s->context->paths.tls);
    if (s->certificate_count == STOCK_CERTIFICATES ||
        x509_file_until(path, &until_ms, &ignored) != 0)
        return;
    for (unsigned i = 0; i < s->certificate_count; i++)
        if (s->certificates[i].expires_ms == until_ms)
            return;
    if (str_copy(s->certificates[s->certificate_count].url, sizeof s->certificates[0].url, path) ==
        0)
        s->certificates[s->certificate_count++].expires_ms = until_ms;
}

void alert_stock_look_at_certificates(struct alert_stock *s)
{
    char url[512] = "", names[512] = "";
    struct txn *txn;
    struct err err;

    if (s->certificates_ms != 0 && clock_mono_ms() - s->certificates_ms < HOUR_MS)
        return;
    s->certificates_ms = clock_mono_ms();
    if (db_read(&txn, s->context->db, &err) != 0)
        return;
    (void)setting_text(txn, &s->context->conf, "box.url", url, sizeof url, &err);
    (void)setting_text(txn, &s->context->conf, "alerts.certificates", names, sizeof names, &err);
    db_read_end(txn);
    s->certificate_count = 0;
    add_url(s, url);
    add_names(s, names);
    for (unsigned i = 0; i < s->certificate_count; i++)
        if (certificate_expiry(s->certificates[i].url, &s->certificates[i].expires_ms, &err) != 0)
            log_warning("no certificate to look at: %s", err.text);
    add_file(s);
}

int alert_stock_certificates(struct alert_stock *s, struct txn *txn, struct err *err)
{
    int64_t now_ms = txn_time_ms(txn);
    uint32_t days;
    char text[400], day[CLOCK_TEXT_SIZE];

    if (threshold_of(txn, "box.certificate", &days, err) != 0)
        return -1;
    for (unsigned i = 0; i < s->certificate_count; i++) {
        int64_t expires_ms = s->certificates[i].expires_ms;

        if (expires_ms == 0 || expires_ms > now_ms + (int64_t)days * DAY_MS)
            continue;
        clock_text(day, expires_ms);
        (void)str_format(text, sizeof text, "the certificate of %s %s on %.10s",
                         s->certificates[i].url, expires_ms <= now_ms ? "ended" : "ends", day);
        alert_stock_want(s, "box.certificate", s->certificates[i].url, text);
    }
    return 0;
}
