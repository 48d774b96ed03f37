/* The list of routes, and how a path is looked up in it. Apart so that the whole surface of the API
 * can be read on one page. */
#include "routes.h"
#include "str.h"

#define GET    "GET"
#define POST   "POST"
#define PUT    "PUT"
#define PATCH  "PATCH"
#define DELETE "DELETE"

const struct op_route route_table[] = {
    /* The hottest come first: the search goes down the list. */
    {GET, "/api/tenants/export", "tenant.export"},
    {GET, "/api/tenants/{id}", "tenant.show"},
    {GET, "/api/tenants", "tenant.list"},
    {GET, "/health", "health"},
    {POST, "/webhook/stripe", "stripe.webhook"},
    {GET, "/metrics", "metrics"},
    {GET, "/api/openapi.json", "openapi"},
    {GET, "/api/system/health", "system.health"},
    {POST, "/api/system/admin-action", "system.act"},
    {GET, "/api/system/doctor", "system.doctor"},
    {GET, "/api/system/support-bundle", "system.bundle"},
    {GET, "/api/system/programs", "system.programs"},
    {GET, "/api/system/versions", "system.versions"},
    {GET, "/api/system/certificates", "system.certificates"},
    {GET, "/api/system/stats", "system.stats"},
    {GET, "/api/system/resources", "system.resources"},
    {GET, "/api/system/database", "system.database"},
    {GET, "/api/dashboard/metrics", "dashboard.metrics"},
    {GET, "/api/attention", "system.attention"},
    {GET, "/api/search", "system.search"},

    {POST, "/api/auth/login", "auth.login"},
    {POST, "/api/admin/login", "auth.login"},
    {POST, "/api/auth/second", "auth.second"},
    {POST, "/api/auth/confirm", "auth.confirm"},
    {POST, "/api/auth/confirm/passkey", "auth.passkey-confirm"},
    {POST, "/api/auth/passkey/options", "auth.passkey-options"},
    {POST, "/api/auth/passkey", "auth.passkey"},
    {POST, "/api/auth/refresh", "auth.refresh"},
    {POST, "/api/auth/logout", "auth.logout"},
    {GET, "/api/auth/me", "auth.me"},
    {GET, "/api/sessions", "session.list"},
    {DELETE, "/api/sessions", "session.clear"},
    {DELETE, "/api/sessions/{id}", "session.revoke"},

    {POST, "/api/users/me/password", "user.password"},
    {GET, "/api/users/me/second-factor", "second-factor.show"},
    {POST, "/api/users/me/second-factor", "second-factor.begin"},
    {DELETE, "/api/users/me/second-factor", "second-factor.disable"},
    {POST, "/api/users/me/second-factor/confirm", "second-factor.confirm"},
    {POST, "/api/users/me/second-factor/codes", "second-factor.codes"},
    {POST, "/api/users/me/passkeys/options", "auth.passkey-new"},
    {POST, "/api/users/me/passkeys", "auth.passkey-add"},
    {GET, "/api/passkeys", "passkey.list"},
    {DELETE, "/api/passkeys/{id}", "passkey.revoke"},
    {GET, "/api/users/{id}/second-factor", "second-factor.show"},
    {DELETE, "/api/users/{id}/second-factor", "second-factor.remove"},
    {GET, "/api/users", "user.list"},
    {POST, "/api/users", "user.create"},
    {GET, "/api/users/{id}", "user.show"},
    {PATCH, "/api/users/{id}", "user.update"},
    {DELETE, "/api/users/{id}", "user.delete"},
    {POST, "/api/users/{id}/reset", "user.reset"},
    {POST, "/api/auth/forgotten", "password.forgotten"},
    {POST, "/api/auth/reset/look", "password.look"},
    {POST, "/api/auth/reset", "password.reset"},
    {GET, "/api/invitations", "invitation.list"},
    {POST, "/api/invitations", "invitation.create"},
    {POST, "/api/invitations/look", "invitation.look"},
    {POST, "/api/invitations/accept", "invitation.accept"},
    {GET, "/api/invitations/{id}", "invitation.show"},
    {DELETE, "/api/invitations/{id}", "invitation.revoke"},
    {POST, "/api/invitations/{id}/resend", "invitation.resend"},
    {GET, "/api/keys", "key.list"},
    {POST, "/api/keys", "key.create"},
    {GET, "/api/key-scopes", "key.scopes"},
    {GET, "/api/keys/{id}", "key.show"},
    {PATCH, "/api/keys/{id}", "key.update"},
    {DELETE, "/api/keys/{id}", "key.revoke"},
    {POST, "/api/keys/{id}/rotate", "key.renew"},

    {POST, "/api/tenants", "tenant.create"},
    {POST, "/api/tenants/bulk", "tenant.bulk"},
    {PATCH, "/api/tenants/{id}", "tenant.update"},
    {DELETE, "/api/tenants/{id}", "tenant.delete"},
    {POST, "/api/tenants/{id}/suspend", "tenant.suspend"},
    {POST, "/api/tenants/{id}/resume", "tenant.resume"},
    {POST, "/api/tenants/{id}/keep", "tenant.keep"},
    {POST, "/api/tenants/{id}/restart", "tenant.restart"},
    {POST, "/api/tenants/{id}/rekey", "tenant.rekey"},
    {POST, "/api/tenants/{id}/restore", "tenant.restore"},
    {GET, "/api/tenants/{id}/snapshots", "tenant.snapshots"},
    {POST, "/api/tenants/{id}/recover", "tenant.recover"},
    {POST, "/api/tenants/{id}/move", "tenant.move"},
    {GET, "/api/tenants/{id}/health", "tenant.health"},
    {GET, "/api/tenants/{id}/logs", "tenant.logs"},
    {GET, "/api/tenants/{id}/stats", "tenant.stats"},

    {GET, "/api/cloudflare/quotas", "cloudflare.quotas"},
    {GET, "/api/tenants/{id}/guards", "tenant.guards"},
    {GET, "/api/tenants/{id}/access", "access.show"},
    {PUT, "/api/tenants/{id}/access", "access.set"},
    {DELETE, "/api/tenants/{id}/access", "access.clear"},
    {GET, "/api/tenants/{id}/rate-limit", "ratelimit.show"},
    {PUT, "/api/tenants/{id}/rate-limit", "ratelimit.set"},
    {DELETE, "/api/tenants/{id}/rate-limit", "ratelimit.clear"},

    {GET, "/api/tunnels", "tunnel.list"},
    {POST, "/api/tunnels", "tunnel.create"},
    {GET, "/api/tunnels/{id}", "tunnel.show"},
    {PATCH, "/api/tunnels/{id}", "tunnel.update"},
    {DELETE, "/api/tunnels/{id}", "tunnel.delete"},
    {GET, "/api/tunnels/{id}/status", "tunnel.status"},
    {GET, "/api/tunnels/{id}/health", "tunnel.health"},
    {GET, "/api/tunnels/{id}/logs", "tunnel.logs"},
    {POST, "/api/tunnels/{id}/restart", "tunnel.restart"},
    {GET, "/api/tunnels/{id}/probe", "tunnel.probe"},
    {POST, "/api/tunnels/{id}/probe", "tunnel.examine"},
    {GET, "/api/probe", "probe.show"},
    {POST, "/api/probe", "probe.start"},
    {POST, "/api/tunnels/validate", "tunnel.validate"},
    {POST, "/api/tunnels/adopt", "tunnel.adopt"},
    {GET, "/api/tunnels/{id}/match", "tunnel.match"},
    {GET, "/api/tunnels/{id}/config", "tunnel.config"},
    {POST, "/api/tunnels/{id}/configure", "tunnel.configure"},
    {GET, "/api/tunnels/{id}/rules", "rule.list"},
    {POST, "/api/tunnels/{id}/rules", "rule.create"},
    {PUT, "/api/tunnels/{id}/rules", "rule.replace"},
    {POST, "/api/tunnels/{id}/rules/revert", "rule.revert"},
    {POST, "/api/tunnels/{id}/rules/check", "rule.check"},
    {GET, "/api/tunnels/{id}/rules/versions", "rule.versions"},
    {GET, "/api/rules/{id}", "rule.show"},
    {PATCH, "/api/rules/{id}", "rule.update"},
    {DELETE, "/api/rules/{id}", "rule.delete"},

    {GET, "/api/turn/credentials", "turn.credentials"},
    {POST, "/api/turn/revoke", "turn.revoke"},
    {GET, "/api/turn/usage", "turn.usage"},
    {GET, "/api/turn/keys", "turn.list"},
    {POST, "/api/turn/keys", "turn.create"},
    {GET, "/api/turn/keys/{id}", "turn.show"},
    {DELETE, "/api/turn/keys/{id}", "turn.delete"},

    {GET, "/api/domains", "domain.list"},
    {POST, "/api/domains", "domain.add"},
    {POST, "/api/domains/claim", "domain.claim"},
    {GET, "/api/domains/{id}", "domain.show"},
    {DELETE, "/api/domains/{id}", "domain.remove"},
    {POST, "/api/domains/{id}/check", "domain.check"},
    {GET, "/api/domains/{id}/instructions", "domain.instructions"},

    {GET, "/api/snapshots", "snapshot.list"},
    {POST, "/api/snapshots", "snapshot.create"},
    {POST, "/api/snapshots/prune", "snapshot.prune"},
    {POST, "/api/snapshots/drill", "snapshot.drill"},
    {GET, "/api/snapshots/rounds", "snapshot.rounds"},
    {GET, "/api/snapshots/matrix", "snapshot.matrix"},
    {GET, "/api/snapshots/summary", "snapshot.summary"},
    {GET, "/api/snapshots/progress", "snapshot.progress"},
    {GET, "/api/snapshots/{id}", "snapshot.show"},
    {DELETE, "/api/snapshots/{id}", "snapshot.forget"},
    {POST, "/api/snapshots/{id}/check", "snapshot.check"},
    {GET, "/api/snapshots/{id}/file", "snapshot.export"},
    {GET, "/api/drills", "drill.list"},
    {GET, "/api/drills/{id}", "drill.show"},
    {GET, "/api/engines", "engine.list"},
    {POST, "/api/engines", "engine.add"},
    {GET, "/api/engines/local", "engine.local"},
    {GET, "/api/engines/{id}", "engine.show"},
    {PATCH, "/api/engines/{id}", "engine.update"},
    {DELETE, "/api/engines/{id}", "engine.remove"},
    {POST, "/api/engines/{id}/test", "engine.test"},
    {GET, "/api/vaults", "vault.list"},
    {POST, "/api/vaults", "vault.add"},
    {GET, "/api/vaults/room", "vault.room"},
    {GET, "/api/vaults/{id}", "vault.show"},
    {PATCH, "/api/vaults/{id}", "vault.update"},
    {DELETE, "/api/vaults/{id}", "vault.remove"},
    {POST, "/api/vaults/{id}/test", "vault.test"},
    {GET, "/api/setup", "box.setup"},
    {GET, "/api/setup/steps", "box.steps"},
    {POST, "/api/setup/finish", "box.finish"},
    {GET, "/api/box", "box.show"},
    {POST, "/api/box/stay", "box.stay"},
    {POST, "/api/box/identify", "box.identify"},
    {POST, "/api/box/restore/fetch", "box.bring"},
    {POST, "/api/box/restore", "box.restore"},
    {GET, "/api/vaults/{id}/contents", "vault.contents"},
    {GET, "/api/box/keys", "key.box"},
    {GET, "/api/box/keys/status", "key.status"},
    {POST, "/api/box/keys/rotate", "key.rotate"},
    {POST, "/api/recovery/generate", "recovery.generate"},
    {POST, "/api/recovery/prove", "recovery.prove"},
    {GET, "/api/recovery/keys", "recovery.list"},
    {POST, "/api/recovery/keys", "recovery.add"},
    {GET, "/api/recovery/keys/{id}", "recovery.show"},
    {DELETE, "/api/recovery/keys/{id}", "recovery.remove"},
    {GET, "/api/recovery/kit", "recovery.kit"},

    {GET, "/api/names/{name}", "name.check"},
    {GET, "/api/proxmox", "proxmox.check"},
    {POST, "/api/stripe/test", "stripe.test"},
    {POST, "/api/cloudflare/test", "cloudflare.test"},
    {POST, "/api/database/test", "database.test"},
    {GET, "/api/ports", "port.list"},
    {GET, "/api/ports/map", "port.map"},
    {POST, "/api/ports/scan", "port.scan"},
    {GET, "/api/ports/{port}", "port.show"},
    {POST, "/api/ports/{port}/reserve", "port.reserve"},
    {POST, "/api/ports/{port}/release", "port.release"},
    {GET, "/api/customers", "customer.list"},
    {POST, "/api/customers", "customer.create"},
    {GET, "/api/customers/{id}", "customer.show"},
    {PATCH, "/api/customers/{id}", "customer.update"},
    {GET, "/api/blueprints", "blueprint.list"},
    {GET, "/api/plans", "plan.list"},
    {POST, "/api/plans", "plan.create"},
    {GET, "/api/plans/{id}", "plan.show"},
    {PATCH, "/api/plans/{id}", "plan.update"},
    {GET, "/api/subscriptions", "subscription.list"},
    {GET, "/api/subscriptions/{id}", "subscription.show"},
    {GET, "/api/orders", "order.list"},
    {POST, "/api/orders/follow", "order.follow"},
    {POST, "/api/orders/cancel", "order.cancel"},
    {POST, "/api/orders/credentials", "order.credentials"},
    {GET, "/api/orders/{id}", "order.show"},
    {GET, "/api/offers", "offer.list"},
    {GET, "/api/portal/services/{id}", "portal.service"},
    {GET, "/api/portal/jobs/{id}", "portal.work"},
    {POST, "/api/portal/link", "portal.link"},
    {POST, "/api/portal/enter", "portal.enter"},
    {POST, "/api/portal/password", "portal.password"},
    {POST, "/api/billing-portal", "billing.portal"},
    {POST, "/api/checkout", "checkout.create"},

    {GET, "/api/drift", "drift.list"},
    {GET, "/api/drift/scan", "drift.status"},
    {POST, "/api/drift/scan", "drift.scan"},
    {GET, "/api/drift/{id}", "drift.show"},
    {POST, "/api/drift/{id}/accept", "drift.accept"},
    {POST, "/api/drift/{id}/ignore", "drift.ignore"},
    {POST, "/api/drift/{id}/revert", "drift.revert"},

    {GET, "/api/restores", "restore.list"},
    {POST, "/api/restores", "restore.create"},
    {POST, "/api/restores/resume", "restore.resume"},
    {GET, "/api/restores/{id}", "restore.show"},
    {POST, "/api/restores/{id}/commit", "restore.commit"},
    {POST, "/api/restores/{id}/rollback", "restore.rollback"},

    {GET, "/api/jobs", "job.list"},
    {GET, "/api/jobs/{id}", "job.show"},
    {POST, "/api/jobs/{id}/retry", "job.retry"},
    {POST, "/api/jobs/{id}/resolve", "job.resolve"},

    {GET, "/api/changes", "change.list"},
    {GET, "/api/events", "event.list"},
    {GET, "/api/events/{id}", "event.show"},
    {POST, "/api/events/{id}/replay", "event.replay"},
    {GET, "/api/audit", "audit.list"},
    {GET, "/api/audit/verify", "audit.verify"},
    {GET, "/api/audit/export", "audit.export"},
    {GET, "/api/audit/{number}", "audit.show"},

    {GET, "/api/alerts", "alert.list"},
    {POST, "/api/alerts/ack", "alert.ackall"},
    {GET, "/api/alerts/{id}", "alert.show"},
    {POST, "/api/alerts/{id}/ack", "alert.ack"},
    {POST, "/api/alerts/{id}/silence", "alert.silence"},
    {GET, "/api/alert-rules", "alert.rules"},
    {PATCH, "/api/alert-rules/{kind}", "alert.set"},
    {GET, "/api/notices", "notice.log"},
    {GET, "/api/channels", "channel.list"},
    {POST, "/api/channels", "channel.create"},
    {GET, "/api/channels/{id}", "channel.show"},
    {PATCH, "/api/channels/{id}", "channel.update"},
    {DELETE, "/api/channels/{id}", "channel.delete"},
    {POST, "/api/channels/{id}/test", "channel.test"},
    {POST, "/api/channels/{id}/rotate", "channel.rotate"},
    {GET, "/api/mails", "mail.log"},
    {POST, "/api/mails", "mail.send"},
    {POST, "/api/mails/test", "mail.test"},
    {GET, "/api/mails/{id}", "mail.show"},
    {POST, "/api/mails/{id}/resend", "mail.resend"},
    {GET, "/api/mail-kinds", "mail.kinds"},
    {POST, "/api/reveal", "reveal.show"},
    {POST, "/api/tenants/{id}/credentials", "tenant.credentials"},

    {GET, "/api/logs", "log.list"},
    {GET, "/api/brand", "brand.show"},
    {PATCH, "/api/brand", "brand.update"},
    {GET, "/api/brand/logo", "brand.logo"},
    {PUT, "/api/brand/logo", "brand.upload"},
    {DELETE, "/api/brand/logo", "brand.clear"},
    {GET, "/api/settings", "setting.list"},
    {PUT, "/api/settings/{name}", "setting.set"},
    {GET, "/api/secrets", "secret.list"},
    {PUT, "/api/secrets/{name}", "secret.set"},
};
const size_t route_count = sizeof(route_table) / sizeof(route_table[0]);

const struct op_route route_streams[] = {
    {GET, "/api/jobs/{id}/stream", "job.show"},
    {GET, "/api/events/stream", "change.list"},
    {GET, "/api/orders/stream", "order.follow"},
    {GET, "/api/logs/stream", "log.list"},
};
const size_t route_stream_count = sizeof(route_streams) / sizeof(route_streams[0]);

static const struct {
    const char *op;
    unsigned flags;
} special[] = {
    {"auth.login", ROUTE_LOGIN | ROUTE_SLOW},
    {"password.forgotten", ROUTE_LOGIN},
    {"password.look", ROUTE_LOGIN},
    {"password.reset", ROUTE_LOGIN | ROUTE_SLOW},
    {"invitation.look", ROUTE_LOGIN},
    {"invitation.accept", ROUTE_LOGIN | ROUTE_SLOW},
    {"portal.link", ROUTE_LOGIN},
    {"portal.enter", ROUTE_LOGIN},
    {"portal.password", ROUTE_SLOW},
    {"auth.passkey", ROUTE_LOGIN},
    {"auth.second", ROUTE_SLOW},
    {"auth.confirm", ROUTE_SLOW | ROUTE_GUESS},
    {"user.password", ROUTE_SLOW | ROUTE_GUESS},
    {"second-factor.confirm", ROUTE_SLOW | ROUTE_GUESS},
    {"second-factor.codes", ROUTE_SLOW},
    {"user.create", ROUTE_SLOW},
    {"user.update", ROUTE_SLOW},
    {"name.check", ROUTE_NAMES},
    {"health", ROUTE_FREE},
    {"metrics", ROUTE_FREE | ROUTE_METRICS},
    {"stripe.webhook", ROUTE_FREE | ROUTE_WEBHOOK},
    {"tenant.list", ROUTE_STEADY},
    {"tenant.show", ROUTE_STEADY},
    {"customer.list", ROUTE_STEADY},
    {"customer.show", ROUTE_STEADY},
    {"plan.list", ROUTE_STEADY},
    {"plan.show", ROUTE_STEADY},
    {"offer.list", ROUTE_STEADY},
};

unsigned route_flags(const struct op_route *route)
{
    unsigned flags = str_starts(route->path, "/api/") ? ROUTE_API : 0;
    for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
        if (str_equal(special[i].op, route->op)) {
            flags |= special[i].flags;
        }
    }
    return flags;
}

/* Put "{name}" of the pattern and the segment of the path beside each other. */
static int value_take(struct route_match *match, const char *name, size_t name_len,
                      const char *value, size_t value_len)
{
    if (value_len == 0 || match->value_count >= ROUTE_PATH_PARAMS) {
        return -1;
    }
    struct route_value *v = &match->values[match->value_count];
    if (str_copy_n(v->name, sizeof(v->name), name, name_len) < 0 ||
        str_copy_n(v->value, sizeof(v->value), value, value_len) < 0) {
        return -1;
    }
    match->value_count++;
    return 0;
}

/* Whether ${path} fits ${pattern}, filling the values. */
static bool fits(const char *pattern, const char *path, struct route_match *match)
{
    match->value_count = 0;
    for (;;) {
        while (*pattern == *path && *pattern != '\0' && *pattern != '{') {
            pattern++;
            path++;
        }
        if (*pattern != '{') {
            return *pattern == '\0' && *path == '\0';
        }
        size_t name_len = strcspn(pattern, "}") - 1;
        size_t value_len = strcspn(path, "/");
        if (value_take(match, pattern + 1, name_len, path, value_len) < 0) {
            return false;
        }
        pattern += name_len + 2;
        path += value_len;
    }
}

static void allow_add(struct route_match *match, const char *method)
{
    size_t have = strlen(match->allow);
    (void)str_format(match->allow + have, sizeof(match->allow) - have, "%s%s%s",
                     have > 0 ? ", " : "", method, str_equal(method, GET) ? ", HEAD" : "");
}

int route_find(const struct op_route *table, size_t count, enum request_method method,
               const char *path, struct route_match *match)
{
    enum request_method wanted = method == REQUEST_HEAD ? REQUEST_GET : method;
    match->route = NULL;
    match->allow[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        if (!fits(table[i].path, path, match)) {
            continue;
        }
        /* "/api/users/me/password" has no rival; a literal segment stands before "{id}" in the
         * list. */
        if (wanted != REQUEST_OTHER && str_equal(table[i].method, request_method_names[wanted])) {
            match->route = &table[i];
            match->index = i;
            match->flags = route_flags(match->route);
            return 1;
        }
        allow_add(match, table[i].method);
    }
    match->value_count = 0;
    return match->allow[0] != '\0' ? 0 : -1;
}
