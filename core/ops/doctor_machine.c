/*
 * What doctor says about the machine below the box: its zone, its logs, its system. Apart because
 * nothing of it is ours: only told.
 */
#include <dirent.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "conf.h"
#include "doctor.h"
#include "file.h"
#include "setting.h"
#include "str.h"

#define OLDEST 12 /* releases of Debian that are tried */
#define NEWEST 13

/* ---- time zone ---- */

static void zone_of_machine(char *out, size_t size)
{
    char path[PATHS_SIZE];
    ssize_t len = readlink("/etc/localtime", path, sizeof path - 1);
    const char *zone;

    (void)str_copy(out, size, "UTC");
    if (len <= 0)
        return;
    path[len] = '\0';
    if ((zone = strstr(path, "zoneinfo/")) != NULL)
        (void)str_copy(out, size, zone + strlen("zoneinfo/"));
    if (str_equal(out, "Etc/UTC"))
        (void)str_copy(out, size, "UTC");
}

enum finding doctor_time_zone(struct look *l)
{
    char zone[512] = "", machine[128], fix[240];
    struct err err = {0};
    struct txn *txn;
    int origin;

    if (db_read(&txn, l->box->db, &err) == -1)
        return doctor_say(l, BROKEN, "", "%s", err.text);
    origin = setting_text(txn, &l->box->conf, "box.time_zone", zone, sizeof zone, &err);
    db_read_end(txn);
    zone_of_machine(machine, sizeof machine);
    if (origin == SETTING_DEFAULT && !str_equal(zone, machine)) {
        (void)str_format(fix, sizeof fix, "sett setting set box.time_zone %s", machine);
        return doctor_say(
            l, WARNING, fix,
            "snapshots, quiet hours and dates in letters go by %s; this machine is in "
            "%s",
            zone, machine);
    }
    if (str_equal(zone, machine))
        return doctor_say(l, FINE, "", "%s", zone);
    return doctor_say(l, FINE, "", "%s; the machine's own is %s", zone, machine);
}

/* ---- logs ---- */

/* A key of journald's, from the files of one folder; later ones win. */
static void from_folder(const char *folder, const char *key, char *out, size_t size)
{
    struct dirent **names;
    struct conf *conf = calloc(1, sizeof *conf);
    int n = conf == NULL ? -1 : scandir(folder, &names, NULL, alphasort);

    for (int i = 0; i < n; i++) {
        char path[PATHS_SIZE];
        const char *value;
        struct err ignored;
        if (str_ends(names[i]->d_name, ".conf") &&
            str_format(path, sizeof path, "%s/%s", folder, names[i]->d_name) == 0 &&
            conf_read(conf, path, &ignored) == 0 &&
            (value = conf_get(conf, "Journal", key)) != NULL)
            (void)str_copy(out, size, value);
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    free(conf);
}

static void journald(const char *key, char *out, size_t size)
{
    static const char *const folders[] = {"/usr/lib/systemd/journald.conf.d",
                                          "/run/systemd/journald.conf.d",
                                          "/etc/systemd/journald.conf.d"};
    struct conf *conf = calloc(1, sizeof *conf);
    const char *value;
    struct err ignored;

    if (conf != NULL && conf_read(conf, "/etc/systemd/journald.conf", &ignored) == 0 &&
        (value = conf_get(conf, "Journal", key)) != NULL)
        (void)str_copy(out, size, value);
    free(conf);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        from_folder(folders[i], key, out, size);
}

enum finding doctor_logs(struct look *l)
{
    char most[64] = "", storage[64] = "";

    if (l->box->paths.root[0] != '\0')
        return doctor_say(l, SKIPPED, "", "below a folder: run/log, 16 MiB a program");
    journald("SystemMaxUse", most, sizeof most);
    journald("Storage", storage, sizeof storage);
    if (str_equal(storage, "none"))
        return doctor_say(l, WARNING, "Storage=persistent in /etc/systemd/journald.conf",
                          "the journal keeps nothing: what went wrong cannot be read later");
    if (file_exists("/etc/logrotate.d/nginx") && !file_exists("/usr/sbin/logrotate"))
        return doctor_say(l, WARNING, "apt install logrotate",
                          "nobody turns over the web server's logs: they grow without end");
    if (most[0] == '\0')
        return doctor_say(l, FINE, "", "the journal takes a tenth of its disk, 4 GiB at most");
    return doctor_say(l, FINE, "", "the journal takes at most %s", most);
}

/* ---- system ---- */

static void os_release(const char *key, char *out, size_t size)
{
    struct err ignored;
    struct buf b;

    out[0] = '\0';
    buf_init(&b, 16384);
    if (file_read("/etc/os-release", &b, &ignored) == 0 && b.data != NULL)
        for (char *line = b.data, *next; line != NULL; line = next) {
            if ((next = strchr(line, '\n')) != NULL)
                *next++ = '\0';
            if (str_starts(line, key) && line[strlen(key)] == '=') {
                char *value = line + strlen(key) + 1;
                if (*value == '"' && strlen(value) > 1) {
                    value++;
                    value[strcspn(value, "\"")] = '\0';
                }
                str_cut(out, size, value);
            }
        }
    buf_free(&b);
}

/* Whether a limit of memory and of processes can be set for what we start. */
static bool has_controllers(void)
{
    struct err ignored;
    struct buf b;
    bool has;

    buf_init(&b, 4096);
    has = file_read("/sys/fs/cgroup/cgroup.controllers", &b, &ignored) == 0 &&
          strstr(buf_string(&b), "memory") != NULL && strstr(buf_string(&b), "pids") != NULL;
    buf_free(&b);
    return has;
}

enum finding doctor_system(struct look *l)
{
    char name[128], id[32], version[32];
    uint64_t number = 0;
    struct statfs fs;

    os_release("PRETTY_NAME", name, sizeof name);
    os_release("ID", id, sizeof id);
    os_release("VERSION_ID", version, sizeof version);
    if (!str_equal(id, "debian") || str_u64(version, 1, 1000, &number) == -1 || number < OLDEST ||
        number > NEWEST)
        return doctor_say(l, WARNING, "Debian 12 or 13 is what sett is tried on",
                          "%s: nobody has tried that", name[0] == '\0' ? "no Debian" : name);
    if (statfs("/sys/fs/cgroup", &fs) == 0 && fs.f_type != CGROUP2_SUPER_MAGIC)
        return doctor_say(l, WARNING,
                          "boot with systemd.unified_cgroup_hierarchy=1 (in a container: its host)",
                          "control groups of the old kind: tenants' limits may not hold");
    if (l->box->paths.root[0] == '\0' && !has_controllers())
        return doctor_say(l, WARNING,
                          "in a container its host has to delegate memory and pids (cgroup2)",
                          "memory and processes of tenants cannot be limited here: no such control "
                          "groups");
    if (file_exists("/run/reboot-required"))
        return doctor_say(l, WARNING, "reboot, when nobody minds",
                          "%s; an upgrade of the system waits for a reboot", name);
    return doctor_say(l, FINE, "", "%s", name);
}
