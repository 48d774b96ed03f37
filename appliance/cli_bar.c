/*
 * How far a snapshot is, on a terminal. Apart from the steps of a job because it is asked of the
 * worker, and says nothing if that does not answer.
 */
#include <string.h>

#include "ask.h"
#include "clock.h"
#include "json_in.h"
#include "progress.h"
#include "str.h"

#define ASK_EACH_MS 250
#define ASK_WAIT_MS 1000

void cli_bar(struct cli *cli, const char *job_id, struct progress *bar, int64_t *asked_ms)
{
    int64_t now_ms = clock_mono_ms();
    struct progress_now now = {0};
    bool negative;
    struct cJSON *tree = NULL;
    struct err ignored = {0};
    struct kv params;
    struct buf b;

    if (!progress_wanted(cli) || now_ms - *asked_ms < ASK_EACH_MS)
        return;
    *asked_ms = now_ms;
    kv_clear(&params);
    buf_init(&b, 4096);
    if (ask(cli->paths.ask_sock, "progress", &params, ASK_WAIT_MS, &b, &ignored) == 0)
        tree = json_parse(buf_string(&b), b.len, &json_limits_provider, &ignored);
    if (tree != NULL && str_equal(json_text(tree, "job_id", ""), job_id) &&
        json_integer(json_at(tree, "done"), &negative, &now.done) &&
        json_integer(json_at(tree, "total"), &negative, &now.total) &&
        json_integer(json_at(tree, "elapsed_ms"), &negative, &now.elapsed_ms)) {
        now.what = json_text(tree, "phase", "");
        progress_draw(bar, &now);
    }
    json_free(tree);
    buf_free(&b);
}
