/* Blueprints: what is read, what is refused and where, and how orders become variables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "blueprint.h"
#include "file.h"
#include "runtime.h"
#include "str.h"

static char folder[64];

static void put(const char *name, const char *text)
{
    char path[128];

    (void)str_format(path, sizeof path, "%s/%s.conf", folder, name);
    assert_int_equal(file_write(path, text, strlen(text), 0600, NULL), 0);
}

#define PROCESS "[blueprint]\nruntime = process\ncommand = /bin/true\n"
#define PROXMOX "[blueprint]\nruntime = proxmox\nimage = local:vztmpl/a.tar\ninner_port = 80\n"
#define DOCKER  "[blueprint]\nruntime = docker\nimage = a/b:1\ninner_port = 80\n"

static void test_good(void **state)
{
    struct blueprint *b = calloc(1, sizeof *b);
    struct err err;

    (void)state;
    put("full",
        "; a comment\n[blueprint]\ntitle = An example\nruntime = docker\n"
        "image = registry/x:1.2\ncommand = run \"two words\" --p=${PORT}\ninner_port = 8069\n"
        "health_path = /web/health\nhealth_timeout_s = 90\nread_only = yes\n"
        "user = 1000:1000\ndatabase = true\n[limits]\nmemory = 2G\nstorage = 10G\n"
        "cpu_millis = 500\npids = 100\nnofile = 1024\nmax_users = 5\n"
        "[env]\nA = ${WORD} $$1\n[variables]\nWORD = hello\nEMPTY =\n"
        "[volumes]\ndata = /var/lib/data\n[init]\ncommand = one\ncommand = two x\n"
        "[backup]\nbefore = freeze\nbefore = flush x\nafter = thaw\npause = yes\nhold_s = 30\n"
        "if_fails = fail\nexclude = *.tmp\nexclude = data/cache\nexclude = data/v?/log-*\n");
    assert_int_equal(blueprint_load(b, folder, "full", &err), 0);
    assert_string_equal(b->title, "An example");
    assert_int_equal(b->command.count, 3);
    assert_string_equal(b->command.args[1], "two words");
    assert_int_equal(b->inner_port, 8069);
    assert_int_equal(b->health_timeout_s, 90);
    assert_true(b->read_only && b->database);
    assert_true(b->limits.memory_bytes == 2ull << 30);
    assert_true(b->limits.storage_bytes == 10ull << 30);
    assert_int_equal(b->limits.max_users, 5);
    assert_string_equal(kv_get(&b->variables, "EMPTY"), "");
    assert_int_equal(b->volume_count, 1);
    assert_string_equal(b->volumes[0].target, "/var/lib/data");
    assert_int_equal(b->init_count, 2);
    assert_string_equal(b->init[1].args[1], "x");
    assert_int_equal(b->backup.after_count, 1);
    assert_int_equal(b->backup.before_count, 2);
    assert_string_equal(b->backup.before[1].args[1], "x");
    assert_true(b->backup.pause && b->backup.must && blueprint_is_quieted(b));
    assert_true(b->backup.hold_s == 30 && b->backup.command_s == 60);
    assert_true(blueprint_excludes(b, "data/deep/x.tmp") && blueprint_excludes(b, "data/cache"));
    assert_true(blueprint_excludes(b, "data/v1/log-2"));
    assert_false(blueprint_excludes(b, "cache") || blueprint_excludes(b, "data/v1/log"));
    assert_false(blueprint_excludes(b, "data/v1/log-2/x")); /* its folder is what matches */
    put("small", PROCESS);
    assert_int_equal(blueprint_load(b, folder, "small", &err), 0);
    assert_string_equal(b->title, "small");
    assert_string_equal(b->health_path, "/");
    assert_int_equal(b->health_timeout_s, 60);
    assert_false(blueprint_is_quieted(b));
    assert_int_equal(b->backup.hold_s, 600);
    free(b);
}

static void test_shipped(void **state)
{
    struct blueprint *b = calloc(1, sizeof *b);
    struct err err;

    (void)state;
    assert_int_equal(blueprint_load(b, "appliance/blueprints", "debian", &err), 0);
    assert_string_equal(b->runtime, "lxc");
    assert_int_equal(b->init_count, 3);
    assert_int_equal(blueprint_load(b, "appliance/blueprints", "web-swarm", &err), 0);
    assert_string_equal(b->runtime, "swarm");
    assert_int_equal(b->constraint_count, 1);
    assert_int_equal(blueprint_load(b, "appliance/blueprints", "site", &err), 0);
    assert_string_equal(b->runtime, "process");
    assert_int_equal(b->init_count, 1);
    assert_non_null(kv_get(&b->variables, "TENANT_NAME"));
    free(b);
}

static void test_bad(void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {PROCESS "colour = red\n", "line 4: colour"},
        {PROCESS "[weather]\nsun = yes\n", "line 5: sun"},
        {PROCESS "command = /bin/false\n", "line 4: command is given twice"},
        {PROCESS "inner_port = 0\n", "line 4: inner_port"},
        {PROCESS "inner_port = 65536\n", "line 4: inner_port"},
        {PROCESS "health_timeout_s = soon\n", "line 4: health_timeout_s"},
        {PROCESS "health_path = health\n", "line 4: health_path"},
        {PROCESS "health_path = /a/../b\n", "line 4: health_path"},
        {PROCESS "read_only = perhaps\n", "line 4: read_only"},
        {PROCESS "[limits]\nmemory = 1K\n", "line 5: memory"},
        {PROCESS "[limits]\nmemory = 99999999999G\n", "line 5: memory"},
        {PROCESS "[limits]\nmemory = -1\n", "line 5: memory"},
        {PROCESS "[limits]\nmemory = 64 M\n", "line 5: memory"},
        {PROCESS "[limits]\npids = 1\n", "line 5: pids"},
        {PROCESS "[env]\nlower = 1\n", "line 5: lower"},
        {PROCESS "[env]\n1A = 1\n", "line 5: 1A"},
        {PROCESS "[env]\nA = 1\nA = 2\n", "line 6: A is given twice"},
        {PROCESS "[volumes]\n../up = /x\n", "line 5: ../up"},
        {PROCESS "[volumes]\ndata = relative\n", "line 5: data"},
        {PROCESS "[volumes]\ndata = /x\ndata = /y\n", "line 6: data is given twice"},
        {PROCESS "[generated]\nPW = 11\n", "line 5: PW"},
        {PROCESS "[generated]\nPW = 65\n", "line 5: PW"},
        {PROCESS "[generated]\npw = 20\n", "line 5: pw"},
        {PROCESS "[generated]\nDB_PW = 20\n", "line 5: DB_PW"},
        {PROCESS "[variables]\nPW = x\n[generated]\nPW = 20\n", "line 7: PW"},
        {PROCESS "[credentials]\nBad = x\n", "line 5: Bad"},
        {PROCESS "[credentials]\nuser = a\nuser = b\n", "line 6: user is given twice"},
        {PROCESS "[init]\nrun = x\n", "line 5: run"},
        {PROCESS "[init]\ncommand = \"open\n", "line 5: command a quote"},
        {PROCESS "image = x\n", "can have no image"},
        {"[blueprint]\nruntime = magic\n", "line 2: runtime"},
        {"[blueprint]\ntitle = x\n", "says no runtime"},
        {"[blueprint]\nruntime = process\n", "needs a command"},
        {"[blueprint]\nruntime = docker\ninner_port = 80\n", "needs an image"},
        {"[blueprint]\nruntime = docker\nimage = x\n", "needs an inner_port"},
        {"[blueprint]\nruntime = lxc\ninner_port = 80\n", "needs an image"},
        {"[blueprint]\nruntime = swarm\nimage = x\n", "needs an inner_port"},
        {DOCKER "[placement]\nconstraint = node.role==worker\n", "can have no [placement]"},
        {DOCKER "[placement]\nconstraint = node.role\n", "line 6: constraint"},
        {PROCESS "[backup]\nduring = x\n", "line 5: during"},
        {PROCESS "[backup]\nbefore = a\nbefore = b\nbefore = c\nbefore = d\nbefore = e\n",
         "line 9: before is one command too many"},
        {PROCESS "[backup]\nif_fails = perhaps\n", "line 5: if_fails"},
        {PROCESS "[backup]\nhold_s = 0\n", "line 5: hold_s"},
        {PROCESS "[backup]\nexclude = /data\n", "line 5: exclude"},
        {PROCESS "[backup]\nexclude = ../data\n", "line 5: exclude"},
        {PROCESS "[backup]\nexclude = *a*b*c*d*e\n", "line 5: exclude"},
        {PROXMOX "[backup]\npause = yes\n", "runs no commands"},
        {PROCESS "no equals sign\n", "line 4"},
    };
    struct blueprint *b = calloc(1, sizeof *b);
    struct err err;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put("bad", bad[i].text);
        err_clear(&err);
        assert_int_equal(blueprint_load(b, folder, "bad", &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
        if (strstr(err.text, bad[i].says) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", err.text, bad[i].says);
        assert_non_null(strstr(err.text, "bad.conf"));
    }
    assert_int_equal(blueprint_load(b, folder, "none", &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(blueprint_load(b, folder, "../bad", &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_int_equal(blueprint_load(b, folder, "", &err), -1);
    free(b);
}

static void test_many(void **state)
{
    struct blueprint *b = calloc(1, sizeof *b);
    struct buf text;
    struct err err;

    (void)state;
    buf_init(&text, 1u << 16);
    (void)buf_text(&text, PROCESS "[volumes]\n");
    for (int i = 0; i < BLUEPRINT_VOLUMES + 1; i++)
        (void)buf_format(&text, "v%d = /v%d\n", i, i);
    put("many", buf_string(&text));
    assert_int_equal(blueprint_load(b, folder, "many", &err), -1);
    assert_non_null(strstr(err.text, "one volume too many"));
    buf_reset(&text);
    (void)buf_text(&text, "[blueprint]\nruntime = process\ncommand = /bin/x");
    for (int i = 0; i < BLUEPRINT_ARGS; i++)
        (void)buf_text(&text, " a");
    put("many", buf_string(&text));
    assert_int_equal(blueprint_load(b, folder, "many", &err), -1);
    assert_non_null(strstr(err.text, "more than 32 arguments"));
    buf_free(&text);
    free(b);
}

static void test_expand(void **state)
{
    struct kv vars;
    struct err err;
    char out[32];

    (void)state;
    kv_clear(&vars);
    assert_int_equal(kv_set(&vars, "A", "one"), 0);
    assert_int_equal(kv_set(&vars, "B", "${A}"), 0);
    assert_int_equal(blueprint_expand(out, sizeof out, "x${A}y$$z${B}$", &vars, &err), 0);
    assert_string_equal(out, "xoney$z${A}$"); /* once, never again in what was put in */
    assert_int_equal(blueprint_expand(out, sizeof out, "${C}", &vars, &err), -1);
    assert_int_equal(blueprint_expand(out, sizeof out, "${A", &vars, &err), -1);
    assert_int_equal(blueprint_expand(out, 4, "${A}", &vars, &err), 0);
    assert_int_equal(blueprint_expand(out, 3, "${A}", &vars, &err), -1);
    assert_int_equal(blueprint_expand(out, 1, "", &vars, &err), 0);
}

static void test_split(void **state)
{
    struct blueprint_command c;
    struct err err;

    (void)state;
    assert_int_equal(blueprint_split(&c, "  a\tb \"c d\"e \"\" ", &err), 0);
    assert_int_equal(c.count, 4);
    assert_string_equal(c.args[2], "c de");
    assert_string_equal(c.args[3], "");
    assert_int_equal(blueprint_split(&c, "   ", &err), -1);
    assert_int_equal(blueprint_split(&c, "a \"b", &err), -1);
}

static void test_variables(void **state)
{
    struct blueprint *b = calloc(1, sizeof *b);
    struct runtime_order *o = calloc(1, sizeof *o);
    char space[RUNTIME_ARGV_SPACE], *argv[BLUEPRINT_ARGS + 1];
    struct kv vars, env;
    struct err err;

    (void)state;
    put("vars", "[blueprint]\nruntime = process\ncommand = /bin/x -p ${PORT} -w ${WORD}\n"
                "[limits]\nmax_users = 3\n[variables]\nWORD = default\n"
                "[env]\nURL = http://x:${PORT}/${TENANT_NAME}\n");
    assert_int_equal(blueprint_load(b, folder, "vars", &err), 0);
    o->number = 7;
    (void)str_copy(o->tenant_id, sizeof o->tenant_id, "tn_x");
    assert_int_equal(kv_set(&o->env, "TENANT_NAME", "Acme & Co"), 0);
    assert_int_equal(kv_set(&o->env, "PORT", "1"), 0);
    assert_int_equal(runtime_variables(&vars, o, b, "/t/7", 3101, &err), -1); /* not its to say */
    kv_unset(&o->env, "PORT");
    assert_int_equal(kv_set(&o->env, "WORD", "two words"), 0);
    assert_int_equal(runtime_variables(&vars, o, b, "/t/7", 3101, &err), 0);
    assert_string_equal(kv_get(&vars, "MAX_USERS"), "3");
    assert_int_equal(runtime_environment(&env, &vars, b, &err), 0);
    assert_string_equal(kv_get(&env, "URL"), "http://x:3101/Acme & Co");
    assert_string_equal(kv_get(&env, "TENANT_FOLDER"), "/t/7");
    assert_null(kv_get(&env, "BLUEPRINT_FOLDER"));
    assert_int_equal(runtime_argv(space, argv, &b->command, &vars, &err), 0);
    assert_string_equal(argv[2], "3101");
    assert_string_equal(argv[4], "two words");
    assert_null(argv[5]);
    assert_int_equal(kv_set(&o->env, "WORD", "a\nb"), 0);
    assert_int_equal(runtime_variables(&vars, o, b, "/t/7", 3101, &err), -1);
    assert_int_equal(kv_set(&o->env, "WORD", "a"), 0);
    assert_int_equal(kv_set(&o->env, "LD_PRELOAD", "/x"), 0);
    assert_int_equal(runtime_variables(&vars, o, b, "/t/7", 3101, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    free(b);
    free(o);
}

static void test_limits(void **state)
{
    struct limits out = {.memory_bytes = 1, .pids = 2, .nofile = 3};
    const struct limits above = {.memory_bytes = 10, .cpu_millis = 20, .max_users = 30};

    (void)state;
    limits_over(&out, &above);
    assert_int_equal(out.memory_bytes, 10);
    assert_int_equal(out.cpu_millis, 20);
    assert_int_equal(out.pids, 2);
    assert_int_equal(out.nofile, 3);
    assert_int_equal(out.max_users, 30);
}

static int setup(void **state)
{
    (void)state;
    (void)str_copy(folder, sizeof folder, "/tmp/sett-blueprint-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_tree(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),      cmocka_unit_test(test_shipped),
        cmocka_unit_test(test_bad),       cmocka_unit_test(test_many),
        cmocka_unit_test(test_expand),    cmocka_unit_test(test_split),
        cmocka_unit_test(test_variables), cmocka_unit_test(test_limits)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
