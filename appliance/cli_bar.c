/*
 * How far a snapshot is, on a terminal. Apart from the steps of a job because it is asked of the
 * worker, and says nothing if that does not answer.
 */
#include <string.h>
#include <unistd.h>

#include "ask.h"
#include "cli.h"
#include "clock.h"
#include "json_in.h"
#include "str.h"

#define ASK_EACH_MS 250
#define ASK_WAIT_MS 1000
#define WIDTH       24
#define MIB         1048576.0

static void draw(const char *phase, uint64_t done, uint64_t total, uint64_t elapsed_ms)
{
    double rate = elapsed_ms == 0 ? 0 : (double)done * 1000.0 / (double)elapsed_ms;
    unsigned cells = total == 0 ? 0 : (unsigned)(done >= total ? WIDTH : done * WIDTH / total);
    char bar[WIDTH + 1];

    for (unsigned i = 0; i < WIDTH; i++)
        bar[i] = i < cells ? '#' : '.';
    bar[WIDTH] = '\0';
    fprintf(stderr, "\r  %-7s %s %8.1f MiB  %7.1f MiB/s", phase, bar, (double)done / MIB,
            rate / MIB);
    if (total > done && rate > 0)
        fprintf(stderr, "  %.0f s left", (double)(total - done) / rate);
    fputs("\033[K", stderr);
    (void)fflush(stderr);
}

bool cli_bar(struct cli *cli, const char *job_id, int64_t *asked_ms)
{
    int64_t now_ms = clock_mono_ms();
    bool negative, shown = false;
    uint64_t done = 0, total = 0, elapsed = 0;
    struct cJSON *tree = NULL;
    struct err ignored = {0};
    struct kv params;
    struct buf b;

    if (cli->quiet || cli->output != CLI_TABLE || !isatty(STDERR_FILENO) ||
        now_ms - *asked_ms < ASK_EACH_MS)
        return false;
    *asked_ms = now_ms;
    kv_clear(&params);
    buf_init(&b, 4096);
    if (ask(cli->paths.ask_sock, "progress", &params, ASK_WAIT_MS, &b, &ignored) == 0)
        tree = json_parse(buf_string(&b), b.len, &json_limits_provider, &ignored);
    if (tree != NULL && str_equal(json_text(tree, "job_id", ""), job_id) &&
        json_integer(json_at(tree, "done"), &negative, &done) &&
        json_integer(json_at(tree, "total"), &negative, &total) &&
        json_integer(json_at(tree, "elapsed_ms"), &negative, &elapsed)) {
        draw(json_text(tree, "phase", ""), done, total, elapsed);
        shown = true;
    }
    json_free(tree);
    buf_free(&b);
    return shown;
}
