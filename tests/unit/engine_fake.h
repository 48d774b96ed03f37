#ifndef SETT_ENGINE_FAKE_H
#define SETT_ENGINE_FAKE_H
/*
 * Sagas whose steps do as a job's arguments say. Argument "make_b=fail" makes step b's make fail:
 *   fail       FAIL, class network
 *   quota      FAIL, class quota
 *   until_fix  FAIL until the file "fix" is there
 *   again_N    AGAIN before the attempt N
 *   later      AGAIN with a wait of 3 s until the file "fix" is there
 *   never      AGAIN, always
 *   silent     AGAIN, always, with no cause
 *   lost       the effect comes about, the answer is lost: AGAIN once
 *   wait_go    waits for the file "go" (at most 10 s), then does it
 *   die_before, die_after   the process kills itself before or after the effect, once
 * The same with check_b and undo_b; store steps know apply_s=fail, apply_s=busy_N, and
 * apply_s=second (it fails once the job has fallen back), apply_s=full_until_fix (the disk is full
 * until the file "fix" is there; context: the folder), revert_s=fail. hook=NAME: that hook refuses.
 */
#include <signal.h>
#include "engine_world.h"
#include "audit.h"
#include "setting.h"

static inline const char *fake_order(const struct job *job, const char *verb, const char *step)
{
    char name[48];

    assert_int_equal(str_format(name, sizeof name, "%s_%s", verb, step), 0);
    return kv_get_or(&job->args, name, "");
}

static inline bool fake_file(const char *folder, const char *name)
{
    char path[300];

    assert_int_equal(str_format(path, sizeof path, "%s/%s", folder, name), 0);
    return access(path, F_OK) == 0;
}

/* Die once: the second time the mark is there. */
static inline void fake_die(const char *folder, const char *name)
{
    char path[300];
    int fd;

    assert_int_equal(str_format(path, sizeof path, "%s/died-%s", folder, name), 0);
    if ((fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) == -1)
        return;
    close(fd);
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

static inline enum outcome fake_refusal(const struct step_call *call, const char *order,
                                        const char *step, struct err *err)
{
    const char *folder = call->outside->folder;
    uint64_t n = 0;

    if (str_equal(order, "fail") || (str_equal(order, "until_fix") && !fake_file(folder, "fix"))) {
        (void)err_set(err, ERR_NETWORK, "fake", "step %s is told to fail", step);
        (void)err_hint(err, "tell it otherwise");
        return OUTCOME_FAIL;
    }
    if (str_equal(order, "quota")) {
        (void)err_set(err, ERR_QUOTA, "fake_quota", "step %s has no room", step);
        return OUTCOME_FAIL;
    }
    if (str_equal(order, "silent")) /* AGAIN without a word why */
        return OUTCOME_AGAIN;
    if (str_equal(order, "never") || (str_starts(order, "again_") &&
                                      str_u64(order + 6, 1, 1000, &n) == 0 && call->attempt < n)) {
        (void)err_set(err, ERR_NETWORK, "fake", "step %s is not there yet", step);
        return OUTCOME_AGAIN;
    }
    return OUTCOME_OK;
}

static inline void fake_name(char out[160], const struct job *job, const char *step)
{
    const char *colon = strchr(job->subjects[0], ':');

    assert_int_equal(str_format(out, 160, "%s.%s", colon == NULL ? "" : colon + 1, step), 0);
}

static inline enum outcome fake_make(struct step_call *call, const char *step, struct err *err)
{
    const char *order = fake_order(call->job, "make", step), *folder = call->outside->folder;
    enum outcome refusal = fake_refusal(call, order, step, err);
    char name[160], fact[40];
    int64_t until = clock_mono_ms() + 10000;

    fake_name(name, call->job, step);
    if (refusal != OUTCOME_OK)
        return refusal;
    if (str_equal(order, "later") && !fake_file(folder, "fix")) {
        call->wait_ms = 3000;
        (void)err_set(err, ERR_RATE, "fake_later", "step %s comes later", step);
        return OUTCOME_AGAIN;
    }
    while (str_equal(order, "wait_go") && !fake_file(folder, "go") && clock_mono_ms() < until)
        clock_sleep_ms(2);
    if (str_equal(order, "die_before"))
        fake_die(folder, name);
    if (!effect_make(folder, name))
        ledger(folder, "again", name);
    if (str_equal(order, "die_after"))
        fake_die(folder, name);
    if (str_equal(order, "lost") && call->attempt == 1) {
        (void)err_set(err, ERR_TIMEOUT, "fake_lost", "the answer of step %s was lost", step);
        return OUTCOME_AGAIN;
    }
    assert_int_equal(str_format(fact, sizeof fact, "made_%s", step), 0);
    assert_int_equal(kv_set(call->facts, fact, "yes"), 0);
    assert_int_equal(str_format(call->note, sizeof call->note, "made %s", name), 0);
    return OUTCOME_OK;
}

static inline enum outcome fake_check(struct step_call *call, const char *step, struct err *err)
{
    char name[160], fact[40];

    (void)err;
    fake_name(name, call->job, step);
    ledger(call->outside->folder, "check", name);
    if (!effect_there(call->outside->folder, name))
        return OUTCOME_ABSENT;
    assert_int_equal(str_format(fact, sizeof fact, "made_%s", step), 0);
    assert_int_equal(kv_set(call->facts, fact, "yes"), 0);
    return OUTCOME_OK;
}

static inline enum outcome fake_undo(struct step_call *call, const char *step, struct err *err)
{
    const char *order = fake_order(call->job, "undo", step);
    enum outcome refusal = fake_refusal(call, order, step, err);
    char name[160];

    fake_name(name, call->job, step);
    if (refusal != OUTCOME_OK)
        return refusal;
    if (str_equal(order, "die_before"))
        fake_die(call->outside->folder, name);
    if (!effect_remove(call->outside->folder, name))
        return OUTCOME_ABSENT;
    if (str_equal(order, "die_after"))
        fake_die(call->outside->folder, name);
    return OUTCOME_OK;
}

/* A store step's effect is a record of the settings' table. */
static inline void fake_record(struct setting *out, const struct job *job, const char *step)
{
    char name[160];

    memset(out, 0, sizeof *out);
    fake_name(name, job, step);
    assert_int_equal(str_copy(out->name, sizeof out->name, name), 0);
}

static inline int fake_apply(struct txn *txn, struct job *job, const char *step, const char *folder,
                             struct err *err)
{
    const char *order = fake_order(job, "apply", step);
    struct setting record;
    uint64_t n;

    fake_record(&record, job, step);
    (void)str_copy(record.value, sizeof record.value, "applied");
    if (record_insert(txn, &setting_table, &record, err) == -1)
        return -1;
    if (str_equal(order, "fail") ||
        (str_equal(order, "second") && kv_get(&job->facts, JOB_FACT_FALLS) != NULL))
        return err_set(err, ERR_QUOTA, "fake_store", "step %s is told to fail", step);
    if (str_equal(order, "full_until_fix") && !fake_file(folder, "fix"))
        return err_set(err, ERR_FULL, "fake_full", "the disk is full");
    if (str_starts(order, "busy_") && str_u64(order + 5, 1, 1000, &n) == 0 && job->attempt < n)
        return err_set(err, ERR_CONFLICT, "busy", "step %s waits for another job", step);
    return kv_set(&job->facts, "applied", step);
}

static inline int fake_revert(struct txn *txn, struct job *job, const char *step, struct err *err)
{
    struct setting record;

    if (str_equal(fake_order(job, "revert", step), "fail"))
        return err_set(err, ERR_CONFLICT, "fake_revert", "step %s cannot be taken back", step);
    fake_record(&record, job, step);
    return record_delete(txn, &setting_table, &record, err) == -1 ? -1 : 0;
}

#define FAKE_OUTSIDE(step_)                                                                        \
    static enum outcome step_##_make(struct step_call *call, struct err *err)                      \
    {                                                                                              \
        return fake_make(call, #step_, err);                                                       \
    }                                                                                              \
    static enum outcome step_##_check(struct step_call *call, struct err *err)                     \
    {                                                                                              \
        return fake_check(call, #step_, err);                                                      \
    }                                                                                              \
    static enum outcome step_##_undo(struct step_call *call, struct err *err)                      \
    {                                                                                              \
        return fake_undo(call, #step_, err);                                                       \
    }
#define FAKE_STORE(step_)                                                                          \
    static int step_##_apply(struct txn *txn, struct job *job, void *context, struct err *err)     \
    {                                                                                              \
        return fake_apply(txn, job, #step_, context, err);                                         \
    }                                                                                              \
    static int step_##_revert(struct txn *txn, struct job *job, void *context, struct err *err)    \
    {                                                                                              \
        (void)context;                                                                             \
        return fake_revert(txn, job, #step_, err);                                                 \
    }

FAKE_OUTSIDE(a)
FAKE_OUTSIDE(b)
FAKE_OUTSIDE(c)
FAKE_STORE(s)
FAKE_STORE(t)

/* What the store knows of a made effect: settled with its step, unsettled with its undo. */
static inline int b_settle(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct setting record;

    (void)context;
    fake_record(&record, job, "settled");
    if (str_equal(fake_order(job, "settle", "b"), "fail"))
        return err_set(err, ERR_INTERNAL, "fake_settle", "settle is told to fail");
    return record_put(txn, &setting_table, &record, err);
}

static inline int b_unsettle(struct txn *txn, struct job *job, void *context, struct err *err)
{
    struct setting record;

    (void)context;
    fake_record(&record, job, "settled");
    return record_delete(txn, &setting_table, &record, err) == -1 ? -1 : 0;
}

static inline int b_prepare(struct txn *txn, struct job *job, void *context, struct kv *secrets,
                            struct err *err)
{
    (void)txn;
    (void)context;
    if (str_equal(fake_order(job, "prepare", "b"), "fail"))
        return err_set(err, ERR_INVALID, "fake_prepare", "prepare is told to fail");
    if (kv_get(secrets, "b") != NULL)
        return 0;
    return kv_set(secrets, "b", "a secret that cannot be read back");
}

/* After a full quota: begin again from the store step s, which then marks the job. */
static inline const char *c_fall_back(const struct job *job, const struct err *err)
{
    return err->kind == ERR_QUOTA && kv_get_u64(&job->facts, JOB_FACT_FALLS, 0) < 2 ? "s" : NULL;
}

static inline bool a_needless(const struct job *job)
{
    return str_equal(kv_get_or(&job->args, "without", ""), "a");
}

static inline bool c_needless(const struct job *job)
{
    return str_equal(kv_get_or(&job->args, "without", ""), "c");
}

/* Counts the calls of the saga's hooks in a record. */
static inline int fake_hook(struct txn *txn, struct job *job, const char *name, struct err *err)
{
    struct setting record;
    int found;
    size_t len;

    if (str_equal(kv_get_or(&job->args, "hook", ""), name))
        return err_set(err, ERR_CORRUPT, "fake_hook", "the hook %s is told to refuse", name);
    fake_record(&record, job, "hooks");
    if ((found = record_get(txn, &setting_table, &record, err)) == -1)
        return -1;
    len = strlen(record.value);
    if (str_format(record.value + len, sizeof record.value - len, "%s ", name) == -1)
        return err_set(err, ERR_INTERNAL, "fake_hook", "too many hooks");
    return record_put(txn, &setting_table, &record, err);
}

static inline int fake_begun(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return fake_hook(txn, job, job->undo ? "turned" : "begun", err);
}

static inline int fake_ended(struct txn *txn, struct job *job, void *context, struct err *err)
{
    (void)context;
    return fake_hook(txn, job, job_state_names[job->state], err);
}

/* s a b t c: two store steps among three outside ones. */
static const struct step fake_steps[] = {
    {.name = "s", .title = "S", .apply = s_apply, .revert = s_revert},
    {.name = "a",
     .title = "A",
     .check = a_check,
     .make = a_make,
     .undo = a_undo,
     .needless = a_needless},
    {.name = "b",
     .title = "B",
     .check = b_check,
     .make = b_make,
     .undo = b_undo,
     .prepare = b_prepare,
     .settle = b_settle,
     .unsettle = b_unsettle,
     .attempts = 6},
    {.name = "t", .title = "T", .apply = t_apply, .revert = t_revert},
    {.name = "c",
     .title = "C",
     .check = c_check,
     .make = c_make,
     .undo = c_undo,
     .fall_back = c_fall_back,
     .needless = c_needless},
};
static const struct step fake_pivot_steps[] = {
    {.name = "a", .title = "A", .check = a_check, .make = a_make, .undo = a_undo},
    {.name = "b",
     .title = "B",
     .check = b_check,
     .make = b_make,
     .undo = b_undo,
     .flags = STEP_PIVOT},
    {.name = "c",
     .title = "C",
     .check = c_check,
     .make = c_make,
     .undo = c_undo,
     .timeout_s = 1,
     .attempts = STEP_ATTEMPTS_ENDLESS},
};
static const struct saga fake_undoing = {.name = "fake.undoing",
                                         .title = "Undone on failure",
                                         .subject = "tenant",
                                         .steps = fake_steps,
                                         .step_count = 5,
                                         .begun = fake_begun,
                                         .ended = fake_ended};
static const struct saga fake_keeping = {.name = "fake.keeping",
                                         .title = "Kept on failure",
                                         .subject = "tenant",
                                         .steps = fake_steps,
                                         .step_count = 5,
                                         .begun = fake_begun,
                                         .ended = fake_ended,
                                         .keep_on_fail = true};
static const struct saga fake_pivot = {.name = "fake.pivot",
                                       .title = "With a pivot",
                                       .subject = "tenant",
                                       .steps = fake_pivot_steps,
                                       .step_count = 3};
static const struct saga *const fake_sagas[] = {&fake_undoing, &fake_keeping, &fake_pivot};

static inline void world_engine_with(struct world *w, const char *wake_sock, unsigned threads,
                                     uint32_t short_wait_ms)
{
    struct err err = {0};
    struct engine_setup setup = {
        .db = w->db,
        .sagas = fake_sagas,
        .saga_count = 3,
        .outside = &w->outside,
        .context = w->outside.folder,
        .vault = &w->vault,
        .wake_sock = wake_sock,
        .threads = threads,
        .backoff_min_ms = 2,
        .backoff_max_ms = 20,
        .short_wait_ms = short_wait_ms,
    };

    if (engine_start(&w->engine, &setup, &err) == -1)
        fail_msg("engine_start: %s", err.text);
}

static inline void world_engine(struct world *w)
{
    world_engine_with(w, "", 4, 2000);
}

/* ---- what the tests of the engine do to it ---- */

static inline int engine_set_up(void **state)
{
    *state = world_new();
    return 0;
}

static inline int engine_tear_down(void **state)
{
    world_end(*state);
    return 0;
}

static inline void engine_touch(struct world *w, const char *name)
{
    int fd = open(world_path(w, name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_int_not_equal(fd, -1);
    close(fd);
}

static inline void engine_start_job(struct world *w, const char *saga, const char *subject,
                                    const char *args, char id[ID_SIZE])
{
    struct err err = {0};

    if (start_job(w, saga, subject, args, id, &err) == -1)
        fail_msg("start: %s", err.text);
    if (w->engine != NULL)
        engine_wake(w->engine);
}

static inline void engine_steer_job(struct world *w, const char *id, char how)
{
    struct err err = {0};

    if (steer(w, id, how, &err) == -1)
        fail_msg("steer %c: %s", how, err.text);
    engine_wake(w->engine);
}

#endif
