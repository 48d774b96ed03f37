/*
 * `sett cloudflare import FILE`: an operator's file of CF_API_TOKEN, ACCOUNT_ID, ZONE_ID and DOMAIN
 * becomes settings and a sealed secret. A file that others may read is refused: its token is known.
 */
#include <string.h>

#include <sodium.h>

#include "cli.h"
#include "private_lines.h"
#include "setting.h"
#include "str.h"

static const struct {
    const char *name, *setting; /* setting NULL: the secret cloudflare.token */
} known[] = {
    {"CF_API_TOKEN", NULL},
    {"ACCOUNT_ID", "cloudflare.account"},
    {"ZONE_ID", "cloudflare.zone"},
    {"DOMAIN", "box.domain"},
};
#define KNOWN (sizeof known / sizeof *known)

struct import {
    struct cli *cli;
    char values[KNOWN][256];
};

/* A line NAME=VALUE; quotes around the value, "export " before the name and comments are fine. */
static int line_read(void *arg, char *line, unsigned number, const char *path, struct err *err)
{
    struct import *in = arg;
    char *name = str_trim(line), *value, *end;

    if (*name == '\0' || *name == '#')
        return 0;
    if (str_starts(name, "export "))
        name = str_trim(name + 7);
    if ((value = strchr(name, '=')) == NULL)
        return err_field(err, "file", "bad_line", "%s, line %u: not NAME=VALUE", path, number);
    *value++ = '\0';
    value = str_trim(value);
    end = value + strlen(value);
    if (end - value >= 2 && (*value == '"' || *value == '\'') && end[-1] == *value) {
        end[-1] = '\0';
        value++;
    }
    name = str_trim(name);
    for (size_t i = 0; i < KNOWN; i++)
        if (str_equal(name, known[i].name)) {
            if (*value == '\0' || str_copy(in->values[i], sizeof in->values[i], value) == -1)
                return err_field(err, name, "bad_value", "%s, line %u: %s is empty or too long",
                                 path, number, name);
            return 0;
        }
    fprintf(stderr, "sett: %s, line %u: %.40s is not used\n", path, number, name);
    return 0;
}

static int import_write(struct txn *txn, void *arg, struct err *err)
{
    struct import *in = arg;
    struct audit entry = {.actor = "cli",
                          .actor_kind = "cli",
                          .action = "cloudflare.import",
                          .object = "cloudflare",
                          .result = "ok"};

    for (size_t i = 0; i < KNOWN; i++) {
        int rc = known[i].setting == NULL
                     ? secret_set(txn, &in->cli->box.vault, "cloudflare.token", in->values[i],
                                  strlen(in->values[i]), err)
                     : setting_set(txn, known[i].setting, in->values[i], "cli", err);
        if (rc == -1)
            return -1;
    }
    return audit_add(txn, &entry, err);
}

int cli_cloudflare_import(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct import in = {.cli = cli};
    struct buf b;
    int rc = -1;

    if (argc != 1)
        return err_field(err, "file", "usage", "usage: sett cloudflare import FILE");
    if (private_lines(argv[0], &b, line_read, &in, err) == -1)
        goto done;
    for (size_t i = 0; i < KNOWN; i++)
        if (in.values[i][0] == '\0') {
            err_field(err, known[i].name, "missing", "%s has no %s", argv[0], known[i].name);
            goto done;
        }
    if (cli_open(cli, err) == -1 || db_write(cli->box.db, import_write, &in, err) == -1)
        goto done;
    printf("token sealed; account %s, zone %s, domain %s\n", in.values[1], in.values[2],
           in.values[3]);
    fprintf(stderr, "use it for new tenants with: sett setting set ingress.default cloudflare\n");
    rc = 0;
done:
    sodium_memzero(&in, sizeof in);
    private_lines_forget(&b);
    return rc;
}
