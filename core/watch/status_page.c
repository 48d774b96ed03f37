/*
 * The words and the look of the status page. Apart from whose pages there are and when they are
 * written, so that both can be read whole.
 */
#include "status_page.h"

#include <string.h>

#include "clock.h"
#include "enc.h"
#include "str.h"

#define DAY_MS (INT64_C(86400) * 1000)

enum text {
    TEXT_TITLE, /* behind the name */
    TEXT_UP,
    TEXT_DEGRADED,
    TEXT_DOWN,
    TEXT_MAINTENANCE,
    TEXT_STOPPED,
    TEXT_UNKNOWN,
    TEXT_MAINTENANCE_NOTE,
    TEXT_SINCE,
    TEXT_DAYS,
    TEXT_SHARE, /* of the measured time */
    TEXT_EACH_DAY,
    TEXT_DAY,
    TEXT_ANSWERED,
    TEXT_MINUTES,
    TEXT_NOT_MEASURED,
    TEXT_UPDATED,
    TEXTS
};

static const struct {
    const char *language, *texts[TEXTS];
} languages[] = {
    {"en",
     {"status", "Works", "Works with disturbances", "Disturbed", "Under maintenance",
      "Not in operation", "Not measured yet",
      "This service is being worked on and will be back soon. Nothing has to be done.", "since",
      "The last 60 days", "of the measured time it answered", "Each day as text", "Day", "Answered",
      "Minutes disturbed", "not measured", "As of"}},
    {"es",
     {"estado", "Funciona", "Funciona con interrupciones", "Interrumpido", "En mantenimiento",
      "Fuera de servicio", "Todavía sin medir",
      "Se está trabajando en este servicio; volverá pronto. No hace falta hacer nada.", "desde",
      "Los últimos 60 días", "del tiempo medido respondió", "Cada día como texto", "Día",
      "Respondió", "Minutos interrumpido", "sin medir", "Actualizado"}},
    {"de",
     {"Status", "Läuft", "Läuft mit Störungen", "Gestört", "In Wartung", "Nicht in Betrieb",
      "Noch nicht gemessen",
      "An diesem Dienst wird gearbeitet, er ist bald wieder da. Zu tun ist nichts.", "seit",
      "Die letzten 60 Tage", "der gemessenen Zeit hat er geantwortet", "Jeder Tag als Text", "Tag",
      "Hat geantwortet", "Minuten gestört", "nicht gemessen", "Stand"}},
};

static const struct {
    const char *word, *colour, *sign; /* sign: so that colour is not all that tells */
    enum text text;
} states[] = {
    [STATUS_UP] = {"up", "good", "✓", TEXT_UP},
    [STATUS_DEGRADED] = {"degraded", "some", "!", TEXT_DEGRADED},
    [STATUS_DOWN] = {"down", "bad", "✕", TEXT_DOWN},
    [STATUS_MAINTENANCE] = {"maintenance", "work", "⚙", TEXT_MAINTENANCE},
    [STATUS_STOPPED] = {"stopped", "none", "■", TEXT_STOPPED},
    [STATUS_UNKNOWN] = {"unknown", "none", "?", TEXT_UNKNOWN},
};

static const char style[] =
    ":root{color-scheme:light dark;--ground:#fbfbfa;--text:#1d1f21;--quiet:#5c6166;--line:#d9dad6;"
    "--good:#1a7f4b;--some:#b07500;--bad:#c0362c;--work:#2f6fb3;--none:#c9cbc7}"
    "@media(prefers-color-scheme:dark){:root{--ground:#141517;--text:#e8e8e6;--quiet:#a0a4aa;"
    "--line:#33363a;--good:#3fb27a;--some:#e0a63a;--bad:#ee6a5f;--work:#6aa6e8;--none:#3a3d42}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--ground);color:var(--text);font:16px/1.5 system-ui,sans-serif}"
    "main{max-width:44rem;margin:0 auto;padding:8vh 1.2rem 3rem}"
    "h1{font-size:1.5rem;margin:0 0 1.2rem;overflow-wrap:anywhere}h2{font-size:1rem;margin:2rem 0 "
    ".5rem}"
    "p{margin:.4rem 0}.quiet,footer{color:var(--quiet);font-size:.9rem}"
    ".state{display:flex;gap:.9rem;align-items:center;padding:1rem 1.1rem;border:1px solid "
    "var(--line);"
    "border-left:6px solid var(--c);border-radius:6px}"
    ".state b{font-size:1.15rem}.sign{color:var(--c);font-size:1.4rem;line-height:1;width:1.4rem;"
    "text-align:center}"
    ".good{--c:var(--good)}.some{--c:var(--some)}.bad{--c:var(--bad)}.work{--c:var(--work)}"
    ".none{--c:var(--none)}"
    ".days{display:flex;gap:2px;list-style:none;margin:0;padding:0;height:2.6rem;align-items:flex-"
    "end}"
    ".days li{flex:1;background:var(--c);border-radius:1px;min-width:2px;height:100%}"
    ".days .none{height:30%}.days .some{height:80%}.days .bad{height:60%}"
    ".ends{display:flex;justify-content:space-between}"
    "summary{cursor:pointer;margin-top:1.2rem}table{border-collapse:collapse;width:100%;font-size:."
    "9rem}"
    "th,td{text-align:left;padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line)}"
    "td+td,th+th{text-align:right;padding-right:0;font-variant-numeric:tabular-nums}"
    "footer{margin-top:2.5rem}a{color:inherit}";

static const char *const *texts_of(const char *language)
{
    for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++)
        if (str_equal(languages[i].language, language))
            return languages[i].texts;
    return languages[0].texts;
}

static const char *language_of(const char *language)
{
    return texts_of(language) == languages[0].texts ? "en" : language;
}

/* "2026-11-26 17:45 UTC", with the exact time for programs. */
static void moment(struct buf *out, int64_t ms)
{
    char text[CLOCK_TEXT_SIZE];

    clock_text(text, ms);
    (void)buf_format(out, "<time datetime=\"%s\">%.10s %.5s UTC</time>", text, text, text + 11);
}

/* The day that begins at ${at}, or NULL. */
static const struct history_tenant *day_at(const struct status_view *v, int64_t at)
{
    for (size_t i = 0; i < v->day_count; i++)
        if (v->days[i].at == at)
            return &v->days[i];
    return NULL;
}

static int64_t first_day(const struct status_view *v)
{
    return v->now_ms - v->now_ms % DAY_MS - (STATUS_DAYS - 1) * DAY_MS;
}

static int up_of(const struct status_view *v, int64_t at)
{
    const struct history_tenant *day = day_at(v, at);

    return day == NULL ? -1 : history_up_millis(day);
}

/* A share in words that do not round trouble away: 999 is "99.9 %", 1000 is "100 %". */
static void share(struct buf *out, int up)
{
    if (up % 10 == 0)
        (void)buf_format(out, "%d %%", up / 10);
    else
        (void)buf_format(out, "%d.%d %%", up / 10, up % 10);
}

static const char *colour_of(int up)
{
    return up == -1 ? "none" : up >= 999 ? "good" : up >= 950 ? "some" : "bad";
}

static void bars(struct buf *out, const struct status_view *v, const char *const *texts)
{
    struct history_tenant sum = {0};
    char from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];
    int up;

    for (size_t i = 0; i < v->day_count; i++) {
        sum.healthy += v->days[i].healthy + v->days[i].degraded;
        sum.unhealthy += v->days[i].unhealthy + v->days[i].unreachable;
    }
    (void)buf_format(out, "<h2>%s</h2>\n<ol class=\"days\" aria-hidden=\"true\">",
                     texts[TEXT_DAYS]);
    for (int i = 0; i < STATUS_DAYS; i++)
        (void)buf_format(out, "<li class=\"%s\"></li>",
                         colour_of(up_of(v, first_day(v) + i * DAY_MS)));
    clock_text(from, first_day(v));
    clock_text(to, v->now_ms);
    (void)buf_format(
        out, "</ol>\n<p class=\"quiet ends\"><span>%.10s</span><span>%.10s</span></p>\n", from, to);
    if ((up = history_up_millis(&sum)) == -1)
        return;
    (void)buf_text(out, "<p>");
    share(out, up);
    (void)buf_format(out, " %s</p>\n", texts[TEXT_SHARE]);
}

/* The same for whoever cannot see bars. */
static void table(struct buf *out, const struct status_view *v, const char *const *texts)
{
    (void)buf_format(out,
                     "<details><summary>%s</summary>\n<table><thead><tr><th scope=\"col\">%s</th>"
                     "<th scope=\"col\">%s</th><th scope=\"col\">%s</th></tr></thead>\n<tbody>\n",
                     texts[TEXT_EACH_DAY], texts[TEXT_DAY], texts[TEXT_ANSWERED],
                     texts[TEXT_MINUTES]);
    for (int i = STATUS_DAYS - 1; i >= 0; i--) {
        int64_t at = first_day(v) + i * DAY_MS;
        const struct history_tenant *day = day_at(v, at);
        int up = up_of(v, at);
        char date[CLOCK_TEXT_SIZE];

        clock_text(date, at);
        (void)buf_format(out, "<tr><td>%.10s</td><td>", date);
        if (day == NULL || up == -1)
            (void)buf_format(out, "%s</td><td></td></tr>\n", texts[TEXT_NOT_MEASURED]);
        else {
            unsigned long long down = day->unhealthy + day->unreachable;
            share(out, up);
            (void)buf_format(out, "</td><td>%llu</td></tr>\n", down);
        }
    }
    (void)buf_text(out, "</tbody></table></details>\n");
}

void status_page_html(struct buf *out, const struct status_view *v)
{
    const char *const *texts = texts_of(v->language);

    (void)buf_format(out,
                     "<!doctype html>\n<html lang=\"%s\">\n<meta charset=\"utf-8\">\n"
                     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                     "<meta http-equiv=\"refresh\" content=\"300\">\n<title>",
                     language_of(v->language));
    enc_html(out, v->name, strlen(v->name));
    (void)buf_format(out, ": %s</title>\n<style>%s</style>\n<main>\n<h1>",
                     texts[states[v->state].text], style);
    enc_html(out, v->name, strlen(v->name));
    (void)buf_format(out, " · %s</h1>\n", texts[TEXT_TITLE]);
    (void)buf_format(out,
                     "<div class=\"state %s\" role=\"status\"><span class=\"sign\" "
                     "aria-hidden=\"true\">%s</span><div><b>%s</b>",
                     states[v->state].colour, states[v->state].sign, texts[states[v->state].text]);
    if (v->since != 0) {
        (void)buf_format(out, "<p class=\"quiet\">%s ", texts[TEXT_SINCE]);
        moment(out, v->since);
        (void)buf_text(out, "</p>");
    }
    (void)buf_text(out, "</div></div>\n");
    if (v->state == STATUS_MAINTENANCE)
        (void)buf_format(out, "<p>%s</p>\n", texts[TEXT_MAINTENANCE_NOTE]);
    bars(out, v, texts);
    table(out, v, texts);
    (void)buf_format(out, "<footer>%s ", texts[TEXT_UPDATED]);
    moment(out, v->now_ms);
    (void)buf_text(out, " · <a href=\"status.json\">status.json</a></footer>\n</main>\n</html>\n");
}

void status_page_json(struct buf *out, const struct status_view *v)
{
    struct json_out j;

    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key_text(&j, "object", "status");
    json_out_key_text(&j, "name", v->name);
    json_out_key_text(&j, "state", states[v->state].word);
    json_out_key_time(&j, "since", v->since);
    json_out_key_time(&j, "updated_at", v->now_ms);
    json_out_key(&j, "days");
    json_out_array(&j);
    for (size_t i = 0; i < v->day_count; i++) {
        int up = history_up_millis(&v->days[i]);
        char date[CLOCK_TEXT_SIZE];

        clock_text(date, v->days[i].at);
        date[10] = '\0';
        json_out_object(&j);
        json_out_key_text(&j, "date", date);
        json_out_key(&j, "up_millis");
        if (up == -1)
            json_out_null(&j);
        else
            json_out_i64(&j, up);
        json_out_key_u64(&j, "down_minutes", v->days[i].unhealthy + v->days[i].unreachable);
        json_out_end_object(&j);
    }
    json_out_end_array(&j);
    json_out_end_object(&j);
    (void)buf_byte(out, '\n');
}
