/*
 * Whose status pages there are, and when they are written: files for the web server, so that they
 * are there when nothing else of us is. One folder a tenant, named by its subdomain; what belongs
 * to nobody goes.
 */
#include "watch.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "customer.h"
#include "file.h"
#include "health.h"
#include "letter_text.h"
#include "log.h"
#include "setting.h"
#include "status_page.h"
#include "str.h"

#define A_TURN      8 /* pages written in one turn at most */
#define PAGE_MAX    65536u
#define PATH_SIZE   400
#define SWEEP_MOST  64 /* folders looked at that no page is known for, in one sweep */
#define FOLDER_MODE 0755
#define FILE_MODE   0644

/* What a page is made of, read in one transaction. */
struct page {
    struct tenant tenant;
    struct health health;
    char language[16];
    struct history_tenant days[HISTORY_DAYS];
};

static int folder_of(const struct health_watch *w, const char *name, char out[PATH_SIZE])
{
    return str_format(out, PATH_SIZE, "%s%s%s", w->context->paths.status,
                      name[0] == '\0' ? "" : "/", name);
}

/* Both files of one page; each is there whole or as it was. The folders are for everybody, whatever
 * our umask. */
static int write_files(const struct health_watch *w, const char *name, const struct status_view *v,
                       struct err *err)
{
    char folder[PATH_SIZE], path[PATH_SIZE + 16];
    struct buf out;
    int result = -1;

    buf_init(&out, PAGE_MAX);
    if (folder_of(w, name, folder) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "the path of a status page is too long");
    if (file_mkdirs(folder, FOLDER_MODE, err) == -1)
        goto done;
    (void)chmod(w->context->paths.status, FOLDER_MODE);
    (void)chmod(folder, FOLDER_MODE);
    status_page_html(&out, v);
    (void)str_format(path, sizeof path, "%s/index.html", folder);
    if (out.failed || file_write_soon(path, out.data, out.len, FILE_MODE, err) == -1)
        goto done;
    buf_reset(&out);
    status_page_json(&out, v);
    (void)str_format(path, sizeof path, "%s/status.json", folder);
    if (out.failed || file_write_soon(path, out.data, out.len, FILE_MODE, err) == -1)
        goto done;
    result = 0;
done:
    if (out.failed)
        (void)err_set(err, ERR_TOO_LARGE, "page_too_large", "a status page is too large");
    buf_free(&out);
    return result;
}

static enum status_state state_of(const struct page *p)
{
    static const enum status_state by_health[] = {
        [HEALTH_UNKNOWN] = STATUS_UNKNOWN,   [HEALTH_HEALTHY] = STATUS_UP,
        [HEALTH_DEGRADED] = STATUS_DEGRADED, [HEALTH_UNHEALTHY] = STATUS_DOWN,
        [HEALTH_UNREACHABLE] = STATUS_DOWN,
    };

    if (p->tenant.state != TENANT_ACTIVE && p->tenant.state != TENANT_PAST_DUE)
        return STATUS_STOPPED;
    return p->tenant.maintenance ? STATUS_MAINTENANCE : by_health[p->tenant.health];
}

/* The customer's language, else the one for customers whose is not known. */
static int read_language(const struct health_watch *w, struct txn *txn, struct page *p,
                         struct err *err)
{
    struct customer customer = {0};
    char box[512], locale[3] = "";

    (void)str_copy(customer.id, sizeof customer.id, p->tenant.customer_id);
    if (customer.id[0] != '\0' && record_get(txn, &customer_table, &customer, err) == -1)
        return -1;
    if (setting_text(txn, &w->context->conf, "mail.language", box, sizeof box, err) == -1)
        return -1;
    (void)str_copy_n(locale, sizeof locale, customer.locale, 2); /* "de" of "de-AT" */
    return str_copy(p->language, sizeof p->language, letter_language(locale, box));
}

/* Return 1, 0 when it is no tenant that has a page, or -1. */
static int read_page(const struct health_watch *w, const char *tenant_id, struct page *p,
                     struct err *err)
{
    struct txn *txn;
    int found;

    memset(p, 0, sizeof *p);
    (void)str_copy(p->tenant.id, sizeof p->tenant.id, tenant_id);
    if (db_read(&txn, w->context->db, err) == -1)
        return -1;
    found = record_get(txn, &tenant_table, &p->tenant, err);
    if (found == 1 && (!p->tenant.status_page || p->tenant.state == TENANT_DELETED))
        found = 0;
    if (found == 1 && (health_get(txn, p->tenant.id, &p->health, err) == -1 ||
                       read_language(w, txn, p, err) == -1))
        found = -1;
    db_read_end(txn);
    return found;
}

static int write_page(struct health_watch *w, const char *tenant_id, struct err *err)
{
    struct page *p = calloc(1, sizeof *p);
    struct status_view v = {.now_ms = clock_wall_ms()};
    struct err ignored = {0};
    int result = -1, days;

    if (p == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a status page");
    if ((result = read_page(w, tenant_id, p, err)) == 1) {
        days = history_tenant_points(w->history, p->tenant.number, HISTORY_DAY, v.now_ms, p->days,
                                     HISTORY_DAYS, &ignored);
        v.name = p->tenant.name;
        v.language = p->language;
        v.state = state_of(p);
        v.since =
            p->health.state == p->tenant.health && v.state <= STATUS_DOWN ? p->health.since : 0;
        v.days = p->days;
        v.day_count = days < 0 ? 0 : (size_t)days;
        result = write_files(w, p->tenant.subdomain, &v, err);
    }
    free(p);
    return result == -1 ? -1 : 0;
}

/* ---- the box's own page ---- */

/* Days of the box as one service: what its worst moment left of its tenants. */
static size_t box_days(struct health_watch *w, int64_t now_ms, struct history_tenant *out)
{
    struct history_box *boxes = calloc(HISTORY_DAYS, sizeof *boxes);
    struct err ignored = {0};
    int count = boxes == NULL ? 0
                              : history_box_points(w->history, HISTORY_DAY, now_ms, boxes,
                                                   HISTORY_DAYS, &ignored);

    for (int i = 0; i < count; i++) {
        uint64_t all = boxes[i].tenants == 0 ? 1 : boxes[i].tenants;
        uint64_t bad = boxes[i].tenants_bad < all ? boxes[i].tenants_bad : all;
        out[i] = (struct history_tenant){.at = boxes[i].at};
        out[i].unreachable = boxes[i].minutes * bad / all;
        out[i].healthy = boxes[i].minutes - out[i].unreachable;
    }
    free(boxes);
    return count < 0 ? 0 : (size_t)count;
}

static void write_box(struct health_watch *w)
{
    struct status_view v = {.now_ms = clock_wall_ms(), .since = 0};
    struct history_tenant *days = calloc(HISTORY_DAYS, sizeof *days);
    size_t bad = 0, all = 0;
    char name[512] = "", language[512] = "";
    struct err err = {0};
    struct txn *txn;

    if (days == NULL || db_read(&txn, w->context->db, &err) == -1) {
        free(days);
        return;
    }
    (void)setting_text(txn, &w->context->conf, "box.name", name, sizeof name, &err);
    (void)setting_text(txn, &w->context->conf, "mail.language", language, sizeof language, &err);
    db_read_end(txn);
    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->tenants.count; i++) {
        all += !w->tenants.at[i].paused;
        bad += !w->tenants.at[i].paused && health_is_bad(watch_whole(w, &w->tenants.at[i]));
    }
    (void)pthread_mutex_unlock(&w->lock);
    v.name = name;
    v.language = language;
    v.state = bad == 0 ? STATUS_UP : bad * 2 > all ? STATUS_DOWN : STATUS_DEGRADED;
    v.days = days;
    v.day_count = box_days(w, v.now_ms, days);
    if (write_files(w, "", &v, &err) == -1)
        log_warning("the box's status page cannot be written: %s", err.text);
    free(days);
}

static void remove_box(const struct health_watch *w)
{
    static const char *const files[] = {"index.html", "status.json"};
    char path[PATH_SIZE + 16];

    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (str_format(path, sizeof path, "%s/%s", w->context->paths.status, files[i]) == 0)
            (void)unlink(path);
}

/* ---- what is not watched ---- */

static bool has_page(const struct health_watch *w, const char *name)
{
    for (size_t i = 0; i < w->tenants.count; i++)
        if (w->tenants.at[i].has_page && str_equal(w->tenants.at[i].subdomain, name))
            return true;
    return false;
}

/* The page's tenant does not run: it says so, or goes with it. Return 1 if it stays, 0 or -1. */
static int stays(struct health_watch *w, const char *name, struct err *err)
{
    struct tenant tenant = {0}, found = {0};
    struct txn *txn;
    struct scan scan;
    int got = -1;

    if (str_copy(tenant.subdomain, sizeof tenant.subdomain, name) == -1)
        return 0;
    if (db_read(&txn, w->context->db, err) == -1)
        return -1;
    if (scan_start(&scan, txn, &tenant_table, "subdomain", &tenant, 1, false, err) == 0)
        while ((got = scan_next(&scan, &found, err)) == 1)
            if (found.status_page && found.state != TENANT_DELETED)
                break;
    db_read_end(txn);
    if (got == 1 && write_page(w, found.id, err) == -1)
        return -1;
    return got;
}

static void sweep(struct health_watch *w)
{
    DIR *folder = opendir(w->context->paths.status);
    struct dirent *entry;
    char path[PATH_SIZE];
    struct err err = {0};
    unsigned looked = 0;

    while (folder != NULL && looked < SWEEP_MOST && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.' || entry->d_type == DT_REG || has_page(w, entry->d_name))
            continue;
        looked++;
        if (stays(w, entry->d_name, &err) == 0 && folder_of(w, entry->d_name, path) == 0)
            (void)file_remove_tree(path, &err);
    }
    if (folder != NULL)
        (void)closedir(folder);
    if (err.kind != ERR_NONE)
        log_warning("old status pages stay: %s", err.text);
}

/* ---- the turn ---- */

/* Pages whose state changed, or whose time has come. */
static size_t choose(struct health_watch *w, char ids[A_TURN][ID_SIZE], int64_t now_ms)
{
    size_t count = 0;

    (void)pthread_mutex_lock(&w->lock);
    for (size_t i = 0; i < w->tenants.count && count < A_TURN; i++) {
        struct watch_target *t = &w->tenants.at[i];
        uint32_t state = t->noted | (t->paused ? 0x100u : 0);
        if (!t->has_page || (t->page_state == state && t->page_due_ms > now_ms))
            continue;
        t->page_state = state;
        t->page_due_ms = now_ms + w->set.pages_ms;
        memcpy(ids[count++], t->id, ID_SIZE);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return count;
}

void watch_pages(struct health_watch *w)
{
    char ids[A_TURN][ID_SIZE];
    int64_t now_ms = clock_mono_ms();
    size_t count = choose(w, ids, now_ms);

    for (size_t i = 0; i < count; i++) {
        struct err err = {0};
        if (write_page(w, ids[i], &err) == -1)
            log_warning("the status page of %s cannot be written: %s", ids[i], err.text);
    }
    if (w->sweep_pages) {
        w->sweep_pages = false;
        sweep(w);
    }
    if (!w->set.box_page && !w->no_box_page)
        remove_box(w);
    else if (w->set.box_page && now_ms >= w->box_page_ms)
        write_box(w);
    else
        return;
    w->no_box_page = !w->set.box_page;
    w->box_page_ms = w->set.box_page ? now_ms + w->set.pages_ms : 0;
}
