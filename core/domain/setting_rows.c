/*
 * What can be set, one row each. Apart from the code that reads them because this is the page that
 * an operator's question "what can I set?" is answered from.
 */
#include "setting.h"

#include "brand.h"
#include "dns.h"
#include "guest.h"
#include "http.h"
#include "letter_text.h"
#include "mail.h"
#include "network.h"
#include "port.h"
#include "prefix.h"
#include "quiet_hours.h"
#include "sender.h"
#include "smtp.h"
#include "snapshot_schedule.h"
#include "str.h"
#include "user.h"
#include "zone.h"

#include <string.h>

static int check_ranges(const char *value, struct err *err)
{
    uint32_t total = 0;

    return port_ranges_check(value, &total, err);
}

static int check_second_factor(const char *value, struct err *err)
{
    if (!str_equal(value, "none") && enum_find(role_names + 1, value) < 0)
        return err_field(err, "value", "setting_invalid",
                         "\"%s\" is not none, customer, viewer, operator or admin", value);
    return 0;
}

static int check_url(const char *value, struct err *err)
{
    if (!str_starts(value, "http://") && !str_starts(value, "https://"))
        return err_field(err, "value", "setting_invalid",
                         "\"%s\" is not an address that begins with http:// or https://", value);
    if (strpbrk(value, " \t\"'\\<>") != NULL)
        return err_field(err, "value", "setting_invalid", "\"%s\" is not an address", value);
    return 0;
}

static int check_box_url(const char *value, struct err *err)
{
    return check_url(value, err) == -1 ? -1 : prefix_check(value, err);
}

static int check_trusted(const char *value, struct err *err)
{
    char networks[SENDER_TRUSTED_SIZE];

    return sender_trusted(value, networks, sizeof networks, err);
}

/* "*", or addresses of this machine. */
static int check_listen(const char *value, struct err *err)
{
    char networks[512];

    if (str_equal(value, "*"))
        return 0;
    if (value[0] != '\0' && strchr(value, '/') == NULL &&
        network_list(value, networks, sizeof networks, err) == 0)
        return 0;
    return err_field(err, "value", "setting_invalid",
                     "\"%s\" is neither * nor addresses such as 192.0.2.7, 2001:db8::7", value);
}

static int check_https(const char *value, struct err *err)
{
    if (!str_starts(value, "https://"))
        return err_field(err, "value", "setting_invalid", "\"%s\" does not begin with https://",
                         value);
    return check_url(value, err);
}

static int check_optional_url(const char *value, struct err *err)
{
    return value[0] == '\0' ? 0 : check_url(value, err);
}

static int check_scheme(const char *value, struct err *err)
{
    if (!str_equal(value, "http") && !str_equal(value, "https"))
        return err_field(err, "value", "setting_invalid", "\"%s\" is neither http nor https",
                         value);
    return 0;
}

static int check_ingress(const char *value, struct err *err)
{
    if (!str_equal(value, "local") && !str_equal(value, "cloudflare"))
        return err_field(err, "value", "setting_invalid", "\"%s\" is neither local nor cloudflare",
                         value);
    return 0;
}

/* "03:40" or "". */
static int check_time_of_day(const char *value, struct err *err)
{
    if (value[0] == '\0' ||
        (strlen(value) == 5 && value[2] == ':' && strspn(value, "0123456789") == 2 &&
         strspn(value + 3, "0123456789") == 2 && strncmp(value, "24", 2) < 0 && value[3] < '6'))
        return 0;
    return err_field(err, "value", "setting_invalid", "\"%s\" is not a time of day as in 03:40",
                     value);
}

/* "03:00", "00:00,12:00", "off" */
static int check_schedule(const char *value, struct err *err)
{
    if (snapshot_schedule_check(value, err) == -1)
        return err_field(err, "value", "setting_invalid",
                         "\"%s\" is neither off nor times of the day as in 03:00,15:30", value);
    return 0;
}

static int check_mode(const char *value, struct err *err)
{
    if (!str_equal(value, "own") && !str_equal(value, "shared"))
        return err_field(err, "value", "setting_invalid", "\"%s\" is neither own nor shared",
                         value);
    return 0;
}

static int check_domain(const char *value, struct err *err)
{
    size_t len = strlen(value);

    if (len == 0 || len > 253 || value[0] == '.' || value[0] == '-' || value[len - 1] == '.' ||
        strstr(value, "..") != NULL ||
        strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789-.") != len)
        return err_field(err, "value", "setting_invalid",
                         "\"%s\" is not a domain in lower-case ASCII", value);
    return 0;
}

static int check_name_server(const char *value, struct err *err)
{
    struct sockaddr_storage server;

    return value[0] == '\0' ? 0 : dns_server_parse(value, &server, err);
}

/* "14,7,3,1" */
static int check_days(const char *value, struct err *err)
{
    for (const char *at = value; *at != '\0';) {
        char day[8];
        size_t len = strcspn(at, ",");
        uint64_t n;

        if (str_copy_n(day, sizeof day, at, len) == -1 || str_u64(day, 1, 365, &n) == -1)
            return err_field(err, "value", "setting_invalid",
                             "\"%s\" is not a list of days, as in 14,7,3,1", value);
        at += len;
        at += *at == ',';
    }
    return 0;
}

/* "192.0.2.1 2001:db8::1" */
static int check_addresses(const char *value, struct err *err)
{
    struct sockaddr_storage address;
    char one[64];

    for (const char *at = value; *at != '\0'; at += strspn(at, " ,")) {
        size_t len = strcspn(at, " ,");
        if (str_copy_n(one, sizeof one, at, len) == -1 || strpbrk(one, "[]") != NULL ||
            dns_server_parse(one, &address, err) == -1)
            return err_field(err, "value", "setting_invalid",
                             "\"%s\" is not a list of addresses, as in 192.0.2.1 2001:db8::1",
                             value);
        at += len;
    }
    return 0;
}

static int check_optional_domain(const char *value, struct err *err)
{
    return value[0] == '\0' ? 0 : check_domain(value, err);
}

static int check_absolute(const char *value, struct err *err)
{
    if (value[0] != '\0' && value[0] != '/')
        return err_field(err, "value", "setting_invalid", "\"%s\" is not an absolute path", value);
    return 0;
}

static int check_no_password(const char *value, struct err *err)
{
    if (strstr(value, "password") != NULL)
        return err_field(err, "value", "setting_invalid",
                         "a password does not belong here: it is the secret database.password");
    return 0;
}

static int check_smtp(const char *value, struct err *err)
{
    return value[0] == '\0' ? 0 : smtp_url(value, err);
}

static int check_tls(const char *value, struct err *err)
{
    if (enum_find(smtp_tls_names, value) < 0)
        return err_field(err, "value", "setting_invalid",
                         "\"%s\" is not required, if_offered or none", value);
    return 0;
}

static int check_mail_address(const char *value, struct err *err)
{
    if (value[0] != '\0' && !mail_address(value))
        return err_field(err, "value", "setting_invalid", "\"%s\" is not an e-mail address", value);
    return 0;
}

static int check_language(const char *value, struct err *err)
{
    if (!str_equal(letter_language(value, NULL), value))
        return err_field(err, "value", "setting_invalid", "\"%s\" is not en, es or de", value);
    return 0;
}

static int check_zone(const char *value, struct err *err)
{
    int32_t offset_s;

    if (zone_offset(value, 0, &offset_s, err) != 0)
        return err_field(err, "value", "setting_invalid",
                         "\"%s\" is no time zone, as in Europe/Berlin", value);
    return 0;
}

static int check_quiet(const char *value, struct err *err)
{
    struct quiet_hours quiet;

    return quiet_hours_parse(value, &quiet, err);
}

static int check_vmids(const char *value, struct err *err)
{
    uint32_t low, high;

    return guest_vmids_check(value, &low, &high, err);
}

/* What goes into the API's own comma-separated texts. */
static int check_plain(const char *value, struct err *err)
{
    if (value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")] !=
        '\0')
        return err_field(err, "value", "setting_invalid", "\"%s\" is not a plain name", value);
    return 0;
}

static int check_nodes(const char *value, struct err *err)
{
    if (value[strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-, ")] !=
        '\0')
        return err_field(err, "value", "setting_invalid", "\"%s\" is not a list such as pve1,pve2",
                         value);
    return 0;
}

static int check_fingerprint(const char *value, struct err *err)
{
    uint8_t pin[32];

    if (value[0] != '\0' && http_pin_read(pin, value) == -1)
        return err_field(err, "value", "setting_invalid",
                         "\"%s\" is not a SHA-256 fingerprint such as AB:CD:…", value);
    return 0;
}

static int check_optional_https(const char *value, struct err *err)
{
    return value[0] == '\0' ? 0 : check_https(value, err);
}

#define TEXT(name_, otherwise_, check_, help_)                                                     \
    {                                                                                              \
        .name = (name_), .type = FIELD_TEXT, .otherwise = (otherwise_), .max = 511,                \
        .help = (help_), .check = (check_)                                                         \
    }
#define CHOICE(name_, otherwise_, check_, choices_, help_)                                         \
    {                                                                                              \
        .name = (name_), .type = FIELD_TEXT, .otherwise = (otherwise_), .max = 511,                \
        .help = (help_), .check = (check_), .choices = (choices_)                                  \
    }
#define NUMBER(name_, otherwise_, min_, max_, help_)                                               \
    {                                                                                              \
        .name = (name_), .type = FIELD_U64, .otherwise = (otherwise_), .min = (min_),              \
        .max = (max_), .help = (help_)                                                             \
    }

#define FLAG(name_, otherwise_, help_)                                                             \
    {                                                                                              \
        .name = (name_), .type = FIELD_BOOL, .otherwise = (otherwise_), .help = (help_)            \
    }

const struct setting_row setting_rows[] = {
    TEXT("box.name", "sett", NULL, "name of this box, for people"),
    TEXT("box.id", "", NULL, "id of this box, in the marks of everything that it makes"),
    TEXT("box.domain", "localhost", check_domain, "tenants are labels below this domain"),
    TEXT("box.url", "http://localhost:4443", check_box_url,
         "address of the admin pages and the API; with a path behind a reverse proxy's"),
    TEXT("box.trusted_proxies", "loopback", check_trusted,
         "networks whose X-Forwarded-For is believed; also the words loopback and cloudflare"),
    TEXT("box.set_up_at", "", NULL, "when the setup was finished"),
    TEXT("box.time_zone", "UTC", check_zone, "zone of dates in mails, quiet hours, snapshots"),
    TEXT("web.listen", "*", check_listen, "addresses of the web server; *: all of this machine"),
    NUMBER("web.http_port", "80", 0, 65535, "port of HTTP, which leads to HTTPS; 0: none"),
    NUMBER("web.https_port", "443", 1, 65535, "port of HTTPS"),
    FLAG("web.tls", "true", "the web server speaks TLS; false behind a proxy that does"),
    FLAG("web.default_server", "false", "it answers for names that none of its sites has"),
    TEXT("brand.name", "", NULL, "name on order page, portal and letters; empty: box.name"),
    TEXT("brand.color", "#3056d3", brand_color_check, "accent colour of those, as #3056d3"),
    TEXT("brand.support_email", "", check_mail_address, "where customers write for help"),
    TEXT("brand.support_url", "", check_optional_url, "page where customers find help"),
    TEXT("brand.imprint_url", "", check_optional_url, "who is responsible for the service"),
    TEXT("brand.privacy_url", "", check_optional_url, "what is done with customers' data"),
    TEXT("brand.terms_url", "", check_optional_url, "terms of the service"),
    TEXT("smtp.url", "", check_smtp, "mail server: smtp://host[:port] or smtps://host[:port]"),
    TEXT("smtp.user", "", NULL, "user at the mail server; the secret smtp.password goes with it"),
    CHOICE("smtp.tls", "required", check_tls, "required,if_offered,none",
           "TLS of smtp://: required, if_offered or none"),
    NUMBER("smtp.timeout_s", "60", 1, 600, "seconds for one mail"),
    TEXT("mail.from", "", check_mail_address, "sender's address of all mails"),
    TEXT("mail.from_name", "", NULL, "sender's name; the box's if none is set"),
    TEXT("mail.reply_to", "", check_mail_address, "where answers to mails go"),
    CHOICE("mail.language", "en", check_language, "en,es,de",
           "of customers whose language is not known"),
    FLAG("mail.customers", "true", "customers are told of their tenants' life by mail"),
    NUMBER("outbox.retry_s", "5", 1, 3600, "first wait before a message is sent again"),
    NUMBER("outbox.give_up_hours", "72", 1, 720, "hours until a message is given up"),
    TEXT("alerts.quiet", "", check_quiet,
         "hours in which only critical alerts go out: 22:00-07:00"),
    NUMBER("store.ballast_mib", "64", 0, 65536,
           "file to throw overboard on a full disk (sett unstick), 0: none"),
    FLAG("alerts.private_targets", "false", "webhooks may lead to addresses that are not public"),
    NUMBER("alerts.round_s", "60", 1, 3600, "seconds between two looks at what is wrong"),
    TEXT("alerts.certificates", "", NULL,
         "hosts[:ports] besides box.url whose certificates are watched"),
    NUMBER("credentials.days", "7", 1, 90, "life of a link to first credentials"),
    CHOICE("tenants.scheme", "http", check_scheme, "http,https",
           "http or https in the addresses of tenants"),
    NUMBER("tenants.port", "4443", 0, 65535, "port in the addresses of tenants, 0: none shown"),
    NUMBER("tenants.failed_days", "7", 0, 365, "days until a failed provision is undone, 0: never"),
    CHOICE("ingress.default", "local", check_ingress, "local,cloudflare",
           "what leads to a new tenant"),
    TEXT("dns.server", "", check_name_server,
         "resolver that is asked about names, as in 192.0.2.1:53; empty: the system's"),
    TEXT("drift.at", "03:40", check_time_of_day,
         "when the box compares itself with its records each day, local time; empty: never"),
    TEXT("snapshot.at", "03:00", check_schedule,
         "when the box makes a snapshot each day, in box.time_zone: 03:00,15:00; off: never"),
    NUMBER("snapshot.full_days", "7", 0, 365,
           "days after which one is whole again; 0: only when a chain is at its end"),
    NUMBER("snapshot.keep_daily", "30", 0, 3650, "newest snapshots of so many days that stay"),
    NUMBER("snapshot.keep_weekly", "0", 0, 520, "and of so many weeks"),
    NUMBER("snapshot.keep_monthly", "0", 0, 240, "and of so many months"),
    NUMBER("snapshot.keep_last", "3", 3, 10000, "newest verified snapshots that stay anyway"),
    NUMBER("snapshot.tenant_keep_last", "8", 3, 10000,
           "likewise of one tenant, made for itself: newest ones that stay anyway"),
    NUMBER("snapshot.tenant_keep_daily", "30", 0, 3650, "and the newest of so many days"),
    NUMBER("snapshot.tenant_keep_weekly", "0", 0, 520, "and of so many weeks"),
    NUMBER("snapshot.tenant_keep_monthly", "0", 0, 240, "and of so many months"),
    TEXT("snapshot.drill_at", "04:30", check_schedule,
         "when the newest snapshot is restored aside each week, in box.time_zone; off: never"),
    NUMBER("box.twin_s", "300", 1, 86400,
           "seconds between looks at whether a second box runs the same tunnels"),
    NUMBER("keys.rest_s", "60", 1, 3600,
           "seconds for which the former secrets key stays after a rotation, for who still seals"),
    CHOICE("ingress.mode", "own", check_mode, "own,shared",
           "own: a tunnel for each tenant; shared: one for many"),
    TEXT("domains.target", "", check_optional_domain,
         "name that customers' CNAMEs lead to; empty: customers.DOMAIN, with local DOMAIN itself"),
    TEXT("domains.addresses", "", check_addresses,
         "addresses of this box for customers' A and AAAA records; empty: those of the target"),
    NUMBER("domains.check_minutes", "5", 1, 1440, "between looks at a domain that is waited for"),
    NUMBER("domains.recheck_minutes", "360", 5, 1440, "between looks at a domain that is active"),
    NUMBER("domains.activation_minutes", "60", 5, 1440,
           "between requests that Cloudflare look at name servers: 60 in the free plan, else 5"),
    NUMBER("domains.pending_days", "28", 1, 365, "after which Cloudflare deletes a pending zone"),
    NUMBER("domains.moved_days", "7", 1, 365, "after which it deletes a moved one"),
    NUMBER("domains.deleted_days", "7", 1, 365, "after which it forgets a deleted one"),
    TEXT("domains.remind_days", "14,7,3,1", check_days,
         "days before the end at which customer and operator are reminded"),
    NUMBER("domains.proof_days", "7", 0, 365,
           "for which a domain is still led whose TXT record is gone"),
    TEXT("ports.ranges", "3100-3999", check_ranges, "pool of local ports, as in 3100-3999,5000"),
    NUMBER("records.keep_days", "365", 0, 3650,
           "days for which a mailing that is sent and a domain that is removed are remembered; "
           "0: for ever"),
    NUMBER("names.rest_days", "90", 0, 3650, "days for which a deleted tenant's name rests"),
    NUMBER("stripe.past_due_days", "7", 0, 365, "days from past due to suspension"),
    NUMBER("stripe.delete_days", "14", 0, 3650, "days from a subscription's end to deletion"),
    TEXT("stripe.api", "https://api.stripe.com", check_https, "address of Stripe's API"),
    NUMBER("stripe.tolerance_s", "300", 1, 86400, "greatest age of a webhook's signature"),
    TEXT(
        "stripe.success_url", "", check_optional_url,
        "where a paid checkout leads, if not to the order's page; {ORDER} and {SECRET} are put in"),
    TEXT("stripe.cancel_url", "", check_optional_url,
         "where an abandoned one leads, if not to the order page; {PLAN}, {NAME}, {SECRET}"),
    TEXT("cloudflare.api", "https://api.cloudflare.com/client/v4", check_https,
         "address of Cloudflare's API"),
    TEXT("cloudflare.account", "", NULL, "Cloudflare's id of the account"),
    TEXT("cloudflare.zone", "", NULL, "Cloudflare's id of the zone"),
    TEXT("turn.api", "https://rtc.live.cloudflare.com", check_https,
         "where TURN credentials are made"),
    NUMBER("turn.ttl_s", "86400", 60, 172800, "life of a TURN credential, if none is asked for"),
    NUMBER("turn.per_minute", "60", 1, 10000, "TURN credentials of one key in a minute"),
    TEXT("proxmox.url", "", check_optional_https, "Proxmox VE's API, as https://pve:8006"),
    TEXT("proxmox.token_id", "", NULL, "its token's name: USER@REALM!NAME"),
    TEXT("proxmox.ca_file", "", check_absolute, "CA that signed its certificate (pve-root-ca.pem)"),
    TEXT("proxmox.fingerprint", "", check_fingerprint, "or the certificate's own SHA-256"),
    TEXT("proxmox.nodes", "", check_nodes, "nodes that tenants may be put on, none: all"),
    TEXT("proxmox.storage", "local-lvm", check_plain, "storage of the containers' disks"),
    TEXT("proxmox.bridge", "vmbr0", check_plain, "bridge of the containers' network"),
    NUMBER("proxmox.vlan", "0", 0, 4094, "VLAN of the containers' network, 0: none"),
    TEXT("proxmox.pool", "", check_plain, "resource pool that containers are put into"),
    TEXT("proxmox.vmids", "900000-909999", check_vmids, "numbers for containers"),
    TEXT("proxmox.addresses", "", guest_addresses_check,
         "addresses for containers, as 10.20.0.10-10.20.0.250/24; none: DHCP"),
    TEXT("proxmox.gateway", "", check_plain, "gateway of those addresses"),
    TEXT("proxmox.nameserver", "", check_plain, "name server of the containers"),
    TEXT("outside.ca_file", "", check_absolute, "certificates to trust instead of the system's"),
    TEXT("database.admin", "", check_no_password, "PostgreSQL connection that may make databases"),
    NUMBER("engine.threads", "32", 1, 256, "jobs under way at once"),
    NUMBER("engine.backoff_min_ms", "500", 10, 3600000, "first wait after a failure"),
    NUMBER("engine.backoff_max_ms", "300000", 10, 86400000, "longest wait after a failure"),
    NUMBER("health.interval_s", "60", 1, 86400, "each tenant and connector is asked so often"),
    NUMBER("health.outside_s", "300", 0, 86400, "and from outside, at its front door; 0: never"),
    NUMBER("health.again_s", "10", 1, 3600, "after a bad answer it is asked again so soon"),
    NUMBER("health.timeout_ms", "5000", 50, 60000, "an answer that takes longer is none"),
    NUMBER("health.at_once", "500", 1, 4000, "checks under way at once"),
    NUMBER("health.window", "5", 1, 16, "answers that are looked back on"),
    NUMBER("health.degraded_after", "2", 1, 16, "so many bad ones among them: degraded"),
    NUMBER("health.bad_after", "3", 1, 16, "so many: unhealthy or unreachable"),
    NUMBER("health.good_after", "2", 1, 16, "so many good ones in a row: healthy again"),
    NUMBER("health.restarts", "3", 0, 100, "restarts of what is bad, then it is given up; 0: none"),
    NUMBER("health.restart_minutes", "60", 1, 10080, "within so long"),
    NUMBER("health.restart_wait_s", "60", 1, 86400, "from one to the next, doubled each time"),
    NUMBER("health.common_percent", "40", 1, 100,
           "when so many fail at once the cause is common, and none is restarted but one to try"),
    NUMBER("health.common_least", "5", 2, 100000, "if they are at least so many"),
    NUMBER("health.stats_s", "60", 0, 3600, "each tenant is measured so often; 0: never"),
    NUMBER("status.minutes", "5", 1, 1440, "public status pages are written anew so often"),
    FLAG("status.box", "false", "a public status page of the whole box, too"),
    NUMBER("storage.suspend_percent", "0", 0, 1000,
           "a tenant that uses so much of its storage is suspended; 0: never"),
    NUMBER("limits.login_per_minute", "5", 1, 100000, "sign-ins per address"),
    NUMBER("limits.anonymous_per_minute", "30", 1, 1000000, "unauthenticated requests per address"),
    NUMBER("limits.names_per_minute", "90", 1, 1000000,
           "names asked for per address, on the order page"),
    NUMBER("limits.authenticated_per_minute", "600", 1, 10000000, "requests per credential"),
    NUMBER("limits.webhook_failures_per_minute", "60", 1, 1000000, "bad signatures per address"),
    NUMBER("auth.token_minutes", "10", 1, 10, "life of an access token"),
    NUMBER("auth.session_idle_minutes", "30", 2, 1440, "a session ends after so long unused"),
    NUMBER("auth.session_hours", "12", 1, 720, "a session ends after so long"),
    NUMBER("auth.invitation_hours", "72", 1, 720, "life of an invitation's link"),
    NUMBER("auth.reset_minutes", "15", 5, 1440, "life of a link to choose a new password"),
    TEXT("auth.second_factor", "none", check_second_factor,
         "from which role up a second factor is required: none, customer, viewer, operator, admin"),
    NUMBER("auth.argon2_memory_mib", "64", 8, 1024, "memory of a password's hash"),
    NUMBER("auth.argon2_passes", "2", 1, 10, "passes of a password's hash"),
};
const size_t setting_row_count = sizeof setting_rows / sizeof setting_rows[0];

const struct secret_row secret_rows[] = {
    {"cloudflare.token", "API token for tunnels and DNS records", false},
    {"stripe.secret_key", "secret or restricted key of Stripe's API", false},
    {"proxmox.token", "secret of the token proxmox.token_id", false},
    {"database.password", "password of database.admin", false},
    {"smtp.password", "password of the mail server", false},
    {"stripe.webhook_secret", "signing secret of the webhook endpoint", true},
    {"stripe.webhook_secret_previous", "the one before, while it is being rolled", true},
};
const size_t secret_row_count = sizeof secret_rows / sizeof secret_rows[0];

static const struct {
    const char *prefix, *group;
} groups[] = {
    {"box.", "box"},
    {"store.", "box"},
    {"keys.", "box"},
    {"records.", "box"},
    {"outside.", "box"},
    {"brand.", "brand"},
    {"tenants.", "tenants"},
    {"names.", "tenants"},
    {"ports.", "tenants"},
    {"credentials.", "tenants"},
    {"storage.", "tenants"},
    {"status.", "tenants"},
    {"web.", "box"},
    {"ingress.", "ingress"},
    {"dns.", "ingress"},
    {"domains.", "ingress"},
    {"stripe.", "stripe"},
    {"cloudflare.", "cloudflare"},
    {"turn.", "turn"},
    {"proxmox.", "proxmox"},
    {"database.", "database"},
    {"smtp.", "mail"},
    {"mail.", "mail"},
    {"outbox.", "mail"},
    {"alerts.", "alerts"},
    {"drift.", "alerts"},
    {"snapshot.", "snapshots"},
    {"health.", "health"},
    {"limits.", "limits"},
    {"auth.", "sign_in"},
    {"engine.", "engine"},
};
const char *const setting_group_names[] = {
    "box",    "brand",   "tenants",  "ingress", "stripe", "cloudflare",
    "turn",   "proxmox", "database", "mail",    "alerts", "snapshots",
    "health", "limits",  "sign_in",  "engine",  "other",  NULL};

const char *setting_group(const char *name)
{
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (str_starts(name, groups[i].prefix))
            return groups[i].group;
    return "other";
}

const char *setting_unit(const struct setting_row *row)
{
    static const struct {
        const char *suffix, *unit;
    } units[] = {{"_ms", "ms"},       {"_s", "s"},       {"_minutes", "min"},
                 {"_hours", "h"},     {"_days", "days"}, {".days", "days"},
                 {".minutes", "min"}, {"_mib", "MiB"},   {"_percent", "%"}};

    for (size_t i = 0; row->type == FIELD_U64 && i < sizeof units / sizeof units[0]; i++)
        if (str_ends(row->name, units[i].suffix))
            return units[i].unit;
    return "";
}
