#ifndef SETT_PROCESS_BOX_H
#define SETT_PROCESS_BOX_H
/* A process group below a temporary folder, and plans for it. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "file.h"
#include "process_find.h"
#include "process_group.h"
#include "process_log.h"
#include "runtime_process.h"
#include "str.h"
#include "supervisor_child.h"
#include "supervisor_systemd.h"
#include "wait_for.h"

static char folder[64];
static struct process_group *group;

static inline struct process_group *open_group(void)
{
    struct process_group_setup setup = {
        .restart_first_ms = 50, .restart_max_ms = 200, .calm_ms = 60000};
    struct process_group *g = NULL;
    struct err err;

    (void)str_format(setup.folder, sizeof setup.folder, "%s/units", folder);
    if (process_group_new(&g, &setup, &err) == -1)
        fail_msg("%s", err.text);
    return g;
}

/* A plan that runs ${script} with sh. */
static inline struct process_plan *plan_of(const char *name, const char *script)
{
    struct process_plan *p = calloc(1, sizeof *p);

    (void)str_copy(p->name, sizeof p->name, name);
    (void)str_copy(p->owner, sizeof p->owner, "tn_one");
    (void)str_copy(p->folder, sizeof p->folder, folder);
    (void)str_format(p->log, sizeof p->log, "%s/%s.log", folder, name);
    p->stop_s = 1;
    assert_int_equal(process_plan_arg(p, "/bin/sh"), 0);
    assert_int_equal(process_plan_arg(p, "-c"), 0);
    assert_int_equal(process_plan_arg(p, script), 0);
    assert_int_equal(kv_set(&p->env, "WORD", "a%b\tc"), 0);
    return p;
}

#define SLEEPER "echo \"here $WORD\"; exec sleep 1000"

static int process_setup(void **state)
{
    (void)state;
    (void)str_copy(folder, sizeof folder, "/tmp/sett-process-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    group = open_group();
    return 0;
}

static int process_teardown(void **state)
{
    (void)state;
    process_group_halt(group);
    process_group_free(group);
    return file_remove_tree(folder, NULL);
}

#endif
