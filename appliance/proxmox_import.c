/*
 * `sett proxmox import FILE`: what proxmox/token.sh wrote on a node of Proxmox VE becomes settings
 * and a sealed secret. Lines NAME=VALUE, in which only names of Proxmox's may stand. A file that
 * others may read is refused: its token is known.
 */
#include <string.h>

#include "audit.h"
#include "cli.h"
#include "private_lines.h"
#include "setting.h"
#include "str.h"

#define LINES_MOST 32
#define TOKEN      "proxmox.token"

struct lines {
    struct cli *cli;
    unsigned count, settings;
    struct {
        char *name, *value;
    } at[LINES_MOST];
};

static int read_line(void *arg, char *line, unsigned number, const char *path, struct err *err)
{
    struct lines *l = arg;
    char *name = str_trim(line), *value;

    if (*name == '\0' || *name == '#')
        return 0;
    if ((value = strchr(name, '=')) == NULL || !str_starts(name, "proxmox."))
        return err_field(err, "file", "bad_line", "%s, line %u: not proxmox.NAME=VALUE", path,
                         number);
    *value++ = '\0';
    if (l->count == LINES_MOST || *str_trim(value) == '\0')
        return err_field(err, "file", "bad_line", "%s, line %u: nothing, or too much", path,
                         number);
    l->at[l->count].name = str_trim(name);
    l->at[l->count++].value = str_trim(value);
    return 0;
}

static int take_over(struct txn *txn, void *arg, struct err *err)
{
    struct lines *l = arg;
    struct audit entry = {.actor = "cli",
                          .actor_kind = "cli",
                          .action = "proxmox.import",
                          .object = "proxmox",
                          .result = "ok"};
    bool token = false;

    l->settings = 0;
    for (unsigned i = 0; i < l->count; i++) {
        const char *name = l->at[i].name, *value = l->at[i].value;
        bool secret = str_equal(name, TOKEN);

        token = token || secret;
        l->settings += !secret;
        if ((secret ? secret_set(txn, &l->cli->box.vault, name, value, strlen(value), err)
                    : setting_set(txn, name, value, "cli", err)) == -1)
            return -1;
    }
    if (!token)
        return err_field(err, TOKEN, "missing", "the file has no " TOKEN);
    return audit_add(txn, &entry, err);
}

int cli_proxmox_import(struct cli *cli, int argc, char **argv, struct err *err)
{
    struct lines l = {.cli = cli};
    struct buf b;
    int rc = -1;

    if (argc != 1)
        return err_field(err, "file", "usage", "usage: sett proxmox import FILE");
    if (private_lines(argv[0], &b, read_line, &l, err) == 0 && cli_open(cli, err) == 0 &&
        db_write(cli->box.db, take_over, &l, err) == 0) {
        printf("token sealed, %u settings taken over; sett proxmox check says what it may\n",
               l.settings);
        rc = 0;
    }
    private_lines_forget(&b);
    return rc;
}
