/*
 * The box's programs, stopped and started for an upgrade. First they are asked to end where their
 * work has a boundary, by the wish that a restore uses too; then systemd is told that they cannot
 * be started, which also holds back the maintainer scripts of both packages.
 */
#include "upgrade.h"

#include <string.h>

#include "buf.h"
#include "file.h"
#include "str.h"

#define LEAVE_MS 90000 /* a step outside may take long */
#define TOOL_MS  100000

/* In the order in which they are started. */
static const char *const units[] = {"sett-hands.service", "sett-worker.service",
                                    "sett-front.socket", "sett-events.socket",
                                    "sett-front.service"};
#define UNITS (sizeof units / sizeof units[0])

static int systemctl(const struct upgrade *u, const char *const *words, struct buf *out,
                     struct err *err)
{
    const char *argv[16] = {upgrade_tool(u, "systemctl")};
    struct upgrade_child child = {.argv = argv, .out = out, .wait_ms = TOOL_MS};
    char said[256];

    for (size_t n = 1; n < 15 && *words != NULL; n++)
        argv[n] = *words++;
    return upgrade_run(u, &child, said, err);
}

/* The words before the units, and those of them that are in ${which}. 0 or -1. */
static int of_units(const struct upgrade *u, const char *const *words, const char *which,
                    struct err *err)
{
    const char *argv[16] = {NULL};
    size_t n = 0, before;

    while (*words != NULL && n < 8)
        argv[n++] = *words++;
    before = n;
    for (size_t i = 0; i < UNITS; i++)
        if (strstr(which, units[i]) != NULL)
            argv[n++] = units[i];
    argv[n] = NULL;
    return n == before ? 0 : systemctl(u, argv, NULL, err);
}

/* Which there are, and which of them run or are about to. */
static int look(const struct upgrade *u, char there[256], char running[256], struct err *err)
{
    there[0] = running[0] = '\0';
    for (size_t i = 0; i < UNITS; i++) {
        char state[64] = "", load[64] = "";
        const char *lines;
        struct buf out;
        int rc;

        buf_init(&out, 4096);
        rc = systemctl(
            u,
            (const char *const[]){"show", "-p", "LoadState", "-p", "ActiveState", units[i], NULL},
            &out, err);
        lines = buf_string(&out);
        if (rc == 0 && strstr(lines, "ActiveState=") != NULL)
            (void)str_copy_n(state, sizeof state, strstr(lines, "ActiveState=") + 12,
                             strcspn(strstr(lines, "ActiveState=") + 12, "\n"));
        if (rc == 0 && strstr(lines, "LoadState=") != NULL)
            (void)str_copy_n(load, sizeof load, strstr(lines, "LoadState=") + 10,
                             strcspn(strstr(lines, "LoadState=") + 10, "\n"));
        buf_free(&out);
        if (rc == -1)
            return -1;
        if (str_equal(load, "not-found") || load[0] == '\0')
            continue;
        (void)str_format(there + strlen(there), 256 - strlen(there), "%s ", units[i]);
        if (str_equal(state, "active") || str_equal(state, "activating"))
            (void)str_format(running + strlen(running), 256 - strlen(running), "%s ", units[i]);
    }
    return 0;
}

int upgrade_units_stop(struct upgrade *u, struct err *err)
{
    char there[256], running[256];
    bool others;
    struct err why;

    if (look(u, there, running, err) == -1)
        return -1;
    if (kv_get(&u->state, UPGRADE_UNITS) == NULL && running[0] == '\0')
        return err_set(err, ERR_UNAVAILABLE, "box_stands", "the box's programs do not run");
    if (kv_get(&u->state, UPGRADE_UNITS) == NULL &&
        upgrade_set(u, UPGRADE_UNITS, running, err) == -1)
        return -1;
    /* What does not end by itself is ended below. */
    if (u->hold.store.fd == -1 &&
        hold_take(&u->paths, &u->hold, HOLD_STORE, LEAVE_MS, NULL, &others, &why) == -1)
        upgrade_say(u, "%s; they are stopped", why.text);
    if (of_units(u, (const char *const[]){"mask", "--runtime", "--quiet", NULL}, there, err) != 0 ||
        of_units(u, (const char *const[]){"stop", NULL}, there, err) != 0)
        return err_set(err, ERR_UNAVAILABLE, "units", "the units could not be stopped");
    if (u->hold.store.fd == -1)
        return hold_take(&u->paths, &u->hold, HOLD_STORE, LEAVE_MS, NULL, &others, err);
    return 0;
}

int upgrade_units_start(struct upgrade *u, struct err *err)
{
    const char *ran = kv_get_or(&u->state, UPGRADE_UNITS, "");
    char there[256], running[256];

    hold_release(&u->hold);
    if (look(u, there, running, err) == -1)
        return -1;
    if (of_units(u, (const char *const[]){"unmask", "--runtime", "--quiet", NULL}, there, err) !=
            0 ||
        systemctl(u, (const char *const[]){"daemon-reload", NULL}, NULL, err) != 0)
        return err_set(err, ERR_UNAVAILABLE, "units", "the units could not be unmasked");
    (void)of_units(u, (const char *const[]){"reset-failed", NULL}, ran, err);
    if (of_units(u, (const char *const[]){"start", "--no-block", NULL}, ran, err) != 0)
        return err_set(err, ERR_UNAVAILABLE, "units", "the units could not be started");
    return 0;
}

uint64_t upgrade_units_restarts(const struct upgrade *u)
{
    uint64_t sum = 0, n;
    struct err err;

    for (size_t i = 0; i < UNITS; i++) {
        struct buf out;

        if (!str_ends(units[i], ".service"))
            continue;
        buf_init(&out, 4096);
        if (systemctl(u,
                      (const char *const[]){"show", "-p", "NRestarts", "--value", units[i], NULL},
                      &out, &err) == 0 &&
            out.len > 1 && str_u64(str_trim(out.data), 0, UINT32_MAX, &n) == 0)
            sum += n;
        buf_free(&out);
    }
    return sum;
}

void upgrade_over(const struct upgrade *u)
{
    struct err ignored;

    if (u->paths.root[0] == '\0')
        (void)systemctl(u,
                        (const char *const[]){"disable", "--quiet", "sett-upgrade.service", NULL},
                        NULL, &ignored);
}
