/* Lines of logs: taken apart, and what is taken out of them. */
#include "one_world.h"

#include "clock.h"
#include "file.h"
#include "unit_log.h"
#include "log_line.h"

#include <sys/stat.h>

static void forms(void **state)
{
    static const struct {
        const char *line;
        int64_t at_ms;
        enum log_level level;
        const char *text;
    } rows[] = {
        {"2026-11-27T00:22:12.123Z sett-worker warning: it is late", INT64_C(1795738932123),
         LOG_LEVEL_WARNING, "it is late"},
        {"2026-11-27T00:22:12Z ERR Unable to reach the origin service", INT64_C(1795738932000),
         LOG_LEVEL_ERROR, "Unable to reach the origin service"},
        {"2026-11-27T01:22:12.5+01:00 INF ready", INT64_C(1795738932500), LOG_LEVEL_INFO, "ready"},
        {"2026-11-26T23:22:12-0100 WRN slow", INT64_C(1795738932000), LOG_LEVEL_WARNING, "slow"},
        {"2026/11/27 00:22:12 [error] 12#0: open() failed", INT64_C(1795738932000), LOG_LEVEL_ERROR,
         "12#0: open() failed"},
        {"2026-11-27 00:22:12,250 ERROR odoo: no", INT64_C(1795738932250), LOG_LEVEL_ERROR,
         "ERROR odoo: no"},
        {"[2026-11-27 00:22:12] started\r", INT64_C(1795738932000), LOG_LEVEL_INFO, "started"},
        {"Traceback (most recent call last):", 0, LOG_LEVEL_ERROR,
         "Traceback (most recent call last):"},
        {"  File \"x.py\", line 1", 0, LOG_LEVEL_INFO, "  File \"x.py\", line 1"},
        {"sett-front is a name", 0, LOG_LEVEL_INFO, "sett-front is a name"},
        {"[not a time] x", 0, LOG_LEVEL_INFO, "[not a time] x"},
        {"2026-13-27T00:22:12Z x", 0, LOG_LEVEL_INFO, "2026-13-27T00:22:12Z x"},
        {"", 0, LOG_LEVEL_INFO, ""},
    };

    (void)state;
    (void)setenv("TZ", "UTC", 1);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct log_line l;
        char text[200];

        log_line_read(rows[i].line, strlen(rows[i].line), &l);
        assert_int_equal(str_copy_n(text, sizeof text, l.text, l.len), 0);
        assert_string_equal(text, rows[i].text);
        if (l.at_ms != rows[i].at_ms || l.level != rows[i].level)
            fail_msg("%s: %lld %d", rows[i].line, (long long)l.at_ms, (int)l.level);
    }
}

static void redacted(void **state)
{
    static const struct {
        const char *text, *clean;
    } rows[] = {
        {"key sk_live_abcdefghijkl is wrong", "key sk_live_[…] is wrong"},
        {"Authorization: Bearer eyJhbGciOi.abc-def_123", "Authorization: Bearer […]"},
        {"password=hunter22 user=joe", "password=[…] user=joe"},
        {"{\"token\": \"abcd efgh\", \"a\":1}", "{\"token\": \"[…]\", \"a\":1}"},
        {"postgres://joe:secret@db/x failed", "postgres://joe:[…]@db/x failed"},
        {"https://example.com/a:b@c", "https://example.com/a:b@c"},
        {"got SETT-RECOVERY-1QQQSYQCYQ5RQWZQF by mistake", "got SETT-RECOVERY-[…] by mistake"},
        {"share sett-share-1qqqsyqcyq5rqwzqf", "share sett-share-[…]"},
        {"no password given", "no password given"},
        {"the token is over", "the token is over"},
        {"mail to joe.doe+x@kunde.example, and a@b", "mail to […], and a@b"},
        {"a\tb\033[31m", "a b [31m"},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 4096);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_reset(&out);
        log_redact(&out, rows[i].text, strlen(rows[i].text), true);
        assert_string_equal(buf_string(&out), rows[i].clean);
    }
    buf_reset(&out);
    log_redact(&out, "joe@kunde.example", 17, false);
    assert_string_equal(buf_string(&out), "joe@kunde.example");
    buf_free(&out);
}

struct seen {
    unsigned count;
    int64_t first_ms, last_ms;
    char first[120], last[120];
};

static int see(void *arg, int64_t at_ms, enum log_level level, const char *text, size_t len)
{
    struct seen *s = arg;

    (void)level;
    if (s->count++ == 0) {
        s->first_ms = at_ms;
        assert_int_equal(str_copy_n(s->first, sizeof s->first, text, len < 119 ? len : 119), 0);
    }
    s->last_ms = at_ms;
    return str_copy_n(s->last, sizeof s->last, text, len < 119 ? len : 119);
}

/* A file of some megabytes, read from its end. */
static void long_file(void **state)
{
    struct unit_log_wish wish = {.level = LOG_LEVEL_DEBUG, .text = "", .lines = 10};
    struct seen s = {0};
    char path[] = "/tmp/sett-log-XXXXXX";
    int64_t base = INT64_C(1795738932000);
    FILE *f = fdopen(mkstemp(path), "w");
    struct err err;

    (void)state;
    for (int i = 0; i < 40000; i++) {
        char at[CLOCK_TEXT_SIZE];
        clock_text(at, base + i * 1000);
        (void)fprintf(f, "%s sett-worker %s: line %d\n", at, i % 1000 == 0 ? "error" : "info", i);
    }
    (void)fclose(f);
    assert_int_equal(unit_log_file(path, &wish, see, &s, &err), 0);
    assert_int_equal(s.count, 10);
    assert_string_equal(s.last, "line 39999");
    wish.level = LOG_LEVEL_ERROR;
    s = (struct seen){0};
    assert_int_equal(unit_log_file(path, &wish, see, &s, &err), 0);
    assert_int_equal(s.count, 10);
    assert_string_equal(s.last, "line 39000");
    wish.until_ms = base + 5500 * 1000;
    s = (struct seen){0};
    assert_int_equal(unit_log_file(path, &wish, see, &s, &err), 0);
    assert_int_equal(s.count, 6);
    assert_string_equal(s.last, "line 5000");
    wish = (struct unit_log_wish){.level = LOG_LEVEL_DEBUG, .text = "LINE 777", .lines = 3};
    s = (struct seen){0};
    assert_int_equal(unit_log_file(path, &wish, see, &s, &err), 0);
    assert_int_equal(s.count, 3);
    assert_string_equal(s.last, "line 7779");
    (void)unlink(path);
    assert_int_equal(unit_log_file(path, &wish, see, &s, &err), 0);
}

static int see_unit(void *arg, const char *unit, int64_t at_ms, enum log_level level,
                    const char *text, size_t len)
{
    char name[160];

    assert_int_equal(str_format(name, sizeof name, "%s %d %.*s", unit, (int)level, (int)len, text),
                     0);
    return see(arg, at_ms, level, name, strlen(name));
}

/* What journalctl says in JSON; here a script says it, and notes what it was asked for. */
static void journal(void **state)
{
    static const char script[] =
        "#!/bin/sh\n"
        "echo \"$@\" > \"$0.asked\"\n"
        "cat <<'END'\n"
        "{\"__REALTIME_TIMESTAMP\":\"1795738932123456\",\"PRIORITY\":\"4\",\"_SYSTEMD_UNIT\":"
        "\"sett-worker.service\",\"MESSAGE\":\"sett-worker: it is late\"}\n"
        "{\"__REALTIME_TIMESTAMP\":\"1795738933000000\",\"PRIORITY\":\"6\",\"_SYSTEMD_UNIT\":"
        "\"sett-tunnel@12.service\",\"MESSAGE\":\"2026-11-27T00:22:13Z ERR no route\"}\n"
        "{\"__REALTIME_TIMESTAMP\":\"1795738934000000\",\"PRIORITY\":\"6\",\"_SYSTEMD_UNIT\":"
        "\"sett-tunnel@12.service\",\"MESSAGE\":[98,121,116,101,115]}\n"
        "not json\n"
        "END\n";
    struct unit_log_wish wish = {
        .level = LOG_LEVEL_DEBUG, .text = "", .lines = 7, .since_ms = INT64_C(1795738932000)};
    char path[] = "/tmp/sett-journalctl-XXXXXX", asked[64];
    struct seen s = {0};
    struct err err;
    struct buf b;
    int fd = mkstemp(path);
    FILE *none;

    (void)state;
    assert_int_equal(write(fd, script, sizeof script - 1), sizeof script - 1);
    assert_int_equal(fchmod(fd, 0700), 0);
    assert_int_equal(close(fd), 0);
    assert_int_equal(unit_log_journal(path, "sett-*.service", &wish, see_unit, &s, &err), 0);
    assert_int_equal(s.count, 3);
    assert_int_equal(s.first_ms, INT64_C(1795738932123));
    assert_string_equal(s.last, "sett-tunnel@12.service 6 bytes");
    assert_string_equal(s.first, "sett-worker.service 4 it is late");
    assert_int_equal(str_format(asked, sizeof asked, "%s.asked", path), 0);
    buf_init(&b, 4096);
    assert_int_equal(file_read(asked, &b, &err), 0);
    assert_non_null(strstr(buf_string(&b), "--lines=7 --since=@1795738932 --unit sett-*.service"));
    buf_free(&b);
    wish.level = LOG_LEVEL_ERROR;
    s = (struct seen){0};
    assert_int_equal(unit_log_journal(path, "sett-*.service", &wish, see_unit, &s, &err), 0);
    assert_int_equal(s.count, 1);
    assert_string_equal(s.last, "sett-tunnel@12.service 3 no route");
    none = fopen(path, "w");
    (void)fputs("#!/bin/sh\necho 'Failed to add filter for units: No data available'; exit 1\n",
                none);
    (void)fclose(none);
    s = (struct seen){0};
    assert_int_equal(unit_log_journal(path, "sett-tunnel*@*.service", &wish, see_unit, &s, &err),
                     0);
    assert_int_equal(s.count, 0);
    (void)unlink(asked);
    (void)unlink(path);
    assert_int_equal(unit_log_journal(path, "sett-*.service", &wish, see_unit, &s, &err), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms),
        cmocka_unit_test(redacted),
        cmocka_unit_test(long_file),
        cmocka_unit_test(journal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
