/*
 * The journal of a job: one row for each time a step was begun, with its end when it came. Apart
 * because people read it: it is what `sett job watch` and the admin page show.
 */
#include "journal.h"

#include <string.h>

#include "str.h"

/* Texts come from providers and drivers; one that is too long is cut here, at a whole character. */
static void copy_text(char *out, size_t size, const char *text)
{
    size_t len = strlen(text);

    if (len >= size) {
        len = size - 1;
        while (len > 0 && ((unsigned char)text[len] & 0xC0u) == 0x80u)
            len--;
    }
    memcpy(out, text, len);
    out[len] = '\0';
}

static void fill(struct job_step *row, struct txn *txn, struct job *job, const struct step *step,
                 enum step_action action)
{
    memset(row, 0, sizeof *row);
    memcpy(row->job_id, job->id, sizeof row->job_id);
    row->number = ++job->journal;
    copy_text(row->step, sizeof row->step, step->name);
    row->action = (uint32_t)action;
    row->attempt = job->attempt;
    row->started_at = txn_time_ms(txn);
}

int journal_begin(struct txn *txn, struct job *job, const struct step *step,
                  enum step_action action, struct err *err)
{
    struct job_step row;

    fill(&row, txn, job, step, action);
    row.outcome = STEP_BEGUN;
    return record_insert(txn, &job_step_table, &row, err);
}

int journal_close(struct txn *txn, const struct job *job, enum step_action action,
                  enum step_outcome outcome, const char *text, struct err *err)
{
    struct job_step row = {.number = job->journal};
    int found;

    memcpy(row.job_id, job->id, sizeof row.job_id);
    if (job->journal == 0)
        return 0;
    if ((found = record_get(txn, &job_step_table, &row, err)) == -1)
        return -1;
    if (found == 0 || row.outcome != STEP_BEGUN)
        return 0;
    row.action = (uint32_t)action;
    row.outcome = (uint32_t)outcome;
    row.attempt = job->attempt;
    row.ended_at = txn_time_ms(txn);
    copy_text(row.text, sizeof row.text, text);
    return record_put(txn, &job_step_table, &row, err) == -1 ? -1 : 1;
}

int journal_note(struct txn *txn, struct job *job, const struct step *step, enum step_action action,
                 enum step_outcome outcome, const char *text, struct err *err)
{
    struct job_step row;

    fill(&row, txn, job, step, action);
    row.outcome = (uint32_t)outcome;
    row.ended_at = row.started_at;
    copy_text(row.text, sizeof row.text, text);
    return record_insert(txn, &job_step_table, &row, err);
}
