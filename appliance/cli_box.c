/*
 * How the command line comes to a box: whose it is, where its files are, how it is opened. Apart
 * because giving up root must happen in one place, before the store is touched.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "file.h"
#include "job_start.h"
#include "schema.h"
#include "str.h"

#define SYSTEM_USER     "sett"
#define SYSTEM_PROGRAMS "/usr/libexec/sett"
#define SYSTEM_SHARE    "/usr/share/sett"

/* The folder that holds this program, without what follows its last slash. */
static int program_folder(char *out, size_t size, struct err *err)
{
    ssize_t len = readlink("/proc/self/exe", out, size - 1);
    char *slash;

    if (len <= 0)
        return err_sys(err, "own_path", errno, "cannot find this program's own folder");
    out[len] = '\0';
    if ((slash = strrchr(out, '/')) != NULL)
        *slash = '\0';
    return 0;
}

int cli_find_files(struct cli *cli, struct err *err)
{
    char folder[PATHS_SIZE], path[PATHS_SIZE + 64];
    char *slash;

    if (program_folder(folder, sizeof folder, err) == -1)
        return -1;
    (void)str_format(path, sizeof path, "%s/sett-front", folder);
    if (str_equal(folder, SYSTEM_PROGRAMS) || !file_exists(path)) {
        (void)str_copy(cli->programs, sizeof cli->programs, SYSTEM_PROGRAMS);
        (void)str_copy(cli->share, sizeof cli->share, SYSTEM_SHARE);
        (void)str_copy(cli->web, sizeof cli->web, SYSTEM_SHARE "/web");
        return 0;
    }
    (void)str_copy(cli->programs, sizeof cli->programs, folder);
    /* A checkout: the sources stand one or two folders above the programs. */
    while ((slash = strrchr(folder, '/')) != NULL && slash != folder) {
        *slash = '\0';
        (void)str_format(path, sizeof path, "%s/appliance/blueprints", folder);
        if (file_exists(path)) {
            if (str_format(cli->share, sizeof cli->share, "%s/appliance", folder) == -1 ||
                str_format(cli->web, sizeof cli->web, "%s/web", folder) == -1)
                break;
            return 0;
        }
    }
    return err_set(err, ERR_NOT_FOUND, "no_share", "no appliance/blueprints folder above %s",
                   cli->programs);
}

static int become(uid_t uid, gid_t gid, const char *name, struct err *err)
{
    if ((name != NULL ? initgroups(name, gid) : setgroups(0, NULL)) == -1 || setgid(gid) == -1 ||
        setuid(uid) == -1)
        return err_sys(err, "drop_root", errno, "cannot give up root");
    return 0;
}

int cli_drop(const struct cli *cli, struct err *err)
{
    struct passwd *user;
    struct stat st;

    if (geteuid() != 0)
        return 0;
    if (cli->paths.root[0] != '\0') {
        if (stat(cli->paths.root, &st) == -1)
            return 0; /* not there yet: whoever makes it owns it */
        if (st.st_uid == 0)
            return 0; /* cli_setup_box says so once */
        return become(st.st_uid, st.st_gid, NULL, err);
    }
    if ((user = getpwnam(SYSTEM_USER)) == NULL) {
        err_set(err, ERR_NOT_FOUND, "no_user", "no box is installed here: there is no user \"%s\"",
                SYSTEM_USER);
        return err_hint(err,
                        "say which box: --root FOLDER or SETT_ROOT=FOLDER (make run's is ./run)");
    }
    return become(user->pw_uid, user->pw_gid, SYSTEM_USER, err);
}

int cli_open(struct cli *cli, struct err *err)
{
    struct op_box *box = &cli->box;
    char data[PATHS_SIZE + 16];

    if (cli->opened)
        return 0;
    if (cli_drop(cli, err) == -1)
        return -1;
    box->paths = cli->paths;
    (void)str_format(data, sizeof data, "%s/data.mdb", cli->paths.db);
    if (access(data, R_OK) == -1 && errno == EACCES) {
        err_set(err, ERR_FORBIDDEN, "not_yours", "the box at %s belongs to somebody else",
                cli->paths.root[0] == '\0' ? "/var/lib/sett" : cli->paths.root);
        return err_hint(err, "try it as root, or as the owner of that folder");
    }
    if (!file_exists(cli->paths.db)) {
        err_set(err, ERR_NOT_FOUND, "no_box", "there is no box at %s",
                cli->paths.root[0] == '\0' ? "/var/lib/sett" : cli->paths.root);
        return cli->paths.root[0] == '\0'
                   ? err_hint(err, "make one with: sett init   (or say where it is: --root FOLDER)")
                   : err_hint(err, "make one with: sett --root %s setup", cli->root);
    }
    if (conf_read(&box->conf, cli->paths.conf, err) == -1 && err->kind != ERR_NOT_FOUND)
        return -1;
    err_clear(err);
    if (hold_try(&cli->paths, &cli->hold, err) == -1)
        return -1;
    if (db_open(&box->db, cli->paths.db, &sett_schema, err) == -1 ||
        vault_load(&box->vault, cli->paths.keys, false, err) == -1 ||
        web_key_load(&box->web_key, cli->paths.keys, err) == -1)
        return -1;
    cli->opened = true;
    return 0;
}

/* The user of the machine who typed the command: an admin, named in the audit log. */
static void actor_set(struct actor *actor)
{
    struct passwd *user = getpwuid(getuid());
    const char *sudo = getenv("SUDO_USER");

    memset(actor, 0, sizeof *actor);
    actor->role = ROLE_ADMIN;
    (void)str_copy(actor->kind, sizeof actor->kind, "cli");
    if (sudo == NULL || str_format(actor->id, sizeof actor->id, "cli:%s", sudo) == -1)
        (void)str_format(actor->id, sizeof actor->id, "cli:%s",
                         user == NULL ? "unknown" : user->pw_name);
    actor->fresh_at = INT64_MAX;
    id_make(actor->request_id, "req");
}

int cli_call(struct cli *cli, struct op_call *call, struct err *err)
{
    if (cli_open(cli, err) == -1)
        return -1;
    call->box = &cli->box;
    actor_set(&call->actor);
    if (op_dispatch(call, err) == -1)
        return -1;
    if (call->wake)
        job_wake(cli->paths.wake_sock);
    return 0;
}

/* The words of a command line for another of our programs. */
struct words {
    char *at[96];
    int count;
};

static void word(struct words *w, const char *text)
{
    if (w->count + 1 < (int)(sizeof w->at / sizeof w->at[0]))
        w->at[w->count] = (char *)(uintptr_t)text;
    w->count++; /* too many are seen at the end */
}

int cli_elsewhere(struct cli *cli, const char *program, const char *const *words, int argc,
                  char **argv, struct err *err)
{
    const struct {
        bool given;
        const char *name;
    } flags[] = {
        {cli->output == CLI_JSON, "--json"}, {cli->quiet, "--quiet"}, {cli->dry_run, "--dry-run"},
        {cli->no_input, "--no-input"},       {cli->wait, "--wait"},   {cli->no_wait, "--no-wait"}};
    char path[PATHS_SIZE + 32], timeout[16];
    struct words w = {.count = 0};

    (void)str_format(path, sizeof path, "%s/%s", cli->programs, program);
    word(&w, path);
    if (cli->paths.root[0] != '\0') {
        word(&w, "--root");
        word(&w, cli->paths.root);
    }
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
        if (flags[i].given)
            word(&w, flags[i].name);
    if (cli->wait_s != 0) {
        (void)str_format(timeout, sizeof timeout, "%u", cli->wait_s);
        word(&w, "--timeout");
        word(&w, timeout);
    }
    if (cli->confirm != NULL) {
        word(&w, "--confirm");
        word(&w, cli->confirm);
    }
    for (; *words != NULL; words++)
        word(&w, *words);
    for (int i = 0; i < argc; i++)
        word(&w, argv[i]);
    if (w.count + 1 > (int)(sizeof w.at / sizeof w.at[0]))
        return err_field(err, "argument", "too_many", "too many arguments");
    w.at[w.count] = NULL;
    (void)execv(path, w.at);
    return err_sys(err, "exec", errno, path);
}
