/*
 * What a timer asks of certificates each day, and what certbot is told of this box. Apart from the
 * commands that people type.
 */
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "clock.h"
#include "setting.h"
#include "str.h"
#include "tls_commands.h"

#define RENEW_DAYS 30
#define DAY_MS     INT64_C(86400000)

static int renew_self_signed(struct cli *cli, const struct x509 *x, bool force, struct err *err)
{
    struct tls_host host;
    struct x509_facts f;

    if (tls_host_read(cli, &host, err) == -1)
        return -1;
    x509_tell(x, &f);
    if (!force && x509_names(x, host.host) && f.until_ms - clock_wall_ms() > RENEW_DAYS * DAY_MS) {
        if (!cli->quiet)
            printf("Nothing to do: %lld days left, and it names %s.\n",
                   (long long)((f.until_ms - clock_wall_ms()) / DAY_MS), host.host);
        return 0;
    }
    return tls_self_signed(cli, &host, NULL, 0, TLS_DAYS, err);
}

static int renew_imported(struct cli *cli, const struct x509 *x, struct err *err)
{
    char day[CLOCK_TEXT_SIZE];
    struct x509_facts f;

    x509_tell(x, &f);
    clock_text(day, f.until_ms);
    if (f.until_ms - clock_wall_ms() > RENEW_DAYS * DAY_MS) {
        if (!cli->quiet)
            printf("Nothing to do: it was imported and is good until %.10s.\n", day);
        return 0;
    }
    (void)err_set(err, ERR_CONFLICT, "certificate_imported",
                  "the certificate was imported and ends on %.10s: nobody renews it", day);
    return err_hint(err,
                    "sett certificate import FILE --key FILE, or sett certificate letsencrypt");
}

int cli_certificate_renew(struct cli *cli, int argc, char **argv, struct err *err)
{
    bool force = false;
    const struct tls_option options[] = {{.name = "--force", .flag = &force}, {.name = NULL}};
    struct tls_pair pair;
    struct x509 *x = NULL;
    int rc = -1;

    if (tls_options(options, argc, argv, "usage: sett certificate renew [--force]", err) == -1 ||
        tls_become(cli, err) == -1)
        return -1;
    if (tls_pair_read(&pair, cli->paths.tls, err) == 0 &&
        x509_open(&x, &pair.cert, "cert.pem", err) == 0) {
        if (str_equal(pair.kind, TLS_SELF_SIGNED))
            rc = renew_self_signed(cli, x, force, err);
        else if (str_equal(pair.kind, TLS_LETSENCRYPT))
            rc = tls_renew_letsencrypt(cli, &pair, force, err);
        else
            rc = renew_imported(cli, x, err);
    }
    x509_free(x);
    tls_pair_free(&pair);
    return rc;
}

int cli_certificate_token(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct vault vault;
    struct txn *txn;
    struct buf out;
    int found = -1;

    (void)argv;
    if (argc > 0)
        return err_field(err, "argument", "usage", "sett certificate token takes no arguments");
    if (isatty(STDOUT_FILENO))
        return err_set(err, ERR_FORBIDDEN, "no_terminal",
                       "the token is written to a program, not to a screen");
    if (cli_open(cli, err) == -1 || vault_load(&vault, cli->paths.keys, true, err) == -1)
        return -1;
    buf_init(&out, 4096);
    if (db_read(&txn, cli->box.db, err) == 0) {
        found = secret_get(txn, &vault, "cloudflare.token", &out, err);
        db_read_end(txn);
    }
    if (found == 1)
        (void)fwrite(out.data, 1, out.len, stdout);
    else if (found == 0)
        (void)err_set(err, ERR_NOT_FOUND, "no_token", "this box has no Cloudflare token");
    sodium_memzero(&vault, sizeof vault);
    if (out.data != NULL)
        sodium_memzero(out.data, out.len);
    buf_free(&out);
    return found == 1 ? 0 : -1;
}
