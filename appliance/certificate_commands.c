/*
 * `sett certificate`: what the box's web server shows to the world. The certificate comes from this
 * program (self-signed), from a file (import) or from Let's Encrypt (certificate_certbot.c); all of
 * them are checked here and put in place by tls_pair.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "clock.h"
#include "file.h"
#include "str.h"
#include "tls_commands.h"

#define DAY_MS      INT64_C(86400000)
#define OWN_ADDRESS 16

int tls_options(const struct tls_option *options, int argc, char **argv, const char *usage,
                struct err *err)
{
    for (int i = 0; i < argc; i++) {
        const struct tls_option *o = options;
        bool word = argv[i][0] != '-' || argv[i][1] == '\0';

        while (o->name != NULL && !str_equal(o->name, word ? "" : argv[i]))
            o++;
        if (o->name == NULL)
            return err_field(err, "argument", "usage", "%s", usage);
        if (o->flag != NULL) {
            *o->flag = true;
            continue;
        }
        if (!word && ++i == argc)
            return err_field(err, o->name + 2, "option_value", "%s needs a value", o->name);
        if (o->values == NULL && *o->value != NULL)
            return err_field(err, "argument", "usage", "%s", usage);
        if (o->values == NULL)
            *o->value = argv[i];
        else if (*o->count == TLS_NAMES_MOST)
            return err_field(err, "name", "names_many", "more than %d names", TLS_NAMES_MOST);
        else
            o->values[(*o->count)++] = argv[i];
    }
    return 0;
}

int tls_become(struct cli *cli, struct err *err)
{
    if (cli->paths.root[0] != '\0')
        return cli_drop(cli, err);
    if (geteuid() == 0)
        return 0;
    (void)err_set(err, ERR_FORBIDDEN, "needs_root", "the key of the web server is root's");
    return err_hint(err, "try it as root: sudo sett certificate …");
}

bool tls_same(struct cli *cli, const struct tls_pair *pair)
{
    struct tls_pair now;
    struct err ignored;
    bool same = tls_pair_read(&now, cli->paths.tls, &ignored) == 0 &&
                now.cert.len == pair->cert.len && now.key.len == pair->key.len &&
                pair->cert.len > 0 && memcmp(now.cert.data, pair->cert.data, now.cert.len) == 0 &&
                sodium_memcmp(now.key.data, pair->key.data, now.key.len) == 0;

    tls_pair_free(&now);
    return same;
}

int tls_install(struct cli *cli, const struct tls_pair *pair, const struct x509 *x, struct err *err)
{
    char day[CLOCK_TEXT_SIZE];
    struct x509_facts f;
    struct tls_web web;
    int rc;

    if (tls_web_read(&web, cli->paths.web_note, cli->paths.conf, err) == -1 ||
        (rc = tls_pair_put(pair, cli->paths.tls, &web, err)) == -1)
        return -1;
    x509_tell(x, &f);
    clock_text(day, f.until_ms);
    if (!cli->quiet)
        printf("In place: %s, good until %.10s, in %s/cert.pem.\n", f.names, day, cli->paths.tls);
    if (rc == 1) {
        fprintf(stderr, "sett: the web server was not told: %s\n", err->text);
        err_clear(err);
    }
    return 0;
}

int tls_self_signed(struct cli *cli, const struct tls_host *host, const char *const *names,
                    unsigned count, unsigned days, struct err *err)
{
    char addresses[OWN_ADDRESS][48], wild[300], machine[256] = "";
    const char *all[3 * TLS_NAMES_MOST];
    struct tls_pair pair;
    struct x509 *x = NULL;
    unsigned n = 0, own = tls_host_addresses(addresses, OWN_ADDRESS);
    int rc = -1;

    all[n++] = host->host;
    if (host->domain[0] != '\0') {
        (void)str_format(wild, sizeof wild, "*.%s", host->domain);
        all[n++] = host->domain;
        all[n++] = wild;
    }
    if (cli->paths.root[0] == '\0' && gethostname(machine, sizeof machine - 1) == 0 &&
        machine[0] != '\0')
        all[n++] = machine;
    all[n++] = "localhost";
    for (unsigned i = 0; i < count; i++)
        all[n++] = names[i];
    for (unsigned i = 0; i < own; i++)
        all[n++] = addresses[i];
    for (unsigned i = 1; i < n; i++) /* each once */
        for (unsigned k = 0; k < i; k++)
            if (str_equal(all[i], all[k])) {
                memmove(all + i, all + i + 1, (--n - i) * sizeof *all);
                i--;
                break;
            }
    tls_pair_init(&pair, TLS_SELF_SIGNED);
    if (x509_self_signed(all, n, days, &pair.cert, &pair.key, err) == 0 &&
        tls_pair_check(&pair, "the certificate", "the key", &x, err) == 0)
        rc = tls_install(cli, &pair, x, err);
    x509_free(x);
    tls_pair_free(&pair);
    return rc;
}

int cli_certificate_self_signed(struct cli *cli, int argc, char **argv, struct err *err)
{
    const char *names[TLS_NAMES_MOST], *days_text = NULL;
    unsigned count = 0;
    bool missing = false;
    const struct tls_option options[] = {
        {.name = "--name", .values = names, .count = &count},
        {.name = "--days", .value = &days_text},
        {.name = "--if-missing", .flag = &missing},
        {.name = NULL},
    };
    struct tls_host host;
    struct tls_pair now;
    uint64_t days = TLS_DAYS;
    bool there;

    if (tls_options(options, argc, argv,
                    "usage: sett certificate self-signed [--name HOST]... [--days N] "
                    "[--if-missing]",
                    err) == -1)
        return -1;
    if (days_text != NULL && str_u64(days_text, 1, 3650, &days) == -1)
        return err_field(err, "days", "option_value", "--days takes 1 to 3650");
    if (tls_become(cli, err) == -1)
        return -1;
    if (missing) {
        there = tls_pair_read(&now, cli->paths.tls, err) == 0;
        tls_pair_free(&now);
        if (there)
            return 0;
        err_clear(err);
    }
    if (tls_host_read(cli, &host, err) == -1)
        return -1;
    return tls_self_signed(cli, &host, names, count, (unsigned)days, err);
}

int tls_take(const char *path, struct buf *out, struct err *err)
{
    char piece[4096];
    ssize_t got;

    if (!str_equal(path, "-"))
        return file_read(path, out, err);
    while ((got = read(STDIN_FILENO, piece, sizeof piece)) > 0)
        if (buf_add(out, piece, (size_t)got) == -1)
            return err_set(err, ERR_TOO_LARGE, "pem_large", "standard input is too long for that");
    sodium_memzero(piece, sizeof piece);
    return got < 0 ? err_sys(err, "read", errno, "standard input") : 0;
}

/* Whether it is for this box at all: a certificate of another host is a mistake that shows only in
 * browsers. */
static int for_us(const struct x509 *x, const struct tls_host *host, bool any, const char *what,
                  struct err *err)
{
    struct x509_facts f;

    if (x509_names(x, host->host) || any)
        return 0;
    x509_tell(x, &f);
    (void)err_field(err, "certificate", "certificate_other_host",
                    "%s does not name %s, under which this box is reached; it is for %.200s", what,
                    host->host, f.names);
    return err_hint(err, "If that is to be this box's name: sett setting set box.url "
                         "https://NAME, then once more. If the certificate is right as it is: "
                         "--any-name.");
}

/* One file may hold both. */
static int key_beside(struct tls_pair *pair, const char *cert, struct err *err)
{
    if (strstr(buf_string(&pair->cert), "PRIVATE KEY-----") == NULL) {
        (void)err_field(err, "key", "key_missing", "%s holds no private key", cert);
        return err_hint(err, "name its file: --key FILE, or - for standard input");
    }
    return buf_add(&pair->key, pair->cert.data, pair->cert.len);
}

/* Only what is a certificate or the key goes into the files: PEM files hold all kinds of text. */
static int clean(struct tls_pair *pair, const struct x509 *x, struct err *err)
{
    struct buf key, cert;

    buf_init(&key, TLS_PEM_MAX);
    buf_init(&cert, TLS_PEM_MAX);
    if (x509_key_text(&pair->key, &key, err) == -1)
        return -1;
    x509_text(x, &cert);
    sodium_memzero(pair->key.data, pair->key.len);
    buf_free(&pair->key);
    buf_free(&pair->cert);
    pair->key = key;
    pair->cert = cert;
    return 0;
}

/* --dry-run says what would be done once all is checked. */
static int put_or_tell(struct cli *cli, const struct tls_pair *pair, const struct x509 *x,
                       struct err *err)
{
    struct x509_facts f;

    if (!cli->dry_run)
        return tls_install(cli, pair, x, err);
    x509_tell(x, &f);
    printf("It could be put in place: %s, issued by %s.\n", f.names, f.issuer);
    return 0;
}

int cli_certificate_import(struct cli *cli, int argc, char **argv, struct err *err)
{
    const char *cert = NULL, *key = NULL, *lineage = NULL;
    bool any = false;
    const struct tls_option options[] = {
        {.name = "", .value = &cert},
        {.name = "--key", .value = &key},
        {.name = "--lineage", .value = &lineage},
        {.name = "--any-name", .flag = &any},
        {.name = NULL},
    };
    static const char usage[] =
        "usage: sett certificate import FILE|- [--key FILE|-] [--any-name], or --lineage FOLDER";
    struct tls_host host;
    struct tls_pair pair;
    struct x509 *x = NULL;
    int rc = -1;

    if (tls_options(options, argc, argv, usage, err) == -1)
        return -1;
    if ((lineage == NULL) == (cert == NULL) || (lineage != NULL && key != NULL) ||
        (cert != NULL && key != NULL && str_equal(cert, "-") && str_equal(key, "-")))
        return err_field(err, "argument", "usage", "%s", usage);
    if (tls_become(cli, err) == -1)
        return -1;
    if (lineage != NULL)
        return tls_from_lineage(cli, lineage, err);
    tls_pair_init(&pair, TLS_IMPORTED);
    if (tls_take(cert, &pair.cert, err) == 0 &&
        (key != NULL ? tls_take(key, &pair.key, err) == 0 : key_beside(&pair, cert, err) == 0) &&
        tls_pair_check(&pair, cert, key == NULL ? cert : key, &x, err) == 0 &&
        tls_host_read(cli, &host, err) == 0 && for_us(x, &host, any, cert, err) == 0 &&
        clean(&pair, x, err) == 0) {
        if (tls_same(cli, &pair)) {
            printf("It is in place already.\n");
            rc = 0;
        } else
            rc = put_or_tell(cli, &pair, x, err);
    }
    x509_free(x);
    tls_pair_free(&pair);
    return rc;
}

/* What is to come for a pair of this kind, in one line. */
static const char *next_of(const char *kind)
{
    if (str_equal(kind, TLS_SELF_SIGNED))
        return "made anew by sett-certificate.timer when it grows old or the box's name changes";
    if (str_equal(kind, TLS_LETSENCRYPT))
        return "renewed by certbot.timer, then put in place by its hook";
    return "not renewed by itself: import the next one in time";
}

static void show_json(const struct cli *cli, const struct tls_pair *p, const struct x509_facts *f,
                      const char *key_state, bool ours, const char *host)
{
    struct json_out j;
    struct buf b;

    buf_init(&b, 16384);
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_key_text(&j, "object", "certificate");
    json_out_key_text(&j, "kind", p->kind);
    json_out_key_text(&j, "names", f->names);
    json_out_key_text(&j, "subject", f->subject);
    json_out_key_text(&j, "issuer", f->issuer);
    json_out_key_time(&j, "from", f->from_ms);
    json_out_key_time(&j, "until", f->until_ms);
    json_out_key(&j, "days");
    json_out_i64(&j, (f->until_ms - clock_wall_ms()) / DAY_MS);
    json_out_key_text(&j, "key", f->key);
    json_out_key_text(&j, "key_state", key_state);
    json_out_key_u64(&j, "chain", f->chain);
    json_out_key_bool(&j, "self_signed", f->self_signed);
    json_out_key_text(&j, "sha256", f->fingerprint);
    json_out_key_text(&j, "host", host);
    json_out_key_bool(&j, "names_host", ours);
    json_out_key_text(&j, "lineage", p->lineage);
    json_out_key_text(&j, "folder", cli->paths.tls);
    json_out_end_object(&j);
    printf("%s\n", buf_string(&b));
    buf_free(&b);
}

static void show_text(const struct cli *cli, const struct tls_pair *p, const struct x509_facts *f,
                      const char *key_state, bool ours, const char *host)
{
    char from[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE];

    clock_text(from, f->from_ms);
    clock_text(until, f->until_ms);
    printf("names    %s\n", f->names);
    printf("host     %s%s\n", host, ours ? "" : " (NOT among its names)");
    printf("kind     %s%s%s\n", p->kind, p->lineage[0] == '\0' ? "" : ", ", p->lineage);
    printf("issuer   %s%s\n", f->issuer, f->self_signed ? " (itself)" : "");
    printf("good     %.10s to %.10s, %lld days left\n", from, until,
           (long long)((f->until_ms - clock_wall_ms()) / DAY_MS));
    printf("key      %s, %s\n", f->key, key_state);
    printf("sha256   %s\n", f->fingerprint);
    printf("file     %s/cert.pem\n", cli->paths.tls);
    printf("next     %s\n", next_of(p->kind));
}

int cli_certificate_show(struct cli *cli, int argc, char **argv, struct err *err)
{
    const char *key_state = "which only root can read";
    struct x509_facts facts;
    struct tls_host host;
    struct tls_pair pair;
    struct x509 *x = NULL;
    struct err why;
    int rc = -1;

    (void)argv;
    if (argc > 0)
        return err_field(err, "argument", "usage", "sett certificate show takes no arguments");
    if (tls_host_read(cli, &host, &why) == -1)
        (void)str_copy(host.host, sizeof host.host, "");
    if (tls_pair_read(&pair, cli->paths.tls, err) == 0 &&
        x509_open(&x, &pair.cert, "cert.pem", err) == 0) {
        x509_tell(x, &facts);
        if (pair.key.len > 0)
            key_state = x509_key(x, &pair.key, "key.pem", &why) == 0 ? "belongs to it" : why.text;
        (cli->output == CLI_JSON ? show_json : show_text)(cli, &pair, &facts, key_state,
                                                          x509_names(x, host.host), host.host);
        rc = 0;
    }
    x509_free(x);
    tls_pair_free(&pair);
    return rc;
}
