/*
 * The line that says how far something is. Apart from what is under way, a job of the worker or a
 * restore of our own, so that both look alike; it needs nothing but a terminal.
 */
#include "progress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "clock.h"
#include "str.h"

#define DRAW_EACH_MS 200
#define WIDTH_USUAL  80
#define WIDTH_LEAST  20
#define WIDTH_MOST   120
#define BAR_LEAST    10
#define BAR_MOST     30
#define PART         PROGRESS_BYTES

bool progress_wanted(const struct cli *cli)
{
    const char *term = getenv("TERM");

    return !cli->quiet && cli->output == CLI_TABLE && isatty(STDERR_FILENO) != 0 &&
           getenv("NO_COLOR") == NULL && term != NULL && term[0] != '\0' &&
           !str_equal(term, "dumb");
}

static size_t terminal_width(void)
{
    struct winsize size = {0};

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == -1 || size.ws_col < WIDTH_LEAST)
        return WIDTH_USUAL;
    return size.ws_col > WIDTH_MOST ? WIDTH_MOST : size.ws_col;
}

/* 812 KiB, 41.3 MiB, 2.07 GiB. */
void progress_bytes(char out[PROGRESS_BYTES], uint64_t bytes)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes / 1024.0;
    size_t unit = 0;

    while (value >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1024.0;
        unit++;
    }
    (void)str_format(out, PROGRESS_BYTES, unit == 0 || value >= 99.95 ? "%.0f %s" : "%.1f %s",
                     value, units[unit]);
}

/* 4 s, 12:05, 1:02:33. */
static void left_text(char out[PART], double seconds)
{
    unsigned long s = seconds > 359999 ? 359999 : (unsigned long)(seconds + 0.999);

    if (s < 60)
        (void)str_format(out, PART, "%lu s", s);
    else if (s < 3600)
        (void)str_format(out, PART, "%lu:%02lu", s / 60, s % 60);
    else
        (void)str_format(out, PART, "%lu:%02lu:%02lu", s / 3600, s / 60 % 60, s % 60);
}

struct parts {
    char percent[PART], amount[PART * 3], rate[PART * 2], left[PART * 2];
};

static void fill(struct parts *p, const struct progress_now *now)
{
    double rate = now->elapsed_ms == 0 ? 0 : (double)now->done * 1000.0 / (double)now->elapsed_ms;
    uint64_t done = now->total != 0 && now->done > now->total ? now->total : now->done;
    char a[PART], b[PART];

    memset(p, 0, sizeof *p);
    progress_bytes(a, done);
    if (now->total == 0) {
        (void)str_format(p->amount, sizeof p->amount, "  %s", a);
    } else {
        progress_bytes(b, now->total);
        (void)str_format(p->amount, sizeof p->amount, "  %s of %s", a, b);
        (void)str_format(p->percent, sizeof p->percent, "  %3u %%",
                         (unsigned)((double)done * 100.0 / (double)now->total));
    }
    if (rate >= 1) {
        progress_bytes(a, (uint64_t)rate);
        (void)str_format(p->rate, sizeof p->rate, "  %s/s", a);
        if (now->total > done) {
            left_text(a, (double)(now->total - done) / rate);
            (void)str_format(p->left, sizeof p->left, "  %s left", a);
        }
    }
}

void progress_text(char *out, size_t size, size_t width, const struct progress_now *now)
{
    char bar[BAR_MOST + 3] = "";
    struct parts p;
    /* In the order in which they are given up when there is no room: rate, amount, time left. */
    char *const optional[] = {p.rate, p.amount, p.left};
    size_t room, used, cells, i = 0;

    fill(&p, now);
    room = width < size ? width : size - 1;
    for (;;) {
        used = strlen(now->what) + 2 + strlen(p.percent) + strlen(p.amount) + strlen(p.rate) +
               strlen(p.left);
        if (used <= room || i == sizeof optional / sizeof optional[0])
            break;
        optional[i++][0] = '\0';
    }
    if (now->total != 0 && used + 2 + BAR_LEAST <= room) {
        cells = room - used - 2 > BAR_MOST ? BAR_MOST : room - used - 2;
        bar[0] = bar[1] = ' ';
        for (size_t at = 0; at < cells; at++)
            bar[2 + at] = (double)now->done * (double)cells >= (double)(at + 1) * (double)now->total
                              ? '#'
                              : '.';
        bar[2 + cells] = '\0';
    }
    (void)str_format(out, size, "  %s%s%s%s%s%s", now->what, bar, p.percent, p.amount, p.rate,
                     p.left);
    if (strlen(out) > room)
        out[room] = '\0';
}

void progress_draw(struct progress *p, const struct progress_now *now)
{
    int64_t now_ms = clock_mono_ms();
    char line[WIDTH_MOST + 1];

    if (p->drawn_ms != 0 && now_ms - p->drawn_ms < DRAW_EACH_MS)
        return;
    /* Room is left for the ^C that a terminal writes behind it. */
    progress_text(line, sizeof line, terminal_width() - 3, now);
    fprintf(stderr, "\r%s\033[K", line);
    (void)fflush(stderr);
    p->drawn_ms = now_ms;
    p->drawn = true;
}

void progress_clear(struct progress *p)
{
    if (p->drawn)
        fputs("\r\033[K", stderr);
    p->drawn = false;
}
