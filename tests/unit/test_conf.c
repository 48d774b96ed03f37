/* INI files and the tree of paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "conf.h"
#include "file.h"
#include "paths.h"
#include "str.h"

static char folder[64], path[96];
static struct conf conf;

static int setup(void **state)
{
    (void)state;
    (void)str_copy(folder, sizeof folder, "/tmp/sett-conf-XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : str_format(path, sizeof path, "%s/x.conf", folder);
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_tree(folder, NULL);
}

static int read_text(const char *text, struct err *err)
{
    assert_int_equal(file_write(path, text, strlen(text), 0600, err), 0);
    return conf_read(&conf, path, err);
}

static void test_rows(void **state)
{
    struct err err;

    (void)state;
    assert_int_equal(
        read_text("# comment\n; another\n\n[box]\nname = sett\n  domain=example.com  \n"
                  "[init]\nrun = sh -c 'a; b # c = d : e'\nrun = second\n[empty]\n"
                  "[box]\nname = again\nurl: http://x\nnone =\nlast=1",
                  &err),
        0);
    assert_int_equal(conf.count, 8);
    assert_string_equal(conf_get(&conf, "box", "name"), "again");
    assert_string_equal(conf_get(&conf, "box", "domain"), "example.com");
    assert_string_equal(conf_get(&conf, "box", "url"), "http://x");
    assert_string_equal(conf_get(&conf, "box", "none"), "");
    assert_string_equal(conf_get(&conf, "box", "last"), "1");
    assert_null(conf_get(&conf, "box", "run"));
    assert_null(conf_get(&conf, "init", "name"));
    assert_string_equal(conf.rows[2].value, "sh -c 'a; b # c = d : e'");
    assert_int_equal(conf.rows[2].line, 8);
    assert_string_equal(conf.rows[3].section, "init");
    assert_string_equal(conf.rows[3].value, "second");
}

static void test_refusals(void **state)
{
    static const struct {
        const char *text, *line;
    } bad[] = {
        {"[a]\nb = 1\nnonsense\n", "line 3"},
        {"[a\nb = 1\n", "line 1"},
        {"[a]\n = 1\n", "line 2"},
        {"[a]\nx = 1\n  continued\n", "line 3"},
        {"[a2345678901234567890123456789012]\nb = 1\n", "line 2"},
        {"[a]\nb2345678901234567890123456789012345678901234567890123456789012345 = 1\n", "line 2"},
        {"[a]\nb = \xff\n", "UTF-8"},
    };
    static char large[20000];
    struct err err;
    size_t at = 0;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(read_text(bad[i].text, &err), -1);
        assert_int_equal(err.kind, ERR_INVALID);
        if (strstr(err.text, bad[i].line) == NULL)
            fail_msg("%s", err.text);
    }
    (void)str_copy(large, sizeof large, "a = ");
    memset(large + 4, 'v', 511);
    assert_int_equal(read_text(large, &err), 0);
    assert_int_equal(strlen(conf_get(&conf, "", "a")), 511);
    memset(large + 4, 'v', 512);
    assert_int_equal(read_text(large, &err), -1);
    memset(large + 4, 'v', 3000);
    assert_int_equal(read_text(large, &err), -1);
    assert_string_equal(err.code, "conf_line_too_long");
    for (int i = 0; i <= CONF_ROWS; i++, at += strlen(large + at))
        (void)str_format(large + at, sizeof large - at, "n%d=%d\n", i, i);
    assert_int_equal(read_text(large, &err), -1);
    assert_string_equal(err.code, "conf_too_many_rows");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(conf_read(&conf, path, &err), -1);
    assert_int_equal(err.kind, ERR_NOT_FOUND);
    assert_int_equal(conf.count, 0);
}

static void test_paths(void **state)
{
    static char deep[300];
    struct paths p;
    struct err err;
    char here[256];

    (void)state;
    assert_int_equal(paths_set(&p, NULL, &err), 0);
    assert_string_equal(p.root, "");
    assert_string_equal(p.conf, "/etc/sett/sett.conf");
    assert_string_equal(p.ask_sock, "/run/sett/ask.sock");
    assert_int_equal(paths_set(&p, "/", &err), 0);
    assert_string_equal(p.db, "/var/lib/sett/live/db");
    assert_int_equal(paths_set(&p, "/nowhere//", &err), 0);
    assert_string_equal(p.keys, "/nowhere/var/lib/sett/live/keys");
    assert_non_null(getcwd(here, sizeof here - 32));
    assert_int_equal(paths_set(&p, "surely-not-there", &err), 0);
    assert_memory_equal(p.root, here, strlen(here));
    assert_string_equal(p.root + strlen(here), "/surely-not-there");
    assert_int_equal(paths_set(&p, folder, &err), 0);
    assert_true(str_starts(p.front_sock, folder));
    memset(deep, 'd', sizeof deep - 1);
    deep[0] = '/';
    assert_int_equal(paths_set(&p, deep, &err), -1);
    assert_int_equal(err.kind, ERR_INVALID);
    deep[86] = '\0'; /* 86 + 21 of "/run/sett/events.sock" = 107 */
    assert_int_equal(paths_set(&p, deep, &err), 0);
    assert_int_equal(strlen(p.events_sock), 107);
    deep[86] = 'd';
    deep[87] = '\0';
    assert_int_equal(paths_set(&p, deep, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_refusals),
                                       cmocka_unit_test(test_paths)};
    return cmocka_run_group_tests(tests, setup, teardown);
}
