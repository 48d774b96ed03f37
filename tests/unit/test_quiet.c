/* A tenant kept quiet while its files are read: what its blueprint says before and after, in which
 * order, and that it always goes on: when the asker dies, when the time is over, when a command
 * fails, when the hands die. */
#include "hands_box.h"

#include "quiet.h"
#include "volumes.h"

#define TICKING    "/bin/sh -c \"cd ${TENANT_FOLDER}; while sleep 0.01; do echo x >> ticks; done\""
#define SAY(what_) "/bin/sh -c \"echo " what_ " >> ${TENANT_FOLDER}/said\""

static struct hands_request *q;
static struct hands_reply reply;

static void blueprint(const char *rules)
{
    char path[300], text[2048];

    (void)str_format(path, sizeof path, "%s/still.conf", paths.blueprints);
    (void)str_format(text, sizeof text,
                     "[blueprint]\nruntime = process\ncommand = " TICKING "\n[backup]\n%s", rules);
    put(path, text, 0644);
}

static void at(char path[300], const char *name)
{
    (void)str_format(path, 300, "%s/9/%s", paths.tenants, name);
}

static off_t ticks(void)
{
    char path[300];
    struct stat st;

    at(path, "ticks");
    return stat(path, &st) == 0 ? st.st_size : 0;
}

static bool ticking(void)
{
    off_t before = ticks();

    (void)usleep(50000);
    return ticks() > before;
}

/* What was said so far, on one line; then it is forgotten. */
static const char *said(void)
{
    static char text[200];
    char path[300];
    struct buf b;

    buf_init(&b, sizeof text - 1);
    at(path, "said");
    text[0] = '\0';
    if (file_read(path, &b, NULL) == 0)
        (void)str_copy(text, sizeof text, buf_string(&b));
    for (char *p = text; *p != '\0'; p++)
        *p = *p == '\n' ? ' ' : *p;
    (void)unlink(path);
    buf_free(&b);
    return text;
}

static bool marked(void)
{
    char path[300];

    (void)str_format(path, sizeof path, "%s/quiet/9", paths.hands);
    return file_exists(path);
}

static void begin(const char *rules, int wanted, int *fd)
{
    struct err err = {0};
    int got;

    blueprint(rules);
    if ((got = quiet_begin(paths.hands_sock, q, fd, &reply, &err)) != wanted)
        fail_msg("%d: %s", got, err.text);
}

static void test_usual(void **state)
{
    struct err err = {0};
    int fd;

    (void)state;
    WAIT_FOR(ticking());
    begin(
        "before = " SAY("one") "\nbefore = " SAY("two") "\npause = yes\nafter = " SAY("three") "\n",
        1, &fd);
    assert_string_equal(said(), "one two ");
    assert_false(ticking());
    assert_true(marked());
    /* It is looked at meanwhile as one that runs. */
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_INSPECT);
    assert_true(reply.running);
    assert_int_equal(quiet_end(fd, &reply, &err), 0);
    assert_true(reply.present);
    assert_string_equal(said(), "three ");
    assert_true(ticking());
    assert_false(marked());
    /* Nothing is said about it. */
    begin("", 0, &fd);
    begin("exclude = ticks\n", 0, &fd);
}

static void test_asker_dies(void **state)
{
    int fd;

    (void)state;
    begin("pause = yes\nafter = " SAY("after") "\n", 1, &fd);
    assert_false(ticking());
    (void)close(fd);
    WAIT_FOR(!marked());
    assert_true(ticking());
    assert_string_equal(said(), "after ");
}

static void test_time_over(void **state)
{
    struct err err = {0};
    int fd;

    (void)state;
    begin("pause = yes\nhold_s = 1\nafter = " SAY("after") "\n", 1, &fd);
    WAIT_FOR(!marked());
    assert_true(ticking());
    assert_int_equal(quiet_end(fd, &reply, &err), -1);
    assert_string_equal(err.code, "quiet_over");
    assert_false(reply.flag);
    assert_string_equal(said(), "after ");
}

static void test_fails(void **state)
{
    struct err err = {0};
    int fd;

    (void)state;
    blueprint("before = /bin/false\nbefore = " SAY("never") "\npause = yes\nif_fails = fail\n"
                                                            "after = " SAY("after") "\n");
    assert_int_equal(quiet_begin(paths.hands_sock, q, &fd, &reply, &err), -1);
    assert_string_equal(err.code, "command_failed");
    assert_true(reply.flag);
    assert_string_equal(said(), "after ");
    assert_true(ticking());
    assert_false(marked());
    /* One that takes too long is ended. */
    blueprint("before = /bin/sleep 100\ncommand_s = 1\nafter = " SAY("after") "\n");
    assert_int_equal(quiet_begin(paths.hands_sock, q, &fd, &reply, &err), -1);
    assert_int_equal(err.kind, ERR_TIMEOUT);
    assert_string_equal(said(), "after ");
    /* What fails after is told, and the commands behind it are run. */
    begin("pause = yes\nafter = /bin/false\nafter = " SAY("second") "\n", 1, &fd);
    assert_int_equal(quiet_end(fd, &reply, &err), -1);
    assert_string_equal(err.code, "command_failed");
    assert_string_equal(said(), "second ");
    assert_true(ticking());
    assert_false(marked());
}

/* As after a kill: the tenant stands still, and only the marker knows. */
static void test_left(void **state)
{
    char path[300], folder_of_markers[300];
    struct buf text;
    int fd;

    (void)state;
    begin("pause = yes\nafter = " SAY("after") "\n", 1, &fd);
    buf_init(&text, 65536);
    (void)str_format(folder_of_markers, sizeof folder_of_markers, "%s/quiet", paths.hands);
    (void)str_format(path, sizeof path, "%s/9", folder_of_markers);
    assert_int_equal(file_read(path, &text, NULL), 0);
    (void)close(fd);
    WAIT_FOR(!marked());
    assert_string_equal(said(), "after ");
    assert_int_equal(process.pause(process.self, &(struct runtime_order){.number = 9}, true, NULL),
                     0);
    assert_false(ticking());
    assert_int_equal(file_write(path, text.data, text.len, 0600, NULL), 0);
    hands_quiet_resume(&world);
    WAIT_FOR(!marked());
    assert_true(ticking());
    assert_string_equal(said(), "after ");
    /* One that nobody can read goes, and harms nobody; nor does a stranger's file. */
    put(path, "nonsense", 0600);
    hands_quiet_resume(&world);
    WAIT_FOR(!marked());
    assert_true(ticking());
    buf_free(&text);
}

struct names {
    char text[400];
};

static int note(void *arg, const struct volume_entry *e, int fd, struct err *err)
{
    struct names *n = arg;
    size_t len = strlen(n->text);

    (void)fd, (void)err;
    return str_format(n->text + len, sizeof n->text - len, "%s%c:%s", len == 0 ? "" : " ", e->type,
                      e->name);
}

static void test_left_out(void **state)
{
    static const char *const files[] = {"data/a.tmp", "data/keep", "data/cache/x",
                                        "data/deep/cache", "tmp.d/a.tmp"};
    struct names n = {""};
    char path[300];
    struct err err = {0};

    (void)state;
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_STOP);
    at(path, "data/cache");
    assert_int_equal(file_mkdirs(path, 0700, NULL), 0);
    at(path, "data/deep");
    assert_int_equal(file_mkdirs(path, 0700, NULL), 0);
    at(path, "tmp.d");
    assert_int_equal(file_mkdirs(path, 0700, NULL), 0);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        at(path, files[i]);
        put(path, "x", 0600);
    }
    blueprint("exclude = *.tmp\nexclude = data/cache\nexclude = ticks\nexclude = .log*\n");
    if (volumes_fetch(paths.hands_sock, 9, "still", note, &n, &err) == -1)
        fail_msg("%s", err.text);
    assert_string_equal(n.text,
                        "d:data d:data/cache d:data/deep f:data/deep/cache f:data/keep d:tmp.d");
    /* One that does not run is quiet as it is. */
    int fd;
    begin("before = " SAY("never") "\npause = yes\n", 0, &fd);
    assert_string_equal(said(), "");
}

static int setup(void **state)
{
    struct err err;

    if (hands_setup(state) != 0)
        return -1;
    q = new_request(9);
    (void)str_copy(q->blueprint, sizeof q->blueprint, "still");
    blueprint("");
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_CREATE);
    EXPECT(OUTCOME_OK, q, HANDS_RUNTIME_START);
    return 0;
}

static int teardown(void **state)
{
    free(q);
    return hands_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_usual),     cmocka_unit_test(test_asker_dies),
        cmocka_unit_test(test_time_over), cmocka_unit_test(test_fails),
        cmocka_unit_test(test_left),      cmocka_unit_test(test_left_out),
    };

    log_open("test-quiet", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, setup, teardown);
}
