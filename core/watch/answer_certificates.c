/*
 * Certificates as visitors see them. Apart from the alert about them, which looks at few and once
 * an hour: here somebody waits, and tenants' own are looked at, too.
 */
#include "answer_programs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "certificate.h"
#include "clock.h"
#include "custom_domain.h"
#include "json_out.h"
#include "setting.h"
#include "str.h"
#include "tenant.h"
#include "x509.h"

#define HOSTS_MOST 40
#define LOOK_MS    30000
#define DAY_MS     INT64_C(86400000)

struct host {
    char kind[16], name[300], subject[ID_SIZE];
};
struct hosts {
    struct host at[HOSTS_MOST];
    unsigned count;
};

static void add(struct hosts *h, const char *kind, const char *name, const char *subject)
{
    struct host *host = &h->at[h->count];

    if (h->count == HOSTS_MOST || name[0] == '\0' ||
        str_copy(host->name, sizeof host->name, name) == -1)
        return;
    for (unsigned i = 0; i < h->count; i++)
        if (str_equal(h->at[i].name, name))
            return;
    (void)str_copy(host->kind, sizeof host->kind, kind);
    (void)str_copy(host->subject, sizeof host->subject, subject);
    h->count++;
}

/* The host, with its port, of an https address; nothing of another one. */
static void add_url(struct hosts *h, const char *kind, const char *url, const char *subject)
{
    char name[300];

    if (str_starts(url, "https://") &&
        str_copy_n(name, sizeof name, url + 8, strcspn(url + 8, "/?#")) == 0)
        add(h, kind, name, subject);
}

static int add_domains(struct hosts *h, struct txn *txn, struct err *err)
{
    struct custom_domain *d = calloc(1, sizeof *d);
    struct scan scan;
    int got = -1;

    if (d == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a domain");
    if (scan_start(&scan, txn, &custom_domain_table, NULL, NULL, 0, true, err) == 0)
        while (h->count < HOSTS_MOST && (got = scan_next(&scan, d, err)) == 1)
            if (d->live[0] != '\0' && d->active_at != 0)
                add(h, "domain", d->name, d->id);
    free(d);
    return got == -1 ? -1 : 0;
}

/* Below one domain all tenants show the same certificate: the newest stands for them. */
static int add_tenant(struct hosts *h, struct txn *txn, struct err *err)
{
    struct tenant *tenant = calloc(1, sizeof *tenant);
    struct scan scan;
    int got = -1;

    if (tenant == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for a tenant");
    tenant->state = TENANT_ACTIVE;
    if (scan_start(&scan, txn, &tenant_table, "state", tenant, 1, true, err) == 0 &&
        (got = scan_next(&scan, tenant, err)) == 1)
        add_url(h, "tenants", tenant->url, tenant->id);
    free(tenant);
    return got == -1 ? -1 : 0;
}

/* What the box's own web server is given to show. */
static void add_file(struct hosts *h, const char *folder)
{
    char path[PATHS_SIZE + 16];

    (void)str_format(path, sizeof path, "%s/cert.pem", folder);
    if (access(path, F_OK) == 0)
        add(h, "file", path, "");
}

static int gather(const struct answer_setup *s, struct hosts *h, struct err *err)
{
    const struct conf *conf = &s->context->conf;
    char url[512], names[512], name[300];
    struct txn *txn;
    int rc = -1;

    if (db_read(&txn, s->context->db, err) == -1)
        return -1;
    if (setting_text(txn, conf, "box.url", url, sizeof url, err) != -1 &&
        setting_text(txn, conf, "alerts.certificates", names, sizeof names, err) != -1) {
        add_url(h, "box", url, "");
        add_file(h, s->context->paths.tls);
        for (const char *at = names; *at != '\0'; at += *at != '\0') {
            size_t len = strcspn(at, ", ");
            if (len > 0 && str_copy_n(name, sizeof name, at, len) == 0)
                add(h, "watched", name, "");
            at += len;
        }
        rc = add_tenant(h, txn, err) == -1 || add_domains(h, txn, err) == -1 ? -1 : 0;
    }
    db_read_end(txn);
    return rc;
}

static void look(struct json_out *j, const struct host *host, bool late)
{
    int64_t expires_ms = 0, now_ms = clock_wall_ms();
    char url[320];
    struct err err = {0};
    int rc = -1;

    (void)str_format(url, sizeof url, "https://%s/", host->name);
    if (str_equal(host->kind, "file"))
        rc = x509_file_until(host->name, &expires_ms, &err);
    else if (!late)
        rc = certificate_expiry(url, &expires_ms, &err);
    json_out_object(j);
    json_out_key_text(j, "object", "certificate");
    json_out_key_text(j, "host", host->name);
    json_out_key_text(j, "kind", host->kind);
    json_out_key_text(j, "subject_id", host->subject);
    json_out_key_time(j, "expires_at", rc == 0 ? expires_ms : 0);
    json_out_key(j, "days");
    if (rc == 0)
        json_out_i64(j, (expires_ms - now_ms) / DAY_MS);
    else
        json_out_null(j);
    json_out_key_text(j, "problem",
                      rc == 0 ? (expires_ms < now_ms ? "it has ended" : "")
                      : late  ? "not looked at: others took too long"
                              : err.text);
    json_out_end_object(j);
}

int answer_certificates(const struct answer_setup *s, const struct kv *params, struct buf *out,
                        struct err *err)
{
    struct hosts *h = calloc(1, sizeof *h);
    int64_t until_ms = clock_mono_ms() + LOOK_MS;
    struct json_out j;
    int rc;

    (void)params;
    if (h == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for certificates");
    if ((rc = gather(s, h, err)) == 0) {
        json_out_init(&j, out);
        json_out_object(&j);
        json_out_key_text(&j, "object", "list");
        json_out_key(&j, "data");
        json_out_array(&j);
        for (unsigned i = 0; i < h->count; i++)
            look(&j, &h->at[i], clock_mono_ms() > until_ms);
        json_out_end_array(&j);
        json_out_key_bool(&j, "has_more", h->count == HOSTS_MOST);
        json_out_key_text(&j, "url", "/api/system/certificates");
        json_out_end_object(&j);
    }
    free(h);
    return rc;
}
