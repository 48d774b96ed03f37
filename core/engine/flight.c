/*
 * What one thread does with one job: call out with no transaction open, then make the move. Apart
 * from the moves because here is everything that can wait or fail on the way, and nothing that
 * decides what is true.
 */
#include "flight.h"

#include <string.h>

#include "clock.h"
#include "crash.h"
#include "log.h"
#include "str.h"
#include "tenant.h"

#define ATTEMPTS_DEFAULT 12

struct flight *flight_new(const char *id)
{
    struct flight *f = calloc(1, sizeof *f);

    if (f != NULL && str_copy(f->id, sizeof f->id, id) == -1) {
        free(f);
        return NULL;
    }
    if (f != NULL)
        buf_init(&f->text, STEP_TEXT_MAX);
    return f;
}

void flight_free(struct flight *f)
{
    if (f == NULL)
        return;
    explicit_bzero(&f->secrets, sizeof f->secrets);
    buf_free(&f->text);
    free(f);
}

/* A crash point that is named by saga and step: step.<saga>.<step>.<what>. */
static void crash_at(const struct saga *saga, const struct step *step, const char *what)
{
#ifdef SETT_CRASH_POINTS
    char name[128];

    if (saga == NULL || step == NULL ||
        str_format(name, sizeof name, "step.%s.%s.%s", saga->name, step->name, what) == -1)
        return;
    crash_point(name);
#else
    (void)saga;
    (void)step;
    (void)what;
#endif
}

/* The points after a commit that took the job from ${before} to where it is now. */
static void crash_after(const struct flight *f, uint32_t before, bool was_undo)
{
    if (f->saga == NULL)
        return;
    for (uint32_t i = before; !was_undo && i < f->job.step && i < f->saga->step_count; i++)
        crash_at(f->saga, &f->saga->steps[i], "result");
    for (uint32_t i = before; was_undo && i > f->job.step && i <= f->saga->step_count; i--)
        crash_at(f->saga, &f->saga->steps[i - 1], "undone");
    if (f->begun)
        crash_at(f->saga, move_step(f->saga, &f->job), f->job.undo ? "undo_intent" : "intent");
    if (!f->job.live)
        CP("engine.ended");
}

/* Trouble of the store itself (full, busy) passes; nothing of the job is decided by it. */
static bool store_trouble(const struct move *m, const struct err *err)
{
    return !m->refused || err->kind == ERR_FULL || err->kind == ERR_UNAVAILABLE;
}

static void wait_for_store(const struct flight_world *w, struct flight *f, const struct err *err)
{
    if (f->store_trouble++ == 0)
        log_event(LOG_STORE_WAIT, LOG_LEVEL_WARNING, "job %s waits for the store: %s", f->id,
                  err->text);
    f->due_ms = clock_mono_ms() + backoff_ms(&w->backoff, ERR_NETWORK,
                                             f->store_trouble < 5 ? f->store_trouble : 5, 0);
    f->paused = true;
}

/* The log is read by names. By a look of its own: a tenant that cannot be read holds no job up. */
static void find_tenant(const struct flight_world *w, struct flight *f)
{
    static const char subject[] = "tenant:";
    struct tenant tenant = {0};
    struct txn *txn;
    struct err err;

    if (db_read(&txn, w->moves.db, &err) == -1)
        return;
    for (size_t i = 0; i < JOB_SUBJECTS; i++)
        if (str_starts(f->job.subjects[i], subject) &&
            str_copy(tenant.id, sizeof tenant.id, f->job.subjects[i] + sizeof subject - 1) == 0 &&
            record_get(txn, &tenant_table, &tenant, &err) == 1)
            (void)str_copy(f->tenant, sizeof f->tenant, tenant.subdomain);
    db_read_end(txn);
}

/* Whose job it is, for the log. */
static void tell_log(const struct flight *f)
{
    static const char tenant[] = "tenant:";
    struct log_about about = {0};

    (void)str_copy(about.job, sizeof about.job, f->id);
    (void)str_copy(about.request, sizeof about.request, f->job.request_id);
    for (size_t i = 0; i < JOB_SUBJECTS; i++)
        if (str_starts(f->job.subjects[i], tenant))
            (void)str_copy(about.tenant_id, sizeof about.tenant_id,
                           f->job.subjects[i] + sizeof tenant - 1);
    (void)str_copy(about.tenant, sizeof about.tenant, f->tenant);
    log_about(&about);
}

static void note_move(struct flight *f, const struct move *m)
{
    bool was_claimed = f->claimed;
    int64_t gone = m->job.updated_at - m->job.step_at;

    f->store_trouble = 0;
    f->claimed = true;
    f->begun = m->begun;
    f->check_first = m->check_first;
    f->saga = m->saga;
    f->job = m->job;
    f->secrets = m->secrets;
    f->step_ms = clock_mono_ms() - (gone > 0 ? gone : 0);
    tell_log(f);
    if (!f->job.live && (f->job.state == JOB_DONE || f->job.state == JOB_UNDONE))
        log_event(LOG_JOB_ENDED, LOG_LEVEL_INFO, "job %s (%s) is %s", f->id, f->job.saga,
                  job_state_names[f->job.state]);
    if (f->begun)
        f->careful = false;
    if (!was_claimed)
        CP("engine.claimed");
    crash_after(f, m->from_step, m->from_undo);
}

/* Make one move. Return 1 when made, 0 when the flight is over or paused, -1 when refused with the
 * saga's word in ${err}. */
static int make_move(const struct flight_world *w, struct flight *f, struct move *m,
                     struct err *err)
{
    bool was_claimed;

    m->world = &w->moves;
    m->result = &f->result;
    m->text = &f->text;
    memcpy(m->id, f->id, sizeof m->id);
    was_claimed = f->claimed;
    if (move(m, err) == -1) {
        if (!store_trouble(m, err))
            return -1;
        wait_for_store(w, f, err);
        return 0;
    }
    if (m->lost) {
        f->begun = f->claimed = false;
        return 0;
    }
    if (!was_claimed) {
        f->job = m->job;
        find_tenant(w, f);
    }
    note_move(f, m);
    return 1;
}

static void fail_with(struct flight *f, const struct err *cause)
{
    f->result.outcome = OUTCOME_FAIL;
    f->result.found = false;
    f->result.attempt = f->job.attempt;
    f->result.facts = f->job.facts;
    f->result.err = *cause;
    f->result.note[0] = '\0';
    f->result_due = true;
}

/* A store step refused: wait for another job's subjects, or call the step failed. */
static void refused_store_step(const struct flight_world *w, struct flight *f, const struct move *m,
                               const struct err *cause)
{
    const struct step *step = move_step(m->saga, &m->job);
    uint32_t most = step->attempts == 0 ? ATTEMPTS_DEFAULT : step->attempts;

    fail_with(f, cause);
    f->result.attempt = m->job.attempt;
    if (cause->kind != ERR_CONFLICT || !str_equal(cause->code, "busy") || m->job.attempt >= most)
        return;
    f->result.outcome = OUTCOME_AGAIN;
    f->result.wait_ms = backoff_ms(&w->backoff, cause->kind, m->job.attempt, cause->retry_after_s);
}

/* Claim the job, or begin its next step. Return as make_move, never -1. */
static int go_on(const struct flight_world *w, struct flight *f)
{
    struct move *m = calloc(1, sizeof *m);
    struct err err = {0};
    int made;

    if (m == NULL) {
        (void)err_set(&err, ERR_UNAVAILABLE, "no_memory", "no memory");
        wait_for_store(w, f, &err);
        return 0;
    }
    m->kind = f->claimed ? MOVE_BEGIN : MOVE_CLAIM;
    m->lone = f->careful;
    made = make_move(w, f, m, &err);
    if (made == -1 && !f->careful) { /* step by step, to see which it is */
        f->careful = true;
        made = 1;
    } else if (made == -1 && m->kind == MOVE_BEGIN && move_step(m->saga, &m->job) != NULL) {
        refused_store_step(w, f, m, &err);
        made = 1;
    } else if (made == -1) { /* a hook refused where no step stands for it */
        log_event(LOG_JOB_REFUSED, LOG_LEVEL_ERROR, "job %s: %s refuses: %s", f->id, m->job.saga,
                  err.text);
        m->no_hooks = true;
        if ((made = make_move(w, f, m, &err)) == -1) {
            wait_for_store(w, f, &err);
            made = 0;
        }
    }
    explicit_bzero(&m->secrets, sizeof m->secrets);
    free(m);
    return made;
}

/* Commit the result. First together with the next step; if something refuses, alone; if the step's
 * own settling refuses, as a failure; and if even the hooks of failure refuse, without them. */
static int commit_result(const struct flight_world *w, struct flight *f)
{
    struct move *m = calloc(1, sizeof *m);
    struct err err = {0};
    int made = -1;

    if (m == NULL) {
        (void)err_set(&err, ERR_UNAVAILABLE, "no_memory", "no memory");
        wait_for_store(w, f, &err);
        return 0;
    }
    m->kind = MOVE_RESULT;
    for (unsigned rung = 0; rung < 4 && made == -1; rung++) {
        m->lone = rung > 0;
        m->no_hooks = rung == 3;
        if (rung == 1)
            f->careful = true;
        if (rung == 2 && f->result.outcome != OUTCOME_FAIL) {
            f->result.outcome = OUTCOME_FAIL; /* with its facts: undo needs them */
            f->result.err = err;
        }
        if (rung == 3)
            log_event(LOG_JOB_REFUSED, LOG_LEVEL_ERROR, "job %s: %s refuses: %s", f->id,
                      f->job.saga, err.text);
        made = make_move(w, f, m, &err);
    }
    if (made == -1) {
        wait_for_store(w, f, &err);
        made = 0;
    }
    if (made == 1 || !f->paused)
        f->result_due = false;
    if (made == 1 && f->job.state == JOB_STUCK)
        log_event(LOG_JOB_STUCK, LOG_LEVEL_ERROR, "job %s (%s) is stuck at %s: %s", f->id,
                  f->job.saga, f->job.step_name, f->job.cause);
    explicit_bzero(&m->secrets, sizeof m->secrets);
    free(m);
    return made;
}

static enum outcome call_step(const struct flight_world *w, struct flight *f,
                              const struct step *step, step_outside *function, const char *after,
                              uint32_t *wait_ms)
{
    struct step_call call = {
        .job = &f->job,
        .facts = &f->result.facts,
        .secret = &f->secrets,
        .text = step->bring == NULL ? NULL : buf_string(&f->text),
        .outside = w->outside,
        .attempt = f->job.attempt,
        .elapsed_ms = clock_mono_ms() - f->step_ms,
    };
    enum outcome outcome;

    err_clear(&f->result.err);
    outcome = function(&call, &f->result.err);
    crash_at(f->saga, step, after);
    memcpy(f->result.note, call.note, sizeof f->result.note);
    *wait_ms = call.wait_ms;
    return outcome;
}

/* AGAIN that has come too often or for too long is a failure with the same cause. */
static bool enough(const struct flight *f, const struct step *step)
{
    uint32_t most = step->attempts == 0 ? ATTEMPTS_DEFAULT : step->attempts;

    return f->job.attempt >= most || (step->timeout_s != 0 && clock_mono_ms() - f->step_ms >=
                                                                  (int64_t)step->timeout_s * 1000);
}

static void default_cause(struct flight *f, const struct step *step)
{
    if (f->result.err.kind != ERR_NONE)
        return;
    (void)err_set(&f->result.err, ERR_TIMEOUT, "step_not_done", "step %s did not come to pass",
                  step->name);
}

/* Call the present step and fill f->result. Return true when it is to be committed, false when the
 * flight pauses and the same step is asked again. */
static bool call_out(const struct flight_world *w, struct flight *f)
{
    const struct step *step = move_step(f->saga, &f->job);
    struct move_result *r = &f->result;
    uint32_t wait_ms = 0;

    r->facts = f->job.facts;
    r->found = false;
    r->attempt = f->job.attempt;
    r->outcome = OUTCOME_ABSENT;
    if (f->job.undo) {
        r->outcome = call_step(w, f, step, step->undo, "undo_called", &wait_ms);
        r->found = r->outcome == OUTCOME_ABSENT;
    } else {
        if (f->check_first) {
            r->outcome = call_step(w, f, step, step->check, "checked", &wait_ms);
            r->found = r->outcome == OUTCOME_OK;
        }
        if (r->outcome == OUTCOME_ABSENT)
            r->outcome = call_step(w, f, step, step->make, "called", &wait_ms);
    }
    if (r->outcome == OUTCOME_OK || r->outcome == OUTCOME_ABSENT)
        return true;
    default_cause(f, step);
    if (r->outcome == OUTCOME_FAIL)
        return true;
    if (enough(f, step)) {
        r->outcome = OUTCOME_FAIL;
        return true;
    }
    if (wait_ms == 0)
        wait_ms = backoff_ms(&w->backoff, r->err.kind, f->job.attempt, r->err.retry_after_s);
    r->wait_ms = wait_ms;
    if (wait_ms >= w->short_wait_ms)
        return true;
    f->due_ms = clock_mono_ms() + wait_ms;
    f->paused = true;
    f->check_first = step->check != NULL; /* the attempt may have had its effect */
    f->job.facts = r->facts;
    f->job.attempt++;
    return false;
}

/* Whether somebody has asked, while we paused within a step, to turn the job round. */
static bool cancelled(const struct flight_world *w, struct flight *f)
{
    struct job *job;
    struct txn *txn;
    struct err err = {0};
    bool wanted = false;

    if (f->job.undo || kv_get(&f->job.facts, JOB_FACT_PIVOT) != NULL)
        return false;
    if ((job = calloc(1, sizeof *job)) == NULL)
        return false;
    memcpy(job->id, f->id, sizeof job->id);
    if (db_read(&txn, w->moves.db, &err) == 0) {
        wanted = record_get(txn, &job_table, job, &err) == 1 && job->cancel;
        db_read_end(txn);
    }
    free(job);
    return wanted;
}

/* After a pause within a step: has it become pointless to ask again? Then its AGAIN is committed,
 * and the move turns the job round. */
static void resume(const struct flight_world *w, struct flight *f)
{
    f->paused = false;
    if (f->result_due || !f->begun || !cancelled(w, f))
        return;
    f->result.outcome = OUTCOME_AGAIN;
    f->result.attempt = f->job.attempt;
    f->result.wait_ms = 0;
    f->result_due = true;
}

enum flight_state flight_run(const struct flight_world *w, struct flight *f)
{
    if (f->paused)
        resume(w, f);
    tell_log(f);
    while (!w->stopping(w->stopping_arg)) {
        int made = 1;

        if (f->result_due)
            made = commit_result(w, f);
        else if (!f->claimed || !f->begun)
            made = go_on(w, f);
        else if ((f->result_due = call_out(w, f)))
            continue;
        if (f->paused)
            return FLIGHT_PAUSE;
        if (made == 0 || (f->claimed && (!f->job.live || f->job.worker[0] == '\0')))
            return FLIGHT_OVER;
    }
    return FLIGHT_OVER;
}
