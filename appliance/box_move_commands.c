/*
 * Taking the box to another machine: it stands down, its tenants stop, one file gets all of it, its
 * connectors end. Apart from the snapshot that this ends in, since here the order is what matters:
 * at no moment may the box act from two machines.
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "box_move.h"
#include "clock.h"
#include "file.h"
#include "hands.h"
#include "recovery.h"
#include "setting.h"
#include "snapshot.h"
#include "snapshot_fetch.h"
#include "str.h"
#include "tenant.h"
#include "tunnel.h"

#define STILL_MS  90000 /* until the worker stands down */
#define LOOK_MS   50
#define STOP_MS   90000
#define MOST      4096 /* tenants, and tunnels */
#define PATH_MOST 600

struct halted {
    struct {
        uint64_t number;
        uint32_t port;
        char id[ID_SIZE], blueprint[32];
    } tenants[MOST];
    uint64_t tunnels[MOST];
    size_t tenant_count, tunnel_count;
    char box_id[ID_SIZE];
};

static void tell(const struct cli *cli, const char *text)
{
    if (!cli->quiet)
        fprintf(stderr, "%s\n", text);
}

/* ---- what runs ---- */

static bool runs_here(const struct tenant *t)
{
    return (t->state == TENANT_ACTIVE || t->state == TENANT_PAST_DUE) &&
           !tenant_elsewhere(t); /* its machine stays where it is */
}

static int list_tenants(struct txn *txn, struct halted *h, struct err *err)
{
    struct tenant t;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &tenant_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &t, err)) == 1) {
        if (!runs_here(&t))
            continue;
        if (h->tenant_count == MOST)
            return err_set(err, ERR_QUOTA, "too_many_tenants", "more than %d tenants run", MOST);
        h->tenants[h->tenant_count].number = t.number;
        h->tenants[h->tenant_count].port = t.port;
        memcpy(h->tenants[h->tenant_count].id, t.id, sizeof t.id);
        memcpy(h->tenants[h->tenant_count++].blueprint, t.blueprint, sizeof t.blueprint);
    }
    return got;
}

static int list_tunnels(struct txn *txn, struct halted *h, struct err *err)
{
    struct tunnel t;
    struct scan scan;
    int got;

    if (scan_start(&scan, txn, &tunnel_table, NULL, NULL, 0, false, err) == -1)
        return -1;
    while ((got = scan_next(&scan, &t, err)) == 1) {
        if (t.state != TUNNEL_ACTIVE || !str_equal(t.ingress, "cloudflare") ||
            t.carrier_id[0] != '\0' || t.elsewhere)
            continue;
        if (h->tunnel_count == MOST)
            return err_set(err, ERR_QUOTA, "too_many_tunnels", "more than %d tunnels run", MOST);
        h->tunnels[h->tunnel_count++] = t.number;
    }
    return got;
}

static int list_running(struct cli *cli, struct halted *h, struct err *err)
{
    struct txn *txn;
    int rc;

    memset(h, 0, sizeof *h);
    if (db_read(&txn, cli->box.db, err) == -1)
        return -1;
    rc = setting_text(txn, &cli->box.conf, "box.id", h->box_id, sizeof h->box_id, err) == -1 ||
                 list_tenants(txn, h, err) == -1 || list_tunnels(txn, h, err) == -1
             ? -1
             : 0;
    db_read_end(txn);
    return rc;
}

static int call_hands(const struct cli *cli, const struct hands_request *request, struct err *err)
{
    struct hands_reply reply;
    enum outcome outcome = hands_call(cli->paths.hands_sock, request, STOP_MS, &reply, NULL, err);

    return outcome == OUTCOME_OK || outcome == OUTCOME_ABSENT ? 0 : -1;
}

/* Stop them, or ${start} them again: what they write must be in the file. */
static int tenants(const struct cli *cli, const struct halted *h, bool start, struct err *err)
{
    struct hands_request request = {.verb = start ? HANDS_RUNTIME_START : HANDS_RUNTIME_STOP};
    int rc = 0;

    (void)str_copy(request.box_id, sizeof request.box_id, h->box_id);
    for (size_t i = 0; rc == 0 && i < h->tenant_count; i++) {
        request.number = h->tenants[i].number;
        request.port = h->tenants[i].port;
        (void)str_copy(request.tenant_id, sizeof request.tenant_id, h->tenants[i].id);
        (void)str_copy(request.blueprint, sizeof request.blueprint, h->tenants[i].blueprint);
        rc = call_hands(cli, &request, err);
    }
    return rc;
}

/* The hands forget their tokens as well: this machine could not start them if it wanted to. */
static int end_connectors(const struct cli *cli, const struct halted *h, struct err *err)
{
    struct hands_request request = {.verb = HANDS_CONNECTOR_STOP};
    int rc = 0;

    (void)str_copy(request.box_id, sizeof request.box_id, h->box_id);
    for (size_t i = 0; rc == 0 && i < h->tunnel_count; i++) {
        request.number = h->tunnels[i];
        rc = call_hands(cli, &request, err);
    }
    return rc;
}

/* ---- the way out ---- */

/* The worker ends what it does at its next boundary, and says so when it is back. */
static int wait_still(struct cli *cli, struct err *err)
{
    int64_t deadline = clock_mono_ms() + STILL_MS;

    while (box_place_now(cli->box.db) != BOX_STILL) {
        if (clock_mono_ms() > deadline) {
            (void)err_set(err, ERR_TIMEOUT, "box_not_still",
                          "the box's worker does not stand down");
            return err_hint(err, "is it running? sett doctor");
        }
        clock_sleep_ms(LOOK_MS);
    }
    return 0;
}

static int newest(struct cli *cli, struct snapshot *s, struct err *err)
{
    struct txn *txn;
    int found;

    if (db_read(&txn, cli->box.db, err) == -1)
        return -1;
    found = snapshot_newest(txn, "", s, err);
    db_read_end(txn);
    return found == 1 ? 0
           : found == 0
               ? err_set(err, ERR_NOT_FOUND, "snapshot_not_found", "the snapshot is not there")
               : -1;
}

/* The stick may be another file system, so it is copied; its name is there when all of it is. */
static int put_copy(const char *from, const char *to, struct err *err)
{
    char part[PATH_MOST], block[1u << 16];
    int in = open(from, O_RDONLY | O_CLOEXEC), out = -1;
    ssize_t n = -1;

    if (str_format(part, sizeof part, "%s.part", to) == 0 && in != -1 &&
        (out = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)) != -1)
        while ((n = read(in, block, sizeof block)) > 0)
            if (file_write_all(out, block, (size_t)n) == -1) {
                n = -1;
                break;
            }
    if (n != 0 || fsync(out) == -1 || rename(part, to) == -1) {
        n = -1;
        (void)err_sys(err, "export_write", errno, to);
        if (out != -1)
            (void)unlink(part);
    }
    if (in != -1)
        (void)close(in);
    if (out != -1)
        (void)close(out);
    return n == 0 ? 0 : -1;
}

/* All of it into ${file}, by way of a vault. */
static int write_file(struct cli *cli, const char *file, char *vault, uint64_t *number,
                      struct err *err)
{
    static struct snapshot_fetched f;
    char *words[] = {(char[]){"--full"}, (char[]){"--to"}, vault};
    char text[24];
    struct snapshot s;
    bool quiet = cli->quiet;
    int rc;

    cli->wait = true;
    cli->quiet = true;
    rc = cli_operation(cli, op_find("snapshot.create"), vault == NULL ? 1 : 3, words, err);
    cli->quiet = quiet;
    if (rc > 0)
        rc = err_set(err, ERR_UNAVAILABLE, "snapshot_failed",
                     "the snapshot came to nothing: sett job list");
    if (rc == -1 || newest(cli, &s, err) == -1)
        return -1;
    *number = s.number;
    (void)str_format(text, sizeof text, "%llu", (unsigned long long)s.number);
    rc = snapshot_fetch(cli, text, false, &f, err);
    if (rc == 0)
        rc = put_copy(f.path, file, err);
    snapshot_fetched_remove(&f);
    return rc;
}

static int back(struct cli *cli, const struct halted *h, struct err *err)
{
    struct err ignored;

    (void)recovery_call(cli, "box.stay", (const char *const[]){NULL}, &ignored);
    (void)tenants(cli, h, true, &ignored);
    return err_hint(err, "the box lives on here; its tenants are started again");
}

static int take_out(struct cli *cli, const char *file, char *vault, struct err *err)
{
    static struct halted h;
    char number[24];
    uint64_t snapshot = 0;

    if (list_running(cli, &h, err) == -1 ||
        recovery_call(cli, "box.leave", (const char *const[]){NULL}, err) == -1)
        return -1;
    tell(cli, "The box stands down: what is under way comes to its next boundary");
    if (wait_still(cli, err) == -1 || list_running(cli, &h, err) == -1)
        return back(cli, &h, err);
    tell(cli, "Its tenants stop");
    if (tenants(cli, &h, false, err) == -1)
        return back(cli, &h, err);
    tell(cli, "All of it is written into one file");
    if (write_file(cli, file, vault, &snapshot, err) == -1)
        return back(cli, &h, err);
    (void)str_format(number, sizeof number, "%llu", (unsigned long long)snapshot);
    if (end_connectors(cli, &h, err) == -1 ||
        recovery_call(cli, "box.left",
                      (const char *const[]){"snapshot", number, "file", file, NULL}, err) == -1)
        return err_hint(err, "before the box is started elsewhere, end its connectors here, or "
                             "switch this machine off");
    return 0;
}

int cli_box_export(struct cli *cli, int argc, char **argv, struct err *err)
{
    char *vault = NULL, *file = NULL;

    for (int i = 0; i < argc; i++)
        if (str_equal(argv[i], "--to") && i + 1 < argc)
            vault = argv[++i];
        else if (argv[i][0] != '-' && file == NULL)
            file = argv[i];
        else
            return err_field(err, "argument", "usage", "usage: sett box export FILE [--to VAULT]");
    if (file == NULL)
        return err_field(err, "file", "usage", "usage: sett box export FILE [--to VAULT]");
    if (cli_open(cli, err) == -1)
        return -1;
    if (file_exists(file))
        return err_set(err, ERR_CONFLICT, "file_there", "%s is there already", file);
    if (cli->confirm == NULL || !str_equal(cli->confirm, "export")) {
        (void)err_set(err, ERR_INVALID, "not_confirmed",
                      "the box stands down here: its tenants stop until it is imported elsewhere");
        return err_hint(err, "if that is meant: --confirm=export");
    }
    if (take_out(cli, file, vault, err) == -1)
        return -1;
    if (!cli->quiet)
        printf("The box is in %s. This machine runs nothing of it any more.\n"
               "There: sett box import %s --recovery-file KIT\n"
               "If it never comes up there: sett box stay\n",
               file, file);
    return 0;
}
