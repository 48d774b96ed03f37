/* The texts of letters: every kind in every language, values escaped, root's files instead. */
#include "domain_world.h"

#include "brand.h"
#include "letter_text.h"

static const char *const traps = "<b>\"x\" & 'y'</b>";

static void every_kind_speaks_every_language(void **state)
{
    struct letter_parts parts;
    struct kv values;
    struct err err;

    (void)state;
    letter_parts_init(&parts);
    for (size_t k = 0; k < letter_kind_count; k++) {
        if (str_equal(letter_kinds[k].name, "message"))
            continue;
        for (size_t l = 0; letter_languages[l] != NULL; l++) {
            letter_sample(&letter_kinds[k], letter_languages[l], &values);
            if (letter_render(NULL, letter_kinds[k].name, letter_languages[l], &values, NULL,
                              &parts, &err) != 0)
                fail_msg("%s in %s: %s", letter_kinds[k].name, letter_languages[l], err.text);
            assert_true(parts.subject[0] != '\0' && parts.text.len > 60 && parts.html.len > 100);
            assert_null(strstr(parts.text.data, "{{"));
            assert_null(strstr(parts.text.data, "}}"));
            assert_null(strstr(parts.subject, "{{"));
            /* whatever its kind must be given, it speaks of */
            for (size_t p = 0; p < LETTER_PARAMS && letter_kinds[k].params[p] != NULL; p++)
                assert_non_null(strstr(parts.text.data, letter_kinds[k].params[p]));
            if (letter_kinds[k].page != NULL)
                assert_non_null(strstr(parts.html.data, "<a href=\"https://sett.example.com/"));
        }
    }
    letter_parts_free(&parts);
}

static void the_texts_are_all_of_a_kind(void **state)
{
    (void)state;
    assert_int_equal(letter_text_count, (letter_kind_count - 1) * LETTER_LANGUAGES);
    for (size_t i = 0; i < letter_text_count; i++) {
        assert_non_null(letter_kind_find(letter_texts[i].kind));
        assert_string_equal(letter_language(letter_texts[i].language, NULL),
                            letter_texts[i].language);
        for (size_t j = 0; j < i; j++)
            assert_false(str_equal(letter_texts[i].kind, letter_texts[j].kind) &&
                         str_equal(letter_texts[i].text, letter_texts[j].text));
    }
    assert_string_equal(letter_language("fr", "de"), "de");
    assert_string_equal(letter_language("fr", "it"), "en");
}

static void letters_bear_the_brand(void **state)
{
    struct brand b = {.name = "Müller & <Co>",
                      .color = "#0a7d5a",
                      .support_email = "help@example.com",
                      .terms_url = "https://example.com/agb?a=1&b=2"};
    struct letter_parts parts;
    struct kv values;
    struct err err;

    (void)state;
    letter_parts_init(&parts);
    letter_sample(letter_kind_find("deleted"), "de", &values);
    assert_int_equal(letter_render(NULL, "deleted", "de", &values, NULL, &parts, &err), 0);
    letter_brand(&parts, &b, "de");
    assert_true(str_ends(parts.text.data, "\n-- \nMüller & <Co>\nHilfe: help@example.com\n"
                                          "AGB: https://example.com/agb?a=1&b=2\n"));
    assert_non_null(strstr(parts.html.data, "<strong>Müller &amp; &lt;Co&gt;</strong>"));
    assert_non_null(strstr(parts.html.data, "<a href=\"mailto:help@example.com\">Hilfe</a>"));
    assert_non_null(strstr(parts.html.data, "<a href=\"https://example.com/agb?a=1&amp;b=2\">"));
    assert_non_null(strstr(parts.html.data, "border-top:4px solid #0a7d5a"));
    assert_true(str_ends(parts.html.data, "</p>\n</body></html>\n"));
    letter_parts_free(&parts);
}

static void values_are_escaped_and_expanded_once(void **state)
{
    struct letter_parts parts;
    struct kv values;
    struct err err;

    (void)state;
    letter_parts_init(&parts);
    letter_sample(letter_kind_find("suspended"), "en", &values);
    assert_int_equal(kv_set(&values, "tenant", traps), 0);
    assert_int_equal(kv_set(&values, "customer", "{{box}}\nBcc: x@y"), 0);
    assert_int_equal(letter_render(NULL, "suspended", "en", &values, NULL, &parts, &err), 0);
    assert_non_null(strstr(parts.text.data, traps));
    assert_non_null(strstr(parts.text.data, "{{box}}"));
    assert_null(strstr(parts.html.data, "<b>"));
    assert_non_null(strstr(parts.html.data, "&lt;b&gt;&quot;x&quot; &amp; &#39;y&#39;"));
    assert_int_equal(letter_render_own("Hi {{customer}}",
                                       "{{tenant}}: see https://a.example/?x=\"1", &values, &parts,
                                       &err),
                     0);
    assert_null(strchr(parts.subject, '\n'));
    assert_non_null(strstr(parts.html.data, "<a href=\"https://a.example/?x=&quot;1\">"));
    assert_int_equal(letter_render_own("x", "{{nobody}}", &values, &parts, &err), -1);
    assert_string_equal(err.code, "template_name");
    assert_int_equal(letter_render_own("x", "{{tenant", &values, &parts, &err), -1);
    letter_parts_free(&parts);
}

static void put(const char *folder, const char *name, const char *text, mode_t mode)
{
    char path[400];
    struct err err;

    assert_int_equal(str_format(path, sizeof path, "%s/%s", folder, name), 0);
    assert_int_equal(file_write(path, text, strlen(text), mode, &err), 0);
}

struct checked {
    int good, bad;
    char last[300];
};

static void on_file(void *arg, const char *file, const char *fault)
{
    struct checked *c = arg;

    c->good += fault == NULL;
    c->bad += fault != NULL;
    if (fault != NULL)
        (void)str_format(c->last, sizeof c->last, "%s: %.200s", file, fault);
}

static void roots_files_replace_texts(void **state)
{
    struct world *w = world_new();
    struct letter_parts parts;
    struct checked c = {0};
    struct kv values;
    struct err err, own;

    (void)state;
    letter_parts_init(&parts);
    letter_sample(letter_kind_find("deleted"), "de", &values);
    assert_int_equal(kv_set(&values, "tenant", traps), 0);
    put(w->folder, "deleted.de.txt", "Subject: Weg: {{tenant}}\n\nWeg ist {{tenant}}.\n", 0644);
    assert_int_equal(letter_render(w->folder, "deleted", "de", &values, &own, &parts, &err), 0);
    assert_non_null(strstr(parts.text.data, "Weg ist <b>"));
    assert_non_null(strstr(parts.html.data, "Weg ist &lt;b&gt;"));
    put(w->folder, "deleted.de.html", "<h1>{{tenant}}</h1>", 0644);
    assert_int_equal(letter_render(w->folder, "deleted", "de", &values, &own, &parts, &err), 0);
    assert_non_null(strstr(parts.html.data, "<h1>&lt;b&gt;"));
    assert_int_equal(letter_folder_check(w->folder, on_file, &c, &err), 1); /* "db" is there too */
    assert_int_equal(c.good, 2);
    put(w->folder, "deleted.de.txt", "Subject: Weg\n\n{{nobody}}\n", 0644);
    assert_int_equal(letter_render(w->folder, "deleted", "de", &values, &own, &parts, &err), 0);
    assert_string_equal(own.code, "template_name"); /* passed over, and the program's text taken */
    assert_non_null(strstr(parts.text.data, "gelöscht"));
    put(w->folder, "deleted.de.txt", "Subject: Weg\n\nweg\n", 0666);
    (void)letter_render(w->folder, "deleted", "de", &values, &own, &parts, &err);
    assert_string_equal(own.code, "template_writable");
    put(w->folder, "deleted.fr.txt", "Subject: Adieu\n\nadieu\n", 0644);
    put(w->folder, "nonsense.de.txt", "Subject: x\n\nx\n", 0644);
    put(w->folder, "suspended.en.txt", "no subject\n", 0644);
    put(w->folder, "resumed.en.html", "<p>alone</p>", 0644);
    memset(&c, 0, sizeof c);
    assert_int_equal(letter_folder_check(w->folder, on_file, &c, &err), 7);
    assert_int_equal(letter_folder_check("/nonexistent/mail", on_file, &c, &err), 0);
    letter_parts_free(&parts);
    world_end(w);
}

static void dates_are_written_as_people_do(void **state)
{
    char text[64];

    (void)state;
    assert_int_equal(letter_date(text, sizeof text, "de", INT64_C(1764545400000), 3600, false), 0);
    assert_string_equal(text, "1. Dezember 2025");
    assert_int_equal(letter_date(text, sizeof text, "es", INT64_C(1764545400000), 3600, true), 0);
    assert_string_equal(text, "1 de diciembre de 2025, 00:30");
    assert_int_equal(letter_date(text, sizeof text, "en", INT64_C(1764545400000), 0, true), 0);
    assert_string_equal(text, "30 November 2025, 23:30");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_speaks_every_language),
        cmocka_unit_test(letters_bear_the_brand),
        cmocka_unit_test(the_texts_are_all_of_a_kind),
        cmocka_unit_test(values_are_escaped_and_expanded_once),
        cmocka_unit_test(roots_files_replace_texts),
        cmocka_unit_test(dates_are_written_as_people_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
