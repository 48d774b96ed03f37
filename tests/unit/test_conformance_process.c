/*
 * The process runtime against the cases that every runtime must pass (conformance.h). As root with
 * a user for each tenant, as an installed box has it; else as the user that runs the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <sys/stat.h>

#include "conformance_cases.h"
#include "runtime_process.h"

static char folder[64];
static struct paths paths;
static struct process_group *group;
static struct runtime process;
static struct hands_world world;

/* The unit of somebody else's that has our number. */
static void foreign(const struct runtime_order *o)
{
    static struct process_plan plan;
    struct err err;

    memset(&plan, 0, sizeof plan);
    (void)str_format(plan.name, sizeof plan.name, "%u", (unsigned)o->number);
    (void)str_copy(plan.owner, sizeof plan.owner, "tn_another");
    (void)str_copy(plan.folder, sizeof plan.folder, folder);
    (void)str_format(plan.log, sizeof plan.log, "%s/foreign.log", folder);
    assert_int_equal(process_plan_arg(&plan, "/bin/sleep"), 0);
    assert_int_equal(process_plan_arg(&plan, "600"), 0);
    CONFORM(process_group_start(group, &plan, &err));
}

static bool untouched(const struct runtime_order *o)
{
    struct process_status s;
    char name[24];
    bool running;

    (void)str_format(name, sizeof name, "%u", (unsigned)o->number);
    process_group_status(group, name, &s);
    running = s.known && s.running && str_equal(s.owner, "tn_another");
    return process_group_remove(group, name, "tn_another", NULL) == 0 && running;
}

static bool half_made(const struct runtime_order *o, unsigned i)
{
    static const char *const parts[] = {"", "/site", "/.log"};
    struct runtime_status status;
    char path[256];
    struct err err;

    if (i > 2)
        return false;
    (void)str_format(path, sizeof path, "%s/%u", paths.tenants, (unsigned)o->number);
    if (i < 2) { /* noted, and its folder or its volume not there yet */
        CONFORM(conformance_create(o, &status, &err));
        (void)str_format(path, sizeof path, "%s/%u%s", paths.tenants, (unsigned)o->number,
                         parts[i]);
        CONFORM(file_remove_tree(path, &err));
    } else if (mkdir(path, 0700) == -1) { /* a folder, and nothing noted */
        fail_msg("%s", path);
    }
    return true;
}

static bool nothing_left(const struct runtime_order *o)
{
    struct process_status s;
    char text[256];

    (void)str_format(text, sizeof text, "%u", (unsigned)o->number);
    process_group_status(group, text, &s);
    (void)str_format(text, sizeof text, "%s/%u", paths.tenants, (unsigned)o->number);
    return !s.known && !file_exists(text);
}

static int setup(void **state)
{
    struct process_group_setup units = {
        .restart_first_ms = 50, .restart_max_ms = 200, .calm_ms = 60000};
    struct runtime_process_setup runtime = {.own_uid = geteuid() == 0};
    char path[300];
    struct err err;

    (void)state;
    (void)str_copy(folder, sizeof folder, "/tmp/sett-conform-XXXXXX");
    if (mkdtemp(folder) == NULL || chmod(folder, 0711) == -1)
        return -1;
    CONFORM(paths_set(&paths, folder, &err));
    (void)str_format(path, sizeof path, "%s/init", paths.hands);
    CONFORM(file_mkdirs(path, 0711, &err));
    (void)str_format(units.folder, sizeof units.folder, "%s/process", paths.hands);
    CONFORM(process_group_new(&group, &units, &err));
    runtime.group = group;
    runtime.tenants = paths.tenants;
    CONFORM(runtime_process_new(&process, &runtime, &err));
    world = (struct hands_world){.paths = &paths, .group = group, .process = &process};
    subject = (struct conformance){
        .name = "process",
        .runtime = &process,
        .tenants = paths.tenants,
        .site = "site",
        .foreign = foreign,
        .untouched = untouched,
        .half_made = half_made,
        .nothing_left = nothing_left,
        .world = &world,
        .cannot = {[CANNOT_REFUSE_A_START] = "start makes what is missing",
                   [CANNOT_LIMIT_MEMORY] = "memory is limited per process (RLIMIT_DATA), and what "
                                           "wants more is refused it, not killed",
                   [CANNOT_LIMIT_CPU] = "a process has no limit of processor time",
                   [CANNOT_SAY_OOM] = "it has no control group that would know",
                   [CANNOT_COUNT_TRAFFIC] = "it shares the machine's network",
                   [CANNOT_PART_TENANTS] = "it shares the machine's network"}};
    if (geteuid() != 0)
        subject.cannot[CANNOT_LIMIT_PIDS] = "without root all tenants are one user";
    conformance_blueprint(paths.blueprints, "process", "", "127.0.0.1:", "site", "/site");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    process_group_halt(group);
    runtime_process_free(&process);
    process_group_free(group);
    return file_remove_tree(folder, NULL);
}

/* An argument names the cases to run: "conform_l*". */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {CONFORMANCE_CASES};

    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    return cmocka_run_group_tests(tests, setup, teardown);
}
