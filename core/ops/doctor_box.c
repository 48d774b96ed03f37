/*
 * What doctor says about an installed box as a part of its machine: whether it is the right one,
 * its units, its users and their rights. Apart because a box below a folder has nothing of it.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "box_move.h"
#include "doctor.h"
#include "file.h"
#include "process_launch.h"
#include "str.h"

#define SHOW_S       10
#define SHOWN_MAX    65536
#define RESTARTS     5   /* more of them since the boot are worth a look */
#define NO_NAMESPACE 226 /* how systemd says that a unit could not get its walls */

static bool installed(const struct look *l)
{
    return l->box->paths.root[0] == '\0';
}

/* ---- where it is ---- */

enum finding doctor_place(struct look *l)
{
    struct box_move move;
    struct err err = {0};
    struct txn *txn;
    int rc;

    if (db_read(&txn, l->box->db, &err) == -1)
        return doctor_say(l, BROKEN, "", "%s", err.text);
    rc = box_move_get(txn, &move, &err);
    db_read_end(txn);
    if (rc == -1)
        return doctor_say(l, BROKEN, "sett fsck", "%s", err.text);
    switch (move.place) {
    case BOX_HERE:
        return doctor_say(l, FINE, "", "the box lives here");
    case BOX_COPIED:
        return doctor_say(l, BROKEN,
                          "sett box identify moved, if the other machine is off and stays off; "
                          "else sett box identify second",
                          "this machine is a copy of the one that the box lives on%s%s: nothing is "
                          "started",
                          move.host[0] == '\0' ? "" : ", ", move.host);
    case BOX_LEFT:
        return doctor_say(l, WARNING, "if it never came up there: sett box stay",
                          "the box lives on another machine");
    default:
        return doctor_say(l, WARNING, "if that was broken off: sett box stay",
                          "the box is on its way to another machine");
    }
}

/* ---- units ---- */

struct unit {
    char id[64], load[24], active[24], file_state[24];
    uint64_t restarts, status;
};

static void take(struct unit *u, const char *name, const char *value)
{
    if (str_equal(name, "Id"))
        str_cut(u->id, sizeof u->id, value);
    else if (str_equal(name, "LoadState"))
        str_cut(u->load, sizeof u->load, value);
    else if (str_equal(name, "ActiveState"))
        str_cut(u->active, sizeof u->active, value);
    else if (str_equal(name, "UnitFileState"))
        str_cut(u->file_state, sizeof u->file_state, value);
    else if (str_equal(name, "NRestarts"))
        (void)str_u64(value, 0, UINT32_MAX, &u->restarts);
    else if (str_equal(name, "ExecMainStatus"))
        (void)str_u64(value, 0, UINT32_MAX, &u->status);
}

static enum finding judge(struct look *l, const struct unit *u)
{
    char fix[240];

    if (!str_equal(u->load, "loaded"))
        return doctor_say(l, BROKEN, "apt install --reinstall sett", "%s is missing", u->id);
    if (u->status == NO_NAMESPACE)
        return doctor_say(
            l, BROKEN,
            "on the Proxmox host: pct set ID --features nesting=1, then pct reboot ID "
            "(ID: this container's number); or here, with fewer walls: sett nesting without",
            "%s may not have a view of its own of the file system (226/NAMESPACE): "
            "this container has no nesting",
            u->id);
    if (str_equal(u->active, "activating"))
        return doctor_say(l, WARNING, "look again in a moment", "%s is being started", u->id);
    if (!str_equal(u->active, "active")) {
        (void)str_format(fix, sizeof fix, "systemctl start %s; why: journalctl -u %s -n 50", u->id,
                         u->id);
        return doctor_say(l, BROKEN, fix, "%s is %s", u->id, u->active);
    }
    if (str_equal(u->file_state, "disabled")) {
        (void)str_format(fix, sizeof fix, "systemctl enable %s", u->id);
        return doctor_say(l, WARNING, fix, "%s is not started at a boot", u->id);
    }
    if (u->restarts >= RESTARTS) {
        (void)str_format(fix, sizeof fix, "journalctl -u %s -n 100 tells why", u->id);
        return doctor_say(l, WARNING, fix, "%s was started again %llu times", u->id,
                          (unsigned long long)u->restarts);
    }
    return FINE;
}

/* The blocks of `systemctl show`, an empty line between them: the first that is not fine. */
static enum finding judge_all(struct look *l, char *text, unsigned *count)
{
    enum finding worst = FINE;

    for (char *at = text, *end; at != NULL && *at != '\0'; at = end) {
        struct unit u = {.restarts = 0};
        struct look one = *l;
        enum finding f;

        if ((end = strstr(at, "\n\n")) != NULL) {
            *end = '\0';
            end += 2;
        }
        for (char *line = at, *next; line != NULL; line = next) {
            char *value;
            if ((next = strchr(line, '\n')) != NULL)
                *next++ = '\0';
            if ((value = strchr(line, '=')) != NULL) {
                *value++ = '\0';
                take(&u, line, value);
            }
        }
        ++*count;
        f = judge(&one, &u);
        if ((f == BROKEN && worst != BROKEN) || (f == WARNING && worst == FINE)) {
            worst = f;
            *l = one;
        }
    }
    return worst;
}

enum finding doctor_units(struct look *l)
{
    static const char *const argv[] = {
        "/usr/bin/systemctl",
        "show",
        "-p",
        "Id,LoadState,ActiveState,UnitFileState,NRestarts,ExecMainStatus",
        "--",
        "sett-hands.service",
        "sett-worker.service",
        "sett-front.socket",
        "sett-front.service",
        "sett-restore.path",
        "sett-web-server.path",
        NULL};
    struct process_plan *plan;
    enum finding f;
    struct err err;
    struct buf out;
    unsigned count = 0;
    int code = 1, rc = -1;

    if (!installed(l))
        return doctor_say(l, SKIPPED, "", "a box below a folder has no units");
    if (!file_exists("/run/systemd/system"))
        return doctor_say(l, SKIPPED, "", "systemd does not run here");
    buf_init(&out, SHOWN_MAX);
    plan = calloc(1, sizeof *plan);
    if (plan != NULL && process_plan_args(plan, (char *const *)(uintptr_t)argv) == 0 &&
        str_copy(plan->name, sizeof plan->name, "systemctl") == 0)
        rc = process_run(plan, SHOW_S, &out, &code, &err);
    free(plan);
    if (rc == -1 || code != 0 || out.len == 0)
        f = doctor_say(l, SKIPPED, "", "systemd could not be asked from here");
    else if ((f = judge_all(l, out.data, &count)) == FINE)
        f = doctor_say(l, FINE, "", "%u units run, and start at a boot", count);
    buf_free(&out);
    return f;
}

/* ---- users and rights ---- */

struct right {
    const char *path, *user, *group; /* NULL: whoever */
    mode_t mode, bits;               /* of these bits */
};

static enum finding wrong(struct look *l, const struct right *r, const char *what)
{
    char fix[240];

    (void)str_format(fix, sizeof fix,
                     "systemd-tmpfiles --create sett.conf; or: chown %s:%s %s; "
                     "chmod %04o %s",
                     r->user == NULL ? "root" : r->user, r->group == NULL ? "root" : r->group,
                     r->path, (unsigned)r->mode, r->path);
    return doctor_say(l, BROKEN, fix, "%s %s", r->path, what);
}

static enum finding check_right(struct look *l, const struct right *r)
{
    const struct passwd *user = r->user == NULL ? NULL : getpwnam(r->user);
    const struct group *group = r->group == NULL ? NULL : getgrnam(r->group);
    char what[80];
    struct stat st;

    if (lstat(r->path, &st) == -1)
        return errno == EACCES ? FINE : wrong(l, r, "is missing");
    if (user != NULL && st.st_uid != user->pw_uid)
        return wrong(l, r, "belongs to another user");
    if (group != NULL && st.st_gid != group->gr_gid)
        return wrong(l, r, "belongs to another group");
    if ((st.st_mode & r->bits) == (r->mode & r->bits))
        return FINE;
    (void)str_format(what, sizeof what, "has the mode %04o", (unsigned)(st.st_mode & 07777));
    return wrong(l, r, what);
}

static enum finding check_users(struct look *l)
{
    static const char *const users[] = {"sett", "sett-front", "sett-restore"};

    for (size_t i = 0; i < sizeof users / sizeof users[0]; i++)
        if (getpwnam(users[i]) == NULL)
            return doctor_say(l, BROKEN, "systemd-sysusers sett.conf", "there is no user %s",
                              users[i]);
    return getgrnam("sett-db") == NULL
               ? doctor_say(l, BROKEN, "systemd-sysusers sett.conf", "there is no group sett-db")
               : FINE;
}

enum finding doctor_users(struct look *l)
{
    static const struct right rights[] = {
        {"/etc/sett", "root", NULL, 0755, 0022},
        {"/etc/sett/sett.conf", "root", NULL, 0644, 0022},
        {"/etc/sett/blueprints", "root", NULL, 0755, 0022},
        {"/var/lib/sett", "root", "sett-db", 01775, 07777},
        {"/var/lib/sett/live", "root", "sett-db", 01775, 07777},
        {"/var/lib/sett/live/db", "sett", "sett-db", 0770, 0777},
        {"/var/lib/sett/live/keys", "sett", "sett-db", 0750, 0027},
        {"/var/lib/sett/live/hands", "root", NULL, 0700, 0777},
        {"/var/lib/sett/live/tenants", "root", NULL, 0711, 0777},
        {"/var/backups/sett", "sett", NULL, 0700, 0077},
        {"/run/sett", "root", "sett-db", 01775, 07777},
    };
    enum finding f;

    if (!installed(l))
        return doctor_say(l, SKIPPED, "", "a box below a folder is its owner's");
    if ((f = check_users(l)) != FINE)
        return f;
    for (size_t i = 0; i < sizeof rights / sizeof rights[0]; i++)
        if ((f = check_right(l, &rights[i])) != FINE)
            return f;
    return doctor_say(l, FINE, "", "users, and who may read and write what, are as they should be");
}
