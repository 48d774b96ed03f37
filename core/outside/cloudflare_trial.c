/*
 * What Cloudflare's token leads to: which account, which zone, which of the permissions that sett
 * lives by. Apart from the calls because nothing of it is wanted to run, and nothing is changed:
 * that a thing can be read shows half a permission, so the zone's own list of them is told, too.
 */
#include "cloudflare.h"

#include <string.h>

#include "cloudflare_call.h"
#include "json_in.h"
#include "str.h"
#include "trial.h"

struct looking {
    struct cloudflare *c;
    const struct trial *t;
};

/* GET a path of account or zone; NULL when that failed. */
static struct cJSON *look(struct looking *l, const char *permission, struct err *err,
                          const char *format, const char *id)
{
    char path[CLOUDFLARE_PATH_SIZE], escaped[CLOUDFLARE_ID_SIZE * 3];
    struct cJSON *json;

    if (cloudflare_part(escaped, sizeof escaped, id, err) == -1)
        return NULL;
    /* two halves, so that no format comes out of a table */
    if (str_format(path, sizeof path, "%.*s%s%s", (int)strcspn(format, "*"), format, escaped,
                   strchr(format, '*') + 1) == -1)
        return NULL;
    return cloudflare_call(l->c, "GET", path, NULL, permission, &json, err) == 0 ? json : NULL;
}

static void tell_read(struct looking *l, const char *name, bool needed, const char *permission,
                      const char *path, const char *id, const char *fine)
{
    struct err err;
    struct cJSON *json = look(l, permission, &err, path, id);

    trial_result(l->t, name, needed, json == NULL ? -1 : 0, &err, fine);
    json_free(json);
}

static void tell_account(struct looking *l)
{
    if (l->c->account[0] == '\0') {
        l->t->check(l->t->arg, "account", false, true, "no account is set",
                    "Set cloudflare.account to the account's id (Overview, API).");
        return;
    }
    tell_read(l, "tunnels", true, CLOUDFLARE_MAY_TUNNEL,
              "/accounts/*/cfd_tunnel?is_deleted=false&per_page=1", l->c->account,
              "tunnels of the account can be read");
    tell_read(l, "access", false, "Account / Access: Apps and Policies / Edit",
              "/accounts/*/access/apps?per_page=1", l->c->account,
              "Access applications can be read");
}

/* What the zone says that this token may do: "#dns_records:edit". */
static void tell_permissions(struct looking *l, const struct cJSON *zone)
{
    const struct cJSON *list = json_at(zone, "result.permissions"), *at = NULL;
    bool edit = false;

    if (json_size(zone, "result.permissions") == 0)
        return;
    while ((at = json_next(list, at)) != NULL)
        edit = edit || str_equal(json_text(at, "", ""), "#dns_records:edit");
    l->t->check(l->t->arg, "dns_edit", edit, true,
                edit ? "DNS records of the zone can be changed"
                     : "DNS records of the zone cannot be changed",
                edit ? "" : "Give the token the permission " CLOUDFLARE_MAY_DNS ".");
}

static void tell_zone(struct looking *l, const char *domain)
{
    struct err err;
    struct cJSON *json;
    const char *name, *status;
    char text[400];
    bool active, ours, covers;

    if (l->c->zone[0] == '\0') {
        l->t->check(l->t->arg, "zone", false, true, "no zone is set",
                    "Set cloudflare.zone to the zone's id (the domain's Overview, API).");
        return;
    }
    json = look(l, CLOUDFLARE_MAY_ZONE, &err, "/zones/*", l->c->zone);
    if (json == NULL) {
        trial_result(l->t, "zone", true, -1, &err, "");
        return;
    }
    name = json_text(json, "result.name", "");
    status = json_text(json, "result.status", "");
    (void)str_format(text, sizeof text, "%.200s (%.40s, %.60s)", name, status,
                     json_text(json, "result.plan.name", "plan unknown"));
    l->t->fact(l->t->arg, "zone", text);
    (void)str_format(text, sizeof text, "%.200s (%.60s)",
                     json_text(json, "result.account.name", ""),
                     json_text(json, "result.account.id", ""));
    l->t->fact(l->t->arg, "account", text);
    active = str_equal(status, "active");
    l->t->check(l->t->arg, "zone", active, true,
                active ? "the zone is active" : "the zone is not active",
                active ? "" : "Enter Cloudflare's name servers at the registrar.");
    ours = str_equal(json_text(json, "result.account.id", l->c->account), l->c->account);
    l->t->check(l->t->arg, "zone_account", ours, true,
                ours ? "the zone belongs to this account" : "the zone belongs to another account",
                ours ? "" : "Set cloudflare.account to the zone's account.");
    covers = str_equal(domain, name) || (str_ends(domain, name) && strlen(domain) > strlen(name) &&
                                         domain[strlen(domain) - strlen(name) - 1] == '.');
    (void)str_format(text, sizeof text, "box.domain %.150s %s in the zone %.150s", domain,
                     covers ? "lies" : "does not lie", name);
    l->t->check(l->t->arg, "domain", covers, true, text,
                covers ? "" : "Set box.domain to a name of this zone, or cloudflare.zone to its.");
    tell_permissions(l, json);
    json_free(json);
    tell_read(l, "dns", true, CLOUDFLARE_MAY_DNS, "/zones/*/dns_records?per_page=1", l->c->zone,
              "DNS records of the zone can be read");
    tell_read(l, "hostnames", false, "Zone / SSL and Certificates / Edit",
              "/zones/*/custom_hostnames?per_page=5", l->c->zone, "custom hostnames can be read");
}

void cloudflare_trial(struct cloudflare *c, const char *domain, const struct trial *t)
{
    struct looking l = {.c = c, .t = t};
    struct err err;
    int result = cloudflare_verify(c, &err);

    t->fact(t->arg, "api", c->api);
    trial_result(t, "token", true, result, &err, "the token is active");
    if (result == -1 && err.kind != ERR_FORBIDDEN)
        return; /* the rest would say the same */
    tell_account(&l);
    tell_zone(&l, domain);
}
