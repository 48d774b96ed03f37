/* Quotas. Apart from what is counted because a limit is refused here, in words, before the provider
 * refuses it in its own; and because counting must not itself spend the budget of calls. */
#include "cloudflare_quota.h"

#include <string.h>

#include "clock.h"
#include "cloudflare_call.h"
#include "cloudflare_limit.h"
#include "json_in.h"
#include "str.h"

#define LATELY_MS     (INT64_C(10) * 60 * 1000)
#define FREE_SINCE    "2024-09-01" /* free zones made from then on have fewer records */
#define MAY_ACCESS    "Account / Access: Apps and Policies / Read"
#define MAY_HOSTNAMES "Zone / SSL and Certificates / Read"

static const struct row {
    const char *name, *title, *hint;
} rows[CLOUDFLARE_QUOTAS] = {
    [CLOUDFLARE_TUNNELS] = {"tunnels", "tunnels of the account",
                            "Let tenants share one: sett setting set ingress.mode shared, and sett "
                            "tenant update TENANT --ingress-mode shared."},
    [CLOUDFLARE_RECORDS] = {"records", "DNS records of the zone",
                            "Tenants that share a tunnel need none: sett setting set ingress.mode "
                            "shared. A larger plan of the zone has 3,500."},
    [CLOUDFLARE_HOSTNAMES] = {"hostnames", "custom host names of the zone",
                              "Remove some, or raise the limit with Cloudflare."},
    [CLOUDFLARE_APPLICATIONS] = {"applications", "Access applications of the account",
                                 "Let everybody in to some: sett access clear TENANT."},
    [CLOUDFLARE_LIMIT_RULES] = {"limit_rules", "rate-limiting rules of the zone",
                                "Take one back: sett ratelimit clear TENANT."},
    [CLOUDFLARE_CALLS] = {"calls", "calls of the API", "It goes on by itself."},
};

const char *cloudflare_quota_name(enum cloudflare_quota_of of)
{
    return rows[of].name;
}

/* How many there are in a list, by what the list says of itself. */
static int total(struct cloudflare *c, const char *path, const char *permission, uint64_t *used,
                 struct err *err)
{
    struct cJSON *json;

    if (cloudflare_call(c, "GET", path, NULL, permission, &json, err) == -1)
        return -1;
    *used = (uint64_t)json_i64(json, "result_info.total_count", json_size(json, "result"));
    json_free(json);
    return 0;
}

static int records_most(struct cloudflare *c, uint64_t *most, struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE];
    struct cJSON *json;
    const char *made;

    (void)str_format(path, sizeof path, "/zones/%s", c->zone);
    if (cloudflare_call(c, "GET", path, NULL, CLOUDFLARE_MAY_ZONE, &json, err) == -1)
        return -1;
    made = json_text(json, "result.created_on", "");
    *most = 3500;
    if (str_equal(json_text(json, "result.plan.legacy_id", ""), "free"))
        *most = made[0] != '\0' && strcmp(made, FREE_SINCE) < 0 ? 1000 : 200;
    json_free(json);
    return 0;
}

static int limit_rules(struct cloudflare *c, struct cloudflare_quota *out, struct err *err)
{
    const struct cloudflare_limit_plan *plan;
    struct cloudflare_limit none;
    uint32_t count;

    if (cloudflare_limit_plan(c, &plan, err) == -1 ||
        cloudflare_limit_find(c, "", &none, &count, err) == -1)
        return -1;
    out->used = count;
    out->most = plan->rules;
    return 0;
}

static int count(struct cloudflare *c, enum cloudflare_quota_of of, struct cloudflare_quota *out,
                 struct err *err)
{
    char path[CLOUDFLARE_PATH_SIZE];

    if (c->zone[0] == '\0' && of != CLOUDFLARE_TUNNELS && of != CLOUDFLARE_APPLICATIONS)
        return err_set(err, ERR_FORBIDDEN, "cloudflare_zone", "no zone is set");
    switch (of) {
    case CLOUDFLARE_TUNNELS:
        out->most = 1000;
        (void)str_format(path, sizeof path, "/accounts/%s/cfd_tunnel?is_deleted=false&per_page=1",
                         c->account);
        return total(c, path, CLOUDFLARE_MAY_TUNNEL, &out->used, err);
    case CLOUDFLARE_RECORDS:
        (void)str_format(path, sizeof path, "/zones/%s/dns_records?per_page=1", c->zone);
        if (total(c, path, CLOUDFLARE_MAY_DNS, &out->used, err) == -1)
            return -1;
        return records_most(c, &out->most, err);
    case CLOUDFLARE_HOSTNAMES:
        out->most = 100;
        (void)str_format(path, sizeof path, "/zones/%s/custom_hostnames?per_page=5", c->zone);
        return total(c, path, MAY_HOSTNAMES, &out->used, err);
    case CLOUDFLARE_APPLICATIONS:
        out->most = 500;
        (void)str_format(path, sizeof path, "/accounts/%s/access/apps?per_page=1", c->account);
        return total(c, path, MAY_ACCESS, &out->used, err);
    default:
        return limit_rules(c, out, err);
    }
}

static void calls(struct cloudflare *c, struct cloudflare_quota *out)
{
    int64_t left;

    (void)pthread_mutex_lock(&c->lock);
    left = c->budget_milli + (clock_mono_ms() - c->budget_at_ms) * CLOUDFLARE_BUDGET_PER_S;
    if (clock_mono_ms() < c->blocked_until_ms)
        left = 0;
    (void)pthread_mutex_unlock(&c->lock);
    out->most = CLOUDFLARE_BUDGET_MILLI / 1000;
    left /= 1000;
    out->used = left <= 0                     ? out->most
                : (uint64_t)left >= out->most ? 0
                                              : out->most - (uint64_t)left;
}

int cloudflare_quota_read(struct cloudflare *c, enum cloudflare_quota_of of,
                          struct cloudflare_quota *out, struct err *err)
{
    struct err local = {0}, *e = err == NULL ? &local : err;

    memset(out, 0, sizeof *out);
    out->name = rows[of].name;
    out->title = rows[of].title;
    if (of == CLOUDFLARE_CALLS) {
        calls(c, out);
        return 0;
    }
    if (count(c, of, out, e) == -1) {
        (void)str_copy_n(out->unknown, sizeof out->unknown, e->text,
                         strnlen(e->text, sizeof out->unknown - 1));
        if (e->kind != ERR_FORBIDDEN && e->kind != ERR_UNAUTHENTICATED &&
            e->kind != ERR_NOT_FOUND && e->kind != ERR_INVALID)
            return -1;
        err_clear(e);
    }
    (void)pthread_mutex_lock(&c->lock);
    c->counts[of].at_ms = clock_mono_ms();
    c->counts[of].used = (int64_t)out->used;
    c->counts[of].most = out->unknown[0] == '\0' ? out->most : 0;
    (void)pthread_mutex_unlock(&c->lock);
    return 0;
}

void cloudflare_quota_lately(struct cloudflare *c, enum cloudflare_quota_of of,
                             struct cloudflare_quota *out)
{
    struct err err = {0};
    bool known;

    memset(out, 0, sizeof *out);
    out->name = rows[of].name;
    out->title = rows[of].title;
    (void)pthread_mutex_lock(&c->lock);
    known = c->counts[of].at_ms != 0 && clock_mono_ms() - c->counts[of].at_ms < LATELY_MS;
    if (known) {
        out->used = c->counts[of].used < 0 ? 0 : (uint64_t)c->counts[of].used;
        out->most = c->counts[of].most;
    }
    (void)pthread_mutex_unlock(&c->lock);
    if (known && out->most == 0)
        (void)str_copy(out->unknown, sizeof out->unknown, "it could not be read lately");
    if (!known && cloudflare_quota_read(c, of, out, &err) == -1 && out->unknown[0] == '\0')
        (void)str_copy(out->unknown, sizeof out->unknown, "it cannot be read now");
}

int cloudflare_quota_room(struct cloudflare *c, enum cloudflare_quota_of of, struct err *err)
{
    struct cloudflare_quota q;
    struct err local = {0};
    char code[64];

    cloudflare_quota_lately(c, of, &q);
    if (q.unknown[0] != '\0' || q.used < q.most)
        return 0;
    /* A refusal goes by what is so now, and not by what was so lately. */
    if (cloudflare_quota_read(c, of, &q, &local) == -1 || q.unknown[0] != '\0' || q.used < q.most)
        return 0;
    (void)str_format(code, sizeof code, "quota_%s", q.name);
    (void)err_set(err, ERR_QUOTA, code, "There are %llu %s at Cloudflare, and no more than %llu.",
                  (unsigned long long)q.used, q.title, (unsigned long long)q.most);
    return err_hint(err, "%s", rows[of].hint);
}

void cloudflare_quota_made(struct cloudflare *c, enum cloudflare_quota_of of, int more)
{
    (void)pthread_mutex_lock(&c->lock);
    c->counts[of].used += more;
    (void)pthread_mutex_unlock(&c->lock);
}
