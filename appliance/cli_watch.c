/*
 * The steps of a job as they happen, read from the journal in the store: each ended step is a line,
 * with the time it took. Nothing is asked of the worker, so it works while the worker is down.
 */
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "clock.h"
#include "interrupt.h"
#include "job.h"
#include "progress.h"
#include "str.h"

#define LOOK_MS        50
#define TIMED_OUT_EXIT 6

static const char *const outcome_signs[] = {"…", "✓", "·", "…", "✗"};

static void step_json(const struct job_step *row)
{
    struct buf b;
    struct json_out j;

    buf_init(&b, 16384);
    json_out_init(&j, &b);
    json_out_object(&j);
    fields_json(&job_step_table.fields, row, &j);
    json_out_end_object(&j);
    printf("%s\n", buf_string(&b));
    (void)fflush(stdout);
    buf_free(&b);
}

static void step_line(const struct cli *cli, const struct job_step *row, int64_t began)
{
    const char *colour = row->outcome == STEP_DONE     ? "\033[32m"
                         : row->outcome == STEP_FAILED ? "\033[31m"
                                                       : "\033[33m";
    int64_t took = row->ended_at > row->started_at ? row->ended_at - row->started_at : 0;

    fprintf(stderr, "  %s%s%s %7.2f s  %-11s %-7s %5lld ms  %s\n", cli->colour ? colour : "",
            outcome_signs[row->outcome], cli->colour ? "\033[0m" : "",
            (double)(row->ended_at - began) / 1000.0, row->step, step_action_names[row->action],
            (long long)took, row->text);
}

/* Show the rows that are new and ended. A row still under way stops the showing, so that order is
 * kept. */
static int rows_show(struct cli *cli, struct txn *txn, const struct job *job, uint32_t *shown,
                     struct err *err)
{
    struct job_step row;
    int got;

    for (;;) {
        memset(&row, 0, sizeof row);
        (void)str_copy(row.job_id, sizeof row.job_id, job->id);
        row.number = *shown + 1;
        if ((got = record_get(txn, &job_step_table, &row, err)) != 1)
            return got;
        if (row.ended_at == 0 && job->live)
            return 0;
        *shown = row.number;
        if (cli->output == CLI_JSON)
            step_json(&row);
        else if (!cli->quiet)
            step_line(cli, &row, job->created_at);
    }
}

/* What somebody has to do while it waits, once for each thing to do. */
static void remedy_show(const struct cli *cli, const struct job *job, char told[ERR_TEXT_SIZE])
{
    if (job->state != JOB_WAITING || job->remedy[0] == '\0' || str_equal(job->remedy, told))
        return;
    (void)str_copy(told, ERR_TEXT_SIZE, job->remedy);
    if (cli->output != CLI_JSON && !cli->quiet)
        fprintf(stderr, "      -> %s\n", job->remedy);
}

static int ended(const struct cli *cli, const struct job *job)
{
    bool well = job->state == JOB_DONE || (cli->undo_wanted && job->state == JOB_UNDONE);

    if (cli->output == CLI_JSON || (cli->quiet && well))
        return well ? 0 : 1;
    fprintf(stderr, "%s %s after %.2f s\n", job->id, job_state_names[job->state],
            (double)(job->updated_at - job->created_at) / 1000.0);
    if (job->state == JOB_STUCK) {
        fprintf(stderr, "  cause:  %s: %s\n  remedy: %s\n", job->cause_class, job->cause,
                job->remedy[0] == '\0' ? "see the step above" : job->remedy);
        fprintf(stderr, "  then:   sett job retry %s   (or: sett job resolve %s --how undo)\n",
                job->id, job->id);
    }
    return well ? 0 : 1;
}

/* Nobody watches any more; the job knows nothing of that. */
static int left(const struct cli *cli, struct progress *bar, const char *job_id, const char *why,
                int code)
{
    bool system = cli->root[0] == '\0';

    progress_clear(bar);
    fprintf(stderr, "%s; the job goes on: sett%s%s job watch %s\n", why, system ? "" : " --root ",
            cli->root, job_id);
    return code;
}

int cli_watch(struct cli *cli, const char *job_id, uint32_t from, struct err *err)
{
    int64_t deadline = cli->wait_s == 0 ? INT64_MAX : clock_mono_ms() + (int64_t)cli->wait_s * 1000;
    uint64_t seen = UINT64_MAX;
    char told[ERR_TEXT_SIZE] = "";
    struct txn *txn;
    struct job job = {0};
    struct progress bar = {0};
    int64_t asked_ms = 0;
    int got;

    if (cli_open(cli, err) == -1)
        return -1;
    interrupt_hold();
    for (;;) {
        uint64_t now = db_last_txn(cli->box.db);
        if (now != seen) {
            seen = now;
            progress_clear(&bar);
            memset(&job, 0, sizeof job);
            if (str_copy(job.id, sizeof job.id, job_id) == -1)
                return err_field(err, "id", "bad_id", "\"%.40s\" is not a job's id", job_id);
            if (db_read(&txn, cli->box.db, err) == -1)
                return -1;
            if ((got = record_get(txn, &job_table, &job, err)) == 1)
                got = rows_show(cli, txn, &job, &from, err) == -1 ? -1 : 1;
            db_read_end(txn);
            if (got == -1)
                return -1;
            if (got == 0)
                return err_set(err, ERR_NOT_FOUND, "job_not_found", "there is no job %s", job_id);
            if (!job.live)
                return ended(cli, &job);
            remedy_show(cli, &job, told);
        }
        if (interrupt_seen())
            return left(cli, &bar, job_id, "Interrupted", INTERRUPT_EXIT);
        if (clock_mono_ms() >= deadline)
            return left(cli, &bar, job_id, "Not waiting any longer", TIMED_OUT_EXIT);
        if (str_equal(job.saga, "snapshot.create"))
            cli_bar(cli, job.id, &bar, &asked_ms);
        clock_sleep_ms(LOOK_MS);
    }
}

int cli_job_watch(struct cli *cli, int argc, char **argv, struct err *err)
{
    if (argc != 1)
        return err_field(err, "id", "missing", "which job? usage: sett job watch ID");
    return cli_watch(cli, argv[0], 0, err);
}
