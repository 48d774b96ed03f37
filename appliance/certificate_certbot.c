/*
 * Let's Encrypt, by Debian's certbot: sett tells it once what to fetch and how to prove it, certbot
 * renews by its own timer, and a hook brings what was renewed to where the web server looks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "clock.h"
#include "file.h"
#include "process_launch.h"
#include "str.h"
#include "tls_commands.h"

#define CERTBOT     "/usr/bin/certbot"
#define LINEAGE     "sett" /* certbot's --cert-name */
#define CERTBOT_S   900    /* propagation of DNS, and waiting for an authority that is busy */
#define DAY_MS      INT64_C(86400000)
#define OLD_DAYS    20 /* certbot renews 30 days before the end; this late something is wrong */
#define DNS_PLUGIN  "/usr/lib/python3/dist-packages/certbot_dns_cloudflare"
#define TEXT_MAX    (64u << 10)
#define SAID_MAX    300
#define PROPAGATION "20"

struct wish {
    const char *names[TLS_NAMES_MOST];
    unsigned count;
    const char *email, *dns, *token_file, *server, *propagation;
    bool agree, staging;
    char credentials[TLS_PATH_SIZE];
};

/* certbot's own folders, below a root where there is one. */
static int folder(const struct cli *cli, char out[TLS_PATH_SIZE], const char *rest, struct err *err)
{
    if (str_format(out, TLS_PATH_SIZE, "%s%s", cli->paths.root, rest) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", cli->paths.root);
    return 0;
}

/* What certbot said of why not, without its frame. */
static void reason(char *out, size_t size, const char *text)
{
    static const char *const marks[] = {"Detail: ", "Error: ", "error: "};
    const char *at = NULL;

    for (size_t i = 0; i < sizeof marks / sizeof *marks && at == NULL; i++)
        at = strstr(text, marks[i]);
    if (at == NULL)
        at = strlen(text) > SAID_MAX ? text + strlen(text) - SAID_MAX : text;
    (void)str_copy_n(out, size, at, strcspn(at, "\n") == 0 ? strlen(at) : strcspn(at, "\n"));
    if (out[0] == '\0')
        str_cut(out, size, at);
}

/* certbot with these words. 0, or -1 with its reason. */
static int certbot(struct cli *cli, const char *const *words, struct err *err)
{
    static const char *const folders[][2] = {{"--config-dir", "/etc/letsencrypt"},
                                             {"--work-dir", "/var/lib/letsencrypt"},
                                             {"--logs-dir", "/var/log/letsencrypt"}};
    struct process_plan *plan = calloc(1, sizeof *plan);
    char path[TLS_PATH_SIZE], why[SAID_MAX];
    struct buf out;
    int code = 0, rc = 0;

    if (plan == NULL)
        return err_set(err, ERR_UNAVAILABLE, "no_memory", "no memory for certbot");
    buf_init(&out, TEXT_MAX);
    (void)str_copy(plan->name, sizeof plan->name, "certbot");
    plan->inherit = true;
    rc |= process_plan_arg(plan, CERTBOT);
    for (; *words != NULL; words++)
        rc |= process_plan_arg(plan, *words);
    for (size_t i = 0; cli->paths.root[0] != '\0' && i < sizeof folders / sizeof *folders; i++)
        rc |= folder(cli, path, folders[i][1], err) | process_plan_arg(plan, folders[i][0]) |
              process_plan_arg(plan, path);
    if (rc != 0)
        rc = err_set(err, ERR_INVALID, "arguments", "that is too much for one certificate");
    else if ((rc = process_run(plan, CERTBOT_S, &out, &code, err)) == 0 && code != 0) {
        reason(why, sizeof why, buf_string(&out));
        rc = err_set(err, ERR_UNAVAILABLE, "certbot", "certbot fetched nothing: %s", why);
        (void)err_hint(err, "All of it is in %s/var/log/letsencrypt/letsencrypt.log",
                       cli->paths.root);
    }
    buf_free(&out);
    free(plan);
    return rc;
}

/* The hook that certbot runs after a renewal. Not a link: it has to say which box. */
static int hook_write(const struct cli *cli, struct err *err)
{
    char path[TLS_PATH_SIZE], at[TLS_PATH_SIZE], text[2048], *slash;
    const char *installed = "/usr/libexec/sett/sett-certificate-deploy";

    if (folder(cli, path, "/etc/letsencrypt/renewal-hooks/deploy/sett", err) == -1)
        return -1;
    (void)str_copy(at, sizeof at, path);
    if ((slash = strrchr(at, '/')) != NULL)
        *slash = '\0';
    if (file_mkdirs(at, 0755, err) == -1)
        return -1;
    if (cli->paths.root[0] == '\0')
        (void)str_format(text, sizeof text,
                         "#!/bin/sh\n# Made by sett certificate letsencrypt.\n"
                         "[ ! -x %s ] || exec %s\n",
                         installed, installed);
    else if (str_format(text, sizeof text,
                        "#!/bin/sh\n# Made by sett certificate letsencrypt.\n"
                        "SETT='%s/sett' exec '%s/certbot/sett-certificate-deploy' --root '%s'\n",
                        cli->programs, cli->share, cli->paths.root) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", cli->paths.root);
    return file_write(path, text, strlen(text), 0755, err);
}

int tls_from_lineage(struct cli *cli, const char *lineage, struct err *err)
{
    char cert[TLS_PATH_SIZE], key[TLS_PATH_SIZE];
    struct tls_pair pair, now;
    struct x509 *x = NULL;
    struct err ignored;
    bool other;
    int rc = -1;

    /* A renewal of something else on this machine is no news for the box. */
    other = tls_pair_read(&now, cli->paths.tls, &ignored) == 0 && now.lineage[0] != '\0' &&
            !str_equal(now.lineage, lineage) && getenv("RENEWED_LINEAGE") != NULL;
    other |= getenv("RENEWED_LINEAGE") != NULL && !str_equal(now.kind, TLS_LETSENCRYPT);
    tls_pair_free(&now);
    if (other)
        return 0;
    tls_pair_init(&pair, TLS_LETSENCRYPT);
    if (str_copy(pair.lineage, sizeof pair.lineage, lineage) == -1 ||
        str_format(cert, sizeof cert, "%s/fullchain.pem", lineage) == -1 ||
        str_format(key, sizeof key, "%s/privkey.pem", lineage) == -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", lineage);
    if (file_read(cert, &pair.cert, err) == 0 && file_read(key, &pair.key, err) == 0 &&
        tls_pair_check(&pair, cert, key, &x, err) == 0)
        rc = tls_same(cli, &pair) ? 0 : tls_install(cli, &pair, x, err);
    x509_free(x);
    tls_pair_free(&pair);
    return rc;
}

int tls_renew_letsencrypt(struct cli *cli, const struct tls_pair *pair, bool force, struct err *err)
{
    const char *words[] = {"renew",
                           "--non-interactive",
                           "--no-random-sleep-on-renew",
                           "--cert-name",
                           NULL,
                           force ? "--force-renewal" : NULL,
                           NULL};
    const char *name = strrchr(pair->lineage, '/');
    char cert[TLS_PATH_SIZE];
    int64_t left_ms, until_ms = 0;

    if (pair->lineage[0] == '\0' || name == NULL)
        return err_set(err, ERR_CORRUPT, "no_lineage",
                       "%s/now/kind does not say where certbot "
                       "keeps this certificate",
                       cli->paths.tls);
    if (str_format(cert, sizeof cert, "%s/cert.pem", cli->paths.tls) == -1 ||
        tls_from_lineage(cli, pair->lineage, err) == -1 ||
        x509_file_until(cert, &until_ms, err) == -1)
        return -1;
    left_ms = until_ms - clock_wall_ms();
    if (!force && left_ms >= OLD_DAYS * DAY_MS) {
        if (!cli->quiet)
            printf("Nothing to do: %lld days left; certbot.timer renews it at 30.\n",
                   (long long)(left_ms / DAY_MS));
        return 0;
    }
    words[4] = name + 1;
    if (certbot(cli, words, err) == -1)
        return -1;
    return tls_from_lineage(cli, pair->lineage, err);
}

/* The token that may change the zone, into the file that certbot reads now and at each renewal. */
static int credentials_write(struct cli *cli, struct wish *w, struct err *err)
{
    struct buf token, line;
    int rc = -1;

    if (str_format(w->credentials, sizeof w->credentials, "%s/cloudflare.ini", cli->paths.tls) ==
        -1)
        return err_set(err, ERR_INVALID, "path_too_long", "%s is too long", cli->paths.tls);
    buf_init(&token, 4096);
    buf_init(&line, 8192);
    if (w->token_file != NULL ? tls_take(w->token_file, &token, err) == 0
                              : tls_host_token(cli, &token, err) == 0) {
        const char *text = token.len == 0 ? "" : str_trim(token.data);
        if (text[0] == '\0' || text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
                                                 "XYZ0123456789_-.")] != '\0')
            (void)err_field(err, "token-file", "token_invalid",
                            "that is no API token of Cloudflare's");
        else if (buf_format(&line, "dns_cloudflare_api_token = %s\n", text) == 0 &&
                 file_mkdirs(cli->paths.tls, 0755, err) == 0)
            rc = file_write(w->credentials, line.data, line.len, 0600, err);
    } else
        (void)err_hint(err, "Give one that may edit the zone's DNS: --token-file FILE, or "
                            "sett secret set cloudflare.token");
    if (token.data != NULL)
        sodium_memzero(token.data, token.len);
    if (line.data != NULL)
        sodium_memzero(line.data, line.len);
    buf_free(&line);
    buf_free(&token);
    return rc;
}

static int check_tools(const struct wish *w, struct err *err)
{
    if (!file_exists(CERTBOT)) {
        (void)err_set(err, ERR_NOT_FOUND, "no_certbot", "certbot is not installed");
        return err_hint(err, "apt install certbot%s",
                        w->dns == NULL ? "" : " python3-certbot-dns-cloudflare");
    }
    if (w->dns == NULL || file_exists(DNS_PLUGIN))
        return 0;
    (void)err_set(err, ERR_NOT_FOUND, "no_certbot_dns", "certbot cannot speak to Cloudflare yet");
    return err_hint(err, "apt install python3-certbot-dns-cloudflare");
}

/* What nobody out there can know gets no certificate, and five failures an hour is all there is. */
static int check_names(const struct wish *w, struct err *err)
{
    for (unsigned i = 0; i < w->count; i++) {
        if (str_starts(w->names[i], "*.") && w->dns == NULL) {
            (void)err_field(err, "name", "wildcard_http",
                            "%s: a wildcard is proven by DNS, not over HTTP", w->names[i]);
            return err_hint(err, "--dns cloudflare");
        }
        if (w->server == NULL && !tls_host_public(w->names[i])) {
            (void)err_field(err, "name", "name_private",
                            "%s is no name that Let's Encrypt could vouch for", w->names[i]);
            return err_hint(err,
                            "sett setting set box.url https://NAME, with a name whose DNS leads "
                            "here; or sett certificate self-signed");
        }
    }
    return 0;
}

static int fetch(struct cli *cli, const struct wish *w, struct err *err)
{
    const char *words[40 + 2 * TLS_NAMES_MOST];
    unsigned n = 0;

    words[n++] = "certonly";
    words[n++] = "--non-interactive";
    words[n++] = "--agree-tos";
    words[n++] = "--cert-name";
    words[n++] = LINEAGE;
    words[n++] = "--key-type";
    words[n++] = "ecdsa";
    words[n++] = "--renew-with-new-domains";
    words[n++] = "--keep-until-expiring";
    if (w->email != NULL) {
        words[n++] = "--email";
        words[n++] = w->email;
        words[n++] = "--no-eff-email";
    } else
        words[n++] = "--register-unsafely-without-email";
    if (w->server != NULL) {
        words[n++] = "--server";
        words[n++] = w->server;
    } else if (w->staging)
        words[n++] = "--staging";
    if (w->dns != NULL) {
        words[n++] = "--dns-cloudflare";
        words[n++] = "--dns-cloudflare-credentials";
        words[n++] = w->credentials;
        words[n++] = "--dns-cloudflare-propagation-seconds";
        words[n++] = w->propagation;
    } else {
        words[n++] = "--webroot";
        words[n++] = "--webroot-path";
        words[n++] = cli->paths.acme;
    }
    for (unsigned i = 0; i < w->count; i++) {
        words[n++] = "--domain";
        words[n++] = w->names[i];
    }
    words[n] = NULL;
    if (!cli->quiet)
        fprintf(stderr, "sett: certbot proves %s%s%s …\n", w->names[0],
                w->count > 1 ? " and others" : "",
                w->dns != NULL ? " by DNS" : " over HTTP, on port 80");
    return certbot(cli, words, err);
}

static int wish_read(struct wish *w, int argc, char **argv, struct err *err)
{
    const struct tls_option options[] = {
        {.name = "--agree-tos", .flag = &w->agree},
        {.name = "--staging", .flag = &w->staging},
        {.name = "--email", .value = &w->email},
        {.name = "--dns", .value = &w->dns},
        {.name = "--token-file", .value = &w->token_file},
        {.name = "--propagation", .value = &w->propagation},
        {.name = "--server", .value = &w->server},
        {.name = "--name", .values = w->names, .count = &w->count},
        {.name = NULL},
    };
    uint64_t seconds;

    if (tls_options(options, argc, argv,
                    "usage: sett certificate letsencrypt --agree-tos [--email E] [--name HOST]... "
                    "[--dns cloudflare [--token-file FILE|-]] (more: --help)",
                    err) == -1)
        return -1;
    if (w->dns != NULL && !str_equal(w->dns, "cloudflare"))
        return err_field(err, "dns", "option_value", "--dns takes cloudflare");
    if (w->token_file != NULL && w->dns == NULL)
        return err_field(err, "token-file", "option_value", "--token-file goes with --dns");
    if (w->propagation == NULL)
        w->propagation = PROPAGATION;
    if (str_u64(w->propagation, 0, 600, &seconds) == -1)
        return err_field(err, "propagation", "option_value",
                         "--propagation takes 0 to 600 seconds");
    if (w->agree)
        return 0;
    (void)err_field(err, "agree-tos", "terms",
                    "Let's Encrypt has terms, and they are not agreed to");
    return err_hint(err, "read https://letsencrypt.org/repository/ and say --agree-tos");
}

int cli_certificate_letsencrypt(struct cli *cli, int argc, char **argv, struct err *err)
{
    char lineage[TLS_PATH_SIZE], wild[300];
    struct tls_host host;
    struct wish w = {0};

    if (wish_read(&w, argc, argv, err) == -1 || check_tools(&w, err) == -1 ||
        tls_become(cli, err) == -1 || tls_host_read(cli, &host, err) == -1)
        return -1;
    if (w.count == 0) {
        w.names[w.count++] = host.host;
        if (w.dns != NULL && host.domain[0] != '\0') { /* its tenants, too */
            (void)str_format(wild, sizeof wild, "*.%s", host.domain);
            w.names[w.count++] = wild;
        }
    }
    if (check_names(&w, err) == -1 ||
        folder(cli, lineage, "/etc/letsencrypt/live/" LINEAGE, err) == -1 ||
        file_mkdirs(cli->paths.acme, 0755, err) == -1 ||
        (w.dns != NULL && credentials_write(cli, &w, err) == -1) || fetch(cli, &w, err) == -1)
        return -1;
    if (tls_from_lineage(cli, lineage, err) == -1 || hook_write(cli, err) == -1)
        return -1;
    if (w.dns == NULL && host.domain[0] != '\0' && !cli->quiet)
        printf("Tenants below %s are not named by it: for those --dns cloudflare.\n", host.domain);
    return 0;
}
