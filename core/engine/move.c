/*
 * The moves of a job. They are apart from the threads that make them, because everything that must
 * be true after a crash is decided here: a move is a function of what the store holds and of one
 * result, and it is either on the disk as a whole or was never made.
 */
#include "move.h"

#include <string.h>

#include "finish.h"
#include "job_start.h"
#include "journal.h"
#include "setting.h"
#include "str.h"

#define FALLS_MOST 256

const struct saga *move_saga(const struct move_world *world, const char *name)
{
    for (size_t i = 0; i < world->saga_count; i++)
        if (str_equal(world->sagas[i]->name, name))
            return world->sagas[i];
    return NULL;
}

const struct step *move_step(const struct saga *saga, const struct job *job)
{
    if (job->undo)
        return job->step > 0 && job->step <= saga->step_count ? &saga->steps[job->step - 1] : NULL;
    return job->step < saga->step_count ? &saga->steps[job->step] : NULL;
}

static bool past_pivot(const struct job *job)
{
    return kv_get(&job->facts, JOB_FACT_PIVOT) != NULL;
}

/* A function of the saga; its refusal is told apart from the store's own trouble. */
static int call(struct move *m, struct txn *txn, step_store *function, struct err *err)
{
    if (function == NULL || m->no_hooks)
        return 0;
    if (function(txn, &m->job, m->world->context, err) == 0)
        return 0;
    m->refused = true;
    return -1;
}

static void fresh_step(struct job *job)
{
    job->intent = false;
    job->attempt = 0;
    job->step_at = 0;
}

/* From here on the job goes back, for good. */
static int turn(struct move *m, struct txn *txn, struct err *err)
{
    struct job *job = &m->job;

    if (!job->undo && job->intent)
        job->step++; /* the step under way may have had its effect: it is undone as well */
    job->undo = true;
    job->cancel = false;
    job->state = JOB_UNDOING;
    kv_unset(&job->facts, JOB_FACT_BACK_TO);
    fresh_step(job);
    return call(m, txn, m->saga->begun, err);
}

/* Between two steps: does somebody want it turned round? */
static int boundary(struct move *m, struct txn *txn, struct err *err)
{
    if (!m->job.cancel || past_pivot(&m->job))
        return 0;
    return turn(m, txn, err);
}

/* The present forward step is done. */
static int passed(struct move *m, struct txn *txn, const struct step *step, struct err *err)
{
    struct job *job = &m->job;

    job->step++;
    fresh_step(job);
    job->cause_class[0] = job->cause[0] = job->remedy[0] = '\0';
    if ((step->flags & STEP_PIVOT) != 0 && kv_set(&job->facts, JOB_FACT_PIVOT, step->name) == -1)
        return err_set(err, ERR_INTERNAL, "facts_full", "the job's facts are full");
    return boundary(m, txn, err);
}

static bool needless(const struct step *step, const struct job *job)
{
    return !job->intent && step->needless != NULL && step->needless(job);
}

static void count_attempt(struct job *job, struct txn *txn, const struct step *step)
{
    if (job->attempt++ == 0 || job->step_at == 0)
        job->step_at = txn_time_ms(txn);
    (void)str_copy(job->step_name, sizeof job->step_name, step->name);
}

/* What a step needs is read, and what cannot be read back is made and sealed. */
static int prepare(struct move *m, struct txn *txn, const struct step *step, struct err *err)
{
    char name[FINISH_SECRET_NAME_SIZE];
    struct kv before = m->secrets;

    if (step->prepare == NULL)
        return 0;
    if (step->prepare(txn, &m->job, m->world->context, &m->secrets, err) == -1) {
        m->refused = true;
        return -1;
    }
    if (before.len == m->secrets.len && memcmp(before.data, m->secrets.data, before.len) == 0)
        return 0;
    if (m->world->vault == NULL)
        return err_set(err, ERR_INTERNAL, "no_vault", "a step has secrets and there is no vault");
    finish_secret_name(name, &m->job);
    return secret_set(txn, m->world->vault, name, m->secrets.data, m->secrets.len, err);
}

/* What a step needs that is too long for a fact. */
static int bring(struct move *m, struct txn *txn, const struct step *step, struct err *err)
{
    if (step->bring == NULL || m->text == NULL)
        return 0;
    buf_reset(m->text);
    if (step->bring(txn, &m->job, m->world->context, m->text, err) == 0 && !m->text->failed)
        return 0;
    m->refused = true;
    return m->text->failed ? err_set(err, ERR_TOO_LARGE, "text_too_long",
                                     "what step %s needs is too long", step->name)
                           : -1;
}

/* Go forward over store steps up to an outside step whose intent is put down, or to the end. */
static int begin_forward(struct move *m, struct txn *txn, struct err *err)
{
    struct job *job = &m->job;
    const struct step *step;

    while (!job->undo && (step = move_step(m->saga, job)) != NULL) {
        if (needless(step, job)) {
            if (passed(m, txn, step, err) == -1)
                return -1;
            continue;
        }
        count_attempt(job, txn, step);
        if (step->apply != NULL) {
            if (step->apply(txn, job, m->world->context, err) == -1) {
                m->refused = true;
                return -1;
            }
            if ((step->flags & STEP_QUIET) == 0 &&
                journal_note(txn, job, step, STEP_ACTION_APPLY, STEP_DONE, "", err) == -1)
                return -1;
            if (passed(m, txn, step, err) == -1)
                return -1;
            if (m->lone)
                return 0;
            continue;
        }
        m->check_first = job->intent && step->check != NULL;
        if ((!job->intent && prepare(m, txn, step, err) == -1) || bring(m, txn, step, err) == -1)
            return -1;
        job->intent = true;
        m->begun = true;
        return journal_begin(txn, job, step, m->check_first ? STEP_ACTION_CHECK : STEP_ACTION_MAKE,
                             err);
    }
    return job->undo ? 0 : finish(m, txn, JOB_DONE, err);
}

/* Whether a job that goes back only to begin anew is there. */
static bool back_far_enough(const struct move *m)
{
    const char *name = kv_get(&m->job.facts, JOB_FACT_BACK_TO);

    return name != NULL &&
           (m->job.step == 0 || (m->job.step < m->saga->step_count &&
                                 str_equal(m->saga->steps[m->job.step].name, name)));
}

static int begin(struct move *m, struct txn *txn, struct err *err);

/* Go back over store steps and those with nothing to undo, up to an outside step's undo. */
static int begin_back(struct move *m, struct txn *txn, struct err *err)
{
    struct job *job = &m->job;
    const struct step *step;

    for (;;) {
        if (back_far_enough(m)) {
            kv_unset(&job->facts, JOB_FACT_BACK_TO);
            job->undo = false;
            job->state = JOB_RUNNING;
            fresh_step(job);
            return m->lone ? 0 : begin(m, txn, err);
        }
        if ((step = move_step(m->saga, job)) == NULL)
            return finish(m, txn, JOB_UNDONE, err);
        if (needless(step, job)) {
            job->step--;
            fresh_step(job);
            continue;
        }
        if (step->undo != NULL) {
            count_attempt(job, txn, step);
            if (bring(m, txn, step, err) == -1)
                return -1;
            m->begun = true;
            return journal_begin(txn, job, step, STEP_ACTION_UNDO, err);
        }
        if (step->revert != NULL) {
            count_attempt(job, txn, step);
            if (step->revert(txn, job, m->world->context, err) == -1) {
                m->refused = true;
                return -1;
            }
            if ((step->flags & STEP_QUIET) == 0 &&
                journal_note(txn, job, step, STEP_ACTION_REVERT, STEP_DONE, "", err) == -1)
                return -1;
        }
        if (call(m, txn, step->unsettle, err) == -1)
            return -1;
        job->step--;
        fresh_step(job);
        if (m->lone)
            return 0;
    }
}

static int begin(struct move *m, struct txn *txn, struct err *err)
{
    bool forward = !m->job.undo;

    if (forward && begin_forward(m, txn, err) == -1)
        return -1;
    if (forward && m->lone)
        return 0;
    if (m->job.undo && m->job.live && !m->begun)
        return begin_back(m, txn, err);
    return 0;
}

static void set_cause(struct job *job, const struct err *cause)
{
    (void)str_copy(job->cause_class, sizeof job->cause_class, err_kind_name(cause->kind));
    (void)str_copy(job->cause, sizeof job->cause, cause->text);
    (void)str_copy(job->remedy, sizeof job->remedy, cause->hint);
}

/* End the row of the journal; a store step that refused has none yet. */
static int close_row(struct move *m, struct txn *txn, const struct step *step,
                     enum step_outcome outcome, const char *text, struct err *err)
{
    const struct job *job = &m->job;
    enum step_action action = job->undo          ? STEP_ACTION_UNDO
                              : m->result->found ? STEP_ACTION_CHECK
                                                 : STEP_ACTION_MAKE;
    bool store = job->undo ? step->undo == NULL : step->apply != NULL;

    if (store)
        return journal_note(txn, &m->job, step, job->undo ? STEP_ACTION_REVERT : STEP_ACTION_APPLY,
                            outcome, text, err);
    return journal_close(txn, job, action, outcome, text, err) == -1 ? -1 : 0;
}

static int result_ok(struct move *m, struct txn *txn, const struct step *step, struct err *err)
{
    struct job *job = &m->job;
    enum step_outcome outcome = job->undo && m->result->found ? STEP_WAS_ABSENT : STEP_DONE;

    if (close_row(m, txn, step, outcome, m->result->note, err) == -1 ||
        call(m, txn, job->undo ? step->unsettle : step->settle, err) == -1)
        return -1;
    if (!job->undo)
        return passed(m, txn, step, err);
    job->step--;
    fresh_step(job);
    return boundary(m, txn, err);
}

static int result_again(struct move *m, struct txn *txn, const struct step *step, struct err *err)
{
    struct job *job = &m->job;

    if (close_row(m, txn, step, STEP_TRY_AGAIN, m->result->err.text, err) == -1)
        return -1;
    set_cause(job, &m->result->err);
    if (job->cancel && !past_pivot(job))
        return turn(m, txn, err);
    job->state = job->undo ? JOB_UNDOING : JOB_WAITING;
    job->wake_at = txn_time_ms(txn) + m->result->wait_ms;
    job->worker[0] = '\0';
    return 0;
}

/* A failed forward step may have another way: undo down to an earlier step and begin there anew. */
static int fall_back(struct move *m, const struct step *step, struct err *err)
{
    struct job *job = &m->job;
    const char *to = NULL;
    uint64_t falls = kv_get_u64(&job->facts, JOB_FACT_FALLS, 0);

    if (step->fall_back == NULL || falls >= FALLS_MOST || past_pivot(job) ||
        (to = step->fall_back(job, &m->result->err)) == NULL)
        return 0;
    if (kv_set(&job->facts, JOB_FACT_BACK_TO, to) == -1 ||
        kv_set_u64(&job->facts, JOB_FACT_FALLS, falls + 1) == -1)
        return err_set(err, ERR_INTERNAL, "facts_full", "the job's facts are full");
    if (job->intent)
        job->step++;
    job->undo = true;
    job->state = JOB_UNDOING;
    fresh_step(job);
    return 1;
}

static int result_fail(struct move *m, struct txn *txn, const struct step *step, struct err *err)
{
    struct job *job = &m->job;
    int fell = 0;

    if (close_row(m, txn, step, STEP_FAILED, m->result->err.text, err) == -1)
        return -1;
    set_cause(job, &m->result->err);
    if (job->undo)
        return finish(m, txn, JOB_STUCK, err);
    if (!m->no_hooks && !job->cancel && (fell = fall_back(m, step, err)) != 0)
        return fell == -1 ? -1 : 0;
    if (past_pivot(job) || (m->saga->keep_on_fail && !job->cancel))
        return finish(m, txn, JOB_STUCK, err);
    return turn(m, txn, err);
}

static int take_result(struct move *m, struct txn *txn, struct err *err)
{
    const struct step *step = move_step(m->saga, &m->job);

    if (step == NULL)
        return err_set(err, ERR_INTERNAL, "no_step", "job %s stands at no step", m->job.id);
    m->job.facts = m->result->facts;
    m->job.attempt = m->result->attempt;
    switch (m->result->outcome) {
    case OUTCOME_OK:
    case OUTCOME_ABSENT:
        return result_ok(m, txn, step, err);
    case OUTCOME_AGAIN:
        return result_again(m, txn, step, err);
    case OUTCOME_FAIL:
        break;
    }
    return result_fail(m, txn, step, err);
}

/* The failed step was called done by hand: the next one is due. */
static int called_done(struct move *m, struct txn *txn, struct err *err)
{
    struct job *job = &m->job;
    const struct step *step = move_step(m->saga, job);

    if (kv_get(&job->facts, JOB_FACT_CALLED_DONE) == NULL)
        return 0;
    kv_unset(&job->facts, JOB_FACT_CALLED_DONE);
    if (step == NULL)
        return 0;
    if (journal_note(txn, job, step, job->undo ? STEP_ACTION_UNDO : STEP_ACTION_MAKE, STEP_DONE,
                     "called done by hand", err) == -1)
        return -1;
    if (!job->undo)
        return passed(m, txn, step, err);
    job->step--;
    fresh_step(job);
    return 0;
}

static int stuck_for_good(struct move *m, struct txn *txn, const char *what, struct err *err)
{
    struct err cause = {0};

    (void)err_set(&cause, ERR_INTERNAL, "unknown_step", "this program knows no %s of job %s", what,
                  m->job.id);
    (void)err_hint(&cause, "install the version that began it, then retry");
    set_cause(&m->job, &cause);
    return finish(m, txn, JOB_STUCK, err);
}

/* A newer program may have put steps before the one whose intent stands: names hold, not numbers.
 */
static bool realign(struct move *m)
{
    struct job *job = &m->job;

    if (job->step > m->saga->step_count)
        return false;
    if (!job->intent || job->undo)
        return true;
    for (uint32_t i = 0; i < m->saga->step_count; i++) {
        if (str_equal(m->saga->steps[i].name, job->step_name)) {
            job->step = i;
            return true;
        }
    }
    return false;
}

static int claim(struct move *m, struct txn *txn, struct err *err)
{
    struct job *job = &m->job;
    bool first = job->state == JOB_QUEUED;

    if (m->saga == NULL)
        return stuck_for_good(m, txn, "such saga", err);
    if (!realign(m))
        return stuck_for_good(m, txn, "such step", err);
    memcpy(job->worker, m->world->lease, sizeof job->worker);
    job->wake_at = 0;
    if (job->started_at == 0)
        job->started_at = txn_time_ms(txn);
    job->state = job->undo ? JOB_UNDOING : JOB_RUNNING;
    if (journal_close(txn, job, job->undo ? STEP_ACTION_UNDO : STEP_ACTION_MAKE, STEP_TRY_AGAIN,
                      "broken off; it is looked at again", err) == -1)
        return -1;
    if (job->cancel && !past_pivot(job))
        return turn(m, txn, err);
    if (first && call(m, txn, m->saga->begun, err) == -1)
        return -1;
    return called_done(m, txn, err);
}

static bool ours(const struct move *m)
{
    if (m->kind == MOVE_CLAIM)
        return m->job.worker[0] == '\0' || str_equal(m->job.worker, m->world->lease) ||
               !lease_alive(m->job.worker);
    return str_equal(m->job.worker, m->world->lease);
}

static int open_secrets(struct move *m, struct txn *txn, struct err *err)
{
    char name[FINISH_SECRET_NAME_SIZE];
    struct buf plain;
    int found;

    kv_clear(&m->secrets);
    if (m->world->vault == NULL || !m->world->vault->can_open)
        return 0;
    buf_init(&plain, KV_SIZE);
    finish_secret_name(name, &m->job);
    found = secret_get(txn, m->world->vault, name, &plain, err);
    if (found == 1 && kv_load(&m->secrets, plain.data, plain.len) == -1)
        found = err_set(err, ERR_CORRUPT, "job_secrets", "the secrets of job %s are damaged",
                        m->job.id);
    if (plain.data != NULL)
        explicit_bzero(plain.data, plain.cap);
    buf_free(&plain);
    return found == -1 ? -1 : 0;
}

static int change(struct txn *txn, void *arg, struct err *err)
{
    struct move *m = arg;
    struct job *job = &m->job;
    int found;

    m->lost = m->refused = m->begun = m->check_first = false;
    memset(job, 0, sizeof *job);
    memcpy(job->id, m->id, sizeof job->id);
    if ((found = record_get(txn, &job_table, job, err)) == -1)
        return -1;
    if (found == 0 || !job->live || !ours(m)) {
        m->lost = true;
        return 0;
    }
    m->saga = move_saga(m->world, job->saga);
    m->from_step = job->step;
    m->from_undo = job->undo;
    if (open_secrets(m, txn, err) == -1)
        return -1;
    job->updated_at = txn_time_ms(txn);
    if (m->kind == MOVE_CLAIM && claim(m, txn, err) == -1)
        return -1;
    if (m->kind == MOVE_RESULT && take_result(m, txn, err) == -1)
        return -1;
    if (!(m->lone && m->kind != MOVE_BEGIN) && job->live && job->worker[0] != '\0' &&
        begin(m, txn, err) == -1)
        return -1;
    return record_put(txn, &job_table, job, err);
}

int move(struct move *m, struct err *err)
{
    return db_write(m->world->db, change, m, err);
}
