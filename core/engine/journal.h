#ifndef SETT_JOURNAL_H
#define SETT_JOURNAL_H
/* Rows of a job's journal, written inside the commit of what they tell. job->journal is the number
 * of the newest row and follows. */
#include "step.h"

/** journal_begin(txn, job, step, action, err): a step is about to be called. 0 or -1. */
int journal_begin(struct txn *txn, struct job *job, const struct step *step,
                  enum step_action action, struct err *err);

/** journal_close(txn, job, action, outcome, text, err): end the row that journal_begin wrote last,
 * if it is still open. Return 1, 0 if there was none, -1. */
int journal_close(struct txn *txn, const struct job *job, enum step_action action,
                  enum step_outcome outcome, const char *text, struct err *err);

/** journal_note(txn, job, step, action, outcome, text, err): a row that begins and ends now. 0 or
 * -1. */
int journal_note(struct txn *txn, struct job *job, const struct step *step, enum step_action action,
                 enum step_outcome outcome, const char *text, struct err *err);

#endif
