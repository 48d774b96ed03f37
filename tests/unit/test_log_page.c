/* Pages of a log: levels as programs write them, texts, the cursor over a log that grows, and over
 * one that was cut off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "json_in.h"
#include "log_page.h"
#include "str.h"

static void test_levels(void **state)
{
    static const struct {
        const char *line;
        enum log_page_level level;
    } rows[] = {
        {"2026-11-22T02:59:50Z ERR  error=\"x\"", LOG_PAGE_ERROR},
        {"2026-11-22T02:59:50Z INF Registered tunnel connection", LOG_PAGE_INFO},
        {"2026-11-22T02:59:50Z WRN an error may follow", LOG_PAGE_WARNING},
        {"{\"level\":\"warn\",\"time\":\"x\",\"message\":\"error\"}", LOG_PAGE_WARNING},
        {"level=error msg=x", LOG_PAGE_ERROR},
        {"[error] 12#0: upstream", LOG_PAGE_ERROR},
        {"2026-11-22 02:59:50,123 12 WARNING odoo odoo.sql: slow", LOG_PAGE_WARNING},
        {"error: it broke", LOG_PAGE_ERROR},
        {"<debug> x", LOG_PAGE_DEBUG},
        {"no error in this sentence", LOG_PAGE_INFO},
        {"", LOG_PAGE_INFO},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (log_page_level(rows[i].line, strlen(rows[i].line), LOG_PAGE_INFO) != rows[i].level)
            fail_msg("%s", rows[i].line);
    assert_int_equal(log_page_level("  at line 3", 11, LOG_PAGE_ERROR), LOG_PAGE_ERROR);
}

static struct cJSON *answer;
static char cursor[64];

/* The lines of a page, joined by "|". */
static const char *page(const char *log, const struct log_wish *wish)
{
    static char out[2000];
    const struct cJSON *all, *item = NULL;
    struct op_call call = {0};
    struct json_out j;
    struct buf text;
    struct err err;
    size_t len = 0;

    buf_init(&text, 100000);
    buf_init(&call.answer, 100000);
    assert_int_equal(buf_text(&call.answer, log), 0);
    json_out_init(&j, &text);
    call.out = &j;
    assert_int_equal(log_page_reply(&call, wish, &err), 0);
    json_free(answer);
    answer = json_parse(buf_string(&text), text.len, &json_limits_provider, &err);
    assert_non_null(answer);
    (void)str_copy(cursor, sizeof cursor, json_text(answer, "cursor", ""));
    all = json_at(answer, wish->parsed ? "entries" : "lines");
    out[0] = '\0';
    while ((item = json_next(all, item)) != NULL) {
        const char *line = json_text(item, wish->parsed ? "line" : "", "");
        assert_int_equal(str_format(out + len, sizeof out - len, "%s|", line), 0);
        len += strlen(out + len);
    }
    buf_free(&text);
    buf_free(&call.answer);
    return out;
}

static void test_pages(void **state)
{
    struct log_wish wish = {0};
    char log[4000] = "";

    (void)state;
    assert_string_equal(page("", &wish), "");
    assert_string_equal(page("one\ntwo\r\nthree", &wish), "one|two|three|");
    wish.lines = 2;
    assert_string_equal(page("one\ntwo\nthree\n", &wish), "two|three|");
    wish = (struct log_wish){.q = "TW", .lines = 9};
    assert_string_equal(page("one\ntwo\nthree\n", &wish), "two|");
    wish = (struct log_wish){.level = LOG_PAGE_WARNING};
    assert_string_equal(page("INF a\nERR b\n  of b\nINF c\nWRN d\n", &wish), "ERR b|  of b|WRN d|");
    /* what has come since, however often the same line came before */
    wish = (struct log_wish){0};
    for (int i = 0; i < 9; i++)
        (void)strncat(log, "same\n", sizeof log - strlen(log) - 1);
    (void)page(log, &wish);
    (void)str_copy(wish.after, sizeof wish.after, cursor);
    assert_string_equal(page(log, &wish), "");
    assert_false(json_bool(answer, "gap", true));
    (void)strncat(log, "new\nnewer\n", sizeof log - strlen(log) - 1);
    assert_string_equal(page(log, &wish), "new|newer|");
    assert_string_equal(page(log + 15, &wish), "new|newer|"); /* its beginning was cut off */
    assert_string_equal(page("all\nelse\n", &wish), "all|else|");
    assert_true(json_bool(answer, "gap", false));
}

static void test_meaning(void **state)
{
    struct log_wish wish = {.parsed = true};

    (void)state;
    assert_string_equal(page("2026-11-22T02:59:50Z ERR Unauthorized: Tunnel not found\n", &wish),
                        "2026-11-22T02:59:50Z ERR Unauthorized: Tunnel not found|");
    assert_string_equal(json_text(json_next(json_at(answer, "entries"), NULL), "level", ""),
                        "error");
    assert_true(json_text(json_next(json_at(answer, "entries"), NULL), "remedy", "")[0] != '\0');
    json_free(answer);
    answer = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_meaning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
