/*
 * What is done in which order when one version takes another's place, and what is done when the
 * machine, or this program, was ended in the middle of it. Each phase is on the disk before it
 * begins:
 *
 *   wanted      nothing was done; note how things are
 *   stopping    the programs end at a boundary of their work        resumed: nothing was changed
 *   installing  the package is exchanged                            resumed: back
 *   migrating   the store is exchanged, on trial                    resumed: back
 *   starting    the programs come up                                resumed: back
 *   watching    they are watched                                    resumed: watched anew
 *   committing  the trial is over: changes are taken                resumed: committed
 *   back        the old package, the old store                      resumed: back
 */
#include "upgrade.h"

#include <string.h>
#include <sys/stat.h>

#include "crash.h"
#include "json_in.h"
#include "stage.h"
#include "str.h"

#define INSTALL_MS 1800000
#define STORE_MS   1800000
#define TOOL_MS    60000

/* ---- the package ---- */

/* "VERSION installed", as dpkg has it. */
static bool is_installed(const struct upgrade *u, const char *version)
{
    const char *const argv[] = {upgrade_tool(u, "dpkg-query"),    "-W",   "-f",
                                "${Version} ${db:Status-Status}", "sett", NULL};
    struct upgrade_child child = {.argv = argv, .wait_ms = TOOL_MS};
    char said[256], wanted[160];
    struct err err;
    struct buf out;
    bool is;

    buf_init(&out, 4096);
    child.out = &out;
    (void)str_format(wanted, sizeof wanted, "%.120s installed", version);
    is = upgrade_run(u, &child, said, &err) == 0 && str_equal(buf_string(&out), wanted);
    buf_free(&out);
    return is;
}

static int install(const struct upgrade *u, const char *version, const char *package,
                   struct err *err)
{
    const char *const apt[] = {upgrade_tool(u, "apt-get"),
                               "install",
                               "--yes",
                               "--quiet",
                               "--no-remove",
                               "--allow-downgrades",
                               "-o",
                               "Dpkg::Options::=--force-confdef",
                               "-o",
                               "Dpkg::Options::=--force-confold",
                               "-o",
                               "DPkg::Lock::Timeout=300",
                               "-o",
                               "Dpkg::Use-Pty=0",
                               package,
                               NULL};
    const char *const dpkg[] = {
        upgrade_tool(u, "dpkg"), "--force-confdef", "--force-confold", "--install", package, NULL};
    const char *const configure[] = {upgrade_tool(u, "dpkg"), "--configure", "--pending",
                                     "--force-confold", NULL};
    const char *const *const ways[] = {apt, dpkg, configure, dpkg};
    char said[256] = "";

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        struct upgrade_child child = {.argv = ways[i], .wait_ms = INSTALL_MS};

        if (upgrade_run(u, &child, said, err) == -1)
            return -1;
        if (is_installed(u, version))
            return 0;
        /* The new one that cannot be installed is not tried again: there is a way back. */
        if (i == 0 && !str_equal(package, kv_get_or(&u->state, UPGRADE_OLD, "")))
            break;
    }
    return err_set(err, ERR_UNAVAILABLE, "not_installed", "sett %s could not be installed: %s",
                   version, said);
}

/* ---- the store ---- */

static int sett(const struct upgrade *u, const char *const *words, struct buf *out, struct err *err)
{
    const char *argv[16] = {upgrade_tool(u, "sett"), "--json"};
    struct upgrade_child child = {.argv = argv, .out = out, .holds = true, .wait_ms = STORE_MS};
    char said[256];
    int code;

    for (size_t n = 2; n < 15 && *words != NULL; n++)
        argv[n] = *words++;
    if ((code = upgrade_run(u, &child, said, err)) == -1)
        return -1;
    return code == 0
               ? 0
               : err_set(err, ERR_UNAVAILABLE, "store_step", "the store's step failed: %s", said);
}

/* The store that the newer version used stays beside; on the way back from a downgrade it returns.
 */
static int put_back(struct upgrade *u, const char *name, struct err *err)
{
    return sett(u, (const char *const[]){"db", "back", "--held", "--confirm", name, name, NULL},
                NULL, err);
}

static int migrate(struct upgrade *u, struct err *err)
{
    const char *from = kv_get_or(&u->state, UPGRADE_FROM, ""),
               *back = kv_get(&u->state, UPGRADE_RETURN);
    struct cJSON *answer;
    struct buf out;
    bool swapped;
    int rc;

    if (back != NULL)
        return put_back(u, back, err) == -1 ? -1 : upgrade_set(u, UPGRADE_SWAPPED, "1", err);
    buf_init(&out, 65536);
    rc = sett(u, (const char *const[]){"db", "migrate", "--held", "--trial", "--from", from, NULL},
              &out, err);
    answer = rc == -1 ? NULL : json_parse(buf_string(&out), out.len, &json_limits_api, err);
    swapped = json_bool(answer, "due", false);
    buf_free(&out);
    if (answer == NULL)
        return -1;
    json_free(answer);
    if (swapped)
        return upgrade_set(u, UPGRADE_SWAPPED, "1", err);
    upgrade_say(u, "the store needs no change; a copy of it is kept beside");
    return sett(u, (const char *const[]){"db", "keep", "--held", "--from", from, NULL}, NULL, err);
}

/* The store of before, where it was exchanged. */
static int store_back(struct upgrade *u, struct err *err)
{
    struct stage_copy newest = {.name = ""};

    if (kv_get(&u->state, UPGRADE_RETURN) == NULL)
        return stage_back(u->paths.db, err) == -1 ? -1 : 0;
    if (kv_get(&u->state, UPGRADE_SWAPPED) == NULL)
        return 0;
    if (stage_copies(u->paths.db, &newest, 1) == 0)
        return err_set(err, ERR_NOT_FOUND, "copy_not_found", "the newer store is not there");
    return put_back(u, newest.name, err);
}

/* ---- forward ---- */

static int finish(struct upgrade *u, struct err *err)
{
    const char *seconds = kv_get_or(&u->state, UPGRADE_WATCH, "60");

    upgrade_say(u, "sett %s runs; it is watched for %s seconds%s",
                kv_get_or(&u->state, UPGRADE_TO, ""), seconds,
                stage_on_trial(u->paths.db) ? ", during which nothing can be changed" : "");
    return upgrade_watch(u, err);
}

static int commit(struct upgrade *u, struct err *err)
{
    bool trial = stage_on_trial(u->paths.db);

    if (stage_commit(u->paths.db, err) == -1)
        return -1;
    CP("upgrade.committed");
    /* From here on what is acknowledged is in the new store: there is no way back by itself. */
    if (trial && upgrade_well(u, err) == -1)
        upgrade_say(u,
                    "%s; see journalctl -u 'sett-*'; back, without what came since: sett downgrade",
                    err->text);
    upgrade_say(u, "sett %s is in place", kv_get_or(&u->state, UPGRADE_TO, ""));
    return upgrade_end(u, "done", err);
}

static int forward(struct upgrade *u, struct err *err)
{
    const char *to = kv_get_or(&u->state, UPGRADE_TO, ""),
               *new = kv_get_or(&u->state, UPGRADE_NEW, "");

    if (upgrade_note_before(u, err) == -1 || upgrade_phase(u, "stopping", err) == -1)
        return -1;
    upgrade_say(u, "the programs end where their work has a boundary; tenants run on");
    if (upgrade_units_stop(u, err) == -1 || upgrade_phase(u, "installing", err) == -1)
        return -1;
    upgrade_say(u, "sett %s is being installed", to);
    if (install(u, to, new, err) == -1 || upgrade_phase(u, "migrating", err) == -1 ||
        migrate(u, err) == -1 || upgrade_phase(u, "starting", err) == -1 ||
        upgrade_units_start(u, err) == -1 || upgrade_well(u, err) == -1 ||
        upgrade_phase(u, "watching", err) == -1 || finish(u, err) == -1)
        return -1;
    return upgrade_phase(u, "committing", err);
}

/* ---- back ---- */

/* Nothing was exchanged. */
static int nothing(struct upgrade *u, void (*ready)(void), const struct err *why, struct err *err)
{
    ready();
    (void)upgrade_set(u, UPGRADE_REASON, why->text, err);
    upgrade_say(u, "nothing was changed: %s", why->text);
    if (kv_get(&u->state, UPGRADE_UNITS) != NULL && upgrade_units_start(u, err) == -1)
        return -1;
    return upgrade_end(u, "nothing", err) == -1 ? -1 : 1;
}

static int back(struct upgrade *u, void (*ready)(void), struct err *err)
{
    const char *from = kv_get_or(&u->state, UPGRADE_FROM, ""),
               *old = kv_get_or(&u->state, UPGRADE_OLD, "");
    bool again = kv_get(&u->state, UPGRADE_RETURN) != NULL;

    if (upgrade_units_stop(u, err) == -1 || (!again && store_back(u, err) == -1) ||
        (!is_installed(u, from) && install(u, from, old, err) == -1) ||
        (again && store_back(u, err) == -1))
        return -1;
    CP("upgrade.back");
    ready();
    if (upgrade_units_start(u, err) == -1 || upgrade_well(u, err) == -1)
        return -1;
    upgrade_say(u, "sett %s is in place again; nothing that was acknowledged is lost", from);
    return upgrade_end(u, "undone", err) == -1 ? -1 : 1;
}

static int go_back(struct upgrade *u, void (*ready)(void), const struct err *why, struct err *err)
{
    upgrade_say(u, "it goes back to sett %s: %s", kv_get_or(&u->state, UPGRADE_FROM, ""),
                why->text);
    if (upgrade_set(u, UPGRADE_REASON, why->text, err) == -1 || upgrade_phase(u, "back", err) == -1)
        return -1;
    return back(u, ready, err);
}

int upgrade_lead(struct upgrade *u, void (*ready)(void), struct err *err)
{
    const char *phase = kv_get_or(&u->state, UPGRADE_PHASE, "wanted");
    struct err why = {0};
    int rc;

    if (str_equal(phase, "wanted")) {
        ready();
        rc = forward(u, &why);
    } else if (str_equal(phase, "watching")) {
        upgrade_say(u, "going on after an interruption: the new version is watched anew");
        ready();
        rc = upgrade_units_start(u, &why) == -1 || upgrade_well(u, &why) == -1 ||
                     finish(u, &why) == -1
                 ? -1
                 : upgrade_phase(u, "committing", &why);
    } else {
        rc = str_equal(phase, "committing") ? 0 : -1;
        (void)err_set(&why, ERR_UNAVAILABLE, "interrupted", "the upgrade was cut short while %s",
                      phase);
    }
    if (rc == 0) {
        ready();
        return commit(u, err);
    }
    phase = kv_get_or(&u->state, UPGRADE_PHASE, "wanted");
    if (str_equal(phase, "wanted") || str_equal(phase, "stopping"))
        return nothing(u, ready, &why, err);
    return str_equal(phase, "back") ? back(u, ready, err) : go_back(u, ready, &why, err);
}
