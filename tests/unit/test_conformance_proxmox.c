/*
 * The proxmox runtime on a cluster that is played, against the cases that every runtime must pass
 * (conformance.h). What it is excused from is what the API has no way for: it runs nothing inside a
 * container and shares no folder with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "proxmox_world.h"

#include "conformance_cases.h"

/* Its program, which says whose it is: the container's number. */
static bool answers(const struct runtime_order *o)
{
    struct http_request r = {.profile = HTTP_PROBE, .method = "GET"};
    char url[96], wanted[32], host[64];
    struct http_answer a;
    struct err err = {0};
    bool yes;

    (void)str_copy_n(host, sizeof host, o->inside, strcspn(o->inside, "/"));
    (void)str_format(url, sizeof url, "http://%s:8080/", host);
    (void)str_format(wanted, sizeof wanted, "vmid=%u ", o->guest);
    r.url = url;
    http_answer_init(&a, 0);
    yes = http_call(client, &r, &a, &err) == 0 && str_starts(buf_string(&a.body), wanted);
    http_answer_free(&a);
    return yes;
}

static void foreign(const struct runtime_order *o)
{
    char said[32];

    (void)str_format(said, sizeof said, "{\"vmid\":%u}", o->guest);
    tell("pve-foreign", said);
}

static bool untouched(const struct runtime_order *o)
{
    return there(o, "theirs");
}

static bool nothing_left(const struct runtime_order *o)
{
    return !there(o, NULL);
}

/* Asked for, and the answer was lost; made, and so was what was said of its task. */
static bool half_made(const struct runtime_order *o, unsigned i)
{
    static const char *const faults[] = {"POST /nodes/*", "GET /nodes/*"};
    struct runtime_status status;
    char plan[128];
    struct err err;

    if (i >= sizeof faults / sizeof faults[0])
        return false;
    (void)str_format(plan, sizeof plan, "[{\"match\":\"%s\",\"fault\":\"lose\"}]", faults[i]);
    tell("faults", plan);
    (void)conformance_create(o, &status, &err);
    tell("faults", "[]");
    WAIT_FOR(there(o, "stopped") && there(o, "free"));
    return true;
}

static void excuse(void)
{
    subject.cannot[CANNOT_RUN_INSIDE] = "the API runs nothing inside a container";
    subject.cannot[CANNOT_SHARE_FILES] = "a container's own disk keeps its files";
    subject.cannot[CANNOT_READ_OUTPUT] = "what it can read is what its tasks said";
    subject.cannot[CANNOT_STAND_STILL] = "a container of a cluster is not frozen";
    subject.cannot[CANNOT_SAY_WHEN] = "it says for how many seconds it has run";
    subject.cannot[CANNOT_SAY_CREATED] = "a container that never ran is stopped";
    subject.cannot[CANNOT_BE_LOCAL] = "it answers at an address of its own";
    subject.cannot[CANNOT_HOLD_A_NAME] =
        "a number that is somebody else's is no more ours, so ours is gone";
    subject.cannot[CANNOT_LIMIT_PIDS] = "a container has no such limit, and nobody counts them";
    subject.cannot[CANNOT_PART_TENANTS] = "the bridge is the operator's";
}

static int setup(void **state)
{
    static const char text[] = "[blueprint]\nruntime = proxmox\n"
                               "image = local:vztmpl/site_1_amd64.tar.zst\ninner_port = 8080\n"
                               "[limits]\nmemory = 48M\ncpu_millis = 250\nstorage = 1G\n"
                               "[env]\nGREETING = Hello ${TENANT_NAME} of ${COLOUR}$$\n"
                               "[variables]\nCOLOUR = blue\nTENANT_NAME = nobody\n";
    char path[256];
    struct err err;

    if (world_setup(state) == -1)
        return -1;
    subject = (struct conformance){.name = "proxmox",
                                   .runtime = &runtime,
                                   .tenants = world.folder,
                                   .foreign = foreign,
                                   .untouched = untouched,
                                   .half_made = half_made,
                                   .nothing_left = nothing_left,
                                   .order = place,
                                   .answers = answers,
                                   .last = 100};
    excuse();
    (void)str_format(path, sizeof path, "%s/conform.conf", world.folder);
    CONFORM(file_write(path, text, strlen(text), 0644, &err));
    CONFORM(blueprint_load(&subject.b, world.folder, "conform", &err));
    return 0;
}

/* An argument names the cases to run: "conform_l*". */
int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {CONFORMANCE_CASES};

    cmocka_set_test_filter(argc > 1 ? argv[1] : NULL);
    return cmocka_run_group_tests(tests, setup, world_teardown);
}
