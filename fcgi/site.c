/* The box's own names and limits, cached. Apart because both sockets need it. */
#include "site.h"
#include "network.h"
#include "setting.h"
#include "str.h"

#include <arpa/inet.h>
#include <unistd.h>

#define READ_EACH_MS 1000

static void host_add(struct site *s, const char *host, size_t len)
{
    if (s->host_count >= SITE_HOSTS || len == 0) {
        return;
    }
    char *to = s->hosts[s->host_count];
    if (str_copy_n(to, sizeof(s->hosts[0]), host, len) == 0) {
        str_lower(to);
        s->host_count++;
    }
}

/* "https://box.example:4443/x": its origin, and its host among the names. */
static void url_take(struct site *s, const char *url)
{
    const char *rest = strstr(url, "://");
    if (rest == NULL) {
        return;
    }
    rest += 3;
    size_t len = strcspn(rest, "/?#");
    (void)str_copy_n(s->origin, sizeof(s->origin), url, (size_t)(rest - url) + len);
    str_lower(s->origin);
    s->https = str_starts(s->origin, "https:");
    size_t host = rest[0] == '[' ? strcspn(rest, "]") + 1 : strcspn(rest, ":/?#");
    host_add(s, rest, host < len ? host : len);
}

static void hosts_take(struct site *s, const char *names)
{
    while (names != NULL && *names != '\0') {
        size_t len = strcspn(names, ", ");
        host_add(s, names, len);
        names += len + (names[len] != '\0' ? 1u : 0u);
    }
}

static void read_all(struct site *s, struct txn *txn, const struct conf *conf)
{
    char text[512];
    struct err err;
    int origin;
    s->host_count = 0;
    s->unnamed = false;
    s->origin[0] = s->prefix[0] = s->trusted[0] = '\0';
    s->https = false;
    if ((origin = setting_text(txn, conf, "box.url", text, sizeof(text), &err)) >= 0) {
        s->unnamed = origin == SETTING_DEFAULT;
        url_take(s, text);
        prefix_of(text, s->prefix);
    }
    if (setting_text(txn, conf, "box.domain", text, sizeof(text), &err) >= 0) {
        host_add(s, text, strlen(text));
    }
    if (setting_text(txn, conf, "box.trusted_proxies", text, sizeof(text), &err) >= 0 &&
        sender_trusted(text, s->trusted, sizeof(s->trusted), &err) < 0) {
        s->trusted[0] = '\0'; /* a mistake in sett.conf trusts nobody */
    }
    hosts_take(s, "localhost, 127.0.0.1, [::1]");
    if (s->unnamed && gethostname(text, sizeof(text)) == 0) {
        str_lower(text);
        host_add(s, text, strnlen(text, sizeof(text)));
    }
    hosts_take(s, conf_get(conf, "front", "hosts"));
    (void)auth_terms(txn, conf, &s->terms, &err);
    s->login = setting_u64(txn, conf, "limits.login_per_minute");
    s->anonymous = setting_u64(txn, conf, "limits.anonymous_per_minute");
    s->authenticated = setting_u64(txn, conf, "limits.authenticated_per_minute");
    s->names = setting_u64(txn, conf, "limits.names_per_minute");
    s->webhook = setting_u64(txn, conf, "limits.webhook_failures_per_minute");
}

int site_refresh(struct site *s, struct db *db, const struct conf *conf, int64_t now_ms,
                 struct err *err)
{
    struct txn *txn;
    if (s->read_ms != 0 && now_ms - s->read_ms < READ_EACH_MS) {
        return 0;
    }
    if (db_read(&txn, db, err) < 0) {
        return -1;
    }
    read_all(s, txn, conf);
    db_read_end(txn);
    s->read_ms = now_ms;
    return 0;
}

void site_take(const struct site *s, struct request *r)
{
    size_t len = strlen(s->prefix);
    char address[SENDER_ADDRESS_SIZE];
    if (len > 0 && strncmp(r->path, s->prefix, len) == 0 &&
        (r->path[len] == '/' || r->path[len] == '\0')) {
        memmove(r->path, r->path + len, strlen(r->path + len) + 1);
        if (r->path[0] == '\0') {
            (void)str_copy(r->path, sizeof(r->path), "/");
        }
    }
    sender_find(s->trusted, r->address, r->forwarded, r->cloudflare, address);
    memcpy(r->address, address, sizeof(r->address));
}

bool site_local(const struct request *r)
{
    return r->forwarded[0] == '\0' && r->cloudflare[0] == '\0' &&
           network_list_has("127.0.0.0/8 ::1", r->address);
}

/* "192.0.2.7", "[2001:db8::7]" */
static bool is_address(const char *host)
{
    struct in6_addr address;
    char text[64];
    size_t len = strlen(host);
    if (host[0] != '[') {
        return inet_pton(AF_INET, host, &address) == 1;
    }
    return len > 2 && host[len - 1] == ']' &&
           str_copy_n(text, sizeof(text), host + 1, len - 2) == 0 &&
           inet_pton(AF_INET6, text, &address) == 1;
}

/* A box that nobody has given an address yet is reached by whatever the machine has: behind a
 * number no name can have been led here by a stranger's DNS, which is what the list is against. */
bool site_host(const struct site *s, const struct request *r)
{
    if (s->unnamed && is_address(r->host)) {
        return true;
    }
    for (unsigned i = 0; i < s->host_count; i++) {
        if (str_equal(s->hosts[i], r->host)) {
            return true;
        }
    }
    return false;
}

bool site_same(const struct site *s, const struct request *r)
{
    if (r->fetch_site[0] != '\0') {
        return str_equal(r->fetch_site, "same-origin");
    }
    if (r->origin[0] == '\0') {
        return false;
    }
    if (str_equal_nocase(r->origin, s->origin)) {
        return true;
    }
    /* The Host header was found to be one of our names; a page of that very host and port is ours.
     */
    const char *rest = str_starts(r->origin, "https://")  ? r->origin + 8
                       : str_starts(r->origin, "http://") ? r->origin + 7
                                                          : "";
    return r->host_text[0] != '\0' && str_equal_nocase(rest, r->host_text);
}
