/*
 * What doctor says about ways in: whether the connector that Cloudflare's tunnels need is there and
 * new enough. Apart because it runs a program to ask for its version; sett brings none along, since
 * cloudflared is Cloudflare's own package, and theirs to keep up to date.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "process_launch.h"
#include "setting.h"
#include "str.h"
#include "tunnel.h"

/* The first that reads its token from a file: an older one prints its usage and ends with 0. */
#define NEED_YEAR  2025u
#define NEED_MONTH 4u
#define NEED       "2025.4.0"

#define VERSION_S    5
#define TUNNELS_MOST 5000

#define INSTALL                                                                                    \
    "install Cloudflare's own package, " NEED " or newer: https://pkg.cloudflare.com says how"

/* Whether a tunnel of Cloudflare's leads here, or new tenants are to get one. */
static bool wanted(struct look *l, char value[512])
{
    struct tunnel tunnel;
    struct err err = {0};
    bool found = false;
    struct txn *txn;
    struct scan scan;

    value[0] = '\0';
    if (db_read(&txn, l->box->db, &err) == -1)
        return false;
    (void)setting_text(txn, &l->box->conf, "ingress.default", value, 512, &err);
    found = str_equal(value, "cloudflare");
    if (!found && scan_start(&scan, txn, &tunnel_table, NULL, NULL, 0, true, &err) == 0)
        for (unsigned i = 0; !found && i < TUNNELS_MOST && scan_next(&scan, &tunnel, &err) == 1;
             i++)
            found = tunnel.state != TUNNEL_DELETED && !tunnel.elsewhere &&
                    str_equal(tunnel.ingress, "cloudflare");
    db_read_end(txn);
    return found;
}

/* "cloudflared version 2025.5.0 (built …)". Return 0, or -1: it does not say. */
static int ask_version(const char *path, char version[64])
{
    const char *const argv[] = {path, "--version", NULL};
    struct process_plan *plan = calloc(1, sizeof *plan);
    const char *at;
    struct err err;
    struct buf out;
    int code = 1, rc = -1;

    buf_init(&out, 4096);
    if (plan != NULL && process_plan_args(plan, (char *const *)(uintptr_t)argv) == 0 &&
        str_copy(plan->name, sizeof plan->name, "version") == 0 &&
        process_run(plan, VERSION_S, &out, &code, &err) == 0 && code == 0 &&
        (at = strstr(buf_string(&out), " version ")) != NULL) {
        at += strlen(" version ");
        rc = str_copy_n(version, 64, at, strcspn(at, " \r\n"));
    }
    buf_free(&out);
    free(plan);
    return rc;
}

/* Return 1, 0 for one that is older, -1 for words that are no version ("DEV"). */
static int new_enough(const char *version)
{
    char *end;
    unsigned long year = strtoul(version, &end, 10), month;

    if (end == version || *end != '.' || year < 2000)
        return -1;
    month = strtoul(end + 1, NULL, 10);
    return year > NEED_YEAR || (year == NEED_YEAR && month >= NEED_MONTH);
}

enum finding doctor_ingress(struct look *l)
{
    const char *set = conf_get(&l->box->conf, "hands", "cloudflared");
    char value[512], version[64] = "";
    bool need = wanted(l, value);
    int fits;

    if (set == NULL || set[0] == '\0')
        set = "/usr/bin/cloudflared";
    if (!need)
        return doctor_say(l, FINE, "", "%s", value);
    if (access(set, X_OK) == -1)
        return doctor_say(l, BROKEN, INSTALL,
                          "tunnels of Cloudflare's need cloudflared: %s is missing", set);
    if (ask_version(set, version) == -1)
        return doctor_say(l, BROKEN, INSTALL, "%s does not say its version", set);
    if ((fits = new_enough(version)) == 0)
        return doctor_say(l, BROKEN, INSTALL,
                          "%s is %s: it does not know --token-file, so no connector would stay up",
                          set, version);
    if (fits == -1)
        return doctor_say(l, WARNING, INSTALL,
                          "%s calls itself %s: whether that is " NEED " or newer cannot be told",
                          set, version);
    return doctor_say(l, FINE, "", "%s, cloudflared %s", value, version);
}
