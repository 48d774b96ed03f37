/*
 * What cloudflared accepts and which rule it picks. Apart from the forms in which rules are
 * written, because a refusal must come before anything is sent, whatever the form was.
 */
#include "cloudflared.h"

#include <stdlib.h>
#include <string.h>

#include "re2.h"
#include "str.h"
#include "url.h"

void cloudflared_free(struct cloudflared_config *config)
{
    free(config->rules);
    memset(config, 0, sizeof *config);
}

struct cloudflared_rule *cloudflared_add(struct cloudflared_config *config, uint32_t at,
                                         struct err *err)
{
    struct cloudflared_rule *grown;
    uint32_t room = config->room == 0 ? 4 : config->room * 2;

    if (config->count == CLOUDFLARED_RULES_MAX) {
        (void)err_set(err, ERR_QUOTA, "rules_full", "A tunnel has at most %u rules.",
                      CLOUDFLARED_RULES_MAX);
        return NULL;
    }
    if (config->count == config->room) {
        if ((grown = realloc(config->rules, room * sizeof *grown)) == NULL) {
            (void)err_set(err, ERR_UNAVAILABLE, "no_memory", "No memory for a tunnel's rules.");
            return NULL;
        }
        config->rules = grown;
        config->room = room;
    }
    memmove(&config->rules[at + 1], &config->rules[at],
            (config->count - at) * sizeof *config->rules);
    memset(&config->rules[at], 0, sizeof *config->rules);
    config->count++;
    return &config->rules[at];
}

bool cloudflared_same_rule(const struct cloudflared_rule *a, const struct cloudflared_rule *b)
{
    return str_equal(a->hostname, b->hostname) && str_equal(a->path, b->path) &&
           str_equal(a->service, b->service) && cloudflared_same_origin(&a->origin, &b->origin);
}

bool cloudflared_same(const struct cloudflared_config *a, const struct cloudflared_config *b)
{
    bool same = a->count == b->count;

    for (uint32_t i = 0; same && i < a->count; i++)
        same = cloudflared_same_rule(&a->rules[i], &b->rules[i]);
    return same;
}

/* ---- services ---- */

/* Words of the service that need no more. */
static const char *const plain_services[] = {"hello_world", "hello-world", "bastion", "socks-proxy",
                                             NULL};

static int check_status(const char *text, struct err *err)
{
    const char *digits = text + (*text == '+' || *text == '-');
    int64_t code = 0;

    if (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0' || strlen(digits) > 12)
        return err_field(
            err, "service", "bad_service",
            "invalid HTTP status code: strconv.Atoi: parsing \"%.40s\": invalid syntax", text);
    for (const char *p = digits; *p != '\0'; p++)
        code = code * 10 + (*p - '0');
    if (*text == '-')
        code = -code;
    if (code < 100 || code > 999)
        return err_field(err, "service", "bad_service", "invalid HTTP status code: %lld",
                         (long long)code);
    return 0;
}

/* A service that is an address: scheme and host, and nothing behind them. */
static int check_url(const char *service, struct err *err)
{
    struct url_parts parts;

    if (url_split(service, &parts) == -1)
        return err_field(err, "service", "bad_service", "parse \"%.200s\": it is no address",
                         service);
    if (parts.scheme_len == 0 || parts.host_len == 0)
        return err_field(err, "service", "bad_service",
                         "%.200s is an invalid address, please make sure it has a scheme and a "
                         "hostname",
                         service);
    if (parts.path_len == 0)
        return 0;
    return err_field(err, "service", "bad_service",
                     "%.160s is an invalid address, ingress rules don't support proxying to a "
                     "different path on the origin service. The path will be the same as the "
                     "eyeball request's path",
                     service);
}

static int check_service(const struct cloudflared_rule *rule, struct err *err)
{
    const char *service = rule->service;

    if (str_starts(service, "unix:") || str_starts(service, "unix+tls:"))
        return 0;
    if (str_starts(service, "http_status:"))
        return check_status(service + strlen("http_status:"), err);
    for (size_t i = 0; plain_services[i] != NULL; i++)
        if (str_equal(service, plain_services[i]))
            return 0;
    if (strstr(rule->origin.more, "\"bastionMode\":true") != NULL) /* then it is not looked at */
        return 0;
    return check_url(service, err);
}

/* ---- host names and paths ---- */

/* As Go's net.SplitHostPort: a port is one colon and something behind it, brackets apart. */
static bool has_port(const char *host)
{
    const char *colon = strrchr(host, ':'), *end;

    if (colon == NULL)
        return false;
    if (host[0] == '[')
        return (end = strchr(host, ']')) != NULL && end + 1 == colon;
    return strchr(host, ':') == colon && strpbrk(host, "[]") == NULL;
}

bool cloudflared_catches_all(const struct cloudflared_rule *rule)
{
    return (rule->hostname[0] == '\0' || str_equal(rule->hostname, "*")) && rule->path[0] == '\0';
}

static int check_host(const struct cloudflared_rule *rule, struct err *err)
{
    const char *star = strrchr(rule->hostname, '*');

    if (has_port(rule->hostname))
        return err_field(err, "hostname", "bad_hostname", "Hostname cannot contain a port");
    if (star != NULL && star != rule->hostname)
        return err_field(err, "hostname", "bad_hostname",
                         "Hostname patterns can have at most one wildcard character (\"*\") and it "
                         "can only be used for subdomains, e.g. \"*.example.com\"");
    return 0;
}

static int check_path(const struct cloudflared_rule *rule, struct err *err)
{
    struct re2 *re;

    if (rule->path[0] == '\0')
        return 0;
    if ((re = re2_new(rule->path, err)) == NULL) {
        (void)str_copy(err->field, sizeof err->field, "path");
        return -1;
    }
    re2_free(re);
    return 0;
}

static int check_access(const struct cloudflared_origin *origin, struct err *err)
{
    if (origin->access_required && origin->access_team[0] == '\0' &&
        origin->access_audiences[0] != '\0')
        return err_field(err, "access_team", "bad_access",
                         "access.TeamName cannot be blank when access.audTags are present");
    return 0;
}

int cloudflared_check_rule(const struct cloudflared_rule *rule, struct err *err)
{
    return check_service(rule, err) == -1 || check_access(&rule->origin, err) == -1 ||
                   check_host(rule, err) == -1 || check_path(rule, err) == -1
               ? -1
               : 0;
}

/* What depends on a rule's place, asked after its host name and before its path. */
static int check_place(const struct cloudflared_config *config, uint32_t i, struct err *err)
{
    const struct cloudflared_rule *rule = &config->rules[i];
    bool last = i + 1 == config->count;

    if (last && !cloudflared_catches_all(rule))
        return err_field(err, "hostname", "no_catch_all",
                         "The last ingress rule must match all URLs (i.e. it should not have a "
                         "hostname or path filter)");
    if (last || !cloudflared_catches_all(rule))
        return 0;
    return err_field(err, "hostname", "early_catch_all",
                     "Rule #%u is matching the hostname '%s', but this will match every hostname, "
                     "meaning the rules which follow it will never be triggered.",
                     i + 1, rule->hostname);
}

/* "hostname" of the fourth rule becomes "ingress[3].hostname"; its regex names the rule. */
static void name_place(uint32_t i, struct err *err)
{
    char field[ERR_FIELD_SIZE], text[ERR_TEXT_SIZE];

    if (err == NULL)
        return;
    if (str_equal(err->field, "path")) {
        memcpy(text, err->text, sizeof text);
        (void)err_set(err, ERR_INVALID, "bad_regex", "Rule #%u has an invalid regex: %.300s", i + 1,
                      text);
        (void)str_copy(err->field, sizeof err->field, "path");
    }
    (void)str_copy(field, sizeof field, err->field);
    (void)str_format(err->field, sizeof err->field, "ingress[%u].%s", i, field);
}

int cloudflared_check(const struct cloudflared_config *config, struct err *err)
{
    if (config->count == 0)
        return err_field(err, "ingress", "no_rules",
                         "The config file doesn't contain any ingress rules");
    for (uint32_t i = 0; i < config->count; i++) {
        const struct cloudflared_rule *rule = &config->rules[i];
        if (check_service(rule, err) == -1 || check_access(&rule->origin, err) == -1 ||
            check_host(rule, err) == -1 || check_place(config, i, err) == -1 ||
            check_path(rule, err) == -1) {
            name_place(i, err);
            return -1;
        }
    }
    return 0;
}

/* ---- which rule ---- */

static bool host_is(const char *pattern, const char *host)
{
    return str_equal(pattern, host) || (str_starts(pattern, "*.") && str_ends(host, pattern + 1));
}

bool cloudflared_host_matches(const char *pattern, const char *host)
{
    char plain[256];

    if (pattern[0] == '\0' || str_equal(pattern, "*") || host_is(pattern, host))
        return true;
    return url_punycode(pattern, plain, sizeof plain) == 0 && host_is(plain, host);
}

static bool path_matches(const char *pattern, const char *path, size_t len)
{
    struct re2 *re;
    bool matches;

    if (pattern[0] == '\0')
        return true;
    if ((re = re2_new(pattern, NULL)) == NULL)
        return false;
    matches = re2_match(re, path, len);
    re2_free(re);
    return matches;
}

int cloudflared_match(const struct cloudflared_config *config, const char *url, struct err *err)
{
    struct url_parts parts;
    char host[256], path[2048];
    size_t len;

    if (config->count == 0)
        return err_field(err, "ingress", "no_rules", "there are no rules");
    if (url_split(url, &parts) == -1)
        return err_field(err, "url", "bad_url", "%.200s is no address", url);
    if (parts.host_len == 0)
        return err_field(err, "url", "bad_url",
                         "%.200s doesn't have a hostname, consider adding a scheme", url);
    if (str_copy_n(host, sizeof host, parts.host, parts.host_len) == -1 ||
        url_unescape(parts.path, parts.path_len, path, sizeof path, &len) == -1)
        return err_field(err, "url", "bad_url", "%.200s is no address", url);
    for (uint32_t i = 0; i < config->count; i++)
        if (cloudflared_host_matches(config->rules[i].hostname, host) &&
            path_matches(config->rules[i].path, path, len))
            return (int)i;
    return (int)config->count - 1;
}
