/* What is said to systemd's journal: how fields are packed, and when it is spoken to at all. */
#include "one_world.h"

#include "log.h"
#include "log_journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void packed(void **state)
{
    struct journal_entry e = {.len = 0};

    (void)state;
    journal_add(&e, "MESSAGE", "a line\nand a second");
    journal_add(&e, "SETT_TENANT", "");
    journal_add(&e, "SETT_TENANT", "acme");
    journal_add(&e, "SETT_TENANT", "tn_1");
    assert_false(e.full);
    assert_int_equal(e.len,
                     strlen("MESSAGE=a line and a second\nSETT_TENANT=acme\nSETT_TENANT=tn_1\n"));
    assert_memory_equal(e.data, "MESSAGE=a line and a second\nSETT_TENANT=acme\nSETT_TENANT=tn_1\n",
                        e.len);
}

static void bounded(void **state)
{
    char much[sizeof((struct journal_entry *)0)->data + 1];
    struct journal_entry e = {.len = 0};

    (void)state;
    memset(much, 'x', sizeof much - 1);
    much[sizeof much - 1] = '\0';
    journal_add(&e, "MESSAGE", much);
    assert_true(e.full);
    assert_int_equal(e.len, 0);
    journal_add(&e, "PRIORITY", "6");
    assert_memory_equal(e.data, "PRIORITY=6\n", e.len);
    much[sizeof e.data - sizeof "PRIORITY=6\n" - sizeof "MESSAGE=\n" + 2] = '\0'; /* to the brim */
    journal_add(&e, "MESSAGE", much);
    assert_int_equal(e.len, sizeof e.data);
    assert_int_equal(e.data[e.len - 1], '\n');
}

/* JOURNAL_STREAM is inherited by whatever a unit starts; only who still has that stream is meant.
 */
static void told_apart(void **state)
{
    char stream[64];
    struct stat st;

    (void)state;
    assert_int_equal(fstat(STDERR_FILENO, &st), 0);
    (void)str_format(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
                     (unsigned long long)st.st_ino);
    (void)setenv("JOURNAL_STREAM", stream, 1);
    assert_true(journal_here());
    (void)setenv("JOURNAL_STREAM", "1:1", 1);
    assert_false(journal_here());
    (void)unsetenv("JOURNAL_STREAM");
    assert_false(journal_here());
}

static void ids(void **state)
{
    (void)state;
    assert_string_equal(log_event_ids[LOG_PLAIN], "");
    for (int i = LOG_PLAIN + 1; i < LOG_EVENTS; i++) {
        assert_int_equal(strlen(log_event_ids[i]), 32);
        for (int k = LOG_PLAIN; k < i; k++)
            assert_string_not_equal(log_event_ids[i], log_event_ids[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed),
        cmocka_unit_test(bounded),
        cmocka_unit_test(told_apart),
        cmocka_unit_test(ids),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
