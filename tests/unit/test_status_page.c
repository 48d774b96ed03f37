/* The status page: every state and language, nothing of a name is markup, the days as bars and as
 * text. With a folder as argument it writes samples there, to be looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "file.h"
#include "status_page.h"
#include "str.h"

#define DAY INT64_C(86400000)
#define NOW (INT64_C(1790000000000) / DAY * DAY + 12 * 3600000)

static struct history_tenant days[45];

static struct status_view view(const char *language, enum status_state state)
{
    struct status_view v = {.name = "Acme & Söhne <b>",
                            .language = language,
                            .state = state,
                            .since = NOW - 3 * DAY,
                            .now_ms = NOW,
                            .days = days,
                            .day_count = 45};

    for (int i = 0; i < 45; i++) {
        days[i] = (struct history_tenant){.at = NOW / DAY * DAY - (44 - i) * DAY, .healthy = 1440};
        if (i == 20)
            days[i].unreachable = 30, days[i].healthy = 1410;
        if (i == 33)
            days[i].unhealthy = 700, days[i].healthy = 740;
        if (i == 40)
            days[i] = (struct history_tenant){.at = days[i].at, .maintenance = 1440};
    }
    return v;
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;

    for (; (text = strstr(text, what)) != NULL; text += strlen(what))
        n++;
    return n;
}

static void every_state_in_every_language(void **state)
{
    static const char *const words[][3] = {
        {"en", "Works with disturbances", "Each day as text"},
        {"es", "Funciona con interrupciones", "Cada día como texto"},
        {"de", "Läuft mit Störungen", "Jeder Tag als Text"},
    };
    struct buf out;

    (void)state;
    buf_init(&out, 65536);
    for (size_t i = 0; i < 3; i++)
        for (int s = STATUS_UP; s <= STATUS_UNKNOWN; s++) {
            struct status_view v = view(words[i][0], (enum status_state)s);
            buf_reset(&out);
            status_page_html(&out, &v);
            assert_false(out.failed);
            assert_non_null(strstr(out.data, words[i][2]));
            assert_int_equal(strstr(out.data, words[i][1]) != NULL, s == STATUS_DEGRADED);
            assert_null(strstr(out.data, "<b>\n"));
            assert_non_null(strstr(out.data, "Acme &amp; Söhne &lt;b&gt;"));
            assert_null(strstr(out.data, "<script"));
            assert_null(strstr(out.data, "http://"));
        }
    buf_free(&out);
}

static void days_are_bars_and_text(void **state)
{
    struct status_view v = view("fr", STATUS_UP);
    struct buf out;

    (void)state;
    buf_init(&out, 65536);
    status_page_html(&out, &v);
    assert_non_null(strstr(out.data, "<html lang=\"en\">"));
    assert_int_equal(count(out.data, "<li class=\""), 60);
    assert_int_equal(count(out.data, "<li class=\"none\">"), 16); /* 15 not yet, 1 in maintenance */
    assert_int_equal(count(out.data, "<li class=\"some\">"), 1);
    assert_int_equal(count(out.data, "<li class=\"bad\">"), 1);
    assert_int_equal(count(out.data, "<tr><td>"), 60);
    assert_non_null(strstr(out.data, "97.9 %</td><td>30</td>"));
    assert_non_null(strstr(out.data, "not measured"));
    assert_non_null(strstr(out.data, "98.8 % of the measured time"));
    buf_free(&out);
}

static void programs_can_read_it(void **state)
{
    struct status_view v = view("de", STATUS_DOWN);
    struct buf out;

    (void)state;
    buf_init(&out, 65536);
    status_page_json(&out, &v);
    assert_true(str_starts(out.data, "{\"object\":\"status\",\"name\":\"Acme & S"));
    assert_non_null(strstr(out.data, "\"state\":\"down\""));
    assert_int_equal(count(out.data, "\"up_millis\":1000"), 42);
    assert_int_equal(count(out.data, "\"up_millis\":null"), 1);
    buf_free(&out);
}

static void write_samples(const char *folder)
{
    static const char *const languages[] = {"en", "es", "de"};
    char path[400];
    struct buf out;

    buf_init(&out, 65536);
    for (int s = STATUS_UP; s <= STATUS_UNKNOWN; s++) {
        struct status_view v = view(languages[s % 3], (enum status_state)s);
        buf_reset(&out);
        status_page_html(&out, &v);
        (void)str_format(path, sizeof path, "%s/%d.html", folder, s);
        (void)file_write_soon(path, out.data, out.len, 0644, NULL);
    }
    buf_free(&out);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_state_in_every_language),
        cmocka_unit_test(days_are_bars_and_text),
        cmocka_unit_test(programs_can_read_it),
    };

    if (argc == 2)
        write_samples(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
