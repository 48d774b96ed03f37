/*
 * `sett init`: from an installed package to a box that answers. A table of steps, each of which
 * looks whether it is done already, so that one which failed is mended and the same command goes
 * on; what a step does is mostly another command of ours. Apart from `sett setup`, its inner part,
 * because this is the machine's side of it, and root's.
 */
#include "init.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "channel.h"
#include "child.h"
#include "clock.h"
#include "file.h"
#include "str.h"

#define ANSWER_MS 60000 /* until the box answers */
#define LOOK_MS   200
#define SHORT_S   120
#define LONG_S    (6 * 3600) /* a restore may be of terabytes */
#define SAID_MAX  262144

/* ---- what several steps need ---- */

static bool has_box(const struct init *in)
{
    char path[PATHS_SIZE + 16];

    (void)str_format(path, sizeof path, "%s/data.mdb", in->cli->paths.db);
    return file_exists(path);
}

static int sett(struct init *in, const char *const *words, uint32_t timeout_s, struct err *err)
{
    struct buf out;
    int rc;

    buf_init(&out, SAID_MAX);
    rc = child_sett(in->cli, words, timeout_s, &out, err);
    if (out.data != NULL)
        sodium_memzero(out.data, out.cap);
    buf_free(&out);
    return rc;
}

/* ---- the steps: 1 when something was done, 0 when nothing was to do ---- */

/* Users and folders: the package has made them, and what was lost since is made again. */
static int folders(struct init *in, struct err *err)
{
    static const char *const users[] = {"/usr/bin/systemd-sysusers", "sett.conf", NULL};
    static const char *const tmpfiles[] = {"/usr/bin/systemd-tmpfiles", "--create", "sett.conf",
                                           NULL};

    (void)in;
    if (file_exists("/usr/lib/sysusers.d/sett.conf") && child_quiet(users, SHORT_S, err) == -1)
        return -1;
    return file_exists("/usr/lib/tmpfiles.d/sett.conf") ? child_quiet(tmpfiles, SHORT_S, err) : 0;
}

static bool has_host_key(void)
{
    DIR *dir = opendir("/etc/ssh");
    struct dirent *entry;
    bool found = false;

    while (dir != NULL && (entry = readdir(dir)) != NULL)
        found =
            found || (str_starts(entry->d_name, "ssh_host_") && str_ends(entry->d_name, "_key"));
    if (dir != NULL)
        (void)closedir(dir);
    return found;
}

/* An image has none inside: each machine makes its own. */
static int host_keys(struct init *in, struct err *err)
{
    static const char *const argv[] = {"/usr/bin/ssh-keygen", "-A", NULL};

    if (!in->first_boot || !file_exists("/usr/bin/ssh-keygen") || !file_exists("/etc/ssh") ||
        has_host_key())
        return 0;
    return child_quiet(argv, SHORT_S, err) == -1 ? -1 : 1;
}

/* The machine's own zone; the box's, which dates and schedules go by, is a setting. */
static int time_zone(struct init *in, struct err *err)
{
    const char *zone = preseed_get(in->preseed, "box", "time_zone");
    char to[PATHS_SIZE], is[PATHS_SIZE], line[PATHS_SIZE];
    ssize_t len;

    if (zone == NULL)
        return 0;
    if (str_format(to, sizeof to, "/usr/share/zoneinfo/%s", zone) == -1)
        return err_set(err, ERR_INVALID, "zone", "%s is too long", zone);
    len = readlink("/etc/localtime", is, sizeof is - 1);
    if (len > 0) {
        is[len] = '\0';
        if (str_ends(is, to + strlen("/usr/share")))
            return 0;
    }
    (void)unlink("/etc/localtime.sett");
    if (symlink(to, "/etc/localtime.sett") == -1 ||
        rename("/etc/localtime.sett", "/etc/localtime") == -1)
        return err_sys(err, "zone", errno, "/etc/localtime");
    (void)str_format(line, sizeof line, "%s\n", zone);
    if (file_exists("/etc/timezone") &&
        file_write("/etc/timezone", line, strlen(line), 0644, err) == -1)
        return -1;
    return 1;
}

static int restore_box(struct init *in, struct err *err)
{
    static const char *const options[][2] = {{"vault", "--vault"},
                                             {"access_key", "--access-key"},
                                             {"region", "--region"},
                                             {"host_key", "--host-key"},
                                             {"secret_file", "--secret-file"},
                                             {"recovery_file", "--recovery-file"},
                                             {"signer", "--signer"},
                                             {"confirm", "--confirm"}};
    const struct preseed *p = in->preseed;
    const char *words[CHILD_WORDS] = {"restore", "--onto-empty"}, *value;
    size_t n = 2;

    if ((value = preseed_get(p, "restore", "file")) != NULL ||
        (value = preseed_get(p, "restore", "snapshot")) != NULL)
        words[n++] = value;
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if ((value = preseed_get(p, "restore", options[i][0])) != NULL) {
            words[n++] = options[i][1];
            words[n++] = value;
        }
    words[n] = NULL;
    return sett(in, words, LONG_S, err) == -1 ? -1 : 1;
}

static int box(struct init *in, struct err *err)
{
    const char *const bare[] = {"setup", "--quiet", NULL};
    const char *const answered[] = {"setup", "--quiet", "--preseed",
                                    in->preseed == NULL ? "" : in->preseed->path, NULL};
    bool there = has_box(in);

    in->restored = preseed_is(in->preseed, "box", "mode", "restore");
    if (in->restored)
        return there ? 0 : restore_box(in, err);
    /* Also where there is one: a setup that was cut short is finished by the next. */
    if (sett(in, in->preseed == NULL ? bare : answered, SHORT_S, err) == -1)
        return -1;
    return !there;
}

static int certificate(struct init *in, struct err *err)
{
    const char *kind = preseed_get(in->preseed, "certificate", "kind");
    const char *file = preseed_get(in->preseed, "certificate", "certificate_file");
    const char *key = preseed_get(in->preseed, "certificate", "key_file");
    const char *const self_signed[] = {"certificate", "self-signed", NULL};
    const char *const import[] = {"certificate", "import", file, "--key", key, NULL};

    if (file_exists("/etc/sett/tls/cert.pem") || (kind != NULL && str_equal(kind, "none")) ||
        !child_knows(in->cli, "certificate", "self-signed"))
        return 0;
    return sett(in, kind != NULL && str_equal(kind, "import") ? import : self_signed, SHORT_S,
                err) == -1
               ? -1
               : 1;
}

/* One that browsers know. It is proven through the box's own web server or by its DNS; at a first
 * boot neither is begun, so a unit of its own waits for them. Until then, and if it fails, the
 * box's own stands. */
static int letsencrypt(struct init *in, struct err *err)
{
    static const char *const unit[] = {"/usr/bin/systemd-run",
                                       "--quiet",
                                       "--no-block",
                                       "--unit=sett-letsencrypt",
                                       "--property=After=nginx.service sett-front.service "
                                       "network-online.target",
                                       "--property=Restart=on-failure",
                                       "--property=RestartSec=15min",
                                       "--property=StartLimitIntervalSec=0",
                                       "/usr/bin/sett"};
    const char *words[CHILD_WORDS] = {"certificate", "letsencrypt", "--agree-tos", "--email",
                                      preseed_get(in->preseed, "certificate", "mail")};
    const char *argv[2 * CHILD_WORDS];
    size_t n = 5, at = sizeof unit / sizeof unit[0];

    if (!preseed_is(in->preseed, "certificate", "kind", "letsencrypt") ||
        !child_knows(in->cli, "certificate", "letsencrypt"))
        return 0;
    if (preseed_is(in->preseed, "certificate", "proof", "cloudflare")) {
        words[n++] = "--dns";
        words[n++] = "cloudflare";
    }
    words[n] = NULL;
    if (in->first_boot && in->systemd) {
        memcpy(argv, unit, sizeof unit);
        memcpy(argv + at, words, (n + 1) * sizeof *words);
        return child_quiet(argv, SHORT_S, err) == -1 ? -1 : 1;
    }
    if (sett(in, words, 300, err) == 0)
        return 1;
    init_note(in,
              "Let's Encrypt gave no certificate (%s); the box's own stands in for it: sett "
              "certificate letsencrypt",
              err->text);
    err_clear(err);
    return 0;
}

/* The one that was asked for, else the first that is installed. */
static const char *server_of(const struct init *in)
{
    static const char *const servers[][2] = {{"nginx", "/usr/sbin/nginx"},
                                             {"apache2", "/usr/sbin/apache2"},
                                             {"lighttpd", "/usr/sbin/lighttpd"},
                                             {"caddy", "/usr/bin/caddy"}};
    const char *given = preseed_get(in->preseed, "web", "server");

    if (in->server != NULL)
        return in->server;
    if (given != NULL)
        return given;
    for (size_t i = 0; i < sizeof servers / sizeof servers[0]; i++)
        if (file_exists(servers[i][1]))
            return servers[i][0];
    return NULL;
}

static int web_server(struct init *in, struct err *err)
{
    const char *server = server_of(in);
    const char *const words[] = {"web-server", "enable", server, NULL};

    if (server == NULL)
        init_note(in, "no web server is installed: apt install nginx, then sett init again");
    if (server == NULL || str_equal(server, "none") ||
        !child_knows(in->cli, "web-server", "enable"))
        return 0;
    return sett(in, words, SHORT_S, err) == -1 ? -1 : 1;
}

static bool has_unit(const char *name)
{
    static const char *const folders_[] = {"/usr/lib/systemd/system", "/lib/systemd/system",
                                           "/etc/systemd/system"};
    char path[PATHS_SIZE];

    for (size_t i = 0; i < sizeof folders_ / sizeof folders_[0]; i++)
        if (str_format(path, sizeof path, "%s/%s", folders_[i], name) == 0 && file_exists(path))
            return true;
    return false;
}

/* At the first boot they are begun by the boot itself, once this unit, which stands before them,
 * has ended. */
static int units(struct init *in, struct err *err)
{
    static const char *const all[] = {
        "sett-hands.service", "sett-worker.service", "sett-front.socket",   "sett-events.socket",
        "sett-front.service", "sett-restore.path",   "sett-web-server.path"};
    const char *argv[16] = {"/usr/bin/systemctl", "--quiet", "enable"};
    size_t n = 3;

    if (!in->systemd) {
        init_note(in, "systemd does not run here: start sett-hands, sett-worker and sett-front");
        return 0;
    }
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (has_unit(all[i]))
            argv[n++] = all[i];
    argv[n] = NULL;
    if (child_quiet(argv, SHORT_S, err) == -1)
        return -1;
    argv[1] = in->first_boot ? "--no-block" : "--quiet";
    argv[2] = "start";
    return child_quiet(argv, SHORT_S, err) == -1 ? -1 : 1;
}

static bool answers(const char *path)
{
    struct err ignored;
    int fd = channel_connect(path, LOOK_MS, &ignored);

    if (fd != -1)
        (void)close(fd);
    return fd != -1;
}

static int wait_for_it(struct init *in, struct err *err)
{
    const struct paths *p = &in->cli->paths;
    int64_t deadline = clock_mono_ms() + ANSWER_MS;

    if (!in->systemd || in->first_boot)
        return 0;
    while (!answers(p->ask_sock) || !answers(p->front_sock)) {
        if (clock_mono_ms() > deadline) {
            (void)err_set(err, ERR_TIMEOUT, "no_answer", "the box was started and does not answer");
            return err_hint(err, "sett doctor; journalctl -u 'sett-*' -n 50");
        }
        clock_sleep_ms(LOOK_MS);
    }
    return 1;
}

/* An appliance greets: on its console, and whoever gets a shell. On a Debian that was there before
 * us that is the operator's own affair. */
static int greeting(struct init *in, struct err *err)
{
    static const char *const enable[] = {
        "/usr/bin/systemctl", "--quiet", "enable", "sett-greeting.service",
        "sett-greeting.path", NULL};
    static const char *const start[] = {"/usr/bin/systemctl",    "--no-block",         "start",
                                        "sett-greeting.service", "sett-greeting.path", NULL};

    if (!in->first_boot)
        return 0;
    if (!file_exists("/etc/profile.d/sett.sh") &&
        symlink("/usr/libexec/sett/greeting.sh", "/etc/profile.d/sett.sh") == -1)
        return err_sys(err, "profile", errno, "/etc/profile.d/sett.sh");
    if (!in->systemd || !has_unit("sett-greeting.service"))
        return 1;
    return child_quiet(enable, SHORT_S, err) == -1 || child_quiet(start, SHORT_S, err) == -1 ? -1
                                                                                             : 1;
}

static int forget_answers(struct init *in, struct err *err)
{
    if (in->preseed != NULL && preseed_wipe(in->preseed, err) == -1)
        return -1;
    return file_write(INIT_DONE_PATH, SETT_VERSION "\n", strlen(SETT_VERSION "\n"), 0644, err) == -1
               ? -1
               : in->preseed != NULL;
}

static const struct {
    const char *what, *done, *there; /* there NULL: nothing is said when there was nothing to do */
    int (*run)(struct init *in, struct err *err);
} steps[] = {
    {"users and folders", "users and folders", NULL, folders},
    {"greeting", "greeting", NULL, greeting}, /* early: it says what failed, too */
    {"ssh host keys", "this machine's own ssh host keys", NULL, host_keys},
    {"time zone", "time zone", NULL, time_zone},
    {"the box", "the box: keys, store, first admin", "the box is there already", box},
    {"certificate", "certificate", NULL, certificate},
    {"web server", "web server", NULL, web_server},
    {"units", "units enabled and started", NULL, units},
    {"the box's answer", "it answers", NULL, wait_for_it},
    {"Let's Encrypt", "certificate of Let's Encrypt", NULL, letsencrypt},
    {"answers", "the answers are wiped", NULL, forget_answers},
};

int init_steps(struct init *in, struct err *err)
{
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        int rc = steps[i].run(in, err);
        struct err why = *err;

        if (rc == -1) {
            (void)err_set(err, why.kind, why.code, "%s: %.400s", steps[i].what, why.text);
            return err_hint(err, "%s%ssett init again goes on from there", why.hint,
                            why.hint[0] == '\0' ? "" : "; then ");
        }
        if (rc == 1 || steps[i].there != NULL)
            init_tell(in, rc == 1 ? steps[i].done : steps[i].there);
    }
    return 0;
}
