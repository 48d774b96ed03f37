/* Folders of tenants that change hands: all that was the old owner's and nothing else, through no
 * link. Needs root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "file.h"
#include "folder.h"
#include "str.h"

#define OLD 41001u
#define NEW 41002u

static char root[64];

static const char *at(const char *name)
{
    static char path[4][200];
    static unsigned turn;
    char *out = path[turn++ % 4];

    assert_int_equal(str_format(out, sizeof path[0], "%s/%s", root, name), 0);
    return out;
}

static void put(const char *name, uid_t uid)
{
    assert_int_equal(file_write(at(name), "x", 1, 0600, NULL), 0);
    assert_int_equal(lchown(at(name), uid, uid), 0);
}

static void dir(const char *name, uid_t uid)
{
    assert_int_equal(mkdir(at(name), 0700), 0);
    assert_int_equal(lchown(at(name), uid, uid), 0);
}

static uid_t owner(const char *name)
{
    struct stat st;

    assert_int_equal(lstat(at(name), &st), 0);
    return st.st_uid;
}

static int set_up(void **state)
{
    (void)state;
    (void)str_copy(root, sizeof root, "/tmp/sett-folder-XXXXXX");
    return mkdtemp(root) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    return file_remove_tree(root, NULL);
}

static void given(void **state)
{
    struct err err = {0};

    (void)state;
    dir("site", OLD);
    dir("site/deep", OLD);
    put("site/deep/page", OLD);
    put("site/strange", 41003);
    put("outside", OLD);
    assert_int_equal(symlink(at("outside"), at("site/link")), 0);
    assert_int_equal(lchown(at("site/link"), OLD, OLD), 0);
    assert_int_equal(folder_give(at("site"), NEW, NEW, &err), 0);
    assert_int_equal(owner("site"), NEW);
    assert_int_equal(owner("site/deep"), NEW);
    assert_int_equal(owner("site/deep/page"), NEW);
    assert_int_equal(owner("site/link"), NEW);
    assert_int_equal(owner("site/strange"), 41003); /* was not the tenant's */
    assert_int_equal(owner("outside"), OLD);        /* a link's end is nobody's business */
    assert_int_equal(folder_give(at("site"), NEW, NEW, &err), 0);
    assert_int_equal(folder_give(at("nowhere"), NEW, NEW, &err), 0);
    assert_int_equal(folder_give(at("site/link"), OLD, OLD, &err), -1);
}

static bool known(const void *arg, const char *name)
{
    return str_equal(arg, name);
}

static void others(void **state)
{
    char name[32] = "";
    struct err err = {0};

    (void)state;
    dir("site", 0);
    put(".log", 0);
    assert_int_equal(folder_find_other(root, known, "site", name, sizeof name, &err), 0);
    dir("more", 0);
    assert_int_equal(folder_find_other(root, known, "site", name, sizeof name, &err), 1);
    assert_string_equal(name, "more");
    assert_int_equal(folder_find_other(at("nowhere"), known, "site", name, sizeof name, &err), 0);
}

static void ours(void **state)
{
    struct err err = {0};

    (void)state;
    assert_int_equal(folder_ours(at("made"), 0711, &err), 0);
    assert_int_equal(folder_ours(at("made"), 0711, &err), 0);
    dir("before", OLD);
    assert_int_equal(folder_ours(at("before"), 0711, &err), -1);
    assert_string_equal(err.code, "not_yours");
    assert_int_equal(symlink(at("made"), at("link")), 0);
    assert_int_equal(folder_ours(at("link"), 0711, &err), -1);
    assert_int_equal(chmod(at("made"), 0777), 0);
    assert_int_equal(folder_ours(at("made"), 0711, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(given, set_up, tear_down),
        cmocka_unit_test_setup_teardown(others, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ours, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
