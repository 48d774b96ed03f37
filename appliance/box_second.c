/*
 * `sett box identify second`: a box that was copied begins anew, with nothing of the first. Apart
 * from the operation, which only says that the box moved: here everything that the copy brought
 * along is put aside, which takes root, and programs that stand still.
 */
#include "cli.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "box_move.h"
#include "child.h"
#include "clock.h"
#include "file.h"
#include "greeting.h"
#include "hands_machine.h"
#include "init.h"
#include "json_in.h"
#include "str.h"

#define SHORT_S  120
#define SAID_MAX 65536
#define STATE    "/var/lib/sett"

/* Whether this is a copy that nobody has named yet, and how the box is called. By another process:
 * root does not open the store. */
static int check_copy(struct cli *cli, char name[512], struct err *err)
{
    static const char *const words[] = {"box", "setup", "--json", NULL};
    struct cJSON *json = NULL;
    struct buf out;
    bool copied = false;
    int rc;

    buf_init(&out, SAID_MAX);
    if ((rc = child_sett(cli, words, SHORT_S, &out, err)) == 0 &&
        (json = json_parse(out.data, out.len, &json_limits_provider, err)) == NULL)
        rc = -1;
    if (rc == 0) {
        copied = json_bool(json, "copied", false);
        (void)str_copy(name, 512, json_text(json, "name", ""));
    }
    json_free(json);
    buf_free(&out);
    if (rc == 0 && !copied)
        return err_set(err, ERR_CONFLICT, "not_copied",
                       "this box knows the machine that it is on: there is nothing to say");
    return rc;
}

static int check_confirm(const struct cli *cli, const char *name, struct err *err)
{
    char line[512];

    if (cli->confirm != NULL && str_equal(cli->confirm, name))
        return 0;
    if (cli->confirm == NULL && !cli->no_input && isatty(STDIN_FILENO)) {
        fprintf(stderr,
                "All of the box \"%s\" that was copied to this machine is put aside, and a new one "
                "is made.\nIts own machine is not touched. Type the name of the box: ",
                name);
        if (fgets(line, sizeof line, stdin) != NULL && str_equal(str_trim(line), name))
            return 0;
        return err_set(err, ERR_INVALID, "not_confirmed", "nothing was done");
    }
    (void)err_set(err, ERR_INVALID, "not_confirmed",
                  "all of the box that was copied here is put aside");
    return err_hint(err, "if that is meant: --confirm=%s", name);
}

static int stop_programs(struct err *err)
{
    static const char *const argv[] = {"/usr/bin/systemctl",
                                       "stop",
                                       "sett-front.socket",
                                       "sett-events.socket",
                                       "sett-front.service",
                                       "sett-worker.service",
                                       "sett-hands.service",
                                       "sett-restore.path",
                                       "sett-tunnel@*",
                                       "sett-tunnel-local@*",
                                       NULL};

    return child_quiet(argv, SHORT_S, err);
}

/* Names of the first box's own; what the second will make anew. Images stay: they are nobody's. */
static int put_aside(char folder[PATHS_SIZE], struct err *err)
{
    static const char *const names[] = {
        "lxc",  "history", "catalog",     "snapshots",      "status",
        "web",  "ballast", "initialized", "admin-password", "stripe-webhook-secret",
        "live", "machine"};
    char from[PATHS_SIZE], to[2 * PATHS_SIZE], when[32];
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm tm;

    if (gmtime_r(&now, &tm) == NULL || strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &tm) == 0 ||
        str_format(folder, PATHS_SIZE, STATE "/first-box-%s", when) == -1)
        return err_set(err, ERR_INTERNAL, "clock", "this machine's clock says nothing");
    if (mkdir(folder, 0700) == -1)
        return err_sys(err, "put_aside", errno, folder);
    /* live/ goes last: as long as it is there the copy is known as one, and this can be begun
     * again. */
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)str_format(from, sizeof from, STATE "/%s", names[i]);
        (void)str_format(to, sizeof to, "%s/%s", folder, names[i]);
        if (rename(from, to) == -1 && errno != ENOENT)
            return err_sys(err, "put_aside", errno, from);
    }
    (void)unlink("/run/sett/" MACHINE_VOUCHED);
    return file_sync_folder(STATE, err);
}

/* A private key that two machines have is nobody's own. */
static int drop_machine_keys(const char *folder, struct err *err)
{
    static const char *const keygen[] = {"/usr/bin/ssh-keygen", "-A", NULL};
    char path[2 * PATHS_SIZE];
    struct dirent *entry;
    DIR *dir;

    (void)str_format(path, sizeof path, "%s/tls", folder);
    if (rename("/etc/sett/tls", path) == -1 && errno == EXDEV)
        (void)file_remove_tree("/etc/sett/tls", err);
    if (!file_exists("/etc/profile.d/sett.sh") || (dir = opendir("/etc/ssh")) == NULL)
        return 0; /* a Debian of the operator's own: so are its keys */
    while ((entry = readdir(dir)) != NULL)
        if (str_starts(entry->d_name, "ssh_host_") &&
            str_format(path, sizeof path, "/etc/ssh/%s", entry->d_name) == 0)
            (void)unlink(path);
    (void)closedir(dir);
    return file_exists(keygen[0]) ? child_quiet(keygen, SHORT_S, err) : 0;
}

int cli_box_identify(struct cli *cli, int argc, char **argv, struct err *err)
{
    char name[512] = "", folder[PATHS_SIZE];

    if (argc != 1 || !str_equal(argv[0], "second"))
        return cli_operation(cli, op_find("box.identify"), argc, argv, err);
    if (cli->paths.root[0] != '\0' || geteuid() != 0) {
        (void)err_set(err, ERR_FORBIDDEN, "needs_root",
                      "a second box is made by root, of an installed sett");
        return err_hint(err, "below a folder: another folder, sett --root FOLDER setup");
    }
    if (check_copy(cli, name, err) == -1 || check_confirm(cli, name, err) == -1 ||
        stop_programs(err) == -1 || put_aside(folder, err) == -1 ||
        drop_machine_keys(folder, err) == -1)
        return -1;
    if (!cli->quiet)
        printf("  done  what was copied lies in %s: rm -r when nobody needs it\n", folder);
    return cli_init(cli, 0, NULL, err);
}
