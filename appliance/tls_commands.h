#ifndef SETT_TLS_COMMANDS_H
#define SETT_TLS_COMMANDS_H
/* What the commands of `sett certificate` share. */
#include <stdbool.h>
#include "cli.h"
#include "tls_host.h"
#include "tls_pair.h"

#define TLS_NAMES_MOST 32
#define TLS_DAYS       825 /* the longest that all systems' own checks let pass */

/* An option of such a command: a flag, a value, or one that may be given several times. */
struct tls_option {
    const char *name; /* "--days"; "" is the words that are no options */
    bool *flag;
    const char **value;  /* else */
    const char **values; /* else: up to TLS_NAMES_MOST */
    unsigned *count;
};

/** tls_options(options, argc, argv, usage, err): read them; the list ends with a name NULL. An
 * unknown one: ERR_INVALID with ${usage}. Return 0 or -1. */
int tls_options(const struct tls_option *options, int argc, char **argv, const char *usage,
                struct err *err);

/** tls_take(path, out, err): append a file's content, or standard input's for "-". 0 or -1. */
int tls_take(const char *path, struct buf *out, struct err *err);

/** tls_become(cli, err): a box below a folder is its owner's, and so is what is written there; the
 * system's own stays root's. Return 0 or -1. */
int tls_become(struct cli *cli, struct err *err);

/** tls_install(cli, pair, x, err): tls_pair_put with what sett.conf says of the web server, and the
 * outcome told in a line or two. Return 0 (also when only the server could not be told) or -1. */
int tls_install(struct cli *cli, const struct tls_pair *pair, const struct x509 *x,
                struct err *err);

/** tls_same(cli, pair): whether this very certificate is in place already. */
bool tls_same(struct cli *cli, const struct tls_pair *pair);

/** tls_from_lineage(cli, folder, err): put what certbot keeps in this folder (fullchain.pem,
 * privkey.pem) in place; nothing if it is there already. Return 0 or -1. */
int tls_from_lineage(struct cli *cli, const char *folder, struct err *err);

/** tls_renew_letsencrypt(cli, pair, force, err): bring certbot's newest in place if its own hook
 * missed it; where its timer lets the certificate grow old, or with ${force}, have it renewed.
 * Return the exit code, or -1. */
int tls_renew_letsencrypt(struct cli *cli, const struct tls_pair *pair, bool force,
                          struct err *err);

/** tls_self_signed(cli, host, names, count, days, err): make one for these names besides the box's
 * own and put it in place. Return 0 or -1. */
int tls_self_signed(struct cli *cli, const struct tls_host *host, const char *const *names,
                    unsigned count, unsigned days, struct err *err);

#endif
